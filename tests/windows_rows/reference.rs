//! The reference that the tables are made of, where it lies beside the checkout.

use std::collections::BTreeMap;
use std::path::Path;

use crate::row::Row;
use crate::support::skip;

/// A row by its section, kind and first value.
type Id = (String, String, String);

/// Every row of these sections and systems, and every value of each, is in the table, and nothing else is.
pub fn compare(rows: &[Row], sections: &[&'static str], systems: &[&str], at_least: usize) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("shared/reference/regulations.md");
    let Ok(text) = std::fs::read_to_string(&path) else {
        return skip("the reference of facts is not beside this checkout");
    };
    let reference = read(&text, sections, systems);
    assert!(reference.len() >= at_least, "{} rows", reference.len());
    let mut faults = Vec::new();
    for (id, values) in &reference {
        let ours: Vec<&Row> =
            rows.iter().filter(|row| (row.section, row.kind, row.first) == (&id.0, &id.1, &id.2)).collect();
        if ours.is_empty() {
            faults.push(format!("{id:?} is in no table"));
        }
        for value in values.iter().filter(|_| ours.iter().all(|row| row.unseen.is_none())) {
            let known = |row: &&Row| {
                row.shown.contains(&value.as_str()) || row.not.iter().any(|(known, _)| known == value)
            };
            if !ours.iter().any(known) {
                faults.push(format!("{id:?}: {value} is not laid out"));
            }
        }
    }
    for row in rows {
        let id = (row.section.to_owned(), row.kind.to_owned(), row.first.to_owned());
        match reference.get(&id) {
            None => faults.push(format!("{} is not in the reference", row.name())),
            Some(values) => {
                let of_row = row.shown.iter().chain(row.not.iter().map(|(value, _)| value));
                faults.extend(
                    of_row
                        .filter(|value| !values.iter().any(|known| known == *value))
                        .map(|value| format!("{}: {value} is not in the reference", row.name())),
                );
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Rows with all their values in backticks, but for hints of what was seen and links of values.
fn read(text: &str, sections: &[&'static str], systems: &[&str]) -> BTreeMap<Id, Vec<String>> {
    let mut rows = BTreeMap::new();
    let mut section = "";
    for line in text.lines() {
        if line.starts_with('#') {
            let named = line.trim_start_matches('#').trim().split(' ').next().unwrap_or_default();
            section = sections.iter().find(|known| **known == named).copied().unwrap_or_default();
        }
        let cells = cells(line);
        if section.is_empty() || cells.len() != 8 || !systems.contains(&cells[2].as_str()) {
            continue;
        }
        let values: Vec<String> = cells[4].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let first = values.first().cloned().unwrap_or_default();
        assert!(
            rows.insert((section.to_owned(), cells[3].clone(), first.clone()), values).is_none(),
            "two rows have {first}"
        );
    }
    rows
}

/// The cells of a table's row; a stroke between backticks is no border.
fn cells(line: &str) -> Vec<String> {
    let Some(inside) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
        return Vec::new();
    };
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for char in inside.chars() {
        match char {
            '|' if !quoted => cells.push(String::new()),
            char => {
                quoted ^= char == '`';
                cells.last_mut().unwrap().push(char);
            }
        }
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}
