//! The places of the registry that name packages of MSIX: of every user, of the machine, provisioned, left over.
//!
//! Called by `appx`. The store's keys are not documented. [reverse-engineered; seen on Windows 8.1 to 11]

use std::collections::BTreeMap;

use crate::host::{Hive, Host, Key};
use crate::model::{HostPath, Means, Recorded, Scope, ScopeKind, State, User, Wanted, WindowsFacts};
use crate::parse::appx_name;
use crate::sources::Haul;

/// What is installed for a user, below the user's classes; and for the machine, below its own.
const REPOSITORY: &str =
    r"Local Settings\Software\Microsoft\Windows\CurrentVersion\AppModel\Repository\Packages";
const STAGED: &str =
    r"Classes\Local Settings\Software\Microsoft\Windows\CurrentVersion\AppModel\PackageRepository\Packages";
/// What the machine has for its users.
const STORE: &str = r"Microsoft\Windows\CurrentVersion\Appx\AppxAllUserStore";

/// One record of a package.
pub(super) struct Record {
    pub(super) scope: Scope,
    pub(super) state: State,
    pub(super) place: HostPath,
    pub(super) date: Recorded,
}

/// A package by all records of it.
#[derive(Default)]
pub(super) struct Package {
    /// Its full name, as it was met first.
    pub(super) full_name: String,
    pub(super) records: Vec<Record>,
    /// Its folder.
    pub(super) root: Option<HostPath>,
    /// Its name for people, where it is no reference to a resource.
    pub(super) display_name: Option<String>,
}

/// Packages by full name in small letters.
pub(super) struct Store<'h> {
    pub(super) packages: BTreeMap<String, Package>,
    host: &'h dyn Host,
    want: &'h Wanted,
}

impl<'h> Store<'h> {
    pub(super) fn new(host: &'h dyn Host, want: &'h Wanted) -> Self {
        Self { packages: BTreeMap::new(), host, want }
    }

    /// Reads every place.
    pub(super) fn read(&mut self, haul: &mut Haul) {
        let host = self.host;
        for user in haul.profiles(host, self.want) {
            if let Some(key) = haul.key(host, Hive::Classes(user.n), REPOSITORY) {
                self.packages(key.as_ref(), &Scope::User(user.n), State::Installed, haul);
            }
            if !haul.time_left() {
                return;
            }
        }
        if let Some(store) = haul.key(host, Hive::Software, STORE) {
            haul.each_key(store.as_ref(), &mut |key, haul| self.of_store(key, haul));
        }
        if !self.want.scope.includes(ScopeKind::Machine) {
            return;
        }
        for (path, state) in
            [(format!(r"Classes\{REPOSITORY}"), State::Installed), (STAGED.to_owned(), State::Present)]
        {
            if let Some(key) = haul.key(host, Hive::Software, &path) {
                self.packages(key.as_ref(), &Scope::Machine, state, haul);
            }
        }
    }

    /// One key of the machine's store. What is provisioned, every new user gets; what is staged lies there; what is at the end
    /// of its life was removed while it ran.
    fn of_store(&mut self, key: &dyn Key, haul: &mut Haul) {
        let name = key.name().to_lowercase();
        match name.as_str() {
            "applications" | "inboxapplications" | "provisioned" => {
                self.packages(key, &Scope::Machine, State::Installed, haul);
            }
            "staged" => self.packages(key, &Scope::Machine, State::Present, haul),
            "endoflife" => self.at_the_end(key, haul),
            "deleted" => {
                if let Some(key) = haul.subkey(key, "EndOfLife") {
                    self.at_the_end(key.as_ref(), haul);
                }
            }
            _ if name.starts_with("s-1-") => {
                self.packages(key, &self.scope_of(key.name()), State::Installed, haul);
            }
            _ => haul.count_record(),
        }
    }

    fn at_the_end(&mut self, key: &dyn Key, haul: &mut Haul) {
        haul.each_key(key, &mut |account, haul| {
            self.packages(account, &self.scope_of(account.name()), State::Remnant, haul);
        });
    }

    /// Whose the packages of an account are; of one that is no profile's, the machine's.
    fn scope_of(&self, sid: &str) -> Scope {
        let is = |user: &&User| user.sid.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(sid));
        self.host.facts().users.iter().find(is).map_or(Scope::Machine, |user| Scope::User(user.n))
    }

    fn packages(&mut self, packages: &dyn Key, scope: &Scope, state: State, haul: &mut Haul) {
        let kind = if *scope == Scope::Machine { ScopeKind::Machine } else { ScopeKind::User };
        if !self.want.scope.includes(kind) {
            return;
        }
        haul.each_key(packages, &mut |key, haul| {
            let root = self.root(key, haul);
            let name = haul.text(key, "DisplayName").filter(|name| is_plain(name));
            let date = Recorded { value: key.last_write(), means: Means::FileTime };
            let package = self.package(key.name());
            package.root = package.root.take().or(root);
            package.display_name = package.display_name.take().or(name);
            package.records.push(Record { scope: scope.clone(), state, place: key.place(), date });
        });
    }

    /// The package of this full name, which may be new.
    pub(super) fn package(&mut self, full_name: &str) -> &mut Package {
        let package = self.packages.entry(full_name.to_lowercase()).or_default();
        if package.full_name.is_empty() {
            full_name.clone_into(&mut package.full_name);
        }
        package
    }

    /// The folder that a record names, or that of the manifest that it names.
    fn root(&self, key: &dyn Key, haul: &mut Haul) -> Option<HostPath> {
        let windows: &WindowsFacts = self.host.facts().windows.as_ref()?;
        let text = haul.text(key, "PackageRootFolder").or_else(|| haul.text(key, "Path"))?;
        let path = windows.path(&text, None)?;
        let name = path.file_name_text().to_lowercase();
        match name.as_str() {
            "appxbundlemanifest.xml" => path.parent().and_then(|folder| folder.parent()),
            "appxmanifest.xml" => path.parent(),
            _ => Some(path),
        }
    }
}

/// Whether a text is a name, and not a reference to one in a resource.
pub(super) fn is_plain(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && !text.starts_with("@{") && !text.to_lowercase().starts_with("ms-resource:")
}

/// Whether a folder's name is that of a package.
pub(super) fn is_full_name(name: &str) -> bool {
    appx_name::full_name(name).is_some()
}
