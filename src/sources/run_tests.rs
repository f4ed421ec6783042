//! A source that panics or blocks is a failed source, not a lost report.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::host::{Entry, FakeHost, FakeNode, Files, Host, Listing, Process, Read, Stat, WalkNext, Walked};
use crate::model::{Depth, HostFacts, HostPath, ItemKind, Place, State, Status, Trace, Wanted};
use crate::parse::ReadAt;

use super::{KEPT, Kept, Looked, RunPlan, Worth, blank, run};
use crate::sources::SOURCES;

const STATUS: &str = "/var/lib/dpkg/status";

/// What happens to whoever reads dpkg's database.
#[derive(Clone, Copy)]
enum Trap {
    /// It blocks, like a file on a dead server.
    Block,
    /// The reader panics.
    Panic,
    /// Whoever reads anything but the accounts blocks.
    BlockAll,
}

struct Trapped(FakeHost, Trap);

impl Host for Trapped {
    fn facts(&self) -> &HostFacts {
        self.0.facts()
    }
    fn files(&self) -> &dyn Files {
        self
    }
    fn processes(&self) -> Option<Listing<Process>> {
        self.0.processes()
    }
}

impl Trapped {
    /// Steps into the trap, where there is one.
    fn enter(&self, path: &HostPath) -> &dyn Files {
        let is_status = *path == STATUS.into();
        match self.1 {
            Trap::Block if is_status => std::thread::sleep(Duration::from_mins(1)),
            Trap::Panic if is_status => panic!("a fault of the scanner, on purpose"),
            Trap::BlockAll if !["/etc/passwd", "/etc/group"].map(HostPath::from).contains(path) => {
                std::thread::sleep(Duration::from_mins(1));
            }
            _ => {}
        }
        self.0.files()
    }
}

impl Files for Trapped {
    fn read(&self, path: &HostPath, limit: u64) -> Read<Vec<u8>> {
        self.enter(path).read(path, limit)
    }
    fn open(&self, path: &HostPath) -> Read<Box<dyn ReadAt + Send + Sync>> {
        self.enter(path).open(path)
    }
    fn list(&self, folder: &HostPath) -> Read<Vec<Entry>> {
        self.enter(folder).list(folder)
    }
    fn stat(&self, path: &HostPath) -> Read<Stat> {
        self.enter(path).stat(path)
    }
    fn resolve(&self, path: &HostPath) -> Read<HostPath> {
        self.enter(path).resolve(path)
    }
    fn walk(&self, folder: &HostPath, visit: &mut dyn FnMut(Walked) -> WalkNext) -> Read<()> {
        self.enter(folder).walk(folder, visit)
    }
}

fn looked(trap: Trap) -> Looked {
    let file = |text: &str| FakeNode::File(text.as_bytes().to_vec());
    let host = FakeHost::new([
        ("/etc/os-release", file("ID=debian\n")),
        ("/etc/passwd", file("root:x:0:0::/root:/bin/sh\n")),
        ("/etc/group", file("root:x:0:\n")),
        (STATUS, file("")),
        ("/usr/lib/systemd/system/x.service", file("[Service]\nExecStart=/bin/x\n")),
    ]);
    let host: Arc<dyn Host> = Arc::new(Trapped(host, trap));
    run(
        &host,
        &RunPlan { want: Wanted::default(), budget: Duration::from_secs(1), memory: None },
        Some(&|_| false),
        &mut |_, _, _| {},
    )
}

fn status(looked: &Looked, source: &str) -> (Status, bool) {
    let report = looked.coverage.sources.iter().find(|report| report.source == source).unwrap();
    (report.status, report.has_blocking_gap() || report.reason.is_some())
}

#[test]
fn a_source_that_blocks_does_not_hold_the_report() {
    let start = Instant::now();
    let looked = looked(Trap::Block);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(status(&looked, "dpkg"), (Status::Failed, true));
    assert!(looked.traces.iter().any(|(source, traces)| *source == "systemd" && traces.len() == 1));
}

#[test]
fn where_nearly_all_block_the_others_still_get_their_turn() {
    let start = Instant::now();
    let looked = looked(Trap::BlockAll);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(status(&looked, "accounts"), (Status::Complete, false));
    let blocked = looked.coverage.sources.iter().filter(|report| report.status == Status::Failed).count();
    assert!(blocked > 10, "{:?}", looked.coverage);
}

#[test]
fn records_come_before_the_files_of_programs_and_those_before_all_others() {
    let host: Arc<dyn Host> = Arc::new(FakeHost::new([
        ("/etc/os-release", FakeNode::File(b"ID=debian\n".to_vec())),
        ("/opt/x/bin", FakeNode::Folder),
    ]));
    let want = Wanted { depth: Depth::Deep, ..Wanted::default() };
    let plan = RunPlan { want, budget: Duration::from_mins(1), memory: None };
    let mut order = Vec::new();
    run(&host, &plan, None, &mut |source, _, _| order.push(source.to_owned()));
    let depth =
        |name: &String| SOURCES.iter().find(|source| source.about().name == name).unwrap().about().depth;
    let depths: Vec<Depth> = order.iter().map(depth).collect();
    assert!(depths.is_sorted() && depths.len() > 20, "{order:?}");
    assert_eq!(order.last().map(String::as_str), Some("sweep"));
}

#[test]
fn a_source_that_panics_is_a_failed_source() {
    let looked = looked(Trap::Panic);
    assert_eq!(status(&looked, "dpkg"), (Status::Failed, true));
    assert!(looked.traces.iter().any(|(source, traces)| *source == "systemd" && traces.len() == 1));
}

fn program(name: &str) -> Trace {
    Trace::new(ItemKind::Executable, name, State::Present, Place::file(HostPath::from("/x").join(name)))
}

/// Names of what is kept of an offer, how many are not, and whether that blocks.
fn sifted(names: &[&str], worth: Option<Worth<'_>>) -> (Vec<String>, u64, bool) {
    let mut kept = Kept::default();
    kept.sift(&names.iter().map(|name| program(name)).collect::<Vec<_>>(), worth);
    let plan = RunPlan { want: Wanted::default(), budget: Duration::from_secs(1), memory: None };
    let (mut report, mut traces) = (blank(SOURCES[0], &plan), vec![program("own")]);
    kept.join(&mut report, &mut traces);
    let names = traces.into_iter().map(|trace| trace.name).collect();
    (names, report.not_kept, report.has_blocking_gap())
}

#[test]
fn of_what_is_offered_only_that_is_kept_which_a_rule_could_match() {
    let worth = |trace: &Trace| trace.name.starts_with('a');
    assert_eq!(
        sifted(&["a", "b", "ab"], Some(&worth)),
        (vec!["own".into(), "a".into(), "ab".into()], 1, false)
    );
    assert_eq!(sifted(&["a", "b"], None), (vec!["own".into(), "a".into(), "b".into()], 0, false), "no rules");
    let (kept, passed, blocks) = sifted(&vec!["a"; KEPT + 2], Some(&worth));
    assert_eq!((kept.len(), passed, blocks), (KEPT + 1, 0, true), "a flood of what could match is told");
}
