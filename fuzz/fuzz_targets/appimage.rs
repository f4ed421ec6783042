//! The mark of an AppImage in any bytes.
#![no_main]

use interdict::parse::appimage;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    assert!(appimage::kind(data).is_none() || data.starts_with(b"\x7fELF"));
});
