//! Tests of the `SQLite` reader against databases that SQLite itself wrote.
#![expect(clippy::disallowed_methods, reason = "tests read the files that SQLite wrote")]

use super::*;
use crate::parse::rpmdb::tests::Dice;
use rusqlite::Connection;
use std::path::PathBuf;

/// A database of the real library in a folder of its own.
pub(crate) struct Fixture {
    dir: tempfile::TempDir,
    pub(crate) sql: Connection,
}

pub(crate) type Rows = Vec<(i64, Vec<u8>)>;

impl Fixture {
    pub(crate) fn new(pragmas: &str) -> Self {
        Self::open(tempfile::tempdir().unwrap(), pragmas)
    }

    fn open(dir: tempfile::TempDir, pragmas: &str) -> Self {
        let sql = Connection::open(dir.path().join("db")).unwrap();
        sql.execute_batch(pragmas).unwrap();
        sql.execute_batch(
            "CREATE TABLE other(a TEXT, b INTEGER);
             CREATE TABLE IF NOT EXISTS 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL);
             CREATE INDEX byb ON other(b);",
        )
        .unwrap();
        Self { dir, sql }
    }

    /// Adds rows `ids` in one transaction; some blobs are longer than any page.
    pub(crate) fn add(&self, ids: std::ops::Range<i64>) {
        self.sql.execute_batch("BEGIN").unwrap();
        for id in ids {
            let len = usize::try_from(id * 37 % 3000 + if id % 97 == 0 { 100_000 } else { 0 }).unwrap();
            let blob: Vec<u8> = (0..len).map(|n| u8::try_from((n + len) % 251).unwrap()).collect();
            self.sql.execute("INSERT INTO Packages VALUES (?1, ?2)", (id, blob)).unwrap();
        }
        self.sql.execute_batch("COMMIT").unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// What SQLite itself reads.
    pub(crate) fn want(&self) -> Rows {
        let mut query = self.sql.prepare("SELECT hnum, blob FROM Packages ORDER BY hnum").unwrap();
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }
}

/// What our reader reads.
pub(crate) fn read(main: &[u8], wal: Option<&[u8]>) -> (Rows, Vec<Fault>) {
    let wal = wal.as_ref().map(|wal| wal as &dyn ReadAt);
    let mut database = match Database::open(&main, wal) {
        Ok(database) => database,
        Err(fault) => return (vec![], vec![fault]),
    };
    let mut rows = Vec::new();
    let faults = database.rows("packages", &mut |row| {
        if let Some(Value::Blob(blob)) = row.value(1) {
            rows.push((row.rowid(), blob.to_vec()));
        }
        ControlFlow::Continue(())
    });
    (rows, faults)
}

#[test]
fn every_page_size_and_vacuum_mode() {
    for page_size in [512, 1024, 4096, 8192, 65536] {
        for vacuum in [0, 1, 2] {
            let db = Fixture::new(&format!("PRAGMA page_size={page_size}; PRAGMA auto_vacuum={vacuum}"));
            db.add(1..700);
            db.sql.execute_batch("DELETE FROM Packages WHERE hnum % 5 = 0").unwrap();
            let (rows, faults) = read(&db.bytes("db"), None);
            assert_eq!(faults, [], "{page_size} {vacuum}");
            assert!(rows == db.want(), "{page_size} {vacuum}: {} rows", rows.len());
        }
    }
}

#[test]
fn tables_without_rows_and_missing_tables() {
    let db = Fixture::new("");
    assert_eq!(read(&db.bytes("db"), None), (vec![], vec![]));
    db.sql.execute_batch("DROP TABLE Packages").unwrap();
    let (_, faults) = read(&db.bytes("db"), None);
    assert!(faults[0].what.contains("no table"), "{faults:?}");
}

#[test]
fn schema_of_many_pages() {
    let db = Fixture::new("PRAGMA page_size=512");
    for n in 0..300 {
        db.sql.execute_batch(&format!("CREATE TABLE 'table {n}' (column_one, column_two)")).unwrap();
    }
    db.sql.execute_batch("CREATE TABLE LastOne(x); INSERT INTO LastOne VALUES ('seen')").unwrap();
    let bytes = db.bytes("db");
    let bytes = bytes.as_slice();
    let database = Database::open(&bytes, None).unwrap();
    assert_eq!(database.table("LASTONE").unwrap().unwrap().sql, "CREATE TABLE LastOne(x)");
    assert_eq!(database.table("nobody").unwrap(), None);
}

#[test]
fn texts_in_every_encoding() {
    for (encoding, pragma) in
        [("UTF-8", Encoding::Utf8), ("UTF-16le", Encoding::Utf16Le), ("UTF-16be", Encoding::Utf16Be)]
    {
        let db = Fixture::new(&format!("PRAGMA encoding='{encoding}'"));
        db.sql.execute_batch("INSERT INTO other VALUES ('Лаборатория 🦀', -5)").unwrap();
        let bytes = db.bytes("db");
        let bytes = bytes.as_slice();
        let mut database = Database::open(&bytes, None).unwrap();
        assert_eq!(database.encoding(), pragma);
        let mut seen = Vec::new();
        let faults = database.rows("other", &mut |row| {
            if let (Some(Value::Text(text)), Some(Value::Int(n))) = (row.value(0), row.value(1)) {
                seen.push((text.decode().into_owned(), n));
            }
            ControlFlow::Continue(())
        });
        assert_eq!((seen, faults), (vec![("Лаборатория 🦀".to_owned(), -5)], vec![]));
    }
}

#[test]
fn values_as_sqlite_stores_them() {
    let db = Fixture::new("CREATE TABLE v(a)");
    db.sql
        .execute_batch(
            "INSERT INTO v VALUES (NULL),(0),(1),(-1),(127),(-129),(40000),(-9000000),(5000000000),
             (9223372036854775807),(-9223372036854775808),(1.5),(x'0102'),('t')",
        )
        .unwrap();
    let bytes = db.bytes("db");
    let bytes = bytes.as_slice();
    let mut seen = Vec::new();
    let faults = Database::open(&bytes, None).unwrap().rows("v", &mut |row| {
        seen.push(match row.value(0) {
            Some(Value::Int(n)) => n.to_string(),
            Some(Value::Text(text)) => text.decode().into_owned(),
            other => format!("{other:?}"),
        });
        ControlFlow::Continue(())
    });
    assert_eq!(faults, []);
    let want = "Some(Null) 0 1 -1 127 -129 40000 -9000000 5000000000 9223372036854775807 \
                -9223372036854775808 Some(Real(1.5)) Some(Blob([1, 2])) t";
    assert_eq!(seen.join(" "), want);
}

#[test]
fn a_column_added_later_is_missing_and_no_fault() {
    let db =
        Fixture::new("CREATE TABLE v(a); INSERT INTO v VALUES (7); ALTER TABLE v ADD COLUMN b DEFAULT 3");
    let bytes = db.bytes("db");
    let bytes = bytes.as_slice();
    let mut seen = Vec::new();
    let faults = Database::open(&bytes, None).unwrap().rows("v", &mut |row| {
        seen.push((row.value(0).is_some(), row.value(1).is_some()));
        ControlFlow::Continue(())
    });
    assert_eq!((seen, faults), (vec![(true, false)], vec![]));
}

#[test]
fn tables_without_rowid() {
    for page_size in [512, 4096] {
        let db = Fixture::new(&format!("PRAGMA page_size={page_size}"));
        db.sql.execute_batch("CREATE TABLE v(a, b, PRIMARY KEY(b)) WITHOUT ROWID; BEGIN").unwrap();
        for n in 0..900_usize {
            let blob = vec![1_u8; n * 37 % 600 + if n % 97 == 0 { 20_000 } else { 0 }];
            db.sql.execute("INSERT INTO v VALUES (?1, ?2)", (blob, i64::try_from(n).unwrap())).unwrap();
        }
        db.sql.execute_batch("COMMIT; DELETE FROM v WHERE b % 5 = 0").unwrap();
        let bytes = db.bytes("db");
        let bytes = bytes.as_slice();
        let mut seen = Vec::new();
        // The key's columns come first, the others behind them.
        let faults = Database::open(&bytes, None).unwrap().rows("v", &mut |row| {
            if let (Some(Value::Int(key)), Some(Value::Blob(blob))) = (row.value(0), row.value(1)) {
                seen.push((usize::try_from(key).unwrap(), blob.len()));
            }
            ControlFlow::Continue(())
        });
        assert_eq!(faults, []);
        let want = (0..900).filter(|n| n % 5 != 0);
        assert!(
            seen.iter().copied().eq(want.map(|n| (n, n * 37 % 600 + if n % 97 == 0 { 20_000 } else { 0 })))
        );
    }
}

#[test]
fn reserved_bytes_are_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let sql = Connection::open(&path).unwrap();
    sql.execute_batch("PRAGMA page_size=1024; PRAGMA user_version=1").unwrap();
    drop(sql);
    // An empty database of one page in which we reserve 32 bytes: SQLite keeps to it.
    let mut bytes = std::fs::read(&path).unwrap();
    assert_eq!((bytes.len(), &bytes[105..107]), (1024, &[4, 0][..]));
    bytes[20] = 32;
    bytes[105..107].copy_from_slice(&992_u16.to_be_bytes());
    std::fs::write(&path, bytes).unwrap();
    let db = Fixture::open(dir, "");
    db.add(1..300);
    let bytes = db.bytes("db");
    assert_eq!(bytes[20], 32);
    let (rows, faults) = read(&bytes, None);
    assert_eq!(faults, []);
    assert!(rows == db.want());
}

#[test]
fn header_count_holds_only_when_the_last_writer_knew_it() {
    let db = Fixture::new("");
    db.add(1..50);
    let mut bytes = db.bytes("db");
    // An old writer: its change counter differs from version-valid-for; the count is stale.
    bytes[27] = bytes[27].wrapping_add(1);
    bytes[28..32].copy_from_slice(&1_u32.to_be_bytes());
    let (rows, faults) = read(&bytes, None);
    assert_eq!((rows == db.want(), faults), (true, vec![]));
}

#[test]
fn every_cut_is_a_fault() {
    let db = Fixture::new("PRAGMA page_size=512");
    db.add(1..120);
    let (bytes, want) = (db.bytes("db"), db.want());
    assert_eq!(read(&bytes, None), (want.clone(), vec![]));
    let mut dice = Dice(7);
    let steps = (0..200).map(|n| n * 8).chain((0..400).map(|_| dice.below(bytes.len())).collect::<Vec<_>>());
    for cut in steps {
        let (rows, faults) = read(&bytes[..cut], None);
        assert!(!faults.is_empty(), "cut at {cut}");
        assert!(rows.iter().all(|row| want.contains(row)), "cut at {cut}: rows made up");
    }
    // Without a trusted count the tree itself must show what is missing.
    let mut unsure = bytes.clone();
    unsure[92..96].fill(0);
    for page in 1..bytes.len() / 512 {
        let (rows, faults) = read(&unsure[..page * 512], None);
        assert!(rows == want || !faults.is_empty(), "cut at page {page}");
    }
}

#[test]
fn flips_end_without_panic() {
    let db = Fixture::new("PRAGMA page_size=512; PRAGMA auto_vacuum=1");
    db.add(1..120);
    let mut bytes = db.bytes("db");
    let mut dice = Dice(11);
    for _ in 0..4000 {
        let at = if dice.below(2) == 0 { dice.below(bytes.len()) } else { dice.below(4096) };
        let before = bytes[at];
        bytes[at] = if dice.below(3) == 0 { 0xff } else { before ^ (1 << dice.below(8)) };
        let _ = read(&bytes, None);
        bytes[at] = before;
    }
}

#[test]
fn loops_end_and_are_faults() {
    let db = Fixture::new("PRAGMA page_size=512");
    db.add(1..300);
    let sound = db.bytes("db");
    let bytes = sound.as_slice();
    let root = Database::open(&bytes, None).unwrap().table("Packages").unwrap().unwrap().root;
    let at = (usize::try_from(root).unwrap() - 1) * 512;
    assert_eq!(sound[at], 5, "the root is an interior page");
    // The root names itself as its rightmost child.
    let mut looped = sound.clone();
    looped[at + 8..at + 12].copy_from_slice(&root.to_be_bytes());
    let (_, faults) = read(&looped, None);
    assert!(faults.iter().any(|fault| fault.what.contains("used twice")), "{faults:?}");
    // A page of zeroes in the middle of the tree.
    let child = usize::try_from(be32(&sound, at + 8).unwrap()).unwrap();
    let mut wiped = sound;
    wiped[(child - 1) * 512..child * 512].fill(0);
    assert!(!read(&wiped, None).1.is_empty());
}

#[test]
fn other_versions_are_refused() {
    let db = Fixture::new("");
    let sound = db.bytes("db");
    for (at, byte) in [(0, b's'), (16, 3), (19, 3), (20, 255), (59, 4)] {
        let mut bytes = sound.clone();
        bytes[at] = byte;
        if at == 20 {
            bytes[16] = 2; // pages of 512 bytes, of which 255 are reserved
        }
        assert_eq!(read(&bytes, None).1.len(), 1, "byte {at}");
    }
    assert!(!read(b"", None).1.is_empty());
}
