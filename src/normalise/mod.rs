//! Raw traces to items and sightings: text folding, ids, merging, links, order of versions.
//!
//! Called by `cli`; `ruleset` borrows the folding, so that rules and items are folded alike. Pure.

mod fold;
mod gather;
mod identity;
mod links;
mod template;
mod version;

pub use fold::fold;
pub use gather::{Gathering, gather};
pub use identity::item_id;
pub use template::Places;
pub use version::compare as compare_versions;
