//! What of a Windows disk is read and what it may lack: the sane one is clean, and nothing that is missing, locked,
//! cut, noise or half written is.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test breaks its own disks, and fails by panicking"
)]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use interdict::parse::guid::Guid;
use serde_json::Value;
use support::windows::{
    CATALOGUE, PROFILES, SERVICES, UNINSTALL, Windows, classes, dword, empty_catalogue, expand, multi,
    program, sz,
};
use support::{Run, scan_as_nobody};

/// All sources complete or not applicable, nothing found, exit code 0: the ground that all tests stand on.
#[test]
fn a_sane_workstation_is_clean_without_a_gap() {
    let root = Windows::workstation().with_user("bob").build();
    let run = root.scan(&[]);
    let report = run.json();
    assert_eq!(run.code, 0, "{report:#}");
    for source in report["coverage"]["sources"].as_array().unwrap() {
        assert_eq!(source["gaps"].as_array().unwrap().len(), 0, "{source:#}");
    }
    assert_eq!(report["findings"].as_array().unwrap().len(), 0);
    assert_eq!(report["host"]["name"], "WS-042");
    assert_eq!(report["host"]["os"]["name"], "Windows 11 Pro 23H2");
    let users = users(&report);
    assert!(users.contains(&"alice".to_owned()) && users.contains(&"bob".to_owned()), "{users:?}");
}

fn users(report: &Value) -> Vec<String> {
    let users = report["host"]["users"].as_array().unwrap();
    users.iter().map(|user| user["name"].as_str().unwrap().to_owned()).collect()
}

/// Every gap of every source.
fn gaps(report: &Value) -> Vec<Value> {
    let sources = report["coverage"]["sources"].as_array().unwrap();
    sources.iter().flat_map(|source| source["gaps"].as_array().unwrap().clone()).collect()
}

#[test]
fn a_disk_without_one_of_its_hives_is_not_clean() {
    for hive in [
        "Windows/System32/config/SOFTWARE",
        "Windows/System32/config/SYSTEM",
        "Users/alice/NTUSER.DAT",
        "Windows/System32/config/DEFAULT",
    ] {
        let root = Windows::workstation().build();
        fs::remove_file(root.at(hive)).unwrap();
        let run = root.scan(&[]);
        assert_eq!(run.code, 3, "{hive}: {}", run.stdout);
        let missing = gaps(&run.json()).into_iter().find(|gap| gap["reason"] == "missing");
        let place = missing.unwrap()["places"].to_string().replace(r"\\", "/");
        assert!(place.contains(hive), "{hive}: {place}");
    }
}

#[test]
fn a_disk_without_its_folder_of_hives_is_not_clean() {
    let root = Windows::workstation().build();
    fs::remove_dir_all(root.at("Windows/System32/config")).unwrap();
    let run = root.scan(&[]);
    assert_eq!(run.code, 3, "{}", run.stdout);
}

/// No list of profiles: those whose folders are there are read all the same, and others may be missed.
#[test]
fn a_disk_without_its_list_of_profiles_is_not_clean() {
    let run = Windows::workstation().without("software", PROFILES).scan(&[]);
    let report = run.json();
    assert_eq!(run.code, 3, "{report:#}");
    assert!(users(&report).contains(&"alice".to_owned()), "{report:#}");
}

/// Profiles in containers that are not here: whoever they belong to may have installed anything.
#[test]
fn profiles_that_are_kept_elsewhere_are_a_gap_by_name() {
    let sid = "S-1-5-21-1004336348-1177238915-682003330-1700";
    let disk = Windows::workstation()
        .software(
            r"FSLogix\Profiles",
            &[("Enabled", dword(1)), ("VHDLocations", multi(&[r"\\server\profiles"]))],
        )
        .software(&format!(r"{PROFILES}\{sid}"), &[("ProfileImagePath", expand(r"C:\Users\carol"))]);
    let run = disk.scan(&[]);
    assert_eq!(run.code, 3, "{}", run.stdout);
    let gap = gaps(&run.json()).into_iter().find(|gap| gap["reason"] == "profile-elsewhere").unwrap();
    assert!(gap["detail"].as_str().unwrap().contains(r"\\server\profiles"), "{gap:#}");
}

/// A key that is left of a deleted profile hides nothing.
#[test]
fn a_profile_without_its_folder_is_no_reason_to_doubt() {
    let sid = "S-1-5-21-1004336348-1177238915-682003330-1700";
    let disk = Windows::workstation()
        .software(&format!(r"{PROFILES}\{sid}"), &[("ProfileImagePath", expand(r"C:\Users\carol"))]);
    let run = disk.scan(&[]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(gaps(&run.json()).iter().any(|gap| gap["reason"] == "vanished" && gap["blocking"] == false));
}

/// Profiles of every kind are read: a broken one that Windows set aside, one that nobody lists, that of new accounts and
/// those of services.
#[test]
fn whoever_has_a_hive_is_looked_at() {
    let mut disk = Windows::workstation();
    let sid = disk.add_user("dora");
    disk = disk.without("software", &format!(r"{PROFILES}\{sid}"));
    let sid = disk.add_user("emil");
    disk = disk.without("software", &format!(r"{PROFILES}\{sid}"));
    disk.set("software", &format!(r"{PROFILES}\{sid}.bak"), "ProfileImagePath", expand(r"C:\Users\emil"));
    let entry = |name: &str| [("DisplayName", sz(&format!("Kaspersky Endpoint Agent {name}")))];
    let key = format!(r"Software\{UNINSTALL}\x");
    for name in ["dora", "emil", "Default"] {
        disk.add(&format!("user:{name}"), &key, &entry(name));
    }
    let run = disk.scan(&[]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    let finding = run.finding("kaspersky.endpoint-agent").unwrap();
    let names: Vec<_> =
        finding["evidence"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for name in ["dora", "emil", "Default"] {
        assert!(names.iter().any(|found| found.ends_with(name)), "{name}: {names:?}");
    }
}

/// Which control set is current stands in `Select`; the other one is of a time that is over.
#[test]
fn services_are_those_of_the_control_set_that_is_current() {
    let service =
        |set: &str| (format!(r"{set}\Services\klnagent"), [("Type", dword(16)), ("ImagePath", sz("x"))]);
    for (set, found) in [("ControlSet001", true), ("ControlSet002", false)] {
        let (key, values) = service(set);
        let run = Windows::workstation().system(&key, &values).scan(&[]);
        assert_eq!(run.finding("kaspersky.network-agent").is_some(), found, "{set}: {}", run.stdout);
    }
}

/// A user without rights sees few profiles of many: each source says so once, with the number.
#[test]
fn denied_profiles_are_one_gap_of_each_source() {
    const DENIED: u64 = 25;
    let names: Vec<String> = (0..DENIED + 5).map(|n| format!("user{n}")).collect();
    let disk = names.iter().fold(Windows::workstation(), |disk, name| disk.with_user(name));
    let root = disk.build();
    let homes: Vec<_> = names.iter().take(25).map(|name| root.at(format!("Users/{name}"))).collect();
    let mode = |mode| {
        for home in &homes {
            fs::set_permissions(home, fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    mode(0o000);
    let args = [OsStr::new("scan"), OsStr::new("--format"), OsStr::new("json"), OsStr::new("--root")];
    let run = scan_as_nobody(&[&args[..], &[root.path().as_os_str()]].concat());
    mode(0o755);
    let Some(run) = run else { return };
    assert_eq!(run.code, 3, "{}", run.stdout);
    let report = run.json();
    let of = |source: &Value| {
        let gaps = source["gaps"].as_array().unwrap().clone();
        gaps.into_iter()
            .filter(|gap| gap["reason"] == "permission-denied" && gap["blocking"] == true)
            .collect::<Vec<_>>()
    };
    let sources = report["coverage"]["sources"].as_array().unwrap();
    let with_gaps: Vec<_> =
        sources.iter().map(|one| (&one["source"], of(one))).filter(|(_, gaps)| !gaps.is_empty()).collect();
    for (source, gaps) in &with_gaps {
        assert_eq!(gaps.len(), 1, "{source}: {gaps:#?}");
        // Some look at a hive and at a folder of each.
        let count = gaps[0]["count"].as_u64().unwrap();
        let hives_only = [&Value::from("uninstall-keys"), &Value::from("run-keys")].contains(source);
        assert!(if hives_only { count == DENIED } else { count >= DENIED }, "{source}: {gaps:#?}");
        assert!(gaps[0]["places"].as_array().unwrap().len() <= 5, "{source}: {gaps:#?}");
    }
    for source in ["uninstall-keys", "run-keys", "executables", "winget", "appx"] {
        assert!(
            with_gaps.iter().any(|(known, _)| *known == source),
            "{source} says nothing of them: {report:#}"
        );
    }
}

/// The account of the system, and whoever never had classes of their own, keep them in the hive of the profile.
#[test]
fn classes_without_a_hive_of_their_own_are_read_from_the_profiles() {
    let key = r"Local Settings\Software\Microsoft\Windows\CurrentVersion\AppModel\Repository\Packages";
    let package = |name: &str| format!(r"{key}\{name}_1.0.0.0_x64__8wekyb3d8bbwe");
    let disk = |with_classes: bool| {
        let disk =
            Windows::workstation().user("alice", &format!(r"Software\Classes\{}", package("Within")), &[]);
        let root = disk.classes("alice", &package("Beside"), &[]).build();
        if !with_classes {
            fs::remove_file(root.at(classes("alice"))).unwrap();
        }
        let items = root.inventory()["items"].as_array().unwrap().clone();
        let packages = items.into_iter().filter(|item| item["sightings"][0]["source"] == "appx");
        packages.map(|item| item["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(disk(true), ["Beside"]);
    assert_eq!(disk(false), ["Within"]);
}

/// What no list of programs shows cannot be removed there.
#[test]
fn advice_is_where_a_product_can_be_removed() {
    let code = "{3E4D2F60-5B1C-4F0A-9A55-0C6B7D8E9201}";
    let packed = Guid::parse(code).unwrap().packed();
    let properties = format!(
        r"Microsoft\Windows\CurrentVersion\Installer\UserData\S-1-5-18\Products\{packed}\InstallProperties"
    );
    let values = [("DisplayName", sz("Kaspersky Anti-Virus")), ("Publisher", sz("AO Kaspersky Lab"))];
    let advice = |listed: bool| {
        let mut disk = Windows::workstation().software(&properties, &values);
        if listed {
            disk = disk.software(&format!(r"{UNINSTALL}\{code}"), &values);
        }
        disk.scan(&[]).finding("kaspersky.anti-virus").unwrap()["advice"].as_str().unwrap().to_owned()
    };
    let (listed, unlisted) = (advice(true), advice(false));
    assert!(listed.contains("uninstall 'Kaspersky Anti-Virus' in Settings, Apps"), "{listed}");
    assert!(!listed.contains("msiexec"), "{listed}");
    assert!(
        unlisted.contains(&format!("msiexec /x {code}")) && !unlisted.contains("Settings, Apps"),
        "{unlisted}"
    );
}

/// A driver by the vendor's name with no signature of its own, and what may list it.
fn unsigned_driver() -> Windows {
    let values = [("Type", dword(2)), ("ImagePath", expand(r"system32\drivers\klif.sys"))];
    let disk = Windows::workstation().system(&format!(r"{SERVICES}\KLIF"), &values);
    disk.file("Windows/System32/drivers/klif.sys", program(&[]))
}

fn class(run: &Run) -> String {
    run.finding("kaspersky.protection-core").unwrap()["class"].as_str().unwrap().to_owned()
}

/// That nobody signed a driver makes it somebody else's, and can be said only where every catalogue was searched.
#[test]
fn a_driver_is_unsigned_only_where_no_catalogue_may_list_it() {
    let run = unsigned_driver().scan(&[]);
    assert_eq!((run.code, class(&run)), (0, "impostor".to_owned()), "{}", run.stdout);
    let folder = Path::new(CATALOGUE).parent().unwrap();
    for what in ["missing", "empty", "garbage", "cut"] {
        let root = unsigned_driver().build();
        match what {
            "missing" => fs::remove_dir_all(root.at(folder)).unwrap(),
            "empty" => fs::remove_file(root.at(CATALOGUE)).unwrap(),
            "garbage" => _ = root.file(CATALOGUE, b"no catalogue"),
            _ => _ = root.file(CATALOGUE, &empty_catalogue()[..30]),
        }
        let run = root.scan(&[]);
        assert_eq!((run.code, class(&run)), (1, "product".to_owned()), "{what}: {}", run.stdout);
    }
}

/// A name that says little decides nothing; a signature would, and was not looked at.
#[test]
fn a_weak_name_whose_signature_could_not_be_looked_for_is_not_clean() {
    let disk = || Windows::workstation().file("Program Files/Acme/avp.exe", program(&[])).build();
    assert_eq!(disk().scan(&[]).code, 0);
    let root = disk();
    fs::remove_dir_all(root.at(CATALOGUE).parent().unwrap()).unwrap();
    let run = root.scan(&[]);
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert!(run.stdout.contains("a file may be signed there"), "{}", run.stdout);
}

/// Links to folders elsewhere are followed, up to a number; more of them hide what is behind.
#[test]
fn more_links_than_are_followed_are_not_clean() {
    let root = Windows::workstation().build();
    for n in 0..70 {
        root.dir(format!("Elsewhere/{n}"));
        root.link(format!("Program Files/{n}"), &format!("/??/C:/Elsewhere/{n}"));
    }
    let run = root.scan(&[]);
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert!(run.stdout.contains("links to folders elsewhere"), "{}", run.stdout);
}
