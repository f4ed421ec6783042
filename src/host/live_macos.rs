//! The running macOS: its processes, what it mounts, and the number of the machine.
//!
//! Called by the root host. Must not know what a source looks for. The calls have no safe name in the crates at hand; that of
//! sysinfo reads command lines on the way, and leaves out what it cannot read.
#![expect(unsafe_code, reason = "the system's own functions; each call says why it is sound")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fmt::Write as _;
use std::io;
use std::mem::{size_of, zeroed};
use std::ptr::null_mut;

use crate::model::{GapReason, HostPath, Order, Stamp};

use super::mounts::Mounts;
use super::{Listing, Miss, Owner, Process, Read};

/// Processes that are listed at most; macOS itself allows some thousands.
const MAX_PROCESSES: usize = 1 << 20;
/// A process that ended and is not yet waited for.
const ZOMBIE: u32 = libc::SZOMB;
/// Where the kernel itself mounts the parts of the system.
const OF_THE_SYSTEM: &[&str] = &["/", "/dev", "/System/Volumes", "/private/var/vm"];
/// Where volumes that somebody attached appear.
const ATTACHED: &str = "/Volumes";

/// Every process that can be seen.
pub(super) fn processes() -> Listing<Process> {
    let pids = match pids() {
        Ok(pids) => pids,
        Err(error) => {
            let gap = (GapReason::ReadError, "/".into(), Some(format!("the process list: {error}")));
            return Listing { entries: Vec::new(), gaps: vec![gap] };
        }
    };
    Listing { entries: pids.into_iter().filter_map(process).collect(), gaps: Vec::new() }
}

/// The numbers of all processes; libproc.h.
fn pids() -> io::Result<Vec<c_int>> {
    // Some start between the two calls.
    const MORE: usize = 256;
    // SAFETY: without a buffer the function only counts.
    let count = unsafe { libc::proc_listallpids(null_mut(), 0) };
    let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
    let mut pids: Vec<c_int> = vec![0; count.min(MAX_PROCESSES) + MORE];
    let bytes = c_int::try_from(pids.len() * size_of::<c_int>()).map_err(io::Error::other)?;
    // SAFETY: the buffer is as long as is said, and made of the numbers that are written there.
    let got = unsafe { libc::proc_listallpids(pids.as_mut_ptr().cast::<c_void>(), bytes) };
    let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
    if got == 0 {
        return Err(io::Error::last_os_error());
    }
    pids.truncate(got);
    pids.order();
    pids.dedup();
    Ok(pids)
}

/// One process; none where it ended since.
fn process(pid: c_int) -> Option<Process> {
    let number = u32::try_from(pid).ok()?;
    let about = about(pid);
    let path = path(pid);
    let ended = path.as_ref().is_err_and(|error| error.raw_os_error() == Some(libc::ESRCH))
        || about.as_ref().is_some_and(|about| about.pbi_status == ZOMBIE);
    if ended && pid != 0 {
        return None;
    }
    let exe: Read<HostPath> = match path {
        _ if pid == 0 => Err(Miss::Absent),
        Ok(path) => Ok(HostPath::new(path)),
        Err(error) => match error.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => Err(Miss::Denied),
            Some(libc::ENOENT) => Err(Miss::Io("its program file is there no more".to_owned())),
            _ => Err(Miss::Io(error.to_string())),
        },
    };
    let name = about.as_ref().map(|about| text(&about.pbi_name)).filter(|name| !name.is_empty());
    Some(Process {
        pid: number,
        name: if exe.is_ok() { None } else { name },
        exe,
        kernel: pid == 0,
        deleted: false,
        owner: about.as_ref().map(|about| Owner::Uid(about.pbi_uid)),
        started: about
            .as_ref()
            .and_then(|about| Stamp::from_unix(i64::try_from(about.pbi_start_tvsec).ok()?)),
        container: None,
    })
}

/// The program file of a process, as the kernel names it now.
fn path(pid: c_int) -> io::Result<Vec<u8>> {
    let mut path = vec![0_u8; usize::try_from(libc::PROC_PIDPATHINFO_MAXSIZE).unwrap_or(4096)];
    let room = u32::try_from(path.len()).map_err(io::Error::other)?;
    // SAFETY: the buffer is as long as is said, and outlives the call.
    let length = unsafe { libc::proc_pidpath(pid, path.as_mut_ptr().cast::<c_void>(), room) };
    match usize::try_from(length) {
        Ok(length) if length > 0 => {
            path.truncate(length);
            Ok(path)
        }
        _ => Err(io::Error::last_os_error()),
    }
}

/// Owner, start and state of a process; none for others' without root's rights.
fn about(pid: c_int) -> Option<libc::proc_bsdinfo> {
    let size = c_int::try_from(size_of::<libc::proc_bsdinfo>()).ok()?;
    // SAFETY: the structure is made of numbers and of arrays of them; all zeros are a value of it.
    let mut about: libc::proc_bsdinfo = unsafe { zeroed() };
    // SAFETY: the structure is that of the flavour that is asked for, as long as is said, and outlives the call.
    let got = unsafe {
        libc::proc_pidinfo(pid, libc::PROC_PIDTBSDINFO, 0, (&raw mut about).cast::<c_void>(), size)
    };
    (got == size).then_some(about)
}

/// What macOS mounts, remote file systems refused.
pub(super) fn mounts() -> Mounts {
    let mounted = mounted().into_iter().map(|one| {
        let is_local = one.f_flags & u32::try_from(libc::MNT_LOCAL).unwrap_or_default() != 0;
        (HostPath::new(bytes(&one.f_mntonname)), text(&one.f_fstypename), is_local)
    });
    Mounts::listed(mounted)
}

/// Volumes that somebody attached, and those that the kernel did not mount for itself.
pub(super) fn other_volumes() -> Vec<HostPath> {
    let points = mounted().into_iter().map(|one| HostPath::new(bytes(&one.f_mntonname)));
    let of_the_system = |point: &HostPath| {
        OF_THE_SYSTEM.iter().any(|place| *place != "/" && point.is_within(&(*place).into()))
            || point.as_bytes() == b"/"
    };
    points.filter(|point| point.is_within(&ATTACHED.into()) || !of_the_system(point)).collect()
}

/// The kernel's own table, as it is known: asking a dead server what it holds blocks for ever.
fn mounted() -> Vec<libc::statfs> {
    // SAFETY: without a buffer the function only counts.
    let count = unsafe { libc::getfsstat(null_mut(), 0, libc::MNT_NOWAIT) };
    let Ok(count) = usize::try_from(count) else { return Vec::new() };
    // SAFETY: the structure is made of numbers and of arrays of them; all zeros are a value of it.
    let mut table: Vec<libc::statfs> = vec![unsafe { zeroed() }; count.min(1 << 12) + 16];
    let Ok(room) = c_int::try_from(table.len() * size_of::<libc::statfs>()) else { return Vec::new() };
    // SAFETY: the buffer is as long as is said, and made of the structures that are written there.
    let got = unsafe { libc::getfsstat(table.as_mut_ptr(), room, libc::MNT_NOWAIT) };
    table.truncate(usize::try_from(got).unwrap_or_default());
    table
}

/// The number of the machine, as System Information shows it: `IOPlatformUUID`.
pub(super) fn machine_id() -> Option<String> {
    let mut number = [0_u8; 16];
    // SAFETY: a structure of two numbers; all zeros are a value of it, and mean not to wait.
    let now: libc::timespec = unsafe { zeroed() };
    // SAFETY: the function writes sixteen bytes, and reads the time to wait; both outlive the call.
    let failed = unsafe { libc::gethostuuid(number.as_mut_ptr(), &raw const now) };
    if failed != 0 || number == [0; 16] {
        return None;
    }
    let mut text = String::new();
    for (at, byte) in number.iter().enumerate() {
        let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
        write!(text, "{dash}{byte:02X}").ok()?;
    }
    Some(text)
}

/// A text of C in an array.
fn bytes(array: &[c_char]) -> Vec<u8> {
    let bytes: Vec<u8> = array.iter().map(|byte| byte.cast_unsigned()).collect();
    CStr::from_bytes_until_nul(&bytes).map(|text| text.to_bytes().to_vec()).unwrap_or(bytes)
}

fn text(array: &[c_char]) -> String {
    String::from_utf8_lossy(&bytes(array)).into_owned()
}
