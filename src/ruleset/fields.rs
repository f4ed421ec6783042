//! The table kind × field: what each source puts into which field of an item. `docs/fields.md` is made of it.
//!
//! Asked by the lints (a condition on a field that a kind does not have can never match) and by `cli`.
//! Must not know any rule.

use std::fmt::Write;

use super::category::Category;
use crate::model::{Family, Field, IdentifierType, IdentifierType as Id, ItemKind};

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
const SIGNER: Option<Field> = Some(Field::Signer);

const ROWS: &[Row] = &[
    Row {
        kind: ItemKind::Package,
        image: false,
        identifiers: &[
            Id::SourcePackage,
            Id::Homepage,
            Id::FlatpakId,
            Id::SnapName,
            Id::UninstallKey,
            Id::ProductCode,
            Id::UpgradeCode,
            Id::PackageFamilyName,
            Id::WingetId,
            Id::ChocolateyId,
            Id::ScoopId,
            Id::BundleId,
            Id::CaskToken,
        ],
        cells: &[
            (
                "name",
                NAME,
                "name of the package; DisplayName of an uninstall entry, its key where it has none; id of a receipt",
            ),
            ("display_name", NAME, "title, where the record has one (flatpak, snap, MSIX)"),
            (
                "publisher",
                PUBLISHER,
                "maintainer (dpkg, apk, pacman packager), vendor (rpm), Publisher (Windows)",
            ),
            ("version", None, "version as recorded, with epoch and release; a condition, no evidence"),
            ("signer", SIGNER, "signer of the package, where it was looked at"),
            ("arch", None, "architecture"),
        ],
    },
    Row {
        kind: ItemKind::Application,
        image: true,
        identifiers: &[Id::DesktopId, Id::FlatpakId, Id::SnapName, Id::BundleId, Id::ProductName],
        cells: &[
            (
                "name",
                NAME,
                "id of the desktop entry, flatpak id, name of the app bundle (`Safari.app`), folder of a vendor tree, or name of a WSL distribution",
            ),
            ("display_name", NAME, "name that a menu shows"),
            ("publisher", PUBLISHER, "developer, where the metadata name one"),
            (
                "path",
                PATH,
                "the program that is started; the bundle's folder on macOS, that of a WSL distribution",
            ),
            ("version", None, "version, where the metadata have one; a condition, no evidence"),
            ("signer", SIGNER, "signer of the program, where it was looked at"),
        ],
    },
    Row {
        kind: ItemKind::Extension,
        image: false,
        identifiers: &[Id::ExtensionId, Id::NativeMessagingHost, Id::BundleId],
        cells: &[
            (
                "name",
                NAME,
                "name of the extension in the browser's language; name of a native messaging host",
            ),
            ("display_name", NAME, "name in other languages"),
            ("publisher", PUBLISHER, "author, where the manifest names one"),
            ("path", PATH, "folder or file of the extension; the manifest of a native messaging host"),
            ("version", None, "version; a condition, no evidence"),
        ],
    },
    Row {
        kind: ItemKind::Service,
        image: true,
        identifiers: &[],
        cells: &[
            (
                "name",
                NAME,
                "file name of the unit with its suffix, name of the init script, key of the Windows service, launchd label",
            ),
            ("display_name", NAME, "Description of the unit, DisplayName of the Windows service"),
            ("publisher", PUBLISHER, "CompanyName of the program, where it was looked at"),
            ("path", PATH, "resolved program that the service runs"),
            ("signer", SIGNER, "signer of the program, where it was looked at"),
        ],
    },
    Row {
        kind: ItemKind::Driver,
        image: true,
        identifiers: &[Id::FilterAltitude, Id::BundleId, Id::OriginalFilename, Id::Sha256],
        cells: &[
            (
                "name",
                NAME,
                "name of the kernel module (Linux), file name with its ending (Windows: `klif.sys`), bundle id (macOS)",
            ),
            ("display_name", NAME, "name of the driver's service (Windows)"),
            ("publisher", PUBLISHER, "CompanyName of the file, where it was looked at"),
            ("path", PATH, "file of the module; the bundle's folder on macOS"),
            ("version", None, "version of the module; a condition, no evidence"),
            ("signer", SIGNER, "signer of the module, where it was looked at"),
        ],
    },
    Row {
        kind: ItemKind::Executable,
        image: true,
        identifiers: &[Id::OriginalFilename, Id::ProductName, Id::BundleId, Id::Sha256],
        cells: &[
            ("name", NAME, "file name"),
            ("display_name", NAME, "FileDescription of the file, where it was looked at"),
            ("publisher", PUBLISHER, "CompanyName of the file, where it was looked at"),
            ("path", PATH, "path of the file"),
            ("version", None, "version of the file, where it was looked at; a condition, no evidence"),
            ("signer", SIGNER, "signer of the file, where it was looked at"),
        ],
    },
    Row {
        kind: ItemKind::Autostart,
        image: true,
        identifiers: &[],
        cells: &[
            ("name", NAME, "file name of the entry or table, name of the task, name of the Run value"),
            ("display_name", NAME, "name that the entry shows"),
            ("publisher", PUBLISHER, "author of the task"),
            ("path", PATH, "program that is started"),
            ("signer", SIGNER, "signer of the program, where it was looked at"),
        ],
    },
    Row {
        kind: ItemKind::Certificate,
        image: false,
        identifiers: &[Id::Thumbprint],
        cells: &[
            ("name", NAME, "common name of the subject"),
            ("publisher", PUBLISHER, "organisation of the subject"),
        ],
    },
    Row {
        kind: ItemKind::SecurityProduct,
        image: true,
        identifiers: &[],
        cells: &[
            ("name", NAME, "name under which it is registered with the Security Center"),
            ("path", PATH, "program that it registered"),
            ("signer", SIGNER, "signer of the program, where it was looked at"),
        ],
    },
    Row {
        kind: ItemKind::Device,
        image: false,
        identifiers: &[Id::UsbId, Id::DeviceSerial, Id::EdidId],
        cells: &[
            ("name", NAME, "product text of the device, name of the display"),
            ("publisher", PUBLISHER, "manufacturer text of the device, vendor text of a drive"),
        ],
    },
    Row {
        kind: ItemKind::Trace,
        image: false,
        identifiers: &[Id::Account],
        cells: &[
            ("name", NAME, "name of the folder, file, registry key or account"),
            (
                "path",
                PATH,
                "path of the folder or file; registry key as `HKLM\\SOFTWARE\\…`, without WOW6432Node",
            ),
        ],
    },
];

fn row(kind: ItemKind) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.kind == kind)
}

/// Whether items of a kind have a field.
pub fn has(kind: ItemKind, field: Field) -> bool {
    row(kind).is_some_and(|row| match field {
        Field::Identifier => !row.identifiers.is_empty(),
        Field::Hash => row.identifiers.contains(&Id::Sha256),
        _ => row.cells.iter().any(|(_, of, _)| *of == Some(field)),
    })
}

/// Whether there are items of a kind on systems of a family.
pub fn occurs(kind: ItemKind, family: Family) -> bool {
    kind != ItemKind::SecurityProduct || family == Family::Windows
}

/// Whether items of a kind have a version.
pub fn has_version(kind: ItemKind) -> bool {
    row(kind).is_some_and(|row| row.cells.iter().any(|(column, ..)| *column == "version"))
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
    // Writing to a string cannot fail.
    for row in ROWS {
        let kind = row.kind.word();
        for (column, field, means) in row.cells {
            _ = writeln!(out, "| {kind} | {column} | {} | {means} |", field.map_or("-", word));
        }
        let types: Vec<&str> = row.identifiers.iter().map(|id| id.word()).collect();
        if !types.is_empty() {
            _ = writeln!(out, "| {kind} | identifiers | identifier | {} |", types.join(", "));
        }
    }
    out.push_str(TAIL);
    for id in Id::ALL {
        _ = writeln!(out, "| {} | {} |", id.word(), id.means());
    }
    out.push_str(CATEGORIES);
    for (word, means) in Category::KNOWN {
        _ = writeln!(out, "| {word} | {means} |");
    }
    out
}

const HEAD: &str = "# What each kind of item has

A condition on a field that a kind does not have can never match; `rules check` refuses it (E0402).
Two hits that rest on the same field are one piece of evidence, however often it was read.
`image` asks for the program file of an application, service, driver, executable, autostart entry or security product.
`sha256` rests on the hash. Which kinds a system's sources yield today stands in [sources.md](sources.md).

| kind | field | evidence rests on | what stands there |
|---|---|---|---|
";

const TAIL: &str = "
## Types of identifiers

| type | what it is |
|---|---|
";

const CATEGORIES: &str = "
## Categories of products

Known words; a site may have its own.

| category | what it is |
|---|---|
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
        assert!(!has(ItemKind::Device, Field::Path));
        assert!(has(ItemKind::Driver, Field::Hash) && !has(ItemKind::Package, Field::Hash));
        assert!(has_version(ItemKind::Package) && !has_version(ItemKind::Device));
        assert!(has_image(ItemKind::Service) && !has_image(ItemKind::Package));
    }

    #[test]
    fn kinds_with_a_program_have_its_path() {
        for row in ROWS.iter().filter(|row| row.image) {
            assert!(has(row.kind, Field::Path), "{:?}", row.kind);
        }
    }

    #[test]
    fn every_kind_and_every_type_of_identifier_is_in_the_table() {
        let kinds: Vec<ItemKind> = ROWS.iter().map(|row| row.kind).collect();
        assert_eq!(kinds, ItemKind::ALL);
        for id in Id::ALL {
            assert!(ROWS.iter().any(|row| row.identifiers.contains(id)), "{id:?}");
        }
    }

    #[test]
    fn the_page_has_every_cell() {
        let page = page();
        for cell in table() {
            assert!(page.contains(cell.means), "{cell:?}");
        }
    }
}
