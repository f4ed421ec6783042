//! Tests over all three formats: the corpora, and what a sniff says. Also the helpers that
//! the formats' own tests share.
#![expect(clippy::disallowed_methods, reason = "tests read their corpora directly")]

use super::*;
use crate::parse::rpm_header;
use std::path::PathBuf;

#[path = "../../tests/support/rpmdb_writer.rs"]
pub(crate) mod writer;

/// Everything a reader hands out, and its faults.
pub(crate) type Found = (Vec<(u32, Vec<u8>)>, Vec<Fault>);

/// Runs a reader into a list.
pub(crate) fn collect(run: impl FnOnce(&mut Visit<'_>) -> Vec<Fault>) -> Found {
    let mut found = Vec::new();
    let faults = run(&mut |number, blob| {
        found.push((number, blob.to_vec()));
        ControlFlow::Continue(())
    });
    found.sort();
    (found, faults)
}

/// Headers of very different lengths, the third longer than any page.
pub(crate) fn blobs() -> Vec<Vec<u8>> {
    let mut out: Vec<Vec<u8>> = (0..40)
        .map(|n| writer::HeaderBuilder::package(&format!("package-{n}"), "1.0", "1", "noarch").build())
        .collect();
    let long = "x".repeat(70_000);
    out[2] = writer::HeaderBuilder::package("long", "1.0", "1", "noarch").string(1005, &long).build();
    out
}

/// The blobs numbered as a database numbers them.
pub(crate) fn numbered(blobs: &[Vec<u8>]) -> Vec<(u32, Vec<u8>)> {
    (1..).zip(blobs.iter().cloned()).collect()
}

/// A small random sequence that is the same in every run (Knuth's LCG).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

/// Cuts and flips: no panic, and a cut that loses a record has a fault.
pub(crate) fn torture(file: &[u8], read: &dyn Fn(&[u8]) -> Found) {
    let (whole, faults) = read(file);
    assert_eq!(faults, [], "the sound file");
    let mut dice = Dice(file.len() as u64);
    let cuts = (0..300).map(|n| n * 7).chain((0..300).map(|_| dice.below(file.len())).collect::<Vec<_>>());
    for cut in cuts.filter(|&cut| cut < file.len()) {
        let (found, faults) = read(&file[..cut]);
        assert!(!faults.is_empty() || found == whole, "cut at {cut}: records lost in silence");
        assert!(found.iter().all(|record| whole.contains(record)), "cut at {cut}: records made up");
    }
    let mut damaged = file.to_vec();
    for _ in 0..600 {
        let area = if dice.below(2) == 0 { file.len() } else { file.len().min(9000) };
        let at = dice.below(area);
        let before = damaged[at];
        damaged[at] = if dice.below(3) == 0 { 0xff } else { before ^ (1 << dice.below(8)) };
        let _ = read(&damaged);
        damaged[at] = before;
    }
}

fn corpora() -> Option<PathBuf> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent()?.join("shared/corpora/rpmdb");
    if dir.is_dir() {
        Some(dir)
    } else {
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: no corpora at {}", dir.display());
        }
        None
    }
}

/// (name, epoch, version, release, arch, vendor, source), as `rpm -qa` prints an absent one.
fn row(blob: &[u8]) -> [String; 8] {
    let out = rpm_header::read(blob);
    assert_eq!(out.faults, []);
    let mut lists = 0;
    assert_eq!(
        rpm_header::files(blob, &mut |_, _| {
            lists += 1;
            ControlFlow::Continue(())
        }),
        []
    );
    assert!(lists > 0);
    let header = out.records[0].clone();
    let or_none = |field: Option<String>| field.unwrap_or_else(|| "(none)".to_owned());
    [
        header.name,
        or_none(header.epoch.map(|epoch| epoch.to_string())),
        or_none(header.version),
        or_none(header.release),
        or_none(header.arch),
        or_none(header.vendor),
        or_none(header.size.map(|size| size.to_string())),
        or_none(header.source_rpm),
    ]
}

#[test]
fn corpora_come_out_exactly() {
    let Some(dir) = corpora() else { return };
    let cases = [
        ("centos6-bdb", "Packages", Backend::BerkeleyDb),
        ("epoch-bdb", "Packages", Backend::BerkeleyDb),
        ("libuuid-bdb", "Packages", Backend::BerkeleyDb),
        ("ndb", "Packages.db", Backend::Ndb),
        ("fedora33-sqlite", "rpmdb.sqlite", Backend::Sqlite),
    ];
    for (case, file, backend) in cases {
        let bytes = std::fs::read(dir.join(case).join(file)).unwrap();
        let bytes = bytes.as_slice();
        assert_eq!(Backend::sniff(&bytes), Some(backend), "{case}");
        let (found, faults) = collect(|visit| headers(backend, &bytes, None, visit));
        assert_eq!(faults, [], "{case}");
        let mut found: Vec<_> = found.iter().map(|(_, blob)| row(blob)).collect();
        found.sort();
        let expected = std::fs::read_to_string(dir.join(format!("{case}.expected.json"))).unwrap();
        let expected: Vec<serde_json::Value> = serde_json::from_str(&expected).unwrap();
        let keys = ["name", "epoch", "version", "release", "arch", "vendor", "size", "sourcerpm"];
        let mut want: Vec<_> =
            expected.iter().map(|one| keys.map(|key| one[key].as_str().unwrap().to_owned())).collect();
        want.sort();
        assert_eq!(found, want, "{case}");
    }
}

#[test]
fn unknown_files_have_no_backend() {
    for bytes in [&b""[..], b"RpmX", b"SQLite format 2\0", &[0; 64]] {
        assert_eq!(Backend::sniff(&bytes), None);
    }
    assert_eq!(Backend::sniff(&writer::ndb(&[]).as_slice()), Some(Backend::Ndb));
    assert_eq!(Backend::sniff(&writer::bdb(true, 512, &[]).as_slice()), Some(Backend::BerkeleyDb));
}

/// Writes `fuzz/seeds` anew: `cargo test --lib write_seeds -- --ignored`.
#[test]
#[ignore = "writes into the source tree, when a format's writer changed"]
fn write_seeds() {
    let seeds = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let save = |target: &str, name: &str, bytes: &[u8]| {
        std::fs::create_dir_all(seeds.join(target)).unwrap();
        std::fs::write(seeds.join(target).join(name), bytes).unwrap();
    };
    let header = |name: &str| {
        let header = writer::HeaderBuilder::package(name, "1.0", "1", "noarch").ints(1003, &[2]);
        header.string(1011, "Vendor").files(&["/usr/", "/opt/"], &[(0, "a"), (1, "b")]).build()
    };
    let old = writer::HeaderBuilder::package("old", "1", "1", "i386").strings(1027, &["/bin/old"]);
    save("rpm_header", "new", &header("new"));
    save("rpm_header", "old", &old.build());
    let two = [header("one"), [header("two"), vec![b'x'; 900]].concat()];
    save("rpm_ndb", "two", &writer::ndb(&two));
    save("rpm_bdb", "little", &writer::bdb(false, 512, &two));
    save("rpm_bdb", "big", &writer::bdb(true, 512, &two));
    let with_log = |pragmas: &str| {
        let db = crate::parse::sqlite::tests::Fixture::new(&format!("PRAGMA page_size=512; {pragmas}"));
        db.add(1..12);
        let main = db.bytes("db");
        let log = if pragmas.contains("WAL") { db.bytes("db-wal") } else { Vec::new() };
        [u32::try_from(main.len()).unwrap().to_be_bytes().to_vec(), main, log].concat()
    };
    save("sqlite", "plain", &with_log(""));
    save("sqlite", "utf16", &with_log("PRAGMA encoding='UTF-16le'"));
    save("sqlite", "log", &with_log("PRAGMA journal_mode=WAL"));
}
