//! The index against every indicator asked by itself, over made-up rules and texts that nearly match them.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::string::string_regex;

use super::*;
use crate::model::{Identifier, IdentifierType, Item, ItemId, Looked, Signer, Trust};
use crate::ruleset::indicator::Met;
use crate::ruleset::{Ruleset, of_text};

/// A condition in TOML, and a text that meets it, or nearly.
type Case = (String, String);

/// Letters with two forms, in which folding and expressions could differ.
const TEXT: &str = "[a-cA-Ckſsé/.\u{212a}-][a-cA-Ckſsé /.\u{212a}-]{2,8}";

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// A text that says something: a rule with a blank one does not load.
fn text() -> impl Strategy<Value = String> {
    TEXT.prop_filter("blank", |text| !text.trim().is_empty())
}

fn pattern() -> impl Strategy<Value = Case> {
    let plain = (prop::sample::select(vec!["exact", "prefix"]), text(), "[a-c/.]{0,3}")
        .prop_map(|(way, text, more)| (format!("{way} = [{}]", quoted(&text)), format!("{text}{more}")));
    let several = prop::collection::vec(text(), 1..4).prop_map(|texts| {
        let all: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
        (
            format!("exact = [{}]\nprefix = [\"abc\", \"/\"]", all.join(", ")).replace('\n', ", "),
            texts[0].clone(),
        )
    });
    let glob = prop::collection::vec((text(), r"(\*|\*\*|\?)?", "[a-c/]{0,2}"), 1..4).prop_map(|parts| {
        let glob: String = parts.iter().flat_map(|(text, wild, _)| [text.as_str(), wild]).collect();
        let text = parts
            .iter()
            .flat_map(|(text, wild, fill)| [text.as_str(), if wild.is_empty() { "" } else { fill }]);
        (format!("glob = [{}]", quoted(&glob)), text.collect())
    });
    let wild_first = (r"\*\*?", text(), "[a-c/]{0,4}").prop_map(|(wild, text, fill)| {
        (format!("glob = [{}]", quoted(&format!("{wild}{text}"))), format!("{fill}{text}"))
    });
    prop_oneof![plain, several, glob, wild_first, regex()]
}

/// An expression and a text that it matches, with something around it.
fn regex() -> impl Strategy<Value = Case> {
    let atom = prop_oneof![
        Just("kas".to_owned()),
        "[a-cA-Ckſsé]{1,4}",
        Just("[0-9]".to_owned()),
        Just("[^/]".to_owned()),
        Just("[ab]".to_owned()),
        Just("(?-i:aBc)".to_owned()),
    ];
    let expression = atom.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..5).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("({})", parts.join("|"))),
            (inner.clone(), prop::sample::select(vec!["?", "*", "+", "{2}", "{1,3}", "{0,2}", "{2,}"]))
                .prop_map(|(part, times)| format!("(?:{part}){times}")),
        ]
    });
    (expression, any::<bool>(), "[a-c]{0,2}").prop_flat_map(|(expression, anchored, around)| {
        let texts = string_regex(&expression).unwrap();
        let whole = if anchored { format!("^{expression}$") } else { expression };
        texts.prop_map(move |text| {
            let text = if anchored { text } else { format!("{around}{text}{around}") };
            (format!("regex = [{}]", quoted(&whole)), text)
        })
    })
}

/// An indicator's lines, and the item that is made for it.
fn indicator() -> impl Strategy<Value = (String, Item)> {
    let kinds = prop::sample::select(vec![
        (ItemKind::Package, r#"["package"]"#),
        (ItemKind::Package, r#"["package", "application"]"#),
        (ItemKind::Application, r#"["application"]"#),
    ]);
    let keys = prop::sample::select(vec!["name", "publisher", "signer", "path", "identifier"]);
    (kinds, prop::collection::btree_map(keys, pattern(), 1..3)).prop_map(|((kind, kinds), conditions)| {
        let mut item = bare(kind);
        let mut lines = String::new();
        for (key, (pattern, text)) in conditions {
            // What a package does not have, an application has.
            let at = if key == "path" && kinds.contains("package") { "name" } else { key };
            let before = if at == "identifier" { "type = \"flatpak-id\", " } else { "" };
            if !lines.contains(&format!("{at} =")) {
                lines = format!("{lines}{at} = {{ {before}{pattern} }}\n");
            }
            put(&mut item, at, text);
        }
        (format!("[[product.indicator]]\nkind = {kinds}\n{lines}strength = \"weak\"\nsource = \"x\"\n"), item)
    })
}

fn bare(kind: ItemKind) -> Item {
    Item {
        id: ItemId([0; 16]),
        kind,
        name: "x".to_owned(),
        display_name: None,
        version: None,
        publisher: None,
        signer: Looked::NotLooked,
        identifiers: Vec::new(),
        arch: None,
        path: None,
    }
}

fn put(item: &mut Item, key: &str, text: String) {
    match key {
        "name" if item.name == "x" => item.name = text,
        "name" => item.display_name = Some(text),
        "publisher" => item.publisher = Some(text),
        "signer" => item.signer = Looked::Some(Signer { name: text, team_id: None, trust: Trust::Anchored }),
        "path" => item.path = Some(text),
        _ => item.identifiers.push(Identifier::new(IdentifierType::FlatpakId, text)),
    }
}

fn ruleset(indicators: &[String]) -> Ruleset {
    let head = "schema = 1\n[vendor]\nid = \"a\"\nname = \"A\"\n[[product]]\nid = \"a.b\"\nname = \"B\"\n";
    let loaded = of_text(&[("a.toml", format!("{head}{}", indicators.concat()).as_str())]);
    loaded.ruleset.unwrap_or_else(|| panic!("{}", crate::ruleset::render(&loaded.diagnostics, false)))
}

/// Whether the index names every indicator that an item meets; how many it names and how many are met.
fn compared(ruleset: &Ruleset, item: &Item) -> (usize, usize) {
    let folded = Folded::new(item);
    let named = Index::new(ruleset.indicators(), Family::Linux).candidates(&folded);
    let meets =
        |one: &Indicator| one.rule.kinds.contains(&item.kind) && one.rule.conditions.item(&folded) != Met::No;
    let all = ruleset.indicators().iter().enumerate();
    let met: Vec<usize> = all.filter(|(_, one)| meets(one)).map(|(position, _)| position).collect();
    let missed: Vec<&Indicator> =
        met.iter().filter(|at| !named.contains(at)).map(|at| &ruleset.indicators()[*at]).collect();
    assert!(missed.is_empty(), "{item:?} meets what the index does not name: {missed:#?}");
    (named.len(), met.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_index_misses_nothing(cases in prop::collection::vec(indicator(), 1..12)) {
        let (lines, items): (Vec<String>, Vec<Item>) = cases.into_iter().unzip();
        let ruleset = ruleset(&lines);
        for item in &items {
            compared(&ruleset, item);
        }
    }
}

/// Were all named, nothing would be missed and nothing gained; were nothing met, the comparison would say nothing.
#[test]
fn the_index_names_few_of_many() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut cases = Vec::new();
    for _ in 0..300 {
        cases.push(indicator().new_tree(&mut runner).unwrap().current());
    }
    let (lines, items): (Vec<String>, Vec<Item>) = cases.into_iter().unzip();
    let ruleset = ruleset(&lines);
    let (named, met) =
        items.iter().map(|item| compared(&ruleset, item)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    assert!(met > 150, "{met} met");
    assert!(named < lines.len() * items.len() / 4, "{named} named for {} items, {met} met", items.len());
}

#[test]
fn a_needle_that_stands_in_a_text_many_times_is_named_once() {
    let line = "[[product.indicator]]\nkind = \"package\"\nname = { regex = ['aaaa+.b'] }\nstrength = \"weak\"\nsource = \"x\"\n";
    let ruleset = ruleset(&vec![line.to_owned(); 20]);
    let item = Item { name: "a".repeat(10_000), ..bare(ItemKind::Package) };
    assert_eq!(compared(&ruleset, &item), (20, 0));
}
