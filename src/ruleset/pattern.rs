//! Patterns over folded text: whole values, beginnings, globs and regular expressions.
//!
//! Read from TOML by the conditions, asked by `matching`. Must not know which field it looks at.
//! Never a substring search and never an edit distance: what these find by chance has no end.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

use crate::normalise::fold;

use super::code::Code;
use super::lint;
use super::schema::{Text, Value};

/// Memory a compiled expression may take; a vendor's longest take a tenth.
const SIZE_LIMIT: usize = 1 << 20;
/// Characters a pattern may have.
const LENGTH_LIMIT: usize = 512;

/// A regular expression that is compiled when it is first asked: most rules of a large set never are.
#[derive(Debug)]
struct Lazy {
    written: String,
    glob: bool,
    compiled: OnceLock<Option<Regex>>,
}

impl Lazy {
    fn new(written: String) -> Self {
        Self { written, glob: false, compiled: OnceLock::new() }
    }

    fn of_glob(written: String) -> Self {
        Self { glob: true, ..Self::new(written) }
    }

    /// Compiled once; `None` if it does not compile, which loading has reported.
    fn regex(&self) -> Option<&Regex> {
        let expression = || if self.glob { glob_to_regex(&self.written) } else { self.written.clone() };
        self.compiled.get_or_init(|| build(&expression()).ok()).as_ref()
    }
}

fn build(expression: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(expression).case_insensitive(true).size_limit(SIZE_LIMIT).build()
}

/// Alternatives, any of which may match.
#[derive(Debug, Default)]
pub struct Pattern {
    exact: BTreeSet<String>,
    prefixes: Vec<String>,
    globs: Vec<(String, Lazy)>,
    regexes: Vec<Lazy>,
    roots: BTreeSet<String>,
}

impl Pattern {
    /// A pattern of whole values only, for lists like a vendor's publishers.
    pub(super) fn of_exact<'a>(values: impl IntoIterator<Item = &'a Text>) -> Self {
        let exact = values.into_iter().map(|text| fold(&text.value).into_owned()).collect();
        Self { exact, ..Self::default() }
    }

    /// A pattern of whole values that are folded already.
    pub(super) fn of_folded(values: impl Iterator<Item = String>) -> Self {
        Self { exact: values.collect(), ..Self::default() }
    }

    /// A pattern of publishers: each as a whole, or followed by the mail address that maintainers have.
    pub(super) fn of_publishers<'a>(values: impl IntoIterator<Item = &'a Text> + Clone) -> Self {
        let prefixes = values.clone().into_iter().map(|text| format!("{} <", fold(&text.value))).collect();
        Self { prefixes, ..Self::of_exact(values) }
    }

    /// A pattern of globs, for lists of hosts and places. An empty list is a fault: it must not mean "all".
    pub(super) fn of_globs(value: Value<'_>) -> Option<Self> {
        let texts = value.texts();
        if texts.is_empty() {
            value.faults().add(Code::EmptyPattern, &value.at(), "there is nothing to match");
            return None;
        }
        let mut pattern = Self::default();
        for text in texts {
            lint::length(&text, LENGTH_LIMIT, value.faults());
            pattern.add_glob(&text.value);
        }
        Some(pattern)
    }

    /// A pattern from `{ exact = […], prefix = […], glob = […], regex = […] }`.
    pub(super) fn read(value: Value<'_>) -> Option<Self> {
        let mut table = value.table("a pattern")?;
        let pattern = Self::from_keys(&mut table);
        table.finish();
        (!pattern.is_empty()).then_some(pattern)
    }

    /// The same from a table that has other keys besides.
    pub(super) fn from_keys(table: &mut super::schema::Table<'_>) -> Self {
        let mut pattern = Self::default();
        let [exact, prefixes, globs, regexes] =
            ["exact", "prefix", "glob", "regex"].map(|key| table.texts(key));
        if [&exact, &prefixes, &globs, &regexes].iter().all(|list| list.is_empty()) {
            let hint = "give one of: exact, prefix, glob, regex";
            table.faults().hint(Code::EmptyPattern, table.at(), "there is nothing to match", hint);
        }
        let faults = table.faults();
        for text in exact.iter().chain(&prefixes).chain(&globs).chain(&regexes) {
            lint::length(text, LENGTH_LIMIT, faults);
        }
        pattern.add_exact(&exact);
        for text in prefixes {
            lint::beginning(&text, &text.value, faults);
            pattern.add_prefix(&text.value);
        }
        for text in globs {
            lint::beginning(&text, &literals_of_glob(&text.value), faults);
            pattern.add_glob(&text.value);
        }
        for text in regexes {
            lint::regex(&text, build(&text.value).err(), faults);
            pattern.regexes.push(Lazy::new(text.value));
        }
        pattern
    }

    fn add_exact(&mut self, values: &[Text]) {
        for text in values {
            self.exact.insert(fold(&text.value).into_owned());
            self.roots.insert(text.value.clone());
        }
    }

    fn add_prefix(&mut self, prefix: &str) {
        self.roots.extend(whole_folders(prefix));
        self.prefixes.push(fold(prefix).into_owned());
    }

    fn add_glob(&mut self, glob: &str) {
        self.roots.extend(whole_folders(head_of_glob(glob)));
        let folded = fold(glob).into_owned();
        self.globs.push((head_of_glob(&folded).to_owned(), Lazy::of_glob(folded)));
    }

    /// Whether it has no alternative at all.
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty() && self.globs.is_empty() && self.regexes.is_empty()
    }

    /// Whether folded text matches one of the alternatives.
    pub fn matches(&self, folded: &str) -> bool {
        self.exact.contains(folded)
            || self.prefixes.iter().any(|prefix| folded.starts_with(prefix))
            || self.globs.iter().any(|(head, lazy)| folded.starts_with(head) && is_match(lazy, folded))
            || self.regexes.iter().any(|lazy| is_match(lazy, folded))
    }

    /// What every matching text is, or begins with; `None` where an alternative has no fixed beginning.
    /// An index can be built on it.
    pub fn heads(&self) -> Option<Vec<Head<'_>>> {
        let exact = self.exact.iter().map(|text| Head::Whole(text));
        let begins = self.prefixes.iter().chain(self.globs.iter().map(|(head, _)| head));
        let fixed = begins.clone().all(|text| !text.is_empty());
        (self.regexes.is_empty() && fixed && !self.is_empty())
            .then(|| exact.chain(begins.map(|text| Head::Begins(text))).collect())
    }

    /// The whole values among the alternatives, folded.
    pub fn exact(&self) -> impl Iterator<Item = &str> {
        self.exact.iter().map(String::as_str)
    }

    /// Every alternative: its key, and its text (folded, but for expressions).
    pub fn alternatives(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let exact = self.exact.iter().map(|text| ("exact", text.as_str()));
        let prefixes = self.prefixes.iter().map(|text| ("prefix", text.as_str()));
        let globs = self.globs.iter().map(|(_, glob)| ("glob", glob.written.as_str()));
        exact
            .chain(prefixes)
            .chain(globs)
            .chain(self.regexes.iter().map(|one| ("regex", one.written.as_str())))
    }

    /// For paths: files and folders with which the alternatives begin, as written.
    pub fn roots(&self) -> impl Iterator<Item = &str> {
        self.roots.iter().map(String::as_str).filter(|root| root.starts_with('/') && root.len() > 1)
    }
}

fn is_match(lazy: &Lazy, folded: &str) -> bool {
    lazy.regex().is_some_and(|regex| regex.is_match(folded))
}

/// What is fixed in every text that a pattern matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head<'p> {
    /// The whole text.
    Whole(&'p str),
    /// Its beginning.
    Begins(&'p str),
}

/// What stands before the first wildcard.
fn head_of_glob(glob: &str) -> &str {
    glob.split(['*', '?']).next().unwrap_or_default()
}

/// What of a glob is fixed.
fn literals_of_glob(glob: &str) -> String {
    glob.chars().filter(|c| !matches!(c, '*' | '?' | '/' | '\\')).collect()
}

/// The folder in which a fixed beginning ends, `/opt/kaspersky` for `/opt/kaspersky/ke`.
fn whole_folders(head: &str) -> Option<String> {
    let (folder, _) = head.rsplit_once('/')?;
    (!folder.is_empty()).then(|| folder.to_owned())
}

/// A glob as an anchored expression: `*` and `?` stop at a separator, `**` does not. The separator is the one that the
/// glob itself uses: on Linux a backslash is a letter of a name like any other.
fn glob_to_regex(glob: &str) -> String {
    let (many, one) = match (glob.contains('/'), glob.contains('\\')) {
        (true, false) => ("[^/]*", "[^/]"),
        (false, true) => (r"[^\\]*", r"[^\\]"),
        _ => (r"[^/\\]*", r"[^/\\]"),
    };
    let mut out = String::from("(?s)^");
    let mut chars = glob.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => out.push_str(".*"),
            '*' => out.push_str(many),
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

    fn pattern(kind: &str, value: &str) -> Pattern {
        let mut pattern = Pattern::default();
        match kind {
            "prefix" => pattern.add_prefix(value),
            "glob" => pattern.add_glob(value),
            "regex" => pattern.regexes.push(Lazy::new(value.to_owned())),
            _ => pattern.exact.extend([fold(value).into_owned()]),
        }
        pattern
    }

    fn matches(kind: &str, value: &str, text: &str) -> bool {
        pattern(kind, value).matches(&fold(text))
    }

    #[test]
    fn whole_values_and_beginnings() {
        assert!(matches("exact", "KESL", "kesl"));
        assert!(!matches("exact", "kesl", "kesl-gui"));
        assert!(matches("prefix", "AO Kaspersky", "ao kaspersky lab"));
        assert!(!matches("prefix", "Kaspersky", "not kaspersky"));
    }

    #[test]
    fn one_star_stops_at_a_separator() {
        let glob = "/opt/kaspersky/*/bin/*";
        assert!(matches("glob", glob, "/opt/kaspersky/kesl/bin/kesl-control"));
        assert!(!matches("glob", glob, "/opt/kaspersky/kesl/share/bin/x"));
        assert!(!matches("glob", glob, "/mnt/opt/kaspersky/kesl/bin/x"));
        assert!(matches("glob", "/opt/kaspersky/**", "/opt/kaspersky/kesl/share/bin/x"));
        assert!(matches("glob", r"**\steamapps\**", r"D:\games\steamapps\common\avp.exe"));
        assert!(!matches("glob", r"c:\*\avp.exe", r"c:\games\aliens\avp.exe"));
        assert!(matches("glob", glob, r"/opt/kaspersky/a\b/bin/x"), "a name on Linux may hold a backslash");
        assert!(matches("glob", "kl?_srv.service", "klx_srv.service"));
        assert!(!matches("glob", "a?b", "a/b"));
        assert!(!matches("glob", "kesl.service", "keslxservice"), "a dot is a dot");
    }

    #[test]
    fn expressions_are_anchored_as_written() {
        assert!(matches("regex", r"^AVP\d{2}\.\d+$", "avp21.3"));
        assert!(!matches("regex", r"^AVP\d{2}\.\d+$", "avp21.3x"));
        assert!(!matches("regex", "(", "("), "what does not compile matches nothing");
    }

    #[test]
    fn an_index_needs_fixed_beginnings() {
        assert_eq!(pattern("exact", "Kesl").heads(), Some(vec![Head::Whole("kesl")]));
        assert_eq!(pattern("glob", "KSCWeb*.service").heads(), Some(vec![Head::Begins("kscweb")]));
        assert_eq!(pattern("glob", "**/avp").heads(), None);
        assert_eq!(pattern("regex", "^kesl$").heads(), None);
        assert_eq!(Pattern::default().heads(), None);
    }

    #[test]
    fn roots_keep_their_capital_letters() {
        let roots = |kind, value| pattern(kind, value).roots().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(roots("glob", "/opt/Kasper/*/bin/*"), ["/opt/Kasper"]);
        assert_eq!(roots("prefix", "/etc/opt/ka"), ["/etc/opt"]);
        assert!(roots("glob", "/*").is_empty());
        assert!(roots("glob", "{home}/.kaspersky/*").is_empty());
    }

    #[test]
    fn hostile_globs_end() {
        let glob = "*a".repeat(100);
        assert!(!matches("glob", &glob, &"b".repeat(100_000)));
    }
}
