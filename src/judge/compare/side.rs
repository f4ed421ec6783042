//! One of two documents, a report or an inventory, as the comparison sees it.
//!
//! Called by the files beside it.

use crate::model::{
    Coverage, Date, Depth, Finding, HostFacts, Inventory, InventoryItem, Mode, PolicyOutcome, REPORT_SCHEMA,
    Report, Scope, ScopeAsk, ScopeKind, SourceReport, Stamp, Tool, User, Verdict,
};

/// A report or an inventory.
#[derive(Debug)]
pub struct Side<'a> {
    pub(super) schema: &'a str,
    pub(super) tool: &'a Tool,
    pub(super) scanned_at: Stamp,
    pub(super) host: &'a HostFacts,
    pub(super) coverage: &'a Coverage,
    /// None in what old versions wrote.
    pub(super) depth: Option<Depth>,
    pub(super) scope: ScopeAsk,
    /// None of an inventory.
    pub(super) judged: Option<Judged<'a>>,
    /// None of a report without its items.
    pub(super) items: Option<&'a [InventoryItem]>,
}

/// What was judged.
#[derive(Debug)]
pub(super) struct Judged<'a> {
    pub(super) verdict: Verdict,
    /// Digest of the rules.
    pub(super) ruleset: &'a str,
    pub(super) as_of: Date,
    pub(super) policies: &'a [PolicyOutcome],
    pub(super) findings: &'a [Finding],
}

/// A report of which only parts are kept.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// The program that made it.
    pub tool: &'a Tool,
    /// When the scan began.
    pub scanned_at: Stamp,
    /// The host.
    pub host: &'a HostFacts,
    /// What was and was not seen.
    pub coverage: &'a Coverage,
    /// How deep.
    pub depth: Depth,
    /// Which halves.
    pub scope: ScopeAsk,
    /// The rules that the scan was led by, and those that it was judged by.
    pub ruleset: &'a str,
    /// The day.
    pub as_of: Date,
    /// The verdict.
    pub verdict: Verdict,
    /// Verdict per policy.
    pub policies: &'a [PolicyOutcome],
    /// Findings.
    pub findings: &'a [Finding],
    /// Items, where they are kept.
    pub items: Option<&'a [InventoryItem]>,
}

impl<'a> Side<'a> {
    /// A report of which only parts are kept.
    pub fn of_kept(kept: Kept<'a>) -> Self {
        Self {
            schema: REPORT_SCHEMA,
            tool: kept.tool,
            scanned_at: kept.scanned_at,
            host: kept.host,
            coverage: kept.coverage,
            depth: Some(kept.depth),
            scope: kept.scope,
            judged: Some(Judged {
                verdict: kept.verdict,
                ruleset: kept.ruleset,
                as_of: kept.as_of,
                policies: kept.policies,
                findings: kept.findings,
            }),
            items: kept.items,
        }
    }

    /// A report.
    pub fn of_report(report: &'a Report) -> Self {
        Self {
            schema: &report.schema,
            tool: &report.tool,
            scanned_at: report.scanned_at,
            host: &report.host,
            coverage: &report.coverage,
            depth: Some(report.claim.depth),
            scope: report.claim.scope,
            judged: Some(Judged {
                verdict: report.verdict,
                ruleset: &report.ruleset.digest,
                as_of: report.claim.as_of,
                policies: &report.policies,
                findings: &report.findings,
            }),
            items: report.inventory.as_deref(),
        }
    }

    /// An inventory.
    pub fn of_inventory(inventory: &'a Inventory) -> Self {
        Self {
            schema: &inventory.schema,
            tool: &inventory.tool,
            scanned_at: inventory.scanned_at,
            host: &inventory.host,
            coverage: &inventory.coverage,
            depth: inventory.depth,
            scope: scope_of(&inventory.coverage),
            judged: None,
            items: Some(&inventory.items),
        }
    }

    /// The report of a source.
    pub(super) fn source(&self, name: &str) -> Option<&'a SourceReport> {
        self.coverage.sources.iter().find(|source| source.source == name)
    }

    /// The user of a number.
    pub(super) fn user(&self, n: u32) -> Option<&'a User> {
        self.host.users.iter().find(|user| user.n == n)
    }

    /// The same user here: numbers are those of one document, and home folders are not.
    pub(super) fn same_user(&self, other: &User) -> Option<&'a User> {
        self.host.users.iter().find(|user| user.home == other.home && user.sid == other.sid)
    }

    /// Whose something is, for people.
    pub(super) fn scope_words(&self, scope: &Scope) -> String {
        match scope {
            Scope::User(n) => match self.user(*n) {
                Some(user) => format!("user {}", user.name),
                None => scope.to_string(),
            },
            other => other.to_string(),
        }
    }

    /// Whose something is, the same in both documents.
    pub(super) fn scope_key(&self, scope: &Scope) -> String {
        match scope {
            Scope::User(n) => match self.user(*n) {
                Some(user) => {
                    format!("user:{}:{}", user.home.text(), user.sid.as_deref().unwrap_or_default())
                }
                None => scope.to_string(),
            },
            other => other.to_string(),
        }
    }

    /// Whether both are of one host. A machine id decides where both tell it; a host that tells neither an id nor a name is
    /// only taken for one that tells nothing either.
    pub(super) fn is_same_host(&self, other: &Self) -> bool {
        let same = match (&self.host.machine_id, &other.host.machine_id) {
            (Some(one), Some(two)) => one == two,
            _ => self.host.name == other.host.name,
        };
        same && self.host.family == other.host.family
    }

    /// The host, for people.
    pub(super) fn host_words(&self) -> String {
        let name = self.host.name.as_deref().unwrap_or("a host without a name");
        let id = self.host.machine_id.as_deref().map_or(String::new(), |id| format!(", machine id {id}"));
        format!("{name} ({}{id})", self.os_words())
    }

    /// Its system, for people.
    pub(super) fn os_words(&self) -> String {
        self.host.os.name.clone().unwrap_or_else(|| self.host.family.word().to_owned())
    }

    /// Whether it looked at a dead disk.
    pub(super) fn is_offline(&self) -> bool {
        self.host.mode == Mode::Offline
    }
}

/// Which halves were looked at: an inventory does not say it, its sources do.
fn scope_of(coverage: &Coverage) -> ScopeAsk {
    let any = |kind| coverage.sources.iter().any(|source| source.scopes.contains(&kind));
    match (any(ScopeKind::Machine), any(ScopeKind::User)) {
        (true, false) => ScopeAsk::System,
        (false, true) => ScopeAsk::User,
        _ => ScopeAsk::All,
    }
}
