//! Tests of `plist`: each type in both forms, what broken and hostile lists end as, and the crate `plist` as the
//! oracle over generated values and over lists of real bundles.

use std::time::Duration;
use std::time::SystemTime;

use proptest::prelude::*;

use super::*;
use crate::parse::corpora_tests::corpora;
use crate::parse::corpora_tests::tree;

/// An XML list around this.
fn xml(inner: &str) -> Vec<u8> {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
                \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n";
    format!("{head}{inner}\n</plist>\n").into_bytes()
}

/// A binary list of these objects, the first outermost, offsets of `width` bytes, references of one.
fn binary(objects: &[&[u8]], width: u8) -> Vec<u8> {
    let mut bytes = b"bplist00".to_vec();
    let mut table: Vec<u8> = Vec::new();
    for object in objects {
        let at = (bytes.len() as u64).to_be_bytes();
        table.extend(&at[8 - usize::from(width)..]);
        bytes.extend(*object);
    }
    let start = bytes.len() as u64;
    bytes.extend(table);
    bytes.extend([0, 0, 0, 0, 0, 0, width, 1]);
    bytes.extend((objects.len() as u64).to_be_bytes());
    bytes.extend(0_u64.to_be_bytes());
    bytes.extend(start.to_be_bytes());
    bytes
}

fn one(object: &[u8]) -> Result<Value, Fault> {
    read(&binary(&[object], 1))
}

fn inner(text: &str) -> Result<Value, Fault> {
    read(&xml(text))
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}

#[test]
fn every_type_of_xml() {
    assert_eq!(inner("<string>a &amp; b &#x41;<![CDATA[<c>]]></string>"), Ok(text("a & b A<c>")));
    assert_eq!(inner("<string/>"), Ok(text("")));
    assert_eq!(inner("<string> Лаб <!-- no --></string>"), Ok(text(" Лаб ")));
    assert_eq!(inner("<integer> -17 </integer>"), Ok(Value::Integer(-17)));
    assert_eq!(inner("<integer>0xff</integer>"), Ok(Value::Integer(255)));
    assert_eq!(inner("<integer>9223372036854775807</integer>"), Ok(Value::Integer(i64::MAX)));
    assert_eq!(
        inner("<integer>18446744073709551615</integer>"),
        Ok(Value::Real(18_446_744_073_709_551_615.0))
    );
    assert_eq!(inner("<real>-1.5e3</real>"), Ok(Value::Real(-1500.0)));
    assert_eq!(inner("<true/>"), Ok(Value::Bool(true)));
    assert_eq!(inner("<false></false>"), Ok(Value::Bool(false)));
    assert_eq!(inner("<date>2024-07-20T00:00:00Z</date>"), Ok(Value::Date(1_721_433_600)));
    assert_eq!(inner("<date>1969-12-31T23:59:59Z</date>"), Ok(Value::Date(-1)));
    assert_eq!(inner("<data>\n\taGVs\n\tbG8=\n</data>"), Ok(Value::Data(b"hello".into())));
    assert_eq!(
        inner("<array><dict/><array/><true/></array>"),
        Ok(Value::Array(vec![Value::Dict(vec![]), Value::Array(vec![]), Value::Bool(true)]))
    );
    let dict = inner("<dict>\n<key>a</key>\n<integer>1</integer><key>a</key><integer>2</integer></dict>");
    assert_eq!(dict.unwrap().get("a").and_then(Value::number), Some(2));
    assert_eq!(read(b"<string>bare</string>"), Ok(text("bare")));
}

#[test]
fn encodings_of_xml() {
    let list = "<?xml version=\"1.0\" encoding=\"UTF-16\"?><plist><string>Лаб</string></plist>";
    let little = utf16_of(list, u16::to_le_bytes);
    let big = utf16_of(list, u16::to_be_bytes);
    assert_eq!(read(&little), Ok(text("Лаб")));
    assert_eq!(read(&big), Ok(text("Лаб")));
    assert_eq!(read(&[&[0xff, 0xfe][..], &little].concat()), Ok(text("Лаб")));
    assert_eq!(read(&[&[0xfe, 0xff][..], &big].concat()), Ok(text("Лаб")));
    assert_eq!(read("\u{feff}<plist><string>Лаб</string></plist>".as_bytes()), Ok(text("Лаб")));
    let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><plist><string>\xa9 caf\xe9</string></plist>";
    assert_eq!(read(latin), Ok(text("© café")));
    assert!(read(b"<plist><string>caf\xe9</string></plist>").is_err());
    // A real replacement character is one.
    assert_eq!(inner("<string>\u{fffd}</string>"), Ok(text("\u{fffd}")));
}

fn utf16_of(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

#[test]
fn what_is_no_list_of_xml_is_a_fault() {
    for bad in [
        "",
        "<dict><key>a</key></dict>",
        "<dict><true/></dict>",
        "<dict><key>a</key><key>b</key><true/></dict>",
        "<key>a</key>",
        "<array><key>a</key></array>",
        "<string>a</string><string>b</string>",
        "<string><b/></string>",
        "<string>&nbsp;</string>",
        "<integer>1.5</integer>",
        "<integer>--5</integer>",
        "<integer/>",
        "<real>x</real>",
        "<date>yesterday</date>",
        "<date>2024-02-30T00:00:00Z</date>",
        "<dict>loose</dict>",
        "<set/>",
        "<plist/>",
        "<string>a</integer>",
    ] {
        assert!(inner(bad).is_err(), "{bad}");
    }
    for bad in [&b""[..], b"\0", b"{ a = b; }", b"hello", b"<plist/>", b"<html><p>not found</p></html>"] {
        assert!(read(bad).is_err(), "{bad:?}");
    }
    let lol = b"<!DOCTYPE p [<!ENTITY a 'lol'><!ENTITY b '&a;&a;'>]><plist><string>&b;</string></plist>";
    assert!(read(lol).is_err());
}

#[test]
fn every_type_of_a_binary_list() {
    let double = |marker: u8, number: f64| [&[marker][..], &number.to_be_bytes()].concat();
    assert_eq!(one(&[0x08]), Ok(Value::Bool(false)));
    assert_eq!(one(&[0x09]), Ok(Value::Bool(true)));
    assert_eq!(one(&[0x10, 0xff]), Ok(Value::Integer(255)));
    assert_eq!(one(&[0x11, 1, 0]), Ok(Value::Integer(256)));
    assert_eq!(one(&[0x12, 0xff, 0, 0, 0]), Ok(Value::Integer(0xff00_0000)));
    assert_eq!(one(&[0x13, 255, 255, 255, 255, 255, 255, 255, 254]), Ok(Value::Integer(-2)));
    let wide = [&[0x14][..], &u128::from(u64::MAX).to_be_bytes()].concat();
    assert_eq!(one(&wide), Ok(Value::Real(18_446_744_073_709_551_615.0)));
    assert_eq!(one(&[&[0x14][..], &(-3_i128).to_be_bytes()].concat()), Ok(Value::Integer(-3)));
    assert_eq!(one(&[&[0x22][..], &1.5_f32.to_be_bytes()].concat()), Ok(Value::Real(1.5)));
    assert_eq!(one(&double(0x23, -0.25)), Ok(Value::Real(-0.25)));
    assert_eq!(one(&double(0x33, 0.0)), Ok(Value::Date(978_307_200)));
    assert_eq!(one(&double(0x33, -978_307_200.5)), Ok(Value::Date(-1)));
    assert_eq!(one(b"\x43abc"), Ok(Value::Data(b"abc".into())));
    assert_eq!(one(b"\x5f\x10\x11seventeen letters"), Ok(text("seventeen letters")));
    assert_eq!(one(&[0x62, 0x04, 0x1b, 0xd8, 0x3e]), Ok(text("Л\u{fffd}")));
    assert_eq!(one("\x74Ла".as_bytes()), Ok(text("Ла")));
    assert_eq!(one(&[0x80, 7]), Ok(Value::Uid(7)));
    assert_eq!(one(&[0x83, 0, 1, 0, 0]), Ok(Value::Uid(0x1_0000)));
    assert_eq!(read(&binary(&[&[0xa2, 1, 1], b"\x51a"], 2)), Ok(Value::Array(vec![text("a"), text("a")])));
    assert_eq!(read(&binary(&[&[0xc1, 1], &[0x09]], 8)), Ok(Value::Array(vec![Value::Bool(true)])));
    let dict = read(&binary(&[&[0xd2, 1, 2, 2, 1], b"\x51a", b"\x51b"], 3)).unwrap();
    assert_eq!(dict.entries(), [("a".into(), text("b")), ("b".into(), text("a"))]);
}

#[test]
fn what_is_no_binary_list_is_a_fault() {
    for bad in [
        &[0x00][..], // null, which no list has
        &[0x0f],
        &[0x15],
        &[0x21, 0, 0],
        &[0x32, 0, 0, 0, 0],
        &[&[0x33][..], &f64::NAN.to_be_bytes()].concat(),
        &[&[0x33][..], &1e300_f64.to_be_bytes()].concat(),
        &[0x13, 1],
        &[0x58, b'a'],
        &[0x5f, 0x51, b'a'],
        &[0x5f, 0x13, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0xaf, 0x13, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0xdf, 0x14, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1],
        &[0xa1, 9],
        &[0xd1, 0, 0],
        &[0x90],
        &[0xf0],
        &[&[0x8f][..], &[0xff; 16]].concat(),
    ] {
        assert!(one(bad).is_err(), "{bad:02x?}");
    }
    assert!(one(&[]).is_err());
    assert!(read(&binary(&[&[0xd1, 1, 1], &[0x09]], 1)).is_err(), "a key is a text");
    assert!(read(b"bplist15nothing like it, but long enough for a trailer").is_err());
    // Each byte of the trailer made absurd.
    let good = binary(&[b"\x51a"], 1);
    for at in good.len() - 26..good.len() {
        let mut bad = good.clone();
        bad[at] = 0xee;
        assert!(read(&bad).is_err(), "byte {at}");
    }
}

#[test]
fn rings_and_bombs_end_at_a_cap() {
    let said = |result: Result<Value, Fault>| result.unwrap_err().what;
    assert!(said(one(&[0xa1, 0])).contains("ring"));
    assert!(said(one(&[0xaf, 0x10, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])).contains("ring"));
    // Each of 30 arrays refers to the next one eight times.
    let levels: Vec<Vec<u8>> = (1..=30).map(|next| [&[0xa8][..], &[next; 8]].concat()).collect();
    let mut objects: Vec<&[u8]> = levels.iter().map(Vec::as_slice).collect();
    objects.push(b"\x53lol");
    assert!(said(read(&binary(&objects, 2))).contains("200000 values"));
    // A long text that many refer to.
    let long = [&[0x5f, 0x12, 0, 1, 0, 0][..], &vec![b'x'; 1 << 16]].concat();
    let many = [&[0xaf, 0x11, 2, 0][..], &[1; 512]].concat();
    assert!(said(read(&binary(&[&many, &long], 3))).contains("16 MiB"));
    assert!(said(inner(&"<array>".repeat(1 << 16))).contains("deep"));
    assert!(said(inner(&format!("<array>{}</array>", "<true/>".repeat(200_001)))).contains("values"));
    assert!(said(read(&vec![b'<'; MAX_INPUT + 1])).contains("longer"));
    // As deep as the cap allows is read.
    let deep = format!("{}<true/>{}", "<array>".repeat(128), "</array>".repeat(128));
    assert!(inner(&deep).is_ok());
}

#[test]
fn cut_at_every_byte_it_is_a_fault_and_mutated_it_ends() {
    let whole = Value::Dict(vec![
        ("a".into(), Value::Array(vec![Value::Integer(1), Value::Real(2.5), Value::Date(7)])),
        ("Имя".into(), text("x & y")),
        ("d".into(), Value::Data(vec![0, 1, 2])),
    ]);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for bytes in [written(&whole, true), written(&whole, false)] {
        assert_eq!(read(&bytes), Ok(whole.clone()));
        let end = bytes.len() - usize::from(bytes.ends_with(b"\n"));
        for cut in 0..end {
            assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        for _ in 0..4000 {
            let mut bad = bytes.clone();
            for _ in 0..=random % 3 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let at = usize::try_from(random >> 8).unwrap() % bad.len();
                bad[at] = random.to_le_bytes()[0];
            }
            drop(read(&bad));
        }
    }
}

/// What the crate writes of a value.
fn written(value: &Value, binary: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let value = theirs(value);
    if binary { value.to_writer_binary(&mut bytes) } else { value.to_writer_xml(&mut bytes) }.unwrap();
    bytes
}

fn theirs(value: &Value) -> ::plist::Value {
    match value {
        Value::Dict(entries) => ::plist::Value::Dictionary(
            entries.iter().map(|(key, value)| (key.clone(), theirs(value))).collect(),
        ),
        Value::Array(items) => ::plist::Value::Array(items.iter().map(theirs).collect()),
        Value::String(text) => ::plist::Value::String(text.clone()),
        Value::Integer(number) => ::plist::Value::Integer((*number).into()),
        Value::Real(number) => ::plist::Value::Real(*number),
        Value::Bool(flag) => ::plist::Value::Boolean(*flag),
        Value::Data(bytes) => ::plist::Value::Data(bytes.clone()),
        Value::Date(seconds) => {
            let span = Duration::from_secs(seconds.unsigned_abs());
            let epoch = SystemTime::UNIX_EPOCH;
            ::plist::Value::Date(if *seconds < 0 { epoch - span } else { epoch + span }.into())
        }
        Value::Uid(number) => ::plist::Value::Uid(::plist::Uid::new(*number)),
    }
}

fn plain() -> impl Strategy<Value = Value> {
    prop_oneof![
        "\\PC{0,40}".prop_map(Value::String),
        "[ -~]{0,40}".prop_map(Value::String),
        any::<i64>().prop_map(Value::Integer),
        (0_i64..70_000).prop_map(Value::Integer),
        any::<bool>().prop_map(Value::Bool),
        (-1e9..1e9_f64).prop_map(Value::Real),
        proptest::collection::vec(any::<u8>(), 0..60).prop_map(Value::Data),
        (-5_000_000_000_i64..200_000_000_000).prop_map(Value::Date),
    ]
}

fn any_value(leaf: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    leaf.prop_recursive(4, 64, 8, |inner| {
        let keys = proptest::collection::btree_map("\\PC{0,12}", inner.clone(), 0..8);
        prop_oneof![
            proptest::collection::vec(inner, 0..8).prop_map(Value::Array),
            keys.prop_map(|map| Value::Dict(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_the_crate_writes_is_read_as_it_was(value in any_value(plain())) {
        prop_assert_eq!(read(&written(&value, true)), Ok(value.clone()));
        prop_assert_eq!(read(&written(&value, false)), Ok(value));
    }

    #[test]
    fn references_of_archives_too(value in any_value(any::<u32>().prop_map(|n| Value::Uid(n.into())))) {
        prop_assert_eq!(read(&written(&value, true)), Ok(value));
    }

    #[test]
    fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(read(&bytes));
        drop(read(&[b"bplist00", &bytes[..]].concat()));
        drop(read(&[b"<plist><dict>", &bytes[..]].concat()));
    }
}

#[test]
fn lists_of_real_bundles_are_read_as_the_crate_reads_them() {
    let Some(folder) = corpora("small-fixtures") else { return };
    let mut sound = 0;
    for (name, bytes) in tree(&folder.join("scalibr-macapps")) {
        match (read(&bytes), ::plist::Value::from_reader(std::io::Cursor::new(&bytes))) {
            (Ok(ours), Ok(oracle)) => {
                assert_eq!(theirs(&ours), oracle, "{name}");
                sound += 1;
            }
            (Err(_), Err(_)) => {}
            (ours, oracle) => panic!("{name}: {ours:?}, {oracle:?}"),
        }
    }
    assert_eq!(sound, 3);
}
