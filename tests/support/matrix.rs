//! The laws of the fault matrices, one for every system: each source has a disk on which it alone can see the prohibited
//! thing; sound, it is found; missing, unreadable, cut or filled with noise, it is never `compliant`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use interdict::model::Family;
use interdict::sources::SOURCES;

use super::blind::{self, Bench, noise, source_of};
use super::{Root, Run, scan_as_nobody, skip};

/// A disk that a test lays out.
pub trait Disk: 'static {
    /// Of a system as it is installed, with one user.
    fn workstation() -> Self;
    /// Writes it.
    fn build(self) -> Root;
    /// A path below the root as a report in JSON shows it.
    fn shown(path: &str) -> String;
}

/// A disk on which one source alone can see the prohibited thing.
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of the case, and most cases say none")]
pub struct Case<D: 'static> {
    /// The source.
    pub source: &'static str,
    /// Lays it out.
    pub lay_out: fn(&mut D),
    /// The file that is cut and filled with noise.
    pub record: &'static str,
    /// What is made unreadable.
    pub deny: &'static str,
    /// Whether the system's own record says that it must exist.
    pub must_exist: bool,
    /// Whether the thing can be seen on a dead disk at all.
    pub offline: bool,
    /// Whether such records count, or are leftovers and history only.
    pub counts: bool,
    /// Whether any bytes are a sound record: the thing is known by its name and place.
    pub any_bytes: bool,
    /// Sources that see the same thing by their nature (the programs of a bundle are executables too).
    pub beside: &'static [&'static str],
}

impl<D> Case<D> {
    /// What a case need not say.
    pub const PLAIN: Self = Self {
        source: "",
        lay_out: |_| {},
        record: "",
        deny: "",
        must_exist: false,
        offline: true,
        counts: true,
        any_bytes: false,
        beside: &[],
    };
}

/// The cases of one system.
pub struct Matrix<D: 'static> {
    pub family: Family,
    /// Rules that prohibit one name in every kind, so that every source is needed.
    pub vendor: &'static str,
    pub cases: Vec<&'static Case<D>>,
    /// Sources whose faults other tests lay out.
    pub seen_elsewhere: &'static [&'static str],
}

impl<D: Disk> Matrix<D> {
    /// The cases that a dead disk can hold.
    pub fn cases(&self) -> impl Iterator<Item = &'static Case<D>> {
        self.cases.iter().copied().filter(|case| case.offline)
    }

    /// The disk of a case, and the rules.
    pub fn laid_out(&self, case: &Case<D>) -> Bench {
        let mut disk = D::workstation();
        (case.lay_out)(&mut disk);
        Bench::new(self.vendor, disk.build())
    }

    /// A source without a case is forgotten, a case without a source tests nothing.
    pub fn is_whole(&self) {
        for about in SOURCES.iter().map(|source| source.about()) {
            let known = self.cases.iter().any(|case| case.source == about.name);
            let elsewhere = self.seen_elsewhere.contains(&about.name);
            assert!(
                known || elsewhere || !about.families.contains(&self.family),
                "{} has no case here",
                about.name
            );
        }
        for case in &self.cases {
            let known = SOURCES.iter().any(|source| source.about().name == case.source);
            assert!(known, "no source {}", case.source);
        }
    }

    /// Nothing is broken, and nothing but the source of the case sees the thing.
    pub fn sound_records_are_found(&self) {
        for case in self.cases() {
            let run = self.laid_out(case).scan();
            assert_eq!(run.code, i32::from(case.counts), "{}: {}", case.source, run.stdout);
            let finding =
                run.finding("test.thing").unwrap_or_else(|| panic!("{}: {}", case.source, run.stdout));
            let evidence = finding["evidence"].as_array().unwrap();
            let mut sources: Vec<&str> = evidence
                .iter()
                .filter_map(|found| found["source"].as_str())
                .filter(|one| !case.beside.contains(one))
                .collect();
            sources.dedup();
            assert_eq!(sources, [case.source], "only it sees the thing: {finding:#}");
        }
    }

    /// What the system says must exist is not there.
    pub fn missing(&self) {
        for case in self.cases().filter(|case| case.must_exist) {
            let bench = self.laid_out(case);
            fs::remove_file(bench.root.at(case.record)).unwrap();
            never_silent(case, &bench.scan(), "missing");
        }
    }

    /// Mode 000, to a user without rights: reason and place are told.
    pub fn unreadable(&self) {
        for case in self.cases() {
            let bench = self.laid_out(case);
            let path = bench.root.at(case.deny);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
            let run = scan_as_nobody(&bench.args());
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            let Some(run) = run else { return skip("no user without rights to try") };
            never_silent(case, &run, "mode 000");
            let gaps = source_of(&run.json(), case.source)["gaps"].to_string();
            assert!(gaps.contains("permission-denied"), "{} says why: {gaps}", case.source);
            let place = D::shown(case.deny).to_lowercase();
            assert!(gaps.to_lowercase().contains(&place), "{} names the place {place}: {gaps}", case.source);
        }
    }

    /// Cut at every tenth.
    pub fn truncated(&self) {
        for case in self.cases().filter(|case| !case.any_bytes) {
            let bench = self.laid_out(case);
            let whole = record(&bench, case);
            for tenth in 0..10 {
                let run = with_record(&bench, case, &whole[..whole.len() * tenth / 10]);
                never_silent(case, &run, &format!("{tenth} tenths"));
            }
        }
    }

    /// Noise in place of the record.
    pub fn garbage(&self) {
        for case in self.cases().filter(|case| !case.any_bytes) {
            let bench = self.laid_out(case);
            never_silent(case, &with_record(&bench, case, &noise(4096)), "garbage");
        }
    }

    /// Arguments of what is started may hold passwords.
    pub fn secrets_are_nowhere(&self) {
        for case in self.cases() {
            assert!(!self.laid_out(case).scan().stdout.contains("secret"), "{}", case.source);
        }
    }
}

/// The record of a case as it lies on its disk.
pub fn record<D>(bench: &Bench, case: &Case<D>) -> Vec<u8> {
    fs::read(bench.root.at(case.record)).unwrap()
}

/// A scan with other bytes for a record.
pub fn with_record<D>(bench: &Bench, case: &Case<D>, bytes: &[u8]) -> Run {
    fs::write(bench.root.at(case.record), bytes).unwrap();
    bench.scan()
}

/// Exit 0 only where the records of the case never count; and even then it is told.
pub fn never_silent<D>(case: &Case<D>, run: &Run, what: &str) {
    let at = format!("{what} of {} ({})", case.source, case.record);
    blind::never_silent(case.source, case.counts, run, &at);
}
