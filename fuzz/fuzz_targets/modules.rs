//! The reader of loaded kernel modules on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::modules;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let got = modules::modules(data);
    assert!(got.faults.len() <= MAX_FAULTS);
    assert!(got.records.iter().all(|one| !one.name.is_empty()));
});
