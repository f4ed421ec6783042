//! The reader of bills of materials on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::bom;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let got = bom::read(data);
    assert!(got.faults.len() <= MAX_FAULTS);
    assert!(got.records.len() <= 200_000);
    assert!(got.records.iter().all(|one| !one.path.is_empty() && one.path.len() <= 4096));
});
