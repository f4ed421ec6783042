//! Tests of the hive reader against hives that a writer made from the specification. Real hives: `tests/hives.rs`.

use super::*;
use crate::parse::rpmdb::tests::Dice;
use std::cell::Cell;

#[path = "../../tests/support/hive.rs"]
pub(crate) mod writer;

use writer::HiveBuilder;
use writer::List;
use writer::dirty;
use writer::log;
use writer::log_from;
use writer::old_log;
use writer::sum_up;

/// A hive's keys and values by path, and all that was wrong.
type Found = (Vec<(String, Option<RegistryValue>)>, Vec<Fault>);

fn open<'b>(primary: &'b [u8], logs: &[&'b [u8]]) -> Hive<&'b [u8]> {
    Hive::open(primary, logs.to_vec()).unwrap()
}

fn read(primary: &[u8], logs: &[&[u8]]) -> Found {
    let hive = match Hive::open(primary, logs.to_vec()) {
        Ok(hive) => hive,
        Err(fault) => return (vec![], vec![fault]),
    };
    let (mut found, mut faults) = (Vec::new(), hive.faults().to_vec());
    let mut open: Vec<(String, Key)> = Vec::new();
    match hive.root() {
        Ok(root) => open.push((String::new(), root)),
        Err(fault) => faults.push(fault),
    }
    while let Some((path, key)) = open.pop() {
        let values = hive.values(&key, &mut |value| match value {
            Ok((name, value)) => found.push((format!("{path} @{name}"), Some(value))),
            Err(fault) => faults.push(fault),
        });
        faults.extend(values.err());
        let children = hive.children(&key, &mut |child| {
            match child {
                Ok(child) => open.push((format!("{path}\\{}", child.name), child)),
                Err(fault) => faults.push(fault),
            }
            ControlFlow::Continue(())
        });
        faults.extend(children.err());
        found.push((path, None));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    (found, faults)
}

fn texts(primary: &[u8], logs: &[&[u8]], path: &str) -> (Option<String>, Vec<Fault>) {
    let hive = open(primary, logs);
    let text = hive.find(path).unwrap().map(|key| hive.value(&key, "Name").unwrap().unwrap().text().unwrap());
    (text, hive.faults().to_vec())
}

/// A small hive of every kind of cell.
fn small(list: List) -> Vec<u8> {
    let long = |length: usize| RegistryValue::binary(vec![7; length]);
    HiveBuilder::new()
        .lists(list)
        .key("Software\\Kaspersky", 1234)
        .value("Software\\Kaspersky", "", RegistryValue::sz("default"))
        .value("Software\\Kaspersky", "DisplayName", RegistryValue::sz("Kaspersky Endpoint Security"))
        .value("Software\\Kaspersky", "Größe", RegistryValue::dword(17))
        .value("Software\\Kaspersky", "Имя", RegistryValue::multi_sz(&["klif", "klhk"]))
        .value("Software\\Лаборатория", "none", long(0))
        .value("Software\\Лаборатория", "one", long(1))
        .value("Software\\Лаборатория", "five", long(5))
        .value("Software\\Лаборатория", "whole", long(16344))
        .value("Software\\Лаборатория", "segments", long(16345))
        .value("Software\\Лаборатория", "many", long(40_000))
        .key("Software\\Ärger", 5)
        .build()
}

#[test]
fn names_times_and_values_of_every_length() {
    fn is_shared<T: Send + Sync>(_: &T) {}
    for list in [List::Lh, List::Lf, List::Li] {
        let bytes = small(list);
        let hive = open(&bytes, &[]);
        is_shared(&hive);
        assert_eq!(hive.faults(), []);
        let key = hive.find("SOFTWARE\\kaspersky").unwrap().unwrap();
        assert_eq!((key.name.as_str(), key.last_write, key.child_count()), ("Kaspersky", 1234, 0));
        let value = |name| hive.value(&key, name).unwrap();
        assert_eq!(value("").unwrap().text().unwrap(), "default");
        assert_eq!(value("displayNAME").unwrap().text().unwrap(), "Kaspersky Endpoint Security");
        assert_eq!(value("GRÖSSE"), None);
        assert_eq!(value("grÖße").unwrap().number(), Some(17));
        assert_eq!(value("ИМЯ").unwrap().texts(), ["klif", "klhk"]);
        assert_eq!(hive.find("software\\ärger").unwrap().unwrap().last_write, 5);
        assert_eq!(hive.find("software\\kaspersk").unwrap(), None);
        let key = hive.find("\\software\\лаборатория\\").unwrap().unwrap();
        let mut lengths = Vec::new();
        hive.values(&key, &mut |value| lengths.push(value.unwrap().1.data.len())).unwrap();
        assert_eq!(lengths, [0, 1, 5, 16344, 16345, 40_000]);
        assert!(hive.value(&key, "many").unwrap().unwrap().data.iter().all(|&byte| byte == 7));
    }
}

#[test]
fn children_through_a_list_of_lists_in_the_order_of_names() {
    let mut builder = HiveBuilder::new();
    for n in (0..1234).rev() {
        builder.set(&format!("Uninstall\\product {n:04}"), "n", RegistryValue::dword(n));
    }
    let bytes = builder.build();
    let hive = open(&bytes, &[]);
    let key = hive.find("uninstall").unwrap().unwrap();
    let mut names = Vec::new();
    hive.children(&key, &mut |child| {
        names.push(child.unwrap().name);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(names, (0..1234).map(|n| format!("product {n:04}")).collect::<Vec<_>>());
    let last = hive.child(&key, "PRODUCT 1233").unwrap().unwrap();
    assert_eq!(hive.value(&last, "N").unwrap().unwrap().number(), Some(1233));
    let mut visits = 0;
    hive.children(&key, &mut |_| {
        visits += 1;
        ControlFlow::Break(())
    })
    .unwrap();
    assert_eq!(visits, 1);
}

#[test]
fn a_link_is_marked_and_not_followed() {
    let bytes = HiveBuilder::new()
        .flags("Current", writer::LINK)
        .value("Current", "SymbolicLinkValue", (6, b"\\\0x\0".to_vec()))
        .build();
    let hive = open(&bytes, &[]);
    let key = hive.find("current").unwrap().unwrap();
    assert!(key.is_link() && !hive.root().unwrap().is_link());
    assert_eq!(hive.value(&key, "SymbolicLinkValue").unwrap().unwrap().text().unwrap(), "\\x");
}

#[test]
fn a_value_over_the_cap_is_a_fault_with_its_size() {
    let bytes = HiveBuilder::new()
        .value("", "a", RegistryValue::binary(vec![1; MAX_VALUE]))
        .value("", "b", RegistryValue::binary(vec![1; MAX_VALUE + 1]))
        .value("", "c", RegistryValue::sz("read"))
        .build();
    let (found, faults) = read(&bytes, &[]);
    assert_eq!(found.len(), 3);
    assert!(faults.len() == 1 && faults[0].what.contains("1048577 bytes are over the cap"), "{faults:?}");
}

/// Where the cell of a key lies in the file, by its name.
fn place(hive: &[u8], name: &str) -> usize {
    let at = hive.windows(name.len()).position(|window| window == name.as_bytes()).unwrap();
    at - 76
}

fn set(hive: &mut [u8], at: usize, value: u32) {
    hive[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn get(hive: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(hive[at..at + 4].try_into().unwrap())
}

fn three() -> Vec<u8> {
    HiveBuilder::new().key("alpha\\inner", 1).key("beta", 2).key("gamma", 3).build()
}

#[test]
fn a_bad_child_is_one_fault_and_the_rest_go_on() {
    let sound = three();
    let beta = place(&sound, "beta");
    for (at, value, what) in [
        (beta - 4, 88, "is not in use"),
        (beta, 0, "is no key"),
        (beta + 16, 8, "its parent is at 0x8"),
        (beta + 72, 60_000, "name of 60000 bytes"),
    ] {
        let mut hive = sound.clone();
        set(&mut hive, at, value);
        let (found, faults) = read(&hive, &[]);
        let names: Vec<_> = found.iter().map(|one| one.0.as_str()).collect();
        assert_eq!(names, ["", "\\alpha", "\\alpha\\inner", "\\gamma"], "{what}");
        assert!(faults.len() == 1 && faults[0].what.contains(what), "{faults:?}");
        let hive = open(&hive, &[]);
        let root = hive.root().unwrap();
        assert!(hive.child(&root, "gamma").unwrap().is_some());
        assert!(hive.child(&root, "beta").is_err(), "it may be the one that is looked for");
        assert_eq!(hive.child(&root, "delta").unwrap(), None);
    }
}

#[test]
fn lists_that_name_a_key_twice_or_an_ancestor() {
    let sound = three();
    let root = 4096 + get(&sound, 36) as usize + 4;
    let list = 4096 + get(&sound, root + 28) as usize + 4;
    let mut twice = sound.clone();
    let alpha = get(&sound, list + 4);
    set(&mut twice, list + 12, alpha);
    let (found, faults) = read(&twice, &[]);
    assert_eq!(found.len(), 4, "root, alpha, inner, gamma");
    assert!(
        faults.len() == 1 && faults[0].what.contains("1 children are listed more than once"),
        "{faults:?}"
    );
    let mut ring = sound.clone();
    set(&mut ring, list + 12, get(&sound, 36));
    set(&mut ring, root + 16, get(&sound, 36));
    let (found, faults) = read(&ring, &[]);
    assert_eq!((found.len(), faults.len()), (4, 1), "{faults:?}");
    let mut fewer = sound.clone();
    set(&mut fewer, root + 20, 4);
    assert!(read(&fewer, &[]).1[0].what.contains("has 3 children in its list and counts 4"));
    let fewer = open(&fewer, &[]);
    assert!(fewer.child(&fewer.root().unwrap(), "delta").is_err());
}

/// Keys that all name one list of values would cost the square of the hive's size.
#[test]
fn keys_that_share_everything_do_not_keep_the_reader_busy() {
    let mut builder = HiveBuilder::new();
    for n in 0..600 {
        builder.set("rich", &format!("{n}"), RegistryValue::binary(vec![1; 2000]));
        builder.set(&format!("poor\\key {n:04}"), "one", RegistryValue::dword(1));
    }
    let mut hive = builder.build();
    let rich = place(&hive, "rich");
    let (count, list) = (get(&hive, rich + 36), get(&hive, rich + 40));
    for n in 0..600 {
        let poor = place(&hive, &format!("key {n:04}"));
        set(&mut hive, poor + 36, count);
        set(&mut hive, poor + 40, list);
    }
    let hive = open(&hive, &[]);
    let (mut bytes, mut faults) = (0, Vec::new());
    let poor = hive.find("poor").unwrap().unwrap();
    hive.children(&poor, &mut |key| {
        let read = key.and_then(|key| {
            hive.values(&key, &mut |value| bytes += value.map_or(0, |(_, value)| value.data.len()))
        });
        faults.extend(read.err());
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(bytes < 300 * 1_500_000 && faults.last().unwrap().what.contains("overlap"), "{bytes}");
}

#[test]
fn what_is_no_hive_is_refused() {
    let sound = three();
    let refused = |at: usize, value: u32| {
        let mut hive = sound.clone();
        set(&mut hive, at, value);
        sum_up(&mut hive);
        Hive::open(&hive[..], vec![]).map(drop).unwrap_err().what
    };
    assert!(refused(0, 0).contains("signature"));
    assert!(refused(24, 2).contains("version 1.2"));
    assert!(refused(20, 2).contains("version 2.5"));
    assert!(refused(28, 6).contains("is the log of a hive"));
    assert!(Hive::open(&[][..], vec![]).is_err());
    let mut wrong = sound.clone();
    wrong[508] ^= 1;
    let (found, faults) = read(&wrong, &[]);
    assert_eq!(found.len(), 5);
    assert!(faults[0].what.contains("wrong checksum"), "{faults:?}");
}

fn state(name: &str) -> Vec<u8> {
    HiveBuilder::new().sequence(7).value("Product", "Name", RegistryValue::sz(name)).build()
}

#[test]
fn a_dirty_hive_is_read_with_its_log() {
    let (one, two, three) = (state("one"), state("two"), state("three"));
    let primary = dirty(&one);
    let says = |logs: &[&[u8]]| {
        let (text, faults) = texts(&primary, logs, "product");
        (text.unwrap(), faults.into_iter().map(|fault| fault.what).collect::<Vec<_>>().join(";"))
    };
    let sound = |name: &str| (name.to_owned(), String::new());
    assert!(says(&[]).1.contains("was being written, and there is no log"));
    assert_eq!(says(&[&log(&[&one, &two])]), sound("two"));
    assert_eq!(says(&[&log(&[&one, &two, &three])]), sound("three"));
    let (first, second) = (log(&[&one, &two]), log_from(&[&two, &three], 8));
    assert_eq!(says(&[&first, &second]), sound("three"));
    assert_eq!(says(&[&second, &first]), sound("three"));
    let old = log_from(&[&one, &two], 6);
    assert_eq!(says(&[&old]).0, "one");
    assert!(says(&[&old]).1.contains("no log belongs to this state"));
    let behind_a_gap = log_from(&[&two, &three], 9);
    assert_eq!(says(&[&first, &behind_a_gap]).0, "two");
    assert!(says(&[&first, &behind_a_gap]).1.contains("lack the entry 8"));
    assert_eq!(texts(&one, &[&first], "product").0.unwrap(), "one", "a clean hive needs no log");
}

#[test]
fn an_entry_that_does_not_verify_ends_the_log() {
    let (one, two, three) = (state("one"), state("two"), state("three"));
    let primary = dirty(&one);
    let both = log(&[&one, &two, &three]);
    let second = 512 + log(&[&one, &two]).len() - 512;
    for at in [second + 4, second + 12, second + 24, second + 32, second + 50, both.len() - 1] {
        let mut torn = both.clone();
        torn[at] ^= 1;
        assert_eq!(texts(&primary, &[&torn], "product").0.unwrap(), "two", "{at}");
    }
    for length in [0, 100, 511, 512, 1000, second - 1] {
        let (text, faults) = texts(&primary, &[&both[..length]], "product");
        assert_eq!((text.unwrap().as_str(), faults.len()), ("one", 1), "{length}");
    }
    let mut torn = both.clone();
    torn[4] ^= 1;
    assert_eq!(texts(&primary, &[&torn], "product").0.unwrap(), "one", "the log's base block");
}

#[test]
fn a_hive_that_grew_in_its_log() {
    let one = state("one");
    let mut builder = HiveBuilder::new().sequence(7).value("Product", "Name", RegistryValue::sz("one"));
    for n in 0..300 {
        builder.set(&format!("New\\{n}"), "Name", RegistryValue::sz("of the log"));
    }
    let grown = builder.build();
    assert!(grown.len() > one.len() + 20_000);
    for log in [log(&[&one, &grown]), old_log(&one, &grown)] {
        let primary = dirty(&one);
        assert_eq!(read(&primary, &[&log]), read(&grown, &[]));
        assert_eq!(texts(&primary, &[&log], "new\\299"), (Some("of the log".to_owned()), vec![]));
    }
}

#[test]
fn a_torn_base_block_is_mended_from_the_log() {
    let (one, two) = (state("one"), state("two"));
    for log in [log(&[&one, &two]), old_log(&one, &two)] {
        let mut torn = dirty(&one);
        torn[36] = 0xff;
        assert_eq!(texts(&torn, &[&log], "product"), (Some("two".to_owned()), vec![]));
    }
}

#[test]
fn the_old_format_belongs_to_one_time() {
    let (one, two) = (state("one"), state("two"));
    let primary = dirty(&one);
    let mut log = old_log(&one, &two);
    assert_eq!(texts(&primary, &[&log], "product"), (Some("two".to_owned()), vec![]));
    let (text, faults) = texts(&primary, &[&log[..log.len() - 1]], "product");
    assert_eq!((text.unwrap().as_str(), faults.len()), ("one", 1), "cut");
    log[12] ^= 1;
    sum_up(&mut log);
    let (text, faults) = texts(&primary, &[&log], "product");
    assert_eq!((text.unwrap().as_str(), faults.len()), ("one", 1));
}

/// A file that says whether it was read, and that a writer may change.
struct Watched<'b>(&'b Cell<Vec<u8>>, &'b Cell<usize>);

impl ReadAt for Watched<'_> {
    fn size(&self) -> u64 {
        let bytes = self.0.take();
        let size = bytes.len() as u64;
        self.0.set(bytes);
        size
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<usize> {
        self.1.set(self.1.get() + buf.len());
        let bytes = self.0.take();
        let read = bytes.as_slice().read_at(offset, buf);
        self.0.set(bytes);
        read
    }
}

#[test]
fn only_the_way_is_read_and_a_writer_is_seen() {
    let mut builder = HiveBuilder::new().padded_to(5 << 20);
    for n in 0..5000 {
        builder.set(&format!("key {n}"), "value", RegistryValue::binary(vec![1; 200]));
    }
    let bytes = Cell::new(builder.build());
    let (read, of_log) = (Cell::new(0), Cell::new(0));
    let hive = Hive::open(Watched(&bytes, &read), vec![Watched(&bytes, &of_log)]).unwrap();
    let key = hive.find("key 4999").unwrap().unwrap();
    assert_eq!(hive.value(&key, "VALUE").unwrap().unwrap().data.len(), 200);
    assert!(read.get() < 100_000, "{} bytes for one value", read.get());
    assert_eq!(of_log.get(), 0, "a clean hive needs no log");
    assert_eq!(hive.changed(), None);
    bytes.set(dirty(&bytes.take()));
    assert_eq!(hive.changed().unwrap().what, CHANGED);
}

#[test]
fn every_cut_has_a_fault() {
    let whole = small(List::Lh);
    let (all, faults) = read(&whole, &[]);
    assert_eq!((all.len(), faults.len()), (15, 0));
    for cut in (0..whole.len()).step_by(512) {
        let (found, faults) = read(&whole[..cut], &[]);
        assert!(!faults.is_empty(), "cut at {cut} in silence");
        assert!(found.iter().all(|one| all.contains(one)), "cut at {cut}: made up");
    }
}

/// Random bytes in random places, also where offsets and counts are.
#[test]
fn no_mutation_makes_a_panic_or_a_loop() {
    let (one, two) = (small(List::Lh), small(List::Lf));
    let log = log(&[&one, &two]);
    let (mut noticed, mut dice) = (0, Dice(4711));
    for round in 0..3000 {
        let mut hive = if round % 2 == 0 { one.clone() } else { dirty(&one) };
        let mut log = log.clone();
        for _ in 0..=dice.below(8) {
            let at = if dice.below(2) == 0 { dice.below(512) } else { 4096 + dice.below(4096) };
            hive[at] = u8::try_from(dice.below(256)).unwrap();
            let at = dice.below(log.len());
            log[at] ^= 1 << dice.below(8);
        }
        if round % 3 == 0 {
            sum_up(&mut hive);
        }
        let (found, faults) = read(&hive, &[&log]);
        noticed += usize::from(!faults.is_empty());
        assert!(found.len() < 100, "more came out than went in");
    }
    assert!(noticed > 1000, "{noticed} of 3000 were noticed");
}

/// Writes `fuzz/seeds/regf` anew: `cargo test --lib write_hive_seeds -- --ignored`.
#[test]
#[ignore = "writes into the checkout"]
#[expect(clippy::disallowed_methods, reason = "writes into the checkout")]
fn write_hive_seeds() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/regf");
    std::fs::create_dir_all(folder).unwrap();
    let (one, two) = (state("one"), state("two"));
    let seed = |name: &str, primary: &[u8], one: &[u8], two: &[u8]| {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_be_bytes();
        let bytes = [&length(primary), primary, &length(one), one, two].concat();
        std::fs::write(format!("{folder}/{name}"), bytes).unwrap();
    };
    for (name, list) in [("lh", List::Lh), ("lf", List::Lf), ("li", List::Li)] {
        let tree = HiveBuilder::new().lists(list).key("Uninstall\\Лаборатория", 1);
        let tree = tree.value("Uninstall", "", RegistryValue::sz("42"));
        let tree = tree.value("Uninstall", "Имя", RegistryValue::multi_sz(&["a", "b"]));
        seed(name, &tree.value("Run", "x", RegistryValue::binary([1; 8])).build(), &[], &[]);
    }
    let long = HiveBuilder::new().value("", "long", RegistryValue::binary(vec![0; 16345])).build();
    seed("segments", &long, &[], &[]);
    seed("log", &dirty(&one), &log(&[&one, &two]), &log_from(&[&two, &one], 8));
    seed("old-log", &dirty(&one), &old_log(&one, &two), &[]);
}
