//! What is kept of the fleet's law: rules, whose policies are which, exceptions, who changed what, and how far hosts have been
//! judged anew since.
//!
//! Made by `rules`, `desk` and `retro`, written and read back by the stores. Plain data.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Date, GapReason, Id, Item, RulesFolder, Stamp};
use crate::ruleset::Sought;

use super::kept::{Judged, JudgedBy, Standing};

/// A signed folder of rules that the collector keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RulesetRow {
    /// Its id: of its list and signature.
    pub id: Id,
    /// Its name, as its manifest says.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// Id of the key that signed it.
    pub signed_by: String,
    /// How many files it has.
    pub files: u64,
    /// When it came.
    pub received_at: Stamp,
    /// Who brought it.
    pub received_by: String,
    /// Whether the fleet is judged by it.
    pub active: bool,
    /// Whether it ever was: endpoints that had it take no older ones.
    pub was_active: bool,
}

/// A folder to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRuleset {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// Id of the key that signed it.
    pub signed_by: String,
    /// It.
    pub folder: RulesFolder,
}

/// What became of a folder that was to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is kept.
    Now,
    /// It was before.
    Before,
    /// A later version of the name, this one, is kept.
    Older(u64),
    /// The same version of the name is kept with other content.
    OtherContent,
}

/// Whom an exception is for: a host by the id that it enrolled with, or those with a tag. Never by what a host calls itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// A host.
    Host(Id),
    /// Hosts with a tag.
    Tag(String),
}

/// What a site puts up with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Excepted {
    /// Findings.
    #[serde(rename = "waiver")]
    Finding {
        /// Id of the prohibition.
        prohibition: String,
        /// Ids of products; none: whatever it covers.
        #[serde(default)]
        products: Vec<String>,
    },
    /// Gaps of a source.
    #[serde(rename = "accepted-gap")]
    Gap {
        /// Name of the source.
        source: String,
        /// Reasons of gaps; none: any.
        #[serde(default)]
        gaps: Vec<GapReason>,
    },
}

/// An exception to be granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewException {
    /// Whom it is for.
    pub whose: Whose,
    /// What.
    pub excepted: Excepted,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it holds.
    pub expires: Date,
}

/// An exception that was granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExceptionRow {
    /// Its number.
    pub number: u64,
    /// Whom it is for.
    pub whose: Whose,
    /// What.
    pub excepted: Excepted,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it holds.
    pub expires: Date,
    /// When it was granted.
    pub granted_at: Stamp,
    /// By whose token.
    pub granted_by: String,
    /// When it was taken back.
    pub withdrawn_at: Option<Stamp>,
}

/// The law as it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LawState {
    /// Its number; 0: nobody has changed anything yet.
    pub version: u64,
    /// When it was last changed.
    pub since: Option<Stamp>,
    /// The folder that is used beside the built-in rules.
    pub active: Option<Id>,
    /// Policies of hosts that no tag gives others; none: the one that is asked by default.
    pub default: Vec<String>,
    /// Policies of hosts with a tag.
    pub by_tag: BTreeMap<String, Vec<String>>,
    /// Exceptions that were not taken back.
    pub exceptions: Vec<ExceptionRow>,
}

/// What changes the law.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LawChange {
    /// The fleet is judged by this folder beside the built-in rules; none: by those alone.
    Activate(Option<Id>),
    /// Hosts with this tag (none: those without another) are judged under these policies; without any: nothing is said of them.
    Assign(Option<String>, Vec<String>),
    /// An exception is granted.
    Grant(NewException),
    /// An exception is taken back.
    Withdraw(u64),
    /// A day has come on which something begins or ends to hold.
    Day(Date),
}

/// Who changes something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// Name of a token, or what else did it.
    pub actor: String,
    /// When.
    pub at: Stamp,
}

/// Something that somebody changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditRow {
    /// Its number.
    pub number: u64,
    /// When.
    pub at: Stamp,
    /// Name of the token, or what else did it.
    pub actor: String,
    /// What was done, in a word.
    pub action: String,
    /// To what.
    pub subject: String,
    /// What it is now.
    pub detail: String,
}

/// Which changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditAsk {
    /// Before this number: the last ones come first.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
    /// By whom.
    pub actor: Option<String>,
    /// To what.
    pub subject: Option<String>,
}

/// A tag, and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TagRow {
    /// The tag.
    pub tag: String,
    /// Hosts that have it.
    pub hosts: u64,
    /// Policies that they are judged under; none: it gives none.
    pub policies: Vec<String>,
}

/// Judging every host anew, after the law was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct JobRow {
    /// Its number: that of the law.
    pub number: u64,
    /// What was changed.
    pub why: String,
    /// When.
    pub started_at: Stamp,
    /// When every host was judged by it; none: not yet, or a later change came before.
    pub ended_at: Option<Stamp>,
    /// Hosts that have reported.
    pub of: u64,
    /// Those of them that are judged by this law or a later one.
    pub done: u64,
}

/// Hosts to be judged anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// By a law of this number: those that were judged by an earlier one.
    pub version: u64,
    /// Now.
    pub now: Stamp,
    /// Nobody else takes them until then.
    pub until: Stamp,
    /// At most so many.
    pub limit: u32,
    /// Only of these numbers; none: any.
    pub of: Option<Vec<i64>>,
}

/// A host that is to be judged anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The store's number of it.
    pub number: i64,
    /// Its id.
    pub host: Id,
    /// Number of its last report.
    pub seq: u64,
    /// Its tags.
    pub tags: Vec<String>,
    /// How it was judged.
    pub judged: Option<JudgedBy>,
    /// When its last report came.
    pub received_at: Option<Stamp>,
    /// Whether one machine speaks as it.
    pub standing: Standing,
}

/// A host that was judged anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The store's number of it.
    pub number: i64,
    /// Number of the report that this follows from; where another came between, nothing is kept.
    pub seq: u64,
    /// By the law of this number.
    pub law: u64,
    /// Tags that it had.
    pub tags: Vec<String>,
    /// Whether one machine speaks as it.
    pub standing: Standing,
    /// What follows; none: what followed before.
    pub judged: Option<Judged>,
}

/// An item with the store's number of it.
pub type NumberedItem = (i64, Item);

/// How the last look at a host came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookRow {
    /// The host.
    pub host: Id,
    /// Its number.
    pub number: i64,
    /// Its family, by its word.
    pub family: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// What led it, where that was told.
    pub sought: Option<Arc<Sought>>,
}

impl LawChange {
    /// What is done, to what, and what it is now: for the list of changes.
    pub(super) fn told(&self) -> [String; 3] {
        let told = |action: &str, subject: String, detail: String| [action.to_owned(), subject, detail];
        match self {
            Self::Activate(Some(id)) => told("activate", format!("ruleset {id}"), String::new()),
            Self::Activate(None) => told("activate", "the built-in rules alone".to_owned(), String::new()),
            Self::Assign(tag, policies) => {
                let subject =
                    tag.as_ref().map_or("every host without another".to_owned(), |tag| format!("tag {tag}"));
                told("assign", subject, policies.join(", "))
            }
            Self::Grant(new) => {
                let detail = format!(
                    "{} until {}, by {}: {}",
                    new.excepted.words(),
                    new.expires,
                    new.owner,
                    new.reason
                );
                told("grant", new.whose.words(), detail)
            }
            Self::Withdraw(number) => told("withdraw", format!("exception {number}"), String::new()),
            Self::Day(day) => told("day", day.to_string(), String::new()),
        }
    }
}

impl Whose {
    /// For people.
    fn words(&self) -> String {
        match self {
            Self::Host(host) => format!("host {host}"),
            Self::Tag(tag) => format!("tag {tag}"),
        }
    }
}

impl Excepted {
    /// For people.
    fn words(&self) -> String {
        match self {
            Self::Finding { prohibition, products } if products.is_empty() => format!("{prohibition} waived"),
            Self::Finding { prohibition, products } => {
                format!("{prohibition} waived for {}", products.join(", "))
            }
            Self::Gap { source, .. } => format!("gaps of {source} accepted"),
        }
    }
}
