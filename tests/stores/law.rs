//! The fleet's law: rules that come after a scan, whose policies are which, exceptions, and judging every host anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use interdict::collector::check_in::Desk;
use interdict::collector::court::Court;
use interdict::collector::dry_run::{Trial, dry_run};
use interdict::collector::judging::Judging;
use interdict::collector::retro::Round;
use interdict::collector::rules::{Declined, activate, assign, grant, push, tag, withdraw};
use interdict::collector::store::{AuditAsk, By, Claim, Counts, Excepted, NewException, Whose};
use interdict::model::{
    Because, Date, Id, InventoryItem, ItemKind, Report, RulesFolder, RulesetStamp, Stamp, Verdict,
};
use interdict::ruleset::{
    Choice, RuleFile, Ruleset, Sent, SigningKey, Sought, TrustedKey, generate, load_trusted, sums_of,
};

use crate::findings::like;
use crate::golden::{judged, judged_by, lead, lead_by, report};
use crate::machine::{DAY, Fleet, Machine, at, later};

/// A vendor that is known by one thing and by the name of a package.
fn vendor(id: &str, indicator: &str) -> (String, String) {
    let text = format!(
        "schema = 1\n[vendor]\nid = \"{id}\"\nname = \"{id}\"\n[[product]]\nid = \"{id}.guard\"\nname = \"{id} Guard\"\n\
         [[product.indicator]]\nkind = \"application\"\nname = {{ exact = [\"{id}-guard\"] }}\nstrength = \"strong\"\n\
         source = \"this test\"\n{indicator}\n"
    );
    (format!("vendors/{id}.toml"), text)
}

fn sign(asks: &str) -> String {
    format!("[[product.indicator]]\n{asks}\nstrength = \"strong\"\nsource = \"this test\"\n")
}

/// Four vendors that nobody had heard of, each in a policy of its own, in a signed folder of this version.
pub fn folder(version: u64, key: &SigningKey) -> RulesFolder {
    let hash =
        format!("kind = \"executable\"\nsha256 = [{{ value = \"{}\", size = 4711 }}]", "ab".repeat(32));
    let key_of =
        "kind = \"trace\"\nfamilies = [\"windows\"]\npath = { glob = ['HKLM\\SOFTWARE\\by-key\\**'] }";
    let signer = "kind = \"executable\"\nsigner = { exact = [\"By Signer Corp\"] }";
    let mut texts: BTreeMap<String, String> = [
        vendor("by-name", ""),
        vendor("by-hash", &sign(&hash)),
        vendor("by-key", &sign(key_of)),
        vendor("by-signer", &sign(signer)),
    ]
    .into();
    for id in ["by-name", "by-hash", "by-key", "by-signer"] {
        let policy = format!(
            "schema = 1\n[policy]\nid = \"no-{id}\"\ntitle = \"No {id}\"\neffective = 2020-01-01\n[[prohibition]]\n\
             id = \"no-{id}.all\"\nvendor = \"{id}\"\nseverity = \"high\"\n"
        );
        texts.insert(format!("policies/no-{id}.toml"), policy);
    }
    let manifest =
        format!("schema = 1\n[ruleset]\nname = \"ours\"\nversion = {version}\nreleased = 2026-01-01\n");
    texts.insert("ruleset.toml".to_owned(), manifest);
    signed(texts, key)
}

/// A folder of these texts.
fn signed(texts: BTreeMap<String, String>, key: &SigningKey) -> RulesFolder {
    let file =
        |(name, text): (&String, &String)| Arc::new(RuleFile::new(name.clone(), name.clone(), text.clone()));
    let sums = sums_of(&texts.iter().map(file).collect::<Vec<_>>()).unwrap();
    let signature = key.sign_list(sums.as_bytes(), "test", "interdict rules").unwrap();
    RulesFolder { files: texts, sums, signature }
}

pub fn key() -> (SigningKey, TrustedKey) {
    let made = generate(None).unwrap();
    (SigningKey::open(&made.secret).unwrap(), TrustedKey::read(&made.public).unwrap())
}

pub fn by(seconds: i64) -> By {
    By { actor: "test".to_owned(), at: at(seconds) }
}

const POLICIES: [&str; 4] = ["no-by-name", "no-by-hash", "no-by-key", "no-by-signer"];

/// The rules as an endpoint has them that was given the folder.
fn of_endpoint(folder: &RulesFolder) -> Ruleset {
    let sent = Some(Sent { name: "sent".to_owned(), folder: folder.clone(), keys: Vec::new() });
    load_trusted(&Choice { examples: false, sent, ..Choice::default() }, &[]).ruleset.unwrap()
}

/// The look as it would be under all four policies.
fn under(look: &Report, rules: &Ruleset) -> Report {
    let mut all = judged_by(look.clone(), rules, POLICIES[0]);
    for policy in &POLICIES[1..] {
        let one = judged_by(look.clone(), rules, policy);
        all.policies.extend(one.policies);
        all.findings.extend(one.findings);
        all.verdict = all.verdict.max(one.verdict);
    }
    all.ruleset = RulesetStamp { digest: rules.digest().to_owned(), ..all.ruleset };
    lead(&all, rules);
    all
}

/// Judges anew until nothing is left.
pub async fn anew(fleet: &Fleet, now: fn() -> Stamp) -> usize {
    let court = Arc::clone(fleet.desk.court());
    court.follow().await.unwrap();
    let mut round = Round::new(Arc::clone(&fleet.store), court, now);
    let mut turns = 0;
    while round.turn().await.unwrap() {
        turns += 1;
    }
    turns
}

async fn active(fleet: &Fleet, version: u64) -> (RulesFolder, TrustedKey) {
    let (signing, trusted) = key();
    let folder = folder(version, &signing);
    let pushed = push(fleet.store.as_ref(), folder.clone(), vec![trusted.clone()], &by(1)).await.unwrap();
    activate(fleet.desk.court(), Some(pushed.id), &by(2)).await.unwrap();
    (folder, trusted)
}

fn named(look: &Report, name: &str) -> InventoryItem {
    like(look, ItemKind::Application, |one| {
        (one.item.name, one.item.display_name) = (name.to_owned(), None);
    })
}

async fn verdicts(fleet: &Fleet, host: Id) -> Vec<(String, Verdict)> {
    let policies = fleet.detail(host).await.policies;
    policies.into_iter().map(|one| (one.policy, one.verdict)).collect()
}

/// A policy by signer, by hash and by a key of the registry of a vendor unknown when the host was scanned: it needs a scan, and is
/// never met before. One by the name of an application is answered at once.
pub async fn rules_that_come_after_a_scan(fleet: Fleet) {
    fn now() -> Stamp {
        at(100)
    }
    let look = report("windows-workstation");
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let mut dirty = look.clone();
    dirty.host.name = Some("dirty".to_owned());
    dirty.inventory.as_mut().unwrap().push(named(&look, "by-signer-guard"));
    let dirty = judged(dirty);
    let mut other = Machine::enrol(&fleet, "b", &dirty).await;
    other.check_in(&fleet, &dirty, "r1 of b", at(0)).await.unwrap();
    let (folder, _) = active(&fleet, 1).await;
    let policies = POLICIES.map(str::to_owned).to_vec();
    assign(fleet.desk.court(), None, policies, &by(3)).await.unwrap();
    assert!(anew(&fleet, now).await > 0);
    let detail = fleet.detail(machine.host).await;
    let met = |detail: &interdict::collector::store::HostDetail| -> BTreeMap<String, Verdict> {
        detail.policies.iter().map(|one| (one.policy.clone(), one.verdict)).collect()
    };
    for policy in &detail.policies {
        let why: Vec<&str> =
            policy.prohibitions.iter().flat_map(|one| &one.unseen).map(|one| one.reason.as_str()).collect();
        let asks = why.iter().any(|why| why.starts_with("needs a scan"));
        assert_eq!(asks, policy.policy != "no-by-name", "{}: {why:?}", policy.policy);
    }
    let plain = under(&later(&look, 200), &of_endpoint(&folder));
    let at_once = met(&detail);
    assert_eq!(at_once["no-by-name"], Verdict::Compliant, "{at_once:?}");
    for id in ["no-by-hash", "no-by-key", "no-by-signer"] {
        assert_eq!(at_once[id], Verdict::Inconclusive, "{id}");
    }
    assert_eq!(detail.row.verdict, Some(Verdict::Inconclusive));
    // What is found is found, whatever led the scan.
    let found = met(&fleet.detail(other.host).await);
    assert_eq!(found["no-by-signer"], Verdict::NonCompliant, "{found:?}");
    assert_eq!(found["no-by-hash"], Verdict::Inconclusive);
    // The next scan is led by them.
    machine.check_in(&fleet, &plain, "r2", at(200)).await.unwrap();
    let detail = fleet.detail(machine.host).await;
    let settled = met(&detail);
    assert!(settled.values().all(|verdict| *verdict == Verdict::Compliant), "{settled:?}");
    let mut policies = plain.policies.clone();
    policies.sort_by(|a, b| a.policy.cmp(&b.policy));
    assert_eq!(detail.policies, policies, "it judges as the endpoint does");
    // A host that does not tell what led its scan.
    let mut strange = later(&look, 300);
    strange.host.name = Some("strange".to_owned());
    let mut strange = judged(strange);
    strange.ruleset.digest = "cd".repeat(32);
    let mut third = Machine::enrol(&fleet, "c", &strange).await;
    third.check_in(&fleet, &strange, "r1 of c", at(300)).await.unwrap();
    assert!(met(&fleet.detail(third.host).await).values().all(|one| *one == Verdict::Inconclusive));
}

/// What led a scan is told once for all that were led alike; by it endpoints of another version are judged, whose rules nobody here
/// has ever seen, and whose text holds what is not known here.
pub async fn what_led_a_scan_is_told_once(fleet: Fleet) {
    let of_version = |name: &str| {
        let mut look = report("alpine-container");
        look.host.name = Some(name.to_owned());
        let mut look = judged(look);
        let own = crate::golden::sought(&look).unwrap();
        look.ruleset.digest = "cd".repeat(32);
        lead_by(&look, Sought::read(&own.text().replacen('{', "{\"later\":1,", 1)).unwrap());
        look
    };
    let (first, second) = (of_version("first"), of_version("second"));
    let mut one = Machine::enrol(&fleet, "first", &first).await;
    let mut other = Machine::enrol(&fleet, "second", &second).await;
    assert!(one.check_in(&fleet, &first, "r1", at(0)).await.unwrap().sought, "nobody has told it");
    assert!(!other.check_in(&fleet, &second, "r1 of second", at(0)).await.unwrap().sought);
    for (machine, look) in [(&one, &first), (&other, &second)] {
        let detail = fleet.detail(machine.host).await;
        assert_eq!((detail.row.verdict, &detail.policies), (Some(look.verdict), &look.policies));
    }
    // What goes with a host that is erased is not what others were led by.
    assert!(fleet.store.erase(one.host).await.unwrap());
    let again = later(&second, 60);
    other.check_in(&fleet, &again, "r2 of second", at(60)).await.unwrap();
    let held = fleet.store.held(other.host).await.unwrap().unwrap();
    assert_eq!(held.holding.sought.as_deref(), crate::golden::sought(&second).as_ref());
}

/// Two collectors judge a fleet anew side by side, one of them is gone half-way: every host is judged, and none twice at a time.
pub async fn judging_anew_is_shared_and_resumed(fleet: Fleet) {
    fn now() -> Stamp {
        at(100)
    }
    let look = report("debian-desktop");
    let mut hosts = Vec::new();
    for number in 0..150 {
        let mut one = look.clone();
        one.host.name = Some(format!("host-{number}"));
        if number == 149 {
            one.inventory.as_mut().unwrap().push(named(&look, "by-name-guard"));
        }
        let one = judged(one);
        let mut machine = Machine::enrol(&fleet, &format!("host {number}"), &one).await;
        machine.check_in(&fleet, &one, &format!("r {number}"), at(0)).await.unwrap();
        hosts.push(machine.host);
    }
    let (_, _) = active(&fleet, 1).await;
    assign(fleet.desk.court(), None, vec!["no-by-name".to_owned(), "us-commerce".to_owned()], &by(3))
        .await
        .unwrap();
    let second = Arc::new(Court::new(Arc::clone(&fleet.store), Judging::built_in().unwrap()));
    second.follow().await.unwrap();
    let mut one = Round::new(Arc::clone(&fleet.store), Arc::clone(fleet.desk.court()), now).at_a_time(64);
    // Who is gone has taken some hosts, and brings none back.
    let claim = Claim {
        version: fleet.store.law_version().await.unwrap(),
        now: at(100),
        until: at(220),
        limit: 20,
        of: None,
    };
    assert_eq!(fleet.store.claim(&claim).await.unwrap().len(), 20);
    let mut two = Round::new(Arc::clone(&fleet.store), second, now).at_a_time(64);
    let (a, b) = tokio::join!(one.turn(), two.turn());
    assert!(a.unwrap() && b.unwrap());
    while one.turn().await.unwrap() | two.turn().await.unwrap() {}
    let job = fleet.store.jobs(1).await.unwrap().remove(0);
    assert_eq!((job.of, job.done, job.ended_at), (150, 130, None), "{job:?}");
    let mut three = Round::new(Arc::clone(&fleet.store), Arc::clone(fleet.desk.court()), || at(230));
    assert!(three.turn().await.unwrap() && !three.turn().await.unwrap());
    let job = fleet.store.jobs(1).await.unwrap().remove(0);
    assert_eq!((job.done, job.ended_at), (150, Some(at(230))), "{job:?}");
    for host in hosts {
        let told = verdicts(&fleet, host).await;
        assert_eq!(told.len(), 2, "{told:?}");
        let history = fleet.detail(host).await.history;
        assert_eq!(history.iter().filter(|row| row.policy == "no-by-name").count(), 1, "{history:?}");
    }
}

/// A thing that comes after the items were asked which of them could be found: who has it is not taken for clean.
pub async fn what_comes_while_hosts_are_judged_anew(fleet: Fleet) {
    fn now() -> Stamp {
        at(100)
    }
    let look = report("debian-desktop");
    let mut clean = Machine::enrol(&fleet, "clean", &look).await;
    clean.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let (_, _) = active(&fleet, 1).await;
    assign(fleet.desk.court(), None, vec!["no-by-name".to_owned()], &by(3)).await.unwrap();
    let mut round = Round::new(Arc::clone(&fleet.store), Arc::clone(fleet.desk.court()), now);
    while round.turn().await.unwrap() {}
    assert_eq!(verdicts(&fleet, clean.host).await, [("no-by-name".to_owned(), Verdict::Compliant)]);
    // It comes to a collector that has not heard of the law yet.
    let slow = Fleet {
        store: Arc::clone(&fleet.store),
        desk: Desk::judging(Arc::clone(&fleet.store), Judging::built_in().unwrap()),
        folder: tempfile::tempdir().unwrap(),
        database: None,
    };
    let mut dirty = look.clone();
    dirty.host.name = Some("dirty".to_owned());
    dirty.inventory.as_mut().unwrap().push(named(&look, "by-name-guard"));
    let dirty = judged(dirty);
    let mut other = Machine::enrol(&slow, "dirty", &dirty).await;
    other.check_in(&slow, &dirty, "r1 of dirty", at(50)).await.unwrap();
    assert!(verdicts(&fleet, other.host).await.iter().all(|(policy, _)| policy == "us-commerce"));
    assert!(round.turn().await.unwrap() && !round.turn().await.unwrap());
    assert_eq!(verdicts(&fleet, other.host).await, [("no-by-name".to_owned(), Verdict::NonCompliant)]);
    assert_eq!(fleet.detail(other.host).await.row.findings, 1);
}

/// A day on which an exception has ended, on which no collector ran: who looks later has every host judged anew.
pub async fn a_day_on_which_nobody_was_there(fleet: Fleet) {
    let look = report("debian-desktop");
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let prohibition = look.findings[0].prohibition.clone();
    let expires = Date::of(at(2 * DAY));
    let new = NewException {
        whose: Whose::Host(machine.host),
        excepted: Excepted::Finding { prohibition, products: Vec::new() },
        reason: "a test".to_owned(),
        owner: "test".to_owned(),
        expires,
    };
    grant(fleet.desk.court(), new, &by(10)).await.unwrap();
    anew(&fleet, || at(100)).await;
    assert_eq!(fleet.detail(machine.host).await.row.verdict, Some(Verdict::Compliant));
    anew(&fleet, || at(2 * DAY)).await;
    assert_eq!(fleet.detail(machine.host).await.row.verdict, Some(Verdict::Compliant), "it holds on its day");
    anew(&fleet, || at(9 * DAY)).await;
    assert_eq!(fleet.detail(machine.host).await.row.verdict, Some(Verdict::NonCompliant));
}

/// Tags give policies; exceptions go by the enrolled id or by a tag, and end on their day.
pub async fn tags_policies_and_exceptions(fleet: Fleet) {
    fn now() -> Stamp {
        at(100)
    }
    let look = report("debian-desktop");
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let court = Arc::clone(fleet.desk.court());
    let unknown = assign(&court, Some("lab".to_owned()), vec!["no-such".to_owned()], &by(1)).await;
    assert!(matches!(unknown, Err(Declined::Unknown(_))), "{unknown:?}");
    assign(&court, Some("lab".to_owned()), vec!["us-fcc-covered-list".to_owned()], &by(1)).await.unwrap();
    anew(&fleet, now).await;
    assert_eq!(verdicts(&fleet, machine.host).await[0].0, "us-commerce", "it has no tag");
    let tags = vec!["lab".to_owned(), "berlin".to_owned(), "lab".to_owned()];
    assert_eq!(tag(&court, machine.host, tags, &by(2)).await.unwrap(), ["berlin", "lab"]);
    anew(&fleet, now).await;
    let told = verdicts(&fleet, machine.host).await;
    assert!(told.len() == 1 && told[0].0 == "us-fcc-covered-list", "{told:?}");
    assert_eq!(fleet.detail(machine.host).await.tags, ["berlin", "lab"]);
    assign(&court, Some("lab".to_owned()), vec!["us-commerce".to_owned()], &by(3)).await.unwrap();
    anew(&fleet, now).await;
    assert_eq!(fleet.detail(machine.host).await.row.verdict, Some(Verdict::NonCompliant));
    // An exception for another tag is none, one for its own holds until its day is over.
    let waiver = |whose| NewException {
        whose,
        excepted: Excepted::Finding { prohibition: "us-commerce.kaspersky".to_owned(), products: Vec::new() },
        reason: "analysis of samples".to_owned(),
        owner: "A. Person".to_owned(),
        expires: "2026-09-22".parse().unwrap(),
    };
    grant(&court, waiver(Whose::Tag("paris".to_owned())), &by(4)).await.unwrap();
    anew(&fleet, now).await;
    assert_eq!(fleet.detail(machine.host).await.row.verdict, Some(Verdict::NonCompliant));
    grant(&court, waiver(Whose::Host(machine.host)), &by(5)).await.unwrap();
    anew(&fleet, now).await;
    let ask = interdict::collector::store::FindingsAsk { limit: 50, ..Default::default() };
    let rows = fleet.store.findings(&ask).await.unwrap().rows;
    let borne: Vec<_> = rows.iter().filter(|row| row.finding.because == Some(Because::Waived)).collect();
    assert!(!borne.is_empty() && rows.iter().all(|row| !row.finding.decides), "{rows:?}");
    assert_eq!(borne[0].finding.waiver.as_ref().unwrap().approver, "A. Person");
    assert_ne!(fleet.detail(machine.host).await.row.verdict, Some(Verdict::NonCompliant));
    assert!(anew(&fleet, || at(2 * DAY)).await > 0, "the day after the last one");
    assert_eq!(fleet.detail(machine.host).await.row.verdict, Some(Verdict::NonCompliant));
    let number = fleet.store.exceptions().await.unwrap()[1].number;
    withdraw(&court, number, &by(6)).await.unwrap();
    assert!(matches!(withdraw(&court, number, &by(6)).await, Err(Declined::Unknown(_))));
    let late = grant(
        &court,
        NewException { expires: "2020-01-01".parse().unwrap(), ..waiver(Whose::Host(machine.host)) },
        &by(7),
    )
    .await;
    assert!(matches!(late, Err(Declined::Wrong(_))), "{late:?}");
    changes_are_listed(&fleet).await;
}

/// Who did what.
async fn changes_are_listed(fleet: &Fleet) {
    let audit = fleet.store.audit(&AuditAsk { limit: 100, ..AuditAsk::default() }).await.unwrap();
    let actions: Vec<&str> = audit.rows.iter().rev().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["assign", "tag", "assign", "grant", "grant", "day", "withdraw"]);
    let tagged = &audit.rows[audit.rows.len() - 2];
    assert_eq!((tagged.actor.as_str(), tagged.detail.as_str(), tagged.at), ("test", "berlin, lab", at(2)));
    let two = fleet.store.audit(&AuditAsk { limit: 2, ..AuditAsk::default() }).await.unwrap();
    assert!(two.more && two.rows.len() == 2);
    let next = AuditAsk { limit: 1, before: Some(two.rows[1].number), ..AuditAsk::default() };
    assert_eq!(fleet.store.audit(&next).await.unwrap().rows[0], audit.rows[2]);
}

/// Only what a trusted key has signed is kept, and nothing that is older than what there was.
pub async fn rules_are_signed_and_not_older(fleet: Fleet) {
    let (signing, trusted) = key();
    let (_, stranger) = key();
    let (one, two) = (folder(1, &signing), folder(2, &signing));
    let store = fleet.store.as_ref();
    let bring = |folder: &RulesFolder, keys: &[TrustedKey]| push_of(store, folder.clone(), keys.to_vec());
    assert!(matches!(bring(&two, &[]).await, Err(Declined::Refused(_))));
    assert!(matches!(bring(&two, &[stranger]).await, Err(Declined::Refused(_))));
    let mut altered = two.clone();
    altered.files.insert("vendors/more.toml".to_owned(), "schema = 1\n".to_owned());
    assert!(matches!(bring(&altered, std::slice::from_ref(&trusted)).await, Err(Declined::Refused(_))));
    assert!(fleet.store.rulesets().await.unwrap().is_empty());
    let trusted = [trusted];
    let first = bring(&one, &trusted).await.unwrap();
    let second = bring(&two, &trusted).await.unwrap();
    assert!(bring(&two, &trusted).await.unwrap().before);
    let older = bring(&one, &trusted).await;
    assert!(matches!(&older, Err(Declined::Refused(why)) if why.starts_with("older rules")), "{older:?}");
    let court = fleet.desk.court();
    activate(court, Some(second.id), &by(1)).await.unwrap();
    assert!(matches!(activate(court, Some(first.id), &by(2)).await, Err(Declined::Refused(_))));
    assert!(matches!(activate(court, Some(Id([7; 16])), &by(2)).await, Err(Declined::Unknown(_))));
    let kept = fleet.store.rulesets().await.unwrap();
    assert_eq!(kept.iter().filter(|row| row.active).map(|row| row.version).collect::<Vec<_>>(), [2]);
    assert_eq!(fleet.store.ruleset(second.id).await.unwrap().unwrap().1, two, "byte for byte");
    // What a computer calls itself, which it can change, opens nothing.
    let mut by_name = folder(3, &signing).files;
    let exception = |what: &str| {
        format!(
            "schema = 1\n[[{what}]]\nhosts = [\"lab-*\"]\nreason = \"a test\"\napprover = \"CISO\"\nexpires = 2099-12-31\n"
        )
    };
    for text in [
        exception("waiver") + "prohibition = \"no-by-name.all\"\n",
        exception("accept_gap") + "source = \"processes\"\ngaps = [\"permission-denied\"]\n",
    ] {
        by_name.insert("exceptions/lab.toml".to_owned(), text);
        let named = bring(&signed(by_name.clone(), &signing), &trusted).await;
        assert!(matches!(&named, Err(Declined::Wrong(why)) if why.contains("call themselves")), "{named:?}");
    }
    // A policy that hosts are judged under must be there.
    assign(court, None, vec!["no-by-name".to_owned()], &by(3)).await.unwrap();
    assert!(matches!(activate(court, None, &by(4)).await, Err(Declined::Wrong(_))));
}

async fn push_of(
    store: &dyn interdict::collector::store::Store,
    folder: RulesFolder,
    keys: Vec<TrustedKey>,
) -> Result<interdict::collector::rules::Pushed, Declined> {
    push(store, folder, keys, &by(0)).await
}

/// A dry run tells what would be found, and changes nothing.
pub async fn a_dry_run_changes_nothing(fleet: Fleet) {
    let look = report("debian-desktop");
    for (name, item) in [("clean", None), ("dirty", Some("by-name-guard"))] {
        let mut one = look.clone();
        one.host.name = Some(name.to_owned());
        one.inventory.as_mut().unwrap().extend(item.map(|item| named(&look, item)));
        let one = judged(one);
        let mut machine = Machine::enrol(&fleet, name, &one).await;
        machine.check_in(&fleet, &one, name, at(0)).await.unwrap();
    }
    let before = fleet.store.counts(None).await.unwrap();
    let (signing, _) = key();
    let unsigned = RulesFolder { sums: String::new(), signature: String::new(), ..folder(1, &signing) };
    let law = Arc::clone(fleet.desk.court().judging().law());
    let trial = |policy: &str, as_of| Trial {
        folder: Some(unsigned.clone()),
        policies: Some(vec![policy.to_owned()]),
        as_of,
    };
    let found = dry_run(Arc::clone(&fleet.store), &law, trial("no-by-name", at(0))).await.unwrap();
    assert!(found.complete && found.hosts == 2 && found.non_compliant == 1, "{found:?}");
    assert_eq!((found.products[0].product.as_str(), found.products[0].decides), ("by-name.guard", 1));
    assert_eq!((found.severities["high"], found.first.len(), found.need_a_scan), (1, 1, 0), "{found:?}");
    let found = dry_run(Arc::clone(&fleet.store), &law, trial("no-by-hash", at(0))).await.unwrap();
    assert_eq!((found.non_compliant, found.need_a_scan), (0, 2), "{found:?}");
    // Before the policy is in effect.
    let then = Stamp::from_unix(1_500_000_000).unwrap();
    let found = dry_run(Arc::clone(&fleet.store), &law, trial("no-by-name", then)).await.unwrap();
    assert_eq!((found.non_compliant, found.shown), (0, 1), "{found:?}");
    let wrong = dry_run(Arc::clone(&fleet.store), &law, trial("no-such", at(0))).await;
    assert!(matches!(wrong, Err(Declined::Unknown(_))));
    let after = fleet.store.counts(None).await.unwrap();
    // A database may grow by itself.
    assert_eq!(Counts { bytes: before.bytes, ..after }, before);
    assert!(
        fleet.store.rulesets().await.unwrap().is_empty() && fleet.store.jobs(9).await.unwrap().is_empty()
    );
}
