//! `meta/snap.yaml`: name, version and type of a snap.
//!
//! Format: snapcraft.io "The snap format"; YAML 1.2 events, so that no tree and no alias is ever
//! built. Called by the source `snap`. Must not know where snaps are mounted.

use saphyr_parser::Event;
use saphyr_parser::Parser;

use super::At;
use super::Fault;
use super::Parsed;
use super::text::MAX_VALUE;
use super::text::line_of;
use super::text::text;

/// Bytes of a file that are read; snapd's own files stay far below.
const MAX_INPUT: usize = 1 << 20;
/// Events that are read.
const MAX_EVENTS: usize = 200_000;
/// Entries kept of `architectures`.
const MAX_LIST: usize = 32;

/// The top-level fields. `None` or empty: absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapYaml {
    /// `name`, obligatory.
    pub name: Option<String>,
    /// `version`
    pub version: Option<String>,
    /// `type`: app, base, gadget, kernel, snapd, os …
    pub kind: Option<String>,
    /// `title`: the name for people.
    pub title: Option<String>,
    /// `summary`
    pub summary: Option<String>,
    /// `base`
    pub base: Option<String>,
    /// `grade`: stable, devel.
    pub grade: Option<String>,
    /// `confinement`: strict, classic, devmode.
    pub confinement: Option<String>,
    /// `architectures`
    pub architectures: Vec<String>,
}

/// Reads a snap.yaml. A name that is missing, empty or no plain value is a fault.
pub fn snap_yaml(bytes: &[u8]) -> (SnapYaml, Vec<Fault>) {
    let mut seen = Parsed::<()>::default();
    if let Err(error) = std::str::from_utf8(bytes) {
        seen.fault(At::Line(line_of(bytes, error.valid_up_to())), "not UTF-8");
    }
    if bytes.len() > MAX_INPUT {
        seen.fault(At::Whole, "longer than 1 MiB: the rest is not read");
    }
    let input = text(bytes.get(..MAX_INPUT).unwrap_or(bytes));
    let mut walk = Walk { out: SnapYaml::default(), seen, depth: 0, key: None };
    walk.run(&input);
    if walk.out.name.is_none() {
        walk.seen.fault(At::Record("name".to_owned()), "missing or no plain value");
    }
    (walk.out, walk.seen.faults)
}

struct Walk {
    out: SnapYaml,
    seen: Parsed<()>,
    /// Open mappings and sequences.
    depth: usize,
    /// Key of the top-level mapping whose value comes next or is open.
    key: Option<String>,
}

impl Walk {
    fn run(&mut self, input: &str) {
        for (count, event) in Parser::new_from_str(input).enumerate() {
            let (event, line) = match event {
                Ok((event, span)) => (event, span.start.line()),
                Err(error) => {
                    let at = At::Line(error.marker().line());
                    return self.seen.fault(at, format!("not YAML: {}", error.info()));
                }
            };
            if count == MAX_EVENTS {
                return self.seen.fault(At::Line(line), "too many values: the rest is not read");
            }
            match event {
                // One document is what snapd reads.
                Event::DocumentEnd => return,
                event => self.event(event, line),
            }
        }
    }

    fn event(&mut self, event: Event<'_>, line: usize) {
        match event {
            Event::MappingStart(..) => self.open(line, true),
            Event::SequenceStart(..) => self.open(line, false),
            Event::MappingEnd | Event::SequenceEnd => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 1 {
                    self.key = None;
                }
            }
            Event::Scalar(value, ..) => self.scalar(&value, line),
            Event::Alias(_) if self.depth == 1 => self.alias(line),
            _ => {}
        }
    }

    fn open(&mut self, line: usize, mapping: bool) {
        if self.depth == 0 && !mapping {
            self.seen.fault(At::Line(line), "not a mapping");
        }
        if self.depth == 1 {
            // A mapping or sequence as a key: no key of ours.
            let key = self.key.get_or_insert_default().clone();
            if self.slot(&key).is_some() {
                self.seen.fault(At::Line(line), format!("{key} is no plain value"));
            }
        }
        self.depth = self.depth.saturating_add(1);
    }

    /// Aliases are not followed: one in place of a value of ours is a fault.
    fn alias(&mut self, line: usize) {
        let Some(key) = self.key.take() else {
            self.key = Some(String::new());
            return;
        };
        if self.slot(&key).is_some() {
            self.seen.fault(At::Line(line), format!("an alias instead of a {key}"));
        }
    }

    fn scalar(&mut self, value: &str, line: usize) {
        match (self.depth, self.key.as_deref()) {
            (0, _) => self.seen.fault(At::Line(line), "not a mapping"),
            (1, None) => self.key = Some(value.chars().take(64).collect()),
            (1, Some(_)) => self.keep(value, line),
            (2, Some("architectures")) if self.out.architectures.len() < MAX_LIST => {
                self.out.architectures.push(value.chars().take(64).collect());
            }
            _ => {}
        }
    }

    fn keep(&mut self, value: &str, line: usize) {
        let Some(key) = self.key.take() else { return };
        let clipped = value.len() > MAX_VALUE;
        let Some(slot) = self.slot(&key) else { return };
        let double = slot.is_some();
        if !double && !value.is_empty() && value != "null" && value != "~" {
            *slot = Some(value.chars().take(MAX_VALUE).collect());
        }
        if double {
            self.seen.fault(At::Line(line), format!("a second {key}"));
        }
        if clipped {
            self.seen.fault(At::Line(line), format!("{key} longer than 64 KiB, clipped"));
        }
    }

    fn slot(&mut self, key: &str) -> Option<&mut Option<String>> {
        match key {
            "name" => Some(&mut self.out.name),
            "version" => Some(&mut self.out.version),
            "type" => Some(&mut self.out.kind),
            "title" => Some(&mut self.out.title),
            "summary" => Some(&mut self.out.summary),
            "base" => Some(&mut self.out.base),
            "grade" => Some(&mut self.out.grade),
            "confinement" => Some(&mut self.out.confinement),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = b"name: core\nversion: '16-2.61'\nsummary: the runtime\ndescription: |\n  name: no\n\
type: os\narchitectures:\n- amd64\n- arm64\napps:\n  name:\n    command: x\ngrade: stable\nconfinement: strict\n";

    #[test]
    fn a_sound_file() {
        let (got, faults) = snap_yaml(GOOD);
        assert_eq!(faults, []);
        assert_eq!((got.name.as_deref(), got.version.as_deref()), (Some("core"), Some("16-2.61")));
        assert_eq!((got.kind.as_deref(), got.grade.as_deref()), (Some("os"), Some("stable")));
        assert_eq!(got.architectures, ["amd64", "arm64"]);
        assert_eq!(snap_yaml(b"name: a\narchitectures: [amd64, x]\n").0.architectures.len(), 2);
    }

    #[test]
    fn what_is_no_snap_is_a_fault() {
        for bytes in [
            &b""[..],
            b"asdf\nlkjh\n",
            b"- name: a\n",
            b"version: 1\n",
            b"name:\n",
            b"name: ~\n",
            b"name: [a]\n",
            b"name: {a: b}\n",
            b"a: &x b\nname: *x\n",
            b"? [x]\n: name\n",
            b"a: &x b\n*x : name\n",
            b"\0\0\0\0",
            b"{",
        ] {
            let (got, faults) = snap_yaml(bytes);
            assert!(got.name.is_none() && !faults.is_empty(), "{bytes:?}: {got:?}");
        }
    }

    #[test]
    fn faults_stand_beside_what_was_read() {
        for bytes in [
            &b"name: a\nname: b\n"[..],
            b"name: a\nx: [\n",
            b"name: a\nx: \xff\n",
            b"name: a\nversion: [1]\n",
        ] {
            let (got, faults) = snap_yaml(bytes);
            assert_eq!(got.name.as_deref(), Some("a"), "{bytes:?}");
            assert!(!faults.is_empty(), "{bytes:?}");
        }
        let (got, _) = snap_yaml(b"name: a\n---\nname: b\nversion: 2\n");
        assert_eq!((got.name.as_deref(), got.version), (Some("a"), None));
    }

    #[test]
    fn bombs_end_soon() {
        let mut bomb = b"name: a\nx0: &x0 [lol, lol]\n".to_vec();
        for n in 1..1000 {
            bomb.extend(format!("x{n}: &x{n} [{}]\n", format!("*x{},", n - 1).repeat(9)).bytes());
        }
        assert_eq!(snap_yaml(&bomb).0.name.as_deref(), Some("a"));
        for deep in [&b"["[..], b"{", b"{a: ", b"- ", b"? "] {
            assert!(!snap_yaml(&[&b"name: a\nx: "[..], &deep.repeat(200_000)].concat()).1.is_empty());
        }
        let big = [&b"name: "[..], &vec![b'x'; 32 << 20]].concat();
        let (got, faults) = snap_yaml(&big);
        assert_eq!((got.name.unwrap().len(), faults.len()), (MAX_VALUE, 2));
    }
}
