//! Saved documents back from JSON: what `json` wrote, alone or as a list, of this version or an older one of its shape.
//!
//! Called by `cli` for `interdict report`. A document of another shape is refused by name, never half understood.

use std::borrow::Cow;

use serde::Deserialize;

use crate::model::{INVENTORY_SCHEMA, Inventory, REPORT_SCHEMA, Report, Tool};

/// What a file held.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Reports, in the order of the file.
    pub reports: Vec<Report>,
    /// Inventories, in the order of the file.
    pub inventories: Vec<Inventory>,
    /// What a reader should know of them, as sentences.
    pub notes: Vec<String>,
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unreadable {
    /// Nothing in it.
    #[error(
        "it is empty: what wrote it did not come to its report; write it again with --format json -o FILE"
    )]
    Empty,
    /// Not JSON, or cut off.
    #[error("it is not whole JSON ({0}); only what --format json wrote, whole, is read back")]
    Json(String),
    /// JSON of something else.
    #[error(
        "it is not a report or an inventory of interdict (no \"schema\" that says so); only --format json is read back"
    )]
    Foreign,
    /// A shape that this version does not know.
    #[error("it has the shape '{found}', and this version reads '{known}'; read it with interdict {tool}")]
    Shape {
        /// What it says.
        found: String,
        /// What is read.
        known: &'static str,
        /// Version of the tool that wrote it.
        tool: String,
    },
    /// The right name on another shape.
    #[error("it is not a sound document of interdict {tool}: {cause}")]
    Unsound {
        /// Version of the tool that wrote it, as it says.
        tool: String,
        /// What is wrong, and where.
        cause: String,
    },
}

/// The head of a document: enough to know how to read the rest.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    schema: String,
    tool: Option<HeadTool>,
}

#[derive(Deserialize)]
struct HeadTool {
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Heads {
    Several(Vec<Head>),
    One(Head),
}

/// Reads a file of documents. Unknown fields are left out; a newer version that may have written them is noted.
pub fn read(bytes: &[u8]) -> Result<Saved, Unreadable> {
    let utf8 = as_utf8(bytes)?;
    let bytes = utf8.as_ref();
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Unreadable::Empty);
    }
    // `IgnoredAny` tells broken JSON from sound JSON of somebody else.
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes)
        .map_err(|error| Unreadable::Json(error.to_string()))?;
    let heads: Heads = serde_json::from_slice(bytes).map_err(|_| Unreadable::Foreign)?;
    let mut saved = Saved::default();
    if matches!(utf8, Cow::Owned(_)) {
        saved.notes.push(REDIRECTED.to_owned());
    }
    match heads {
        Heads::One(head) => {
            saved.one(&head, bytes)?;
        }
        Heads::Several(heads) => {
            let bodies: Vec<&serde_json::value::RawValue> =
                serde_json::from_slice(bytes).map_err(|error| Unreadable::Json(error.to_string()))?;
            for (head, body) in heads.iter().zip(bodies) {
                saved.one(head, body.get().as_bytes())?;
            }
        }
    }
    Ok(saved)
}

/// What a reader should know of a file in UTF-16: PowerShell 5 reads what a program prints by the console's code page, and
/// writes it again (`about_Redirection`).
const REDIRECTED: &str = "it is UTF-16, as PowerShell's '>' writes it, which may spoil letters other than ASCII; -o FILE writes it as it is";

/// The text without its mark; by that mark in UTF-8, whatever it was in.
fn as_utf8(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Unreadable> {
    let (rest, order): (_, fn([u8; 2]) -> u16) = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => return Ok(Cow::Borrowed(rest)),
        [0xff, 0xfe, rest @ ..] => (rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => (rest, u16::from_be_bytes),
        _ => return Ok(Cow::Borrowed(bytes)),
    };
    let (pairs, odd) = rest.as_chunks::<2>();
    let text: Result<String, _> = char::decode_utf16(pairs.iter().map(|pair| order(*pair))).collect();
    match text {
        Ok(text) if odd.is_empty() => Ok(Cow::Owned(text.into_bytes())),
        _ => Err(Unreadable::Json("cut off or damaged UTF-16".to_owned())),
    }
}

impl Saved {
    fn one(&mut self, head: &Head, body: &[u8]) -> Result<(), Unreadable> {
        let tool = head.tool.as_ref().map_or("", |tool| &tool.version);
        let unsound = |error: serde_json::Error| Unreadable::Unsound {
            tool: tool.to_owned(),
            cause: error.to_string(),
        };
        match (shape(&head.schema, REPORT_SCHEMA), shape(&head.schema, INVENTORY_SCHEMA)) {
            (Shape::Known, _) => self.reports.push(serde_json::from_slice(body).map_err(unsound)?),
            (_, Shape::Known) => self.inventories.push(serde_json::from_slice(body).map_err(unsound)?),
            (Shape::Foreign, Shape::Foreign) => return Err(Unreadable::Foreign),
            (report, _) => {
                let known = if report == Shape::Other { REPORT_SCHEMA } else { INVENTORY_SCHEMA };
                return Err(Unreadable::Shape { found: head.schema.clone(), known, tool: tool.to_owned() });
            }
        }
        if numbers(tool) > numbers(&Tool::SELF.version) {
            self.notes.push(format!(
                "written by interdict {tool}, which is newer than this {}: what it added is left out",
                Tool::SELF.version
            ));
        }
        Ok(())
    }
}

#[derive(PartialEq, Eq)]
enum Shape {
    Known,
    Other,
    Foreign,
}

/// `interdict.report/1` and its minor versions (`/1.2`), which only add fields.
fn shape(found: &str, known: &str) -> Shape {
    let (Some((kind, number)), Some((known_kind, major))) = (found.split_once('/'), known.split_once('/'))
    else {
        return Shape::Foreign;
    };
    if kind != known_kind {
        return Shape::Foreign;
    }
    if number.split('.').next() == Some(major) { Shape::Known } else { Shape::Other }
}

/// The numbers of a version, for comparison.
fn numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
#[path = "saved_tests.rs"]
mod tests;
