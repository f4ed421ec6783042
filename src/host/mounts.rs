//! Which mount points of the scanner's machine are not entered, and which hide what lies below them.
//!
//! Called by the root host with `/proc/self/mountinfo`. Must not touch the mounts themselves: asking a dead
//! NFS server what it holds blocks for ever.

use crate::model::HostPath;
use crate::parse::{fstab, mountinfo};

use super::Miss;

/// File systems whose files come from another machine or from a program, or appear by being asked for.
const REMOTE: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "ncpfs",
    "afs",
    "autofs",
    "ceph",
    "glusterfs",
    "lustre",
    "gpfs",
    "9p",
    "virtiofs",
    "orangefs",
    "ocfs2",
    "gfs2",
    "davfs",
    "fuse",
    // Those of macOS that are not named above; its own name for file systems that programs make is `macfuse`.
    "afpfs",
    "webdav",
    "ftp",
    "macfuse",
    "osxfuse",
];

/// File systems that the kernel makes up: they store nothing.
const MADE_UP: &[&str] = &[
    "proc",
    "sysfs",
    "cgroup",
    "cgroup2",
    "debugfs",
    "tracefs",
    "securityfs",
    "pstore",
    "bpf",
    "configfs",
    "fusectl",
    "mqueue",
    "hugetlbfs",
    "binfmt_misc",
    "efivarfs",
    "rpc_pipefs",
    "nfsd",
    "selinuxfs",
    "nsfs",
    "resctrl",
];

/// Places where a mount of one file system over another hides software.
const HIDING: &[&str] =
    &["/home", "/root", "/opt", "/usr", "/usr/local", "/var", "/var/lib", "/etc", "/lib", "/snap"];

/// Mount points below the root that are refused, by path of the host.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    refused: Vec<(HostPath, Miss)>,
    /// Every mount point below the root.
    points: Vec<HostPath>,
    /// Those of them that store nothing.
    made_up: Vec<HostPath>,
}

impl Mounts {
    /// Reads a mount table; `root` is the folder being scanned, as a path of the scanner's machine.
    pub(super) fn new(table: &[u8], root: &HostPath) -> Self {
        let mut mounts = Self::default();
        mounts.add(table, root, &HostPath::from("/"));
        mounts
    }

    /// What a running macOS lists: each mount point, the type of its file system, and whether that is local.
    #[cfg(any(target_os = "macos", test))]
    pub(super) fn listed(mounted: impl IntoIterator<Item = (HostPath, String, bool)>) -> Self {
        let mut mounts = Self::default();
        for (point, kind, is_local) in mounted {
            if point.as_bytes() == b"/" {
                continue;
            }
            mounts.points.push(point.clone());
            if !is_local || is_remote(&kind) {
                mounts.refused.push((point, Miss::Remote(kind)));
            }
        }
        mounts
    }

    /// Adds what is mounted below one folder of the scanner's machine, which is `top` to the host.
    pub(super) fn add(&mut self, table: &[u8], root: &HostPath, top: &HostPath) {
        let mounts = mountinfo::mountinfo(table).records;
        for (at, mount) in mounts.iter().enumerate() {
            let point = HostPath::new(&*mount.mount_point);
            let Some(inside) = below(&point, root) else { continue };
            let inside = if top.as_bytes() == b"/" { inside } else { top.join(inside.as_bytes()) };
            self.points.push(inside.clone());
            let kind = String::from_utf8_lossy(mount.fs_type).into_owned();
            if MADE_UP.contains(&kind.as_str()) {
                self.made_up.push(inside.clone());
            }
            let earlier = mounts.iter().take(at);
            let mut under = earlier.filter(|under| under.mount_point == mount.mount_point);
            if is_remote(&kind) {
                self.refused.push((inside, Miss::Remote(kind)));
            } else if hides(mount, &inside)
                || (is_hiding_place(&inside) && under.any(|under| covers(mount, under)))
            {
                self.refused.push((inside, Miss::Overmounted));
            }
        }
    }

    /// The folders that the system's own `/etc/fstab` mounts something on, where nothing is mounted and nothing lies:
    /// `/home` of a disk whose second partition was not mounted is not empty, it was not seen.
    pub(super) fn unmounted(&self, fstab: &[u8], is_empty: impl Fn(&HostPath) -> bool) -> Vec<HostPath> {
        let expected = fstab::fstab(fstab).records.into_iter().filter(fstab::Entry::is_expected);
        let points = expected.map(|entry| HostPath::new(&*entry.mount_point));
        points.filter(|point| !self.points.contains(point) && is_empty(point)).collect()
    }

    /// Refuses these folders and what is below them, for these reasons.
    pub(super) fn refuse(&mut self, folders: impl IntoIterator<Item = (HostPath, Miss)>) {
        self.refused.extend(folders);
    }

    /// Refuses a mount point no longer: it is a part of the tree that is scanned.
    pub(super) fn admit(&mut self, point: &HostPath) {
        self.refused.retain(|(known, _)| known != point);
    }

    /// Calls every mount point by the name that the host has for it.
    pub(super) fn rename(&mut self, name: impl Fn(HostPath) -> HostPath) {
        let points = self.refused.iter_mut().map(|(point, _)| point).chain(&mut self.points);
        points.for_each(|point| *point = name(std::mem::take(point)));
    }

    /// Whether a file system begins there that stores nothing.
    pub(super) fn is_made_up(&self, path: &HostPath) -> bool {
        self.made_up.contains(path)
    }

    /// Why a path is not entered, if it is not.
    pub(super) fn refusal(&self, path: &HostPath) -> Option<&Miss> {
        self.refused.iter().find(|(point, _)| path.is_within(point)).map(|(_, miss)| miss)
    }
}

/// The mount point as a path of the host; none for the root itself (who scans an image over FUSE asked for it)
/// and for what lies elsewhere.
fn below(point: &HostPath, root: &HostPath) -> Option<HostPath> {
    if point == root || !point.is_within(root) {
        return None;
    }
    let root = root.as_bytes().strip_suffix(b"/").unwrap_or(root.as_bytes());
    point.as_bytes().strip_prefix(root).map(HostPath::new)
}

fn is_remote(kind: &str) -> bool {
    REMOTE.contains(&kind) || kind.starts_with("fuse.")
}

fn is_hiding_place(path: &HostPath) -> bool {
    HIDING.iter().any(|place| *path == HostPath::from(*place))
}

/// `ProtectHome=` and `InaccessiblePaths=` of systemd.exec(5) put an empty folder, or an empty read-only tmpfs, in
/// place of the real one: it reads as empty, and is not.
fn hides(mount: &mountinfo::Mount<'_>, inside: &HostPath) -> bool {
    let inaccessible = mount.root.windows(22).any(|part| part == b"/systemd/inaccessible/");
    inaccessible || (mount.fs_type == b"tmpfs" && mount.has_option("ro") && is_hiding_place(inside))
}

/// Two different file systems on one mount point; an autofs trigger below its own mount is no cover.
fn covers(mount: &mountinfo::Mount<'_>, under: &mountinfo::Mount<'_>) -> bool {
    under.fs_type != b"autofs" && (under.source != mount.source || under.fs_type != mount.fs_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(table: &str, root: &str, path: &str) -> Option<Miss> {
        Mounts::new(table.as_bytes(), &root.into()).refusal(&path.into()).cloned()
    }

    const NFS: &str = "27 1 254:0 / / rw - ext4 /dev/vda rw\n30 27 0:40 / /home rw - nfs4 srv:/home rw\n";

    #[test]
    fn network_mounts_are_refused_by_path() {
        assert_eq!(refused(NFS, "/", "/home/alice"), Some(Miss::Remote("nfs4".into())));
        assert_eq!(refused(NFS, "/", "/homeless"), None);
        assert_eq!(refused("30 1 0:40 / /mnt/image rw - fuse.guestmount x rw\n", "/mnt/image", "/etc"), None);
        let below = "30 1 0:40 / /mnt/image/srv rw - fuse.sshfs x rw\n";
        assert_eq!(refused(below, "/mnt/image", "/srv/x"), Some(Miss::Remote("fuse.sshfs".into())));
    }

    #[test]
    fn what_a_macos_lists_is_refused_where_it_is_not_local() {
        let mounts = Mounts::listed([
            ("/".into(), "apfs".into(), true),
            ("/System/Volumes/Data".into(), "apfs".into(), true),
            ("/System/Volumes/Data/home".into(), "autofs".into(), false),
            ("/Volumes/share".into(), "smbfs".into(), false),
            ("/Volumes/dav".into(), "webdav".into(), true),
        ]);
        let refusal = |path: &str| mounts.refusal(&path.into()).cloned();
        assert_eq!(refusal("/Applications"), None);
        assert_eq!(refusal("/System/Volumes/Data/x"), None);
        assert_eq!(refusal("/System/Volumes/Data/home/x"), Some(Miss::Remote("autofs".into())));
        assert_eq!(refusal("/Volumes/share/x"), Some(Miss::Remote("smbfs".into())));
        assert_eq!(refusal("/Volumes/dav"), Some(Miss::Remote("webdav".into())));
    }

    #[test]
    fn what_the_kernel_makes_up_is_known() {
        let proc =
            "26 1 0:22 / /mnt/x/proc rw - proc proc rw\n27 1 8:2 / /mnt/x/home rw - ext4 /dev/sda2 rw\n";
        let mounts = Mounts::new(proc.as_bytes(), &"/mnt/x".into());
        assert!(mounts.is_made_up(&"/proc".into()));
        assert!(!mounts.is_made_up(&"/home".into()) && !mounts.is_made_up(&"/proc/self".into()));
    }

    #[test]
    fn what_systemd_hides_is_not_empty() {
        let protected = "30 27 0:24 /systemd/inaccessible/dir /home ro - tmpfs tmpfs rw\n";
        assert_eq!(refused(protected, "/", "/home/alice"), Some(Miss::Overmounted));
        let tmpfs = "30 27 0:50 / /root ro,nosuid - tmpfs tmpfs ro,size=4k\n";
        assert_eq!(refused(tmpfs, "/", "/root/.config"), Some(Miss::Overmounted));
        let own = "30 27 0:50 / /home rw - tmpfs tmpfs rw\n";
        assert_eq!(refused(own, "/", "/home/alice"), None, "a tmpfs home is that host's home");
    }

    #[test]
    fn a_file_system_that_is_not_mounted_is_not_empty() {
        let home = "30 27 8:2 / /mnt/disk/home rw - ext4 /dev/sda2 rw\n";
        let mut mounts = Mounts::new(home.as_bytes(), &"/mnt/disk".into());
        let unmounted = mounts
            .unmounted(b"a /home ext4\nb /opt ext4\nc /srv ext4 noauto\nd /var ext4\n", |point| {
                *point != "/var".into()
            });
        mounts.refuse(unmounted.into_iter().map(|point| (point, Miss::NotMounted)));
        assert_eq!(mounts.refusal(&"/home/alice".into()), None, "mounted, and may be empty");
        assert_eq!(mounts.refusal(&"/opt".into()), Some(&Miss::NotMounted));
        assert_eq!(mounts.refusal(&"/srv".into()), None);
        assert_eq!(mounts.refusal(&"/var/lib".into()), None, "something lies there");
    }

    #[test]
    fn a_stacked_mount_hides_the_lower_one() {
        let stacked = "30 27 8:1 / /opt rw - ext4 /dev/sda1 rw\n31 30 8:2 / /opt rw - xfs /dev/sdb1 rw\n";
        assert_eq!(refused(stacked, "/", "/opt/x"), Some(Miss::Overmounted));
    }
}
