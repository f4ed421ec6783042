//! A prohibited thing for each source of what macOS starts, extends itself by and trusts.

use super::macos::Macos;
use super::macos_cases::Case;

const EXTENSIONS: &str = "Library/SystemExtensions/db.plist";
const BACKGROUND: &str = "private/var/db/com.apple.backgroundtaskmanagement/BackgroundItems-v13.btm";
const KEYCHAIN: &str = "Library/Keychains/System.keychain";
const FIREFOX: &str = "Users/alice/Library/Application Support/Firefox/Profiles/x.default-release/cert9.db";
const NUMBER: &str = "A1B2C3D4-0000-4000-8000-000000000001";

/// One or more for each source.
pub const CASES: &[Case] = &[
    Case {
        source: "launchd",
        lay_out: |disk| {
            disk.program("Library/Acme/daemon");
            disk.launchd("Library/LaunchDaemons/com.acme.daemon.plist", "prohibited", "/Library/Acme/daemon");
        },
        record: "Library/LaunchDaemons/com.acme.daemon.plist",
        deny: "Library/LaunchDaemons",
        ..Case::PLAIN
    },
    Case {
        source: "launchd",
        lay_out: |disk| {
            disk.program("Library/Acme/agent");
            disk.launchd(
                "Users/alice/Library/LaunchAgents/com.acme.plist",
                "prohibited",
                "/Library/Acme/agent",
            );
        },
        record: "Users/alice/Library/LaunchAgents/com.acme.plist",
        deny: "Users/alice/Library/LaunchAgents/com.acme.plist",
        ..Case::PLAIN
    },
    Case {
        source: "launchd",
        lay_out: |disk| {
            disk.bundle("Applications/Acme.app", "com.acme.app", "1.0");
            let inside = [("Label", "prohibited"), ("BundleProgram", "Contents/MacOS/Acme")];
            disk.plist("Applications/Acme.app/Contents/Library/LaunchDaemons/com.acme.plist", &inside);
        },
        record: "Applications/Acme.app/Contents/Library/LaunchDaemons/com.acme.plist",
        deny: "Applications/Acme.app/Contents/Library/LaunchDaemons",
        ..Case::PLAIN
    },
    Case {
        source: "launchd",
        lay_out: |disk| disk.program("Library/PrivilegedHelperTools/prohibited"),
        record: "Library/PrivilegedHelperTools/prohibited",
        deny: "Library/PrivilegedHelperTools",
        any_bytes: true,
        beside: &["executables"],
        ..Case::PLAIN
    },
    Case {
        source: "background-items",
        lay_out: |disk| {
            disk.program("Library/Acme/daemon");
            disk.file(BACKGROUND, include_bytes!("../../fuzz/seeds/background_items/prohibited"));
        },
        record: BACKGROUND,
        deny: BACKGROUND,
        ..Case::PLAIN
    },
    Case {
        source: "periodic-jobs",
        lay_out: |disk| disk.program("private/etc/periodic/daily/prohibited"),
        record: "private/etc/periodic/daily/prohibited",
        deny: "private/etc/periodic/daily",
        any_bytes: true,
        beside: &["executables"],
        ..Case::PLAIN
    },
    Case {
        source: "system-extensions",
        lay_out: |disk| system_extension(disk),
        record: EXTENSIONS,
        deny: EXTENSIONS,
        ..Case::PLAIN
    },
    Case {
        source: "system-extensions",
        lay_out: |disk| {
            let folder = "Library/SystemExtensions/B/test.prohibited.systemextension";
            disk.bundle(folder, "test.prohibited", "1.0");
            disk.xml(EXTENSIONS, "<dict><key>extensions</key><array></array></dict>");
        },
        record: "Library/SystemExtensions/B/test.prohibited.systemextension/Contents/Info.plist",
        deny: "Library/SystemExtensions/B",
        beside: &["executables"],
        ..Case::PLAIN
    },
    Case {
        source: "kexts",
        lay_out: |disk| disk.bundle("Library/Extensions/acme.kext", "test.prohibited", "1.0"),
        record: "Library/Extensions/acme.kext/Contents/Info.plist",
        deny: "Library/Extensions",
        ..Case::PLAIN
    },
    Case {
        source: "keychains",
        lay_out: |disk| disk.file(KEYCHAIN, include_bytes!("../../fuzz/seeds/keychain/one")),
        record: KEYCHAIN,
        deny: KEYCHAIN,
        counts: false,
        ..Case::PLAIN
    },
    Case {
        source: "nss-certificates",
        lay_out: |disk| disk.file(FIREFOX, include_bytes!("../../fuzz/seeds/nss_db/one")),
        record: FIREFOX,
        deny: FIREFOX,
        counts: false,
        ..Case::PLAIN
    },
    Case {
        source: "managed-preferences",
        lay_out: |disk| disk.plist("Library/Managed Preferences/test.prohibited.plist", &[("key", "value")]),
        record: "Library/Managed Preferences/test.prohibited.plist",
        deny: "Library/Managed Preferences",
        counts: false,
        any_bytes: true,
        beside: &["vendor-paths"],
        ..Case::PLAIN
    },
];

/// An extension that the database has, and the folder of its copy.
fn system_extension(disk: &Macos) {
    disk.dir(&format!("Library/SystemExtensions/{NUMBER}/test.prohibited.systemextension"));
    let extension = format!(
        "<dict><key>identifier</key><string>test.prohibited</string><key>state</key>\
         <string>activated_enabled</string><key>uniqueID</key><string>{NUMBER}</string></dict>"
    );
    disk.xml(EXTENSIONS, &format!("<dict><key>extensions</key><array>{extension}</array></dict>"));
}
