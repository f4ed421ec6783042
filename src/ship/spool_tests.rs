//! What waits, waits whole, in order, and within its bounds.
#![expect(clippy::disallowed_methods, reason = "tears and damages files of its own")]

use super::*;
use crate::model::{Depth, Family, HostFacts, Mode, Os, RulesetStamp, ScopeAsk, Tool, Verdict};

fn parcel(number: u8, at: i64) -> Parcel {
    let facts = HostFacts {
        family: Family::Linux,
        os: Os::default(),
        name: Some(format!("host-{number}")),
        machine_id: None,
        mode: Mode::Live,
        privileged: true,
        full_disk_access: None,
        users: vec![],
        user_gaps: vec![],
        aliases: vec![],
        other_volumes: vec![],
        windows: None,
    };
    let ruleset = RulesetStamp {
        origin: "built-in".into(),
        digest: "00".repeat(32),
        vendors: 1,
        indicators: 1,
        version: None,
        stale_after: None,
        stale: false,
        signed_by: None,
    };
    Parcel {
        report: Id([number; 16]),
        scanned_at: Stamp::from_unix(at).unwrap(),
        tool: Tool::SELF,
        facts,
        ruleset,
        scope: ScopeAsk::All,
        depth: Depth::Standard,
        verdict: Verdict::Compliant,
        machine: Id([1; 16]),
        rules: Id([2; 16]),
        policies: vec!["us-commerce".to_owned()],
        led: None,
        inventory: Id([3; 16]),
        sources: vec![],
        seen: vec![],
    }
}

fn spool(limits: Limits) -> (tempfile::TempDir, Spool) {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::new(&Disk::new(folder.path().to_owned(), |_| Ok(())), limits);
    (folder, spool)
}

fn at(seconds: i64) -> Stamp {
    Stamp::from_unix(seconds).unwrap()
}

fn reports(spool: &Spool) -> Vec<Id> {
    spool.waiting().unwrap().iter().map(|one| one.report).collect()
}

#[test]
fn they_come_back_in_the_order_in_which_they_were_put() {
    let (_folder, spool) = spool(Limits::default());
    assert_eq!(reports(&spool), []);
    // The clock went back between the two.
    for (number, seconds) in [(1, 2_000), (2, 1_000), (3, 3_000)] {
        assert_eq!(spool.put(&parcel(number, seconds), at(3_000)).unwrap(), []);
    }
    let waiting = spool.waiting().unwrap();
    assert_eq!(reports(&spool), [Id([1; 16]), Id([2; 16]), Id([3; 16])]);
    assert_eq!(spool.read(&waiting[1]).unwrap(), Found::Parcel(Box::new(parcel(2, 1_000))));
    spool.remove(&waiting[0]).unwrap();
    spool.refuse(&waiting[1]).unwrap();
    let after = spool.waiting().unwrap();
    assert_eq!(after.iter().map(|one| one.refused).collect::<Vec<_>>(), [true, false]);
    spool.put(&parcel(4, 4_000), at(4_000)).unwrap();
    assert_eq!(reports(&spool), [Id([2; 16]), Id([3; 16]), Id([4; 16])]);
}

#[test]
fn a_torn_or_foreign_file_is_never_sent() {
    let (_folder, spool) = spool(Limits::default());
    spool.put(&parcel(1, 1_000), at(1_000)).unwrap();
    let waiting = spool.waiting().unwrap().remove(0);
    let path = spool.folder().join(&waiting.name);
    let whole = std::fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        assert_eq!(spool.read(&waiting).unwrap(), Found::Torn, "{cut}");
    }
    for at in [0, 20, 90, whole.len() - 1] {
        let mut other = whole.clone();
        other[at] ^= 1;
        std::fs::write(&path, &other).unwrap();
        assert_eq!(spool.read(&waiting).unwrap(), Found::Torn, "{at}");
    }
    std::fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
    assert_eq!(spool.read(&waiting).unwrap(), Found::Torn);
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(spool.read(&Waiting { report: Id([9; 16]), ..waiting.clone() }).unwrap(), Found::Torn);
    assert!(matches!(spool.read(&waiting).unwrap(), Found::Parcel(_)));
    // Another version's is whole, and stays.
    let packed = compress_to_vec(&b"{\"later\":1}"[..], CompressionLevel::Fastest);
    let head = format!("{MAGIC} {} {}\n", hex(&Sha256::digest(&packed)), packed.len());
    std::fs::write(&path, [head.as_bytes(), packed.as_slice()].concat()).unwrap();
    assert_eq!(spool.read(&waiting).unwrap(), Found::Unknown);
    std::fs::write(&path, &whole).unwrap();
    for foreign in ["notes.txt", ".x.part", "1-2-3.parcel", "a-b-c.parcel", "1--00.parcel"] {
        std::fs::write(spool.folder().join(foreign), "x").unwrap();
    }
    assert_eq!(reports(&spool), [Id([1; 16])]);
    spool.put(&parcel(2, 2_000), at(2_000)).unwrap();
    assert!(!spool.folder().join(".x.part").exists(), "what a crash cut off is not kept for ever");
}

#[test]
fn what_is_too_old_or_too_much_goes_and_is_told() {
    let (_folder, old) = spool(Limits { age: 100, ..Limits::default() });
    old.put(&parcel(1, 1_000), at(1_000)).unwrap();
    let dropped = old.put(&parcel(2, 1_200), at(1_200)).unwrap();
    assert_eq!(dropped.len(), 1);
    assert!(dropped[0].name.contains("1970-01-01T00:16:40Z") && dropped[0].why.contains("too long"));
    assert_eq!(reports(&old), [Id([2; 16])]);
    let (_folder, full) = spool(Limits { bytes: 1, ..Limits::default() });
    full.put(&parcel(1, 1_000), at(1_000)).unwrap();
    // The last one stays, whatever its size is.
    assert_eq!(reports(&full), [Id([1; 16])]);
    let dropped = full.put(&parcel(2, 1_001), at(1_001)).unwrap();
    assert_eq!((dropped.len(), dropped[0].why), (1, "the spool was full"));
    assert_eq!(reports(&full), [Id([2; 16])]);
}
