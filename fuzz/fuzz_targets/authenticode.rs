//! A whole executable: its signers, its digest, its trust; nothing may be kept that is not in it.
#![no_main]

use interdict::parse::authenticode;
use interdict::parse::chain::Anchors;
use interdict::parse::pe;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(Some(pe)) = pe::read(&data) else { return };
    let listed = authenticode::signers(&data, &pe);
    let checked = authenticode::verify(&data, &pe, &Anchors::none());
    assert!(checked.records.len() == listed.records.len() && checked.records.len() <= 32);
    for one in &listed.records {
        assert!(one.certificates.len() <= 64);
        assert!(one.file_digest.as_ref().is_none_or(|stated| stated.digest.len() <= data.len()));
    }
    assert!(checked.faults.len() <= interdict::parse::MAX_FAULTS);
});
