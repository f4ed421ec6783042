//! Paths and names as parts of addresses (RFC 3986): every byte that is not plainly a letter is spelt out.
//!
//! Called by the formats that name files by URI or packages by purl, and by the collector for the addresses of pages.

use std::fmt::Write as _;

use crate::model::HostPath;

/// `file:///opt/x`; `None` for what is no file, as a key of the registry.
pub(super) fn file(path: &HostPath) -> Option<String> {
    path.is_absolute().then(|| format!("file://{}", encode(path.as_bytes(), b"/:")))
}

/// What is no file, below the host: `HKLM/SOFTWARE/Acme`.
pub(super) fn on_host(path: &HostPath) -> String {
    let parts = path.as_bytes().split(|byte| matches!(byte, b'\\' | b'/'));
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).map(|part| encode(part, b"")).collect();
    if parts.is_empty() { "host".to_owned() } else { parts.join("/") }
}

/// Bytes with all but letters, digits, `-._~` and these as `%XX`.
pub(crate) fn encode(bytes: &[u8], kept: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || kept.contains(byte) {
            out.push(char::from(*byte));
        } else {
            let _written = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_addresses() {
        let uri = |path: &[u8]| file(&HostPath::new(path));
        assert_eq!(uri(b"/opt/a b/\xff#x").as_deref(), Some("file:///opt/a%20b/%FF%23x"));
        assert_eq!(uri(b"/C:/Program Files/x.exe").as_deref(), Some("file:///C:/Program%20Files/x.exe"));
        assert_eq!(uri(br"HKLM\SOFTWARE\Acme"), None);
        let key = |path: &[u8]| on_host(&HostPath::new(path));
        assert_eq!(key(br"HKLM\SOFTWARE\{1-2} a:b"), "HKLM/SOFTWARE/%7B1-2%7D%20a%3Ab");
        assert_eq!((key(b"").as_str(), key(b"pid 8").as_str()), ("host", "pid%208"));
    }
}
