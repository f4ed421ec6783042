//! The command line of the collector: arguments in, exit code out.
//!
//! Called by the binary. What is to be done is in `serve` and `admin`.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use super::admin::{self, TokenCommand};
use super::api;
use super::auth::NoRandom;
use super::config::{Config, ConfigError, ListenOptions};
use super::console::oidc::OidcError;
use super::destinations::{DestinationError, PushCommand};
use super::person_command::{self, PersonCommand};
use super::rules::Declined;
use super::rules_command::{self, RulesCommand, trusted_keys};
use super::serve::{self, Settings};
use super::store::StoreError;
use super::tls::TlsError;
use super::upkeep::ExpectedCommand;
use super::upkeep::{self, HostsCommand};
use super::{clock, log};

const EXAMPLES: &str = "\
Examples:
  interdict-collector serve                     for endpoints of this computer: makes what it needs, says where it is
  interdict-collector serve --listen 0.0.0.0:8787 --tls-cert fullchain.pem --tls-key key.pem
  interdict-collector secret create rollout --expires 2027-01-31
  interdict-collector token create dashboard    a token that may ask, printed once
  interdict-collector rules push our-rules --trusted-key our.pub --activate
  interdict-collector backup fleet-backup.db    while it runs

On an endpoint:  interdict enrol https://collector.example:8787 --secret-file secret; interdict ship

Exit codes: 0 done, 2 could not be done";

/// Collects what a fleet's endpoints report, judges it, and answers questions about it.
#[derive(Debug, Parser)]
#[command(name = "interdict-collector", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    /// The folder of the database and of the site's key [default: /var/lib/interdict-collector as root or as its owner, else ./interdict-collector-data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the fleet is kept: sqlite, or `postgres://USER@HOST/DATABASE` [default: sqlite, a file in the data folder]
    #[arg(long, global = true, value_name = "STORE")]
    store: Option<String>,
    /// The configuration [default: /etc/interdict-collector/config.toml where it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What of the log is written: error, warn, info, debug [default: info]
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer endpoints and questions until told to stop (SIGTERM, Ctrl-C)
    Serve(ServeArgs),
    /// Make the database, a first enrolment secret and a first token, and end
    Init {
        /// Make another site's key too, in place of one that is lost: users get new pseudonyms where hosts enrol anew
        #[arg(long)]
        new_site_key: bool,
    },
    /// Bring the database to this version's form, and end; 'serve' does the same when it begins
    Migrate,
    /// Tokens by which people and programs ask
    #[command(subcommand)]
    Token(TokenCommand),
    /// Secrets by which hosts enrol
    #[command(subcommand)]
    Secret(admin::SecretCommand),
    /// People who may open the console
    #[command(subcommand)]
    Person(PersonCommand),
    /// Write a copy of the whole database to a new file; the collector may run meanwhile
    Backup {
        /// The file to be made
        file: PathBuf,
    },
    /// Put such a copy into a data folder that holds no fleet
    Restore {
        /// The copy
        file: PathBuf,
    },
    /// Forget reports, verdicts and closed findings that are old; 'serve' does it once a day
    Prune {
        /// How many days are kept [default: what was set in the console, else what the configuration says, else 396]
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
        keep_days: Option<u32>,
    },
    /// Those who are told what happens
    #[command(subcommand)]
    Push(PushCommand),
    /// Hosts that there ought to be
    #[command(subcommand)]
    Expected(ExpectedCommand),
    /// Rules by which the fleet is judged
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Hosts that are kept
    #[command(subcommand)]
    Hosts(HostsCommand),
    /// Print the description of the API for programs (`OpenAPI` 3.1)
    Openapi,
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// Where to listen [default: 127.0.0.1:8787]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The certificate and those up to the root, PEM; read anew when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Who signs the clients' certificates, PEM; without one nobody is let in
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_client_ca: Option<PathBuf>,
    /// Listen without TLS to other computers too: whoever is on the way reads tokens and reports
    #[arg(long)]
    insecure_plain: bool,
}

/// Why something could not be done: what, where, why, what next.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The database.
    #[error("the database {at}: {cause}")]
    Store {
        /// Where it is.
        at: String,
        /// Why.
        cause: StoreError,
    },
    /// The folder of the database.
    #[error("cannot make {path}: {cause}; name another folder with --data")]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Another user's collector.
    #[error(
        "{0} belongs to another user than root, who could not read what root makes there; run this as that user, as in 'sudo \
         -u interdict-collector interdict-collector …'"
    )]
    Owner(PathBuf),
    /// Nothing is there yet.
    #[error(
        "there is no database in {0}; 'interdict-collector init' makes one, and --data names another folder"
    )]
    NoDatabase(PathBuf),
    /// Plain, and reached by others.
    #[error(
        "{0} is reached by other computers, and without TLS whoever is on the way reads tokens and reports: give --tls-cert \
         and --tls-key, or --insecure-plain where something before it speaks TLS"
    )]
    Plain(SocketAddr),
    /// The address.
    #[error("cannot listen at {at}: {cause}; name another address with --listen")]
    Listen {
        /// Where.
        at: SocketAddr,
        /// What the system says.
        cause: io::Error,
    },
    /// The rules by which the fleet is judged.
    #[error("the rules by which the fleet is judged cannot be used: {0}")]
    Rules(String),
    /// Who is told what happens.
    #[error(transparent)]
    Destination(#[from] DestinationError),
    /// A provider of identities.
    #[error(transparent)]
    Provider(#[from] OidcError),
    /// Somebody could not be told.
    #[error("{0}")]
    Push(String),
    /// A list of hosts.
    #[error("{path} is no list of hosts: {}", faults.join("; "))]
    List {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        faults: Vec<String>,
    },
    /// A file that is to be read.
    #[error("cannot read {path}: {cause}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Rules that somebody brings.
    #[error("{0}")]
    Declined(#[from] Declined),
    /// A key that may sign rules.
    #[error(
        "the key {key}: {why}; give the 56 characters of a public key, or the file that 'interdict rules keygen' wrote"
    )]
    Key {
        /// What was named.
        key: String,
        /// Why it cannot be used.
        why: String,
    },
    /// A name of a token or secret.
    #[error("{0}")]
    Credential(String),
    /// The key of the pseudonyms.
    #[error(
        "{0} does not hold the 64 hexadecimal digits of the site's key: put the right one back; where it is lost, \
         'interdict-collector init --new-site-key' makes another, and users get new pseudonyms where hosts enrol anew"
    )]
    SiteKey(PathBuf),
    /// Not the fleet's.
    #[error(
        "{path} holds another site's key than the fleet in {at} has: put the file of a collector of this fleet there, or name it \
         with site_key_file in the configuration"
    )]
    OtherSiteKey {
        /// The file.
        path: PathBuf,
        /// The fleet.
        at: String,
    },
    /// Not there, and the fleet has one.
    #[error(
        "the fleet in {at} has a site's key, and {path} is not there: put the file of a collector of this fleet there, or name it \
         with site_key_file in the configuration; where it is lost, 'interdict-collector init --new-site-key' makes another, and \
         users get new pseudonyms where hosts enrol anew"
    )]
    NoSiteKey {
        /// The file.
        path: PathBuf,
        /// The fleet.
        at: String,
    },
    /// No random numbers.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
    /// The program itself.
    #[error("{0}")]
    Start(String),
    /// A file that is to be made.
    #[error("cannot write {path}: {cause}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Nobody takes the data.
    #[error("cannot write to stdout: {0}")]
    Stdout(io::Error),
}

/// The command line, for pages and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

/// The whole program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _closed = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log::say(format_args!("error: {}", words(&failure)));
            ExitCode::from(2)
        }
    }
}

/// A failure with its causes, each once.
fn words(failure: &dyn std::error::Error) -> String {
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

fn run(cli: Cli) -> Result<(), Failure> {
    if matches!(cli.command, Command::Openapi) {
        let text = serde_json::to_string_pretty(&api::document()).unwrap_or_default();
        return log::print(&format!("{text}\n")).map_err(Failure::Stdout);
    }
    let config = Config::read(cli.config.as_deref())?;
    log::begin(&config.log(cli.log.as_deref())).map_err(Failure::Start)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Start(format!("no threads can be started: {error}")))?;
    let (place, said) = config.place(cli.data.as_deref(), cli.store.as_deref())?;
    runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => {
                let options = ListenOptions {
                    at: args.listen,
                    cert: args.tls_cert,
                    key: args.tls_key,
                    client_ca: args.tls_client_ca,
                    insecure_plain: args.insecure_plain,
                };
                let settings = Settings {
                    place,
                    place_said: said,
                    listen: config.listen(options),
                    limits: config.limits(),
                    caps: config.caps(),
                    stale_after: config.stale_after(),
                    keep_days: config.keep_days(),
                    destinations: config.destinations()?,
                    trusted_keys: trusted_keys(config.trusted_keys())?,
                    provider: config.provider()?.map(Arc::new),
                };
                serve::serve(settings).await
            }
            Command::Init { new_site_key } => admin::init(&place, new_site_key).await,
            Command::Migrate => admin::migrate(&place).await,
            Command::Token(command) => admin::token(&place, command, clock::now()).await,
            Command::Secret(command) => admin::secret(&place, command, clock::now()).await,
            Command::Person(command) => person_command::run(&place, command, clock::now()).await,
            Command::Backup { file } => upkeep::backup(&place, &file).await,
            Command::Restore { file } => upkeep::restore(&place, &file).await,
            Command::Prune { keep_days } => upkeep::prune(&place, keep_days, config.keep_days()).await,
            Command::Push(command) => config.destinations()?.run(&command),
            Command::Expected(command) => upkeep::expected(&place, &command).await,
            Command::Rules(command) => {
                rules_command::run(&place, command, config.trusted_keys(), clock::now()).await
            }
            Command::Hosts(command) => upkeep::hosts(&place, command).await,
            Command::Openapi => Ok(()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
        assert!(Cli::try_parse_from(["interdict-collector", "serve", "--tls-cert", "c"]).is_err());
    }
}
