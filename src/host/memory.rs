//! How much memory this process holds, and how much its surroundings let it have.
//!
//! Called by `sources` while a look goes on, and by `cli`. What is told is what the system's own tools show: the resident set
//! on Linux, the footprint on macOS, the committed private bytes on Windows.
#![cfg_attr(
    target_os = "macos",
    expect(unsafe_code, reason = "one call that no safe crate has; it says why it is sound")
)]
#![cfg_attr(
    target_os = "linux",
    expect(clippy::disallowed_methods, reason = "what the kernel says of this very process")
)]

/// Bytes that this process holds now; `None` where the system does not say.
#[cfg(target_os = "linux")]
pub fn held() -> Option<u64> {
    resident(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// Bytes that this process holds now; `None` where the system does not say.
#[cfg(target_os = "macos")]
pub fn held() -> Option<u64> {
    // SAFETY: the structure is made of numbers; all zeros are a value of it.
    let mut usage: libc::rusage_info_v0 = unsafe { std::mem::zeroed() };
    let pid = i32::try_from(std::process::id()).ok()?;
    // SAFETY: the structure is that of the flavour that is asked for, and outlives the call.
    let told = unsafe { libc::proc_pid_rusage(pid, libc::RUSAGE_INFO_V0, (&raw mut usage).cast()) };
    (told == 0).then_some(usage.ri_phys_footprint)
}

/// Bytes that this process holds now; `None` where the system does not say.
#[cfg(windows)]
pub fn held() -> Option<u64> {
    super::live_windows_api::committed()
}

/// Bytes that this process holds now; `None` where the system does not say.
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
pub fn held() -> Option<u64> {
    None
}

/// The least limit of the control groups that this process is in, and the file that says it.
#[cfg(target_os = "linux")]
pub fn allowed() -> Option<(u64, String)> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let files = limit_files(&groups);
    let limits = files.into_iter().filter_map(|file| {
        // `max` is no number, and no limit.
        let bytes = std::fs::read_to_string(&file).ok()?.trim().parse().ok()?;
        Some((bytes, file))
    });
    limits.min()
}

/// Other systems have no such groups.
#[cfg(not(target_os = "linux"))]
pub fn allowed() -> Option<(u64, String)> {
    None
}

/// `VmRSS` of `/proc/PID/status`; `proc_pid_status(5)`.
#[cfg(any(target_os = "linux", test))]
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// The files with the limits of the groups that `/proc/PID/cgroup` names, and of those around them; cgroups(7).
#[cfg(any(target_os = "linux", test))]
fn limit_files(groups: &str) -> Vec<String> {
    /// Groups within each other that are looked at.
    const DEEPEST: usize = 64;
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let (base, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|one| one == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        // What a namespace hides is told as a way up, which must not lead out of the folder.
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty() && *name != "..").collect();
        for count in 0..=names.len().min(DEEPEST) {
            let group: String = names.iter().take(count).flat_map(|name| ["/", name]).collect();
            files.push(format!("{base}{group}/{file}"));
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resident_set_is_read_from_what_the_kernel_writes() {
        assert_eq!(
            resident("Name:\tx\nVmHWM:\t    9000 kB\nVmRSS:\t    8012 kB\nThreads:\t1\n"),
            Some(8012 << 10)
        );
        assert_eq!(resident("Name:\tkthreadd\n"), None, "a thread of the kernel has none");
        assert_eq!(resident("VmRSS:\t99999999999999999999 kB\n"), None);
    }

    #[test]
    fn limits_of_both_kinds_of_groups_are_looked_up_to_the_top() {
        let both = "5:cpu,memory:/a/b\n1:name=systemd:/x\n0::/u.slice/../s\n";
        assert_eq!(
            limit_files(both),
            [
                "/sys/fs/cgroup/memory/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/a/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory.max",
                "/sys/fs/cgroup/u.slice/memory.max",
                "/sys/fs/cgroup/u.slice/s/memory.max",
            ]
        );
        assert!(limit_files("nonsense\n::\n7:cpu:/\n").iter().all(|file| file.ends_with("/memory.max")));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_held_grows_with_what_is_used() {
        const MORE: usize = 64 << 20;
        let before = held().unwrap();
        let much = vec![1_u8; MORE];
        let after = held().unwrap();
        assert!(after > before + (MORE as u64) / 2, "{before} {after} {}", much.len());
    }
}
