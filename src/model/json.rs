//! Nouns as JSON. Called by all that write or read it. Everything goes by one writer and one reader, so that the program holds the
//! code of each type once and not for every kind of text: what is for people is indented as it passes.

use std::io::{self, Write};

use memchr::memchr2;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes that are gathered before they are handed on.
const GATHERED: usize = 32 << 10;

/// A value as JSON.
pub fn to_json(value: &(impl Serialize + ?Sized)) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_json(&mut bytes, value)?;
    Ok(bytes)
}

/// A value as JSON for people, with the end of its last line: as [`write_pretty`] has it.
pub fn to_pretty(value: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    write_pretty(&mut bytes, value)?;
    bytes.push(b'\n');
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A value of JSON.
pub fn of_json<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(bytes)
}

/// Writes a value as JSON on one line.
pub fn write_json(out: &mut dyn Write, value: &(impl Serialize + ?Sized)) -> serde_json::Result<()> {
    serde_json::to_writer(out, value)
}

/// Writes a value as JSON for people: each member on a line of its own, indented by two, as `serde_json` does.
pub fn write_pretty(out: &mut dyn Write, value: &(impl Serialize + ?Sized)) -> serde_json::Result<()> {
    let mut indented = Indented { out, gathered: Vec::with_capacity(GATHERED), depth: 0, at: At::Between };
    write_json(&mut indented, value)?;
    indented.hand_on().map_err(serde_json::Error::io)
}

/// Indents the sound JSON on one line that is written to it.
struct Indented<'o> {
    out: &'o mut dyn Write,
    gathered: Vec<u8>,
    depth: usize,
    at: At,
}

/// Where in the text it is.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Between,
    /// Behind the bracket that opened a list or an object: an empty one stays on its line.
    Opened,
    Text,
    /// Behind the backslash in a text.
    Escaped,
}

impl Indented<'_> {
    fn line(&mut self) {
        self.gathered.push(b'\n');
        self.gathered.extend(std::iter::repeat_n(*b"  ", self.depth).flatten());
    }

    fn hand_on(&mut self) -> io::Result<()> {
        self.out.write_all(&self.gathered)?;
        self.gathered.clear();
        Ok(())
    }

    /// What stands in a text up to its end or an escape; what is left.
    fn text<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let (before, rest) = bytes.split_at(memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len()));
        self.gathered.extend(before);
        let Some((&mark, rest)) = rest.split_first() else { return rest };
        self.gathered.push(mark);
        self.at = if mark == b'"' { At::Between } else { At::Escaped };
        rest
    }

    fn between(&mut self, byte: u8) {
        let closes = matches!(byte, b'}' | b']');
        self.depth -= usize::from(closes && self.depth > 0);
        if (self.at == At::Opened) != closes {
            self.line();
        }
        self.gathered.push(byte);
        self.at = At::Between;
        match byte {
            b'{' | b'[' => {
                self.depth += 1;
                self.at = At::Opened;
            }
            b'"' => self.at = At::Text,
            b',' => self.line(),
            b':' => self.gathered.push(b' '),
            _ => {}
        }
    }
}

impl Write for Indented<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut left = bytes;
        while let Some((&byte, rest)) = left.split_first() {
            left = match self.at {
                At::Text => self.text(left),
                At::Escaped => {
                    self.gathered.push(byte);
                    self.at = At::Text;
                    rest
                }
                At::Between | At::Opened => {
                    self.between(byte);
                    rest
                }
            };
        }
        if self.gathered.len() >= GATHERED {
            self.hand_on()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_on()?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Any value of JSON.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[\\PC\"\\\\\n{}\\[\\]:, \u{1}]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-z\"\\\\{,:]{0,6}", inner, 0..6).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_indented_is_what_serde_json_indents(value in value()) {
            let mut bytes = Vec::new();
            write_pretty(&mut bytes, &value).unwrap();
            prop_assert_eq!(String::from_utf8(bytes).unwrap(), serde_json::to_string_pretty(&value).unwrap());
            prop_assert_eq!(of_json::<Value>(&to_json(&value).unwrap()).unwrap(), value);
        }
    }

    #[test]
    fn empty_ones_stay_on_their_line_and_the_last_line_ends() {
        let text = to_pretty(&json!({ "a": [], "b": {}, "c": [[], [1]], "d": "[{\"\\" })).unwrap();
        assert_eq!(
            text,
            "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    [],\n    [\n      1\n    ]\n  ],\n  \"d\": \"[{\\\"\\\\\"\n}\n"
        );
    }

    #[test]
    fn a_writer_that_fails_is_told() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let many = vec!["text"; 10_000];
        assert!(write_pretty(&mut Full, &many).unwrap_err().is_io());
        assert!(write_pretty(&mut Full, &1).unwrap_err().is_io());
    }
}
