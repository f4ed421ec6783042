//! OCSF 1.8: one event a line. A Compliance Finding (2003) for each prohibition, which carries the coverage, and for each
//! finding; a Software Inventory Info (5020) for each item where the report brings its inventory.
//! <https://schema.ocsf.io/1.8.0/>
//!
//! What the schema has no place for (claim, gaps, sources) stands in `unmapped`, as the schema asks.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use crate::model::{
    Family, Finding, HostFacts, Inventory, InventoryItem, ItemId, ItemKind, Judgement, PolicyOutcome, Report,
    Severity, Sighting, Stamp, Tool, Verdict, write_json,
};

use super::hidden::{Hidden, of_coverage, of_report};
use super::purl::purl;
use super::safe::short;
use super::uuid::digest;
use super::{Can, Form, Format, Look};

/// The format `ocsf`.
pub(super) struct Ocsf;

const VERSION: &str = "1.8.0";
/// Letters of one text.
const LETTERS: usize = 4096;

impl Format for Ocsf {
    fn form(&self) -> &'static Form {
        &Form {
            name: "ocsf",
            about: "OCSF 1.8 events, one a line, for security lakes and SIEMs",
            extension: "ocsf.jsonl",
            media_type: "application/jsonl",
            can: &[Can::Many, Can::Inventories],
        }
    }

    fn reports(&self, reports: &[Report], _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        for report in reports {
            let host = About { host: &report.host, tool: &report.tool, at: report.scanned_at };
            let hidden = of_report(report);
            let judged = report
                .policies
                .iter()
                .flat_map(|policy| policy.prohibitions.iter().map(move |judged| (policy, judged)));
            for (policy, judged) in judged {
                line(out, &verdict(&host, report, policy, judged, &hidden))?;
            }
            for found in &report.findings {
                line(out, &finding(&host, report, found))?;
            }
            items(&host, report.inventory.as_deref().unwrap_or_default(), out)?;
        }
        Ok(())
    }

    fn inventories(&self, inventories: &[Inventory], _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        for inventory in inventories {
            let host = About { host: &inventory.host, tool: &inventory.tool, at: inventory.scanned_at };
            items(&host, &inventory.items, out)?;
            let hidden = of_coverage(&inventory.coverage);
            let mut event = host.event(5020, 2, 1);
            set(&mut event, "message", "What could not be seen".into());
            set(&mut event, "unmapped", json!({ "gaps": gaps(&hidden) }));
            line(out, &event)?;
        }
        Ok(())
    }
}

/// The host and the moment of an event.
struct About<'r> {
    host: &'r HostFacts,
    tool: &'r Tool,
    at: Stamp,
}

impl About<'_> {
    /// What every event has.
    fn event(&self, class: u32, activity: u32, severity: u32) -> Value {
        let (name, type_id) = match self.host.family {
            Family::Windows => ("Windows", 100),
            Family::Linux => ("Linux", 200),
            Family::Macos => ("macOS", 300),
        };
        json!({
            "activity_id": activity,
            "category_uid": class / 1000,
            "class_uid": class,
            "type_uid": class * 100 + activity,
            "severity_id": severity,
            "time": self.at.unix().saturating_mul(1000),
            "metadata": {
                "version": VERSION,
                "profiles": ["host"],
                "product": {
                    "name": self.tool.name,
                    "vendor_name": self.tool.name,
                    "version": self.tool.version,
                },
            },
            "device": {
                "type_id": 0,
                "name": self.host.name.as_deref().unwrap_or("unknown"),
                "hostname": self.host.name.as_deref().unwrap_or("unknown"),
                "uid": self.host.machine_id.as_deref().unwrap_or("unknown"),
                "os": {
                    "name": self.host.os.name.as_deref().unwrap_or(name),
                    "type_id": type_id,
                    "version": self.host.os.version.as_deref().unwrap_or("unknown"),
                },
            },
        })
    }

    /// The same for the same thing on the same host.
    fn uid(&self, parts: &[&str]) -> String {
        let host = [self.host.machine_id.as_deref(), self.host.name.as_deref()];
        let all: Vec<&str> =
            host.into_iter().map(Option::unwrap_or_default).chain(parts.iter().copied()).collect();
        digest(&all)
    }
}

/// The judgement of one prohibition: passed, failed, or not known.
fn verdict(
    about: &About<'_>,
    report: &Report,
    policy: &PolicyOutcome,
    judged: &Judgement,
    hidden: &[Hidden<'_>],
) -> Value {
    let (status_id, status, severity) = match judged.verdict {
        Verdict::Compliant => (1, "Pass", 1),
        Verdict::Inconclusive => (2, "Warning", 3),
        Verdict::NonCompliant => (3, "Fail", 4),
    };
    let mut event = about.event(2003, 1, severity);
    let unseen: Vec<&str> = judged.unseen.iter().map(|unseen| unseen.reason.as_str()).collect();
    set(&mut event, "message", report.claim.text.as_str().into());
    set(
        &mut event,
        "finding_info",
        json!({
            "uid": about.uid(&[&judged.prohibition]),
            "title": format!("{}: {}", judged.prohibition, judged.verdict.word()),
            "desc": policy.title,
            "created_time": about.at.unix().saturating_mul(1000),
            "types": ["verdict"],
        }),
    );
    set(
        &mut event,
        "compliance",
        json!({
            "control": judged.prohibition,
            "standards": [policy.policy],
            "requirements": [policy.title],
            "status_id": status_id,
            "status": status,
            "status_code": judged.verdict.word(),
            "status_detail": unseen.join("; "),
        }),
    );
    set(&mut event, "resources", resources(about));
    set(
        &mut event,
        "unmapped",
        json!({
            "verdict": report.verdict,
            "claim": report.claim,
            "ruleset": report.ruleset,
            "assessable": judged.assessable,
            "sources": report.coverage.sources.iter().map(|source| json!({
                "source": source.source, "status": source.status, "reason": source.reason,
            })).collect::<Vec<_>>(),
            "gaps": gaps(hidden),
        }),
    );
    event
}

fn finding(about: &About<'_>, report: &Report, found: &Finding) -> Value {
    let severity = match found.severity {
        Severity::Info => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    };
    let mut event = about.event(2003, 1, if found.decides { severity } else { 1 });
    let (status_id, status) = if found.decides { (3, "Fail") } else { (99, "Shown only") };
    set(
        &mut event,
        "finding_info",
        json!({
            "uid": about.uid(&[&found.prohibition, &found.product]),
            "title": format!("{} of {}", found.product_name, found.vendor_name),
            "desc": format!("{}, {}", found.state.word(), found.confidence.word()),
            "created_time": about.at.unix().saturating_mul(1000),
            "types": ["finding", found.class.word()],
        }),
    );
    set(
        &mut event,
        "compliance",
        json!({
            "control": found.prohibition,
            "standards": [found.policy],
            "requirements": found.bases.iter().map(|basis| basis.citation.as_str()).collect::<Vec<_>>(),
            "status_id": status_id,
            "status": status,
            "status_code": found.because.map_or("decides", crate::model::Because::words),
        }),
    );
    set(
        &mut event,
        "remediation",
        json!({
            "desc": short(&found.advice, LETTERS),
            "references": found.bases.iter().filter_map(|basis| basis.url.as_deref()).collect::<Vec<_>>(),
        }),
    );
    set(&mut event, "resources", resources(about));
    set(
        &mut event,
        "unmapped",
        json!({
            "verdict": report.verdict,
            "product": found.product,
            "versions": found.versions,
            "confidence": found.confidence,
            "waiver": found.waiver,
            "evidence": found.evidence,
            "evidence_total": found.evidence_total,
        }),
    );
    event
}

/// Items, each written as it is: an inventory has many, and all that is the same in them is made once.
fn items(about: &About<'_>, seen: &[InventoryItem], out: &mut dyn Write) -> io::Result<()> {
    let frame = about.event(5020, 2, 1);
    seen.iter().try_for_each(|seen| line(out, &item(about, &frame, seen)))
}

#[derive(Serialize)]
struct ItemEvent<'r> {
    activity_id: &'r Value,
    category_uid: &'r Value,
    class_uid: &'r Value,
    device: &'r Value,
    metadata: &'r Value,
    sbom: Sbom<'r>,
    severity_id: &'r Value,
    time: &'r Value,
    type_uid: &'r Value,
    unmapped: Unmapped<'r>,
}

#[derive(Serialize)]
struct Sbom<'r> {
    package: Package<'r>,
    software_components: [Component<'r>; 1],
}

#[derive(Serialize)]
struct Package<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    architecture: Option<&'r str>,
    name: Cow<'r, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    type_id: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor_name: Option<Cow<'r, str>>,
    version: Cow<'r, str>,
}

#[derive(Serialize)]
struct Component<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<Cow<'r, str>>,
    name: Cow<'r, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    r#type: &'static str,
    version: Cow<'r, str>,
}

#[derive(Serialize)]
struct Unmapped<'r> {
    item: ItemId,
    kind: ItemKind,
    sightings: &'r [Sighting],
}

fn item<'r>(about: &About<'_>, frame: &'r Value, seen: &'r InventoryItem) -> ItemEvent<'r> {
    let item = &seen.item;
    let version = item.version.as_ref().map_or("unknown", |version| version.raw.as_str());
    let (name, version) = (short(&item.name, LETTERS), short(version, LETTERS));
    let publisher = item.publisher.as_ref().map(|publisher| short(publisher, LETTERS));
    let purl = purl(item, about.host);
    let component = Component {
        author: publisher.clone(),
        name: name.clone(),
        purl: purl.clone(),
        r#type: item.kind.word(),
        version: version.clone(),
    };
    let of = |key: &str| frame.get(key).unwrap_or(&Value::Null);
    ItemEvent {
        activity_id: of("activity_id"),
        category_uid: of("category_uid"),
        class_uid: of("class_uid"),
        device: of("device"),
        metadata: of("metadata"),
        sbom: Sbom {
            package: Package {
                architecture: item.arch.as_deref(),
                name,
                purl,
                type_id: 1,
                vendor_name: publisher,
                version,
            },
            software_components: [component],
        },
        severity_id: of("severity_id"),
        time: of("time"),
        type_uid: of("type_uid"),
        unmapped: Unmapped { item: item.id, kind: item.kind, sightings: &seen.sightings },
    }
}

fn resources(about: &About<'_>) -> Value {
    json!([{
        "type": "host",
        "name": about.host.name.as_deref().unwrap_or("unknown"),
        "uid": about.host.machine_id.as_deref().unwrap_or("unknown"),
    }])
}

fn gaps(hidden: &[Hidden<'_>]) -> Vec<Value> {
    let gap = |one: &Hidden<'_>| {
        json!({
            "source": one.source,
            "reason": one.reason,
            "text": one.words,
            "weight": one.weight.word(),
            "count": one.count,
            "places": one.places,
            "accepted": one.exception,
        })
    };
    hidden.iter().map(gap).collect()
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

fn line(out: &mut dyn Write, event: &impl Serialize) -> io::Result<()> {
    write_json(&mut *out, event)?;
    out.write_all(b"\n")
}
