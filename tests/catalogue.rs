//! The rules that are compiled in, as an auditor reads them: every look-alike is tried, nothing that is only known by
//! hearsay counts for much, and every policy says on what ground it stands.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "reads the project's rules; a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::path::Path;

use interdict::model::{Effect, Field, Strength};
use interdict::ruleset::{Act, Expect, Indicator, Policy, Ruleset, Site, Verified, built_in};

/// The list of look-alikes that was kept while the rules were written: each has examples that bear its label.
const LOOK_ALIKES: &[u32] = &[
    1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 16, 17, 19, 20, 22, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36,
    40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 53, 54, 56, 58, 60, 61, 62, 63, 64, 65, 68, 69, 71, 72,
    73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95,
];

/// Policies that only ask a person to look.
const REVIEW: &[&str] =
    &["ca-federal", "de-bsi", "remote-access-review", "uk-ncsc", "us-fcc-covered-list", "us-florida"];

fn rules() -> Ruleset {
    built_in().ruleset.unwrap()
}

/// Text of every vendor file.
fn vendor_files() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/vendors");
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}

#[test]
fn every_look_alike_is_an_example() {
    let files = vendor_files();
    let mut labels = BTreeSet::new();
    for file in &files {
        // A label stands in the comment right above an example.
        for (above, _) in file.match_indices("\n[[example]]").map(|(at, _)| file.split_at(at)) {
            let comments = above.lines().rev().take_while(|line| line.starts_with('#'));
            let words =
                comments.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-'));
            labels.extend(words.filter_map(|word| word.strip_prefix("C2-")?.parse::<u32>().ok()));
        }
    }
    let missing: Vec<&u32> = LOOK_ALIKES.iter().filter(|label| !labels.contains(label)).collect();
    assert!(missing.is_empty(), "no example for C2-{missing:?}");
}

/// A vendor file can be read alone: what it expects of its examples is its own.
#[test]
fn no_vendor_file_needs_another() {
    for example in rules().examples() {
        let Expect::Findings(expected) = &example.expect else { continue };
        let own = Path::new(example.at.file()).file_stem().unwrap().to_str().unwrap();
        for one in expected {
            assert!(one.product.split('.').next() == Some(own), "{}: {}", example.at, one.product);
        }
    }
}

#[test]
fn hearsay_is_weak_or_has_a_signer_beside_it() {
    let rules = rules();
    let signed = |one: &Indicator| one.rule.conditions.rests_on().contains(&Field::Signer);
    let bound = |one: &Indicator| if signed(one) { Strength::Strong } else { Strength::Weak };
    let hearsay = rules.indicators().iter().filter(|one| one.source.contains("general knowledge"));
    let too_much: Vec<String> =
        hearsay.filter(|one| one.strength > bound(one)).map(|one| one.rule.at.to_string()).collect();
    assert!(too_much.is_empty(), "{too_much:#?}");
}

#[test]
fn a_name_alone_is_never_proof() {
    for indicator in rules().indicators() {
        let fields = indicator.rule.conditions.rests_on();
        let proof = indicator.strength == Strength::Conclusive;
        assert!(!proof || fields.len() > 1 || fields.contains(&Field::Signer), "{}", indicator.rule.at);
    }
}

#[test]
fn every_policy_names_its_ground_and_every_ground_its_text() {
    let rules = rules();
    let review: BTreeSet<&str> = rules
        .policies()
        .iter()
        .filter(|policy| policy.effect == Effect::Review)
        .map(|policy| policy.id.as_str())
        .collect();
    assert_eq!(review, REVIEW.iter().copied().collect());
    for policy in rules.policies() {
        for prohibition in &policy.prohibitions {
            let decides = prohibition.effect.unwrap_or(policy.effect) == Effect::Fail;
            assert!(!decides || !prohibition.authorities.is_empty(), "{} has no ground", prohibition.id);
        }
    }
    for authority in rules.authorities() {
        let known = authority.verified == Verified::Official && authority.acts != [Act::Advice];
        let dated = !known || !authority.milestones.is_empty();
        assert!(dated && !authority.acts.is_empty() && !authority.citation.is_empty(), "{}", authority.id);
        let official = authority.verified == Verified::Official;
        assert!(!official || authority.url.is_some(), "{} is said to be read, and not where", authority.id);
    }
}

/// The `[site]` that the head of a policy file recommends.
fn recommended(policy: &Policy) -> Site {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(policy.at.file());
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().skip_while(|line| *line != "# [site]").skip(1);
    let lines = lines.map_while(|line| line.strip_prefix("# ").filter(|line| line.contains('=')));
    let table: toml::Table = lines.collect::<Vec<_>>().join("\n").parse().unwrap();
    let list = |key: &str| table.get(key).cloned().unwrap_or(toml::Value::Array(Vec::new()));
    Site {
        jurisdictions: list("jurisdictions").try_into().unwrap(),
        sectors: list("sectors").try_into().unwrap(),
        devices: list("devices").try_into().unwrap(),
    }
}

/// Who configures the site as the head of the policy says is bound by each prohibition that decides.
#[test]
fn the_recommended_site_is_bound() {
    let rules = rules();
    let mut with_site = 0;
    for policy in rules.policies() {
        let site = recommended(policy);
        with_site += usize::from(site != Site::default());
        for one in
            policy.prohibitions.iter().filter(|one| one.effect.unwrap_or(policy.effect) == Effect::Fail)
        {
            let authorities = one.authorities.iter().filter_map(|id| rules.authority(id));
            let mut binding = authorities.filter(|authority| authority.acts != [Act::Export]);
            assert!(
                binding.any(|authority| !authority.applies_to.excludes(&site)),
                "{} and {site:?}",
                one.id
            );
        }
    }
    assert!(with_site >= 12, "{with_site} policies recommend a site");
}

#[test]
fn the_catalogue_is_as_large_as_it_says() {
    let rules = rules();
    let of = |category: &str| {
        rules.products().iter().filter(|product| product.category.word() == category).count()
    };
    assert!(of("remote-access") >= 40, "{}", of("remote-access"));
    assert!(of("ip-kvm") >= 5, "{}", of("ip-kvm"));
    let wanted = [
        "us-commerce",
        "us-federal",
        "us-ic",
        "us-fcc-covered-list",
        "us-texas",
        "us-virginia",
        "us-maryland",
        "us-new-york",
        "ca-federal",
        "au-pspf",
        "it-acn",
        "cz-nukib",
        "de-bsi",
        "uk-ncsc",
        "lt-critical",
        "remote-access-review",
    ];
    let missing: Vec<_> = wanted.into_iter().filter(|id| rules.policy(id).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
