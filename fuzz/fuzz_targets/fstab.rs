//! The fstab reader on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::fstab;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let got = fstab::fstab(data);
    assert!(got.faults.len() <= MAX_FAULTS);
    assert!(got.records.len() <= data.len());
    let _expected = got.records.iter().filter(|entry| entry.is_expected()).count();
});
