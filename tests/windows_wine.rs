//! `interdict.exe` on a Windows of Wine that has software on it: a registry written by `reg import`, programs installed by
//! `msiexec` from packages that the test builds, a profile that is not loaded. Then the same drive from Linux, its
//! registry in hive files.
//!
//! Skipped, with the reason, without `interdict.exe` or a tool.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "lays out a machine; a test fails by panicking"
)]

mod support;

use std::collections::BTreeSet;

use interdict::parse::appx_name::publisher_id;
use interdict::parse::x509::Certificate;
use serde_json::Value;
use support::forge::{Cert, Forge};
use support::hive::HiveBuilder;
use support::windows::{CATALOGUE, UNINSTALL, certificate_blob, empty_catalogue, expand, program, sz};
use support::windows_cases::task;
use support::wine_machine::{Machine, Package, hex, user};
use support::{Run, interdict};

const LOOKALIKE: &str = include_str!("windows/lookalike.reg");
const KES: &str = "Program Files (x86)/Kaspersky Lab/Kaspersky Endpoint Security for Windows";
/// Who the package of MSIX names.
const PUBLISHER: &str = "CN=AO Kaspersky Lab, O=AO Kaspersky Lab, C=RU";

/// Whose profile is not loaded.
const ANNA: &str = "S-1-5-21-1004336348-1177238915-682003330-1001";

/// Known to Windows Installer alone: its uninstall key is taken away.
const UNLISTED: Package<'_> = Package {
    code: "{3E4D2F60-5B1C-4F0A-9A55-0C6B7D8E9201}",
    line: "{3E4D2F60-5B1C-4F0A-9A55-0C6B7D8E92FF}",
    name: "Kaspersky Anti-Virus",
    version: "21.3.10",
    manufacturer: "AO Kaspersky Lab",
    scope: "perMachine",
    below: "ProgramFiles64Folder",
    program: "kav.exe",
};
const OF_USER: Package<'_> = Package {
    code: "{5A6B7C80-1D2E-4F3A-8B4C-5D6E7F809202}",
    line: "{5A6B7C80-1D2E-4F3A-8B4C-5D6E7F8092FF}",
    name: "Kaspersky Small Office Security",
    version: "21.9.6",
    manufacturer: "AO Kaspersky Lab",
    scope: "perUser",
    below: "LocalAppDataFolder",
    program: "ksos.exe",
};

/// The text with values that are no text: `{expand:…}` is UTF-16 with an end, `{certificate}` bytes.
fn filled(forge: &Forge, package: &str) -> String {
    let subject = "/CN=Kaspersky Anti-Virus Personal Root Certificate/O=AO Kaspersky Lab";
    let der = forge.make(&Cert { subject, ..Cert::root("personal") });
    let (_, blob) = certificate_blob(&der);
    let text = LOOKALIKE
        .replace("{package}", package)
        .replace("{anna}", ANNA)
        .replace("{thumbprint}", &Certificate::read(&der).unwrap().thumbprint())
        .replace("{certificate}", &hex(3, &blob));
    let mut parts = text.split("{expand:");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let (value, rest) = part.split_once('}').unwrap();
        let (kind, bytes) = expand(value);
        out += &(hex(kind, &bytes) + rest);
    }
    out
}

fn of(company: &str, product: &str) -> Vec<u8> {
    program(&[("CompanyName", company), ("ProductName", product), ("FileDescription", product)])
}

/// What of software is in files.
fn files(machine: &Machine, package: &str) {
    machine.file(&CATALOGUE.replace("Windows/System32", "windows/system32"), empty_catalogue());
    let kes = of("AO Kaspersky Lab", "Kaspersky Endpoint Security for Windows");
    machine.file(&format!("{KES}/avp.exe"), &kes);
    machine.file(&format!("{KES}/avpui.exe"), &kes);
    let agent = of("AO Kaspersky Lab", "Kaspersky Security Center Network Agent");
    machine.file("Program Files (x86)/Kaspersky Lab/NetworkAgent/klnagent.exe", agent);
    machine.file("windows/system32/drivers/klif.sys", of("AO Kaspersky Lab", "Kaspersky Lab Driver"));
    machine.file("Program Files/7-Zip/7zFM.exe", of("Igor Pavlov", "7-Zip"));
    let update =
        task(r"C:\Program Files (x86)\Kaspersky Lab\Kaspersky Endpoint Security for Windows\avp.exe");
    machine.file("windows/system32/Tasks/Kaspersky Lab/Update", update);
    let manifest = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><Package xmlns=\"http://schemas.microsoft.com/appx/manifest/foundation/windows10\">\
         <Identity Name=\"Lookalike.App\" Publisher=\"{PUBLISHER}\" Version=\"1.2.3.0\" ProcessorArchitecture=\"x64\"/>\
         <Properties><DisplayName>ms-resource:AppName</DisplayName>\
         <PublisherDisplayName>AO Kaspersky Lab</PublisherDisplayName></Properties></Package>"
    );
    machine.file(&format!("Program Files/WindowsApps/{package}/AppxManifest.xml"), manifest);
}

/// A profile whose user is not logged on.
fn anna(machine: &Machine) {
    let safe_kids = format!(r"Software\{UNINSTALL}\SafeKids");
    let run = r"Software\Microsoft\Windows\CurrentVersion\Run";
    let hive = HiveBuilder::new()
        .value(&safe_kids, "DisplayName", sz("Kaspersky Safe Kids"))
        .value(&safe_kids, "DisplayVersion", sz("23.0.1"))
        .value(&safe_kids, "Publisher", sz("АО «Лаборатория Касперского»"))
        .value(run, "SafeKids", sz(r"%LocalAppData%\Programs\Safe Kids\safekids.exe /hidden"));
    machine.file("users/anna/NTUSER.DAT", hive.build());
    let kids = of("AO Kaspersky Lab", "Kaspersky Safe Kids");
    machine.file("users/anna/AppData/Local/Programs/Safe Kids/safekids.exe", kids);
}

/// The machine, made once for all tests of the file.
fn lay_out() -> Option<Machine> {
    let forge = Forge::open()?;
    let machine = Machine::open()?;
    let package = format!("Lookalike.App_1.2.3.0_x64__{}", publisher_id(PUBLISHER));
    files(&machine, &package);
    anna(&machine);
    machine.import(&filled(&forge, &package));
    machine.install(&UNLISTED, &of("AO Kaspersky Lab", UNLISTED.name));
    machine.install(&OF_USER, &of("AO Kaspersky Lab", OF_USER.name));
    let uninstall = format!(r"HKLM\SOFTWARE\{UNINSTALL}\{}", UNLISTED.code);
    machine.run("reg", ["delete", &uninstall, "/f"]);
    Some(machine)
}

/// Product, state, confidence, whether it decides; whose it is; sources of its evidence.
type Found = (String, String, String, bool, BTreeSet<String>, BTreeSet<String>);

/// What is there: product, state and confidence; whose it is; what shows it.
const EXPECTED: &[[&str; 5]] = &[
    ["anti-virus", "installed", "confirmed", "machine", "msi"],
    [
        "endpoint-security",
        "installed",
        "confirmed",
        "machine own",
        "executables run-keys scheduled-tasks services uninstall-keys",
    ],
    ["network-agent", "installed", "confirmed", "machine", "executables services uninstall-keys"],
    // The package, and programs that name their maker and no product of his.
    ["other", "installed", "probable", "anna machine own", "appx executables"],
    ["password-manager", "installed", "confirmed", "own", "uninstall-keys"],
    [
        "protection-core",
        "installed",
        "confirmed",
        "machine",
        "certificates drivers executables services vendor-folders vendor-keys",
    ],
    ["safe-kids", "installed", "confirmed", "anna", "uninstall-keys"],
    // Wine writes the uninstall key of a user's package for the machine.
    ["small-office-security", "installed", "confirmed", "machine own", "msi uninstall-keys"],
    // A name alone.
    ["vpn", "installed", "probable", "own", "uninstall-keys"],
    // A service without its program.
    ["windows-server", "remnant", "probable", "machine", "services"],
];

fn expected() -> Vec<Found> {
    let words = |text: &str| -> BTreeSet<String> {
        text.split(' ').map(|word| if word == "own" { user() } else { word.to_owned() }).collect()
    };
    let row = |[product, state, confidence, whose, sources]: &[&str; 5]| {
        let product = format!("kaspersky.{product}");
        let decides = *state != "remnant";
        (product, (*state).to_owned(), (*confidence).to_owned(), decides, words(whose), words(sources))
    };
    EXPECTED.iter().map(row).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// `machine`, or the name of the user that a scope is of.
fn whose(report: &Value, scope: &Value) -> String {
    let scope = text(scope);
    let Some(n) = scope.strip_prefix("user:") else { return scope };
    let mut users = report["host"]["users"].as_array().unwrap().iter();
    text(&users.find(|user| user["n"].as_u64() == n.parse().ok()).unwrap()["name"])
}

fn findings(report: &Value) -> Vec<Found> {
    let found = report["findings"].as_array().unwrap().iter();
    let mut found: Vec<Found> = found
        .map(|found| {
            let evidence = found["evidence"].as_array().unwrap();
            let shown: BTreeSet<String> = evidence.iter().map(Value::to_string).collect();
            assert_eq!(shown.len(), evidence.len(), "each piece once: {found:#}");
            (
                text(&found["product"]),
                text(&found["state"]),
                text(&found["confidence"]),
                found["decides"].as_bool().unwrap(),
                evidence.iter().map(|one| whose(report, &one["scope"])).collect(),
                evidence.iter().map(|one| text(&one["source"])).collect(),
            )
        })
        .collect();
    found.sort();
    found
}

/// Every source has read all of its places, or has none on such a system. A process of the system may end while it is
/// looked at: that is told, and hides nothing.
fn is_whole(report: &Value) {
    for source in report["coverage"]["sources"].as_array().unwrap() {
        let gaps = source["gaps"].as_array().unwrap();
        let ended = source["source"] == "processes"
            && gaps.iter().all(|gap| gap["reason"] == "vanished" && gap["blocking"] == false);
        assert!(ended || gaps.is_empty(), "{source:#}");
        let status = text(&source["status"]);
        let whole = ["complete", "not-applicable"].contains(&status.as_str());
        assert!(whole || (ended && status == "partial"), "{source:#}");
    }
}

/// What is there, each thing by each place that it was seen in: all but what merely runs.
fn inventory(report: &Value) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for item in report["items"].as_array().unwrap() {
        let fields = ["kind", "name", "display_name", "version", "publisher", "identifiers", "path"];
        let item_shown: Vec<String> = fields.iter().map(|field| item[field].to_string()).collect();
        for sighting in item["sightings"].as_array().unwrap() {
            if sighting["source"] == "processes" {
                continue;
            }
            let fields = ["source", "state", "image"].map(|field| sighting[field].to_string());
            let whose = whose(report, &sighting["scope"]);
            seen.insert(format!("{} | {} | {whose}", item_shown.join(" "), fields.join(" ")));
        }
    }
    seen
}

/// Items of the live system have their ids; those of its disk are the same.
fn ids(report: &Value) -> BTreeSet<String> {
    let items = report["items"].as_array().unwrap().iter();
    let recorded = |item: &&Value| {
        item["sightings"].as_array().unwrap().iter().any(|sighting| sighting["source"] != "processes")
    };
    items.filter(recorded).map(|item| text(&item["id"])).collect()
}

fn host(report: &Value) -> Vec<String> {
    ["family", "os", "name", "machine_id", "users", "aliases"]
        .map(|fact| report["host"][fact].to_string())
        .into()
}

#[test]
fn a_lookalike_set_is_found_on_the_running_system_and_on_its_disk() {
    let Some(machine) = lay_out() else { return };
    let scanned = machine.wine.interdict(["scan", "--format", "json"]);
    let listed = machine.wine.interdict(["inventory", "--format", "json"]);
    let shown = machine.wine.interdict(["scan", "--color", "never"]);
    let loaded = Run::of(machine.wine.command("reg").args(["query", &format!(r"HKU\{ANNA}")]));
    assert_ne!(loaded.code, 0, "anna's profile is not loaded: {loaded:?}");

    let live = scanned.json();
    assert_eq!((scanned.code, &live["verdict"]), (1, &Value::from("non-compliant")), "{scanned:?}");
    assert_eq!(findings(&live), expected(), "{live:#}");
    is_whole(&live);
    for part in [
        "NON-COMPLIANT",
        r"HKLM\SYSTEM\CurrentControlSet\Services\klnagent ->",
        &format!("msiexec /x {}", UNLISTED.code),
        "(missing)",
    ] {
        assert!(shown.stdout.contains(part), "{part}: {}", shown.stdout);
    }
    assert_eq!(shown.code, 1, "{shown:?}");

    machine.write_hives();
    let root = machine.at("");
    let dead = support::scan(&root, &[]);
    assert_eq!((dead.code, findings(&dead.json())), (1, expected()), "{}", dead.stdout);
    is_whole(&dead.json());
    let dead_listed = Run::of(interdict().args(["inventory", "--format", "json", "--root"]).arg(&root));
    let (live, dead_list) = (listed.json(), dead_listed.json());
    assert_eq!(host(&live), host(&dead_list));
    let (on_live, on_dead) = (inventory(&live), inventory(&dead_list));
    let differ: Vec<&String> = on_live.symmetric_difference(&on_dead).collect();
    assert!(differ.is_empty(), "{differ:#?}");
    assert!(on_live.len() > 50, "{on_live:#?}");
    assert_eq!(ids(&live), ids(&dead_list));
    for run in [&scanned, &listed, &shown, &dead, &dead_listed] {
        assert!(!run.stdout.contains("secret"), "arguments stay where they are");
    }
}
