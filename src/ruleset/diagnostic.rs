//! What is wrong in a rule file: a stable code, the place, what is wrong there and what to write instead.
//!
//! Made by the rest of this room, shown by `cli`. Must not know what a rule means.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level as Shown, Renderer, Snippet};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::code::{Code, Level};
use super::rule_file::RuleFile;
use crate::model::Order;

/// A place in a rule file.
#[derive(Clone, PartialEq, Eq)]
pub struct At {
    file: Arc<RuleFile>,
    span: Range<usize>,
}

impl At {
    /// A place from a byte range, kept inside the text.
    pub(super) fn new(file: &Arc<RuleFile>, span: Range<usize>) -> Self {
        let end = span.end.min(file.length());
        Self { file: Arc::clone(file), span: span.start.min(end)..end }
    }

    /// Name of the file.
    pub fn file(&self) -> &str {
        &self.file.name
    }

    /// Whether it is in this very file. Names do not tell: a folder `rules` looks like the built-in one.
    pub fn is_in(&self, file: &Arc<RuleFile>) -> bool {
        Arc::ptr_eq(&self.file, file)
    }

    /// Whether the file was read without its examples.
    pub(super) fn is_lean(&self) -> bool {
        self.file.is_lean()
    }

    /// Line, from 1.
    pub fn line(&self) -> usize {
        self.before().bytes().filter(|&b| b == b'\n').count() + 1
    }

    /// Column in characters, from 1.
    pub fn column(&self) -> usize {
        self.before().rsplit('\n').next().unwrap_or_default().chars().count() + 1
    }

    fn before(&self) -> &str {
        self.file.source().get(..self.span.start).unwrap_or_default()
    }
}

/// `file:line`.
impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file(), self.line())
    }
}

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One thing wrong in a rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of fault.
    pub code: Code,
    /// Where.
    pub at: At,
    /// What is wrong there.
    pub label: String,
    /// What to write instead, where that is known.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// The fault with the lines it stands in, for people.
    pub fn render(&self, colour: bool) -> String {
        let shown = match self.code.level() {
            Level::Error => Shown::ERROR,
            Level::Warning => Shown::WARNING,
        };
        let place = AnnotationKind::Primary.span(self.at.span.clone()).label(&self.label);
        let snippet = Snippet::source(self.at.file.text()).path(self.at.file()).annotation(place);
        let title = shown.primary_title(self.code.title()).id(self.code.word());
        let mut group = title.element(snippet);
        if let Some(hint) = &self.hint {
            group = group.element(Shown::HELP.message(hint));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }
}

impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Diagnostic", 8)?;
        out.serialize_field("code", self.code.word())?;
        out.serialize_field("severity", self.code.level().word())?;
        out.serialize_field("title", self.code.title())?;
        out.serialize_field("file", self.at.file())?;
        out.serialize_field("line", &self.at.line())?;
        out.serialize_field("column", &self.at.column())?;
        out.serialize_field("label", &self.label)?;
        out.serialize_field("hint", &self.hint)?;
        out.end()
    }
}

/// Several faults, one below the other.
pub fn render(diagnostics: &[Diagnostic], colour: bool) -> String {
    let parts: Vec<String> = diagnostics.iter().map(|one| one.render(colour)).collect();
    parts.join("\n\n")
}

/// Where the faults of all files are gathered, so that none hides the next.
#[derive(Debug, Default)]
pub(crate) struct Faults(RefCell<Vec<Diagnostic>>);

impl Faults {
    /// Notes a fault.
    pub(crate) fn add(&self, code: Code, at: &At, label: impl Into<String>) {
        self.push(Diagnostic { code, at: at.clone(), label: label.into(), hint: None });
    }

    /// Notes a fault and what to write instead.
    pub(crate) fn hint(&self, code: Code, at: &At, label: impl Into<String>, hint: impl Into<String>) {
        self.push(Diagnostic { code, at: at.clone(), label: label.into(), hint: Some(hint.into()) });
    }

    fn push(&self, diagnostic: Diagnostic) {
        let mut list = self.0.borrow_mut();
        if !list.contains(&diagnostic) {
            list.push(diagnostic);
        }
    }

    /// Adds what was noted elsewhere.
    pub(crate) fn append(&self, more: Self) {
        more.0.into_inner().into_iter().for_each(|diagnostic| self.push(diagnostic));
    }

    /// All faults, in the order of files and lines.
    pub(crate) fn into_sorted(self) -> Vec<Diagnostic> {
        let mut list = self.0.into_inner();
        list.order_by(|a, b| {
            let key = |d: &Diagnostic| (d.at.span.start, d.code);
            a.at.file().cmp(b.at.file()).then_with(|| key(a).cmp(&key(b)))
        });
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic() -> Diagnostic {
        let text = "schema = 1\n[vendor]\nнид = \"x\"\n".to_owned();
        let file = Arc::new(RuleFile::new("a.toml".to_owned(), String::new(), text));
        let at = At::new(&file, 20..26);
        let hint = Some("write: id".to_owned());
        Diagnostic { code: Code::UnknownKey, at, label: "not a key of [vendor]".to_owned(), hint }
    }

    #[test]
    fn a_fault_shows_its_line() {
        let shown = diagnostic().render(false);
        assert!(shown.starts_with("error[E0102]: "), "{shown}");
        assert!(shown.contains("a.toml:3:1"), "{shown}");
        assert!(shown.contains("help: write: id"), "{shown}");
        assert!(!shown.contains('\u{1b}'));
        assert!(diagnostic().render(true).contains('\u{1b}'));
    }

    #[test]
    fn a_fault_is_data() {
        let json = serde_json::to_value(diagnostic()).unwrap();
        assert_eq!(json["code"], "E0102");
        assert_eq!(json["severity"], "error");
        assert_eq!(json["line"], 3);
        assert_eq!(json["column"], 1);
    }

    #[test]
    fn a_place_outside_the_text_is_its_end() {
        let file = Arc::new(RuleFile::new("a.toml".to_owned(), String::new(), "a\nb".to_owned()));
        assert_eq!(At::new(&file, 90..99).to_string(), "a.toml:2");
    }
}
