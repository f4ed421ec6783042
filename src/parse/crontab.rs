//! Crontabs: whose program is started on a schedule; crontab(5) of cronie and Vixie cron.
//!
//! Called by the source of autostarts. Must not keep arguments, environment or times.

use memchr::memchr;

use super::At;
use super::Parsed;
use super::command::Escapes;
use super::command::first_word;
use super::text::lines;

/// Whether each line names a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `/etc/crontab` and `/etc/cron.d/*`: a user stands before the command.
    System,
    /// `/var/spool/cron/*`: all lines run as the owner of the file.
    User,
    /// `/etc/anacrontab`: period, delay and a name stand before the command; anacrontab(5).
    Anacron,
}

/// One line that starts a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job<'a> {
    /// Line, from 1.
    pub line: usize,
    /// User column, in system crontabs.
    pub user: Option<&'a [u8]>,
    /// First word of the command, and nothing else of it.
    pub program: Vec<u8>,
    /// `@reboot`: started with the machine.
    pub at_boot: bool,
}

/// Jobs of a crontab.
pub fn crontab(bytes: &[u8], kind: Kind) -> Parsed<Job<'_>> {
    let mut out = Parsed::default();
    for (line, row) in lines(bytes) {
        let row = row.trim_ascii();
        if row.is_empty() || row.starts_with(b"#") || is_setting(row) {
            continue;
        }
        match job(line, row, kind) {
            Some(job) => out.records.push(job),
            None => out.fault(At::Line(line), "neither a job nor a setting"),
        }
    }
    // cron ignores a crontab whose last line has no end.
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        out.fault(At::Whole, "the last line has no end: truncated");
    }
    out
}

fn job(line: usize, row: &[u8], kind: Kind) -> Option<Job<'_>> {
    let mut rest = row;
    let times = match kind {
        Kind::Anacron => 2,
        _ if row.starts_with(b"@") => 1,
        _ => 5,
    };
    for _ in 0..times {
        let (word, tail) = column(rest)?;
        word.iter().all(|c| c.is_ascii_alphanumeric() || b"*,-/~@".contains(c)).then_some(())?;
        rest = tail;
    }
    if kind == Kind::Anacron {
        rest = column(rest)?.1;
    }
    let mut user = None;
    if kind == Kind::System {
        let (word, tail) = column(rest)?;
        (user, rest) = (Some(word), tail);
    }
    let program = match first_word(rest, Escapes::Shell) {
        Some((word, _)) => word,
        // A quote that closes on no line of ours still starts something: show where.
        None => column(rest).map(|(word, _)| word.to_vec())?,
    };
    (!program.contains(&0)).then_some(())?;
    Some(Job { line, user, program, at_boot: row.starts_with(b"@reboot") })
}

fn column(row: &[u8]) -> Option<(&[u8], &[u8])> {
    let row = row.trim_ascii_start();
    let end = row.iter().position(u8::is_ascii_whitespace).unwrap_or(row.len());
    row.split_at_checked(end).filter(|(word, _)| !word.is_empty())
}

/// `NAME = value`, the name perhaps in quotes.
fn is_setting(row: &[u8]) -> bool {
    let Some(name) = memchr(b'=', row).and_then(|at| row.get(..at)) else { return false };
    let name = name.trim_ascii();
    let name = match name {
        [q @ (b'"' | b'\''), inner @ .., r] if q == r => inner,
        _ => name,
    };
    name.first().is_some_and(|c| c.is_ascii_alphabetic() || *c == b'_')
        && name.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(bytes: &[u8], kind: Kind) -> Vec<String> {
        let got = crontab(bytes, kind);
        got.records.iter().map(|job| super::super::text::text(&job.program).into_owned()).collect()
    }

    #[test]
    fn anacron_has_period_delay_and_name() {
        let table = b"SHELL=/bin/sh\n1\t5 cron.daily\trun-parts --report /etc/cron.daily\n@monthly 45 x.y /opt/k/x -p\n";
        assert_eq!(programs(table, Kind::Anacron), ["run-parts", "/opt/k/x"]);
        assert_eq!(crontab(b"1 5 name\n", Kind::Anacron).faults.len(), 1);
    }

    #[test]
    fn system_crontabs_have_users() {
        let bytes = b"SHELL=/bin/sh\nPATH = /usr/bin\n\"X\"=1\n# m h\n17 * * * * root cd / && run-parts x\n\
@reboot kesl /opt/k/bin/kesl --password s3cret\n*/5 1-7 jan,mar 1~9 mon\tann \"/opt/a b\" c\n";
        let got = crontab(bytes, Kind::System);
        assert_eq!(got.faults, []);
        assert_eq!(programs(bytes, Kind::System), ["cd", "/opt/k/bin/kesl", "/opt/a b"]);
        assert_eq!((got.records[1].user, got.records[1].at_boot), (Some(&b"kesl"[..]), true));
        assert!(!got.records[0].at_boot && got.records[0].line == 5);
        assert!(!format!("{got:?}").contains("s3cret"));
    }

    #[test]
    fn user_crontabs_have_none() {
        let got = crontab(b"-*/5 * * * * /opt/x y\n@daily z=1 w\n", Kind::User);
        assert_eq!(got.faults, []);
        assert_eq!((got.records[0].user, &got.records[0].program[..]), (None, &b"/opt/x"[..]));
        assert_eq!(got.records.len(), 2);
    }

    #[test]
    fn cut_and_garbage_lines_are_faults() {
        let line = b"17 * * * * root /opt/x";
        for cut in 1..=line.len() {
            assert!(!crontab(&line[..cut], Kind::System).faults.is_empty(), "cut at {cut}");
        }
        let got = crontab(
            b"nonsense\n1 2 3\n\xff * * * * r x\n@reboot\n* * * * * r x\0y\n* * * * * r x\n",
            Kind::System,
        );
        assert_eq!((got.records.len(), got.faults.len()), (1, 5));
    }

    #[test]
    fn hostile_bytes() {
        assert_eq!(programs(b"* * * * * '/opt/\xff x\n", Kind::User), ["'/opt/\u{fffd}"]);
        let noise = b"x\n".repeat(1 << 20);
        assert_eq!(crontab(&noise, Kind::User).faults.len(), super::super::MAX_FAULTS);
        let big = [&b"* * * * * "[..], &vec![b'x'; 32 << 20], b"\n"].concat();
        assert_eq!(crontab(&big, Kind::User).records[0].program.len(), super::super::text::MAX_VALUE);
    }
}
