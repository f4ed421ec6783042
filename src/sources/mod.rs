//! Where software leaves traces: one file per place, all behind one trait.
//!
//! Called by `cli` through [`run`]. A source reads through the `Host` it is given and pours traces and gaps into a
//! `Haul`; it must not know rules, verdicts, nor the scanner's own machine. To add one: a file in the family's
//! folder, a line and an entry in [`SOURCES`]. `tests/architecture.rs` compares folder and list.

use crate::host::Host;
use crate::model::{Depth, Family, Field, ItemKind, Need, ScopeKind, State, Wanted};

pub mod common;
mod haul;
pub mod linux;
mod owners;
mod run;
#[cfg(test)]
pub(crate) mod testing;

pub use haul::{Haul, Outcome};
pub use owners::{Owners, PathAsk};
pub use run::{Looked, RunPlan, run};

/// A place where software leaves traces.
pub trait Source: Sync {
    /// Its name, stable: reports and accepted gaps refer to it.
    fn name(&self) -> &'static str;
    /// Families of operating systems that have it.
    fn families(&self) -> &'static [Family];
    /// What it needs of a host.
    fn needs(&self) -> &'static [Need] {
        &[Need::Files]
    }
    /// Which halves of a host it can look at.
    fn scopes(&self) -> &'static [ScopeKind] {
        &[ScopeKind::Machine]
    }
    /// From which depth on it runs.
    fn depth(&self) -> Depth {
        Depth::Quick
    }
    /// What it can yield, and in which states: ties rules to coverage.
    fn yields(&self) -> &'static [(ItemKind, &'static [State])];
    /// Which fields it looks at.
    fn fields(&self) -> &'static [Field];
    /// Whether it is a record of what is installed for the machine.
    fn is_install_record(&self) -> bool {
        false
    }
    /// One sentence for `interdict sources` and the documentation.
    fn about(&self) -> &'static str;
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
    &common::processes::Processes,
];

/// The sources of a family.
pub fn of(family: Family) -> impl Iterator<Item = &'static dyn Source> {
    SOURCES.iter().copied().filter(move |source| source.families().contains(&family))
}
