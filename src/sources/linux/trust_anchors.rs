//! Certificates that an administrator or a program put beside those that the distribution trusts: products of security
//! leave their own roots there, and do not always take them away.
//! Folders: update-ca-certificates(8), update-ca-trust(8), trust(1) of p11-kit, and that of openSUSE.
//!
//! The bundles that are made of them, and the distribution's own certificates, are not looked at.

use crate::host::{Files, Host, Kind, WalkNext, Walked};
use crate::model::{Family, Field, GapReason, HostPath, ItemKind, Scope, State, Wanted};
use crate::parse::pem;
use crate::sources::{About, Haul, Outcome, Source, certificate};

/// The source `trust-anchors`.
pub struct TrustAnchors;

const FOLDERS: &[&str] = &[
    "/usr/local/share/ca-certificates",
    "/etc/ca-certificates/trust-source/anchors",
    "/usr/share/ca-certificates/trust-source/anchors",
    "/etc/pki/ca-trust/source/anchors",
    "/usr/share/pki/ca-trust-source/anchors",
    "/etc/pki/trust/anchors",
    "/usr/share/pki/trust/anchors",
];
/// Real files have some kilobytes; a bundle of all that browsers trust has two hundred.
const LIMIT: u64 = 4 << 20;
/// Files that are read.
const MAX_FILES: usize = 10_000;

static ABOUT: About = About {
    name: "trust-anchors",
    summary: "certificates that were put beside those that the distribution trusts",
    families: &[Family::Linux],
    yields: &[(ItemKind::Certificate, &[State::Remnant])],
    fields: &[Field::Name, Field::Publisher, Field::Identifier],
    ..About::USUAL
};

impl Source for TrustAnchors {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, _: &Wanted, haul: &mut Haul) -> Outcome {
        for folder in FOLDERS {
            of_folder(host.files(), &(*folder).into(), haul);
        }
        Outcome::Read
    }
}

fn of_folder(files: &dyn Files, folder: &HostPath, haul: &mut Haul) {
    let (mut found, mut missed) = (Vec::new(), Vec::new());
    let walked = files.walk(folder, &mut |step| {
        match step {
            Walked::Seen { path, stat } if matches!(stat.kind, Kind::File | Kind::Link) => found.push(path),
            Walked::Seen { .. } => {}
            Walked::Missed(path, miss) => missed.push((path, miss)),
        }
        if found.len() > MAX_FILES { WalkNext::Stop } else { WalkNext::On }
    });
    haul.optional(folder, walked);
    for (path, miss) in missed {
        haul.miss(&path, &miss);
    }
    if found.len() > MAX_FILES {
        haul.gap_with(GapReason::Budget, folder, format!("more than {MAX_FILES} files"));
    }
    for path in found.into_iter().take(MAX_FILES) {
        if !haul.time_left() {
            return;
        }
        let Some(bytes) = haul.listed(&path, files.read(&path, LIMIT)) else { continue };
        let certificates = pem::certificates(&bytes);
        haul.faults(&path, &certificates.faults);
        for one in &certificates.records {
            haul.push(certificate::trace(one, &path, &Scope::Machine));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, Miss};
    use crate::parse::keychain::tests::CERTIFICATE;
    use crate::sources::testing::collect;

    fn host(extra: &[(&str, FakeNode)]) -> FakeHost {
        let der = || FakeNode::File(CERTIFICATE.to_vec());
        let nodes = [
            ("/usr/local/share/ca-certificates/acme/root.crt", der()),
            ("/etc/pki/ca-trust/source/anchors/root.der", der()),
            ("/etc/pki/trust/anchors/link.pem", FakeNode::Link(b"/srv/root.der".to_vec())),
            ("/srv/root.der", der()),
            ("/usr/share/ca-certificates/mozilla/Own.crt", der()),
            ("/etc/ssl/certs/bundle.pem", der()),
        ];
        FakeHost::new(nodes.into_iter().chain(extra.iter().cloned()))
    }

    #[test]
    fn what_was_put_there_and_nothing_else() {
        let (haul, outcome) = collect(&TrustAnchors, &host(&[]));
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let places: Vec<_> = haul.traces().iter().map(|one| one.place.path.text().into_owned()).collect();
        assert_eq!(
            places,
            [
                "/usr/local/share/ca-certificates/acme/root.crt",
                "/etc/pki/ca-trust/source/anchors/root.der",
                "/etc/pki/trust/anchors/link.pem",
            ]
        );
        assert!(haul.traces().iter().all(|one| one.name == "prohibited" && one.state == State::Remnant));
    }

    #[test]
    fn what_cannot_be_read_is_a_gap_and_hides_no_other() {
        let path = "/usr/local/share/ca-certificates/b.crt";
        let with = |node| {
            let (haul, _) = collect(&TrustAnchors, &host(&[(path, node)]));
            (haul.traces().len(), haul.gaps())
        };
        assert_eq!(with(FakeNode::Unreadable(Miss::Denied)), (3, vec![(GapReason::PermissionDenied, true)]));
        assert_eq!(with(FakeNode::File(b"hello".to_vec())), (3, vec![(GapReason::Truncated, true)]));
        assert_eq!(with(FakeNode::File(CERTIFICATE[..99].to_vec())), (3, vec![(GapReason::Truncated, true)]));
        assert_eq!(with(FakeNode::Broken(Miss::Denied)), (3, vec![(GapReason::PermissionDenied, true)]));
    }
}
