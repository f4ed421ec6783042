//! What a person can do about what could not be seen, on the system that was looked at.
//!
//! Called by the text format. Advice only; nothing here is ever run.

use crate::model::{Family, Gap, GapReason, Mode, Report, Unseen};

/// The next steps, each once.
pub(super) fn next_steps(report: &Report, unseen: &[&Unseen]) -> Vec<String> {
    let gaps = || unseen.iter().flat_map(|one| &one.gaps);
    let has = |reason: GapReason| gaps().any(|gap: &Gap| gap.reason == reason);
    let mut steps = Vec::new();
    if has(GapReason::PermissionDenied) && !report.host.privileged {
        steps.push(with_rights(report));
    }
    for (reason, step) in STEPS {
        if has(*reason) {
            steps.push((*step).to_owned());
        }
    }
    if BROKEN.iter().any(|reason| has(*reason)) {
        steps.push(repair(report).to_owned());
    }
    steps
}

const STEPS: &[(GapReason, &str)] = &[
    (
        GapReason::HiddenProcesses,
        "run as root: /proc is mounted so that others' processes are hidden (hidepid)",
    ),
    (
        GapReason::RemoteMount,
        "scan the server that holds the remote file system; it is not entered from here",
    ),
    (
        GapReason::NotMounted,
        "mount the named file systems below the root (/etc/fstab lists them; a Windows has drives, a macOS its Data \
         volume at System/Volumes/Data) and scan again",
    ),
    (
        GapReason::Overmounted,
        "run outside the sandbox (systemd: ProtectHome=no) or unmount what hides the folder",
    ),
    (GapReason::Budget, "give it more time with --budget SECONDS"),
    (GapReason::Memory, "give it more memory with --max-memory MIB, or look less deep with --depth"),
    (
        GapReason::ProfileElsewhere,
        "scan while the named users are logged on, or attach their profile containers and scan those",
    ),
    (
        GapReason::FullDiskAccess,
        "give interdict full disk access (System Settings > Privacy & Security > Full Disk Access, or to a whole fleet by \
         the profile in docs/deploy) and scan again",
    ),
    (GapReason::CloudPlaceholder, "fetch the named files (attrib +p FILE), then scan again"),
];

/// Records that are there and tell nothing.
const BROKEN: &[GapReason] = &[
    GapReason::Truncated,
    GapReason::Malformed,
    GapReason::Missing,
    GapReason::Empty,
    GapReason::Inconsistent,
];

fn with_rights(report: &Report) -> String {
    let homes = report.host.users.iter().filter(|user| !user.readable).count();
    let homes = if homes > 0 {
        format!(" to read {homes} home folder(s) and what else was denied")
    } else {
        " to read what was denied".to_owned()
    };
    let who = match (report.host.family, report.host.mode) {
        (Family::Windows, Mode::Live) => {
            "run as administrator (from an elevated prompt, or as SYSTEM from a task)"
        }
        _ => "run as root (sudo interdict scan)",
    };
    format!("{who}{homes}, or ask less with --scope system")
}

fn repair(report: &Report) -> &'static str {
    match (report.host.family, report.host.mode) {
        (Family::Windows, Mode::Live) => {
            "repair the named records (sfc /scannow, a restored hive) and scan again"
        }
        (Family::Windows, Mode::Offline) => {
            "a hive that lacks its log (.LOG1, .LOG2) or is damaged: copy it with its logs, or start that Windows once, \
             then scan again"
        }
        (Family::Macos, _) => {
            "repair the named records (install the software again, or restore the property lists) and scan again"
        }
        (Family::Linux, _) => "repair the named records (dpkg --audit, rpm --rebuilddb, …) and scan again",
    }
}
