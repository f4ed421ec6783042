//! The program of a command line: its first word, quotes removed, arguments never kept.
//!
//! Called by `crontab`, `keyfile` and `unit`. Arguments may hold secrets, so nothing here
//! returns them. Must not know where a command line stood.

use super::text::clip;

/// How a backslash is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escapes {
    /// As in sh(1): the next byte stands for itself; inside '…' nothing is special.
    Shell,
    /// As in systemd.syntax(7): `\n`, `\x2f`, `\057` and their kin, inside quotes too.
    Systemd,
}

/// First word of a command line, and what follows it. `None`: there is none, a quote is not
/// closed, or the line ends in a backslash.
pub fn first_word(line: &[u8], escapes: Escapes) -> Option<(Vec<u8>, &[u8])> {
    let (mut rest, _) = clip(line.trim_ascii_start());
    let (mut word, mut open, mut any) = (Vec::new(), None, false);
    while let Some((byte, tail)) = rest.split_first() {
        match (*byte, open) {
            (byte, None) if byte.is_ascii_whitespace() => break,
            (quote @ (b'"' | b'\''), None) => open = Some(quote),
            (byte, Some(quote)) if byte == quote => open = None,
            (b'\\', Some(b'\'')) if escapes == Escapes::Shell => word.push(b'\\'),
            (b'\\', _) => {
                let (byte, tail) = escaped(tail, escapes)?;
                word.push(byte);
                (rest, any) = (tail, true);
                continue;
            }
            (byte, _) => word.push(byte),
        }
        (rest, any) = (tail, true);
    }
    (any && open.is_none() && !word.is_empty()).then_some((word, rest))
}

/// The program behind `env` and leading `NAME=value` words, as launchers of desktops write them.
pub fn program(line: &[u8]) -> Option<Vec<u8>> {
    let (mut word, mut rest) = first_word(line, Escapes::Shell)?;
    if word == b"env" || word.ends_with(b"/env") {
        let Some(behind) = first_word(rest, Escapes::Shell) else { return Some(word) };
        // An option of env(1) may take the next word: then nobody knows which is the program.
        if behind.0.starts_with(b"-") {
            return Some(word);
        }
        (word, rest) = behind;
    }
    while is_assignment(&word) {
        let Some(behind) = first_word(rest, Escapes::Shell) else { return Some(word) };
        (word, rest) = behind;
    }
    Some(word)
}

/// `NAME=value`; a path may hold `=` too.
fn is_assignment(word: &[u8]) -> bool {
    let name = word.split(|c| *c == b'=').next().unwrap_or_default();
    name.len() < word.len()
        && !name.is_empty()
        && name.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'_')
}

fn escaped(tail: &[u8], escapes: Escapes) -> Option<(u8, &[u8])> {
    let (byte, rest) = tail.split_first()?;
    if escapes == Escapes::Shell {
        return Some((*byte, rest));
    }
    let plain = match byte {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b's' => b' ',
        b't' => b'\t',
        b'v' => 0x0b,
        b'x' => return digits(rest, 2, 16),
        b'0'..=b'7' => return digits(tail, 3, 8),
        other => *other,
    };
    Some((plain, rest))
}

fn digits(bytes: &[u8], count: usize, radix: u32) -> Option<(u8, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(count)?;
    let value = u8::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()?;
    (value != 0).then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(line: &[u8], escapes: Escapes) -> Option<Vec<u8>> {
        first_word(line, escapes).map(|(word, _)| word)
    }

    #[test]
    fn words_of_the_shell() {
        for (line, want) in [
            (&b"  /opt/a --secret=1"[..], &b"/opt/a"[..]),
            (b"\"/opt/a b\" x", b"/opt/a b"),
            (b"'/opt/a\\b'c\td", b"/opt/a\\bc"),
            (b"/opt/a\\ b x", b"/opt/a b"),
            (b"/opt/\xff x", b"/opt/\xff"),
        ] {
            assert_eq!(word(line, Escapes::Shell).as_deref(), Some(want), "{line:?}");
        }
        for bad in [&b""[..], b"  ", b"\"a", b"'a", b"a\\", b"''"] {
            assert_eq!(word(bad, Escapes::Shell), None, "{bad:?}");
        }
    }

    #[test]
    fn words_of_systemd() {
        let got = word(b"\"/opt/a\\x20b\\057c\\sd\" --x", Escapes::Systemd);
        assert_eq!(got.as_deref(), Some(&b"/opt/a b/c d"[..]));
        for bad in [&b"/a\\x"[..], b"/a\\xzz", b"/a\\x00", b"/a\\09", b"/a\\777"] {
            assert_eq!(word(bad, Escapes::Systemd), None, "{bad:?}");
        }
    }

    #[test]
    fn programs_behind_env() {
        for (line, want) in [
            (&b"env A=1 B=2 /snap/bin/x %U"[..], &b"/snap/bin/x"[..]),
            (b"/usr/bin/env x", b"x"),
            (b"/usr/bin/env -S x", b"/usr/bin/env"),
            (b"A='b c' x y", b"x"),
            (b"/opt/a=b/x", b"/opt/a=b/x"),
            (b"env", b"env"),
        ] {
            assert_eq!(program(line).as_deref(), Some(want), "{line:?}");
        }
    }

    #[test]
    fn huge_lines_stay_cheap() {
        assert_eq!(word(&vec![b'x'; 32 << 20], Escapes::Shell).unwrap().len(), super::super::text::MAX_VALUE);
        assert!(program(&b"a=b ".repeat(1 << 20)).is_some());
    }
}
