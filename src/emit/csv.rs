//! CSV (RFC 4180): one table of verdicts, findings, evidence and gaps, and one of items. `docs/formats.md` lists the columns.
//!
//! A spreadsheet must not take a cell for a formula: see [`cell`]. Columns are only ever added at the end.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::model::{
    Evidence, Finding, HostFacts, Inventory, InventoryItem, Looked, PolicyOutcome, Report, Sighting,
    SourceReport, Stamp,
};

use super::hidden::{Hidden, of_coverage, of_report};
use super::safe::{put, safe, short};
use super::{Can, Form, Format, Look};

/// The format `csv`.
pub(super) struct Findings;

/// The format `csv-items`.
pub(super) struct Items;

/// Columns of `csv`.
const FINDINGS: &[&str] = &[
    "record",
    "host",
    "machine_id",
    "scanned_at",
    "verdict",
    "policy",
    "prohibition",
    "product",
    "product_name",
    "vendor_name",
    "class",
    "state",
    "confidence",
    "severity",
    "decides",
    "because",
    "waived_until",
    "version",
    "effective",
    "source",
    "scope",
    "place",
    "strength",
    "reason",
    "weight",
    "count",
    "text",
    "os",
    "ruleset",
];

/// Columns of `csv-items`.
const ITEMS: &[&str] = &[
    "record",
    "host",
    "machine_id",
    "scanned_at",
    "verdict",
    "id",
    "kind",
    "name",
    "display_name",
    "version",
    "publisher",
    "signer",
    "signer_trust",
    "identifiers",
    "arch",
    "path",
    "state",
    "scope",
    "source",
    "place",
    "recorded_at",
    "recorded_means",
    "reason",
    "weight",
    "count",
    "text",
];

/// Columns of [`coverage`].
const COVERAGE: &[&str] = &[
    "record",
    "host",
    "machine_id",
    "scanned_at",
    "verdict",
    "source",
    "state",
    "reason",
    "weight",
    "count",
    "place",
    "text",
];

/// Letters of a cell: Excel takes 32,767.
const LETTERS: usize = 32_000;

impl Format for Findings {
    fn form(&self) -> &'static Form {
        &Form {
            name: "csv",
            about: "a table of verdicts, findings, evidence and gaps, safe for spreadsheets",
            extension: "csv",
            media_type: "text/csv; charset=utf-8; header=present",
            can: &[Can::Many],
        }
    }

    fn reports(&self, reports: &[Report], look: &Look, out: &mut dyn Write) -> io::Result<()> {
        let mut sheet = Sheet::new(out, FINDINGS, *look)?;
        for report in reports {
            sheet.host(&report.host, report.scanned_at);
            sheet.always.push(("ruleset", report.ruleset.digest.clone().into()));
            sheet.always.push((
                "os",
                report.host.os.name.as_deref().unwrap_or(report.host.family.word()).to_owned().into(),
            ));
            verdict(&mut sheet, report)?;
            report.policies.iter().try_for_each(|policy| prohibitions(&mut sheet, policy))?;
            report.findings.iter().try_for_each(|found| finding(&mut sheet, found))?;
            report.coverage.sources.iter().try_for_each(|one| source(&mut sheet, one))?;
            of_report(report).iter().try_for_each(|one| gap(&mut sheet, one))?;
        }
        Ok(())
    }
}

impl Format for Items {
    fn form(&self) -> &'static Form {
        &Form {
            name: "csv-items",
            about: "a table of every item, and gaps, safe for spreadsheets",
            extension: "items.csv",
            media_type: "text/csv; charset=utf-8; header=present",
            can: &[Can::Many, Can::Inventories, Can::NeedsItems],
        }
    }

    fn reports(&self, reports: &[Report], look: &Look, out: &mut dyn Write) -> io::Result<()> {
        let mut sheet = Sheet::new(out, ITEMS, *look)?;
        for report in reports {
            sheet.host(&report.host, report.scanned_at);
            verdict(&mut sheet, report)?;
            report.inventory.iter().flatten().try_for_each(|seen| item(&mut sheet, seen))?;
            of_report(report).iter().try_for_each(|one| gap(&mut sheet, one))?;
        }
        Ok(())
    }

    fn inventories(&self, inventories: &[Inventory], look: &Look, out: &mut dyn Write) -> io::Result<()> {
        let mut sheet = Sheet::new(out, ITEMS, *look)?;
        for inventory in inventories {
            sheet.host(&inventory.host, inventory.scanned_at);
            inventory.items.iter().try_for_each(|seen| item(&mut sheet, seen))?;
            of_coverage(&inventory.coverage).iter().try_for_each(|one| gap(&mut sheet, one))?;
        }
        Ok(())
    }
}

/// Where was looked, how it ended, and what could not be seen: a table of its own for attestation packs.
pub(super) fn coverage(reports: &[Report], look: Look, out: &mut dyn Write) -> io::Result<()> {
    let mut sheet = Sheet::new(out, COVERAGE, look)?;
    for report in reports {
        sheet.host(&report.host, report.scanned_at);
        verdict(&mut sheet, report)?;
        report.coverage.sources.iter().try_for_each(|one| source(&mut sheet, one))?;
        of_report(report).iter().try_for_each(|one| gap(&mut sheet, one))?;
    }
    Ok(())
}

/// The judgements of a policy.
fn prohibitions(sheet: &mut Sheet<'_>, policy: &PolicyOutcome) -> io::Result<()> {
    for judged in &policy.prohibitions {
        let text = if judged.assessable {
            policy.title.as_str()
        } else {
            "nothing that shows it could be found on this system"
        };
        let cells = vec![
            ("policy", policy.policy.as_str().into()),
            ("prohibition", judged.prohibition.as_str().into()),
            ("verdict", judged.verdict.word().into()),
            ("effective", judged.effective.to_string().into()),
            ("count", judged.deciding.to_string().into()),
            ("text", text.into()),
        ];
        sheet.row("prohibition", &cells)?;
    }
    Ok(())
}

fn verdict(sheet: &mut Sheet<'_>, report: &Report) -> io::Result<()> {
    sheet.row(
        "verdict",
        &[
            ("verdict", report.verdict.word().into()),
            ("count", report.findings.iter().filter(|found| found.decides).count().to_string().into()),
            ("text", report.claim.text.as_str().into()),
        ],
    )
}

fn finding(sheet: &mut Sheet<'_>, found: &Finding) -> io::Result<()> {
    let ids = || -> Vec<(&'static str, Cow<'_, str>)> {
        vec![
            ("policy", found.policy.as_str().into()),
            ("prohibition", found.prohibition.as_str().into()),
            ("product", found.product.as_str().into()),
        ]
    };
    let mut cells = ids();
    cells.extend([
        ("product_name", found.product_name.as_str().into()),
        ("vendor_name", found.vendor_name.as_str().into()),
        ("class", found.class.word().into()),
        ("state", found.state.word().into()),
        ("confidence", found.confidence.word().into()),
        ("severity", found.severity.word().into()),
        ("decides", if found.decides { "yes" } else { "no" }.into()),
        ("because", found.because.map_or("", crate::model::Because::words).into()),
        ("version", found.versions.join(" ").into()),
        ("effective", found.effective.to_string().into()),
        ("count", found.evidence_total.to_string().into()),
        ("text", found.advice.as_str().into()),
    ]);
    cells.extend(found.waiver.iter().map(|waiver| ("waived_until", waiver.expires.to_string().into())));
    cells.extend(found.evidence.first().map(|first| ("place", first.place.path.text())));
    sheet.row("finding", &cells)?;
    for one in &found.evidence {
        let mut cells = ids();
        cells.extend(evidence(one));
        sheet.row("evidence", &cells)?;
    }
    Ok(())
}

fn evidence(one: &Evidence) -> Vec<(&'static str, Cow<'_, str>)> {
    let strength = one.strength.map_or("", crate::model::Strength::word);
    vec![
        ("product_name", one.name.as_str().into()),
        ("vendor_name", one.publisher.as_deref().unwrap_or_default().into()),
        ("class", one.kind.word().into()),
        ("state", one.state.word().into()),
        ("version", one.version.as_deref().unwrap_or_default().into()),
        ("source", one.source.as_ref().into()),
        ("scope", one.scope.to_string().into()),
        ("place", one.place.path.text()),
        ("strength", strength.into()),
        ("text", one.place.record.as_deref().unwrap_or_default().into()),
    ]
}

fn source(sheet: &mut Sheet<'_>, one: &SourceReport) -> io::Result<()> {
    sheet.row(
        "source",
        &[
            ("source", one.source.as_ref().into()),
            ("state", one.status.word().into()),
            ("count", one.records.to_string().into()),
            ("text", one.reason.as_deref().unwrap_or_default().into()),
        ],
    )
}

fn gap(sheet: &mut Sheet<'_>, one: &Hidden<'_>) -> io::Result<()> {
    let mut text = one.words.clone().into_owned();
    if let Some(exception) = one.exception {
        put(
            &mut text,
            format_args!(
                "; accepted until {} by {}: {}",
                exception.expires, exception.approver, exception.reason
            ),
        );
    }
    sheet.row(
        "gap",
        &[
            ("source", one.source.unwrap_or_default().into()),
            ("state", one.status.map_or("", crate::model::Status::word).into()),
            ("reason", one.reason.into()),
            ("weight", one.weight.word().into()),
            ("count", one.count.to_string().into()),
            ("place", one.places_text().into()),
            ("text", text.into()),
        ],
    )
}

fn item(sheet: &mut Sheet<'_>, seen: &InventoryItem) -> io::Result<()> {
    seen.sightings.iter().try_for_each(|sighting| sheet.row("item", &item_cells(seen, sighting)))
}

fn item_cells<'r>(seen: &'r InventoryItem, sighting: &'r Sighting) -> Vec<(&'static str, Cow<'r, str>)> {
    let item = &seen.item;
    let (signer, trust) = match &item.signer {
        Looked::Some(signer) => (signer.name.as_str(), signer.trust.word()),
        Looked::Unreadable(_) => ("", "unreadable"),
        Looked::None => ("", "unsigned"),
        Looked::NotLooked => ("", ""),
    };
    let identifiers = item.identifiers.iter().map(|one| format!("{}={}", one.kind.word(), one.value));
    vec![
        ("id", item.id.to_string().into()),
        ("kind", item.kind.word().into()),
        ("name", item.name.as_str().into()),
        ("display_name", item.display_name.as_deref().unwrap_or_default().into()),
        ("version", item.version.as_ref().map_or("", |version| &version.raw).into()),
        ("publisher", item.publisher.as_deref().unwrap_or_default().into()),
        ("signer", signer.into()),
        ("signer_trust", trust.into()),
        ("identifiers", identifiers.collect::<Vec<_>>().join(" ").into()),
        ("arch", item.arch.as_deref().unwrap_or_default().into()),
        ("path", item.path.as_deref().unwrap_or_default().into()),
        ("state", sighting.state.word().into()),
        ("scope", sighting.scope.to_string().into()),
        ("source", sighting.source.as_ref().into()),
        ("place", sighting.place.path.text()),
        ("recorded_at", sighting.recorded_at.value.map_or(String::new(), |at| at.to_string()).into()),
        ("recorded_means", sighting.recorded_at.means.word().into()),
        ("text", sighting.place.record.as_deref().unwrap_or_default().into()),
    ]
}

/// A table that is written row by row.
struct Sheet<'o> {
    out: &'o mut dyn Write,
    columns: &'static [&'static str],
    always: Vec<(&'static str, Cow<'static, str>)>,
}

impl<'o> Sheet<'o> {
    fn new(out: &'o mut dyn Write, columns: &'static [&'static str], look: Look) -> io::Result<Self> {
        if look.bom {
            out.write_all("\u{feff}".as_bytes())?;
        }
        write!(out, "{}\r\n", columns.join(","))?;
        Ok(Self { out, columns, always: Vec::new() })
    }

    /// The host that the next rows are about.
    fn host(&mut self, host: &HostFacts, scanned_at: Stamp) {
        self.always = vec![
            ("host", host.name.clone().unwrap_or_default().into()),
            ("machine_id", host.machine_id.clone().unwrap_or_default().into()),
            ("scanned_at", scanned_at.to_string().into()),
        ];
    }

    fn row(&mut self, record: &'static str, cells: &[(&'static str, Cow<'_, str>)]) -> io::Result<()> {
        debug_assert!(cells.iter().all(|(name, _)| self.columns.contains(name)), "a cell without a column");
        for (at, column) in self.columns.iter().enumerate() {
            if at > 0 {
                self.out.write_all(b",")?;
            }
            let of_row = cells.iter().find(|(name, _)| name == column).map(|(_, text)| text.as_ref());
            let of_host =
                || self.always.iter().find(|(name, _)| name == column).map(|(_, text)| text.as_ref());
            let text = if at == 0 { Some(record) } else { of_row.or_else(of_host) };
            self.out.write_all(cell(text.unwrap_or_default()).as_bytes())?;
        }
        self.out.write_all(b"\r\n")
    }
}

/// A cell that no spreadsheet takes for a formula: before `= + - @`, at the beginning and after what some spreadsheet
/// takes for the end of a cell, stands an apostrophe (<https://owasp.org/www-community/attacks/CSV_Injection>). Control
/// characters are spelt out, so that a cell is one line. A cell with a separator of any locale is quoted.
pub fn cell(text: &str) -> Cow<'_, str> {
    let text = match safe(text) {
        Cow::Borrowed(text) => short(text, LETTERS),
        Cow::Owned(text) => Cow::Owned(short(&text, LETTERS).into_owned()),
    };
    let quoted = text.contains([',', ';', '"', '|', '\'']) || text.starts_with(' ') || text.ends_with(' ');
    let starts = |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    if !quoted && !text.starts_with(starts) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 4);
    out.push('"');
    let mut begins = true;
    for c in text.chars() {
        if begins && starts(c) {
            out.push('\'');
        }
        if c == '"' {
            out.push('"');
        }
        out.push(c);
        // Blanks and quotes after a separator do not keep a spreadsheet from seeing a formula.
        begins = matches!(c, ',' | ';' | '|') || (begins && matches!(c, ' ' | '"' | '\u{a0}'));
    }
    out.push('"');
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(cell("kesl"), "kesl");
        assert_eq!(cell("12.1.0-1543"), "12.1.0-1543");
        assert_eq!(cell("=cmd|' /C calc'!A0"), "\"'=cmd|' /C calc'!A0\"");
        for bad in ["+1", "-1", "@SUM(A1)", "＝1", "a;=1", "a, =1", "a,\"=1", "x|@y", " =1", "\"=1"] {
            let safe = cell(bad);
            assert!(
                safe.contains("'=")
                    || safe.contains("'+")
                    || safe.contains("'-")
                    || safe.contains("'@")
                    || safe.contains("'＝"),
                "{bad}: {safe}"
            );
            assert!(safe.starts_with('"') && safe.ends_with('"'), "{bad}: {safe}");
        }
        assert_eq!(cell("\t=1"), "\\u{9}=1", "a tab is spelt out");
        assert_eq!(cell("a\r\n=1"), "a\\u{d}\\u{a}=1");
        assert_eq!(cell("say \"x\""), "\"say \"\"x\"\"\"");
    }

    #[test]
    fn a_cell_has_an_end() {
        assert!(cell(&"x".repeat(1 << 20)).chars().count() < 32_767);
        assert!(cell(&"=,".repeat(1 << 20)).chars().count() < 3 * 32_767);
    }
}
