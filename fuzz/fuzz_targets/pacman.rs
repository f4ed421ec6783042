//! The pacman readers on any bytes.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::pacman;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (got, faults) = pacman::desc(data);
    assert!(faults.len() <= MAX_FAULTS);
    assert!((got.name.is_some() && got.version.is_some()) || !faults.is_empty());
    assert!(pacman::files(data).all(|path| !path.is_empty()));
    if let Some((name, version)) = std::str::from_utf8(data).ok().and_then(pacman::split_folder) {
        assert!(!name.is_empty() && version.contains('-'));
    }
});
