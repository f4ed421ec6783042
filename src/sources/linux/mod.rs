//! Places where software leaves traces on Linux hosts; one file each.

pub mod dpkg;
mod expect;
pub mod rpm;
