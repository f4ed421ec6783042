//! One scan of this computer at a time: the second says who runs the first.
//!
//! Taken by the commands that look at this computer. The lock is the system's, on `scan.lock` in the state folder, and ends
//! with the process however that ends; beside it `scan.holder` says who holds it, for people to read.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::exit::Failure;
use super::files::{Lock, make_folder, read_text, remove, write_passing};
use super::look::now;
use super::places;
use super::printer::Printer;
use crate::model::{of_json, to_json};

const FILE: &str = "scan.lock";
const HOLDER: &str = "scan.holder";
const NEXT: &str = "name a folder that this user can write with --state";
/// How often it is looked whether the other has ended.
const PAUSE: Duration = Duration::from_millis(100);
/// Letters of a command that are told.
const MAX_COMMAND: usize = 300;

/// Held for as long as this computer is looked at.
pub(super) struct RunLock {
    holder: PathBuf,
    _lock: Lock,
}

/// Who holds the lock.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    pid: u32,
    user: String,
    since: String,
    command: String,
}

/// What came of asking for it.
enum Asked {
    Taken(RunLock),
    Held(PathBuf),
}

impl RunLock {
    /// Takes the lock in the folder that was named, else in the first of the usual ones that can be written. Where none can,
    /// the scan goes on without, and says so: a computer that can write nothing is still to be looked at.
    pub(super) fn take(
        named: Option<&Path>,
        wait: Duration,
        printer: &Printer,
    ) -> Result<Option<Self>, Failure> {
        let until = Instant::now() + wait;
        let mut told = false;
        loop {
            let held = match asked(named)? {
                None => {
                    printer
                        .note("no folder can be written for the lock: other scans may run beside this one");
                    return Ok(None);
                }
                Some(Asked::Taken(lock)) => return Ok(Some(lock)),
                Some(Asked::Held(folder)) => folder,
            };
            let holder = who(&held);
            if Instant::now() >= until {
                return Err(Failure::Busy(holder));
            }
            if !told {
                printer.note(&format!("waiting for another scan of this computer: {holder}"));
                told = true;
            }
            sleep(PAUSE);
        }
    }
}

fn asked(named: Option<&Path>) -> Result<Option<Asked>, Failure> {
    if let Some(folder) = named {
        let failed = |error| Failure::file("take the lock in", folder, &error, NEXT);
        return ask(folder).map(Some).map_err(failed);
    }
    let usual = [places::state(), places::runtime()];
    Ok(usual.into_iter().flatten().find_map(|folder| ask(&folder).ok()))
}

fn ask(folder: &Path) -> io::Result<Asked> {
    make_folder(folder)?;
    let Some(lock) = Lock::attempt(&folder.join(FILE))? else { return Ok(Asked::Held(folder.to_owned())) };
    let holder = folder.join(HOLDER);
    let text = to_json(&own())?;
    // Who cannot be told by name is still told from nobody: the lock is what counts.
    let _told = write_passing(&holder, &text);
    Ok(Asked::Taken(RunLock { holder, _lock: lock }))
}

fn own() -> Holder {
    let arguments = std::env::args_os().skip(1);
    let words: Vec<_> = arguments.map(|word| word.to_string_lossy().into_owned()).collect();
    let command: String = format!("interdict {}", words.join(" ")).chars().take(MAX_COMMAND).collect();
    Holder { pid: std::process::id(), user: places::user(), since: now().to_string(), command }
}

/// Who holds the lock, in words.
fn who(folder: &Path) -> String {
    let read = read_text(&folder.join(HOLDER))
        .and_then(|text| of_json::<Holder>(text.as_bytes()).map_err(io::Error::from));
    match read {
        Ok(Holder { pid, user, since, command }) => {
            format!("'{command}', process {pid}, by {user}, since {since}")
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            format!("a process that has not yet said who it is holds {}", folder.join(FILE).display())
        }
        Err(_) => format!("who it is cannot be read in {}", folder.join(HOLDER).display()),
    }
}

/// Who holds the lock in a folder, where somebody does. Nothing is made that is not there.
pub(super) fn held(folder: &Path) -> Option<String> {
    let file = folder.join(FILE);
    let is_free = !file.is_file() || Lock::attempt(&file).map_or(true, |lock| lock.is_some());
    (!is_free).then(|| who(folder))
}

impl Drop for RunLock {
    /// The name goes before the lock does: nobody else's name is in the file while it is held.
    fn drop(&mut self) {
        let _gone = remove(&self.holder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask_in(folder: &Path) -> Asked {
        ask(folder).unwrap()
    }

    #[test]
    fn a_lock_is_held_by_one_and_told_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("state");
        let Asked::Taken(first) = ask_in(&folder) else { panic!("nobody holds it") };
        assert!(matches!(ask_in(&folder), Asked::Held(_)));
        let told = who(&folder);
        assert!(told.contains(&format!("process {}, by ", std::process::id())), "{told}");
        assert!(told.contains(", since 20"), "{told}");
        drop(first);
        assert!(!folder.join(HOLDER).exists());
        assert!(matches!(ask_in(&folder), Asked::Taken(_)), "the file is still there, and says nothing");
    }

    #[test]
    fn a_name_that_was_left_behind_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join(HOLDER);
        write_passing(&name, b"nonsense").unwrap();
        assert!(who(folder.path()).starts_with("who it is cannot be read"));
        assert!(matches!(ask_in(folder.path()), Asked::Taken(_)));
    }
}
