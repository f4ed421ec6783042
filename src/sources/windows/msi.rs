//! Products of Windows Installer, of the machine and of every user: by its own records, which outlive a deleted
//! uninstall key.
//!
//! A product stands in several places: what it is (`UserData\<SID>\Products`), for whom it is registered
//! (`Installer\Products`), and which line of products it belongs to (`UpgradeCodes`). Names of keys are packed GUIDs.
//! [reverse-engineered; Wine's `dlls/msi/registry.c` reads the same]

use std::collections::{BTreeMap, BTreeSet};

use crate::host::{Hive, Host, Key};
use crate::model::{
    Depth, Family, Field, GapReason, HostPath, Identifier, IdentifierType, ItemKind, Means, Need, Place,
    Recorded, Scheme, Scope, ScopeKind, Stamp, State, Trace, User, Version, Wanted,
};
use crate::parse::filetime;
use crate::parse::guid::Guid;
use crate::parse::msi::{Product as Cached, properties};
use crate::sources::{About, Haul, Outcome, Source};

/// The source `msi`.
pub struct Msi;

/// Where it keeps what is installed, by whose it is.
const USER_DATA: &str = r"Microsoft\Windows\CurrentVersion\Installer\UserData";
/// Where products of users stand that an administrator installed for them.
const MANAGED: &str = r"Microsoft\Windows\CurrentVersion\Installer\Managed";
/// The machine's registrations.
const REGISTERED: &str = r"Classes\Installer\Products";
/// A user's registrations.
const REGISTERED_OF_USER: &str = r"Software\Microsoft\Installer\Products";
/// Lines of products of the machine, and of a user.
const LINES: &[&str] =
    &[r"Microsoft\Windows\CurrentVersion\Installer\UpgradeCodes", r"Classes\Installer\UpgradeCodes"];
const LINES_OF_USER: &str = r"Software\Microsoft\Installer\UpgradeCodes";
/// The account of the system: what is its, is the machine's.
const SYSTEM_SID: &str = "S-1-5-18";
/// The largest packages of vendors have some gigabytes; few pages of them are read.
const MAX_PACKAGE: u64 = 8 << 30;

static ABOUT: About = About {
    name: "msi",
    summary: "products of Windows Installer by its own records, of the machine and of every user",
    families: &[Family::Windows],
    needs: &[Need::Registry, Need::Files],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Package, &[State::Installed, State::Remnant])],
    fields: &[Field::Name, Field::Publisher, Field::Version, Field::Identifier],
    install_record: true,
    ..About::USUAL
};

impl Source for Msi {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let mut records =
            Records { users: &host.facts().users, want, products: BTreeMap::new(), lines: BTreeMap::new() };
        records.machine(host, haul);
        let paths = [REGISTERED_OF_USER.to_owned(), LINES_OF_USER.to_owned()];
        haul.of_users(host, want, &paths, &mut |user, path, key, haul| {
            if path == LINES_OF_USER {
                records.lines(key, haul);
            } else {
                records.registered(key, &Scope::User(user.n), haul);
            }
        });
        let Records { products, lines, .. } = records;
        for ((scope, packed), mut product) in products {
            if product.is_bare() && want.depth >= Depth::Standard && haul.time_left() {
                product.ask_package(host, Guid::unpack(&packed), haul);
            }
            product.pour(&scope, &packed, &lines, haul);
        }
        Outcome::Read
    }
}

/// A place where a product stands.
struct Record {
    place: HostPath,
    date: Recorded,
}

/// What is known of one product.
#[derive(Default)]
struct Product {
    records: Vec<Record>,
    /// Whether anything says that it is installed: a key without its properties is what a removal left.
    is_installed: bool,
    name: Option<String>,
    publisher: Option<String>,
    version: Option<String>,
    /// The copy of its package that Windows keeps.
    package: Option<String>,
    /// The line of products that its package names.
    line: Option<Guid>,
}

/// All products, by whose they are and packed code in capitals; and to which lines of products codes belong.
struct Records<'h> {
    users: &'h [User],
    want: &'h Wanted,
    products: BTreeMap<(Scope, String), Product>,
    lines: BTreeMap<String, BTreeSet<Guid>>,
}

impl Records<'_> {
    /// Whose the products of an account are; none where those were not asked for. Of an account that nobody has any more
    /// they are the machine's: they lie on it.
    fn scope_of(&self, sid: &str) -> Option<Scope> {
        let is = |user: &&User| user.sid.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(sid));
        let user = self.users.iter().filter(|_| !sid.eq_ignore_ascii_case(SYSTEM_SID)).find(is);
        let (scope, kind) = match user {
            Some(user) => (Scope::User(user.n), ScopeKind::User),
            None => (Scope::Machine, ScopeKind::Machine),
        };
        self.want.scope.includes(kind).then_some(scope)
    }

    fn machine(&mut self, host: &dyn Host, haul: &mut Haul) {
        self.accounts(host, (USER_DATA, "Products"), haul, &mut |own, products, scope, haul| {
            haul.each_key(products, &mut |key, haul| own.installed(key, scope, haul));
        });
        self.accounts(host, (MANAGED, r"Installer\Products"), haul, &mut |own, products, scope, haul| {
            own.registered(products, scope, haul);
        });
        if self.want.scope.includes(ScopeKind::Machine)
            && let Some(key) = haul.key(host, Hive::Software, REGISTERED)
        {
            self.registered(key.as_ref(), &Scope::Machine, haul);
        }
        for path in LINES {
            if let Some(key) = haul.key(host, Hive::Software, path) {
                self.lines(key.as_ref(), haul);
            }
        }
    }

    /// What stands below the key of each account.
    fn accounts(
        &mut self,
        host: &dyn Host,
        (path, below): (&str, &str),
        haul: &mut Haul,
        visit: &mut dyn FnMut(&mut Self, &dyn Key, &Scope, &mut Haul),
    ) {
        let Some(accounts) = haul.key(host, Hive::Software, path) else { return };
        haul.each_key(accounts.as_ref(), &mut |account, haul| {
            let Some(scope) = self.scope_of(account.name()) else { return };
            if let Some(products) = haul.subkey(account, below) {
                visit(self, products.as_ref(), &scope, haul);
            }
        });
    }

    fn product(&mut self, key: &dyn Key, scope: &Scope) -> &mut Product {
        self.products.entry((scope.clone(), key.name().to_uppercase())).or_default()
    }

    /// A product below `UserData`.
    fn installed(&mut self, key: &dyn Key, scope: &Scope, haul: &mut Haul) {
        let properties = haul.subkey(key, "InstallProperties");
        let product = self.product(key, scope);
        let Some(properties) = properties.as_deref() else {
            let date = Recorded { value: key.last_write(), means: Means::FileTime };
            product.records.push(Record { place: key.place(), date });
            return;
        };
        product.is_installed = true;
        let mut fill = |slot: &mut Option<String>, name: &str| {
            if slot.is_none() {
                *slot = haul.text(properties, name);
            }
        };
        fill(&mut product.name, "DisplayName");
        fill(&mut product.publisher, "Publisher");
        fill(&mut product.version, "DisplayVersion");
        fill(&mut product.package, "LocalPackage");
        let day = haul.text(properties, "InstallDate").and_then(|day| filetime::install_date(&day));
        let date = match day.and_then(Stamp::from_unix) {
            // The day of the last repair or update (Win32_Product, "InstallDate").
            Some(day) => Recorded { value: Some(day), means: Means::LastServiced },
            None => Recorded { value: properties.last_write(), means: Means::FileTime },
        };
        product.records.push(Record { place: properties.place(), date });
    }

    /// Products that are registered for the machine or a user.
    fn registered(&mut self, products: &dyn Key, scope: &Scope, haul: &mut Haul) {
        haul.each_key(products, &mut |key, haul| {
            let name = haul.text(key, "ProductName");
            let version = haul.number(key, "Version").and_then(version);
            let product = self.product(key, scope);
            product.is_installed = true;
            product.name = product.name.take().or(name);
            product.version = product.version.take().or(version);
            let date = Recorded { value: key.last_write(), means: Means::FileTime };
            product.records.push(Record { place: key.place(), date });
        });
    }

    /// Lines of products: each key has a value for every product of it, named as that.
    fn lines(&mut self, lines: &dyn Key, haul: &mut Haul) {
        haul.each_key(lines, &mut |line, haul| {
            let Some(code) = Guid::unpack(line.name()) else { return haul.count_record() };
            for (product, _) in haul.values(line) {
                self.lines.entry(product.to_uppercase()).or_default().insert(code);
            }
        });
    }
}

/// A version in one number: major and minor in a byte each, and the build (the property
/// `ProductVersion` of Windows Installer).
fn version(number: u64) -> Option<String> {
    let number = u32::try_from(number).ok().filter(|number| *number != 0)?;
    Some(format!("{}.{}.{}", number >> 24, number >> 16 & 0xFF, number & 0xFFFF))
}

impl Product {
    /// Whether the registry does not say what it is or who made it.
    fn is_bare(&self) -> bool {
        self.name.is_none() || self.publisher.is_none()
    }

    /// Asks the package that Windows keeps, where it is the product's own.
    fn ask_package(&mut self, host: &dyn Host, code: Option<Guid>, haul: &mut Haul) {
        let windows = host.facts().windows.as_ref();
        let path = self.package.as_ref().and_then(|path| windows?.path(path, None));
        let Some(path) = path else { return };
        let file = match host.files().open(&path) {
            Ok(file) => file,
            Err(crate::host::Miss::Absent) => return,
            Err(miss) => {
                return haul.minor(miss.reason(), &path, "a package of Windows Installer is not read");
            }
        };
        let read = match properties(file.as_ref(), MAX_PACKAGE) {
            Ok(read) => Cached::of(&read.records),
            Err(fault) => return haul.minor(GapReason::Malformed, &path, fault.to_string()),
        };
        if code.is_none() || read.product_code != code {
            return haul.minor(GapReason::Inconsistent, &path, "this package installs another product");
        }
        self.name = self.name.take().or(read.name);
        self.publisher = self.publisher.take().or(read.manufacturer);
        self.version = self.version.take().or(read.version);
        self.line = read.upgrade_code;
    }

    /// One trace for each place: they are one item.
    fn pour(self, scope: &Scope, packed: &str, lines: &BTreeMap<String, BTreeSet<Guid>>, haul: &mut Haul) {
        let code = Guid::unpack(packed).map(|code| code.to_string());
        let name = self.name.or_else(|| code.clone()).unwrap_or_else(|| packed.to_owned());
        let lines: BTreeSet<Guid> =
            lines.get(packed).into_iter().flatten().copied().chain(self.line).collect();
        let mut identifiers: Vec<Identifier> =
            code.map(|code| Identifier::new(IdentifierType::ProductCode, code)).into_iter().collect();
        identifiers
            .extend(lines.iter().map(|line| Identifier::new(IdentifierType::UpgradeCode, line.to_string())));
        let state = if self.is_installed { State::Installed } else { State::Remnant };
        for record in self.records {
            let mut trace = Trace::new(ItemKind::Package, name.clone(), state, Place::file(record.place));
            trace.publisher.clone_from(&self.publisher);
            trace.version = self.version.clone().map(|version| Version::new(version, Scheme::Dotted));
            trace.identifiers.clone_from(&identifiers);
            trace.scope = scope.clone();
            trace.recorded_at = record.date;
            haul.push(trace);
        }
    }
}

#[cfg(test)]
#[path = "msi_tests.rs"]
mod tests;
