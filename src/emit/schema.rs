//! JSON Schemas of the documents, generated from the types that are written.
//!
//! Called by `cli dev generate`; the results stand in `docs/` and a test compares them.

use crate::model::{Comparison, Inventory, Report, to_pretty};

/// File name below `docs/` and text of each schema.
pub fn schemas() -> Vec<(&'static str, String)> {
    vec![
        ("report.schema.json", text(&schemars::schema_for!(Report))),
        ("inventory.schema.json", text(&schemars::schema_for!(Inventory))),
        ("comparison.schema.json", text(&schemars::schema_for!(Comparison))),
    ]
}

/// A schema as the text of a file.
pub fn text(schema: &schemars::Schema) -> String {
    to_pretty(schema).unwrap_or_default()
}
