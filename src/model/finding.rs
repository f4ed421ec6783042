//! A finding: one prohibited product on this host, with all that was found of it and why it is prohibited.
//!
//! Made by `judge`, shown by `emit`.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Date, Field, Image, ItemId, ItemKind, LinkKind, Place, ProcessFacts, Recorded, Scope, Signer, Stamp,
    State,
};

/// How much one indicator says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// Shared with others, or left behind.
    Weak,
    /// By itself says who made it.
    Strong,
    /// Proven identity.
    Conclusive,
}

impl Strength {
    /// The word in rules and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::Strong => "strong",
            Self::Conclusive => "conclusive",
        }
    }
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Weak signs only.
    Possible,
    /// One strong sign, or two independent weak ones with an existing image or installed record.
    Probable,
    /// One conclusive sign, or two independent strong ones.
    Confirmed,
}

impl Confidence {
    /// The word in rules and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Probable => "probable",
            Self::Confirmed => "confirmed",
        }
    }
}

/// What a finding is of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A product of the vendor.
    #[default]
    Product,
    /// A third party's product with the vendor's code inside.
    Embedded,
    /// The vendor's removal or rescue tool.
    Tool,
    /// Carries the vendor's name, is somebody else's.
    Impostor,
    /// For a person to look at.
    Review,
}

impl Class {
    /// Whether a policy counts it.
    pub fn counts(self) -> bool {
        matches!(self, Self::Product | Self::Embedded)
    }

    /// The word in rules and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Embedded => "embedded",
            Self::Tool => "tool",
            Self::Impostor => "impostor",
            Self::Review => "review",
        }
    }
}

/// How grave a policy calls a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// For information.
    Info,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Severity {
    /// The word in rules and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// One sighting that a finding rests on, or that is linked to one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The item's id.
    pub item: ItemId,
    /// Its kind.
    pub kind: ItemKind,
    /// Its name.
    pub name: String,
    /// Its version, as recorded.
    pub version: Option<String>,
    /// Its claimed publisher.
    pub publisher: Option<String>,
    /// Who signed it and what that is worth, where it was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<Signer>,
    /// SHA-256 of the file, where it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The source that saw it.
    pub source: Cow<'static, str>,
    /// How present it is.
    pub state: State,
    /// Whose it is.
    pub scope: Scope,
    /// Where it was read.
    pub place: Place,
    /// The program file it is or points to.
    pub image: Option<Image>,
    /// Date of the record.
    pub recorded_at: Recorded,
    /// When the product last updated itself, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_update: Option<Stamp>,
    /// Facts of a running process.
    pub process: Option<ProcessFacts>,
    /// Strength of the strongest indicator that matched it; none for a merely linked sighting.
    pub strength: Option<Strength>,
    /// The fields the indicators rest on.
    pub rests_on: Vec<Field>,
    /// The indicators that matched, as `file:line`.
    pub indicators: Vec<String>,
    /// How it is linked to a matched item, where it matched nothing itself.
    pub link: Option<LinkKind>,
}

/// A legal act behind a prohibition and how far it has come on the as-of day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LegalBasis {
    /// Id of the authority.
    pub authority: String,
    /// Its title.
    pub title: String,
    /// Its citation.
    pub citation: String,
    /// Where it can be read.
    pub url: Option<String>,
    /// What it forbids, and to whom.
    pub forbids: String,
    /// The last milestone on or before the as-of day, in words; none before the first.
    pub phase: Option<String>,
    /// The day of that milestone.
    pub since: Option<Date>,
    /// All its milestones, by day; those to come too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub milestones: Vec<Milestone>,
}

/// A day from which something of a legal act holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Milestone {
    /// The day.
    pub date: Date,
    /// What holds from it, in words.
    pub text: String,
}

/// Why a finding does not decide the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// The policy only reviews.
    ReviewOnly,
    /// None of the authorities binds the site.
    OutsidePopulation,
    /// It does not count before a day that has not come.
    NotInEffect,
    /// Only remnants or historic records are left.
    NotPresent,
    /// Tool, impostor or review.
    Class,
    /// Somebody else's product with the vendor's code inside, which the policy leaves out.
    OutOfScope,
    /// Less sure than the policy asks for.
    Confidence,
    /// A waiver holds.
    Waived,
}

impl Because {
    /// The words in reports.
    pub fn words(self) -> &'static str {
        match self {
            Self::ReviewOnly => "the policy asks for review only",
            Self::OutsidePopulation => "no authority behind it binds this site",
            Self::NotInEffect => "not yet in effect",
            Self::NotPresent => "only leftovers are here",
            Self::Class => "of a class that does not count",
            Self::OutOfScope => "the policy leaves out embedded code",
            Self::Confidence => "not sure enough to count",
            Self::Waived => "waived",
        }
    }
}

/// The exception that a finding or a gap falls under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exception {
    /// Why it was made.
    pub reason: String,
    /// Who approved it.
    pub approver: String,
    /// The last day on which it holds.
    pub expires: Date,
    /// Where it is written, as `file:line:column`.
    pub written_at: String,
}

/// One prohibited product on this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Policy.
    pub policy: String,
    /// Prohibition of that policy.
    pub prohibition: String,
    /// Product id.
    pub product: String,
    /// Product name.
    pub product_name: String,
    /// Vendor id.
    pub vendor: String,
    /// Vendor name.
    pub vendor_name: String,
    /// What it is of.
    pub class: Class,
    /// How present it is.
    pub state: State,
    /// How sure.
    pub confidence: Confidence,
    /// How grave.
    pub severity: Severity,
    /// Whether it makes the verdict non-compliant.
    pub decides: bool,
    /// Why not, where it does not.
    pub because: Option<Because>,
    /// The waiver, where one holds and is needed.
    pub waiver: Option<Exception>,
    /// Versions seen, sorted.
    pub versions: Vec<String>,
    /// The acts behind the prohibition.
    pub bases: Vec<LegalBasis>,
    /// The day from which the policy counts.
    pub effective: Date,
    /// What to do.
    pub advice: String,
    /// The sightings it rests on, strongest first; at most 500.
    pub evidence: Vec<Evidence>,
    /// How many there are.
    pub evidence_total: usize,
}
