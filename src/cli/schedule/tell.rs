//! What `schedule show` and `schedule status` print.
//!
//! Called by the front of this folder.

use std::path::Path;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::cli::files::written;
use crate::cli::printer::Printer;
use crate::emit::safe::safe;
use crate::model::to_pretty;

use super::plan::{File, Setup};
use super::status::{Installed, Ran};
use super::when::spelled;

/// Version of the document.
const SCHEMA: &str = "interdict.schedule/1";

/// Form of the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people
    Text,
    /// For machines
    Json,
}

/// Every file and every command.
pub(super) fn shown(setup: &Setup) -> String {
    let mut text = String::new();
    for file in &setup.files {
        let passing = if file.passing { " (removed after the commands)" } else { "" };
        text.extend(["==> ", &file.path, passing, " <==\n", &readable(file), "\n"]);
    }
    if !setup.enable.is_empty() {
        text.push_str("==> commands <==\n");
    }
    setup.enable.iter().for_each(|call| text.extend([call.line().as_str(), "\n"]));
    text
}

fn readable(file: &File) -> String {
    super::apply::letters(&file.bytes).replace('\r', "")
}

/// What is installed.
pub(super) fn status(all: &[Installed], form: Form, printer: &Printer) -> String {
    let told: Vec<(&Installed, Ran)> = all.iter().map(|one| (one, one.ran(printer))).collect();
    match form {
        Form::Json => {
            let schedules: Vec<Value> = told.iter().map(|(one, ran)| document(one, ran)).collect();
            let document = json!({ "schema": SCHEMA, "schedules": schedules });
            to_pretty(&document).unwrap_or_default()
        }
        Form::Text if told.is_empty() => {
            "no schedule is installed; 'interdict schedule install --daily' makes one\n".to_owned()
        }
        Form::Text => told.iter().map(|(one, ran)| lines(one, ran)).collect::<Vec<_>>().join("\n"),
    }
}

/// Reports of a schedule, and when each was written.
fn reports(one: &Installed) -> Vec<(String, Option<String>)> {
    let when = |file: &Path| written(file).map(|stamp| stamp.to_string());
    one.outputs().iter().map(|file| (file.display().to_string(), when(file))).collect()
}

fn document(one: &Installed, ran: &Ran) -> Value {
    let reports: Vec<Value> =
        reports(one).into_iter().map(|(file, written)| json!({ "file": file, "written": written })).collect();
    json!({
        "platform": one.platform.word(),
        "file": one.file,
        "own": one.own,
        "enabled": one.enabled,
        "when": one.mark.when,
        "jitter_seconds": one.mark.jitter,
        "program": one.mark.program,
        "program_exists": one.has_program(),
        "arguments": one.mark.arguments,
        "next_run": ran.next,
        "last_run": ran.last,
        "last_exit_code": ran.code,
        "reports": reports,
    })
}

fn lines(one: &Installed, ran: &Ran) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| text.extend([format!("{name:11} {}\n", safe(value))]);
    let unsaid = format!("{} does not say", one.platform.word());
    line("platform", one.platform.word());
    line("file", &format!("{}{}", one.file, if one.own { "" } else { " (of the package)" }));
    line("enabled", if one.enabled { "yes" } else { "no" });
    line("when", &format!("{}, within {}", one.mark.when, spelled(one.mark.jitter)));
    let words =
        [&one.mark.program].into_iter().chain(&one.mark.arguments).map(String::as_str).collect::<Vec<_>>();
    line("runs", &words.join(" "));
    if !one.has_program() {
        line("", "there is no such program");
    }
    line("next run", ran.next.as_deref().unwrap_or(&unsaid));
    line("last run", ran.last.as_deref().unwrap_or(&unsaid));
    line("exit code", ran.code.as_deref().unwrap_or(&unsaid));
    for (file, written) in reports(one) {
        line(
            "report",
            &format!("{file}, {}", written.map_or("not yet written".to_owned(), |at| format!("of {at}"))),
        );
    }
    text
}
