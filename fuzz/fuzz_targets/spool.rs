//! Any bytes as a file of the spool, and behind a head that goes with them: the report that was put there, or none.
#![no_main]

use interdict::ship::{pack, unpack};
use sha2::{Digest as _, Sha256};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    _ = unpack(data);
    let hash: String = Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut whole = format!("interdict.spool/1 {hash} {}\n", data.len()).into_bytes();
    whole.extend_from_slice(data);
    if let Some(parcel) = unpack(&whole) {
        assert_eq!(unpack(&pack(&parcel).unwrap()).unwrap(), parcel);
        // Torn off anywhere it is none.
        assert!(whole.get(..whole.len() - 1).is_none_or(|torn| unpack(torn).is_none()));
    }
});
