//! What is done to this computer: files are written and taken away, and the platform's one tool is called, by its whole path.
//!
//! Called by the front of this folder. The only file of the program that starts a program; what it starts is said before.
#![expect(
    clippy::disallowed_methods,
    reason = "the files of a schedule are the operator's, and only the platform's own tool can switch one on"
)]

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cli::exit::Failure;
use crate::cli::files::{read_bytes, remove, write_for_all};
use crate::cli::printer::Printer;

use super::plan::{Call, File, Mark, Setup};

const NEXT: &str = "look at the folder and its rights; 'interdict schedule show' says what would be written";

/// The text of a file, whatever its letters are; `None` where there is none.
pub(super) fn text(path: &str) -> Result<Option<String>, Failure> {
    match read_bytes(Path::new(path)) {
        Ok(bytes) => Ok(Some(letters(&bytes))),
        Err(error) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => Ok(None),
        Err(error) => Err(Failure::file("read", Path::new(path), &error, NEXT)),
    }
}

/// UTF-16 with its mark, as Task Scheduler writes, or UTF-8.
pub(super) fn letters(bytes: &[u8]) -> String {
    let Some(wide) = bytes.strip_prefix(&[0xFF, 0xFE]) else {
        return String::from_utf8_lossy(bytes).into_owned();
    };
    let (units, _) = wide.as_chunks::<2>();
    String::from_utf16_lossy(&units.iter().map(|unit| u16::from_le_bytes(*unit)).collect::<Vec<_>>())
}

/// Refuses to write over what somebody else wrote.
pub(super) fn is_ours(path: &str) -> Result<bool, Failure> {
    let Some(text) = text(path)? else { return Ok(false) };
    if Mark::find(&text).is_some() {
        return Ok(true);
    }
    Err(Failure::Declined(format!(
        "{path} is there already, and 'interdict schedule' did not write it; move it away, or keep it and go without"
    )))
}

/// Refuses before anything is changed.
pub(super) fn none_of_others(setup: &Setup) -> Result<(), Failure> {
    setup.files.iter().filter(|file| !file.passing).try_for_each(|file| is_ours(&file.path).map(drop))
}

/// Writes the files and switches them on. `false` where everything was as it is to be.
pub(super) fn install(setup: &Setup, printer: &Printer) -> Result<bool, Failure> {
    let mut changed = false;
    for file in &setup.files {
        changed |= write(file, printer)?;
    }
    let calls = if changed { &setup.enable } else { &setup.assure };
    let called = calls.iter().try_for_each(|one| call(one, printer).map(drop));
    for file in setup.files.iter().filter(|file| file.passing) {
        take_away(&file.path)?;
    }
    called.map(|()| changed)
}

fn write(file: &File, printer: &Printer) -> Result<bool, Failure> {
    let path = Path::new(&file.path);
    if file.passing {
        // What lies there is nobody's: who is quicker than this must not have it read what he wrote.
        take_away(&file.path)?;
    } else if read_bytes(path).is_ok_and(|there| there == file.bytes) {
        printer.note(&format!("unchanged {}", file.path));
        return Ok(false);
    }
    write_for_all(path, &file.bytes, file.passing)
        .map_err(|error| Failure::file("write", path, &error, NEXT))?;
    printer.note(&format!("wrote {}", file.path));
    Ok(true)
}

/// Removes a file; `false` where there was none.
pub(super) fn take_away(path: &str) -> Result<bool, Failure> {
    match remove(Path::new(path)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::file("remove", Path::new(path), &error, NEXT)),
    }
}

/// Removes a folder in which nothing is left.
pub(super) fn take_away_folder(path: &Path) {
    // One in which something is left stays.
    let _stays = std::fs::remove_dir(path);
}

/// Calls a program and says so; answers with what it printed.
pub(super) fn call(call: &Call, printer: &Printer) -> Result<String, Failure> {
    printer.note(&format!("runs {}", call.line()));
    let done = tool(call).output();
    let failed = |why: String| {
        Failure::Declined(format!(
            "'{}' {why}; what was written stays: 'interdict schedule remove' takes it away",
            call.line()
        ))
    };
    let output = match done {
        Ok(output) => output,
        Err(_) if call.may_fail => return Ok(String::new()),
        Err(error) => return Err(failed(format!("could not be started: {error}"))),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() || call.may_fail {
        return Ok(text);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said: Vec<&str> =
        said.lines().chain(text.lines()).map(str::trim).filter(|line| !line.is_empty()).collect();
    Err(failed(format!("failed ({}): {}", output.status, said.join("; "))))
}

/// What a program answers; `None` where it does not.
pub(super) fn ask(call: &Call) -> Option<String> {
    let output = tool(call).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// With nothing of this environment but what Windows itself needs: nobody's settings decide what the tool does.
fn tool(call: &Call) -> Command {
    let mut command = Command::new(&call.program);
    command.args(&call.args).stdin(Stdio::null());
    if cfg!(unix) {
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
    }
    command
}
