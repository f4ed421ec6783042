//! Where documents go and in which form: `--format`, `--output`, as often as they are named.
//!
//! Called by `scan`, `inventory`, `report` and `compare`. What cannot be written is refused before a host is looked at.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValue;

use crate::emit::compared::{COMPARISON_FORMATS, ComparisonFormat};
use crate::emit::{Can, FORMATS, Form, Format, Look, of_file};
use crate::model::{Comparison, Inventory, Report};

use super::exit::Failure;
use super::printer::Printer;

/// Where a document goes and in which form.
#[derive(Debug, Clone, Args)]
pub(super) struct OutArgs {
    /// Form of the result [default: by the ending of FILE, else text]
    #[arg(long, value_name = "FORMAT", value_parser = DOCUMENTS.names())]
    format: Option<String>,
    /// Write the result to a file instead of stdout; FORMAT=FILE, as often as forms are wanted
    #[arg(long, short, value_name = "[FORMAT=]FILE")]
    output: Vec<PathBuf>,
    /// Begin CSV with a byte order mark, so that Excel reads it as UTF-8
    #[arg(long)]
    bom: bool,
}

/// Where a comparison goes and in which form.
#[derive(Debug, Args)]
pub(super) struct ComparisonArgs {
    /// Form of the result [default: by the ending of FILE, else text]
    #[arg(long, value_name = "FORMAT", value_parser = COMPARISONS.names())]
    format: Option<String>,
    /// Write the result to a file instead of stdout; FORMAT=FILE, as often as forms are wanted
    #[arg(long, short, value_name = "[FORMAT=]FILE")]
    output: Vec<PathBuf>,
}

/// Formats of one kind of document.
struct Shelf<F: ?Sized + 'static> {
    formats: &'static [&'static F],
    form: fn(&F) -> &'static Form,
}

/// Formats of reports and inventories.
const DOCUMENTS: Shelf<dyn Format> = Shelf { formats: FORMATS, form: |format| format.form() };
/// Formats of comparisons.
const COMPARISONS: Shelf<dyn ComparisonFormat> =
    Shelf { formats: COMPARISON_FORMATS, form: |format| format.form() };

/// What is going to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Reports.
    Report,
    /// Inventories.
    Inventory,
}

/// One form and its place.
pub(super) struct Output<'a, F: ?Sized + 'static = dyn Format> {
    format: &'static F,
    form: &'static Form,
    path: Option<&'a Path>,
    bom: bool,
}

impl OutArgs {
    /// Where the arguments say nothing, the places that the configuration names.
    pub(super) fn or(&self, configured: &[String]) -> Self {
        let mut own = self.clone();
        if own.format.is_none() && own.output.is_empty() {
            own.output = configured.iter().map(PathBuf::from).collect();
        }
        own
    }

    /// The form that is named.
    pub(super) fn format(&self) -> Option<&str> {
        self.format.as_deref()
    }

    /// Whether a file is named.
    pub(super) fn names_file(&self) -> bool {
        !self.output.is_empty()
    }

    /// Every form that was asked for, with its place.
    pub(super) fn outputs(&self, holds: Holds) -> Result<Vec<Output<'_>>, Failure> {
        let mut outputs = DOCUMENTS.outputs(self.format.as_deref(), &self.output)?;
        for output in &mut outputs {
            let form = output.form();
            if holds == Holds::Inventory && !form.can(Can::Inventories) {
                return Err(Failure::Declined(format!(
                    "the format {} tells what was judged, which an inventory is not; 'interdict scan --format {}' \
                     judges, and an inventory can be: {}",
                    form.name,
                    form.name,
                    names(|form| form.can(Can::Inventories))
                )));
            }
            output.bom = self.bom;
        }
        Ok(outputs)
    }
}

impl ComparisonArgs {
    /// Every form that was asked for, with its place.
    pub(super) fn outputs(&self) -> Result<Vec<Output<'_, dyn ComparisonFormat>>, Failure> {
        COMPARISONS.outputs(self.format.as_deref(), &self.output)
    }
}

/// Names of formats of documents of a kind.
pub(super) fn names(of: impl Fn(&Form) -> bool) -> String {
    DOCUMENTS.listed(of)
}

impl<F: ?Sized> Shelf<F> {
    /// The names, for clap.
    fn names(&self) -> clap::builder::PossibleValuesParser {
        let value =
            |format: &&F| PossibleValue::new((self.form)(format).name).help((self.form)(format).about);
        self.formats.iter().map(value).collect::<Vec<_>>().into()
    }

    fn listed(&self, of: impl Fn(&Form) -> bool) -> String {
        let forms = self.formats.iter().map(|format| (self.form)(format)).filter(|form| of(form));
        forms.map(|form| form.name).collect::<Vec<_>>().join(", ")
    }

    fn named(&self, name: &str) -> Option<&'static F> {
        self.formats.iter().copied().find(|format| (self.form)(format).name == name)
    }

    fn outputs<'a>(&self, named: Option<&str>, asked: &'a [PathBuf]) -> Result<Vec<Output<'a, F>>, Failure> {
        let named = named.and_then(|name| self.named(name));
        let default = || self.formats.first().copied();
        let output =
            |format: &'static F, path| Output { format, form: (self.form)(format), path, bom: false };
        let mut outputs = Vec::new();
        let mut named_alone = false;
        for asked in asked {
            let (name, path) = self.split(asked)?;
            named_alone |= name.is_none();
            let of_name = |name: &std::ffi::OsStr| of_file(self.formats, self.form, &name.to_string_lossy());
            let format = name.or(named).or_else(|| path.file_name().and_then(of_name)).or_else(default);
            let path = (path != Path::new("-")).then_some(path);
            outputs.extend(format.map(|format| output(format, path)));
        }
        // `--format text -o json=FILE` asks for both.
        if outputs.is_empty() || (named.is_some() && !named_alone) {
            outputs.extend(named.or_else(default).map(|format| output(format, None)));
        }
        let mut places = BTreeSet::new();
        for output in &outputs {
            if !places.insert(output.path) {
                let place =
                    output.path.map_or("standard output".to_owned(), |path| path.display().to_string());
                return Err(Failure::Declined(format!(
                    "two results cannot both go to {place}; name a file for each with --output FORMAT=FILE"
                )));
            }
        }
        Ok(outputs)
    }

    /// `FORMAT=FILE` or a file. A word before `=` that is no format is a slip of the pen sooner than the name of a file.
    fn split<'a>(&self, asked: &'a Path) -> Result<(Option<&'static F>, &'a Path), Failure> {
        let Some((name, path)) = asked.to_str().and_then(|text| text.split_once('=')) else {
            return Ok((None, asked));
        };
        if let Some(format) = self.named(name) {
            return Ok((Some(format), Path::new(path)));
        }
        if name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
            return Err(Failure::Declined(format!(
                "there is no format '{name}'; known are: {}. A file of this name is written as ./{}",
                self.listed(|_| true),
                asked.display()
            )));
        }
        Ok((None, asked))
    }
}

impl Output<'_> {
    /// Writes reports.
    pub(super) fn reports(&self, reports: &[Report], printer: &Printer) -> Result<(), Failure> {
        self.write(printer, |look, out| self.format.reports(reports, look, out))
    }

    /// Writes inventories.
    pub(super) fn inventories(&self, inventories: &[Inventory], printer: &Printer) -> Result<(), Failure> {
        self.write(printer, |look, out| self.format.inventories(inventories, look, out))
    }
}

impl Output<'_, dyn ComparisonFormat> {
    /// Writes a comparison.
    pub(super) fn comparison(&self, comparison: &Comparison, printer: &Printer) -> Result<(), Failure> {
        self.write(printer, |look, out| self.format.comparison(comparison, look, out))
    }
}

impl<F: ?Sized> Output<'_, F> {
    /// The file; none is standard output.
    pub(super) fn file(&self) -> Option<&Path> {
        self.path
    }

    /// The form.
    pub(super) fn form(&self) -> &'static Form {
        self.form
    }

    fn write(
        &self,
        printer: &Printer,
        make: impl FnOnce(&Look, &mut dyn io::Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let look = Look { bom: self.bom, ..printer.look(self.path.is_some()) };
        printer.document(self.path, |out| make(&look, out))
    }
}
