//! What a program file says of itself: its version resource, and who claims to have signed it.
//!
//! Called by the sources that meet program files, on disks of every system: a program for Windows in a Linux home is one all
//! the same. Reads headers, one resource and the table of certificates, never the whole file; whether the signature holds is
//! asked of `trust`, where a rule could need it.

use crate::host::{Host, Miss, Read};
use crate::model::{
    GapReason, HostPath, Identifier, IdentifierType, ItemKind, Looked, Scheme, Signer, Trace, Trust, Version,
};
use crate::parse::ReadAt;
use crate::parse::authenticode;
use crate::parse::pe::{self, Pe};
use crate::parse::pkcs7::Signature;
use crate::parse::version_resource;
use crate::sources::Haul;

/// The organisation that signs what others made, for its platform.
const PLATFORM: &str = "Microsoft Corporation";

/// What a program file says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::sources) struct Program {
    company: Option<String>,
    description: Option<String>,
    product: Option<String>,
    original: Option<String>,
    version: Option<String>,
    signer: Looked<Signer>,
}

/// What the file says; none where it is no executable of Windows.
pub(in crate::sources) fn look(host: &dyn Host, path: &HostPath) -> Read<Option<Program>> {
    of_windows(host.files().open(path)?.as_ref())
}

/// What a file says; none where it is no executable of Windows.
pub(in crate::sources) fn of_windows(file: &dyn ReadAt) -> Read<Option<Program>> {
    match pe::read(file) {
        Ok(pe) => Ok(pe.map(|pe| read(file, &pe))),
        Err(fault) => Err(Miss::Malformed(fault.to_string())),
    }
}

/// What was seen of a file that is known to be there. One that cannot be read hides who made it; of a damaged one the name
/// and place are known, and Windows runs it no more than we read it.
pub(in crate::sources) fn seen(
    path: &HostPath,
    look: Read<Option<Program>>,
    haul: &mut Haul,
) -> Option<Program> {
    match look {
        Err(Miss::Malformed(detail)) => {
            haul.minor(GapReason::Malformed, path, detail);
            None
        }
        look => haul.listed(path, look).flatten(),
    }
}

fn read(file: &dyn ReadAt, pe: &Pe) -> Program {
    let info = version_resource::read(file, pe).records.into_iter().next();
    let text = |name: &str| info.as_ref().and_then(|info| plain(info.string(name)?));
    let signatures = authenticode::signers(file, pe);
    let signer = match (leading(&signatures.records), signatures.faults.first()) {
        (Some(signature), _) => {
            Looked::Some(Signer { name: name(signature), team_id: None, trust: Trust::Unchecked })
        }
        (None, Some(fault)) => Looked::Unreadable(fault.to_string()),
        // It may still be listed in a catalogue: `trust` asks.
        (None, None) => Looked::NotLooked,
    };
    Program {
        company: leading(&signatures.records).and_then(claim).or_else(|| text("CompanyName")),
        description: text("FileDescription"),
        product: text("ProductName"),
        original: text("OriginalFilename"),
        version: info.as_ref().and_then(version_resource::VersionInfo::file_version_text),
        signer,
    }
}

fn plain(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The signature that says most of who made the file: of several, the first that is not the platform's.
fn leading(signatures: &[Signature]) -> Option<&Signature> {
    signatures.iter().find(|one| !is_platform(one)).or(signatures.first())
}

/// Whether the platform signed: it says that a thing may run, not who made it.
pub(in crate::sources) fn is_platform(signature: &Signature) -> bool {
    let subject = signature.certificate.as_ref().map(|certificate| &certificate.subject);
    subject.is_some_and(|subject| subject.organization() == Some(PLATFORM))
}

/// Whom a signature names: the subject of its certificate.
pub(in crate::sources) fn name(signature: &Signature) -> String {
    let subject =
        signature.certificate.as_ref().map_or(&signature.issuer, |certificate| &certificate.subject);
    subject.shown().to_owned()
}

/// For whom the platform says that it signed (`SpcSpOpusInfo`, programName): the maker by Microsoft's word, which stands
/// before what the file says of itself.
pub(in crate::sources) fn claim(signature: &Signature) -> Option<String> {
    let claimed = signature.program_name.as_deref().filter(|_| is_platform(signature)).and_then(plain)?;
    (!claimed.starts_with("Microsoft")).then_some(claimed)
}

impl Program {
    /// Puts what the file says into a trace of it, or of what points to it. Who signed and who claims to have made it are
    /// fields of every such kind; its own names and version are the file's alone.
    pub(in crate::sources) fn tell(&self, trace: &mut Trace) {
        trace.signer = self.signer.clone();
        if matches!(trace.kind, ItemKind::Executable | ItemKind::Driver | ItemKind::Service)
            && trace.publisher.is_none()
        {
            trace.publisher.clone_from(&self.company);
        }
        if !matches!(trace.kind, ItemKind::Executable | ItemKind::Driver) {
            return;
        }
        trace.version = self.version.clone().map(|version| Version::new(version, Scheme::Dotted));
        let original =
            self.original.clone().map(|name| Identifier::new(IdentifierType::OriginalFilename, name));
        trace.identifiers.extend(original);
        if trace.kind == ItemKind::Executable {
            trace.display_name.clone_from(&self.description);
            let product = self.product.clone().map(|name| Identifier::new(IdentifierType::ProductName, name));
            trace.identifiers.extend(product);
        }
    }
}

/// Whether a name is that of a program or library of Windows.
pub(in crate::sources) fn is_program(name: &[u8]) -> bool {
    const ENDINGS: &[&str] = &["exe", "dll", "sys", "com", "scr", "cpl", "ocx", "drv", "ax", "efi", "msi"];
    let Some(at) = name.iter().rposition(|b| *b == b'.') else { return false };
    let ending = name.get(at + 1..).unwrap_or_default();
    ENDINGS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(ending))
}
