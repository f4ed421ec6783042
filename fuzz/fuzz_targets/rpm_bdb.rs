//! The bdb reader on any bytes; nothing may be handed out that the file is too short for.
#![no_main]

use interdict::parse::bdb;
use std::ops::ControlFlow;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut longest = 0;
    let faults = bdb::records(&data, &mut |_, blob| {
        longest = longest.max(blob.len());
        ControlFlow::Continue(())
    });
    assert!(longest <= data.len());
    assert!(faults.len() <= interdict::parse::MAX_FAULTS);
});
