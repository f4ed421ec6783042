//! Every format with the report of a large host: ten thousand items, and a host of the golden files around them.
//!
//!     cargo bench --bench formats                 print the figures
//!     cargo bench --bench formats -- --check      fail where a bound does not hold
//!
//! Time is the processor's for this thread, and the median of several runs counts: neighbours on the machine take no part
//! in it. Memory is what a format holds at most while it writes, the report not counted: an inventory is never held twice.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unsafe_code,
    reason = "a bench counts allocations, prints its figures and fails by panicking"
)]

#[expect(dead_code, reason = "rules are for the other bench")]
mod made;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};
use std::time::Duration;

use interdict::emit::saved::read;
use interdict::emit::{Can, FORMATS, Form, Look};
use interdict::model::{HostPath, Inventory, InventoryItem, Report};
use interdict::normalise::item_id;

const ITEMS: usize = 10_000;
const RUNS: usize = 9;
const TIME_BOUND: Duration = Duration::from_millis(150);
/// What a format may hold beside the report. The inventory itself takes many times as much.
const MEMORY_BOUND: usize = 1 << 20;
/// Formats whose files people open, and how many bytes such a file may have.
const SIZE_BOUNDS: &[(&str, usize)] = &[("html", 4_000_000)];
const LOOK: Look = Look { width: 100, colour: false, terminal: false, bom: false };

/// Bytes that are held, and the most there were, counted for one thread while they are asked for.
struct Counting;

static HELD: AtomicIsize = AtomicIsize::new(0);
static MOST: AtomicIsize = AtomicIsize::new(0);
static COUNTS: AtomicBool = AtomicBool::new(false);

fn count(bytes: isize) {
    if COUNTS.load(Ordering::Relaxed) {
        let held = HELD.fetch_add(bytes, Ordering::Relaxed) + bytes;
        MOST.fetch_max(held, Ordering::Relaxed);
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is handed on as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

/// The most bytes that were held at once.
fn most(run: impl FnOnce()) -> usize {
    HELD.store(0, Ordering::Relaxed);
    MOST.store(0, Ordering::Relaxed);
    COUNTS.store(true, Ordering::Relaxed);
    run();
    COUNTS.store(false, Ordering::Relaxed);
    MOST.load(Ordering::Relaxed).cast_unsigned()
}

/// What this thread has had of a processor.
fn processor() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap())
}

/// A file that nobody keeps.
#[derive(Default)]
struct Bytes(usize);

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A golden report with the inventory of a large host.
fn report() -> Report {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/formats/non-compliant.json");
    let mut report = read(&fs::read(golden).unwrap()).unwrap().reports.remove(0);
    let pattern = report.inventory.as_ref().unwrap()[0].sightings[0].clone();
    let seen = |mut item: interdict::model::Item| {
        item.id = item_id(&item);
        let mut sighting = pattern.clone();
        sighting.place.record = Some(format!("{} {}", item.kind.word(), item.name));
        if let Some(path) = &item.path {
            sighting.place.path = HostPath::from(path.replace("{home}", "/home/alice").as_str());
        }
        InventoryItem { item, sightings: vec![sighting] }
    };
    let items: Vec<_> = made::items(ITEMS).into_iter().map(seen).collect();
    report.items = items.len();
    report.inventory = Some(items);
    report
}

/// The same, without judgement.
fn inventory(report: Report) -> Inventory {
    Inventory {
        schema: interdict::model::INVENTORY_SCHEMA.into(),
        tool: report.tool,
        scanned_at: report.scanned_at,
        elapsed_ms: report.elapsed_ms,
        host: report.host,
        depth: Some(report.claim.depth),
        coverage: report.coverage,
        items: report.inventory.unwrap(),
    }
}

/// Measures one format and prints its figures; whether they hold.
fn holds(form: &Form, what: &str, write: impl Fn(&mut dyn Write) -> io::Result<()>) -> bool {
    let run = || {
        let mut out = BufWriter::with_capacity(1 << 16, Bytes::default());
        write(&mut out).unwrap();
        out.flush().unwrap();
        out.get_ref().0
    };
    let mut bytes = 0;
    let held = most(|| bytes = run());
    let mut times: Vec<_> = (0..RUNS)
        .map(|_| {
            let began = processor();
            run();
            processor().saturating_sub(began)
        })
        .collect();
    times.sort_unstable();
    let median = times[RUNS / 2];
    let room = SIZE_BOUNDS.iter().find(|(name, _)| *name == form.name).map_or(usize::MAX, |(_, room)| *room);
    let good = median < TIME_BOUND && held < MEMORY_BOUND && bytes < room;
    println!(
        "{:12} {what:9} {:6.1} ms   holds {:5} KB   writes {:6} KB{}",
        form.name,
        median.as_secs_f64() * 1e3,
        held >> 10,
        bytes >> 10,
        if good { "" } else { "   BROKEN" }
    );
    good
}

fn main() -> ExitCode {
    let report = report();
    println!(
        "{ITEMS} items; bounds: {} ms, {} KB held, {SIZE_BOUNDS:?} bytes written",
        TIME_BOUND.as_millis(),
        MEMORY_BOUND >> 10
    );
    let mut good = true;
    for format in FORMATS {
        good &=
            holds(format.form(), "report", |out| format.reports(std::slice::from_ref(&report), &LOOK, out));
    }
    let inventory = inventory(report);
    for format in FORMATS.iter().filter(|format| format.form().can(Can::Inventories)) {
        let all = std::slice::from_ref(&inventory);
        good &= holds(format.form(), "inventory", |out| format.inventories(all, &LOOK, out));
    }
    let check = std::env::args().any(|argument| argument == "--check");
    if good || !check { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
