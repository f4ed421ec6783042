//! Bills of materials of macOS (`.bom`): the paths that an installer package wrote.
//!
//! Called by the source `receipts`. Must not know what a path means. A file of numbered blocks, among them the tree of
//! paths; bom(5) names the purpose, and the form is the one that the free `bomutils` write and read (its `bom.h`). Numbers
//! are big-endian.

use std::collections::{HashMap, HashSet};

use crate::parse::At;
use crate::parse::Parsed;
use crate::parse::bytes::be16;
use crate::parse::bytes::be32;
use crate::parse::bytes::to_usize;

/// Bytes of a file that are read; Apple's own have some megabytes.
const MAX_INPUT: usize = 32 << 20;
/// Paths that are kept.
const MAX_PATHS: usize = 200_000;
/// Pages of the tree, a leaf of which holds some dozen paths.
const MAX_PAGES: usize = 20_000;
/// Folders within folders.
const MAX_DEPTH: usize = 128;
/// Bytes of a path.
const MAX_PATH: usize = 4096;
/// Bytes of all paths.
const MAX_BYTES: usize = 32 << 20;

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link.
    Link,
    /// A device, or what no package holds.
    Other,
}

/// A path of a package, from the folder that it was installed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// `Applications/Acme.app/Contents/Info.plist`, without `.` before it; bytes as the package keeps them.
    pub path: Vec<u8>,
    /// What lies there.
    pub kind: Kind,
}

/// The paths of a bill of materials.
pub fn read(bytes: &[u8]) -> Parsed<Listed> {
    let mut parsed = Parsed::default();
    if bytes.len() > MAX_INPUT {
        parsed.fault(At::Whole, "longer than 32 MiB: not read");
        return parsed;
    }
    let mut tree = Tree::default();
    if let Err(what) = Store::open(bytes).and_then(|store| tree.read(&store)) {
        parsed.fault(At::Whole, what);
    }
    let mut left = MAX_BYTES;
    for id in &tree.order {
        match tree.path(*id) {
            Some(listed) if listed.path.is_empty() => {}
            Some(listed) if listed.path.len() <= left => {
                left -= listed.path.len();
                parsed.records.push(listed);
            }
            Some(_) => {
                parsed.fault(At::Whole, "more than 32 MiB of paths");
                break;
            }
            None => {
                parsed.fault(At::Record(format!("path {id}")), "its folders are not there, or form a ring");
            }
        }
    }
    parsed
}

/// The numbered blocks of a file.
struct Store<'a> {
    bytes: &'a [u8],
    /// Offset and length of each block.
    index: &'a [u8],
    /// Number of the block that describes the tree of paths.
    paths: u32,
}

impl<'a> Store<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, &'static str> {
        if !bytes.starts_with(b"BOMStore") {
            return Err("no bill of materials");
        }
        let part = |at: usize| {
            let (start, length) = (to_usize(be32(bytes, at)?), to_usize(be32(bytes, at + 4)?));
            bytes.get(start..)?.get(..length)
        };
        let index = part(16).ok_or("an index that lies outside the file: truncated")?;
        let names = part(24).ok_or("names that lie outside the file: truncated")?;
        let count = to_usize(be32(index, 0).unwrap_or_default());
        let index = count.checked_mul(8).and_then(|length| index.get(4..)?.get(..length));
        let index = index.ok_or("an index that lies outside the file: truncated")?;
        let paths = named(names, b"Paths").ok_or("no tree of paths")?;
        Ok(Self { bytes, index, paths })
    }

    fn block(&self, number: u32) -> Option<&'a [u8]> {
        let at = to_usize(number).checked_mul(8)?;
        let (start, length) = (be32(self.index, at)?, be32(self.index, at.checked_add(4)?)?);
        self.bytes.get(to_usize(start)..)?.get(..to_usize(length))
    }
}

/// The block of this name: each name stands after the number of its block, with its length before it.
fn named(names: &[u8], wanted: &[u8]) -> Option<u32> {
    let count = be32(names, 0)?;
    let mut rest = names.get(4..)?;
    for _ in 0..count {
        let length = usize::from(*rest.get(4)?);
        let name = rest.get(5..)?.get(..length)?;
        if name == wanted {
            return be32(rest, 0);
        }
        rest = rest.get(5..)?.get(length..)?;
    }
    None
}

struct Node<'a> {
    parent: u32,
    name: &'a [u8],
    kind: Kind,
}

#[derive(Default)]
struct Tree<'a> {
    nodes: HashMap<u32, Node<'a>>,
    /// Numbers of the paths as they stand in the file.
    order: Vec<u32>,
    /// Entries that were read, each number as often as it stands there.
    entries: usize,
}

impl<'a> Tree<'a> {
    /// Goes down to the first leaf, and from leaf to leaf.
    fn read(&mut self, store: &Store<'a>) -> Result<(), &'static str> {
        const CUT: &str = "a part of the tree of paths that is not there: truncated";
        let tree = store.block(store.paths).ok_or(CUT)?;
        let tree = tree.strip_prefix(b"tree").ok_or("no tree of paths")?;
        let mut number = be32(tree, 4).ok_or(CUT)?;
        let mut depth = 0;
        let mut leaves = HashSet::new();
        for _ in 0..MAX_PAGES {
            let page = store.block(number).ok_or(CUT)?;
            let (is_leaf, count) = (be16(page, 0).ok_or(CUT)?, be16(page, 2).ok_or(CUT)?);
            let forward = be32(page, 4).ok_or(CUT)?;
            if is_leaf == 0 {
                depth += 1;
                number = be32(page, 12).filter(|_| count > 0 && depth < MAX_DEPTH).ok_or(CUT)?;
                continue;
            }
            if !leaves.insert(number) {
                return Err("leaves without end");
            }
            for entry in 0..usize::from(count) {
                self.entry(store, page, 12 + entry * 8).ok_or(CUT)??;
            }
            if forward == 0 {
                return Ok(());
            }
            number = forward;
        }
        Err("leaves without end")
    }

    /// One path: its number and kind in one block, its folder and name in another.
    fn entry(&mut self, store: &Store<'a>, page: &[u8], at: usize) -> Option<Result<(), &'static str>> {
        let info = store.block(be32(page, at)?)?;
        let file = store.block(be32(page, at + 4)?)?;
        let (id, more) = (be32(info, 0)?, store.block(be32(info, 4)?)?);
        let kind = match more.first()? {
            1 => Kind::File,
            2 => Kind::Folder,
            3 => Kind::Link,
            _ => Kind::Other,
        };
        let name = file.get(4..)?;
        let name = name.get(..name.len().min(MAX_PATH + 1))?.split(|byte| *byte == 0).next()?;
        self.entries += 1;
        if self.entries > MAX_PATHS {
            return Some(Err("more than 200000 paths"));
        }
        if self.nodes.insert(id, Node { parent: be32(file, 0)?, name, kind }).is_none() {
            self.order.push(id);
        }
        Some(Ok(()))
    }

    /// The path of a number; the outermost folder is called `.`, and has no name here.
    fn path(&self, id: u32) -> Option<Listed> {
        let node = self.nodes.get(&id)?;
        let mut parts = vec![node.name];
        let mut parent = node.parent;
        while parent != 0 {
            let folder = self.nodes.get(&parent).filter(|_| parts.len() <= MAX_DEPTH)?;
            parts.push(folder.name);
            parent = folder.parent;
        }
        parts.retain(|name| *name != b".");
        parts.reverse();
        let length: usize = parts.iter().map(|part| part.len() + 1).sum();
        (length <= MAX_PATH + 1).then(|| Listed { path: parts.join(&b'/'), kind: node.kind })
    }
}

/// What a test writes: a bill of these paths, each folder before what it holds.
#[cfg(test)]
pub(crate) fn written(paths: &[(&str, Kind)]) -> Vec<u8> {
    let mut blocks: Vec<Vec<u8>> = vec![Vec::new()];
    let add = |blocks: &mut Vec<Vec<u8>>, block: Vec<u8>| {
        blocks.push(block);
        u32::try_from(blocks.len() - 1).unwrap()
    };
    let mut ids: HashMap<String, u32> = HashMap::new();
    let mut leaf = [1_u16.to_be_bytes(), u16::try_from(paths.len() + 1).unwrap().to_be_bytes()].concat();
    leaf.extend([0; 8]);
    for (at, (path, kind)) in [(".", Kind::Folder)].iter().chain(paths).enumerate() {
        let (folder, name) = path.rsplit_once('/').unwrap_or((if *path == "." { "" } else { "." }, path));
        let id = u32::try_from(at + 1).unwrap();
        ids.insert((*path).to_owned(), id);
        let parent = ids.get(folder).copied().unwrap_or_default();
        let more = vec![match kind {
            Kind::File => 1_u8,
            Kind::Folder => 2,
            Kind::Link => 3,
            Kind::Other => 4,
        }];
        let more = add(&mut blocks, more);
        let info = add(&mut blocks, [id.to_be_bytes(), more.to_be_bytes()].concat());
        let file = add(&mut blocks, [&parent.to_be_bytes()[..], name.as_bytes(), b"\0"].concat());
        leaf.extend([info.to_be_bytes(), file.to_be_bytes()].concat());
    }
    let leaf = add(&mut blocks, leaf);
    let page = [&[0, 0, 0, 1][..], &[0; 8], &leaf.to_be_bytes(), &[0; 4]].concat();
    let root = add(&mut blocks, page);
    let tree = [&b"tree"[..], &1_u32.to_be_bytes(), &root.to_be_bytes(), &[0; 9]].concat();
    let tree = add(&mut blocks, tree);
    let mut bytes = [
        &b"BOMStore"[..],
        &1_u32.to_be_bytes(),
        &u32::try_from(blocks.len()).unwrap().to_be_bytes(),
        &[0; 16],
    ]
    .concat();
    let mut index = u32::try_from(blocks.len()).unwrap().to_be_bytes().to_vec();
    for block in &blocks {
        index.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
        index.extend(u32::try_from(block.len()).unwrap().to_be_bytes());
        bytes.extend(block);
    }
    let names = [&1_u32.to_be_bytes()[..], &tree.to_be_bytes(), &[5], b"Paths"].concat();
    for (at, part) in [(24, names), (16, index)] {
        let head = [
            u32::try_from(bytes.len()).unwrap().to_be_bytes(),
            u32::try_from(part.len()).unwrap().to_be_bytes(),
        ];
        bytes[at..at + 8].copy_from_slice(&head.concat());
        bytes.extend(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        written(&[
            ("Applications", Kind::Folder),
            ("Applications/A.app", Kind::Folder),
            ("Applications/A.app/Info.plist", Kind::File),
            ("Applications/A.app/link", Kind::Link),
        ])
    }

    #[test]
    fn paths_are_put_together_from_their_parts() {
        let got = read(&sample());
        assert_eq!(got.faults, []);
        let paths: Vec<_> = got
            .records
            .iter()
            .map(|one| (String::from_utf8_lossy(&one.path).into_owned(), one.kind))
            .collect();
        assert_eq!(
            paths,
            [
                ("Applications".to_owned(), Kind::Folder),
                ("Applications/A.app".to_owned(), Kind::Folder),
                ("Applications/A.app/Info.plist".to_owned(), Kind::File),
                ("Applications/A.app/link".to_owned(), Kind::Link),
            ]
        );
        assert_eq!(read(&written(&[])), Parsed::default(), "a package without files");
    }

    #[test]
    fn cut_at_every_byte_it_is_a_fault_and_mutated_it_ends() {
        let whole = sample();
        for cut in 0..whole.len() {
            assert_ne!(read(&whole[..cut]).faults, [], "cut at {cut}");
        }
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..20_000 {
            let mut bad = whole.clone();
            for _ in 0..=random % 3 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let at = usize::try_from(random >> 8).unwrap() % bad.len();
                bad[at] = random.to_le_bytes()[0];
            }
            assert!(read(&bad).records.len() <= MAX_PATHS);
        }
    }

    #[test]
    fn rings_end() {
        // Of leaves: the first one names itself as the next.
        let mut bad = sample();
        let head = [0, 1, 0, 5];
        let leaf = bad.windows(4).position(|four| four == head).unwrap();
        let root = bad.windows(4).position(|four| four == [0, 0, 0, 1]).unwrap();
        assert!(leaf > root);
        let index = usize::try_from(be32(&bad, 16).unwrap()).unwrap() + 4;
        let number =
            (0..64).find(|n| be32(&bad, index + n * 8) == Some(u32::try_from(leaf).unwrap())).unwrap();
        bad[leaf + 4..leaf + 8].copy_from_slice(&u32::try_from(number).unwrap().to_be_bytes());
        assert!(read(&bad).faults[0].what.contains("without end"));
        // Of folders: a path is its own folder, by the name of the outermost too.
        for name in [b"a", b"."] {
            let nodes = HashMap::from([(1, Node { parent: 1, name, kind: Kind::Folder })]);
            assert_eq!(Tree { nodes, order: vec![1], entries: 1 }.path(1), None);
        }
    }

    #[test]
    fn what_is_none_is_a_fault() {
        for bad in [&b""[..], b"BOMStore", b"bplist00", &[0; 64]] {
            assert_eq!(read(bad).faults.len(), 1, "{bad:?}");
        }
    }
}
