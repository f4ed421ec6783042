//! A log of our own: one JSON object a line, in a file for its owner alone, which is put aside when it is large.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this is the operator's file, not the scanned host's"
)]

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::model::Stamp;

use super::{Event, Sink};

/// Bytes that a file may have.
const MAX_BYTES: u64 = 1 << 20;
/// Files that were put aside, `.1` the youngest, and are kept.
const KEPT: u32 = 5;
/// How often it is tried to be the only one that writes, and how long is waited between: a line is written in no time.
const TRIES: (u32, Duration) = (50, Duration::from_millis(2));

/// A file and those that were put aside.
pub(super) struct LogFile {
    path: PathBuf,
    max_bytes: u64,
}

impl LogFile {
    /// The log in a file.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, max_bytes: MAX_BYTES }
    }

    /// The file, to be added to. A link that stands there is not followed, and what is no file or another's is not written
    /// to: whoever may write the folder could else have root write elsewhere.
    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed();
            options.mode(0o600).custom_flags(flags);
        }
        let file = options.open(&self.path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        #[cfg(unix)]
        if std::os::unix::fs::MetadataExt::uid(&meta) != rustix::process::geteuid().as_raw() {
            return Err(io::Error::other("it belongs to another user"));
        }
        Ok(file)
    }

    /// Puts files aside, where a line would make the file too large. Asked of what has the name now: another run may have done
    /// it in between.
    fn make_room(&self, length: u64) -> io::Result<bool> {
        let size = std::fs::symlink_metadata(&self.path).map_or(0, |meta| meta.len());
        if size == 0 || size.saturating_add(length) <= self.max_bytes {
            return Ok(false);
        }
        for number in (1..KEPT).rev() {
            match std::fs::rename(aside(&self.path, number), aside(&self.path, number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        std::fs::rename(&self.path, aside(&self.path, 1))?;
        Ok(true)
    }
}

impl Sink for LogFile {
    fn write(&self, event: &Event, at: Stamp) -> io::Result<()> {
        let line = line(event, at);
        let mut file = self.open()?;
        // The lock goes with the file, which is closed at the end. Where it cannot be had, a line is still added whole.
        if locked(&file) && self.make_room(line.len() as u64)? {
            file = self.open()?;
        }
        file.write_all(line.as_bytes())
    }
}

fn locked(file: &File) -> bool {
    (0..TRIES.0).any(|_| file.try_lock().inspect_err(|_| sleep(TRIES.1)).is_ok())
}

/// `x.log` put aside: `x.log.1`.
fn aside(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

/// One line; every value is a text. What people look for comes first.
fn line(event: &Event, at: Stamp) -> String {
    let (time, pid) = (at.to_string(), std::process::id().to_string());
    let first = [
        ("time", time.as_str()),
        ("level", event.kind.level()),
        ("event", event.kind.word()),
        ("message", &event.message),
        ("pid", &pid),
    ];
    let fields = event.fields.iter().map(|(name, value)| (*name, value.as_str()));
    let pair = |(name, value): (&str, &str)| format!("{}:{}", Value::from(name), Value::from(value));
    let pairs: Vec<String> = first.into_iter().chain(fields).map(pair).collect();
    format!("{{{}}}\n", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::super::tests::event;
    use super::*;

    fn lines(path: &Path) -> Vec<Value> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn an_event_is_one_line_of_json() {
        let folder = tempfile::tempdir().unwrap();
        let log = LogFile::new(folder.path().join("x.log"));
        log.write(&event(), Stamp::epoch()).unwrap();
        log.write(&event(), Stamp::epoch()).unwrap();
        let lines = lines(&log.path);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["time"], "1970-01-01T00:00:00Z");
        assert_eq!((&lines[0]["level"], &lines[0]["event"]), (&"warning".into(), &"gap".into()));
        assert_eq!(lines[0]["message"], "a\\u{1b}[31m\nb\\u{202e}");
    }

    #[test]
    fn a_large_file_is_put_aside_and_five_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        let length = line(&event(), Stamp::epoch()).len() as u64;
        let log = LogFile { path: path.clone(), max_bytes: 2 * length };
        for _ in 0..20 {
            log.write(&event(), Stamp::epoch()).unwrap();
        }
        let mut names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["x.log", "x.log.1", "x.log.2", "x.log.3", "x.log.4", "x.log.5"]);
        assert_eq!((lines(&path).len(), lines(&aside(&path, 5)).len()), (2, 2));
    }

    #[test]
    fn many_at_once_lose_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        let length = line(&event(), Stamp::epoch()).len() as u64;
        std::thread::scope(|scope| {
            for _ in 0..8 {
                let log = LogFile { path: path.clone(), max_bytes: 100 * length };
                scope.spawn(move || (0..50).for_each(|_| log.write(&event(), Stamp::epoch()).unwrap()));
            }
        });
        let all = (1..=KEPT).map(|number| aside(&path, number)).chain([path.clone()]);
        let count: usize = all.filter(|path| path.exists()).map(|path| lines(&path).len()).sum();
        assert_eq!(count, 400);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn it_is_for_its_owner_alone_and_follows_no_link() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        LogFile::new(at("x.log")).write(&event(), Stamp::epoch()).unwrap();
        assert_eq!(std::fs::metadata(at("x.log")).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(at("precious"), "x").unwrap();
        std::os::unix::fs::symlink(at("precious"), at("link.log")).unwrap();
        assert!(LogFile::new(at("link.log")).write(&event(), Stamp::epoch()).is_err());
        assert!(LogFile::new(at("none/x.log")).write(&event(), Stamp::epoch()).is_err());
        assert_eq!(std::fs::read(at("precious")).unwrap(), b"x");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        assert!(LogFile::new(at("pipe")).write(&event(), Stamp::epoch()).is_err(), "and waits for nobody");
    }
}
