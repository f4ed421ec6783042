//! Conditions in words: what each asks, what an item has there, and whether that meets it.
//!
//! For people who write rules; no judgement is made of it.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::model::Sighting;
use crate::ruleset::pattern::Pattern;

use super::{Condition, Conditions, Folded, Met};

/// What there is where a condition looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// Nothing.
    Nothing,
    /// Nobody looked, or it could not be seen: that meets no condition.
    NotLooked,
    /// This.
    Value(String),
}

impl Seen {
    /// Texts of an item.
    pub(super) fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let texts: Vec<String> = texts.into_iter().map(quoted).collect();
        if texts.is_empty() { Self::Nothing } else { Self::Value(texts.join(", ")) }
    }

    /// For people.
    pub fn words(&self) -> &str {
        match self {
            Self::Nothing => "nothing",
            Self::NotLooked => "not looked at",
            Self::Value(text) => text,
        }
    }
}

/// A condition held against a sighting of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Told {
    /// The key it is written with.
    pub key: &'static str,
    /// What it asks.
    pub asked: String,
    /// What there is.
    pub seen: Seen,
    /// Whether that meets it.
    pub met: Met,
    /// Whether it speaks of the item, and not only of how it is seen on this host.
    #[serde(skip)]
    pub of_item: bool,
}

impl Told {
    /// Whether it is met, for people.
    pub fn standing(&self) -> &'static str {
        match (self.met, &self.seen) {
            (Met::Fully, _) => "met",
            (Met::Weakly, _) => "weakly met",
            (Met::No, Seen::NotLooked) => "not looked at",
            (Met::No, _) => "not met",
        }
    }
}

impl Conditions {
    /// Each condition held against a sighting of an item.
    pub fn told(&self, item: &Folded<'_>, sighting: &Sighting) -> Vec<Told> {
        let tell = |condition: &dyn Condition| Told {
            key: condition.key(),
            asked: condition.asked(),
            seen: condition.seen(item, sighting),
            met: if condition.sighting(sighting) { condition.item(item) } else { Met::No },
            of_item: condition.looks_at_item(),
        };
        self.0.iter().map(|condition| tell(condition.as_ref())).collect()
    }

    /// Key and question of each.
    pub fn asked(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.0.iter().map(|condition| (condition.key(), condition.asked()))
    }
}

/// As a list of keys and questions.
impl Serialize for Conditions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.asked().map(|(key, asked)| Asked { key, asked }))
    }
}

#[derive(Serialize)]
struct Asked {
    key: &'static str,
    asked: String,
}

/// A pattern in words.
pub(super) fn asked(pattern: &Pattern) -> String {
    pattern.words()
}

impl Pattern {
    /// One alternative after the other, for people.
    pub fn words(&self) -> String {
        let word = |(key, text): (&str, &str)| match key {
            "exact" => quoted(text),
            "prefix" => format!("{}…", quoted(text)),
            "glob" => format!("like {}", quoted(text)),
            _ => format!("/{text}/"),
        };
        self.alternatives().map(word).collect::<Vec<_>>().join(" or ")
    }
}

/// As a list of alternatives, each with its key.
impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.alternatives())
    }
}

/// In quotes, so that spaces at the ends are seen.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
