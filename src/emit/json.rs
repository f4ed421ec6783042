//! JSON: the document itself, as `docs/*.schema.json` describe it; several documents as a list of them.
//!
//! [`super::saved`] reads it back.

use std::io::{self, Write};

use serde::Serialize;

use crate::model::{Inventory, Report, write_pretty};

use super::{Can, Form, Format, Look};

/// The format `json`.
pub(super) struct Json;

impl Format for Json {
    fn form(&self) -> &'static Form {
        &Form {
            name: "json",
            about: "the whole document; 'interdict report' reads it back",
            extension: "json",
            media_type: "application/json",
            can: &[Can::Many, Can::Inventories],
        }
    }
    fn reports(&self, reports: &[Report], _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        pretty(reports, out)
    }
    fn inventories(&self, inventories: &[Inventory], _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        pretty(inventories, out)
    }
}

/// One document stands by itself.
fn pretty<T: Serialize>(documents: &[T], out: &mut dyn Write) -> io::Result<()> {
    match documents {
        [one] => write_pretty(&mut *out, one)?,
        several => write_pretty(&mut *out, several)?,
    }
    out.write_all(b"\n")
}
