//! Programs that run now: program file, owner, start time. Never a command line, never an environment.
//!
//! What the kernel hides is a gap; a thread of the kernel has no program, and hides none.

use std::collections::HashMap;

use crate::host::{Host, Miss, Process};
use crate::model::{
    Family, Field, GapReason, HostPath, Image, ItemKind, Mode, Need, Place, ProcessFacts, Scope, State,
    Trace, Wanted,
};
use crate::parse::passwd;
use crate::sources::{Haul, Outcome, Source};

/// The source `processes`.
pub struct Processes;

/// `/etc/passwd` of a large organisation.
const PASSWD_LIMIT: u64 = 16 << 20;

impl Source for Processes {
    fn name(&self) -> &'static str {
        "processes"
    }
    fn families(&self) -> &'static [Family] {
        &[Family::Linux, Family::Windows, Family::Macos]
    }
    fn needs(&self) -> &'static [Need] {
        &[Need::Running]
    }
    fn yields(&self) -> &'static [(ItemKind, &'static [State])] {
        &[(ItemKind::Executable, &[State::Running])]
    }
    fn fields(&self) -> &'static [Field] {
        &[Field::Name, Field::Path]
    }
    fn about(&self) -> &'static str {
        "programs that run now, by their program files; command lines are never read"
    }

    fn collect(&self, host: &dyn Host, _want: &Wanted, haul: &mut Haul) -> Outcome {
        let Some(listing) = host.processes() else { return not_listed(host) };
        for (reason, place, detail) in listing.gaps {
            match detail {
                Some(detail) => haul.gap_with(reason, &place, detail),
                None => haul.gap(reason, &place),
            }
        }
        if listing.entries.is_empty() {
            return Outcome::Failed("no process is listed, though the host is running".to_owned());
        }
        let accounts = accounts(host);
        for process in &listing.entries {
            process_of(process, &accounts, haul);
        }
        Outcome::Read
    }
}

fn not_listed(host: &dyn Host) -> Outcome {
    match host.facts().mode {
        Mode::Live => Outcome::Unavailable("processes of this system cannot be listed".to_owned()),
        Mode::Offline => Outcome::NotApplicable("nothing runs on a dead disk".to_owned()),
    }
}

/// Account names by number. Only for show: without the file the number stands for the owner.
fn accounts(host: &dyn Host) -> HashMap<u32, String> {
    let bytes = host.files().read(&"/etc/passwd".into(), PASSWD_LIMIT).unwrap_or_default();
    let mut names = HashMap::new();
    for user in passwd::users(&bytes).records {
        if let Some(uid) = user.uid {
            // The first line of a number is the one that the system answers with (getpwuid(3)).
            names.entry(uid).or_insert_with(|| String::from_utf8_lossy(user.name).into_owned());
        }
    }
    names
}

fn process_of(process: &Process, accounts: &HashMap<u32, String>, haul: &mut Haul) {
    let folder = HostPath::from("/proc").join(process.pid.to_string());
    match &process.exe {
        Ok(exe) => haul.push(running(process, exe, &folder, accounts)),
        Err(Miss::Absent) if process.kernel => haul.gap(GapReason::KernelThread, &folder),
        Err(Miss::Absent) => haul.gap_with(GapReason::Vanished, &folder, "it ended, its program is gone"),
        Err(miss) => haul.miss(&folder, miss),
    }
}

fn running(process: &Process, exe: &HostPath, folder: &HostPath, accounts: &HashMap<u32, String>) -> Trace {
    let place = Place::record(folder.join("exe"), format!("pid {}", process.pid));
    let mut trace = Trace::new(ItemKind::Executable, exe.file_name_text(), State::Running, place);
    trace.image = Some(Image { path: exe.clone(), exists: Some(!process.deleted) });
    if let Some(id) = &process.container {
        trace.scope = Scope::Container(id.clone());
    }
    // A container has accounts of its own: the host's name of the number would be somebody else's.
    let name = |uid: u32| match &process.container {
        None => accounts.get(&uid).cloned().unwrap_or_else(|| uid.to_string()),
        Some(_) => uid.to_string(),
    };
    trace.process = Some(ProcessFacts {
        pid: process.pid,
        started: process.started,
        owner: process.uid.map(name),
        deleted: process.deleted,
    });
    trace
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, Listing, Read};
    use crate::model::Stamp;
    use crate::sources::testing::collect;

    fn process(pid: u32, exe: Read<&str>) -> Process {
        Process {
            pid,
            exe: exe.map(HostPath::from),
            kernel: false,
            deleted: false,
            uid: Some(1000),
            started: Stamp::from_unix(1_700_000_000),
            container: None,
        }
    }

    fn host(entries: Vec<Process>) -> FakeHost {
        let passwd =
            b"root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/srv/ann:/bin/sh\nbob:x:1000:1::/b:/bin/sh\n";
        FakeHost::new([("/etc/passwd", FakeNode::File(passwd.to_vec()))]).running(entries)
    }

    #[test]
    fn a_program_with_its_owner_and_start() {
        let (haul, outcome) =
            collect(&Processes, &host(vec![process(7, Ok("/opt/kaspersky/kesl/libexec/kesl"))]));
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let [kesl] = haul.traces() else { panic!("{:?}", haul.traces()) };
        assert_eq!((kesl.name.as_str(), kesl.state, &kesl.scope), ("kesl", State::Running, &Scope::Machine));
        assert_eq!(kesl.place, Place::record("/proc/7/exe".into(), "pid 7"));
        assert_eq!(kesl.image.as_ref().unwrap().exists, Some(true));
        let facts = kesl.process.as_ref().unwrap();
        assert_eq!((facts.owner.as_deref(), facts.started), (Some("ann"), Stamp::from_unix(1_700_000_000)));
        assert!(kesl.owned_path().is_some());
    }

    #[test]
    fn a_deleted_program_runs_on() {
        let gone = Process { deleted: true, uid: Some(77), ..process(7, Ok("/opt/x")) };
        let (haul, _) = collect(&Processes, &host(vec![gone]));
        let trace = &haul.traces()[0];
        assert_eq!(trace.image.as_ref().unwrap().exists, Some(false));
        let facts = trace.process.as_ref().unwrap();
        assert_eq!((facts.deleted, facts.owner.as_deref()), (true, Some("77")));
    }

    #[test]
    fn a_container_has_its_own_files_and_accounts() {
        let inside = Process { container: Some("0123456789ab".into()), ..process(7, Ok("/usr/bin/x")) };
        let (haul, _) = collect(&Processes, &host(vec![inside]));
        let trace = &haul.traces()[0];
        assert_eq!(trace.scope, Scope::Container("0123456789ab".into()));
        assert_eq!(trace.owned_path(), None);
        assert_eq!(trace.process.as_ref().unwrap().owner.as_deref(), Some("1000"));
    }

    #[test]
    fn only_what_could_hide_a_program_blocks() {
        let kernel = Process { kernel: true, ..process(2, Err(Miss::Absent)) };
        let entries = vec![kernel, process(3, Err(Miss::Absent)), process(4, Ok("/bin/sh"))];
        let (haul, _) = collect(&Processes, &host(entries));
        assert_eq!(haul.gaps(), [(GapReason::KernelThread, false), (GapReason::Vanished, false)]);
        let (haul, outcome) = collect(&Processes, &host(vec![process(1, Err(Miss::Denied))]));
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![(GapReason::PermissionDenied, true)]));
        assert_eq!(haul.gap_list().next().unwrap().places, ["/proc/1".into()]);
    }

    #[test]
    fn what_hides_processes_is_passed_on() {
        let hidden = (GapReason::HiddenProcesses, HostPath::from("/proc"), Some("hidepid=2".to_owned()));
        let space = (GapReason::Namespace, HostPath::from("/proc/self/ns/pid"), None);
        let entries = vec![process(7, Ok("/bin/sh"))];
        let (haul, _) =
            collect(&Processes, &host(vec![]).listing(Listing { entries, gaps: vec![hidden, space] }));
        assert_eq!(haul.gaps(), [(GapReason::HiddenProcesses, true), (GapReason::Namespace, true)]);
    }

    #[test]
    fn an_empty_list_of_a_running_host_is_a_failure_and_a_dead_disk_has_none() {
        assert!(matches!(collect(&Processes, &host(vec![])).1, Outcome::Failed(_)));
        let dead = FakeHost::new([("/etc/passwd", FakeNode::Folder)]);
        assert!(matches!(collect(&Processes, &dead).1, Outcome::NotApplicable(_)));
    }

    #[test]
    fn garbage_accounts_and_hostile_names_change_no_program() {
        let exe = process(9, Ok("/tmp/\u{1b}[31m"));
        for passwd in [&b"\xff\0:::\n+\nann:x:10"[..], b"", b"ann:x:99999999999:1::/:/x\n"] {
            let nodes = [("/etc/passwd", FakeNode::File(passwd.to_vec()))];
            let (haul, _) = collect(&Processes, &FakeHost::new(nodes).running(vec![exe.clone()]));
            assert_eq!(haul.traces()[0].process.as_ref().unwrap().owner.as_deref(), Some("1000"));
        }
    }
}
