//! A rule file: its names, and its text, which is unpacked only where somebody reads it.
//!
//! Made by the loader, read by the rest of this room. Must not know what a rule means.

use std::fmt;
use std::sync::OnceLock;

use miniz_oxide::inflate::decompress_to_vec_with_limit;
use sha2::{Digest, Sha256};

use super::signing::hex;

/// A file that is compiled into the program; `rules/embed.rs` writes the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BuiltIn {
    /// Name in the set: `vendors/kaspersky.toml`.
    pub(super) name: &'static str,
    /// SHA-256 of its text, hexadecimal.
    pub(super) sha256: &'static str,
    /// The text without its examples, every place as it was: those are tried by tests, and no scan has to read them.
    pub(super) lean: Packed,
    /// What it lacks, as long as the whole text, with zeros where both are the same.
    pub(super) examples: Packed,
}

/// A text, deflated (RFC 1951).
#[derive(PartialEq, Eq)]
pub(super) struct Packed {
    /// Bytes of the text.
    pub(super) length: usize,
    /// What it was deflated to.
    pub(super) bytes: &'static [u8],
}

impl Packed {
    fn unpacked(&self) -> Vec<u8> {
        decompress_to_vec_with_limit(self.bytes, self.length).unwrap_or_default()
    }
}

/// That every text of ours comes out as it went in is a test.
impl BuiltIn {
    fn lean(&self) -> String {
        String::from_utf8(self.lean.unpacked()).unwrap_or_default()
    }

    fn whole(&self) -> String {
        let mut whole = self.examples.unpacked();
        for (byte, lean) in whole.iter_mut().zip(self.lean.unpacked()) {
            if *byte == 0 {
                *byte = lean;
            }
        }
        String::from_utf8(whole).unwrap_or_default()
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.length)
    }
}

/// A rule file: its name as diagnostics show it, and its text.
#[derive(Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// Name that diagnostics show: `rules/vendors/kaspersky.toml`.
    pub name: String,
    /// Name in the set, wherever the set lies: `vendors/kaspersky.toml`.
    pub relative: String,
    text: Text,
}

#[derive(Debug, PartialEq, Eq)]
enum Text {
    Read(String),
    BuiltIn { file: &'static BuiltIn, examples: bool, whole: OnceLock<String>, lean: OnceLock<String> },
}

impl RuleFile {
    /// A file with all that is in it.
    pub fn new(name: String, relative: String, text: String) -> Self {
        Self { name, relative, text: Text::Read(text) }
    }

    /// A file of ours, with its examples or without.
    pub(super) fn built_in(file: &'static BuiltIn, examples: bool) -> Self {
        let text = Text::BuiltIn { file, examples, whole: OnceLock::new(), lean: OnceLock::new() };
        Self { name: format!("rules/{}", file.name), relative: file.name.to_owned(), text }
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        match &self.text {
            Text::Read(text) => text,
            Text::BuiltIn { file, whole, .. } => whole.get_or_init(|| file.whole()),
        }
    }

    /// What is to be read of it: the text, without its examples where nobody wants to try them.
    pub(super) fn source(&self) -> &str {
        match &self.text {
            Text::BuiltIn { file, examples: false, lean, .. } => lean.get_or_init(|| file.lean()),
            _ => self.text(),
        }
    }

    /// Whether it is read without its examples.
    pub(super) fn is_lean(&self) -> bool {
        matches!(self.text, Text::BuiltIn { examples: false, .. })
    }

    /// Bytes of the whole text.
    pub(super) fn length(&self) -> usize {
        match &self.text {
            Text::Read(text) => text.len(),
            Text::BuiltIn { file, .. } => file.examples.length,
        }
    }

    /// Bytes of what is to be read of it.
    pub(super) fn source_length(&self) -> usize {
        match &self.text {
            Text::BuiltIn { file, examples: false, .. } => file.lean.length,
            _ => self.length(),
        }
    }

    /// SHA-256 of the whole text, hexadecimal.
    pub(super) fn sha256(&self) -> String {
        match &self.text {
            Text::Read(text) => hex(Sha256::digest(text.as_bytes()).iter()),
            Text::BuiltIn { file, .. } => file.sha256.to_owned(),
        }
    }
}
