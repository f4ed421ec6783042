//! `interdict verify-report`: what a pack of `interdict attest` proves, and what it does not.
//!
//! Opens nothing but the pack and the keys. A pack that this version made is made again of its reports and compared byte
//! for byte; of one of another version the sums and the signature are checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use crate::emit::attestation::{
    ABOUT, Attestation, Attested, Given, MAX_BYTES, MAX_FILES, Pack, SIGNATURE, SIGNED_WHAT, SUMS, sha256,
};
use crate::emit::safe::{safe, short};
use crate::emit::saved::{Unreadable, read};
use crate::model::{Tool, Verdict};
use crate::parse::sums::sums;
use crate::parse::zip_strict::{Caps, members};
use crate::ruleset::{SealFault, TrustedKey, check_seal, read_seal};

use super::Ended;
use super::config::Config;
use super::exit::{FAULTS, FINE, Failure};
use super::files::{open, read_document};
use super::printer::Printer;
use super::rules::either;
use super::rules_sign::trusted_key;

const EXAMPLES: &str = "\
Examples:
  interdict verify-report pack.zip --public-key their.pub   the key, or its file
  interdict verify-report pack.zip                          by trusted_keys in the configuration

Exit codes, whatever the verdicts in the pack are:
  0 whole, and signed by one of the keys
  1 altered, or not signed by one of the keys
  2 could not be read, or is no such pack
  3 whole, but nobody vouches for it: no key was given to check with";

/// Arguments of `verify-report`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// File that 'attest' wrote
    #[arg(value_name = "PACK.zip")]
    pack: PathBuf,
    /// Demand that this minisign key signed it [default: one of those that the configuration trusts]
    #[arg(long = "public-key", value_name = "KEY|FILE")]
    keys: Vec<String>,
}

/// The files of a pack by their names.
type Files<'f> = BTreeMap<&'f str, &'f [u8]>;

/// What became of a check.
#[derive(Debug, Default)]
struct Findings {
    proven: Vec<String>,
    unproven: Vec<String>,
    altered: Vec<String>,
    /// Somebody whose key was given vouches for it.
    vouched: bool,
    reports: Vec<Attested>,
}

/// Runs the command.
pub(super) fn run(args: &Args, config: &Config, printer: &Printer) -> Ended {
    let keys = either(&args.keys, &config.trusted_keys).iter().map(|key| trusted_key(key));
    let keys = keys.collect::<Result<Vec<TrustedKey>, Failure>>()?;
    let path = &args.pack;
    let bytes =
        open(path).and_then(read_document).map_err(|cause| Failure::Read { path: path.clone(), cause })?;
    let findings = check(&bytes, &keys).map_err(|why| {
        Failure::Declined(format!(
            "cannot check {}: {why}; name a file that 'interdict attest' wrote, as it was written",
            path.display()
        ))
    })?;
    let (code, text) = findings.told(path);
    printer.result(&text, None)?;
    Ok(code)
}

/// Checks the bytes of a pack; the error says why it is none.
fn check(bytes: &[u8], keys: &[TrustedKey]) -> Result<Findings, String> {
    let mut found = Findings::default();
    let caps = Caps { files: MAX_FILES, bytes: MAX_BYTES };
    let members = match members(bytes, &caps) {
        Ok(members) => members,
        // The name stands in it at least twice: one flipped bit hides neither.
        Err(why) if memchr::memmem::find(bytes, ABOUT.as_bytes()).is_some() => {
            found.altered.push(format!("the archive is not as it was written: {why}"));
            return Ok(found);
        }
        Err(why) => return Err(format!("it is no attestation pack: {why}")),
    };
    let files: Files<'_> = members.iter().map(|one| (one.name, one.data.as_slice())).collect();
    let (Some(list), Some(about)) = (files.get(SUMS), files.get(ABOUT)) else {
        return Err(format!("it is no attestation pack: it has no {SUMS} or no {ABOUT}"));
    };
    found.listed(list, &files);
    found.signed(list, files.get(SIGNATURE).copied(), keys);
    if found.altered.is_empty() {
        let about = Attestation::read(about).map_err(|why| format!("{ABOUT} cannot be read: {why}"))?;
        found.made_of_its_reports(&about, &files, bytes)?;
        found.reports = about.reports;
    }
    Ok(found)
}

impl Findings {
    /// Every file is listed with its sum, and every listed file is there.
    fn listed(&mut self, list: &[u8], files: &Files<'_>) {
        let parsed = sums(list);
        self.altered.extend(parsed.faults.iter().map(|fault| format!("{SUMS} is no sound list: {fault}")));
        let mut rest: Files<'_> = files.clone();
        rest.retain(|name, _| *name != SUMS && *name != SIGNATURE);
        let count = rest.len();
        for sum in &parsed.records {
            match rest.remove(sum.name.as_str()) {
                None => self
                    .altered
                    .push(format!("{} is listed in {SUMS}, and missing or listed twice", sum.name)),
                Some(data) if sha256(data) != sum.sha256 => {
                    self.altered.push(format!("{} is not the file that {SUMS} lists", sum.name));
                }
                Some(_) => {}
            }
        }
        self.altered.extend(rest.keys().map(|name| format!("{name} was added: {SUMS} does not list it")));
        if self.altered.is_empty() {
            self.proven.push(format!("{count} files are as {SUMS} lists them, and there are no others"));
        }
    }

    /// Who signed the list.
    fn signed(&mut self, list: &[u8], signature: Option<&[u8]>, keys: &[TrustedKey]) {
        let wanted = || keys.iter().map(TrustedKey::id).collect::<Vec<_>>().join(", ");
        let Some(signature) = signature else {
            if keys.is_empty() {
                self.unproven
                    .push("who made it: it is not signed, and anybody could have made it".to_owned());
            } else {
                self.altered.push(format!("it is not signed, and a signature of {} is demanded", wanted()));
            }
            return;
        };
        let seal = match read_seal(signature, SIGNED_WHAT) {
            Ok(seal) => seal,
            Err(why) => return self.altered.push(format!("{SIGNATURE}: {why}")),
        };
        if keys.is_empty() {
            self.unproven.push(format!(
                "who made it: it says that the key {} signed it, and no key was given to check that with; get the \
                 public key from its owner and name it with --public-key",
                seal.key
            ));
            return;
        }
        match check_seal(list, signature, keys) {
            Ok(key) => {
                let comment = short(&seal.comment, 1000);
                self.vouched = true;
                self.proven.push(format!("the key {key} signed {SUMS}, and says: {}", comment.replace('\t', ", ")));
            }
            Err(SealFault::Unreadable(why)) => self.altered.push(format!("{SIGNATURE}: {why}")),
            Err(SealFault::UnknownKey(key)) => self.altered.push(format!(
                "it is signed by the key {key}, or says so, and a signature of {} is demanded",
                wanted()
            )),
            Err(SealFault::Mismatch(key)) => self.altered.push(format!(
                "{SUMS} or {SIGNATURE} is not as the key {key} made it: one of them was changed, or another key \
                 with this id made it"
            )),
        }
    }

    /// The reports can be read, and all else follows from them.
    fn made_of_its_reports(
        &mut self,
        about: &Attestation,
        files: &Files<'_>,
        bytes: &[u8],
    ) -> Result<(), String> {
        let (mut given, mut attested) = (Vec::new(), Vec::new());
        for name in about.files() {
            let Some(data) = files.get(name) else {
                self.altered.push(format!("{ABOUT} names {name}, which is not there"));
                continue;
            };
            match read(data) {
                Ok(saved) => {
                    let one = Given { bytes: data.to_vec(), reports: saved.reports };
                    attested.extend(one.attested(name));
                    given.push(one);
                }
                Err(why @ Unreadable::Shape { .. }) => return Err(format!("{name} cannot be read: {why}")),
                Err(why) => self.altered.push(format!("{name} is no report: {why}")),
            }
        }
        if self.altered.is_empty() && attested != about.reports {
            self.altered.push(format!("{ABOUT} does not say what the reports say"));
        }
        if !self.altered.is_empty() {
            return Ok(());
        }
        if about.tool != Tool::SELF {
            self.unproven.push(format!(
                "that what is shown says what the reports say: it was packed by {} {}, and this is {}; only that \
                 version makes the same files again",
                about.tool.name,
                about.tool.version,
                Tool::SELF.version
            ));
            return Ok(());
        }
        let again = Pack::new(given).map_err(|error| format!("it cannot be made again: {error}"))?;
        self.compare(again, files, bytes)
    }

    fn compare(&mut self, mut again: Pack, files: &Files<'_>, bytes: &[u8]) -> Result<(), String> {
        for (name, data) in again.files() {
            if files.get(name.as_str()).is_none_or(|there| there != data) {
                self.altered.push(format!("{name} is not what this version makes of the reports"));
            }
        }
        let made = again.files();
        let extra = files.keys().filter(|name| **name != SIGNATURE && !made.contains_key(**name));
        self.altered
            .extend(extra.map(|name| format!("{name} is nothing that this version makes of the reports")));
        if !self.altered.is_empty() {
            return Ok(());
        }
        if let Some(signature) = files.get(SIGNATURE) {
            again.sign(signature.to_vec());
        }
        let mut archive = Vec::with_capacity(bytes.len());
        again.write(&mut archive).map_err(|error| format!("it cannot be made again: {error}"))?;
        if archive == bytes {
            let what =
                "all that is shown follows from the reports: made again, it is the same to the last byte";
            self.proven.push(what.to_owned());
        } else {
            self.altered.push("the files are packed otherwise than this version packs them".to_owned());
        }
        Ok(())
    }

    /// Exit code and words.
    fn told(&self, path: &Path) -> (u8, String) {
        let (code, head) = if !self.altered.is_empty() {
            (FAULTS, "NOT verified")
        } else if self.vouched {
            (FINE, "verified: whole, and signed by a key that was asked for")
        } else {
            (Verdict::Inconclusive.exit_code(), "whole, but nobody vouches for it")
        };
        let mut text = format!("{}: {head}\n", safe(&path.display().to_string()));
        let mut part = |title: &str, lines: &[String]| {
            if !lines.is_empty() {
                text.extend(["\n", title, "\n"]);
                text.extend(lines.iter().flat_map(|line| ["  ".into(), safe(line), "\n".into()]));
            }
        };
        let reports: Vec<String> = if self.altered.is_empty() {
            self.reports.iter().map(about_report).collect()
        } else {
            Vec::new()
        };
        part("wrong", &self.altered);
        part("reports", &reports);
        part("proven", &self.proven);
        part("not proven", &self.unproven);
        if self.altered.is_empty() {
            part("never proven by a pack", &NEVER.map(str::to_owned));
        }
        (code, text)
    }
}

/// What no signature says.
const NEVER: [&str; 2] = [
    "that the scan saw everything: coverage.csv tells what it could not see",
    "that the host is still as it was, or that whoever signed was told the truth",
];

fn about_report(one: &Attested) -> String {
    let Attested { file, scanned_at, verdict, tool, ruleset, .. } = one;
    let host = one.host.as_deref().unwrap_or("a host without a name");
    let digest = ruleset.digest.get(..16).unwrap_or(&ruleset.digest);
    let signed = match &ruleset.signed_by {
        Some(key) => format!("signed by {key}"),
        None => "whose signature was not asked for".to_owned(),
    };
    format!(
        "{file}: {host}, scanned {scanned_at} by {} {}: {}; rules {} ({digest}…), {signed}",
        tool.name,
        tool.version,
        verdict.word(),
        ruleset.origin
    )
}
