//! The reader of MSI databases on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::msi;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(found) = msi::properties(&data, 1 << 30) else { return };
    assert!(found.records.len() <= msi::MAX_PROPERTIES && found.faults.len() <= MAX_FAULTS);
    let _ = msi::Product::of(&found.records);
});
