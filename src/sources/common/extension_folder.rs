//! One extension as it lies unpacked: its manifest, and its name in the languages it has.
//!
//! Called by the sources of extensions. The texts themselves are asked for through a function, as those of Firefox lie in
//! an archive. Must not know which browser an extension is of.

use crate::host::{Files, Miss};
use crate::model::{GapReason, HostPath, Identifier, IdentifierType, Scheme, Trace, Version};
use crate::parse::web_extension::{self, Manifest};
use crate::sources::Haul;

/// Languages in which a name is looked for beside the default one.
const OTHER: &[&str] = &["en", "en_US", "en_GB"];

/// What an extension says of itself.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Its manifest.
    pub(super) manifest: Manifest,
    /// Its name in the browser's language.
    pub(super) name: Option<String>,
    /// Its name in another, where that is another name.
    pub(super) other: Option<String>,
}

impl Told {
    /// Writes down what was told.
    pub(super) fn tell(self, trace: &mut Trace) {
        if let Some(name) = self.name {
            trace.name = name;
        }
        trace.display_name = self.other;
        trace.publisher = self.manifest.author;
        trace.version = self.manifest.version.map(|version| Version::new(version, Scheme::Dotted));
    }
}

/// Adds the id that browsers know an extension by.
pub(super) fn identify(trace: &mut Trace, id: &str) {
    trace.identifiers.push(Identifier::new(IdentifierType::ExtensionId, id));
}

/// Reads the extension that lies in a folder; none where there is no manifest in it. One that cannot be read has told
/// nothing, and is a gap.
pub(super) fn look(
    files: &dyn Files,
    folder: &HostPath,
    language: Option<&str>,
    haul: &mut Haul,
) -> Option<Told> {
    let place = folder.join("manifest.json");
    let bytes = match files.read(&place, web_extension::MAX_INPUT as u64) {
        Ok(bytes) => bytes,
        Err(Miss::Absent) => return None,
        Err(miss) => {
            haul.miss(&place, &miss);
            return Some(Told::default());
        }
    };
    let manifest = match web_extension::manifest(&bytes) {
        Ok(manifest) => manifest,
        Err(what) => {
            haul.gap_with(GapReason::Malformed, &place, what);
            return Some(Told::default());
        }
    };
    let mut texts = |locale: &str, haul: &mut Haul| {
        let folder = folder.join("_locales").join(locale);
        // `message.json` is no browser's; some copies of extensions have it.
        ["messages.json", "message.json"].iter().find_map(|name| {
            let place = folder.join(name);
            let read = files.read(&place, web_extension::MAX_INPUT as u64);
            Some((place.clone(), haul.optional(&place, read)?))
        })
    };
    Some(named(manifest, language, &place, &mut texts, haul))
}

/// The texts of a locale with the place they were read at.
pub(super) type Texts<'t> = dyn FnMut(&str, &mut Haul) -> Option<(HostPath, Vec<u8>)> + 't;

/// Resolves the name of a manifest that was read at a place. Browsers look into the language of the user, then into the
/// same without its country, then into the extension's default one.
pub(super) fn named(
    manifest: Manifest,
    language: Option<&str>,
    place: &HostPath,
    texts: &mut Texts<'_>,
    haul: &mut Haul,
) -> Told {
    let name = manifest.name.clone().unwrap_or_default();
    let Some(key) = web_extension::message_key(&name) else {
        return Told { name: manifest.name.clone(), other: None, manifest };
    };
    let language = language.map(|language| language.replace('-', "_"));
    let short = language.as_deref().and_then(|language| language.split('_').next());
    let own = [language.as_deref(), short, manifest.default_locale.as_deref()];
    let others = manifest.default_locale.as_deref().into_iter().chain(OTHER.iter().copied());
    let mut known: Vec<(String, Option<String>)> = Vec::new();
    let mut of = |locale: &str, haul: &mut Haul| {
        if let Some((_, text)) = known.iter().find(|(one, _)| one == locale) {
            return text.clone();
        }
        let text = text(locale, key, texts, haul);
        known.push((locale.to_owned(), text.clone()));
        text
    };
    let mut found = own.into_iter().flatten().find_map(|locale| of(locale, haul));
    let other =
        others.into_iter().find_map(|locale| of(locale, haul).filter(|text| Some(text) != found.as_ref()));
    let other = if found.is_none() {
        found.clone_from(&other);
        None
    } else {
        other
    };
    if found.is_none() {
        haul.minor(
            GapReason::Missing,
            place,
            "its name is in no language that was looked at; its id is known",
        );
    }
    Told { name: found, other, manifest }
}

/// The text of a key in a language.
fn text(locale: &str, key: &str, texts: &mut Texts<'_>, haul: &mut Haul) -> Option<String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'@');
    if locale.is_empty() || locale.len() > 32 || !locale.bytes().all(is_name) {
        return None;
    }
    let (place, bytes) = texts(locale, haul)?;
    match web_extension::message(&bytes, key) {
        Ok(text) => text,
        Err(what) => {
            haul.gap_with(GapReason::Malformed, &place, what);
            None
        }
    }
}
