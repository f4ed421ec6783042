//! The golden hosts as the program itself reports them, and what an endpoint would judge of a changed look.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use interdict::judge::{Question, judge};
use interdict::matching::Engine;
use interdict::model::{Date, Family, Report, SourceReport, Status};
use interdict::normalise::sets::policies;
use interdict::ruleset::{Choice, Ruleset, Sought, load};

use crate::machine::{START, at};
use crate::support::windows::Windows;
use crate::support::{Root, scan};

/// The day on which they are judged.
pub fn day() -> Date {
    Date::of(at(0))
}

/// A golden host.
pub fn report(name: &str) -> Report {
    reports()[name].clone()
}

/// Every golden host, by its folder.
pub fn reports() -> &'static BTreeMap<String, Report> {
    static REPORTS: OnceLock<BTreeMap<String, Report>> = OnceLock::new();
    REPORTS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hosts");
        let hosts = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        hosts.map(|host| (host.file_name().unwrap().to_str().unwrap().to_owned(), look(&host))).collect()
    })
}

fn look(host: &Path) -> Report {
    assert_eq!(day().to_string(), "2026-09-21", "{START}");
    let copy: Option<Root> = host.join("registry.toml").exists().then(|| Windows::fixture(host).build());
    let root = copy.as_ref().map_or_else(|| host.join("root"), |copy| copy.path().to_owned());
    let run = scan(&root, &["--with-inventory", "--as-of", "2026-09-21"]);
    let mut report: Report = serde_json::from_value(run.json()).unwrap();
    report.scanned_at = at(0);
    // Where a copy lies is another place every time.
    report.host.name.get_or_insert_with(|| "golden".to_owned());
    let again = judged(report.clone());
    assert_eq!(
        (&again.policies, &again.findings),
        (&report.policies, &report.findings),
        "{}",
        host.display()
    );
    again
}

fn ruleset() -> &'static Ruleset {
    static RULESET: OnceLock<Ruleset> = OnceLock::new();
    RULESET.get_or_init(|| {
        let policies = Some(vec!["us-commerce".to_owned()]);
        load(&Choice { examples: false, policies, ..Choice::default() }).ruleset.unwrap()
    })
}

/// The report with what its endpoint judges of it.
pub fn judged(report: Report) -> Report {
    judged_by(report, ruleset(), "us-commerce")
}

pub fn judged_by(mut report: Report, ruleset: &Ruleset, policy: &str) -> Report {
    let engine = Engine::new(ruleset, report.host.family);
    let items = report.inventory.as_ref().unwrap();
    let answer = judge(&Question {
        engine: &engine,
        hits: &engine.all_hits(items.iter().map(|one| &one.item)),
        policies: vec![ruleset.policy(policy).unwrap()],
        site: None,
        granted: None,
        host: &report.host,
        items,
        coverage: &report.coverage,
        scope: report.claim.scope,
        depth: report.claim.depth,
        as_of: day(),
    });
    report.verdict = answer.verdict;
    report.policies = answer.policies;
    report.findings = answer.findings;
    report.claim = answer.claim;
    ruleset.digest().clone_into(&mut report.ruleset.digest);
    report.ruleset.vendors = ruleset.vendors().len();
    report.ruleset.indicators = ruleset.indicators().len();
    lead(&report, ruleset);
    report
}

type Led = BTreeMap<(String, Vec<String>, Family), Sought>;

/// What led looks, by the digest of the rules, the policies and the family.
static LED: Mutex<Led> = Mutex::new(Led::new());

fn key(report: &Report) -> (String, Vec<String>, Family) {
    (report.ruleset.digest.clone(), policies(report).map(str::to_owned).collect(), report.host.family)
}

/// Notes that the look was led by these rules.
pub fn lead(report: &Report, ruleset: &Ruleset) {
    LED.lock().unwrap().entry(key(report)).or_insert_with(|| ruleset.led(report).unwrap());
}

/// Notes that the look was led by this.
pub fn lead_by(report: &Report, sought: Sought) {
    LED.lock().unwrap().insert(key(report), sought);
}

/// What led a look; none: nobody noted it.
pub fn sought(report: &Report) -> Option<Sought> {
    LED.lock().unwrap().get(&key(report)).cloned()
}

/// Names of the sources that looked.
pub fn looked(report: &Report) -> Vec<String> {
    let looked = |one: &&SourceReport| matches!(one.status, Status::Complete | Status::Partial);
    report.coverage.sources.iter().filter(looked).map(|one| one.source.to_string()).collect()
}
