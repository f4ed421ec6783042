//! The reader of catalogues; a member is in the file, as bytes or as text of them.
#![no_main]

use interdict::parse::catalog;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let got = catalog::read(data);
    assert!(got.faults.len() <= interdict::parse::MAX_FAULTS);
    for catalog in &got.records {
        let bytes: usize = catalog.members().map(<[u8]>::len).sum();
        assert!(bytes <= data.len(), "more came out than went in");
    }
});
