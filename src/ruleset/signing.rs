//! Signed folders of rules: `ruleset.sums` lists every rule file with its SHA-256, `ruleset.sums.minisig` is a minisign
//! signature of that list. What is checked are the bytes that are compiled, not the disk a second time.
//!
//! Called by `load` and by the subcommands of `cli` that sign, rules or other lists. Must not touch the disk; what was
//! accepted before is known to `accepted`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io::Cursor;
use std::sync::Arc;

use ct_codecs::{Base64, Decoder};
use minisign::{KeyPair, PublicKey, PublicKeyBox, SecretKeyBox, SignatureBox};
use sha2::{Digest, Sha256};

use crate::parse::sums::{is_inside, sums};

use super::manifest::Manifest;
use super::refusal::Refusal;
use super::rule_file::RuleFile;

/// The list of a folder's files.
pub const SUMS: &str = "ruleset.sums";
/// The signature of the list.
pub const SIGNATURE: &str = "ruleset.sums.minisig";

/// Digits of a public key in base64.
const KEY_DIGITS: usize = 56;
/// Digits of the two signatures in base64: the reader of the library does not look whether they are whole.
const SIGNATURE_DIGITS: (usize, usize) = (100, 88);
/// Bytes of a secret key with what tells how it is locked.
const SECRET_BYTES: usize = 158;
/// Alterations that are told of one folder.
const TOLD: usize = 8;

/// A public key whose signatures are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey(PublicKey);

impl TrustedKey {
    /// Whether a text has the form of a key, and so is none of a file's name.
    pub fn is_key(text: &str) -> bool {
        let digit = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
        text.len() == KEY_DIGITS && text.starts_with("RW") && text.bytes().all(digit)
    }

    /// Reads a key: its base64 alone, or the text of a `.pub` file.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let read = if text.contains('\n') {
            PublicKeyBox::from_string(text).and_then(PublicKeyBox::into_public_key)
        } else {
            PublicKey::from_base64(text)
        };
        let key = read.map_err(|_| "not a public key of minisign (56 characters, from RW)".to_owned())?;
        if key.to_bytes().starts_with(b"Ed") { Ok(Self(key)) } else { Err("not an Ed25519 key".to_owned()) }
    }

    /// Its base64 alone.
    pub fn text(&self) -> String {
        self.0.to_base64()
    }

    /// Its id, as minisign shows it.
    pub fn id(&self) -> String {
        key_id(self.0.keynum())
    }
}

/// Eight bytes, the least significant first, as sixteen digits.
fn key_id(bytes: &[u8]) -> String {
    hex(bytes.iter().rev()).to_uppercase()
}

pub(super) fn hex<'b>(bytes: impl Iterator<Item = &'b u8>) -> String {
    bytes.fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// SHA-256 in hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).iter())
}

/// A folder whose signature was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The folder, as it was named.
    pub folder: String,
    /// Name of its manifest.
    pub name: String,
    /// Version of its manifest.
    pub version: u64,
    /// SHA-256 of its list: that of all its files.
    pub digest: String,
    /// Id of the key.
    pub key: String,
}

impl Signed {
    /// A sealed folder with what its manifest says.
    pub(super) fn new(seal: Sealed, manifest: &Manifest) -> Self {
        let Sealed { folder, digest, key } = seal;
        Self { folder, name: manifest.name.clone(), version: manifest.version, digest, key }
    }
}

/// A folder whose files are those that were signed; its manifest is not yet read.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) folder: String,
    digest: String,
    key: String,
}

/// A folder as it was read.
pub(super) struct Folder<'f> {
    pub(super) name: &'f str,
    pub(super) files: &'f [Arc<RuleFile>],
    pub(super) sums: &'f [u8],
    pub(super) signature: &'f [u8],
}

/// Checks that a trusted key signed exactly these files.
pub(super) fn verify(folder: &Folder<'_>, keys: &[TrustedKey]) -> Result<Sealed, Refusal> {
    let name = folder.name.to_owned();
    let key = check_seal(folder.sums, folder.signature, keys).map_err(|fault| fault.of(&name, keys))?;
    let parsed = sums(folder.sums);
    if let Some(fault) = parsed.faults.first() {
        return Err(Refusal::Unusable { folder: name, file: SUMS, why: fault.to_string() });
    }
    let mut listed = BTreeMap::new();
    for sum in &parsed.records {
        if listed.insert(sum.name.as_str(), sum.sha256.as_str()).is_some() {
            let why = format!("it lists {} twice", sum.name);
            return Err(Refusal::Unusable { folder: name, file: SUMS, why });
        }
    }
    let mut altered = alterations(&listed, folder.files);
    if altered.is_empty() {
        return Ok(Sealed { folder: name, digest: sha256(folder.sums), key });
    }
    let more = altered.len().saturating_sub(TOLD);
    altered.truncate(TOLD);
    altered.extend((more > 0).then(|| format!("and {more} more")));
    Err(Refusal::Altered { folder: name, what: altered.join("; ") })
}

/// What differs between the list and the files.
fn alterations(listed: &BTreeMap<&str, &str>, files: &[Arc<RuleFile>]) -> Vec<String> {
    let mut altered = Vec::new();
    let mut seen = BTreeSet::new();
    for file in files {
        let name = file.relative.as_str();
        match listed.get(name) {
            None => altered.push(format!("{name} was added")),
            Some(sum) if file.sha256() != **sum => {
                let ends =
                    if file.text().contains("\r\n") { " (its line ends are those of Windows)" } else { "" };
                altered.push(format!("{name} is not as it was signed{ends}"));
            }
            Some(_) => {}
        }
        if !seen.insert(name) {
            altered.push(format!("{name} is there twice"));
        }
    }
    let missing = listed.keys().filter(|name| !seen.contains(*name));
    altered.extend(missing.map(|name| format!("{name} is missing")));
    altered
}

/// Why a list is not signed by a trusted key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealFault {
    /// The signature cannot be read.
    Unreadable(String),
    /// It is of a key that is not trusted.
    UnknownKey(String),
    /// It is of a trusted key, and of other bytes.
    Mismatch(String),
}

impl SealFault {
    fn of(self, folder: &str, keys: &[TrustedKey]) -> Refusal {
        let folder = folder.to_owned();
        match self {
            Self::Unreadable(why) => Refusal::Unusable { folder, file: SIGNATURE, why },
            Self::UnknownKey(key) => {
                let trusted: Vec<String> = keys.iter().map(TrustedKey::id).collect();
                Refusal::UnknownKey { folder, key, trusted: trusted.join(", ") }
            }
            Self::Mismatch(key) => {
                let what = format!("{SUMS} or its signature is not as the key {key} made it");
                Refusal::Altered { folder, what }
            }
        }
    }
}

/// A signature as it can be read without any key: nothing of it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Id of the key.
    pub key: String,
    /// The comment that is signed too.
    pub comment: String,
}

/// Reads a signature that must be, to the last byte, as [`SigningKey::sign_list`] writes that of a thing of this name:
/// nothing of it is left that no signature covers.
pub fn read_seal(signature: &[u8], what: &str) -> Result<Seal, String> {
    let other = || "not written by interdict for this purpose, or altered".to_owned();
    let (text, seal) = signature_box(signature)?;
    let key = key_id(seal.keynum());
    let comment = seal.trusted_comment().map_err(|error| error.to_string())?;
    let untrusted = seal.untrusted_comment().map_err(|error| error.to_string())?;
    let same = untrusted == untrusted_comment(what, &key) && seal.to_string() == text;
    if same { Ok(Seal { key, comment }) } else { Err(other()) }
}

fn signature_box(signature: &[u8]) -> Result<(&str, SignatureBox), String> {
    let text = str::from_utf8(signature).map_err(|_| "not UTF-8")?;
    let digits = |line: usize| text.lines().nth(line).map_or(0, |line| line.trim().len());
    if (digits(1), digits(3)) != SIGNATURE_DIGITS {
        return Err("not a whole signature of minisign (four lines)".to_owned());
    }
    SignatureBox::from_string(text).map(|seal| (text, seal)).map_err(|error| error.to_string())
}

/// The first line of a signature; no signature covers it.
fn untrusted_comment(what: &str, key: &str) -> String {
    format!("signature of {what}, key {key}")
}

/// Checks the signature of a list; gives the id of the key.
pub fn check_seal(sums: &[u8], signature: &[u8], keys: &[TrustedKey]) -> Result<String, SealFault> {
    let (_, seal) = signature_box(signature).map_err(SealFault::Unreadable)?;
    let id = key_id(seal.keynum());
    let mut named = keys.iter().filter(|key| key.0.keynum() == seal.keynum()).peekable();
    if named.peek().is_none() {
        return Err(SealFault::UnknownKey(id));
    }
    let signed = |key: &TrustedKey| minisign::verify(&key.0, &seal, Cursor::new(sums), true, false, false);
    if named.any(|key| signed(key).is_ok()) { Ok(id) } else { Err(SealFault::Mismatch(id)) }
}

/// The list of a folder's files, to be signed.
pub fn sums_of(files: &[Arc<RuleFile>]) -> Result<String, String> {
    let mut listed = BTreeMap::new();
    for file in files {
        if !is_inside(&file.relative) {
            return Err(format!("{} has a name that not every system can have; rename it", file.name));
        }
        if listed.insert(&file.relative, file.sha256()).is_some() {
            return Err(format!("{} is there twice", file.relative));
        }
    }
    Ok(listed.iter().flat_map(|(name, sum)| [sum, "  ", name.as_str(), "\n"]).collect())
}

/// A key that signs.
pub struct SigningKey(minisign::SecretKey);

impl SigningKey {
    /// Reads the text of a key file that no password locks. `None`: it is locked, or no such file.
    pub fn open(text: &str) -> Option<Self> {
        // Not by the reader of the library: it wants a checksum, which minisign leaves out of open keys.
        let bytes = Base64::decode_to_vec(text.lines().nth(1)?.trim(), None).ok()?;
        let open = bytes.len() == SECRET_BYTES && bytes.starts_with(b"Ed\0\0B2");
        minisign::SecretKey::from_bytes(&bytes).ok().filter(|_| open).map(Self)
    }

    /// Reads the text of a key file that a password locks.
    pub fn unlock(text: &str, password: String) -> Result<Self, String> {
        let file = SecretKeyBox::from_string(text).and_then(|file| file.into_secret_key(Some(password)));
        file.map(Self).map_err(|error| error.to_string())
    }

    /// The signature of a list, as a file of minisign.
    pub fn sign(&self, sums: &str, manifest: &Manifest) -> Result<String, String> {
        let Manifest { name, version, released, .. } = manifest;
        let trusted = format!("ruleset:{name}\tversion:{version}\treleased:{released}\tfile:{SUMS}");
        self.sign_list(sums.as_bytes(), &trusted, "interdict rules")
    }

    /// The signature of any list, with a comment that is signed too; `what` it is stands in the comment that is not.
    pub fn sign_list(&self, sums: &[u8], trusted: &str, what: &str) -> Result<String, String> {
        let comment = untrusted_comment(what, &self.id());
        let public = PublicKey::from_secret_key(&self.0).map_err(|error| error.to_string())?;
        minisign::sign(Some(&public), &self.0, Cursor::new(sums), Some(trusted), Some(&comment))
            .map(SignatureBox::into_string)
            .map_err(|error| error.to_string())
    }

    /// Id of the key.
    pub fn id(&self) -> String {
        key_id(self.0.keynum())
    }
}

/// The two files of a new key.
pub struct NewKey {
    /// Text of the file that signs.
    pub secret: String,
    /// Text of the file that is given away.
    pub public: String,
}

/// Makes a key, locked by a password where there is one.
pub fn generate(password: Option<String>) -> Result<NewKey, String> {
    let comment = if password.is_some() { "minisign encrypted secret key" } else { "minisign secret key" };
    let made = match password {
        None => KeyPair::generate_unencrypted_keypair(),
        Some(password) => KeyPair::generate_encrypted_keypair(Some(password)),
    };
    let texts = made.and_then(|KeyPair { pk, sk }| {
        Ok(NewKey { secret: sk.to_box(Some(comment))?.into_string(), public: pk.to_box()?.into_string() })
    });
    texts.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key and signature of the word `test`, made by the reference implementation.
    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    const SEAL: &str = "untrusted comment: signature from minisign secret key\n\
        RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n\
        trusted comment: timestamp:1633700835\tfile:test\tprehashed\n\
        wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==\n";

    fn key() -> TrustedKey {
        TrustedKey::read(KEY).unwrap()
    }

    #[test]
    fn a_signature_of_minisign_is_known() {
        assert_eq!(check_seal(b"test", SEAL.as_bytes(), &[key()]), Ok("E7620F1842B4E81F".to_owned()));
        let windows = SEAL.replace('\n', "\r\n");
        assert!(check_seal(b"test", windows.as_bytes(), &[key()]).is_ok());
        let mismatch = Err(SealFault::Mismatch("E7620F1842B4E81F".to_owned()));
        assert_eq!(check_seal(b"Test", SEAL.as_bytes(), &[key()]), mismatch);
        assert_eq!(check_seal(b"", SEAL.as_bytes(), &[key()]), mismatch);
        let comment = SEAL.replace("file:test", "file:rest");
        assert_eq!(check_seal(b"test", comment.as_bytes(), &[key()]), mismatch, "the comment is signed too");
    }

    #[test]
    fn another_key_is_unknown() {
        let other = TrustedKey::read(&generate(None).unwrap().public).unwrap();
        let unknown = Err(SealFault::UnknownKey("E7620F1842B4E81F".to_owned()));
        assert_eq!(check_seal(b"test", SEAL.as_bytes(), std::slice::from_ref(&other)), unknown);
        assert_eq!(check_seal(b"test", SEAL.as_bytes(), &[]), unknown);
        assert!(check_seal(b"test", SEAL.as_bytes(), &[other, key()]).is_ok());
    }

    #[test]
    fn a_signature_that_was_cut_is_none() {
        for end in 0..SEAL.len() - 1 {
            assert!(check_seal(b"test", SEAL.get(..end).unwrap().as_bytes(), &[key()]).is_err(), "{end}");
        }
        let lines: Vec<&str> = SEAL.lines().collect();
        for (line, _) in lines.iter().enumerate() {
            let mut rest = lines.clone();
            rest.remove(line);
            assert!(check_seal(b"test", rest.join("\n").as_bytes(), &[key()]).is_err(), "without {line}");
        }
        assert!(check_seal(b"test", b"\xff\xfe", &[key()]).is_err());
    }

    #[test]
    fn a_seal_is_read_only_as_it_was_written() {
        let key = SigningKey::open(&generate(None).unwrap().secret).unwrap();
        let good = key.sign_list(b"list", "host:x", "a thing").unwrap();
        let seal = Seal { key: key.id(), comment: "host:x".to_owned() };
        assert_eq!(read_seal(good.as_bytes(), "a thing"), Ok(seal));
        assert!(read_seal(good.as_bytes(), "rules").is_err());
        let others = [good.replace('\n', "\r\n"), format!("{good}\n"), good.replace("host", " host")];
        assert!(others.iter().all(|other| read_seal(other.as_bytes(), "a thing").is_err()));
        assert!(read_seal(SEAL.as_bytes(), "a thing").is_err());
        for end in 0..good.len() {
            assert!(read_seal(good.get(..end).unwrap().as_bytes(), "a thing").is_err(), "{end}");
        }
    }

    #[test]
    fn keys_have_a_form() {
        let file = format!("untrusted comment: minisign public key E7620F1842B4E81F\n{KEY}\n");
        assert_eq!(TrustedKey::read(&file), TrustedKey::read(KEY));
        assert_eq!(TrustedKey::read(&file.replace('\n', "\r\n")), TrustedKey::read(KEY));
        for wrong in ["", "RW", &KEY.to_lowercase(), &format!("{KEY}A"), "a\nb", &format!("x\n{KEY}=")] {
            assert!(TrustedKey::read(wrong).is_err(), "{wrong}");
        }
        assert!(TrustedKey::is_key(KEY) && !TrustedKey::is_key("keys/ours.pub"));
    }

    #[test]
    fn a_locked_key_needs_its_password() {
        let open = generate(None).unwrap().secret;
        assert!(SigningKey::open(&open).is_some());
        assert!(SigningKey::open(&open.replace('\n', "\r\n")).is_some());
        assert!(SigningKey::unlock(&open, "x".to_owned()).is_err());
        for end in 0..open.trim_end().len() {
            assert!(SigningKey::open(open.get(..end).unwrap()).is_none(), "{end}");
        }
        let locked = generate(Some("x".to_owned())).unwrap().secret;
        assert!(SigningKey::open(&locked).is_none());
    }

    fn file(name: &str, text: &str) -> Arc<RuleFile> {
        Arc::new(RuleFile::new(name.to_owned(), name.to_owned(), text.to_owned()))
    }

    #[test]
    fn every_alteration_is_told() {
        let files = [file("b.toml", "b"), file("a/a.toml", "a")];
        let text = sums_of(&files).unwrap();
        assert!(text.ends_with("  b.toml\n") && text.contains("  a/a.toml\n"), "sorted: {text}");
        let parsed = sums(text.as_bytes());
        let listed = parsed.records.iter().map(|sum| (sum.name.as_str(), sum.sha256.as_str())).collect();
        assert_eq!(alterations(&listed, &files), [""; 0]);
        let told = |files: &[Arc<RuleFile>]| alterations(&listed, files).join("; ");
        assert_eq!(told(&files[..1]), "a/a.toml is missing");
        let changed = [file("b.toml", "c\r\n"), file("c.toml", "a"), file("c.toml", "a")];
        assert_eq!(
            told(&changed),
            "b.toml is not as it was signed (its line ends are those of Windows); c.toml was added; \
             c.toml was added; c.toml is there twice; a/a.toml is missing"
        );
    }

    #[test]
    fn names_that_cannot_be_listed_are_not_signed() {
        assert!(sums_of(&[file("a\nb.toml", "")]).is_err());
        assert!(sums_of(&[file("../b.toml", "")]).is_err());
        assert!(sums_of(&[file("b.toml", ""), file("b.toml", "")]).is_err());
    }
}
