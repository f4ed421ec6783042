//! The snap.yaml reader on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::snap_yaml;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (got, faults) = snap_yaml::snap_yaml(data);
    assert!(faults.len() <= MAX_FAULTS);
    assert!(got.name.is_some() || !faults.is_empty());
});
