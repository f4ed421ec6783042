//! ZIP archives, written so that the same files make the same bytes: in the order of their names, deflated, of one time,
//! without anything that hangs on the machine (APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12 and 4.3.16).
//!
//! Called by `attestation`. `parse::zip_strict` reads them back and refuses any other.

use std::collections::BTreeMap;
use std::io::{self, Write};

use miniz_oxide::deflate::compress_to_vec;

use crate::model::Stamp;

/// Version 2.0, no flags, deflated.
const PLAIN: [u8; 6] = [20, 0, 0, 0, 8, 0];
/// Version 2.0 on Unix.
const MADE_BY: [u8; 2] = [20, 3];
/// A regular file that everybody may read, in the upper half (`S_IFREG | 0644`).
const ATTRIBUTES: u32 = 0o100_644 << 16;
/// How hard to pack: zlib's usual level.
const LEVEL: u8 = 6;

/// Writes an archive of files by their names.
pub(super) fn write(files: &BTreeMap<String, Vec<u8>>, time: Stamp, out: &mut dyn Write) -> io::Result<()> {
    let too_long = || io::Error::other("more than an archive holds");
    let word = |n: usize| u16::try_from(n).map(u16::to_le_bytes).map_err(|_| too_long());
    let long = |n: usize| u32::try_from(n).map(u32::to_le_bytes).map_err(|_| too_long());
    let time = dos_time(time);
    let (mut directory, mut at) = (Vec::new(), 0);
    for (name, data) in files {
        let packed = compress_to_vec(data, LEVEL);
        let (crc, sizes) = (crc32(data).to_le_bytes(), [long(packed.len())?, long(data.len())?].concat());
        // What the header of the file and the directory both say; no extra fields.
        let same = [&PLAIN[..], &time, &crc, &sizes, &word(name.len())?, &[0; 2]].concat();
        let header = [b"PK\x03\x04", &same[..], name.as_bytes()].concat();
        out.write_all(&header)?;
        out.write_all(&packed)?;
        directory.extend([b"PK\x01\x02", &MADE_BY[..], &same, &[0; 6], &ATTRIBUTES.to_le_bytes()].concat());
        directory.extend(long(at)?);
        directory.extend(name.as_bytes());
        at += header.len() + packed.len();
    }
    let count = word(files.len())?;
    out.write_all(&directory)?;
    let end = [&b"PK\x05\x06"[..], &[0; 4], &count, &count, &long(directory.len())?, &long(at)?, &[0; 2]];
    out.write_all(&end.concat())
}

/// Time and date of MS-DOS, in UTC: from 1980 to 2107, in steps of two seconds.
fn dos_time(time: Stamp) -> [u8; 4] {
    let text = time.to_string();
    let parts: Vec<u16> =
        text.split(['-', 'T', ':', 'Z']).map_while(|part| part.parse::<u16>().ok()).collect();
    let (time, date) = match parts.as_slice() {
        &[year @ 1980..=2107, month, day, hour, minute, second] => {
            ((hour << 11) | (minute << 5) | (second / 2), ((year - 1980) << 9) | (month << 5) | day)
        }
        // Its first day.
        _ => (0, (1 << 5) | 1),
    };
    let ([a, b], [c, d]) = (time.to_le_bytes(), date.to_le_bytes());
    [a, b, c, d]
}

/// The sum of section 4.4.7, a byte at a time.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        let [low, ..] = sum.to_le_bytes();
        (sum >> 8) ^ TABLE.get(usize::from(low ^ byte)).copied().unwrap_or_default()
    })
}

#[expect(clippy::indexing_slicing, reason = "while the program is built")]
const fn table() -> [u32; 256] {
    let mut table = [0_u32; 256];
    let mut byte = 0_u32;
    while byte < 256 {
        let (mut sum, mut bit) = (byte, 0);
        while bit < 8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
            bit += 1;
        }
        table[byte as usize] = sum;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::safe::put;
    use crate::parse::zip_strict::{Caps, members};

    fn archive(files: &[(&str, &[u8])], at: i64) -> Vec<u8> {
        let files = files.iter().map(|(name, data)| ((*name).to_owned(), data.to_vec())).collect();
        let mut out = Vec::new();
        write(&files, Stamp::from_unix(at).unwrap(), &mut out).unwrap();
        out
    }

    #[test]
    fn what_is_written_is_read_back() {
        let big = vec![b' '; 1 << 20];
        let files: &[(&str, &[u8])] = &[("b.txt", b"b"), ("a.json", &big), ("empty", b"")];
        let bytes = archive(files, 1_700_000_000);
        assert!(bytes.len() < 5000, "packed");
        assert_eq!(bytes, archive(files, 1_700_000_001), "the same files, the same two seconds");
        let read = members(&bytes, &Caps { files: 3, bytes: 2 << 20 }).unwrap();
        let names: Vec<&str> = read.iter().map(|one| one.name).collect();
        assert_eq!(names, ["a.json", "b.txt", "empty"]);
        assert_eq!((read[0].data.as_slice(), read[1].data.as_slice()), (&big[..], &b"b"[..]));
        assert_eq!(
            members(&archive(&[], 0), &Caps { files: 1, bytes: 1 }).unwrap_err(),
            "it does not begin with a file"
        );
    }

    /// A pack is checked by making it again. Where this fails, a new `miniz_oxide` packs otherwise: raise our version with it,
    /// or every pack of this version is refused from then on.
    #[test]
    fn one_version_packs_in_one_way() {
        let mut text = String::new();
        for n in 0..3000_u32 {
            let name = n.wrapping_mul(2_654_435_761);
            put(&mut text, format_args!("{{ \"name\": \"{name:x}\", \"n\": {} }}\n", n % 7));
        }
        let bytes = archive(&[("sample.json", text.as_bytes())], 1_700_000_000);
        assert_eq!((bytes.len(), crc32(&bytes)), (19_228, 3_701_486_792));
    }

    #[test]
    fn the_sum_and_the_time_are_those_of_the_format() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926, "the check value of the algorithm");
        assert_eq!(crc32(b""), 0);
        // 2023-11-14T22:13:20Z.
        // 43, 11 and 14 in seven, four and five bits; 22, 13 and 10 in five, six and five.
        let (date, time) = (0x576e_u16, 0xb1aa_u16);
        let at = |seconds| dos_time(Stamp::from_unix(seconds).unwrap());
        assert_eq!(at(1_700_000_000), [time.to_le_bytes(), date.to_le_bytes()].concat()[..]);
        for outside in [0, 5_000_000_000, -1] {
            assert_eq!(at(outside), [0, 0, 0x21, 0], "the calendar of MS-DOS ends");
        }
    }
}
