//! Header and notes of programs of Linux; nothing may be kept that is not in them.
#![no_main]

use interdict::parse::elf;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(Some(file)) = elf::read(&data) else { return };
    assert!(file.build_id.is_none_or(|id| id.len() <= data.len() * 2));
    let name = file.package.and_then(|package| package.name).unwrap_or_default();
    assert!(name.len() <= data.len() * 3 && file.faults.len() <= 1);
});
