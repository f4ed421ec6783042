//! Signatures of any bytes: read and checked.
#![no_main]

use interdict::parse::pkcs7;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let got = pkcs7::read(data);
    assert!(got.records.len() <= 32 && got.faults.len() <= interdict::parse::MAX_FAULTS);
    for one in &got.records {
        one.check();
        assert!(one.depth <= 4);
    }
});
