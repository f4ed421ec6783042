//! The reader of macOS keychains on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::keychain;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(got) = keychain::certificates(data) else { return };
    assert!(got.faults.len() <= MAX_FAULTS);
    assert!(got.records.iter().all(|one| one.thumbprint().len() == 40));
});
