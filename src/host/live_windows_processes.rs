//! Processes of the running Windows: program file, owner, start time. Command lines are never read.
//!
//! Called by the root host. The program file is asked of the kernel by its own name for it: what lies in the process'
//! memory is kept from us by antivirus programs, and those are looked for.

use std::io;
use std::path::PathBuf;

use crate::model::{GapReason, HostPath, Order, Stamp};
use crate::parse::filetime;
use crate::parse::security_descriptor::sid;

use super::live_windows::drives;
use super::live_windows_api::{Listed, ProcessHandle, processes as list};
use super::os::{below, miss};
use super::{Listing, Miss, Owner, Process};

/// The process of the kernel itself, which starts all others of it.
const SYSTEM: u32 = 4;

/// Every process that can be seen, and what hides others.
pub(super) fn processes() -> Listing<Process> {
    let mut gaps = Vec::new();
    let listed = list().unwrap_or_else(|error| {
        gaps.push((GapReason::ReadError, "processes".into(), Some(error.to_string())));
        Vec::new()
    });
    let drives = drives();
    let mut entries: Vec<Process> = listed.iter().map(|listed| seen(listed, &drives)).collect();
    entries.order_by_key(|process| process.pid);
    Listing { entries, gaps }
}

fn seen(listed: &Listed, drives: &[(char, PathBuf)]) -> Process {
    let handle = ProcessHandle::open(listed.pid);
    let (exe, kernel) = match &handle {
        _ if is_kernel(listed) => (Err(Miss::Absent), true),
        Ok(handle) => (handle.image().map(|image| path(&image)).map_err(|error| miss(&error)), false),
        Err(error) => (Err(refused(error)), false),
    };
    let handle = handle.ok();
    Process {
        pid: listed.pid,
        deleted: exe.as_ref().is_ok_and(|exe| is_gone(exe, drives)),
        exe,
        kernel,
        name: Some(listed.name.clone()).filter(|name| !name.is_empty()),
        owner: handle.as_ref().and_then(ProcessHandle::owner).and_then(|bytes| sid(&bytes)).map(Owner::Sid),
        started: handle
            .and_then(|handle| handle.started())
            .and_then(filetime::unix)
            .and_then(Stamp::from_unix),
        container: None,
    }
}

/// Idle, System, and what the latter makes without a program file: Registry, Memory Compression, Secure System.
fn is_kernel(listed: &Listed) -> bool {
    let named = listed.name.to_lowercase();
    matches!(listed.pid, 0 | SYSTEM) || (listed.parent == SYSTEM && !named.contains('.'))
}

/// No process has that id any more (`ERROR_INVALID_PARAMETER`): it ended.
fn refused(error: &io::Error) -> Miss {
    if error.raw_os_error() == Some(87) { Miss::Absent } else { miss(error) }
}

/// The program file as a path of the host; one on another machine (`\\server\share`) is named, and never opened.
fn path(image: &[u16]) -> HostPath {
    let text = String::from_utf16_lossy(image);
    HostPath::of_windows(&text).unwrap_or_else(|| HostPath::new(text.replace('\\', "/")))
}

/// Whether the program file is no more where it was. Asked of the computer's own drives only.
#[expect(clippy::disallowed_methods, reason = "part of what Host::processes tells")]
fn is_gone(exe: &HostPath, drives: &[(char, PathBuf)]) -> bool {
    let drive = drives.iter().find(|(letter, _)| exe.drive() == Some(*letter));
    let place = drive.and_then(|(_, folder)| below(folder, exe.as_bytes().get(3..)?));
    place.is_some_and(|place| {
        std::fs::symlink_metadata(place).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    })
}
