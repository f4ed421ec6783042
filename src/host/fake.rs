//! A host made up in memory, for tests of every room above this one.
//!
//! Obeys the same trait and the same link resolution as a real root; what is not there is absent, what is marked
//! denied is denied.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Family, HostFacts, HostPath, Mode, Os};
use crate::parse::ReadAt;

use super::privacy::Private;
use super::resolve::{Step, resolve};
use super::volumes::Volumes;
use super::{
    Entry, FakeRegistry, Files, Host, Kind, Listing, Miss, Process, Read, Registry, Stat, WalkNext, Walked,
    facts, macos_facts, windows_facts,
};

/// What lies at a path of a made-up host.
#[derive(Debug, Clone)]
pub enum FakeNode {
    /// A regular file.
    File(Vec<u8>),
    /// A program file (executable bit set).
    Program(Vec<u8>),
    /// A folder.
    Folder,
    /// A symbolic link.
    Link(Vec<u8>),
    /// There, and reading or listing it fails so.
    Broken(Miss),
    /// A regular file that fails so when it is read.
    Unreadable(Miss),
    /// A device, pipe or socket.
    Special(Kind),
}

/// A host in memory.
#[derive(Debug, Clone)]
pub struct FakeHost {
    facts: HostFacts,
    files: FakeFiles,
    /// The files as a macOS without full disk access shows them.
    private: Option<Private>,
    registry: Option<FakeRegistry>,
    processes: Option<Listing<Process>>,
}

#[derive(Debug, Clone, Default)]
struct FakeFiles {
    /// Whether names are found in any letters' case, as on Windows.
    any_case: bool,
    /// Whether the links that every macOS has are there unsaid (`/var`).
    macos: bool,
    nodes: BTreeMap<HostPath, FakeNode>,
}

impl FakeHost {
    /// A dead Linux disk with these nodes; folders on the way are made. Facts are read from the nodes.
    pub fn new<'a>(nodes: impl IntoIterator<Item = (&'a str, FakeNode)>) -> Self {
        let mut files = FakeFiles::default();
        for (path, node) in nodes {
            files.put(HostPath::from(path), node);
        }
        let facts = facts::of(Family::Linux, Mode::Offline, &files);
        Self { facts, files, private: None, registry: None, processes: None }
    }

    /// A dead volume of macOS with these nodes. Facts are read from the nodes.
    pub fn macos<'a>(nodes: impl IntoIterator<Item = (&'a str, FakeNode)>) -> Self {
        Self::of_macos(Mode::Offline, nodes)
    }

    /// A running macOS with these nodes and no processes, which shows what is protected if the nodes say so.
    pub fn macos_running<'a>(nodes: impl IntoIterator<Item = (&'a str, FakeNode)>) -> Self {
        Self::of_macos(Mode::Live, nodes)
    }

    fn of_macos<'a>(mode: Mode, nodes: impl IntoIterator<Item = (&'a str, FakeNode)>) -> Self {
        let mut files = FakeFiles { any_case: true, macos: true, ..FakeFiles::default() };
        for (path, node) in nodes {
            files.put(HostPath::from(path), node);
        }
        let facts = macos_facts::of(mode, &files);
        let private = (facts.full_disk_access == Some(false))
            .then(|| Private::new(Arc::new(files.clone()), &facts.users));
        Self { facts, files, private, registry: None, processes: None }
    }

    /// A dead disk of Windows with these nodes, whose paths begin with a drive (`/C:/Windows/…`), and this registry.
    pub fn windows<'a>(nodes: impl IntoIterator<Item = (&'a str, FakeNode)>, registry: FakeRegistry) -> Self {
        let mut files = FakeFiles { any_case: true, ..FakeFiles::default() };
        files.put("/C:/Windows/System32/config".into(), FakeNode::Folder);
        for (path, node) in nodes {
            files.put(HostPath::from(path), node);
        }
        let facts = windows_facts::of(Mode::Offline, &files, &registry, "/C:/Windows".into());
        Self { facts, files, private: None, registry: Some(registry), processes: None }
    }

    /// The same host, running these processes.
    #[must_use]
    pub fn running(self, entries: Vec<Process>) -> Self {
        self.listing(Listing { entries, gaps: Vec::new() })
    }

    /// The same host, running, with these processes and what hid others.
    #[must_use]
    pub fn listing(mut self, processes: Listing<Process>) -> Self {
        self.facts.mode = Mode::Live;
        self.processes = Some(processes);
        self
    }

    /// The same host with another operating system record.
    #[must_use]
    pub fn os(mut self, id: &str) -> Self {
        self.facts.os = Os { id: Some(id.to_owned()), ..Os::default() };
        self
    }
}

impl Host for FakeHost {
    fn facts(&self) -> &HostFacts {
        &self.facts
    }
    fn files(&self) -> &dyn Files {
        match &self.private {
            Some(private) => private,
            None => &self.files,
        }
    }
    fn registry(&self) -> Option<&dyn Registry> {
        self.registry.as_ref().map(|registry| registry as &dyn Registry)
    }
    fn processes(&self) -> Option<Listing<Process>> {
        self.processes.clone()
    }
}

impl FakeFiles {
    fn put(&mut self, path: HostPath, node: FakeNode) {
        let mut folder = path.parent();
        while let Some(at) = folder {
            folder = at.parent();
            self.nodes.entry(at).or_insert(FakeNode::Folder);
        }
        self.nodes.insert(path, node);
    }

    fn node(&self, path: &HostPath) -> Read<&FakeNode> {
        if path.as_bytes() == b"/" {
            return Ok(&FakeNode::Folder);
        }
        self.nodes.get(path).ok_or_else(|| self.barrier(path))
    }

    /// The path as it is spelled.
    fn spelled(&self, path: &HostPath) -> HostPath {
        let is = |known: &&HostPath| known.as_bytes().eq_ignore_ascii_case(path.as_bytes());
        let other = || self.nodes.keys().find(is).unwrap_or(path).clone();
        if self.any_case && !self.nodes.contains_key(path) { other() } else { path.clone() }
    }

    /// Why a path cannot be looked up: a folder on the way that cannot be entered, or it is not there.
    fn barrier(&self, path: &HostPath) -> Miss {
        let mut folder = path.parent();
        while let Some(at) = folder {
            if let Some(FakeNode::Broken(miss)) = self.nodes.get(&at) {
                return miss.clone();
            }
            folder = at.parent();
        }
        let drive = path.drive().map(|letter| HostPath::new(format!("/{letter}:")));
        if drive.is_some_and(|drive| !self.nodes.contains_key(&drive)) {
            Miss::NotMounted
        } else {
            Miss::Absent
        }
    }

    fn settle(&self, path: &HostPath) -> Read<(HostPath, &FakeNode)> {
        let real = resolve(path, &mut |path| {
            let path = self.spelled(path);
            match self.node(&path) {
                Ok(FakeNode::Link(target)) => Ok(Step::Link(target.clone())),
                Ok(_) => Ok(Step::Plain(path)),
                Err(miss) => {
                    let implied = Volumes::implied_link(&path).filter(|_| self.macos);
                    implied.map(|target| Step::Link(target.into())).ok_or(miss)
                }
            }
        })?;
        let node = self.node(&real)?;
        Ok((real, node))
    }

    /// Names directly below a folder.
    fn names(&self, folder: &HostPath) -> BTreeSet<Vec<u8>> {
        let below = self.nodes.keys().filter(|path| path.parent().as_ref() == Some(folder));
        below.map(|path| path.file_name().to_vec()).collect()
    }
}

fn kind(node: &FakeNode) -> Kind {
    match node {
        FakeNode::File(_) | FakeNode::Program(_) | FakeNode::Unreadable(_) => Kind::File,
        FakeNode::Folder | FakeNode::Broken(_) => Kind::Folder,
        FakeNode::Link(_) => Kind::Link,
        FakeNode::Special(kind) => *kind,
    }
}

fn stat(node: &FakeNode) -> Stat {
    let size = match node {
        FakeNode::File(bytes) | FakeNode::Program(bytes) => bytes.len() as u64,
        _ => 0,
    };
    let executable = Some(matches!(node, FakeNode::Program(_)));
    Stat { kind: kind(node), size, executable, modified: None }
}

impl Files for FakeFiles {
    fn read(&self, path: &HostPath, limit: u64) -> Read<Vec<u8>> {
        match self.settle(path)?.1 {
            FakeNode::File(bytes) | FakeNode::Program(bytes) if bytes.len() as u64 > limit => {
                Err(Miss::TooLarge { size: bytes.len() as u64, limit })
            }
            FakeNode::File(bytes) | FakeNode::Program(bytes) => Ok(bytes.clone()),
            FakeNode::Broken(miss) | FakeNode::Unreadable(miss) => Err(miss.clone()),
            other => Err(Miss::NotAFile(kind(other))),
        }
    }

    fn open(&self, path: &HostPath) -> Read<Box<dyn ReadAt + Send + Sync>> {
        Ok(Box::new(InMemory(self.read(path, u64::MAX)?)))
    }

    fn list(&self, folder: &HostPath) -> Read<Vec<Entry>> {
        let (real, node) = self.settle(folder)?;
        match node {
            FakeNode::Folder => {}
            FakeNode::Broken(miss) => return Err(miss.clone()),
            other => return Err(Miss::NotAFile(kind(other))),
        }
        let names = self.names(&real).into_iter();
        let entry = |name: Vec<u8>| {
            let kind = self.node(&real.join(&name)).map_or(Kind::File, kind);
            Entry { name, kind }
        };
        Ok(names.map(entry).collect())
    }

    fn stat(&self, path: &HostPath) -> Read<Stat> {
        self.settle(path).map(|(_, node)| stat(node))
    }

    fn resolve(&self, path: &HostPath) -> Read<HostPath> {
        self.settle(path).map(|(real, _)| real)
    }

    fn walk(&self, folder: &HostPath, visit: &mut dyn FnMut(Walked) -> WalkNext) -> Read<()> {
        let (real, node) = self.settle(folder)?;
        match node {
            FakeNode::Folder => {}
            FakeNode::Broken(miss) => return Err(miss.clone()),
            other => return Err(Miss::NotAFile(kind(other))),
        }
        let mut skipped: Option<HostPath> = None;
        for (path, node) in self.nodes.iter().filter(|(path, _)| path.is_within(&real) && **path != real) {
            if skipped.as_ref().is_some_and(|skipped| path.is_within(skipped)) {
                continue;
            }
            let walked = match node {
                FakeNode::Broken(miss) => Walked::Missed(path.clone(), miss.clone()),
                node => Walked::Seen { path: path.clone(), stat: stat(node) },
            };
            match visit(walked) {
                WalkNext::On => {}
                WalkNext::Skip => skipped = Some(path.clone()),
                WalkNext::Stop => break,
            }
        }
        Ok(())
    }
}

/// Bytes for positioned reads.
struct InMemory(Vec<u8>);

impl ReadAt for InMemory {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<usize> {
        self.0.as_slice().read_at(offset, buf)
    }
}
