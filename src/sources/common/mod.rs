//! Places where software leaves traces on every family of operating systems; one file each.

pub mod processes;
