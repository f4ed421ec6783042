//! Whom Apple's certificates stand for: the team of a developer, Apple's stores, or Apple itself. Rules: what the requirements
//! that `codesign` writes into programs ask of a chain ("TN3127: Inside Code Signing: Requirements", developer.apple.com).
//!
//! Called by [`crate::parse::code_signature`]. Must not know what was signed.
//!
//! That a chain ends at Apple is not enough: Apple certifies servers, passes and messages, too, in names that it did not check
//! as it checks those of developers.

use crate::parse::chain;
use crate::parse::chain::Anchors;
use crate::parse::chain::Trust;
use crate::parse::oid;
use crate::parse::pkcs7::Signature;
use crate::parse::x509::Certificate;
use crate::parse::x509::Name;

/// The authority that issues the certificates by which Apple signs what is its own.
const OWN: (&str, &str) = ("Apple Code Signing Certification Authority", "Apple Inc.");
/// Marks of a developer's certificate that Apple's relations to developers issues: for tests, and to hand in to a store.
const DEVELOPER: &[&[u8]] = &[
    oid::APPLE_IPHONE_DEVELOPER,
    oid::APPLE_IPHONE_SUBMISSION,
    oid::APPLE_MAC_SUBMISSION,
    oid::APPLE_MAC_DEVELOPER,
];
/// Marks of the certificates of the stores.
const STORE: &[&[u8]] = &[oid::APPLE_MAC_STORE, oid::APPLE_IPHONE_STORE, oid::APPLE_TEST_FLIGHT];

/// Who signed, by the word of Apple.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Maker {
    /// The team of a developer, by its id (`2Y8XE5CQ94`).
    Team(String),
    /// A store of Apple, for a team that the signed program names: the store looks after that.
    Store,
    /// Apple, what is its own.
    Apple,
}

/// Checks one signature, and whether its chain is one that Apple gives to those who sign programs. Whether it covers the file
/// at hand is the caller's to know.
pub fn judge(signature: &Signature, anchors: &Anchors) -> (Trust, Option<Maker>) {
    let (trust, way) = chain::judge_way(signature, anchors);
    if !matches!(trust, Trust::Anchored(_)) {
        return (trust, None);
    }
    match maker(&way) {
        Some(maker) => (trust, Some(maker)),
        None => {
            (Trust::Unanchored("its certificate is none of those for programs of macOS".to_owned()), None)
        }
    }
}

/// Who stands behind a chain, from the signer up.
fn maker(way: &[&Certificate]) -> Option<Maker> {
    let leaf = way.first()?;
    let issuer = way.get(1);
    let issued_by = |mark: &[u8]| issuer.is_some_and(|issuer| issuer.is_marked(mark));
    let has = |marks: &[&[u8]]| marks.iter().any(|mark| leaf.is_marked(mark));
    if issuer.is_some_and(|issuer| is_own(&issuer.subject)) {
        return Some(Maker::Apple);
    }
    if has(STORE) {
        return Some(Maker::Store);
    }
    let developer_id =
        leaf.is_marked(oid::APPLE_DEVELOPER_ID) && issued_by(oid::APPLE_DEVELOPER_ID_AUTHORITY);
    let developer = has(DEVELOPER) && issued_by(oid::APPLE_DEVELOPER_RELATIONS);
    let team = leaf.subject.part("OU").filter(|_| developer_id || developer)?;
    Some(Maker::Team(team.to_owned()))
}

fn is_own(name: &Name) -> bool {
    (name.common_name(), name.organization()) == (Some(OWN.0), Some(OWN.1))
}

/// Whom a certificate names: of a developer the firm or person, as its common name begins with what the certificate is for
/// ("Developer ID Application: …"); else the common name.
pub fn shown(subject: &Name) -> &str {
    let is_developer = subject.common_name().is_some_and(|name| name.contains(": "));
    subject.organization().filter(|_| is_developer).unwrap_or_else(|| subject.shown())
}
