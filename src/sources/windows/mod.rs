//! Sources of Windows: one file per place where software leaves traces, most of them in the registry.

pub mod amcache;
pub mod appx;
pub mod certificates;
pub mod chocolatey;
pub mod devices;
pub mod drivers;
pub mod msi;
pub mod run_keys;
pub mod scheduled_tasks;
pub mod scoop;
pub mod security_center;
pub mod services;
pub mod startup_folders;
pub mod uninstall_keys;
pub mod vendor_folders;
pub mod vendor_keys;
pub mod winget;
pub mod wsl;

mod appx_store;
pub(super) mod keys;
mod named;
pub(super) mod program_areas;
mod service_keys;
mod started;
mod task_author;
pub(super) mod trust;
