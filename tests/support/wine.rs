//! `interdict.exe` and Wine, for the tests of Windows: where the program is, and how it is run.
//!
//! The program is built by `packaging/windows/build.sh`; a test that finds none, or one older than the sources, is skipped.
#![allow(dead_code, reason = "each test file uses its part")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

use super::{Run, skip};

const EXE: &str = "target/windows/x86_64-win7-windows-gnu/release/interdict.exe";
/// Debian keeps it outside of the path.
const WINE: &str = "/usr/lib/wine/wine64";

/// The program: `INTERDICT_EXE`, or where the build puts it.
pub fn exe() -> Option<PathBuf> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    if let Some(named) = std::env::var_os("INTERDICT_EXE") {
        return Some(PathBuf::from(named));
    }
    let exe = project.join(EXE);
    let Ok(built) = exe.metadata().and_then(|meta| meta.modified()) else {
        skip("interdict.exe is not built; packaging/windows/build.sh does");
        return None;
    };
    if newest(project) > built {
        skip("interdict.exe is older than the sources; packaging/windows/build.sh builds it anew");
        return None;
    }
    Some(exe)
}

/// When the last source of the program was written.
fn newest(project: &Path) -> SystemTime {
    let tops = ["src", "rules", "packaging/windows", "Cargo.toml", "Cargo.lock"];
    let files = tops.iter().flat_map(|top| walkdir::WalkDir::new(project.join(top)));
    let written = files.map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    written.map(|entry| entry.metadata().unwrap().modified().unwrap()).max().unwrap()
}

/// A Windows to run it in.
pub struct Wine {
    exe: PathBuf,
    prefix: PathBuf,
}

impl Wine {
    /// The one that all tests of a build share: making one takes ten seconds.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Wine>> = OnceLock::new();
        let make = || {
            let exe = exe()?;
            let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
            Self::at(exe, target.join("wine"))
        };
        SHARED.get_or_init(make).as_ref()
    }

    /// One with its own registry and drive, in a folder.
    pub fn at(exe: PathBuf, prefix: PathBuf) -> Option<Self> {
        if !Path::new(WINE).is_file() {
            skip("wine64 is not installed");
            return None;
        }
        let wine = Self { exe, prefix };
        let whole = wine.prefix.join("made-for-tests");
        if !whole.is_file() {
            std::fs::create_dir_all(&wine.prefix).unwrap();
            // The first program makes it. 'wineboot' by name would do so once more beside: services start twice, and fail.
            let made = wine.command("cmd").args(["/c", "exit"]).output().unwrap();
            assert!(made.status.success(), "{made:?}");
            std::fs::write(whole, "").unwrap();
        }
        Some(wine)
    }

    /// Drive C.
    pub fn drive(&self) -> PathBuf {
        self.prefix.join("drive_c")
    }

    /// A program of this Windows, to be run by itself.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(WINE);
        command.arg(program);
        command
            .env("WINEPREFIX", &self.prefix)
            .env("WINEDEBUG", "-all")
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=");
        // File names are UTF-8 to Wine where the locale is.
        command.env("LC_ALL", "C.UTF-8").env_remove("DISPLAY").env_remove("RUST_BACKTRACE");
        command
    }

    /// Runs interdict.
    pub fn interdict<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Run {
        Run::of(self.command(&self.exe).args(args))
    }

    /// How this Windows names a file of the machine: everything is below drive Z.
    pub fn path(path: &Path) -> String {
        format!("Z:{}", path.to_str().unwrap().replace('/', "\\"))
    }

    /// How this Windows names interdict.
    pub fn exe(&self) -> String {
        Self::path(&self.exe)
    }

    /// Runs interdict in a console; `args` as a shell of Unix takes them. What it shows is the command's output.
    pub fn on_terminal(&self, args: &str) -> Command {
        let mut command = Command::new("script");
        command.arg("-qec").arg(format!("stty cols 80 rows 30; {WINE} '{}' {args}", self.exe.display()));
        command
            .arg("/dev/null")
            .env("WINEPREFIX", &self.prefix)
            .env("WINEDEBUG", "-all")
            .env("LC_ALL", "C.UTF-8")
            .env_remove("NO_COLOR");
        command
    }
}
