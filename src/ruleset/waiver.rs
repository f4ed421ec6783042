//! Exceptions that a site makes: findings that are waived, gaps that are accepted, each with who, why and until when.
//!
//! Made by `compile`, asked by `judge`. What is waived is shown, never hidden.

use std::sync::Arc;

use serde::Serialize;

use crate::model::{Date, Gap, GapReason};
use crate::normalise::fold;

use super::diagnostic::{At, Diagnostic, Faults};
use super::pattern::Pattern;
use super::rule_file::RuleFile;
use super::{Code, Ruleset};

/// Days after which an exception should be looked at again.
const LONG: i64 = 400;

/// Who answers for an exception, why, and until when.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Why.
    pub reason: String,
    /// Who approved it.
    pub approver: String,
    /// The last day on which it holds.
    pub expires: Date,
}

/// Hosts that an exception is for.
#[derive(Debug, Serialize)]
pub struct Hosts(pub(super) Option<Pattern>);

impl Hosts {
    /// Whether a host of this name is one of them. A host without a name is only where every host is.
    pub fn include(&self, name: Option<&str>) -> bool {
        match (&self.0, name) {
            (None, _) => true,
            (Some(pattern), Some(name)) => pattern.matches(&fold(name)),
            (Some(_), None) => false,
        }
    }

    /// Which, for people.
    pub fn words(&self) -> String {
        self.0.as_ref().map_or_else(|| "all".to_owned(), Pattern::words)
    }

    /// Whether they are all there are.
    pub fn are_all(&self) -> bool {
        self.0.is_none()
    }
}

/// A finding that a site puts up with.
#[derive(Debug, Serialize)]
pub struct Waiver {
    /// Id of the prohibition.
    pub prohibition: String,
    /// Ids of the products; none: whatever the prohibition covers.
    pub products: Vec<String>,
    /// Hosts.
    pub hosts: Hosts,
    /// Who, why, until when.
    pub answer: Answer,
    /// Where it is written.
    pub at: At,
}

/// A gap in coverage that a site puts up with.
#[derive(Debug, Serialize)]
pub struct AcceptedGap {
    /// Source that has the gap.
    pub source: String,
    /// Reasons of gaps; none: any.
    pub gaps: Vec<GapReason>,
    /// Places of gaps; none: any.
    pub places: Option<Pattern>,
    /// Hosts.
    pub hosts: Hosts,
    /// Who, why, until when.
    pub answer: Answer,
    /// Where it is written.
    pub at: At,
}

/// Exceptions for one host that stand in no rule file: a collector grants them to hosts that it knows by their id.
#[derive(Debug, Default)]
pub struct Granted {
    /// Waivers.
    pub waivers: Vec<Waiver>,
    /// Accepted gaps.
    pub accepted_gaps: Vec<AcceptedGap>,
}

impl Granted {
    /// Grants a waiver; `name` is where it can be looked up. No products: whatever the prohibition covers.
    pub fn waive(&mut self, name: &str, prohibition: String, products: Vec<String>, answer: Answer) {
        let (hosts, at) = (Hosts(None), place(name));
        self.waivers.push(Waiver { prohibition, products, hosts, answer, at });
    }

    /// Accepts gaps of a source; no reasons: any.
    pub fn accept_gap(&mut self, name: &str, source: String, gaps: Vec<GapReason>, answer: Answer) {
        let (hosts, at) = (Hosts(None), place(name));
        self.accepted_gaps.push(AcceptedGap { source, gaps, places: None, hosts, answer, at });
    }
}

/// A place in no file.
fn place(name: &str) -> At {
    At::new(&Arc::new(RuleFile::new(name.to_owned(), name.to_owned(), String::new())), 0..0)
}

impl Waiver {
    /// Whether it is for this product on this host.
    pub fn is_for(&self, prohibition: &str, product: &str, host: Option<&str>) -> bool {
        self.prohibition == prohibition
            && (self.products.is_empty() || self.products.iter().any(|own| own == product))
            && self.hosts.include(host)
    }
}

impl AcceptedGap {
    /// Whether it is for this gap. Places that a report does not name are not known to be accepted.
    pub fn covers(&self, gap: &Gap) -> bool {
        let named = gap.places.len() as u64 == gap.count;
        let places =
            |pattern: &Pattern| named && gap.places.iter().all(|place| pattern.matches(&fold(&place.text())));
        (self.gaps.is_empty() || self.gaps.contains(&gap.reason)) && self.places.as_ref().is_none_or(places)
    }

    /// Whether it is for whatever the source cannot see.
    pub fn covers_all(&self) -> bool {
        self.gaps.is_empty() && self.places.is_none()
    }
}

impl Answer {
    /// Whether it still holds.
    pub fn holds(&self, as_of: Date) -> bool {
        as_of <= self.expires
    }
}

/// What of a ruleset's exceptions has run out, or is made for too long, on a day.
pub fn dated(ruleset: &Ruleset, as_of: Date) -> Vec<Diagnostic> {
    let faults = Faults::default();
    let waivers = ruleset.waivers().iter().map(|one| (&one.answer, &one.at));
    let gaps = ruleset.accepted_gaps().iter().map(|one| (&one.answer, &one.at));
    for (answer, at) in waivers.chain(gaps) {
        if !answer.holds(as_of) {
            let label = format!("it held until {}", answer.expires);
            let hint = "remove it, or have it approved again with a later date";
            faults.hint(Code::ExpiredWaiver, at, label, hint);
        } else if answer.expires.days_since(as_of) > LONG {
            let label = format!("it holds until {}, more than a year ahead", answer.expires);
            faults.hint(Code::LongWaiver, at, label, "have it looked at again within a year");
        }
    }
    faults.into_sorted()
}

/// Waivers for this host that no finding needed.
pub fn unused<'r>(waivers: impl Iterator<Item = &'r Waiver>) -> Vec<Diagnostic> {
    let faults = Faults::default();
    for waiver in waivers {
        let label = format!("nothing on this host needs a waiver of {}", waiver.prohibition);
        faults.hint(Code::UnusedWaiver, &waiver.at, label, "remove it once this holds on all its hosts");
    }
    faults.into_sorted()
}
