//! A macOS on a disk, whichever way its two volumes are mounted: one tree, every folder once, each by the name that everybody
//! knows. And what is not there, or leads astray, is told.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests build their own roots and may fail loudly"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;

use interdict::host::{Host, Miss, RootHost, WalkNext, Walked};
use interdict::model::{Family, GapReason};
use support::Root;
use support::macos::{FIRMLINKS, Macos};

const DATA: &str = "System/Volumes/Data";
const INFO: &str = "/Applications/Example.app/Contents/Info.plist";

fn host(root: &Root) -> RootHost {
    RootHost::offline(root.path()).unwrap()
}

fn names(host: &RootHost, folder: &str) -> Vec<String> {
    let entries = host.files().list(&folder.into()).unwrap();
    entries.iter().map(|entry| String::from_utf8_lossy(&entry.name).into_owned()).collect()
}

fn users(host: &RootHost) -> Vec<String> {
    let mut names: Vec<_> = host.facts().users.iter().map(|user| user.name.clone()).collect();
    names.sort();
    names
}

/// How often each path is met, and what was missed.
fn walked(host: &RootHost, folder: &str) -> (BTreeMap<String, usize>, Vec<String>) {
    let (mut met, mut missed) = (BTreeMap::new(), Vec::new());
    host.files()
        .walk(&folder.into(), &mut |step| {
            match step {
                Walked::Seen { path, .. } => *met.entry(path.text().into_owned()).or_default() += 1,
                Walked::Missed(path, miss) => missed.push(format!("{path}: {miss}")),
            }
            WalkNext::On
        })
        .unwrap();
    (met, missed)
}

/// What holds of every layout that has both volumes.
fn is_whole(host: &RootHost, layout: &str) {
    let (facts, files) = (host.facts(), host.files());
    assert_eq!(facts.family, Family::Macos, "{layout}");
    assert_eq!(facts.os.name.as_deref(), Some("macOS 15.5 (24F74)"), "{layout}");
    assert_eq!((facts.name.as_deref(), &facts.os.unread), (Some("Alice's Mac"), &None), "{layout}");
    assert_eq!(users(host), ["alice", "bob", "root"], "{layout}");
    assert_eq!(facts.user_gaps, [], "{layout}");
    assert_eq!(names(host, "/Applications"), ["Example.app", "Utilities"], "{layout}");
    assert_eq!(names(host, "/System/Applications"), ["Calculator.app", "Utilities"], "{layout}");
    assert!(names(host, "/").contains(&"Users".to_owned()), "{layout}");
    let resolve = |path: &str| files.resolve(&path.into()).map(|path| path.text().into_owned());
    assert_eq!(resolve("/var/db"), Ok("/private/var/db".into()), "{layout}");
    assert_eq!(resolve(&format!("/{DATA}{INFO}")), Ok(INFO.into()), "{layout}: one name");
    assert_eq!(resolve("/SYSTEM/volumes/data/USERS/Alice"), Ok("/Users/alice".into()), "{layout}");
    assert_eq!(resolve(&format!("/{DATA}/usr/local/bin")), Ok("/usr/local/bin".into()), "{layout}");
    assert_eq!(
        files.read(&INFO.to_uppercase().as_str().into(), 1 << 20).map(|bytes| bytes.len() > 100),
        Ok(true)
    );
    let (met, missed) = walked(host, "/");
    assert_eq!(missed, Vec::<String>::new(), "{layout}");
    let twice: Vec<_> = met.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{layout}: {twice:?}");
    for path in
        [INFO, "/Users/alice/Documents/letter.txt", "/usr/libexec/apsd", "/usr/local/bin", "/private/etc"]
    {
        assert!(met.contains_key(path), "{layout}: {path} of {met:#?}");
    }
    let second = met.keys().find(|path| path.contains("Data/Applications") || path.contains("Data/Users"));
    assert_eq!(second, None, "{layout}");
    assert_eq!(walked(host, "/Applications").0.len(), 11, "{layout}");
}

#[test]
fn both_volumes_are_one_tree_however_they_are_mounted() {
    is_whole(&host(&Macos::workstation().build()), "merged");
    let root = Macos::two_volumes("", DATA).build();
    is_whole(&host(&root), "as the kernel mounts them");
    let other = walked(&host(&root), "/").0;
    assert!(other.contains_key("/System/Volumes/Data/mnt"), "what only the Data volume has, by its own name");
    is_whole(&host(&Macos::two_volumes("Macintosh HD", "Macintosh HD - Data").build()), "side by side");
    let root = Macos::two_volumes("", DATA).build();
    for name in ["Users", "Applications", "usr/local"] {
        fs::remove_dir(root.at(name)).unwrap();
    }
    is_whole(&host(&root), "a system's volume without the folders of firmlinks");
    let mut both = Macos::workstation();
    both.volume(DATA);
    both.data();
    is_whole(&host(&both.build()), "a copy that followed firmlinks");
}

#[test]
fn the_data_volume_alone_is_a_macos_of_unknown_version() {
    let mut disk = Macos::bare();
    disk.data();
    let root = disk.build();
    let host = host(&root);
    assert_eq!(host.facts().family, Family::Macos);
    assert!(host.facts().os.unread.is_some());
    assert_eq!(users(&host), ["alice", "bob", "root"]);
    assert_eq!(names(&host, "/var/db").len(), 3, "the link of the system is implied");
    let resolved = host.files().resolve(&format!("/{DATA}{INFO}").as_str().into());
    assert_eq!(resolved, Ok(INFO.into()));
    assert!(walked(&host, "/").0.contains_key(INFO));
    let run = root.scan(&[]);
    assert_eq!(run.json()["host"]["os"]["version"], serde_json::Value::Null);
    assert!(run.json()["claim"]["text"].as_str().unwrap().contains("which macOS it is"), "{}", run.stdout);
}

#[test]
fn a_data_volume_without_accounts_is_known_by_its_folders() {
    let mut disk = Macos::bare();
    disk.data();
    let root = disk.build();
    fs::remove_dir_all(root.at("private/var/db/dslocal")).unwrap();
    assert_eq!(host(&root).facts().family, Family::Macos);
    fs::remove_dir_all(root.at("private")).unwrap();
    assert!(RootHost::offline(root.path()).is_err(), "homes and a library alone may be anybody's");
}

/// Its folders of the Data volume are empty, and were not seen.
#[test]
fn the_system_s_volume_alone_is_not_taken_for_a_clean_machine() {
    let root = Macos::two_volumes("", "elsewhere").build();
    fs::remove_dir_all(root.at("elsewhere")).unwrap();
    let host = host(&root);
    assert_eq!(host.facts().os.version.as_deref(), Some("15.5"));
    for folder in ["/Applications", "/Library/LaunchDaemons", "/Users", "/private/var/db", "/usr/local/bin"] {
        assert_eq!(host.files().list(&folder.into()), Err(Miss::NotMounted), "{folder}");
    }
    assert_eq!(names(&host, "/System/Applications"), ["Calculator.app", "Utilities"]);
    assert!(host.facts().user_gaps.iter().any(|gap| gap.reason == GapReason::NotMounted && gap.blocking));
    assert_eq!(root.scan(&[]).code, 3);
    // A macOS before 10.15 has one volume, and what is empty in it is empty.
    fs::remove_file(root.at("usr/share/firmlinks")).unwrap();
    assert_eq!(self::host(&root).files().list(&"/Applications".into()), Ok(vec![]));
}

#[test]
fn a_folder_of_several_disks_is_none_and_they_are_named() {
    let mut disk = Macos::two_volumes("Macintosh HD", "Macintosh HD - Data");
    disk.volume("Backup");
    disk.data();
    let root = disk.build();
    let error = RootHost::offline(root.path()).err().unwrap().to_string();
    assert!(error.contains("Linux, Windows or macOS"), "{error}");
    for name in ["'/Macintosh HD'", "'/Backup'"] {
        assert!(error.contains(&name.replace('/', "")) || error.contains(name), "{error}");
    }
}

/// The backup of a Mac on another machine's disk makes it no Mac.
#[test]
fn copies_of_a_mac_on_another_system_s_disk_are_not_that_system() {
    let root = Macos::two_volumes("Macintosh HD", "Macintosh HD - Data").build();
    root.dir("Windows/System32/config");
    root.file("Windows/System32/ntdll.dll", "MZ");
    root.file("Windows/System32/config/SOFTWARE", "regf");
    assert_eq!(host(&root).facts().family, Family::Windows);
    let root = Macos::two_volumes("Macintosh HD", "Macintosh HD - Data").build();
    root.file("etc/os-release", "ID=debian\n");
    assert_eq!(host(&root).facts().family, Family::Linux);
}

#[test]
fn what_the_system_s_volume_holds_behind_a_firmlink_is_told() {
    let disk = Macos::two_volumes("", DATA);
    disk.bundle("Applications/Hidden.app", "com.example.hidden", "1");
    let root = disk.build();
    let host = host(&root);
    assert_eq!(names(&host, "/Applications"), ["Example.app", "Utilities"], "as macOS shows it");
    let gaps: Vec<_> = host.facts().user_gaps.iter().map(|gap| (gap.reason, gap.path.text())).collect();
    assert_eq!(gaps, [(GapReason::Overmounted, "/Applications".into())]);
    // Nothing on the Data volume: then it is what there is.
    fs::remove_dir_all(root.at(DATA).join("Applications")).unwrap();
    assert_eq!(names(&self::host(&root), "/Applications"), ["Hidden.app"]);
}

#[test]
fn links_of_a_hostile_volume_lead_nowhere_outside() {
    let outside = Root::empty();
    outside.file("secret/bin/tool", "x");
    outside.file("Users/eve/x", "x");
    let root = Macos::two_volumes("", DATA).build();
    let data = root.at(DATA);
    fs::remove_dir_all(data.join("usr")).unwrap();
    symlink(outside.at(""), data.join("usr")).unwrap();
    outside.file("local/bin/tool", "x");
    fs::remove_dir_all(data.join("opt")).unwrap();
    symlink(outside.at("secret"), data.join("opt")).unwrap();
    let host = host(&root);
    let list = |path: &str| host.files().list(&path.into());
    assert!(matches!(list("/usr/local/bin"), Err(Miss::Malformed(_))), "{:?}", list("/usr/local/bin"));
    assert_eq!(list("/opt"), Err(Miss::Absent), "the link leads inside the root, where it finds nothing");
    // A link in the Data volume's place is none.
    let root = Macos::two_volumes("", "kept").build();
    fs::create_dir_all(root.at("System/Volumes")).unwrap();
    symlink(outside.path(), root.at(DATA)).unwrap();
    fs::remove_dir_all(root.at("kept")).unwrap();
    let host = self::host(&root);
    assert_eq!(host.files().list(&"/Users".into()), Err(Miss::NotMounted));
    // Links in circles end.
    let root = Macos::workstation();
    root.link("Applications/Loop.app", "Loop.app");
    root.link("Users/eve", "/System/Volumes/Data/Users/eve");
    let root = root.build();
    let host = self::host(&root);
    assert_eq!(host.files().list(&"/Applications/Loop.app".into()), Err(Miss::LinkLoop));
    assert!(host.facts().users.iter().any(|user| user.name == "eve" && !user.readable));
}

#[test]
fn names_are_found_in_any_case_and_composition_and_shown_as_they_are() {
    let disk = Macos::workstation();
    disk.bundle("Applications/École.app", "com.example.ecole", "1");
    disk.bundle("Applications/Cafe\u{301}.app", "com.example.cafe", "1");
    disk.file("opt/a/x", "small");
    disk.file("opt/A/x", "large");
    let root = disk.build();
    let host = host(&root);
    let resolve = |path: &str| host.files().resolve(&path.into()).map(|path| path.text().into_owned());
    assert_eq!(resolve("/applications/e\u{301}COLE.APP"), Ok("/Applications/École.app".into()));
    assert_eq!(
        resolve("/Applications/CAFÉ.app/contents"),
        Ok("/Applications/Cafe\u{301}.app/Contents".into())
    );
    // A volume that tells case apart keeps both, and what is asked for exactly is meant.
    let read = |path: &str| host.files().read(&path.into(), 100);
    assert_eq!((read("/opt/a/x"), read("/opt/A/x")), (Ok(b"small".to_vec()), Ok(b"large".to_vec())));
    assert_eq!(read("/opt/PROGRA~1/x"), Err(Miss::Absent));
}

#[test]
fn damaged_records_of_the_system_are_told_and_break_nothing() {
    let version = "System/Library/CoreServices/SystemVersion.plist";
    let account = "private/var/db/dslocal/nodes/Default/users/alice.plist";
    for file in
        [version, account, "Library/Preferences/SystemConfiguration/preferences.plist", "usr/share/firmlinks"]
    {
        for bytes in [&b""[..], b"bplist00", b"<plist><dict>", &[0xFF; 4096]] {
            let root = Macos::workstation().build();
            fs::write(root.at(file), bytes).unwrap();
            let host = host(&root);
            assert_eq!(host.facts().os.unread.is_some(), file == version, "{file}");
            assert_eq!(!host.facts().user_gaps.is_empty(), file == account, "{file}");
            assert_eq!(users(&host), ["alice", "bob", "root"], "{file}");
        }
    }
}

/// The table of firmlinks names folders that this program does not know: they are read from the Data volume too.
#[test]
fn the_system_s_own_table_of_firmlinks_counts() {
    let disk = Macos::two_volumes("", DATA);
    disk.file("usr/share/firmlinks", format!("{FIRMLINKS}/Future\tlater/Future\n"));
    disk.file(&format!("{DATA}/later/Future/tool"), "x");
    let root = disk.build();
    let host = host(&root);
    assert_eq!(names(&host, "/Future"), ["tool"]);
    let resolved = host.files().resolve(&format!("/{DATA}/later/Future/tool").as_str().into());
    assert_eq!(resolved, Ok("/Future/tool".into()));
    assert!(walked(&host, "/").0.contains_key("/Future/tool"));
}
