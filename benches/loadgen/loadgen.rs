//! Load for a collector: a fleet that is made of real scans enrols, tells all, comes again, changes, while questions are asked.
//!
//!     interdict-loadgen --url https://127.0.0.1:8787 --ca ca.pem --secret-file S --token-file T --hosts 5000 REPORT...
//!
//! Started by `benches/scale.py`, which starts the collector, makes the reports, and holds the figures against their bounds.
//! Prints them as JSON. It speaks as the endpoint does: the same heads and bodies (`interdict::ship`), by connections of its
//! own. Not shipped.
#![expect(
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::excessive_nesting,
    reason = "a tool of measurements; its numbers are small, and it fails by ending"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use interdict::model::{Family, Report};
use serde_json::{Value, json};

mod figures;
mod fleet;
mod load;
mod wire;

use fleet::Pool;
use load::{Fleet, How};
use wire::Wire;

pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Load for a collector.
#[derive(Debug, Parser)]
struct Args {
    /// Its address
    #[arg(long)]
    url: String,
    /// The authority of its certificate
    #[arg(long)]
    ca: Option<PathBuf>,
    /// File with an enrolment secret
    #[arg(long)]
    secret_file: PathBuf,
    /// File with a token for questions
    #[arg(long)]
    token_file: PathBuf,
    /// Hosts
    #[arg(long, default_value = "5000")]
    hosts: u64,
    /// Different items over the fleet
    #[arg(long, default_value = "60000")]
    unique: usize,
    /// Connections at a time
    #[arg(long, default_value = "32")]
    threads: usize,
    /// How long each of the measured loads goes on
    #[arg(long, default_value = "15")]
    seconds: u64,
    /// Reports of 'scan --with-inventory --format json'
    #[arg(required = true)]
    reports: Vec<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(figures) => {
            println!("{figures:#}");
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("fault: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<Value, Fault> {
    let mut reports: Vec<Report> = Vec::new();
    for path in &args.reports {
        let report = serde_json::from_slice(&std::fs::read(path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        reports.push(report);
    }
    let largest = reports.iter().max_by_key(|report| report.items).ok_or("no report")?;
    fleet::churn_is_no_change(largest)?;
    let pools = pools(&reports, args.unique)?;
    let unique: usize = pools.iter().map(Pool::unique).sum();
    drop(reports);
    let read = |path: &PathBuf| std::fs::read_to_string(path).map(|text| text.trim().to_owned());
    let (secret, token) = (read(&args.secret_file)?, read(&args.token_file)?);
    let wire = Wire::new(&args.url, args.ca.as_deref())?;
    let mut fleet = Fleet::new(wire, pools, args.hosts, args.threads);
    let mut loads: BTreeMap<&str, Value> = BTreeMap::new();
    let mut done = |name: &'static str, figures: Value| {
        eprintln!("{name}: {figures}");
        loads.insert(name, figures);
    };
    done("enrol", fleet.enrol(&secret)?);
    done("first", fleet.all(&How { changes: 0, share: 1, kept: true })?);
    let unchanged = How { changes: 0, share: 1, kept: true };
    done("unchanged-new-connection", fleet.load(&How { kept: false, ..unchanged }, args.seconds)?);
    done("unchanged-kept-connection", fleet.load(&unchanged, args.seconds)?);
    // A day: one host of twenty has changed.
    done("a-day", fleet.load(&How { changes: 1, share: 20, kept: true }, args.seconds)?);
    // The worst of days: every host has changed, each in a twentieth of what it holds.
    done("all-change", fleet.load(&How { changes: 25, share: 1, kept: true }, args.seconds)?);
    let (questions, meanwhile) = fleet.questions(&token, args.seconds)?;
    done("meanwhile", meanwhile);
    Ok(json!({
        "hosts": args.hosts, "items_a_host": fleet::HELD, "unique_items": unique, "threads": args.threads,
        "loads": loads, "questions": questions,
    }))
}

/// A pool for each family of which there is enough; Linux has most of what is unique.
fn pools(reports: &[Report], unique: usize) -> Result<Vec<Pool>, Fault> {
    let mut pools = vec![Pool::new(Family::Linux, reports, unique * 8 / 10)?];
    for family in [Family::Windows, Family::Macos] {
        match Pool::new(family, reports, unique / 10) {
            Ok(pool) => pools.push(pool),
            Err(why) => eprintln!("no hosts of {}: {why}", family.word()),
        }
    }
    Ok(pools)
}
