//! What is installed: read from the files, so that `doctor` may ask too; and, for `status`, what the platform says of it.
//!
//! Called by the front of this folder and by the check of `doctor`.

use std::path::{Path, PathBuf};

use crate::cli::files::is_there;
use crate::cli::printer::Printer;

use super::plan::{Call, Mark};
use super::when::Times;
use super::{Platform, apply, asked, cron, launchd, systemd};

/// A schedule of this computer.
#[derive(Debug)]
pub(in crate::cli) struct Installed {
    /// Whose.
    pub(in crate::cli) platform: Platform,
    /// The file that says so.
    pub(in crate::cli) file: String,
    /// What is run, and when.
    pub(in crate::cli) mark: Mark,
    /// Whether it is switched on, as far as files say.
    pub(in crate::cli) enabled: bool,
    /// Whether 'schedule install' wrote it; else the package did.
    pub(in crate::cli) own: bool,
}

/// What the platform says.
#[derive(Debug, Default)]
pub(super) struct Ran {
    /// When it runs next, in the platform's words.
    pub(super) next: Option<String>,
    /// When it ran last.
    pub(super) last: Option<String>,
    /// The exit code of that.
    pub(super) code: Option<String>,
}

/// Schedules of this computer. What cannot be read is told as not there: `doctor` says who may read.
pub(in crate::cli) fn installed() -> Vec<Installed> {
    let text = |path: &str| apply::text(path).ok().flatten();
    let read = |platform, path: &str, enabled| {
        let mark = Mark::find(&text(path)?)?;
        Some(Installed { platform, file: path.to_owned(), mark, enabled, own: true })
    };
    if cfg!(windows) {
        let kept = super::windows().kept();
        return read(Platform::TaskScheduler, &kept, enabled_task(&kept)).into_iter().collect();
    }
    if cfg!(target_os = "macos") {
        return read(Platform::Launchd, launchd::PATH, true).into_iter().collect();
    }
    let enabled = is_there(Path::new(systemd::WANTED));
    let [part, whole, ..] = systemd::paths();
    let own = [part, whole].iter().find_map(|path| read(Platform::Systemd, path, enabled));
    let timer = own.or_else(|| packaged(enabled));
    timer.into_iter().chain(read(Platform::Cron, cron::PATH, has_cron())).collect()
}

/// Whether there is a daemon for what lies in `/etc/cron.d`: packages put files there, whether there is one or not.
pub(super) fn has_cron() -> bool {
    cron::DAEMONS.iter().any(|path| is_there(Path::new(path)))
}

/// The timer of the package, where somebody switched it on.
fn packaged(enabled: bool) -> Option<Installed> {
    let file = systemd::PACKAGED.iter().copied().find(|path| enabled && is_there(Path::new(path)))?;
    let text = apply::text(file).ok().flatten()?;
    let line = text.lines().find_map(|line| line.strip_prefix("ExecStart="))?;
    let mut words = line.split_ascii_whitespace().map(str::to_owned);
    let (when, jitter) = systemd::PACKAGED_WHEN;
    let mark = Mark {
        when: when.to_owned(),
        jitter,
        program: words.next()?,
        arguments: words.collect(),
        was_enabled: true,
        format: 0,
    };
    Some(Installed { platform: Platform::Systemd, file: file.to_owned(), mark, enabled, own: false })
}

fn enabled_task(path: &str) -> bool {
    let bytes = crate::cli::files::read_bytes(Path::new(path)).unwrap_or_default();
    !crate::parse::task::task(&bytes).0.disabled
}

impl Installed {
    /// Files that its scans write.
    pub(in crate::cli) fn outputs(&self) -> Vec<PathBuf> {
        asked::outputs(&self.mark.arguments)
    }

    /// Minutes from one run to the next, where they are farthest.
    pub(in crate::cli) fn period(&self) -> Option<u32> {
        Times::read(&self.mark.when).ok().map(|times| times.longest())
    }

    /// Whether the program is where it is looked for.
    pub(in crate::cli) fn has_program(&self) -> bool {
        is_there(Path::new(&self.mark.program))
    }

    /// Asks the platform.
    pub(super) fn ran(&self, printer: &Printer) -> Ran {
        let Some(question) = self.question() else { return Ran::default() };
        printer.note(&format!("runs {}", question.line()));
        let Some(answer) = apply::ask(&question) else { return Ran::default() };
        match self.platform {
            Platform::Systemd => of_systemd(&answer),
            Platform::TaskScheduler => of_schtasks(&answer),
            Platform::Launchd => of_launchctl(&answer),
            Platform::Cron => Ran::default(),
        }
    }

    fn question(&self) -> Option<Call> {
        match self.platform {
            Platform::Systemd => {
                let here = super::linux()?;
                let keys =
                    "--property=NextElapseUSecRealtime,LastTriggerUSec,ExecMainExitTimestamp,ExecMainStatus";
                here.runs.then(|| {
                    Call::new(&here.systemctl, &["show", "interdict.timer", "interdict.service", keys])
                })
            }
            Platform::TaskScheduler => Some(super::task_scheduler::question(&super::windows())),
            Platform::Launchd => Some(launchd::question()),
            Platform::Cron => None,
        }
    }
}

fn of_systemd(answer: &str) -> Ran {
    let value = |key: &str| {
        let mut values = answer.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        values.find(|value| !value.is_empty() && *value != "n/a").map(str::to_owned)
    };
    // Before the first run the status is 0, which is a verdict.
    let code = value("ExecMainExitTimestamp").and_then(|_| value("ExecMainStatus"));
    Ran { next: value("NextElapseUSecRealtime"), last: value("LastTriggerUSec"), code }
}

/// `"host","\name","next","status","logon","last","result",…`
fn of_schtasks(answer: &str) -> Ran {
    let line = answer.lines().find(|line| line.starts_with('"')).unwrap_or_default();
    let columns: Vec<&str> = line.split("\",\"").map(|column| column.trim_matches('"')).collect();
    let column = |at: usize| columns.get(at).filter(|text| !text.is_empty()).map(|&text| text.to_owned());
    Ran { next: column(2), last: column(5), code: column(6) }
}

fn of_launchctl(answer: &str) -> Ran {
    let code = answer.lines().find_map(|line| line.trim().strip_prefix("last exit code = "));
    Ran {
        code: code.filter(|code| code.bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned),
        ..Ran::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_platforms_say() {
        let said = "NextElapseUSecRealtime=Mon 2026-11-30 03:17:00 UTC\nLastTriggerUSec=n/a\n\nExecMainExitTimestamp=\nExecMainStatus=0\n";
        let ran = of_systemd(said);
        assert_eq!(
            (ran.next.as_deref(), ran.last, ran.code),
            (Some("Mon 2026-11-30 03:17:00 UTC"), None, None)
        );
        let ran = of_systemd("ExecMainExitTimestamp=Mon\nExecMainStatus=3\n");
        assert_eq!(ran.code.as_deref(), Some("3"));
        let ran = of_schtasks(
            "\r\n\"PC\",\"\\interdict\",\"30.11.2026 03:17:00\",\"Bereit\",\"I\",\"29.11.2026 03:17:00\",\"1\",\"x\"\r\n",
        );
        assert_eq!((ran.next.as_deref(), ran.code.as_deref()), (Some("30.11.2026 03:17:00"), Some("1")));
        assert_eq!(of_launchctl("x = {\n\tlast exit code = 1\n}").code.as_deref(), Some("1"));
        assert_eq!(of_launchctl("\tlast exit code = (never exited)").code, None);
    }
}
