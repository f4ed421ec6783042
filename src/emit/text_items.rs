//! The items of an inventory as lines of columns. On a terminal they fit it; through a pipe every value is whole, on one
//! line, and lines are written as they are made: a host may have ten thousand items, and one with a name of a megabyte.
//!
//! Called by `text.rs`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::model::{InventoryItem, State, set_of};

use super::Look;
use super::safe::{safe, short};
use super::table::table;

const HEADER: [&str; 6] = ["kind", "name", "version", "publisher", "state", "source"];
/// Letters of a value on a terminal.
const LETTERS: usize = 400;
/// Letters up to which a column grows through a pipe; what is longer moves the rest of its line only.
const COLUMN: usize = 60;

/// Writes all of them below their header.
pub(super) fn write(items: &[InventoryItem], look: Look, out: &mut dyn Write) -> io::Result<()> {
    if look.terminal {
        let mut table = table(&look, &HEADER);
        for seen in items {
            table.add_row(row(seen).map(|cell| short(&cell, LETTERS).into_owned()));
        }
        return writeln!(out, "{table}");
    }
    let mut widths = HEADER.map(str::len);
    for seen in items {
        for (width, cell) in widths.iter_mut().zip(row(seen)) {
            *width = (*width).max(cell.chars().take(COLUMN).count());
        }
    }
    line(&HEADER.map(Cow::Borrowed), &widths, out)?;
    items.iter().try_for_each(|seen| line(&row(seen), &widths, out))
}

fn row(seen: &InventoryItem) -> [Cow<'_, str>; 6] {
    let state = seen.sightings.iter().map(|sighting| sighting.state).max();
    let sources: BTreeSet<&str> = set_of(seen.sightings.iter().map(|sighting| sighting.source.as_ref()));
    [
        Cow::Borrowed(seen.item.kind.word()),
        safe(&seen.item.name),
        safe(seen.item.version.as_ref().map_or("", |version| &version.raw)),
        safe(seen.item.publisher.as_deref().unwrap_or_default()),
        Cow::Borrowed(state.map_or("", State::word)),
        Cow::Owned(sources.into_iter().collect::<Vec<_>>().join(", ")),
    ]
}

fn line(cells: &[Cow<'_, str>; 6], widths: &[usize; 6], out: &mut dyn Write) -> io::Result<()> {
    let last = cells.iter().rposition(|cell| !cell.is_empty()).unwrap_or_default();
    for (at, (cell, width)) in cells.iter().zip(widths).enumerate().take(last + 1) {
        let space = if at == last { 0 } else { *width };
        write!(out, " {cell:space$} ")?;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_and_one_long_name_moves_only_its_line() {
        let text = include_str!("../../tests/formats/non-compliant.json");
        let report = crate::emit::saved::read(text.as_bytes()).unwrap().reports.remove(0);
        let mut items = report.inventory.unwrap();
        items[1].item.name = "x".repeat(1 << 20);
        let look = Look { width: 100, colour: false, terminal: false, bom: false };
        let mut out = Vec::new();
        write(&items, look, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), items.len() + 1);
        let place = |line: &str, word: &str| line.find(word).unwrap();
        assert_eq!(place(lines[0], "version"), place(lines[1], "12.4"), "{}", lines[1]);
        assert!(lines[2].contains(&items[1].item.name), "whole, through a pipe");
        assert!(lines.iter().enumerate().all(|(at, line)| at == 2 || line.len() < 250));
        // On a terminal it has an end.
        let mut out = Vec::new();
        write(&items, Look { terminal: true, ..look }, &mut out).unwrap();
        assert!(out.len() < 20_000, "{}", out.len());
    }
}
