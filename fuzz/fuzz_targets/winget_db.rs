//! The reader of winget's databases: four bytes say where the input is cut into main file and log.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::winget_db;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((cut, rest)) = data.split_first_chunk::<4>() else { return };
    let cut = (u32::from_be_bytes(*cut) as usize).min(rest.len());
    let (main, wal) = rest.split_at(cut);
    let Ok(found) = winget_db::packages(&main, Some(&wal)) else { return };
    assert!(found.faults.len() <= MAX_FAULTS);
    assert!(found.records.iter().all(|package| !package.id.is_empty()));
});
