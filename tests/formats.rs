//! Every format with the golden hosts of `tests/formats`: none may lose the verdict, its claim, or what could not be
//! seen. Hostile text: `formats_hostile.rs`. `INTERDICT_BLESS=1 cargo test --test formats` writes the golden files.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "reads the golden files; a test fails by panicking"
)]

use std::fs;
use std::time::{Duration, Instant};

use golden::{LOOK, golden, place, write};
use interdict::emit::{Can, FORMATS, Form, format, format_of_file};
use interdict::model::{HostPath, Report};

#[path = "support/golden.rs"]
mod golden;

const HOSTS: &[&str] = &["non-compliant", "inconclusive", "compliant"];
/// Text as it reads, whatever the format wraps or escapes.
fn flat(text: &str) -> String {
    let mut unescaped = text.replace("\\\"", "\"").replace('\\', "");
    for (name, letter) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")] {
        unescaped = unescaped.replace(name, letter);
    }
    unescaped.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn no_format_loses_verdict_claim_or_gaps() {
    for host in HOSTS {
        let report = golden(host);
        for format in FORMATS {
            let name = format.form().name;
            let text = flat(&write(*format, std::slice::from_ref(&report), LOOK));
            let lower = text.to_lowercase();
            assert!(lower.contains(report.verdict.word()), "{name} of {host} tells no verdict");
            assert!(text.contains(&flat(&report.claim.text)), "{name} of {host} tells no claim:\n{text}");
            for finding in report.findings.iter().filter(|_| !["prometheus", "csv-items"].contains(&name)) {
                assert!(text.contains(&finding.product), "{name} of {host} loses {}", finding.product);
            }
            let gaps = report.coverage.sources.iter().flat_map(|source| &source.gaps);
            for gap in gaps {
                let told = lower.contains(gap.reason.word()) || lower.contains(gap.reason.words());
                assert!(told, "{name} of {host} loses {gap:?}");
                let place = |path: &HostPath| text.contains(&flat(&path.text()));
                let counts = gap.blocking && name != "prometheus";
                assert!(!counts || gap.places.iter().all(place), "{name} of {host} loses a place of {gap:?}");
            }
            for unseen in report.policies.iter().flat_map(|one| &one.prohibitions).flat_map(|one| &one.unseen)
            {
                let told = text.contains(&flat(&unseen.reason));
                let by_gaps = !unseen.gaps.is_empty() || name == "prometheus";
                assert!(told || by_gaps, "{name} of {host} loses '{}'", unseen.reason);
            }
        }
    }
}

#[test]
fn the_golden_hosts_hold_what_there_is_to_lose() {
    let [bad, open, good] = HOSTS.iter().map(|host| golden(host)).collect::<Vec<_>>().try_into().unwrap();
    let words = [&bad, &open, &good].map(|report: &Report| report.verdict.word());
    assert_eq!(words.as_slice(), HOSTS);
    let gaps = || bad.coverage.sources.iter().flat_map(|source| &source.gaps);
    assert!(gaps().any(|gap| gap.blocking) && gaps().any(|gap| !gap.blocking));
    assert!(bad.findings.iter().any(|finding| finding.decides));
    assert!(bad.findings.iter().any(|finding| !finding.decides));
    let judged = || open.policies.iter().flat_map(|policy| &policy.prohibitions);
    assert!(
        judged().flat_map(|one| &one.unseen).any(|unseen| unseen.source.is_none()),
        "a limit of the question"
    );
    assert!(open.coverage.sources.iter().any(|source| source.status.word() == "failed"));
    assert!(good.policies[0].prohibitions[0].accepted.len() == 2);
    assert!([bad, open, good].iter().all(|report| report.inventory.is_some()));
}

#[test]
fn every_format_is_as_it_was() {
    for host in HOSTS {
        for format in FORMATS {
            let form = format.form();
            let (path, text) =
                (place(&format!("{host}.{}", form.extension)), write(*format, &[golden(host)], LOOK));
            if std::env::var_os("INTERDICT_BLESS").is_some() && form.name != "json" {
                fs::write(&path, &text).unwrap();
            }
            let there = fs::read_to_string(&path).unwrap_or_default();
            let first = there.lines().zip(text.lines()).find(|(there, text)| there != text);
            assert!(there == text, "{} is not as {} writes it; first: {first:#?}", path.display(), form.name);
        }
    }
}

#[test]
fn formats_describe_themselves() {
    let mut names: Vec<_> = FORMATS.iter().map(|format| format.form().name).collect();
    let mut ends: Vec<_> = FORMATS.iter().map(|format| format.form().extension).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    ends.sort_unstable();
    ends.dedup();
    assert_eq!((names.len(), ends.len()), (count, count), "two formats of one name or ending");
    for one in FORMATS {
        let form = one.form();
        let file = format!("report.{}", form.extension);
        assert_eq!(format_of_file(&file).unwrap().form().name, form.name);
        assert_eq!(format(form.name).unwrap().form().name, form.name);
        let refused = one.inventories(&[], &LOOK, &mut Vec::new()).is_err();
        assert_eq!(refused, !form.can(Can::Inventories), "{}", form.name);
    }
    assert!(format_of_file("json").is_none() && format_of_file("report").is_none());
}

/// Whether the parts of a quoted line stand in this order in another.
fn stands(quoted: &str, there: &str) -> bool {
    let mut rest = there;
    quoted.split('…').all(|part| {
        let after = rest.split_once(part).map(|(_, after)| after);
        rest = after.unwrap_or_default();
        after.is_some()
    })
}

/// What docs/formats.md shows of a format is what it writes: every line of a block that bears a format's ending stands in
/// the golden file, but for what `…` leaves out.
#[test]
fn the_page_shows_what_is_written() {
    let page = fs::read_to_string(place("../../docs/formats.md")).unwrap();
    for format in FORMATS.iter().map(|format| format.form()) {
        // A page of HTML is looked at, not quoted.
        if format.name == "html" {
            continue;
        }
        let file = fs::read_to_string(place(&format!("non-compliant.{}", format.extension))).unwrap();
        let fence = format!("\n```{}\n", format.extension);
        let shown: Vec<_> =
            page.split(&fence).skip(1).filter_map(|rest| Some(rest.split_once("\n```")?.0)).collect();
        assert!(!shown.is_empty(), "docs/formats.md shows nothing of {}", format.name);
        for line in shown.iter().flat_map(|block| block.lines()).filter(|line| *line != "…") {
            assert!(file.lines().any(|there| stands(line, there)), "not what {} writes: {line}", format.name);
        }
    }
}

#[test]
fn ten_thousand_items_are_written_at_once() {
    let mut report = golden("non-compliant");
    let pattern = report.inventory.as_ref().unwrap()[0].clone();
    report.inventory = Some(vec![pattern; 10_000]);
    let takes = |form: &Form| form.can(Can::NeedsItems) || form.can(Can::TakesItems);
    for format in FORMATS.iter().filter(|format| takes(format.form())) {
        let (mut out, started) = (Vec::new(), Instant::now());
        format.reports(std::slice::from_ref(&report), &LOOK, &mut out).unwrap();
        // 150 ms in a release build (benches); this only notices what grows with the square.
        assert!(started.elapsed() < Duration::from_secs(10), "{}", format.form().name);
        assert!(out.len() > 1 << 20, "{}", format.form().name);
        assert!(format.form().name != "html" || out.len() < 4 << 20, "a page too large to be looked at");
    }
}
