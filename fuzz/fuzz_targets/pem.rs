//! The reader of files of trust stores on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::pem;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let got = pem::certificates(data);
    assert!(got.records.len() + got.faults.len() >= 1);
    assert!(got.faults.len() <= MAX_FAULTS);
});
