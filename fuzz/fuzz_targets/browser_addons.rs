//! The readers of browsers' records on any bytes: preferences of Chromium, add-ons of Firefox.
#![no_main]

use interdict::parse::chromium_preferences;
use interdict::parse::firefox_addons;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(found) = chromium_preferences::preferences(&data) {
        assert!(found.extensions.len() <= 10_000);
        assert!(data.iter().any(|byte| *byte == b'{'));
    }
    if let Ok(found) = firefox_addons::addons(data) {
        assert!(found.addons.iter().all(|addon| !addon.id.is_empty()));
    }
    if let Ok(addon) = firefox_addons::install_rdf(data) {
        assert!(!addon.id.is_empty());
    }
});
