//! Programs that run now: program file, owner, start time. Never a command line, never an environment.
//!
//! What the kernel hides is a gap; a thread of the kernel has no program, and hides none.

use std::collections::HashMap;

use crate::host::{Host, Miss, Owner, Process};
use crate::model::{
    Family, Field, GapReason, HostPath, Image, ItemKind, Mode, Need, Place, ProcessFacts, Scope, State,
    Trace, Wanted,
};
use crate::parse::passwd;
use crate::sources::{About, Haul, Outcome, Source};

/// The source `processes`.
pub struct Processes;

/// `/etc/passwd` of a large organisation.
const PASSWD_LIMIT: u64 = 16 << 20;

static ABOUT: About = About {
    name: "processes",
    summary: "programs that run now, by their program files; command lines are never read",
    families: &[Family::Linux, Family::Windows, Family::Macos],
    needs: &[Need::Running],
    yields: &[(ItemKind::Executable, &[State::Running])],
    fields: &[Field::Name, Field::Path],
    ..About::USUAL
};

impl Source for Processes {
    fn about(&self) -> &'static About {
        &ABOUT
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
        let accounts = Accounts::of(host);
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

/// Accounts of Windows itself that have no profile, or one that bears another name.
const WELL_KNOWN: &[(&str, &str)] =
    &[("S-1-5-18", "SYSTEM"), ("S-1-5-19", "LOCAL SERVICE"), ("S-1-5-20", "NETWORK SERVICE")];

/// Names of accounts. Only for show: where none is known, number or identifier stands for the owner.
struct Accounts {
    by_uid: HashMap<u32, String>,
    by_sid: HashMap<String, String>,
    /// Whether processes are folders below `/proc`.
    proc: bool,
}

impl Accounts {
    fn of(host: &dyn Host) -> Self {
        let windows = host.facts().family == Family::Windows;
        let by_uid = if windows { HashMap::new() } else { by_uid(host) };
        let users = host.facts().users.iter();
        let of_profiles = users.filter_map(|user| Some((user.sid.clone()?, user.name.clone())));
        let own = WELL_KNOWN.iter().map(|(sid, name)| ((*sid).to_owned(), (*name).to_owned()));
        Self { by_uid, by_sid: of_profiles.chain(own).collect(), proc: host.facts().family == Family::Linux }
    }

    /// The owner's name. A container has accounts of its own: the host's name of the number would be somebody else's.
    fn name(&self, process: &Process) -> Option<String> {
        Some(match process.owner.as_ref()? {
            Owner::Uid(uid) => {
                let known = self.by_uid.get(uid).filter(|_| process.container.is_none());
                known.cloned().unwrap_or_else(|| uid.to_string())
            }
            Owner::Sid(sid) => self.by_sid.get(sid).unwrap_or(sid).clone(),
        })
    }

    /// Where a process itself is to be found.
    fn place(&self, process: &Process) -> HostPath {
        HostPath::new(match &process.name {
            _ if self.proc => format!("/proc/{}", process.pid),
            Some(name) => format!("process {} ({name})", process.pid),
            None => format!("process {}", process.pid),
        })
    }
}

fn by_uid(host: &dyn Host) -> HashMap<u32, String> {
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

fn process_of(process: &Process, accounts: &Accounts, haul: &mut Haul) {
    let place = accounts.place(process);
    match &process.exe {
        Ok(exe) => {
            let mut trace = running(process, exe.file_name_text(), accounts);
            trace.image = Some(Image { path: exe.clone(), exists: Some(!process.deleted) });
            haul.push(trace);
        }
        Err(Miss::Absent) if process.kernel => haul.gap(GapReason::KernelThread, &place),
        Err(Miss::Absent) => haul.gap_with(GapReason::Vanished, &place, "it ended, its program is gone"),
        Err(miss) => {
            haul.miss(&place, miss);
            // The list of Windows shows everybody the name.
            if let Some(name) = &process.name {
                haul.push(running(process, name.clone(), accounts));
            }
        }
    }
}

fn running(process: &Process, name: String, accounts: &Accounts) -> Trace {
    let place = accounts.place(process);
    let place = if accounts.proc { place.join("exe") } else { place };
    let place = Place::record(place, format!("pid {}", process.pid));
    let mut trace = Trace::new(ItemKind::Executable, name, State::Running, place);
    if let Some(id) = &process.container {
        trace.scope = Scope::Container(id.clone());
    }
    trace.process = Some(ProcessFacts {
        pid: process.pid,
        started: process.started,
        owner: accounts.name(process),
        deleted: process.deleted,
    });
    trace
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry, Listing, Read};
    use crate::model::Stamp;
    use crate::parse::registry_value::RegistryValue;
    use crate::sources::testing::collect;

    fn process(pid: u32, exe: Read<&str>) -> Process {
        Process {
            pid,
            exe: exe.map(HostPath::from),
            kernel: false,
            deleted: false,
            name: None,
            owner: Some(Owner::Uid(1000)),
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
        let gone = Process { deleted: true, owner: Some(Owner::Uid(77)), ..process(7, Ok("/opt/x")) };
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
    fn a_program_whose_file_is_kept_from_us_has_its_name() {
        let kept = Process { name: Some("avp.exe".into()), ..process(812, Err(Miss::Denied)) };
        let (haul, _) = collect(&Processes, &FakeHost::windows([], FakeRegistry::new()).running(vec![kept]));
        let [trace] = haul.traces() else { panic!("{:?}", haul.traces()) };
        assert_eq!((trace.name.as_str(), trace.state, &trace.image), ("avp.exe", State::Running, &None));
        assert_eq!(haul.gaps(), [(GapReason::PermissionDenied, true)]);
        assert_eq!(haul.gap_list().next().unwrap().places, ["process 812 (avp.exe)".into()]);
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

    #[test]
    fn a_macos_has_no_folder_of_a_process() {
        let host = FakeHost::macos([]).running(vec![process(7, Ok("/private/var/x/avp"))]);
        let (haul, outcome) = collect(&Processes, &host);
        assert_eq!((outcome, haul.gap_list().count()), (Outcome::Read, 0));
        assert_eq!(haul.traces()[0].place.path, "process 7".into());
        assert_eq!(haul.traces()[0].image.as_ref().unwrap().path, "/private/var/x/avp".into());
    }

    #[test]
    fn owners_on_windows_are_security_identifiers() {
        let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-7-1001";
        let registry =
            FakeRegistry::new().key(list, &[("ProfileImagePath", RegistryValue::sz(r"C:\Users\alice"))]);
        // A file of this name on Windows names no accounts.
        let passwd = FakeNode::File(b"ann:x:1000:1000::/srv/ann:/bin/sh\n".to_vec());
        let nodes = [("/C:/Users/alice/NTUSER.DAT", FakeNode::File(Vec::new())), ("/etc/passwd", passwd)];
        let of = |pid, owner: &str| Process {
            owner: Some(Owner::Sid(owner.to_owned())),
            ..process(pid, Ok("/C:/Program Files (x86)/Kaspersky Lab/KES/avp.exe"))
        };
        let system = Process { kernel: true, ..process(4, Err(Miss::Absent)) };
        let entries = vec![
            of(7, "S-1-5-21-7-1001"),
            of(8, "S-1-5-18"),
            of(9, "S-1-5-21-9-500"),
            process(10, Ok("/C:/x.exe")),
            system,
            process(11, Err(Miss::Denied)),
        ];
        let (haul, _) = collect(&Processes, &FakeHost::windows(nodes, registry).running(entries));
        let owners: Vec<_> = haul
            .traces()
            .iter()
            .map(|trace| trace.process.as_ref().unwrap().owner.clone().unwrap())
            .collect();
        assert_eq!(owners, ["alice", "SYSTEM", "S-1-5-21-9-500", "1000"]);
        assert_eq!(haul.traces()[0].name, "avp.exe");
        assert_eq!(haul.traces()[0].place, Place::record("process 7".into(), "pid 7"));
        assert_eq!(haul.gaps(), [(GapReason::PermissionDenied, true), (GapReason::KernelThread, false)]);
        let places: Vec<_> = haul.gap_list().flat_map(|gap| gap.places.clone()).collect();
        assert_eq!(places, ["process 11".into(), "process 4".into()]);
    }
}
