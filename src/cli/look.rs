//! Opening a host and looking at it: what `scan` and `inventory` share.
#![expect(clippy::disallowed_methods, reason = "the one place that asks the clock")]

use std::mem;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::host::{Host, OpenError, RootHost, give_way, memory_allowed, memory_held};
use crate::matching::{Engine, Hits};
use crate::model::{Coverage, Depth, Family, InventoryItem, ScopeAsk, Stamp, Trace, Wanted};
use crate::normalise::{Places, gather, item};
use crate::ruleset::Ruleset;
use crate::sources::{Looked, RunPlan, Worth, ask_owners, run};

use super::config::Config;
use super::exit::Failure;
use super::lock::RunLock;
use super::printer::Printer;

/// Which host to look at, and how.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct LookArgs {
    /// Look at a mounted disk or unpacked image instead of this computer
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Which half of the host to look at [default: all]
    #[arg(long, value_enum)]
    scope: Option<ScopeWord>,
    /// How deep to look: records only, the files of program folders too, or every file [default: standard]
    #[arg(long, value_enum)]
    depth: Option<DepthWord>,
    /// Time for the whole look; what is not seen by then is a gap [default: 120; 3600 with --depth deep]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    budget: Option<u32>,
    /// Where another scan of this computer is running, wait for it so long
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u32>,
    /// Whether to give way to every other program, for processor and disk [default: normal]
    #[arg(long, value_enum)]
    priority: Option<Priority>,
    /// Memory that this program may hold; what is not seen within it is a gap [default: four fifths of what its control
    /// group lets it have; else as much as it takes]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..))]
    max_memory: Option<u32>,
}

/// How much of the computer a look takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Priority {
    /// As much as any program
    Normal,
    /// What nobody else wants
    Low,
}

/// Which half of a host, as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ScopeWord {
    /// The machine and every user
    All,
    /// Users' profiles only
    User,
    /// The machine only
    System,
}

/// How deep to look, as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DepthWord {
    /// Records only
    Quick,
    /// Also the files of program folders
    Standard,
    /// Also every other file of the system's own disks
    Deep,
}

impl LookArgs {
    /// What the arguments do not say is said by the configuration.
    pub(super) fn or(&self, config: &Config) -> Self {
        Self {
            root: self.root.clone(),
            scope: self.scope.or(config.scope),
            depth: self.depth.or(config.depth),
            budget: self.budget.or(config.budget),
            wait: self.wait.or(config.wait),
            priority: self.priority.or(config.priority),
            max_memory: self.max_memory.or(config.max_memory),
        }
    }

    /// Whether it is this computer that is looked at.
    pub(super) fn is_live(&self) -> bool {
        self.root.is_none()
    }

    /// The folder that is looked at, where it is not this computer.
    pub(super) fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// Which halves.
    pub(super) fn scope(&self) -> ScopeAsk {
        match self.scope {
            None | Some(ScopeWord::All) => ScopeAsk::All,
            Some(ScopeWord::User) => ScopeAsk::User,
            Some(ScopeWord::System) => ScopeAsk::System,
        }
    }

    /// How deep.
    pub(super) fn depth(&self) -> Depth {
        match self.depth {
            Some(DepthWord::Quick) => Depth::Quick,
            None | Some(DepthWord::Standard) => Depth::Standard,
            Some(DepthWord::Deep) => Depth::Deep,
        }
    }

    /// How long the look may take.
    fn budget(&self) -> Duration {
        let usual = if self.depth() == Depth::Deep { 3600 } else { 120 };
        Duration::from_secs(u64::from(self.budget.unwrap_or(usual)))
    }

    /// Sees to it that one scan of this computer runs at a time. A disk or an image may be looked at beside: nothing is shared
    /// with others who look at one.
    pub(super) fn lock(&self, state: Option<&Path>, printer: &Printer) -> Result<Option<RunLock>, Failure> {
        if !self.is_live() {
            return Ok(None);
        }
        RunLock::take(state, Duration::from_secs(u64::from(self.wait.unwrap_or_default())), printer)
    }

    /// The host that was asked for.
    pub(super) fn open(&self) -> Result<Arc<dyn Host>, Failure> {
        self.begin().host()
    }

    /// Begins to open the host that was asked for, in a thread of its own: a dead file system holds that, and not the program;
    /// and who has something else to do first, as to read rules, does it meanwhile.
    pub(super) fn begin(&self) -> Opening {
        if self.priority == Some(Priority::Low) {
            give_way();
        }
        let root = self.root.clone();
        let (send, opened) = channel();
        thread::spawn(move || {
            let host = root.map_or_else(RootHost::live, |root| RootHost::offline(&root)).map(Arc::new);
            let running = host.as_ref().ok().cloned();
            let _nobody_waits = send.send(host);
            // What takes longest of a look is begun before anybody asks for it, and told to who does.
            drop(running.map(|host| host.processes()));
        });
        Opening { opened, root: self.root.clone(), budget: self.budget() }
    }

    /// Looks at the host. Where rules are given, signatures that they could need are proven; which package owns which file is
    /// asked where a rule finds something, or where every item is to be told: file lists are most of what a Linux has to read.
    pub(super) fn look<'r>(
        &self,
        host: &Arc<dyn Host>,
        want: Wanted,
        matcher: Option<&Matcher<'r>>,
        printer: &Printer,
    ) -> Found<'r> {
        let memory = ceiling(self.max_memory);
        if self.max_memory.is_some() && memory_held().is_none() {
            printer
                .note("warning: --max-memory is not kept: this system does not say how much a program holds");
        }
        let plan = RunPlan { want, budget: self.budget(), memory };
        let bar = printer.progress();
        let facts = host.facts();
        let places = Places { users: &facts.users, aliases: &facts.aliases };
        // Without rules nothing can be told apart: all of it is worth keeping, and no signature is worth proving.
        let worth = |trace: &Trace| {
            let hits = matcher.map(|matcher| matcher.engine().item_hits(&item(trace.clone(), places)));
            hits.is_some_and(|hits| !hits.is_empty())
        };
        let worth: Option<Worth<'_>> = matcher.is_some().then_some(&worth);
        let mut looked = thread::scope(|scope| {
            scope.spawn(|| _ = matcher.map(Matcher::engine));
            run(host, &plan, worth, &mut |source, done, of| {
                bar.set_length(of as u64);
                bar.set_position(done as u64);
                bar.set_message(source.to_owned());
            })
        });
        bar.finish_and_clear();
        let gathered = gather(mem::take(&mut looked.traces), places);
        let hits = matcher.map(|matcher| matcher.engine().all_hits(gathered.items())).unwrap_or_default();
        if !hits.is_empty() || matcher.is_none_or(|matcher| matcher.every_item) {
            ask_owners(host, gathered.owned(), &mut looked);
        }
        let Looked { coverage, owners, .. } = looked;
        let items = gathered.linked(&|path| owners.of(path).cloned().collect());
        Found { items, hits, coverage }
    }
}

/// A host that is being opened.
pub(super) struct Opening {
    opened: Receiver<Result<Arc<RootHost>, OpenError>>,
    root: Option<PathBuf>,
    budget: Duration,
}

impl Opening {
    /// The host, once it is open.
    pub(super) fn host(self) -> Result<Arc<dyn Host>, Failure> {
        match self.opened.recv_timeout(self.budget) {
            Ok(host) => Ok(host?),
            Err(RecvTimeoutError::Timeout) => Err(Failure::NoAnswer {
                root: self.root.unwrap_or_else(|| PathBuf::from("/")),
                seconds: self.budget.as_secs(),
            }),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Failure::Declined("fault of the scanner: it panicked; please report it".to_owned()))
            }
        }
    }
}

/// What a look at a host came to.
pub(super) struct Found<'r> {
    /// Every item; with its links to packages where these were asked for.
    pub(super) items: Vec<InventoryItem>,
    /// What they meet of the rules, where there are any.
    pub(super) hits: Hits<'r>,
    /// How well it was looked at.
    pub(super) coverage: Coverage,
}

/// Bytes that a look may hold: the MiB that were asked for, else what stays below the limit of the control group, which ends
/// the whole scan, without a report.
pub(super) fn ceiling(asked: Option<u32>) -> Option<u64> {
    match asked {
        Some(mebibytes) => Some(u64::from(mebibytes) << 20),
        None => memory_allowed().map(|(bytes, _)| bytes / 5 * 4),
    }
}

/// Rules that are made ready to be matched while the host is being looked at.
pub(super) struct Matcher<'r> {
    ruleset: &'r Ruleset,
    family: Family,
    /// Whether every item is to be told with its links, and not only what a rule finds.
    every_item: bool,
    engine: OnceLock<Engine<'r>>,
}

impl<'r> Matcher<'r> {
    /// Rules for a family.
    pub(super) fn new(ruleset: &'r Ruleset, family: Family, every_item: bool) -> Self {
        Self { ruleset, family, every_item, engine: OnceLock::new() }
    }

    /// The engine; who asks first makes it, and others wait.
    pub(super) fn engine(&self) -> &Engine<'r> {
        self.engine.get_or_init(|| Engine::new(self.ruleset, self.family))
    }
}

/// This moment.
pub(super) fn now() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).ok().and_then(Stamp::from_unix).unwrap_or_else(Stamp::epoch)
}
