//! A registry made up in memory, for tests of sources.
//!
//! Obeys the same trait as the real ones: what is not there is absent, what is marked denied is denied.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::model::{HostPath, Stamp};
use crate::parse::registry_value::RegistryValue;

use super::registry::{Hidden, Hive, Key, Registry, Values, hidden};
use super::{Miss, Read};

/// A registry in memory.
#[derive(Debug, Clone, Default)]
pub struct FakeRegistry {
    tree: Arc<Tree>,
}

#[derive(Debug, Clone, Default)]
struct Tree {
    /// By hive and path in small letters, `\` before each part.
    keys: BTreeMap<(Hive, String), Node>,
    missing: BTreeSet<Hive>,
}

#[derive(Debug, Clone, Default)]
struct Node {
    path: String,
    values: Vec<(String, RegistryValue)>,
    last_write: Option<Stamp>,
    denied: bool,
}

/// The beginning of a hive's keys as people write it.
fn name_of(hive: Hive) -> String {
    match hive {
        Hive::Software => r"HKLM\SOFTWARE".to_owned(),
        Hive::System => r"HKLM\SYSTEM".to_owned(),
        Hive::User(n) => format!(r"HKU\{n}"),
        Hive::Classes(n) => format!(r"HKU\{n}_Classes"),
        Hive::Amcache => "Amcache".to_owned(),
    }
}

/// The hive of a whole name, and what follows it with a backslash before each part. Users are written by their number.
fn split(name: &str) -> (Hive, String) {
    let users = (0..20).flat_map(|n| [Hive::Classes(n), Hive::User(n)]);
    let hives = [Hive::Software, Hive::System, Hive::Amcache].into_iter().chain(users);
    let mut found = hives.filter_map(|hive| {
        let rest = name.strip_prefix(&name_of(hive))?;
        (rest.is_empty() || rest.starts_with('\\')).then(|| (hive, rest.to_owned()))
    });
    found.next_back().unwrap_or((Hive::Software, format!(r"\{name}")))
}

impl FakeRegistry {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with this key, the keys on the way to it, and these values. Names begin with `HKLM\SOFTWARE`,
    /// `HKLM\SYSTEM`, `HKU\<number of the user>`, `HKU\<number>_Classes` or `Amcache`.
    #[must_use]
    pub fn key(mut self, name: &str, values: &[(&str, RegistryValue)]) -> Self {
        let (hive, path) = split(name);
        let tree = Arc::make_mut(&mut self.tree);
        for (at, _) in path.match_indices('\\').chain([(path.len(), "")]) {
            let part = path.get(..at).unwrap_or_default();
            let node = || Node { path: part.to_owned(), ..Node::default() };
            tree.keys.entry((hive, part.to_lowercase())).or_insert_with(node);
        }
        if let Some(node) = tree.keys.get_mut(&(hive, path.to_lowercase())) {
            node.values.extend(values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        }
        self
    }

    /// The same with a key that was last written at this moment.
    #[must_use]
    pub fn written(self, name: &str, at: Stamp) -> Self {
        self.with(name, |node| node.last_write = Some(at))
    }

    /// The same with a key that may not be read.
    #[must_use]
    pub fn deny(self, name: &str) -> Self {
        self.with(name, |node| node.denied = true)
    }

    /// The same without a hive.
    #[must_use]
    pub fn without(mut self, hive: Hive) -> Self {
        Arc::make_mut(&mut self.tree).missing.insert(hive);
        self
    }

    fn with(self, name: &str, change: impl FnOnce(&mut Node)) -> Self {
        let mut own = self.key(name, &[]);
        let (hive, path) = split(name);
        if let Some(node) = Arc::make_mut(&mut own.tree).keys.get_mut(&(hive, path.to_lowercase())) {
            change(node);
        }
        own
    }

    fn node(&self, hive: Hive, path: &str) -> Read<FakeKey> {
        let path =
            if path.is_empty() || path.starts_with('\\') { path.to_owned() } else { format!(r"\{path}") };
        let node = self.tree.keys.get(&(hive, path.to_lowercase())).ok_or(Miss::Absent)?;
        let name = node.path.rsplit('\\').next().unwrap_or_default().to_owned();
        if node.denied {
            return Err(Miss::Denied);
        }
        Ok(FakeKey { registry: self.clone(), hive, node: node.clone(), name })
    }
}

impl Registry for FakeRegistry {
    fn open(&self, hive: Hive, path: &str) -> Read<Box<dyn Key>> {
        if self.tree.missing.contains(&hive) {
            return Err(Miss::Missing);
        }
        Ok(Box::new(self.node(hive, path)?))
    }
    fn place(&self, hive: Hive) -> HostPath {
        HostPath::new(name_of(hive))
    }
    fn faults(&self, _: Hive) -> Vec<Hidden> {
        Vec::new()
    }
}

struct FakeKey {
    registry: FakeRegistry,
    hive: Hive,
    node: Node,
    name: String,
}

impl Key for FakeKey {
    fn name(&self) -> &str {
        &self.name
    }
    fn place(&self) -> HostPath {
        HostPath::new(format!("{}{}", name_of(self.hive), self.node.path))
    }
    fn last_write(&self) -> Option<Stamp> {
        self.node.last_write
    }
    fn value(&self, name: &str) -> Read<RegistryValue> {
        let found = self.node.values.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone()).ok_or(Miss::Absent)
    }
    fn values(&self) -> Read<Values> {
        Ok((self.node.values.clone(), Vec::new()))
    }
    fn open(&self, path: &str) -> Read<Box<dyn Key>> {
        Ok(Box::new(self.registry.node(self.hive, &format!(r"{}\{path}", self.node.path))?))
    }
    fn each(&self, visit: &mut dyn FnMut(&dyn Key) -> ControlFlow<()>) -> Read<Vec<Hidden>> {
        let head = format!(r"{}\", self.node.path.to_lowercase());
        let inside = |(hive, path): &&(Hive, String)| *hive == self.hive && path.starts_with(&head);
        let from = self.registry.tree.keys.range((self.hive, head.clone())..).map(|(at, _)| at);
        let below = from.take_while(inside).filter(|(_, path)| {
            path.strip_prefix(&head).is_some_and(|name| !name.is_empty() && !name.contains('\\'))
        });
        let mut gaps = Vec::new();
        for (hive, path) in below {
            match self.registry.node(*hive, path) {
                Ok(key) if visit(&key).is_break() => break,
                Ok(_) => {}
                Err(miss) => gaps.push(hidden(&miss, HostPath::new(format!("{}{path}", name_of(*hive))))),
            }
        }
        Ok(gaps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_any_case_and_what_is_denied_is_told() {
        let registry = FakeRegistry::new()
            .key(r"HKLM\SOFTWARE\Acme\Guard", &[("Version", RegistryValue::sz("1"))])
            .deny(r"HKLM\SOFTWARE\Acme\Secret")
            .key(r"HKU\2\Software\Acme", &[]);
        let acme = registry.open(Hive::Software, "ACME").unwrap();
        assert_eq!(acme.place(), r"HKLM\SOFTWARE\Acme".into());
        let mut names = Vec::new();
        let gaps = acme.each(&mut |key| {
            names.push(key.name().to_owned());
            ControlFlow::Continue(())
        });
        assert_eq!((names, gaps.unwrap().len()), (vec!["Guard".to_owned()], 1));
        assert_eq!(acme.open("guard").unwrap().value("VERSION").unwrap().text().as_deref(), Some("1"));
        assert_eq!(registry.open(Hive::Software, r"Acme\Secret").err(), Some(Miss::Denied));
        assert!(registry.open(Hive::User(2), r"Software\Acme").is_ok());
        assert_eq!(registry.without(Hive::System).open(Hive::System, "").err(), Some(Miss::Missing));
    }
}
