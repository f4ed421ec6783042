//! Documents to bytes: one file per format, named in [`FORMATS`].
//!
//! Called by `cli`. Must not know where the bytes go, nor decide anything: what a report says is in the report.

use crate::model::{Inventory, Report};

mod json;
pub mod safe;
pub mod schema;
pub mod table;
mod text;

/// A form in which documents leave the scanner.
pub trait Format: Sync {
    /// Its name for `--format`.
    fn name(&self) -> &'static str;
    /// The report of a scan.
    fn report(&self, report: &Report, look: &Look) -> String;
    /// An inventory.
    fn inventory(&self, inventory: &Inventory, look: &Look) -> String;
}

/// How a document is to look on its way to a person.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Columns of the terminal.
    pub width: u16,
    /// Whether to colour.
    pub colour: bool,
    /// Whether it goes to a terminal, where lines have an end.
    pub terminal: bool,
}

/// Every format there is; the first is the default.
pub const FORMATS: &[&dyn Format] = &[&text::Text, &json::Json];

/// The format of a name.
pub fn format(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}
