//! Comparisons to bytes: one file per format, named in [`COMPARISON_FORMATS`].
//!
//! Called by `cli`. Must not decide anything: what a comparison says is in it. No format loses what could not be seen.

use std::io::{self, Write};

use crate::model::Comparison;

use super::{Form, Look};

mod html;
mod json;
mod markdown;
mod text;
mod words;

/// A form in which comparisons leave the scanner.
pub trait ComparisonFormat: Sync {
    /// What it is called, and what it is.
    fn form(&self) -> &'static Form;
    /// One comparison.
    fn comparison(&self, comparison: &Comparison, look: &Look, out: &mut dyn Write) -> io::Result<()>;
}

/// Every format there is; the first is the default.
pub const COMPARISON_FORMATS: &[&dyn ComparisonFormat] =
    &[&text::Text, &json::Json, &html::Html, &markdown::Markdown];
