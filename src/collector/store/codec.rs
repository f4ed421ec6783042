//! How the parts of a host are written into a database: a set as a few bytes for each entry, the rest as packed JSON.
//!
//! Called by the stores alone. What is read back comes from a disk: damage is told, and never a panic; the first byte of
//! everything says how it is written.

use std::collections::BTreeSet;

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::{Gap, Means, Recorded, SourceReport, Stamp, Status};

/// Bytes that anything read back may have: a host's largest set is a twentieth.
const MAX_UNPACKED: usize = 64 << 20;
/// What is shorter is not worth packing.
const WORTH_PACKING: usize = 120;
const LEVEL: u8 = 6;

const PLAIN: u8 = 1;
const PACKED: u8 = 2;

const HAS_RECORDED: u8 = 0b0100;
const HAS_UPDATE: u8 = 0b1000;
const MEANS: [Means; 4] = [Means::Unknown, Means::Installed, Means::LastServiced, Means::FileTime];

/// Why something cannot be read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Written by a newer version, or damaged.
    #[error("it is written in a way that is not known ({0})")]
    Version(u8),
    /// It ends too soon, or goes on after its end.
    #[error("it has not the length that it must have")]
    Length,
    /// A number that cannot be.
    #[error("{0} cannot be")]
    Value(&'static str),
    /// No JSON, or not the one that it must be.
    #[error("{0}")]
    Json(String),
}

/// One entry of a set, by the number that the database gave to what was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbered {
    /// The number; not negative.
    pub seen: i64,
    /// When it was recorded there.
    pub recorded_at: Recorded,
    /// When it was last updated there.
    pub last_update: Option<Stamp>,
}

/// Writes bytes, packed where that is shorter.
pub fn pack(bytes: &[u8]) -> Vec<u8> {
    let packed = (bytes.len() >= WORTH_PACKING).then(|| compress_to_vec(bytes, LEVEL));
    let (how, body) = match &packed {
        Some(packed) if packed.len() < bytes.len() => (PACKED, packed.as_slice()),
        _ => (PLAIN, bytes),
    };
    [&[how], body].concat()
}

/// Reads them back.
pub fn unpack(blob: &[u8]) -> Result<Vec<u8>, Unreadable> {
    match blob.split_first() {
        Some((&PLAIN, body)) => Ok(body.to_vec()),
        Some((&PACKED, body)) => {
            decompress_to_vec_with_limit(body, MAX_UNPACKED).map_err(|_| Unreadable::Length)
        }
        Some((other, _)) => Err(Unreadable::Version(*other)),
        None => Err(Unreadable::Length),
    }
}

/// Writes a value as packed JSON.
pub fn write_json<T: Serialize>(value: &T) -> Result<Vec<u8>, Unreadable> {
    serde_json::to_vec(value).map(|json| pack(&json)).map_err(|error| Unreadable::Json(error.to_string()))
}

/// Reads it back.
pub fn read_json<T: DeserializeOwned>(blob: &[u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(&unpack(blob)?).map_err(|error| Unreadable::Json(error.to_string()))
}

/// How a source can end, by the number that stands for it.
const STATUSES: [Status; 5] =
    [Status::Complete, Status::Partial, Status::Failed, Status::Unavailable, Status::NotApplicable];
/// The first byte of how a source ended, beside the number of its status.
const ENDED: u8 = 0x10;

/// Splits a source's report into what is the same on many hosts, as JSON, and what this run was like: a byte for the status,
/// numbers, and where there is more to say that as packed JSON.
pub fn write_report(report: &SourceReport) -> Result<(Vec<u8>, Vec<u8>), Unreadable> {
    let shape = SourceReport {
        status: Status::Complete,
        reason: None,
        gaps: Vec::new(),
        records: 0,
        not_kept: 0,
        elapsed_ms: 0,
        ..report.clone()
    };
    let status = STATUSES.iter().position(|status| *status == report.status).unwrap_or_default();
    let mut ended = vec![ENDED | u8::try_from(status).unwrap_or_default()];
    for number in [report.records, report.not_kept, report.elapsed_ms] {
        put(&mut ended, number);
    }
    if report.reason.is_some() || !report.gaps.is_empty() {
        ended.extend(write_json(&(&report.reason, &report.gaps))?);
    }
    let shape = serde_json::to_vec(&shape).map_err(|error| Unreadable::Json(error.to_string()))?;
    Ok((shape, ended))
}

/// Puts them together again.
pub fn read_report(shape: &SourceReport, ended: &[u8]) -> Result<SourceReport, Unreadable> {
    let (first, mut rest) = ended.split_first().ok_or(Unreadable::Length)?;
    let status = (first & 0xf0 == ENDED).then(|| STATUSES.get(usize::from(first & 0x0f))).flatten();
    let status = *status.ok_or(Unreadable::Version(*first))?;
    let (records, not_kept, elapsed_ms) = (take(&mut rest)?, take(&mut rest)?, take(&mut rest)?);
    let (reason, gaps): (Option<String>, Vec<Gap>) =
        if rest.is_empty() { (None, Vec::new()) } else { read_json(rest)? };
    Ok(SourceReport { status, reason, gaps, records, not_kept, elapsed_ms, ..shape.clone() })
}

/// What of how a source ended is the same as long as nothing changes: not how long it took, and of how much it read only whether
/// there was anything.
pub fn lasting(ended: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let (first, mut rest) = ended.split_first().ok_or(Unreadable::Length)?;
    let (records, not_kept, _elapsed_ms) = (take(&mut rest)?, take(&mut rest)?, take(&mut rest)?);
    let mut out = vec![*first];
    for number in [records.min(1), not_kept.min(1), 0] {
        put(&mut out, number);
    }
    out.extend(rest);
    Ok(out)
}

/// Writes a set whose entries are in order of their numbers, each once.
///
/// How many; the numbers, each as the distance from the one before; what is known of each date; how many different dates
/// there are, and they, each as the distance from the one before; which of them each entry has. What is installed together has
/// the same date, so that this comes to four or five bytes for an entry.
pub fn write_entries(entries: &[Numbered]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * 6 + 8);
    put(&mut out, entries.len() as u64);
    let mut last = 0;
    for entry in entries {
        put(&mut out, entry.seen.saturating_sub(last).unsigned_abs());
        last = entry.seen;
    }
    out.extend(entries.iter().map(flags));
    let dates: BTreeSet<i64> = entries.iter().flat_map(stamps).collect();
    let dates: Vec<i64> = dates.into_iter().collect();
    put(&mut out, dates.len() as u64);
    let mut last = 0;
    for date in &dates {
        put(&mut out, zigzag(date.wrapping_sub(last)));
        last = *date;
    }
    for date in entries.iter().flat_map(stamps) {
        put(&mut out, dates.binary_search(&date).unwrap_or_default() as u64);
    }
    pack(&out)
}

/// Writes numbers, as a set without dates.
pub fn write_numbers(numbers: &BTreeSet<i64>) -> Vec<u8> {
    let bare = |seen| Numbered { seen, recorded_at: Recorded::default(), last_update: None };
    write_entries(&numbers.iter().copied().map(bare).collect::<Vec<_>>())
}

/// Reads them back.
pub fn read_numbers(blob: &[u8]) -> Result<BTreeSet<i64>, Unreadable> {
    Ok(read_entries(blob)?.into_iter().map(|entry| entry.seen).collect())
}

fn stamps(entry: &Numbered) -> impl Iterator<Item = i64> + use<> {
    [entry.recorded_at.value, entry.last_update].into_iter().flatten().map(Stamp::unix)
}

fn flags(entry: &Numbered) -> u8 {
    let means = MEANS.iter().position(|means| *means == entry.recorded_at.means).unwrap_or_default();
    let recorded = if entry.recorded_at.value.is_some() { HAS_RECORDED } else { 0 };
    let update = if entry.last_update.is_some() { HAS_UPDATE } else { 0 };
    u8::try_from(means).unwrap_or_default() | recorded | update
}

/// Reads a set back.
pub fn read_entries(blob: &[u8]) -> Result<Vec<Numbered>, Unreadable> {
    let bytes = unpack(blob)?;
    let mut rest = bytes.as_slice();
    // Each entry takes two bytes at least: a count that promises more is damage, and reserves nothing.
    let count = count(&mut rest, 2)?;
    let mut numbers = Vec::with_capacity(count);
    let mut last: i64 = 0;
    for at in 0..count {
        let step = i64::try_from(take(&mut rest)?).map_err(|_| Unreadable::Value("a number"))?;
        if step == 0 && at > 0 {
            return Err(Unreadable::Value("an entry twice"));
        }
        last = last.checked_add(step).ok_or(Unreadable::Value("a number"))?;
        numbers.push(last);
    }
    let (flags, mut rest) = rest.split_at_checked(count).ok_or(Unreadable::Length)?;
    let dates = read_dates(&mut rest)?;
    let mut entries = Vec::with_capacity(count);
    for (seen, flags) in numbers.into_iter().zip(flags) {
        if flags & !0b1111 != 0 {
            return Err(Unreadable::Value("a flag"));
        }
        let means = MEANS.get(usize::from(flags & 0b11)).copied().unwrap_or_default();
        let value = date(flags & HAS_RECORDED != 0, &dates, &mut rest)?;
        let last_update = date(flags & HAS_UPDATE != 0, &dates, &mut rest)?;
        entries.push(Numbered { seen, recorded_at: Recorded { value, means }, last_update });
    }
    if rest.is_empty() { Ok(entries) } else { Err(Unreadable::Length) }
}

fn read_dates(rest: &mut &[u8]) -> Result<Vec<Stamp>, Unreadable> {
    let count = count(rest, 1)?;
    let mut dates = Vec::with_capacity(count);
    let mut last: i64 = 0;
    for _ in 0..count {
        last = last.wrapping_add(unzigzag(take(rest)?));
        dates.push(Stamp::from_unix(last).ok_or(Unreadable::Value("a date"))?);
    }
    Ok(dates)
}

fn date(is_there: bool, dates: &[Stamp], rest: &mut &[u8]) -> Result<Option<Stamp>, Unreadable> {
    if !is_there {
        return Ok(None);
    }
    let at = usize::try_from(take(rest)?).map_err(|_| Unreadable::Value("a date"))?;
    dates.get(at).copied().map(Some).ok_or(Unreadable::Value("a date"))
}

/// How many follow, each of at least so many bytes.
fn count(rest: &mut &[u8], each: usize) -> Result<usize, Unreadable> {
    let count = usize::try_from(take(rest)?).map_err(|_| Unreadable::Length)?;
    if count > rest.len() / each { Err(Unreadable::Length) } else { Ok(count) }
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(0x80 | (value & 0x7f).to_le_bytes()[0]);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn take(rest: &mut &[u8]) -> Result<u64, Unreadable> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(Unreadable::Length)?;
        *rest = after;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err(Unreadable::Value("a number"));
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Unreadable::Value("a number"))
}

#[expect(clippy::cast_sign_loss, reason = "the bits are what is wanted")]
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[expect(clippy::cast_possible_wrap, reason = "the bits are what is wanted")]
fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::model::GapReason;

    use super::*;

    fn stamp() -> impl Strategy<Value = Option<Stamp>> {
        prop_oneof![
            Just(None),
            (1_600_000_000i64..1_800_000_000).prop_map(Stamp::from_unix),
            (-60_000_000_000i64..60_000_000_000).prop_map(Stamp::from_unix),
        ]
    }

    fn entries() -> impl Strategy<Value = Vec<Numbered>> {
        let numbers = proptest::collection::btree_set(prop_oneof![0i64..100_000, 0..=i64::MAX], 0..200);
        numbers.prop_flat_map(|numbers| {
            let len = numbers.len();
            let rest = proptest::collection::vec((stamp(), 0usize..4, stamp()), len);
            rest.prop_map(move |rest| {
                let entry = |(&seen, (value, means, last_update)): (&i64, (_, usize, _))| Numbered {
                    seen,
                    recorded_at: Recorded { value, means: MEANS[means] },
                    last_update,
                };
                numbers.iter().zip(rest).map(entry).collect()
            })
        })
    }

    proptest! {
        #[test]
        fn a_set_comes_out_as_it_went_in(entries in entries()) {
            prop_assert_eq!(read_entries(&write_entries(&entries)).unwrap(), entries);
        }

        #[test]
        fn damage_is_told_and_never_a_panic(
            entries in entries(),
            cut in 0usize..2000,
            at in 0usize..2000,
            to: u8,
            noise in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let blob = write_entries(&entries);
            _ = read_entries(&noise);
            _ = read_entries(&[&[PLAIN][..], &noise].concat());
            _ = read_json::<serde_json::Value>(&noise);
            let short = &blob[..cut.min(blob.len())];
            prop_assert!(short.len() == blob.len() || read_entries(short).is_err());
            let mut hurt = blob.clone();
            if let Some(byte) = hurt.get_mut(at) {
                *byte = to;
            }
            _ = read_entries(&hurt);
        }

        #[test]
        fn numbers_of_every_size(value: u64, signed: i64) {
            let mut out = Vec::new();
            put(&mut out, value);
            let mut rest = out.as_slice();
            prop_assert_eq!(take(&mut rest), Ok(value));
            prop_assert!(rest.is_empty());
            prop_assert_eq!(unzigzag(zigzag(signed)), signed);
        }
    }

    #[test]
    fn a_count_that_cannot_be_reserves_nothing() {
        let mut blob = vec![PLAIN];
        put(&mut blob, u64::MAX);
        assert_eq!(read_entries(&blob), Err(Unreadable::Length));
        assert_eq!(read_entries(&[]), Err(Unreadable::Length));
        assert_eq!(read_entries(&[9, 0]), Err(Unreadable::Version(9)));
        assert_eq!(read_entries(&write_entries(&[])), Ok(Vec::new()));
    }

    #[test]
    fn a_report_is_put_together_again() {
        let gap = Gap { places: vec!["/a".into()], count: 3, ..Gap::new(GapReason::Missing, None, true) };
        for (status, reason, gaps) in [
            (Status::Complete, None, Vec::new()),
            (Status::NotApplicable, Some("no such folder".to_owned()), Vec::new()),
            (Status::Partial, None, vec![gap]),
        ] {
            let report = SourceReport {
                source: "dpkg".into(),
                status,
                reason,
                gaps,
                records: 1_000,
                not_kept: 3,
                scopes: Vec::new(),
                fields: Vec::new(),
                yields: Vec::new(),
                install_record: true,
                elapsed_ms: 17,
            };
            let (shape, ended) = write_report(&report).unwrap();
            let shape: SourceReport = read_json(&pack(&shape)).unwrap();
            let lasts = SourceReport {
                records: report.records.min(1),
                not_kept: report.not_kept.min(1),
                elapsed_ms: 0,
                ..report.clone()
            };
            assert_eq!(lasting(&ended).and_then(|ended| read_report(&shape, &ended)), Ok(lasts));
            assert_eq!(read_report(&shape, &ended), Ok(report));
            assert!((0..ended.len()).all(|cut| cut == 5 || read_report(&shape, &ended[..cut]).is_err()));
            assert!(
                read_report(&shape, &[0x1f, 0, 0, 0]).is_err() && read_report(&shape, &[0, 0, 0, 0]).is_err()
            );
        }
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let bomb = [&[PACKED][..], &compress_to_vec(&vec![0; MAX_UNPACKED + 1], 6)].concat();
        assert_eq!(unpack(&bomb), Err(Unreadable::Length));
    }

    #[test]
    fn five_hundred_entries_take_less_than_three_kilobytes() {
        // As after an installation: a few packages a second, then updates now and then; numbers as of a fleet of many hosts.
        let entries: Vec<Numbered> = (0..500i64)
            .map(|n| Numbered {
                seen: n * 97 + (n * n) % 89,
                recorded_at: Recorded::serviced(1_700_000_000 + (n * 7919 % 500) / 4 + (n % 20) * 86_400 * 3),
                last_update: None,
            })
            .collect();
        let bytes = write_entries(&entries).len();
        assert!(bytes < 3_000, "{bytes}");
    }
}
