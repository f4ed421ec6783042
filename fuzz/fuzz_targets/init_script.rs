//! The LSB header reader on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::init_script;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (_, faults) = init_script::lsb_header(data);
    assert!(faults.len() <= MAX_FAULTS);
});
