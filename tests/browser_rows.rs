//! Every row of the reference that browsers have (B.1.3: Kaspersky's extensions and native hosts; B.2: Chrome Remote
//! Desktop) is found on a disk of each system, through the source that sees such things on real ones. Extensions of Safari
//! are bundles: `app-bundles` sees them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test reads what it wrote, and fails by panicking"
)]

mod support;

use serde_json::Value;
use support::macos::Macos;
use support::windows::{Windows, sz};
use support::{Root, Run};

const HOST: &str = "com.kaspersky.kav.fc580de9124e479b8be54721f5fb2f59.host";
const EXTENSION: &str = "kaspersky.browser-extension";
/// Ids of Chromium with their product and how much the id says by itself.
const CHROMIUM: &[(&str, &str)] = &[
    ("ahkjpbeeocnddjkakilopmfdlnjdpcdm", EXTENSION),
    ("amkpcclbbgegoafihnpgomddadjhcadd", EXTENSION),
    ("dhnkblpjbkfklfloegejegedcafpliaa", "kaspersky.password-manager"),
    ("inomeogfingihgjfjlpeplalcfajhgai", "google.chrome-remote-desktop-extension"),
];
/// Those that only the old program for macOS brought.
const CHROMIUM_MACOS: &[(&str, &str)] =
    &[("ddoleachckhhdmhpbkddgechjfhnphpe", EXTENSION), ("mcobjbefejmnadahpjbfibgkgchhmjke", EXTENSION)];
/// One list alone has it, and it looks invented: never found.
const INVENTED: &str = "injhfeogoehjhhacaaahfbkjlomhpgnj";
const FIREFOX: &[(&str, &str, &str)] = &[
    ("urladvisor@kaspersky.com", EXTENSION, "strong"),
    ("wvkbd@kaspersky.com", EXTENSION, "strong"),
    ("light_plugin_7d25a1@kaspersky.com", EXTENSION, "weak"),
    ("kpm_win@kaspersky.com", "kaspersky.password-manager", "weak"),
];

fn policy() -> Root {
    let rules = Root::empty();
    rules.file(
        "policies/rows.toml",
        "schema = 1\n[policy]\nid = \"rows\"\ntitle = \"All of them\"\neffective = 2020-01-01\n\
         [[prohibition]]\nid = \"rows.kaspersky\"\nvendor = \"kaspersky\"\nseverity = \"high\"\n\
         [[prohibition]]\nid = \"rows.google\"\nproducts = [\"google.chrome-remote-desktop-extension\"]\nseverity = \"high\"\n",
    );
    rules
}

fn preferences(ids: &[&str]) -> String {
    let one = |id: &&str| {
        format!(
            r#""{id}": {{"path": "{id}/1.0_0", "state": 1, "location": 1, "manifest": {{"name": "Entry", "version": "1.0"}}}}"#
        )
    };
    format!(r#"{{"extensions": {{"settings": {{{}}}}}}}"#, ids.iter().map(one).collect::<Vec<_>>().join(","))
}

/// Files of a profile of Chromium with these extensions, whose names say nothing.
fn chromium(profile: &str, ids: &[&str]) -> Vec<(String, String)> {
    let manifest = r#"{"name": "Entry", "version": "1.0", "manifest_version": 3}"#.to_owned();
    let files =
        ids.iter().map(|id| (format!("{profile}/Extensions/{id}/1.0_0/manifest.json"), manifest.clone()));
    files.chain([(format!("{profile}/Secure Preferences"), preferences(ids))]).collect()
}

fn firefox(profile: &str) -> Vec<(String, String)> {
    let one = |(id, ..): &(&str, &str, &str)| {
        format!(
            r#"{{"id": "{id}", "version": "1.0", "location": "app-profile", "defaultLocale": {{"name": "Entry"}}}}"#
        )
    };
    let addons: Vec<_> = FIREFOX.iter().map(one).collect();
    let packages = FIREFOX.iter().map(|(id, ..)| (format!("{profile}/extensions/{id}.xpi"), "PK".to_owned()));
    packages
        .chain([(format!("{profile}/extensions.json"), format!(r#"{{"addons": [{}]}}"#, addons.join(",")))])
        .collect()
}

fn native() -> String {
    format!(r#"{{"name": "{HOST}", "path": "host", "type": "stdio", "allowed_origins": []}}"#)
}

/// What is wrong: each value must rest on evidence of its source, as strong as its row says.
fn check(run: &Run, macos: bool) {
    let report = run.json();
    assert_eq!(run.code, 1, "{report:#}");
    let chromium = CHROMIUM.iter().chain(CHROMIUM_MACOS.iter().filter(|_| macos));
    let wanted = chromium.map(|(id, product)| ("chromium-extensions", *id, *product, "strong"));
    let wanted = wanted.chain(
        FIREFOX.iter().map(|(id, product, strength)| ("firefox-extensions", *id, *product, *strength)),
    );
    for (source, id, product, strength) in
        wanted.chain([("native-messaging-hosts", HOST, EXTENSION, "strong")])
    {
        let findings = report["findings"].as_array().unwrap();
        let finding = findings.iter().find(|finding| finding["product"] == product);
        assert!(finding.is_some(), "no {product}: {report:#}");
        let finding = finding.unwrap();
        let is_it = |evidence: &&Value| {
            let place = format!("{} {}", evidence["place"]["path"], evidence["place"]["record"]);
            evidence["source"] == source && place.contains(id)
        };
        let evidence = finding["evidence"].as_array().unwrap();
        let found = evidence.iter().find(is_it);
        assert!(found.is_some(), "no {id} by {source}: {finding:#}");
        let found = found.unwrap();
        assert_eq!(
            (&found["strength"], &found["state"]),
            (&strength.into(), &"installed".into()),
            "{id}: {found:#}"
        );
    }
    assert!(!report["findings"].to_string().contains(INVENTED), "{report:#}");
}

fn ids(macos: bool) -> Vec<&'static str> {
    let all = CHROMIUM.iter().chain(CHROMIUM_MACOS.iter().filter(|_| macos)).map(|(id, _)| *id);
    all.chain([INVENTED]).collect()
}

fn args(rules: &Root) -> [&str; 4] {
    ["--policy", "rows", "--rules", rules.path().to_str().unwrap()]
}

#[test]
fn on_linux() {
    let (rules, root) = (policy(), Root::debian());
    root.file(
        "var/lib/dpkg/status",
        "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n",
    );
    let files = chromium("home/alice/.config/microsoft-edge/Profile 1", &ids(false)).into_iter();
    for (path, text) in files.chain(firefox("home/alice/.mozilla/firefox/p.default-esr")) {
        root.file(path, text);
    }
    root.file(format!("etc/opt/chrome/native-messaging-hosts/{HOST}.json"), native());
    root.program("etc/opt/chrome/native-messaging-hosts/host");
    check(&root.scan(&args(&rules)), false);
}

#[test]
fn on_windows() {
    let rules = policy();
    let mut disk = Windows::workstation();
    let files =
        chromium("Users/alice/AppData/Local/Google/Chrome/User Data/Default", &ids(false)).into_iter();
    for (path, text) in files.chain(firefox("Users/alice/AppData/Roaming/Mozilla/Firefox/Profiles/p.default"))
    {
        disk.add_file(&path, text);
    }
    disk.add_file("Other/host.json", native());
    disk.add_file("Other/host", "x");
    let key = format!(r"WOW6432Node\Google\Chrome\NativeMessagingHosts\{HOST}");
    disk.add("software", &key, &[("", sz(r"C:\Other\host.json"))]);
    check(&disk.build().scan(&args(&rules)), false);
}

#[test]
fn on_macos() {
    let (rules, disk) = (policy(), Macos::workstation());
    let support = "Users/alice/Library/Application Support";
    let files = chromium(&format!("{support}/Google/Chrome/Default"), &ids(true)).into_iter();
    for (path, text) in files.chain(firefox(&format!("{support}/Firefox/Profiles/p.default"))) {
        disk.file(&path, text);
    }
    disk.file(&format!("{support}/Google/Chrome/NativeMessagingHosts/{HOST}.json"), native());
    disk.file(&format!("{support}/Google/Chrome/NativeMessagingHosts/host"), "x");
    check(&disk.scan(&args(&rules)), true);
}

/// They are looked for on every system: no claim leaves them out any more.
#[test]
fn no_claim_says_that_extensions_were_not_looked_for() {
    let root = Root::debian();
    root.file(
        "var/lib/dpkg/status",
        "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n",
    );
    for run in [root.scan(&[]), Windows::workstation().build().scan(&[]), Macos::workstation().scan(&[])] {
        let claim = run.json()["claim"]["text"].as_str().unwrap_or_default().to_owned();
        assert!(!claim.is_empty() && !claim.contains("browser extensions"), "{claim}");
    }
}
