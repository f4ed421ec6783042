//! Places where software leaves traces on Linux hosts; one file each.

pub mod apk;
pub mod dpkg;
mod expect;
pub mod pacman;
