//! Processes of the running Linux machine, and how far the kernel lets us see them.
//!
//! Called by the root host. sysinfo lists them; what it cannot tell apart (a kernel thread from a refusal, a
//! deleted program, another root) is asked of `/proc` here. Command lines and environments are never read.
#![expect(clippy::disallowed_methods, reason = "this is what Host::processes stands on")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use crate::model::{GapReason, HostPath, Order, Stamp};
use crate::parse::mountinfo;

use super::{Listing, Miss, Owner, Process, Read};

/// Inode of the first process namespace (`PROC_PID_INIT_INO`, `include/linux/proc_ns.h`).
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

/// Every process that can be seen, and what hides others.
pub(super) fn processes() -> Listing<Process> {
    let mut gaps = sight();
    let Ok(mut system) = System::new() else {
        gaps.push((GapReason::ReadError, "/proc".into(), Some("the process list cannot be read".into())));
        return Listing { entries: Vec::new(), gaps };
    };
    let kind = ProcessRefreshKind::nothing()
        .with_exe(UpdateKind::Always)
        .with_user(UpdateKind::Always)
        .without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
    let own = root_of("/proc/self/root");
    let mut entries: Vec<Process> = system.processes().values().map(|process| seen(process, own)).collect();
    entries.order_by_key(|process| process.pid);
    if entries.is_empty() {
        gaps.push((GapReason::Empty, "/proc".into(), Some("no process is listed; is /proc mounted?".into())));
    }
    Listing { entries, gaps }
}

/// Device and number of the folder that is a process's root.
fn root_of(link: impl AsRef<Path>) -> Option<(u64, u64)> {
    fs::metadata(link).ok().map(|meta| (meta.dev(), meta.ino()))
}

fn seen(process: &sysinfo::Process, own: Option<(u64, u64)>) -> Process {
    let pid = process.pid().as_u32();
    let folder = PathBuf::from(format!("/proc/{pid}"));
    let (exe, kernel) = program(process, &folder);
    let deleted = exe.is_ok() && fs::metadata(folder.join("exe")).is_ok_and(|meta| meta.nlink() == 0);
    Process {
        pid,
        exe,
        kernel,
        deleted,
        name: None,
        owner: process.user_id().map(|uid| Owner::Uid(**uid)),
        started: i64::try_from(process.start_time()).ok().and_then(Stamp::from_unix),
        container: container(&folder, own),
    }
}

/// The program file. The link of a kernel thread is there and names nothing (`proc_pid_exe(5)`); so does that of
/// a program which ended and is not yet waited for.
fn program(process: &sysinfo::Process, folder: &Path) -> (Read<HostPath>, bool) {
    if let Some(exe) = process.exe() {
        return (Ok(HostPath::new(exe.as_os_str().as_encoded_bytes())), false);
    }
    // The kernel says which threads are its own, to everybody; their links it shows to root only.
    if process.thread_kind() == Some(sysinfo::ThreadKind::Kernel) {
        return (Err(Miss::Absent), true);
    }
    match fs::read_link(folder.join("exe")) {
        Ok(exe) => (Ok(HostPath::new(exe.as_os_str().as_encoded_bytes())), false),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => (Err(Miss::Denied), false),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => (Err(Miss::Absent), false),
        Err(error) => (Err(Miss::Io(error.to_string())), false),
    }
}

/// A process with another root has its own files: the same path there is another program.
fn container(folder: &Path, own: Option<(u64, u64)>) -> Option<String> {
    if Some(root_of(folder.join("root"))?) == own {
        return None;
    }
    let mounts = fs::read_link(folder.join("ns/mnt")).ok()?;
    let groups = fs::read_to_string(folder.join("cgroup")).unwrap_or_default();
    Some(container_id(&groups).unwrap_or_else(|| mounts.to_string_lossy().into_owned()))
}

/// Container engines put the container's id, 64 hexadecimal digits, into the control group's path.
fn container_id(groups: &str) -> Option<String> {
    let parts = groups.split(|c: char| !c.is_ascii_hexdigit());
    parts.filter(|part| part.len() == 64).map(|part| part.get(..12).unwrap_or(part).to_owned()).next()
}

/// What keeps this process from seeing all processes: `hidepid` (proc(5)) and a namespace of its own.
fn sight() -> Vec<(GapReason, HostPath, Option<String>)> {
    let mut gaps = Vec::new();
    let table = fs::read("/proc/self/mountinfo").unwrap_or_default();
    if !rustix::process::geteuid().is_root()
        && let Some(option) = hidepid(&table)
    {
        gaps.push((GapReason::HiddenProcesses, "/proc".into(), Some(format!("mounted with {option}"))));
    }
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    if namespace != Path::new(FIRST_PID_NAMESPACE) && !own_init() {
        let detail = "the scan runs in a process namespace of its own and sees only the processes in it";
        gaps.push((GapReason::Namespace, "/proc/self/ns/pid".into(), Some(detail.into())));
    }
    gaps
}

/// Whether process 1 shares our root: then the namespace is the whole of the container that is scanned.
fn own_init() -> bool {
    root_of("/proc/1/root").is_some_and(|root| root_of("/proc/self/root") == Some(root))
}

/// The `hidepid` option of the mounted `/proc`, where it hides anything.
fn hidepid(table: &[u8]) -> Option<String> {
    let mounts = mountinfo::mountinfo(table).records;
    let proc = mounts.iter().rfind(|mount| *mount.mount_point == *b"/proc" && mount.fs_type == b"proc")?;
    let options = String::from_utf8_lossy(proc.super_options);
    let option = options.split(',').find(|option| option.starts_with("hidepid="))?;
    (!matches!(option, "hidepid=0" | "hidepid=off")).then(|| option.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_listed_with_its_program() {
        let listing = processes();
        let own = listing.entries.iter().find(|process| process.pid == std::process::id()).unwrap();
        let exe = std::env::current_exe().unwrap();
        assert_eq!(own.exe, Ok(HostPath::new(exe.as_os_str().as_encoded_bytes())));
        assert!(!own.deleted && !own.kernel);
        assert_eq!(own.container, None);
        assert_eq!(own.owner, Some(Owner::Uid(rustix::process::geteuid().as_raw())));
    }

    #[test]
    fn hidepid_is_read_from_the_mount_table() {
        let table = |options: &str| format!("22 27 0:21 / /proc rw,relatime - proc proc {options}\n");
        assert_eq!(hidepid(table("rw,hidepid=invisible").as_bytes()), Some("hidepid=invisible".into()));
        assert_eq!(hidepid(table("rw,hidepid=2,gid=4").as_bytes()), Some("hidepid=2".into()));
        assert_eq!(hidepid(table("rw,hidepid=off").as_bytes()), None);
        assert_eq!(hidepid(table("rw").as_bytes()), None);
    }

    #[test]
    fn container_ids_come_from_control_groups() {
        let id = "0123456789abcdef".repeat(4);
        assert_eq!(
            container_id(&format!("0::/system.slice/docker-{id}.scope\n")),
            Some("0123456789ab".into())
        );
        assert_eq!(container_id("0::/user.slice/user-1000.slice\n"), None);
    }
}
