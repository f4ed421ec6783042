//! What a scan spends its time on, piece by piece: reading a status database, folding, ids, matching, judging.
//!
//! `cargo bench`. Whole scans against other programs: `benches/peers.py`.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};

use interdict::matching::Engine;
use interdict::model::{Family, InventoryItem, ItemKind, Place, Scheme, State, Trace, Version};
use interdict::normalise::{Gathering, Places, fold, gather};
use interdict::parse::dpkg::{End, status};
use interdict::ruleset::{Ruleset, built_in};

fn main() {
    divan::main();
}

/// Packages of a large server.
const PACKAGES: usize = 900;

fn database() -> Vec<u8> {
    let stanza = |n: usize| {
        format!(
            "Package: lib-something-{n}\nStatus: install ok installed\nPriority: optional\nSection: libs\n\
             Installed-Size: {n}\nMaintainer: Somebody of Debian <team{n}@lists.debian.org>\nArchitecture: amd64\n\
             Source: something\nVersion: 1:{n}.2-3+deb12u1\nDepends: libc6 (>= 2.34), libgcc-s1 (>= 3.0)\n\
             Description: a package\n with some lines of text that nobody needs here\n .\n and more of them\n\
             Homepage: https://example.org/{n}\n\n"
        )
    };
    (0..PACKAGES).map(stanza).collect::<String>().into_bytes()
}

fn traces() -> Vec<Trace> {
    let trace = |n: usize| {
        let place = Place::record("/var/lib/dpkg/status".into(), format!("package lib-something-{n}"));
        let mut trace = Trace::new(ItemKind::Package, format!("lib-something-{n}"), State::Installed, place);
        trace.version = Some(Version::new(format!("1:{n}.2-3+deb12u1"), Scheme::Dpkg));
        trace.publisher = Some(format!("Somebody of Debian <team{n}@lists.debian.org>"));
        trace.arch = Some("amd64".to_owned());
        trace
    };
    (0..PACKAGES).map(trace).collect()
}

fn gathered(traces: Vec<Trace>) -> Vec<InventoryItem> {
    gather(Gathering {
        traces: vec![("dpkg", traces)],
        places: Places { users: &[], aliases: &[] },
        owner_of: &|_| Vec::new(),
    })
}

fn rules() -> Ruleset {
    built_in().ruleset.unwrap()
}

#[divan::bench]
fn read_dpkg_status(bencher: Bencher<'_, '_>) {
    let bytes = database();
    bencher
        .counter(BytesCount::new(bytes.len()))
        .bench(|| status(black_box(&bytes), End::Strict).records.len());
}

#[divan::bench(args = ["libreoffice-core", "AO Kaspersky Lab <support@kaspersky.com>", "Лаборатория  Касперского"])]
fn fold_text(text: &str) -> usize {
    fold(black_box(text)).len()
}

#[divan::bench]
fn gather_items(bencher: Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(PACKAGES))
        .with_inputs(traces)
        .bench_values(|traces| gathered(traces).len());
}

#[divan::bench]
fn load_built_in_rules() -> usize {
    rules().indicators().len()
}

#[divan::bench]
fn match_items(bencher: Bencher<'_, '_>) {
    let rules = rules();
    let engine = Engine::new(&rules, Family::Linux);
    let items = gathered(traces());
    let hits = || items.iter().map(|seen| engine.item_hits(&seen.item).len()).sum::<usize>();
    bencher.counter(ItemsCount::new(PACKAGES)).bench(hits);
}
