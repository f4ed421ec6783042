//! Reading typed values out of TOML tables, each with its place, every fault noted and none hiding the next.
//!
//! Called by the compiling files of this room, and by `cli` for the configuration. Must not know which keys the language has: they ask for them.
//! `serde` would stop at the first fault of a file; a rule author wants all of them at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as WordError;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::model::{Date, set_of};

use super::code::Code;
use super::diagnostic::{At, Faults};
use super::near::nearest;
use super::rule_file::RuleFile;

/// Keys that most tables are asked for.
const ASKED: usize = 16;

/// A text with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// The text as written.
    pub(crate) value: String,
    /// Where.
    pub(crate) at: At,
}

/// A value with its place.
#[derive(Clone, Copy)]
pub(crate) struct Value<'t> {
    file: &'t Arc<RuleFile>,
    faults: &'t Faults,
    toml: &'t Spanned<DeValue<'t>>,
}

impl<'t> Value<'t> {
    /// Its place.
    pub(crate) fn at(&self) -> At {
        At::new(self.file, self.toml.span())
    }

    /// Where to note its faults.
    pub(crate) fn faults(&self) -> &'t Faults {
        self.faults
    }

    /// As a table.
    pub(crate) fn table(self, what: &'static str) -> Option<Table<'t>> {
        match self.toml.get_ref() {
            DeValue::Table(entries) => {
                let at = self.at();
                Some(Table {
                    file: self.file,
                    faults: self.faults,
                    entries,
                    at,
                    what,
                    asked: Vec::with_capacity(ASKED),
                })
            }
            _ => self.wrong("a table"),
        }
    }

    /// As the tables of a list.
    pub(crate) fn tables(self, what: &'static str) -> Vec<Table<'t>> {
        self.list().into_iter().filter_map(|one| one.table(what)).collect()
    }

    /// Whether it is this text.
    pub(crate) fn is_text(&self, text: &str) -> bool {
        matches!(self.toml.get_ref(), DeValue::String(value) if value == text)
    }

    /// Whether it is a table.
    pub(super) fn is_table(&self) -> bool {
        matches!(self.toml.get_ref(), DeValue::Table(_))
    }

    /// Whether it is a list.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.toml.get_ref(), DeValue::Array(_))
    }

    /// As a text that says something.
    pub(crate) fn text(self) -> Option<Text> {
        match self.toml.get_ref() {
            DeValue::String(text) if text.trim().is_empty() => {
                self.faults.add(Code::EmptyText, &self.at(), "this must say something");
                None
            }
            DeValue::String(text) => Some(Text { value: text.clone().into_owned(), at: self.at() }),
            _ => self.wrong("a text"),
        }
    }

    /// As a text, or a list of texts.
    pub(crate) fn texts(self) -> Vec<Text> {
        match self.toml.get_ref() {
            DeValue::String(_) => self.text().into_iter().collect(),
            DeValue::Array(_) => self.list().into_iter().filter_map(Self::text).collect(),
            _ => {
                self.wrong::<()>("a text or a list of texts");
                Vec::new()
            }
        }
    }

    /// As one word of a closed list.
    pub(crate) fn word<T: for<'de> Deserialize<'de>>(self) -> Option<T> {
        let text = self.text()?;
        let read: Result<T, WordError> = T::deserialize(text.value.as_str().into_deserializer());
        read.map_err(|error| self.faults.add(Code::UnknownWord, &text.at, error.to_string())).ok()
    }

    /// As one word, or several.
    pub(crate) fn words<T: for<'de> Deserialize<'de>>(self) -> Vec<T> {
        match self.toml.get_ref() {
            DeValue::Array(_) => self.list().into_iter().filter_map(Self::word).collect(),
            _ => self.word().into_iter().collect(),
        }
    }

    /// As a day.
    pub(crate) fn date(self) -> Option<Date> {
        let text = match self.toml.get_ref() {
            DeValue::Datetime(date) => date.to_string(),
            DeValue::String(text) => text.clone().into_owned(),
            _ => return self.wrong("a date"),
        };
        text.parse().map_err(|error: String| self.faults.add(Code::BadDate, &self.at(), error)).ok()
    }

    /// As yes or no.
    pub(crate) fn bool(self) -> Option<bool> {
        let yes = self.toml.get_ref().as_bool();
        if yes.is_some() { yes } else { self.wrong("true or false") }
    }

    /// As a whole number.
    fn number(self) -> Option<i64> {
        let number = self.toml.get_ref().as_integer()?;
        i64::from_str_radix(number.as_str(), number.radix()).ok()
    }

    /// As a count: a whole number that is not negative.
    pub(crate) fn count(self) -> Option<u64> {
        let count = self.number().and_then(|number| u64::try_from(number).ok());
        if count.is_some() { count } else { self.wrong("a whole number, not negative,") }
    }

    fn list(self) -> Vec<Self> {
        let Some(values) = self.toml.get_ref().as_array() else {
            self.wrong::<()>("a list");
            return Vec::new();
        };
        values.iter().map(|toml| Self { toml, ..self }).collect()
    }

    fn wrong<T>(self, wanted: &str) -> Option<T> {
        let label = format!("this is {}; {wanted} belongs here", article(self.toml.get_ref()));
        self.faults.add(Code::WrongType, &self.at(), label);
        None
    }
}

/// What a value is, for people.
fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Reads a whole file of one kind; `None` where it is not TOML.
pub(crate) fn document<T>(
    file: &Arc<RuleFile>,
    faults: &Faults,
    read: impl FnOnce(&mut Table<'_>) -> T,
) -> Option<T> {
    let (document, errors) = DeTable::parse_recoverable(file.text());
    for error in &errors {
        faults.add(Code::Syntax, &At::new(file, error.span().unwrap_or(0..0)), error.message());
    }
    if !errors.is_empty() {
        return None;
    }
    let mut root = Table::root(file, faults, document.get_ref());
    root.schema();
    let value = read(&mut root);
    root.finish();
    Some(value)
}

/// A table that is being read. [`Table::finish`] notes the keys nobody asked for.
pub(crate) struct Table<'t> {
    file: &'t Arc<RuleFile>,
    faults: &'t Faults,
    entries: &'t DeTable<'t>,
    at: At,
    what: &'static str,
    asked: Vec<&'static str>,
}

impl<'t> Table<'t> {
    /// The whole of a file.
    pub(crate) fn root(file: &'t Arc<RuleFile>, faults: &'t Faults, entries: &'t DeTable<'t>) -> Self {
        let at = At::new(file, 0..0);
        Self { file, faults, entries, at, what: "the top of the file", asked: Vec::with_capacity(ASKED) }
    }

    /// Its place: the header.
    pub(crate) fn at(&self) -> &At {
        &self.at
    }

    /// Where to note its faults.
    pub(crate) fn faults(&self) -> &'t Faults {
        self.faults
    }

    /// Whether a key is there, without asking for it.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The value of a key.
    pub(crate) fn get(&mut self, key: &'static str) -> Option<Value<'t>> {
        self.asked.push(key);
        let toml = self.entries.get(key)?;
        Some(Value { file: self.file, faults: self.faults, toml })
    }

    /// The value of a key that must be there.
    pub(crate) fn need(&mut self, key: &'static str) -> Option<Value<'t>> {
        let value = self.get(key);
        if value.is_none() {
            let label = format!("{} needs the key `{key}`", self.what);
            self.faults.add(Code::MissingKey, &self.at, label);
        }
        value
    }

    /// A text that must be there.
    pub(crate) fn need_text(&mut self, key: &'static str) -> Option<Text> {
        self.need(key)?.text()
    }

    /// A text as written, where it is there.
    pub(crate) fn text(&mut self, key: &'static str) -> Option<String> {
        Some(self.get(key)?.text()?.value)
    }

    /// Texts; none where the key is not there.
    pub(crate) fn texts(&mut self, key: &'static str) -> Vec<Text> {
        self.get(key).map(Value::texts).unwrap_or_default()
    }

    /// A word; `default` where the key is not there.
    pub(crate) fn word<T: for<'de> Deserialize<'de>>(&mut self, key: &'static str, default: T) -> T {
        self.get(key).and_then(Value::word).unwrap_or(default)
    }

    /// Words; none where the key is not there.
    pub(crate) fn words<T: for<'de> Deserialize<'de>>(&mut self, key: &'static str) -> Vec<T> {
        self.get(key).map(Value::words).unwrap_or_default()
    }

    /// The tables `[[…]]` of a key.
    pub(crate) fn tables(&mut self, key: &'static str, what: &'static str) -> Vec<Table<'t>> {
        self.get(key).map(|value| value.tables(what)).unwrap_or_default()
    }

    /// Checks `schema = 1`.
    pub(crate) fn schema(&mut self) {
        let hint = "write `schema = 1` as the first line";
        match self.get("schema") {
            Some(value) if value.number() == Some(1) => {}
            Some(value) => self.faults.hint(Code::Schema, &value.at(), "not a known version", hint),
            None => self.faults.hint(Code::Schema, &self.at, "this file does not say its version", hint),
        }
    }

    /// Notes every key nobody asked for.
    pub(crate) fn finish(self) {
        let unknown =
            self.entries.keys().filter(|key| !self.asked.iter().any(|asked| asked == key.get_ref()));
        for key in unknown {
            let at = At::new(self.file, key.span());
            let label = format!("`{}` is not a key of {}", key.get_ref(), self.what);
            let known: BTreeSet<&str> = set_of(self.asked.iter().copied());
            let known: Vec<&str> = known.into_iter().collect();
            let near = nearest(key.get_ref(), &known).map(|near| format!("did you mean `{near}`? "));
            let hint = format!("{}it has: {}", near.unwrap_or_default(), known.join(", "));
            self.faults.hint(Code::UnknownKey, &at, label, hint);
        }
    }
}
