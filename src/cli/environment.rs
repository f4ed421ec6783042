//! What the environment says of the configuration: `INTERDICT_BUDGET` is the key `budget`.
//!
//! Called by `config`. Its words are put down as the lines of a file, so that they are read, and their faults shown, as those
//! of a file are.
#![expect(clippy::disallowed_methods, reason = "cli reads the environment")]

use std::env::{var_os, vars_os};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::model::Order;
use crate::ruleset::nearest;

use super::config::{KEYS, Key, Kind};

/// What faults call it.
pub(super) const NAME: &str = "the environment (INTERDICT_…)";

const PREFIX: &str = "INTERDICT_";
const CONFIG: &str = "INTERDICT_CONFIG";
/// Read by `enrol`, and never shown.
pub(super) const SECRET: &str = "INTERDICT_ENROL_SECRET";

/// What the environment says.
pub(super) struct Environment {
    /// The lines of a configuration file that would say the same.
    pub(super) text: String,
    /// Variables that nobody knows.
    pub(super) warnings: Vec<String>,
}

/// The configuration file that the environment names.
pub(super) fn config_file() -> Option<PathBuf> {
    var_os(CONFIG).filter(|name| !name.is_empty()).map(PathBuf::from)
}

/// The enrolment secret, where it stands there.
pub(super) fn enrolment_secret() -> Option<String> {
    var_os(SECRET)?.into_string().ok().filter(|secret| !secret.is_empty())
}

/// The variable of a key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase())
}

/// Reads it.
pub(super) fn read() -> Environment {
    of(vars_os())
}

fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Environment {
    let mut said: Vec<(OsString, OsString)> =
        variables.into_iter().filter(|(name, _)| is_ours(name)).collect();
    said.order();
    let (mut text, mut warnings) = ("schema = 1\n".to_owned(), Vec::new());
    // An empty variable is one that is not set, as NO_COLOR and others have it.
    for (name, value) in said.into_iter().filter(|(_, value)| !value.is_empty()) {
        let name = name.to_string_lossy().to_ascii_uppercase();
        match KEYS.iter().find(|key| variable(key.name) == name) {
            Some(key) => text.push_str(&line(key, &value)),
            None if name == CONFIG || name == SECRET => {}
            None => warnings.push(unknown(&name)),
        }
    }
    Environment { text, warnings }
}

/// Names of variables have no case on Windows.
fn is_ours(name: &OsStr) -> bool {
    let start = name.as_encoded_bytes().get(..PREFIX.len());
    start.is_some_and(|start| {
        if cfg!(windows) { start.eq_ignore_ascii_case(PREFIX.as_bytes()) } else { start == PREFIX.as_bytes() }
    })
}

fn unknown(name: &str) -> String {
    let known: Vec<String> = KEYS.iter().map(|key| variable(key.name)).chain([CONFIG.to_owned()]).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let near = nearest(name, &known).map(|near| format!("; did you mean {near}?"));
    format!("the variable {name} says nothing to this program{}", near.unwrap_or_default())
}

/// The line of a key. What is neither a number nor yes or no is put down as a text, and told by who reads it.
fn line(key: &Key, value: &OsStr) -> String {
    let value = value.to_string_lossy();
    let value = value.trim();
    let plain = match key.kind {
        Kind::Number => value.parse::<u64>().is_ok(),
        Kind::Bool => matches!(value, "true" | "false"),
        Kind::Text | Kind::Texts => false,
    };
    let said = match key.kind {
        _ if plain => value.to_owned(),
        Kind::Texts => {
            let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
            format!("[{}]", parts.map(quoted).collect::<Vec<_>>().join(", "))
        }
        _ => quoted(value),
    };
    format!("{} = {said}\n", key.name)
}

/// A text as TOML has it; its basic strings hold all that those of JSON do, but for a bare DEL.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> (String, Vec<String>) {
        let read = of(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        (read.text, read.warnings)
    }

    #[test]
    fn variables_are_the_lines_of_a_file() {
        let (text, warnings) = read(&[
            ("INTERDICT_BUDGET", "60"),
            ("INTERDICT_POLICIES", "us-commerce, our \"own\".toml,"),
            ("INTERDICT_BUILT_IN", "false"),
            ("INTERDICT_DEPTH", ""),
            ("INTERDICT_STATE", "C:\\state"),
            ("INTERDICT_WAIT", "soon"),
            ("INTERDICT_CONFIG", "x"),
            ("INTERDICT_ENROL_SECRET", "x"),
            ("PATH", "x"),
        ]);
        let known = "schema = 1\nbudget = 60\nbuilt_in = false\npolicies = [\"us-commerce\", \"our \\\"own\\\".toml\"]\n\
                     state = \"C:\\\\state\"\nwait = \"soon\"\n";
        assert_eq!((text.as_str(), warnings), (known, Vec::new()));
    }

    #[test]
    fn an_unknown_variable_is_told_with_the_nearest() {
        let (_, warnings) = read(&[("INTERDICT_BUGDET", "1"), ("INTERDICT_XYZZY_PLUGH", "1")]);
        assert!(
            warnings[0]
                .ends_with("INTERDICT_BUGDET says nothing to this program; did you mean INTERDICT_BUDGET?")
        );
        assert!(warnings[1].ends_with("says nothing to this program"), "{warnings:?}");
    }
}
