//! JSON: the comparison itself, as `docs/comparison.schema.json` describes it.

use std::io::{self, Write};

use crate::emit::{Form, Look};
use crate::model::{Comparison, write_pretty};

use super::ComparisonFormat;

/// The format `json`.
pub(super) struct Json;

impl ComparisonFormat for Json {
    fn form(&self) -> &'static Form {
        &Form {
            name: "json",
            about: "the whole comparison, for a machine to read",
            extension: "json",
            media_type: "application/json",
            can: &[],
        }
    }

    fn comparison(&self, comparison: &Comparison, _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        write_pretty(&mut *out, comparison)?;
        out.write_all(b"\n")
    }
}
