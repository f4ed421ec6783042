//! Sources of macOS. All read files, so that a mounted volume is looked at from any system.
//!
//! Called through [`super::SOURCES`].

pub mod app_bundles;
pub mod background_items;
pub mod code;
pub mod display_history;
pub mod kexts;
pub mod keychains;
pub mod launchd;
pub mod managed_preferences;
pub mod periodic_jobs;
pub mod receipts;
pub mod system_extensions;

mod bundle;
mod bundle_info;
mod bundle_places;
mod launchd_job;
pub(super) mod program_areas;
mod programs;
pub(super) mod trust;
