//! The hosts that there ought to be, as a list of the site's own says: what is not on it is nobody's, and what is on it and was
//! never heard of is unknown.
//!
//! Read by the API and by the command `expected`; kept by the store. A list tells hosts by name, which a host says of itself:
//! it counts and groups, and gives no host any right.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::normalise::fold;

/// Hosts of a list.
const MAX_HOSTS: usize = 1_000_000;
/// Bytes of a field.
const MAX_FIELD: usize = 500;
/// Faults that are told of a list.
const MAX_FAULTS: usize = 20;

/// A host that there ought to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Expected {
    /// What it is called; capital letters are as small ones.
    pub name: String,
    /// Who answers for it.
    #[serde(default)]
    pub owner: String,
    /// Where that person belongs.
    #[serde(default)]
    pub department: String,
    /// Words to group by.
    #[serde(default)]
    pub tags: Vec<String>,
}

impl Expected {
    /// The name as it is compared.
    pub fn key(name: &str) -> String {
        fold(name.trim()).into_owned()
    }
}

/// Reads a list: CSV (RFC 4180) with a row of heads, of which `name` must be there; `owner`, `department` and `tags` (words
/// between blanks, commas or semicolons) may be. Other columns are left. Every fault is told, with its line.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Expected>, Vec<String>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let separator = separator(bytes);
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).trim(csv::Trim::All).from_reader(bytes);
    let heads = reader.headers().map_err(|error| vec![error.to_string()])?;
    let heads: Vec<String> = heads.iter().map(str::to_lowercase).collect();
    let column = |name: &str| heads.iter().position(|head| head == name);
    let Some(name) = column("name") else {
        return Err(vec![format!("the first row names no column 'name'; it has: {}", heads.join(", "))]);
    };
    let (owner, department, tags) = (column("owner"), column("department"), column("tags"));
    let (mut faults, mut lines, mut hosts) = (Vec::new(), BTreeMap::new(), Vec::new());
    for record in reader.records() {
        if faults.len() >= MAX_FAULTS {
            faults.push("there are more faults".to_owned());
            break;
        }
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                faults.push(error.to_string());
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let field = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default().to_owned();
        let host = Expected {
            name: field(Some(name)),
            owner: field(owner),
            department: field(department),
            tags: words(&field(tags)),
        };
        match fault(&host, line, &mut lines) {
            Some(why) => faults.push(format!("line {line}: {why}")),
            None => hosts.push(host),
        }
    }
    if hosts.len() > MAX_HOSTS {
        faults.push(format!("more than {MAX_HOSTS} hosts"));
    }
    if faults.is_empty() { Ok(hosts) } else { Err(faults) }
}

/// The same of a list that a program sends.
pub(super) fn check(hosts: Vec<Expected>) -> Result<Vec<Expected>, Vec<String>> {
    let (mut faults, mut lines) = (Vec::new(), BTreeMap::new());
    let hosts: Vec<Expected> = hosts
        .into_iter()
        .map(|host| Expected { tags: words(&host.tags.join(" ")), name: host.name.trim().to_owned(), ..host })
        .collect();
    for (host, number) in hosts.iter().zip(1u64..) {
        if let Some(why) = fault(host, number, &mut lines).filter(|_| faults.len() < MAX_FAULTS) {
            faults.push(format!("host {number}: {why}"));
        }
    }
    if hosts.len() > MAX_HOSTS {
        faults.push(format!("more than {MAX_HOSTS} hosts"));
    }
    if faults.is_empty() { Ok(hosts) } else { Err(faults) }
}

fn fault(host: &Expected, line: u64, lines: &mut BTreeMap<String, u64>) -> Option<String> {
    let fields = [&host.name, &host.owner, &host.department].into_iter().chain(&host.tags);
    if host.name.is_empty() {
        return Some("it has no name".to_owned());
    }
    if fields.into_iter().any(|text| text.len() > MAX_FIELD || text.contains(char::is_control)) {
        return Some(format!("a field has more than {MAX_FIELD} bytes, or control characters"));
    }
    let before = lines.insert(Expected::key(&host.name), line)?;
    Some(format!("'{}' stands in {before} already", host.name))
}

/// Programs for tables of half of Europe write semicolons.
fn separator(bytes: &[u8]) -> u8 {
    let first = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let count = |separator: u8| memchr::memchr_iter(separator, first).count();
    [b';', b'\t'].into_iter().find(|one| count(*one) > count(b',')).unwrap_or(b',')
}

fn words(text: &str) -> Vec<String> {
    let words = text.split([' ', ',', ';']).map(str::trim).filter(|word| !word.is_empty());
    let mut words: Vec<String> = words.map(str::to_lowercase).collect();
    words.sort();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_many_programs() {
        let host = |name: &str, owner: &str, tags: &[&str]| Expected {
            name: name.into(),
            owner: owner.into(),
            department: String::new(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        };
        let read = |text: &str| read(text.as_bytes()).unwrap();
        assert_eq!(read("name\na\nb\n"), [host("a", "", &[]), host("b", "", &[])]);
        assert_eq!(
            read("\u{feff}Name;Owner;Tags;Floor\r\nDesk-7;\"Ann; Bo\";b a;3\r\n"),
            [host("Desk-7", "Ann; Bo", &["a", "b"])]
        );
        assert_eq!(read("owner,name,tags\nAnn,\"a\",\"x, Y\"\n"), [host("a", "Ann", &["x", "y"])]);
        assert_eq!(read("name\tserial\na\t7\n"), [host("a", "", &[])]);
        assert!(read("name\n").is_empty());
    }

    #[test]
    fn every_fault_is_told() {
        let faults = read(b"name,owner\na,x\n,y\nA,z\nb\n").unwrap_err();
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert_eq!(faults[0], "line 3: it has no name");
        assert_eq!(faults[1], "line 4: 'A' stands in 2 already");
        assert!(faults[2].contains("record"), "{faults:?}");
        assert!(read(b"host,owner\na,b\n").unwrap_err()[0].contains("no column 'name'"));
        assert!(!read(b"name\n\xff\xfe\n").unwrap_err().is_empty());
        assert!(!read(b"").unwrap_err().is_empty());
    }

    proptest::proptest! {
        #[test]
        fn nothing_breaks_it(bytes: Vec<u8>) {
            let _ended = read(&bytes);
        }
    }
}
