//! A bundle of macOS: the folder of an application, plug-in or framework, what its `Info.plist` says, and its program.
//!
//! Called by the sources that meet bundles. Must not know where bundles lie. Layouts: "Bundle Structures" in Apple's
//! Bundle Programming Guide; keys: "Core Foundation Keys" in its Information Property List Key Reference.

use crate::host::{Files, Kind, Miss};
use crate::model::{GapReason, HostPath, Image};
use crate::parse::plist::{self, Value};
use crate::sources::Haul;

/// Real ones have some ten kilobytes; those of browsers some hundred.
const LIMIT: u64 = 4 << 20;
/// Letters of a text that are kept.
const MAX_TEXT: usize = 1024;

/// Where a bundle keeps its `Info.plist`, and the folder of its program.
const LAYOUTS: &[(&str, &str)] = &[
    ("Contents/Info.plist", "Contents/MacOS"),
    // Applications of iOS, and plug-ins of old.
    ("Info.plist", ""),
    // Frameworks.
    ("Resources/Info.plist", ""),
    ("Versions/Current/Resources/Info.plist", "Versions/Current"),
];

/// An application of iOS on a Mac lies in a folder of the outer one, beside what the store says of it.
const WRAPPER: &str = "Wrapper";
const STORE: &str = "iTunesMetadata.plist";

/// What a bundle says of itself.
#[derive(Debug, Default)]
pub(super) struct Bundle {
    /// `CFBundleIdentifier`.
    pub(super) id: Option<String>,
    /// Its name for people.
    pub(super) display_name: Option<String>,
    /// The version that people see, else that of the build.
    pub(super) version: Option<String>,
    /// Who made it, where a store says so.
    pub(super) publisher: Option<String>,
    /// The point that an extension extends.
    pub(super) extends: Option<String>,
    /// Its program; `None` where it has none by its layout.
    pub(super) image: Option<Image>,
    /// Whether anything in the folder makes it a bundle; a folder may be called `com.example.app`.
    pub(super) is_one: bool,
}

/// Looks at the bundle in a folder. What cannot be read is a gap, and what is known stays.
pub(super) fn look(files: &dyn Files, folder: &HostPath, haul: &mut Haul) -> Bundle {
    let mut bundle = plain(files, folder, haul);
    if !bundle.is_one {
        bundle = wrapped(files, folder, haul).unwrap_or(bundle);
    }
    bundle
}

fn plain(files: &dyn Files, folder: &HostPath, haul: &mut Haul) -> Bundle {
    for (info, programs) in LAYOUTS {
        let place = folder.join(info);
        let info = match files.read(&place, LIMIT) {
            Err(Miss::Absent | Miss::NotAFile(Kind::Folder)) => continue,
            read => parsed(&place, haul.optional(&place, read), haul),
        };
        let programs = if programs.is_empty() { folder.clone() } else { folder.join(programs) };
        return told(files, folder, info.as_ref(), &programs, haul);
    }
    // A folder with contents and nothing that says what they are was a bundle, or is damaged.
    let contents = folder.join("Contents");
    if files.stat(&contents).is_ok_and(|stat| stat.kind == Kind::Folder) {
        haul.gap(GapReason::Missing, &contents.join("Info.plist"));
        return told(files, folder, None, &contents.join("MacOS"), haul);
    }
    Bundle::default()
}

/// The bundle inside a wrapper; what the store says counts where it says nothing itself.
fn wrapped(files: &dyn Files, folder: &HostPath, haul: &mut Haul) -> Option<Bundle> {
    let wrapper = folder.join(WRAPPER);
    let entries = haul.optional(&wrapper, files.list(&wrapper))?;
    let inner = entries.iter().find(|entry| has_ending(&entry.name, "app") && entry.kind == Kind::Folder);
    let mut bundle = inner.map(|entry| plain(files, &wrapper.join(&entry.name), haul)).unwrap_or_default();
    bundle.is_one = true;
    let place = wrapper.join(STORE);
    let read = files.read(&place, LIMIT);
    let read = haul.optional(&place, read);
    if let Some(store) = parsed(&place, read, haul) {
        let mut say = |key: &str| text(&store, key, &place, haul);
        bundle.id = bundle.id.or_else(|| say("softwareVersionBundleId"));
        bundle.version = bundle.version.or_else(|| say("bundleShortVersionString"));
        bundle.display_name = bundle.display_name.or_else(|| say("itemName"));
        bundle.publisher = say("artistName");
    }
    Some(bundle)
}

fn parsed(place: &HostPath, bytes: Option<Vec<u8>>, haul: &mut Haul) -> Option<Value> {
    match plist::read(&bytes?) {
        Ok(value @ Value::Dict(_)) => Some(value),
        Ok(_) => {
            haul.gap_with(GapReason::Malformed, place, "no dictionary");
            None
        }
        Err(fault) => {
            haul.faults(place, &[fault]);
            None
        }
    }
}

/// What an `Info.plist` says; without one the program is known by its place alone.
fn told(
    files: &dyn Files,
    folder: &HostPath,
    info: Option<&Value>,
    programs: &HostPath,
    haul: &mut Haul,
) -> Bundle {
    let mut say = |key: &str| info.and_then(|info| text(info, key, folder, haul));
    let mut bundle = Bundle {
        id: say("CFBundleIdentifier"),
        display_name: say("CFBundleDisplayName").or_else(|| say("CFBundleName")),
        version: say("CFBundleShortVersionString").or_else(|| say("CFBundleVersion")),
        is_one: true,
        ..Bundle::default()
    };
    let named = say("CFBundleExecutable");
    let extension = info.and_then(|info| info.get("NSExtension"));
    bundle.extends =
        extension.and_then(|extension| text(extension, "NSExtensionPointIdentifier", folder, haul));
    bundle.image = Some(image(files, folder, named.as_deref(), programs, haul));
    bundle
}

/// The program: by the name that is given, else by that of the bundle, else the first file where programs lie. A name may
/// be written in other letters than the file's (composed or not), and macOS finds it all the same.
fn image(
    files: &dyn Files,
    folder: &HostPath,
    named: Option<&str>,
    programs: &HostPath,
    haul: &mut Haul,
) -> Image {
    let path = programs.join(named.map_or_else(|| stem(folder), |name| name.as_bytes().to_vec()));
    match program(files, &path) {
        Ok(Some(real)) => return Image { path: real, exists: Some(true) },
        Ok(None) => {}
        Err(miss) => {
            haul.miss(&path, &miss);
            return Image { path, exists: None };
        }
    }
    // A flat bundle keeps all its files there: the first of them is no program.
    if programs != folder && programs.file_name() == b"MacOS" {
        let entries = haul.optional(programs, files.list(programs)).unwrap_or_default();
        let mut others = entries.iter().filter(|entry| entry.kind == Kind::File && !is_hidden(&entry.name));
        if let Some(entry) = others.next() {
            return Image { path: programs.join(&entry.name), exists: Some(true) };
        }
    }
    Image { path, exists: Some(false) }
}

/// The real path of a file; `None` where none is there.
fn program(files: &dyn Files, path: &HostPath) -> Result<Option<HostPath>, Miss> {
    match files.stat(path).and_then(|stat| Ok((stat, files.resolve(path)?))) {
        Ok((stat, real)) => Ok((stat.kind == Kind::File).then_some(real)),
        Err(Miss::Absent | Miss::NotAFile(_)) => Ok(None),
        Err(miss) => Err(miss),
    }
}

/// A text of a dictionary, trimmed. Numbers stand for texts in versions that somebody wrote by hand.
pub(super) fn text(dict: &Value, key: &str, place: &HostPath, haul: &mut Haul) -> Option<String> {
    let whole = match dict.get(key)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        _ => return None,
    };
    let kept: String = whole.chars().take(MAX_TEXT).collect();
    if kept.len() < whole.len() {
        haul.gap_with(GapReason::Malformed, place, format!("{key} is longer than {MAX_TEXT} letters"));
    }
    (!kept.is_empty()).then_some(kept)
}

/// Whether a name has this ending, in any letters' case.
pub(super) fn has_ending(name: &[u8], ending: &str) -> bool {
    let at = name.iter().rposition(|byte| *byte == b'.');
    let end = at.and_then(|at| name.get(at..)).and_then(|end| end.strip_prefix(b"."));
    end.is_some_and(|end| end.eq_ignore_ascii_case(ending.as_bytes())) && name.len() > ending.len() + 1
}

/// The name of a bundle without its ending.
fn stem(folder: &HostPath) -> Vec<u8> {
    let name = folder.file_name();
    let at = name.iter().rposition(|byte| *byte == b'.').unwrap_or(name.len());
    name.get(..at).unwrap_or(name).to_vec()
}

fn is_hidden(name: &[u8]) -> bool {
    name.starts_with(b".")
}

#[cfg(test)]
#[path = "bundle_tests.rs"]
mod tests;
