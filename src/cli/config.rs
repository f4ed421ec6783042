//! What a computer is always asked, so that a scheduled scan needs no arguments: the configuration file, the environment
//! over it, arguments over both.
//!
//! Read by `main` for the commands that use rules or look at a host. Every key stands in `docs/configuration.md`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::ruleset::{At, Code, Faults, RuleFile, Sent, Site, Table, TrustedKey, Value, document};

use super::environment::{self, Environment};
use super::exit::Failure;
use super::files::read_text;
use super::fleet::Users;
use super::log::LogTo;
use super::look::{DepthWord, Priority, ScopeWord};
use super::places;
use super::scan::{FailOn, is_file};
use super::trusted;

const NEXT: &str = "name another file with --config, or go without one with --no-config";

/// Which configuration to use.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// Configuration file; the environment wins over it, and arguments over both
    #[cfg_attr(windows, doc = r"[default: %ProgramData%\interdict\config.toml where it is there]")]
    #[cfg_attr(
        target_os = "macos",
        doc = "[default: /Library/Application Support/interdict/config.toml where it is there]"
    )]
    #[cfg_attr(
        not(any(windows, target_os = "macos")),
        doc = "[default: /etc/interdict/config.toml where it is there]"
    )]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Use no configuration file
    #[arg(long, global = true, conflicts_with = "config")]
    no_config: bool,
}

/// What the configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Config {
    /// Policies to judge by: ids and files.
    pub(super) policies: Vec<String>,
    /// Folders of rules.
    pub(super) rules: Vec<PathBuf>,
    /// Whether the built-in rules are used.
    pub(super) built_in: bool,
    /// Rules of the collector that this computer is enrolled with; `ship` says so, never a file.
    pub(super) sent: Option<Sent>,
    /// Files of waivers.
    pub(super) waivers: Vec<PathBuf>,
    /// Public keys, or their files.
    pub(super) trusted_keys: Vec<String>,
    /// Where accepted rules are remembered, and who scans.
    pub(super) state: Option<PathBuf>,
    /// Which half of the host to look at.
    pub(super) scope: Option<ScopeWord>,
    /// How deep to look.
    pub(super) depth: Option<DepthWord>,
    /// Seconds for a look.
    pub(super) budget: Option<u32>,
    /// Seconds to wait for another scan to end.
    pub(super) wait: Option<u32>,
    /// Whether to give way to other programs.
    pub(super) priority: Option<Priority>,
    /// Whether users are told by name.
    pub(super) users: Option<Users>,
    /// The file of the site's key for pseudonyms.
    pub(super) site_key: Option<PathBuf>,
    /// MiB that the scanner may hold.
    pub(super) max_memory: Option<u32>,
    /// Where runs are logged.
    pub(super) log: Option<LogTo>,
    /// Which verdicts end a scan with another exit code than 0.
    pub(super) fail_on: Option<FailOn>,
    /// Where a scan's report goes: `FORMAT=FILE`.
    pub(super) output: Vec<String>,
    /// Who the site is.
    pub(super) site: Option<Site>,
    /// Who said it, of each key that somebody spoke of.
    pub(super) origins: BTreeMap<&'static str, Origin>,
    /// What is to be said beside.
    pub(super) warnings: Vec<String>,
}

/// Who said what a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// A file, and its line.
    File(String, usize),
    /// A variable of the environment.
    Environment(String),
}

/// Keys of the configuration, in the order in which they are shown.
pub(super) const KEYS: &[Key] = &[
    Key { name: "policies", kind: Kind::Texts, default: "us-commerce" },
    Key { name: "rules", kind: Kind::Texts, default: "none beside the built-in ones" },
    Key { name: "built_in", kind: Kind::Bool, default: "true" },
    Key { name: "waivers", kind: Kind::Texts, default: "none" },
    Key { name: "trusted_keys", kind: Kind::Texts, default: "none: unsigned rules are used" },
    Key { name: "state", kind: Kind::Text, default: "" },
    Key { name: "scope", kind: Kind::Text, default: "all" },
    Key { name: "depth", kind: Kind::Text, default: "standard" },
    Key { name: "budget", kind: Kind::Number, default: "120; 3600 with depth deep" },
    Key { name: "wait", kind: Kind::Number, default: "0" },
    Key { name: "priority", kind: Kind::Text, default: "normal" },
    Key { name: "users", kind: Kind::Text, default: "named; pseudonym for what is shipped" },
    Key { name: "site_key", kind: Kind::Text, default: "the one that the collector gave" },
    Key {
        name: "max_memory",
        kind: Kind::Number,
        default: "four fifths of what the control group lets it have",
    },
    Key { name: "log", kind: Kind::Text, default: "none" },
    Key { name: "fail_on", kind: Kind::Text, default: "inconclusive" },
    Key { name: "output", kind: Kind::Texts, default: "standard output" },
];

/// A key that the environment can say too.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name in the file.
    pub(super) name: &'static str,
    /// What belongs there.
    pub(super) kind: Kind,
    /// What holds where nobody says it; of `state` it hangs on who runs the program.
    pub(super) default: &'static str,
}

/// What belongs to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// Texts.
    Texts,
    /// Yes or no.
    Bool,
    /// A number.
    Number,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            policies: Vec::new(),
            rules: Vec::new(),
            built_in: true,
            sent: None,
            waivers: Vec::new(),
            trusted_keys: Vec::new(),
            state: None,
            scope: None,
            depth: None,
            budget: None,
            wait: None,
            priority: None,
            users: None,
            site_key: None,
            max_memory: None,
            log: None,
            fail_on: None,
            output: Vec::new(),
            site: None,
            origins: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }
}

impl ConfigArgs {
    /// The file that the command line names.
    pub(super) fn named(&self) -> Option<PathBuf> {
        self.config.clone()
    }

    /// The configuration file that is to be read, and whether somebody named it.
    pub(super) fn file(&self) -> Option<(PathBuf, bool)> {
        if self.no_config {
            return None;
        }
        let named = self.config.clone().or_else(environment::config_file);
        let is_named = named.is_some();
        named.or_else(places::config).map(|path| (path, is_named))
    }

    /// The configuration. Only the file that nobody named may be absent; none may be unreadable or wrong.
    pub(super) fn read(&self) -> Result<Config, Failure> {
        let (config, failure) = self.attempt();
        failure.map_or(Ok(config), Err)
    }

    /// The configuration as far as it can be read and obeyed, and why it cannot be used: that is to be logged where it says.
    pub(super) fn attempt(&self) -> (Config, Option<Failure>) {
        let mut config = Config::default();
        let mut faults = Vec::new();
        let mut failure = None;
        if let Some((path, named)) = self.file() {
            match obeyed(&path, named) {
                Ok(Some(text)) => {
                    let base = path.parent().unwrap_or(Path::new(""));
                    let name = path.display().to_string();
                    let says = |at: &At, _: &str| Origin::File(at.file().to_owned(), at.line());
                    faults.extend(config.take(&name, text, base, &says));
                }
                Ok(None) => {}
                Err(why) => failure = Some(why),
            }
        }
        let Environment { text, warnings } = environment::read();
        config.warnings = warnings;
        let variable = |_: &At, key: &str| Origin::Environment(environment::variable(key));
        faults.extend(config.take(environment::NAME, text, Path::new(""), &variable));
        let failure = failure
            .or_else(|| (!faults.is_empty()).then(|| Failure::Config(faults)))
            .or_else(|| trusted::rules(&config).err().map(Failure::Declined));
        (config, failure)
    }
}

/// The text of a file that only those can change who may; none of one that nobody named and that is not there.
fn obeyed(path: &Path, named: bool) -> Result<Option<String>, Failure> {
    match read_text(path) {
        Ok(text) => trusted::file(path).map(|()| Some(text)).map_err(Failure::Declined),
        Err(error) if error.kind() == ErrorKind::NotFound && !named => Ok(None),
        Err(error) => Err(Failure::file("read the configuration", path, &error, NEXT)),
    }
}

/// Who says a key that stands at a place.
type Says<'s> = &'s dyn Fn(&At, &str) -> Origin;

/// A table that is laid over what is known.
struct Layer<'l, 't> {
    root: &'l mut Table<'t>,
    origins: &'l mut BTreeMap<&'static str, Origin>,
    says: Says<'l>,
    base: &'l Path,
}

impl<'t> Layer<'_, 't> {
    /// What the layer says of a key; noted is that it does.
    fn get(&mut self, key: &'static str) -> Option<Value<'t>> {
        let value = self.root.get(key)?;
        self.origins.insert(key, (self.says)(&value.at(), key));
        Some(value)
    }

    /// Paths of a list; relative ones are meant from the folder of the file.
    fn paths(&mut self, key: &'static str) -> Option<Vec<PathBuf>> {
        let texts = self.get(key)?.texts();
        Some(texts.into_iter().map(|text| self.base.join(text.value)).collect())
    }

    /// A number; what is too large is not a number of these.
    fn number(&mut self, key: &'static str, too_large: &str) -> Option<u32> {
        let value = self.get(key)?;
        let count = u32::try_from(value.count()?).ok();
        if count.is_none() {
            value.faults().add(Code::WrongType, &value.at(), too_large);
        }
        count
    }

    fn seconds(&mut self, key: &'static str) -> Option<u32> {
        self.number(key, "so many seconds are longer than a life")
    }

    fn below(&self, name: &str) -> String {
        self.base.join(name).display().to_string()
    }
}

impl Config {
    /// Lays over it what a text says; the faults of the text.
    fn take(
        &mut self,
        name: &str,
        text: String,
        base: &Path,
        says: Says<'_>,
    ) -> Vec<crate::ruleset::Diagnostic> {
        let faults = Faults::default();
        let file = Arc::new(RuleFile::new(name.to_owned(), name.to_owned(), text));
        let mut origins = std::mem::take(&mut self.origins);
        document(&file, &faults, |root| {
            self.lay(&mut Layer { root, origins: &mut origins, says, base });
        });
        self.origins = origins;
        faults.into_sorted()
    }

    fn lay(&mut self, layer: &mut Layer<'_, '_>) {
        if let Some(policies) = layer.get("policies").map(Value::texts) {
            let place = |policy: String| if is_file(&policy) { layer.below(&policy) } else { policy };
            self.policies = policies.into_iter().map(|text| place(text.value)).collect();
        }
        put(&mut self.rules, layer.paths("rules"));
        put(&mut self.built_in, layer.get("built_in").and_then(Value::bool));
        put(&mut self.waivers, layer.paths("waivers"));
        put(&mut self.trusted_keys, keys(layer));
        if let Some(state) = layer.get("state").and_then(Value::text) {
            self.state = Some(layer.base.join(state.value));
        }
        put(&mut self.scope, layer.get("scope").map(Value::word));
        put(&mut self.depth, layer.get("depth").map(Value::word));
        if let Some(budget) = layer.seconds("budget") {
            self.budget = Some(budget.max(1));
        }
        put(&mut self.priority, layer.get("priority").map(Value::word));
        put(&mut self.users, layer.get("users").map(Value::word));
        if let Some(key) = layer.get("site_key").and_then(Value::text) {
            self.site_key = Some(layer.base.join(key.value));
        }
        if let Some(memory) = layer.number("max_memory", "no computer has so many MiB") {
            self.max_memory = Some(memory.max(1));
        }
        if let Some(log) = log(layer) {
            self.log = Some(log);
        }
        put(&mut self.fail_on, layer.get("fail_on").map(Value::word));
        put(&mut self.wait, layer.seconds("wait").map(Some));
        if let Some(output) = layer.get("output").map(Value::texts) {
            let place = |one: &str| match one.split_once('=') {
                Some((format, file)) => format!("{format}={}", layer.below(file)),
                None => layer.below(one),
            };
            self.output = output.iter().map(|text| place(&text.value)).collect();
        }
        put(&mut self.site, layer.get("site").map(Site::read));
    }
}

/// What is said anew takes the place of what was said before, each list as a whole.
fn put<T>(slot: &mut T, said: Option<T>) {
    if let Some(said) = said {
        *slot = said;
    }
}

/// Where to log; a file's place is meant from the folder of the configuration.
fn log(layer: &mut Layer<'_, '_>) -> Option<LogTo> {
    let value = layer.get("log")?;
    let faults = value.faults();
    let text = value.text()?;
    match text.value.parse::<LogTo>() {
        Ok(log) => Some(log.in_folder(layer.base)),
        Err(hint) => {
            faults.hint(Code::UnknownWord, &text.at, "not a place of logs", hint);
            None
        }
    }
}

/// Keys and their files. What looks like neither would later be "no such file", which says less.
fn keys(layer: &mut Layer<'_, '_>) -> Option<Vec<String>> {
    let value = layer.get("trusted_keys")?;
    let mut keys = Vec::new();
    for text in value.texts() {
        if TrustedKey::is_key(&text.value) {
            keys.push(text.value);
        } else if Path::new(&text.value).extension().is_some_and(|end| end == "pub") {
            keys.push(layer.below(&text.value));
        } else {
            let hint = "write the 56 characters of a public key, or the name of its .pub file";
            value.faults().hint(Code::UnknownWord, &text.at, "not a public key", hint);
        }
    }
    Some(keys)
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
