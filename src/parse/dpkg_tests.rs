//! Tests of the dpkg status reader.

use super::*;

const GOOD: &[u8] = b"Package: kesl\nStatus: install ok installed\nMaintainer: AO Kaspersky Lab\n\
Architecture: amd64\nMulti-Arch: foreign\nSource: kesl-src (12.1-1)\nVersion: 12.1-2\n\
Conffiles:\n /etc/kesl 0123\nDescription: x\n Version: not a field\n .\nHomepage: https://k.example\n\n";

fn faults(bytes: &[u8], end: End) -> Vec<String> {
    status(bytes, end).faults.iter().map(ToString::to_string).collect()
}

#[test]
fn a_sound_stanza_in_full() {
    let got = status(GOOD, End::Strict);
    assert_eq!(got.faults, []);
    let [one] = &got.records[..] else { panic!("{got:?}") };
    assert_eq!(one.line, 1);
    assert_eq!(one.name(), "kesl");
    assert_eq!(one.status, Some(Status::INSTALLED));
    assert_eq!(one.version, Some(&b"12.1-2"[..]));
    assert_eq!(one.maintainer, Some(&b"AO Kaspersky Lab"[..]));
    assert_eq!((one.source_name(), one.source_version()), (&b"kesl-src"[..], Some(&b"12.1-1"[..])));
    assert_eq!(one.multi_arch, Some(&b"foreign"[..]));
    assert_eq!(one.homepage, Some(&b"https://k.example"[..]));
}

#[test]
fn every_word_of_status() {
    for (words, _) in WANTS {
        assert!(Status::read(format!("{words} ok installed").as_bytes()).is_some(), "{words}");
    }
    for (words, _) in FLAGS {
        assert!(Status::read(format!("install {words} installed").as_bytes()).is_some(), "{words}");
    }
    for (words, state) in STATES {
        let got = Status::read(format!("Install OK {words}").as_bytes());
        assert_eq!(got.map(|s| s.state), Some(*state));
    }
    for bad in
        ["", "install ok", "install ok installed more", "install ok frobnicated", "ok install installed"]
    {
        assert_eq!(Status::read(bad.as_bytes()), None, "{bad}");
    }
}

#[test]
fn a_file_cut_anywhere_is_never_whole() {
    let two = [GOOD, GOOD].concat();
    for cut in 1..two.len() {
        let got = status(&two[..cut], End::Strict);
        // A cut on the border between two stanzas is the one that no reader can see.
        assert_eq!(got.faults.is_empty(), cut == GOOD.len(), "cut at {cut}");
        assert!(cut < GOOD.len() || got.records.first() == status(GOOD, End::Strict).records.first());
    }
}

#[test]
fn a_missing_border_keeps_both_packages() {
    let joined = b"Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\
Package: b\nStatus: install ok installed\nVersion: 2\nArchitecture: all\n\n";
    let got = status(joined, End::Strict);
    let names: Vec<_> = got.records.iter().map(StatusRecord::name).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(got.faults.len(), 1);
}

#[test]
fn missing_fields_are_faults_beside_the_record() {
    let no_status = b"Package: a\nVersion: 1\nArchitecture: all\n\n";
    assert_eq!(faults(no_status, End::Strict), ["line 1: a: no readable Status"]);
    assert_eq!(status(no_status, End::Strict).records[0].status, None);
    assert_eq!(status(no_status, End::Lenient).records[0].status, Some(Status::INSTALLED));
    assert_eq!(faults(no_status, End::Lenient), [""; 0]);
    let bare = b"Package: a\nStatus: install ok installed\n\n";
    assert_eq!(faults(bare, End::Strict), ["line 1: a: no Version", "line 1: a: no Architecture"]);
    assert_eq!(faults(b"Package: a\nStatus: unknown ok not-installed\n\n", End::Strict), [""; 0]);
    let nameless = status(b"Status: install ok installed\nVersion: 1\n\n", End::Strict);
    assert!(nameless.records.is_empty());
    assert_eq!(nameless.faults.len(), 1);
}

#[test]
fn status_d_needs_no_end() {
    let got = status(b"Package: base\nVersion: 1\nArchitecture: amd64", End::Lenient);
    assert_eq!((got.records.len(), got.faults.len()), (1, 0));
}

#[test]
fn doubles_keep_the_first_and_complain() {
    let got = status(
        b"Package: a\nstatus: install ok installed\nVersion: 1\nVERSION: 2\nArchitecture: all\n\
Status: purge ok not-installed\n\n",
        End::Strict,
    );
    assert_eq!(got.records[0].version, Some(&b"1"[..]));
    assert_eq!(got.records[0].status, Some(Status::INSTALLED));
    assert_eq!(got.faults.len(), 2);
}

#[test]
fn crlf_comments_and_non_utf8() {
    let crlf = b"Package: a\r\nStatus: install ok installed\r\nVersion: 1\r\nArchitecture: all\r\n\r\n";
    assert_eq!(faults(crlf, End::Lenient), [""; 0]);
    let got = status(crlf, End::Strict);
    assert_eq!(got.records[0].version, Some(&b"1"[..]));
    assert_eq!(got.faults.len(), 2);
    let comment = [b"# note\n", GOOD].concat();
    assert_eq!(faults(&comment, End::Strict).len(), 1);
    assert_eq!(faults(&comment, End::Lenient).len(), 0);
    let latin =
        b"Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nMaintainer: J\xf6rg\n\n";
    let got = status(latin, End::Strict);
    assert_eq!(got.records[0].maintainer, Some(&b"J\xf6rg"[..]));
    assert_eq!(text(got.records[0].maintainer.unwrap()), "J\u{fffd}rg");
}

#[test]
fn zeros_and_garbage_are_faults_and_the_rest_stays() {
    let zeros = [GOOD, &[0; 4096], b"\n", GOOD].concat();
    let got = status(&zeros, End::Strict);
    assert_eq!(got.records.len(), 2);
    assert!(!got.faults.is_empty());
    let armour =
        [&b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"[..], GOOD, b"-----BEGIN PGP\n\nabc=\n"]
            .concat();
    let got = status(&armour, End::Strict);
    assert_eq!(got.records.len(), 1);
    assert!(got.faults.len() >= 3);
    let noise: Vec<u8> = (0..200_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
    let got = status(&noise, End::Strict);
    assert!(!got.faults.is_empty() && got.faults.len() <= super::super::MAX_FAULTS);
}

#[test]
fn a_huge_value_is_clipped() {
    let mut big = b"Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: ".to_vec();
    big.resize(big.len() + (64 << 20), b'9');
    big.extend(b"\n\n");
    let got = status(&big, End::Strict);
    assert_eq!(got.records[0].version.unwrap().len(), super::super::text::MAX_VALUE);
    assert_eq!(got.faults.len(), 1);
}

#[test]
fn list_files_name_paths() {
    let got: Vec<_> = list_paths(b"/.\n/opt\n/opt/a b\n\n/x").collect();
    assert_eq!(got, [&b"/."[..], b"/opt", b"/opt/a b", b"/x"]);
}
