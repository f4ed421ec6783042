//! The reader of firmlinks on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::firmlinks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let got = firmlinks::firmlinks(data);
    assert!(got.faults.len() <= MAX_FAULTS);
    assert!(got.records.len() <= data.len());
    assert!(got.records.iter().all(|link| link.name.len() > 1 && !link.on_data.starts_with(b"/")));
});
