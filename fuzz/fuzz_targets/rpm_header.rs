//! The header reader and the file list, on any bytes.
#![no_main]

use interdict::parse::rpm_header;
use std::ops::ControlFlow;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let out = rpm_header::read(data);
    assert!(!out.records.is_empty() || !out.faults.is_empty(), "nothing came out, in silence");
    let mut bytes = 0;
    rpm_header::files(data, &mut |_, base| {
        bytes += base.len() + 1;
        ControlFlow::Continue(())
    });
    assert!(bytes <= data.len(), "more base names than the blob holds");
});
