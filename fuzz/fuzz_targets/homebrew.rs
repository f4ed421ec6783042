//! The reader of Homebrew's receipts on any bytes.
#![no_main]

use interdict::parse::homebrew;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(got) = homebrew::receipt(data) {
        assert!(got.arch.is_none_or(|arch| arch.len() <= 256));
        assert!(got.tap.is_none_or(|tap| tap.len() <= 256));
    }
});
