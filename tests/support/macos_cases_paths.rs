//! Prohibited things that only `vendor-paths` sees on macOS, and one that only `display-history` does.

use super::macos_cases::Case;

const LIST: &str = "Library/Preferences/com.apple.windowserver.plist";

/// A program by its place, what was left of one, a display.
pub const CASES: &[Case] = &[
    Case {
        source: "vendor-paths",
        lay_out: |disk| disk.program("Library/Prohibited/tool"),
        record: "Library/Prohibited/tool",
        deny: "Library/Prohibited",
        any_bytes: true,
        beside: &["executables"],
        ..Case::PLAIN
    },
    Case {
        source: "vendor-paths",
        lay_out: |disk| disk.file("Library/Application Support/Prohibited/data", "x"),
        record: "Library/Application Support/Prohibited/data",
        deny: "Library/Application Support/Prohibited",
        counts: false,
        any_bytes: true,
        ..Case::PLAIN
    },
    Case {
        source: "vendor-paths",
        lay_out: |disk| disk.file("Users/alice/Library/Application Support/Prohibited/data", "x"),
        record: "Users/alice/Library/Application Support/Prohibited/data",
        deny: "Users/alice/Library/Application Support/Prohibited",
        counts: false,
        any_bytes: true,
        ..Case::PLAIN
    },
    Case {
        source: "display-history",
        lay_out: |disk| {
            let display = "<dict><key>DisplayVendorID</key><integer>12760</integer>\
                           <key>DisplayProductID</key><integer>30579</integer></dict>";
            let sets = format!("<array><array>{display}</array></array>");
            disk.xml(LIST, &format!("<dict><key>DisplayAnyUserSets</key>{sets}</dict>"));
        },
        record: LIST,
        deny: LIST,
        counts: false,
        ..Case::PLAIN
    },
];
