//! Places where software leaves traces on Linux hosts; one file each.

pub mod accounts;
pub mod autostart;
pub mod desktop_entries;
mod desktop_file;
pub mod dpkg;
mod expect;
pub mod init_scripts;
pub mod kernel_modules;
pub mod opt;
mod opt_tree;
mod programs;
pub mod systemd;
