//! Tables that fit the terminal; through a pipe every value is whole, on one line.
//!
//! Called by formats and by subcommands that list.

use comfy_table::{ContentArrangement, Table, presets};

use super::Look;

/// An empty table with this header.
pub fn table(look: &Look, header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    if look.terminal {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(look.width);
    } else {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table
}
