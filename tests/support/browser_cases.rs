//! A prohibited thing for each source of browsers, laid out on Windows and macOS so that only this source can see it.

use super::macos_cases::Case as OnMacos;
use super::windows::sz;
use super::windows_cases::{Case as OnWindows, HIVE};

/// Of an extension that only its folder knows.
pub const MANIFEST: &str = r#"{"name": "prohibited", "version": "1.0", "manifest_version": 3}"#;
/// Of one add-on.
pub const ADDONS: &str = r#"{"addons": [{"id": "x@test", "version": "1.0", "location": "app-profile", "defaultLocale": {"name": "prohibited"}}]}"#;
/// Of a host whose file is called by its name.
pub const NATIVE: &str = r#"{"name": "prohibited", "path": "host", "type": "stdio", "allowed_origins": []}"#;

const CHROME: &str = "Users/alice/AppData/Local/Google/Chrome/User Data";
const CHROME_MANIFEST: &str = "Users/alice/AppData/Local/Google/Chrome/User Data/Default/Extensions/aaaabbbbccccddddeeeeffffgggghhhh/1.0_0/manifest.json";
const SOFTWARE: &str = "Windows/System32/config/SOFTWARE";

/// One or more for each source on Windows.
pub const WINDOWS: &[OnWindows] = &[
    OnWindows {
        source: "chromium-extensions",
        lay_out: |disk| disk.add_file(CHROME_MANIFEST, MANIFEST),
        record: CHROME_MANIFEST,
        deny: CHROME,
        must_exist: false,
        ..HIVE
    },
    OnWindows {
        source: "chromium-extensions",
        lay_out: |disk| {
            disk.add_file("Other/a.crx", "Cr24");
            disk.add("software", r"Google\Chrome\Extensions\prohibited", &[("path", sz(r"C:\Other\a.crx"))]);
        },
        record: SOFTWARE,
        deny: SOFTWARE,
        ..HIVE
    },
    OnWindows {
        source: "firefox-extensions",
        lay_out: |disk| {
            let profile = "Users/alice/AppData/Roaming/Mozilla/Firefox/Profiles/p";
            disk.add_file(&format!("{profile}/extensions.json"), ADDONS);
            disk.add_file(&format!("{profile}/extensions/x@test.xpi"), "x");
        },
        record: "Users/alice/AppData/Roaming/Mozilla/Firefox/Profiles/p/extensions.json",
        deny: "Users/alice/AppData/Roaming/Mozilla/Firefox",
        must_exist: false,
        ..HIVE
    },
    OnWindows {
        source: "firefox-extensions",
        lay_out: |disk| {
            disk.add_file("Other/ext/manifest.json", r#"{"name": "prohibited", "version": "1.0"}"#);
            disk.add("software", r"Mozilla\Firefox\Extensions", &[("x@test", sz(r"C:\Other\ext"))]);
        },
        record: SOFTWARE,
        deny: SOFTWARE,
        ..HIVE
    },
    OnWindows {
        source: "native-messaging-hosts",
        lay_out: |disk| {
            disk.add_file("Other/host.json", NATIVE);
            disk.add_file("Other/host", "x");
            let key = r"Google\Chrome\NativeMessagingHosts\prohibited";
            disk.add("software", key, &[("", sz(r"C:\Other\host.json"))]);
        },
        record: SOFTWARE,
        deny: SOFTWARE,
        ..HIVE
    },
];

/// One for each source on macOS.
pub const MACOS: &[OnMacos] = &[
    OnMacos {
        source: "chromium-extensions",
        lay_out: |disk| {
            disk.file(
                "Users/alice/Library/Application Support/Google/Chrome/Default/Extensions/x/1.0_0/manifest.json",
                MANIFEST,
            );
        },
        record: "Users/alice/Library/Application Support/Google/Chrome/Default/Extensions/x/1.0_0/manifest.json",
        deny: "Users/alice/Library/Application Support/Google/Chrome",
        ..OnMacos::PLAIN
    },
    OnMacos {
        source: "firefox-extensions",
        lay_out: |disk| {
            let profile = "Users/alice/Library/Application Support/Firefox/Profiles/p";
            disk.file(&format!("{profile}/extensions.json"), ADDONS);
            disk.file(&format!("{profile}/extensions/x@test.xpi"), "x");
        },
        record: "Users/alice/Library/Application Support/Firefox/Profiles/p/extensions.json",
        deny: "Users/alice/Library/Application Support/Firefox",
        ..OnMacos::PLAIN
    },
    OnMacos {
        source: "native-messaging-hosts",
        lay_out: |disk| {
            disk.file("Library/Google/Chrome/NativeMessagingHosts/prohibited.json", NATIVE);
            disk.file("Library/Google/Chrome/NativeMessagingHosts/host", "x");
        },
        record: "Library/Google/Chrome/NativeMessagingHosts/prohibited.json",
        deny: "Library/Google/Chrome/NativeMessagingHosts",
        ..OnMacos::PLAIN
    },
];
