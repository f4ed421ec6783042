//! What is told of a run: which events there are, and what each says.
//!
//! Called by `main`, `scan` and `inventory`. Here it is decided that counts and reasons are told, and no places.

use std::path::Path;

use serde::Serialize;

use crate::host::is_privileged;
use crate::model::{Coverage, Inventory, Report, Status, of_json, to_json};
use crate::ruleset::Diagnostic;

use crate::cli::exit::{Failure, USAGE_OR_FAULT};
use crate::cli::look::LookArgs;
use crate::cli::scan::is_file;

use super::{Event, Kind};

/// A look begins: which program, with what rights, and what it is to do. Files of policies are told without their folders.
pub(in super::super) fn begun(command: &str, look: &LookArgs, policies: &[String]) -> Event {
    let rights = if is_privileged() { "with all rights" } else { "as a plain user" };
    let target = if look.is_live() { "this computer" } else { "a disk or image" };
    let (scope, depth) = (word(look.scope()), word(look.depth()));
    let version = env!("CARGO_PKG_VERSION");
    let message =
        format!("{command} of {target} begins, {rights}: interdict {version}, scope {scope}, depth {depth}");
    let event = Event::new(Kind::Start, &message)
        .with("command", command)
        .with("privileged", is_privileged())
        .with("target", target)
        .with("scope", scope)
        .with("depth", depth);
    #[cfg(unix)]
    let event = event.with("uid", rustix::process::geteuid().as_raw());
    let name = |policy: &String| match Path::new(policy).file_name().filter(|_| is_file(policy)) {
        Some(name) => name.to_string_lossy().into_owned(),
        None => policy.clone(),
    };
    let policies: Vec<String> = policies.iter().map(name).collect();
    if policies.is_empty() { event } else { event.with("policies", policies.join(", ")) }
}

/// Something of the rules that a person should look at.
pub(in super::super) fn warned(diagnostic: &Diagnostic) -> Event {
    let file = Path::new(diagnostic.at.file()).file_name().unwrap_or_default().to_string_lossy();
    let place = format!("{file}:{}", diagnostic.at.line());
    let code = diagnostic.code.word();
    Event::new(Kind::Warning, &format!("{code} {place}: {}", diagnostic.label)).with("code", code)
}

/// What could not be seen that counts, one event for each source and reason.
pub(in super::super) fn unseen(coverage: &Coverage) -> Vec<Event> {
    let of = |source: &str, status: Status, reason: &str, count: u64| {
        let message =
            format!("{source} ({}): {reason}, {count} place(s); the report names them", status.word());
        let event = Event::new(Kind::Gap, &message).with("source", source).with("status", status.word());
        event.with("reason", reason).with("count", count)
    };
    let mut events = Vec::new();
    for source in &coverage.sources {
        let gaps = source.gaps.iter().filter(|gap| gap.blocking);
        events.extend(gaps.map(|gap| of(&source.source, source.status, gap.reason.word(), gap.count)));
        if source.status == Status::Failed && !source.has_blocking_gap() {
            events.push(of(&source.source, source.status, "failed", 1));
        }
    }
    events
}

/// What a scan came to.
pub(in super::super) fn ended(report: &Report, exit_code: u8) -> Event {
    let (verdict, findings) = (report.verdict.word(), report.findings.len());
    let deciding = report.findings.iter().filter(|finding| finding.decides).count();
    let waived = report.findings.iter().filter(|finding| finding.waiver.is_some()).count();
    let gaps = blocking(&report.coverage);
    let message = format!(
        "{verdict}: {findings} finding(s), {deciding} of which decide and {waived} are waived; {} item(s), {gaps} \
         blocking gap(s); exit code {exit_code}, {}",
        report.items,
        took(report.elapsed_ms)
    );
    let policies = report.policies.iter().map(|one| format!("{}={}", one.policy, one.verdict.word()));
    let event = Event::new(Kind::Verdict(report.verdict), &message)
        .with("verdict", verdict)
        .with("policies", policies.collect::<Vec<_>>().join(", "))
        .with("findings", findings)
        .with("deciding", deciding)
        .with("waived", waived)
        .with("items", report.items)
        .with("gaps", gaps)
        .with("ruleset", &report.ruleset.digest);
    event.with("exit_code", exit_code).with("elapsed_ms", report.elapsed_ms)
}

/// What an inventory came to.
pub(in super::super) fn inventoried(inventory: &Inventory, exit_code: u8) -> Event {
    let (items, gaps) = (inventory.items.len(), blocking(&inventory.coverage));
    let took = took(inventory.elapsed_ms);
    let message =
        format!("inventory: {items} item(s), {gaps} blocking gap(s); exit code {exit_code}, {took}");
    let event = Event::new(Kind::Inventory, &message).with("items", items).with("gaps", gaps);
    event.with("exit_code", exit_code).with("elapsed_ms", inventory.elapsed_ms)
}

/// A run that could not be. Who else runs is not told: a command line and a name.
pub(in super::super) fn failed(failure: &Failure) -> Event {
    let lines = match failure {
        Failure::Busy(_) => vec!["another scan of this computer is running".to_owned()],
        other => other.lines(),
    };
    let faults = failure.diagnostics().unwrap_or_default().iter();
    let faults = faults.map(|one| format!("{}: {}", one.at, one.label));
    let lines: Vec<String> = lines.into_iter().chain(faults).collect();
    let message = format!("could not run: {}", lines.join("\n"));
    Event::new(Kind::Failure, &message).with("exit_code", USAGE_OR_FAULT)
}

/// A run that ended without a word: by a signal, as a shell has it, or by a fault of the scanner.
pub(in super::super) fn died(code: u8) -> Event {
    let message = match code.checked_sub(128) {
        Some(signal) => format!("the scan was ended by signal {signal}; its report was not written"),
        None => format!("fault of the scanner: the scan ended with {code}; its report was not written"),
    };
    Event::new(Kind::Failure, &message).with("exit_code", code)
}

fn blocking(coverage: &Coverage) -> usize {
    coverage.sources.iter().flat_map(|source| &source.gaps).filter(|gap| gap.blocking).count()
}

fn took(milliseconds: u64) -> String {
    format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
}

/// The word of a value, as documents have it.
fn word(value: impl Serialize) -> String {
    to_json(&value).and_then(|json| of_json(&json)).unwrap_or_default()
}
