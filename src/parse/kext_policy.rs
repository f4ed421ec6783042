//! The database in which macOS notes whose kernel extensions a user or a management allowed, and which it once loaded
//! (`/var/db/SystemPolicyConfiguration/KextPolicy`). [reverse-engineered by many; no document of Apple's]
//!
//! Called by the source `kexts`. Must not know where the file lies. Tables that a version of macOS does not have yet, or has
//! no more, hold nothing; a database with none of them is another's.

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

/// Records that are read of each table; a Mac with many has fifty.
const MAX_RECORDS: usize = 10_000;
/// Bytes of a text that is kept.
const MAX_TEXT: usize = 1024;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A user was asked, and allowed it or not.
    Asked,
    /// A management allowed it.
    Managed,
    /// It was loaded, or was to be.
    Loaded,
}

/// Tables and what their rows are, with the places of team, identifier, and either the developer or the path.
const TABLES: &[(&str, Kind, [usize; 3])] = &[
    ("kext_policy", Kind::Asked, [0, 1, 3]),
    ("kext_policy_mdm", Kind::Managed, [0, 1, usize::MAX]),
    ("kext_load_history_v3", Kind::Loaded, [1, 2, 0]),
];

/// A kernel extension by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is.
    pub kind: Kind,
    /// Apple's id of the team that signed it; none before 2013 and for Apple's own.
    pub team_id: Option<String>,
    /// Its bundle identifier; none where all of a team are meant.
    pub bundle_id: Option<String>,
    /// The name of the team, where a user was asked.
    pub developer: Option<String>,
    /// Where it lay when it was loaded.
    pub path: Option<String>,
}

/// Reads all records. An error means that nothing can be read.
pub fn records(main: &dyn ReadAt, wal: Option<&dyn ReadAt>) -> Result<Parsed<Record>, Fault> {
    let mut database = Database::open(main, wal)?;
    let mut out = Parsed::default();
    let mut known = false;
    for (table, kind, places) in TABLES {
        match database.table(table) {
            Ok(None) => {}
            Ok(Some(_)) => {
                known = true;
                read(&mut database, table, *kind, *places, &mut out);
            }
            Err(faults) => {
                known = true;
                merge(&mut out, faults);
            }
        }
    }
    if known { Ok(out) } else { Err(Fault::new(At::Whole, "no database of kernel extensions")) }
}

fn read(database: &mut Database<'_>, table: &str, kind: Kind, places: [usize; 3], out: &mut Parsed<Record>) {
    let (mut found, mut odd) = (Vec::new(), Vec::new());
    let faults = database.rows(table, &mut |row| {
        let [team_id, bundle_id, third] = places.map(|place| text(row, place));
        if team_id.is_none() && bundle_id.is_none() {
            note(&mut odd, At::Record(format!("{table}, row {}", row.rowid())), "names nothing");
        } else {
            let (developer, path) = if kind == Kind::Loaded { (None, third) } else { (third, None) };
            found.push(Record { kind, team_id, bundle_id, developer, path });
        }
        if found.len() > MAX_RECORDS {
            note(&mut odd, At::Record(table.to_owned()), format!("more than {MAX_RECORDS} rows"));
        }
        if found.len() > MAX_RECORDS || odd.len() >= MAX_FAULTS {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    out.records.append(&mut found);
    merge(out, faults);
    merge(out, odd);
}

/// Each table finds again what is wrong with the whole file.
fn merge(out: &mut Parsed<Record>, faults: Vec<Fault>) {
    for fault in faults {
        if !out.faults.contains(&fault) {
            out.fault(fault.at, fault.what);
        }
    }
}

fn text(row: &Row<'_>, place: usize) -> Option<String> {
    let Value::Text(text) = row.value(place)? else { return None };
    let text = text.bytes.len().le(&MAX_TEXT).then(|| text.decode())?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::parse::winget_db::tests::made;

    /// The tables of macOS 12, with these rows put in.
    pub(crate) fn database(rows: &str) -> Vec<u8> {
        let tables = "
            CREATE TABLE kext_load_history_v3 ( path TEXT PRIMARY KEY, team_id TEXT, bundle_id TEXT, boot_uuid TEXT,
                created_at TEXT, last_seen TEXT, flags INTEGER , cdhash TEXT);
            CREATE TABLE kext_policy ( team_id TEXT, bundle_id TEXT, allowed BOOLEAN, developer_name TEXT,
                flags INTEGER, PRIMARY KEY (team_id, bundle_id) );
            CREATE TABLE kext_policy_mdm ( team_id TEXT, bundle_id TEXT, allowed BOOLEAN, payload_uuid TEXT,
                PRIMARY KEY (team_id, bundle_id) );
            CREATE TABLE settings ( name TEXT, value TEXT, PRIMARY KEY (name) );";
        made(&format!("{tables}{rows}"))
    }

    pub(crate) const ROWS: &str = "
        INSERT INTO kext_policy VALUES ('2Y8XE5CQ94', 'com.kaspersky.kext.klif', 1, 'Kaspersky Lab UK Limited', 1);
        INSERT INTO kext_policy_mdm VALUES ('ABCDE12345', '', 1, 'A-UUID');
        INSERT INTO kext_load_history_v3 VALUES ('/Library/Extensions/klif.kext', '2Y8XE5CQ94',
            'com.kaspersky.kext.klif', 'U', '2019-01-01', '2020-01-01', 1, NULL);";

    #[test]
    fn every_table_is_read() {
        let got = records(&&database(ROWS)[..], None).unwrap();
        assert_eq!(got.faults, []);
        let text = |text: &str| Some(text.to_owned());
        let klif = Record {
            kind: Kind::Asked,
            team_id: text("2Y8XE5CQ94"),
            bundle_id: text("com.kaspersky.kext.klif"),
            developer: text("Kaspersky Lab UK Limited"),
            path: None,
        };
        let managed = Record {
            kind: Kind::Managed,
            team_id: text("ABCDE12345"),
            bundle_id: None,
            developer: None,
            path: None,
        };
        let path = text("/Library/Extensions/klif.kext");
        let loaded = Record { kind: Kind::Loaded, developer: None, path, ..klif.clone() };
        assert_eq!(got.records, [klif, managed, loaded]);
    }

    #[test]
    fn rows_that_name_nothing_are_at_fault() {
        let odd = "INSERT INTO kext_policy VALUES (NULL, '', 1, 'x', 1), (x'07', x'00', 1, 'x', 1), ('T', 'b', 0, NULL, 1)";
        let got = records(&&database(odd)[..], None).unwrap();
        assert_eq!((got.records.len(), got.faults.len()), (1, 2));
    }

    #[test]
    fn what_is_no_such_database_is_an_error() {
        let other = crate::parse::nss_db::tests::database(&[]);
        for bytes in [&b""[..], &[0xFF; 4096], &other] {
            assert!(records(&bytes, None).is_err());
        }
    }

    #[test]
    fn a_cut_or_broken_database_is_never_whole() {
        let sound = database(ROWS);
        for tenth in 0..10 {
            let got = records(&&sound[..sound.len() * tenth / 10], None);
            assert!(got.is_err() || got.is_ok_and(|got| !got.faults.is_empty()), "{tenth} tenths");
        }
        let mut state = 7_u64;
        for _ in 0..2_000 {
            let mut bytes = sound.clone();
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(state >> 33).unwrap() % bytes.len();
            bytes[at] ^= state.to_le_bytes()[2];
            if let Ok(got) = records(&&bytes[..], None) {
                assert!(got.faults.len() <= MAX_FAULTS);
            }
        }
    }
}
