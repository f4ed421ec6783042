//! Documents to bytes and back: one file per format, named in [`FORMATS`]; saved documents by [`saved`].
//!
//! Called by `cli`. Must not know where the bytes go, nor decide anything: what a report says is in the report.
//! Formats write as they go, so that no second copy of an inventory is held.

use std::io::{self, Write};

use crate::model::{Inventory, Report};

pub mod attestation;
pub mod compared;
mod csv;
mod cyclonedx;
mod hidden;
mod html;
mod json;
mod jsonl;
mod lines;
mod markdown;
mod ocsf;
mod oscal;
mod prometheus;
mod purl;
pub mod safe;
mod sarif;
pub mod saved;
pub mod schema;
mod steps;
pub mod table;
mod text;
mod text_items;
pub(crate) mod uri;
mod uuid;
mod zip;

pub use csv::cell as csv_cell;
// The console of the collector draws with what draws reports.
#[cfg(feature = "collector")]
pub(crate) use html::page::{Page, STYLE as PAGE_STYLE};
#[cfg(feature = "collector")]
pub(crate) use html::{finding, policy};

/// A form in which documents leave the scanner. None may lose the verdict or what could not be seen.
pub trait Format: Sync {
    /// What it is called, and what it can hold.
    fn form(&self) -> &'static Form;
    /// Reports of scans, one for each host.
    fn reports(&self, reports: &[Report], look: &Look, out: &mut dyn Write) -> io::Result<()>;
    /// Inventories; only called where [`Can::Inventories`] says so.
    fn inventories(&self, _inventories: &[Inventory], _look: &Look, _out: &mut dyn Write) -> io::Result<()> {
        Err(io::Error::other("this format holds no inventory"))
    }
}

/// A format as it describes itself.
#[derive(Debug)]
pub struct Form {
    /// Its name for `--format`.
    pub name: &'static str,
    /// What it is for, in a few words.
    pub about: &'static str,
    /// How names of such files end, without the first dot.
    pub extension: &'static str,
    /// Media type (RFC 6838).
    pub media_type: &'static str,
    /// What it can hold and needs.
    pub can: &'static [Can],
}

impl Form {
    /// Whether it can, or needs, this.
    pub fn can(&self, what: Can) -> bool {
        self.can.contains(&what)
    }
}

/// What a format can hold or needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Can {
    /// Holds several hosts in one file.
    Many,
    /// Holds an inventory without a report.
    Inventories,
    /// A report must bring its inventory with it.
    NeedsItems,
    /// A scan gives it the inventory; a saved report may come without.
    TakesItems,
    /// Coloured and broken to the width where a terminal shows it.
    Terminal,
}

/// How a document is to look on its way to its reader.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Columns of the terminal.
    pub width: u16,
    /// Whether to colour.
    pub colour: bool,
    /// Whether it goes to a terminal, where lines have an end.
    pub terminal: bool,
    /// Whether files of letters begin with a mark of their encoding, as Excel wants it.
    pub bom: bool,
}

/// Every format there is; the first is the default.
pub const FORMATS: &[&dyn Format] = &[
    &text::Text,
    &json::Json,
    &jsonl::JsonLines,
    &csv::Findings,
    &csv::Items,
    &markdown::Markdown,
    &html::Html,
    &sarif::Sarif,
    &cyclonedx::CycloneDx,
    &ocsf::Ocsf,
    &oscal::Oscal,
    &prometheus::Prometheus,
];

/// The format of a name.
pub fn format(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.form().name == name)
}

/// The format that files of this name have; the longest ending wins (`.cdx.json` is not `.json`).
pub fn format_of_file(name: &str) -> Option<&'static dyn Format> {
    of_file(FORMATS, Format::form, name)
}

/// The same for formats of any kind of document.
pub fn of_file<F: ?Sized>(
    formats: &'static [&'static F],
    form: impl Fn(&F) -> &'static Form,
    name: &str,
) -> Option<&'static F> {
    let name = name.to_ascii_lowercase();
    let ends =
        |format: &&F| name.strip_suffix(form(format).extension).is_some_and(|stem| stem.ends_with('.'));
    formats.iter().copied().filter(ends).max_by_key(|format| form(format).extension.len())
}
