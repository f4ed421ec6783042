//! The AppStream reader on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::appstream;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (got, faults) = appstream::component(data);
    assert!(faults.len() <= MAX_FAULTS);
    assert!(got.id.is_some() || !faults.is_empty());
});
