//! Any bytes as a list of checksums, as a signature and as a public key: never a panic, and no name leads out.
#![no_main]

use interdict::parse::sums::{is_inside, sums};
use interdict::ruleset::{TrustedKey, check_seal};
use libfuzzer_sys::fuzz_target;

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

fuzz_target!(|bytes: &[u8]| {
    let parsed = sums(bytes);
    assert!(parsed.records.iter().all(|sum| is_inside(&sum.name) && !sum.name.starts_with("../")));
    let text = String::from_utf8_lossy(bytes);
    _ = TrustedKey::read(&text);
    if let Ok(key) = TrustedKey::read(KEY) {
        assert!(check_seal(bytes, bytes, &[key]).is_err());
    }
});
