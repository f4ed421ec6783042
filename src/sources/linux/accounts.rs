//! System accounts and groups that a rule asks for by name: products leave them behind when they go.
//!
//! Only names from `Wanted` become traces; who else has an account is nobody's business.

use crate::host::{Host, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, ItemKind, Place, State, Trace, Wanted,
};
use crate::parse::Fault;
use crate::parse::passwd;
use crate::sources::{About, Haul, Outcome, Source};

/// The source `accounts`.
pub struct Accounts;

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";
/// Account files of a large organisation.
const LIMIT: u64 = 16 << 20;

static ABOUT: About = About {
    name: "accounts",
    summary: "accounts and groups of the system that a rule names; no others are reported",
    families: &[Family::Linux],
    yields: &[(ItemKind::Trace, &[State::Remnant])],
    fields: &[Field::Name, Field::Identifier],
    ..About::USUAL
};

impl Source for Accounts {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let users = read(host, PASSWD, haul).is_some_and(|bytes| {
            let parsed = passwd::users(&bytes);
            note(PASSWD, parsed.records.iter().map(|user| user.name), &parsed.faults, want, haul)
        });
        let groups = read(host, GROUP, haul).is_some_and(|bytes| {
            let parsed = passwd::groups(&bytes);
            note(GROUP, parsed.records.iter().map(|group| group.name), &parsed.faults, want, haul)
        });
        if users || groups || haul.gap_list().next().is_some() {
            return Outcome::Read;
        }
        Outcome::NotApplicable(format!("there is neither {PASSWD} nor {GROUP}"))
    }
}

/// The file; missing is a gap where os-release says that this is a whole system.
fn read(host: &dyn Host, path: &str, haul: &mut Haul) -> Option<Vec<u8>> {
    let place = HostPath::from(path);
    let read = host.files().read(&place, LIMIT);
    if read.as_ref().is_err_and(|miss| *miss == Miss::Absent) {
        if host.facts().os.id.is_some() {
            haul.gap(GapReason::Missing, &place);
        }
        return None;
    }
    let bytes = haul.optional(&place, read)?;
    if bytes.trim_ascii().is_empty() {
        haul.gap(GapReason::Empty, &place);
    }
    Some(bytes)
}

fn note<'a>(
    path: &str,
    names: impl Iterator<Item = &'a [u8]>,
    faults: &[Fault],
    want: &Wanted,
    haul: &mut Haul,
) -> bool {
    let path = HostPath::from(path);
    haul.faults(&path, faults);
    for name in names {
        let name = String::from_utf8_lossy(name);
        if !want.accounts.contains(&name.to_lowercase()) {
            haul.count_record();
            continue;
        }
        let place = Place::record(path.clone(), name.as_ref());
        let mut trace = Trace::new(ItemKind::Trace, name.as_ref(), State::Remnant, place);
        trace.identifiers.push(Identifier::new(IdentifierType::Account, name.as_ref()));
        haul.push(trace);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode};
    use crate::sources::testing::collect_for;

    const USERS: &[u8] = b"root:x:0:0:root:/root:/bin/sh\nKlUser:x:998:998::/var/opt/k:/bin/false\n";
    const GROUPS: &[u8] = b"root:x:0:\nklusers:x:997:ann\n";

    fn collect(passwd: impl Into<Option<FakeNode>>, group: impl Into<Option<FakeNode>>) -> (Haul, Outcome) {
        let mut nodes = vec![("/etc/os-release", FakeNode::File(b"ID=debian\n".to_vec()))];
        nodes.extend(passwd.into().map(|node| (PASSWD, node)));
        nodes.extend(group.into().map(|node| (GROUP, node)));
        let accounts = ["kluser", "klusers"].map(str::to_owned).into();
        collect_for(&Accounts, &FakeHost::new(nodes), &Wanted { accounts, ..Wanted::default() })
    }

    fn file(bytes: &[u8]) -> FakeNode {
        FakeNode::File(bytes.to_vec())
    }

    #[test]
    fn only_the_wanted_are_reported() {
        let (haul, outcome) = collect(file(USERS), file(GROUPS));
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let [user, group] = haul.traces() else { panic!("{:?}", haul.traces()) };
        assert_eq!((user.name.as_str(), user.state, user.kind), ("KlUser", State::Remnant, ItemKind::Trace));
        assert_eq!(user.identifiers, [Identifier::new(IdentifierType::Account, "KlUser")]);
        assert_eq!((group.name.as_str(), &group.place.path), ("klusers", &GROUP.into()));
    }

    #[test]
    fn missing_unreadable_and_empty_are_gaps() {
        let reasons = |passwd: Option<FakeNode>| collect(passwd, file(GROUPS)).0.gaps();
        assert_eq!(reasons(None), [(GapReason::Missing, true)]);
        assert_eq!(reasons(Some(FakeNode::Broken(Miss::Denied))), [(GapReason::PermissionDenied, true)]);
        assert_eq!(reasons(Some(file(b""))), [(GapReason::Empty, true)]);
        let bare = FakeHost::new([("/lib/apk/db/installed", FakeNode::Folder)]);
        let (haul, outcome) = collect_for(&Accounts, &bare, &Wanted::default());
        assert!(matches!(outcome, Outcome::NotApplicable(_)) && haul.gaps().is_empty());
    }

    #[test]
    fn truncated_garbage_and_hostile_lines_are_faults_beside_the_sound_ones() {
        let cut = USERS.len() - "pt/k:/bin/false\n".len();
        let (haul, _) = collect(file(&USERS[..cut]), file(GROUPS));
        assert!(haul.gaps().iter().any(|(_, blocking)| *blocking), "cut off");
        let hostile = [b"\xff\xfe\0:::\n".as_slice(), &b"x".repeat(1 << 20), b"\n", USERS].concat();
        let (haul, _) = collect(file(&hostile), file(GROUPS));
        assert_eq!(haul.traces().len(), 2);
        assert_eq!(haul.gaps(), [(GapReason::Malformed, true)]);
    }
}
