//! EDID: what a display tells of itself, as Windows keeps it in `Enum\DISPLAY\…\Device Parameters`
//! and Linux in `/sys/class/drm`. Format: VESA E-EDID 1.4, section 3, base block.
//!
//! Called by the sources of devices. Must not know the registry, nor which displays matter.

use crate::parse::bytes::array;
use crate::parse::bytes::le32;

/// Length of the base block; extension blocks are not read.
pub const BLOCK: usize = 128;

/// What the base block says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edid {
    /// Three letters that the manufacturer was given: `LNX`.
    pub manufacturer: String,
    /// Product code, chosen by the manufacturer.
    pub product: u16,
    /// Serial number; `None` where it is 0, which means that there is none.
    pub serial: Option<u32>,
    /// Year of manufacture, or of the model; `None` where not given.
    pub year: Option<u16>,
    /// Text of the descriptor 0xFC.
    pub name: Option<String>,
    /// Text of the descriptor 0xFF.
    pub serial_text: Option<String>,
    /// The 128 bytes add up to a multiple of 256. Devices that made up their EDID may have it wrong.
    pub checksum: bool,
}

impl Edid {
    /// Manufacturer and product as identifiers have them: `LNX:7773`.
    pub fn id(&self) -> String {
        format!("{}:{:04X}", self.manufacturer, self.product)
    }
}

/// Reads the base block. `None` where it is short, has another header or no manufacturer's letters.
pub fn edid(bytes: &[u8]) -> Option<Edid> {
    let block = array::<BLOCK>(bytes, 0)?;
    if !block.starts_with(&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]) {
        return None;
    }
    let manufacturer = manufacturer(u16::from_be_bytes(array(&block, 8)?))?;
    let product = u16::from_le_bytes(array(&block, 10)?);
    let serial = le32(&block, 12).filter(|serial| *serial != 0);
    let year = block.get(17).filter(|year| **year != 0).map(|year| 1990 + u16::from(*year));
    let checksum = block.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) == 0;
    let (mut name, mut serial_text) = (None, None);
    for at in [54, 72, 90, 108] {
        match array::<18>(&block, at)? {
            [0, 0, 0, 0xfc, _, rest @ ..] => name = name.or_else(|| text(&rest)),
            [0, 0, 0, 0xff, _, rest @ ..] => serial_text = serial_text.or_else(|| text(&rest)),
            _ => {}
        }
    }
    Some(Edid { manufacturer, product, serial, year, name, serial_text, checksum })
}

/// The letters of a manufacturer's number: three times five bits, 1 is A. `None` where they are none.
pub fn manufacturer(id: u16) -> Option<String> {
    [10, 5, 0]
        .into_iter()
        .map(|shift| match u8::try_from(id >> shift & 0x1f) {
            Ok(n @ 1..=26) => Some(char::from(b'@' + n)),
            _ => None,
        })
        .collect()
}

/// Up to 13 letters, ended by a line feed and filled with blanks. The format says ASCII.
fn text(raw: &[u8]) -> Option<String> {
    let line = raw.split(|byte| matches!(byte, b'\n' | 0)).next()?;
    let text: String = line
        .iter()
        .map(|&byte| if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER })
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> Vec<u8> {
        let mut block = vec![0; BLOCK];
        block[..8].copy_from_slice(&[0, 255, 255, 255, 255, 255, 255, 0]);
        // L=12, N=14, X=24
        block[8..10].copy_from_slice(&(0b0_01100_01110_11000_u16).to_be_bytes());
        block[10..12].copy_from_slice(&0x7773_u16.to_le_bytes());
        block[12..16].copy_from_slice(&7_u32.to_le_bytes());
        block[17] = 30;
        block[54..72].copy_from_slice(b"\0\0\0\xfc\0PiKVM V3\n    ");
        block[90..108].copy_from_slice(b"\0\0\0\xff\0CAFE\xff12345678");
        let sum = block.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        block[127] = sum.wrapping_neg();
        block
    }

    #[test]
    fn a_sound_block() {
        let got = edid(&block()).unwrap();
        assert_eq!((got.id().as_str(), got.serial, got.year), ("LNX:7773", Some(7), Some(2020)));
        assert_eq!(got.name.as_deref(), Some("PiKVM V3"));
        assert_eq!(got.serial_text.as_deref(), Some("CAFE\u{fffd}12345678"));
        assert!(got.checksum);
    }

    #[test]
    fn a_wrong_sum_is_told_not_refused() {
        let mut odd = block();
        odd[12..18].fill(0);
        let got = edid(&odd).unwrap();
        assert_eq!((got.checksum, got.serial, got.year), (false, None, None));
    }

    #[test]
    fn letters_of_a_number() {
        assert_eq!(manufacturer(0x0610).as_deref(), Some("APP"));
        assert_eq!(manufacturer(0x31D8).as_deref(), Some("LNX"));
        assert_eq!((manufacturer(0), manufacturer(0x7FFF)), (None, None));
    }

    #[test]
    fn what_is_no_edid() {
        let good = block();
        for cut in 0..BLOCK {
            assert_eq!(edid(&good[..cut]), None, "{cut}");
        }
        for (at, byte) in [(0, 1), (3, 0), (8, 0), (9, 0)] {
            let mut odd = block();
            odd[at] = byte;
            assert_eq!(edid(&odd), None, "{at}");
        }
    }

    #[test]
    #[ignore = "writes into the source tree, when a format's writer changed"]
    fn write_seeds() {
        crate::parse::corpora_windows_tests::save_seed("windows_binary", "edid", &block());
    }
}
