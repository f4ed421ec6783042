//! The passwd and group readers on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::passwd;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let users = passwd::users(data);
    let groups = passwd::groups(data);
    assert!(users.faults.len() <= MAX_FAULTS && groups.faults.len() <= MAX_FAULTS);
    assert!(users.records.iter().all(|one| !one.name.is_empty()));
    assert!(groups.records.iter().all(|one| !one.name.is_empty()));
});
