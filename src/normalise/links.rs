//! Links between items of different kinds. They gather evidence and copy no field; a wrong join is worse than none.
//!
//! Called by `gather`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::model::{HostPath, InventoryItem, ItemId, ItemKind, Link, LinkKind, PackageRef, Scope, State};

/// Programs that run other programs: what they run is not theirs, and they are not its image.
const LAUNCHERS: &[&str] = &[
    "sh",
    "bash",
    "dash",
    "zsh",
    "ksh",
    "mksh",
    "fish",
    "csh",
    "tcsh",
    "busybox",
    "toybox",
    "env",
    "sudo",
    "doas",
    "su",
    "runuser",
    "setpriv",
    "nice",
    "ionice",
    "chrt",
    "taskset",
    "nohup",
    "timeout",
    "flock",
    "stdbuf",
    "systemd",
    "init",
    "systemd-run",
    "python",
    "pypy",
    "perl",
    "ruby",
    "node",
    "nodejs",
    "deno",
    "bun",
    "php",
    "php-fpm",
    "lua",
    "luajit",
    "tclsh",
    "wish",
    "java",
    "javaw",
    "mono",
    "dotnet",
    "wine",
    "wine64",
    "qemu",
    "guile",
    "erl",
    "beam.smp",
    "rscript",
    "screen",
    "tmux",
    "xargs",
    "start-stop-daemon",
    "daemon",
    "supervisord",
    "tini",
    "dumb-init",
    "crun",
    "runc",
    "containerd-shim",
    "containerd-shim-runc-v2",
    "conmon",
    "snap",
    "snap-confine",
    "flatpak",
    "bwrap",
    "ld.so",
    // Windows: hosts of services, libraries, scripts and tasks, and wrappers that make a service of any program.
    "svchost",
    "rundll32",
    "regsvr32",
    "regsvcs",
    "regasm",
    "installutil",
    "dllhost",
    "conhost",
    "cmd",
    "command.com",
    "powershell",
    "powershell_ise",
    "pwsh",
    "wscript",
    "cscript",
    "mshta",
    "msiexec",
    "msbuild",
    "taskeng",
    "taskhost",
    "taskhostex",
    "taskhostw",
    "sihost",
    "explorer",
    "userinit",
    "winlogon",
    "services",
    "wmiprvse",
    "wsmprovhost",
    "wudfhost",
    "runtimebroker",
    "backgroundtaskhost",
    "applicationframehost",
    "forfiles",
    "hh",
    "mmc",
    "control",
    "odbcconf",
    "wsl",
    "wslhost",
    "javaws",
    "pythonw",
    "py",
    "pyw",
    "wperl",
    "rubyw",
    "php-win",
    "php-cgi",
    "electron",
    "nssm",
    "srvany",
    "srvany-ng",
];

/// Whether a program runs other programs; version suffixes do not matter (`python3.11`, `php8.2`, `perl5.36.0`).
pub(super) fn is_launcher(path: &HostPath) -> bool {
    let file = path.file_name_text().to_lowercase();
    let name = file.strip_suffix(".exe").unwrap_or(&file);
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '_'));
    LAUNCHERS.contains(&name) || LAUNCHERS.contains(&bare) || name.starts_with("ld-linux")
}

/// Packages by source and name: several where a database holds one name for several architectures.
type Packages = HashMap<(Cow<'static, str>, String), Vec<(Option<String>, ItemId)>>;

/// Links sightings to the packages whose databases list their files.
pub(super) fn owned_by(
    items: &mut BTreeMap<ItemId, InventoryItem>,
    owned: &[(ItemId, usize, HostPath)],
    owner_of: &dyn Fn(&HostPath) -> Vec<PackageRef>,
) {
    let packages = packages(items);
    for (id, at, path) in owned {
        let Some(sighting) = items.get_mut(id).and_then(|item| item.sightings.get_mut(*at)) else { continue };
        for owner in owner_of(path) {
            let known = packages.get(&(owner.source.into(), owner.name.clone())).into_iter().flatten();
            let same = known.filter(|(arch, _)| owner.arch.is_none() || owner.arch == *arch);
            sighting.links.extend(same.map(|(_, to)| Link { kind: LinkKind::OwnedBy, to: *to }));
        }
    }
}

fn packages(items: &BTreeMap<ItemId, InventoryItem>) -> Packages {
    let mut packages = Packages::new();
    for (id, seen) in items.iter().filter(|(_, seen)| seen.item.kind == ItemKind::Package) {
        for sighting in seen.sightings.iter().filter(|sighting| sighting.state.counts()) {
            let of_name = packages.entry((sighting.source.clone(), seen.item.name.clone())).or_default();
            of_name.push((seen.item.arch.clone(), *id));
        }
    }
    packages
}

/// What two names of one file have in common: Windows finds it in any letters' case.
fn same_file(path: &HostPath) -> HostPath {
    match path.drive() {
        Some(_) => HostPath::new(path.text().to_lowercase()),
        None => path.clone(),
    }
}

/// Links a running program to the service whose image it is. A launcher is no service's image.
pub(super) fn image_of(items: &mut BTreeMap<ItemId, InventoryItem>) {
    let mut services: HashMap<HostPath, Vec<ItemId>> = HashMap::new();
    for (id, seen) in items.iter().filter(|(_, seen)| seen.item.kind == ItemKind::Service) {
        for image in seen.sightings.iter().filter_map(|sighting| sighting.image.as_ref()) {
            let ids = services.entry(same_file(&image.path)).or_default();
            if !is_launcher(&image.path) && !ids.contains(id) {
                ids.push(*id);
            }
        }
    }
    let programs = items.values_mut().filter(|seen| seen.item.kind == ItemKind::Executable);
    for sighting in programs.flat_map(|seen| &mut seen.sightings) {
        let running = sighting.state == State::Running && sighting.scope == Scope::Machine;
        let image = sighting.image.as_ref().filter(|_| running);
        let ids = image.and_then(|image| services.get(&same_file(&image.path)));
        sighting.links.extend(ids.into_iter().flatten().map(|&to| Link { kind: LinkKind::ImageOf, to }));
    }
}

/// Links what lies in an application bundle of macOS to the application: its helpers and extensions, what runs from it, and
/// the services that do. Plain files in it are many, and say no more than the bundle.
pub(super) fn part_of(items: &mut BTreeMap<ItemId, InventoryItem>) {
    let mut bundles: HashMap<HostPath, ItemId> = HashMap::new();
    for (id, seen) in items.iter().filter(|(_, seen)| seen.item.kind == ItemKind::Application) {
        let places = seen.sightings.iter().map(|sighting| &sighting.place.path);
        bundles.extend(places.filter(|path| is_bundle(path)).map(|path| (path.clone(), *id)));
    }
    if bundles.is_empty() {
        return;
    }
    for (own, seen) in items.iter_mut() {
        let kind = seen.item.kind;
        for sighting in &mut seen.sightings {
            let image = sighting.image.as_ref().map(|image| &image.path);
            let inner = match kind {
                ItemKind::Application | ItemKind::Extension => Some(&sighting.place.path),
                ItemKind::Executable => image.filter(|_| sighting.state == State::Running),
                ItemKind::Service | ItemKind::Autostart => image.filter(|image| !is_launcher(image)),
                _ => None,
            };
            let Some(inner) = inner.filter(|_| !matches!(sighting.scope, Scope::Container(_))) else {
                continue;
            };
            // Of a bundle in a bundle both: evidence goes one step.
            let outer: Vec<ItemId> = std::iter::successors(inner.parent(), HostPath::parent)
                .filter(is_bundle)
                .filter_map(|folder| bundles.get(&folder).copied().filter(|id| id != own))
                .collect();
            sighting.links.extend(outer.into_iter().map(|to| Link { kind: LinkKind::PartOf, to }));
        }
    }
}

/// Whether a path is called as application bundles are.
fn is_bundle(path: &HostPath) -> bool {
    let name = path.file_name();
    name.len() > 4 && name.get(name.len() - 4..).is_some_and(|end| end.eq_ignore_ascii_case(b".app"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launchers_are_known_by_name_whatever_their_version() {
        for path in
            ["/usr/bin/python3.11", "/usr/bin/perl5.36.0", "/bin/sh", "/usr/sbin/php-fpm8.2", "/opt/x/node"]
        {
            assert!(is_launcher(&path.into()), "{path}");
        }
        for path in [
            "/C:/Windows/System32/SVCHOST.EXE",
            "/C:/Windows/SysWOW64/rundll32.exe",
            "/C:/Python311/python3.11.exe",
            "/C:/Python27/pythonw.exe",
        ] {
            assert!(is_launcher(&path.into()), "{path}");
        }
        for path in [
            "/opt/kaspersky/kesl/libexec/kesl",
            "/usr/bin/pythonista",
            "/usr/bin/ssh",
            "/usr/sbin/sshd",
            "/C:/Program Files (x86)/Kaspersky Lab/KES.21.3/avp.exe",
            "/C:/x/svchost.exe.exe",
        ] {
            assert!(!is_launcher(&path.into()), "{path}");
        }
    }

    #[test]
    fn one_file_of_windows_has_many_spellings() {
        let same = |a: &str, b: &str| same_file(&a.into()) == same_file(&b.into());
        assert!(same("/C:/Program Files/Лаб/AVP.exe", "/c:/program files/лаб/avp.EXE"));
        assert!(!same("/C:/a", "/D:/a"));
        assert!(!same("/opt/A", "/opt/a"));
    }
}
