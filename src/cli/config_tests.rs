//! What a configuration file says and what the environment says over it.

use super::*;

fn layered(file: &str, environment: &str) -> Result<Config, Vec<String>> {
    let mut config = Config::default();
    let of_file = |at: &At, _: &str| Origin::File(at.file().to_owned(), at.line());
    let of_environment = |_: &At, key: &str| Origin::Environment(environment::variable(key));
    let base = Path::new("/etc/interdict");
    let mut faults = config.take("/etc/interdict/config.toml", file.to_owned(), base, &of_file);
    let environment = format!("schema = 1\n{environment}");
    faults.extend(config.take(environment::NAME, environment, Path::new(""), &of_environment));
    if faults.is_empty() {
        Ok(config)
    } else {
        Err(faults.iter().map(|one| one.code.word().to_owned()).collect())
    }
}

fn read(text: &str) -> Result<Config, Vec<String>> {
    layered(text, "")
}

#[test]
fn an_empty_configuration_changes_nothing() {
    assert_eq!(read("schema = 1\n"), Ok(Config::default()));
}

#[test]
fn relative_paths_are_meant_from_the_file() {
    let text = "schema = 1\npolicies = [\"us-commerce\", \"ours.toml\"]\nrules = [\"rules\", \"/srv/rules\"]\n\
                waivers = [\"../w.toml\"]\ntrusted_keys = [\"our.pub\"]\nstate = \"state\"\nbuilt_in = false\n\
                output = [\"json=r.json\", \"/srv/r.md\", \"r.csv\"]\n";
    let config = read(text).unwrap();
    assert_eq!(config.policies, ["us-commerce", "/etc/interdict/ours.toml"]);
    assert_eq!(config.rules, [Path::new("/etc/interdict/rules"), Path::new("/srv/rules")]);
    assert_eq!(config.waivers, [Path::new("/etc/interdict/../w.toml")]);
    assert_eq!(config.trusted_keys, ["/etc/interdict/our.pub"]);
    assert_eq!(config.state.as_deref(), Some(Path::new("/etc/interdict/state")));
    assert_eq!(config.output, ["json=/etc/interdict/r.json", "/srv/r.md", "/etc/interdict/r.csv"]);
    assert!(!config.built_in);
}

#[test]
fn every_fault_is_told_at_once() {
    let text = "policies = 3\nrule = []\nbuilt_in = \"no\"\ntrusted_keys = [\"RW\"]\nbudget = -1\ndepth = \"far\"\n\
                wait = 99999999999\n[site]\nsectors = [\"x\"]\ncolour = 1\n";
    let mut codes = read(text).unwrap_err();
    codes.sort();
    let known = ["E0102", "E0102", "E0103", "E0103", "E0103", "E0103", "E0105", "E0107", "E0107", "E0107"];
    assert_eq!(codes, known);
    assert_eq!(read("schema = 1\nx = \n"), Err(vec!["E0101".to_owned()]));
}

#[test]
fn the_environment_wins_over_the_file_key_by_key_and_each_is_known_by_its_place() {
    let file = "schema = 1\npolicies = [\"a\", \"b\"]\nbudget = 60\ndepth = \"deep\"\nbuilt_in = false\n";
    let config =
        layered(file, "policies = [\"c\"]\nbudget = 5\nbuilt_in = true\nscope = \"system\"\n").unwrap();
    assert_eq!((config.policies, config.budget), (vec!["c".to_owned()], Some(5)));
    assert!(config.built_in, "said anew, though it is what would be without");
    assert_eq!((config.depth, config.scope), (Some(DepthWord::Deep), Some(ScopeWord::System)));
    let environment = |name: &str| Some(Origin::Environment(format!("INTERDICT_{name}")));
    assert_eq!(config.origins.get("budget").cloned(), environment("BUDGET"));
    assert_eq!(config.origins.get("built_in").cloned(), environment("BUILT_IN"));
    let line = Origin::File("/etc/interdict/config.toml".to_owned(), 4);
    assert_eq!(config.origins.get("depth"), Some(&line));
    assert_eq!(config.origins.get("rules"), None);
}

#[test]
fn every_key_is_read_and_can_be_said_by_the_environment() {
    for key in KEYS {
        let value = match (key.name, key.kind) {
            ("scope", _) => "\"all\"",
            ("priority", _) => "\"low\"",
            ("users", _) => "\"named\"",
            ("depth", _) => "\"quick\"",
            ("log", _) => "\"none\"",
            ("fail_on", _) => "\"never\"",
            ("trusted_keys", _) => "[\"a.pub\"]",
            (_, Kind::Text) => "\"x\"",
            (_, Kind::Texts) => "[\"x\"]",
            (_, Kind::Bool) => "true",
            (_, Kind::Number) => "7",
        };
        let config = layered("schema = 1\n", &format!("{} = {value}\n", key.name));
        let config = config.unwrap_or_else(|faults| panic!("{}: {faults:?}", key.name));
        assert_eq!(config.origins.keys().collect::<Vec<_>>(), [&key.name]);
    }
}
