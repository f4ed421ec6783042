//! Places where software leaves traces on Linux hosts; one file each.

pub mod accounts;
pub mod apk;
pub mod dpkg;
mod expect;
pub mod kernel_modules;
pub mod opt;
mod opt_tree;
pub mod pacman;
pub mod rpm;
