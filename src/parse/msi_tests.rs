//! Tests of the reader of MSI databases, against databases that are built here.

use super::*;
use crate::parse::corpora_windows_tests::save_seed;
use crate::parse::rpmdb::tests::Dice;
use proptest::prelude::*;

const FREE: u32 = 0xffff_ffff;
const END: u32 = 0xffff_fffe;

/// An entry of the directory.
fn entry(name: &[u16], kind: u8, links: [u32; 3], (start, size): (u32, usize)) -> Vec<u8> {
    let mut raw: Vec<u8> = name.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    raw.resize(64, 0);
    raw.extend(u16::try_from(name.len() * 2 + 2).unwrap().to_le_bytes());
    raw.extend([kind, 1]);
    raw.extend(links.map(u32::to_le_bytes).concat());
    raw.resize(116, 0);
    raw.extend(start.to_le_bytes());
    raw.extend((size as u64).to_le_bytes());
    raw
}

/// A compound file (version 3) with these streams; short ones lie in the mini stream.
fn compound(streams: &[(Vec<u16>, Vec<u8>)]) -> Vec<u8> {
    let (mut sectors, mut fat): (Vec<u8>, Vec<u32>) = (Vec::new(), Vec::new());
    let mut put = |bytes: &[u8]| {
        let start = u32::try_from(fat.len()).unwrap();
        let count = bytes.len().div_ceil(512);
        sectors.extend(bytes);
        sectors.resize((fat.len() + count) * 512, 0);
        fat.extend((1..count).map(|n| start + u32::try_from(n).unwrap()));
        fat.extend((count > 0).then_some(END));
        if count == 0 { END } else { start }
    };
    let (mut mini, mut mini_fat, mut starts): (Vec<u8>, Vec<u32>, Vec<u32>) = Default::default();
    for (_, data) in streams {
        if data.len() >= 4096 {
            starts.push(put(data));
            continue;
        }
        let (start, count) = (u32::try_from(mini_fat.len()).unwrap(), data.len().div_ceil(64));
        starts.push(if count == 0 { END } else { start });
        mini.extend(data);
        mini.resize((mini_fat.len() + count) * 64, 0);
        mini_fat.extend((1..count).map(|n| start + u32::try_from(n).unwrap()));
        mini_fat.extend((count > 0).then_some(END));
    }
    let mini_start = put(&mini);
    mini_fat.resize(mini_fat.len().next_multiple_of(128), FREE);
    let mini_fat_start = put(&mini_fat.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>());
    let mut directory =
        entry(&"Root Entry".encode_utf16().collect::<Vec<_>>(), 5, [FREE, FREE, 1], (mini_start, mini.len()));
    for (n, (name, data)) in streams.iter().enumerate() {
        // A list to the right is a tree too.
        let next = if n + 1 < streams.len() { u32::try_from(n + 2).unwrap() } else { FREE };
        directory.extend(entry(name, 2, [FREE, next, FREE], (starts[n], data.len())));
    }
    let directory_start = put(&directory);
    let fat_start = fat.len();
    let count = (fat.len() + 8).div_ceil(127);
    fat.extend(vec![0xffff_fffd; count]);
    fat.resize(count * 128, FREE);
    let fat_sectors = (0..count).map(|n| u32::try_from(fat_start + n).unwrap());
    let difat: Vec<u32> = fat_sectors.chain(std::iter::repeat(FREE)).take(109).collect();
    let mut head = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    head.resize(24, 0);
    head.extend([0x3e, 0, 3, 0, 0xfe, 0xff, 9, 0, 6, 0]);
    head.resize(44, 0);
    let fields = [u32::try_from(count).unwrap(), directory_start, 0, 4096, mini_fat_start, 1, END, 0];
    head.extend(fields.into_iter().chain(difat).flat_map(u32::to_le_bytes));
    sectors.extend(fat.iter().flat_map(|n| n.to_le_bytes()));
    [head, sectors].concat()
}

/// A database with these properties.
fn database(page: u32, wide: bool, properties: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut list = (page | if wide { 1 << 31 } else { 0 }).to_le_bytes().to_vec();
    let (mut data, mut names, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let mut number = 0_u32;
    let mut text = |text: &[u8]| -> Vec<u8> {
        if text.is_empty() {
            return vec![0; if wide { 3 } else { 2 }];
        }
        number += 1;
        let length = u32::try_from(text.len()).unwrap();
        if length > 0xffff {
            list.extend([0, 0]);
            list.extend(u16::try_from(length >> 16).unwrap().to_le_bytes());
        }
        list.extend(u16::try_from(length & 0xffff).unwrap().to_le_bytes());
        list.extend([1, 0]);
        data.extend(text);
        number.to_le_bytes()[..if wide { 3 } else { 2 }].to_vec()
    };
    for (name, value) in properties {
        names.extend(text(name));
        values.extend(text(value));
    }
    compound(&[
        (stream_name("Property"), [names, values].concat()),
        (stream_name("_StringData"), data),
        (stream_name("_StringPool"), list),
    ])
}

fn read(bytes: &[u8]) -> Result<Parsed<Property>, Fault> {
    properties(&bytes, 64 << 20)
}

const GOOD: &[(&[u8], &[u8])] = &[
    (b"ProductName", b"\xcb\xe0\xe1 1"),
    (b"Manufacturer", b"AO Kaspersky Lab"),
    (b"ProductVersion", b"21.3.10.391"),
    (b"ProductCode", b"{01D48E5F-8885-47C2-8D89-793CFC9DE165}"),
    (b"UpgradeCode", b"{a9c9a3fb-af3c-4a5c-9818-bc9be1edcd51}"),
    (b"Empty", b""),
];

#[test]
fn properties_of_a_small_database() {
    for wide in [false, true] {
        let got = read(&database(1251, wide, GOOD)).unwrap();
        assert_eq!(got.faults, []);
        assert_eq!(got.records.len(), 6);
        assert_eq!(got.records[5], Property { name: "Empty".to_owned(), value: String::new() });
        let product = Product::of(&got.records);
        assert_eq!(product.name.as_deref(), Some("Лаб 1"));
        assert_eq!(product.manufacturer.as_deref(), Some("AO Kaspersky Lab"));
        assert_eq!(product.version.as_deref(), Some("21.3.10.391"));
        assert_eq!(product.product_code, Guid::parse("{01D48E5F-8885-47C2-8D89-793CFC9DE165}"));
        assert_eq!(product.upgrade_code, Guid::parse("{A9C9A3FB-AF3C-4A5C-9818-BC9BE1EDCD51}"));
    }
}

#[test]
fn long_texts_and_many_properties() {
    let long = vec![b'x'; 65_537];
    let names: Vec<Vec<u8>> = (0..3000).map(|n| format!("P{n}").into_bytes()).collect();
    let mut all: Vec<(&[u8], &[u8])> = vec![(b"Long", &long)];
    all.extend(names.iter().map(|name| (name.as_slice(), &b"v"[..])));
    let got = read(&database(0, true, &all)).unwrap();
    assert_eq!(got.records.len(), 3000, "{:?}", got.faults);
    // One over the cap is left out, said, and those behind it keep their place.
    assert_eq!(got.faults.len(), 2);
    assert_eq!(got.records[2999].name, "P2999");
}

#[test]
fn caps_and_strangers_are_errors() {
    let good = database(0, false, GOOD);
    assert!(properties(&good.as_slice(), good.len() as u64 - 1).is_err());
    for bad in [&b""[..], b"MZ", &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1], &good[..512]] {
        assert!(read(bad).is_err());
    }
    let other = compound(&[(stream_name("_StringPool"), vec![0; 4])]);
    assert!(read(&other).unwrap_err().what.contains("_StringData"));
}

#[test]
fn cuts_never_lose_a_property_in_silence() {
    let good = database(1251, false, GOOD);
    let whole = read(&good).unwrap().records;
    for cut in 0..good.len() {
        match read(&good[..cut]) {
            Err(_) => {}
            Ok(got) => assert!(!got.faults.is_empty() || got.records == whole, "{cut}"),
        }
    }
}

#[test]
fn loops_end() {
    let mut dice = Dice(11);
    let good = database(1251, false, GOOD);
    for _ in 0..4000 {
        let mut bad = good.clone();
        for _ in 0..=dice.below(6) {
            let at = dice.below(bad.len() / 4) * 4;
            let small = u32::try_from(dice.below(12)).unwrap();
            bad[at..at + 4].copy_from_slice(&small.to_le_bytes());
        }
        if let Ok(got) = read(&bad) {
            assert!(got.records.len() <= GOOD.len(), "properties made up");
        }
    }
}

#[test]
fn names_of_streams() {
    // As msitools shows the stream of the table Property.
    let want = [0x4840, 0x4559, 0x44f2, 0x4568, 0x4737];
    assert_eq!(stream_name("Property"), want);
    assert_eq!(stream_name("_StringPool").len(), 7);
}

proptest! {
    #[test]
    fn any_properties_come_back(texts in proptest::collection::vec(("[a-zA-Z]{1,20}", ".{0,40}"), 0..50)) {
        let raw: Vec<(&[u8], &[u8])> = texts.iter().map(|(a, b)| (a.as_bytes(), b.as_bytes())).collect();
        let got = read(&database(65001, false, &raw)).unwrap();
        let got: Vec<(String, String)> = got.records.into_iter().map(|one| (one.name, one.value)).collect();
        prop_assert_eq!(got, texts);
    }
}

/// Writes `fuzz/seeds` anew: `cargo test --lib write_seeds -- --ignored`.
#[test]
#[ignore = "writes into the source tree, when a format's writer changed"]
fn write_seeds() {
    save_seed("msi", "narrow", &database(1251, false, GOOD));
    save_seed("msi", "wide", &database(65001, true, GOOD));
    save_seed("msi", "long", &database(0, true, &[(b"Long", &[b'x'; 5000])]));
}
