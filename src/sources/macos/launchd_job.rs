//! What a property list of launchd says of its job: launchd.plist(5), and `SMAppService` for those inside bundles.
//!
//! Called by the source `launchd`. Must not know where the list lies, nor files.

use crate::parse::plist::Value;

/// Letters of a label; a longer one is no name.
const MAX_LABEL: usize = 1024;

/// A job.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Job<'v> {
    /// Its name; none where it states none, and then the file's name stands for it.
    pub(super) label: Option<&'v str>,
    /// What it starts.
    pub(super) starts: Starts<'v>,
}

/// What a job starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Starts<'v> {
    /// A program, and what it is told.
    Program(&'v str, Vec<&'v str>),
    /// A file in the bundle that holds the list, from the bundle's folder on.
    InBundle(&'v str),
    /// Nothing: launchd refuses it.
    Nothing,
    /// It says so in no way that is known.
    Unknown,
}

impl<'v> Job<'v> {
    /// The job of a list; none where it is no dictionary.
    pub(super) fn of(list: &'v Value) -> Option<Self> {
        let Value::Dict(_) = list else { return None };
        let label = list.get("Label").and_then(Value::text);
        let label = label.map(str::trim).filter(|label| !label.is_empty() && label.len() <= MAX_LABEL);
        Some(Self { label, starts: Starts::of(list) })
    }
}

impl<'v> Starts<'v> {
    fn of(list: &'v Value) -> Self {
        let [bundle, program, words] =
            ["BundleProgram", "Program", "ProgramArguments"].map(|key| list.get(key));
        if let Some(path) = bundle.and_then(Value::text) {
            return Self::InBundle(path);
        }
        let all: Vec<_> =
            words.map(Value::items).unwrap_or_default().iter().filter_map(Value::text).collect();
        // The first word is what the program is told that it is called; it is the program only where none is named.
        let rest = || all.get(1..).unwrap_or_default().to_vec();
        match (program.and_then(Value::text), all.first()) {
            (Some(program), _) => Self::Program(program, rest()),
            (None, Some(first)) => Self::Program(first, rest()),
            (None, None) if bundle.or(program).or(words).is_some() => Self::Unknown,
            (None, None) => Self::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    fn list(entries: &[(&str, Value)]) -> Value {
        Value::Dict(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    fn words(words: &[&str]) -> Value {
        Value::Array(words.iter().map(|word| text(word)).collect())
    }

    #[test]
    fn what_a_job_starts() {
        let starts = |entries: &[(&str, Value)]| format!("{:?}", Starts::of(&list(entries)));
        assert_eq!(starts(&[("ProgramArguments", words(&["/a", "-x"]))]), r#"Program("/a", ["-x"])"#);
        let both = [("Program", text("/p")), ("ProgramArguments", words(&["name", "-x"]))];
        assert_eq!(starts(&both), r#"Program("/p", ["-x"])"#);
        assert_eq!(starts(&[("Program", text("/p"))]), r#"Program("/p", [])"#);
        let bundle = [("BundleProgram", text("Contents/MacOS/x")), ("Program", text("/p"))];
        assert_eq!(starts(&bundle), r#"InBundle("Contents/MacOS/x")"#);
        assert_eq!(starts(&[]), "Nothing");
        assert_eq!(starts(&[("ProgramArguments", words(&[]))]), "Unknown");
        assert_eq!(starts(&[("Program", Value::Integer(1))]), "Unknown");
    }

    #[test]
    fn labels() {
        let label = |value: Value| Job::of(&list(&[("Label", value)])).unwrap().label.map(str::to_owned);
        assert_eq!(label(text(" com.acme.agent\n")).as_deref(), Some("com.acme.agent"));
        for none in [text(" "), text(&"x".repeat(2000)), Value::Bool(true)] {
            assert_eq!(label(none), None);
        }
        assert_eq!(Job::of(&text("x")), None);
    }
}
