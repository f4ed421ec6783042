//! The attestation pack: reports as they were given, what is made of them, and a list of SHA-256 sums that a key can
//! sign. All but the signature follows from the reports and this program's version, so that it can be made again.
//!
//! Called by `cli`, which reads the reports, signs, and compares. Must not know any key.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::model::{Report, RulesetStamp, Stamp, Tool, Verdict};

use super::safe::{put, short};
use super::{Look, csv, format, zip};

/// The list of the files.
pub const SUMS: &str = "SHA256SUMS";
/// The signature of the list.
pub const SIGNATURE: &str = "SHA256SUMS.minisig";
/// Which reports, of which hosts, by which rules.
pub const ABOUT: &str = "attestation.json";
/// What is signed, as the comment says that no signature covers.
pub const SIGNED_WHAT: &str = "an interdict attestation";

/// Reports that a pack may hold.
pub const MAX_REPORTS: usize = 1000;
/// Bytes of all files of a pack, unpacked.
pub const MAX_BYTES: u64 = 1 << 30;
/// Files of a pack: those of the reports, and some more.
pub const MAX_FILES: usize = MAX_REPORTS + 50;

/// Version of the shape of [`Attestation`].
const SCHEMA: &str = "interdict.attestation/1";
/// Where was looked, and what could not be seen.
const COVERAGE: &str = "coverage.csv";
/// How to check the pack.
const README: (&str, &str) = ("README.txt", include_str!("README.txt"));
/// Formats that the reports are shown in; those of them that this version has.
const FORMS: &[&str] = &["html", "csv", "text"];
/// How they look, wherever they are made.
const LOOK: Look = Look { width: 100, colour: false, terminal: false, bom: false };
/// Letters of a host's name in the trusted comment.
const NAME_LETTERS: usize = 200;

/// A file of reports: its bytes, and what was read in them.
pub struct Given {
    /// As it is.
    pub bytes: Vec<u8>,
    /// In the order of the file.
    pub reports: Vec<Report>,
}

impl Given {
    /// What `attestation.json` says of a file of this name.
    pub fn attested(&self, file: &str) -> Vec<Attested> {
        let sha256 = sha256(&self.bytes);
        let one = |report: &Report| Attested {
            file: file.to_owned(),
            sha256: sha256.clone(),
            host: report.host.name.clone(),
            machine_id: report.host.machine_id.clone(),
            scanned_at: report.scanned_at,
            verdict: report.verdict,
            tool: report.tool.clone(),
            ruleset: report.ruleset.clone(),
        };
        self.reports.iter().map(one).collect()
    }
}

/// What `attestation.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// Version of this shape.
    pub schema: Cow<'static, str>,
    /// The program that packed.
    pub tool: Tool,
    /// Every report.
    pub reports: Vec<Attested>,
}

/// A report of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attested {
    /// The file that holds it.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Name of the host.
    pub host: Option<String>,
    /// Id of the host.
    pub machine_id: Option<String>,
    /// When the scan began.
    pub scanned_at: Stamp,
    /// What it came to.
    pub verdict: Verdict,
    /// The program that scanned.
    pub tool: Tool,
    /// The rules: their digest, and the key that signed them.
    pub ruleset: RulesetStamp,
}

impl Attestation {
    /// Reads it back; the error is a sentence part.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let read: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if read.schema == SCHEMA || read.schema.starts_with(&format!("{SCHEMA}.")) {
            return Ok(read);
        }
        Err(format!("it has the shape '{}', and this version reads '{SCHEMA}'", read.schema))
    }

    /// Names of the files that hold the reports.
    pub fn files(&self) -> Vec<&str> {
        let mut files: Vec<&str> = self.reports.iter().map(|one| one.file.as_str()).collect();
        files.dedup();
        files
    }
}

/// A pack that is ready to be signed and written.
pub struct Pack {
    files: BTreeMap<String, Vec<u8>>,
    attestation: Attestation,
}

impl Pack {
    /// Makes all files but the signature.
    pub fn new(given: Vec<Given>) -> io::Result<Self> {
        let mut files = BTreeMap::from([(README.0.to_owned(), README.1.into())]);
        let mut attestation = Attestation { schema: SCHEMA.into(), tool: Tool::SELF, reports: Vec::new() };
        let mut reports = Vec::new();
        let (count, digits) = (given.len(), given.len().to_string().len());
        for (number, Given { bytes, reports: held }) in (1..).zip(given) {
            let file = match count {
                1 => "report.json".to_owned(),
                _ => format!("report-{number:0digits$}.json"),
            };
            let given = Given { bytes, reports: held };
            attestation.reports.extend(given.attested(&file));
            files.insert(file, given.bytes);
            reports.extend(given.reports);
        }
        for form in FORMS.iter().filter_map(|name| format(name)) {
            let mut out = Vec::new();
            form.reports(&reports, &LOOK, &mut out)?;
            files.insert(format!("report.{}", form.form().extension), out);
        }
        let mut coverage = Vec::new();
        csv::coverage(&reports, LOOK, &mut coverage)?;
        files.insert(COVERAGE.to_owned(), coverage);
        let mut about = serde_json::to_vec_pretty(&attestation)?;
        about.push(b'\n');
        files.insert(ABOUT.to_owned(), about);
        let mut sums = String::new();
        for (name, data) in &files {
            put(&mut sums, format_args!("{}  {name}\n", sha256(data)));
        }
        files.insert(SUMS.to_owned(), sums.into_bytes());
        Ok(Self { files, attestation })
    }

    /// What it says of its reports.
    pub fn attestation(&self) -> &Attestation {
        &self.attestation
    }

    /// Every file by its name.
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// What is to be signed.
    pub fn sums(&self) -> &[u8] {
        self.files.get(SUMS).map_or(&[], Vec::as_slice)
    }

    /// The comment that is signed with it: report, host and time. ASCII, for minisign shows no other.
    pub fn trusted_comment(&self) -> String {
        let reports = &self.attestation.reports;
        let report = match reports.as_slice() {
            [one] => one.sha256.clone(),
            several => format!("{} in {ABOUT}", several.len()),
        };
        let hosts: Vec<&str> = reports.iter().map(|one| one.host.as_deref().unwrap_or("unknown")).collect();
        let host = short(&hosts.join(", "), NAME_LETTERS).escape_default().to_string();
        format!("interdict attestation\treport:{report}\thost:{host}\tscanned:{}\tfile:{SUMS}", self.time())
    }

    /// Adds the signature of [`Self::sums`].
    pub fn sign(&mut self, signature: Vec<u8>) {
        self.files.insert(SIGNATURE.to_owned(), signature);
    }

    /// Writes the archive.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        zip::write(&self.files, self.time(), out)
    }

    /// The time of the latest scan: when it was packed is nobody's concern.
    fn time(&self) -> Stamp {
        let latest = self.attestation.reports.iter().map(|one| one.scanned_at).max();
        latest.unwrap_or_else(Stamp::epoch)
    }
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(64);
    Sha256::digest(bytes).iter().for_each(|byte| put(&mut digits, format_args!("{byte:02x}")));
    digits
}

#[cfg(test)]
mod tests;
