//! The fleet's server, a wing of its own: hosts enrol and check in, what they hold is kept and judged, questions are answered.
//!
//! Called by `bin/interdict-collector`. Shares the nouns, the sets and the judging with the endpoint, and nothing of how it
//! looks: it never reads a host.

mod admin;
mod api;
mod auth;
pub mod check_in;
mod clock;
mod command;
mod config;
mod connections;
mod console;
pub mod court;
mod destinations;
pub mod dry_run;
pub mod events;
pub mod expected;
mod export;
pub mod judging;
pub mod law;
mod log;
mod outgoing;
mod person_command;
mod place;
mod push;
mod retention;
pub mod retro;
pub mod rules;
mod rules_command;
mod serve;
pub mod store;
mod tls;
mod upkeep;
mod watch;

pub use command::{command, main};
