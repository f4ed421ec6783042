//! Team IDs of Apple that others recorded, beside ours: each belongs to one vendor of ours at most, and no program of a vendor
//! that we know by name bears another.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "reads a corpus; a test fails by panicking"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use interdict::normalise::fold;
use interdict::ruleset::indicator::Slot;
use interdict::ruleset::{Ruleset, built_in};
use serde_json::Value;
use support::corpora;

/// What is known of a vendor: Team IDs, and the names by which its programs begin.
struct Known {
    teams: BTreeSet<String>,
    names: BTreeSet<String>,
}

/// Vendors that have a Team ID in a rule of their own.
fn known(rules: &Ruleset) -> BTreeMap<&str, Known> {
    let mut known: BTreeMap<&str, Known> = BTreeMap::new();
    for vendor in rules.vendors() {
        let names =
            vendor.aliases.iter().chain([&vendor.id, &vendor.name]).map(|name| fold(name).into_owned());
        let one = Known { teams: vendor.team_ids.iter().cloned().collect(), names: names.collect() };
        known.insert(&vendor.id, one);
    }
    for indicator in rules.indicators() {
        let product = rules.product_of(indicator).unwrap();
        let one = known.get_mut(product.vendor.as_str()).unwrap();
        one.names.insert(fold(&product.name).into_owned());
        let teams = indicator.rule.conditions.indexes().filter(|(slot, _)| *slot == Slot::TeamId);
        one.teams.extend(teams.flat_map(|(_, pattern)| pattern.exact()).map(str::to_owned));
    }
    known.retain(|_, one| !one.teams.is_empty());
    known
}

/// Whether a program is the vendor's by its name: that, or that and more words.
fn is_named(program: &str, known: &Known) -> bool {
    known.names.iter().any(|name| {
        program.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    })
}

#[test]
fn no_team_is_of_two_vendors() {
    let rules = built_in().ruleset.unwrap();
    let mut owners: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (vendor, one) in &known(&rules) {
        for team in &one.teams {
            // Ten letters and digits; Apple's "Locate your Team ID".
            assert!(
                team.len() == 10 && team.bytes().all(|byte| byte.is_ascii_alphanumeric()),
                "{vendor}: {team}"
            );
            owners.entry(team.clone()).or_default().insert(vendor);
        }
    }
    let shared: Vec<_> = owners.iter().filter(|(_, vendors)| vendors.len() > 1).collect();
    assert!(shared.is_empty() && owners.len() >= 14, "{} teams, shared {shared:?}", owners.len());
}

#[test]
fn others_records_of_teams_agree_with_ours() {
    let Some(folder) = corpora("macos-teamid") else { return };
    let mut labels = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|extension| extension == "json") {
            let read: Vec<Value> = serde_json::from_slice(&std::fs::read(entry).unwrap()).unwrap();
            labels.extend(read);
        }
    }
    let rules = built_in().ruleset.unwrap();
    let known = known(&rules);
    let mut resolved: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut faults = Vec::new();
    for label in &labels {
        let text = |key: &str| label[key].as_str().map(|text| fold(text).into_owned());
        let (Some(id), Some(team)) = (text("label"), text("team_id")) else { continue };
        let owners: Vec<&str> =
            known.iter().filter(|(_, one)| one.teams.contains(&team)).map(|(vendor, _)| *vendor).collect();
        for owner in &owners {
            resolved.entry(owner).or_default().push(id.clone());
        }
        if owners.len() > 1 {
            faults.push(format!("{id}: {team} is of {owners:?}"));
        }
        let programs: Vec<String> = ["name", "appName"].into_iter().filter_map(text).collect();
        for (vendor, one) in &known {
            let by_name = programs.iter().any(|program| is_named(program, one));
            if by_name && !one.teams.contains(&team) {
                faults.push(format!("{id} ({programs:?}) has {team}, and {vendor} has {:?}", one.teams));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let of_ours = ["acronis", "jump", "nomachine", "parsec", "realvnc", "teamviewer", "tencent", "tigervnc"];
    let missing: Vec<_> = of_ours.iter().filter(|vendor| !resolved.contains_key(*vendor)).collect();
    assert!(labels.len() > 500 && missing.is_empty(), "{} labels, none of {missing:?}", labels.len());
}

/// The test above would see a contradiction.
#[test]
fn a_name_is_whole_words() {
    let one = Known { teams: BTreeSet::new(), names: ["jump".to_owned()].into() };
    let is = |program| is_named(program, &one);
    assert!(is("jump") && is("jump desktop") && !is("jumpcloud") && !is("the jump"));
}
