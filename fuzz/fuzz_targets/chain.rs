//! Chains over the certificates of a signature, to the bundled roots and to the last of them.
#![no_main]

use interdict::parse::chain::{Anchor, Anchors, build, judge};
use interdict::parse::pkcs7;
use std::sync::OnceLock;

/// Read once: `parse::roots` has no other input than its own list.
fn bundled() -> &'static Anchors {
    static ROOTS: OnceLock<Anchors> = OnceLock::new();
    ROOTS.get_or_init(|| interdict::parse::roots::bundled().into_iter().fold(Anchors::none(), |mut all, one| {
        all.add(one);
        all
    }))
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for signature in pkcs7::read(data).records {
        judge(&signature, bundled());
        let mut anchors = Anchors::none();
        if let Some(root) = signature.certificates.last().and_then(|last| Anchor::target(last, Some(1 << 30))) {
            anchors.add(root);
        }
        for leaf in signature.certificates.iter().take(4) {
            build(leaf, &signature.certificates, &anchors);
        }
    }
});
