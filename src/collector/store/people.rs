//! Who may open the console, what is noted of their sessions, and how the fleet stood on a day.
//!
//! Made by `console`, written and read back by the stores. Plain data; passwords are known here as hashes alone.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Date, Stamp};

use super::{Counts, Role, SecretHash};

/// By what somebody signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignsIn {
    /// By a password; its hash as PHC string.
    Password(String),
    /// By a provider of identities, who calls them so: issuer and subject.
    Provider(String),
}

/// Somebody who is to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPerson {
    /// What they are called; no two are called the same.
    pub name: String,
    /// What they may.
    pub role: Role,
    /// How they sign in.
    pub by: SignsIn,
}

/// Somebody who may open the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What they are called.
    pub name: String,
    /// What they may.
    pub role: Role,
    /// How they sign in.
    pub by: SignsIn,
    /// Since when they are known.
    pub created: Stamp,
    /// When they were shut out.
    pub disabled: Option<Stamp>,
    /// When they last signed in.
    pub used: Option<Stamp>,
    /// Until when they are kept out, for wrong passwords.
    pub locked_until: Option<Stamp>,
}

/// What is changed of somebody; all but the last admin can be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonChange {
    /// What they may.
    Role(Role),
    /// Their password, as PHC string.
    Password(String),
    /// Whether they are shut out.
    Disabled(bool),
    /// They are forgotten.
    Gone,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is done.
    Done,
    /// Nobody is called so, or signs in so.
    Nobody,
    /// It would leave no admin.
    LastAdmin,
}

/// A session that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub name: String,
    /// What they may.
    pub role: Role,
    /// When it was last used, to a few minutes.
    pub used: Stamp,
}

/// A session that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// The hash of what the browser has.
    pub hash: SecretHash,
    /// Whose.
    pub name: String,
    /// When it ends, used or not.
    pub ends: Stamp,
}

/// How the fleet stood on a day, the last time that it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// The day.
    pub day: Date,
    /// Its figures.
    pub counts: Counts,
}

/// Findings that are alike and not closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FindingCount {
    /// The policy.
    pub policy: String,
    /// The prohibition.
    pub prohibition: String,
    /// The vendor.
    pub vendor: String,
    /// How bad, by its word.
    pub severity: String,
    /// Whether they make their hosts non-compliant.
    pub decides: bool,
    /// On how many hosts.
    pub hosts: u64,
    /// How many.
    pub findings: u64,
}
