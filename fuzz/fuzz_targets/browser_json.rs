//! The readers of what extensions, policies and native messaging hosts say, on any bytes.
#![no_main]

use interdict::parse::browser_policy;
use interdict::parse::native_host;
use interdict::parse::web_extension;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(manifest) = web_extension::manifest(data) {
        assert!(manifest.name.is_some() || manifest.version.is_some());
        let key = manifest.name.as_deref().and_then(web_extension::message_key);
        assert!(key.is_none_or(|key| !key.is_empty()));
    }
    if let Ok(Some(text)) = web_extension::message(data, "name") {
        assert!(!text.is_empty());
    }
    _ = browser_policy::offer(data);
    for read in [browser_policy::chromium, browser_policy::firefox, browser_policy::settings] {
        if let Ok(asked) = read(data) {
            assert!(asked.ids.len() <= 10_000 && asked.ids.iter().all(|id| !id.is_empty() && id != "*"));
        }
    }
    if let Ok(host) = native_host::native_host(data) {
        assert!(host.name.is_some());
    }
});
