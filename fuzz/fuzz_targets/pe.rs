//! Headers and certificate table of executables; nothing is handed out that the file is too short for.
#![no_main]

use interdict::parse::pe;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(Some(pe)) = pe::read(&data) else { return };
    let size = data.len() as u64;
    assert!(pe.overlay().is_none_or(|range| range.start < range.end && range.end <= size));
    for address in [0, 0x1000, 0x2000, u32::MAX] {
        assert!(pe.offset(address).is_none_or(|range| range.start < range.end && range.end <= size));
    }
    let entries = pe.certificates(&data);
    let bytes: usize = entries.records.iter().map(|entry| entry.data.len()).sum();
    assert!(bytes <= data.len(), "more came out than went in");
});
