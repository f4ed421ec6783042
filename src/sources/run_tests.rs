//! A source that panics or blocks is a failed source, not a lost report.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::host::{Entry, FakeHost, FakeNode, Files, Host, Listing, Process, Read, Stat, WalkNext, Walked};
use crate::model::{HostFacts, HostPath, Status, Wanted};
use crate::parse::ReadAt;

use super::{Looked, RunPlan, run};

const STATUS: &str = "/var/lib/dpkg/status";

/// What happens to whoever reads dpkg's database.
#[derive(Clone, Copy)]
enum Trap {
    /// It blocks, like a file on a dead server.
    Block,
    /// The reader panics.
    Panic,
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

impl Files for Trapped {
    fn read(&self, path: &HostPath, limit: u64) -> Read<Vec<u8>> {
        if *path == STATUS.into() {
            match self.1 {
                Trap::Block => std::thread::sleep(Duration::from_mins(1)),
                Trap::Panic => panic!("a fault of the scanner, on purpose"),
            }
        }
        self.0.files().read(path, limit)
    }
    fn open(&self, path: &HostPath) -> Read<Box<dyn ReadAt>> {
        self.0.files().open(path)
    }
    fn list(&self, folder: &HostPath) -> Read<Vec<Entry>> {
        self.0.files().list(folder)
    }
    fn stat(&self, path: &HostPath) -> Read<Stat> {
        self.0.files().stat(path)
    }
    fn resolve(&self, path: &HostPath) -> Read<HostPath> {
        self.0.files().resolve(path)
    }
    fn walk(&self, folder: &HostPath, visit: &mut dyn FnMut(Walked) -> WalkNext) -> Read<()> {
        self.0.files().walk(folder, visit)
    }
}

fn looked(trap: Trap) -> Looked {
    let file = |text: &str| FakeNode::File(text.as_bytes().to_vec());
    let host = FakeHost::new([
        ("/etc/os-release", file("ID=debian\n")),
        ("/etc/passwd", file("root:x:0:0::/root:/bin/sh\n")),
        (STATUS, file("")),
        ("/usr/lib/systemd/system/x.service", file("[Service]\nExecStart=/bin/x\n")),
    ]);
    let host: Arc<dyn Host> = Arc::new(Trapped(host, trap));
    run(&host, &RunPlan { want: Wanted::default(), budget: Duration::from_secs(1) }, &mut |_, _, _| {})
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
fn a_source_that_panics_is_a_failed_source() {
    let looked = looked(Trap::Panic);
    assert_eq!(status(&looked, "dpkg"), (Status::Failed, true));
    assert!(looked.traces.iter().any(|(source, traces)| *source == "systemd" && traces.len() == 1));
}
