//! The id of an item: the same on every host, for ever.
//!
//! Called by `gather`, and by whoever recomputes ids of what it was sent. Order and folding below are a contract:
//! changing them renames every item of every fleet, so golden vectors hold them.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::model::{Item, ItemId, Looked, Scheme, Trust};

use super::fold::fold;

/// Separates this hash from every other use of SHA-256, and names the version of the contract.
const DOMAIN: &str = "interdict.item/1";

/// The first 16 bytes of SHA-256 over the item's fields, in this order, each as tag, length (u32, little
/// endian) and bytes: domain, kind, name, display name, version, its scheme, publisher, signer, signer's trust,
/// `team-id:` and its team id where it has one, then type and value of each identifier (sorted), architecture, path template. Texts are folded; paths and
/// versions are not, for their letters count; of paths of Windows and of registry keys they do not, and these are. An absent field has the tag 0, and no length.
pub fn item_id(item: &Item) -> ItemId {
    let mut hash = Hash(Sha256::new());
    hash.text(Some(DOMAIN));
    hash.text(Some(item.kind.word()));
    hash.text(Some(&fold(&item.name)));
    hash.text(item.display_name.as_deref().map(fold).as_deref());
    hash.text(item.version.as_ref().map(|version| version.raw.as_str()));
    hash.text(item.version.as_ref().map(|version| scheme(version.scheme)));
    hash.text(item.publisher.as_deref().map(fold).as_deref());
    match &item.signer {
        Looked::Some(signer) => {
            hash.text(Some(&fold(&signer.name)));
            hash.text(Some(trust(signer.trust)));
            if let Some(team_id) = &signer.team_id {
                hash.text(Some(&format!("team-id:{}", fold(team_id))));
            }
        }
        Looked::NotLooked => hash.text(Some("not-looked")),
        Looked::Unreadable(_) => hash.text(Some("unreadable")),
        Looked::None => hash.text(None),
    }
    for identifier in &item.identifiers {
        hash.text(Some(identifier.kind.word()));
        hash.text(Some(&fold(&identifier.value)));
    }
    hash.text(item.arch.as_deref().map(fold).as_deref());
    hash.text(item.path.as_deref().map(path).as_deref());
    hash.id()
}

struct Hash(Sha256);

impl Hash {
    fn text(&mut self, text: Option<&str>) {
        let Some(text) = text else { return self.0.update([0]) };
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.0.update([1]);
        self.0.update(length.to_le_bytes());
        self.0.update(text);
    }

    fn id(self) -> ItemId {
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(self.0.finalize()) {
            *to = from;
        }
        ItemId(id)
    }
}

/// A path as it counts: Windows' own (`{program-files}\Acme`, `D:\x`, `HKLM\SOFTWARE`) is the same in any letters' case.
fn path(path: &str) -> Cow<'_, str> {
    let is_unix = path.starts_with('/') || !path.contains('\\') || path.starts_with("{home}/");
    if is_unix { Cow::Borrowed(path) } else { fold(path) }
}

/// Words of the contract: not the reports', which may change.
fn scheme(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Dpkg => "dpkg",
        Scheme::Rpm => "rpm",
        Scheme::Apk => "apk",
        Scheme::Pacman => "pacman",
        Scheme::Semver => "semver",
        Scheme::Dotted => "dotted",
        Scheme::Other => "other",
    }
}

fn trust(trust: Trust) -> &'static str {
    match trust {
        Trust::Anchored => "anchored",
        Trust::Unanchored => "unanchored",
        Trust::Broken => "broken",
        Trust::Unchecked => "unchecked",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Identifier, IdentifierType, ItemKind, Version};

    fn kesl() -> Item {
        Item {
            id: ItemId([0; 16]),
            kind: ItemKind::Package,
            name: "kesl".into(),
            display_name: None,
            version: Some(Version::new("12.1.0-1543", Scheme::Dpkg)),
            publisher: Some("AO Kaspersky Lab <support@kaspersky.com>".into()),
            signer: Looked::NotLooked,
            identifiers: vec![Identifier::new(IdentifierType::Homepage, "https://example.org")],
            arch: Some("amd64".into()),
            path: None,
        }
    }

    #[test]
    fn golden_vectors() {
        assert_eq!(item_id(&kesl()).to_string(), "944526fb398095ffde0f0fdac044935b");
        let bare = Item { version: None, publisher: None, identifiers: vec![], arch: None, ..kesl() };
        assert_eq!(item_id(&bare).to_string(), "393fc3060248de4cbcc0739a6eaebb66");
    }

    #[test]
    fn every_field_counts_and_case_does_not() {
        let base = item_id(&kesl());
        let publisher = Some("ao KASPERSKY  lab <support@kaspersky.com>".to_owned());
        assert_eq!(item_id(&Item { publisher, ..kesl() }), base);
        let changed = [
            Item { kind: ItemKind::Service, ..kesl() },
            Item { name: "kesl2".into(), ..kesl() },
            Item { display_name: Some(String::new()), ..kesl() },
            Item { version: Some(Version::new("12.1.0-1543", Scheme::Rpm)), ..kesl() },
            Item { publisher: None, ..kesl() },
            Item { signer: Looked::None, ..kesl() },
            Item { identifiers: vec![], ..kesl() },
            Item { arch: Some("arm64".into()), ..kesl() },
            Item { path: Some("/opt".into()), ..kesl() },
        ];
        let windows = |path: &str| item_id(&Item { path: Some(path.into()), ..kesl() });
        assert_eq!(windows(r"{program-files}\Acme\A.exe"), windows(r"{program-files}\acme\a.EXE"));
        assert_ne!(windows("/opt/A"), windows("/opt/a"));
        assert_ne!(windows(r"/opt/A\b"), windows(r"/opt/a\b"), "a backslash is a letter of a name");
        for item in changed {
            assert_ne!(item_id(&item), base, "{item:?}");
        }
    }
}
