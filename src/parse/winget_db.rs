//! winget's databases: the tracking catalog `installed.db`, in which winget notes what it installed
//! from each source, and an index of the same making. Schemas 1.x (a table `manifest` of numbers that
//! point into tables of texts) and 2.x (a table `packages`). [reverse-engineered from winget-cli, which is open source]
//!
//! Called by the source `winget`. Must not know where the file lies. An index lists what can be
//! installed: only a tracking catalog says what was.

use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::MAX_FAULTS;
use crate::parse::Parsed;
use crate::parse::ReadAt;
use crate::parse::note;
use crate::parse::sqlite::Database;
use crate::parse::sqlite_record::Row;
use crate::parse::sqlite_record::Value;

/// Packages that are read; the whole public index has some 20,000 in 60,000 versions.
const MAX_PACKAGES: usize = 100_000;
/// Bytes of all texts that are kept.
const MAX_TEXT: usize = 16 << 20;
/// `PackageVersionMetadata` of winget-cli: these numbers are for good.
const WRITE_TIME: i64 = 7;
const ARCHITECTURE: i64 = 8;

/// A package in a version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    /// `Kaspersky.KVRT`
    pub id: String,
    /// Name for people.
    pub name: Option<String>,
    /// Short name.
    pub moniker: Option<String>,
    /// Its version; in schema 2 the latest.
    pub version: Option<String>,
    /// Channel of the version; mostly none.
    pub channel: Option<String>,
    /// Names of its keys below `Uninstall` (among them codes of Windows Installer), lower-case.
    pub product_codes: Vec<String>,
    /// Family names of its MSIX packages, lower-case.
    pub family_names: Vec<String>,
    /// Unix seconds when winget wrote the entry: when it installed the package, in a tracking catalog.
    pub written: Option<i64>,
    /// Architecture that was installed.
    pub architecture: Option<String>,
}

/// Reads all packages. An error means that nothing can be read.
pub fn packages(main: &dyn ReadAt, wal: Option<&dyn ReadAt>) -> Result<Parsed<Package>, Fault> {
    let mut reader = Reader { database: Database::open(main, wal)?, faults: Vec::new(), room: MAX_TEXT };
    let records = if reader.columns("packages").is_some() {
        reader.second()
    } else if reader.columns("manifest").is_some() {
        reader.first()
    } else {
        let schema = reader.faults.into_iter().next();
        return Err(schema.unwrap_or_else(|| Fault::new(At::Whole, "no database of winget")));
    };
    Ok(Parsed { records, faults: reader.faults })
}

struct Reader<'s> {
    database: Database<'s>,
    faults: Vec<Fault>,
    /// Bytes of text that may still be kept.
    room: usize,
}

/// A package by the number that other tables know it under.
type Numbered = HashMap<i64, Package>;

impl Reader<'_> {
    /// Schema 1: all but the numbers stands in other tables.
    fn first(&mut self) -> Vec<Package> {
        let columns = self.columns("manifest").unwrap_or_default();
        let field = |name: &str| columns.iter().position(|column| column == name);
        let places = ["id", "name", "moniker", "version", "channel"].map(field);
        let mut numbers = Vec::new();
        self.each("manifest", &mut |_, row| {
            if numbers.len() >= MAX_PACKAGES {
                return Err("more packages than the cap");
            }
            numbers.push((row.rowid(), places.map(|place| place.and_then(|place| int(row, place)))));
            Ok(())
        });
        let [ids, names, monikers, versions, channels] =
            ["ids", "names", "monikers", "versions", "channels"].map(|table| self.texts(table));
        let mut found = Numbered::new();
        let mut order = Vec::new();
        for (number, [id, name, moniker, version, channel]) in numbers {
            let text = |texts: &HashMap<i64, String>, key: Option<i64>| {
                texts.get(&key?).filter(|text| !text.is_empty()).cloned()
            };
            let Some(id) = text(&ids, id) else {
                note(&mut self.faults, At::Record(format!("manifest {number}")), "a package without an id");
                continue;
            };
            let (name, moniker) = (text(&names, name), text(&monikers, moniker));
            let (version, channel) = (text(&versions, version), text(&channels, channel));
            order.push(number);
            found.insert(number, Package { id, name, moniker, version, channel, ..Package::default() });
        }
        self.codes("productcodes", "manifest", &mut found, |package| &mut package.product_codes);
        self.codes("pfns", "manifest", &mut found, |package| &mut package.family_names);
        self.metadata(&mut found);
        order.iter().filter_map(|number| found.remove(number)).collect()
    }

    /// Schema 2: texts stand in the table itself.
    fn second(&mut self) -> Vec<Package> {
        let columns = self.columns("packages").unwrap_or_default();
        let field = |name: &str| columns.iter().position(|column| column == name);
        let places = ["id", "name", "moniker", "latest_version"].map(field);
        let (mut found, mut order) = (Numbered::new(), Vec::new());
        self.each("packages", &mut |room, row| {
            if order.len() >= MAX_PACKAGES {
                return Err("more packages than the cap");
            }
            let mut text = |place: Option<usize>| place.and_then(|place| text(row, place, room));
            let [id, name, moniker, version] = places.map(&mut text);
            let id = id.ok_or("a package without an id")?;
            order.push(row.rowid());
            found.insert(row.rowid(), Package { id, name, moniker, version, ..Package::default() });
            Ok(())
        });
        self.codes("productcodes2", "package", &mut found, |package| &mut package.product_codes);
        self.codes("pfns2", "package", &mut found, |package| &mut package.family_names);
        order.iter().filter_map(|number| found.remove(number)).collect()
    }

    /// Texts of which a package has several: a table of texts, and a map of pairs. In schema 2 the
    /// texts may stand in the first table beside the package, with no map.
    fn codes(
        &mut self,
        table: &str,
        owner: &str,
        found: &mut Numbered,
        list: fn(&mut Package) -> &mut Vec<String>,
    ) {
        let Some(columns) = self.columns(table) else { return };
        if let Some(place) = columns.iter().position(|column| column == owner) {
            let value = columns.iter().position(|column| column != owner && column != "rowid");
            return self.each(table, &mut |room, row| {
                let (package, text) = (int(row, place), value.and_then(|value| text(row, value, room)));
                let package = package.and_then(|number| found.get_mut(&number));
                package.into_iter().zip(text).for_each(|(package, text)| list(package).push(text));
                Ok(())
            });
        }
        let map = format!("{table}_map");
        let Some(columns) = self.columns(&map) else { return };
        let texts = self.texts(table);
        let place = columns.iter().position(|column| column == owner).unwrap_or(0);
        let mut room = self.room;
        self.each(&map, &mut |_, row| {
            let (package, text) = (int(row, place), int(row, usize::from(place == 0)));
            let (Some(package), Some(text)) = (package, text.and_then(|text| texts.get(&text))) else {
                return Ok(());
            };
            // One text may stand in any number of pairs.
            room = room.checked_sub(text.len()).ok_or("more text than the cap")?;
            if let Some(package) = found.get_mut(&package) {
                list(package).push(text.clone());
            }
            Ok(())
        });
        self.room = room;
    }

    /// What winget noted when it installed: number of the package, what it is, value.
    fn metadata(&mut self, found: &mut Numbered) {
        if self.columns("manifest_metadata").is_none() {
            return;
        }
        self.each("manifest_metadata", &mut |room, row| {
            let Some(package) = int(row, 0).and_then(|number| found.get_mut(&number)) else { return Ok(()) };
            match int(row, 1) {
                Some(WRITE_TIME) => package.written = text(row, 2, room).and_then(|text| text.parse().ok()),
                Some(ARCHITECTURE) => package.architecture = text(row, 2, room),
                _ => {}
            }
            Ok(())
        });
    }

    /// A table of texts by their numbers.
    fn texts(&mut self, table: &str) -> HashMap<i64, String> {
        let mut out = HashMap::new();
        // Schema 1.0 has the text alone, later ones a number before it.
        let place = self.columns(table).map_or(0, |columns| columns.len().saturating_sub(1));
        self.each(table, &mut |room, row| {
            if let Some(text) = text(row, place, room) {
                out.insert(row.rowid(), text);
            }
            Ok(())
        });
        out
    }

    /// Every row of a table, with the bytes of text that may still be kept; faults are noted.
    fn each(&mut self, table: &str, visit: &mut dyn FnMut(&mut usize, &Row<'_>) -> Result<(), &'static str>) {
        let (mut odd, room) = (Vec::new(), &mut self.room);
        let faults = self.database.rows(table, &mut |row| {
            if let Err(what) = visit(room, row) {
                note(&mut odd, At::Record(format!("{table}, row {}", row.rowid())), what);
            }
            if *room == 0 {
                note(&mut odd, At::Record(table.to_owned()), "more text than the cap");
            }
            // A database that has nothing but faults must not cost more than they may.
            if *room == 0 || odd.len() >= MAX_FAULTS {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        self.note_all(faults.into_iter().chain(odd));
    }

    /// Each table finds again what is wrong with the whole file.
    fn note_all(&mut self, faults: impl Iterator<Item = Fault>) {
        for fault in faults {
            if !self.faults.contains(&fault) {
                note(&mut self.faults, fault.at, fault.what);
            }
        }
    }

    /// Names of a table's columns as rows have them; `None` where there is no such table.
    fn columns(&mut self, table: &str) -> Option<Vec<String>> {
        match self.database.table(table) {
            Ok(found) => found.map(|table| columns(&table.sql)),
            Err(faults) => {
                self.note_all(faults.into_iter());
                None
            }
        }
    }
}

/// Names of the columns of a `CREATE TABLE`, lower-case. A table `WITHOUT ROWID` has those of its
/// primary key first, in the key's order.
fn columns(sql: &str) -> Vec<String> {
    let mut names = Vec::new();
    let Some((_, body)) = sql.split_once('(') else { return names };
    let mut key = Vec::new();
    for part in parts(body) {
        let lower = part.trim_start().to_ascii_lowercase();
        if lower.starts_with("primary key") {
            let inner = lower.split_once('(').map(|(_, inner)| inner).unwrap_or_default();
            key = parts(inner).filter_map(name).collect();
        } else if let Some(name) = name(&lower) {
            names.push(name);
        }
    }
    if sql.to_ascii_lowercase().contains("without rowid") {
        names.retain(|name| !key.contains(name));
        key.extend(names);
        return key;
    }
    names
}

/// The parts between commas, up to the closing bracket; brackets inside are passed over.
fn parts(body: &str) -> impl Iterator<Item = &str> {
    let (mut depth, mut start, mut done) = (0_usize, 0_usize, false);
    let mut letters = body.char_indices();
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        for (at, letter) in letters.by_ref() {
            match letter {
                '(' => depth = depth.saturating_add(1),
                ')' if depth > 0 => depth = depth.saturating_sub(1),
                ',' | ')' if depth == 0 => {
                    let part = body.get(start..at)?;
                    start = at.saturating_add(1);
                    done = letter == ')';
                    return Some(part);
                }
                _ => {}
            }
        }
        done = true;
        body.get(start..)
    })
}

/// The first word, in any of SQLite's quotes or none.
fn name(part: &str) -> Option<String> {
    let part = part.trim_start();
    let quoted = part.strip_prefix(['[', '"', '`', '\'']);
    let word = quoted.unwrap_or(part).split(|c: char| match quoted {
        Some(_) => matches!(c, ']' | '"' | '`' | '\''),
        None => c.is_whitespace() || c == ')',
    });
    word.into_iter().next().filter(|word| !word.is_empty()).map(str::to_ascii_lowercase)
}

fn int(row: &Row<'_>, place: usize) -> Option<i64> {
    match row.value(place) {
        Some(Value::Int(value)) => Some(value),
        _ => None,
    }
}

/// A text that is not empty; `room` is left at 0 where it is used up.
///
/// winget declared the columns of schema 2 as numbers once, so that SQLite made a number of `20.1`.
fn text(row: &Row<'_>, place: usize, room: &mut usize) -> Option<String> {
    let text = match row.value(place)? {
        Value::Text(text) => text,
        Value::Int(value) => return Some(value.to_string()),
        Value::Real(value) => return Some(value.to_string()),
        _ => return None,
    };
    *room = room.saturating_sub(text.bytes.len().saturating_add(32));
    let text = text.decode().into_owned();
    (*room > 0 && !text.is_empty()).then_some(text)
}

#[cfg(test)]
#[path = "winget_db_tests.rs"]
pub(crate) mod tests;
