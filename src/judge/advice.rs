//! What to do about a finding, by what it rests on.
//!
//! Called by `decide`. Advice for a person; nothing here is ever run.

use std::collections::BTreeSet;

use crate::model::{Class, Evidence, IdentifierType, InventoryItem, ItemKind, set_of};

use super::assess::Weighed;

/// The next step for a product found so; `items` are all of the host.
pub(super) fn advice(
    product: &str,
    weighed: Weighed,
    evidence: &[Evidence],
    items: &[InventoryItem],
) -> String {
    let state = weighed.state;
    match weighed.class {
        Class::Tool => {
            return format!("{product} is a tool of the vendor; delete it when it is no longer needed");
        }
        Class::Impostor => {
            return "it carries the vendor's name and is not the vendor's: look into it".to_owned();
        }
        Class::Review => return "have a person look at it".to_owned(),
        Class::Product | Class::Embedded => {}
    }
    let removals: Vec<String> = removals(evidence, items).into_iter().collect();
    if state.counts() && !removals.is_empty() {
        return format!("remove it ({}), then scan again to prove it", removals.join("; "));
    }
    if state.counts() {
        return "remove it with the vendor's uninstaller, or delete the named files, then scan again to prove it".to_owned();
    }
    if removals.is_empty() {
        return "only leftovers: delete what is named here, then scan again to prove it".to_owned();
    }
    format!("only leftovers: {}, then scan again to prove it", removals.join("; "))
}

/// The command that removes each package, by its package manager.
fn removals(evidence: &[Evidence], items: &[InventoryItem]) -> BTreeSet<String> {
    let packages =
        evidence.iter().filter(|found| found.kind == ItemKind::Package && found.strength.is_some());
    let listed: BTreeSet<_> = set_of(
        evidence.iter().filter(|found| found.source == "uninstall-keys").map(|found| found.name.as_str()),
    );
    let unlisted = |found: &&Evidence| found.source == "msi" && !listed.contains(found.name.as_str());
    packages
        .filter_map(|found| {
            Some(found).filter(unlisted).and_then(|found| by_code(found, items)).or_else(|| removal(found))
        })
        .collect()
}

/// How a product of Windows Installer goes that no list of programs shows.
fn by_code(found: &Evidence, items: &[InventoryItem]) -> Option<String> {
    let item = &items.iter().find(|seen| seen.item.id == found.item)?.item;
    let mut codes = item.identifiers.iter().filter(|known| known.kind == IdentifierType::ProductCode);
    Some(format!("msiexec /x {}, for Settings does not list '{}'", codes.next()?.value, found.name))
}

fn removal(found: &Evidence) -> Option<String> {
    match found.source.as_ref() {
        // Names of programs of Windows have blanks; no command is made of them.
        "uninstall-keys" | "msi" | "appx" => Some(format!("uninstall '{}' in Settings, Apps", found.name)),
        source => Some(format!("{} {}", remover(source)?, word(&found.name)?)),
    }
}

fn remover(source: &str) -> Option<&'static str> {
    Some(match source {
        "dpkg" => "apt purge",
        "rpm" => "dnf remove",
        "apk" => "apk del",
        "pacman" => "pacman -Rns",
        "snap" => "snap remove --purge",
        "chocolatey" => "choco uninstall",
        "scoop" => "scoop uninstall",
        _ => return None,
    })
}

/// A name that is safe to paste into a shell; another is not advised.
fn word(name: &str) -> Option<&str> {
    let safe = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-._".contains(&b));
    (safe && !name.starts_with('-') && !name.is_empty()).then_some(name)
}
