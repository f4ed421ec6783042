//! What starts at log-on because it lies in a startup folder: of everybody and of each user, wherever the registry says that
//! these folders are. A link starts the program that it leads to, any other file is opened itself.
//!
//! Arguments in a link may hold secrets: they are passed over.

use std::collections::BTreeSet;

use crate::host::{Entry, Hive, Host, Kind, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, Image, ItemKind, Means, Need, Place, Recorded, Scope, ScopeKind,
    State, Trace, User, Wanted, WindowsFacts,
};
use crate::parse::lnk;
use crate::sources::{About, Haul, Outcome, Source};

use super::started;

/// The source `startup-folders`.
pub struct StartupFolders;

/// Where the folders are unless somebody moved them, and where they were before Windows Vista.
const OF_ALL: &str = r"%ProgramData%\Microsoft\Windows\Start Menu\Programs\StartUp";
const OF_USER: &str = r"%AppData%\Microsoft\Windows\Start Menu\Programs\Startup";
const OF_ALL_XP: &str = r"%SystemDrive%\Documents and Settings\All Users\Start Menu\Programs\Startup";
const OF_USER_XP: &str = r"%UserProfile%\Start Menu\Programs\Startup";
/// Where the registry says where they are; the second is what Windows last made of the first.
const SHELL_FOLDERS: &[&str] = &["User Shell Folders", "Shell Folders"];
const EXPLORER: &str = r"Microsoft\Windows\CurrentVersion\Explorer";
/// Real links have some kilobytes.
const LIMIT: u64 = 1 << 20;
/// An address, which the browser opens; it has no program.
const ADDRESS: &[u8] = b".url";
const LINK: &[u8] = b".lnk";
/// How the folder looks.
const LOOKS: &[u8] = b"desktop.ini";

static ABOUT: About = About {
    name: "startup-folders",
    summary: "what lies in the startup folders of everybody and of every user",
    families: &[Family::Windows],
    needs: &[Need::Files, Need::Registry],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Autostart, &[State::Installed, State::Remnant])],
    fields: &[Field::Name, Field::Path],
    ..About::USUAL
};

impl Source for StartupFolders {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let Some(windows) = &host.facts().windows else {
            return Outcome::Failed("this host has no folder of Windows".to_owned());
        };
        if want.scope.includes(ScopeKind::Machine) {
            Reading { host, windows, user: None }.all(haul);
        }
        for user in haul.profiles(host, want) {
            Reading { host, windows, user: Some(user) }.all(haul);
            if !haul.time_left() {
                break;
            }
        }
        Outcome::Read
    }
}

/// Whose folder is read.
struct Reading<'a> {
    host: &'a dyn Host,
    windows: &'a WindowsFacts,
    user: Option<&'a User>,
}

impl Reading<'_> {
    fn all(&self, haul: &mut Haul) {
        // Several names may lead to one folder.
        let mut seen = BTreeSet::new();
        for folder in self.folders(haul) {
            let folder = self.host.files().resolve(&folder).unwrap_or(folder);
            if seen.insert(folder.clone()) {
                self.folder(&folder, haul);
            }
        }
    }

    fn folders(&self, haul: &mut Haul) -> Vec<HostPath> {
        let (hive, root, value) = match self.user {
            Some(user) => (Hive::User(user.n), r"Software\", "Startup"),
            None => (Hive::Software, "", "Common Startup"),
        };
        let version = self.host.facts().os.version.as_deref();
        let is_old = version.is_some_and(|version| version.starts_with("5."));
        let usual = match (self.user, is_old) {
            (Some(_), false) => OF_USER,
            (Some(_), true) => OF_USER_XP,
            (None, false) => OF_ALL,
            (None, true) => OF_ALL_XP,
        };
        let mut folders: Vec<HostPath> = self.windows.path(usual, self.user).into_iter().collect();
        let explorer = haul.key(self.host, hive, &format!("{root}{EXPLORER}"));
        for key in SHELL_FOLDERS {
            let key = explorer.as_ref().and_then(|explorer| haul.subkey(explorer.as_ref(), key));
            let Some((key, text)) =
                key.and_then(|key| haul.text(key.as_ref(), value).map(|text| (key, text)))
            else {
                continue;
            };
            match self.windows.path(&text, self.user) {
                Some(path) => folders.push(path),
                // What a server keeps lies not on this computer.
                None => haul.minor(
                    GapReason::RemoteMount,
                    &key.place(),
                    "the startup folder is kept on another computer",
                ),
            }
        }
        folders
    }

    fn folder(&self, folder: &HostPath, haul: &mut Haul) {
        let listed = self.host.files().list(folder);
        for entry in haul.optional(folder, listed).unwrap_or_default() {
            if entry.kind == Kind::Folder || entry.name.eq_ignore_ascii_case(LOOKS) {
                continue;
            }
            self.entry(folder.join(&entry.name), &entry, haul);
            if !haul.time_left() {
                return;
            }
        }
    }

    fn entry(&self, path: HostPath, entry: &Entry, haul: &mut Haul) {
        let image = if ends(&entry.name, LINK) {
            self.link(&path, haul)
        } else if ends(&entry.name, ADDRESS) {
            None
        } else {
            started::file(self.host, &path.text(), self.user, haul)
        };
        let state = State::of_record(image.as_ref());
        let modified = self.host.files().stat(&path).ok().and_then(|stat| stat.modified);
        let mut trace = Trace::new(ItemKind::Autostart, path.file_name_text(), state, Place::file(path));
        trace.image = image;
        trace.scope = self.user.map_or(Scope::Machine, |user| Scope::User(user.n));
        trace.recorded_at = Recorded { value: modified, means: Means::FileTime };
        haul.push(trace);
    }

    /// What a link leads to. One that cannot be read hides its program, not its name.
    fn link(&self, path: &HostPath, haul: &mut Haul) -> Option<Image> {
        let bytes = match self.host.files().read(path, LIMIT) {
            // The name is a link of the file system that leads nowhere.
            Err(Miss::Absent) => return Some(Image { path: path.clone(), exists: Some(false) }),
            read => haul.optional(path, read)?,
        };
        let Some((link, faults)) = lnk::link(&bytes) else {
            haul.gap_with(GapReason::Malformed, path, "not a shell link");
            return None;
        };
        haul.faults(path, &faults);
        let beside = || {
            let folder = path.parent()?;
            Some(format!(r"{}\{}", folder.text(), link.relative_path.as_ref()?))
        };
        let target = link.target().map(str::to_owned).or_else(beside)?;
        started::file(self.host, &target, self.user, haul)
    }
}

fn ends(name: &[u8], ending: &[u8]) -> bool {
    let at = name.len().saturating_sub(ending.len());
    name.get(at..).is_some_and(|tail| tail.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry};
    use crate::model::ScopeAsk;
    use crate::parse::registry_value::RegistryValue;
    use crate::sources::testing::{collect, collect_for};

    const ALL: &str = "/C:/ProgramData/Microsoft/Windows/Start Menu/Programs/StartUp";
    const OWN: &str = "/C:/Users/alice/AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Startup";

    /// A link with nothing but `LinkInfo`, [MS-SHLLINK] 2.1 and 2.3: the local path in letters of one byte.
    fn link(target: &str) -> FakeNode {
        let mut bytes = vec![0; 0x4c];
        bytes[0] = 0x4c;
        bytes[4..20].copy_from_slice(b"\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46");
        bytes[20] = 2;
        let path: Vec<u8> = target.bytes().chain([0]).collect();
        let le = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
        // Header, a volume of 17 bytes, path, empty suffix.
        let (volume, base) = (0x1c, 0x1c + 17);
        let suffix = base + path.len();
        for n in [suffix + 1, 0x1c, 1, volume, base, 0, suffix] {
            bytes.extend(le(n));
        }
        for n in [17, 3, 0, 16] {
            bytes.extend(le(n));
        }
        bytes.push(0);
        bytes.extend(path);
        bytes.push(0);
        FakeNode::File(bytes)
    }

    fn host(nodes: Vec<(String, FakeNode)>, registry: FakeRegistry) -> FakeHost {
        let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1";
        let registry = registry
            .key(list, &[("ProfileImagePath", RegistryValue::sz(r"C:\Users\alice"))])
            .key(r"HKU\1\Software\Acme", &[]);
        let fixed = [
            ("/C:/Program Files/Acme Guard/guard.exe", FakeNode::Program(vec![])),
            ("/C:/Users/alice/NTUSER.DAT", FakeNode::File(Vec::new())),
        ];
        let nodes: Vec<_> =
            fixed.into_iter().map(|(path, node)| (path.to_owned(), node)).chain(nodes).collect();
        FakeHost::windows(nodes.iter().map(|(path, node)| (path.as_str(), node.clone())), registry)
    }

    fn seen(haul: &Haul) -> Vec<(String, String, State)> {
        let of = |trace: &Trace| {
            let image = trace.image.as_ref().map(|image| image.path.text().into_owned());
            (trace.name.clone(), image.unwrap_or_default(), trace.state)
        };
        haul.traces().iter().map(of).collect()
    }

    #[test]
    fn links_and_programs_of_everybody_and_of_a_user() {
        let nodes = vec![
            (format!("{ALL}/Acme Guard.lnk"), link(r"C:\PROGRAM FILES\Acme Guard\guard.exe")),
            (format!("{ALL}/old.LNK"), link(r"C:\Acme\old.exe")),
            (format!("{ALL}/desktop.ini"), FakeNode::File(vec![])),
            (format!("{ALL}/folder/x.exe"), FakeNode::Program(vec![])),
            (format!("{OWN}/own.cmd"), FakeNode::File(vec![])),
            (format!("{OWN}/news.url"), FakeNode::File(b"[InternetShortcut]".to_vec())),
        ];
        let host = host(nodes, FakeRegistry::new());
        let (haul, outcome) = collect(&StartupFolders, &host);
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let own = HostPath::from(OWN).join("own.cmd").text().into_owned();
        assert_eq!(
            seen(&haul),
            [
                ("Acme Guard.lnk".into(), r"C:\Program Files\Acme Guard\guard.exe".into(), State::Installed),
                ("old.LNK".into(), r"C:\Acme\old.exe".into(), State::Remnant),
                ("news.url".into(), String::new(), State::Installed),
                ("own.cmd".into(), own, State::Installed),
            ]
        );
        assert_eq!(haul.traces()[0].place, Place::file(HostPath::from(ALL).join("Acme Guard.lnk")));
        assert_eq!(haul.traces()[3].scope, Scope::User(1));
        let of = |scope| {
            let want = Wanted { scope, ..Wanted::default() };
            collect_for(&StartupFolders, &host, &want).0.traces().len()
        };
        assert_eq!((of(ScopeAsk::System), of(ScopeAsk::User)), (2, 2));
    }

    #[test]
    fn the_registry_says_where_the_folders_are() {
        let nodes = vec![
            ("/C:/Menu/Autostart/moved.exe".to_owned(), FakeNode::Program(vec![])),
            (format!("{ALL}/usual.exe"), FakeNode::Program(vec![])),
        ];
        let common = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders";
        let cached = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Explorer\Shell Folders";
        let own = r"HKU\1\Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders";
        let registry = FakeRegistry::new()
            .key(common, &[("Common Startup", RegistryValue::expand_sz(r"%SystemDrive%\Menu\Autostart"))])
            .key(cached, &[("Common Startup", RegistryValue::sz(r"C:\MENU\Autostart"))])
            .key(own, &[("Startup", RegistryValue::sz(r"\\server\profiles\alice\Startup"))]);
        let (haul, _) = collect(&StartupFolders, &host(nodes, registry));
        let names: Vec<_> = haul.traces().iter().map(|trace| trace.name.as_str()).collect();
        assert_eq!(names, ["usual.exe", "moved.exe"]);
        assert_eq!(haul.gaps(), [(GapReason::RemoteMount, false)]);
    }

    #[test]
    fn windows_xp_has_them_elsewhere() {
        let path = "/C:/Documents and Settings/All Users/Start Menu/Programs/Startup/x.exe";
        let version = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion";
        let registry = FakeRegistry::new().key(version, &[("CurrentVersion", RegistryValue::sz("5.1"))]);
        let nodes = vec![(path.to_owned(), FakeNode::Program(vec![]))];
        let (haul, _) = collect(&StartupFolders, &host(nodes, registry));
        assert_eq!((haul.traces().len(), haul.gaps()), (1, vec![]));
    }

    #[test]
    fn what_cannot_be_read_is_a_gap_and_keeps_its_name() {
        let of = |name: &str, node| {
            let (haul, _) =
                collect(&StartupFolders, &host(vec![(format!("{ALL}{name}"), node)], FakeRegistry::new()));
            (haul.traces().len(), haul.gaps())
        };
        let denied = || FakeNode::Broken(Miss::Denied);
        assert_eq!(of("", denied()), (0, vec![(GapReason::PermissionDenied, true)]));
        let unread = FakeNode::Unreadable(Miss::Denied);
        assert_eq!(of("/x.lnk", unread), (1, vec![(GapReason::PermissionDenied, true)]));
        for noise in [vec![], b"MZ".to_vec(), vec![0xFF; 4096]] {
            assert_eq!(of("/x.lnk", FakeNode::File(noise)), (1, vec![(GapReason::Malformed, true)]));
        }
        let large = FakeNode::File(vec![0; (1 << 20) + 1]);
        assert_eq!(of("/x.lnk", large), (1, vec![(GapReason::TooLarge, true)]));
        let own = vec![(OWN.to_owned(), denied())];
        let (haul, _) = collect(&StartupFolders, &host(own, FakeRegistry::new()));
        assert_eq!(haul.gaps(), [(GapReason::PermissionDenied, true)]);
    }
}
