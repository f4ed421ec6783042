//! interdict: is software of a prohibited vendor on this computer, how do we know,
//! under which law or policy, and what could we not see?
//!
//! ```text
//!     host ──> sources ──> normalise ──> matching ──> judge ──> emit   (file, stdout)
//!  (machine)  (traces)      (items)       (hits)    (verdict)   └───> ship ─ ─ HTTPS ─ ─> collector (own wing)
//!                 │ parse (pure readers)      │ ruleset (compiled TOML)
//!     model: shared nouns, imported by all       cli: front door
//! ```
//!
//! The rooms stand in walking order; `tests/architecture.rs` holds who may import whom.
//! Start reading at [`cli`], or follow one item in `ARCHITECTURE.md`.

pub mod cli;
#[cfg(feature = "collector")]
pub mod collector;
pub mod emit;
pub mod host;
pub mod judge;
pub mod matching;
pub mod model;
pub mod normalise;
pub mod parse;
pub mod ruleset;
pub mod ship;
pub mod sources;
