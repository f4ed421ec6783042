//! Tests of the real root, on folders made for them.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "builds roots to scan")]

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use tempfile::TempDir;

use super::{Host as _, Kind, Miss, OpenError, RootHost, WalkNext, Walked};
use crate::model::{Family, HostPath};

/// A root with an os-release, and what a test puts into it.
struct Made(TempDir);

impl Made {
    fn new() -> Self {
        let made = Self(tempfile::tempdir().unwrap_or_else(|error| unreachable!("{error}")));
        made.file("etc/os-release", b"ID=debian\n");
        made
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn folder(&self, path: &str) {
        assert!(fs::create_dir_all(self.at(path)).is_ok(), "{path}");
    }

    fn file(&self, path: &str, bytes: &[u8]) {
        self.folder(path.rsplit_once('/').map_or("", |(folder, _)| folder));
        assert!(fs::write(self.at(path), bytes).is_ok(), "{path}");
    }

    fn link(&self, path: &str, to: &str) {
        self.folder(path.rsplit_once('/').map_or("", |(folder, _)| folder));
        assert!(symlink(to, self.at(path)).is_ok(), "{path}");
    }

    fn host(&self) -> RootHost {
        RootHost::offline(self.0.path()).unwrap_or_else(|error| unreachable!("{error}"))
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Miss> {
        self.host().files().read(&path.into(), 1000)
    }
}

#[test]
fn an_absolute_link_of_an_image_is_the_images() {
    let made = Made::new();
    made.file("real/hostname", b"image\n");
    made.link("etc/hostname", "/real/hostname");
    made.link("etc/folder", "/real");
    assert_eq!(made.read("/etc/hostname"), Ok(b"image\n".to_vec()));
    assert_eq!(made.read("/etc/folder/hostname"), Ok(b"image\n".to_vec()));
    assert_eq!(made.host().files().resolve(&"/etc/folder/hostname".into()), Ok("/real/hostname".into()));
    assert_eq!(made.host().facts().name.as_deref(), Some("image"));
}

#[test]
fn what_is_known_of_a_folder_leads_to_the_same_files() {
    let made = Made::new();
    made.file("real/deep/file", b"x");
    made.link("one", "real");
    made.link("real/two", "deep");
    made.link("three", "one/two");
    let host = made.host();
    let real = |path: &str| host.files().resolve(&path.into());
    for _ in 0..2 {
        for folder in [
            "/one/two",
            "/one/deep",
            "/real/two",
            "/real/deep",
            "/three",
            "/one/two/../deep",
            "/three/../two/",
        ] {
            assert_eq!(real(&format!("{folder}/file")), Ok("/real/deep/file".into()), "{folder}");
        }
        for gone in ["/one/gone/file", "/one/two/gone/file", "/one/two/file/file"] {
            assert!(real(gone).is_err(), "{gone}");
        }
    }
}

#[test]
fn no_link_and_no_dots_lead_above_the_root() {
    let made = Made::new();
    made.file("etc/passwd", b"image");
    made.link("a/up", "../../../../../../etc/passwd");
    made.link("a/dots", "../..");
    for path in
        ["/a/up", "/../../etc/passwd", "/a/../../etc/passwd", "/a/dots/etc/passwd", "/etc/../etc/./passwd"]
    {
        assert_eq!(made.read(path), Ok(b"image".to_vec()), "{path}");
    }
    made.link("a/out", "/proc/self/environ");
    assert_eq!(made.read("/a/out"), Err(Miss::Absent));
}

#[test]
fn forty_links_are_followed_and_no_more() {
    let made = Made::new();
    made.file("l/0", b"end");
    for n in 1..=41 {
        made.link(&format!("l/{n}"), &format!("{}", n - 1));
    }
    assert_eq!(made.read("/l/40"), Ok(b"end".to_vec()));
    assert_eq!(made.read("/l/41"), Err(Miss::LinkLoop));
}

#[test]
fn loops_end() {
    let made = Made::new();
    made.link("a", "b");
    made.link("b", "/a");
    made.link("c", "c/c/c");
    for path in ["/a", "/a/x", "/c"] {
        assert_eq!(made.read(path), Err(Miss::LinkLoop), "{path}");
        assert_eq!(made.host().files().stat(&path.into()), Err(Miss::LinkLoop), "{path}");
    }
}

#[test]
fn pipes_and_sockets_are_never_opened() {
    let made = Made::new();
    let pipe = made.at("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(made.at("socket")).unwrap();
    made.link("link", "pipe");
    // Opening a pipe for reading would wait for a writer: that this ends is the test.
    for (path, kind) in [("/pipe", Kind::Pipe), ("/link", Kind::Pipe), ("/socket", Kind::Socket)] {
        assert_eq!(made.read(path), Err(Miss::NotAFile(kind)), "{path}");
        assert_eq!(made.host().files().open(&path.into()).err(), Some(Miss::NotAFile(kind)), "{path}");
    }
    assert_eq!(made.read("/etc"), Err(Miss::NotAFile(Kind::Folder)));
    assert_eq!(made.host().files().list(&"/pipe".into()), Err(Miss::NotAFile(Kind::Pipe)));
}

#[test]
fn a_sparse_giant_is_refused_by_its_size() {
    let made = Made::new();
    File::create(made.at("status")).unwrap().set_len(4 << 30).unwrap();
    assert_eq!(made.read("/status"), Err(Miss::TooLarge { size: 4 << 30, limit: 1000 }));
    assert_eq!(made.host().files().open(&"/status".into()).map(|file| file.size()), Ok(4 << 30));
    made.file("exact", &[0; 1000]);
    assert_eq!(made.read("/exact").map(|bytes| bytes.len()), Ok(1000));
}

#[test]
fn names_that_are_not_utf8_are_kept() {
    let made = Made::new();
    let name = b"caf\xe9\xff";
    fs::write(made.0.path().join(std::ffi::OsStr::from_bytes(name)), "x").unwrap();
    let host = made.host();
    let listed = host.files().list(&"/".into()).unwrap();
    assert!(listed.iter().any(|entry| entry.name == name && entry.kind == Kind::File));
    let path = HostPath::from("/").join(name);
    assert_eq!(host.files().read(&path, 10), Ok(b"x".to_vec()));
    assert_eq!(path.text(), "/caf\\xE9\\xFF");
}

#[test]
fn what_is_unreadable_is_denied_and_what_is_not_there_is_absent() {
    let made = Made::new();
    made.file("shut/inside", b"x");
    made.file("closed", b"x");
    assert_eq!(made.read("/none"), Err(Miss::Absent));
    assert_eq!(made.read("/closed/x"), Err(Miss::Absent), "a file on the way");
    if rustix::process::geteuid().is_root() {
        let mut err = std::io::stderr();
        std::io::Write::write_all(&mut err, b"skipped in part: root may read everything\n").unwrap();
        return;
    }
    for path in ["shut", "closed"] {
        fs::set_permissions(made.at(path), fs::Permissions::from_mode(0o000)).unwrap();
    }
    assert_eq!(made.read("/closed"), Err(Miss::Denied));
    assert_eq!(made.read("/shut/inside"), Err(Miss::Denied));
    assert_eq!(made.host().files().list(&"/shut".into()), Err(Miss::Denied));
    let mut missed = Vec::new();
    let walked = made.host().files().walk(&"/".into(), &mut |step| {
        if let Walked::Missed(path, miss) = step {
            missed.push((path, miss));
        }
        WalkNext::On
    });
    fs::set_permissions(made.at("shut"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!((walked, missed), (Ok(()), vec![("/shut".into(), Miss::Denied)]));
}

#[test]
fn a_walk_follows_no_links_and_can_skip_and_stop() {
    let made = Made::new();
    made.file("w/a/1", b"");
    made.file("w/b/2", b"");
    made.link("w/self", ".");
    made.link("w/etc", "/etc");
    made.link("known", "w");
    let host = made.host();
    let walk = |from: &str, next: &dyn Fn(&str) -> WalkNext| {
        let mut seen = Vec::new();
        let walked = host.files().walk(&from.into(), &mut |step| match step {
            Walked::Seen { path, .. } => {
                seen.push(path.text().into_owned());
                next(seen.last().map_or("", String::as_str))
            }
            Walked::Missed(path, miss) => unreachable!("{path} {miss}"),
        });
        assert_eq!(walked, Ok(()));
        seen.sort();
        seen
    };
    let all = ["/w/a", "/w/a/1", "/w/b", "/w/b/2", "/w/etc", "/w/self"];
    assert_eq!(walk("/w", &|_| WalkNext::On), all);
    assert_eq!(walk("/known", &|_| WalkNext::On), all, "the paths are where the files lie");
    let skip = |path: &str| if path == "/w/a" { WalkNext::Skip } else { WalkNext::On };
    assert_eq!(walk("/w", &skip), ["/w/a", "/w/b", "/w/b/2", "/w/etc", "/w/self"]);
    assert_eq!(walk("/w", &|_| WalkNext::Stop).len(), 1);
    let file = host.files().walk(&"/w/a/1".into(), &mut |_| WalkNext::On);
    assert_eq!(file, Err(Miss::NotAFile(Kind::File)));
}

#[test]
fn a_folder_that_is_no_root_is_refused_with_a_hint() {
    let made = Made::new();
    let above = tempfile::tempdir().unwrap();
    fs::create_dir_all(above.path().join("disk/etc")).unwrap();
    let empty = RootHost::offline(above.path());
    assert!(matches!(empty, Err(OpenError::NotARoot { .. })));
    fs::write(above.path().join("disk/etc/os-release"), "ID=x\n").unwrap();
    match RootHost::offline(above.path()) {
        Err(OpenError::NotARoot { hint, .. }) => assert!(hint.contains("disk"), "{hint}"),
        other => panic!("{:?}", other.map(|host| host.facts().clone())),
    }
    assert!(matches!(RootHost::offline(&made.at("none")), Err(OpenError::Root { .. })));
    assert_eq!(made.host().facts().family, Family::Linux);
    assert_eq!(made.host().processes(), None);
}

#[test]
fn another_file_system_is_missed_not_skipped() {
    let live = RootHost::live().unwrap_or_else(|error| unreachable!("{error}"));
    let mut missed = Vec::new();
    let mut entered = 0;
    let walked = live.files().walk(&"/dev".into(), &mut |step| {
        match step {
            Walked::Missed(path, Miss::Overmounted) => missed.push(path),
            Walked::Seen { path, .. } if path.is_within(&"/dev/pts".into()) => entered += 1,
            _ => {}
        }
        WalkNext::On
    });
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    if walked.is_err() || !table.contains(" /dev/pts ") {
        std::io::Write::write_all(&mut std::io::stderr(), b"skipped: no /dev/pts here\n").unwrap();
        return;
    }
    assert!(missed.contains(&"/dev/pts".into()), "{missed:?}");
    assert_eq!(entered, 0);
}

/// A folder that is the disk of a Windows, with what a test puts into it.
fn disk(lay_out: impl FnOnce(&Made)) -> (Made, RootHost) {
    let made = Made(tempfile::tempdir().unwrap_or_else(|error| unreachable!("{error}")));
    made.folder("WINDOWS/system32/config");
    lay_out(&made);
    let host = RootHost::offline(made.0.path()).unwrap_or_else(|error| unreachable!("{error}"));
    (made, host)
}

fn resolved(host: &RootHost, path: &str) -> Result<String, Miss> {
    host.files().resolve(&path.into()).map(|path| path.text().into_owned())
}

#[test]
fn a_windows_disk_is_read_in_any_case_and_by_its_own_letter() {
    let (_made, host) = disk(|made| made.file("Program Files (x86)/Äcme/Guard.exe", b"MZ"));
    assert_eq!(host.facts().family, Family::Windows);
    assert_eq!(host.facts().windows.as_ref().unwrap().root, "/C:/WINDOWS".into());
    let guard = Ok(r"C:\Program Files (x86)\Äcme\Guard.exe".to_owned());
    assert_eq!(resolved(&host, "/C:/PROGRAM FILES (X86)/äCME/guard.EXE"), guard);
    assert_eq!(resolved(&host, "/c:/progra~2/Äcme/GUARD.exe"), guard);
    assert_eq!(host.files().read(&"/C:/program files (x86)/äcme/guard.exe".into(), 9), Ok(b"MZ".to_vec()));
    assert_eq!(resolved(&host, "/D:/x"), Err(Miss::NotMounted));
    assert_eq!(resolved(&host, "/C:/none"), Err(Miss::Absent));
    let drives = host.files().list(&"/".into()).unwrap();
    assert_eq!((drives.len(), drives[0].name.as_slice()), (1, &b"C:"[..]));
}

#[test]
fn junctions_of_a_windows_disk_lead_inside_it() {
    let (_made, host) = disk(|made| {
        made.file("Users/alice/x", b"");
        made.link("Documents and Settings", "/??/C:/Users");
        made.link("backslashes", r"C:\Users\alice");
        made.link("relative", r"Users\alice");
        made.link("other drive", r"\??\D:\x");
        made.link("volume", r"\\?\Volume{1-2-3}\");
        made.link("share", r"\\server\share");
        made.link("outside", "/etc");
        made.link("loop", "loop");
        // As ntfs-3g shows a junction: a path of the system that mounted the disk.
        symlink(made.at("Users"), made.at("as mounted")).unwrap();
    });
    let alice = Ok(r"C:\Users\alice\x".to_owned());
    for name in ["Documents and Settings/alice", "backslashes", "relative", "as mounted/alice"] {
        assert_eq!(resolved(&host, &format!("/C:/{name}/x")), alice, "{name}");
    }
    for name in ["other drive", "volume", "share", "outside"] {
        assert_eq!(resolved(&host, &format!("/C:/{name}/x")), Err(Miss::NotMounted), "{name}");
    }
    assert_eq!(resolved(&host, "/C:/loop"), Err(Miss::LinkLoop));
}

#[test]
fn a_disk_of_profiles_alone_is_a_windows() {
    let made = Made(tempfile::tempdir().unwrap());
    made.file("Users/alice/NTUSER.DAT", b"");
    let host = RootHost::offline(made.0.path()).unwrap();
    assert_eq!(host.facts().users.len(), 1);
    assert!(host.facts().os.unread.is_some(), "what else this system holds is not known");
}
