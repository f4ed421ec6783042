//! `interdict attest`: saved reports as a pack that others can check, with our program or with standard tools.
//!
//! Judges nothing. Makes no format of `scan --output`: a pack is signed, and what signs must not be asked for while a
//! host is being looked at.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use crate::emit::attestation::{Given, MAX_BYTES, MAX_REPORTS, Pack, SIGNED_WHAT};
use crate::emit::safe::safe;

use super::Ended;
use super::exit::{FINE, Failure};
use super::printer::Printer;
use super::report::read_one;
use super::rules_sign::{PasswordArgs, open_key};

const EXAMPLES: &str = "\
Examples:
  interdict attest report.json -o pack.zip                          nobody vouches for it
  interdict attest report.json -o pack.zip --secret-key our.key     signed by a minisign key
  interdict attest hosts/*.json -o fleet.zip --secret-key our.key   many hosts in one pack
  interdict scan --format json | interdict attest - -o pack.zip     a scan made now
  interdict rules keygen --secret-key our.key --public-key our.pub  makes such a key

In the pack: the reports byte for byte, the same as HTML, text and CSV, what could not be seen,
which rules judged and who signed them, SHA256SUMS of all, and README.txt with how to check it.
The same reports make the same files.

Exit codes: 0 written, whatever the verdicts are; 2 could not";

/// Arguments of `attest`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Files that 'scan' wrote with --format json; '-' is standard input
    #[arg(required = true, value_name = "REPORT")]
    files: Vec<PathBuf>,
    /// The pack to write; '-' is standard output
    #[arg(long, short, value_name = "PACK.zip")]
    output: PathBuf,
    /// Sign with the key of this file, of 'rules keygen' or minisign
    #[arg(long, value_name = "FILE")]
    secret_key: Option<PathBuf>,
    #[command(flatten)]
    password: PasswordArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args, printer: &Printer) -> Ended {
    let mut pack = Pack::new(given(&args.files, printer)?).map_err(Failure::Packing)?;
    let signed = match &args.secret_key {
        None => "not signed: with --secret-key others can see who vouches for it".to_owned(),
        Some(path) => {
            let key = open_key(path, &args.password)?;
            let signature = key.sign_list(pack.sums(), &pack.trusted_comment(), SIGNED_WHAT);
            pack.sign(signature.map_err(Failure::Key)?.into_bytes());
            format!("signed with the key {}", key.id())
        }
    };
    let to_file = args.output != Path::new("-");
    printer.document(to_file.then_some(&*args.output), |out| pack.write(out))?;
    let reports = &pack.attestation().reports;
    for one in reports {
        let host = one.host.as_deref().unwrap_or("a host without a name");
        printer.note(&safe(&format!("{host}, scanned {}: {}", one.scanned_at, one.verdict.word())));
    }
    let (place, files) = (args.output.display(), pack.files().len());
    printer.note(&format!("wrote {place}: {} report(s) in {files} files, {signed}", reports.len()));
    Ok(FINE)
}

/// Reads every file; one that is no report stops all.
fn given(files: &[PathBuf], printer: &Printer) -> Result<Vec<Given>, Failure> {
    let mut given = Vec::new();
    let (mut reports, mut bytes) = (0, 0);
    for path in files {
        let (read, saved) = read_one(path, "attest", printer)?;
        if saved.reports.is_empty() || !saved.inventories.is_empty() {
            return Err(Failure::Declined(format!(
                "cannot attest {}: it holds no report, or more than reports; an inventory judges nothing: attest what \
                 'interdict scan --format json' writes",
                path.display()
            )));
        }
        reports += saved.reports.len();
        bytes += read.len() as u64;
        if reports > MAX_REPORTS || bytes > MAX_BYTES / 4 {
            return Err(Failure::Declined(format!(
                "more than {MAX_REPORTS} reports or {} MB are too much for one pack; attest them in parts",
                MAX_BYTES >> 22
            )));
        }
        given.push(Given { bytes: read, reports: saved.reports });
    }
    Ok(given)
}
