//! Times as Windows keeps them: FILETIME, SYSTEMTIME, and the texts of `InstallDate`.
//!
//! Called by the Windows sources. Must not know what a time means, nor what day it is now.

use jiff::civil::DateTime;
use jiff::civil::date;
use jiff::civil::time;
use jiff::tz::TimeZone;

use crate::parse::bytes::array;
use crate::parse::text::number;

/// Seconds from 1601-01-01 to 1970-01-01.
const EPOCH: i64 = 11_644_473_600;
/// FILETIME counts 100 ns.
const TICKS: u64 = 10_000_000;
/// 9999-12-31T23:59:59Z, the last that any of these forms can show.
const LAST: i64 = 253_402_300_799;

/// Unix seconds of a FILETIME. `None` for 0, which means "never", and for what lies past the year 9999.
pub fn unix(filetime: u64) -> Option<i64> {
    let seconds = i64::try_from(filetime / TICKS).ok()? - EPOCH;
    (filetime != 0 && seconds <= LAST).then_some(seconds)
}

/// Unix seconds of a FILETIME kept as two numbers (`InstallTimeLow`, `InstallTimeHigh`).
pub fn unix_pair(low: u32, high: u32) -> Option<i64> {
    unix(u64::from(high) << 32 | u64::from(low))
}

/// Unix seconds of the FILETIME that the first eight bytes hold.
pub fn unix_bytes(bytes: &[u8]) -> Option<i64> {
    unix(u64::from_le_bytes(array(bytes, 0)?))
}

/// Unix seconds of a SYSTEMTIME (16 bytes: year, month, weekday, day, hour, minute, second,
/// milliseconds), read as UTC. `None` for zeros and for a date that does not exist.
pub fn systemtime(bytes: &[u8]) -> Option<i64> {
    let field = |n: usize| array(bytes, n * 2).map(i16::from_le_bytes);
    let small = |n: usize| i8::try_from(field(n)?).ok();
    field(7)?;
    let year = field(0).filter(|year| *year >= 1601)?;
    let day = jiff::civil::Date::new(year, small(1)?, small(3)?).ok()?;
    seconds(day.to_datetime(jiff::civil::Time::new(small(4)?, small(5)?, small(6)?, 0).ok()?))
}

/// Unix seconds of the midnight (UTC) that begins the day of an `InstallDate`.
///
/// Windows Installer writes `YYYYMMDD`; other installers write what they like. Taken is only what can
/// be read in one way: `16.07.2016` (with dots the day comes first everywhere), `2016-07-16`,
/// `7/16/2016` and `16/07/2016` because no month is 16, Unix seconds in ten digits. `7/6/2016` is `None`.
pub fn install_date(text: &str) -> Option<i64> {
    // Windows puts direction marks into dates that it formats.
    let clean: String = text.chars().filter(|c| !matches!(c, '\u{200e}' | '\u{200f}')).take(64).collect();
    let word = clean.split_whitespace().next()?;
    if let Some(value) = number(word.as_bytes()) {
        return match word.len() {
            8 => day(value / 10_000, value / 100 % 100, value % 100),
            10 => i64::try_from(value).ok(),
            _ => None,
        };
    }
    let separator = word.chars().find(|c| matches!(c, '.' | '/' | '-'))?;
    let mut parts = word.split(separator);
    let (one, two, three) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let [a, b, c] = [one, two, three].map(|part| number(part.as_bytes()));
    let (a, b, c) = (a?, b?, c?);
    match (one.len(), two.len(), three.len()) {
        (4, 1..=2, 1..=2) => day(a, b, c),
        (1..=2, 1..=2, 4) if separator == '.' || a == b || a > 12 => day(c, b, a),
        (1..=2, 1..=2, 4) if b > 12 => day(c, a, b),
        _ => None,
    }
}

fn day(year: u64, month: u64, day: u64) -> Option<i64> {
    let year = i16::try_from(year).ok().filter(|year| *year >= 1970)?;
    let date = jiff::civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    seconds(date.to_datetime(time(0, 0, 0, 0)))
}

fn seconds(at: DateTime) -> Option<i64> {
    // The last day of the year 9999 is past what jiff's timestamps hold.
    if at.date() > date(9999, 12, 30) {
        return None;
    }
    Some(TimeZone::UTC.to_timestamp(at).ok()?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    const JULY_16: i64 = 1_468_627_200;

    #[test]
    fn filetimes() {
        assert_eq!(unix(116_444_736_000_000_000), Some(0));
        assert_eq!(unix(131_130_882_279_999_999), Some(1_468_614_627));
        assert_eq!(unix_pair(0xd53e_8000, 0x019d_b1de), Some(0));
        assert_eq!(unix_bytes(&116_444_736_010_000_000_u64.to_le_bytes()), Some(1));
        assert_eq!(unix(1), Some(-EPOCH));
        for never in [0, u64::MAX, i64::MAX.cast_unsigned(), 2_650_467_744_000_000_000] {
            assert_eq!(unix(never), None, "{never}");
        }
        assert_eq!(unix_bytes(&[1; 7]), None);
    }

    #[test]
    fn system_times() {
        let raw = |fields: [u16; 8]| fields.map(u16::to_le_bytes).concat();
        assert_eq!(systemtime(&raw([2016, 7, 6, 16, 0, 0, 1, 999])), Some(JULY_16 + 1));
        for bad in [
            [0; 8],
            [2016, 2, 0, 30, 0, 0, 0, 0],
            [2016, 13, 0, 1, 0, 0, 0, 0],
            [2016, 1, 0, 1, 24, 0, 0, 0],
            [u16::MAX; 8],
        ] {
            assert_eq!(systemtime(&raw(bad)), None, "{bad:?}");
        }
        assert_eq!(systemtime(&raw([2016, 7, 6, 16, 0, 0, 1, 999])[..15]), None);
    }

    #[test]
    fn install_dates_that_can_be_read_in_one_way() {
        for good in [
            "20160716",
            "2016-07-16",
            "2016/7/16",
            "16.07.2016",
            "16.7.2016 10:00:00",
            "\u{200e}7/\u{200e}16/\u{200e}2016",
            "16/07/2016",
            "1468627200",
        ] {
            assert_eq!(install_date(good), Some(JULY_16), "{good}");
        }
        assert_eq!(install_date("7/7/2016"), install_date("20160707"));
        assert_eq!(install_date("06.07.2016"), install_date("20160706"));
        for bad in [
            "",
            " ",
            "7/6/2016",
            "07-06-2016",
            "20161307",
            "20160230",
            "16071620",
            "16.07.16",
            "16.07.2016.1",
            "2016",
            "Jul 16 2016",
            "+2016-07-16",
            "99999999",
            "123456789012",
            "16.7/2016",
            "//",
            "13/13/2016",
        ] {
            assert_eq!(install_date(bad), None, "{bad}");
        }
    }
}
