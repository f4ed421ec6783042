//! What a scan spends its time on, piece by piece: reading a status database, folding, ids, matching, judging.
//!
//! `cargo bench`. Whole scans against other programs: `benches/peers.py`.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

#[path = "../tests/support/hive.rs"]
mod hive;

use std::ops::ControlFlow;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};

use interdict::matching::Engine;
use interdict::model::{Family, InventoryItem, ItemKind, Place, Scheme, State, Trace, Version};
use interdict::normalise::{Places, fold, gather};
use interdict::parse::dpkg::{End, status};
use interdict::parse::regf::Hive;
use interdict::parse::registry_value::RegistryValue;
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
    gather(vec![("dpkg", traces)], Places { users: &[], aliases: &[] }).linked(&|_| Vec::new())
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

/// Uninstall entries of a large workstation.
const UNINSTALL: usize = 5000;

fn software() -> Vec<u8> {
    let mut builder = hive::HiveBuilder::new();
    for n in 0..UNINSTALL {
        let path = format!("Microsoft\\Windows\\CurrentVersion\\Uninstall\\{{0000-{n:08x}-0000}}");
        for (name, text) in [
            ("DisplayName", format!("Something of somebody {n}")),
            ("DisplayVersion", format!("1.{n}.0")),
            ("Publisher", "Somebody Ltd.".to_owned()),
            ("InstallLocation", format!("C:\\Program Files\\Somebody\\Something {n}\\")),
        ] {
            builder.set(&path, name, RegistryValue::sz(&text));
        }
        builder.set(&path, "EstimatedSize", RegistryValue::dword(17));
    }
    builder.build()
}

/// Opens the hive and reads every child of the uninstall key with five values.
fn entries(bytes: &[u8]) -> usize {
    let hive = Hive::open(bytes, vec![]).unwrap();
    let key = hive.find("Microsoft\\Windows\\CurrentVersion\\Uninstall").unwrap().unwrap();
    let mut read = 0;
    let visited = hive.children(&key, &mut |child| {
        hive.values(&child.unwrap(), &mut |value| read += value.unwrap().1.data.len()).unwrap();
        ControlFlow::Continue(())
    });
    visited.unwrap();
    read
}

#[divan::bench]
fn read_uninstall_keys(bencher: Bencher<'_, '_>) {
    let bytes = software();
    bencher.counter(ItemsCount::new(UNINSTALL)).bench(|| entries(black_box(&bytes)));
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
