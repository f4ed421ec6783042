//! The first bytes of any file.
#![no_main]

use interdict::parse::magic;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let head = data.get(..magic::HEAD).unwrap_or(data);
    assert!(magic::format(head).is_none() || magic::virtual_disk(head).is_none());
    assert_eq!(magic::format(head), magic::format(data));
});
