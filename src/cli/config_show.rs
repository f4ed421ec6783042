//! `interdict config`: what is in force and who said it, and whether it can be used.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::{Value, json};

use crate::emit::table::table;
use crate::model::to_pretty;

use super::Ended;
use super::config::{Config, ConfigArgs, KEYS, Key, Origin};
use super::exit::FINE;
use super::places;
use super::printer::Printer;

/// Version of the document.
const SCHEMA: &str = "interdict.config/1";

/// Subcommands of `config`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print what is in force: the environment over the file over what holds without any
    Show(ShowArgs),
    /// Say every fault of the configuration, and nothing else; exit code 0 or 2
    Check,
}

/// Arguments of `config show`.
#[derive(Debug, ClapArgs)]
pub(super) struct ShowArgs {
    /// Say of each value who said it: a file and its line, a variable, or nobody
    #[arg(long)]
    origin: bool,
    /// Form of the result
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    format: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Text,
    /// For machines: each value with its origin
    Json,
}

/// One key, as it is in force.
#[derive(Debug, Serialize)]
struct Shown {
    key: &'static str,
    /// What somebody said; nothing where nobody did.
    value: Value,
    /// What holds where nobody says anything.
    default: String,
    origin: Value,
    #[serde(skip)]
    told: String,
}

/// Runs the command.
pub(super) fn run(command: &Command, args: &ConfigArgs, config: &Config, printer: &Printer) -> Ended {
    match command {
        Command::Show(show) => printer.result(&text(show, args, config, printer), None)?,
        Command::Check => printer.note(&match args.file().filter(|(path, _)| path.is_file()) {
            Some((path, _)) => format!("the configuration {} can be used", path.display()),
            None => "there is no configuration file; the environment and what holds without can be used"
                .to_owned(),
        }),
    }
    Ok(FINE)
}

fn text(show: &ShowArgs, args: &ConfigArgs, config: &Config, printer: &Printer) -> String {
    let shown: Vec<Shown> = values(config);
    if show.format == Form::Json {
        let file = args.file().map(|(path, named)| {
            json!({ "path": path.display().to_string(), "named": named, "there": path.is_file() })
        });
        let document = json!({ "schema": SCHEMA, "file": file, "values": shown });
        return to_pretty(&document).unwrap_or_default();
    }
    let heads: &[&str] = if show.origin { &["key", "value", "said by"] } else { &["key", "value"] };
    let mut table = table(&printer.look(false), heads);
    for one in shown {
        let value = match &one.value {
            Value::Null => one.default,
            Value::String(text) => text.clone(),
            Value::Array(list) => {
                let words =
                    list.iter().map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned));
                words.collect::<Vec<_>>().join("\n")
            }
            other => other.to_string(),
        };
        let mut row = vec![one.key.to_owned(), value];
        row.extend(show.origin.then_some(one.told));
        table.add_row(row);
    }
    format!("{table}\n")
}

/// Every key, and the three of the site.
fn values(config: &Config) -> Vec<Shown> {
    let of_key = |key: &Key| {
        let default = if key.name == "state" { state() } else { key.default.to_owned() };
        shown(config, key.name, key.name, said(config, key.name), default)
    };
    let site = config.site.clone().unwrap_or_default();
    let site = [
        ("site.jurisdictions", json!(site.jurisdictions)),
        ("site.sectors", json!(site.sectors)),
        ("site.devices", json!(site.devices)),
    ];
    let of_site = |(key, value): (&'static str, Value)| {
        let value = if value.as_array().is_some_and(Vec::is_empty) { Value::Null } else { value };
        shown(config, key, "site", value, "nothing is said of it".to_owned())
    };
    KEYS.iter().map(of_key).chain(site.into_iter().map(of_site)).collect()
}

fn shown(config: &Config, key: &'static str, said_as: &str, value: Value, default: String) -> Shown {
    // What nobody said has no origin, though its table may have one.
    let origin = config.origins.get(said_as).filter(|_| !value.is_null());
    let (origin, told) = match origin {
        None => (json!({ "kind": "default" }), "nobody: the default".to_owned()),
        Some(Origin::File(path, line)) => {
            (json!({ "kind": "file", "path": path, "line": line }), format!("{path}:{line}"))
        }
        Some(Origin::Environment(name)) => {
            (json!({ "kind": "environment", "variable": name }), format!("the variable {name}"))
        }
    };
    Shown { key, value, default, origin, told }
}

fn state() -> String {
    places::state().map_or("none is known".to_owned(), |folder| folder.display().to_string())
}

/// What somebody said of a key.
fn said(config: &Config, key: &str) -> Value {
    if !config.origins.contains_key(key) {
        return Value::Null;
    }
    match key {
        "policies" => json!(config.policies),
        "rules" => json!(config.rules),
        "built_in" => json!(config.built_in),
        "waivers" => json!(config.waivers),
        "trusted_keys" => json!(config.trusted_keys),
        "state" => json!(config.state),
        "scope" => json!(config.scope),
        "depth" => json!(config.depth),
        "budget" => json!(config.budget),
        "wait" => json!(config.wait),
        "priority" => json!(config.priority),
        "users" => json!(config.users),
        "site_key" => json!(config.site_key),
        "max_memory" => json!(config.max_memory),
        "log" => json!(config.log.as_ref().map(ToString::to_string)),
        "fail_on" => json!(config.fail_on),
        "output" => json!(config.output),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_was_said_is_shown() {
        let mut config =
            Config { state: Some("/x".into()), budget: Some(1), wait: Some(2), ..Config::default() };
        config.priority = Some(super::super::look::Priority::Low);
        config.users = Some(super::super::fleet::Users::Named);
        config.site_key = Some("/key".into());
        config.max_memory = Some(64);
        config.log = Some(super::super::log::LogTo::Nowhere);
        config.fail_on = Some(super::super::scan::FailOn::Never);
        config.scope = Some(super::super::look::ScopeWord::User);
        config.depth = Some(super::super::look::DepthWord::Quick);
        for key in KEYS {
            config.origins.insert(key.name, Origin::File("/f".into(), 3));
        }
        let shown = values(&config);
        assert_eq!(shown.len(), KEYS.len() + 3);
        for one in shown.iter().take(KEYS.len()) {
            assert!(!one.value.is_null(), "{}", one.key);
            assert_eq!(one.told, "/f:3");
        }
        assert!(values(&Config::default()).iter().all(|one| one.value.is_null() && !one.default.is_empty()));
    }
}
