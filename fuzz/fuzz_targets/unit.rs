//! The unit file reader on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::unit;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let got = unit::entries(data);
    assert!(got.faults.len() <= MAX_FAULTS);
    assert!(unit::programs(&got.records).iter().all(|program| !program.is_empty()));
});
