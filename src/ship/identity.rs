//! Who this computer is to its collector: `fleet.json` in the state folder, with the token that proves it.
//!
//! Written by `cli` at enrolment, read before anything is sent. The token is never shown.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{Id, Stamp, of_json, to_pretty};

use super::client::Wire;
use super::disk::{Disk, Fault};

const FILE: &str = "fleet.json";
const SCHEMA: &str = "interdict.fleet/1";
/// Bytes that the file may have.
const LIMIT: u64 = 1 << 16;

/// An enrolment.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Version of this file's shape.
    schema: String,
    /// How the collector is reached.
    #[serde(flatten)]
    pub wire: Wire,
    /// The installation.
    pub install: Id,
    /// Who the collector says it is.
    pub host: Id,
    /// What proves it.
    pub token: String,
    /// The site's key for pseudonyms, in hexadecimal.
    pub site_key: String,
    /// Digest of the machine that enrolled.
    pub machine: Id,
    /// When.
    pub enrolled_at: Stamp,
    /// Public keys whose rules are worth fetching where the configuration names none: given at enrolment by who enrolled, never by
    /// the collector. A scan believes its own memory of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted_keys: Vec<String>,
}

/// Without what is secret.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("url", &self.wire.url)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// What the collector and this computer have told each other.
#[derive(Clone)]
pub struct Exchanged {
    /// The installation.
    pub install: Id,
    /// Digest of the machine that enrolled.
    pub machine: Id,
    /// When.
    pub at: Stamp,
    /// Public keys whose rules are to be believed.
    pub trusted_keys: Vec<String>,
}

impl Identity {
    /// An enrolment that the collector has just answered.
    pub fn new(wire: Wire, own: &Exchanged, answer: crate::model::Enrolled) -> Result<Self, Fault> {
        let identity = Self {
            schema: SCHEMA.to_owned(),
            wire,
            install: own.install,
            host: answer.host,
            token: answer.token,
            site_key: answer.site_key,
            machine: own.machine,
            enrolled_at: own.at,
            trusted_keys: own.trusted_keys.clone(),
        };
        match identity.key() {
            Some(_) => Ok(identity),
            None => Err(Fault::Declined(
                "the collector's key for pseudonyms is not 64 hexadecimal digits; is it a collector of this version?"
                    .to_owned(),
            )),
        }
    }

    /// The enrolment of a state folder; none where this computer is not enrolled.
    pub fn read(disk: &Disk) -> Result<Option<Self>, Fault> {
        let Some(bytes) = disk.read(FILE, LIMIT)? else { return Ok(None) };
        let damaged = |cause: String| Fault::File {
            doing: "use",
            path: disk.path(FILE),
            cause: format!("{cause}; enrol anew with 'interdict enrol URL --reset'"),
        };
        let identity: Self = of_json(&bytes).map_err(|error| damaged(error.to_string()))?;
        if identity.schema != SCHEMA || identity.key().is_none() {
            return Err(damaged(format!("it is not of the shape {SCHEMA}")));
        }
        Ok(Some(identity))
    }

    /// Keeps it.
    pub fn write(&self, disk: &Disk) -> Result<(), Fault> {
        let text = to_pretty(self).map_err(|error| Fault::Declined(error.to_string()))?;
        disk.write(FILE, text.as_bytes())
    }

    /// Forgets it.
    pub fn remove(disk: &Disk) -> Result<(), Fault> {
        disk.remove(FILE)
    }

    /// The key for pseudonyms.
    pub fn key(&self) -> Option<Vec<u8>> {
        key(&self.site_key)
    }
}

/// The bytes of 64 hexadecimal digits.
pub fn key(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let digits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    digits.then(|| (0..64).step_by(2).map(pair).collect()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Enrolled;

    fn identity() -> Identity {
        let at = Stamp::epoch();
        let own = Exchanged { install: Id([1; 16]), machine: Id([2; 16]), at, trusted_keys: Vec::new() };
        let token = "idh_secret".to_owned();
        let answer = Enrolled { host: Id([3; 16]), token, site_key: "0A".repeat(32) };
        Identity::new(Wire { url: "https://c.example".into(), ..Wire::default() }, &own, answer).unwrap()
    }

    #[test]
    fn it_comes_back_and_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path().to_owned(), |_| Ok(()));
        assert!(Identity::read(&disk).unwrap().is_none());
        identity().write(&disk).unwrap();
        assert_eq!(Identity::read(&disk).unwrap().unwrap(), identity());
        assert_eq!(identity().key().unwrap(), [10; 32]);
        let shown = format!("{:?}", identity());
        assert!(!shown.contains("idh_secret") && !shown.contains("0A0A"), "{shown}");
        Identity::remove(&disk).unwrap();
        assert!(Identity::read(&disk).unwrap().is_none());
    }

    #[test]
    fn a_damaged_one_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path().to_owned(), |_| Ok(()));
        let other = serde_json::to_string(&identity()).unwrap().replace("fleet/1", "fleet/9");
        for bytes in ["", "{", "[]", &other, "\0\0\0\0"] {
            disk.write(FILE, bytes.as_bytes()).unwrap();
            let fault = Identity::read(&disk).unwrap_err().to_string();
            assert!(fault.contains("--reset"), "{fault}");
        }
    }
}
