//! Tests of the reader of winget's databases, against databases that SQLite wrote with winget's tables.
#![expect(clippy::disallowed_methods, reason = "tests read the files that SQLite wrote")]

use super::*;
use crate::parse::corpora_windows_tests::save_seed;
use crate::parse::rpmdb::tests::Dice;
use rusqlite::Connection;

/// Bytes of a database that these statements make.
pub(crate) fn made(sql: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let database = Connection::open(&path).unwrap();
    database.execute_batch("PRAGMA page_size=1024").unwrap();
    database.execute_batch(sql).unwrap();
    drop(database);
    std::fs::read(path).unwrap()
}

/// The tables of schema 1 in one of its minor versions, with two packages.
fn first(minor: u32) -> String {
    let key = if minor == 0 { "" } else { "[rowid] INTEGER PRIMARY KEY, " };
    let mut sql = Vec::new();
    for (table, column, texts) in [
        ("ids", "id", &["Kaspersky.KVRT", "Tencent.QQ"][..]),
        ("names", "name", &["Лаб KVRT", "QQ"]),
        ("monikers", "moniker", &["", "qq"]),
        ("versions", "version", &["20.0", "9.7.1"]),
        ("channels", "channel", &[""]),
    ] {
        sql.push(format!("CREATE TABLE [{table}]({key}[{column}] TEXT NOT NULL);"));
        sql.extend(texts.iter().map(|text| format!("INSERT INTO {table}({column}) VALUES ('{text}');")));
    }
    sql.push(format!(
        "CREATE TABLE [manifest]({key}[id] INT64 NOT NULL, [name] INT64 NOT NULL, [moniker] INT64 NOT NULL,
         [version] INT64 NOT NULL, [channel] INT64 NOT NULL, [pathpart] INT64 NOT NULL);
         INSERT INTO manifest(id, name, moniker, version, channel, pathpart)
         VALUES (1, 1, 1, 1, 1, 0), (2, 2, 2, 2, 1, 0);
         ALTER TABLE [manifest] ADD [hash] BLOB;"
    ));
    if minor == 0 {
        return sql.concat();
    }
    for (table, column, [one, two]) in [
        ("productcodes", "productcode", ["{01d48e5f-8885-47c2-8d89-793cfc9de165}", "qq"]),
        ("pfns", "pfn", ["other_8wekyb3d8bbwe", "tencent.qq_8wekyb3d8bbwe"]),
    ] {
        let end = if minor >= 7 { ", PRIMARY KEY([#], [manifest])) WITHOUT ROWID" } else { ")" };
        let end = end.replace('#', column);
        sql.push(format!(
            "CREATE TABLE [{table}]([rowid] INTEGER PRIMARY KEY, [{column}] TEXT NOT NULL);
             INSERT INTO {table}({column}) VALUES ('{one}'), ('{two}');
             CREATE TABLE [{table}_map]([manifest] INT64 NOT NULL, [{column}] INT64 NOT NULL{end};
             INSERT INTO {table}_map(manifest, {column}) VALUES (2, 2), (1, 1);"
        ));
    }
    sql.push(
        "CREATE TABLE [manifest_metadata]([manifest] INT64 NOT NULL, [metadata] INT64 NOT NULL, [value] TEXT);
         INSERT INTO manifest_metadata VALUES (1, 7, '1700000000'), (1, 8, 'X64'), (2, 7, 'soon'), (9, 7, '1');"
            .to_owned(),
    );
    sql.concat()
}

const SECOND: &str = "CREATE TABLE [packages]([rowid] INTEGER PRIMARY KEY, [id] TEXT NOT NULL, [name] TEXT NOT NULL,
     [moniker] TEXT, [latest_version] TEXT NOT NULL, [arp_min_version] TEXT, [arp_max_version] TEXT, [hash] TEXT);
     INSERT INTO packages(id, name, moniker, latest_version) VALUES ('Kaspersky.KVRT', 'Лаб KVRT', NULL, '20.0'),
         ('Tencent.QQ', 'QQ', 'qq', '9.7.1');
     CREATE TABLE [productcodes2]([productcode] TEXT NOT NULL, [package] INT64 NOT NULL,
         PRIMARY KEY([productcode], [package])) WITHOUT ROWID;
     INSERT INTO productcodes2 VALUES ('{01d48e5f-8885-47c2-8d89-793cfc9de165}', 1), ('qq', 2);
     CREATE TABLE [pfns2]([rowid] INTEGER PRIMARY KEY, [pfn] TEXT NOT NULL);
     INSERT INTO pfns2(pfn) VALUES ('other_8wekyb3d8bbwe'), ('tencent.qq_8wekyb3d8bbwe');
     CREATE TABLE [pfns2_map]([pfn] INT64 NOT NULL, [package] INT64 NOT NULL, PRIMARY KEY([pfn], [package])) WITHOUT ROWID;
     INSERT INTO pfns2_map VALUES (1, 1), (2, 2);";

fn read(bytes: &[u8]) -> Result<Parsed<Package>, Fault> {
    packages(&bytes, None)
}

#[test]
fn every_schema() {
    let versions = [0, 1, 4, 7].map(first);
    for (n, sql) in versions.iter().map(String::as_str).chain([SECOND]).enumerate() {
        let got = read(&made(sql)).unwrap();
        assert_eq!(got.faults, [], "{n}");
        let [one, two] = &got.records[..] else { panic!("{n}: {got:?}") };
        assert_eq!((one.id.as_str(), one.name.as_deref()), ("Kaspersky.KVRT", Some("Лаб KVRT")), "{n}");
        assert_eq!(
            (one.moniker.as_deref(), one.version.as_deref(), one.channel.as_deref()),
            (None, Some("20.0"), None),
            "{n}"
        );
        assert_eq!((two.moniker.as_deref(), two.version.as_deref()), (Some("qq"), Some("9.7.1")), "{n}");
        if n > 0 {
            assert_eq!(one.product_codes, ["{01d48e5f-8885-47c2-8d89-793cfc9de165}"], "{n}");
            assert_eq!(two.family_names, ["tencent.qq_8wekyb3d8bbwe"], "{n}");
        }
        if (1..4).contains(&n) {
            assert_eq!((one.written, one.architecture.as_deref()), (Some(1_700_000_000), Some("X64")), "{n}");
            assert_eq!(two.written, None, "{n}");
        }
    }
}

#[test]
fn versions_that_became_numbers() {
    let got = read(&made(
        &SECOND.replace("[latest_version] TEXT", "[latest_version] INT64").replace("20.0", "20.5"),
    ));
    assert_eq!(got.unwrap().records[0].version.as_deref(), Some("20.5"));
}

#[test]
fn what_is_no_catalog() {
    assert!(read(&made("CREATE TABLE other(a)")).is_err());
    assert!(read(b"1").is_err());
    assert!(read(b"").is_err());
    // A package whose id is gone.
    let got = read(&made(&(first(1) + "DELETE FROM ids WHERE rowid = 1;"))).unwrap();
    assert_eq!((got.records.len(), got.faults.len()), (1, 1));
    let got = read(&made(&(first(1) + "DROP TABLE names;"))).unwrap();
    assert_eq!((got.records.len(), got.faults.len()), (2, 1), "{:?}", got.faults);
}

#[test]
fn cuts_and_flips_never_lose_a_package_in_silence() {
    let mut dice = Dice(3);
    for sql in [first(7), SECOND.to_owned()] {
        let good = made(&sql);
        let whole = read(&good).unwrap().records;
        for cut in (0..good.len()).step_by(97) {
            assert!(
                read(&good[..cut]).map_or(true, |got| !got.faults.is_empty() || got.records == whole),
                "{cut}"
            );
        }
        for _ in 0..2000 {
            let mut bad = good.clone();
            let at = dice.below(bad.len());
            bad[at] ^= 1 << dice.below(8);
            assert!(read(&bad).map_or(true, |got| got.records.len() < 1000));
        }
    }
}

#[test]
fn texts_that_many_share_are_capped() {
    let long = "x".repeat(60_000);
    let sql = first(1)
        + &format!(
            "UPDATE productcodes SET productcode = '{long}' WHERE rowid = 1;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
             INSERT INTO productcodes_map SELECT 1, 1 FROM n;"
        );
    let got = read(&made(&sql)).unwrap();
    assert!(got.records[0].product_codes.len() < 300 && !got.faults.is_empty());
}

#[test]
fn names_of_columns() {
    assert_eq!(
        columns("CREATE TABLE [m]([a] INT DEFAULT (1, 2), \"b\" TEXT, c, UNIQUE_x INT)"),
        ["a", "b", "c", "unique_x"]
    );
    assert_eq!(columns("CREATE TABLE m(a, b, c, PRIMARY KEY([c], [a])) WITHOUT ROWID"), ["c", "a", "b"]);
    assert_eq!(columns("CREATE TABLE m"), Vec::<String>::new());
    assert_eq!(columns(&"(".repeat(1 << 16)).len(), 1);
}

/// Writes `fuzz/seeds` anew: `cargo test --lib write_seeds -- --ignored`.
#[test]
#[ignore = "writes into the source tree, when a format's writer changed"]
fn write_seeds() {
    for (name, sql) in [("first", first(1)), ("later", first(7)), ("second", SECOND.to_owned())] {
        let main = made(&sql);
        save_seed(
            "winget_db",
            name,
            &[&u32::try_from(main.len()).unwrap().to_be_bytes()[..], &main].concat(),
        );
    }
}
