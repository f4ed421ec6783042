//! How one value of a row is laid out on a volume of macOS, through the source that sees such values on real ones.

use crate::row::Row;
use crate::support::forge::Forge;
use crate::support::macho::{DEVELOPER_ID, DEVELOPER_ID_CA, PROGRAM, Program, certify, cms, signed};
use crate::support::macos::{Macos, dict, plist};
use crate::verdict::Seen;

/// A value on a volume. Names that nothing should rest on are neutral: `Entry 7`.
#[derive(Clone, Copy)]
pub enum Lay {
    /// An application with this bundle id.
    App(&'static str),
    /// An application with this file name.
    Named(&'static str),
    /// The same with this bundle id.
    NamedId(&'static str, &'static str),
    /// A daemon of launchd with this label, its program in a neutral place.
    Daemon(&'static str),
    /// An agent with this label.
    Agent(&'static str),
    /// A receipt of the installer with this id.
    Receipt(&'static str),
    /// A cask of Homebrew with this token.
    Cask(&'static str),
    /// A system extension with this id.
    SystemExtension(&'static str),
    /// A kernel extension with this file name and id.
    Kext(&'static str, &'static str),
    /// A program of this name where programs lie.
    Program(&'static str),
    /// A program at this path, which a rule names.
    At(&'static str),
    /// A folder with a file that is no program.
    Folder(&'static str),
    /// A file that is no program.
    File(&'static str),
    /// An extension of Chrome.
    Chrome(&'static str),
    /// An extension of Firefox.
    Firefox(&'static str),
    /// An extension of Safari inside an application, by its bundle id.
    Safari(&'static str),
    /// One as it was before Safari 13, by its file name.
    SafariArchive(&'static str),
    /// A native messaging host of Chrome.
    MessagingHost(&'static str),
    /// An application whose program is signed in the name of this team.
    Team(&'static str),
}

/// Where Firefox keeps its profiles.
const FIREFOX: &str = "Users/alice/Library/Application Support/Firefox";
/// A number of the folder that a system extension is copied to.
const NUMBER: &str = "0C2E7C4D-2F50-4D5B-9F45-9AF2F5CE";

impl Lay {
    /// Puts it onto a volume as its `n`th entry; none where the tools for it are missing.
    pub fn put(self, disk: &Macos, n: usize) -> Option<Seen> {
        let neutral = format!("com.example.entry{n}");
        Some(match self {
            Self::App(id) => app(disk, &format!("Entry {n}.app"), id),
            Self::Named(name) => app(disk, name, &neutral),
            Self::NamedId(name, id) => app(disk, name, id),
            Self::Daemon(label) => job(disk, "LaunchDaemons", label, n),
            Self::Agent(label) => job(disk, "LaunchAgents", label, n),
            Self::Receipt(id) => receipt(disk, id),
            Self::Cask(token) => cask(disk, token),
            Self::SystemExtension(id) => system_extension(disk, n, id),
            Self::Team(team) => return signed_app(disk, n, team),
            Self::Kext(name, id) => {
                disk.bundle(&format!("Library/Extensions/{name}"), id, "1.0");
                seen("kexts", id)
            }
            Self::Program(name) => {
                disk.program(&format!("usr/local/bin/{name}"));
                seen("executables", name)
            }
            Self::At(path) => {
                disk.program(path);
                seen("vendor-paths", path)
            }
            Self::Folder(path) => {
                disk.file(&format!("{path}/data.bin"), "x");
                seen("vendor-paths", path)
            }
            Self::File(path) => {
                disk.file(path, "x");
                seen("vendor-paths", path)
            }
            Self::Chrome(id) => chrome(disk, n, id),
            // The list of a profile's extensions is one file: see `finish`.
            Self::Firefox(_) => seen("firefox-extensions", format!("Entry {n}")),
            Self::Safari(id) => safari(disk, n, id),
            Self::SafariArchive(name) => {
                disk.file(&format!("Users/alice/Library/Safari/Extensions/{name}"), "xar!");
                seen("app-bundles", name)
            }
            Self::MessagingHost(name) => {
                let manifest = format!(
                    r#"{{"name": "{name}", "description": "x", "path": "/usr/local/bin/x", "type": "stdio", "allowed_origins": []}}"#
                );
                disk.program("usr/local/bin/x");
                disk.file(&format!("Library/Google/Chrome/NativeMessagingHosts/{name}.json"), manifest);
                seen("native-messaging-hosts", name)
            }
        })
    }
}

/// What several values of a row have together: the database of system extensions, the list of Firefox's.
pub fn finish(disk: &Macos, row: &Row) {
    let mut extensions = String::new();
    let mut addons = Vec::new();
    for (n, (lay, _)) in row.entries.iter().enumerate() {
        match lay {
            Lay::SystemExtension(id) => extensions += &noted(id, n),
            Lay::Firefox(id) => {
                disk.file(&format!("{FIREFOX}/Profiles/a.default/extensions/{id}.xpi"), "x");
                addons.push(addon(id, n));
            }
            _ => {}
        }
    }
    if !extensions.is_empty() {
        let body = format!(
            "<dict><key>extensions</key><array>{extensions}</array><key>version</key><integer>1</integer></dict>"
        );
        disk.xml("Library/SystemExtensions/db.plist", &body);
    }
    if !addons.is_empty() {
        let list = "[Profile0]\nName=default\nIsRelative=1\nPath=Profiles/a.default\nDefault=1\n";
        disk.file(&format!("{FIREFOX}/profiles.ini"), list);
        let list = format!(r#"{{"schemaVersion": 36, "addons": [{}]}}"#, addons.join(", "));
        disk.file(&format!("{FIREFOX}/Profiles/a.default/extensions.json"), list);
    }
}

fn seen(source: &'static str, mark: impl Into<String>) -> Seen {
    Seen { source, mark: mark.into() }
}

fn app(disk: &Macos, name: &str, id: &str) -> Seen {
    disk.bundle(&format!("Applications/{name}"), id, "1.0");
    seen("app-bundles", name)
}

/// None where the tools that sign are missing.
fn signed_app(disk: &Macos, n: usize, team: &str) -> Option<Seen> {
    let forge = Forge::open()?;
    let subject = format!("/CN=Developer ID Application: Entry ({team})/OU={team}/O=Entry/C=US");
    certify(&forge, &subject, DEVELOPER_ID, DEVELOPER_ID_CA);
    let program = Program { team: Some(team), ..PROGRAM };
    let seen = app(disk, &format!("Entry {n}.app"), &format!("com.example.entry{n}"));
    let program = signed(&program, &|directory| cms(&forge, directory));
    disk.file(&format!("Applications/Entry {n}.app/Contents/MacOS/Entry {n}"), program);
    Some(seen)
}

fn job(disk: &Macos, folder: &str, label: &str, n: usize) -> Seen {
    let program = format!("/Library/Entry/entry{n}");
    disk.program(program.trim_start_matches('/'));
    disk.launchd(&format!("Library/{folder}/{label}.plist"), label, &program);
    seen("launchd", label)
}

fn receipt(disk: &Macos, id: &str) -> Seen {
    let body = format!(
        "<dict><key>InstallDate</key><date>2024-05-01T10:00:00Z</date><key>InstallPrefixPath</key><string>/</string>\
         <key>InstallProcessName</key><string>installer</string><key>PackageFileName</key><string>x.pkg</string>\
         <key>PackageIdentifier</key><string>{id}</string><key>PackageVersion</key><string>1.0</string></dict>"
    );
    disk.xml(&format!("private/var/db/receipts/{id}.plist"), &body);
    disk.file(&format!("private/var/db/receipts/{id}.bom"), "BOMStore");
    seen("receipts", id)
}

fn cask(disk: &Macos, token: &str) -> Seen {
    let room = format!("opt/homebrew/Caskroom/{token}");
    let made = format!(r#"{{"token": "{token}", "version": "1.0", "artifacts": []}}"#);
    disk.file(&format!("{room}/.metadata/1.0/20240501100000.000/Casks/{token}.json"), made);
    disk.dir(&format!("{room}/1.0"));
    seen("homebrew", token)
}

fn system_extension(disk: &Macos, n: usize, id: &str) -> Seen {
    disk.bundle(&format!("Library/SystemExtensions/{NUMBER}{n:04}/{id}.systemextension"), id, "1.0");
    seen("system-extensions", id)
}

/// A system extension in the database, as macOS 11 and later keep it.
fn noted(id: &str, n: usize) -> String {
    let version = dict(&[("CFBundleShortVersionString", "1.0"), ("CFBundleVersion", "1")]);
    let texts = dict(&[
        ("identifier", id),
        ("state", "activated_enabled"),
        ("teamID", "EXAMPLE001"),
        ("uniqueID", &format!("{NUMBER}{n:04}")),
    ]);
    texts.trim_end_matches("</dict>").to_owned() + &format!("<key>bundleVersion</key>{version}</dict>")
}

fn chrome(disk: &Macos, n: usize, id: &str) -> Seen {
    let profile = "Users/alice/Library/Application Support/Google/Chrome/Default";
    let manifest = format!(r#"{{"manifest_version": 3, "name": "Entry {n}", "version": "1.0"}}"#);
    disk.file(&format!("{profile}/Extensions/{id}/1.0_0/manifest.json"), manifest);
    disk.file(&format!("{profile}/Preferences"), "{}");
    seen("chromium-extensions", format!("Entry {n}"))
}

fn addon(id: &str, n: usize) -> String {
    format!(
        r#"{{"id": "{id}", "version": "1.0", "type": "extension", "active": true, "location": "app-profile",
            "path": "/{FIREFOX}/Profiles/a.default/extensions/{id}.xpi", "defaultLocale": {{"name": "Entry {n}"}}}}"#
    )
}

fn safari(disk: &Macos, n: usize, id: &str) -> Seen {
    let host = format!("Applications/Entry {n}.app");
    disk.bundle(&host, &format!("com.example.entry{n}"), "1.0");
    let name = format!("Extension {n}.appex");
    let bundle = format!("{host}/Contents/PlugIns/{name}");
    disk.bundle(&bundle, id, "1.0");
    let texts = dict(&[
        ("CFBundleExecutable", &format!("Extension {n}")),
        ("CFBundleIdentifier", id),
        ("CFBundlePackageType", "XPC!"),
        ("CFBundleShortVersionString", "1.0"),
    ]);
    let point = dict(&[("NSExtensionPointIdentifier", "com.apple.Safari.extension")]);
    let body =
        texts.trim_end_matches("</dict>").to_owned() + &format!("<key>NSExtension</key>{point}</dict>");
    disk.file(&format!("{bundle}/Contents/Info.plist"), plist(&body));
    seen("app-bundles", name)
}
