//! The engine and the loading of rules: items against thousands of indicators, on one core, folding included.
//!
//!     cargo bench --bench engine                 print the figures
//!     cargo bench --bench engine -- --check      fail where a bound does not hold
//!
//! What a whole scan takes: `benches/peers.py`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench fails by panicking")]
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(unsafe_code, reason = "an allocator that counts")]

mod made;

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};
use std::time::{Duration, Instant};

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

use interdict::matching::Engine;
use interdict::model::{Family, Item};
use interdict::ruleset::{Loaded, Ruleset, built_in, of_text};
use made::Mix;

const ITEMS: usize = 10_000;
/// A catalogue, and what it would be with a list of every package of a vendor's feed.
const CATALOGUE: (usize, Mix) = (2_000, Mix { exact: 80, open: 15 });
const FEED: (usize, Mix) = (100_000, Mix { exact: 95, open: 3 });
/// The rule files of some sixty vendors and policies.
const CATALOGUE_BYTES: usize = 600_000;

/// Every item against the catalogue.
const MATCH_BOUND: Duration = Duration::from_millis(20);
/// Every item against fifty times as many indicators.
const FEED_BOUND: Duration = Duration::from_millis(100);
/// The index of the feed.
const BUILD_BOUND: Duration = Duration::from_secs(1);
const INDEX_KB: u32 = 64 << 10;
/// The catalogue from its text.
const LOAD_BOUND: Duration = Duration::from_millis(25);
/// The fastest of so many runs counts: the others are what neighbours on the machine took.
const RUNS: usize = 150;
/// The same for those that need rules that were never asked.
const FRESH: usize = 5;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--check") {
        return if check() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    divan::main();
    ExitCode::SUCCESS
}

/// Bytes that are held, counted beside the system's allocator while they are asked for: counting takes time.
struct Counting;

static HELD: AtomicIsize = AtomicIsize::new(0);
static COUNTS: AtomicBool = AtomicBool::new(false);

fn count(bytes: isize) {
    if COUNTS.load(Ordering::Relaxed) {
        HELD.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// What is made, and the kilobytes that it holds.
fn held<T>(make: impl FnOnce() -> T) -> (T, u32) {
    let before = HELD.load(Ordering::Relaxed);
    COUNTS.store(true, Ordering::Relaxed);
    let one = make();
    COUNTS.store(false, Ordering::Relaxed);
    (one, u32::try_from((HELD.load(Ordering::Relaxed) - before) / 1_024).unwrap())
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

fn load(files: &[(String, String)]) -> Loaded {
    let borrowed: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    of_text(&borrowed)
}

fn ruleset((indicators, mix): (usize, Mix)) -> Ruleset {
    load(&made::rules(indicators, mix)).ruleset.unwrap()
}

fn all_hits(engine: &Engine<'_>, items: &[Item]) -> usize {
    items.iter().map(|item| engine.item_hits(black_box(item)).len()).sum()
}

/// The fastest of some runs.
fn fastest(mut run: impl FnMut()) -> Duration {
    let one = |_| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..RUNS).map(one).min().unwrap_or_default()
}

/// Prints every figure beside its bound; whether all hold.
fn check() -> bool {
    let mut good = true;
    let mut say = |what: &str, is: f64, bound: f64, unit: &str| {
        let holds = is < bound;
        println!("{what:40} {is:8.1} {unit}   (bound {bound} {unit}){}", if holds { "" } else { "  BROKEN" });
        good &= holds;
    };
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let items = made::items(ITEMS);
    for (name, rules, bound) in [("catalogue", CATALOGUE, MATCH_BOUND), ("feed", FEED, FEED_BOUND)] {
        let runs: Vec<Run> = (0..FRESH).map(|_| run(rules, &items)).collect();
        let fastest = |of: fn(&Run) -> Duration| runs.iter().map(of).min().unwrap();
        let held = runs.iter().map(|run| run.held).max().unwrap();
        say(
            &format!("{ITEMS} items x {} indicators", rules.0),
            millis(fastest(|run| run.matched)),
            millis(bound),
            "ms",
        );
        say(
            &format!("index of the {name}, built"),
            millis(fastest(|run| run.built)),
            millis(BUILD_BOUND),
            "ms",
        );
        say(&format!("index of the {name}, held"), f64::from(held), f64::from(INDEX_KB), "KB");
    }
    let files = made::catalogue(CATALOGUE_BYTES);
    let took = fastest(|| assert!(load(&files).ruleset.is_some()));
    say("the catalogue, loaded", millis(took), millis(LOAD_BOUND), "ms");
    good
}

struct Run {
    built: Duration,
    matched: Duration,
    /// Kilobytes of the index.
    held: u32,
}

/// Rules that no item met yet: what is compiled when it is first asked is compiled here.
fn run(rules: (usize, Mix), items: &[Item]) -> Run {
    let rules = ruleset(rules);
    let start = Instant::now();
    let (engine, held) = held(|| Engine::new(&rules, Family::Linux));
    let built = start.elapsed();
    let start = Instant::now();
    let hits = all_hits(&engine, items);
    let matched = start.elapsed();
    assert!(hits >= ITEMS / 1_000, "{hits} hits: nothing would be measured");
    Run { built, matched, held }
}

fn match_items(bencher: Bencher<'_, '_>, rules: (usize, Mix)) {
    let rules = ruleset(rules);
    let (engine, items) = (Engine::new(&rules, Family::Linux), made::items(ITEMS));
    bencher.counter(ItemsCount::new(ITEMS)).bench(|| all_hits(&engine, &items));
}

#[divan::bench]
fn match_items_with_the_catalogue(bencher: Bencher<'_, '_>) {
    match_items(bencher, CATALOGUE);
}

#[divan::bench]
fn match_items_with_the_feed(bencher: Bencher<'_, '_>) {
    match_items(bencher, FEED);
}

#[divan::bench]
fn build_the_index_of_the_feed(bencher: Bencher<'_, '_>) {
    let rules = ruleset(FEED);
    bencher.bench(|| Engine::new(&rules, Family::Linux));
}

#[divan::bench]
fn fold_items(bencher: Bencher<'_, '_>) {
    let items = made::items(ITEMS);
    bencher.counter(ItemsCount::new(ITEMS)).bench(|| {
        for item in &items {
            black_box(interdict::ruleset::indicator::Folded::new(black_box(item)));
        }
    });
}

#[divan::bench]
fn load_the_catalogue(bencher: Bencher<'_, '_>) {
    let files = made::catalogue(CATALOGUE_BYTES);
    bencher.bench(|| load(&files).files);
}

#[divan::bench]
fn load_the_built_in_rules() -> usize {
    built_in().files
}

/// What no loading can be faster than.
#[divan::bench]
fn parse_the_catalogue_as_toml(bencher: Bencher<'_, '_>) {
    let files = made::catalogue(CATALOGUE_BYTES);
    bencher.bench(|| {
        files.iter().map(|(_, text)| toml::de::DeTable::parse(text).unwrap().get_ref().len()).sum::<usize>()
    });
}
