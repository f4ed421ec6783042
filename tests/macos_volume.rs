//! A whole volume of macOS, scanned from Linux: 400 applications, a Kaspersky set among them, and what only bears the vendor's
//! name. One finding per product, with all that evidences it; nothing of the rest.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test reads what it wrote, and fails by panicking"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use support::macos::{Macos, dict, plist};

const MAC: &str = "kaspersky.mac-security";
const EXTENSION: &str = "kaspersky.browser-extension";
const APP: &str = "Applications/Kaspersky Anti-Virus For Mac.app";
const LAB: &str = "Library/Application Support/Kaspersky Lab/KAV";

/// The sources that such a volume is for.
const SOURCES: &[&str] = &["app-bundles", "launchd", "receipts", "system-extensions", "vendor-paths"];

/// A Mac with 400 applications of the machine and of its users, some of them with helpers inside.
fn busy() -> Macos {
    let disk = Macos::workstation();
    for n in 0..400 {
        let folder = match n % 8 {
            0 => "Users/alice/Applications".to_owned(),
            1 => "Users/bob/Applications".to_owned(),
            2 => "Applications/Utilities".to_owned(),
            3 => format!("Applications/Suite {}", n % 5),
            _ => "Applications".to_owned(),
        };
        let app = format!("{folder}/App {n}.app");
        disk.bundle(&app, &format!("com.example.app{n}"), &format!("1.{n}"));
        if n % 4 == 0 {
            disk.bundle(
                &format!("{app}/Contents/Library/LoginItems/Helper.app"),
                &format!("com.example.app{n}.helper"),
                "1",
            );
            disk.bundle(
                &format!("{app}/Contents/Frameworks/Kit.framework"),
                &format!("com.example.kit{n}"),
                "1",
            );
        }
    }
    disk
}

/// What looks like the vendor's, and is not.
fn look_alikes(disk: &Macos) {
    // C2-24: the stubs by which Parallels Desktop shows the programs of a guest.
    let stubs = "Users/alice/Applications (Parallels)/{a1b2} Applications.localized";
    for name in ["Parallels Internet Security Powered by Kaspersky", "Kaspersky Internet Security"] {
        disk.bundle(&format!("{stubs}/{name}.app"), "com.parallels.winapp.a1b2", "1.0");
    }
    let guest = "Users/alice/Parallels/Windows 11.pvm/Windows 11 Applications";
    disk.bundle(&format!("{guest}/Kaspersky Internet Security.app"), "com.parallels.winapp.c3d4", "1.0");
    // C2-25: a test framework for Android, in source and as a package of Java.
    let package = "Users/bob/src/app/src/androidTest/java/com/kaspersky/kaspresso/testcases";
    disk.file(&format!("{package}/Sample.kt"), "package com.kaspersky.kaspresso.testcases\n");
    let maven = "Users/bob/.m2/repository/com/kaspersky/android-components/kaspresso/1.5.3";
    disk.file(&format!("{maven}/kaspresso-1.5.3.jar"), b"PK\x03\x04com/kaspersky/kaspresso/Kaspresso.class");
    disk.file("usr/local/share/java/com.kaspersky.kautomator.jar", b"PK\x03\x04");
    // C2-32, C2-40: texts.
    disk.file("Users/bob/Documents/Kaspersky Endpoint Security.pdf", "%PDF-1.4");
    disk.file("usr/local/share/rules/com.kaspersky.kav.plist", "a rule");
}

/// An installed Kaspersky: application with a helper, system extension, job, receipt, extension of Safari.
fn kaspersky(disk: &Macos) {
    disk.bundle(APP, "com.kaspersky.kav", "12.1");
    disk.bundle(
        &format!("{APP}/Contents/Library/LoginItems/kav_agent.app"),
        "com.kaspersky.kav_agent",
        "12.1",
    );
    disk.program(&format!("{LAB}/Binaries/kav"));
    disk.launchd(
        "Library/LaunchDaemons/com.kaspersky.kav.plist",
        "com.kaspersky.kav",
        &format!("/{LAB}/Binaries/kav"),
    );
    receipt(disk, "com.kaspersky.kav.core");
    let number = "0C2E7C4D-2F50-4D5B-9F45-9AF2F5CE0001";
    let id = "com.kaspersky.kav.sysext";
    disk.bundle(&format!("Library/SystemExtensions/{number}/{id}.systemextension"), id, "12.1");
    let version = dict(&[("CFBundleShortVersionString", "12.1"), ("CFBundleVersion", "1")]);
    let texts =
        [("identifier", id), ("state", "activated_enabled"), ("teamID", "2Y8XE5CQ94"), ("uniqueID", number)];
    let texts = dict(&texts);
    let extension = texts.trim_end_matches("</dict>");
    disk.xml(
        "Library/SystemExtensions/db.plist",
        &format!("<dict><key>extensions</key><array>{extension}<key>bundleVersion</key>{version}</dict></array></dict>"),
    );
    let appex = format!("{APP}/Contents/PlugIns/URL Advisor.appex");
    disk.bundle(&appex, "com.kaspersky.kav.safari", "12.1");
    let texts = dict(&[
        ("CFBundleExecutable", "URL Advisor"),
        ("CFBundleIdentifier", "com.kaspersky.kav.safari"),
        ("CFBundlePackageType", "XPC!"),
        ("CFBundleShortVersionString", "12.1"),
    ]);
    let point = dict(&[("NSExtensionPointIdentifier", "com.apple.Safari.extension")]);
    let body =
        texts.trim_end_matches("</dict>").to_owned() + &format!("<key>NSExtension</key>{point}</dict>");
    disk.file(&format!("{appex}/Contents/Info.plist"), plist(&body));
}

fn receipt(disk: &Macos, id: &str) {
    let body = format!(
        "<dict><key>InstallDate</key><date>2024-05-01T10:00:00Z</date><key>InstallPrefixPath</key><string>/</string>\
         <key>InstallProcessName</key><string>installer</string><key>PackageFileName</key><string>kav.pkg</string>\
         <key>PackageIdentifier</key><string>{id}</string><key>PackageVersion</key><string>12.1</string></dict>"
    );
    disk.xml(&format!("private/var/db/receipts/{id}.plist"), &body);
    disk.file(&format!("private/var/db/receipts/{id}.bom"), "BOMStore");
}

/// Sources and places of a finding's evidence.
fn evidence(finding: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let each = finding["evidence"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    each.map(|one| (text(&one["source"]), text(&one["place"]["path"]))).unzip()
}

#[test]
fn four_hundred_applications_and_look_alikes_are_none() {
    let disk = busy();
    look_alikes(&disk);
    let run = disk.scan(&["--policy", "us-commerce"]);
    let report = run.json();
    assert_eq!(report["findings"].as_array().unwrap().len(), 0, "{:#}", report["findings"]);
    assert_eq!(run.code, 0, "{:#}", report["policies"]);
}

#[test]
fn one_finding_per_product_with_all_that_evidences_it() {
    let disk = busy();
    look_alikes(&disk);
    kaspersky(&disk);
    let run = disk.scan(&["--policy", "us-commerce"]);
    let report = run.json();
    assert_eq!(run.code, 1);
    let findings = report["findings"].as_array().unwrap();
    let mut products: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in findings {
        *products.entry(finding["product"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(products, [(EXTENSION, 1), (MAC, 1)].into(), "{findings:#?}");
    let of = |product: &str| findings.iter().find(|finding| finding["product"] == product).unwrap();
    let (sources, places) = evidence(of(MAC));
    for source in SOURCES {
        assert!(sources.contains(*source), "{source} is not in {sources:?}");
    }
    for place in [
        APP,
        "LoginItems/kav_agent.app",
        "com.kaspersky.kav.plist",
        "com.kaspersky.kav.core.plist",
        "db.plist",
        LAB,
    ] {
        assert!(places.iter().any(|known| known.contains(place)), "{place} is not in {places:#?}");
    }
    let finding = of(MAC);
    assert_eq!((&finding["state"], &finding["confidence"]), (&"installed".into(), &"confirmed".into()));
    let (sources, places) = evidence(of(EXTENSION));
    assert!(
        sources.contains("app-bundles") && places.iter().any(|place| place.contains("URL Advisor.appex"))
    );
}

/// What an uninstaller leaves is told, and never decides.
#[test]
fn leftovers_alone_are_remnants() {
    let disk = Macos::workstation();
    disk.dir("Library/Application Support/Kaspersky Lab/KAV/Data");
    disk.dir("Library/Caches/com.kaspersky.kav");
    let run = disk.scan(&["--policy", "us-commerce"]);
    let report = run.json();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!((&findings[0]["product"], &findings[0]["state"]), (&MAC.into(), &"remnant".into()));
    assert_eq!(run.code, 0, "{:#}", report["policies"]);
}
