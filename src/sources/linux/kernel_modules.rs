//! Kernel modules: those that are loaded, and those on disk in the folders of vendors and administrators.
//!
//! The kernel's own thousands below `/lib/modules/*/kernel` are not walked: they come with a package.

use crate::host::{Files, Host, Kind, Miss, WalkNext, Walked};
use crate::model::{
    Family, Field, GapReason, HostPath, Image, ItemKind, Mode, Need, Place, State, Trace, Wanted,
};
use crate::parse::modules;
use crate::sources::{About, Haul, Outcome, Source};

/// The source `kernel-modules`.
pub struct KernelModules;

const LOADED: &str = "/proc/modules";
const LOADED_LIMIT: u64 = 16 << 20;
const FOLDER: &str = "/lib/modules";
/// Where modules lie that did not come with the kernel (depmod.d(5), `weak-modules`, DKMS).
const FOREIGN: &[&str] = &["extra", "updates", "weak-updates", "misc", "kernel/extra"];
/// A module, as it is or compressed.
const SUFFIXES: &[&[u8]] = &[b".ko", b".ko.gz", b".ko.xz", b".ko.zst"];
/// Files looked at below one folder.
const BUDGET: u32 = 20_000;

static ABOUT: About = About {
    name: "kernel-modules",
    summary: "kernel modules that are loaded, and those on disk that did not come with the kernel",
    families: &[Family::Linux],
    needs: &[Need::Files, Need::Running],
    yields: &[(ItemKind::Driver, &[State::Running, State::Present, State::Remnant])],
    fields: &[Field::Name, Field::Path],
    ..About::USUAL
};

impl Source for KernelModules {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, _want: &Wanted, haul: &mut Haul) -> Outcome {
        if host.facts().mode == Mode::Live {
            loaded(host, haul);
        }
        let root = HostPath::from(FOLDER);
        let Some(releases) = haul.optional(&root, host.files().list(&root)) else { return Outcome::Read };
        for release in releases.iter().filter(|entry| entry.kind != Kind::File) {
            for foreign in FOREIGN {
                folder(host.files(), &root.join(&release.name).join(foreign), haul);
            }
        }
        Outcome::Read
    }
}

/// Modules of the running kernel. A kernel built without modules has no list; nor has a host without `/proc`, and
/// that is a gap.
fn loaded(host: &dyn Host, haul: &mut Haul) {
    let place = HostPath::from(LOADED);
    let read = host.files().read(&place, LOADED_LIMIT);
    if read.as_ref().is_err_and(|miss| *miss == Miss::Absent) {
        if host.files().stat(&"/proc/self".into()).is_err() {
            haul.gap_with(GapReason::Missing, &place, "is /proc mounted?");
        }
        return;
    }
    let Some(bytes) = haul.optional(&place, read) else { return };
    let parsed = modules::modules(&bytes);
    haul.faults(&place, &parsed.faults);
    for module in parsed.records {
        let name = String::from_utf8_lossy(module.name);
        let place = Place::record(place.clone(), name.as_ref());
        haul.push(Trace::new(ItemKind::Driver, name.replace('-', "_"), State::Running, place));
    }
}

/// Modules below one folder.
fn folder(files: &dyn Files, folder: &HostPath, haul: &mut Haul) {
    let mut left = BUDGET;
    let walked = files.walk(folder, &mut |step| {
        if left == 0 || !haul.time_left() {
            haul.gap_with(GapReason::Budget, folder, format!("more than {BUDGET} files, or no time left"));
            return WalkNext::Stop;
        }
        left -= 1;
        match step {
            Walked::Seen { path, stat } => on_disk(files, path, stat.kind, haul),
            Walked::Missed(path, miss) => {
                haul.listed::<()>(&path, Err(miss));
            }
        }
        WalkNext::On
    });
    haul.optional(folder, walked);
}

/// One file. Links are followed here, for `weak-modules` and administrators link modules from elsewhere.
fn on_disk(files: &dyn Files, path: HostPath, kind: Kind, haul: &mut Haul) {
    let Some(name) = module_name(path.file_name()) else { return };
    if !matches!(kind, Kind::File | Kind::Link) {
        return;
    }
    let image = match files.resolve(&path) {
        Ok(real) => Image { path: real, exists: Some(true) },
        Err(Miss::Absent) => Image { path: path.clone(), exists: Some(false) },
        Err(miss) => {
            haul.miss(&path, &miss);
            Image { path: path.clone(), exists: None }
        }
    };
    let state = if image.exists == Some(false) { State::Remnant } else { State::Present };
    let mut trace = Trace::new(ItemKind::Driver, name, state, Place::file(path));
    trace.image = Some(image);
    haul.push(trace);
}

/// The name by which the kernel knows a module file (`kernel/module/main.c`: `-` becomes `_`).
fn module_name(file: &[u8]) -> Option<String> {
    let stem = SUFFIXES.iter().find_map(|suffix| file.strip_suffix(*suffix))?;
    let stem = HostPath::new(stem).text().replace('-', "_");
    (!stem.is_empty()).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode};
    use crate::sources::testing::collect;

    const LIVE: &str = "kav4fs_oas 53248 1 - Live 0x0000000000000000 (POE)\nxfs 1990656 2 - Live 0x0\n";

    fn file(bytes: &str) -> FakeNode {
        FakeNode::File(bytes.as_bytes().to_vec())
    }

    fn names(haul: &Haul) -> Vec<(&str, State)> {
        haul.traces().iter().map(|trace| (trace.name.as_str(), trace.state)).collect()
    }

    #[test]
    fn loaded_modules_of_a_live_host_only() {
        let host = FakeHost::new([(LOADED, file(LIVE))]);
        let (haul, outcome) = collect(&KernelModules, &host);
        assert_eq!((outcome, names(&haul), haul.gaps()), (Outcome::Read, vec![], vec![]));
        let (haul, _) = collect(&KernelModules, &host.running(vec![]));
        assert_eq!(names(&haul), [("kav4fs_oas", State::Running), ("xfs", State::Running)]);
        assert_eq!(haul.gaps(), []);
    }

    #[test]
    fn modules_on_disk_in_foreign_folders() {
        let host = FakeHost::new([
            ("/usr/lib/modules/6.1/kernel/fs/xfs.ko.xz", file("")),
            ("/usr/lib/modules/6.1/updates/dkms/redir-fs.ko.zst", file("")),
            ("/usr/lib/modules/6.1/extra/notes.txt", file("")),
            ("/usr/lib/modules/6.1/weak-updates/a.ko", FakeNode::Link(b"/opt/k/a.ko".to_vec())),
            ("/usr/lib/modules/6.1/weak-updates/b.ko", FakeNode::Link(b"/opt/gone.ko".to_vec())),
            ("/opt/k/a.ko", file("")),
            ("/lib", FakeNode::Link(b"usr/lib".to_vec())),
        ]);
        let (haul, _) = collect(&KernelModules, &host);
        let want = [("redir_fs", State::Present), ("a", State::Present), ("b", State::Remnant)];
        assert_eq!(names(&haul), want);
        let images: Vec<_> = haul.traces().iter().map(|trace| trace.image.clone().unwrap().path).collect();
        assert_eq!(images[0], "/usr/lib/modules/6.1/updates/dkms/redir-fs.ko.zst".into());
        assert_eq!(images[1], "/opt/k/a.ko".into());
    }

    #[test]
    fn unreadable_and_missing() {
        let denied = || FakeNode::Broken(Miss::Denied);
        let gaps = |host: FakeHost| collect(&KernelModules, &host.running(vec![])).0.gaps();
        assert_eq!(gaps(FakeHost::new([(LOADED, denied())])), [(GapReason::PermissionDenied, true)]);
        assert_eq!(gaps(FakeHost::new([("/etc", FakeNode::Folder)])), [(GapReason::Missing, true)]);
        assert_eq!(gaps(FakeHost::new([("/proc/self", FakeNode::Folder)])), [], "a kernel without modules");
        for place in [FOLDER, "/lib/modules/6.1/extra", "/lib/modules/6.1/updates/dkms"] {
            let host = FakeHost::new([(LOADED, file(LIVE)), (place, denied())]);
            assert_eq!(gaps(host), [(GapReason::PermissionDenied, true)], "{place}");
        }
    }

    #[test]
    fn truncated_garbage_and_hostile() {
        let read = |bytes: &[u8]| {
            let host = FakeHost::new([(LOADED, FakeNode::File(bytes.to_vec()))]).running(vec![]);
            collect(&KernelModules, &host).0
        };
        assert!(!read(&LIVE.as_bytes()[..60]).gaps().is_empty());
        let haul = read(&[b"\xff\0garbage\n".as_slice(), LIVE.as_bytes()].concat());
        assert_eq!((haul.traces().len(), haul.gaps()), (2, vec![(GapReason::Malformed, true)]));
        let hostile = FakeHost::new([
            ("/lib/modules/6.1/extra/loop.ko", FakeNode::Link(b"loop.ko".to_vec())),
            ("/lib/modules/6.1/extra/pipe.ko", FakeNode::Special(Kind::Pipe)),
            ("/lib/modules/6.1/extra/.ko", file("")),
        ]);
        let (haul, _) = collect(&KernelModules, &hostile);
        assert_eq!(haul.gaps(), [(GapReason::LinkLoop, true)]);
        assert_eq!(names(&haul), [("loop", State::Present)], "its name still counts");
    }
}
