//! The dpkg readers on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::dpkg;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for end in [dpkg::End::Strict, dpkg::End::Lenient] {
        let got = dpkg::status(data, end);
        assert!(got.faults.len() <= MAX_FAULTS);
        assert!(got.records.iter().all(|one| !one.package.is_empty()));
        assert!(got.records.iter().all(|one| one.source_name().len() <= data.len()));
    }
    assert!(dpkg::list_paths(data).all(|path| !path.is_empty()));
});
