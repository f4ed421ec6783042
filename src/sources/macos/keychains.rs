//! Certificates in the keychains of the machine and of every user: products of security leave their own roots there, and do
//! not always take them away. Apple's own roots lie elsewhere and are not looked at.

use crate::host::{Host, Kind};
use crate::model::{Family, Field, HostPath, ItemKind, Scope, ScopeKind, State, Wanted};
use crate::parse::keychain;
use crate::sources::{About, Haul, Outcome, Source, certificate};

/// The source `keychains`.
pub struct Keychains;

const MACHINE: &str = "/Library/Keychains";
/// In a user's home.
const OWN: &str = "Library/Keychains";
/// What a keychain is called; the second since macOS 10.12.
const ENDINGS: &[&[u8]] = &[b".keychain", b".keychain-db"];
/// Real ones have up to some megabytes.
const LIMIT: u64 = 32 << 20;

static ABOUT: About = About {
    name: "keychains",
    summary: "certificates in the keychains of the machine and of every user; no password or key is looked at",
    families: &[Family::Macos],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Certificate, &[State::Remnant])],
    fields: &[Field::Name, Field::Publisher, Field::Identifier],
    ..About::USUAL
};

impl Source for Keychains {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        if want.scope.includes(ScopeKind::Machine) {
            folder(host, &MACHINE.into(), &Scope::Machine, haul);
        }
        for user in haul.users(host, want) {
            folder(host, &user.home.join(OWN), &Scope::User(user.n), haul);
        }
        Outcome::Read
    }
}

fn folder(host: &dyn Host, folder: &HostPath, scope: &Scope, haul: &mut Haul) {
    let listed = host.files().list(folder);
    for entry in haul.optional(folder, listed).unwrap_or_default() {
        let is_keychain = ENDINGS.iter().any(|ending| entry.name.ends_with(ending));
        if entry.kind == Kind::Folder || !is_keychain || !haul.time_left() {
            continue;
        }
        let path = folder.join(&entry.name);
        let Some(bytes) = haul.listed(&path, host.files().read(&path, LIMIT)) else { continue };
        match keychain::certificates(&bytes) {
            Ok(found) => {
                haul.faults(&path, &found.faults);
                for one in &found.records {
                    haul.push(certificate::trace(one, &path, scope));
                }
            }
            Err(fault) => haul.faults(&path, &[fault]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, Miss};
    use crate::model::{GapReason, IdentifierType, ScopeAsk};
    use crate::parse::keychain::tests::{CERTIFICATE, keychain};
    use crate::sources::testing::{collect, collect_for};

    fn host(extra: &[(&str, FakeNode)]) -> FakeHost {
        let chain = || FakeNode::File(keychain(&[CERTIFICATE]));
        let nodes = [
            ("/Library/Keychains/System.keychain", chain()),
            ("/Library/Keychains/apsd.keychain", FakeNode::File(keychain(&[]))),
            ("/System/Library/Keychains/SystemRootCertificates.keychain", chain()),
            ("/Users/alice/Library/Keychains/login.keychain-db", chain()),
            ("/Users/alice/Library/Keychains/login.keychain-db.sb-1", FakeNode::File(vec![1])),
            ("/Users/alice/Library/Keychains/5A/keychain-2.db", FakeNode::File(vec![1])),
        ];
        FakeHost::macos(nodes.into_iter().chain(extra.iter().cloned()))
    }

    #[test]
    fn of_the_machine_and_of_users() {
        let (haul, outcome) = collect(&Keychains, &host(&[]));
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let seen: Vec<_> = haul.traces().iter().map(|one| (one.name.as_str(), one.scope.clone())).collect();
        assert_eq!(seen, [("prohibited", Scope::Machine), ("prohibited", Scope::User(1))]);
        let first = &haul.traces()[0];
        assert_eq!((first.kind, first.state), (ItemKind::Certificate, State::Remnant));
        assert_eq!(first.identifiers[0].kind, IdentifierType::Thumbprint);
        assert_eq!(first.place.path, "/Library/Keychains/System.keychain".into());
        let of = |scope| {
            let want = Wanted { scope, ..Wanted::default() };
            collect_for(&Keychains, &host(&[]), &want).0.traces().len()
        };
        assert_eq!((of(ScopeAsk::System), of(ScopeAsk::User)), (1, 1));
    }

    #[test]
    fn what_cannot_be_read_is_a_gap_and_hides_no_other() {
        let login = "/Users/alice/Library/Keychains/login.keychain-db";
        let with = |node| {
            let (haul, _) = collect(&Keychains, &host(&[(login, node)]));
            (haul.traces().len(), haul.gaps())
        };
        let cut = keychain(&[CERTIFICATE])[..100].to_vec();
        assert_eq!(with(FakeNode::Unreadable(Miss::Denied)), (1, vec![(GapReason::PermissionDenied, true)]));
        assert_eq!(with(FakeNode::File(cut)).0, 1);
        assert_eq!(with(FakeNode::File(vec![0xFF; 64])), (1, vec![(GapReason::Truncated, true)]));
        assert_eq!(with(FakeNode::File(Vec::new())), (1, vec![(GapReason::Truncated, true)]));
        assert_eq!(with(FakeNode::Link(b"gone".to_vec())), (1, vec![(GapReason::Vanished, false)]));
        let none = collect(&Keychains, &FakeHost::macos([("/Users/bob/x", FakeNode::Folder)]));
        assert_eq!((none.0.traces().len(), none.0.gaps()), (0, vec![]));
    }
}
