//! Roots of other systems inside this one: containers' layers, disks of virtual machines, snapshots of file systems. They
//! are systems of their own, to be scanned by `--root`; here they are named and not looked into, and the claim counts them.
//!
//! Those of WSL are another source's (`wsl`), for each has a name of its own in the registry. Asked by `sweep`, which does
//! not enter these folders.

use std::collections::BTreeSet;

use crate::host::{Host, Kind, Miss};
use crate::model::{Family, GapReason, HostPath, ScopeKind, User, Wanted};
use crate::sources::{About, Haul, Outcome, Source};

/// The source `foreign-roots`.
pub struct ForeignRoots;

/// Folders of which more than this many files are looked at for disks hold something else.
const ENTRIES: usize = 10_000;

/// A place that may hold roots of other systems.
struct Store {
    family: Family,
    /// Below the root, a drive, or a home.
    path: &'static str,
    what: &'static str,
}

const fn store(family: Family, path: &'static str, what: &'static str) -> Store {
    Store { family, path, what }
}

const CONTAINERS: &str = "containers and their images";
const MACHINES: &str = "virtual machines";
const SNAPSHOTS: &str = "snapshots of file systems";

/// Of the machine. Docker's storage drivers, containers-storage.conf(5), containerd's `root` and `state`, LXC and LXD,
/// machinectl(1), k3s and `MicroK8s`; snapper(8) and Timeshift; restore points of Windows.
const OF_THE_MACHINE: &[Store] = &[
    store(Family::Linux, "/var/lib/docker", CONTAINERS),
    store(Family::Linux, "/var/lib/containers", CONTAINERS),
    store(Family::Linux, "/var/lib/containerd", CONTAINERS),
    store(Family::Linux, "/run/containerd", CONTAINERS),
    store(Family::Linux, "/var/lib/lxc", CONTAINERS),
    store(Family::Linux, "/var/lib/lxd", CONTAINERS),
    store(Family::Linux, "/var/lib/incus", CONTAINERS),
    store(Family::Linux, "/var/snap/lxd/common/lxd", CONTAINERS),
    store(Family::Linux, "/var/snap/docker/common/var-lib-docker", CONTAINERS),
    store(Family::Linux, "/var/snap/microk8s/common/var/lib/containerd", CONTAINERS),
    store(Family::Linux, "/var/lib/rancher/k3s/agent/containerd", CONTAINERS),
    store(Family::Linux, "/var/lib/machines", CONTAINERS),
    store(Family::Linux, "/.snapshots", SNAPSHOTS),
    store(Family::Linux, "/home/.snapshots", SNAPSHOTS),
    store(Family::Linux, "/timeshift", SNAPSHOTS),
    store(Family::Windows, "ProgramData/docker", CONTAINERS),
    store(Family::Windows, "ProgramData/containerd", CONTAINERS),
    store(Family::Windows, "System Volume Information", SNAPSHOTS),
];

/// Of a user.
const OF_USERS: &[Store] = &[
    store(Family::Linux, ".local/share/containers", CONTAINERS),
    store(Family::Linux, ".local/share/docker", CONTAINERS),
    store(Family::Macos, ".local/share/containers", CONTAINERS),
    store(Family::Macos, "Library/Containers/com.docker.docker/Data/vms", CONTAINERS),
    store(Family::Macos, ".colima", CONTAINERS),
    store(Family::Macos, ".lima", MACHINES),
];

/// Folders in which disks of virtual machines usually lie, of the machine and of a user, and how deep below them.
const DISKS: &[(Family, &str, usize)] = &[
    (Family::Linux, "/var/lib/libvirt/images", 2),
    (Family::Windows, "ProgramData/Microsoft/Windows/Virtual Hard Disks", 2),
    (Family::Windows, "Users/Public/Documents/Hyper-V/Virtual hard disks", 2),
];
const DISKS_OF_USERS: &[(Family, &str, usize)] = &[
    (Family::Linux, "VirtualBox VMs", 2),
    (Family::Linux, "vmware", 2),
    (Family::Linux, ".local/share/libvirt/images", 2),
    (Family::Linux, ".local/share/gnome-boxes/images", 2),
    (Family::Windows, "VirtualBox VMs", 2),
    (Family::Windows, "Documents/Virtual Machines", 2),
    (Family::Macos, "VirtualBox VMs", 2),
    (Family::Macos, "Parallels", 2),
    (Family::Macos, "Virtual Machines.localized", 2),
    (Family::Macos, "Documents/Virtual Machines.localized", 2),
    (Family::Macos, "Library/Containers/com.utmapp.UTM/Data/Documents", 2),
];
/// Endings of such disks, and of folders that are one machine.
const ENDINGS: &[&str] = &["qcow2", "vmdk", "vhdx", "vhd", "vdi", "utm", "pvm", "vmwarevm", "raw", "img"];

static ABOUT: About = About {
    name: "foreign-roots",
    summary: "containers, virtual machines and snapshots inside this system, named and not looked into",
    families: &[Family::Linux, Family::Windows, Family::Macos],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[],
    fields: &[],
    ..About::USUAL
};

impl Source for ForeignRoots {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        for (path, what) in stores(host, want) {
            if holds_something(host, &path) {
                haul.count_record();
                haul.minor(GapReason::NotLookedInto, &path, what);
            }
        }
        for (folder, depth) in disk_folders(host, want) {
            disks(host, &folder, depth, haul);
        }
        Outcome::Read
    }
}

/// Every folder on this host that may hold roots of other systems, as it is spelled there.
pub(in crate::sources) fn folders(host: &dyn Host) -> BTreeSet<HostPath> {
    let all = stores(host, &Wanted::default());
    all.into_iter().filter_map(|(path, _)| host.files().resolve(&path).ok()).collect()
}

fn stores(host: &dyn Host, want: &Wanted) -> Vec<(HostPath, &'static str)> {
    let family = host.facts().family;
    let mut stores = Vec::new();
    if want.scope.includes(ScopeKind::Machine) {
        for store in OF_THE_MACHINE.iter().filter(|store| store.family == family) {
            stores.extend(of_machine(host, store.path).into_iter().map(|path| (path, store.what)));
        }
    }
    for user in users(host, want) {
        let own = OF_USERS.iter().filter(|store| store.family == family);
        stores.extend(own.map(|store| (user.home.join(store.path), store.what)));
    }
    stores
}

/// A place of the machine; of a Windows on each of its drives.
fn of_machine(host: &dyn Host, path: &str) -> Vec<HostPath> {
    if host.facts().family != Family::Windows {
        return vec![HostPath::from(path)];
    }
    let root = HostPath::from("/");
    let drives = host.files().list(&root).unwrap_or_default();
    drives.iter().map(|drive| root.join(&drive.name).join(path)).collect()
}

/// What hides users is told by the sources that look for software in their profiles.
fn users<'h>(host: &'h dyn Host, want: &Wanted) -> impl Iterator<Item = &'h User> {
    let asked = want.scope.includes(ScopeKind::User);
    host.facts().users.iter().filter(move |user| asked && user.readable)
}

/// Folders in which disks of virtual machines are looked for, and how deep.
pub(in crate::sources) fn disk_folders(host: &dyn Host, want: &Wanted) -> Vec<(HostPath, usize)> {
    let family = host.facts().family;
    let mut folders = Vec::new();
    if want.scope.includes(ScopeKind::Machine) {
        for (_, path, depth) in DISKS.iter().filter(|(of, ..)| *of == family) {
            folders.extend(of_machine(host, path).into_iter().map(|path| (path, *depth)));
        }
    }
    for user in users(host, want) {
        let own = DISKS_OF_USERS.iter().filter(|(of, ..)| *of == family);
        folders.extend(own.map(|(_, path, depth)| (user.home.join(path), *depth)));
    }
    folders
}

/// Whether there is a folder that is not empty. One that may not be listed may hold something.
fn holds_something(host: &dyn Host, folder: &HostPath) -> bool {
    match host.files().list(folder) {
        Ok(entries) => !entries.is_empty(),
        Err(Miss::Absent | Miss::NotAFile(_) | Miss::NotMounted) => false,
        Err(_) => true,
    }
}

/// Names the disks in a folder, by their endings: their contents are not read. A folder that may not be listed may hold some.
fn disks(host: &dyn Host, folder: &HostPath, depth: usize, haul: &mut Haul) {
    let entries = match host.files().list(folder) {
        Ok(entries) => entries,
        Err(Miss::Absent | Miss::NotAFile(_) | Miss::NotMounted) => return,
        Err(_) => return haul.minor(GapReason::NotLookedInto, folder, MACHINES),
    };
    for entry in entries.iter().take(ENTRIES) {
        let path = folder.join(&entry.name);
        if has_ending(&entry.name) {
            haul.count_record();
            haul.minor(GapReason::NotLookedInto, &path, MACHINES);
        } else if entry.kind == Kind::Folder && depth > 1 && haul.time_left() {
            disks(host, &path, depth - 1, haul);
        }
    }
}

fn has_ending(name: &[u8]) -> bool {
    let ending = name.rsplit(|byte| *byte == b'.').next().filter(|ending| ending.len() < name.len());
    ending.is_some_and(|ending| ENDINGS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(ending)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry};
    use crate::model::ScopeAsk;
    use crate::sources::testing::{collect, collect_for};

    fn file() -> FakeNode {
        FakeNode::File(b"x".to_vec())
    }

    fn told(haul: &Haul) -> (u64, Vec<String>) {
        let gaps: Vec<_> = haul.gap_list().collect();
        assert!(gaps.iter().all(|gap| gap.reason == GapReason::NotLookedInto && !gap.blocking), "{gaps:?}");
        let places = gaps.iter().flat_map(|gap| &gap.places).map(|place| place.text().into_owned());
        (gaps.iter().map(|gap| gap.count).sum(), places.collect())
    }

    fn linux() -> FakeHost {
        FakeHost::new([
            ("/etc/passwd", FakeNode::File(b"ann:x:1:1::/home/ann:/bin/sh\n".to_vec())),
            ("/var/lib/docker/overlay2/1/diff/bin/kesl", file()),
            ("/var/lib/containerd", FakeNode::Folder),
            ("/home/ann/.local/share/containers/storage/overlay/1/diff/x", file()),
            ("/home/ann/VirtualBox VMs/Windows 11/disk.vdi", file()),
            ("/home/ann/VirtualBox VMs/Windows 11/Logs/VBox.log", file()),
            ("/var/lib/libvirt/images", FakeNode::Broken(Miss::Denied)),
        ])
    }

    #[test]
    fn containers_and_machines_are_named_and_nothing_else() {
        let (haul, outcome) = collect(&ForeignRoots, &linux());
        assert_eq!((outcome, haul.traces().len()), (Outcome::Read, 0));
        let expected = [
            "/var/lib/docker",
            "/home/ann/.local/share/containers",
            "/var/lib/libvirt/images",
            "/home/ann/VirtualBox VMs/Windows 11/disk.vdi",
        ];
        assert_eq!(told(&haul), (4, expected.map(str::to_owned).to_vec()));
        let system = Wanted { scope: ScopeAsk::System, ..Wanted::default() };
        assert_eq!(told(&collect_for(&ForeignRoots, &linux(), &system).0).0, 2);
        assert_eq!(told(&collect(&ForeignRoots, &FakeHost::new([])).0).0, 0);
    }

    #[test]
    fn of_windows_and_macos() {
        let host = FakeHost::windows(
            [
                ("/C:/System Volume Information", FakeNode::Broken(Miss::Denied)),
                ("/D:/Users/Public/Documents/Hyper-V/Virtual Hard Disks/a.VHDX", file()),
                ("/D:/Data/b.vhdx", file()),
            ],
            FakeRegistry::new(),
        );
        let expected =
            [r"C:\System Volume Information", r"D:\Users\Public\Documents\Hyper-V\Virtual hard disks\a.VHDX"];
        assert_eq!(told(&collect(&ForeignRoots, &host).0), (2, expected.map(str::to_owned).to_vec()));
        let host = FakeHost::macos([
            ("/Users/ann/Parallels/Windows 11.pvm/harddisk.hdd", file()),
            ("/Users/ann/.lima/default/disk", file()),
        ]);
        let users = host.facts().users.len() as u64;
        assert_eq!(told(&collect(&ForeignRoots, &host).0).0, 2 * users);
    }
}
