//! Homebrew's `INSTALL_RECEIPT.json`, which it writes beside each formula and cask that it installs (`Tab` in its sources).
//!
//! Called by the source `homebrew`. Must not know where the files lie.

use serde::Deserialize;
use serde_json::Value;

/// What a receipt says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Seconds since 1970 of the installation; none where Homebrew did not know.
    pub time: Option<i64>,
    /// `arm64`, `x86_64`.
    pub arch: Option<String>,
    /// The repository that it came from: `homebrew/core`.
    pub tap: Option<String>,
}

/// Fields are of any type, for other tools write receipts too; those that do not fit are none.
#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    time: Value,
    #[serde(default)]
    arch: Value,
    #[serde(default)]
    source: Value,
}

/// Letters of a text that are kept.
const MAX_TEXT: usize = 256;

/// Reads a receipt; the error is a sentence part.
pub fn receipt(bytes: &[u8]) -> Result<Receipt, String> {
    // serde would take an array of the fields' values too.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err("no JSON object".to_owned());
    }
    let raw: Raw = serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?;
    let text = |value: &Value| value.as_str().filter(|text| text.len() <= MAX_TEXT).map(str::to_owned);
    Ok(Receipt { time: raw.time.as_i64(), arch: text(&raw.arch), tap: raw.source.get("tap").and_then(text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_and_what_others_make_of_it() {
        let whole = br#"{"time": 1722991679, "arch": "x86_64", "source": {"tap": "homebrew/core", "spec": "stable"}}"#;
        let got = receipt(whole).unwrap();
        assert_eq!(got.time, Some(1_722_991_679));
        assert_eq!((got.arch.as_deref(), got.tap.as_deref()), (Some("x86_64"), Some("homebrew/core")));
        assert_eq!(receipt(br#"{"time": null, "arch": 7, "source": []}"#), Ok(Receipt::default()));
        for cut in 0..whole.len() {
            assert!(receipt(&whole[..cut]).is_err(), "cut at {cut}");
        }
        for bad in [&b"[]"[..], b"[1, \"x\", {}]", b"\xff", b"{\"a\"", b"null"] {
            assert!(receipt(bad).is_err(), "{bad:?}");
        }
        assert!(receipt(&[&b"{\"source\":"[..], &b"[".repeat(100_000)].concat()).is_err(), "too deep");
    }
}
