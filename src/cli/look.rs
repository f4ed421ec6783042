//! Opening a host and looking at it: what `scan` and `inventory` share.
#![expect(clippy::disallowed_methods, reason = "the one place that asks the clock")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};

use crate::host::{Host, RootHost};
use crate::model::{Coverage, Depth, HostPath, InventoryItem, ScopeAsk, Stamp, Wanted};
use crate::normalise::{Gathering, Places, gather};
use crate::sources::{Looked, RunPlan, run};

use super::exit::Failure;
use super::printer::Printer;

/// Which host to look at, and how.
#[derive(Debug, Args)]
pub(super) struct LookArgs {
    /// Look at a mounted disk or unpacked image instead of this computer
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Which half of the host to look at
    #[arg(long, value_enum, default_value = "all")]
    scope: ScopeWord,
    /// How deep to look: records only, or the files of program folders too
    #[arg(long, value_enum, default_value = "standard")]
    depth: DepthWord,
    /// Time for the whole look; what is not seen by then is a gap
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..))]
    budget: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ScopeWord {
    /// The machine and every user
    All,
    /// Users' profiles only
    User,
    /// The machine only
    System,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DepthWord {
    /// Records only
    Quick,
    /// Also the files of program folders
    Standard,
}

impl LookArgs {
    /// Which halves.
    pub(super) fn scope(&self) -> ScopeAsk {
        match self.scope {
            ScopeWord::All => ScopeAsk::All,
            ScopeWord::User => ScopeAsk::User,
            ScopeWord::System => ScopeAsk::System,
        }
    }

    /// How deep.
    pub(super) fn depth(&self) -> Depth {
        match self.depth {
            DepthWord::Quick => Depth::Quick,
            DepthWord::Standard => Depth::Standard,
        }
    }

    /// The host that was asked for.
    pub(super) fn open(&self) -> Result<Arc<dyn Host>, Failure> {
        let host = match &self.root {
            Some(root) => RootHost::offline(root)?,
            None => RootHost::live()?,
        };
        Ok(Arc::new(host))
    }

    /// Looks at the host.
    pub(super) fn look(
        &self,
        host: &Arc<dyn Host>,
        want: Wanted,
        printer: &Printer,
    ) -> (Vec<InventoryItem>, Coverage) {
        let plan = RunPlan { want, budget: Duration::from_secs(u64::from(self.budget)) };
        let bar = printer.progress();
        let looked = run(host, &plan, &mut |source, done, of| {
            bar.set_length(of as u64);
            bar.set_position(done as u64);
            bar.set_message(source.to_owned());
        });
        bar.finish_and_clear();
        let Looked { traces, coverage, owners } = looked;
        let owner_of = |path: &HostPath| owners.of(path).cloned().collect();
        let facts = host.facts();
        let places = Places { users: &facts.users, aliases: &facts.aliases };
        let items = gather(Gathering { traces, places, owner_of: &owner_of });
        (items, coverage)
    }
}

/// This moment.
pub(super) fn now() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).ok().and_then(Stamp::from_unix).unwrap_or_else(Stamp::epoch)
}
