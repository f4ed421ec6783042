//! The running Windows as interdict sees it, where its registry and drives are not what programs expect. Wine stands in
//! for Windows, with a registry and drives of its own for each test.
//!
//! Skipped, with the reason, where `interdict.exe` or Wine is missing.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "writes what is to be looked at; a test fails by panicking"
)]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use support::wine::{Wine, exe};

const UNINSTALL: &str = r"Software\Microsoft\Windows\CurrentVersion\Uninstall";

/// A Windows that nobody else changes.
fn own() -> Option<(tempfile::TempDir, Wine)> {
    let folder = tempfile::tempdir().unwrap();
    let wine = Wine::at(exe()?, folder.path().join("wine"))?;
    Some((folder, wine))
}

/// Writes keys as `reg import` takes them: UTF-16, as Windows itself exports.
fn import(wine: &Wine, folder: &tempfile::TempDir, text: &str) {
    let text = format!("\u{feff}Windows Registry Editor Version 5.00\r\n\r\n{}", text.replace('\n', "\r\n"));
    let file = folder.path().join("keys.reg");
    fs::write(&file, text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()).unwrap();
    let run = wine.command("reg").args(["import", &Wine::path(&file)]).output().unwrap();
    assert!(run.status.success(), "{run:?}");
}

fn inventory(wine: &Wine) -> Value {
    wine.interdict(["inventory", "--format", "json"]).json()
}

/// Places of the sightings of what has this name.
fn places(inventory: &Value, name: &str) -> Vec<String> {
    let items = inventory["items"].as_array().unwrap().iter();
    let named = items.filter(|item| item["name"] == name || item["display_name"] == name);
    let sightings = named.flat_map(|item| item["sightings"].as_array().unwrap());
    sightings.map(|sighting| sighting["place"]["path"].as_str().unwrap().to_owned()).collect()
}

fn source<'i>(inventory: &'i Value, name: &str) -> &'i Value {
    let mut sources = inventory["coverage"]["sources"].as_array().unwrap().iter();
    sources.find(|source| source["source"] == name).unwrap()
}

/// A name may have 16,383 letters, a value a megabyte, and a type any number: a user may write such into keys of his own to
/// stop who reads them.
#[test]
fn names_values_and_types_that_programs_do_not_expect() {
    let Some((folder, wine)) = own() else { return };
    let mut text = String::new();
    for hive in ["HKEY_LOCAL_MACHINE", "HKEY_CURRENT_USER"] {
        writeln!(text, r"[{hive}\{UNINSTALL}\Odd Пользователь]").unwrap();
        writeln!(text, "\"{}\"=\"long\"", "n".repeat(16_000)).unwrap();
        writeln!(text, "\"DisplayName\"=\"Odd {}\"", "d".repeat(1200)).unwrap();
        writeln!(text, "\"Large\"=hex:{}", vec!["41"; 300_000].join(",")).unwrap();
        writeln!(text, "\"Publisher\"=hex(ffff0012):41,00").unwrap();
        writeln!(text, "\"DisplayVersion\"=hex(1):31,00,2e,00,32\n").unwrap();
        writeln!(text, r"[{hive}\{UNINSTALL}\Behind]").unwrap();
        writeln!(text, "\"DisplayName\"=\"Behind it\"\n").unwrap();
    }
    import(&wine, &folder, &text);
    let inventory = inventory(&wine);
    let odd = places(&inventory, &format!("Odd {}", "d".repeat(1200)));
    assert_eq!(odd.len(), 2, "{odd:?}");
    assert!(odd[0].ends_with(r"Uninstall\Odd Пользователь"), "{odd:?}");
    let mut behind = places(&inventory, "Behind it");
    behind.sort();
    assert!(behind[0].starts_with(r"HKLM\SOFTWARE\"), "{behind:?}");
    assert!(behind[1].starts_with(r"HKU\S-1-5-21-"), "{behind:?}");
    assert_ne!(source(&inventory, "uninstall-keys")["status"], "failed");
}

/// What is on a network, in a reader or may be pulled out is not entered; a profile there is a gap that blocks.
#[test]
fn drives_that_are_no_part_of_the_computer_are_not_entered() {
    let Some((folder, wine)) = own() else { return };
    let drives = [("d", "network"), ("e", "cdrom"), ("f", "floppy"), ("g", "hd")];
    let mut text = String::from("[HKEY_LOCAL_MACHINE\\Software\\Wine\\Drives]\n");
    for (letter, kind) in drives {
        writeln!(text, "\"{letter}:\"=\"{kind}\"").unwrap();
        let profile = folder.path().join(letter).join("profile");
        fs::create_dir_all(&profile).unwrap();
        fs::write(profile.join("NTUSER.DAT"), "no hive").unwrap();
        let link = wine.drive().parent().unwrap().join("dosdevices").join(format!("{letter}:"));
        std::os::unix::fs::symlink(folder.path().join(letter), link).unwrap();
    }
    let list = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
    for (n, (letter, _)) in drives.iter().enumerate() {
        writeln!(text, "\n[{list}\\S-1-5-21-7-7-7-{n}]\n\"ProfileImagePath\"=\"{letter}:\\\\profile\"")
            .unwrap();
    }
    import(&wine, &folder, &text);
    let inventory = inventory(&wine);
    let homes: Vec<&str> = inventory["host"]["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["home"].as_str().unwrap())
        .collect();
    assert!(homes.contains(&r"G:\profile"), "{homes:?}");
    let elsewhere = |home: &&&str| ["D:", "E:", "F:"].iter().any(|drive| home.starts_with(drive));
    assert_eq!(homes.iter().filter(elsewhere).count(), 0, "{homes:?}");
    let gaps = inventory["host"]["user_gaps"].as_array().unwrap();
    let blocking = |letter: char| {
        let path = format!(r"{letter}:\profile");
        gaps.iter().any(|gap| gap["path"] == path && gap["blocking"] == true)
    };
    assert!(blocking('D') && blocking('E') && blocking('F'), "{gaps:?}");
}

/// A program that runs is seen with its file, owner and start; its own file may have any name.
#[test]
fn a_running_program_has_its_file_and_owner() {
    let Some((_folder, wine)) = own() else { return };
    let folder = wine.drive().join("Program Files/Ünï 用户");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(exe().unwrap(), folder.join("приём.exe")).unwrap();
    let path = r"C:\Program Files\Ünï 用户\приём.exe";
    let run = support::Run::of(wine.command(path).args(["inventory", "--format", "json"]));
    let inventory = run.json();
    let items = inventory["items"].as_array().unwrap().iter().filter(|item| item["name"] == "приём.exe");
    let mut sightings = items.flat_map(|item| item["sightings"].as_array().unwrap());
    let sighting = sightings.find(|sighting| sighting["source"] == "processes").unwrap();
    assert_eq!(sighting["state"], "running");
    assert_eq!(sighting["image"]["path"], path, "{sighting:#}");
    let user = &inventory["host"]["users"][0]["name"];
    assert_eq!(&sighting["process"]["owner"], user, "{sighting:#}");
    assert!(sighting["process"]["started"].as_str().unwrap().starts_with("20"), "{sighting:#}");
    assert_eq!(sighting["process"]["deleted"], false);
}

/// Every user may make a folder below `ProgramData`: a scan with an administrator's rights obeys no configuration that others
/// can change. Wine makes the rights of a file up from its mode.
#[test]
fn a_configuration_that_others_can_change_is_refused() {
    let Some((folder, wine)) = own() else { return };
    let place = folder.path().join("wine/drive_c/ProgramData/interdict");
    fs::create_dir_all(&place).unwrap();
    let file = place.join("config.toml");
    fs::write(&file, "schema = 1\npolicies = [\"us-commerce\"]\n").unwrap();
    let check = |mode: u32| {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        wine.interdict(["config", "check"])
    };
    let own = check(0o644);
    assert_eq!(own.code, 0, "{own:?}");
    let open = check(0o666);
    assert_eq!(open.code, 2, "{open:?}");
    for part in ["config.toml", "others than administrators", "may be changed by everybody", "icacls"] {
        assert!(open.stderr.contains(part), "{part}: {}", open.stderr);
    }
}
