//! Tests of the reader of shell links, against links that are built here field by field.

use super::*;
use crate::parse::corpora_windows_tests::save_seed;

fn le(n: usize) -> [u8; 4] {
    u32::try_from(n).unwrap().to_le_bytes()
}

fn wide(text: &str) -> Vec<u8> {
    utf16::encode(&format!("{text}\0"))
}

/// A shell item of a folder or file, as Windows 10 writes it (version 9).
fn item(kind: u8, short: &str, long: &str) -> Vec<u8> {
    let mut out = vec![0, 0, kind, 0];
    out.extend([0; 10]);
    out.extend(short.as_bytes());
    out.extend(if short.len().is_multiple_of(2) { vec![0, 0] } else { vec![0] });
    let at = u16::try_from(out.len()).unwrap();
    let mut block = vec![0, 0, 9, 0];
    block.extend(LONG.to_le_bytes());
    block.extend([0; 38]);
    block.extend(wide(long));
    block.extend(at.to_le_bytes());
    let size = u16::try_from(block.len()).unwrap();
    block[..2].copy_from_slice(&size.to_le_bytes());
    out.extend(block);
    let size = u16::try_from(out.len()).unwrap();
    out[..2].copy_from_slice(&size.to_le_bytes());
    out
}

const LONG: u32 = 0xbeef_0004;

fn ids(names: &[(&str, &str)]) -> Vec<u8> {
    let mut list = [&[20, 0, 0x1f, 0x50][..], &[0; 16]].concat();
    list.extend([&[25, 0, 0x2f][..], b"C:\\", &[0; 19]].concat());
    for (n, (short, long)) in names.iter().enumerate() {
        list.extend(item(if n + 1 == names.len() { 0x32 } else { 0x31 }, short, long));
    }
    list.extend([0, 0]);
    [&u16::try_from(list.len()).unwrap().to_le_bytes()[..], &list].concat()
}

fn info(base: &str, suffix: &str, unicode: bool) -> Vec<u8> {
    let header = if unicode { 0x24 } else { 0x1c };
    let mut texts: Vec<Vec<u8>> =
        vec![[base.as_bytes(), b"\0"].concat(), [suffix.as_bytes(), b"\0"].concat()];
    if unicode {
        texts.extend([wide(base), wide(suffix)]);
        texts[0] = b"C:\\??\0".to_vec();
    }
    let mut at = header;
    let offsets: Vec<usize> = texts
        .iter()
        .map(|text| {
            at += text.len();
            at - text.len()
        })
        .collect();
    let mut out = [le(at), le(header), le(1), le(0), le(offsets[0]), le(0), le(offsets[1])].concat();
    if unicode {
        out.extend([le(offsets[2]), le(offsets[3])].concat());
    }
    out.extend(texts.concat());
    out
}

fn block(signature: u32, text: &str) -> Vec<u8> {
    let mut out = [le(0x314), signature.to_le_bytes()].concat();
    out.extend([0; 260]);
    out.extend(wide(text));
    out.resize(0x314, 0);
    out
}

fn lnk(flags: u32, parts: &[Vec<u8>]) -> Vec<u8> {
    let mut out = [&le(HEADER)[..], &CLASS, &flags.to_le_bytes()].concat();
    out.resize(HEADER, 0);
    out.extend(parts.concat());
    out
}

fn text(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_le_bytes()[..], &utf16::encode(text)].concat()
}

fn whole() -> Vec<u8> {
    lnk(
        HAS_IDS | HAS_INFO | UNICODE | TEXTS.iter().sum::<u32>(),
        &[
            ids(&[("PROGRA~1", "Program Files"), ("KL", "Лаб"), ("AVP.EXE", "avp.exe")]),
            info("C:\\Program Files", "KL\\avp.exe", false),
            text("name"),
            text("..\\avp.exe"),
            text("C:\\K L"),
            text("-secret"),
            text("icon.ico"),
            block(0xa000_0001, "%ProgramFiles%\\KL\\avp.exe"),
            block(0xa000_0006, "']gAVn-}f(ZXfeAR6.jiFeature>3w2x^IGfe?CxI5heAvk."),
            le(0).to_vec(),
        ],
    )
}

#[test]
fn every_part_of_a_link() {
    let (got, faults) = link(&whole()).unwrap();
    assert_eq!(faults, []);
    assert_eq!(got.path.as_deref(), Some("C:\\Program Files\\KL\\avp.exe"));
    assert_eq!(got.variable_path.as_deref(), Some("%ProgramFiles%\\KL\\avp.exe"));
    assert_eq!(got.item_path.as_deref(), Some("C:\\Program Files\\Лаб\\avp.exe"));
    assert_eq!((got.relative_path.as_deref(), got.folder.as_deref()), (Some("..\\avp.exe"), Some("C:\\K L")));
    assert_eq!(got.product, Guid::parse("{90110409-6000-11D3-8CFE-0150048383C9}"));
    assert_eq!(got.target(), got.path.as_deref());
    assert!(!format!("{got:?}").contains("secret"), "arguments are never kept");
}

#[test]
fn unicode_paths_and_unreadable_ones() {
    let (got, _) = link(&lnk(HAS_INFO, &[info("C:\\Лаб\\avp.exe", "", true)])).unwrap();
    assert_eq!(got.target(), Some("C:\\Лаб\\avp.exe"));
    let parts = [ids(&[("LAB", "Лаб"), ("AVP.EXE", "avp.exe")]), info("C:\\Лаб\\avp.exe", "", false)];
    let (got, _) = link(&lnk(HAS_IDS | HAS_INFO, &parts)).unwrap();
    assert!(got.path.as_deref().unwrap().contains('\u{fffd}'));
    assert_eq!(got.target(), Some("C:\\Лаб\\avp.exe"));
    let (got, _) = link(&lnk(HAS_INFO | NO_INFO, &[info("C:\\a", "", false)])).unwrap();
    assert_eq!(got.path, None);
}

#[test]
fn shares() {
    let name = b"\\\\server\\share\0";
    let network = [&le(0x14 + name.len())[..], &le(0), &le(0x14), &le(0), &le(0), name].concat();
    let at = 0x1c;
    let suffix = at + network.len();
    let mut info = [le(suffix + 6), le(0x1c), le(2), le(0), le(0), le(at), le(suffix)].concat();
    info.extend(network);
    info.extend(b"x.exe\0");
    let (got, faults) = link(&lnk(HAS_INFO, &[info])).unwrap();
    assert_eq!((got.target(), faults), (Some("\\\\server\\share\\x.exe"), vec![]));
}

#[test]
fn cuts_are_faults_and_never_make_up_a_path() {
    let good = whole();
    let (want, _) = link(&good).unwrap();
    for cut in 0..good.len() - 4 {
        let Some((got, faults)) = link(&good[..cut]) else {
            assert!(cut < HEADER);
            continue;
        };
        // Between two blocks of extra data a cut looks like a writer that left out the last.
        let between = got.folder.is_some() && (good.len() - 4 - cut).is_multiple_of(0x314);
        assert!(between || !faults.is_empty() || got.folder == want.folder, "{cut}: {got:?}");
        assert!(got.path.is_none() || got.path == want.path, "{cut}");
    }
}

#[test]
fn hostile_links_end() {
    assert_eq!(link(b"L\0\0\0rubbish"), None);
    assert_eq!(link(&[]), None);
    for flags in [0, HAS_IDS, HAS_INFO, TEXTS[0], UNICODE] {
        for fill in [0x00, 0x01, 0x30, 0xff] {
            let (_, faults) = link(&lnk(flags, &[vec![fill; 4096]])).unwrap();
            assert!(!faults.is_empty(), "{flags} {fill}");
        }
    }
    let tiny = [le(4), le(4)].concat();
    assert!(!link(&lnk(0, &[tiny.repeat(1000)])).unwrap().1.is_empty());
}

/// Writes `fuzz/seeds` anew: `cargo test --lib write_seeds -- --ignored`.
#[test]
#[ignore = "writes into the source tree, when a format's writer changed"]
fn write_seeds() {
    save_seed("windows_binary", "link", &whole());
    save_seed("windows_binary", "unicode", &lnk(HAS_INFO, &[info("C:\\Лаб\\avp.exe", "", true)]));
}
