//! One certificate of any bytes.
#![no_main]

use interdict::parse::x509::Certificate;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(certificate) = Certificate::read(data) else { return };
    assert!(certificate.subject.parts.len() <= 64);
    assert!(certificate.subject.to_string().len() <= 8 * data.len() + 64 * 64);
    certificate.is_self_issued();
    certificate.signs_code();
    assert_eq!(certificate.sha256().len(), 64);
});
