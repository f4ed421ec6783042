//! The crontab reader on any bytes, with and without a user column.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::crontab;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for kind in [crontab::Kind::System, crontab::Kind::User] {
        let got = crontab::crontab(data, kind);
        assert!(got.faults.len() <= MAX_FAULTS);
        assert!(got.records.iter().all(|one| !one.program.is_empty()));
    }
});
