//! Items against rules: which indicators an item meets, and what that says.
//!
//! Called by `judge`. Must not know policies, hosts or how items were found.

mod engine;
mod explain;
mod index;
mod platform;

pub use engine::{Candidate, Engine, Hit, Hits};
pub use explain::{Cancelled, Ending, Explained, Tried};
