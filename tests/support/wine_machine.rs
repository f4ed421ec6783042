//! A Windows of Wine with a drive and a registry of its own: keys are imported and programs installed by the tools of
//! that Windows, and its registry is written to hive files by tools of Debian, as a disk has them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::hive::HiveBuilder;
use super::windows::sz;
use super::wine::{Wine, exe};
use super::{Run, has, skip};

/// Debian keeps it outside of the path.
const SERVER: &str = "/usr/lib/wine/wineserver64";

/// A machine, gone with its drive when the test ends.
pub struct Machine {
    /// The Windows.
    pub wine: Wine,
    folder: tempfile::TempDir,
}

/// A package of Windows Installer.
#[derive(Clone, Copy)]
pub struct Package<'a> {
    /// Product code.
    pub code: &'a str,
    /// Upgrade code.
    pub line: &'a str,
    /// Name of the product, and of its folder.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Who made it.
    pub manufacturer: &'a str,
    /// `perMachine` or `perUser`.
    pub scope: &'a str,
    /// The folder of Windows Installer that its folder lies in.
    pub below: &'a str,
    /// Name of its one program.
    pub program: &'a str,
}

impl Machine {
    /// `None`, with the reason said, without the program or a tool.
    pub fn open() -> Option<Self> {
        let exe = exe()?;
        for tool in ["wixl", "hivexregedit"] {
            if !has(tool) {
                skip(&format!("no {tool}"));
                return None;
            }
        }
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let wine = Wine::at(exe, folder.path().join("prefix"))?;
        without_links(&wine.drive().join("users"));
        Some(Self { wine, folder })
    }

    /// A file on drive C. `users` and `windows` are written in small letters by Wine.
    pub fn at(&self, path: &str) -> PathBuf {
        self.wine.drive().join(path)
    }

    /// Writes a file of drive C and the folders on the way.
    pub fn file(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Runs a program of this Windows that must succeed.
    pub fn run<A: AsRef<OsStr>>(&self, program: &str, args: impl IntoIterator<Item = A>) {
        let run = Run::of(self.wine.command(program).args(args));
        assert_eq!(run.code, 0, "{program}: {run:?}");
    }

    /// Has this Windows import a file of keys.
    pub fn import(&self, text: &str) {
        let file = self.folder.path().join("import.reg");
        let units = [0xFEFF].into_iter().chain(text.encode_utf16());
        fs::write(&file, units.flat_map(u16::to_le_bytes).collect::<Vec<_>>()).unwrap();
        self.run("reg", ["import", &Wine::path(&file)]);
    }

    /// Builds a package and has this Windows install it; `program` is what it brings.
    pub fn install(&self, package: &Package<'_>, program: &[u8]) {
        let folder = self.folder.path().join(package.program);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(package.program), program).unwrap();
        fs::write(folder.join("package.wxs"), source(package)).unwrap();
        let args = ["-a", "x64", "-o", "package.msi", "package.wxs"];
        let built = Command::new("wixl").args(args).current_dir(&folder).output().unwrap();
        assert!(built.status.success(), "{built:?}");
        self.run("msiexec", ["/i", &Wine::path(&folder.join("package.msi")), "/qn"]);
    }

    /// Writes the registry to the files that a disk has, as a Windows that is shut down leaves them.
    pub fn write_hives(&self) {
        let config = self.at("windows/system32/config");
        fs::create_dir_all(&config).unwrap();
        self.write_hive(
            r"HKEY_LOCAL_MACHINE\Software",
            &|key| Some(key.to_owned()),
            &config.join("SOFTWARE"),
        );
        let system = |key: &str| Some(key.replacen(r"\CurrentControlSet", r"\ControlSet001", 1));
        self.write_hive(r"HKEY_LOCAL_MACHINE\System", &system, &config.join("SYSTEM"));
        let home = format!("users/{}", user());
        // A user's classes have a file of their own.
        let of_classes = |key: &str| below(key, r"\Software\Classes").map(str::to_owned);
        let others = |key: &str| below(key, r"\Software\Classes").is_none().then(|| key.to_owned());
        self.write_hive("HKEY_CURRENT_USER", &others, &self.at(&home).join("NTUSER.DAT"));
        let classes = self.at(&home).join("AppData/Local/Microsoft/Windows/UsrClass.dat");
        fs::create_dir_all(classes.parent().unwrap()).unwrap();
        self.write_hive("HKEY_CURRENT_USER", &of_classes, &classes);
    }

    /// Exports what is below a key and merges it into an empty hive; `name` says what a key is called there, if it is there.
    fn write_hive(&self, top: &str, name: &dyn Fn(&str) -> Option<String>, hive: &Path) {
        let exported = self.folder.path().join("export.reg");
        self.run("reg", ["export", top, &Wine::path(&exported), "/y"]);
        let bytes = fs::read(&exported).unwrap();
        let units: Vec<u16> =
            bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        let text = String::from_utf16(&units).unwrap();
        let mut out = renamed(text.trim_start_matches('\u{feff}'), top, name);
        if top.ends_with("System") {
            out.push_str("\n[\\Select]\n\"Current\"=dword:00000001\n");
        }
        let merged = self.folder.path().join("merge.reg");
        fs::write(&merged, out).unwrap();
        fs::write(hive, HiveBuilder::new().build()).unwrap();
        let run = Run::of(Command::new("hivexregedit").arg("--merge").arg(hive).arg(&merged));
        assert_eq!(run.code, 0, "{top}: {run:?}");
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Ends what runs in this prefix, and nothing else.
        let mut server = Command::new(SERVER);
        server.arg("--kill").env("WINEPREFIX", self.folder.path().join("prefix"));
        drop(server.status());
    }
}

/// Wine makes links of a user's folders, to the user's own outside of the drive: a disk has folders there.
fn without_links(folder: &Path) {
    for entry in walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap) {
        if entry.path_is_symlink() {
            fs::remove_file(entry.path()).unwrap();
            fs::create_dir(entry.path()).unwrap();
        }
    }
}

/// An exported text with the keys named as in a hive, for hivexregedit.
fn renamed(text: &str, top: &str, name: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::from("Windows Registry Editor Version 5.00\n");
    let mut wanted = false;
    for line in text.lines().skip(1) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(key) => {
                let key = name(below(key, top).unwrap());
                wanted = key.is_some();
                out.extend(key.map(|key| format!("\n[\\{}]\n", key.trim_start_matches('\\'))));
            }
            None if wanted => out += &(in_ascii(line) + "\n"),
            None => {}
        }
    }
    out
}

/// hivexregedit takes texts to be Latin-1: others are written as the bytes that they are.
fn in_ascii(line: &str) -> String {
    let text = line.split_once("=\"").and_then(|(name, text)| Some((name, text.strip_suffix('"')?)));
    match text.filter(|_| !line.is_ascii()) {
        Some((name, text)) => {
            let (_, bytes) = sz(&text.replace("\\\"", "\"").replace("\\\\", "\\"));
            format!("{name}={}", hex(1, &bytes))
        }
        None => line.to_owned(),
    }
}

/// A value of the registry as the text of an export has it.
pub fn hex(kind: u32, bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("hex({kind:x}):{}", bytes.join(","))
}

/// What follows a prefix of a key's name, in any letters' case.
fn below<'k>(key: &'k str, top: &str) -> Option<&'k str> {
    let (start, rest) = key.split_at_checked(top.len())?;
    (start.eq_ignore_ascii_case(top) && (rest.is_empty() || rest.starts_with('\\'))).then_some(rest)
}

/// Who the user is to Wine.
pub fn user() -> String {
    let out = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

fn source(package: &Package<'_>) -> String {
    let Package { code, line, name, version, manufacturer, scope, below, program } = package;
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
<Product Id="{code}" UpgradeCode="{line}" Name="{name}" Version="{version}" Language="1033" Manufacturer="{manufacturer}">
<Package InstallerVersion="200" Compressed="yes" InstallScope="{scope}"/>
<Media Id="1" Cabinet="files.cab" EmbedCab="yes"/>
<Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="{below}"><Directory Id="OWN" Name="{name}">
<Component Id="Program" Guid="*"><File Id="Program" Name="{program}" Source="{program}" KeyPath="yes"/></Component>
</Directory></Directory></Directory>
<Feature Id="All" Level="1"><ComponentRef Id="Program"/></Feature>
</Product>
</Wix>
"#
    )
}
