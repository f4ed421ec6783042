//! Lines of text for people, with a hanging indent, wrapped between words, coloured where that is wanted.
//!
//! Called by the formats that are read in a terminal.

use super::Look;
use super::safe::put;

/// Colours, as ECMA-48 select-graphic-rendition numbers.
#[derive(Clone, Copy)]
pub(super) enum Ink {
    Red = 31,
    Green = 32,
    Yellow = 33,
    Bold = 1,
    Dim = 2,
}

/// A text that grows line by line.
pub(super) struct Lines {
    pub(super) text: String,
    pub(super) look: Look,
}

impl Lines {
    /// An empty one.
    pub(super) fn new(look: Look) -> Self {
        Self { text: String::new(), look }
    }

    /// Text in a colour, where there are colours.
    pub(super) fn ink(&self, ink: Ink, text: &str) -> String {
        if self.look.colour { format!("\u{1b}[{}m{text}\u{1b}[0m", ink as u8) } else { text.to_owned() }
    }

    /// The end of a line, or an empty one.
    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A line with a hanging indent, wrapped at the terminal's width between words.
    pub(super) fn line(&mut self, indent: usize, label: &str, text: &str) {
        let hang = indent + if label.is_empty() { 0 } else { label.len() + 1 };
        let width = usize::from(self.look.width).max(hang + 24);
        let mut column = hang;
        let shown = if label.is_empty() { String::new() } else { format!("{} ", self.ink(Ink::Dim, label)) };
        put(&mut self.text, format_args!("{:indent$}{shown}", ""));
        for (at, word) in text.split(' ').enumerate() {
            let length = word.chars().count();
            if at > 0 && column + 1 + length > width {
                put(&mut self.text, format_args!("\n{:hang$}", ""));
                column = hang;
            } else if at > 0 {
                self.text.push(' ');
                column += 1;
            }
            self.text.push_str(word);
            column += length;
        }
        self.blank();
    }
}
