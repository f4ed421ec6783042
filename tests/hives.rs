//! The hive reader against libhivex: real hives with the dump that it made of them, and made hives that it reads
//! itself. With logs: against the state that a replay by another program gave.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test reads its corpora and fails by panicking"
)]

mod support;

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use interdict::parse::Fault;
use interdict::parse::regf::{Hive, Key};
use interdict::parse::registry_value::RegistryValue;
use quick_xml::events::Event;
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use support::hive as writer;
use support::{corpus_answer, corpus_hive};

/// A hive's keys and values as lines, sorted, and all that was wrong.
#[derive(Default)]
struct Dump {
    lines: Vec<String>,
    keys: usize,
    values: usize,
    faults: Vec<Fault>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

impl Dump {
    fn of(primary: &[u8], logs: &[&[u8]]) -> Self {
        let hive = Hive::open(primary, logs.to_vec()).unwrap();
        let mut dump = Self { faults: hive.faults().to_vec(), ..Self::default() };
        dump.key(&hive, &hive.root().unwrap(), "");
        dump.lines.sort();
        dump
    }

    fn key(&mut self, hive: &Hive<&[u8]>, key: &Key, path: &str) {
        self.keys += 1;
        self.lines.push(format!("K\t{path}"));
        let read = hive.values(key, &mut |value| match value {
            Ok((name, value)) => {
                self.values += 1;
                let digest = hex(&Sha1::digest(&value.data));
                self.lines.push(format!("V\t{path}\t{name}\t{}\t{digest}", value.kind));
            }
            Err(fault) => self.faults.push(fault),
        });
        self.faults.extend(read.err());
        let read = hive.children(key, &mut |child| {
            match child {
                Ok(child) => self.key(hive, &child, &format!("{path}\\{}", child.name)),
                Err(fault) => self.faults.push(fault),
            }
            ControlFlow::Continue(())
        });
        self.faults.extend(read.err());
    }

    fn digest(&self) -> String {
        hex(&Sha256::digest(self.lines.join("\n")))
    }

    fn assert(&self, name: &str, want: &Value) {
        let want = &want["dump"];
        let got = [self.keys, self.values, self.faults.len()];
        assert_eq!(
            got.map(|n| n as u64),
            ["keys", "values", "errors"].map(|key| want[key].as_u64().unwrap()),
            "{name}: {:?}",
            self.faults
        );
        assert_eq!(self.digest(), want["canonical_sha256"], "{name}");
    }
}

#[test]
fn real_hives_as_libhivex_dumps_them() {
    for name in [
        "notatin__NTUSER.DAT",
        "plaso__NTUSER-CCLEANER.DAT",
        "plaso__regf_100_sub_keys.hiv",
        "regipy__BCD",
        "regipy__NTUSER-WSL.DAT",
        "regipy__SAM",
    ] {
        let Some(hive) = corpus_hive(name) else { return };
        Dump::of(&hive, &[]).assert(name, &corpus_answer(name));
    }
}

/// libhivex gives up the whole list; we lose the one child whose place in it is damaged.
#[test]
fn a_real_corrupt_list_loses_one_child() {
    let name = "plaso__regf_corrupt_sub_key_list.hiv";
    let Some(hive) = corpus_hive(name) else { return };
    assert_eq!(corpus_answer(name)["dump"]["errors"], 1);
    let dump = Dump::of(&hive, &[]);
    assert_eq!((dump.keys, dump.values, dump.faults.len()), (100, 99, 1), "{:?}", dump.faults);
    let sound = corpus_hive("plaso__regf_100_sub_keys.hiv").unwrap();
    let sound = Dump::of(&sound, &[]);
    assert!(dump.lines.iter().all(|line| sound.lines.contains(line)));
}

/// libhivex does not look at logs; without them our reader says that something may be missing.
#[test]
fn real_dirty_hives_without_logs_have_one_fault() {
    for name in [
        "regipy__NTUSER_with_winscp.DAT",
        "regipy__SYSTEM_2",
        "regipy__UsrClass.dat",
        "regipy__amcache.hve",
        "regipy__transactions_NTUSER.DAT",
    ] {
        let Some(hive) = corpus_hive(name) else { return };
        let mut dump = Dump::of(&hive, &[]);
        assert!(dump.faults.remove(0).what.contains("there is no log"));
        dump.assert(name, &corpus_answer(name));
    }
}

#[test]
fn real_logs_give_the_state_that_windows_recovers() {
    for (hive, logs, want) in [
        ("UsrClass.dat", ["UsrClass.dat.LOG1", "UsrClass.dat.LOG2"], "UsrClass.replayed"),
        (
            "transactions_NTUSER.DAT",
            ["transactions_ntuser.dat.log1", "transactions_ntuser.dat.log2"],
            "transactions_NTUSER.replayed",
        ),
    ] {
        let read = |name: &str| corpus_hive(&format!("regipy__{name}"));
        let (Some(primary), Some(one), Some(two)) = (read(hive), read(logs[0]), read(logs[1])) else {
            return;
        };
        Dump::of(&primary, &[&one, &two]).assert(want, &corpus_answer(want));
        Dump::of(&primary, &[&two, &one]).assert(want, &corpus_answer(want));
    }
}

/// Keys (path) and values (path, name, type, text) as `hivexml` prints them, sorted.
fn hivexml(hive: &Path) -> Vec<String> {
    let output = Command::new("hivexml").arg(hive).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut reader = quick_xml::Reader::from_str(&text);
    let (mut path, mut lines) = (Vec::new(), Vec::new());
    loop {
        let event = reader.read_event().unwrap();
        let attribute = |name: &str| match &event {
            Event::Start(tag) | Event::Empty(tag) => tag.try_get_attribute(name).unwrap().map(|found| {
                found.normalized_value(quick_xml::XmlVersion::Implicit1_0).unwrap().into_owned()
            }),
            _ => None,
        };
        match &event {
            Event::Start(tag) if tag.name().as_ref() == "node" => {
                path.push(attribute("name").unwrap());
                lines.push(format!("K {}", path[1..].join("\\")));
            }
            Event::End(tag) if tag.name().as_ref() == "node" => drop(path.pop()),
            Event::Start(tag) | Event::Empty(tag) if tag.name().as_ref() == "value" => {
                let (key, kind) = (attribute("key").unwrap_or_default(), attribute("type").unwrap());
                let value = attribute("value").unwrap_or_default();
                let value = if kind == "string" { value } else { String::new() };
                lines.push(format!("V {} {key} {kind} {value}", path[1..].join("\\")));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    lines.sort();
    lines
}

/// What our tests build on is what another program reads as we meant it.
#[test]
fn libhivex_reads_made_hives() {
    if !support::has("hivexml") {
        return support::skip("no hivexml (Debian package libhivex-bin)");
    }
    let mut builder = writer::HiveBuilder::new().padded_to(5 << 20);
    let mut want = vec!["K ".to_owned(), "K Uninstall".to_owned(), "K Лаборатория".to_owned()];
    for n in 0..10_000 {
        let path = format!("Uninstall\\{{product {n}}}");
        builder.set(&path, "DisplayName", RegistryValue::sz(&format!("Product № {n}")));
        want.push(format!("K {path}"));
        want.push(format!("V {path} DisplayName string Product № {n}"));
    }
    builder.set("Лаборатория", "Имя", RegistryValue::binary(vec![9; 100_000]));
    builder.set("Лаборатория", "", RegistryValue::dword(5));
    want.push("V Лаборатория Имя binary ".to_owned());
    want.push("V Лаборатория  int32 ".to_owned());
    want.sort();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hive");
    builder.write_to(&path);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 5 << 20);
    assert!(std::fs::read(&path).unwrap() == builder.build());
    let got = hivexml(&path);
    assert!(got == want, "{:?}", got.iter().find(|line| !want.contains(line)));
}

/// A real hive with random bytes in random places.
#[test]
fn no_mutation_of_a_real_hive_makes_a_panic_or_a_loop() {
    let Some(sound) = corpus_hive("regipy__BCD") else { return };
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut faulty = 0;
    for _ in 0..3000 {
        let mut hive = sound.clone();
        for _ in 0..=random(6) {
            let at = if random(4) == 0 { random(512) } else { 4096 + random(sound.len() - 4096) };
            hive[at] = u8::try_from(random(256)).unwrap();
        }
        if random(2) == 0 {
            writer::sum_up(&mut hive);
        }
        let Ok(opened) = Hive::open(&hive[..], vec![]) else { continue };
        let mut dump = Dump { faults: opened.faults().to_vec(), ..Dump::default() };
        match opened.root() {
            Ok(root) => dump.key(&opened, &root, ""),
            Err(fault) => dump.faults.push(fault),
        }
        faulty += usize::from(!dump.faults.is_empty());
        assert!(dump.keys + dump.values < 1000, "more came out than went in");
    }
    assert!(faulty > 1000, "{faulty} of 3000 were noticed");
}
