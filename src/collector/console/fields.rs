//! Fields of a form or of an address, as browsers send them; and addresses that hold them.
//!
//! Called by every page. Takes what it knows and leaves the rest: an address may be from an older page.

use std::fmt::Write as _;
use std::str::FromStr;

use axum::body::Bytes;
use futures_util::stream::iter;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer as _};

use crate::emit::uri::encode;

/// Fields, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(Vec<(String, String)>, Vec<Sent>);

/// A file that was chosen.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    /// Its name, below the folder's where a folder was chosen.
    pub(super) name: String,
    /// What is in it.
    pub(super) bytes: Vec<u8>,
}

impl Fields {
    /// Of a form or of the part of an address behind its question mark.
    pub(super) fn read(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect(), Vec::new())
    }

    /// Of a form with files (RFC 7578); none: it is not whole.
    pub(super) async fn with_files(bytes: Bytes, boundary: String) -> Option<Self> {
        let body = std::iter::once(Ok::<_, std::convert::Infallible>(bytes));
        let mut parts = multer::Multipart::new(iter(body), boundary);
        let mut fields = Self::default();
        while let Some(part) = parts.next_field().await.ok()? {
            let (name, file) =
                (part.name().unwrap_or_default().to_owned(), part.file_name().map(str::to_owned));
            let bytes = part.bytes().await.ok()?.to_vec();
            match file {
                Some(name) => fields.1.push(Sent { name, bytes }),
                None => fields.0.push((name, String::from_utf8(bytes).ok()?)),
            }
        }
        Some(fields)
    }

    /// Files that were chosen.
    pub(super) fn files(&self) -> &[Sent] {
        &self.1
    }

    /// A field that says something.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(field, _)| field == name)?.1.trim();
        (!value.is_empty()).then_some(value)
    }

    /// A field as it came, blanks and all.
    pub(super) fn exactly(&self, name: &str) -> Option<&str> {
        Some(self.0.iter().find(|(field, _)| field == name)?.1.as_str())
    }

    /// Every field of a name: boxes that were ticked.
    pub(super) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.trim())
    }

    /// A field that can be read.
    pub(super) fn read_as<T: FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }

    /// A field that is one of the words of a type.
    pub(super) fn word<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let word: StrDeserializer<'_, serde::de::value::Error> = self.get(name)?.into_deserializer();
        T::deserialize(word).ok()
    }

    /// The same as an owned text, as questions to the store want it.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }
}

/// An address of ours, with what it asks.
#[derive(Debug, Clone)]
pub(super) struct Address(String, bool);

impl Address {
    /// Of a path.
    pub(super) fn of(path: &str) -> Self {
        Self(path.to_owned(), false)
    }

    /// With a field more.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        let mark = if self.1 { '&' } else { '?' };
        let _never = write!(self.0, "{mark}{name}={}", encode(value.as_bytes(), b""));
        self.1 = true;
        self
    }

    /// With fields that say something, of those of such names.
    pub(super) fn keeping(self, fields: &Fields, names: &[&str]) -> Self {
        names.iter().fold(self, |address, name| match fields.get(name) {
            Some(value) => address.with(name, value),
            None => address,
        })
    }

    /// It.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A path of ours to go back to; whatever else is asked for, the first page. An address that a browser could take for another
/// site's is none of ours: two slashes, or a backslash for one (WHATWG URL, 4.4).
pub(super) fn back(to: Option<&str>) -> &str {
    let ours = |to: &&str| {
        to.starts_with('/')
            && !to.starts_with("//")
            && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    to.filter(ours).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_what_the_browser_was_given() {
        let fields = Fields::read("name=%C3%A9+1&box=1&box=2&none=+&%00=%0D%0A".as_bytes());
        assert_eq!(fields.get("name"), Some("é 1"));
        assert_eq!(fields.all("box").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((fields.get("none"), fields.exactly("none")), (None, Some(" ")));
        assert_eq!(fields.read_as::<u64>("box"), Some(1));
        let address =
            Address::of("/findings").keeping(&fields, &["name", "none"]).with("after", "a b&c=\"'<");
        assert_eq!(address.as_str(), "/findings?name=%C3%A9%201&after=a%20b%26c%3D%22%27%3C");
        assert_eq!(
            Fields::read(address.as_str().split_once('?').unwrap().1.as_bytes()).get("after"),
            Some("a b&c=\"'<")
        );
    }

    #[test]
    fn nobody_is_sent_to_another_site() {
        assert_eq!(back(Some("/hosts?verdict=unknown")), "/hosts?verdict=unknown");
        for to in [
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "/a\r\nSet-Cookie: x",
            "evil",
            "",
            "/é",
            "/\t/x",
        ] {
            assert_eq!(back(Some(to)), "/", "{to}");
        }
        assert_eq!(back(None), "/");
    }
}
