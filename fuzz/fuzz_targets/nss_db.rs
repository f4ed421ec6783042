//! The reader of NSS databases on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::nss_db;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(got) = nss_db::certificates(&data, None) else { return };
    assert!(got.faults.len() <= MAX_FAULTS);
});
