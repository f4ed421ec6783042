//! The version resource of an executable: what it says of its maker, name and version.
//! Formats: "The .rsrc Section" of the PE format, and
//! <https://learn.microsoft.com/en-us/windows/win32/menurc/vs-versioninfo>.
//!
//! Called by the sources that look at executables. Must not know whether it is true. Linkers,
//! packers and hand-written resources get the lengths wrong in every way; Windows shows the
//! text all the same, and so it is read.

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::Parsed;
use crate::parse::ReadAt;
use crate::parse::bytes::array;
use crate::parse::bytes::fill;
use crate::parse::bytes::le32;
use crate::parse::note;
use crate::parse::pe::Pe;

/// `RT_VERSION`.
const VERSION: u32 = 16;
/// Bit of a place that is another directory.
const DIRECTORY: u32 = 0x8000_0000;
/// Entries of one resource directory; programs with a thousand icons exist.
const MAX_ENTRIES: usize = 4096;
/// Version resources of one file: one per language.
const MAX_RESOURCES: usize = 64;
/// Longest version resource that is read; real ones have about 1 KiB.
const MAX_RESOURCE: u32 = 128 * 1024;
/// Tables of one file, strings of one table.
const MAX_TABLES: usize = 128;
/// See [`MAX_TABLES`].
const MAX_STRINGS: usize = 128;

/// What all version resources of a file say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionInfo {
    /// `dwFileVersion` of the first resource.
    pub file_version: Option<[u16; 4]>,
    /// `dwProductVersion` of it.
    pub product_version: Option<[u16; 4]>,
    /// The string tables of all languages; those without language and in American English first.
    pub tables: Vec<StringTable>,
}

/// The strings of one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StringTable {
    /// Language and code page in hexadecimal, as it stands there ("040904b0").
    pub language: String,
    /// Names and texts in their order. A name may have any letter case.
    pub strings: Vec<(String, String)>,
}

impl VersionInfo {
    /// A string (`CompanyName`) of the first table that has it and not empty.
    pub fn string(&self, name: &str) -> Option<&str> {
        self.tables.iter().find_map(|table| table.string(name))
    }

    /// The version that a person would be told: `FileVersion` as text may be anything.
    pub fn file_version_text(&self) -> Option<String> {
        self.file_version.map(dotted)
    }
}

impl StringTable {
    /// A string of this table, if it is not empty.
    pub fn string(&self, name: &str) -> Option<&str> {
        let found = self.strings.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, text)| text.as_str()).find(|text| !text.is_empty())
    }
}

/// "1.2.3.4".
pub fn dotted(version: [u16; 4]) -> String {
    version.map(|part| part.to_string()).join(".")
}

/// Reads the version resources of a file: one record for all, none when it has none.
pub fn read(src: &dyn ReadAt, pe: &Pe) -> Parsed<VersionInfo> {
    let mut out = Parsed::default();
    let Some((address, _)) = pe.resources() else { return out };
    let Some(place) = pe.offset(address) else {
        out.fault(At::Whole, format!("resources at address {address:#x}, which is not in the file"));
        return out;
    };
    let tree = Tree { src, start: place.start, end: place.end };
    let mut leaves = tree.versions(&mut out.faults);
    // Neutral first, then American English, then as they stand.
    leaves.sort_by_key(|leaf| match leaf.language {
        0 => 0,
        0x409 => 1,
        _ => 2,
    });
    let mut all = VersionInfo::default();
    let mut found = false;
    for leaf in leaves {
        match leaf
            .load(src, pe)
            .and_then(|bytes| parse(&bytes).ok_or_else(|| "is no VS_VERSIONINFO".to_owned()))
        {
            Ok(info) => {
                found = true;
                all.file_version = all.file_version.or(info.file_version);
                all.product_version = all.product_version.or(info.product_version);
                all.tables.extend(info.tables);
            }
            Err(what) => {
                note(&mut out.faults, At::Record(format!("version resource {:#x}", leaf.language)), what);
            }
        }
    }
    if found {
        all.tables.truncate(MAX_TABLES);
        all.tables.sort_by_key(|table| !first_choice(&table.language));
        out.records.push(all);
    }
    out
}

fn first_choice(language: &str) -> bool {
    language.get(..4).is_some_and(|code| code == "0409" || code == "0000")
}

/// The directories of resources: type, name, language.
struct Tree<'a> {
    src: &'a dyn ReadAt,
    start: u64,
    end: u64,
}

/// Where the bytes of one version resource lie.
struct Leaf {
    language: u32,
    /// Address and size, as `IMAGE_RESOURCE_DATA_ENTRY` has them.
    data: [u8; 8],
}

impl Leaf {
    fn load(&self, src: &dyn ReadAt, pe: &Pe) -> Result<Vec<u8>, String> {
        let address = le32(&self.data, 0).unwrap_or_default();
        let size = le32(&self.data, 4).unwrap_or_default();
        if size > MAX_RESOURCE {
            return Err(format!("of {size} bytes is longer than is read"));
        }
        let place =
            pe.offset(address).ok_or_else(|| format!("lies at {address:#x}, which is not in the file"))?;
        let size = u64::from(size).min(place.end - place.start);
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        fill(src, place.start, &mut bytes)?;
        Ok(bytes)
    }
}

impl Tree<'_> {
    /// Three levels, never more, so that directories that point at each other end.
    fn versions(&self, faults: &mut Vec<Fault>) -> Vec<Leaf> {
        let mut entries = self.entries(0, faults);
        entries.retain(|(kind, _)| *kind == VERSION);
        for _ in 0..2 {
            entries = entries.iter().flat_map(|(_, place)| self.below(*place, faults)).collect();
            entries.truncate(MAX_RESOURCES);
        }
        let mut leaves = Vec::new();
        for (language, place) in entries {
            let mut data = [0; 8];
            match self.fill(place, &mut data) {
                Ok(()) => leaves.push(Leaf { language, data }),
                Err(what) => note(faults, At::Record("resources".to_owned()), what),
            }
        }
        leaves
    }

    /// The entries of the directory that an entry names; none when it names data.
    fn below(&self, place: u32, faults: &mut Vec<Fault>) -> Vec<(u32, u32)> {
        if place & DIRECTORY == 0 {
            return Vec::new();
        }
        let mut entries = self.entries(place & !DIRECTORY, faults);
        entries.truncate(MAX_RESOURCES);
        entries
    }

    /// Number (or, with the highest bit, place of its name) and place of each entry.
    fn entries(&self, at: u32, faults: &mut Vec<Fault>) -> Vec<(u32, u32)> {
        let mut header = [0; 16];
        let read = self.fill(at, &mut header).and_then(|()| {
            let count = |at| array::<2>(&header, at).map_or(0, u16::from_le_bytes);
            let count = usize::from(count(12)) + usize::from(count(14));
            let mut table = vec![0; count.min(MAX_ENTRIES) * 8];
            self.fill(at.saturating_add(16), &mut table)?;
            Ok(table)
        });
        match read {
            Ok(table) => table
                .chunks_exact(8)
                .map(|row| (le32(row, 0).unwrap_or_default(), le32(row, 4).unwrap_or_default()))
                .collect(),
            Err(what) => {
                note(faults, At::Record("resources".to_owned()), what);
                Vec::new()
            }
        }
    }

    fn fill(&self, at: u32, buf: &mut [u8]) -> Result<(), String> {
        let start = self.start + u64::from(at);
        if start + buf.len() as u64 > self.end {
            return Err(format!("a directory at {at:#x} is not among the resources"));
        }
        fill(self.src, start, buf)
    }
}

/// Reads one `VS_VERSIONINFO`; `None` when it has not even its name.
pub fn parse(bytes: &[u8]) -> Option<VersionInfo> {
    let root = Node::read(bytes, 0, bytes.len())?;
    if root.key != "VS_VERSION_INFO" {
        return None;
    }
    let mut info = VersionInfo::default();
    let fixed = bytes.get(root.value..).unwrap_or_default();
    // VS_FIXEDFILEINFO: signature 0xFEEF04BD, its own version, then ours.
    let has_fixed = le32(fixed, 0) == Some(0xFEEF_04BD);
    if has_fixed {
        info.file_version = version(fixed, 8);
        info.product_version = version(fixed, 16);
    }
    let value = if has_fixed { root.value_length.max(52) } else { root.value_length };
    for files in root.children(bytes, root.value.saturating_add(value)) {
        if !files.key.eq_ignore_ascii_case("StringFileInfo") {
            continue;
        }
        for table in files.children(bytes, files.value) {
            if info.tables.len() >= MAX_TABLES {
                return Some(info);
            }
            let strings = table.children(bytes, table.value).take(MAX_STRINGS);
            let strings = strings.map(|string| (string.key.clone(), string.text(bytes))).collect();
            info.tables.push(StringTable { language: table.key, strings });
        }
    }
    Some(info)
}

/// Two numbers of 32 bits, the higher half of each first.
fn version(fixed: &[u8], at: usize) -> Option<[u16; 4]> {
    let (high, low) = (le32(fixed, at)?.to_be_bytes(), le32(fixed, at + 4)?.to_be_bytes());
    let half = |bytes: [u8; 4], at: usize| array::<2>(&bytes, at).map(u16::from_be_bytes);
    Some([half(high, 0)?, half(high, 2)?, half(low, 0)?, half(low, 2)?])
}

/// One block: length, length of the value, type, name, value, blocks inside.
struct Node {
    key: String,
    /// Where the value begins.
    value: usize,
    /// As stated: bytes, of text mostly units of two bytes, and often wrong.
    value_length: usize,
    /// Where the block ends, never behind the one that it lies in.
    end: usize,
}

impl Node {
    fn read(bytes: &[u8], at: usize, limit: usize) -> Option<Self> {
        let field = |at| array::<2>(bytes, at).map(u16::from_le_bytes).map(usize::from);
        let length = field(at)?;
        let value_length = field(at.checked_add(2)?)?;
        let key_at = at.checked_add(6)?;
        let end = at.checked_add(length)?.min(limit);
        // A block shorter than its own head ends the list: what fills up, or garbage.
        if length < 6 || end <= key_at {
            return None;
        }
        let (key, key_length) = utf16(bytes.get(key_at..end)?);
        let value = (key_at + key_length).next_multiple_of(4).min(end);
        Some(Self { key, value, value_length, end })
    }

    /// The blocks inside, from `at` on.
    fn children<'a>(&self, bytes: &'a [u8], at: usize) -> impl Iterator<Item = Self> + use<'a> {
        let limit = self.end.min(bytes.len());
        let mut at = at.next_multiple_of(4);
        std::iter::from_fn(move || {
            let node = Self::read(bytes, at, limit)?;
            at = node.end.next_multiple_of(4);
            Some(node)
        })
    }

    /// The value as text: up to its zero, whatever length is stated, as Windows shows it. A
    /// stated length of 0 is no value at all.
    fn text(&self, bytes: &[u8]) -> String {
        if self.value_length == 0 {
            return String::new();
        }
        utf16(bytes.get(self.value..self.end).unwrap_or_default()).0
    }
}

/// Text up to a zero or the end, and how many bytes it took with the zero.
fn utf16(bytes: &[u8]) -> (String, usize) {
    let units = bytes.chunks_exact(2).filter_map(|two| two.first_chunk::<2>().copied());
    let units: Vec<u16> = units.map(u16::from_le_bytes).take_while(|unit| *unit != 0).collect();
    (String::from_utf16_lossy(&units), ((units.len() + 1) * 2).min(bytes.len()))
}

#[cfg(test)]
#[path = "version_resource_tests.rs"]
mod tests;
