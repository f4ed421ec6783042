//! Places where software leaves traces on Linux hosts; one file each.

pub mod accounts;
pub mod apk;
pub mod appimage;
pub mod attached_devices;
pub mod autostart;
pub mod desktop_entries;
mod desktop_file;
pub mod dpkg;
mod expect;
pub mod flatpak;
pub mod init_scripts;
pub mod kernel_modules;
pub mod opt;
pub(in crate::sources) mod opt_tree;
pub mod pacman;
pub(super) mod program_areas;
mod programs;
pub mod rpm;
pub mod snap;
pub mod systemd;
pub mod trust_anchors;
