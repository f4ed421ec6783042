//! Headers of Apple's executables; nothing is handed out that the file is too short for.
#![no_main]

use interdict::parse::macho;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(Some(file)) = macho::read(&data) else { return };
    let size = data.len() as u64;
    assert!(!file.slices.is_empty() && file.slices.len() <= 44);
    for slice in &file.slices {
        for part in [Some(&slice.range), slice.signature.as_ref(), slice.info.as_ref()].into_iter().flatten() {
            assert!(part.start <= part.end && part.end <= size);
        }
        assert!(slice.install_name.as_ref().is_none_or(|name| name.len() <= data.len() * 3));
    }
});
