//! The reader of property lists on any bytes, as they are and with either opening before them.
#![no_main]

use interdict::parse::plist;
use interdict::parse::plist::Value;

/// Values in it, counted; the caps of the reader hold whatever refers to whatever.
fn count(value: &Value) -> usize {
    let items: usize = value.items().iter().map(count).sum();
    let entries: usize = value.entries().iter().map(|(_, value)| count(value)).sum();
    1 + items + entries
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for head in [&b""[..], b"bplist00", b"<plist>"] {
        if let Ok(value) = plist::read(&[head, data].concat()) {
            assert!(count(&value) <= 200_000);
        }
    }
});
