//! The shared nouns of the house: what a host is, what was found on it, how well it was looked at,
//! and what follows. Imported by every room; imports none of ours, does no I/O, makes no decision.

mod comparison;
mod coverage;
mod date;
mod facts;
mod finding;
mod fleet;
mod host_path;
mod identifier;
mod item;
mod json;
mod order;
mod report;
mod sighting;
mod trace;
mod verdict;
mod wanted;
mod windows;

pub use comparison::{
    Asked, AskedChange, COMPARISON_SCHEMA, Clean, Comes, Compared, Comparison, CoverageChange, Fate,
    FindingChange, FindingSide, GapChange, ItemChange, ItemChanges, ItemFate, ItemSide, PolicyChange, Shown,
    SourceChange, Trend,
};
pub use coverage::{Coverage, Gap, GapReason, Need, SourceReport, Status};
pub use date::{Date, Stamp};
pub use facts::{Alias, Depth, Family, HostFacts, Mode, Os, ScopeAsk, ScopeKind, User, UserGap};
pub use finding::{
    Because, Class, Confidence, Evidence, Exception, Finding, LegalBasis, Milestone, Severity, Strength,
};
pub use fleet::{
    Answer, Body, CHECK_IN_SCHEMA, CheckIn, Digests, Enrol, Enrolled, Entry, FleetRules, Header, Id, Problem,
    RULES_SCHEMA, RulesFolder, Seen, SetSent, SourceSent, SourceSet,
};
pub use host_path::HostPath;
pub use identifier::{Identifier, IdentifierType};
pub use item::{Field, Item, ItemId, ItemKind, Looked, Scheme, Signer, Trust, Version};
pub use json::{of_json, to_json, to_pretty, write_json, write_pretty};
pub use order::{Order, set_of};
pub use report::{INVENTORY_SCHEMA, Inventory, InventoryItem, REPORT_SCHEMA, Report, RulesetStamp, Tool};
pub use sighting::{
    Image, Link, LinkKind, Means, PackageRef, Place, ProcessFacts, Recorded, Scope, Sighting, State,
};
pub use trace::Trace;
pub use verdict::{Accepted, Claim, Effect, Judgement, Phase, PolicyOutcome, Unseen, Verdict};
pub use wanted::Wanted;
pub use windows::WindowsFacts;
