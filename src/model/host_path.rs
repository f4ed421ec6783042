//! A path on the scanned machine: bytes as that machine keeps them, never the scanner's own `Path`.
//!
//! Used by every room. Must not know the scanner's operating system: a Linux path is read the same on Windows.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An absolute path inside the scanned root, `/` between its parts, any bytes but NUL in them. On Windows the first
/// part is the drive (`/C:/Windows`); such a path is shown as Windows writes it (`C:\Windows`). A key of the registry
/// stands as its name (`HKLM\SOFTWARE\Acme`).
///
/// Cloning shares the bytes: a hundred thousand records of one file name one path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HostPath(Arc<[u8]>);

impl HostPath {
    /// A path from bytes, kept as they are.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into().into())
    }

    /// The bytes as the host keeps them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// This path with one more part (or several, separated by `/`).
    #[must_use]
    pub fn join(&self, part: impl AsRef<[u8]>) -> Self {
        let part = part.as_ref();
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + part.len());
        bytes.extend_from_slice(&self.0);
        if bytes.last() != Some(&b'/') {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(part.strip_prefix(b"/").unwrap_or(part));
        Self(bytes.into())
    }

    /// The last part, empty for `/`.
    pub fn file_name(&self) -> &[u8] {
        self.0.rsplit(|&b| b == b'/').next().unwrap_or_default()
    }

    /// The last part as text (see [`HostPath::text`]).
    pub fn file_name_text(&self) -> String {
        text_of(self.file_name()).into_owned()
    }

    /// The folder that holds it; `None` for `/` and for a bare name.
    pub fn parent(&self) -> Option<Self> {
        let at = self.0.iter().rposition(|&b| b == b'/')?;
        match (at, self.0.len()) {
            (0, 1) => None,
            (0, _) => Some(Self::new("/")),
            _ => self.0.get(..at).map(Self::new),
        }
    }

    /// Whether it begins at the root.
    pub fn is_absolute(&self) -> bool {
        self.0.first() == Some(&b'/')
    }

    /// Whether it is `folder` or lies below it.
    pub fn is_within(&self, folder: &Self) -> bool {
        let folder = folder.0.strip_suffix(b"/").unwrap_or(&folder.0);
        match self.0.strip_prefix(folder) {
            Some(rest) => rest.is_empty() || rest.first() == Some(&b'/'),
            None => false,
        }
    }

    /// Its non-empty parts.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|&b| b == b'/').filter(|part| !part.is_empty())
    }

    /// The path that a record of Windows names: with a drive, whatever its prefix (`\\?\`, `\??\`) and separators.
    /// None for what is relative, and for other machines' files (`\\server\share`).
    pub fn of_windows(text: &str) -> Option<Self> {
        let text = text.trim().replace('/', "\\");
        let bare =
            [r"\\?\", r"\\.\", r"\??\"].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(&text);
        let (drive, rest) = bare.split_once(':')?;
        let letter = drive.chars().next().filter(|c| drive.len() == 1 && c.is_ascii_alphabetic())?;
        let mut path = format!("/{}:", letter.to_ascii_uppercase());
        for part in rest
            .strip_prefix('\\')
            .unwrap_or(rest)
            .split('\\')
            .filter(|part| !part.is_empty() && *part != ".")
        {
            if part == ".." {
                path.truncate(path.rfind('/').filter(|at| *at > 0).unwrap_or(path.len()));
            } else {
                path.push('/');
                path.push_str(part);
            }
        }
        (rest.is_empty() || rest.starts_with('\\')).then(|| Self::new(path))
    }

    /// The letter of its drive, for a path of Windows.
    pub fn drive(&self) -> Option<char> {
        let [b'/', letter, b':', rest @ ..] = self.as_bytes() else { return None };
        let ends = rest.first().is_none_or(|next| *next == b'/');
        (letter.is_ascii_alphabetic() && ends).then(|| char::from(*letter))
    }

    /// The path as text: what is not UTF-8 shows as `\xNN`, so that no two bytes look alike.
    pub fn text(&self) -> Cow<'_, str> {
        let Some(letter) = self.drive() else { return text_of(&self.0) };
        let below = text_of(self.0.get(3..).unwrap_or_default()).replace('/', "\\");
        Cow::Owned(format!("{letter}:{}", if below.is_empty() { "\\" } else { &below }))
    }

    /// The bytes in lower-case hexadecimal.
    pub fn hex(&self) -> String {
        self.0.iter().map(|&byte| hex(byte, b"0123456789abcdef")).collect()
    }

    /// Whether [`HostPath::text`] is the path itself, byte for byte.
    pub fn is_utf8(&self) -> bool {
        std::str::from_utf8(&self.0).is_ok()
    }
}

/// Bytes as text, each byte that is not part of valid UTF-8 as `\xNN`.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.extend(["\\x", &hex(*byte, b"0123456789ABCDEF")]);
        }
    }
    Cow::Owned(out)
}

/// One byte as two hexadecimal digits.
fn hex(byte: u8, digits: &[u8; 16]) -> String {
    [byte >> 4, byte & 15]
        .iter()
        .filter_map(|&half| digits.get(usize::from(half)))
        .map(|&d| char::from(d))
        .collect()
}

impl fmt::Display for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Debug for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

impl From<&str> for HostPath {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl Serialize for HostPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

/// The path that is written so. Bytes that were not UTF-8 stay the `\xNN` that they were written as: the text is the same.
impl<'de> Deserialize<'de> for HostPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let windows = Self::of_windows(&text).filter(|path| path.text() == text);
        Ok(windows.unwrap_or_else(|| Self::new(text)))
    }
}

impl JsonSchema for HostPath {
    fn schema_name() -> Cow<'static, str> {
        "HostPath".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A path on the scanned host; bytes that are not UTF-8 stand as \\xNN."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_path() {
        let path = HostPath::from("/opt/kaspersky/kesl");
        assert_eq!(path.file_name(), b"kesl");
        assert_eq!(path.parent(), Some(HostPath::from("/opt/kaspersky")));
        assert_eq!(HostPath::from("/opt").parent(), Some(HostPath::from("/")));
        assert_eq!(HostPath::from("/").parent(), None);
        assert_eq!(HostPath::from("/").join("etc"), HostPath::from("/etc"));
        assert_eq!(HostPath::from("/a").join("/b"), HostPath::from("/a/b"));
    }

    #[test]
    fn within_means_whole_parts() {
        assert!(HostPath::from("/opt/kaspersky").is_within(&"/opt".into()));
        assert!(HostPath::from("/opt").is_within(&"/opt/".into()));
        assert!(!HostPath::from("/optical").is_within(&"/opt".into()));
        assert!(HostPath::from("/opt").is_within(&"/".into()));
    }

    #[test]
    fn paths_of_windows_are_shown_as_windows_writes_them() {
        let read = |text: &str| HostPath::of_windows(text).map(|path| path.text().into_owned());
        let path = HostPath::of_windows(r"c:\Program Files\Acme\a.exe").unwrap();
        assert_eq!(path.as_bytes(), b"/C:/Program Files/Acme/a.exe");
        assert_eq!((path.file_name(), path.drive()), (&b"a.exe"[..], Some('C')));
        assert_eq!(read(r"\\?\D:\x\.\y\..\z").as_deref(), Some(r"D:\x\z"));
        assert_eq!(
            read(r"\??\C:\Windows\System32\drivers\klif.sys").as_deref(),
            Some(r"C:\Windows\System32\drivers\klif.sys")
        );
        assert_eq!(read("C:/a//b").as_deref(), Some(r"C:\a\b"));
        assert_eq!(read("C:").as_deref(), Some(r"C:\"));
        assert_eq!(read(r"C:\..\..\x").as_deref(), Some(r"C:\x"));
        for other in [r"\\server\share\x.exe", "x.exe", "C:x.exe", r"\Windows", "http://x", ""] {
            assert_eq!(read(other), None, "{other}");
        }
        assert_eq!(HostPath::from("/C:x").text(), "/C:x");
        assert_eq!(HostPath::from(r"HKLM\SOFTWARE\Acme").text(), r"HKLM\SOFTWARE\Acme");
    }

    #[test]
    fn bytes_that_are_no_text_stay_distinct() {
        assert_eq!(HostPath::new(*b"/a/\xff\xfeb").text(), "/a/\\xFF\\xFEb");
        assert!(!HostPath::new(*b"/\xff").is_utf8());
    }
}
