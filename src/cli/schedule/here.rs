//! What of this computer a schedule hangs on: which platform, which folders, where its tools are.
//!
//! Called by the front of this folder. Looks, and changes nothing.
#![expect(clippy::disallowed_methods, reason = "where Windows is hangs on the environment")]

use std::path::Path;

use crate::cli::exit::Failure;
use crate::cli::files::is_there;
use crate::cli::places;

use super::plan::{Mark, Plan};
use super::{Platform, apply, systemd, task_scheduler};

/// The platform that was named, else that of this computer.
pub(super) fn platform(named: Option<Platform>) -> Result<Platform, Failure> {
    if let Some(named) = named {
        return Ok(named);
    }
    if cfg!(windows) {
        return Ok(Platform::TaskScheduler);
    }
    if cfg!(target_os = "macos") {
        return Ok(Platform::Launchd);
    }
    // sd_booted(3)
    if is_there(Path::new("/run/systemd/system")) {
        return Ok(Platform::Systemd);
    }
    if is_there(Path::new("/etc/cron.d")) {
        return Ok(Platform::Cron);
    }
    Err(Failure::Declined(
        "here runs neither systemd nor a cron that reads /etc/cron.d; install cron, or let what starts programs here start \
         'interdict scan --quiet --priority low', or name the platform of an image with --platform"
            .to_owned(),
    ))
}

/// Whether a platform can be this computer's.
pub(super) fn is_here(platform: Platform) -> bool {
    match platform {
        Platform::Systemd | Platform::Cron => cfg!(target_os = "linux"),
        Platform::Launchd => cfg!(target_os = "macos"),
        Platform::TaskScheduler => cfg!(windows),
    }
}

/// The folder that a scan of the computer has for itself.
pub(super) fn state(platform: Platform, is_here: bool) -> String {
    let usual = match platform {
        Platform::Systemd | Platform::Cron => "/var/lib/interdict",
        Platform::Launchd => "/Library/Application Support/interdict",
        Platform::TaskScheduler => r"C:\ProgramData\interdict",
    };
    // Who shows it may have no rights; who is to run has.
    let own = is_here
        .then(places::computer)
        .flatten()
        .and_then(|folder| folder.into_os_string().into_string().ok());
    own.unwrap_or_else(|| usual.to_owned())
}

/// The program: this one; on another platform, where the package puts it.
pub(super) fn program(platform: Platform, is_here: bool) -> Result<String, Failure> {
    let usual = match platform {
        Platform::Systemd | Platform::Cron => "/usr/bin/interdict",
        Platform::Launchd => "/usr/local/bin/interdict",
        Platform::TaskScheduler => r"C:\Program Files\interdict\interdict.exe",
    };
    if is_here {
        let own = std::env::current_exe().ok().and_then(|path| path.into_os_string().into_string().ok());
        // A root without /proc, in which an image is made, says no program's name.
        let own = own.or_else(|| is_there(Path::new(usual)).then(|| usual.to_owned()));
        return own.filter(|path| !path.chars().any(char::is_control)).ok_or_else(|| {
            Failure::Declined("it is not known where this program lies, or its path is not text".to_owned())
        });
    }
    Ok(usual.to_owned())
}

/// The systemd of this computer; `None` where there is no systemctl.
pub(super) fn linux() -> Option<systemd::Here> {
    let systemctl = systemd::SYSTEMCTL.into_iter().find(|path| is_there(Path::new(path)))?.to_owned();
    let any = |paths: [&str; 2]| paths.iter().any(|path| is_there(Path::new(path)));
    let (packaged, sends) = (any(systemd::PACKAGED), any(systemd::SENDS));
    Some(systemd::Here { systemctl, runs: is_there(Path::new("/run/systemd/system")), packaged, sends })
}

/// The same, or a usual one to show.
pub(super) fn systemd(is_here: bool) -> Result<systemd::Here, Failure> {
    let usual = || systemd::Here {
        systemctl: systemd::SYSTEMCTL[0].to_owned(),
        runs: true,
        packaged: false,
        sends: false,
    };
    if !is_here {
        return Ok(usual());
    }
    linux().ok_or_else(|| {
        Failure::Declined(
            "there is no systemctl here, which switches timers on; '--platform cron' writes for cron"
                .to_owned(),
        )
    })
}

/// Where Windows is.
pub(super) fn windows() -> task_scheduler::Here {
    let named = std::env::var("SystemRoot").ok().filter(|root| cfg!(windows) && !root.is_empty());
    task_scheduler::Here { system_root: named.unwrap_or_else(|| r"C:\Windows".to_owned()) }
}

/// Whether the package's timer was on before ours; where ours is there, it says so.
pub(super) fn was_enabled() -> bool {
    let ours = systemd::paths().iter().find_map(|path| Mark::find(&apply::text(path).ok()??));
    match ours {
        Some(mark) => mark.was_enabled,
        None => is_there(Path::new(systemd::WANTED)) && linux().is_some_and(|here| here.packaged),
    }
}

/// Whether the scan can write where it is to.
pub(super) fn writes(plan: &Plan, platform: Platform) -> Result<(), Failure> {
    for folder in &plan.writes {
        if !Path::new(folder).is_dir() {
            return Err(Failure::Declined(format!(
                "there is no folder {folder} for what the scan writes; make it"
            )));
        }
        if platform == Platform::Systemd {
            owned_by_root(folder)?;
        }
    }
    Ok(())
}

/// The unit leaves root no power over what belongs to others.
fn owned_by_root(folder: &str) -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let owner = std::fs::metadata(folder).map(|meta| (meta.uid(), meta.mode()));
        if owner.is_ok_and(|(uid, mode)| uid != 0 && mode & 0o002 == 0) {
            return Err(Failure::Declined(format!(
                "the scan could not write into {folder}, which does not belong to root: the unit has no power over folders \
                 of others; 'chown root {folder}', or name another folder"
            )));
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
