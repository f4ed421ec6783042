//! Binary property lists (`bplist00`): objects, a table of their offsets, and a trailer that says how wide its
//! numbers are.
//!
//! Called by `plist`, which holds the caps. Must not know any schema. The form is described in the head of
//! `CFBinaryPList.c` of Apple's CoreFoundation (opensource.apple.com).

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::bytes::array;
use crate::parse::plist::Budget;
use crate::parse::plist::Value;
use crate::parse::utf16;

/// Magic and version.
const HEADER: usize = 8;
const TRAILER: usize = 32;
/// Seconds from 1970-01-01 to 2001-01-01, from which dates count.
const EPOCH: f64 = 978_307_200.0;
/// Seconds that an `f64` holds exactly; no date of a real list is further away.
const FAR: f64 = 9_007_199_254_740_992.0;

/// The value of a binary list.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, Fault> {
    if !bytes.starts_with(b"bplist0") {
        return Err(Fault::new(At::Whole, "a binary property list of a version that is not known"));
    }
    let (list, top) = List::open(bytes)?;
    Walk { list, budget: Budget::new() }.object(top, 0)
}

/// The parts of a list, bounds checked.
struct List<'a> {
    /// Header and objects: everything before the table.
    objects: &'a [u8],
    /// Offsets of the objects.
    table: &'a [u8],
    /// Bytes of an offset.
    offset_size: usize,
    /// Bytes of a reference.
    ref_size: usize,
}

impl<'a> List<'a> {
    /// The list and the number of its outermost object.
    fn open(bytes: &'a [u8]) -> Result<(Self, u64), Fault> {
        let fault = |what: &str| Fault::new(At::Record("trailer".into()), what);
        let end = bytes.len().checked_sub(TRAILER).filter(|end| *end > HEADER);
        let end = end.ok_or_else(|| fault("not there: truncated"))?;
        let trailer = bytes.get(end..).unwrap_or_default();
        let size = |at: usize| trailer.get(at).map(|byte| usize::from(*byte)).filter(|n| (1..=8).contains(n));
        let long = |at: usize| array(trailer, at).map(u64::from_be_bytes);
        let (Some(offset_size), Some(ref_size)) = (size(6), size(7)) else {
            return Err(fault("widths of numbers that no list has"));
        };
        let (Some(count), Some(top), Some(start)) = (long(8), long(16), long(24)) else {
            return Err(fault("not there: truncated"));
        };
        let start = usize::try_from(start).ok().filter(|start| (HEADER..=end).contains(start));
        let length = usize::try_from(count).ok().and_then(|count| count.checked_mul(offset_size));
        let table = start.zip(length).and_then(|(start, length)| bytes.get(start..end)?.get(..length));
        let (Some(table), Some(start)) = (table, start) else {
            return Err(fault("a table of offsets that lies outside the file"));
        };
        let objects = bytes.get(..start).unwrap_or_default();
        Ok((Self { objects, table, offset_size, ref_size }, top))
    }

    /// Where an object lies.
    fn offset(&self, number: u64) -> Option<usize> {
        let at = usize::try_from(number).ok()?.checked_mul(self.offset_size)?;
        let raw = self.table.get(at..)?.get(..self.offset_size)?;
        usize::try_from(unsigned(raw)?).ok().filter(|at| (HEADER..self.objects.len()).contains(at))
    }

    /// What follows the marker at `at`: how many bytes or objects, and where they start.
    fn count(&self, at: usize, low: u8) -> Option<(usize, usize)> {
        let next = at.checked_add(1)?;
        if low != 0xf {
            return Some((usize::from(low), next));
        }
        let marker = *self.objects.get(next)?;
        let width = 1_usize << (marker & 0xf).min(4);
        let start = next.checked_add(1)?;
        let count = unsigned(self.take(start, width).filter(|_| marker & 0xf0 == 0x10)?)?;
        Some((usize::try_from(count).ok()?, start.checked_add(width)?))
    }

    fn take(&self, at: usize, length: usize) -> Option<&'a [u8]> {
        self.objects.get(at..)?.get(..length)
    }
}

struct Walk<'a> {
    list: List<'a>,
    budget: Budget,
}

impl<'a> Walk<'a> {
    fn object(&mut self, number: u64, depth: usize) -> Result<Value, Fault> {
        self.budget.node(depth)?;
        let Some(at) = self.list.offset(number) else {
            let record = At::Record(format!("object {number}"));
            return Err(Fault::new(record, "does not lie among the objects"));
        };
        let marker = self.list.objects.get(at).copied().unwrap_or_default();
        let (high, low) = (marker >> 4, marker & 0xf);
        match high {
            0x0..=0x3 | 0x8 => self.plain(at, marker),
            0x4..=0x7 => self.bytes(at, high, low),
            0xa..=0xc => self.values(at, low, depth),
            0xd => self.dictionary(at, low, depth),
            _ => Err(unknown(at, marker)),
        }
    }

    /// A value of fixed width.
    fn plain(&self, at: usize, marker: u8) -> Result<Value, Fault> {
        let low = marker & 0xf;
        let start = at.saturating_add(1);
        let power = 1_usize << low;
        let raw = |length| self.list.take(start, length).ok_or_else(|| outside(at));
        match (marker >> 4, low) {
            (0, 8) => Ok(Value::Bool(false)),
            (0, 9) => Ok(Value::Bool(true)),
            (1, 0..=4) => integer(raw(power)?).ok_or_else(|| unknown(at, marker)),
            (2, 2) => Ok(Value::Real(f64::from(f32::from_be_bytes(fixed(raw(4)?, at)?)))),
            (2, 3) => Ok(Value::Real(f64::from_be_bytes(fixed(raw(8)?, at)?))),
            (3, 3) => date(f64::from_be_bytes(fixed(raw(8)?, at)?)).ok_or_else(|| unknown(at, marker)),
            (8, _) => {
                let uid = unsigned(raw(usize::from(low).saturating_add(1))?);
                uid.map(Value::Uid).ok_or_else(|| unknown(at, marker))
            }
            _ => Err(unknown(at, marker)),
        }
    }

    /// Data and the three forms of text.
    fn bytes(&mut self, at: usize, high: u8, low: u8) -> Result<Value, Fault> {
        let (count, start) = self.list.count(at, low).ok_or_else(|| outside(at))?;
        let unit = if high == 0x6 { 2 } else { 1 };
        let length = count.checked_mul(unit).ok_or_else(|| outside(at))?;
        let raw = self.list.take(start, length).ok_or_else(|| outside(at))?;
        self.budget.bytes(raw.len())?;
        Ok(match high {
            0x4 => Value::Data(raw.to_vec()),
            0x6 => Value::String(utf16::big(raw)),
            _ => Value::String(String::from_utf8_lossy(raw).into_owned()),
        })
    }

    fn values(&mut self, at: usize, low: u8, depth: usize) -> Result<Value, Fault> {
        let (count, start) = self.list.count(at, low).ok_or_else(|| outside(at))?;
        let refs = self.refs(at, start, count)?;
        let mut items = Vec::new();
        for raw in refs.chunks_exact(self.list.ref_size) {
            items.push(self.object(unsigned(raw).unwrap_or(u64::MAX), depth.saturating_add(1))?);
        }
        Ok(Value::Array(items))
    }

    /// All keys, then all values.
    fn dictionary(&mut self, at: usize, low: u8, depth: usize) -> Result<Value, Fault> {
        let (count, start) = self.list.count(at, low).ok_or_else(|| outside(at))?;
        let both = count.checked_mul(2).ok_or_else(|| outside(at))?;
        let refs = self.refs(at, start, both)?;
        let (keys, values) = refs.split_at_checked(refs.len() / 2).unwrap_or_default();
        let size = self.list.ref_size;
        let mut entries = Vec::new();
        for (key, value) in keys.chunks_exact(size).zip(values.chunks_exact(size)) {
            let below = depth.saturating_add(1);
            let Value::String(key) = self.object(unsigned(key).unwrap_or(u64::MAX), below)? else {
                return Err(Fault::new(offset(at), "a key that is no text"));
            };
            entries.push((key, self.object(unsigned(value).unwrap_or(u64::MAX), below)?));
        }
        Ok(Value::Dict(entries))
    }

    /// The references of a collection.
    fn refs(&self, at: usize, start: usize, count: usize) -> Result<&'a [u8], Fault> {
        let length = count.checked_mul(self.list.ref_size);
        length.and_then(|length| self.list.take(start, length)).ok_or_else(|| outside(at))
    }
}

/// One, two and four bytes have no sign; eight and sixteen have one.
fn integer(raw: &[u8]) -> Option<Value> {
    if raw.len() < 8 {
        return i64::try_from(unsigned(raw)?).ok().map(Value::Integer);
    }
    if let Ok(eight) = raw.try_into() {
        return Some(Value::Integer(i64::from_be_bytes(eight)));
    }
    let wide = i128::from_be_bytes(raw.try_into().ok()?);
    #[expect(clippy::cast_precision_loss, reason = "a number that no record of software holds")]
    let real = wide as f64;
    Some(i64::try_from(wide).map_or(Value::Real(real), Value::Integer))
}

/// A big-endian number without sign, of up to sixteen bytes, that fits.
fn unsigned(raw: &[u8]) -> Option<u64> {
    let wide = raw.iter().try_fold(0_u128, |sum, byte| Some(sum.checked_mul(256)? | u128::from(*byte)))?;
    u64::try_from(wide).ok()
}

/// Seconds since 2001, as seconds since 1970.
fn date(seconds: f64) -> Option<Value> {
    let since = (seconds + EPOCH).floor();
    #[expect(clippy::cast_possible_truncation, reason = "a whole number within what an i64 holds")]
    (since.abs() < FAR).then_some(Value::Date(since as i64))
}

fn fixed<const N: usize>(raw: &[u8], at: usize) -> Result<[u8; N], Fault> {
    array(raw, 0).ok_or_else(|| outside(at))
}

fn offset(at: usize) -> At {
    At::Offset(u64::try_from(at).unwrap_or(u64::MAX))
}

fn outside(at: usize) -> Fault {
    Fault::new(offset(at), "an object that ends outside the file")
}

fn unknown(at: usize, marker: u8) -> Fault {
    Fault::new(offset(at), format!("an object that no property list holds (marker {marker:#04x})"))
}
