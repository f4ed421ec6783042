//! JSON: the document itself, as `docs/*.schema.json` describe it.

use serde::Serialize;

use crate::model::{Inventory, Report};

use super::{Format, Look};

/// The format `json`.
pub(super) struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }
    fn report(&self, report: &Report, _look: &Look) -> String {
        pretty(report)
    }
    fn inventory(&self, inventory: &Inventory, _look: &Look) -> String {
        pretty(inventory)
    }
}

/// Our documents hold only strings, numbers and lists: they can always be written.
fn pretty(document: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}
