//! Raw traces to items and sightings: text folding, ids, merging, links, order of versions.
//!
//! Called by `cli`; `ruleset` borrows the folding, so that rules and items are folded alike. Pure.

mod fold;
mod gather;
mod identity;
mod links;
mod merge;
mod pseudonym;
pub mod sets;
mod skeleton;
mod template;
mod version;

pub use fold::fold;
pub(crate) use fold::is_plain;
pub use gather::{Gathered, gather, item};
pub use identity::item_id;
pub use pseudonym::Pseudonyms;
pub(crate) use skeleton::skeleton;
pub use template::Places;
pub use version::compare as compare_versions;
