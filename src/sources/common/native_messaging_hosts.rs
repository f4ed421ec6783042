//! Native messaging hosts: programs that extensions of browsers may start, each by a file that names it.
//! <https://developer.chrome.com/docs/extensions/develop/concepts/native-messaging>,
//! <https://developer.mozilla.org/docs/Mozilla/Add-ons/WebExtensions/Native_manifests>
//!
//! On Linux and macOS the files lie in folders, on Windows a key of the registry says where each lies. A file whose program
//! is gone, and a key whose file is gone, are leftovers.

use std::collections::HashSet;

use crate::host::{Host, Key, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, Image, ItemKind, Need, Place, Scope,
    ScopeKind, State, Trace, Wanted,
};
use crate::parse::native_host;
use crate::sources::windows::keys::VIEWS;
use crate::sources::{About, Haul, Outcome, Source};

use super::browsers::{DataFolder, data_folders, files_of, path_in};
use super::extension_policies::{self, hives};

/// The source `native-messaging-hosts`.
pub struct NativeMessagingHosts;

/// Folders of the machine.
const LINUX: &[&str] = &[
    "/etc/opt/chrome/native-messaging-hosts",
    "/etc/chromium/native-messaging-hosts",
    "/etc/chromium-browser/native-messaging-hosts",
    "/etc/opt/edge/native-messaging-hosts",
    "/etc/brave/native-messaging-hosts",
    "/etc/opt/brave/native-messaging-hosts",
    "/etc/vivaldi/native-messaging-hosts",
    "/etc/opt/vivaldi/native-messaging-hosts",
    "/etc/opt/yandex/browser/native-messaging-hosts",
    "/etc/opera/native-messaging-hosts",
    "/usr/share/chromium/native-messaging-hosts",
    "/usr/lib/chromium/native-messaging-hosts",
    "/usr/lib/mozilla/native-messaging-hosts",
    "/usr/lib64/mozilla/native-messaging-hosts",
    "/usr/share/mozilla/native-messaging-hosts",
    "/usr/lib/librewolf/native-messaging-hosts",
];
const MACOS: &[&str] = &[
    "/Library/Google/Chrome/NativeMessagingHosts",
    "/Library/Application Support/Google/Chrome/NativeMessagingHosts",
    "/Library/Application Support/Chromium/NativeMessagingHosts",
    "/Library/Microsoft/Edge/NativeMessagingHosts",
    "/Library/Application Support/Microsoft Edge/NativeMessagingHosts",
    "/Library/Application Support/BraveSoftware/Brave-Browser/NativeMessagingHosts",
    "/Library/Application Support/Vivaldi/NativeMessagingHosts",
    "/Library/Application Support/Mozilla/NativeMessagingHosts",
];
/// Folders of Firefox and its relatives in a home; those of Chromium are in its data folders.
const OWN_LINUX: &[&str] = &[
    ".mozilla/native-messaging-hosts",
    ".config/mozilla/native-messaging-hosts",
    ".librewolf/native-messaging-hosts",
    ".waterfox/native-messaging-hosts",
    ".thunderbird/native-messaging-hosts",
    ".var/app/org.mozilla.firefox/.mozilla/native-messaging-hosts",
    ".var/app/io.gitlab.librewolf-community/.librewolf/native-messaging-hosts",
    "snap/firefox/common/.mozilla/native-messaging-hosts",
];
const OWN_MACOS: &[&str] = &[
    "Library/Application Support/Mozilla/NativeMessagingHosts",
    "Library/Application Support/LibreWolf/NativeMessagingHosts",
    "Library/Mozilla/NativeMessagingHosts",
];
/// Keys of Windows beside those of the browsers of the Chromium family.
const KEYS: &[&str] = &["Mozilla", "Waterfox", "LibreWolf"];

/// Keys of every browser on Windows.
fn keys() -> impl Iterator<Item = &'static str> {
    extension_policies::KEYS.iter().chain(KEYS).copied()
}

static ABOUT: About = About {
    name: "native-messaging-hosts",
    summary: "programs that extensions of browsers may start (native messaging hosts), of the machine and of every user",
    families: &[Family::Linux, Family::Windows, Family::Macos],
    needs: &[Need::Files, Need::Registry],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Extension, &[State::Installed, State::Remnant])],
    fields: &[Field::Name, Field::Identifier, Field::Path],
    ..About::USUAL
};

impl Source for NativeMessagingHosts {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let (machine, own) = match host.facts().family {
            Family::Linux => (LINUX, OWN_LINUX),
            Family::Macos => (MACOS, OWN_MACOS),
            Family::Windows => (&[][..], &[][..]),
        };
        let mut reading = Reading { host, seen: HashSet::new() };
        for folder in machine.iter().filter(|_| want.scope.includes(ScopeKind::Machine)) {
            reading.folder(&HostPath::from(*folder), &Scope::Machine, haul);
        }
        for user in haul.users(host, want) {
            let scope = Scope::User(user.n);
            for folder in own {
                reading.folder(&user.home.join(folder), &scope, haul);
            }
            let of_browser = |data: DataFolder| data.folder.join("NativeMessagingHosts");
            let browsers = data_folders(host, user, haul).into_iter().map(of_browser);
            browsers.for_each(|folder| reading.folder(&folder, &scope, haul));
            if !haul.time_left() {
                return Outcome::Read;
            }
        }
        if host.facts().family == Family::Windows {
            reading.registry(want, haul);
        }
        Outcome::Read
    }
}

struct Reading<'h> {
    host: &'h dyn Host,
    /// Folders and files as they are after all links.
    seen: HashSet<HostPath>,
}

impl Reading<'_> {
    fn folder(&mut self, folder: &HostPath, scope: &Scope, haul: &mut Haul) {
        let Some(real) = haul.optional(folder, self.host.files().resolve(folder)) else { return };
        if !self.seen.insert(real) {
            return;
        }
        for (path, bytes) in files_of(self.host.files(), folder, ".json", native_host::MAX_INPUT, haul) {
            let name = path.file_name_text();
            let name = name.get(..name.len().saturating_sub(5)).unwrap_or(&name).to_owned();
            let place = Place::file(path.clone());
            self.file(Found { name, place, path, bytes, scope }, haul);
        }
    }

    /// A file, under the name that it is asked for by: what is written in it cannot be another.
    fn file(&self, found: Found<'_>, haul: &mut Haul) {
        let told = found.bytes.as_deref().map(native_host::native_host);
        let program = match told {
            Some(Ok(told)) => told.path,
            Some(Err(what)) => {
                haul.gap_with(GapReason::Malformed, &found.path, what);
                None
            }
            None => None,
        };
        let program = program.map(|program| {
            let folder = found.path.parent().unwrap_or_default();
            let path = path_in(self.host, &folder, &program);
            let exists = match self.host.files().stat(&path) {
                Ok(_) => Some(true),
                Err(Miss::Absent | Miss::NotAFile(_)) => Some(false),
                Err(miss) => {
                    haul.miss(&path, &miss);
                    None
                }
            };
            let path = self.host.files().resolve(&path).unwrap_or(path);
            Image { path, exists }
        });
        let gone = program.as_ref().is_some_and(|program| program.exists == Some(false));
        let state = if gone { State::Remnant } else { State::Installed };
        let mut trace = named(&found.name, found.scope, found.place, state);
        trace.path = Some(found.path);
        trace.image = program;
        haul.push(trace);
    }

    fn registry(&self, want: &Wanted, haul: &mut Haul) {
        for (hive, software, scope) in hives(self.host, want) {
            let Some(top) = haul.key(self.host, hive, software.trim_end_matches('\\')) else { continue };
            self.keys(top.as_ref(), &scope, haul);
            if !haul.time_left() {
                return;
            }
        }
    }

    /// The keys of every browser in a hive.
    fn keys(&self, top: &dyn Key, scope: &Scope, haul: &mut Haul) {
        for (view, key) in VIEWS.iter().flat_map(|view| keys().map(move |key| (view, key))) {
            if let Some(hosts) = haul.subkey(top, &format!(r"{view}{key}\NativeMessagingHosts")) {
                haul.each_key(hosts.as_ref(), &mut |key, haul| self.key(key, scope, haul));
            }
        }
    }

    /// A key: its default value is the path of the file.
    fn key(&self, key: &dyn Key, scope: &Scope, haul: &mut Haul) {
        let place = Place::file(key.place());
        let facts = self.host.facts();
        let user = facts.users.iter().find(|user| *scope == Scope::User(user.n));
        let text = haul.text(key, "").map(|text| text.trim_matches('"').to_owned());
        let path = text.and_then(|text| facts.windows.as_ref()?.path(&text, user));
        let Some(path) = path else {
            return haul.push(named(key.name(), scope, place, State::Remnant));
        };
        match self.host.files().read(&path, native_host::MAX_INPUT as u64) {
            Err(Miss::Absent | Miss::NotAFile(_)) => {
                let mut trace = named(key.name(), scope, place, State::Remnant);
                trace.path = Some(path);
                haul.push(trace);
            }
            read => {
                let bytes = haul.optional(&path, read);
                self.file(Found { name: key.name().to_owned(), place, path, bytes, scope }, haul);
            }
        }
    }
}

/// A host's file, or what a key says of one.
struct Found<'s> {
    name: String,
    place: Place,
    path: HostPath,
    bytes: Option<Vec<u8>>,
    scope: &'s Scope,
}

fn named(name: &str, scope: &Scope, place: Place, state: State) -> Trace {
    let mut trace = Trace::new(ItemKind::Extension, name, state, place);
    trace.scope = scope.clone();
    trace.identifiers.push(Identifier::new(IdentifierType::NativeMessagingHost, name));
    trace
}

#[cfg(test)]
#[path = "native_messaging_hosts_tests.rs"]
mod tests;
