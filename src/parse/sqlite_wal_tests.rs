//! Tests of the log: SQLite writes it and keeps it open while we read.

use super::*;
use crate::parse::rpmdb::tests::Dice;
use crate::parse::sqlite::tests::Fixture;
use crate::parse::sqlite::tests::read;

const WAL: &str = "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;";

/// A database whose rows are in its log only, the writer still open.
fn in_log_only(page_size: usize) -> Fixture {
    let db = Fixture::new(&format!("PRAGMA page_size={page_size}; {WAL}"));
    db.add(1..1001);
    db
}

#[test]
fn rows_that_are_only_in_the_log() {
    for page_size in [512, 4096, 65536] {
        let db = in_log_only(page_size);
        let (main, wal, want) = (db.bytes("db"), db.bytes("db-wal"), db.want());
        assert_eq!(want.len(), 1000);
        assert_eq!(main.len(), page_size, "only page 1 is in the file");
        for main in [main.as_slice(), b""] {
            let (rows, faults) = read(main, Some(&wal));
            assert_eq!(faults, [], "{page_size}");
            assert!(rows == want, "{page_size}: {} rows", rows.len());
        }
    }
}

#[test]
fn a_checkpoint_that_a_reader_held_back() {
    let db = in_log_only(4096);
    let reader = rusqlite::Connection::open(db.path("db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM Packages").unwrap();
    let count: i64 = reader.query_row("SELECT count(*) FROM Packages", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1000);
    db.add(1001..1500);
    db.sql.execute_batch("DELETE FROM Packages WHERE hnum < 400; PRAGMA wal_checkpoint(PASSIVE)").unwrap();
    let main = db.bytes("db");
    assert!(main.len() > 4096, "a part was written back");
    let (rows, faults) = read(&main, Some(&db.bytes("db-wal")));
    assert_eq!(faults, []);
    assert!(rows == db.want());
}

#[test]
fn frames_of_an_older_generation_do_not_count() {
    let db = in_log_only(1024);
    let long = db.bytes("db-wal").len();
    db.sql.execute_batch("PRAGMA wal_checkpoint(RESTART)").unwrap();
    db.add(1001..1010);
    let wal = db.bytes("db-wal");
    assert_eq!(wal.len(), long, "old frames are still behind the new ones");
    let (rows, faults) = read(&db.bytes("db"), Some(&wal));
    assert_eq!(faults, []);
    assert!(rows == db.want());
}

#[test]
fn a_log_that_was_written_back_whole() {
    let db = in_log_only(4096);
    db.sql.execute_batch("PRAGMA wal_checkpoint(FULL)").unwrap();
    let (main, wal, want) = (db.bytes("db"), db.bytes("db-wal"), db.want());
    assert_eq!(read(&main, Some(&wal)), (want.clone(), vec![]));
    assert_eq!(read(&main, Some(b"")), (want.clone(), vec![]));
    assert_eq!(read(&main, None), (want, vec![]));
}

#[test]
fn the_database_shrank_in_the_log() {
    let db = Fixture::new(&format!("PRAGMA auto_vacuum=1; {WAL}"));
    db.add(1..1000);
    db.sql.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); DELETE FROM Packages WHERE hnum > 20").unwrap();
    let (main, wal) = (db.bytes("db"), db.bytes("db-wal"));
    let (rows, faults) = read(&main, Some(&wal));
    assert_eq!(faults, []);
    assert!(rows == db.want());
}

#[test]
fn every_cut_of_the_log_is_a_fault() {
    let db = Fixture::new(&format!("PRAGMA page_size=512; {WAL}"));
    db.add(1..150);
    let (main, wal, want) = (db.bytes("db"), db.bytes("db-wal"), db.want());
    let mut dice = Dice(3);
    let frames = (0..40).map(|n| 32 + n * 536);
    for cut in frames.chain((0..300).map(|_| dice.below(wal.len())).collect::<Vec<_>>()) {
        let (rows, faults) = read(&main, Some(&wal[..cut]));
        // Behind a commit the log is whole, as it was at that time: nobody can tell.
        let behind_commit = cut > 32 && (cut - 32) % 536 == 0 && be32(&wal, cut - 532) != Some(0);
        assert!(behind_commit || !faults.is_empty(), "cut at {cut}");
        assert!(rows.is_empty() && !want.is_empty(), "the rows are one transaction");
    }
}

#[test]
fn a_damaged_commit_is_a_fault_and_what_was_before_it_stays() {
    let db = Fixture::new(WAL);
    db.add(1..10);
    let good = db.bytes("db-wal").len();
    db.add(10..20);
    let mut wal = db.bytes("db-wal");
    let mut dice = Dice(5);
    for _ in 0..300 {
        let at = good + dice.below(wal.len() - good);
        wal[at] ^= 0x10;
        let (rows, faults) = read(&db.bytes("db"), Some(&wal));
        assert_eq!(rows.len(), 9, "flip at {at}");
        // A flip in the salts of the last frame makes it a frame of another generation.
        let in_salts = (at - 32) % 4120 < 16;
        assert!(in_salts || !faults.is_empty(), "flip at {at}");
        wal[at] ^= 0x10;
    }
    for at in 0..32 {
        wal[at] ^= 1;
        assert!(!read(&db.bytes("db"), Some(&wal)).1.is_empty(), "flip in the header at {at}");
        wal[at] ^= 1;
    }
}

#[test]
fn what_a_rolled_back_transaction_left_is_no_fault() {
    let db = Fixture::new(&format!("{WAL} PRAGMA cache_size=10"));
    db.add(1..10);
    db.sql.execute_batch("BEGIN").unwrap();
    for id in 10..400 {
        db.sql.execute("INSERT INTO Packages VALUES (?1, zeroblob(3000))", [id]).unwrap();
    }
    let open = db.bytes("db-wal");
    let (rows, faults) = read(&db.bytes("db"), Some(&open));
    assert_eq!(rows.len(), 9);
    assert!(faults[0].what.contains("not committed"), "spilled while open: {faults:?}");
    db.sql.execute_batch("ROLLBACK").unwrap();
    db.add(10..12);
    let wal = db.bytes("db-wal");
    assert_eq!(wal.len(), open.len(), "the rolled-back frames are still there");
    assert_eq!(read(&db.bytes("db"), Some(&wal)), (db.want(), vec![]));
}

#[test]
fn big_endian_checksums() {
    let db = Fixture::new(&format!("PRAGMA page_size=512; {WAL}"));
    db.add(1..60);
    let mut wal = db.bytes("db-wal");
    // What a big-endian machine would have written: the other magic, all sums anew.
    wal[..4].copy_from_slice(&MAGIC_BIG.to_be_bytes());
    let mut sums = checksum(Order::Big, &wal[..24], (0, 0));
    wal[24..28].copy_from_slice(&sums.0.to_be_bytes());
    wal[28..32].copy_from_slice(&sums.1.to_be_bytes());
    for at in (32..wal.len()).step_by(536) {
        sums = checksum(Order::Big, &wal[at..at + 8], sums);
        sums = checksum(Order::Big, &wal[at + 24..at + 536], sums);
        wal[at + 16..at + 20].copy_from_slice(&sums.0.to_be_bytes());
        wal[at + 20..at + 24].copy_from_slice(&sums.1.to_be_bytes());
    }
    assert_eq!(read(&db.bytes("db"), Some(&wal)), (db.want(), vec![]));
}

#[test]
fn a_main_file_that_was_cut_under_its_log() {
    let db = Fixture::new(&format!("PRAGMA page_size=512; {WAL}"));
    db.add(1..200);
    db.sql
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE); UPDATE Packages SET blob=x'00' WHERE hnum=1")
        .unwrap();
    let (main, wal) = (db.bytes("db"), db.bytes("db-wal"));
    assert_eq!(read(&main, Some(&wal)), (db.want(), vec![]));
    for pages in 1..main.len() / 512 {
        let (_, faults) = read(&main[..pages * 512], Some(&wal));
        assert!(!faults.is_empty(), "{pages} pages");
    }
}

#[test]
fn a_writer_in_between_is_seen() {
    use crate::parse::sqlite::Database;
    use std::cell::RefCell;
    struct Growing(RefCell<Vec<u8>>);
    impl ReadAt for Growing {
        fn size(&self) -> u64 {
            self.0.borrow().len() as u64
        }
        fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<usize> {
            self.0.borrow().as_slice().read_at(offset, buf)
        }
    }
    let db = in_log_only(4096);
    let (main, wal) = (db.bytes("db"), Growing(RefCell::new(db.bytes("db-wal"))));
    let main = main.as_slice();
    let mut database = Database::open(&main, Some(&wal)).unwrap();
    db.add(2000..2001);
    *wal.0.borrow_mut() = db.bytes("db-wal");
    let mut rows = 0;
    let faults = database.rows("Packages", &mut |_| {
        rows += 1;
        std::ops::ControlFlow::Continue(())
    });
    assert_eq!(rows, 1000, "the state before");
    assert!(faults[0].what.contains("changed while"), "{faults:?}");
}

#[test]
fn flips_of_a_log_end_without_panic() {
    let db = Fixture::new(&format!("PRAGMA page_size=512; {WAL}"));
    db.add(1..60);
    let (main, mut wal) = (db.bytes("db"), db.bytes("db-wal"));
    let mut dice = Dice(13);
    for _ in 0..1000 {
        let at = dice.below(wal.len());
        wal[at] ^= 1 << dice.below(8);
        let (_, faults) = read(&main, Some(&wal));
        drop(faults);
    }
}
