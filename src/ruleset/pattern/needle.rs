//! What stands in every text that a regular expression matches: an index asks for it before the expression is compiled.
//!
//! Called by `expression` and `glob`. It may find less than there is, never what need not be there.

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Repetition};

use crate::normalise::fold;

/// Texts that are followed at once; each letter in two forms doubles them.
const MAX_TEXTS: usize = 16;
/// Bytes of a text after which another is begun.
const MAX_BYTES: usize = 32;
/// Characters of a class that are tried one by one.
const MAX_LETTERS: usize = 8;

/// Bytes that a needle must have: shorter ones stand everywhere.
const MIN_BYTES: usize = 3;
/// Words that stand in the names and paths of all vendors: what else a needle has makes it rare.
const COMMON: &[&str] = &[
    "agent",
    "app",
    "applications",
    "appdata",
    "bin",
    "client",
    "com",
    "common",
    "contents",
    "daemon",
    "data",
    "desktop",
    "dll",
    "driver",
    "drivers",
    "etc",
    "exe",
    "files",
    "frameworks",
    "gui",
    "home",
    "http",
    "https",
    "lib",
    "lib64",
    "libexec",
    "library",
    "local",
    "macos",
    "net",
    "opt",
    "org",
    "plist",
    "program",
    "programdata",
    "programs",
    "roaming",
    "sbin",
    "server",
    "service",
    "services",
    "share",
    "socket",
    "software",
    "srv",
    "sys",
    "system",
    "system32",
    "systemd",
    "timer",
    "tools",
    "update",
    "users",
    "usr",
    "var",
    "windows",
    "www",
    "x64",
    "x86",
];

/// How rare a needle is, the rarest greatest; none where it is too short for any use.
pub(super) fn rarity(needle: &str) -> Option<usize> {
    let words = needle.split(|letter: char| !letter.is_alphanumeric());
    let rare: usize = words.filter(|word| !COMMON.contains(word)).map(str::len).sum();
    // What is common is better long than short.
    (needle.len() >= MIN_BYTES).then(|| rare * 256 + needle.len().min(255))
}

/// One of these stands in every folded text that the expression matches; none where there is nothing that must, or
/// nothing long enough.
pub(super) fn needles(hir: &Hir) -> Vec<String> {
    let needles = find(hir).best();
    if needles.iter().all(|text| rarity(text).is_some()) { needles } else { Vec::new() }
}

/// What is known of the matches of a part of an expression.
#[derive(Default)]
struct Found {
    /// Every match is one of these.
    whole: Option<Vec<String>>,
    /// Every match holds one of these, unless there are none.
    part: Vec<String>,
}

impl Found {
    fn whole(texts: Vec<String>) -> Self {
        Self { whole: Some(texts), part: Vec::new() }
    }

    fn part(part: Vec<String>) -> Self {
        Self { whole: None, part }
    }

    fn best(self) -> Vec<String> {
        better(self.whole.unwrap_or_default(), self.part)
    }
}

/// The recursion is as deep as the expression's nesting, which its parser limits.
fn find(hir: &Hir) -> Found {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Found::whole(vec![String::new()]),
        HirKind::Literal(literal) => match str::from_utf8(&literal.0) {
            Ok(text) if text.chars().all(is_folded) => Found::whole(vec![text.to_owned()]),
            _ => Found::default(),
        },
        HirKind::Class(Class::Unicode(class)) => letters(class).map_or_else(Found::default, Found::whole),
        HirKind::Class(Class::Bytes(_)) => Found::default(),
        HirKind::Repetition(repetition) => repeated(repetition),
        HirKind::Capture(capture) => find(&capture.sub),
        HirKind::Concat(parts) => in_turn(parts),
        HirKind::Alternation(parts) => any_of(parts),
    }
}

/// The letters of a small class, as far as folded text can have them: `[Kk]` and the Kelvin sign are `k`.
fn letters(class: &ClassUnicode) -> Option<Vec<String>> {
    let all = || class.ranges().iter().flat_map(|range| range.start()..=range.end());
    let letters: Vec<String> =
        all().take(MAX_LETTERS).filter(|letter| is_folded(*letter)).map(String::from).collect();
    (all().nth(MAX_LETTERS).is_none() && !letters.is_empty()).then_some(letters)
}

/// Whether folded text can have a character.
fn is_folded(letter: char) -> bool {
    // A space is folded away only at the ends.
    letter == ' ' || fold(letter.encode_utf8(&mut [0; 4])).chars().eq([letter])
}

fn repeated(repetition: &Repetition) -> Found {
    let sub = find(&repetition.sub);
    if repetition.min == 0 {
        let whole = sub.whole.filter(|whole| repetition.max == Some(1) && whole.len() < MAX_TEXTS);
        return whole.map_or_else(Found::default, |whole| {
            Found::whole(whole.into_iter().chain([String::new()]).collect())
        });
    }
    let times = usize::try_from(repetition.min).unwrap_or(usize::MAX);
    match sub.whole.as_deref() {
        Some([one]) if one.len().saturating_mul(times) <= MAX_BYTES => {
            let texts = vec![one.repeat(times)];
            if repetition.max == Some(repetition.min) { Found::whole(texts) } else { Found::part(texts) }
        }
        _ => Found::part(sub.best()),
    }
}

fn in_turn(parts: &[Hir]) -> Found {
    let (mut run, mut part, mut broken) = (vec![String::new()], Vec::new(), false);
    for found in parts.iter().map(find) {
        match found.whole {
            Some(texts) if fits(&run, &texts) => run = joined(&run, &texts),
            Some(texts) => {
                part = better(part, std::mem::replace(&mut run, texts));
                broken = true;
            }
            None => {
                let before = std::mem::replace(&mut run, vec![String::new()]);
                part = better(better(part, before), found.part);
                broken = true;
            }
        }
    }
    if broken { Found::part(better(part, run)) } else { Found::whole(run) }
}

fn fits(run: &[String], texts: &[String]) -> bool {
    let longest = |texts: &[String]| texts.iter().map(String::len).max().unwrap_or(0);
    run.len() * texts.len() <= MAX_TEXTS && longest(run) + longest(texts) <= MAX_BYTES
}

fn joined(run: &[String], texts: &[String]) -> Vec<String> {
    run.iter().flat_map(|head| texts.iter().map(move |tail| format!("{head}{tail}"))).collect()
}

fn any_of(parts: &[Hir]) -> Found {
    let mut whole = Some(Vec::new());
    let mut part = Some(Vec::new());
    for found in parts.iter().map(find) {
        let texts = found.whole.clone();
        whole = whole.zip(texts).map(|(all, texts): (Vec<String>, _)| [all, texts].concat());
        let best = found.best();
        // Where one alternative needs nothing, all together need nothing.
        let needs = best.iter().all(|text| !text.is_empty()) && !best.is_empty();
        part = part.filter(|_| needs).map(|all: Vec<String>| [all, best].concat());
    }
    let whole = whole.filter(|texts| texts.len() <= MAX_TEXTS);
    Found { whole, part: part.unwrap_or_default() }
}

/// Of two lists of needles the one whose commonest is rarer.
fn better(a: Vec<String>, b: Vec<String>) -> Vec<String> {
    let commonest = |texts: &[String]| texts.iter().map(|text| rarity(text)).min().flatten();
    if commonest(&b) > commonest(&a) { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_syntax::ParserBuilder;

    fn found(expression: &str) -> Vec<String> {
        needles(&ParserBuilder::new().case_insensitive(true).build().parse(expression).unwrap())
    }

    #[test]
    fn what_must_stand_in_a_match() {
        let cases: &[(&str, &[&str])] = &[
            ("^KESL$", &["kesl"]),
            ("^avp[0-9]{2}$", &["avp"]),
            (r"^kesl[-_]?[0-9]+(-agent)?$", &["kesl-", "kesl_", "kesl"]),
            ("(kesl|klnagent)-gui", &["kesl-gui", "klnagent-gui"]),
            (r"^kesl-[a-z]+\.service$", &["kesl-"]),
            (r"^kl[a-z]+\.service$", &[".service"]),
            ("a?bcd", &["abcd", "bcd"]),
            ("(ab){3}", &["ababab"]),
            ("(ab){2,}c", &["abab"]),
            (r"/opt/[^/]+/vendor-\d+/x", &["/vendor-"]),
            ("касп[0-9]", &["касп", "каᲃп"]),
            ("(?-i:kesl)[0-9]", &["kesl"]),
        ];
        for (expression, needles) in cases {
            assert_eq!(found(expression), *needles, "{expression}");
        }
    }

    #[test]
    fn where_nothing_must_stand_there_is_no_needle() {
        for expression in
            ["k*", "[a-z][0-9]", r"\w+", "(kesl|)*", "(?-i:KESL)", ".*", "^kl", "(kesl|kl)", "(kesl|.*)"]
        {
            assert_eq!(found(expression), Vec::<String>::new(), "{expression}");
        }
    }

    /// Letters are dropped from needles because folded text cannot have them; this is why.
    #[test]
    fn folded_text_has_only_letters_that_stay_as_they_are() {
        for letter in '\0'..=char::MAX {
            let folded = fold(letter.encode_utf8(&mut [0; 4])).into_owned();
            assert!(folded.chars().all(is_folded), "{letter:?} folds to {folded:?}");
        }
    }
}
