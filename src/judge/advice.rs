//! What to do about a finding, by what it rests on.
//!
//! Called by `decide`. Advice for a person; nothing here is ever run.

use std::collections::BTreeSet;

use crate::model::{Class, Evidence, ItemKind, State};

/// The next step for a product found so.
pub(super) fn advice(product: &str, class: Class, state: State, evidence: &[Evidence]) -> String {
    match class {
        Class::Tool => {
            return format!("{product} is a tool of the vendor; delete it when it is no longer needed");
        }
        Class::Impostor => {
            return "it carries the vendor's name and is not the vendor's: look into it".to_owned();
        }
        Class::Review => return "have a person look at it".to_owned(),
        Class::Product | Class::Embedded => {}
    }
    let removals: Vec<String> = removals(evidence).into_iter().collect();
    if state.counts() && !removals.is_empty() {
        return format!("remove it ({}), then scan again to prove it", removals.join("; "));
    }
    if state.counts() {
        return "remove it with the vendor's uninstaller, or delete the named files, then scan again to prove it".to_owned();
    }
    if removals.is_empty() {
        return "only leftovers: delete the named files and accounts, then scan again to prove it".to_owned();
    }
    format!("only leftovers: {}, then scan again to prove it", removals.join("; "))
}

/// The command that removes each package, by its package manager.
fn removals(evidence: &[Evidence]) -> BTreeSet<String> {
    let packages =
        evidence.iter().filter(|found| found.kind == ItemKind::Package && found.strength.is_some());
    packages.filter_map(|found| Some(format!("{} {}", remover(found.source)?, word(&found.name)?))).collect()
}

fn remover(source: &str) -> Option<&'static str> {
    Some(match source {
        "dpkg" => "apt purge",
        "rpm" => "dnf remove",
        "apk" => "apk del",
        "pacman" => "pacman -Rns",
        "snap" => "snap remove --purge",
        _ => return None,
    })
}

/// A name that is safe to paste into a shell; another is not advised.
fn word(name: &str) -> Option<&str> {
    let safe = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-._".contains(&b));
    (safe && !name.starts_with('-') && !name.is_empty()).then_some(name)
}
