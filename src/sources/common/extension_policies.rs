//! Extensions that somebody asks browsers to install: an administrator by a policy, a program by an entry of its own.
//!
//! Called by the sources of extensions. To ask is not to have: what was installed for it is in the profiles, and is told
//! there. So an entry alone is a leftover, which never counts; an offered package that lies on the disk is present.

use crate::host::{Files, Hive, Host, Key, Kind, Miss};
use crate::model::{
    Family, GapReason, HostPath, ItemKind, Place, Scheme, Scope, ScopeKind, State, Trace, Version, Wanted,
};
use crate::parse::browser_policy::{self, Asked, Offer};
use crate::parse::plist;
use crate::sources::Haul;
use crate::sources::windows::keys::VIEWS;

use super::browsers::{files_of, path_in};
use super::extension_folder::identify;

/// Folders of policies on Linux, each with `managed` and `recommended`.
const POLICIES: &[&str] = &[
    "/etc/opt/chrome/policies",
    "/etc/chromium/policies",
    "/etc/chromium-browser/policies",
    "/etc/opt/edge/policies",
    "/etc/brave/policies",
    "/etc/opt/brave/policies",
    "/etc/vivaldi/policies",
    "/etc/opt/vivaldi/policies",
    "/etc/opt/yandex/browser/policies",
    "/etc/opt/opera/policies",
];
/// Folders on Linux and macOS in which programs offer extensions to browsers.
const OFFERS: &[&str] = &[
    "/opt/google/chrome/extensions",
    "/opt/google/chrome-beta/extensions",
    "/opt/google/chrome-unstable/extensions",
    "/usr/share/google-chrome/extensions",
    "/usr/share/chromium/extensions",
    "/usr/share/chromium-browser/extensions",
    "/opt/microsoft/msedge/extensions",
    "/usr/share/microsoft-edge/extensions",
    "/opt/brave.com/brave/extensions",
    "/usr/share/brave-browser/extensions",
    "/opt/vivaldi/extensions",
    "/usr/share/vivaldi/extensions",
    "/Library/Application Support/Google/Chrome/External Extensions",
    "/Library/Application Support/Chromium/External Extensions",
    "/Library/Application Support/Microsoft Edge/External Extensions",
    "/Library/Application Support/BraveSoftware/Brave-Browser/External Extensions",
    "/Library/Application Support/Vivaldi/External Extensions",
];
/// Bundle ids under which macOS keeps what is managed.
const DOMAINS: &[&str] = &[
    "com.google.Chrome",
    "com.google.Chrome.beta",
    "com.google.Chrome.dev",
    "com.google.Chrome.canary",
    "org.chromium.Chromium",
    "com.microsoft.Edge",
    "com.microsoft.Edge.Beta",
    "com.microsoft.Edge.Dev",
    "com.microsoft.Edge.Canary",
    "com.brave.Browser",
    "com.brave.Browser.beta",
    "com.brave.Browser.nightly",
    "com.vivaldi.Vivaldi",
    "com.operasoftware.Opera",
    "ru.yandex.desktop.yandex-browser",
    "company.thebrowser.Browser",
];
/// Keys of policies on Windows, below `Policies`.
const POLICY_KEYS: &[&str] = &[
    r"Google\Chrome",
    "Chromium",
    r"Microsoft\Edge",
    r"BraveSoftware\Brave",
    "Vivaldi",
    "YandexBrowser",
    r"Opera Software\Opera",
];
/// Keys of browsers on Windows.
pub(super) const KEYS: &[&str] = &[
    r"Google\Chrome",
    "Chromium",
    r"Microsoft\Edge",
    r"BraveSoftware\Brave-Browser",
    r"BraveSoftware\Brave",
    "Vivaldi",
    r"Opera Software",
    r"Yandex\YandexBrowser",
];
/// Where macOS keeps what is managed, and what was set for the machine.
const MANAGED: &str = "/Library/Managed Preferences";
const PREFERENCES: &str = "/Library/Preferences";

/// What is asked of the browsers of the Chromium family.
pub(super) fn asked(host: &dyn Host, want: &Wanted, haul: &mut Haul) {
    if want.scope.includes(ScopeKind::Machine) {
        let folders = POLICIES
            .iter()
            .flat_map(|folder| ["managed", "recommended"].map(|kind| HostPath::from(*folder).join(kind)));
        if host.facts().family == Family::Linux {
            for folder in folders {
                policy_files(host.files(), &folder, haul);
            }
        }
        if host.facts().family != Family::Windows {
            for folder in OFFERS {
                offers(host, &HostPath::from(*folder), &Scope::Machine, haul);
            }
        }
    }
    match host.facts().family {
        Family::Linux => {}
        Family::Macos => managed(host, want, DOMAINS, haul),
        Family::Windows => windows(host, want, haul),
    }
}

fn policy_files(files: &dyn Files, folder: &HostPath, haul: &mut Haul) {
    for (path, bytes) in files_of(files, folder, ".json", browser_policy::MAX_INPUT, haul) {
        if let Some(bytes) = bytes {
            told(browser_policy::chromium(&bytes), &Scope::Machine, &path, haul);
        }
    }
}

/// What a policy asked for, or why it could not be read.
pub(super) fn told(read: Result<Asked, String>, scope: &Scope, place: &HostPath, haul: &mut Haul) {
    let asked = match read {
        Ok(asked) => asked,
        Err(what) => return haul.gap_with(GapReason::Malformed, place, what),
    };
    if asked.more {
        haul.gap_with(GapReason::Budget, place, "more extensions than are read");
    }
    for id in &asked.ids {
        haul.push(entry(id, scope, place, State::Remnant));
    }
    for address in &asked.addresses {
        let name = address.rsplit('/').next().unwrap_or(address);
        let place = Place::record(place.clone(), "policy: to be installed");
        let mut trace = Trace::new(ItemKind::Extension, name, State::Remnant, place);
        trace.scope = scope.clone();
        haul.push(trace);
    }
}

/// An extension that is asked for.
pub(super) fn entry(id: &str, scope: &Scope, place: &HostPath, state: State) -> Trace {
    let place = Place::record(place.clone(), format!("to be installed: {id}"));
    let mut trace = Trace::new(ItemKind::Extension, id, state, place);
    trace.scope = scope.clone();
    identify(&mut trace, id);
    trace
}

/// Files by which programs offer extensions: each is called by the extension's id.
pub(super) fn offers(host: &dyn Host, folder: &HostPath, scope: &Scope, haul: &mut Haul) {
    for (path, bytes) in files_of(host.files(), folder, ".json", browser_policy::MAX_INPUT, haul) {
        let name = path.file_name_text();
        let id = name.get(..name.len().saturating_sub(5)).unwrap_or(&name);
        let offer = bytes.and_then(|bytes| match browser_policy::offer(&bytes) {
            Ok(offer) => Some(offer),
            Err(what) => {
                haul.gap_with(GapReason::Malformed, &path, what);
                None
            }
        });
        offered(host, id, &offer.unwrap_or_default(), (&path, folder, scope), haul);
    }
}

/// An offer: there, where its package is.
fn offered(
    host: &dyn Host,
    id: &str,
    offer: &Offer,
    (place, folder, scope): (&HostPath, &HostPath, &Scope),
    haul: &mut Haul,
) {
    let package = offer.external_crx.as_deref().map(|package| path_in(host, folder, package));
    let there = package.as_ref().is_some_and(|package| is_there(host.files(), package, haul));
    let mut trace = entry(id, scope, place, if there { State::Present } else { State::Remnant });
    trace.version = offer.external_version.clone().map(|version| Version::new(version, Scheme::Dotted));
    trace.path = package;
    haul.push(trace);
}

/// Whether something is there; what cannot be seen is told, and may be.
pub(super) fn is_there(files: &dyn Files, path: &HostPath, haul: &mut Haul) -> bool {
    match files.stat(path) {
        Ok(stat) => matches!(stat.kind, Kind::File | Kind::Folder),
        Err(Miss::Absent | Miss::NotAFile(_)) => false,
        Err(miss) => {
            haul.miss(path, &miss);
            true
        }
    }
}

/// What is managed on a macOS, for the machine and for each user.
pub(super) fn managed(host: &dyn Host, want: &Wanted, domains: &[&str], haul: &mut Haul) {
    let mut folders = Vec::new();
    if want.scope.includes(ScopeKind::Machine) {
        folders.extend([MANAGED, PREFERENCES].map(|folder| (HostPath::from(folder), Scope::Machine)));
    }
    if want.scope.includes(ScopeKind::User) {
        let of_user =
            |user: &crate::model::User| (HostPath::from(MANAGED).join(&user.name), Scope::User(user.n));
        folders.extend(host.facts().users.iter().map(of_user));
    }
    for (folder, scope) in folders {
        for domain in domains {
            let place = folder.join(format!("{domain}.plist"));
            let read = host.files().read(&place, browser_policy::MAX_INPUT as u64);
            if let Some(bytes) = haul.optional(&place, read) {
                told(of_list(&bytes), &scope, &place, haul);
            }
        }
    }
}

/// The same keys as in Chromium's and Firefox's files.
fn of_list(bytes: &[u8]) -> Result<Asked, String> {
    let list = plist::read(bytes).map_err(|fault| fault.to_string())?;
    let mut asked = Asked::default();
    for entry in list.get("ExtensionInstallForcelist").map_or(&[][..], plist::Value::items) {
        asked.listed(entry.text().unwrap_or_default());
    }
    for (ids, setting) in list.get("ExtensionSettings").map_or(&[][..], plist::Value::entries) {
        asked.setting(ids, setting.get("installation_mode").and_then(plist::Value::text));
    }
    let install = list.get("Extensions").and_then(|extensions| extensions.get("Install"));
    for address in install.map_or(&[][..], plist::Value::items) {
        asked.addresses.extend(address.text().map(str::to_owned));
    }
    Ok(asked)
}

/// Hives in which programs and policies have their keys: the machine's, and every user's.
pub(super) fn hives(host: &dyn Host, want: &Wanted) -> Vec<(Hive, &'static str, Scope)> {
    let mut hives = Vec::new();
    if want.scope.includes(ScopeKind::Machine) {
        hives.push((Hive::Software, "", Scope::Machine));
    }
    if want.scope.includes(ScopeKind::User) {
        let of_user = |user: &crate::model::User| (Hive::User(user.n), r"Software\", Scope::User(user.n));
        hives.extend(host.facts().users.iter().map(of_user));
    }
    hives
}

fn windows(host: &dyn Host, want: &Wanted, haul: &mut Haul) {
    for (hive, software, scope) in hives(host, want) {
        // A hive that cannot be read is one gap, however many keys of it are asked for.
        let Some(top) = haul.key(host, hive, software.trim_end_matches('\\')) else { continue };
        for key in POLICY_KEYS.iter().flat_map(|key| [(*key).to_owned(), format!(r"{key}\Recommended")]) {
            if let Some(key) = haul.subkey(top.as_ref(), &format!(r"Policies\{key}")) {
                policy_key(key.as_ref(), &scope, haul);
            }
        }
        for (view, key) in VIEWS.iter().flat_map(|view| KEYS.iter().map(move |key| (view, key))) {
            if let Some(key) = haul.subkey(top.as_ref(), &format!(r"{view}{key}\Extensions")) {
                haul.each_key(key.as_ref(), &mut |key, haul| offer_key(host, key, &scope, haul));
            }
        }
        if !haul.time_left() {
            return;
        }
    }
}

/// What a policy of Chromium or Firefox says in the registry.
pub(super) fn policy_key(key: &dyn Key, scope: &Scope, haul: &mut Haul) {
    let mut asked = Asked::default();
    if let Some(list) = haul.subkey(key, "ExtensionInstallForcelist") {
        let values = haul.values(list.as_ref()).into_iter();
        values.filter_map(|(_, value)| value.text()).for_each(|entry| asked.listed(&entry));
    }
    if let Some(list) = haul.subkey(key, r"Extensions\Install") {
        asked.addresses.extend(haul.values(list.as_ref()).into_iter().filter_map(|(_, value)| value.text()));
    }
    if let Some(settings) = haul.subkey(key, "ExtensionSettings") {
        haul.each_key(settings.as_ref(), &mut |one, haul| {
            let mode = haul.text(one, "installation_mode");
            asked.setting(one.name(), mode.as_deref());
        });
    }
    // One text, or several lines of one.
    let text = haul.value(key, "ExtensionSettings").map(|value| value.texts().join("\n")).unwrap_or_default();
    if !text.trim().is_empty() {
        told(browser_policy::settings(text.as_bytes()), scope, &key.place(), haul);
    }
    told(Ok(asked), scope, &key.place(), haul);
}

fn offer_key(host: &dyn Host, key: &dyn Key, scope: &Scope, haul: &mut Haul) {
    let external_crx = haul.text(key, "path");
    let external_version = haul.text(key, "version");
    let offer = Offer { external_crx, external_version, external_update_url: None };
    let place = key.place();
    offered(host, key.name(), &offer, (&place, &HostPath::from("/C:"), scope), haul);
}
