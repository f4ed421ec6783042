//! What is to be run and when, before any platform's words; and what of it is written into the files, so that it is known
//! again.
//!
//! Used by the other files of this folder. Pure.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::when::{Times, spelled};

/// Stands in every file that `schedule install` writes: what has it not is not ours.
const WORDS: &str = "interdict schedule: ";
/// To be counted up when the same plan becomes other files.
const FORMAT: u32 = 1;
/// Said above it, for people.
pub(super) const SAYS: &str =
    "Written by 'interdict schedule install'; 'interdict schedule remove' takes it away again.";

/// What is to be run, and when.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The program, by its whole path.
    pub(super) program: String,
    /// What follows it.
    pub(super) arguments: Vec<String>,
    /// Folders that the scan writes to, beside its own.
    pub(super) writes: Vec<String>,
    /// Whether it is told to the collector.
    pub(super) ships: bool,
    /// When.
    pub(super) times: Times,
    /// Seconds within which each run begins by chance.
    pub(super) jitter: u32,
    /// What this computer is known by: where a platform knows no chance, it says how much later each run begins.
    pub(super) host: String,
    /// Whether the schedule of the package was on before.
    pub(super) was_enabled: bool,
}

/// What a file says of the plan that it was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cli) struct Mark {
    /// Which files the same plan becomes: another number, other files.
    #[serde(default)]
    pub(in crate::cli) format: u32,
    /// When, as five fields.
    pub(in crate::cli) when: String,
    /// Seconds within which each run begins.
    #[serde(default)]
    pub(in crate::cli) jitter: u32,
    /// The program.
    pub(in crate::cli) program: String,
    /// What follows it.
    pub(in crate::cli) arguments: Vec<String>,
    /// Whether the schedule of the package was on before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::cli) was_enabled: bool,
}

/// A file that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    /// Its whole path.
    pub(super) path: String,
    /// What stands in it.
    pub(super) bytes: Vec<u8>,
    /// Whether it is read once and taken away again.
    pub(super) passing: bool,
}

/// A program that is started, by its whole path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    /// The program.
    pub(super) program: String,
    /// Its arguments.
    pub(super) args: Vec<String>,
    /// Whether it may fail: what it takes away may not be there.
    pub(super) may_fail: bool,
}

/// What makes a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setup {
    /// Files, in the order in which they are written.
    pub(super) files: Vec<File>,
    /// What makes them hold, after they were written.
    pub(super) enable: Vec<Call>,
    /// What is to be sure of where nothing was written, for it was there already.
    pub(super) assure: Vec<Call>,
}

impl Plan {
    /// What files say of it.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            format: FORMAT,
            when: self.times.expression(),
            jitter: self.jitter,
            program: self.program.clone(),
            arguments: self.arguments.clone(),
            was_enabled: self.was_enabled,
        }
    }

    /// The times of this computer where the platform knows no chance: later by a number of minutes within the jitter, always
    /// the same here and another elsewhere.
    pub(super) fn own_times(&self) -> Result<Times, String> {
        let minutes = u64::from(self.jitter / 60);
        let digest = Sha256::digest(format!("interdict schedule {}", self.host));
        let number = digest.iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
        let later = u32::try_from(number % (minutes + 1)).unwrap_or_default();
        self.times.later(later).ok_or_else(|| {
            format!(
                "'{}' cannot be moved by a part of {} without becoming another schedule; say --jitter 0",
                self.times.expression(),
                spelled(self.jitter)
            )
        })
    }
}

impl Mark {
    /// The line that files have.
    pub(super) fn line(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        // What XML takes for its own, and the two dashes that none of its comments may hold.
        let signs = [("--", "-\\u002d"), ("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")];
        let json = signs.iter().fold(json, |json, (sign, escape)| json.replace(sign, escape));
        format!("{WORDS}{json}")
    }

    /// The mark in the text of a file.
    pub(super) fn find(text: &str) -> Option<Self> {
        let (_, json) = text.split_once(WORDS)?;
        let read = |json: &str| serde_json::Deserializer::from_str(json).into_iter().next()?.ok();
        // In XML quotes may be written in letters.
        read(json).or_else(|| read(&json.lines().next()?.replace("&quot;", "\"")))
    }
}

impl Call {
    /// A call that must go well.
    pub(super) fn new(program: &str, args: &[&str]) -> Self {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Self { program: program.to_owned(), args, may_fail: false }
    }

    /// The same, which may fail.
    pub(super) fn that_may_fail(self) -> Self {
        Self { may_fail: true, ..self }
    }

    /// For people to read.
    pub(super) fn line(&self) -> String {
        let word = |word: &String| {
            let plain =
                !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || "\"'$&|<>;()".contains(c));
            if plain { word.clone() } else { format!("\"{word}\"") }
        };
        [&self.program].into_iter().chain(&self.args).map(word).collect::<Vec<_>>().join(" ")
    }
}

impl File {
    /// A file of text.
    pub(super) fn text(path: impl Into<String>, text: String) -> Self {
        Self { path: path.into(), bytes: text.into_bytes(), passing: false }
    }
}

/// Text as it stands in XML.
pub(super) fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
pub(super) fn example(arguments: &[&str], when: &str, jitter: u32) -> Plan {
    Plan {
        program: "/usr/bin/interdict".to_owned(),
        arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
        writes: Vec::new(),
        ships: false,
        times: Times::read(when).unwrap(),
        jitter,
        host: "0123456789abcdef".to_owned(),
        was_enabled: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_computer_has_its_own_minute_and_others_have_others() {
        let mut plan = example(&["scan"], "0 3 * * *", 1800);
        let first = plan.own_times().unwrap();
        assert_eq!(first, plan.own_times().unwrap());
        let mut minutes = std::collections::BTreeSet::new();
        for host in 0..500 {
            plan.host = host.to_string();
            let times = plan.own_times().unwrap();
            let (hour, minute) = times.of_day().next().unwrap();
            assert!(hour == 3 && minute <= 30, "{hour}:{minute}");
            minutes.insert(minute);
        }
        assert_eq!(minutes.len(), 31, "the fleet is spread");
        plan.times = Times::read("50 23 * * 1").unwrap();
        plan.host = (0..1000)
            .map(|n: u32| n.to_string())
            .find(|host| Plan { host: host.clone(), ..plan.clone() }.own_times().is_err())
            .unwrap();
        assert!(plan.own_times().unwrap_err().contains("--jitter 0"));
    }

    proptest! {
        #[test]
        fn a_mark_is_found_again(arguments in proptest::collection::vec("\\PC{0,20}", 0..5), was in any::<bool>()) {
            let mut plan = example(&[], "0 3 * * *", 0);
            plan.arguments = arguments;
            plan.was_enabled = was;
            let line = plan.mark().line();
            prop_assert!(!line.contains("--") && !line.contains('\n'));
            prop_assert_eq!(Mark::find(&format!("# x\n# {line}\nmore {{\n")), Some(plan.mark()));
            prop_assert_eq!(Mark::find(&format!("<!-- {line} -->")), Some(plan.mark()));
        }
    }
}
