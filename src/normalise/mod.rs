//! From raw traces to items and sightings, and the folding of text that makes two spellings one.
//!
//! Called by `cli`, `ruleset` and `matching`. Must not know a rule, a source or a machine.

mod fold;

pub use fold::fold;
