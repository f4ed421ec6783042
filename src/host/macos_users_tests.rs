//! Tests of who the users of a macOS are.

use crate::host::{Entry, FakeHost, FakeNode, Files, Host as _, Kind, Miss, Read, Stat, WalkNext, Walked};
use crate::model::{GapReason, HostPath};
use crate::parse::ReadAt;

use super::{ACCOUNTS, MAX_USERS};

fn account(name: &str, uid: &str, home: &str) -> (String, FakeNode) {
    let body = format!(
        "<plist version=\"1.0\"><dict><key>name</key><array><string>{name}</string><string>x</string></array>\
         <key>uid</key><array><string>{uid}</string></array><key>home</key><array><string>{home}</string></array>\
         </dict></plist>"
    );
    (format!("{ACCOUNTS}/{name}.plist"), FakeNode::File(body.into_bytes()))
}

fn folder(path: &str) -> (String, FakeNode) {
    (path.to_owned(), FakeNode::Folder)
}

fn host(nodes: &[(String, FakeNode)]) -> FakeHost {
    FakeHost::macos(nodes.iter().map(|(path, node)| (path.as_str(), node.clone())).collect::<Vec<_>>())
}

fn names(host: &FakeHost) -> Vec<String> {
    host.facts().users.iter().map(|user| user.name.clone()).collect()
}

fn gaps(host: &FakeHost) -> Vec<(GapReason, bool)> {
    host.facts().user_gaps.iter().map(|gap| (gap.reason, gap.blocking)).collect()
}

#[test]
fn accounts_and_folders_nobody_owns() {
    let host = host(&[
        account("alice", "501", "/Users/alice"),
        account("root", "0", "/var/root"),
        account("hidden", "401", "/private/var/hidden"),
        account("_www", "70", "/Library/WebServer"),
        account("_mbsetupuser", "248", "/var/setup"),
        account("nobody", "-2", "/var/empty"),
        account("daemon", "1", "/var/root"),
        folder("/Users/alice/Library"),
        folder("/Users/directory.user"),
        folder("/Users/.secret/Library"),
        folder("/Users/.localized.d"),
        folder("/Users/Shared/x"),
        folder("/Users/Guest"),
        folder("/Library/WebServer"),
        folder("/private/var/root"),
        folder("/private/var/hidden"),
        folder("/private/var/setup"),
    ]);
    let mut names = names(&host);
    names.sort();
    assert_eq!(names, [".secret", "Guest", "alice", "directory.user", "hidden", "root"]);
    assert_eq!(gaps(&host), []);
    let root = host.facts().users.iter().find(|user| user.name == "root").unwrap();
    assert_eq!(root.home, "/private/var/root".into(), "the links of the system are resolved");
}

#[test]
fn a_home_that_two_records_name_is_one_user() {
    let host = host(&[
        account("alice", "501", "/users/ALICE"),
        account("alias", "502", "/Users/link"),
        folder("/Users/alice"),
        ("/Users/link".to_owned(), FakeNode::Link(b"/Users/alice".to_vec())),
    ]);
    assert_eq!(names(&host).len(), 1);
    assert_eq!(host.facts().users[0].home, "/Users/alice".into(), "as the folder spells it");
}

#[test]
fn what_hides_users_is_told() {
    let broken = |path: &str| (path.to_owned(), FakeNode::Broken(Miss::Denied));
    let blocked = |reason| vec![(reason, true)];
    assert_eq!(gaps(&host(&[broken(ACCOUNTS)])), blocked(GapReason::PermissionDenied));
    assert_eq!(gaps(&host(&[broken("/Users")])), blocked(GapReason::PermissionDenied));
    let garbage = (format!("{ACCOUNTS}/x.plist"), FakeNode::File(b"bplist00garbage".to_vec()));
    assert_eq!(gaps(&host(&[garbage])), blocked(GapReason::Malformed));
    let elsewhere = host(&[account("a", "501", "/Volumes/Homes/a")]);
    assert_eq!(gaps(&elsewhere), blocked(GapReason::NotMounted));
    let served = host(&[account("a", "501", "/Network/Servers/s/a")]);
    assert_eq!(gaps(&served), blocked(GapReason::RemoteMount));
    let linked = host(&[("/Users/a".to_owned(), FakeNode::Link(b"/Volumes/Homes/a".to_vec()))]);
    assert_eq!(gaps(&linked), blocked(GapReason::NotMounted));
    let image = host(&[folder("/Users/a/a.sparsebundle")]);
    assert_eq!(gaps(&image), blocked(GapReason::ProfileElsewhere));
    let gone = host(&[account("a", "501", "/Users/a")]);
    assert_eq!(gaps(&gone), [(GapReason::Vanished, false)]);
    let deleted =
        host(&[("/Users/Deleted Users/a.dmg".to_owned(), FakeNode::File(vec![])), folder("/Users/b")]);
    assert_eq!(
        (gaps(&deleted), names(&deleted)),
        (vec![(GapReason::NotLookedInto, false)], vec!["b".into()])
    );
}

#[test]
fn a_home_that_may_not_be_listed_is_a_users() {
    let host = host(&[("/Users/a".to_owned(), FakeNode::Broken(Miss::Denied))]);
    assert_eq!(host.facts().users.iter().map(|user| user.readable).collect::<Vec<_>>(), [false]);
}

#[test]
fn records_of_any_shape_break_nothing() {
    for body in ["<array/>", "<dict><key>name</key><string>x</string></dict>", "<string/>", ""] {
        let text = format!("<plist>{body}</plist>").into_bytes();
        host(&[(format!("{ACCOUNTS}/x.plist"), FakeNode::File(text))]);
    }
    let loops = host(&[("/Users/a".to_owned(), FakeNode::Link(b"/Users/a".to_vec()))]);
    assert_eq!(loops.facts().users.iter().map(|user| user.readable).collect::<Vec<_>>(), [false]);
}

#[test]
fn users_are_counted_and_the_rest_is_told() {
    let many = MAX_USERS + 1;
    let entries: Vec<_> = (0..many).map(|n| Entry { name: n.to_string().into(), kind: Kind::File }).collect();
    let files = Many(entries);
    let (users, gaps) = super::users(&files);
    assert!(users.is_empty());
    assert_eq!(gaps.iter().map(|gap| gap.reason).collect::<Vec<_>>(), [GapReason::Budget; 2]);
}

/// Every folder holds these.
struct Many(Vec<Entry>);

impl Files for Many {
    fn read(&self, _: &HostPath, _: u64) -> Read<Vec<u8>> {
        Err(Miss::Absent)
    }
    fn open(&self, _: &HostPath) -> Read<Box<dyn ReadAt + Send + Sync>> {
        Err(Miss::Absent)
    }
    fn list(&self, _: &HostPath) -> Read<Vec<Entry>> {
        Ok(self.0.clone())
    }
    fn stat(&self, _: &HostPath) -> Read<Stat> {
        Err(Miss::Absent)
    }
    fn resolve(&self, path: &HostPath) -> Read<HostPath> {
        Ok(path.clone())
    }
    fn walk(&self, _: &HostPath, _: &mut dyn FnMut(Walked) -> WalkNext) -> Read<()> {
        Ok(())
    }
}
