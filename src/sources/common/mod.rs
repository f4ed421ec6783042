//! Places where software leaves traces on every family of operating systems; one file each.

mod browsers;
pub mod chromium_extensions;
mod chromium_profile;
pub mod executables;
mod extension_folder;
mod extension_policies;
pub(super) mod file_look;
pub mod firefox_extensions;
mod firefox_profile;
pub mod foreign_roots;
pub mod homebrew;
pub mod native_messaging_hosts;
pub mod nss_certificates;
pub mod processes;
pub(super) mod program;
pub(super) mod program_walk;
pub(super) mod read_ahead;
pub mod sweep;
pub mod vendor_paths;
