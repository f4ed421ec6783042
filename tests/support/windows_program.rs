//! A small reader of Windows programs, for the tests of `interdict.exe`: what it imports, and its resources. It trusts
//! the linker that made the file. The format: <https://learn.microsoft.com/windows/win32/debug/pe-format>.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;

/// A program, 64 bits.
pub struct Program {
    bytes: Vec<u8>,
    /// Virtual address, size in memory, place in the file.
    sections: Vec<(usize, usize, usize)>,
    optional: usize,
}

impl Program {
    /// Reads the headers.
    pub fn new(bytes: Vec<u8>) -> Self {
        let mut program = Self { bytes, sections: Vec::new(), optional: 0 };
        let head = program.u32(0x3C);
        assert_eq!(program.bytes[head..head + 4], *b"PE\0\0");
        assert_eq!(program.u16(head + 4), 0x8664, "for x86-64");
        program.optional = head + 24;
        assert_eq!(program.u16(program.optional), 0x20B, "PE32+");
        let table = program.optional + program.u16(head + 20);
        let count = program.u16(head + 6);
        let section = |at: usize| (program.u32(at + 12), program.u32(at + 8), program.u32(at + 20));
        program.sections = (0..count).map(|n| section(table + 40 * n)).collect();
        program
    }

    fn u16(&self, at: usize) -> usize {
        usize::from(u16::from_le_bytes(self.bytes[at..at + 2].try_into().unwrap()))
    }

    fn u32(&self, at: usize) -> usize {
        usize::try_from(u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap())).unwrap()
    }

    /// The place in the file of what is at an address of the loaded program.
    fn at(&self, address: usize) -> usize {
        let found = self.sections.iter().find(|(start, size, _)| (*start..start + size).contains(&address));
        let (start, _, place) = found.unwrap();
        address - start + place
    }

    fn name(&self, at: usize) -> String {
        self.bytes[at..].iter().take_while(|byte| **byte != 0).map(|byte| char::from(*byte)).collect()
    }

    /// Address and size of a data directory.
    fn directory(&self, n: usize) -> (usize, usize) {
        (self.u32(self.optional + 112 + 8 * n), self.u32(self.optional + 116 + 8 * n))
    }

    /// The oldest Windows that starts it.
    pub fn subsystem_version(&self) -> (usize, usize) {
        (self.u16(self.optional + 48), self.u16(self.optional + 50))
    }

    /// Hardening: bits of `DllCharacteristics`.
    pub fn characteristics(&self) -> usize {
        self.u16(self.optional + 70)
    }

    /// Functions by library, in lower case; an ordinal as `#n`. Libraries loaded late count too.
    pub fn imports(&self) -> BTreeMap<String, Vec<String>> {
        assert_eq!(self.directory(13).1, 0, "delayed imports are not read here");
        let mut imports: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut entry = self.at(self.directory(1).0);
        while self.u32(entry + 12) != 0 {
            let library = self.name(self.at(self.u32(entry + 12))).to_lowercase();
            let names = imports.entry(library).or_default();
            let mut thunk = self.at(self.u32(entry));
            while self.u32(thunk) != 0 {
                names.push(self.imported(thunk));
                thunk += 8;
            }
            entry += 20;
        }
        imports
    }

    /// The function that an entry of 64 bits names: by its number where the highest bit is set.
    fn imported(&self, thunk: usize) -> String {
        let value = self.u32(thunk);
        let by_number = self.u32(thunk + 4) >> 31 == 1;
        if by_number { format!("#{value}") } else { self.name(self.at(value) + 2) }
    }

    /// The first resource of a type (16 version, 24 manifest, 14 icon group, 3 icon) in each name, in the file's order.
    pub fn resources(&self, kind: usize) -> Vec<&[u8]> {
        let root = self.at(self.directory(2).0);
        let Some((_, names)) = self.entries(root, root).into_iter().find(|(id, _)| *id == kind) else {
            return Vec::new();
        };
        let data = |folder: usize| {
            let (_, leaf) = self.entries(root, folder)[0];
            let at = self.at(self.u32(leaf));
            &self.bytes[at..at + self.u32(leaf + 4)]
        };
        self.entries(root, names).into_iter().map(|(_, languages)| data(languages)).collect()
    }

    /// Ids of a folder of resources, and where each leads.
    fn entries(&self, root: usize, folder: usize) -> Vec<(usize, usize)> {
        let count = self.u16(folder + 12) + self.u16(folder + 14);
        let entry = |n: usize| folder + 16 + 8 * n;
        (0..count).map(|n| (self.u32(entry(n)), root + (self.u32(entry(n) + 4) & 0x7FFF_FFFF))).collect()
    }
}

/// Text as Windows keeps it.
pub fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Whether bytes lie in others.
pub fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
