//! The verdict, what it claims, and what stands in its way.
//!
//! Made by `judge`; its words are in `emit`. Three-valued: what could not be seen is not compliance.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Date, Depth, Exception, Gap, ItemKind, Mode, ScopeAsk, Status};

/// Compliance with a policy. The worst of several is the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing that counts is here, and all that could hold it was seen.
    Compliant,
    /// Nothing that counts was seen, and not all was seen.
    Inconclusive,
    /// Something that counts is here.
    NonCompliant,
}

impl Verdict {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Compliant => "compliant",
            Self::Inconclusive => "inconclusive",
            Self::NonCompliant => "non-compliant",
        }
    }

    /// The exit code of a run with this verdict.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Compliant => 0,
            Self::NonCompliant => 1,
            Self::Inconclusive => 3,
        }
    }
}

/// What a policy does with what counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Makes the verdict non-compliant.
    #[default]
    Fail,
    /// Is shown, never exit 1.
    Review,
}

/// Whether a policy counts on the as-of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// From `effective` on.
    InEffect,
    /// Before it.
    NotYetInEffect,
}

/// A needed source that was not wholly seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unseen {
    /// The source; none for a reason that lies in the question, not in a source.
    pub source: Option<String>,
    /// How it ended.
    pub status: Option<Status>,
    /// Why, in words.
    pub reason: String,
    /// Its blocking gaps.
    pub gaps: Vec<Gap>,
}

/// A blocking gap that the site puts up with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Accepted {
    /// The source that has it.
    pub source: String,
    /// The gap; none where the source saw nothing at all.
    pub gap: Option<Gap>,
    /// Who accepted it, why, until when.
    pub exception: Exception,
}

/// The verdict on one prohibition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Judgement {
    /// The prohibition.
    pub prohibition: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether anything that shows it could be found on this system. Where nothing could, it takes no part in the
    /// verdict of the policy, unless all are so.
    pub assessable: bool,
    /// Findings that decide.
    pub deciding: usize,
    /// Findings that are only shown.
    pub shown: usize,
    /// Findings among these that would decide if they were not waived.
    pub waived: usize,
    /// Whether it counts on the as-of day.
    pub phase: Phase,
    /// The day from which it counts.
    pub effective: Date,
    /// Sources whose records the verdict needs.
    pub needed: Vec<String>,
    /// What stands in the way of `compliant`.
    pub unseen: Vec<Unseen>,
    /// What would stand in the way if the site had not accepted it.
    pub accepted: Vec<Accepted>,
    /// Kinds of things that show it and that no source looks for on this system.
    pub not_looked_for: Vec<ItemKind>,
}

/// The verdict on one policy: the worst of its prohibitions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyOutcome {
    /// The policy.
    pub policy: String,
    /// Its title.
    pub title: String,
    /// What it does with what counts.
    pub effect: Effect,
    /// Whether it counts on the as-of day.
    pub phase: Phase,
    /// The day from which it counts.
    pub effective: Date,
    /// The verdict.
    pub verdict: Verdict,
    /// Verdict per prohibition.
    pub prohibitions: Vec<Judgement>,
}

/// What the verdict claims, and on what ground.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// Which halves of the host were asked for.
    pub scope: ScopeAsk,
    /// How deep it was looked.
    pub depth: Depth,
    /// Running machine or dead disk.
    pub mode: Mode,
    /// Whether the scan could read everything.
    pub privileged: bool,
    /// The day the law was read for.
    pub as_of: Date,
    /// The claim as a sentence.
    pub text: String,
}
