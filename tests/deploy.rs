//! What `docs/deploy` and `packaging` ship for systems that are not at hand: read by readers that are not ours, and its names
//! compared with those of the program.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests may fail loudly")]

use std::path::{Path, PathBuf};
use std::process::Command;

use plist::Value;

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(at(path)).unwrap()
}

fn profile() -> Value {
    Value::from_file(at("docs/deploy/macos-full-disk-access.mobileconfig")).unwrap()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.as_dictionary().unwrap().get(key).and_then(Value::as_string).unwrap()
}

/// Keys that the profile and each payload must have:
/// <https://developer.apple.com/documentation/devicemanagement/toplevel>.
fn is_payload(value: &Value, kind: &str) {
    assert_eq!(text(value, "PayloadType"), kind);
    let uuid = text(value, "PayloadUUID");
    let groups: Vec<usize> = uuid.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12], "{uuid}");
    assert!(uuid.chars().all(|c| c == '-' || c.is_ascii_hexdigit()), "{uuid}");
    assert!(!text(value, "PayloadIdentifier").is_empty());
    let version = value.as_dictionary().unwrap().get("PayloadVersion").unwrap();
    assert_eq!(version.as_signed_integer(), Some(1));
}

#[test]
fn the_profile_grants_full_disk_access_and_nothing_else() {
    let profile = profile();
    is_payload(&profile, "Configuration");
    assert_eq!(text(&profile, "PayloadScope"), "System", "no user may have such a profile of their own");
    let payloads = profile.as_dictionary().unwrap().get("PayloadContent").unwrap().as_array().unwrap();
    let [payload] = payloads.as_slice() else { panic!("{payloads:?}") };
    is_payload(payload, "com.apple.TCC.configuration-profile-policy");
    assert_ne!(text(payload, "PayloadUUID"), text(&profile, "PayloadUUID"));
    let services = payload.as_dictionary().unwrap().get("Services").unwrap().as_dictionary().unwrap();
    assert_eq!(services.keys().collect::<Vec<_>>(), ["SystemPolicyAllFiles"]);
    let [identity] = services.get("SystemPolicyAllFiles").unwrap().as_array().unwrap().as_slice() else {
        panic!("one program")
    };
    assert_eq!(
        (text(identity, "IdentifierType"), text(identity, "Identifier")),
        ("path", "/usr/local/bin/interdict")
    );
    assert_eq!(text(identity, "CodeRequirement"), "CODE-REQUIREMENT", "to be filled in");
    let identity = identity.as_dictionary().unwrap();
    assert_eq!(identity.get("Allowed").unwrap().as_boolean(), Some(true));
    assert!(identity.get("Authorization").is_none(), "either that or Allowed");
    assert_eq!(identity.get("StaticCode").unwrap().as_boolean(), Some(false));
}

/// Who fills it in finds each word in the guide.
#[test]
fn the_guide_names_what_is_to_be_filled_in() {
    let guide = read("docs/deploy/README.md");
    let profile = read("docs/deploy/macos-full-disk-access.mobileconfig");
    for word in ["CODE-REQUIREMENT", "ORGANISATION", "/usr/local/bin/interdict"] {
        assert!(guide.contains(word) && profile.contains(word), "{word}");
    }
    assert!(guide.contains("full-disk-access"), "the gap's name");
}

/// Whether the program takes a scan's arguments: with a root that is none, all else being right, it ends with 2 and says so.
fn takes(args: &[String]) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_interdict"));
    let root = tempfile::tempdir().unwrap();
    let output = command.args(args).arg("--root").arg(root.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    output.status.code() == Some(2) && said.contains("not the root of")
}

#[test]
fn the_unit_the_daemon_and_cron_call_a_scan_that_the_program_takes() {
    let unit = read("packaging/linux/interdict.service");
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/interdict ")).unwrap();
    assert!(takes(&line.split(' ').map(str::to_owned).collect::<Vec<_>>()), "{line}");
    assert!(!takes(&["scan".into(), "--no-such-argument".into()]));

    let daemon = Value::from_file(at("packaging/macos/interdict.scan.plist")).unwrap();
    assert_eq!(text(&daemon, "Label"), "interdict.scan", "launchd wants the file named after it");
    let daemon = daemon.as_dictionary().unwrap();
    assert_eq!(daemon.get("Umask").unwrap().as_unsigned_integer(), Some(0o077));
    assert!(!read("packaging/macos/package.sh").contains("LaunchDaemons"), "nobody asked for it");
    let called = daemon.get("ProgramArguments").unwrap().as_array().unwrap();
    let called: Vec<String> = called.iter().map(|one| one.as_string().unwrap().to_owned()).collect();
    assert_eq!(called.first().map(String::as_str), Some("/usr/local/bin/interdict"));
    assert!(takes(called.get(1..).unwrap()), "{called:?}");
}

/// The configuration of the packages changes nothing, and what it has as comments is right when the marks are taken away.
#[test]
fn the_configuration_of_the_packages_is_right_with_and_without_its_comments() {
    let shipped = read("packaging/config.toml");
    let opened: String = shipped
        .lines()
        .map(|line| {
            line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line).to_owned() + "\n"
        })
        .collect();
    assert_ne!(opened, shipped);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    for name in ["rules", "waivers.toml", "our.pub"] {
        opened.find(name).unwrap();
    }
    for (written, code) in
        [(shipped.as_str(), Some(0)), (opened.as_str(), Some(2)), ("schema = 1\nx = 1\n", Some(2))]
    {
        std::fs::write(&config, written).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_interdict"));
        let output = command.args(["rules", "list", "--quiet", "--config"]).arg(&config).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), code, "{said}");
        // Of the opened one only what it names is missing.
        assert_eq!(said.contains("error[E"), written.contains("x = 1"), "{said}");
    }
}

/// Munki's keys that it cannot do without: <https://github.com/munki/munki/wiki/Supported-Pkginfo-Keys>.
#[test]
fn what_munki_is_told_names_the_package() {
    let info = Value::from_file(at("docs/deploy/macos/munki-pkginfo.plist")).unwrap();
    let package = format!("interdict-{}.pkg", text(&info, "version"));
    assert!(text(&info, "installer_item_location").ends_with(&package));
    assert!(text(&info, "uninstall_script").contains("/usr/local/share/interdict/uninstall.sh"));
    assert!(read("packaging/macos/package.sh").contains("$share/interdict/uninstall.sh"));
}

/// Intune compares what the script says with rules by name; the version is that of the package.
#[test]
fn the_recipes_for_windows_agree_with_each_other_and_with_the_package() {
    let rules: serde_json::Value =
        serde_json::from_str(&read("docs/deploy/windows/intune-compliance.json")).unwrap();
    let script = read("docs/deploy/windows/intune-compliance.ps1");
    let rules = rules["Rules"].as_array().unwrap();
    assert!(rules.len() == 2);
    for rule in rules {
        let name = rule["SettingName"].as_str().unwrap();
        assert!(script.contains(&format!("{name} =")), "{name}");
        for key in ["Operator", "DataType", "Operand", "MoreInfoUrl"] {
            assert!(rule[key].is_string(), "{name}: {key}");
        }
        let told = &rule["RemediationStrings"][0];
        assert!(told["Language"] == "en_US" && told["Title"].is_string() && told["Description"].is_string());
    }
    let version = env!("CARGO_PKG_VERSION");
    for (file, said) in [
        ("docs/deploy/windows/intune-detect.ps1", format!("'{version}'")),
        ("docs/deploy/windows/install.cmd", format!("VERSION={version}\r\n")),
        ("docs/deploy/ansible/interdict.yml", format!("interdict_version: {version}\n")),
        ("docs/deploy/container/Containerfile", format!("VERSION={version}\n")),
        ("docs/deploy/macos/munki-pkginfo.plist", format!("<string>{version}</string>")),
    ] {
        assert!(read(file).contains(&said), "{file} is not of version {version}");
    }
}
