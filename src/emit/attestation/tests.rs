//! Tests of the pack: which files, of which bytes, in which order.

use super::*;
use crate::emit::saved::read;

const GOLDEN: &[u8] = include_bytes!("../../../tests/formats/non-compliant.json");
const OTHER: &[u8] = include_bytes!("../../../tests/formats/compliant.json");

fn given(bytes: &[u8]) -> Given {
    Given { bytes: bytes.to_vec(), reports: read(bytes).unwrap().reports }
}

fn pack(files: &[&[u8]]) -> Pack {
    Pack::new(files.iter().map(|bytes| given(bytes)).collect()).unwrap()
}

fn text<'p>(pack: &'p Pack, name: &str) -> &'p str {
    str::from_utf8(&pack.files()[name]).unwrap()
}

#[test]
fn a_pack_holds_the_report_as_it_was_given() {
    let odd = [b"\xef\xbb\xbf", GOLDEN, b"\n\n"].concat();
    let pack = pack(&[&odd]);
    assert_eq!(pack.files()["report.json"], odd);
    let names: Vec<&str> = pack.files().keys().map(String::as_str).collect();
    for name in ["README.txt", SUMS, ABOUT, COVERAGE, "report.csv", "report.json", "report.txt"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(!names.contains(&SIGNATURE));
    let html = names.contains(&"report.html");
    assert_eq!(html, format("html").is_some(), "every form that there is");
}

#[test]
fn the_list_covers_every_file_but_itself() {
    let mut pack = pack(&[GOLDEN]);
    let list: Vec<String> = text(&pack, SUMS).lines().map(str::to_owned).collect();
    assert_eq!(list.len(), pack.files().len() - 1);
    for line in &list {
        let (sum, name) = line.split_once("  ").unwrap();
        assert_eq!(sum, sha256(&pack.files()[name]), "{name}");
    }
    let before = pack.sums().to_vec();
    pack.sign(b"signature".to_vec());
    assert_eq!(pack.sums(), before);
    assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn what_is_in_it_is_told() {
    let pack = pack(&[GOLDEN]);
    let about = Attestation::read(&pack.files()[ABOUT]).unwrap();
    assert_eq!(&about, pack.attestation());
    let (one, report) = (&about.reports[0], &given(GOLDEN).reports[0]);
    assert_eq!((about.reports.len(), &one.ruleset, one.verdict), (1, &report.ruleset, report.verdict));
    assert_eq!(one.sha256, sha256(GOLDEN));
    assert_eq!(about.files(), ["report.json"]);
    let coverage = text(&pack, COVERAGE);
    let sources = coverage.lines().filter(|line| line.starts_with("source,")).count();
    assert_eq!(sources, report.coverage.sources.len());
    assert!(coverage.contains("\r\ngap,") && coverage.contains("\r\nverdict,"), "{coverage}");
    for wrong in ["interdict.attestation/2", "interdict.attestation/10", "x"] {
        let other = text(&pack, ABOUT).replace(SCHEMA, wrong);
        assert!(Attestation::read(other.as_bytes()).unwrap_err().contains(wrong));
    }
    assert!(
        Attestation::read(text(&pack, ABOUT).replace(SCHEMA, "interdict.attestation/1.3").as_bytes()).is_ok()
    );
}

#[test]
fn many_reports_have_names_in_their_order() {
    let files: Vec<&[u8]> = [GOLDEN, OTHER].into_iter().cycle().take(11).collect();
    let pack = pack(&files);
    let about = pack.attestation();
    assert_eq!(
        (about.files()[0], about.files()[10], about.files().len()),
        ("report-01.json", "report-11.json", 11)
    );
    assert!(about.files().is_sorted());
    let list = [b"[", GOLDEN, b",", OTHER, b"]"].concat();
    assert_eq!(pack_of_list(&list).attestation().files(), ["report.json"]);
    assert_eq!(pack_of_list(&list).attestation().reports.len(), 2);
}

fn pack_of_list(list: &[u8]) -> Pack {
    pack(&[list])
}

#[test]
fn the_comment_that_is_signed_is_one_line_of_ascii() {
    let mut one = given(GOLDEN);
    one.reports[0].host.name = Some("p\u{e9}\tc\n\u{202e}\u{1b}".to_owned());
    let comment = Pack::new(vec![one]).unwrap().trusted_comment();
    assert!(comment.is_ascii() && !comment.contains(['\n', '\u{1b}']), "{comment}");
    assert_eq!(comment.matches('\t').count(), 4, "{comment}");
    let several = pack(&[GOLDEN, OTHER]).trusted_comment();
    assert!(several.contains("report:2 in attestation.json\t"), "{several}");
    let mut long = given(GOLDEN);
    long.reports[0].host.name = Some("x".repeat(1 << 16));
    assert!(Pack::new(vec![long]).unwrap().trusted_comment().len() < 1000);
}

#[test]
fn the_same_reports_make_the_same_bytes() {
    let write = |files: &[&[u8]]| {
        let mut out = Vec::new();
        pack(files).write(&mut out).unwrap();
        out
    };
    assert_eq!(write(&[GOLDEN]), write(&[GOLDEN]));
    assert_ne!(write(&[GOLDEN]), write(&[OTHER]));
}
