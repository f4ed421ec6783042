//! The key file readers on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::keyfile;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let got = keyfile::entries(data);
    assert!(got.faults.len() <= MAX_FAULTS);
    assert!(got.records.iter().all(|one| keyfile::unescape(one.value).len() <= one.value.len()));
    let (entry, faults) = keyfile::desktop_entry(data);
    assert!(entry.name.is_some() || !faults.is_empty());
});
