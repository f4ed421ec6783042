//! Add-ons of Firefox and its relatives (ESR, Developer, `LibreWolf`, Waterfox, Tor Browser, Thunderbird): of every profile
//! of every user, those of the machine, and those that policies ask for.
//! <https://firefox-source-docs.mozilla.org/toolkit/mozapps/extensions/addon-manager/>
//!
//! A profile is read by `firefox_profile.rs`.

use crate::host::{Hive, Host, Kind};
use crate::model::{Family, Field, HostPath, ItemKind, Need, Scope, ScopeKind, State, User, Wanted};
use crate::parse::browser_policy;
use crate::parse::keyfile;
use crate::sources::{About, Haul, Outcome, Source};

use super::browsers::is_profile;
use super::browsers::whole_path;
use super::extension_policies::{hives, managed, policy_key, told};
use super::firefox_profile::{PROFILE, Profile};

/// The source `firefox-extensions`.
pub struct FirefoxExtensions;

/// Folders with a `profiles.ini` in a home.
const LINUX: &[&str] = &[
    ".mozilla/firefox",
    ".config/mozilla/firefox",
    ".mozilla/seamonkey",
    ".mozilla/icecat",
    ".librewolf",
    ".waterfox",
    ".floorp",
    ".zen",
    ".thunderbird",
    ".config/thunderbird",
    "snap/firefox/common/.mozilla/firefox",
    "snap/thunderbird/common/.thunderbird",
    ".var/app/org.mozilla.firefox/.mozilla/firefox",
    ".var/app/org.mozilla.firefox/config/mozilla/firefox",
    ".var/app/io.gitlab.librewolf-community/.librewolf",
    ".var/app/net.waterfox.waterfox/.waterfox",
    ".var/app/one.ablaze.floorp/.floorp",
    ".var/app/app.zen_browser.zen/.zen",
    ".var/app/org.mozilla.Thunderbird/.thunderbird",
    ".local/share/torbrowser/tbb/x86_64/tor-browser/Browser/TorBrowser/Data/Browser",
    ".var/app/org.torproject.torbrowser-launcher/data/torbrowser/tbb/x86_64/tor-browser/Browser/TorBrowser/Data/Browser",
    "tor-browser/Browser/TorBrowser/Data/Browser",
];
const MACOS: &[&str] = &[
    "Library/Application Support/Firefox",
    "Library/Application Support/SeaMonkey",
    "Library/Application Support/LibreWolf",
    "Library/Application Support/Waterfox",
    "Library/Application Support/Floorp",
    "Library/Application Support/zen",
    "Library/Application Support/TorBrowser-Data/Browser",
    "Library/Application Support/Thunderbird",
    "Library/Thunderbird",
];
const WINDOWS: &[&str] = &[
    "AppData/Roaming/Mozilla/Firefox",
    "AppData/Roaming/Mozilla/SeaMonkey",
    "AppData/Roaming/librewolf",
    "AppData/Roaming/Waterfox",
    "AppData/Roaming/Floorp",
    "AppData/Roaming/zen",
    "AppData/Roaming/Thunderbird",
    "AppData/Local/Packages/Mozilla.Firefox_n80bbvh6b1yt2/LocalCache/Roaming/Mozilla/Firefox",
    "Desktop/Tor Browser/Browser/TorBrowser/Data/Browser",
];
/// Folders of a home with add-ons for all of a user's profiles, one folder for each program inside.
const SHARED_LINUX: &str = ".mozilla/extensions";
const SHARED_MACOS: &str = "Library/Application Support/Mozilla/Extensions";
const SHARED_WINDOWS: &str = "AppData/Roaming/Mozilla/Extensions";
/// The same for the machine.
const SHARED: &[&str] = &[
    "/usr/lib/mozilla/extensions",
    "/usr/lib64/mozilla/extensions",
    "/usr/share/mozilla/extensions",
    "/Library/Application Support/Mozilla/Extensions",
];
/// Where the programs are.
const PROGRAMS: &[&str] = &[
    "/usr/lib/firefox",
    "/usr/lib/firefox-esr",
    "/usr/lib/firefox-developer-edition",
    "/usr/lib64/firefox",
    "/usr/lib/thunderbird",
    "/usr/lib64/thunderbird",
    "/usr/lib/librewolf",
    "/usr/share/librewolf",
    "/usr/lib/waterfox",
    "/opt/firefox",
    "/opt/firefox-esr",
    "/opt/firefox-developer-edition",
    "/opt/librewolf",
    "/opt/waterfox",
    "/opt/thunderbird",
    "/Applications/Firefox.app/Contents/Resources",
    "/Applications/Firefox Developer Edition.app/Contents/Resources",
    "/Applications/Firefox Nightly.app/Contents/Resources",
    "/Applications/LibreWolf.app/Contents/Resources",
    "/Applications/Waterfox.app/Contents/Resources",
    "/Applications/Thunderbird.app/Contents/Resources",
    "/Applications/Tor Browser.app/Contents/Resources",
];
const PROGRAMS_WINDOWS: &[&str] = &[
    "Mozilla Firefox",
    "Mozilla Firefox ESR",
    "Firefox Developer Edition",
    "Firefox Nightly",
    "LibreWolf",
    "Waterfox",
    "Mozilla Thunderbird",
];
/// Folders of add-ons beside a program.
const BESIDE: &[&str] = &["distribution/extensions", "browser/extensions", "extensions"];
/// Policies elsewhere than beside the program.
const POLICIES: &[&str] = &[
    "/etc/firefox/policies/policies.json",
    "/etc/firefox-esr/policies/policies.json",
    "/etc/librewolf/policies/policies.json",
    "/etc/thunderbird/policies/policies.json",
];
const DOMAINS: &[&str] = &["org.mozilla.firefox", "org.mozilla.thunderbird", "io.gitlab.librewolf-community"];
/// Keys of Windows, for programs of 64 and of 32 bits.
const KEYS: &[&str] = &[
    r"Mozilla\Firefox",
    r"WOW6432Node\Mozilla\Firefox",
    r"Mozilla\Thunderbird",
    r"WOW6432Node\Mozilla\Thunderbird",
    r"Mozilla\SeaMonkey",
];
const POLICY_KEYS: &[&str] =
    &[r"Policies\Mozilla\Firefox", r"Policies\Mozilla\Thunderbird", r"Policies\LibreWolf"];
/// Bytes of a `profiles.ini`.
const INI_LIMIT: u64 = 1 << 20;

static ABOUT: About = About {
    name: "firefox-extensions",
    summary: "add-ons of Firefox, LibreWolf, Waterfox, Tor Browser, Thunderbird: every profile of every user, the machine's, and what policies ask for",
    families: &[Family::Linux, Family::Windows, Family::Macos],
    needs: &[Need::Files, Need::Registry],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Extension, &[State::Installed, State::Present, State::Remnant])],
    fields: &[Field::Name, Field::Publisher, Field::Version, Field::Identifier, Field::Path],
    ..About::USUAL
};

impl Source for FirefoxExtensions {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        if want.scope.includes(ScopeKind::Machine) {
            machine(host, haul);
        }
        let (roots, shared) = match host.facts().family {
            Family::Linux => (LINUX, SHARED_LINUX),
            Family::Macos => (MACOS, SHARED_MACOS),
            Family::Windows => (WINDOWS, SHARED_WINDOWS),
        };
        for user in haul.users(host, want) {
            let scope = Scope::User(user.n);
            shared_folder(host, &user.home.join(shared), &scope, haul);
            let profile = Profile { host, scope: &scope };
            for folder in profiles(host, user, roots, haul) {
                profile.read(&folder, haul);
            }
        }
        match host.facts().family {
            Family::Linux => {}
            Family::Macos => managed(host, want, DOMAINS, haul),
            Family::Windows => windows(host, want, haul),
        }
        Outcome::Read
    }
}

/// What lies beside the programs and in the machine's folders.
fn machine(host: &dyn Host, haul: &mut Haul) {
    let files = host.files();
    let scope = Scope::Machine;
    let mut programs: Vec<HostPath> = PROGRAMS.iter().map(|folder| HostPath::from(*folder)).collect();
    if let Some(windows) = &host.facts().windows {
        let of =
            |folder: &HostPath| PROGRAMS_WINDOWS.iter().map(|name| folder.join(name)).collect::<Vec<_>>();
        programs = windows.program_files.iter().flat_map(of).collect();
    } else {
        for folder in SHARED {
            shared_folder(host, &HostPath::from(*folder), &scope, haul);
        }
    }
    let mut policies: Vec<HostPath> = POLICIES.iter().map(|path| HostPath::from(*path)).collect();
    let mut seen = Vec::new();
    for program in programs {
        let Some(real) = haul.optional(&program, files.resolve(&program)) else { continue };
        if seen.contains(&real) {
            continue;
        }
        for folder in BESIDE {
            Profile { host, scope: &scope }.packages(&program.join(folder), haul);
        }
        policies.push(program.join("distribution/policies.json"));
        seen.push(real);
    }
    for place in policies {
        if let Some(bytes) = haul.optional(&place, files.read(&place, browser_policy::MAX_INPUT as u64)) {
            told(browser_policy::firefox(&bytes), &scope, &place, haul);
        }
    }
}

/// A folder with one folder for each program in it, named by the program's id.
fn shared_folder(host: &dyn Host, folder: &HostPath, scope: &Scope, haul: &mut Haul) {
    let listed = haul.optional(folder, host.files().list(folder)).unwrap_or_default();
    for entry in listed.iter().filter(|entry| entry.kind != Kind::File) {
        Profile { host, scope }.packages(&folder.join(&entry.name), haul);
    }
}

/// Every profile of a user: those that `profiles.ini` names, and those that lie there.
fn profiles(host: &dyn Host, user: &User, roots: &[&str], haul: &mut Haul) -> Vec<HostPath> {
    let files = host.files();
    let mut found: Vec<(HostPath, HostPath)> = Vec::new();
    for root in roots {
        let root = user.home.join(root);
        let Some(entries) = haul.optional(&root, files.list(&root)) else { continue };
        let mut folders = named(host, &root, haul);
        let below = root.join("Profiles");
        let listed = haul.optional(&below, files.list(&below)).unwrap_or_default();
        for (folder, entries) in [(&root, entries), (&below, listed)] {
            let inside = entries.into_iter().filter(|entry| matches!(entry.kind, Kind::Folder | Kind::Link));
            folders.extend(inside.map(|entry| folder.join(&entry.name)));
        }
        for folder in folders {
            let Some(real) = haul.optional(&folder, files.resolve(&folder)) else { continue };
            let known = found.iter().any(|(known, _)| *known == real);
            if !known && is_profile(files, &folder, PROFILE, haul) {
                found.push((real, folder));
            }
        }
    }
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// The folders that a `profiles.ini` names, wherever they are.
fn named(host: &dyn Host, root: &HostPath, haul: &mut Haul) -> Vec<HostPath> {
    let place = root.join("profiles.ini");
    let Some(bytes) = haul.optional(&place, host.files().read(&place, INI_LIMIT)) else { return Vec::new() };
    let read = keyfile::entries(&bytes);
    haul.faults(&place, &read.faults);
    let paths = read.records.iter().filter(|entry| entry.key == b"Path");
    let folder = |entry: &keyfile::Entry<'_>| {
        let text = String::from_utf8_lossy(entry.value).into_owned();
        whole_path(host, &text).unwrap_or_else(|| root.join(text.replace('\\', "/")))
    };
    paths.map(folder).collect()
}

/// What programs registered with Firefox, and its policies.
fn windows(host: &dyn Host, want: &Wanted, haul: &mut Haul) {
    for (hive, software, scope) in hives(host, want) {
        let Some(top) = haul.key(host, hive, software.trim_end_matches('\\')) else { continue };
        for key in KEYS {
            let Some(key) = haul.subkey(top.as_ref(), &format!(r"{key}\Extensions")) else { continue };
            for (id, value) in haul.values(key.as_ref()) {
                let path = value.text().and_then(|text| registered(host, hive, &text));
                Profile { host, scope: &scope }.registered(&id, path, &key.place(), haul);
            }
        }
        for key in POLICY_KEYS {
            if let Some(key) = haul.subkey(top.as_ref(), key) {
                policy_key(key.as_ref(), &scope, haul);
            }
        }
        if !haul.time_left() {
            return;
        }
    }
}

fn registered(host: &dyn Host, hive: Hive, text: &str) -> Option<HostPath> {
    let facts = host.facts();
    let user = facts.users.iter().find(|user| hive == Hive::User(user.n));
    facts.windows.as_ref()?.path(text, user)
}

#[cfg(test)]
#[path = "firefox_extensions_tests.rs"]
mod tests;
