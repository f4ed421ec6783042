//! Writers of small RPM package databases: header blobs, NDB and `BerkeleyDB` files.
//!
//! Used by the tests of `parse` and by `tests/rpm_host.rs`. They follow the formats' own
//! documents and not our readers, so that a misreading does not agree with itself.

/// Builds one header blob as a database stores it (no 8-byte magic).
#[derive(Default, Clone)]
pub(crate) struct HeaderBuilder {
    entries: Vec<(u32, u32, u32, Vec<u8>)>,
}

impl HeaderBuilder {
    /// A package with the fields that every sound package has.
    pub(crate) fn package(name: &str, version: &str, release: &str, arch: &str) -> Self {
        Self::default().string(1000, name).string(1001, version).string(1002, release).string(1022, arch)
    }
    pub(crate) fn raw(mut self, tag: u32, kind: u32, count: u32, data: &[u8]) -> Self {
        self.entries.push((tag, kind, count, data.to_vec()));
        self
    }
    pub(crate) fn string(self, tag: u32, text: &str) -> Self {
        self.raw(tag, 6, 1, &nul(text.as_bytes()))
    }
    pub(crate) fn strings(self, tag: u32, texts: &[&str]) -> Self {
        let data: Vec<u8> = texts.iter().flat_map(|text| nul(text.as_bytes())).collect();
        self.raw(tag, 8, u32::try_from(texts.len()).unwrap(), &data)
    }
    pub(crate) fn ints(self, tag: u32, numbers: &[u32]) -> Self {
        let data: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
        self.raw(tag, 4, u32::try_from(numbers.len()).unwrap(), &data)
    }
    /// Files as DIRNAMES, BASENAMES and DIRINDEXES: (directory number, base name).
    pub(crate) fn files(self, dirs: &[&str], files: &[(u32, &str)]) -> Self {
        let numbers: Vec<u32> = files.iter().map(|file| file.0).collect();
        let bases: Vec<&str> = files.iter().map(|file| file.1).collect();
        self.ints(1116, &numbers).strings(1117, &bases).strings(1118, dirs)
    }
    pub(crate) fn build(&self) -> Vec<u8> {
        let (mut index, mut store) = (Vec::new(), Vec::new());
        for (tag, kind, count, data) in &self.entries {
            let width = match kind {
                3 => 2,
                4 => 4,
                5 => 8,
                _ => 1,
            };
            while store.len() % width != 0 {
                store.push(0);
            }
            let offset = u32::try_from(store.len()).unwrap();
            for n in [*tag, *kind, offset, *count] {
                index.extend(n.to_be_bytes());
            }
            store.extend(data);
        }
        let mut out = Vec::new();
        out.extend(u32::try_from(self.entries.len()).unwrap().to_be_bytes());
        out.extend(u32::try_from(store.len()).unwrap().to_be_bytes());
        out.extend(index);
        out.extend(store);
        out
    }
}

fn nul(text: &[u8]) -> Vec<u8> {
    [text, b"\0"].concat()
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for &byte in bytes {
        a = (a + u32::from(byte)) % 65521;
        b = (b + a) % 65521;
    }
    b << 16 | a
}

/// An NDB file with these headers, numbered from 1.
pub(crate) fn ndb(blobs: &[Vec<u8>]) -> Vec<u8> {
    let pages = (blobs.len() + 2).div_ceil(256);
    let mut slots = Vec::new();
    let mut data = Vec::new();
    for (number, blob) in (1_u32..).zip(blobs) {
        let start = pages * 4096 + data.len();
        let mut one = Vec::new();
        one.extend(b"BlbS");
        for n in [number, 1_700_000_000, u32::try_from(blob.len()).unwrap()] {
            one.extend(n.to_le_bytes());
        }
        one.extend(blob);
        while (one.len() + 12) % 16 != 0 {
            one.push(0);
        }
        one.extend(adler32(&one).to_le_bytes());
        one.extend(u32::try_from(blob.len()).unwrap().to_le_bytes());
        one.extend(b"BlbE");
        slots.push([number, u32::try_from(start / 16).unwrap(), u32::try_from(one.len() / 16).unwrap()]);
        data.extend(one);
    }
    let mut out = b"RpmP".to_vec();
    for n in [0, 1, u32::try_from(pages).unwrap(), u32::try_from(blobs.len() + 1).unwrap(), 0, 0, 0] {
        out.extend(n.to_le_bytes());
    }
    slots.resize(pages * 256 - 2, [0; 3]);
    for slot in slots {
        out.extend(b"Slot");
        out.extend(slot.iter().flat_map(|n| n.to_le_bytes()));
    }
    out.extend(data);
    out
}

/// A `BerkeleyDB` hash file of one bucket with these headers, numbered from 1, and RPM's counter.
pub(crate) fn bdb(big: bool, page_size: usize, blobs: &[Vec<u8>]) -> Vec<u8> {
    let mut file = BdbWriter { big, page_size, pages: vec![vec![0; page_size]] };
    let mut hash_page = file.page(13);
    let mut items: Vec<Vec<u8>> = Vec::new();
    let counter = u32::try_from(blobs.len()).unwrap();
    file.pair(&mut items, 0, &file.n32(counter));
    for (number, blob) in (1_u32..).zip(blobs) {
        let used: usize = items.iter().map(|item| item.len() + 2).sum();
        if used + 40 > page_size - 26 {
            let next = file.page(13);
            file.set_items(hash_page, &items, u32::try_from(next).unwrap());
            hash_page = next;
            items.clear();
        }
        file.pair(&mut items, number, blob);
    }
    file.set_items(hash_page, &items, 0);
    let last = u32::try_from(file.pages.len() - 1).unwrap();
    let fields = [
        (12, 0x0006_1561),
        (16, 9),
        (20, u32::try_from(page_size).unwrap()),
        (32, last),
        (88, counter + 1),
        (96, 1),
    ];
    for (at, n) in fields {
        file.put32(0, at, n);
    }
    file.pages[0][25] = 8;
    file.pages.concat()
}

struct BdbWriter {
    big: bool,
    page_size: usize,
    pages: Vec<Vec<u8>>,
}

impl BdbWriter {
    fn n32(&self, n: u32) -> Vec<u8> {
        if self.big { n.to_be_bytes().to_vec() } else { n.to_le_bytes().to_vec() }
    }
    fn put32(&mut self, page: usize, at: usize, n: u32) {
        let bytes = self.n32(n);
        self.pages[page][at..at + 4].copy_from_slice(&bytes);
    }
    fn put16(&mut self, page: usize, at: usize, n: usize) {
        let n = u16::try_from(n).unwrap();
        let bytes = if self.big { n.to_be_bytes() } else { n.to_le_bytes() };
        self.pages[page][at..at + 2].copy_from_slice(&bytes);
    }
    fn page(&mut self, kind: u8) -> usize {
        let number = self.pages.len();
        self.pages.push(vec![0; self.page_size]);
        self.put32(number, 8, u32::try_from(number).unwrap());
        self.pages[number][25] = kind;
        number
    }
    fn pair(&mut self, items: &mut Vec<Vec<u8>>, key: u32, value: &[u8]) {
        items.push([vec![1], self.n32(key)].concat());
        if value.len() < 20 {
            items.push([&[1], value].concat());
            return;
        }
        let chunks: Vec<&[u8]> = value.chunks(self.page_size - 26).collect();
        let first = self.pages.len();
        for (n, chunk) in chunks.iter().enumerate() {
            let page = self.page(7);
            let next = if n + 1 < chunks.len() { page + 1 } else { 0 };
            self.put32(page, 16, u32::try_from(next).unwrap());
            self.put16(page, 20, 1);
            self.put16(page, 22, chunk.len());
            self.pages[page][26..26 + chunk.len()].copy_from_slice(chunk);
        }
        let first = self.n32(u32::try_from(first).unwrap());
        let len = self.n32(u32::try_from(value.len()).unwrap());
        items.push([vec![3, 0, 0, 0], first, len].concat());
    }
    fn set_items(&mut self, page: usize, items: &[Vec<u8>], next: u32) {
        let mut at = self.page_size;
        for (n, item) in items.iter().enumerate() {
            at -= item.len();
            self.pages[page][at..at + item.len()].copy_from_slice(item);
            self.put16(page, 26 + n * 2, at);
        }
        self.put16(page, 20, items.len());
        self.put16(page, 22, at);
        self.put32(page, 16, next);
    }
}
