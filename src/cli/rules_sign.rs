//! `interdict rules keygen`, `sign` and `verify`: folders of rules that nobody can change on their way unnoticed.
//!
//! Called by `rules`. The files are those of `minisign` and `sha256sum`; either tool can check them.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::ruleset::{
    Choice, Loaded, SIGNATURE, SUMS, SigningKey, TrustedKey, generate, load, sums_of, verify_folder,
};

use super::Ended;
use super::config::Config;
use super::exit::{FINE, Failure};
use super::files::write_whole;
use super::files::{read_text, write_new};
use super::printer::Printer;
use super::rules::TrustArgs;
use super::state::Memory;

const NEW_NAME: &str = "name a file that is not there yet, in a folder that is";

/// Arguments of `keygen`.
#[derive(Debug, Args)]
pub(super) struct KeygenArgs {
    /// File for the key that signs; whoever has it can sign
    #[arg(long, value_name = "FILE")]
    secret_key: PathBuf,
    /// File for the key that is given to whoever checks
    #[arg(long, value_name = "FILE")]
    public_key: PathBuf,
    /// Read the password from the first line of a file instead of asking
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Leave the secret key open: whoever reads the file can sign
    #[arg(long, conflicts_with = "password_file")]
    no_password: bool,
}

/// Arguments of `sign`.
#[derive(Debug, Args)]
pub(super) struct SignArgs {
    /// Folder of rules; it needs a file with [ruleset]
    dir: PathBuf,
    /// File of the key that signs
    #[arg(long, value_name = "FILE")]
    secret_key: PathBuf,
    #[command(flatten)]
    password: PasswordArgs,
    /// Other rules that these refer to
    #[arg(long = "rules", value_name = "DIR")]
    others: Vec<PathBuf>,
    /// Check the rules as they are used without the built-in ones
    #[arg(long)]
    no_built_in: bool,
}

/// Where the password of a secret key is.
#[derive(Debug, Args)]
pub(super) struct PasswordArgs {
    /// Read the password from the first line of a file instead of asking
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Signed folder of rules
    dir: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Makes the two files of a key.
pub(super) fn keygen(args: &KeygenArgs, printer: &Printer) -> Ended {
    let password = if args.no_password { None } else { Some(password(args.password_file.as_deref(), true)?) };
    let key = generate(password).map_err(Failure::Key)?;
    let write = |path: &Path, text: &str, secret| {
        write_new(path, text, secret).map_err(|error| Failure::file("write the key", path, &error, NEW_NAME))
    };
    write(&args.secret_key, &key.secret, true)?;
    write(&args.public_key, &key.public, false)?;
    printer.note(&format!("{} signs: keep it secret", args.secret_key.display()));
    printer.note(&format!("{} checks: give it away, or the line below", args.public_key.display()));
    printer.result(&format!("{}\n", key.public.lines().nth(1).unwrap_or_default()), None)?;
    Ok(FINE)
}

/// Signs a folder whose rules can be used.
pub(super) fn sign(args: &SignArgs, printer: &Printer) -> Ended {
    let paths = args.others.iter().chain([&args.dir]).cloned().collect();
    let Loaded { ruleset, diagnostics, mut places, .. } =
        load(&Choice { built_in: !args.no_built_in, paths, ..Choice::default() });
    let (Some(ruleset), Some(place)) = (ruleset, places.pop()) else {
        return Err(Failure::Rules(diagnostics));
    };
    let manifest = ruleset.manifests().iter().find(|manifest| place.has(&manifest.at));
    let manifest = manifest.ok_or_else(|| Failure::NoManifest(args.dir.clone()))?;
    let sums = sums_of(&place.files).map_err(Failure::Key)?;
    let key = open_key(&args.secret_key, &args.password)?;
    let signature = key.sign(&sums, manifest).map_err(Failure::Key)?;
    for (name, text) in [(SUMS, &sums), (SIGNATURE, &signature)] {
        let path = args.dir.join(name);
        write_whole(&path, |out| out.write_all(text.as_bytes()))
            .map_err(|error| Failure::file("write", &path, &error, "make the folder writable"))?;
    }
    let files = place.files.len();
    let (name, version, key) = (&manifest.name, manifest.version, key.id());
    printer.note(&format!("signed {name} {version}, {files} files, with the key {key}"));
    Ok(FINE)
}

/// Checks a folder: signature, files, and that it is not older than what was accepted. Remembers nothing.
pub(super) fn verify(args: &VerifyArgs, config: &Config, printer: &Printer) -> Ended {
    let keys = args.trust.keys(config)?;
    if keys.is_empty() {
        return Err(Failure::NoKey);
    }
    let signed = verify_folder(&args.dir, &keys).map_err(|(faults, refusals)| {
        if refusals.is_empty() {
            return Failure::Rules(faults);
        }
        printer.warnings(&faults);
        Failure::Refused(refusals)
    })?;
    Memory::of(args.trust.state(config))?.judge(std::slice::from_ref(&signed))?;
    let (name, version, key) = (&signed.name, signed.version, &signed.key);
    printer.result(&format!("{name} {version}, signed by {key}, unaltered\n"), None)?;
    Ok(FINE)
}

/// Reads a key, or the file that has it.
pub(super) fn trusted_key(text: &str) -> Result<TrustedKey, Failure> {
    let next = "give the 56 characters of a public key, or the file that 'rules keygen' or minisign wrote";
    let fault = |cause: &dyn std::fmt::Display| Failure::file("use the key", Path::new(text), cause, next);
    if TrustedKey::is_key(text) {
        return TrustedKey::read(text).map_err(|why| fault(&why));
    }
    let file = read_text(Path::new(text)).map_err(|error| fault(&error))?;
    TrustedKey::read(&file).map_err(|why| fault(&why))
}

/// The text of a key that [`trusted_key`] would read: what a file holds is kept, for the file may go.
pub(super) fn key_text(text: &str) -> Result<String, Failure> {
    Ok(trusted_key(text)?.text())
}

/// Reads the secret key; asks for a password only where it is locked.
pub(super) fn open_key(path: &Path, password_args: &PasswordArgs) -> Result<SigningKey, Failure> {
    let next = "give the file that 'rules keygen --secret-key' or minisign wrote, and its password";
    let fault = |cause: &dyn std::fmt::Display| Failure::file("use the key", path, cause, next);
    let text = read_text(path).map_err(|error| fault(&error))?;
    if let Some(open) = SigningKey::open(&text) {
        return Ok(open);
    }
    if TrustedKey::read(&text).is_ok() {
        return Err(fault(&"it is the public key, which checks and cannot sign"));
    }
    let password = password(password_args.password_file.as_deref(), false)?;
    SigningKey::unlock(&text, password).map_err(|why| fault(&why))
}

/// The password: of the file, of the person, or of the first line on standard input.
fn password(file: Option<&Path>, new: bool) -> Result<String, Failure> {
    let next = "give it in a file with --password-file, or as the first line of standard input";
    let text = match file {
        Some(path) => {
            read_text(path).map_err(|error| Failure::file("read the password", path, &error, next))?
        }
        None if io::stdin().is_terminal() => ask(new).map_err(Failure::Key)?,
        None => first_line().map_err(|error| {
            Failure::file("read the password from", Path::new("standard input"), &error, next)
        })?,
    };
    let password = text.lines().next().unwrap_or_default();
    if password.is_empty() { Err(Failure::NoPassword) } else { Ok(password.to_owned()) }
}

fn first_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().take(4096).read_line(&mut line)?;
    Ok(line)
}

/// Asks on the terminal, twice for a new password.
fn ask(new: bool) -> Result<String, String> {
    let prompt = |text: &str| rpassword::prompt_password(text).map_err(|error| error.to_string());
    let password = prompt("Password: ")?;
    if new && prompt("The same again: ")? != password {
        return Err("the two passwords differ; nothing was written".to_owned());
    }
    Ok(password)
}
