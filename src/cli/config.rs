//! The configuration file: what a computer is always asked, so that a scheduled scan needs no arguments.
//!
//! Read by `main` for the commands that use rules; arguments win over it. Every key stands in `docs/configuration.md`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::ruleset::{Code, Faults, RuleFile, Site, Table, TrustedKey, Value, document};

use super::exit::Failure;
use super::files::read_text;
use super::places;
use super::scan::is_file;

const NEXT: &str = "name another file with --config, or go without one with --no-config";

/// Which configuration to use.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// Configuration file; arguments win over it [default: /etc/interdict/config.toml where it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Use no configuration file
    #[arg(long, global = true, conflicts_with = "config")]
    no_config: bool,
}

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Config {
    /// Policies to judge by: ids and files.
    pub(super) policies: Vec<String>,
    /// Folders of rules.
    pub(super) rules: Vec<PathBuf>,
    /// Whether the built-in rules are used.
    pub(super) built_in: bool,
    /// Files of waivers.
    pub(super) waivers: Vec<PathBuf>,
    /// Public keys, or their files.
    pub(super) trusted_keys: Vec<String>,
    /// Where accepted rules are remembered.
    pub(super) state: Option<PathBuf>,
    /// Who the site is.
    pub(super) site: Option<Site>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            policies: Vec::new(),
            rules: Vec::new(),
            built_in: true,
            waivers: Vec::new(),
            trusted_keys: Vec::new(),
            state: None,
            site: None,
        }
    }
}

impl ConfigArgs {
    /// The configuration. Only the file that nobody named may be absent; none may be unreadable or wrong.
    pub(super) fn read(&self) -> Result<Config, Failure> {
        let path = self.config.clone().or_else(places::config).filter(|_| !self.no_config);
        let Some(path) = path else { return Ok(Config::default()) };
        match read_text(&path) {
            Ok(text) => parse(&path, text),
            Err(error) if error.kind() == ErrorKind::NotFound && self.config.is_none() => {
                Ok(Config::default())
            }
            Err(error) => Err(Failure::file("read the configuration", &path, &error, NEXT)),
        }
    }
}

fn parse(path: &Path, text: String) -> Result<Config, Failure> {
    let faults = Faults::default();
    let name = path.display().to_string();
    let file = Arc::new(RuleFile::new(name.clone(), name, text));
    let base = path.parent().unwrap_or(Path::new(""));
    let config = document(&file, &faults, |root| table(root, base));
    let faults = faults.into_sorted();
    match config {
        Some(config) if faults.is_empty() => Ok(config),
        _ => Err(Failure::Config(faults)),
    }
}

fn table(root: &mut Table<'_>, base: &Path) -> Config {
    let policies = root.texts("policies").into_iter();
    let place = |policy: String| if is_file(&policy) { below(base, &policy) } else { policy };
    let policies = policies.map(|text| place(text.value)).collect();
    let rules = paths(root, "rules", base);
    let built_in = root.get("built_in").and_then(Value::bool).unwrap_or(true);
    let waivers = paths(root, "waivers", base);
    let trusted_keys = keys(root, base);
    let state = root.text("state").map(|state| base.join(state));
    let site = root.get("site").and_then(Site::read);
    Config { policies, rules, built_in, waivers, trusted_keys, state, site }
}

/// Paths of a list; relative ones are meant from the folder of the file.
fn paths(root: &mut Table<'_>, key: &'static str, base: &Path) -> Vec<PathBuf> {
    root.texts(key).into_iter().map(|text| base.join(text.value)).collect()
}

fn below(base: &Path, name: &str) -> String {
    base.join(name).display().to_string()
}

/// Keys and their files. What looks like neither would later be "no such file", which says less.
fn keys(root: &mut Table<'_>, base: &Path) -> Vec<String> {
    let mut keys = Vec::new();
    for text in root.texts("trusted_keys") {
        if TrustedKey::is_key(&text.value) {
            keys.push(text.value);
        } else if Path::new(&text.value).extension().is_some_and(|end| end == "pub") {
            keys.push(below(base, &text.value));
        } else {
            let hint = "write the 56 characters of a public key, or the name of its .pub file";
            root.faults().hint(Code::UnknownWord, &text.at, "not a public key", hint);
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, Vec<String>> {
        parse(Path::new("/etc/interdict/config.toml"), text.to_owned()).map_err(|failure| match failure {
            Failure::Config(faults) => faults.iter().map(|one| one.code.word().to_owned()).collect(),
            other => vec![other.to_string()],
        })
    }

    #[test]
    fn an_empty_configuration_changes_nothing() {
        assert_eq!(read("schema = 1\n"), Ok(Config::default()));
    }

    #[test]
    fn relative_paths_are_meant_from_the_file() {
        let text = "schema = 1\npolicies = [\"us-commerce\", \"ours.toml\"]\nrules = [\"rules\", \"/srv/rules\"]\n\
                    waivers = [\"../w.toml\"]\ntrusted_keys = [\"our.pub\"]\nstate = \"state\"\nbuilt_in = false\n";
        let config = read(text).unwrap();
        assert_eq!(config.policies, ["us-commerce", "/etc/interdict/ours.toml"]);
        assert_eq!(config.rules, [Path::new("/etc/interdict/rules"), Path::new("/srv/rules")]);
        assert_eq!(config.waivers, [Path::new("/etc/interdict/../w.toml")]);
        assert_eq!(config.trusted_keys, ["/etc/interdict/our.pub"]);
        assert_eq!(config.state.as_deref(), Some(Path::new("/etc/interdict/state")));
        assert!(!config.built_in);
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let text = "policies = 3\nrule = []\nbuilt_in = \"no\"\ntrusted_keys = [\"RW\"]\n[site]\nsectors = [\"x\"]\ncolour = 1\n";
        let mut codes = read(text).unwrap_err();
        codes.sort();
        assert_eq!(codes, ["E0102", "E0102", "E0103", "E0103", "E0105", "E0107", "E0107"]);
        assert_eq!(read("schema = 1\nx = \n"), Err(vec!["E0101".to_owned()]));
    }
}
