//! Which of two versions is the older, each ecosystem by its own order. Rules of `ruleset` ask it of versions of items.
//!
//! Must not know where a version was read. What an order does not define is not compared: then no range holds.

use std::cmp::Ordering;

use crate::model::{Scheme, Version};

/// How a recorded version stands to a limit that is written in the same scheme; `None` where it cannot be said.
pub fn compare(version: &Version, limit: &str) -> Option<Ordering> {
    let raw = version.raw.trim();
    let limit = limit.trim();
    if raw.is_empty() || limit.is_empty() {
        return None;
    }
    match version.scheme {
        Scheme::Dpkg => Some(parts(raw, limit, debian_part)),
        Scheme::Rpm => Some(parts(raw, limit, |a, b| rpm_part(a, b, false))),
        Scheme::Pacman => Some(parts(raw, limit, |a, b| rpm_part(a, b, true))),
        Scheme::Apk => Some(Apk::read(raw)?.cmp(&Apk::read(limit)?)),
        Scheme::Semver => Some(semver(raw)?.cmp(&semver(limit)?)),
        // Where the scheme is not known, only plain numbers mean the same in all of them.
        Scheme::Dotted | Scheme::Other => Some(dotted(raw)?.cmp(&dotted(limit)?)),
    }
}

/// Epoch, upstream version and revision, each decided before the next. A limit without a revision is of every
/// revision (`2.30` is neither older nor newer than `2.30-4`), as package managers read a dependency.
fn parts(a: &str, b: &str, part: impl Fn(&str, &str) -> Ordering) -> Ordering {
    let ((epoch_a, version_a, release_a), (epoch_b, version_b, release_b)) = (split(a), split(b));
    let by_version = epoch_a.cmp(&epoch_b).then_with(|| part(version_a, version_b));
    match (release_a, release_b) {
        (Some(a), Some(b)) => by_version.then_with(|| part(a, b)),
        _ => by_version,
    }
}

/// `[epoch:]version[-release]`.
fn split(raw: &str) -> (u64, &str, Option<&str>) {
    let (epoch, rest) = match raw.split_once(':') {
        Some((epoch, rest)) => epoch.parse().map_or((0, raw), |epoch| (epoch, rest)),
        None => (0, raw),
    };
    match rest.rsplit_once('-') {
        Some((version, release)) => (epoch, version, Some(release)),
        None => (epoch, rest, None),
    }
}

/// Decimal numbers of any length, without their leading zeros.
fn numbers(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// What of a text belongs to a class, and the rest.
fn take(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Debian Policy 5.6.12: runs of non-digits (`~` before the end, the end before letters, letters before the rest)
/// and runs of digits in turn.
fn debian_part(mut a: &str, mut b: &str) -> Ordering {
    let rank = |c: Option<char>| match c {
        Some('~') => -1,
        None => 0,
        Some(c) if c.is_ascii_alphabetic() => i64::from(u32::from(c)),
        Some(c) => i64::from(u32::from(c)) + 256,
    };
    loop {
        let ((text_a, rest_a), (text_b, rest_b)) =
            (take(a, |c| !c.is_ascii_digit()), take(b, |c| !c.is_ascii_digit()));
        let (mut left, mut right) = (text_a.chars(), text_b.chars());
        loop {
            let (x, y) = (left.next(), right.next());
            match rank(x).cmp(&rank(y)) {
                Ordering::Equal if x.is_none() && y.is_none() => break,
                Ordering::Equal => {}
                decided => return decided,
            }
        }
        let ((number_a, after_a), (number_b, after_b)) =
            (take(rest_a, |c| c.is_ascii_digit()), take(rest_b, |c| c.is_ascii_digit()));
        match numbers(number_a, number_b) {
            Ordering::Equal if after_a.is_empty() && after_b.is_empty() => return Ordering::Equal,
            Ordering::Equal => (a, b) = (after_a, after_b),
            decided => return decided,
        }
    }
}

/// rpm's rpmvercmp (rpm-version(7)): segments of digits or letters; `~` before the end, `^` after it and before
/// anything else. pacman's vercmp(8) has neither, and `1.0rc` before `1.0`.
fn rpm_part<'t>(mut a: &'t str, mut b: &'t str, pacman: bool) -> Ordering {
    let separator = |c: char| !c.is_ascii_alphanumeric() && (pacman || !matches!(c, '~' | '^'));
    loop {
        if pacman && (a.is_empty() || b.is_empty()) {
            return ended(a, b, pacman);
        }
        let (gap_a, gap_b) = (take(a, separator).0.len(), take(b, separator).0.len());
        (a, b) = (take(a, separator).1, take(b, separator).1);
        if !pacman {
            let signs = [('~', Ordering::Less), ('^', Ordering::Greater)];
            match signs.iter().find_map(|(sign, order)| sign_first(a, b, *sign, *order)) {
                Some(Ok(decided)) => return decided,
                Some(Err(rest)) => {
                    (a, b) = rest;
                    continue;
                }
                None => {}
            }
        }
        if a.is_empty() || b.is_empty() {
            return ended(a, b, pacman);
        }
        if pacman && gap_a != gap_b {
            return gap_a.cmp(&gap_b);
        }
        let digits = a.starts_with(|c: char| c.is_ascii_digit());
        let class = move |c: char| if digits { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
        let ((part_a, rest_a), (part_b, rest_b)) = (take(a, class), take(b, class));
        if part_b.is_empty() {
            // Numbers are newer than letters.
            return if digits { Ordering::Greater } else { Ordering::Less };
        }
        let order = if digits { numbers(part_a, part_b) } else { part_a.cmp(part_b) };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
}

/// A `~` or `^` at the beginning of one or both: decided, or what follows in both; `None` where neither has it.
fn sign_first<'t>(
    a: &'t str,
    b: &'t str,
    sign: char,
    order: Ordering,
) -> Option<Result<Ordering, (&'t str, &'t str)>> {
    match (a.strip_prefix(sign), b.strip_prefix(sign)) {
        (Some(a), Some(b)) => Some(Err((a, b))),
        // `1^x` is newer than `1`, and older than `1.1`.
        (Some(_), None) => Some(Ok(if sign == '^' && !b.is_empty() { Ordering::Less } else { order })),
        (None, Some(_)) => {
            Some(Ok(if sign == '^' && !a.is_empty() { Ordering::Greater } else { order.reverse() }))
        }
        (None, None) => None,
    }
}

/// One or both are at their end: what has more is the newer, but for pacman's trailing letters.
fn ended(a: &str, b: &str, pacman: bool) -> Ordering {
    let letters = |rest: &str| pacman && rest.starts_with(|c: char| c.is_ascii_alphabetic());
    match (a.is_empty(), b.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) => {
            if letters(b) {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        _ => {
            if letters(a) {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
    }
}

/// Alpine's `1.2.3b_rc1_p2-r3` (apk-package(5)): numbers, a letter, suffixes in their own order, release.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Apk(Vec<u64>, Option<char>, Vec<(i8, u64)>, u64);

impl Apk {
    fn read(raw: &str) -> Option<Self> {
        let (version, release) = match raw.rsplit_once("-r") {
            Some((version, release)) => (version, release.parse().ok()?),
            None => (raw, 0),
        };
        let mut suffixes = version.split('_');
        let head = suffixes.next()?;
        let letter = head.chars().last().filter(char::is_ascii_lowercase);
        let head = letter.and_then(|letter| head.strip_suffix(letter)).unwrap_or(head);
        let mut suffixes = suffixes.map(suffix).collect::<Option<Vec<_>>>()?;
        // No suffix is newer than `_rc` and older than `_p`.
        suffixes.push((0, 0));
        Some(Self(dotted(head)?, letter, suffixes, release))
    }
}

fn suffix(text: &str) -> Option<(i8, u64)> {
    const ORDER: [(&str, i8); 9] = [
        ("alpha", -4),
        ("beta", -3),
        ("pre", -2),
        ("rc", -1),
        ("cvs", 1),
        ("svn", 2),
        ("git", 3),
        ("hg", 4),
        ("p", 5),
    ];
    let (name, number) = take(text, |c| c.is_ascii_alphabetic());
    let (_, rank) = ORDER.iter().find(|(known, _)| *known == name)?;
    let number = if number.is_empty() { 0 } else { number.parse().ok()? };
    Some((*rank, number))
}

/// Numbers with dots between them; trailing zeros say nothing (`10.0` is `10.0.0.0`).
fn dotted(raw: &str) -> Option<Vec<u64>> {
    let mut numbers = raw.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u64>>>()?;
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    Some(numbers)
}

/// semver.org 2.0.0, section 11: numbers, then pre-releases before the release; build metadata say nothing.
fn semver(raw: &str) -> Option<(Vec<u64>, bool, Vec<Tag>)> {
    let raw = raw.strip_prefix('v').unwrap_or(raw);
    let raw = raw.split('+').next()?;
    let (numbers, tags) = match raw.split_once('-') {
        Some((numbers, tags)) => (numbers, tags.split('.').map(Tag::read).collect()),
        None => (raw, Vec::new()),
    };
    Some((dotted(numbers)?, tags.is_empty(), tags))
}

/// A dot-separated identifier of a pre-release: numbers before words.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Tag {
    Number(u64),
    Word(String),
}

impl Tag {
    fn read(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Word(text.to_owned()), Self::Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each list is in order, oldest first.
    const ORDERS: &[(Scheme, &[&str])] = &[
        (
            Scheme::Dpkg,
            &["1.0~~", "1.0~rc1-1", "1.0", "1.0a", "1.0+b", "1.2", "1.10", "2.30-3", "2.30-4", "1:0.1"],
        ),
        (
            Scheme::Rpm,
            &["1.0~rc1-1", "1.0-1", "1.0-2.el9", "1.0^git1", "1.0.1", "1.0.1a", "1.0.2", "1.10", "1:0.1"],
        ),
        (
            Scheme::Pacman,
            &["1.0a", "1.0beta", "1.0pre", "1.0rc", "1.0-1", "1.0.a", "1.0.1-1", "1.0.1-2", "2:0.1"],
        ),
        (
            Scheme::Apk,
            &["1.2_alpha1", "1.2_rc1", "1.2_rc2-r1", "1.2-r0", "1.2-r1", "1.2_p1", "1.2b", "1.2.1", "1.10"],
        ),
        (
            Scheme::Semver,
            &["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.2.0"],
        ),
        (Scheme::Dotted, &["9.9", "10.0.19041", "10.0.19041.1", "10.0.22000.0", "21.3.10.391"]),
        (Scheme::Other, &["7.0.14", "7.1", "8.0.1"]),
    ];

    #[test]
    fn each_scheme_has_its_own_order() {
        for (scheme, ordered) in ORDERS {
            let all = || ordered.iter().enumerate();
            for ((i, a), (j, b)) in all().flat_map(|one| all().map(move |other| (one, other))) {
                let found = compare(&Version::new(*a, *scheme), b);
                assert_eq!(found, Some(i.cmp(&j)), "{scheme:?}: {a} and {b}");
            }
        }
    }

    #[test]
    fn what_says_nothing_is_equal() {
        for (scheme, a, b) in [
            (Scheme::Dpkg, "1.00", "1.0"),
            (Scheme::Dpkg, "2.30-4", "2.30"),
            (Scheme::Rpm, "1.0-3.el9", "1.0"),
            (Scheme::Semver, "1.0.0+build", "v1.0.0"),
            (Scheme::Dotted, "10.0", "10.0.0.0"),
        ] {
            assert_eq!(compare(&Version::new(a, scheme), b), Some(Ordering::Equal), "{a} {b}");
        }
    }

    #[test]
    fn what_is_no_version_is_not_compared() {
        for (scheme, raw) in [
            (Scheme::Dotted, "1.x"),
            (Scheme::Semver, "one"),
            (Scheme::Other, "2024a"),
            (Scheme::Apk, "1_x"),
            (Scheme::Rpm, ""),
        ] {
            assert_eq!(compare(&Version::new(raw, scheme), "1.0"), None, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_compared_both_ways_alike(a in "[0-9a-z.~^:+_-]{0,12}", b in "[0-9a-z.~^:+_-]{0,12}") {
            for (scheme, _) in ORDERS {
                let there = compare(&Version::new(a.as_str(), *scheme), &b);
                let back = compare(&Version::new(b.as_str(), *scheme), &a);
                prop_assert_eq!(there, back.map(Ordering::reverse), "{:?} {} {}", scheme, a, b);
            }
        }
    }
}
