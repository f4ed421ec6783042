//! What an endpoint and a collector say to each other: who is there, what it holds, what of it is new.
//!
//! Made by `ship`, answered by `collector`, both over `normalise::sets`. The words of the wire; must not know how either
//! side keeps them. Every document names its schema, so that an old endpoint and a new collector understand each other.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    Depth, Family, HostFacts, Image, Item, Link, Place, Recorded, RulesetStamp, Scope, ScopeAsk,
    SourceReport, Stamp, State, Tool, Verdict,
};

/// Version of what an endpoint sends.
pub const CHECK_IN_SCHEMA: &str = "interdict.check-in/1";

/// Sixteen bytes that name something for ever: written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id(pub [u8; 16]);

impl Id {
    /// From the first sixteen bytes of a hash; shorter ones end in zeros.
    pub fn of(hash: &[u8]) -> Self {
        let mut id = [0; 16];
        id.iter_mut().zip(hash).for_each(|(to, from)| *to = *from);
        Self(id)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Id {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let value = (text.len() == 32 && digits).then(|| u128::from_str_radix(text, 16).ok()).flatten();
        value
            .map(|value| Self(value.to_be_bytes()))
            .ok_or_else(|| "an id has 32 hexadecimal digits in small letters".to_owned())
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Id {
    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{32}$" })
    }
}

/// An item as it was seen: what of a sighting is the same on every host where a thing lies in the same place. The dates of it
/// are in [`Entry`]; what only holds while a process runs (its number, when it started) is not told at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// The item; its id is computed anew by whoever is sent it.
    pub item: Item,
    /// The source that saw it.
    pub source: Cow<'static, str>,
    /// How present.
    pub state: State,
    /// Whose.
    pub scope: Scope,
    /// Where it is recorded.
    pub place: Place,
    /// Its program.
    pub image: Option<Image>,
    /// What it belongs to.
    pub links: Vec<Link>,
}

/// One element of a source's set on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The id of the [`Seen`].
    pub id: Id,
    /// When it was recorded there.
    #[serde(default)]
    pub recorded_at: Recorded,
    /// When it was last updated there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update: Option<Stamp>,
}

/// What a source saw on a host: how it ended, and the set of what it saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceSet {
    /// How the source ended.
    pub report: SourceReport,
    /// Digest of how it ended, without what differs from run to run.
    pub state: Id,
    /// Digest of the entries; none where the source saw nothing for it could not look. Of a source that was not whole (its
    /// report tells) it is a part: what is in it is there, and what is not in it may be there nevertheless.
    pub set: Option<Id>,
    /// What it saw, in order of the ids, each once.
    pub entries: Vec<Entry>,
}

/// Both digests of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Digests {
    /// How it ended.
    pub state: Id,
    /// What it saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<Id>,
}

/// The head of every check-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`CHECK_IN_SCHEMA`].
    pub schema: Cow<'static, str>,
    /// The installation: made at enrolment, gone with the state folder.
    pub install: Id,
    /// One more than that of the report before it. Where the collector knows of a later one that this installation does not (its
    /// disk was put back), it says so, and the report is sent again with a number after that.
    pub seq: u64,
    /// Id of this report.
    pub report: Id,
    /// Id of the report before it that the collector has acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Id>,
    /// Ids of reports since then that were sent, whose answer never came, and that are not sent again: the collector may have
    /// kept one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Id>,
    /// When the scan began.
    pub scanned_at: Stamp,
    /// When this was sent, by the endpoint's clock.
    pub sent_at: Stamp,
    /// Digest of all that a body says: the program, its rules and policies, facts, how each source ended, what it saw.
    pub inventory: Id,
    /// Digest of what makes the machine this machine.
    pub machine: Id,
    /// First 16 bytes of the digest of the rules that the endpoint judged by.
    pub rules: Id,
    /// The endpoint's own verdict.
    pub verdict: Verdict,
}

/// A check-in: the head alone, or with what the collector asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckIn {
    /// The head.
    pub header: Header,
    /// What of the inventory is sent; none: the head alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
}

/// What of an inventory is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// The program.
    pub tool: Tool,
    /// The host.
    pub facts: HostFacts,
    /// The rules that the endpoint judged by.
    pub ruleset: RulesetStamp,
    /// Ids of the policies that it judged by: what of the rules led the look.
    pub policies: Vec<String>,
    /// What led the look: the id of its text. None: that cannot be told any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub led: Option<Id>,
    /// The text, where the collector asked for it: a document of the ruleset's, of which each side reads what it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sought: Option<String>,
    /// Which halves were looked at.
    pub scope: ScopeAsk,
    /// How deep.
    pub depth: Depth,
    /// The sources whose digests are not those that the collector has.
    pub sources: Vec<SourceSent>,
    /// Sources that the collector has, and that are as it has them, by name.
    pub kept: BTreeMap<String, Digests>,
    /// Bodies of ids that the collector asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
}

/// A source whose digests have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSent {
    /// How it ended.
    pub report: SourceReport,
    /// What it saw, or the part of it where it was not whole. None where it saw nothing for it could not look; of a source that
    /// was whole: where that is as the collector has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<SetSent>,
}

/// A set: whole, or what is new against one that the collector has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSent {
    /// The set that this is told against; none: this is the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Id>,
    /// The set that it comes to.
    pub digest: Id,
    /// New entries, and those whose dates have changed.
    pub add: Vec<Entry>,
    /// Entries that are there no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<Id>,
}

/// What the collector says to a check-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// It is kept, and durable. Nothing more is wanted.
    Kept {
        /// Whether this report was kept as history only: a newer one is there.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        history: bool,
        /// What [`FleetRules`] the host is judged by; none: by the built-in rules, under the policy that is asked by default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rules: Option<Id>,
    },
    /// It is not what the collector has: these are the digests of what it has.
    Send {
        /// Number of the last report that is kept; 0: none.
        seq: u64,
        /// By name of the source. Where a set was a part, this is the digest of the part: of what came last.
        sources: BTreeMap<String, Digests>,
    },
    /// The bodies of these are not known to the fleet.
    Need {
        /// Ids of [`Seen`].
        ids: Vec<Id>,
        /// Whether the text of what led the look is not known either.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        sought: bool,
    },
}

/// What an endpoint says of itself when it enrols.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    /// The enrolment secret.
    pub secret: String,
    /// The installation.
    pub install: Id,
    /// Digest of what makes the machine this machine.
    pub machine: Id,
    /// What the host is called.
    pub name: Option<String>,
    /// Its family of operating systems.
    pub family: Family,
    /// The program.
    pub tool: Tool,
}

/// What the collector gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Enrolled {
    /// Who it is from now on.
    pub host: Id,
    /// What proves it. Told once; the collector keeps its hash alone.
    pub token: String,
    /// The site's key for pseudonyms of users, 64 hexadecimal digits: the same for all hosts, so that one user is one
    /// pseudonym on all of them.
    pub site_key: String,
}

/// What the collector says when it refuses: the same for every route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// A word that does not change.
    pub code: Cow<'static, str>,
    /// For people: what, why, what next.
    pub detail: String,
    /// By which the collector's log can be searched.
    pub request_id: String,
}

/// Version of what the collector says of its rules.
pub const RULES_SCHEMA: &str = "interdict.fleet-rules/1";

/// A signed folder of rules: its files, their list and the signature of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesFolder {
    /// Texts of the rule files, by their names in the folder.
    pub files: BTreeMap<String, String>,
    /// `ruleset.sums`: the files with their SHA-256.
    pub sums: String,
    /// `ruleset.sums.minisig`: the signature of that.
    pub signature: String,
}

/// By what a host is judged: what the collector tells it, so that its next scan is led by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FleetRules {
    /// [`RULES_SCHEMA`].
    pub schema: Cow<'static, str>,
    /// What `kept` tells, and the `ETag` in quotes: another one is another law.
    pub tag: Id,
    /// Ids of the policies.
    pub policies: Vec<String>,
    /// Rules beside the built-in ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<RulesFolder>,
}
