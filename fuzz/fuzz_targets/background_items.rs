//! The reader of macOS' background items on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::background_items;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(got) = background_items::items(data) else { return };
    assert!(got.faults.len() <= MAX_FAULTS);
    assert!(got.records.iter().all(|item| !item.identifier.is_empty()));
});
