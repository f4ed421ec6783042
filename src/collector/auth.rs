//! Tokens and secrets: how they are made, what of them is kept, and how one is read from a request.
//!
//! Called by `api` and by the commands that make them. What a token is worth, the store says. A token exists in the clear
//! at its owner's alone: here, while it is made or asked about. Nothing of it is written to a log.

use std::fmt;

use ct_codecs::{Base64UrlSafeNoPadding, Encoder as _};
use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};

use crate::model::Id;

use super::store::SecretHash;

/// Random bytes of a token: too many to guess, so that its hash needs neither salt nor slowness.
const BYTES: usize = 32;
/// Letters of these in base64.
const LETTERS: usize = 43;

/// What a token is for; its first letters say so, that scanners for leaked secrets and people know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An enrolled host's.
    Host,
    /// A person's or a program's, for questions.
    Api,
    /// By which hosts enrol.
    Secret,
    /// A browser's, while somebody is signed in.
    Session,
    /// By which the first admin is let into the console.
    SetUp,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Host => "idh_",
            Self::Api => "ida_",
            Self::Secret => "ids_",
            Self::Session => "idc_",
            Self::SetUp => "idu_",
        }
    }
}

/// The system gives no random numbers.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the operating system gives no random numbers, so no token can be made; see its log")]
pub(super) struct NoRandom;

/// A token in the clear. What shows it for finding faults shows nothing of it.
pub(super) struct Token(String);

impl Token {
    /// A new one.
    pub(super) fn new(kind: Kind) -> Result<Self, NoRandom> {
        Ok(Self(format!("{}{}", kind.prefix(), random_text()?)))
    }

    /// What is kept of it.
    pub(super) fn hash(&self) -> SecretHash {
        hash(&self.0)
    }

    /// What its owner is told, once.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The hash of a text that has the shape of such a token. None: it is none, and the store need not be asked.
///
/// The store looks the hash up: what its comparing of hashes gives away by its time helps nobody to a token, for nobody can
/// choose a token by the beginning of its hash.
pub(super) fn hash_of(text: &str, kind: Kind) -> Option<SecretHash> {
    let letters = text.strip_prefix(kind.prefix())?;
    let shaped = letters.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    (letters.len() == LETTERS && shaped).then(|| hash(text))
}

/// The token of an `Authorization` header, and what kind it says it is.
pub(super) fn bearer(header: &str) -> Option<(Kind, SecretHash)> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    [Kind::Host, Kind::Api].into_iter().find_map(|kind| Some((kind, hash_of(token, kind)?)))
}

/// Letters that nobody can guess.
pub(super) fn random_text() -> Result<String, NoRandom> {
    Base64UrlSafeNoPadding::encode_to_string(random::<BYTES>()?).map_err(|_| NoRandom)
}

/// A new name for ever.
pub(super) fn new_id() -> Result<Id, NoRandom> {
    random::<16>().map(Id)
}

fn hash(text: &str) -> SecretHash {
    SecretHash(Sha256::digest(text.as_bytes()).into())
}

fn random<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_is_another_every_time() {
        let token = Token::new(Kind::Host).unwrap();
        assert_eq!(hash_of(token.reveal(), Kind::Host), Some(token.hash()));
        assert_eq!(bearer(&format!("bearer  {}", token.reveal())), Some((Kind::Host, token.hash())));
        assert_ne!(Token::new(Kind::Host).unwrap().hash(), token.hash());
        assert_eq!(format!("{token:?}"), "Token(…)");
    }

    #[test]
    fn what_has_not_the_shape_is_none() {
        let token = Token::new(Kind::Secret).unwrap();
        let text = token.reveal();
        assert_eq!(hash_of(text, Kind::Api), None);
        assert_eq!(bearer(&format!("Bearer {text}")), None, "a secret opens nothing");
        assert_eq!(hash_of(&format!("{text}A"), Kind::Secret), None);
        assert_eq!(hash_of(&text.replace("ids_", "ids_ "), Kind::Secret), None);
        for header in ["", "Bearer", "Bearer ", "Basic aGVsbG86", "Bearer idh_", "\u{0}"] {
            assert_eq!(bearer(header), None, "{header}");
        }
    }
}
