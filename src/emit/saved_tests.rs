//! What is read back is what was written; what is something else is refused by name.

use serde_json::{Value, json};

use super::*;

/// The golden host; `tests/formats.rs` says what it holds.
fn golden() -> Value {
    serde_json::from_str(include_str!("../../tests/formats/non-compliant.json")).unwrap()
}

fn read_value(value: &Value) -> Result<Saved, Unreadable> {
    read(value.to_string().as_bytes())
}

#[test]
fn a_document_is_read_back() {
    let saved = read_value(&golden()).unwrap();
    assert_eq!((saved.reports.len(), saved.inventories.len(), saved.notes.len()), (1, 0, 0));
    let again = serde_json::to_value(&saved.reports[0]).unwrap();
    assert_eq!(again, golden());
    let list = read_value(&json!([golden(), golden()])).unwrap();
    assert_eq!(list.reports, [saved.reports.clone(), saved.reports].concat());
}

#[test]
fn what_powershell_redirected_is_read_with_a_word_of_warning() {
    let text = include_str!("../../tests/formats/non-compliant.json").replace('\n', "\r\n");
    let utf16 = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(order).collect()
    };
    let plain = read(text.as_bytes()).unwrap();
    for bytes in [utf16(u16::to_le_bytes), utf16(u16::to_be_bytes)] {
        let saved = read(&bytes).unwrap();
        assert_eq!(saved.reports, plain.reports);
        assert!(saved.notes[0].contains("PowerShell"), "{:?}", saved.notes);
        for cut in [bytes.len() - 1, bytes.len() - 8, 3] {
            assert!(matches!(read(&bytes[..cut]), Err(Unreadable::Json(_))), "{cut}");
        }
    }
    let mark = ["\u{feff}", &text].concat();
    assert_eq!(read(mark.as_bytes()).unwrap(), plain);
    for empty in [&b""[..], b"\r\n", b"\xef\xbb\xbf", b"\xff\xfe\r\0\n\0"] {
        assert_eq!(read(empty), Err(Unreadable::Empty));
    }
}

#[test]
fn other_shapes_are_refused_by_name() {
    let with = |schema: &str| {
        let mut report = golden();
        report["schema"] = schema.into();
        read_value(&report)
    };
    assert!(with("interdict.report/1.3").is_ok(), "a minor version only adds");
    let Err(Unreadable::Shape { found, known, .. }) = with("interdict.report/2") else { panic!() };
    assert_eq!((found.as_str(), known), ("interdict.report/2", REPORT_SCHEMA));
    let Err(Unreadable::Shape { known, .. }) = with("interdict.inventory/2") else { panic!() };
    assert_eq!(known, INVENTORY_SCHEMA);
    assert_eq!(with("interdict.explain/1"), Err(Unreadable::Foreign));
    assert!(
        matches!(with("interdict.inventory/1"), Err(Unreadable::Unsound { .. })),
        "a report is no inventory"
    );
    for foreign in [json!({}), json!(3), json!("x"), json!({"schema": 3}), json!([1])] {
        assert_eq!(read_value(&foreign), Err(Unreadable::Foreign), "{foreign}");
    }
    assert!(matches!(read(b"{"), Err(Unreadable::Json(_))));
}

#[test]
fn newer_tools_are_noted_and_what_they_add_is_left_out() {
    let mut report = golden();
    report["tool"]["version"] = "99.0.0".into();
    report["novelty"] = json!({ "x": 1 });
    let saved = read_value(&report).unwrap();
    assert!(saved.notes[0].contains("99.0.0"), "{:?}", saved.notes);
    // A word that decides is not guessed.
    report["verdict"] = "mostly-compliant".into();
    let Err(Unreadable::Unsound { tool, cause }) = read_value(&report) else { panic!() };
    assert!(tool == "99.0.0" && cause.contains("mostly-compliant"), "{cause}");
}

#[test]
fn damaged_files_are_refused() {
    let text = golden().to_string();
    for end in (1..text.len()).step_by(97) {
        assert!(matches!(read(&text.as_bytes()[..end]), Err(Unreadable::Json(_))), "cut at {end}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(read(deep.as_bytes()).is_err());
    // Whatever bytes are turned over, the answer is a document or a fault.
    let (mut bytes, mut seed) = (text.into_bytes(), 0x2545_f491_4f6c_dd1d_u64);
    for _ in 0..2_000 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let at = usize::try_from(seed).unwrap() % bytes.len();
        let old = bytes[at];
        bytes[at] = u8::try_from(seed >> 32 & 0xff).unwrap();
        let _answer = read(&bytes);
        bytes[at] = old;
    }
}

#[test]
fn paths_and_scopes_keep_their_meaning() {
    use crate::model::{HostPath, ItemId, Scope, Stamp};
    for path in ["/C:/Program Files/Acme/a.exe", "/opt/x", r"HKLM\SOFTWARE\Acme", "/C:x", "/", "/C:", ""] {
        let path = HostPath::from(path);
        let text = serde_json::to_string(&path).unwrap();
        assert_eq!(serde_json::from_str::<HostPath>(&text).unwrap(), path, "{text}");
    }
    for scope in [Scope::Machine, Scope::User(7), Scope::Container("a:b".into())] {
        let text = serde_json::to_string(&scope).unwrap();
        assert_eq!(serde_json::from_str::<Scope>(&text).unwrap(), scope);
    }
    for bad in ["\"user:x\"", "\"user\"", "\"\"", "3"] {
        assert!(serde_json::from_str::<Scope>(bad).is_err(), "{bad}");
    }
    let id = ItemId([0xab; 16]);
    assert_eq!(serde_json::from_str::<ItemId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
    for bad in ["\"ab\"", "\"+bababababababababababababababab\"", "\"ABABABABABABABABABABABABABABABAB\""] {
        assert!(serde_json::from_str::<ItemId>(bad).is_err(), "{bad}");
    }
    assert!(serde_json::from_str::<Stamp>("\"yesterday\"").is_err());
}
