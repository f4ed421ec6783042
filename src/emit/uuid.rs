//! Identifiers that come of what they name: the same scan has the same ones, whenever it is written.
//!
//! Called by the formats whose specification wants UUIDs.

use sha2::{Digest as _, Sha256};

use super::safe::put;

/// SHA-256 over parts of a name, none of which can run into the next.
pub(super) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut digits = String::with_capacity(32);
    hash.finalize().iter().take(16).for_each(|byte| put(&mut digits, format_args!("{byte:02x}")));
    digits
}

/// A UUID by name. RFC 9562 calls one of SHA-256 version 8; OSCAL takes only 4 and 5, of which 5 is by name.
pub(super) fn uuid(version: char, parts: &[&str]) -> String {
    let digits = digest(parts);
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-{version}{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_run_into_each_other() {
        assert_eq!(uuid('5', &["a", "bc"]), uuid('5', &["a", "bc"]));
        assert_ne!(digest(&["a", "bc"]), digest(&["ab", "c"]));
        let one = uuid('8', &["x"]);
        let lengths: Vec<_> = one.split('-').map(str::len).collect();
        assert_eq!(
            (lengths.as_slice(), one.get(14..15), one.get(19..20)),
            (&[8, 4, 4, 4, 12][..], Some("8"), Some("a"))
        );
    }
}
