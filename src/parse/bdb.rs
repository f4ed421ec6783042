//! A `BerkeleyDB` hash file, as RPM up to 4.15 keeps its `Packages` in.
//! Format: `dbinc/db_page.h` of `BerkeleyDB` 4 and 5; hash versions 7 to 10, both byte orders.
//!
//! Called by [`crate::parse::rpmdb`]. Must not know what a value means, except that key 0 is
//! RPM's own counter and no package (`lib/backend/db3.c`).

use crate::parse::At;
use crate::parse::CHANGED;
use crate::parse::Fault;
use crate::parse::ReadAt;
use crate::parse::bytes::Order;
use crate::parse::bytes::PageSet;
use crate::parse::bytes::fill;
use crate::parse::bytes::to_usize;
use crate::parse::note;
use crate::parse::rpmdb::MAX_BLOB;
use crate::parse::rpmdb::Visit;
use std::ops::ControlFlow;

const HASH_MAGIC: u32 = 0x0006_1561;
const BTREE_MAGIC: u32 = 0x0005_3162;
const META_LEN: usize = 512;
/// Page header up to the item index: `SIZEOF_PAGE`.
const HEAD: usize = 26;
/// Where the meta page has `spares[32]`.
const SPARES: usize = 96;

/// `TYPE` of a page.
mod page_type {
    pub(super) const HASH_UNSORTED: u8 = 2;
    pub(super) const OVERFLOW: u8 = 7;
    pub(super) const HASH_META: u8 = 8;
    pub(super) const HASH: u8 = 13;
}

/// `HPAGE_TYPE` of an item.
mod item_type {
    pub(super) const KEY_DATA: u8 = 1;
    pub(super) const OFF_PAGE: u8 = 3;
}

/// True when the first 16 bytes are those of a `BerkeleyDB` hash or btree file.
pub(crate) fn is_magic(head: &[u8]) -> bool {
    [Order::Little, Order::Big]
        .iter()
        .filter_map(|order| order.u32(head, 12))
        .any(|magic| magic == HASH_MAGIC || magic == BTREE_MAGIC)
}

/// Hands every record but the counter to `visit` as (package number, header), bucket by bucket.
pub fn records(src: &dyn ReadAt, visit: &mut Visit<'_>) -> Vec<Fault> {
    let (meta, raw) = match Meta::read(src) {
        Ok(meta) => meta,
        Err(what) => return vec![Fault::new(At::Whole, what)],
    };
    let Some(used) = PageSet::new(meta.pages(src)) else {
        return vec![Fault::new(At::Whole, "more pages than a package database can have")];
    };
    let mut walk = Walk { src, meta, used, blob: Vec::new(), faults: Vec::new(), found: 0 };
    if walk.buckets(visit).is_continue() {
        walk.close(&raw);
    }
    walk.faults
}

/// What the meta page (page 0) says.
#[derive(Debug)]
struct Meta {
    order: Order,
    page_size: usize,
    last_page: u32,
    max_bucket: u32,
    elements: u32,
    spares: Vec<u32>,
}

impl Meta {
    fn read(src: &dyn ReadAt) -> Result<(Self, [u8; META_LEN]), String> {
        let mut raw = [0; META_LEN];
        fill(src, 0, &mut raw)?;
        let order = [Order::Little, Order::Big]
            .into_iter()
            .find(|order| order.u32(&raw, 12) == Some(HASH_MAGIC))
            .ok_or("not a BerkeleyDB hash file")?;
        let field = |at| order.u32(&raw, at).unwrap_or(0);
        let version = field(16);
        if !(7..=10).contains(&version) {
            return Err(format!("BerkeleyDB hash version {version} is not known"));
        }
        let page_size = to_usize(field(20));
        if !(512..=65536).contains(&page_size) || !page_size.is_power_of_two() {
            return Err(format!("page size {page_size}"));
        }
        if raw.get(24) != Some(&0) {
            return Err("the database is encrypted".to_owned());
        }
        if raw.get(25) != Some(&page_type::HASH_META) || raw.get(26).is_some_and(|flags| flags & 1 != 0) {
            return Err("meta page of another kind, or pages with checksums".to_owned());
        }
        let spares = (0..32).map(|n| field(SPARES + n * 4)).collect();
        let meta = Self {
            order,
            page_size,
            last_page: field(32),
            max_bucket: field(72),
            elements: field(88),
            spares,
        };
        Ok((meta, raw))
    }

    /// Whole pages that are in the file.
    fn pages(&self, src: &dyn ReadAt) -> u64 {
        src.size() / self.page_size as u64
    }

    /// `BUCKET_TO_PAGE`: the spare of the doubling in which the bucket was made, plus itself.
    fn bucket_page(&self, bucket: u32) -> Option<u32> {
        let doubling = u32::BITS - bucket.leading_zeros();
        bucket.checked_add(*self.spares.get(to_usize(doubling))?)
    }
}

struct Walk<'s> {
    src: &'s dyn ReadAt,
    meta: Meta,
    used: PageSet,
    blob: Vec<u8>,
    faults: Vec<Fault>,
    /// Records met, the counter and the damaged ones included.
    found: u32,
}

/// Where the bytes of one item lie.
enum Item<'p> {
    Inline(&'p [u8]),
    Chain { first: u32, len: u32 },
}

impl Walk<'_> {
    fn fault(&mut self, page: u32, what: impl Into<String>) {
        note(&mut self.faults, At::Record(format!("page {page}")), what);
    }

    fn buckets(&mut self, visit: &mut Visit<'_>) -> ControlFlow<()> {
        let pages = self.meta.pages(self.src);
        if pages <= u64::from(self.meta.last_page) {
            let what = format!("the file has {pages} pages, its last should be {}", self.meta.last_page);
            note(&mut self.faults, At::Whole, what);
        }
        if u64::from(self.meta.max_bucket) >= pages {
            let what = format!("{} buckets in {pages} pages", u64::from(self.meta.max_bucket) + 1);
            note(&mut self.faults, At::Whole, what);
        }
        let last = self.meta.max_bucket.min(u32::try_from(pages).unwrap_or(u32::MAX));
        let mut page = vec![0; self.meta.page_size];
        for bucket in 0..=last {
            match self.meta.bucket_page(bucket) {
                Some(first) => self.bucket(first, &mut page, visit)?,
                None => note(&mut self.faults, At::Record(format!("bucket {bucket}")), "has no page"),
            }
        }
        ControlFlow::Continue(())
    }

    /// One bucket: a chain of hash pages.
    fn bucket(&mut self, first: u32, page: &mut [u8], visit: &mut Visit<'_>) -> ControlFlow<()> {
        let mut number = first;
        loop {
            if let Err(what) = self.load(number, page) {
                self.fault(number, what);
                return ControlFlow::Continue(());
            }
            match page.get(25) {
                Some(&(page_type::HASH | page_type::HASH_UNSORTED)) => {}
                // Growing the table leaves buckets of zeroes: `__ham_pgin` reads them as empty.
                // That none was wiped is checked by the count of elements at the end.
                Some(0) if number == first && page.iter().all(|&byte| byte == 0) => {
                    return ControlFlow::Continue(());
                }
                other => {
                    self.fault(number, format!("type {other:?} where a bucket belongs"));
                    return ControlFlow::Continue(());
                }
            }
            self.pairs(number, page, visit)?;
            number = match self.meta.order.u32(page, 16) {
                Some(0) | None => return ControlFlow::Continue(()),
                Some(next) => next,
            };
        }
    }

    /// Reads a page that nobody used before.
    fn load(&mut self, number: u32, page: &mut [u8]) -> Result<(), String> {
        if number == 0 || !self.used.take(number) {
            return Err("page used twice, or not in the file".to_owned());
        }
        fill(self.src, u64::from(number) * self.meta.page_size as u64, page)?;
        let says = self.meta.order.u32(page, 8);
        if says != Some(number) && page.iter().any(|&byte| byte != 0) {
            return Err(format!("page says that it is page {}", says.unwrap_or(0)));
        }
        Ok(())
    }

    /// The keys and values of one hash page: items `2n` and `2n + 1`.
    fn pairs(&mut self, number: u32, page: &[u8], visit: &mut Visit<'_>) -> ControlFlow<()> {
        let entries = usize::from(self.meta.order.u16(page, 20).unwrap_or(0));
        if !entries.is_multiple_of(2) {
            self.fault(number, format!("odd number of items: {entries}"));
        }
        let mut end = page.len();
        for pair in 0..entries / 2 {
            let at = HEAD + pair * 4;
            let starts = (self.meta.order.u16(page, at), self.meta.order.u16(page, at + 2));
            let (Some(key_at), Some(value_at)) = starts else {
                self.fault(number, "more items than fit");
                break;
            };
            let (key_at, value_at) = (usize::from(key_at), usize::from(value_at));
            let floor = HEAD + entries * 2;
            if value_at < floor || value_at >= key_at || key_at >= end {
                self.fault(number, format!("item {pair} outside its page"));
                break;
            }
            let key = page.get(key_at..end).unwrap_or_default();
            let value = page.get(value_at..key_at).unwrap_or_default();
            end = value_at;
            self.found = self.found.saturating_add(1);
            if let Err(what) = self.pair(key, value, visit)? {
                self.fault(number, what);
            }
        }
        ControlFlow::Continue(())
    }

    /// One record. `Break` when the visitor has enough.
    fn pair(&mut self, key: &[u8], value: &[u8], visit: &mut Visit<'_>) -> Step {
        let number = match self.item(key) {
            Ok(Item::Inline(key)) if key.len() == 4 => self.meta.order.u32(key, 0).unwrap_or(0),
            Ok(_) => return ControlFlow::Continue(Err("key that is no package number".to_owned())),
            Err(what) => return ControlFlow::Continue(Err(what)),
        };
        if number == 0 {
            return ControlFlow::Continue(Ok(()));
        }
        match self.item(value) {
            Ok(Item::Inline(bytes)) => visit(number, bytes)?,
            Ok(Item::Chain { first, len }) => {
                if let Err(what) = self.chain(first, len) {
                    let what = format!("package {number}: {what}");
                    return ControlFlow::Continue(Err(what));
                }
                visit(number, &self.blob)?;
            }
            Err(what) => return ControlFlow::Continue(Err(format!("package {number}: {what}"))),
        }
        ControlFlow::Continue(Ok(()))
    }

    fn item<'p>(&self, raw: &'p [u8]) -> Result<Item<'p>, String> {
        match raw.split_first() {
            Some((&item_type::KEY_DATA, bytes)) => Ok(Item::Inline(bytes)),
            // HOFFPAGE: type, three unused bytes, first page, total length.
            Some((&item_type::OFF_PAGE, _)) => {
                match (self.meta.order.u32(raw, 4), self.meta.order.u32(raw, 8)) {
                    (Some(first), Some(len)) => Ok(Item::Chain { first, len }),
                    _ => Err("item cut short".to_owned()),
                }
            }
            Some((kind, _)) => Err(format!("item of type {kind}")),
            None => Err("empty item".to_owned()),
        }
    }

    /// Collects a value that lies on overflow pages into `self.blob`.
    fn chain(&mut self, first: u32, len: u32) -> Result<(), String> {
        if u64::from(len) > MAX_BLOB {
            return Err(format!("header of {len} bytes is over the cap of {MAX_BLOB}"));
        }
        let len = to_usize(len);
        self.blob.clear();
        let mut page = vec![0; self.meta.page_size];
        let mut number = first;
        while self.blob.len() < len {
            self.load(number, &mut page)?;
            if page.get(25) != Some(&page_type::OVERFLOW) {
                return Err(format!("page {number} of its chain is of another kind"));
            }
            // On an overflow page `hf_offset` is the length of the data: `OV_LEN`.
            let here = usize::from(self.meta.order.u16(&page, 22).unwrap_or(0));
            let bytes = page.get(HEAD..).and_then(|rest| rest.get(..here)).unwrap_or_default();
            if bytes.is_empty() || bytes.len() > len - self.blob.len() {
                return Err(format!("{here} bytes on page {number} of its chain"));
            }
            self.blob.extend_from_slice(bytes);
            number = self.meta.order.u32(&page, 16).unwrap_or(0);
        }
        if number == 0 { Ok(()) } else { Err(format!("its chain goes on at page {number}")) }
    }

    /// What shows only at the end: fewer records than counted, or a writer in between.
    fn close(&mut self, raw: &[u8; META_LEN]) {
        if self.found < self.meta.elements {
            let what = format!("{} of {} records are there", self.found, self.meta.elements);
            note(&mut self.faults, At::Whole, what);
        }
        let mut now = [0; META_LEN];
        if fill(self.src, 0, &mut now).is_err() || now != *raw {
            note(&mut self.faults, At::Whole, CHANGED);
        }
    }
}

/// Go on or stop; and when going on, what was wrong with this record.
type Step = ControlFlow<(), Result<(), String>>;

#[cfg(test)]
#[path = "bdb_tests.rs"]
mod tests;
