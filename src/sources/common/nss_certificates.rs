//! Certificates in the databases of NSS, which Firefox, Thunderbird and Chromium keep for themselves: products of security
//! that look into traffic put their own roots there.
//! Folders: `security.certdb` of NSS, profiles of Mozilla, and the packages that keep a home of their own.

use crate::host::{Files, Host, Kind, Miss};
use crate::model::{Family, Field, HostPath, ItemKind, Scope, ScopeKind, State, User, Wanted};
use crate::parse::nss_db;
use crate::sources::{About, Haul, Outcome, Source, certificate, database};

/// The source `nss-certificates`.
pub struct NssCertificates;

const DATABASE: &str = "cert9.db";
/// Of the machine.
const MACHINE: &[&str] = &["/etc/pki/nssdb"];
/// Folders that hold a database, in a home of Linux.
const OF_LINUX: &[&str] = &[
    ".pki/nssdb",
    ".local/share/pki/nssdb",
    "snap/chromium/current/.pki/nssdb",
    "snap/chromium/current/.local/share/pki/nssdb",
];
/// Folders of profiles, each of which holds a database, in a home of Linux.
const PROFILES_OF_LINUX: &[&str] = &[
    ".mozilla/firefox",
    ".config/mozilla/firefox",
    ".thunderbird",
    "snap/firefox/common/.mozilla/firefox",
    "snap/thunderbird/common/.thunderbird",
    ".var/app/org.mozilla.firefox/.mozilla/firefox",
    ".var/app/org.mozilla.firefox/config/mozilla/firefox",
    ".var/app/org.mozilla.Thunderbird/.thunderbird",
];
const PROFILES_OF_MACOS: &[&str] =
    &["Library/Application Support/Firefox/Profiles", "Library/Thunderbird/Profiles"];
const PROFILES_OF_WINDOWS: &[&str] =
    &[r"%AppData%\Mozilla\Firefox\Profiles", r"%AppData%\Thunderbird\Profiles"];
/// Folders below a folder of profiles that are looked into.
const MAX_PROFILES: usize = 1_000;

static ABOUT: About = About {
    name: "nss-certificates",
    summary: "certificates that Firefox, Thunderbird and Chromium keep for themselves",
    families: &[Family::Linux, Family::Macos, Family::Windows],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Certificate, &[State::Remnant])],
    fields: &[Field::Name, Field::Publisher, Field::Identifier],
    ..About::USUAL
};

impl Source for NssCertificates {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let files = host.files();
        if host.facts().family == Family::Linux && want.scope.includes(ScopeKind::Machine) {
            for folder in MACHINE {
                of_folder(files, &(*folder).into(), &Scope::Machine, haul);
            }
        }
        for user in haul.users(host, want) {
            let scope = Scope::User(user.n);
            let (single, profiles) = places(host, user);
            for folder in single {
                of_folder(files, &folder, &scope, haul);
            }
            for folder in profiles {
                of_profiles(files, &folder, &scope, haul);
            }
            if !haul.time_left() {
                break;
            }
        }
        Outcome::Read
    }
}

/// Folders of a user that hold a database, and folders of profiles.
fn places(host: &dyn Host, user: &User) -> (Vec<HostPath>, Vec<HostPath>) {
    let below = |folders: &[&str]| folders.iter().map(|folder| user.home.join(folder)).collect();
    match host.facts().family {
        Family::Linux => (below(OF_LINUX), below(PROFILES_OF_LINUX)),
        Family::Macos => (Vec::new(), below(PROFILES_OF_MACOS)),
        Family::Windows => {
            let windows = host.facts().windows.as_ref();
            let path = |text: &&str| windows.and_then(|windows| windows.path(text, Some(user)));
            (Vec::new(), PROFILES_OF_WINDOWS.iter().filter_map(path).collect())
        }
    }
}

fn of_profiles(files: &dyn Files, folder: &HostPath, scope: &Scope, haul: &mut Haul) {
    let entries = haul.optional(folder, files.list(folder)).unwrap_or_default();
    let profiles = entries.into_iter().filter(|entry| entry.kind != Kind::File);
    for (n, entry) in profiles.enumerate() {
        if n >= MAX_PROFILES {
            let detail = format!("more than {MAX_PROFILES} profiles");
            return haul.gap_with(crate::model::GapReason::Budget, folder, detail);
        }
        of_folder(files, &folder.join(&entry.name), scope, haul);
    }
}

fn of_folder(files: &dyn Files, folder: &HostPath, scope: &Scope, haul: &mut Haul) {
    let path = folder.join(DATABASE);
    let found = match database::read(files, &path, nss_db::certificates) {
        // A link beside the profiles (`lock`) leads to no folder.
        Err(Miss::Absent) => return,
        read => haul.optional(&path, read),
    };
    let Some(found) = found else { return };
    haul.faults(&path, &found.faults);
    for one in &found.records {
        haul.push(certificate::trace(one, &path, scope));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry};
    use crate::model::{GapReason, ScopeAsk};
    use crate::parse::keychain::tests::CERTIFICATE;
    use crate::parse::nss_db::tests::database;
    use crate::parse::registry_value::RegistryValue;
    use crate::sources::testing::{collect, collect_for};

    fn sound() -> FakeNode {
        FakeNode::File(database(&[Some(CERTIFICATE)]))
    }

    fn places(host: &FakeHost) -> Vec<String> {
        let (haul, outcome) = collect(&NssCertificates, host);
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        assert!(haul.traces().iter().all(|one| one.name == "prohibited" && one.state == State::Remnant));
        haul.traces().iter().map(|one| one.place.path.text().into_owned()).collect()
    }

    #[test]
    fn of_every_system() {
        let linux = FakeHost::new([
            ("/etc/pki/nssdb/cert9.db", sound()),
            ("/home/ann/.pki/nssdb/cert9.db", sound()),
            ("/home/ann/.mozilla/firefox/a.default/cert9.db", sound()),
            ("/home/ann/.mozilla/firefox/a.default/lock", FakeNode::Link(b"127.0.0.1:+1".to_vec())),
            ("/home/ann/.mozilla/firefox/profiles.ini", FakeNode::File(vec![])),
            ("/home/ann/snap/firefox/common/.mozilla/firefox/b/cert9.db", sound()),
        ]);
        assert_eq!(places(&linux).len(), 4);
        let of = |scope| {
            let want = Wanted { scope, ..Wanted::default() };
            collect_for(&NssCertificates, &linux, &want).0.traces().len()
        };
        assert_eq!((of(ScopeAsk::System), of(ScopeAsk::User)), (1, 3));
        let profile = "/Users/alice/Library/Application Support/Firefox/Profiles/x.default-release/cert9.db";
        assert_eq!(places(&FakeHost::macos([(profile, sound())])), [profile]);
        let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1";
        let registry =
            FakeRegistry::new().key(list, &[("ProfileImagePath", RegistryValue::sz(r"C:\Users\alice"))]);
        let profile = "/C:/Users/alice/AppData/Roaming/Mozilla/Firefox/Profiles/x.default/cert9.db";
        assert_eq!(places(&FakeHost::windows([(profile, sound())], registry)).len(), 1);
    }

    #[test]
    fn what_cannot_be_read_is_a_gap_and_hides_no_other() {
        let with = |node| {
            let other = ("/home/ann/.pki/nssdb/cert9.db", sound());
            let host = FakeHost::new([("/home/ann/.thunderbird/x/cert9.db", node), other]);
            let (haul, _) = collect(&NssCertificates, &host);
            (haul.traces().len(), haul.gaps())
        };
        assert_eq!(with(FakeNode::Unreadable(Miss::Denied)), (1, vec![(GapReason::PermissionDenied, true)]));
        assert_eq!(with(FakeNode::File(vec![0xFF; 4096])), (1, vec![(GapReason::Truncated, true)]));
        assert_eq!(with(FakeNode::File(vec![])), (1, vec![(GapReason::Truncated, true)]));
        let half = database(&[Some(CERTIFICATE)]);
        assert!(!with(FakeNode::File(half[..half.len() / 2].to_vec())).1.is_empty());
    }
}
