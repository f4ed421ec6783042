//! The SQLite reader: four bytes say where the input is cut into main file and log.
#![no_main]

use interdict::parse::sqlite::Database;
use std::ops::ControlFlow;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((cut, rest)) = data.split_first_chunk::<4>() else { return };
    let cut = (u32::from_be_bytes(*cut) as usize).min(rest.len());
    let (main, wal) = rest.split_at(cut);
    let Ok(mut database) = Database::open(&main, Some(&wal)) else { return };
    let mut bytes = 0;
    let faults = database.rows("Packages", &mut |row| {
        for value in row.values() {
            match value {
                interdict::parse::sqlite_record::Value::Text(text) => bytes += text.bytes.len(),
                interdict::parse::sqlite_record::Value::Blob(blob) => bytes += blob.len(),
                _ => {}
            }
        }
        ControlFlow::Continue(())
    });
    // Cells may overlap a little, pages and overflow pages not at all.
    assert!(bytes <= 2 * rest.len(), "more came out than went in");
    assert!(faults.len() <= interdict::parse::MAX_FAULTS);
});
