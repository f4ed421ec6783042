//! The table kind × field: what each source puts into which field of an item. `docs/fields.md` is made of it.
//!
//! Asked by the lints (a condition on a field that a kind does not have can never match) and by `cli`.
//! Must not know any rule.

use std::fmt::Write;

use crate::model::{Field, IdentifierType, ItemKind};

/// One cell of the table.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    /// The kind of item.
    pub kind: ItemKind,
    /// The field of the item.
    pub column: &'static str,
    /// The field that evidence on it rests on; none for what no condition asks.
    pub field: Option<Field>,
    /// What stands there.
    pub means: &'static str,
}

/// A kind with the cells of its row.
struct Row {
    kind: ItemKind,
    image: bool,
    identifiers: &'static [IdentifierType],
    cells: &'static [(&'static str, Option<Field>, &'static str)],
}

const NAME: Option<Field> = Some(Field::Name);
const PUBLISHER: Option<Field> = Some(Field::Publisher);
const PATH: Option<Field> = Some(Field::Path);
const IDENTIFIER: Option<Field> = Some(Field::Identifier);
const SIGNER: Option<Field> = Some(Field::Signer);
const VERSION: Option<Field> = Some(Field::Version);

const ROWS: &[Row] = &[
    Row {
        kind: ItemKind::Package,
        image: false,
        identifiers: &[
            IdentifierType::SourcePackage,
            IdentifierType::Homepage,
            IdentifierType::FlatpakId,
            IdentifierType::SnapName,
        ],
        cells: &[
            ("name", NAME, "name of the package"),
            ("display_name", NAME, "title, where the record has one (flatpak, snap)"),
            ("publisher", PUBLISHER, "maintainer (dpkg, apk, pacman packager) or vendor (rpm)"),
            ("version", VERSION, "version as recorded, with epoch and release"),
            ("identifiers", IDENTIFIER, "source-package, homepage, flatpak-id, snap-name"),
            ("signer", SIGNER, "signer of the package, where it was looked at"),
            ("arch", None, "architecture"),
        ],
    },
    Row {
        kind: ItemKind::Application,
        image: true,
        identifiers: &[IdentifierType::DesktopId, IdentifierType::FlatpakId, IdentifierType::SnapName],
        cells: &[
            ("name", NAME, "id of the desktop entry, flatpak id, or folder of a vendor tree"),
            ("display_name", NAME, "name that a menu shows"),
            ("publisher", PUBLISHER, "developer, where the metadata name one"),
            ("path", PATH, "the program that is started"),
            ("version", VERSION, "version, where the metadata have one"),
            ("identifiers", IDENTIFIER, "desktop-id, flatpak-id, snap-name"),
            ("signer", SIGNER, "signer of the program, where it was looked at"),
        ],
    },
    Row {
        kind: ItemKind::Service,
        image: true,
        identifiers: &[],
        cells: &[
            ("name", NAME, "file name of the unit with its suffix, or name of the init script"),
            ("display_name", NAME, "Description of the unit"),
            ("path", PATH, "resolved program that the service runs"),
        ],
    },
    Row {
        kind: ItemKind::Driver,
        image: true,
        identifiers: &[],
        cells: &[
            ("name", NAME, "name of the kernel module"),
            ("path", PATH, "file of the module"),
            ("version", VERSION, "version of the module"),
            ("signer", SIGNER, "signer of the module, where it was looked at"),
        ],
    },
    Row {
        kind: ItemKind::Executable,
        image: true,
        identifiers: &[],
        cells: &[
            ("name", NAME, "file name"),
            ("path", PATH, "path of the file"),
            ("signer", SIGNER, "signer of the file, where it was looked at"),
        ],
    },
    Row {
        kind: ItemKind::Autostart,
        image: true,
        identifiers: &[],
        cells: &[
            ("name", NAME, "file name of the entry or table"),
            ("display_name", NAME, "name that the entry shows"),
            ("path", PATH, "program that is started"),
        ],
    },
    Row {
        kind: ItemKind::Trace,
        image: false,
        identifiers: &[IdentifierType::Account],
        cells: &[
            ("name", NAME, "name of the folder, file or account"),
            ("path", PATH, "path of the folder or file"),
            ("identifiers", IDENTIFIER, "account: name of a user or group"),
        ],
    },
];

fn row(kind: ItemKind) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.kind == kind)
}

/// Whether items of a kind have a field.
pub fn has(kind: ItemKind, field: Field) -> bool {
    row(kind).is_some_and(|row| row.cells.iter().any(|(_, of, _)| *of == Some(field)))
}

/// Whether items of a kind are or point to a program file.
pub fn has_image(kind: ItemKind) -> bool {
    row(kind).is_some_and(|row| row.image)
}

/// Types of identifiers that items of a kind have.
pub fn identifiers(kind: ItemKind) -> &'static [IdentifierType] {
    row(kind).map_or(&[], |row| row.identifiers)
}

/// The whole table, row by row.
pub fn table() -> impl Iterator<Item = Cell> {
    ROWS.iter().flat_map(|row| {
        row.cells.iter().map(|&(column, field, means)| Cell { kind: row.kind, column, field, means })
    })
}

/// The page `docs/fields.md`.
pub fn page() -> String {
    let mut out = String::from(HEAD);
    for cell in table() {
        let rests = cell.field.map_or("-", word);
        // Writing to a string cannot fail.
        _ = writeln!(out, "| {} | {} | {rests} | {} |", cell.kind.word(), cell.column, cell.means);
    }
    out
}

const HEAD: &str = "# What each kind of item has

A condition on a field that a kind does not have can never match; `rules check` refuses it (E0402).
Two hits that rest on the same field are one piece of evidence, however often it was read.
`image` asks for the program file of an application, service, driver, executable or autostart entry.
Kinds that are not listed are not found on any system yet.

| kind | field | evidence rests on | what stands there |
|---|---|---|---|
";

fn word(field: Field) -> &'static str {
    match field {
        Field::Name => "name",
        Field::Publisher => "publisher",
        Field::Signer => "signer",
        Field::Identifier => "identifier",
        Field::Path => "path",
        Field::Hash => "hash",
        Field::Version => "version",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_who_has_what() {
        assert!(has(ItemKind::Package, Field::Publisher));
        assert!(!has(ItemKind::Package, Field::Path));
        assert!(!has(ItemKind::Service, Field::Publisher));
        assert!(!has(ItemKind::Device, Field::Name), "no source yields devices yet");
        assert!(has_image(ItemKind::Service) && !has_image(ItemKind::Package));
    }

    #[test]
    fn kinds_with_a_program_have_its_path() {
        for row in ROWS.iter().filter(|row| row.image) {
            assert!(has(row.kind, Field::Path), "{:?}", row.kind);
        }
        for row in ROWS {
            assert_eq!(has(row.kind, Field::Identifier), !row.identifiers.is_empty(), "{:?}", row.kind);
        }
    }

    #[test]
    fn the_page_has_every_cell() {
        assert_eq!(page().lines().filter(|line| line.starts_with("| ")).count(), table().count() + 1);
    }
}
