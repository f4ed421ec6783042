//! Cases of the fault matrix of macOS for bundles, receipts and Homebrew.

use super::macos::{Macos, dict};
use super::macos_cases::Case;

const ID: &str = "test.prohibited";

/// What only a source of programs sees beside ours: the same files, by their names and signatures.
const PROGRAMS: &[&str] = &["executables"];

/// A bundle in a bundle, with an extension point where it has one.
fn nested(disk: &Macos, path: &str, point: &str) {
    disk.bundle("Applications/Host.app", "com.example.host", "1.0");
    disk.bundle(path, ID, "1.0");
    let keys = dict(&[("CFBundleIdentifier", ID), ("CFBundleVersion", "1.0")]);
    let keys = keys.trim_end_matches("</dict>");
    let extends = dict(&[("NSExtensionPointIdentifier", point)]);
    disk.xml(
        &format!("{path}/Contents/Info.plist"),
        &format!("{keys}<key>NSExtension</key>{extends}</dict>"),
    );
}

/// One or more for each of the three sources.
pub const CASES: &[Case] = &[
    Case {
        source: "app-bundles",
        lay_out: |disk| disk.bundle("Applications/prohibited.app", "com.example.other", "1.0"),
        record: "Applications/prohibited.app/Contents/Info.plist",
        deny: "Applications/prohibited.app",
        beside: PROGRAMS,
        ..Case::PLAIN
    },
    Case {
        source: "app-bundles",
        lay_out: |disk| disk.bundle("Applications/Suite/Thing.app", ID, "1.0"),
        record: "Applications/Suite/Thing.app/Contents/Info.plist",
        deny: "Applications/Suite",
        must_exist: true,
        beside: PROGRAMS,
        ..Case::PLAIN
    },
    Case {
        source: "app-bundles",
        lay_out: |disk| disk.bundle("Users/alice/Applications/Thing.app", ID, "1.0"),
        record: "Users/alice/Applications/Thing.app/Contents/Info.plist",
        deny: "Users/alice/Applications",
        must_exist: true,
        beside: PROGRAMS,
        ..Case::PLAIN
    },
    Case {
        source: "app-bundles",
        lay_out: |disk| disk.bundle("Library/Application Support/Acme/Thing.app", ID, "1.0"),
        record: "Library/Application Support/Acme/Thing.app/Contents/Info.plist",
        deny: "Library/Application Support/Acme",
        beside: PROGRAMS,
        ..Case::PLAIN
    },
    Case {
        source: "app-bundles",
        lay_out: |disk| {
            nested(
                disk,
                "Applications/Host.app/Contents/PlugIns/Web.appex",
                "com.apple.Safari.web-extension",
            );
        },
        record: "Applications/Host.app/Contents/PlugIns/Web.appex/Contents/Info.plist",
        deny: "Applications/Host.app/Contents/PlugIns",
        must_exist: true,
        beside: PROGRAMS,
        ..Case::PLAIN
    },
    Case {
        source: "app-bundles",
        lay_out: |disk| nested(disk, "Applications/Host.app/Contents/XPCServices/Service.xpc", ""),
        record: "Applications/Host.app/Contents/XPCServices/Service.xpc/Contents/Info.plist",
        deny: "Applications/Host.app/Contents/XPCServices",
        must_exist: true,
        beside: PROGRAMS,
        ..Case::PLAIN
    },
    Case {
        source: "receipts",
        lay_out: |disk| {
            let keys = [("PackageIdentifier", ID), ("PackageVersion", "1.0"), ("InstallPrefixPath", "/")];
            disk.plist("private/var/db/receipts/other.plist", &keys);
        },
        record: "private/var/db/receipts/other.plist",
        deny: "private/var/db/receipts",
        ..Case::PLAIN
    },
    Case {
        source: "receipts",
        lay_out: |disk| {
            disk.plist("Library/Receipts/Other.pkg/Contents/Info.plist", &[("CFBundleIdentifier", ID)]);
        },
        record: "Library/Receipts/Other.pkg/Contents/Info.plist",
        deny: "Library/Receipts/Other.pkg",
        ..Case::PLAIN
    },
    // A receipt of Homebrew says nothing that its folders do not.
    Case {
        source: "homebrew",
        lay_out: |disk| {
            disk.file("opt/homebrew/Caskroom/prohibited/.metadata/INSTALL_RECEIPT.json", "{\"time\": 1}");
            disk.dir("opt/homebrew/Caskroom/prohibited/1.0");
        },
        record: "opt/homebrew/Caskroom/prohibited/.metadata/INSTALL_RECEIPT.json",
        deny: "opt/homebrew/Caskroom",
        ..Case::PLAIN
    },
    Case {
        source: "homebrew",
        lay_out: |disk| disk.file("Users/alice/homebrew/Cellar/prohibited/1.0/INSTALL_RECEIPT.json", "{}"),
        record: "Users/alice/homebrew/Cellar/prohibited/1.0/INSTALL_RECEIPT.json",
        deny: "Users/alice/homebrew/Cellar",
        ..Case::PLAIN
    },
];
