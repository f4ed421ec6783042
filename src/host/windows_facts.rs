//! What a Windows says of itself: version, names, folders, variables, users; all from its own registry.
//!
//! Called when a host is opened, for the running system and for a dead disk alike. Must not know the scanner's machine.

use crate::model::{Alias, Family, HostFacts, HostPath, Mode, Os, WindowsFacts};

use super::profiles::{HIVES, Profiles, profiles};
use super::registry::{Hive, Key, Registry};
use super::{Files, Kind, Miss, facts};

/// `SystemRoot` of a system in its usual place.
const USUAL: &[&str] = &["Windows", "WINNT"];
/// Where profiles lie, since Windows Vista and before it.
const PROFILES: &[&str] = &["Users", "Documents and Settings"];
/// The key of the version; its values are written by setup and by every update.
pub(super) const CURRENT: &str = r"Microsoft\Windows NT\CurrentVersion";
/// The first build of Windows 11, whose `ProductName` still says 10.
const WINDOWS_11: u64 = 22_000;

/// Whether the drive that is looked at holds a Windows, or the profiles of one: a disk for users alone.
pub(super) fn is_windows(files: &dyn Files) -> bool {
    folder(files).is_some() || holds_profiles(files)
}

fn holds_profiles(files: &dyn Files) -> bool {
    let Some(top) = top(files) else { return false };
    PROFILES.iter().map(|name| top.join(name)).any(|profiles| {
        let entries = files.list(&profiles).unwrap_or_default();
        let has_hive =
            |name: &[u8]| HIVES.iter().any(|hive| files.stat(&profiles.join(name).join(hive)).is_ok());
        entries.iter().any(|entry| has_hive(&entry.name))
    })
}

/// The first drive: of a disk the only one.
fn top(files: &dyn Files) -> Option<HostPath> {
    Some(HostPath::from("/").join(&files.list(&"/".into()).ok()?.first()?.name))
}

/// The folder of Windows on the system's drive: `/C:/Windows`.
pub(super) fn folder(files: &dyn Files) -> Option<HostPath> {
    let top = top(files)?;
    let holds = |folder: &HostPath, marks: &[&str]| {
        let is_there =
            |mark: &&str| !matches!(files.stat(&folder.join(mark)), Err(Miss::Absent | Miss::NotAFile(_)));
        marks.iter().any(is_there)
    };
    let is_there = |folder: &HostPath| {
        holds(folder, &["System32/config", "System32/ntdll.dll", "System32/ntoskrnl.exe"])
    };
    let usual = USUAL.iter().map(|name| top.join(name)).find(|folder| holds(folder, &["System32"]));
    let real = |folder: HostPath| files.resolve(&folder).unwrap_or(folder);
    usual.map(real).or_else(|| {
        let entries = files.list(&top).unwrap_or_default().into_iter();
        entries.filter(|entry| entry.kind == Kind::Folder).map(|entry| top.join(&entry.name)).find(is_there)
    })
}

/// All that a Windows says of itself. `root` is its folder.
pub(super) fn of(mode: Mode, files: &dyn Files, registry: &dyn Registry, root: HostPath) -> HostFacts {
    let mut windows = WindowsFacts::new(root);
    let current = registry.open(Hive::Software, CURRENT);
    let unread = current.as_ref().err().map(|miss| format!("its registry: {miss}"));
    let text = |hive, path: &str, name: &str| registry.open(hive, path).ok()?.value(name).ok()?.text();
    variables(&mut windows, registry);
    let Profiles { users, gaps, public } = profiles(files, registry, &windows);
    HostFacts {
        family: Family::Windows,
        os: Os { unread, ..current.map(|key| os(key.as_ref())).unwrap_or_default() },
        name: text(Hive::System, r"CurrentControlSet\Control\ComputerName\ComputerName", "ComputerName"),
        machine_id: text(Hive::Software, r"Microsoft\Cryptography", "MachineGuid"),
        mode,
        privileged: facts::is_privileged(),
        full_disk_access: None,
        users,
        user_gaps: gaps,
        aliases: aliases(&windows, public),
        other_volumes: Vec::new(),
        windows: Some(windows),
    }
}

fn os(current: &dyn Key) -> Os {
    let text = |name: &str| current.value(name).ok()?.text().filter(|text| !text.is_empty());
    let number = |name: &str| current.value(name).ok()?.number();
    let build = text("CurrentBuild").or_else(|| text("CurrentBuildNumber"));
    // From Windows 10 on the version stands in numbers of its own; `CurrentVersion` stays at 6.3 for ever.
    let version = match (number("CurrentMajorVersionNumber"), number("CurrentMinorVersionNumber")) {
        (Some(major), Some(minor)) => Some(format!("{major}.{minor}")),
        _ => text("CurrentVersion"),
    };
    let parts = version.into_iter().chain(build.clone()).chain(number("UBR").map(|n| n.to_string()));
    let version = parts.collect::<Vec<_>>().join(".");
    let is_server = text("InstallationType").is_some_and(|kind| kind.starts_with("Server"))
        || text("ProductName").is_some_and(|name| name.contains("Server"));
    let is_11 = !is_server
        && build.and_then(|build| build.parse().ok()).is_some_and(|build: u64| build >= WINDOWS_11);
    let name =
        text("ProductName").map(|name| if is_11 { name.replace("Windows 10", "Windows 11") } else { name });
    let release = text("DisplayVersion").or_else(|| text("ReleaseId")).or_else(|| text("CSDVersion"));
    Os {
        id: Some(if is_server { "windows-server" } else { "windows" }.to_owned()),
        id_like: if is_server { vec!["windows".to_owned()] } else { Vec::new() },
        name: name.map(|name| release.map_or_else(|| name.clone(), |release| format!("{name} {release}"))),
        version: (!version.is_empty()).then_some(version),
        unread: None,
    }
}

/// Variables and folders, the usual ones where the registry does not say.
fn variables(windows: &mut WindowsFacts, registry: &dyn Registry) {
    let root = windows.root.text().into_owned();
    let drive = root.get(..2).unwrap_or("C:").to_owned();
    for (name, value) in
        [("SystemRoot", &root), ("windir", &root), ("SystemDrive", &drive), ("HOMEDRIVE", &drive)]
    {
        windows.set(name, value.clone());
    }
    windows.set("ProgramFiles", format!(r"{drive}\Program Files"));
    windows.set("ProgramFiles(x86)", format!(r"{drive}\Program Files (x86)"));
    windows.set("ProgramData", format!(r"{drive}\ProgramData"));
    windows.set("Public", format!(r"{drive}\Users\Public"));
    let environment = registry.open(Hive::System, r"CurrentControlSet\Control\Session Manager\Environment");
    let values = environment.and_then(|key| key.values()).map(|(values, _)| values).unwrap_or_default();
    // A variable may be written with others; those above are known.
    let kept =
        values.into_iter().filter(|(name, _)| windows.variable(name, None).is_none()).collect::<Vec<_>>();
    for (name, value) in kept {
        let value = windows.expand(&value.text().unwrap_or_default(), None);
        windows.set(&name, value);
    }
    let text = |path: &str, name: &str| registry.open(Hive::Software, path).ok()?.value(name).ok()?.text();
    let version = r"Microsoft\Windows\CurrentVersion";
    let places = [
        (version, "ProgramFilesDir", "ProgramFiles"),
        (version, "ProgramFilesDir", "ProgramW6432"),
        (version, "ProgramFilesDir (x86)", "ProgramFiles(x86)"),
        (version, "CommonFilesDir", "CommonProgramFiles"),
        (version, "CommonFilesDir (x86)", "CommonProgramFiles(x86)"),
        (r"Microsoft\Windows NT\CurrentVersion\ProfileList", "ProgramData", "ProgramData"),
        (r"Microsoft\Windows NT\CurrentVersion\ProfileList", "Public", "Public"),
    ];
    for (key, value, variable) in places {
        if let Some(found) = text(key, value).map(|found| windows.expand(&found, None)) {
            windows.set(variable, found);
        }
    }
    let all_users = windows.variable("ProgramData", None);
    windows.set("AllUsersProfile", all_users.clone().unwrap_or_default());
    windows.program_data = all_users.and_then(|text| HostPath::of_windows(&text));
    let folders = ["ProgramFiles", "ProgramFiles(x86)"]
        .iter()
        .filter_map(|name| windows.path(&format!("%{name}%"), None));
    let mut folders: Vec<HostPath> = folders.collect();
    folders.dedup();
    windows.program_files = folders;
}

/// The folders that rules name (`docs/rules.md`).
fn aliases(windows: &WindowsFacts, public: Option<HostPath>) -> Vec<Alias> {
    let alias = |real: HostPath, name: &str| Alias { real, name: name.into() };
    let mut aliases: Vec<Alias> =
        windows.program_files.iter().map(|folder| alias(folder.clone(), "{program-files}")).collect();
    aliases.extend(windows.program_data.clone().map(|folder| alias(folder, "{program-data}")));
    aliases.extend(public.map(|folder| alias(folder, "{public}")));
    aliases.push(alias(windows.root.join("System32"), "{system}"));
    aliases.push(alias(windows.root.join("Temp"), "{temp}"));
    aliases.push(alias(windows.root.clone(), "{windows}"));
    aliases
}

#[cfg(test)]
mod tests {
    use crate::host::{FakeHost, FakeNode, FakeRegistry, Host as _};
    use crate::parse::registry_value::RegistryValue;

    #[test]
    fn a_windows_says_what_it_is() {
        let text = RegistryValue::sz;
        let registry = FakeRegistry::new()
            .key(
                r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion",
                &[
                    ("ProductName", text("Windows 10 Pro")),
                    ("DisplayVersion", text("23H2")),
                    ("CurrentBuild", text("22631")),
                    ("CurrentVersion", text("6.3")),
                    ("CurrentMajorVersionNumber", RegistryValue::dword(10)),
                    ("CurrentMinorVersionNumber", RegistryValue::dword(0)),
                    ("UBR", RegistryValue::dword(3155)),
                ],
            )
            .key(
                r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion",
                &[("ProgramFilesDir", text(r"D:\Programme"))],
            )
            .key(r"HKLM\SOFTWARE\Microsoft\Cryptography", &[("MachineGuid", text("6f1c"))])
            .key(
                r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName",
                &[("ComputerName", text("WS-042"))],
            )
            .key(
                r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment",
                &[
                    ("AcmeHome", RegistryValue::expand_sz(r"%SystemDrive%\Acme")),
                    ("SystemRoot", text(r"X:\lies")),
                ],
            );
        let host = FakeHost::windows([("/C:/Windows/System32/config/SOFTWARE", FakeNode::Folder)], registry);
        let facts = host.facts();
        assert_eq!(facts.os.name.as_deref(), Some("Windows 11 Pro 23H2"));
        assert_eq!(facts.os.version.as_deref(), Some("10.0.22631.3155"));
        assert_eq!((facts.name.as_deref(), facts.machine_id.as_deref()), (Some("WS-042"), Some("6f1c")));
        let windows = facts.windows.as_ref().unwrap();
        assert_eq!(windows.expand(r"%acmehome%\x", None), r"C:\Acme\x");
        assert_eq!(windows.expand("%SYSTEMROOT%", None), r"C:\Windows");
        assert_eq!(windows.program_files, ["/D:/Programme".into(), "/C:/Program Files (x86)".into()]);
        assert!(
            facts
                .aliases
                .iter()
                .any(|alias| alias.real == "/D:/Programme".into() && alias.name == "{program-files}".into())
        );
    }

    #[test]
    fn a_windows_whose_registry_cannot_be_read_says_so() {
        let registry = FakeRegistry::new().without(crate::host::Hive::Software);
        let host = FakeHost::windows([("/C:/Windows/System32/ntdll.dll", FakeNode::File(vec![]))], registry);
        assert!(host.facts().os.unread.is_some());
    }
}
