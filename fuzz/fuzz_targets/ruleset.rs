//! Any text as a rule file: it loads or its faults are shown; never a panic.
#![no_main]

use interdict::ruleset::{of_text, render};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let loaded = of_text(&[("fuzz.toml", text)]);
    assert!(loaded.ruleset.is_some() || !loaded.diagnostics.is_empty());
    _ = render(&loaded.diagnostics, false);
});
