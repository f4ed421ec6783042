//! Signatures of Apple's code: read as they lie in a file, and checked; without roots nobody stands behind any.
#![no_main]

use interdict::parse::apple;
use interdict::parse::chain::{Anchors, Trust};
use interdict::parse::code_signature;
use interdict::parse::macho;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let alone = code_signature::read(&data, &(0..data.len() as u64));
    if let Ok(says) = alone {
        let _signer = says.signer(&data);
        let _sealed = says.seals(&data, 1, b"x");
    }
    let Ok(Some(file)) = macho::read(&data) else { return };
    for slice in &file.slices {
        let Ok(Some(got)) = code_signature::verify(&data, slice, &Anchors::none()) else { continue };
        assert!(got.maker.is_none() && !matches!(got.trust, Trust::Anchored(_)));
        let subject = got.signature.certificate.map(|certificate| certificate.subject).unwrap_or_default();
        assert!(apple::shown(&subject).len() <= data.len() * 3);
    }
});
