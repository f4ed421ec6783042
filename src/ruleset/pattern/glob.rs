//! Globs over folded text: `*` and `?` stop at a separator, `**` does not.
//!
//! Made by the patterns. The commonest, a fixed beginning and one wildcard after it, need no expression.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

use super::Needle;
use super::needle::rarity;

/// Memory a compiled glob may take: far more than one of the longest pattern there may be, so that all compile.
const SIZE_LIMIT: usize = 64 << 20;

#[derive(Debug)]
pub(super) struct Glob {
    /// Folded.
    text: String,
    tail: Tail,
}

/// What follows the fixed beginning.
#[derive(Debug)]
enum Tail {
    Nothing,
    /// `**`
    Anything,
    /// `*`
    OneName,
    Expression(OnceLock<Option<Regex>>),
}

impl Glob {
    /// A glob from folded text.
    pub(super) fn new(folded: String) -> Self {
        let tail = match folded.strip_prefix(head(&folded)).unwrap_or_default() {
            "" => Tail::Nothing,
            "**" => Tail::Anything,
            "*" => Tail::OneName,
            _ => Tail::Expression(OnceLock::new()),
        };
        Self { text: folded, tail }
    }

    /// As written, folded.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether folded text matches.
    pub(super) fn is_match(&self, folded: &str) -> bool {
        let Some(rest) = folded.strip_prefix(head(&self.text)) else { return false };
        match &self.tail {
            Tail::Nothing => rest.is_empty(),
            Tail::Anything => true,
            Tail::OneName => !rest.contains(separators(&self.text)),
            Tail::Expression(compiled) => {
                let regex = compiled.get_or_init(|| compile(&self.text));
                regex.as_ref().is_some_and(|regex| regex.is_match(folded))
            }
        }
    }

    /// What is rarest in it.
    pub(super) fn needle(&self) -> Needle<'_> {
        let head = head(&self.text);
        if matches!(self.tail, Tail::Nothing) {
            return Needle::Whole(head);
        }
        let rarest = self.text.split(['*', '?']).max_by_key(|piece| rarity(piece)).unwrap_or_default();
        if rarity(head) >= rarity(rarest) { Needle::Begins(head) } else { Needle::Holds(rarest) }
    }
}

fn compile(glob: &str) -> Option<Regex> {
    RegexBuilder::new(&to_regex(glob)).size_limit(SIZE_LIMIT).build().ok()
}

/// What stands before the first wildcard.
pub(super) fn head(glob: &str) -> &str {
    glob.split(['*', '?']).next().unwrap_or_default()
}

/// What of a glob is fixed.
pub(super) fn literals(glob: &str) -> String {
    glob.chars().filter(|c| !matches!(c, '*' | '?' | '/' | '\\')).collect()
}

/// The separator is the one that the glob itself uses: on Linux a backslash is a letter of a name like any other.
fn separators(glob: &str) -> &'static [char] {
    match (glob.contains('/'), glob.contains('\\')) {
        (true, false) => &['/'],
        (false, true) => &['\\'],
        _ => &['/', '\\'],
    }
}

/// A glob as an anchored expression.
fn to_regex(glob: &str) -> String {
    let one = match separators(glob) {
        ['/'] => "[^/]",
        ['\\'] => r"[^\\]",
        _ => r"[^/\\]",
    };
    let mut out = String::from("(?s)^");
    let mut chars = glob.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => out.push_str(".*"),
            '*' => {
                out.push_str(one);
                out.push('*');
            }
            '?' => out.push_str(one),
            _ => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out.push('$');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_longest_glob_there_may_be_compiles() {
        // The letter folds to eighteen.
        let glob = Glob::new(format!("{}?{}", "*", crate::normalise::fold(&"\u{fdfa}".repeat(510))));
        assert!(compile(&glob.text).is_some());
        assert!(compile(&"?*".repeat(256)).is_some());
    }

    proptest! {
        #[test]
        fn short_ways_are_the_long_way(glob in r"[ab/\\]{0,4}(\*{0,3}|\?)[ab/\\]{0,1}", text in r"[ab/\\\n]{0,8}") {
            let long = compile(&glob).unwrap().is_match(&text);
            prop_assert_eq!(Glob::new(glob).is_match(&text), long);
        }
    }
}
