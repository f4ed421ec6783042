//! What the fault matrices of all systems share: a disk beside rules that prohibit one name, and what a scan of it says of a
//! source that was made blind.

use std::ffi::OsStr;

use serde_json::Value;

use super::{Root, Run, interdict};

const POLICY: &str = r#"
schema = 1
[policy]
id = "test-policy"
title = "Nothing prohibited"
effective = 2020-01-01
min_depth = "standard"
[[prohibition]]
id = "test-policy.thing"
vendor = "test"
severity = "high"
"#;

/// A disk, and the rules to scan it by.
pub struct Bench {
    rules: Root,
    pub root: Root,
    /// Whether every file is looked at.
    deep: bool,
}

impl Bench {
    /// A disk under a policy that prohibits all that a vendor file of the id `test` knows.
    pub fn new(vendor: &str, root: Root) -> Self {
        let rules = Root::empty();
        rules.file("vendors/test.toml", vendor);
        rules.file("policies/test.toml", POLICY);
        Self { rules, root, deep: false }
    }

    /// The same, with every file looked at or not.
    pub fn with_depth(self, deep: bool) -> Self {
        Self { deep, ..self }
    }

    /// Arguments of the scan.
    pub fn args(&self) -> Vec<&OsStr> {
        let words = ["scan", "--format", "json", "--no-built-in", "--policy", "test-policy", "--rules"];
        let mut args: Vec<&OsStr> = words.into_iter().map(OsStr::new).collect();
        if self.deep {
            args.splice(1..1, ["--depth", "deep"].map(OsStr::new));
        }
        args.extend([self.rules.path().as_os_str(), OsStr::new("--root"), self.root.path().as_os_str()]);
        args
    }

    /// Scans it.
    pub fn scan(&self) -> Run {
        Run::of(interdict().args(self.args()))
    }
}

/// A source's entry in the coverage.
pub fn source_of(report: &Value, source: &str) -> Value {
    let sources = report["coverage"]["sources"].as_array().unwrap();
    sources
        .iter()
        .find(|entry| entry["source"] == source)
        .unwrap_or_else(|| panic!("{source} is reported"))
        .clone()
}

/// The same bytes in every run.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32).to_le_bytes()[0]
    };
    (0..length).map(next).collect()
}

/// Exit 0 only where a source's records never count; and even then it is told. `at` names what was done to which record.
pub fn never_silent(source: &str, counts: bool, run: &Run, at: &str) {
    let report = run.json();
    let entry = source_of(&report, source);
    let gaps = entry["gaps"].as_array().unwrap();
    if run.code == 0 {
        assert!(!counts, "{at} is a false clean: {report:#}");
        let told = !gaps.is_empty() || !report["findings"].as_array().unwrap().is_empty();
        assert!(told, "{at} is silent: {entry:#}");
        return;
    }
    // Another source may look at the same place, and need it.
    let told = gaps.iter().any(|gap| gap["blocking"] == true || !counts);
    assert!(run.code == 1 || (run.code == 3 && told), "{at}: exit {} and {entry:#}", run.code);
}
