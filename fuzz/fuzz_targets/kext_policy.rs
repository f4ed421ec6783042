//! The reader of macOS' database of kernel extensions on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::kext_policy;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(got) = kext_policy::records(&data, None) else { return };
    assert!(got.faults.len() <= MAX_FAULTS);
    assert!(got.records.iter().all(|one| one.team_id.is_some() || one.bundle_id.is_some()));
});
