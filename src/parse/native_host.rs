//! Native messaging hosts: the file that names a program which extensions may start.
//! <https://developer.chrome.com/docs/extensions/develop/concepts/native-messaging>,
//! <https://developer.mozilla.org/docs/Mozilla/Add-ons/WebExtensions/Native_manifests>
//!
//! Called by the source of native messaging hosts. Must not know where the file lies.

use serde::Deserialize;

use crate::parse::json;

/// Bytes of a file that are read; real ones have some hundred.
pub const MAX_INPUT: usize = 1 << 20;

/// What the file says. `None`: it does not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NativeHost {
    /// Its name: `com.example.host`.
    #[serde(deserialize_with = "json::text")]
    pub name: Option<String>,
    /// The program.
    #[serde(deserialize_with = "json::text")]
    pub path: Option<String>,
    /// How it is talked to: `stdio`; Firefox also keeps `storage` and `pkcs11` files beside.
    #[serde(rename = "type", deserialize_with = "json::text")]
    pub kind: Option<String>,
}

/// Reads the file; the error is a sentence part.
pub fn native_host(bytes: &[u8]) -> Result<NativeHost, String> {
    let found: NativeHost = json::file(bytes, MAX_INPUT)?;
    if found.name.is_none() { Err("it has no name".to_owned()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host() {
        let text = br#"{"name": "com.example.host", "description": "d", "path": "C:\\x\\y.exe", "type": "stdio", "allowed_origins": ["chrome-extension://a/"]}"#;
        let got = native_host(text).unwrap();
        assert_eq!(
            (got.name.as_deref(), got.path.as_deref()),
            (Some("com.example.host"), Some(r"C:\x\y.exe"))
        );
        for end in 0..text.len() {
            assert!(native_host(&text[..end]).is_err(), "{end}");
        }
        for bad in [&b"{}"[..], b"[]", b"{\"name\": 7.5e, }", b"\xff"] {
            assert!(native_host(bad).is_err(), "{bad:?}");
        }
    }
}
