//! Links between items of different kinds. They gather evidence and copy no field; a wrong join is worse than none.
//!
//! Called by `gather`.

use std::collections::{BTreeMap, HashMap};

use crate::model::{HostPath, InventoryItem, ItemId, ItemKind, Link, LinkKind, PackageRef, State};

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
];

/// Whether a program runs other programs; version suffixes do not matter (`python3.11`, `php8.2`, `perl5.36.0`).
pub(super) fn is_launcher(path: &HostPath) -> bool {
    let name = path.file_name_text().to_lowercase();
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '_'));
    LAUNCHERS.contains(&name.as_str()) || LAUNCHERS.contains(&bare) || name.starts_with("ld-linux")
}

/// Packages by source and name: several where a database holds one name for several architectures.
type Packages = HashMap<(&'static str, String), Vec<(Option<String>, ItemId)>>;

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
            let known = packages.get(&(owner.source, owner.name.clone())).into_iter().flatten();
            let same = known.filter(|(arch, _)| owner.arch.is_none() || owner.arch == *arch);
            sighting.links.extend(same.map(|(_, to)| Link { kind: LinkKind::OwnedBy, to: *to }));
        }
    }
}

fn packages(items: &BTreeMap<ItemId, InventoryItem>) -> Packages {
    let mut packages = Packages::new();
    for (id, seen) in items.iter().filter(|(_, seen)| seen.item.kind == ItemKind::Package) {
        for sighting in seen.sightings.iter().filter(|sighting| sighting.state.counts()) {
            let of_name = packages.entry((sighting.source, seen.item.name.clone())).or_default();
            of_name.push((seen.item.arch.clone(), *id));
        }
    }
    packages
}

/// Links a running program to the service whose image it is. A launcher is no service's image.
pub(super) fn image_of(items: &mut BTreeMap<ItemId, InventoryItem>) {
    let mut services: HashMap<HostPath, Vec<ItemId>> = HashMap::new();
    for (id, seen) in items.iter().filter(|(_, seen)| seen.item.kind == ItemKind::Service) {
        for image in seen.sightings.iter().filter_map(|sighting| sighting.image.as_ref()) {
            let ids = services.entry(image.path.clone()).or_default();
            if !is_launcher(&image.path) && !ids.contains(id) {
                ids.push(*id);
            }
        }
    }
    let programs = items.values_mut().filter(|seen| seen.item.kind == ItemKind::Executable);
    for sighting in programs.flat_map(|seen| &mut seen.sightings) {
        let running = sighting.state == State::Running && sighting.scope == crate::model::Scope::Machine;
        let ids = sighting.image.as_ref().filter(|_| running).and_then(|image| services.get(&image.path));
        sighting.links.extend(ids.into_iter().flatten().map(|&to| Link { kind: LinkKind::ImageOf, to }));
    }
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
        for path in
            ["/opt/kaspersky/kesl/libexec/kesl", "/usr/bin/pythonista", "/usr/bin/ssh", "/usr/sbin/sshd"]
        {
            assert!(!is_launcher(&path.into()), "{path}");
        }
    }
}
