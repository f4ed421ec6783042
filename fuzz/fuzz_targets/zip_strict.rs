//! The strict reader of archives on any bytes: never a panic, never more than the caps, never a name that leads out.
#![no_main]

use interdict::parse::zip_strict::{Caps, members};

const CAPS: Caps = Caps { files: 8, bytes: 1 << 20 };

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(found) = members(data, &CAPS) {
        assert!(found.len() <= CAPS.files);
        assert!(found.iter().map(|one| one.data.len() as u64).sum::<u64>() <= CAPS.bytes);
        assert!(found.iter().all(|one| !one.name.contains(['/', '\\', ':']) && !one.name.starts_with('.')));
        assert!(found.is_sorted_by(|one, next| one.name < next.name));
    }
});
