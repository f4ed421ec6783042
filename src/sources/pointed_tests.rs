//! Programs that run or are started, looked at once all sources are home.
use std::time::Duration;

use super::*;
use crate::host::{FakeHost, FakeNode};
use crate::model::{Image, Place};
use crate::sources::testing::made;
use crate::sources::{RunPlan, run};

fn host(program: FakeNode) -> Arc<dyn Host> {
    let file = |text: &str| FakeNode::File(text.as_bytes().to_vec());
    Arc::new(FakeHost::new([
        ("/etc/os-release", file("ID=debian\n")),
        ("/usr/lib/systemd/system/x.service", file("[Service]\nExecStart=/srv/x.exe\n")),
        ("/srv/x.exe", program),
    ]))
}

fn service(program: FakeNode, depth: Depth) -> (Trace, bool) {
    let plan = RunPlan {
        want: Wanted { depth, ..Wanted::default() },
        budget: Duration::from_secs(20),
        memory: None,
    };
    let looked = run(&host(program), &plan, None, &mut |_, _, _| {});
    let (at, (_, traces)) =
        looked.traces.iter().enumerate().find(|(_, (source, _))| *source == "systemd").unwrap();
    let report = &looked.coverage.sources[at];
    assert_eq!(report.fields.contains(&Field::Signer), depth >= Depth::Standard);
    (traces[0].clone(), report.gaps.is_empty())
}

#[test]
fn what_a_service_runs_says_who_made_it() {
    let strings = [("CompanyName", "AO Kaspersky Lab")];
    let pe = made::image(&made::Image { strings: &strings, version: [1, 0, 0, 0], overlay: b"" });
    let publisher = |depth| service(FakeNode::Program(pe.clone()), depth).0.publisher;
    assert_eq!(publisher(Depth::Standard).as_deref(), Some("AO Kaspersky Lab"));
    assert_eq!(publisher(Depth::Quick), None);
    let (trace, whole) = service(FakeNode::Unreadable(Miss::Denied), Depth::Standard);
    assert_eq!((trace.publisher, whole), (None, false), "a minor gap of the source that points to it");
}

#[test]
fn what_is_looked_at_already_or_lies_elsewhere_is_left_alone() {
    let mut trace = Trace::new(ItemKind::Executable, "x", State::Running, Place::file("/proc/1/exe".into()));
    assert_eq!(program(&trace, Family::Linux), None);
    trace.image = Some(Image { path: "/srv/x".into(), exists: Some(true) });
    assert_eq!(program(&trace, Family::Windows), Some(&"/srv/x".into()));
    trace.signer = Known::None;
    assert_eq!(program(&trace, Family::Linux), None);
    trace.signer = Known::NotLooked;
    trace.scope = Scope::Container("1".to_owned());
    assert_eq!(program(&trace, Family::Linux), None, "another system's file");
    trace.scope = Scope::Machine;
    trace.kind = ItemKind::Service;
    assert_eq!(program(&trace, Family::Windows), None, "its own source looks at it");
    trace.image = Some(Image { path: "/srv/x".into(), exists: Some(false) });
    assert_eq!(program(&trace, Family::Linux), None);
}
