//! Where software leaves traces: one file per place, all behind one trait.
//!
//! Called by `cli` through [`run`]. A source reads through the `Host` it is given and pours traces and gaps into a
//! `Haul`; it must not know rules, verdicts, nor the scanner's own machine. To add one: a file in the family's
//! folder, a line and an entry in [`SOURCES`]. `tests/architecture.rs` compares folder and list.

use serde::Serialize;

use crate::host::Host;
use crate::model::{Depth, Family, Field, ItemKind, Need, ScopeKind, State, Wanted};

mod certificate;
pub mod common;
mod database;
mod hashes;
mod haul;
mod limits;
pub mod linux;
pub mod macos;
mod owners;
mod pointed;
mod prove;
mod run;
#[cfg(test)]
pub(crate) mod testing;
mod waves;
pub mod windows;

pub use haul::{Haul, Outcome};
pub use limits::Limits;
pub use owners::{Owners, PathAsk};
pub use run::{Looked, RunPlan, Worth, ask_owners, run};

/// A source as it describes itself; `interdict sources --json` shows it.
#[derive(Debug, Serialize)]
pub struct About {
    /// Its name, stable: reports and accepted gaps refer to it.
    pub name: &'static str,
    /// One sentence for `interdict sources` and the documentation.
    #[serde(rename = "about")]
    pub summary: &'static str,
    /// Families of operating systems that have it.
    pub families: &'static [Family],
    /// Which halves of a host it can look at.
    pub scopes: &'static [ScopeKind],
    /// What it needs of a host.
    pub needs: &'static [Need],
    /// From which depth on it runs.
    pub depth: Depth,
    /// What it can yield, and in which states: ties rules to coverage.
    pub yields: &'static [(ItemKind, &'static [State])],
    /// Which fields it looks at.
    pub fields: &'static [Field],
    /// Whether it is a record of what is installed for the machine.
    pub install_record: bool,
}

impl About {
    /// What most sources are; name, summary, families, yields and fields are each one's own.
    pub const USUAL: Self = Self {
        name: "",
        summary: "",
        families: &[],
        needs: &[Need::Files],
        scopes: &[ScopeKind::Machine],
        depth: Depth::Quick,
        yields: &[],
        fields: &[],
        install_record: false,
    };
}

/// A place where software leaves traces.
pub trait Source: Sync {
    /// What it is.
    fn about(&self) -> &'static About;
    /// Reads the host. Trouble with one record or place is a gap, and the reading goes on.
    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome;
    /// Which package owns the asked paths; only package databases answer. Called after every `collect`.
    fn owners(&self, _host: &dyn Host, _ask: &PathAsk, _owners: &mut Owners) {}
}

/// Every source there is.
pub const SOURCES: &[&dyn Source] = &[
    &linux::dpkg::Dpkg,
    &linux::rpm::Rpm,
    &linux::apk::Apk,
    &linux::pacman::Pacman,
    &linux::snap::Snap,
    &linux::flatpak::Flatpak,
    &linux::appimage::AppImages,
    &linux::systemd::Systemd,
    &linux::init_scripts::InitScripts,
    &linux::desktop_entries::DesktopEntries,
    &linux::autostart::Autostart,
    &linux::kernel_modules::KernelModules,
    &linux::opt::Opt,
    &linux::accounts::Accounts,
    &linux::attached_devices::AttachedDevices,
    &common::vendor_paths::VendorPaths,
    &macos::display_history::DisplayHistory,
    &linux::trust_anchors::TrustAnchors,
    &windows::uninstall_keys::UninstallKeys,
    &windows::msi::Msi,
    &windows::appx::Appx,
    &windows::services::Services,
    &windows::drivers::Drivers,
    &windows::security_center::SecurityCenter,
    &windows::vendor_keys::VendorKeys,
    &windows::vendor_folders::VendorFolders,
    &windows::run_keys::RunKeys,
    &windows::startup_folders::StartupFolders,
    &windows::scheduled_tasks::ScheduledTasks,
    &windows::certificates::Certificates,
    &windows::winget::Winget,
    &windows::chocolatey::Chocolatey,
    &windows::scoop::Scoop,
    &windows::amcache::Amcache,
    &windows::devices::Devices,
    &windows::wsl::Wsl,
    &macos::app_bundles::AppBundles,
    &macos::receipts::Receipts,
    &common::homebrew::Homebrew,
    &common::chromium_extensions::ChromiumExtensions,
    &common::firefox_extensions::FirefoxExtensions,
    &common::native_messaging_hosts::NativeMessagingHosts,
    &macos::background_items::BackgroundItems,
    &macos::keychains::Keychains,
    &macos::kexts::Kexts,
    &macos::launchd::Launchd,
    &macos::managed_preferences::ManagedPreferences,
    &macos::periodic_jobs::PeriodicJobs,
    &macos::system_extensions::SystemExtensions,
    &common::nss_certificates::NssCertificates,
    &common::executables::Executables,
    &common::foreign_roots::ForeignRoots,
    &common::processes::Processes,
    &common::sweep::Sweep,
];

/// The sources of a family.
pub fn of(family: Family) -> impl Iterator<Item = &'static dyn Source> {
    SOURCES.iter().copied().filter(move |source| source.about().families.contains(&family))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_says_what_is_its_own() {
        let mut names = std::collections::BTreeSet::new();
        for about in SOURCES.iter().map(|source| source.about()) {
            assert!(!about.name.is_empty() && names.insert(about.name), "{about:?}");
            assert!(!about.summary.is_empty() && !about.families.is_empty(), "{about:?}");
            assert_eq!(about.yields.is_empty(), about.fields.is_empty(), "{about:?}");
            assert!(!about.yields.is_empty() || about.name == "foreign-roots", "{about:?}");
        }
    }
}
