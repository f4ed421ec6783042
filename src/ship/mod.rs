//! The endpoint's side of the fleet: who this computer is to its collector, what waits to be sent, and how it is sent.
//!
//! Called by `cli`, which hands it reports that are ready to leave: without names, split into sets. Must not know the host that
//! was scanned, nor the clock: the moment is an argument. Its files lie in the state folder of the operator's computer.

mod client;
mod deliver;
mod disk;
mod identity;
mod prepare;
mod rules;
mod spool;

pub use client::{Client, Trouble, Wire};
pub use deliver::{Delivered, Journal, deliver, pause};
pub use disk::{Disk, Fault, Protect, random_id, random_share};
pub use identity::{Exchanged, Identity, key};
pub use prepare::{Base, Line, Parcel};
pub use rules::{forget_rules, keep_rules, kept_rules};
pub use spool::{Dropped, Found, Limits, Spool, Waiting, pack, unpack};
