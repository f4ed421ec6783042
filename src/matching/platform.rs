//! Signers that put their name to what others made: makers of platforms, for stores and for drivers.
//!
//! Asked by the engine. Their signature says that the platform let a thing in, not who made it.

/// Folded subjects: of Windows' hardware and early-launch programmes, of the stores.
const PLATFORMS: &[&str] = &[
    "microsoft windows hardware compatibility publisher",
    "microsoft windows hardware abstraction layer publisher",
    "microsoft windows early launch anti-malware publisher",
    "microsoft windows publisher",
    "microsoft windows",
    "microsoft corporation",
    "microsoft marketplace",
    "apple mac os application signing",
    "apple iphone os application signing",
    "testflight beta distribution",
    "software signing",
    "apple code signing certification authority",
];

/// Whether a folded signer is a platform.
pub(super) fn is_platform(signer: &str) -> bool {
    PLATFORMS.contains(&signer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_written_folded() {
        assert!(PLATFORMS.iter().all(|one| one.to_lowercase() == *one));
    }
}
