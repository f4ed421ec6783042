//! Tests of `scheduled_tasks`.

use super::*;
use crate::host::{FakeHost, FakeNode, FakeRegistry, Miss};
use crate::parse::registry_value::RegistryValue;
use crate::sources::testing::collect;

const TASKS: &str = "/C:/Windows/System32/Tasks";
const KEY: &str = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache";
const AVP: &str = r"C:\Program Files\Kaspersky Lab\avp.exe";
const CLASS: &str = "{01234567-89AB-CDEF-0123-456789ABCDEF}";

fn xml(author: &str, actions: &str) -> FakeNode {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?><Task version=\"1.2\" \
         xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\"><RegistrationInfo><Author>{author}</Author>\
         </RegistrationInfo><Actions Context=\"Author\">{actions}</Actions></Task>"
    );
    let units = [0xFEFF].into_iter().chain(text.encode_utf16());
    FakeNode::File(units.flat_map(u16::to_le_bytes).collect())
}

fn exec(program: &str) -> String {
    format!("<Exec><Command>{program}</Command><Arguments>/password s3cret</Arguments></Exec>")
}

/// The blob of version 3 with one program.
fn blob(program: &str) -> RegistryValue {
    let text = |text: &str| {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut out = u32::try_from(units.len()).unwrap().to_le_bytes().to_vec();
        out.extend(units);
        out
    };
    let mut bytes = vec![3, 0];
    bytes.extend(text("Author"));
    bytes.extend([0x66, 0x66]);
    for part in ["", program, "/password s3cret", ""] {
        bytes.extend(text(part));
    }
    bytes.extend([0, 0]);
    RegistryValue::binary(bytes)
}

fn host(nodes: Vec<(String, FakeNode)>, registry: FakeRegistry) -> FakeHost {
    let fixed = [
        ("/C:/Program Files/Kaspersky Lab/avp.exe".to_owned(), FakeNode::Program(vec![])),
        ("/C:/Program Files/Kaspersky Lab/com.dll".to_owned(), FakeNode::File(vec![])),
    ];
    let nodes: Vec<_> = fixed.into_iter().chain(nodes).collect();
    FakeHost::windows(nodes.iter().map(|(path, node)| (path.as_str(), node.clone())), registry)
}

/// Name, publisher, program, state.
fn seen(haul: &Haul) -> Vec<(&str, Option<&str>, String, State)> {
    let of = |trace: &Trace| trace.image.as_ref().map(|image| image.path.text().into_owned());
    let each = haul.traces().iter();
    each.map(|trace| {
        (trace.name.as_str(), trace.publisher.as_deref(), of(trace).unwrap_or_default(), trace.state)
    })
    .collect()
}

fn registry() -> FakeRegistry {
    FakeRegistry::new().key(r"HKLM\SOFTWARE\Microsoft", &[])
}

fn cached(registry: FakeRegistry, n: u32, path: &str, actions: RegistryValue) -> FakeRegistry {
    let id = format!("{{0000000{n}-0000-0000-0000-000000000000}}");
    let author = RegistryValue::sz("AO Kaspersky Lab");
    registry.key(
        &format!(r"{KEY}\Tasks\{id}"),
        &[("Path", RegistryValue::sz(path)), ("Author", author), ("Actions", actions)],
    )
}

#[test]
fn files_of_tasks() {
    let class = format!(r"HKLM\SOFTWARE\Classes\CLSID\{CLASS}\InprocServer32");
    let library = r"%ProgramFiles%\Kaspersky Lab\com.dll";
    let registry = registry().key(&class, &[("", RegistryValue::expand_sz(library))]);
    let two = exec(r"&quot;%ProgramFiles%\Kaspersky Lab\AVP.exe&quot;") + &exec(r"C:\Acme\old.exe");
    let com = format!("<ComHandler><ClassId>{CLASS}</ClassId></ComHandler>");
    let nodes = vec![
        (format!("{TASKS}/Kaspersky/Update"), xml("AO Kaspersky Lab", &two)),
        (format!("{TASKS}/Com"), xml(r"ACME\alice", &com)),
        (format!("{TASKS}/Nothing"), xml("$(@%SystemRoot%\\x.dll,-1)", "")),
    ];
    let (haul, outcome) = collect(&ScheduledTasks, &host(nodes, registry));
    assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
    let maker = Some("AO Kaspersky Lab");
    assert_eq!(
        seen(&haul),
        [
            ("Com", None, r"C:\Program Files\Kaspersky Lab\com.dll".to_owned(), State::Installed),
            ("Update", maker, AVP.to_owned(), State::Installed),
            ("Update", maker, r"C:\Acme\old.exe".to_owned(), State::Remnant),
            ("Nothing", None, String::new(), State::Installed),
        ]
    );
    let place = HostPath::from(TASKS).join("Kaspersky/Update");
    assert_eq!(haul.traces()[1].place, Place::file(place));
    assert!(!format!("{:?}", haul.traces()).contains("s3cret"));
}

#[test]
fn a_task_of_the_cache_needs_no_file_and_no_name_in_the_tree() {
    let registry = cached(registry(), 1, r"\Kaspersky\Hidden", blob(AVP));
    let (haul, _) = collect(&ScheduledTasks, &host(vec![], registry));
    assert_eq!(haul.gaps(), []);
    assert_eq!(seen(&haul), [("Hidden", Some("AO Kaspersky Lab"), AVP.to_owned(), State::Installed)]);
    assert_eq!(haul.traces()[0].place.record.as_deref(), Some(r"task \Kaspersky\Hidden"));
    assert!(!format!("{:?}", haul.traces()).contains("s3cret"));
}

#[test]
fn what_file_and_cache_agree_on_is_said_once_and_what_they_do_not_is_kept() {
    let registry = cached(registry(), 1, r"\KASPERSKY\update", blob(AVP));
    let registry = cached(registry, 2, r"\Other", blob(AVP));
    let nodes = vec![
        (format!("{TASKS}/Kaspersky/Update"), xml("x", &exec(AVP))),
        (format!("{TASKS}/Other"), xml("x", &exec(r"C:\Acme\old.exe"))),
    ];
    let (haul, _) = collect(&ScheduledTasks, &host(nodes, registry));
    let names: Vec<_> = seen(&haul).into_iter().map(|(name, _, image, _)| (name, image)).collect();
    assert_eq!(
        names,
        [("Update", AVP.to_owned()), ("Other", r"C:\Acme\old.exe".to_owned()), ("Other", AVP.to_owned())]
    );
}

#[test]
fn a_name_in_the_tree_alone_is_a_remnant() {
    let id = |id: &str| [("Id", RegistryValue::sz(id))];
    let registry = cached(registry(), 1, r"\A\known", blob(AVP))
        .key(&format!(r"{KEY}\Tree\A\known"), &id("{1}"))
        .key(&format!(r"{KEY}\Tree\A\left"), &id("{2}"))
        .key(&format!(r"{KEY}\Tree\A\folder"), &[]);
    let (haul, _) = collect(&ScheduledTasks, &host(vec![], registry));
    let names: Vec<_> = seen(&haul).into_iter().map(|(name, _, _, state)| (name, state)).collect();
    assert_eq!(names, [("known", State::Installed), ("left", State::Remnant)]);
}

#[test]
fn jobs_of_older_systems() {
    let mut job = vec![0; 68];
    job[2] = 1;
    job[20] = 70;
    job.extend([0, 0]);
    for text in [AVP, "/password s3cret", "", "AO Kaspersky Lab", ""] {
        let units: Vec<u16> = text.encode_utf16().chain([0]).collect();
        job.extend(u16::try_from(units.len()).unwrap().to_le_bytes());
        job.extend(units.into_iter().flat_map(u16::to_le_bytes));
    }
    let nodes = vec![
        ("/C:/Windows/Tasks/Scan.JOB".to_owned(), FakeNode::File(job)),
        ("/C:/Windows/Tasks/SA.DAT".to_owned(), FakeNode::File(vec![])),
        ("/C:/Windows/Tasks/bad.job".to_owned(), FakeNode::File(b"noise".to_vec())),
    ];
    let (haul, _) = collect(&ScheduledTasks, &host(nodes, registry()));
    assert_eq!(haul.gaps(), [(GapReason::Malformed, true)]);
    assert_eq!(
        seen(&haul),
        [
            ("Scan", Some("AO Kaspersky Lab"), AVP.to_owned(), State::Installed),
            ("bad", None, String::new(), State::Installed)
        ]
    );
}

#[test]
fn what_cannot_be_read_is_a_gap_and_keeps_its_name() {
    let of = |path: &str, node| {
        let nodes = vec![(format!("{TASKS}{path}"), node)];
        let (haul, _) = collect(&ScheduledTasks, &host(nodes, registry()));
        (haul.traces().len(), haul.gaps())
    };
    let denied = vec![(GapReason::PermissionDenied, true)];
    assert_eq!(of("", FakeNode::Broken(Miss::Denied)), (0, denied.clone()));
    assert_eq!(of("/folder", FakeNode::Broken(Miss::Denied)), (0, denied.clone()));
    assert_eq!(of("/x", FakeNode::Unreadable(Miss::Denied)), (1, denied.clone()));
    for noise in [vec![], b"MZ".to_vec(), vec![0xFF; 4096], b"<Task><Actions><Exec>".to_vec()] {
        let (traces, gaps) = of("/x", FakeNode::File(noise));
        assert_eq!(traces, 1);
        assert!(gaps.iter().any(|(_, blocking)| *blocking), "{gaps:?}");
    }
    let gaps = |registry| collect(&ScheduledTasks, &host(vec![], registry)).0.gaps();
    assert_eq!(gaps(registry().deny(&format!(r"{KEY}\Tasks"))), denied);
    assert_eq!(gaps(cached(registry(), 1, r"\x", RegistryValue::dword(9))).len(), 1);
    assert_eq!(gaps(registry().without(Hive::Software)), [(GapReason::Missing, true)]);
    assert_eq!(gaps(registry()), []);
}

#[test]
fn folders_within_folders_end() {
    let deep = format!(r"{KEY}\Tree{}", r"\a".repeat(200));
    let (haul, _) = collect(&ScheduledTasks, &host(vec![], registry().key(&deep, &[])));
    assert_eq!(haul.gaps(), [(GapReason::Budget, true)]);
}
