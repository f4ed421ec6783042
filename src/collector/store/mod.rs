//! What the fleet is kept in, behind one trait: who may speak, what each host holds, what follows from it.
//!
//! Called by `api`, `check_in` and the collector's commands. One folder per database, and `sql` for what is asked of each; the
//! same suite (`tests/stores.rs`) runs on each. A method that changes something returns when the change is durable, and not before. Must not know HTTP, nor judge
//! anything.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::events::Happening;
use super::expected::Expected;

use crate::model::{Digests, Id, ItemId, RulesFolder, Seen, Stamp};
use crate::ruleset::Sought;

pub mod codec;
mod coverage;
mod events;
mod history;
mod kept;
mod law;
mod people;
pub mod postgres;
mod questions;
pub mod sqlite;

pub use coverage::{UnseenAfter, UnseenAsk, UnseenCount, UnseenRow};
pub use events::{
    Destination, DestinationRow, Due, EventCount, EventRow, EventsAsk, ExpectedAsk, ExpectedRow,
};
pub use history::{Compared, ReportChange, ReportRow};
pub use kept::{
    Advance, Asked, FindingState, Fork, Holding, Judged, JudgedBy, Keep, KeptFinding, KeptHost, KeptSet,
    KeptSource, KeptWhole, Known, Look, Looked, Reported, Standing, Stored,
};
pub use law::{
    Added, AuditAsk, AuditRow, By, Claim, Claimed, Excepted, ExceptionRow, JobRow, LawChange, LawState,
    LookRow, NewException, NewRuleset, NumberedItem, RulesetRow, Settled, TagRow, Whose,
};
pub use people::{Changed, Day, FindingCount, NewPerson, NewSession, Person, PersonChange, Session, SignsIn};
pub use questions::{
    Counts, FindingRow, FindingsAsk, HostDetail, HostRow, HostsAsk, ItemHost, ItemHostsAsk, ItemRow,
    ItemsAsk, Page, SourceRow, VerdictAsk, VerdictRow,
};

/// What a store cannot do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database says no. For the log; a client is told that the collector cannot keep it now.
    #[error("{doing}: {source}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the database says; many may wait for one commit.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// What is kept cannot be read back: damage, or a newer version's.
    #[error("{what} of {of} cannot be read back: {why}")]
    Damaged {
        /// What.
        what: &'static str,
        /// Whose.
        of: String,
        /// Why.
        why: String,
    },
    /// A newer version of the collector has been here.
    #[error(
        "the database is of version {found}, and this collector knows versions up to {known}: run a newer collector"
    )]
    Newer {
        /// The database's version.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// It may lose what it has acknowledged, or is none that the collector can work with.
    #[error("{what}; {next}")]
    Unfit {
        /// What is wrong with it.
        what: String,
        /// What to do.
        next: &'static str,
    },
    /// Something that another program does for this database.
    #[error("{0}")]
    Elsewhere(String),
    /// The writer is gone: the store is being closed.
    #[error("the store is closed")]
    Closed,
}

/// What a store answers.
pub type Kept<T> = Result<T, StoreError>;

/// How often a change is tried anew that stood in another's way.
const TRIES: u32 = 6;
/// What is waited before, times the tries.
const PAUSE: Duration = Duration::from_millis(7);

/// Under which the hash of the set-up token is noted, until it is used up.
pub const SET_UP: &str = "set-up";

/// SHA-256 of a token or a secret; they themselves are kept nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash(pub [u8; 32]);

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Asks questions.
    Viewer,
    /// Also changes tags, waivers, expected hosts.
    Operator,
    /// Also makes tokens and secrets.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: &'static [Self] = &[Self::Viewer, Self::Operator, Self::Admin];

    /// The word in commands and in the database.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// Who speaks with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bearer {
    /// An enrolled host.
    Host(Id),
    /// A person's or a program's token for the questions.
    Api {
        /// Its name.
        name: String,
        /// What it may.
        role: Role,
    },
}

/// Why a token is refused: told to the log, not to who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Nobody knows it.
    Unknown,
    /// Its time is over.
    Expired,
    /// Somebody took it back.
    Revoked,
}

/// A secret by which hosts enrol, or a token for questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// What it is called; no two are called the same, and none is called again what a revoked one was.
    pub name: String,
    /// What it is for; none: for enrolment.
    pub role: Option<Role>,
    /// Made when.
    pub created: Stamp,
    /// The moment from which it is refused.
    pub expires: Option<Stamp>,
    /// When it was taken back.
    pub revoked: Option<Stamp>,
    /// When it was last used, to the hour.
    pub used: Option<Stamp>,
}

/// A host that enrols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHost {
    /// Who it is from now on; made by the caller.
    pub host: Id,
    /// Its installation.
    pub install: Id,
    /// Digest of its machine.
    pub machine: Id,
    /// What it says it is called.
    pub name: Option<String>,
    /// The word of its family.
    pub family: &'static str,
    /// Hash of its token.
    pub token: SecretHash,
    /// The host that it spoke as before, which it proved by that one's token: a split one is then retired.
    pub replaces: Option<Id>,
}

/// What became of an enrolment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enrolment {
    /// A host of its own.
    New,
    /// The same installation on the same machine was here before, as this host; its earlier token holds no longer.
    Again(Id),
    /// Another machine has this installation, or two speak as it: it has to make a new one (`--reset`).
    Taken,
}

/// Where the fleet is kept.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // Who may speak.

    /// Adds a secret or a token; false: the name is taken.
    async fn add_credential(&self, new: &Credential, hash: SecretHash) -> Kept<bool>;
    /// Every secret and token, by name.
    async fn credentials(&self) -> Kept<Vec<Credential>>;
    /// Takes one back; false: none of that name holds.
    async fn revoke(&self, name: &str, at: Stamp) -> Kept<bool>;
    /// The name of an enrolment secret.
    async fn enrolment_secret(&self, hash: SecretHash, now: Stamp) -> Kept<Result<String, Refused>>;
    /// Who speaks with a token.
    async fn bearer(&self, hash: SecretHash, now: Stamp) -> Kept<Result<Bearer, Refused>>;
    /// Enrols a host.
    async fn enrol(&self, new: &NewHost, now: Stamp) -> Kept<Enrolment>;

    // Check-ins.

    /// What is known of a host; of the report that is kept under a number, and of those named as the one before.
    async fn known(&self, host: Id, seq: u64, previous: &[Id]) -> Kept<Option<Known>>;
    /// Digests of its sources, by name.
    async fn sources(&self, host: Id) -> Kept<BTreeMap<String, Digests>>;
    /// Bodies of the ids, of those that the fleet knows.
    async fn seen(&self, ids: &[Id]) -> Kept<BTreeMap<Id, Arc<Seen>>>;
    /// What led scans, by its id, where the fleet knows it.
    async fn sought(&self, id: Id) -> Kept<Option<Arc<Sought>>>;
    /// All that is kept of what a host holds; none where it never told.
    async fn held(&self, host: Id) -> Kept<Option<KeptHost>>;
    /// How hosts were looked at, by their numbers. What cannot be read is left out.
    async fn looked(&self, hosts: &[i64]) -> Kept<BTreeMap<i64, Looked>>;
    /// Keeps a report. Nothing of it is kept unless all of it is.
    async fn keep(&self, keep: Keep) -> Kept<Stored>;
    /// Two machines speak as this host: its verdict is unknown from now on.
    async fn split(&self, host: Id, at: Stamp) -> Kept<()>;

    // Questions.

    /// Hosts, by id.
    async fn hosts(&self, ask: &HostsAsk) -> Kept<Page<HostRow>>;
    /// One host.
    async fn host(&self, host: Id, stale_before: Option<Stamp>) -> Kept<Option<HostDetail>>;
    /// Findings, in the order in which they were opened.
    async fn findings(&self, ask: &FindingsAsk) -> Kept<Page<FindingRow>>;
    /// Items that some host has, by folded name and id.
    async fn items(&self, ask: &ItemsAsk) -> Kept<Page<ItemRow>>;
    /// An item; none: no host ever had it.
    async fn item(&self, item: ItemId) -> Kept<Option<ItemRow>>;
    /// Hosts that have an item, by id of the host.
    async fn item_hosts(&self, ask: &ItemHostsAsk) -> Kept<Page<ItemHost>>;
    /// What sources of hosts could not see, by the source and then by the store's numbers of hosts.
    async fn unseen(&self, ask: &UnseenAsk) -> Kept<Page<UnseenRow>>;
    /// The same counted, by the source and what it could not see.
    async fn unseen_counts(&self) -> Kept<Vec<UnseenCount>>;
    /// Figures of the whole; hosts not looked at since that moment are stale.
    async fn counts(&self, stale_before: Option<Stamp>) -> Kept<Counts>;
    /// Which of the hosts that there ought to be were heard of, by folded name.
    async fn expected(&self, ask: &ExpectedAsk) -> Kept<Page<ExpectedRow>>;
    /// What has happened, in the order in which it was noticed.
    async fn events(&self, ask: &EventsAsk) -> Kept<Page<EventRow>>;
    /// What has happened since a moment, counted by its word.
    async fn event_counts(&self, since: Stamp) -> Kept<Vec<EventCount>>;
    /// What these hosts say they are called, those that say it.
    async fn names(&self, hosts: &[Id]) -> Kept<BTreeMap<Id, String>>;
    /// Whether the store can be read and written.
    async fn ready(&self) -> Kept<()>;

    // Fleet truth, and who is told.

    /// From now on these are all the hosts that there ought to be.
    async fn expect(&self, hosts: &[Expected], by: &By) -> Kept<()>;
    /// Notes what has happened; what was noted already is left. How many were new.
    async fn add_events(&self, happened: &[Happening], at: Stamp) -> Kept<u64>;
    /// Notes the hosts that were not looked at since a moment; how many were new.
    async fn stale_hosts(&self, before: Stamp, at: Stamp) -> Kept<u64>;
    /// Takes what waits for a destination: nobody else gets it for so many seconds.
    async fn claim_events(&self, to: &Destination, now: Stamp, lease: i64, limit: u32) -> Kept<Vec<Due>>;
    /// A destination knows of these events.
    async fn told(&self, destination: &str, numbers: &[u64]) -> Kept<()>;
    /// A destination could not be told of these; when it is tried again; none: never.
    async fn untold(&self, destination: &str, numbers: &[u64], next: Option<Stamp>, why: &str) -> Kept<()>;
    /// Destinations, and what waits for them.
    async fn destinations(&self) -> Kept<Vec<DestinationRow>>;

    // The law.

    /// The law as it stands.
    async fn law(&self) -> Kept<LawState>;
    /// Its number alone.
    async fn law_version(&self) -> Kept<u64>;
    /// Changes it, and says its new number; none: it names a folder or an exception that is not there, or the day was there.
    async fn change_law(&self, change: &LawChange, by: &By) -> Kept<Option<u64>>;
    /// Folders of rules, the last ones first.
    async fn rulesets(&self) -> Kept<Vec<RulesetRow>>;
    /// A folder of rules.
    async fn ruleset(&self, id: Id) -> Kept<Option<(RulesetRow, RulesFolder)>>;
    /// Keeps a folder of rules that was verified.
    async fn add_ruleset(&self, new: &NewRuleset, by: &By) -> Kept<Added>;
    /// Exceptions, those that were taken back and those that are over among them.
    async fn exceptions(&self) -> Kept<Vec<ExceptionRow>>;
    /// Gives a host these tags, and takes others from it; false: there is none. It is then to be judged anew.
    async fn set_tags(&self, host: Id, tags: &[String], by: &By) -> Kept<bool>;
    /// Tags that hosts have or policies are assigned to.
    async fn tags(&self) -> Kept<Vec<TagRow>>;
    /// Who changed what.
    async fn audit(&self, ask: &AuditAsk) -> Kept<Page<AuditRow>>;

    // Judging anew.

    /// Changes of the law, the last ones first, and how far hosts are judged by them.
    async fn jobs(&self, limit: u32) -> Kept<Vec<JobRow>>;
    /// Takes hosts that are to be judged anew.
    async fn claim(&self, claim: &Claim) -> Kept<Vec<Claimed>>;
    /// Keeps what follows.
    async fn settle(&self, settled: &[Settled], at: Stamp) -> Kept<()>;
    /// Notes that no host is left; false: some are.
    async fn end_job(&self, version: u64, at: Stamp) -> Kept<bool>;
    /// Items, by the store's numbers.
    async fn numbered_items(&self, after: i64, limit: u32) -> Kept<Vec<NumberedItem>>;
    /// Sightings and their items, by the store's numbers of both.
    async fn numbered_sightings(&self, after: i64, limit: u32) -> Kept<Vec<(i64, i64)>>;
    /// Numbers of hosts that have one of these items.
    async fn hosts_having(&self, items: &[i64]) -> Kept<Vec<i64>>;
    /// How the last looks came to be, by the store's numbers of hosts.
    async fn looks(&self, after: i64, limit: u32) -> Kept<Vec<LookRow>>;

    // Who may open the console, and what it tells beside all this.

    /// People, by name.
    async fn people(&self) -> Kept<Vec<Person>>;
    /// Somebody, by name.
    async fn person(&self, name: &str) -> Kept<Option<Person>>;
    /// Somebody, by whom a provider of identities says that they are.
    async fn known_as(&self, subject: &str) -> Kept<Option<Person>>;
    /// Lets somebody in; false: the name, or who it stands for, is taken.
    async fn add_person(&self, new: &NewPerson, by: &By) -> Kept<bool>;
    /// Lets the first admin in, by the set-up token, which is used up; false: it does not hold.
    async fn set_up(&self, new: &NewPerson, token: SecretHash, by: &By) -> Kept<bool>;
    /// Changes somebody, whose sessions end.
    async fn change_person(&self, name: &str, change: &PersonChange, by: &By) -> Kept<Changed>;
    /// Notes that somebody gave a password, right or wrong; whether they are kept out from now on.
    async fn tried(&self, name: &str, right: bool, at: Stamp) -> Kept<bool>;
    /// Begins a session.
    async fn begin_session(&self, new: &NewSession, at: Stamp) -> Kept<()>;
    /// A session that goes on.
    async fn session(&self, hash: SecretHash, at: Stamp) -> Kept<Option<Session>>;
    /// Ends a session.
    async fn end_session(&self, hash: SecretHash) -> Kept<()>;
    /// Notes who changed what: action, what was changed, more.
    async fn audit_note(&self, by: &By, what: [&str; 3]) -> Kept<()>;
    /// Notes how the fleet stands on a day.
    async fn note_day(&self, day: &Day) -> Kept<()>;
    /// The last so many days, the first of them first.
    async fn days(&self, limit: u32) -> Kept<Vec<Day>>;
    /// Findings that are not closed, counted.
    async fn finding_counts(&self) -> Kept<Vec<FindingCount>>;
    /// Reports of a host, the last ones first.
    async fn reports(&self, host: Id, limit: u32) -> Kept<Vec<ReportRow>>;
    /// What reports of a host have changed, as far as it is kept.
    async fn changes(&self, host: Id) -> Kept<Vec<ReportChange>>;
    /// What differs between two reports of a host, by their numbers; none: one of them is not known.
    async fn compare(&self, host: Id, from: u64, to: u64) -> Kept<Option<Compared>>;

    // Upkeep.

    /// What is noted of the fleet under a name.
    async fn marked(&self, name: &str) -> Kept<Option<Vec<u8>>>;
    /// Notes it, and tells what is noted now: what was first, unless it is to be noted anew.
    async fn mark(&self, name: &str, value: &[u8], anew: bool) -> Kept<Vec<u8>>;
    /// Forgets a host and all that is only its own; false: there is none.
    async fn erase(&self, host: Id) -> Kept<bool>;
    /// Forgets reports, verdicts and closed findings from before a moment, but for the last of each; how many rows.
    async fn prune(&self, before: Stamp) -> Kept<u64>;
    /// Writes a copy of the whole to a new file, while check-ins go on.
    async fn backup(&self, to: &Path) -> Kept<()>;
    /// Lets what is under way end, and closes.
    async fn close(&self);
}
