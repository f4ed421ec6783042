//! `CycloneDX` 1.6: the inventory as a bill of materials. <https://cyclonedx.org/docs/1.6/json/>
//!
//! Findings are properties of their components; verdict, claim and gaps are properties of the document, and its
//! composition is `incomplete` where something that counts could be hidden. Components are made one at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::model::{
    Coverage, Finding, HostFacts, Inventory, InventoryItem, ItemId, ItemKind, Looked, Order, Report,
    Sighting, Stamp, Tool, set_of, write_pretty,
};

use super::hidden::{Hidden, Weight, of_coverage, of_report};
use super::purl::purl;
use super::safe::{put, short};
use super::uuid::uuid;
use super::{Can, Form, Format, Look};

/// The format `cyclonedx`.
pub(super) struct CycloneDx;

/// Letters of one value.
const LETTERS: usize = 4096;
/// Places of one component.
const OCCURRENCES: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bom<'r> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    #[serde(rename = "bomFormat")]
    format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u8,
    metadata: Value,
    components: Components<'r>,
    compositions: [Value; 1],
}

/// What the document is about.
struct About<'r> {
    host: &'r HostFacts,
    tool: &'r Tool,
    scanned_at: Stamp,
    coverage: &'r Coverage,
    items: &'r [InventoryItem],
    hidden: Vec<Hidden<'r>>,
    told: Vec<Property>,
}

struct Components<'r> {
    host: &'r HostFacts,
    items: &'r [InventoryItem],
    findings: BTreeMap<ItemId, Vec<&'r Finding>>,
}

impl Serialize for Components<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.items.iter().map(|seen| component(self, seen)))
    }
}

#[derive(Serialize)]
struct Component {
    r#type: &'static str,
    #[serde(rename = "bom-ref")]
    bom_ref: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Value>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    evidence: Value,
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

fn property(name: &'static str, value: &str) -> Property {
    Property { name, value: short(value, LETTERS).into_owned() }
}

impl Format for CycloneDx {
    fn form(&self) -> &'static Form {
        &Form {
            name: "cyclonedx",
            about: "CycloneDX 1.6: the inventory as a bill of materials, findings as properties",
            extension: "cdx.json",
            media_type: "application/vnd.cyclonedx+json; version=1.6",
            can: &[Can::Inventories, Can::NeedsItems],
        }
    }

    fn reports(&self, reports: &[Report], _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        let [report] = reports else { return Err(one_host()) };
        let mut told = vec![
            property("interdict:verdict", report.verdict.word()),
            property("interdict:claim", &report.claim.text),
            property("interdict:as-of", &report.claim.as_of.to_string()),
            property("interdict:ruleset", &report.ruleset.digest),
        ];
        for policy in &report.policies {
            told.push(property("interdict:policy", &format!("{}: {}", policy.policy, policy.verdict.word())));
        }
        told.extend(report.findings.iter().map(|finding| property("interdict:finding", &told_of(finding))));
        let about = About {
            host: &report.host,
            tool: &report.tool,
            scanned_at: report.scanned_at,
            coverage: &report.coverage,
            items: report.inventory.as_deref().unwrap_or_default(),
            hidden: of_report(report),
            told,
        };
        bom(about, findings(report), out)
    }

    fn inventories(&self, inventories: &[Inventory], _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        let [inventory] = inventories else {
            return if inventories.is_empty() { Ok(()) } else { Err(one_host()) };
        };
        let about = About {
            host: &inventory.host,
            tool: &inventory.tool,
            scanned_at: inventory.scanned_at,
            coverage: &inventory.coverage,
            items: &inventory.items,
            hidden: of_coverage(&inventory.coverage),
            told: Vec::new(),
        };
        bom(about, BTreeMap::new(), out)
    }
}

/// The findings that rest on an item.
fn findings(report: &Report) -> BTreeMap<ItemId, Vec<&Finding>> {
    let mut findings: BTreeMap<ItemId, Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        let items: BTreeSet<ItemId> = set_of(finding.evidence.iter().map(|evidence| evidence.item));
        for item in items {
            findings.entry(item).or_default().push(finding);
        }
    }
    findings
}

fn one_host() -> io::Error {
    io::Error::other("a bill of materials is of one host")
}

fn told_of(finding: &Finding) -> String {
    let decides = if finding.decides { "decides" } else { "shown" };
    let (state, confidence, severity) =
        (finding.state.word(), finding.confidence.word(), finding.severity.word());
    let because = finding.because.map_or(String::new(), |because| format!("; {}", because.words()));
    format!(
        "{} {}: {state}, {confidence}, {severity}, {decides}{because}",
        finding.prohibition, finding.product
    )
}

fn bom(about: About<'_>, findings: BTreeMap<ItemId, Vec<&Finding>>, out: &mut dyn Write) -> io::Result<()> {
    let whole = about.hidden.iter().all(|one| one.weight != Weight::Blocking);
    let mut properties = about.told;
    for source in &about.coverage.sources {
        properties
            .push(property("interdict:source", &format!("{}: {}", source.source, source.status.word())));
    }
    for one in &about.hidden {
        let (source, weight) = (one.source.unwrap_or("the question"), one.weight.word());
        let mut text = format!(
            "{source}: {}, {weight}, {} x {}: {}",
            one.reason,
            one.count,
            one.words,
            one.places_text()
        );
        if let Some(exception) = one.exception {
            put(&mut text, format_args!("; accepted until {} by {}", exception.expires, exception.approver));
        }
        properties.push(property("interdict:gap", &text));
    }
    let host = about.host;
    let document = Bom {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        format: "CycloneDX",
        spec_version: "1.6",
        serial_number: serial_number(host, about.scanned_at),
        version: 1,
        metadata: json!({
            "timestamp": about.scanned_at,
            "lifecycles": [{ "phase": "operations" }],
            "tools": { "components": [{
                "type": "application",
                "name": about.tool.name,
                "version": about.tool.version,
            }] },
            "component": {
                "type": "operating-system",
                "bom-ref": "host",
                "name": host.os.name.as_deref().unwrap_or(host.family.word()),
                "version": host.os.version.as_deref().unwrap_or_default(),
                "properties": [
                    { "name": "interdict:host", "value": host.name.as_deref().unwrap_or_default() },
                    { "name": "interdict:machine-id", "value": host.machine_id.as_deref().unwrap_or_default() },
                ],
            },
            "properties": properties,
        }),
        components: Components { host, items: about.items, findings },
        compositions: [json!({
            "aggregate": if whole { "complete" } else { "incomplete" },
            "assemblies": ["host"],
        })],
    };
    write_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

fn component(of: &Components<'_>, seen: &InventoryItem) -> Component {
    let item = &seen.item;
    let text = |text: &String| short(text, LETTERS).into_owned();
    let sha256 = item.identifiers.iter().filter(|one| one.kind == crate::model::IdentifierType::Sha256);
    Component {
        r#type: kind(item.kind),
        bom_ref: item.id.to_string(),
        supplier: item.publisher.as_ref().map(|name| json!({ "name": text(name) })),
        name: text(&item.name),
        version: item.version.as_ref().map(|version| text(&version.raw)),
        description: item.display_name.as_ref().map(text),
        hashes: sha256.map(|hash| json!({ "alg": "SHA-256", "content": hash.value })).collect(),
        purl: purl(item, of.host),
        evidence: json!({
            "occurrences": seen.sightings.iter().take(OCCURRENCES).map(occurrence).collect::<Vec<_>>(),
        }),
        properties: properties(of, seen),
    }
}

fn properties(of: &Components<'_>, seen: &InventoryItem) -> Vec<Property> {
    let item = &seen.item;
    let mut properties = vec![property("interdict:kind", item.kind.word())];
    let state = seen.sightings.iter().map(|sighting| sighting.state).max();
    properties.extend(state.map(|state| property("interdict:state", state.word())));
    let mut sources: Vec<&str> = seen.sightings.iter().map(|sighting| sighting.source.as_ref()).collect();
    sources.order();
    sources.dedup();
    properties.extend(sources.into_iter().map(|source| property("interdict:source", source)));
    properties.extend(item.arch.iter().map(|arch| property("interdict:arch", arch)));
    properties.extend(item.path.iter().map(|path| property("interdict:path", path)));
    if let Looked::Some(signer) = &item.signer {
        let text = format!("{} ({})", signer.name, signer.trust.word());
        properties.push(property("interdict:signer", &text));
    }
    for one in &item.identifiers {
        properties.push(property("interdict:identifier", &format!("{}={}", one.kind.word(), one.value)));
    }
    let findings = of.findings.get(&item.id).into_iter().flatten();
    properties.extend(findings.map(|finding| property("interdict:finding", &told_of(finding))));
    properties
}

fn occurrence(sighting: &Sighting) -> Value {
    let place = sighting.place.path.text();
    let context = match &sighting.place.record {
        Some(record) => format!("{} {}: {record}", sighting.source, sighting.scope),
        None => format!("{} {}", sighting.source, sighting.scope),
    };
    json!({ "location": short(&place, LETTERS), "additionalContext": short(&context, LETTERS) })
}

fn kind(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Driver => "device-driver",
        ItemKind::Executable | ItemKind::Trace => "file",
        ItemKind::Device => "device",
        ItemKind::Certificate => "data",
        ItemKind::Package
        | ItemKind::Application
        | ItemKind::Extension
        | ItemKind::Service
        | ItemKind::Autostart
        | ItemKind::SecurityProduct => "application",
    }
}

/// The same for the same scan.
fn serial_number(host: &HostFacts, scanned_at: Stamp) -> String {
    let (id, name) =
        (host.machine_id.as_deref().unwrap_or_default(), host.name.as_deref().unwrap_or_default());
    format!("urn:uuid:{}", uuid('8', &[id, name, &scanned_at.to_string()]))
}
