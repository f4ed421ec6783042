//! What one file of any name is: a program by its first bytes, one whose hash a rule asks for, or the disk of a virtual
//! machine.
//!
//! Called by the sources that walk over files, side by side for many. Must not know folders.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ring::digest;

use crate::host::{Host, Miss, Read};
use crate::model::{
    GapReason, HostPath, Identifier, IdentifierType, Image, ItemKind, Place, Scope, State, Trace, Wanted,
};
use crate::parse::ReadAt;
use crate::parse::magic::{self, Format};
use crate::parse::x509::hex;
use crate::sources::Haul;
use crate::sources::macos::code::{self, Signed};

use super::program::{self, Program};
use super::read_ahead::Ask;

/// Bytes that are hashed at a time: memory stays the same whatever the file is.
const BLOCK: usize = 256 << 10;

/// An empty disk of any format is larger: its tables alone are.
const DISK: u64 = 64 << 10;

/// What a file is.
#[derive(Debug)]
pub(in crate::sources) struct FileLook {
    /// What it says of itself; none where it is no program.
    program: Read<Option<Says>>,
    /// Its SHA-256, where a rule asks for files of its size.
    sha256: Option<Read<String>>,
    /// The kind of a virtual machine's disk.
    disk: Option<&'static str>,
}

/// What a program says of itself, by its format.
#[derive(Debug)]
enum Says {
    Windows(Program),
    Macos(Signed),
    /// Programs of Linux bear no signature, and who built one says its package.
    Linux,
}

impl Says {
    /// None where it is no program, though it begins like one.
    fn of(file: &dyn ReadAt, format: Format) -> Read<Option<Self>> {
        match format {
            Format::Pe => Ok(program::of_windows(file)?.map(Self::Windows)),
            Format::MachO => Ok(code::of_file(file)?.map(Self::Macos)),
            Format::Elf => Ok(Some(Self::Linux)),
        }
    }

    fn tell(&self, trace: &mut Trace) {
        match self {
            Self::Windows(program) => program.tell(trace),
            Self::Macos(signed) => signed.tell(trace),
            Self::Linux => {}
        }
    }
}

/// Looks at a file of any name. None where there is nothing to say of it.
pub(in crate::sources) fn look(host: &dyn Host, want: &Wanted, ask: &Ask) -> Option<FileLook> {
    guarded(|| {
        let looked = at(host, want, ask, &|file| {
            let mut head = [0; magic::HEAD];
            let there = file.read_at(0, &mut head).map_err(|error| Miss::Io(error.to_string()))?;
            let head = head.get(..there).unwrap_or_default();
            let program = magic::format(head).map(|format| Says::of(file, format));
            let disk = magic::virtual_disk(head).filter(|_| file.size() >= DISK);
            Ok((program.unwrap_or(Ok(None)), disk))
        });
        let silent = matches!(looked.program, Ok(None)) && looked.sha256.is_none() && looked.disk.is_none();
        (!silent).then_some(looked)
    })
}

/// Looks at a file whose name says that it is a program of Windows.
pub(in crate::sources) fn look_by_name(host: &dyn Host, want: &Wanted, ask: &Ask) -> Option<FileLook> {
    guarded(|| {
        let says = |file: &dyn ReadAt| Ok((Says::of(file, Format::Pe), None));
        Some(at(host, want, ask, &says))
    })
}

/// A reader that panics is a file that was not read.
fn guarded(look: impl FnOnce() -> Option<FileLook>) -> Option<FileLook> {
    let panicked = || FileLook::missed(Miss::Io("the scanner panicked; please report that".to_owned()));
    catch_unwind(AssertUnwindSafe(look)).unwrap_or_else(|_| Some(panicked()))
}

type Told = (Read<Option<Says>>, Option<&'static str>);

fn at(host: &dyn Host, want: &Wanted, ask: &Ask, tell: &dyn Fn(&dyn ReadAt) -> Read<Told>) -> FileLook {
    let opened = if ask.is_met() { host.files().open_met(&ask.path) } else { host.files().open(&ask.path) };
    let file = match opened {
        // Another file took its place since it was met, as logs and caches do all day: that one is looked at.
        Err(Miss::Changed) => host.files().open(&ask.path),
        file => file,
    };
    let file = match file {
        Ok(file) => file,
        Err(miss) => return FileLook::missed(miss),
    };
    match tell(file.as_ref()) {
        Ok((program, disk)) => {
            let asked = |size| want.hash_sizes.contains(&size);
            // One that had such a size a moment ago, and has not now, may be the file all the same.
            let moved = asked(ask.size) && file.size() != ask.size;
            let hash = || if moved { Err(Miss::Changed) } else { sha256(file.as_ref()) };
            FileLook { program, sha256: (moved || asked(file.size())).then(hash), disk }
        }
        Err(miss) => FileLook::missed(miss),
    }
}

/// The SHA-256 of a whole file, hexadecimal. A file that grew or shrank while it was read has none.
pub(in crate::sources) fn sha256(file: &dyn ReadAt) -> Read<String> {
    let mut context = digest::Context::new(&digest::SHA256);
    let size = file.size();
    let mut block = vec![0; BLOCK.min(usize::try_from(size).unwrap_or(BLOCK)).max(1)];
    let mut at = 0;
    loop {
        let there = file.read_at(at, &mut block).map_err(|error| Miss::Io(error.to_string()))?;
        context.update(block.get(..there).unwrap_or_default());
        at += there as u64;
        if there < block.len() || at > size {
            break;
        }
    }
    if at != size {
        return Err(Miss::Changed);
    }
    Ok(hex(context.finish().as_ref()))
}

impl FileLook {
    fn missed(miss: Miss) -> Self {
        Self { program: Err(miss), sha256: None, disk: None }
    }

    /// The same of a file in a place whose disks are named already.
    pub(in crate::sources) fn without_disk(self) -> Self {
        Self { disk: None, ..self }
    }

    /// Puts what was seen into a trace of the file, or of what points to it; the miss that hid it.
    pub(in crate::sources) fn tell(&self, trace: &mut Trace) -> Read<()> {
        match &self.program {
            Ok(Some(says)) => says.tell(trace),
            // Windows runs a damaged program no more than we read it.
            Ok(None) | Err(Miss::Malformed(_)) => {}
            Err(miss) => return Err(miss.clone()),
        }
        if let (ItemKind::Executable, Some(Ok(sha256))) = (trace.kind, &self.sha256) {
            trace.identifiers.push(Identifier::new(IdentifierType::Sha256, sha256.clone()));
        }
        Ok(())
    }

    /// A trace of the file, and the gaps that it is. None where it is no program and no rule asks for its hash.
    pub(in crate::sources) fn told(self, path: &HostPath, scope: Scope, haul: &mut Haul) -> Option<Trace> {
        if let Some(kind) = self.disk {
            haul.minor(GapReason::NotLookedInto, path, format!("the disk of a virtual machine ({kind})"));
        }
        let sha256 = self.sha256.and_then(|sha256| haul.listed(path, sha256));
        // A damaged program is known by its name; of what could not be read nobody knows whether it is one.
        let is_program = matches!(self.program, Ok(Some(_)) | Err(Miss::Malformed(_)));
        let program = seen(path, self.program, haul);
        (is_program || sha256.is_some()).then(|| {
            let mut trace = plain(path, scope, program.as_ref());
            let hash = sha256.map(|value| Identifier::new(IdentifierType::Sha256, value));
            trace.identifiers.extend(hash);
            trace
        })
    }

    /// A trace of a file that is a program by its name, whatever was seen of it.
    pub(in crate::sources) fn named(self, path: &HostPath, scope: Scope, haul: &mut Haul) -> Trace {
        let told = self.told(path, scope.clone(), haul);
        told.unwrap_or_else(|| plain(path, scope, None))
    }
}

/// What was seen of a file. One that cannot be read hides who made it; a damaged program is run by no system. What is no file
/// any more hides nothing; what the cloud keeps is not on this computer, unless it is called a program.
fn seen(path: &HostPath, look: Read<Option<Says>>, haul: &mut Haul) -> Option<Says> {
    match look {
        Err(Miss::Malformed(detail)) => haul.minor(GapReason::Malformed, path, detail),
        Err(Miss::NotAFile(_)) => haul.minor(GapReason::Vanished, path, "something else took its place"),
        Err(Miss::InTheCloud) if !program::is_program(path.file_name()) => {
            haul.minor(GapReason::CloudPlaceholder, path, "its contents are not on this computer");
        }
        look => return haul.listed(path, look).flatten(),
    }
    None
}

fn plain(path: &HostPath, scope: Scope, says: Option<&Says>) -> Trace {
    let place = Place::file(path.clone());
    let mut trace = Trace::new(ItemKind::Executable, path.file_name_text(), State::Present, place);
    trace.scope = scope;
    trace.image = Some(Image { path: path.clone(), exists: Some(true) });
    if let Some(says) = says {
        says.tell(&mut trace);
    }
    trace
}

#[cfg(test)]
#[path = "file_look_tests.rs"]
mod tests;
