//! The mountinfo reader on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::mountinfo;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let got = mountinfo::mountinfo(data);
    assert!(got.faults.len() <= MAX_FAULTS);
    assert!(got.records.len() <= data.len());
});
