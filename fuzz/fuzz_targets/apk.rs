//! The apk readers on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::apk;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let got = apk::installed(data);
    assert!(got.faults.len() <= MAX_FAULTS);
    assert!(got.records.iter().all(|one| !one.name.is_empty()));
    assert!(got.records.iter().flat_map(apk::ApkRecord::provided).count() <= data.len());
    assert!(apk::owned(data).count() <= data.len());
    assert!(apk::world(data).records.iter().all(|one| !one.name.is_empty()));
});
