//! Formulae and casks of Homebrew, of the machine and of users, on macOS and Linux.
//!
//! A prefix holds `Cellar/<formula>/<version>` and `Caskroom/<token>/<version>`, and in `.metadata` what Homebrew wrote down
//! of a cask. An application that a cask brought lies in `/Applications`; in the Caskroom a link stands for it.
//! <https://docs.brew.sh/Formula-Cookbook>, <https://docs.brew.sh/Cask-Cookbook>

use crate::host::{Entry, Files, Host, Kind, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, ItemKind, Place, Recorded, Scheme, Scope,
    ScopeKind, State, Trace, Version, Wanted,
};
use crate::parse::homebrew::{Receipt, receipt};
use crate::sources::{About, Haul, Outcome, Source};

/// The source `homebrew`.
pub struct Homebrew;

/// Prefixes of the machine: Apple silicon, Intel, Linux.
const OF_MACHINE: &[&str] = &["/opt/homebrew", "/usr/local", "/home/linuxbrew/.linuxbrew"];
/// Prefixes of a user, below the home.
const OF_USER: &[&str] = &["homebrew", ".homebrew", ".linuxbrew", ".brew"];
const RECEIPT: &str = "INSTALL_RECEIPT.json";
/// Real receipts have some kilobytes; those of casks hold the whole definition.
const LIMIT: u64 = 4 << 20;
/// Formulae and casks of one prefix, and versions of one.
const PACKAGES: usize = 20_000;
const VERSIONS: usize = 64;

static ABOUT: About = About {
    name: "homebrew",
    summary: "formulae and casks of Homebrew, of the machine and of every user",
    families: &[Family::Linux, Family::Macos],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Package, &[State::Installed, State::Remnant])],
    fields: &[Field::Name, Field::Version, Field::Identifier],
    ..About::USUAL
};

impl Source for Homebrew {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let mut found = false;
        if want.scope.includes(ScopeKind::Machine) {
            for prefix in OF_MACHINE {
                found |=
                    Reading { files: host.files(), scope: Scope::Machine }.prefix(&(*prefix).into(), haul);
            }
        }
        for user in haul.users(host, want) {
            // The one of Linux may be some account's home.
            let of_user = OF_USER.iter().map(|prefix| user.home.join(prefix));
            for prefix in of_user.filter(|prefix| !OF_MACHINE.iter().any(|known| *prefix == (*known).into()))
            {
                found |= Reading { files: host.files(), scope: Scope::User(user.n) }.prefix(&prefix, haul);
            }
        }
        if found || haul.gap_list().next().is_some() {
            return Outcome::Read;
        }
        Outcome::NotApplicable("no Homebrew here".to_owned())
    }
}

/// Whose packages are read.
struct Reading<'f> {
    files: &'f dyn Files,
    scope: Scope,
}

impl Reading<'_> {
    /// Whether there is a Homebrew.
    fn prefix(&self, prefix: &HostPath, haul: &mut Haul) -> bool {
        let cellar = self.packages(&prefix.join("Cellar"), haul, Self::formula);
        let caskroom = self.packages(&prefix.join("Caskroom"), haul, Self::cask);
        cellar || caskroom
    }

    fn packages(&self, folder: &HostPath, haul: &mut Haul, read: fn(&Self, &HostPath, &mut Haul)) -> bool {
        let Some(entries) = haul.optional(folder, self.files.list(folder)) else { return false };
        // The Caskroom of one Homebrew may lie elsewhere; its casks are folders, and links their former names.
        for (at, entry) in entries.iter().filter(|entry| is_shown(entry)).enumerate() {
            let path = folder.join(&entry.name);
            if at == PACKAGES || !haul.time_left() {
                haul.gap_with(
                    GapReason::Budget,
                    &path,
                    format!("more than {PACKAGES} packages, or no time left"),
                );
                break;
            }
            read(self, &path, haul);
        }
        true
    }

    /// Folders of versions, and whether they could be listed.
    fn versions(&self, package: &HostPath, haul: &mut Haul) -> Option<Vec<HostPath>> {
        let entries = haul.listed(package, self.files.list(package))?;
        let versions = entries.iter().filter(|entry| is_shown(entry));
        let mut versions: Vec<_> = versions.map(|entry| package.join(&entry.name)).collect();
        if versions.len() > VERSIONS {
            haul.gap_with(GapReason::Budget, package, format!("more than {VERSIONS} versions"));
            versions.truncate(VERSIONS);
        }
        Some(versions)
    }

    /// Each version of a formula is a package; without one the folder is what a removal left.
    fn formula(&self, package: &HostPath, haul: &mut Haul) {
        let Some(versions) = self.versions(package, haul) else {
            return haul.push(self.trace(package, None, State::Installed, Receipt::default()));
        };
        for version in &versions {
            let receipt = self.receipt(&version.join(RECEIPT), haul);
            haul.push(self.trace(package, Some(version), State::Installed, receipt));
        }
        if versions.is_empty() {
            haul.push(self.trace(package, None, State::Remnant, Receipt::default()));
        }
    }

    fn cask(&self, package: &HostPath, haul: &mut Haul) {
        let receipt = self.receipt(&package.join(".metadata").join(RECEIPT), haul);
        let Some(versions) = self.versions(package, haul) else {
            return haul.push(self.trace(package, None, State::Installed, receipt));
        };
        for version in &versions {
            let state = self.staged(version, haul);
            haul.push(self.trace(package, Some(version), state, receipt.clone()));
        }
        if versions.is_empty() {
            haul.push(self.trace(package, None, State::Remnant, receipt));
        }
    }

    /// A version of a cask of which every part is a link to what is gone was put into the bin by hand. One that holds nothing
    /// was installed by an installer of its own, and is here by Homebrew's word.
    fn staged(&self, version: &HostPath, haul: &mut Haul) -> State {
        let entries = haul.listed(version, self.files.list(version)).unwrap_or_default();
        let is_gone = |entry: &Entry| {
            entry.kind == Kind::Link && self.files.stat(&version.join(&entry.name)) == Err(Miss::Absent)
        };
        let mut parts = entries.iter().filter(|entry| !entry.name.starts_with(b".")).peekable();
        if parts.peek().is_some() && parts.all(is_gone) { State::Remnant } else { State::Installed }
    }

    /// The receipt can hide nothing: what it stands beside is known by its folder.
    fn receipt(&self, place: &HostPath, haul: &mut Haul) -> Receipt {
        match self.files.read(place, LIMIT) {
            Ok(bytes) => match receipt(&bytes) {
                Ok(receipt) => return receipt,
                Err(what) => haul.minor(GapReason::Malformed, place, what),
            },
            Err(Miss::Absent) => {}
            Err(miss) => haul.minor(miss.reason(), place, miss.detail().unwrap_or_default()),
        }
        Receipt::default()
    }

    fn trace(&self, package: &HostPath, version: Option<&HostPath>, state: State, receipt: Receipt) -> Trace {
        let name = package.file_name_text();
        let place = Place::file(version.unwrap_or(package).clone());
        let mut trace = Trace::new(ItemKind::Package, name.clone(), state, place);
        trace.scope = self.scope.clone();
        trace.version = version.map(|version| Version::new(version.file_name_text(), Scheme::Dotted));
        trace.identifiers.push(Identifier::new(IdentifierType::CaskToken, name));
        trace.arch = receipt.arch;
        trace.recorded_at = receipt.time.map(Recorded::serviced).unwrap_or_default();
        trace
    }
}

fn is_shown(entry: &Entry) -> bool {
    entry.kind == Kind::Folder && !entry.name.starts_with(b".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode};
    use crate::model::{ScopeAsk, Stamp};
    use crate::sources::testing::{collect, collect_for};

    fn file(text: &str) -> FakeNode {
        FakeNode::File(text.as_bytes().to_vec())
    }

    fn seen(haul: &Haul) -> Vec<(&str, &str, State, String)> {
        let each = haul.traces().iter();
        each.map(|one| {
            let version = one.version.as_ref().map_or("", |version| version.raw.as_str());
            (one.name.as_str(), version, one.state, one.scope.to_string())
        })
        .collect()
    }

    #[test]
    fn formulae_and_casks_of_the_machine_and_of_users() {
        let receipt = r#"{"time": 1721433600, "arch": "arm64", "source": {"tap": "homebrew/core"}}"#;
        let nodes = [
            ("/opt/homebrew/Cellar/rclone/1.67.0/INSTALL_RECEIPT.json", file(receipt)),
            ("/opt/homebrew/Cellar/rclone/1.66.0/bin/rclone", file("")),
            ("/opt/homebrew/Cellar/left", FakeNode::Folder),
            ("/opt/homebrew/Cellar/.keepme", file("")),
            (
                "/usr/local/Caskroom/firefox/130.0.1/Firefox.app",
                FakeNode::Link(b"/Applications/Firefox.app".to_vec()),
            ),
            ("/usr/local/Caskroom/firefox/.metadata/130.0.1/x/Casks/firefox.json", file("{}")),
            ("/usr/local/Caskroom/firefox/.metadata/INSTALL_RECEIPT.json", file(receipt)),
            ("/Applications/Firefox.app", FakeNode::Folder),
            ("/usr/local/Caskroom/gone/1/Gone.app", FakeNode::Link(b"/Applications/Gone.app".to_vec())),
            ("/usr/local/Caskroom/by-installer/2", FakeNode::Folder),
            ("/usr/local/Caskroom/old-name", FakeNode::Link(b"firefox".to_vec())),
            ("/Users/alice/homebrew/Cellar/jq/1.7/bin/jq", file("")),
        ];
        let host = FakeHost::macos(nodes);
        let (haul, outcome) = collect(&Homebrew, &host);
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let one = |name, version, state| (name, version, state, "machine".to_owned());
        assert_eq!(
            seen(&haul),
            [
                one("left", "", State::Remnant),
                one("rclone", "1.66.0", State::Installed),
                one("rclone", "1.67.0", State::Installed),
                one("by-installer", "2", State::Installed),
                one("firefox", "130.0.1", State::Installed),
                one("gone", "1", State::Remnant),
                ("jq", "1.7", State::Installed, "user:1".to_owned()),
            ]
        );
        let rclone = &haul.traces()[2];
        assert_eq!(rclone.identifiers, [Identifier::new(IdentifierType::CaskToken, "rclone")]);
        assert_eq!(
            (rclone.arch.as_deref(), rclone.recorded_at.value),
            (Some("arm64"), Stamp::from_unix(1_721_433_600))
        );
        assert_eq!(haul.traces()[4].recorded_at.value, Stamp::from_unix(1_721_433_600));
        let of =
            |scope| collect_for(&Homebrew, &host, &Wanted { scope, ..Wanted::default() }).0.traces().len();
        assert_eq!((of(ScopeAsk::System), of(ScopeAsk::User)), (6, 1));
    }

    #[test]
    fn linux_has_it_too() {
        let nodes = [
            ("/home/linuxbrew/.linuxbrew/Cellar/jq/1.7/bin/jq", file("")),
            (
                "/etc/passwd",
                file("ann:x:1000:1000::/home/ann:/bin/sh\nbrew:x:1001:1001::/home/linuxbrew:/bin/sh\n"),
            ),
            ("/home/ann/.linuxbrew/Cellar/fd/10/bin/fd", file("")),
        ];
        let (haul, _) = collect(&Homebrew, &FakeHost::new(nodes));
        let names: Vec<_> = seen(&haul).into_iter().map(|(name, ..)| name.to_owned()).collect();
        assert_eq!(names, ["jq", "fd"]);
        let none = Outcome::NotApplicable("no Homebrew here".to_owned());
        assert_eq!(collect(&Homebrew, &FakeHost::new([("/usr/local/bin", FakeNode::Folder)])).1, none);
    }

    #[test]
    fn what_cannot_be_read_is_a_gap_and_keeps_its_name() {
        let of = |path: &str, node| {
            let path = format!("/opt/homebrew/{path}");
            let (haul, outcome) = collect(&Homebrew, &FakeHost::macos([(path.as_str(), node)]));
            assert_eq!(outcome, Outcome::Read);
            (haul.traces().len(), haul.gaps())
        };
        let denied = || FakeNode::Broken(Miss::Denied);
        let reason = GapReason::PermissionDenied;
        assert_eq!(of("Cellar", denied()), (0, vec![(reason, true)]));
        assert_eq!(of("Caskroom", denied()), (0, vec![(reason, true)]));
        assert_eq!(of("Cellar/x", denied()), (1, vec![(reason, true)]));
        assert_eq!(of("Caskroom/x/1", denied()), (1, vec![(reason, true)]));
        let unreadable = FakeNode::Unreadable(Miss::Denied);
        assert_eq!(of("Cellar/x/1/INSTALL_RECEIPT.json", unreadable), (1, vec![(reason, false)]));
        let garbage = file("[]");
        assert_eq!(of("Cellar/x/1/INSTALL_RECEIPT.json", garbage), (1, vec![(GapReason::Malformed, false)]));
    }
}
