//! The os-release reader on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::os_release;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (os, faults) = os_release::os_release(data);
    assert!(faults.len() <= MAX_FAULTS);
    assert!(os.id.is_some() || !faults.is_empty());
});
