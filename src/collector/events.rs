//! What happens in a fleet that somebody wants to be told of: by a webhook, by mail, in the list of events.
//!
//! Noted by the store in the same transaction as what they tell of, sent by `push`. Plain data, and when something is one.

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Confidence, Date, Id, Severity, Stamp, Verdict};

use super::store::KeptFinding;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data", rename_all = "kebab-case")]
pub enum Happening {
    /// A product is on a host on which it was not known to be.
    FindingOpened(FindingTold),
    /// It is gone, and that was seen; or the rules no longer prohibit it.
    FindingClosed(FindingTold),
    /// A host's verdict is worse than it was.
    VerdictWorse(VerdictTold),
    /// A host's verdict is better than it was.
    VerdictBetter(VerdictTold),
    /// Two machines speak as one host: nothing is known of it until each has enrolled anew.
    HostSplit(HostTold),
    /// A host was not looked at for so long that nothing is known of it any more.
    HostStale(HostTold),
    /// A waiver, or an accepted gap, ends within days.
    ExceptionExpires(ExceptionTold),
    /// Nothing: somebody tries whether a destination is reached.
    Test(TestTold),
}

/// What a trial says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestTold {
    /// For people.
    pub text: String,
}

/// Which host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostTold {
    /// Its id.
    pub host: Id,
    /// What it says it is called.
    pub name: Option<String>,
    /// When it was last looked at, by the collector's clock; none: it never reported.
    pub looked_at: Option<Stamp>,
}

/// Which finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingTold {
    /// The host's id.
    pub host: Id,
    /// What it says it is called.
    pub name: Option<String>,
    /// The policy.
    pub policy: String,
    /// The prohibition of it.
    pub prohibition: String,
    /// The product's id.
    pub product: String,
    /// What that is called.
    pub product_name: String,
    /// Whose it is.
    pub vendor_name: String,
    /// How bad it is.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// Whether it makes the host non-compliant.
    pub decides: bool,
    /// Why it is not open any more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<String>,
}

/// How a host's verdict changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerdictTold {
    /// The host's id.
    pub host: Id,
    /// What it says it is called.
    pub name: Option<String>,
    /// What it was; none: unknown.
    pub before: Option<Verdict>,
    /// What it is; none: unknown.
    pub now: Option<Verdict>,
}

/// Which exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExceptionTold {
    /// `waiver` or `gap`, and which.
    pub exception: String,
    /// Who answers for it.
    pub owner: String,
    /// Why it was made.
    pub reason: String,
    /// The last day on which it counts.
    pub expires: Date,
}

impl Happening {
    /// Words for what can happen, as a configuration names them.
    pub const WORDS: &'static [&'static str] = &[
        "finding-opened",
        "finding-closed",
        "verdict-worse",
        "verdict-better",
        "host-split",
        "host-stale",
        "exception-expires",
    ];
    /// Those that are told where a configuration names none: what somebody has to do something about.
    pub const USUAL: &'static [&'static str] =
        &["finding-opened", "verdict-worse", "host-split", "host-stale", "exception-expires"];

    /// Its word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::FindingOpened(_) => "finding-opened",
            Self::FindingClosed(_) => "finding-closed",
            Self::VerdictWorse(_) => "verdict-worse",
            Self::VerdictBetter(_) => "verdict-better",
            Self::HostSplit(_) => "host-split",
            Self::HostStale(_) => "host-stale",
            Self::ExceptionExpires(_) => "exception-expires",
            Self::Test(_) => "test",
        }
    }

    /// On which host.
    pub const fn host(&self) -> Option<Id> {
        match self {
            Self::FindingOpened(told) | Self::FindingClosed(told) => Some(told.host),
            Self::VerdictWorse(told) | Self::VerdictBetter(told) => Some(told.host),
            Self::HostSplit(told) | Self::HostStale(told) => Some(told.host),
            Self::ExceptionExpires(_) | Self::Test(_) => None,
        }
    }

    /// What it is kept under: the same is told once, whoever notices it, and however often.
    pub fn key(&self, at: Stamp) -> String {
        let word = self.word();
        match self {
            Self::FindingOpened(told) | Self::FindingClosed(told) => {
                let FindingTold { host, policy, prohibition, product, .. } = told;
                format!("{word} {host} {policy} {prohibition} {product} {}", at.unix())
            }
            Self::VerdictWorse(told) | Self::VerdictBetter(told) => {
                format!("{word} {} {}", told.host, at.unix())
            }
            // Once per silence.
            Self::HostSplit(told) | Self::HostStale(told) => {
                format!("{word} {} {}", told.host, told.looked_at.map_or(0, Stamp::unix))
            }
            Self::ExceptionExpires(told) => format!("{word} {} {}", told.exception, told.expires),
            Self::Test(_) => format!("{word} {}", at.unix()),
        }
    }

    /// What that host says it is called.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::FindingOpened(told) | Self::FindingClosed(told) => told.name.as_deref(),
            Self::VerdictWorse(told) | Self::VerdictBetter(told) => told.name.as_deref(),
            Self::HostSplit(told) | Self::HostStale(told) => told.name.as_deref(),
            Self::ExceptionExpires(_) | Self::Test(_) => None,
        }
    }

    /// It in a line, for people.
    pub fn sentence(&self) -> String {
        let what = self.what();
        match (self.host(), self.name()) {
            (Some(host), Some(name)) => format!("{name} ({host}): {what}"),
            (Some(host), None) => format!("{host}: {what}"),
            (None, _) => what,
        }
    }

    /// The same for who is told the host already.
    pub fn what(&self) -> String {
        match self {
            Self::FindingOpened(told) => format!(
                "{} of {} found ({}, {}; {} {})",
                told.product_name,
                told.vendor_name,
                told.severity.word(),
                told.confidence.word(),
                told.policy,
                told.prohibition
            ),
            Self::FindingClosed(told) => {
                format!("{} is closed: {}", told.product_name, told.why.as_deref().unwrap_or("gone"))
            }
            Self::VerdictWorse(told) | Self::VerdictBetter(told) => {
                let word = |verdict: Option<Verdict>| verdict.map_or("unknown", Verdict::word);
                let (before, now) = (word(told.before), word(told.now));
                format!("{now}, was {before}")
            }
            Self::HostSplit(_) => "two machines speak as this host; enrol each anew".to_owned(),
            Self::HostStale(told) => {
                let last = told.looked_at.map_or_else(|| "it enrolled".to_owned(), |last| last.to_string());
                format!("not looked at since {last}")
            }
            Self::ExceptionExpires(told) => {
                format!("{} of {} ends with {}: {}", told.exception, told.owner, told.expires, told.reason)
            }
            Self::Test(told) => told.text.clone(),
        }
    }
}

/// How a host stands, before something or after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stand {
    /// The host.
    pub(super) host: Id,
    /// What it says it is called.
    pub(super) name: Option<String>,
    /// Whether it was judged at all.
    pub(super) judged: bool,
    /// Its verdict as it is told; none: unknown.
    pub(super) shown: Option<Verdict>,
}

impl Stand {
    /// A product is on it.
    pub(super) fn opened(&self, kept: &KeptFinding) -> Happening {
        Happening::FindingOpened(self.told(kept))
    }

    /// It is gone.
    pub(super) fn closed(&self, kept: &KeptFinding) -> Happening {
        Happening::FindingClosed(self.told(kept))
    }

    /// What follows of it for the verdict. The first one tells how a host is, and not how it changed.
    pub(super) fn becomes(&self, now: Option<Verdict>) -> Option<Happening> {
        let told = || VerdictTold { host: self.host, name: self.name.clone(), before: self.shown, now };
        match rank(now).cmp(&rank(self.shown)) {
            Ordering::Greater if self.judged => Some(Happening::VerdictWorse(told())),
            Ordering::Less if self.judged => Some(Happening::VerdictBetter(told())),
            _ => None,
        }
    }

    fn told(&self, kept: &KeptFinding) -> FindingTold {
        let finding = &kept.finding;
        FindingTold {
            host: self.host,
            name: self.name.clone(),
            policy: finding.policy.clone(),
            prohibition: finding.prohibition.clone(),
            product: finding.product.clone(),
            product_name: finding.product_name.clone(),
            vendor_name: finding.vendor_name.clone(),
            severity: finding.severity,
            confidence: finding.confidence,
            decides: finding.decides,
            why: kept.why.clone(),
        }
    }
}

/// From good to bad; that nothing is known is as bad as that not enough is.
fn rank(verdict: Option<Verdict>) -> u8 {
    match verdict {
        Some(Verdict::Compliant) => 0,
        None | Some(Verdict::Inconclusive) => 1,
        Some(Verdict::NonCompliant) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_becomes_worse_or_better_or_neither() {
        let [good, bad, none] = [Verdict::Compliant, Verdict::NonCompliant, Verdict::Inconclusive].map(Some);
        let becomes = |judged, shown, now| {
            let stand = Stand { host: Id([1; 16]), name: None, judged, shown };
            stand.becomes(now).map(|happened| happened.word())
        };
        assert_eq!(becomes(true, good, bad), Some("verdict-worse"));
        assert_eq!(becomes(true, good, none), Some("verdict-worse"));
        assert_eq!(becomes(true, bad, None), Some("verdict-better"), "nothing is known of it any more");
        assert_eq!(becomes(true, None, none), None);
        assert_eq!(becomes(true, good, good), None);
        assert_eq!(becomes(false, None, bad), None, "that is how it is");
    }

    #[test]
    fn the_same_is_told_under_the_same_key() {
        let told = HostTold { host: Id([1; 16]), name: Some("desk".into()), looked_at: Some(Stamp::epoch()) };
        let [now, later] = [1, 2].map(|at| Stamp::from_unix(at).unwrap());
        let silent = Happening::HostStale(told.clone());
        assert_eq!(silent.key(now), silent.key(later), "once per silence");
        let heard = Happening::HostStale(HostTold { looked_at: Some(now), ..told });
        assert_ne!(silent.key(now), heard.key(now));
        assert_eq!(heard.sentence(), format!("desk ({}): not looked at since {now}", Id([1; 16])));
        assert_eq!((heard.name(), heard.what()), (Some("desk"), format!("not looked at since {now}")));
    }
}
