//! Patterns over folded text: whole values, beginnings, globs and regular expressions.
//!
//! Read from TOML by the conditions, asked by `matching`. Must not know which field it looks at.
//! Never a substring search and never an edit distance: what these find by chance has no end.

mod expression;
mod glob;
mod needle;

use crate::model::Order;
use crate::normalise::fold;

use super::code::Code;
use super::lint;
use super::schema::{Table, Text, Value};
use expression::Expression;
use glob::Glob;

/// Characters a pattern may have.
const LENGTH_LIMIT: usize = 512;

/// Alternatives, any of which may match.
#[derive(Debug, Default)]
pub struct Pattern {
    /// Sorted.
    exact: Vec<String>,
    prefixes: Vec<String>,
    globs: Vec<Glob>,
    regexes: Vec<Expression>,
    /// Sorted.
    roots: Vec<String>,
    /// Sorted.
    beginnings: Vec<String>,
}

impl Pattern {
    /// A pattern of whole values only, for lists like a vendor's publishers.
    pub(super) fn of_exact<'a>(values: impl IntoIterator<Item = &'a Text>) -> Self {
        let exact = values.into_iter().map(|text| fold(&text.value).into_owned()).collect();
        Self { exact, ..Self::default() }.sorted()
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
        if !value.is_table() {
            let label = "a pattern is a table";
            value.faults().hint(Code::WrongType, &value.at(), label, "write { exact = [\"…\"] }");
            return None;
        }
        let mut table = value.table("a pattern")?;
        let pattern = Self::from_keys(&mut table);
        table.finish();
        (!pattern.is_empty()).then_some(pattern)
    }

    /// The same from a table that has other keys besides.
    pub(super) fn from_keys(table: &mut Table<'_>) -> Self {
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
            lint::beginning(&text, &glob::literals(&text.value), faults);
            pattern.add_glob(&text.value);
        }
        for text in regexes {
            let (expression, read) = Expression::read(text.value.clone());
            lint::regex(&text, read, faults);
            pattern.regexes.push(expression);
        }
        pattern.sorted()
    }

    fn sorted(mut self) -> Self {
        for texts in [&mut self.exact, &mut self.roots, &mut self.beginnings] {
            texts.order();
            texts.dedup();
        }
        self
    }

    fn add_exact(&mut self, values: &[Text]) {
        for text in values {
            self.exact.push(fold(&text.value).into_owned());
            self.roots.extend(Some(&text.value).filter(|path| is_root(path)).cloned());
        }
    }

    fn add_prefix(&mut self, prefix: &str) {
        self.add_head(prefix);
        self.prefixes.push(fold(prefix).into_owned());
    }

    fn add_glob(&mut self, glob: &str) {
        let head = glob::head(glob);
        if head == glob {
            self.roots.extend(Some(head).filter(|path| is_root(path)).map(str::to_owned));
        } else {
            self.add_head(head);
        }
        self.globs.push(Glob::new(fold(glob).into_owned()));
    }

    /// Where to look for paths that begin so. One that ends within a name is not the whole of its folder's business:
    /// `{home}/Library/Preferences` is every program's.
    fn add_head(&mut self, head: &str) {
        let is_whole = head.ends_with(['/', '\\']);
        if !head.starts_with(OF_HOME) || is_whole {
            self.roots.extend(whole_folders(head));
        }
        if !is_whole && (head.starts_with('/') || head.starts_with(OF_HOME)) {
            self.beginnings.extend(Some(head).filter(|head| is_root(head)).map(str::to_owned));
        }
    }

    /// Whether it has no alternative at all.
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty() && self.globs.is_empty() && self.regexes.is_empty()
    }

    /// Whether folded text matches one of the alternatives.
    pub fn matches(&self, folded: &str) -> bool {
        self.exact.binary_search_by(|text| text.as_str().cmp(folded)).is_ok()
            || self.prefixes.iter().any(|prefix| folded.starts_with(prefix))
            || self.globs.iter().any(|glob| glob.is_match(folded))
            || self.regexes.iter().any(|expression| expression.is_match(folded))
    }

    /// What every matching text is, begins with or holds: one of these. `None` where an alternative has nothing fixed,
    /// or too little for any use. An index can be built on it.
    pub fn needles(&self) -> Option<Vec<Needle<'_>>> {
        let mut needles: Vec<Needle<'_>> = self.exact.iter().map(|text| Needle::Whole(text)).collect();
        needles.extend(self.prefixes.iter().map(|text| Needle::Begins(text)));
        needles.extend(self.globs.iter().map(Glob::needle));
        for expression in &self.regexes {
            if expression.needles().is_empty() {
                return None;
            }
            needles.extend(expression.needles().iter().map(|text| Needle::Holds(text)));
        }
        let usable = !needles.is_empty() && needles.iter().all(|needle| needle.rarity().is_some());
        usable.then_some(needles)
    }

    /// The whole values among the alternatives, folded.
    pub fn exact(&self) -> impl Iterator<Item = &str> {
        self.exact.iter().map(String::as_str)
    }

    /// Every alternative: its key, and its text (folded, but for expressions).
    pub fn alternatives(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let exact = self.exact.iter().map(|text| ("exact", text.as_str()));
        let prefixes = self.prefixes.iter().map(|text| ("prefix", text.as_str()));
        let globs = self.globs.iter().map(|glob| ("glob", glob.text()));
        let regexes = self.regexes.iter().map(|one| ("regex", one.text()));
        exact.chain(prefixes).chain(globs).chain(regexes)
    }

    /// For paths: files and folders with which the alternatives begin, as written.
    pub fn roots(&self) -> impl Iterator<Item = &str> {
        self.roots.iter().map(String::as_str)
    }

    /// For paths of Linux and macOS: with what the alternatives begin that name the beginning of a name only, as written.
    pub fn beginnings(&self) -> impl Iterator<Item = &str> {
        self.beginnings.iter().map(String::as_str)
    }
}

/// What is fixed in the texts that an alternative of a pattern matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needle<'p> {
    /// The whole text.
    Whole(&'p str),
    /// Its beginning.
    Begins(&'p str),
    /// Some part of it.
    Holds(&'p str),
}

impl Needle<'_> {
    /// How rare it is, the rarest greatest; none where it is too short for any use.
    pub fn rarity(&self) -> Option<usize> {
        match self {
            Self::Whole(_) => Some(usize::MAX),
            Self::Begins(text) | Self::Holds(text) => needle::rarity(text),
        }
    }
}

/// A path of Linux or macOS in the home of whichever user.
const OF_HOME: &str = "{home}/";

/// The folder in which a fixed beginning ends, `/opt/kaspersky` for `/opt/kaspersky/ke`; the key of the registry.
fn whole_folders(head: &str) -> Option<String> {
    let is_unix = head.starts_with('/') || head.starts_with(OF_HOME);
    let (folder, _) = head.rsplit_once(if is_unix { '/' } else { '\\' })?;
    is_root(folder).then(|| folder.to_owned())
}

/// Whether it is a path that can be gone to, and not the root of all: a folder, one in a home (`{home}/.acme`), one of
/// Windows below a named one (`{program-data}\Acme`) or on a drive (`C:\Acme`), or a key of the registry below the hives'
/// own (`HKLM\SOFTWARE\Acme`).
fn is_root(path: &str) -> bool {
    let parts = || path.split('\\').filter(|part| !part.is_empty());
    match path.get(..1) {
        Some("/") => path.len() > 1,
        Some("{") => {
            path.len() > OF_HOME.len() && path.starts_with(OF_HOME)
                || path.contains("}\\") && parts().count() > 1
        }
        _ if path.get(1..3) == Some(":\\") => {
            path.starts_with(|c: char| c.is_ascii_alphabetic()) && parts().count() > 1
        }
        _ => path.starts_with("HK") && parts().count() > 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(kind: &str, value: &str) -> Pattern {
        let mut pattern = Pattern::default();
        match kind {
            "prefix" => pattern.add_prefix(value),
            "glob" => pattern.add_glob(value),
            "regex" => pattern.regexes.push(Expression::read(value.to_owned()).0),
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
    fn an_index_needs_what_is_fixed() {
        for (kind, value, needle) in [
            ("exact", "Kesl", Some(Needle::Whole("kesl"))),
            ("prefix", "Kesl", Some(Needle::Begins("kesl"))),
            ("prefix", "", None),
            ("glob", "KSCWeb*.service", Some(Needle::Begins("kscweb"))),
            ("glob", "Kesl.service", Some(Needle::Whole("kesl.service"))),
            ("glob", "/usr/lib/*/Kaspersky/x*", Some(Needle::Holds("/kaspersky/x"))),
            ("glob", "**/avp", Some(Needle::Holds("/avp"))),
            ("glob", "*?**", None),
            ("regex", "^Kesl$", Some(Needle::Holds("kesl"))),
            ("regex", "^.*$", None),
        ] {
            let pattern = pattern(kind, value);
            assert_eq!(pattern.needles(), needle.map(|needle| vec![needle]), "{kind} {value}");
        }
        assert_eq!(Pattern::default().needles(), None);
    }

    #[test]
    fn roots_keep_their_capital_letters() {
        let roots = |kind, value| pattern(kind, value).roots().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(roots("glob", "/opt/Kasper/*/bin/*"), ["/opt/Kasper"]);
        assert_eq!(roots("prefix", "/etc/opt/ka"), ["/etc/opt"]);
        assert!(roots("glob", "/*").is_empty());
        assert_eq!(roots("glob", "{home}/.kaspersky/*"), ["{home}/.kaspersky"]);
        assert_eq!(roots("glob", "{home}/Library/Acme"), ["{home}/Library/Acme"], "nothing in it is open");
        assert!(roots("glob", "{home}/.kas*").is_empty() && roots("glob", "{home}/*").is_empty());
        let beginnings =
            |kind, value| pattern(kind, value).beginnings().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(beginnings("glob", "{home}/.kas*"), ["{home}/.kas"]);
        assert_eq!(beginnings("prefix", "/Applications/Kasper"), ["/Applications/Kasper"]);
        for whole in
            ["{home}/*", "{home}/.acme", "/opt/*", "{home}/.kas/*", "*.app", r"C:\Ac*", r"{program-data}\Ac*"]
        {
            assert!(beginnings("glob", whole).is_empty(), "{whole}");
        }
        assert_eq!(roots("glob", r"{program-data}\Acme\*"), [r"{program-data}\Acme"]);
        assert_eq!(roots("glob", r"HKLM\SOFTWARE\Acme\**"), [r"HKLM\SOFTWARE\Acme"]);
        assert_eq!(roots("glob", r"C:\Acme\*"), [r"C:\Acme"]);
        assert!(roots("glob", r"C:\*").is_empty() && roots("glob", r"?:\Acme").is_empty());
        assert!(roots("glob", r"HKLM\SOFTWARE\*").is_empty() && roots("glob", r"{system}\*").is_empty());
    }

    #[test]
    fn hostile_globs_end() {
        let glob = "*a".repeat(100);
        assert!(!matches("glob", &glob, &"b".repeat(100_000)));
    }
}
