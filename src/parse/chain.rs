//! From a signing certificate up to a root that is trusted: what a signer's name is worth.
//! Rules: RFC 5280, section 6, and what Windows adds for code.
//!
//! Called by [`crate::parse::authenticode`], and by sources for signatures of other formats.
//! Must not know where roots come from, nor the time.
//!
//! The clock is not asked, and validity is not judged: a signature of 2009 still says who made
//! the file, and a program does not change its maker when a certificate runs out. Time stamps
//! are therefore not needed for trust. The one date that counts is of the certificate itself:
//! a root that is distrusted from a day on vouches for what was issued before.

use std::collections::HashMap;

use crate::parse::der;
use crate::parse::pkcs7::Check;
use crate::parse::pkcs7::Signature;
use crate::parse::public_key;
use crate::parse::public_key::Refusal;
use crate::parse::public_key::Scheme;
use crate::parse::roots;
use crate::parse::x509::ANY_USAGE;
use crate::parse::x509::CODE_SIGNING;
use crate::parse::x509::Certificate;
use crate::parse::x509::Name;

/// Certificates between a signature and its root, both ends among them.
const MAX_DEPTH: usize = 8;
/// Signatures of certificates that are checked before a chain is given up.
const MAX_CHECKS: u32 = 64;
/// Purposes that Microsoft gives its own authorities for parts of Windows and for drivers.
const MICROSOFT_USAGES: &str = "1.3.6.1.4.1.311.10.3.";

/// What a signature is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// It holds, and a trusted root vouches for its signer's name.
    Anchored(Root),
    /// Nobody who is trusted vouches for the signer's name, or it could not be checked; why.
    Unanchored(String),
    /// It does not hold: the file, the signature or a certificate was changed; why.
    Broken(String),
}

/// A root that vouches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Its common name.
    pub name: String,
    /// Whose list it is on.
    pub origin: Origin,
}

/// Where a root is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// On the machine that is scanned.
    Target,
    /// In the list that the scanner brings along.
    Bundled,
}

/// A root: a name, the key behind it, and until when it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Its subject.
    pub name: Name,
    /// Its `SubjectPublicKeyInfo`.
    pub(crate) key: Vec<u8>,
    /// It vouches for code whose certificate was issued before this time, seconds since 1970.
    pub issued_before: Option<i64>,
    /// Where it is trusted.
    pub origin: Origin,
}

impl Anchor {
    /// A root that the target trusts, whatever the certificate says of itself.
    pub fn target(certificate: &Certificate, issued_before: Option<i64>) -> Option<Self> {
        let key = certificate.parts()?.key.whole.to_vec();
        Some(Self { name: certificate.subject.clone(), key, issued_before, origin: Origin::Target })
    }
}

/// Roots and the authorities between, found by name.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    roots: HashMap<String, Vec<Anchor>>,
    between: HashMap<String, Vec<Certificate>>,
}

impl Anchors {
    /// None at all: nothing is anchored.
    pub fn none() -> Self {
        Self::default()
    }

    /// Those that the scanner brings along.
    pub fn bundled() -> Self {
        let mut anchors = Self::default();
        for root in roots::bundled() {
            anchors.add(root);
        }
        anchors
    }

    /// Apple's own: for programs of macOS, and for nothing else.
    pub fn apple() -> Self {
        let mut anchors = Self::default();
        for root in roots::apple() {
            anchors.add(root);
        }
        anchors
    }

    /// Adds a root. One that is there already, with the same key, keeps the later end.
    pub fn add(&mut self, anchor: Anchor) {
        let same = self.roots.entry(anchor.name.folded()).or_default();
        match same.iter_mut().find(|known| known.key == anchor.key) {
            None => same.push(anchor),
            Some(known) => {
                let until = |end: Option<i64>| end.unwrap_or(i64::MAX);
                if until(anchor.issued_before) > until(known.issued_before) {
                    *known = anchor;
                }
            }
        }
    }

    /// Adds an authority that may stand between: of the target's store of those. Not trusted.
    pub fn add_between(&mut self, certificate: Certificate) {
        let same = self.between.entry(certificate.subject.folded()).or_default();
        if !same.contains(&certificate) {
            same.push(certificate);
        }
    }

    /// How many roots there are.
    pub fn len(&self) -> usize {
        self.roots.values().map(Vec::len).sum()
    }

    /// Whether there are no roots.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// The roots of a name.
    pub fn named(&self, name: &Name) -> &[Anchor] {
        self.roots.get(&name.folded()).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Checks one signature and the chain of its certificate. Whether it covers the file at hand
/// is the caller's to know.
pub fn judge(signature: &Signature, anchors: &Anchors) -> Trust {
    judge_way(signature, anchors).0
}

/// As [`judge`], with the certificates that lead to the root: the signer's first, the root's own
/// perhaps not among them. None where it is not anchored.
pub(crate) fn judge_way<'a>(signature: &'a Signature, anchors: &'a Anchors) -> (Trust, Vec<&'a Certificate>) {
    let ends = |trust| (trust, Vec::new());
    match signature.check() {
        Check::Broken(why) => return ends(Trust::Broken(why)),
        Check::Unchecked(why) => return ends(Trust::Unanchored(why)),
        Check::Sound => {}
    }
    match &signature.certificate {
        None => ends(Trust::Broken("its certificate is not there".to_owned())),
        Some(leaf) => build_way(leaf, &signature.certificates, anchors),
    }
}

/// Looks for a chain from a code-signing certificate to a root, over the certificates of `pool`
/// and the authorities of `anchors`.
///
/// [`Trust::Broken`] only where an issuer is known by the identifier of its key and did not
/// sign: two authorities of one name are no damage.
pub fn build(leaf: &Certificate, pool: &[Certificate], anchors: &Anchors) -> Trust {
    build_way(leaf, pool, anchors).0
}

/// As [`build`], with the certificates of the chain.
fn build_way<'a>(
    leaf: &'a Certificate,
    pool: &'a [Certificate],
    anchors: &'a Anchors,
) -> (Trust, Vec<&'a Certificate>) {
    if !leaf.signs_code() {
        return (Trust::Unanchored("its certificate is not for code".to_owned()), Vec::new());
    }
    let pool = pool.iter().map(|one| (one.subject.folded(), one)).collect();
    let mut search =
        Search { leaf, pool, anchors, checks: MAX_CHECKS, broken: None, why: None, way: Vec::new() };
    let trust = match search.climb(leaf, &mut Vec::new()) {
        Some(root) => Trust::Anchored(root),
        None => match (search.broken, search.why) {
            (Some(why), _) => Trust::Broken(why),
            (None, why) => Trust::Unanchored(why.unwrap_or_else(|| "no chain".to_owned())),
        },
    };
    (trust, search.way)
}

struct Search<'a> {
    leaf: &'a Certificate,
    /// By folded subject.
    pool: Vec<(String, &'a Certificate)>,
    anchors: &'a Anchors,
    /// Checks that are left.
    checks: u32,
    /// A certificate whose issuer is known and did not sign it.
    broken: Option<String>,
    /// Why the last way up ended.
    why: Option<String>,
    /// The certificates of the chain that was found.
    way: Vec<&'a Certificate>,
}

impl<'a> Search<'a> {
    /// The root above a certificate; `below` are those it was reached from.
    fn climb(&mut self, certificate: &'a Certificate, below: &mut Vec<&'a Certificate>) -> Option<Root> {
        let anchors = self.anchors;
        let key = certificate.parts()?.key.whole;
        for root in anchors.named(&certificate.subject).iter().filter(|root| root.key == key) {
            if let Some(found) = self.accept(root) {
                self.way = [below.as_slice(), &[certificate]].concat();
                return Some(found);
            }
        }
        for root in anchors.named(&certificate.issuer) {
            if self.signed_by(certificate, &root.key, None)
                && let Some(found) = self.accept(root)
            {
                self.way = [below.as_slice(), &[certificate]].concat();
                return Some(found);
            }
        }
        if below.len() + 1 >= MAX_DEPTH {
            self.why = Some(format!("its chain is longer than {MAX_DEPTH}"));
            return None;
        }
        below.push(certificate);
        let found = self.climb_over(certificate, below);
        below.pop();
        found
    }

    /// Tries every certificate that may have issued the last one of `below`.
    fn climb_over(&mut self, certificate: &'a Certificate, below: &mut Vec<&'a Certificate>) -> Option<Root> {
        let issuer = certificate.issuer.folded();
        let pooled: Vec<_> =
            self.pool.iter().filter(|(name, _)| *name == issuer).map(|(_, one)| *one).collect();
        let stored = self.anchors.between.get(&issuer).map(Vec::as_slice).unwrap_or_default();
        let mut known = false;
        for one in pooled.into_iter().chain(stored) {
            if below.iter().any(|lower| lower.der == one.der) {
                continue;
            }
            if let Err(why) = may_issue(one, below) {
                self.why = Some(format!("{} {why}", one.subject.shown()));
                continue;
            }
            known = true;
            let Some(parts) = one.parts() else { continue };
            if self.signed_by(certificate, parts.key.whole, one.key_id())
                && let Some(found) = self.climb(one, below)
            {
                return Some(found);
            }
        }
        if !known && self.why.is_none() {
            self.why = Some(format!("no trusted root vouches for {}", certificate.issuer.shown()));
        }
        None
    }

    /// Whether a root vouches for code of the leaf's age.
    fn accept(&mut self, root: &Anchor) -> Option<Root> {
        let in_time = root.issued_before.is_none_or(|end| self.leaf.not_before.is_some_and(|at| at < end));
        if !in_time {
            self.why = Some(format!("{} is not trusted for certificates as new", root.name.shown()));
            return None;
        }
        Some(Root { name: root.name.shown().to_owned(), origin: root.origin })
    }

    /// Whether this key signed the certificate. `key_id` is what its owner says of it.
    fn signed_by(&mut self, certificate: &Certificate, key: &[u8], key_id: Option<&[u8]>) -> bool {
        let Some(left) = self.checks.checked_sub(1) else {
            self.why = Some("its certificates make too many chains".to_owned());
            return false;
        };
        self.checks = left;
        let Some((parts, key)) = certificate.parts().zip(der::first(key)) else { return false };
        let scheme = Scheme { algorithm: parts.algorithm, hash: None };
        let name = || certificate.subject.shown();
        match public_key::check(&key, &scheme, parts.signed, parts.signature) {
            Ok(()) => true,
            Err(Refusal::Unsupported(what)) => {
                self.why = Some(format!("{what} of {} is not supported", name()));
                false
            }
            Err(Refusal::Wrong) => {
                if key_id.is_some() && certificate.issuer_key_id.as_deref() == key_id {
                    let what = format!("{} did not sign {}", certificate.issuer.shown(), name());
                    self.broken = Some(what);
                }
                false
            }
        }
    }
}

/// Whether a certificate may issue the last of `below`, and so stand above all of them: first
/// the signer, then authorities.
fn may_issue(certificate: &Certificate, below: &[&Certificate]) -> Result<(), &'static str> {
    let for_code =
        |usage: &String| usage == CODE_SIGNING || usage == ANY_USAGE || usage.starts_with(MICROSOFT_USAGES);
    if !certificate.is_ca || certificate.no_cert_sign {
        return Err("may not issue certificates");
    }
    if certificate.path_length.is_some_and(|most| usize::from(most) + 1 < below.len()) {
        return Err("may not issue certificates of authorities");
    }
    // As Windows does, though RFC 5280 does not: what an authority is for binds those below.
    if certificate.usages.as_ref().is_some_and(|usages| !usages.iter().any(for_code)) {
        return Err("may not issue certificates for code");
    }
    let permits = |name: &Name| {
        let permitted = &certificate.permitted;
        (permitted.is_empty() || permitted.iter().any(|upper| name.is_below(upper)))
            && !certificate.excluded.iter().any(|upper| name.is_below(upper))
    };
    if !below.iter().all(|lower| permits(&lower.subject)) {
        return Err("may not vouch for this name");
    }
    Ok(())
}
