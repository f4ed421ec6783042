//! The readers of archives and of MSIX packages on any bytes.
#![no_main]

use interdict::parse::msix;
use interdict::parse::zip;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(archive) = zip::Archive::open(&data) {
        let mut entries = 0;
        let _ = archive.entries(&mut |entry| {
            entries += 1;
            if let Ok(bytes) = archive.read(&entry, 1 << 16) {
                assert_eq!(bytes.len() as u64, entry.size);
            }
            entries < 100
        });
        assert!(entries <= data.len() / 46, "more entries than there is room for");
    }
    if let Ok((package, faults)) = msix::msix(&data) {
        assert!(package.manifest.name.is_some() || !faults.is_empty());
    }
});
