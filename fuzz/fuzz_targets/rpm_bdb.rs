//! The BerkeleyDB reader on any bytes, and what the magic bytes say; nothing may be handed out
//! that the file is too short for.
#![no_main]

use interdict::parse::bdb;
use interdict::parse::rpm_header;
use interdict::parse::rpmdb::{self, Backend};
use std::ops::ControlFlow;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut longest = 0;
    let faults = bdb::records(&data, &mut |_, blob| {
        longest = longest.max(blob.len());
        ControlFlow::Continue(())
    });
    assert!(longest <= data.len());
    assert!(faults.len() <= interdict::parse::MAX_FAULTS);
    let Some(backend) = Backend::sniff(&data) else { return };
    rpmdb::headers(backend, &data, None, &mut |_, blob| {
        rpm_header::read(blob);
        ControlFlow::Continue(())
    });
});
