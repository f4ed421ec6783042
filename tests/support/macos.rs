//! A volume of macOS for tests, laid out as Apple's installer and a few months of use leave it. What macOS writes as binary
//! property lists stands here as XML, which macOS reads just as well, unless a test writes bytes of its own.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::matrix::Disk;
use super::{Root, Run};

/// The firmlinks of macOS, each a path of the Data volume by its name in the system: `/usr/share/firmlinks`.
pub const FIRMLINKS: &str = "/AppleInternal\tAppleInternal\n/Applications\tApplications\n/Library\tLibrary\n\
                             /System/Library/Caches\tSystem/Library/Caches\n\
                             /System/Library/Assets\tSystem/Library/Assets\n\
                             /System/Library/PreinstalledAssets\tSystem/Library/PreinstalledAssets\n\
                             /System/Library/AssetsV2\tSystem/Library/AssetsV2\n\
                             /System/Library/PreinstalledAssetsV2\tSystem/Library/PreinstalledAssetsV2\n\
                             /System/Library/CoreServices/CoreTypes.bundle/Contents/Library\t\
                             System/Library/CoreServices/CoreTypes.bundle/Contents/Library\n\
                             /System/Library/Speech\tSystem/Library/Speech\n/Users\tUsers\n/Volumes\tVolumes\n\
                             /cores\tcores\n/opt\topt\n/private\tprivate\n/usr/local\tusr/local\n\
                             /usr/libexec/cups\tusr/libexec/cups\n/usr/share/snmp\tusr/share/snmp\n";

/// A volume that is being laid out; paths are relative to its root.
pub struct Macos {
    root: Root,
    /// The volume's folder, where more than one lies in the root.
    volume: &'static str,
    users: u32,
}

impl Macos {
    /// A Mac with two users, `alice` and `bob`: the tree as the running system shows it.
    pub fn workstation() -> Self {
        let mut disk = Self::bare();
        disk.system();
        disk.data();
        disk
    }

    /// The two volumes of a Mac as another system mounts them, each in a folder: the Data volume's folders are empty in the
    /// system's.
    pub fn two_volumes(system: &'static str, data: &'static str) -> Self {
        let mut disk = Self::bare();
        disk.volume = system;
        disk.system();
        for line in FIRMLINKS.lines() {
            disk.dir(line.split('\t').next().unwrap().trim_start_matches('/'));
        }
        disk.volume = data;
        disk.data();
        for other in [".fseventsd", "System/Library/Caches", "home", "mnt"] {
            disk.dir(other);
        }
        disk.volume = "";
        disk
    }

    /// Nothing yet.
    pub fn bare() -> Self {
        Self { root: Root::empty(), volume: "", users: 0 }
    }

    /// What the sealed volume of the system holds.
    pub fn system(&self) {
        self.plist(
            "System/Library/CoreServices/SystemVersion.plist",
            &[
                ("ProductBuildVersion", "24F74"),
                ("ProductName", "macOS"),
                ("ProductUserVisibleVersion", "15.5"),
                ("ProductVersion", "15.5"),
            ],
        );
        self.bundle("System/Library/CoreServices/Finder.app", "com.apple.finder", "15.5");
        self.bundle("System/Applications/Calculator.app", "com.apple.calculator", "11.0");
        self.bundle("System/Applications/Utilities/Terminal.app", "com.apple.Terminal", "2.14");
        self.launchd(
            "System/Library/LaunchDaemons/com.apple.apsd.plist",
            "com.apple.apsd",
            "/usr/libexec/apsd",
        );
        self.program("usr/libexec/apsd");
        self.program("bin/zsh");
        self.dir("System/Library/LaunchAgents");
        self.dir("System/Library/Extensions");
        self.file("usr/share/firmlinks", FIRMLINKS);
        for (name, target) in [("etc", "private/etc"), ("tmp", "private/tmp"), ("var", "private/var")] {
            self.link(name, target);
        }
    }

    /// What the Data volume holds, two users with it.
    pub fn data(&mut self) {
        self.bundle("Applications/Example.app", "com.example.app", "1.2");
        self.bundle("Applications/Utilities/Tool.app", "com.example.tool", "3.0");
        for folder in [
            "Library/Application Support",
            "Library/Extensions",
            "Library/LaunchAgents",
            "Library/LaunchDaemons",
            "Library/PrivilegedHelperTools",
            "Library/StartupItems",
            "Library/SystemExtensions",
            "Users/Shared",
            "opt",
            "private/etc",
            "private/tmp",
            "private/var/db/ConfigurationProfiles",
            "private/var/db/receipts",
            "private/var/root",
            "usr/local/bin",
            "Volumes",
        ] {
            self.dir(folder);
        }
        self.file("Users/.localized", "");
        self.xml(
            "Library/Preferences/SystemConfiguration/preferences.plist",
            "<dict><key>System</key><dict><key>System</key><dict><key>ComputerName</key><string>Alice's Mac</string>\
             <key>HostName</key><string>mac-042</string></dict></dict></dict>",
        );
        self.xml("Library/Receipts/InstallHistory.plist", "<array></array>");
        self.account("root", 0, "/var/root");
        self.account("nobody", -2, "/var/empty");
        self.account("_mbsetupuser", 248, "/var/setup");
        for name in ["alice", "bob"] {
            self.add_user(name);
        }
    }

    /// An account in the local directory, with a home folder as macOS makes it.
    pub fn add_user(&mut self, name: &str) {
        self.users += 1;
        self.account(name, 500 + i64::from(self.users), &format!("/Users/{name}"));
        for folder in ["Desktop", "Documents", "Downloads", "Applications"] {
            self.dir(&format!("Users/{name}/{folder}"));
        }
        for folder in ["Application Support", "Containers", "LaunchAgents", "Preferences"] {
            self.dir(&format!("Users/{name}/Library/{folder}"));
        }
        self.file(&format!("Users/{name}/Documents/letter.txt"), "x");
        self.file(&format!("Users/{name}/Library/Safari/Bookmarks.plist"), plist("<dict></dict>"));
    }

    /// A record of the local directory alone.
    pub fn account(&self, name: &str, uid: i64, home: &str) {
        let body = format!(
            "<dict><key>name</key><array><string>{name}</string></array><key>uid</key><array><string>{uid}</string>\
             </array><key>home</key><array><string>{home}</string></array></dict>"
        );
        self.xml(&format!("private/var/db/dslocal/nodes/Default/users/{name}.plist"), &body);
    }

    /// Goes on in this folder of the root.
    pub fn volume(&mut self, folder: &'static str) {
        self.volume = folder;
    }

    fn at(&self, path: &str) -> PathBuf {
        Path::new(self.volume).join(path)
    }

    /// A file.
    pub fn file(&self, path: &str, bytes: impl AsRef<[u8]>) {
        self.root.file(self.at(path), bytes);
    }

    /// A folder.
    pub fn dir(&self, path: &str) {
        self.root.dir(self.at(path));
    }

    /// A symbolic link.
    pub fn link(&self, path: &str, target: &str) {
        self.root.link(self.at(path), target);
    }

    /// An executable file for arm64 without a signature.
    pub fn program(&self, path: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.root.file(self.at(path), mach_o());
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A property list of texts.
    pub fn plist(&self, path: &str, entries: &[(&str, &str)]) {
        self.xml(path, &dict(entries));
    }

    /// A property list with this inside.
    pub fn xml(&self, path: &str, body: &str) {
        self.root.file(self.at(path), plist(body));
    }

    /// A bundle with its `Info.plist` and the executable that this names, after the bundle.
    pub fn bundle(&self, path: &str, id: &str, version: &str) {
        let stem = stem(path);
        self.plist(
            &format!("{path}/Contents/Info.plist"),
            &[
                ("CFBundleExecutable", stem),
                ("CFBundleIdentifier", id),
                ("CFBundleName", stem),
                ("CFBundlePackageType", "APPL"),
                ("CFBundleShortVersionString", version),
                ("CFBundleVersion", version),
            ],
        );
        self.program(&format!("{path}/Contents/MacOS/{stem}"));
    }

    /// A property list of launchd.
    pub fn launchd(&self, path: &str, label: &str, program: &str) {
        let body = format!(
            "<dict><key>Label</key><string>{label}</string><key>ProgramArguments</key><array>\
             <string>{program}</string><string>--token=secret</string></array><key>RunAtLoad</key><true/></dict>"
        );
        self.xml(path, &body);
    }

    /// The volume as it will be scanned.
    pub fn build(self) -> Root {
        self.root
    }

    /// Builds and scans it.
    pub fn scan(self, args: &[&str]) -> Run {
        self.build().scan(args)
    }

    /// The folder before it is done.
    pub fn folder(&self) -> &Root {
        &self.root
    }
}

/// A property list as XML with this inside; plist(5).
pub fn plist(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n{body}\n</plist>\n"
    )
}

/// A dictionary of texts.
pub fn dict(entries: &[(&str, &str)]) -> String {
    let mut text = "<dict>".to_owned();
    for (key, value) in entries {
        let value = value.replace('&', "&amp;").replace('<', "&lt;");
        write!(text, "<key>{key}</key><string>{value}</string>").unwrap();
    }
    text + "</dict>"
}

/// The header of an executable for arm64 without load commands: `mach_header_64` of `mach-o/loader.h`.
pub fn mach_o() -> Vec<u8> {
    let header: [u32; 8] = [0xFEED_FACF, 0x0100_000C, 0, 2, 0, 0, 0, 0];
    let mut bytes: Vec<u8> = header.iter().flat_map(|field| field.to_le_bytes()).collect();
    bytes.resize(4096, 0);
    bytes
}

/// Name of a bundle without its ending.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

impl Disk for Macos {
    fn workstation() -> Self {
        Self::workstation()
    }
    fn build(self) -> Root {
        self.build()
    }
    fn shown(path: &str) -> String {
        path.to_owned()
    }
}
