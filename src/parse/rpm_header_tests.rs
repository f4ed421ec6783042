//! Tests of the header reader.

use super::*;
use crate::parse::rpmdb::tests::writer::HeaderBuilder;
use proptest::prelude::*;

fn kesl() -> HeaderBuilder {
    HeaderBuilder::package("kesl", "12.2.0", "2412", "x86_64")
        .string(1011, "AO Kaspersky Lab")
        .raw(1020, 9, 2, b"https://first.example\0https://second.example\0")
        .ints(1003, &[2])
        .ints(1008, &[1_700_000_000])
        .files(&["/opt/kaspersky/kesl/bin/", "/usr/bin/"], &[(0, "kesl-control"), (1, "kesl-control")])
}

fn paths(blob: &[u8]) -> (Vec<String>, Vec<Fault>) {
    let mut found = Vec::new();
    let faults = files(blob, &mut |dir, base| {
        found.push(String::from_utf8_lossy(&[dir, base].concat()).into_owned());
        ControlFlow::Continue(())
    });
    (found, faults)
}

#[test]
fn fields_of_a_sound_header() {
    let out = read(&kesl().build());
    assert_eq!(out.faults, []);
    let header = &out.records[0];
    assert_eq!(header.evr().as_deref(), Some("2:12.2.0-2412"));
    assert_eq!(header.vendor.as_deref(), Some("AO Kaspersky Lab"));
    assert_eq!(header.url.as_deref(), Some("https://first.example"), "of several languages the first");
    assert_eq!(header.install_time, Some(1_700_000_000));
    assert_eq!(header.packager, None);
    assert!(!header.lossy);
}

#[test]
fn later_entry_of_a_tag_holds() {
    let blob = kesl().string(1011, "Another").build();
    assert_eq!(read(&blob).records[0].vendor.as_deref(), Some("Another"));
}

#[test]
fn gpg_pubkey_has_no_arch_and_is_kept() {
    let blob =
        HeaderBuilder::default().string(1000, "gpg-pubkey").string(1001, "9db62fb1").string(1002, "59920156");
    let out = read(&blob.build());
    assert_eq!(out.records[0].arch, None);
    assert_eq!(out.faults, []);
}

#[test]
fn non_utf8_is_mended_and_flagged() {
    let out = read(&kesl().raw(1011, 6, 1, b"Soci\xe9t\xe9\0").build());
    assert_eq!(out.records[0].vendor.as_deref(), Some("Soci\u{fffd}t\u{fffd}"));
    assert!(out.records[0].lossy);
}

#[test]
fn paths_are_streamed_in_both_styles() {
    let want = ["/opt/kaspersky/kesl/bin/kesl-control", "/usr/bin/kesl-control"];
    assert_eq!(paths(&kesl().build()), (want.map(str::to_owned).to_vec(), vec![]));
    let old = HeaderBuilder::package("old", "1", "1", "i386").strings(1027, &["/bin/old", "relative"]);
    assert_eq!(paths(&old.build()).0, ["/bin/old", "relative"]);
    assert_eq!(paths(&HeaderBuilder::package("none", "1", "1", "noarch").build()), (vec![], vec![]));
}

#[test]
fn broken_file_lists_are_faults() {
    let base = HeaderBuilder::package("a", "1", "1", "noarch");
    let beyond = base.clone().files(&["/"], &[(0, "x"), (7, "y")]).build();
    let (found, faults) = paths(&beyond);
    assert_eq!((found.len(), faults.len()), (1, 1));
    let uneven = base.clone().ints(1116, &[0]).strings(1117, &["x", "y"]).strings(1118, &["/"]).build();
    assert_eq!(paths(&uneven).1.len(), 1);
    let lying = base.ints(1116, &[0, 0]).strings(1118, &["/"]).raw(1117, 8, 2, b"x\0").build();
    assert!(!paths(&lying).1.is_empty());
}

#[test]
fn visitor_may_break_off() {
    let mut calls = 0;
    let faults = files(&kesl().build(), &mut |_, _| {
        calls += 1;
        ControlFlow::Break(())
    });
    assert_eq!((calls, faults), (1, vec![]));
}

#[test]
fn nonsense_is_refused() {
    for blob in [&b""[..], b"\0\0\0\x01", &[0xff; 64]] {
        let out = read(blob);
        assert!(out.records.is_empty() && !out.faults.is_empty());
    }
    let nameless = HeaderBuilder::default().string(1001, "1").build();
    assert!(read(&nameless).records.is_empty());
    let wrong = HeaderBuilder::package("a", "1", "1", "noarch").raw(1003, 6, 1, b"x\0").build();
    assert_eq!((read(&wrong).records.len(), read(&wrong).faults.len()), (1, 1));
}

#[test]
fn every_cut_is_a_fault() {
    let blob = kesl().build();
    for cut in 0..blob.len() {
        assert!(!read(&blob[..cut]).faults.is_empty(), "cut at {cut}");
        assert!(!paths(&blob[..cut]).1.is_empty(), "cut at {cut}");
    }
}

proptest! {
    #[test]
    fn any_bytes_end_without_panic(blob in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = (read(&blob), paths(&blob));
    }

    #[test]
    fn any_flip_ends_without_panic(at in 0_usize..300, byte in any::<u8>()) {
        let mut blob = kesl().build();
        if let Some(hit) = blob.get_mut(at) { *hit = byte; }
        let _ = (read(&blob), paths(&blob));
    }
}
