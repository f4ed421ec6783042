//! Whether a signature holds, and whether somebody vouches for the name in it: against the roots that the scanned Windows
//! itself trusts and those that the scanner brings along; of files without a signature of their own, by the catalogues.
//!
//! Called by `prove` for few files. Must not know rules.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::ControlFlow;

use aho_corasick::AhoCorasick;

use crate::host::{Hidden, Hive, Host, Read, Registry};
use crate::model::{GapReason, HostPath, Looked, Signer, Trust};
use crate::parse::authenticode::{self, SignerFacts};
use crate::parse::catalog;
use crate::parse::certificate_store::{self, StoredCertificate};
use crate::parse::chain::{self, Anchors};
use crate::parse::pe;
use crate::parse::pkcs7::{Hash, Signature};
use crate::sources::common::program::{claim, is_platform, name};
use crate::sources::prove::{Proof, Proved};

/// Stores of roots, below a hive's `SystemCertificates`: of the machine, of Microsoft's programme, of the organisation.
const ROOT_STORES: &[&str] = &[
    r"Microsoft\SystemCertificates\ROOT\Certificates",
    r"Microsoft\SystemCertificates\AuthRoot\Certificates",
    r"Policies\Microsoft\SystemCertificates\ROOT\Certificates",
    r"Microsoft\EnterpriseCertificates\ROOT\Certificates",
];
/// Stores of authorities that may stand between.
const BETWEEN_STORES: &[&str] = &[r"Microsoft\SystemCertificates\CA\Certificates"];
/// Where Windows keeps the catalogues of drivers and of itself, below its folder.
const CATALOGUES: &str = "System32/CatRoot/{F750E6C3-38EE-11D1-85E5-00C04FC295EE}";
/// The largest catalogue of Windows has about 12 MB.
const CATALOGUE_LIMIT: u64 = 32 << 20;
/// Hashes that catalogues list files by.
const LISTED: &[Hash] = &[Hash::Sha256, Hash::Sha1];

/// Digests of one file, in the order of [`LISTED`].
pub(in crate::sources) type Digests = Vec<Vec<u8>>;

/// What a file itself says of who signed it.
pub(in crate::sources) enum Proven {
    /// All there is to say.
    Told(Proof),
    /// It has no signature of its own; a catalogue may list it.
    Unsigned(Digests),
}

/// Proves signatures of one host.
pub(in crate::sources) struct Prover<'h> {
    host: &'h dyn Host,
    anchors: OnceCell<Anchors>,
}

impl<'h> Prover<'h> {
    /// A prover that has read nothing yet.
    pub(in crate::sources) fn new(host: &'h dyn Host) -> Self {
        Self { host, anchors: OnceCell::new() }
    }

    /// Who signed a file, and what that is worth. Reads the whole file.
    pub(in crate::sources) fn prove(&self, path: &HostPath) -> Read<Proven> {
        let file = self.host.files().open(path)?;
        let told = |signer| Ok(Proven::Told(Proof { signer, claim: None }));
        let pe = match pe::read(file.as_ref()) {
            Ok(Some(pe)) => pe,
            Ok(None) => return told(Looked::NotLooked),
            Err(fault) => return told(Looked::Unreadable(fault.to_string())),
        };
        let own = authenticode::verify(file.as_ref(), &pe, self.anchors());
        match (best(&own.records), own.faults.first()) {
            (Some(best), _) => Ok(Proven::Told(proof(best))),
            (None, Some(fault)) => told(Looked::Unreadable(fault.to_string())),
            (None, None) => match authenticode::digests(file.as_ref(), &pe, LISTED) {
                Ok(digests) => Ok(Proven::Unsigned(digests.into_iter().map(|(_, digest)| digest).collect())),
                Err(fault) => told(Looked::Unreadable(fault.to_string())),
            },
        }
    }

    /// What the catalogues say of files without a signature of their own. They are many and large: each is searched once for
    /// the digests of all these files, and only one that holds any is read as what it is.
    ///
    /// That nobody signed a file can be said only where every catalogue was searched.
    pub(in crate::sources) fn listed(&self, unsigned: &[(HostPath, Digests)]) -> Vec<Proved> {
        let (found, unread) = self.catalogues(unsigned);
        let nowhere = || unread.clone().map_or(Ok(Proof { signer: Looked::None, claim: None }), Err);
        let each = unsigned.iter().enumerate().map(|(at, _)| found.get(&at).cloned());
        each.map(|proof| proof.map_or_else(nowhere, Ok)).collect()
    }

    /// Proofs by position of the file; and what kept a catalogue from being searched. Every Windows has some.
    fn catalogues(&self, unsigned: &[(HostPath, Digests)]) -> (HashMap<usize, Proof>, Option<Hidden>) {
        let mut found = HashMap::new();
        let digests: Vec<&Vec<u8>> = unsigned.iter().flat_map(|(_, digests)| digests).collect();
        let needles = digests.iter().flat_map(|digest| [(*digest).clone(), member_name(digest)]);
        let Some(windows) = self.host.facts().windows.as_ref().filter(|_| !unsigned.is_empty()) else {
            return (found, None);
        };
        let folder = windows.root.join(CATALOGUES);
        let Ok(search) = AhoCorasick::new(needles) else {
            return (found, Some(unsearched(GapReason::Budget, &folder)));
        };
        let entries = match self.host.files().list(&folder) {
            Ok(entries) => entries,
            Err(miss) => return (found, Some(unsearched(miss.reason(), &folder))),
        };
        let is_catalogue =
            |name: &[u8]| name.last_chunk::<4>().is_some_and(|end| end.eq_ignore_ascii_case(b".cat"));
        let names: Vec<_> =
            entries.iter().map(|entry| &entry.name).filter(|name| is_catalogue(name)).collect();
        let mut unread = names.is_empty().then(|| unsearched(GapReason::Empty, &folder));
        for path in names.into_iter().map(|name| folder.join(name)) {
            match self.host.files().read(&path, CATALOGUE_LIMIT) {
                Ok(bytes) if !catalog::is_whole(&bytes) => {
                    unread.get_or_insert(unsearched(GapReason::Malformed, &path));
                }
                Ok(bytes) if search.is_match(&bytes) => self.catalogue(&bytes, unsigned, &mut found),
                Ok(_) => {}
                Err(miss) => _ = unread.get_or_insert(unsearched(miss.reason(), &path)),
            }
        }
        (found, unread)
    }

    fn catalogue(&self, bytes: &[u8], unsigned: &[(HostPath, Digests)], found: &mut HashMap<usize, Proof>) {
        let Some(catalog) = catalog::read(bytes).records.into_iter().next() else { return };
        let judged = |signature: &Signature| SignerFacts {
            trust: chain::judge(signature, self.anchors()),
            signature: signature.clone(),
        };
        let facts: Vec<SignerFacts> = catalog.signatures.iter().map(judged).collect();
        let Some(best) = best(&facts) else { return };
        for (at, (_, digests)) in unsigned.iter().enumerate() {
            let lists = LISTED.iter().zip(digests).any(|(hash, digest)| catalog.lists(*hash, digest));
            if lists {
                found.entry(at).or_insert_with(|| proof(best));
            }
        }
    }

    /// The roots of the scanned machine, and those that the scanner brings along. A root of one user vouches for nobody but
    /// that user: Windows lets a user add one without any right.
    fn anchors(&self) -> &Anchors {
        self.anchors.get_or_init(|| {
            let mut anchors = Anchors::bundled();
            let Some(registry) = self.host.registry() else { return anchors };
            let roots = ROOT_STORES.iter().flat_map(|store| certificates(registry, store));
            roots.filter_map(|stored| stored.anchor()).for_each(|anchor| anchors.add(anchor));
            let between = BETWEEN_STORES.iter().flat_map(|store| certificates(registry, store));
            between.for_each(|stored| anchors.add_between(stored.certificate));
            anchors
        })
    }
}

/// A place of catalogues in which a signature may stand.
fn unsearched(reason: GapReason, place: &HostPath) -> Hidden {
    (reason, place.clone(), Some("a file may be signed there".to_owned()))
}

/// The name of a catalogue's member: its digest, hexadecimal in UTF-16.
fn member_name(digest: &[u8]) -> Vec<u8> {
    digest.iter().flat_map(|byte| format!("{byte:02X}").into_bytes()).flat_map(|letter| [letter, 0]).collect()
}

/// The certificates of a store of the machine. What cannot be read vouches for nobody.
fn certificates(registry: &dyn Registry, store: &str) -> Vec<StoredCertificate> {
    let mut found = Vec::new();
    let Ok(key) = registry.open(Hive::Software, store) else { return found };
    let _hidden = key.each(&mut |key| {
        let blob = key.value("Blob").map(|value| value.data).unwrap_or_default();
        found.extend(certificate_store::read(&blob).records);
        ControlFlow::Continue(())
    });
    found
}

/// The signature that says most: anchored before not, and of those the maker's before the platform's.
fn best(facts: &[SignerFacts]) -> Option<&SignerFacts> {
    let rank = |one: &SignerFacts| {
        let trust = match one.trust {
            chain::Trust::Anchored(_) => 0,
            chain::Trust::Broken(_) => 1,
            chain::Trust::Unanchored(_) => 2,
        };
        (trust, is_platform(&one.signature))
    };
    facts.iter().min_by_key(|one| rank(one))
}

fn proof(facts: &SignerFacts) -> Proof {
    let trust = match facts.trust {
        chain::Trust::Anchored(_) => Trust::Anchored,
        chain::Trust::Unanchored(_) => Trust::Unanchored,
        chain::Trust::Broken(_) => Trust::Broken,
    };
    let signer = Signer { name: name(&facts.signature), team_id: None, trust };
    Proof { signer: Looked::Some(signer), claim: claim(&facts.signature) }
}
