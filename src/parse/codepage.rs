//! Texts in the code pages of Windows, by their number.
//!
//! Called by `msi` and by whoever reads texts of programs without Unicode. Must not know where a
//! text stood.

use encoding_rs::Encoding;

/// Text in a code page; what is not valid in it, or a page that is not known, gives U+FFFD.
pub(crate) fn decode(page: u32, bytes: &[u8]) -> String {
    if bytes.is_ascii() {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    match encoding(page) {
        Some(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        // 0 means ASCII; UTF-8 is what tools write there that know nothing of code pages.
        None => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn encoding(page: u32) -> Option<&'static Encoding> {
    Some(match page {
        866 => encoding_rs::IBM866,
        874 => encoding_rs::WINDOWS_874,
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        1250 => encoding_rs::WINDOWS_1250,
        1251 => encoding_rs::WINDOWS_1251,
        1252 | 28591 => encoding_rs::WINDOWS_1252,
        1253 => encoding_rs::WINDOWS_1253,
        1254 => encoding_rs::WINDOWS_1254,
        1255 => encoding_rs::WINDOWS_1255,
        1256 => encoding_rs::WINDOWS_1256,
        1257 => encoding_rs::WINDOWS_1257,
        1258 => encoding_rs::WINDOWS_1258,
        10000 => encoding_rs::MACINTOSH,
        20866 => encoding_rs::KOI8_R,
        54936 => encoding_rs::GB18030,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_the_vendors_that_are_looked_for() {
        assert_eq!(decode(1251, b"\xcb\xe0\xe1"), "Лаб");
        assert_eq!(decode(936, b"\xcc\xda\xd1\xb6QQ"), "腾讯QQ");
        assert_eq!(decode(1252, b"\xa9 K"), "© K");
        assert_eq!(decode(65001, "Лаб".as_bytes()), "Лаб");
        assert_eq!(decode(0, b"\xcb\xe0"), "\u{fffd}\u{fffd}");
        assert_eq!(decode(12345, b"plain"), "plain");
    }
}
