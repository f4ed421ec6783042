//! The reader of registry blobs: one certificate or a reason.
#![no_main]

use interdict::parse::certificate_store;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let got = certificate_store::read(data);
    assert!(got.records.len() + got.faults.len() >= 1);
    for one in &got.records {
        let _anchor = one.anchor();
        assert_eq!(one.certificate.thumbprint().len(), 40);
    }
});
