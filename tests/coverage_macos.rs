//! No false clean on macOS: whatever of a property list, folder or bundle a source cannot read, the verdict is never
//! `compliant`. The same laws as in `coverage.rs`, for the sources of macOS: one without a case here is red.

mod support;

use interdict::model::Family;
use support::blind::Bench;
use support::macos::Macos;
use support::macos_cases::{GROUPS, SEEN_ELSEWHERE};
use support::matrix::Matrix;

/// Rules that prohibit one name in every kind, so that every source is needed.
const VENDOR: &str = r#"
schema = 1
[vendor]
id = "test"
name = "Test"
[[product]]
id = "test.thing"
name = "Thing"
category = "test"
[[product.indicator]]
kind = ["package", "application", "extension", "service", "driver", "executable", "autostart", "certificate", "device"]
families = ["macos"]
name = { exact = ["prohibited", "prohibited.app", "prohibited.appex", "prohibited.kext", "prohibited.systemextension", "prohibited.plist", "prohibited.pkg", "prohibited.dylib"] }
strength = "strong"
source = "this test"
[[product.indicator]]
kind = ["package", "application", "extension", "driver", "executable"]
families = ["macos"]
identifier = { type = "bundle-id", exact = ["test.prohibited"] }
strength = "strong"
source = "this test"
[[product.indicator]]
kind = "package"
families = ["macos"]
identifier = { type = "cask-token", exact = ["prohibited"] }
strength = "strong"
source = "this test"
[[product.indicator]]
kind = "extension"
families = ["macos"]
identifier = { type = "extension-id", exact = ["aaaabbbbccccddddeeeeffffgggghhhh", "prohibited@test"] }
strength = "strong"
source = "this test"
[[product.indicator]]
kind = "extension"
families = ["macos"]
identifier = { type = "native-messaging-host", exact = ["test.prohibited"] }
strength = "strong"
source = "this test"
[[product.indicator]]
kind = "device"
families = ["macos"]
identifier = { type = "edid-id", exact = ["LNX:7773"] }
strength = "strong"
source = "this test"
[[product.indicator]]
kind = "trace"
families = ["macos"]
path = { exact = ["/Library/Application Support/Prohibited", "{home}/Library/Application Support/Prohibited", "/Library/Preferences/test.prohibited.plist", "/Library/Managed Preferences/test.prohibited.plist"] }
strength = "weak"
source = "this test"
[[product.indicator]]
kind = "executable"
families = ["macos"]
path = { exact = ["/Library/Prohibited/tool"] }
strength = "strong"
source = "this test"
[[example]]
families = ["macos"]
items = [{ kind = "package", source = "receipts", name = "prohibited" }]
expect = { product = "test.thing" }
[[example]]
families = ["macos"]
items = [{ kind = "package", source = "receipts", name = "allowed" }]
expect = "none"
"#;

fn matrix() -> Matrix<Macos> {
    let cases = GROUPS.iter().copied().flatten().collect();
    Matrix { family: Family::Macos, vendor: VENDOR, cases, seen_elsewhere: SEEN_ELSEWHERE }
}

#[test]
fn every_source_has_a_case() {
    matrix().is_whole();
}

#[test]
fn sound_records_are_found_by_their_source() {
    matrix().sound_records_are_found();
}

#[test]
fn missing_where_the_system_says_it_must_exist() {
    matrix().missing();
}

#[test]
fn unreadable_as_a_user_without_rights() {
    matrix().unreadable();
}

#[test]
fn truncated_at_ten_places() {
    matrix().truncated();
}

#[test]
fn garbage() {
    matrix().garbage();
}

/// Arguments of what is started may hold passwords.
#[test]
fn secrets_of_command_lines_are_nowhere() {
    matrix().secrets_are_nowhere();
}

/// Without the prohibited thing the volume is clean, and every source can say so.
#[test]
fn a_sound_volume_is_compliant() {
    let run = Bench::new(VENDOR, Macos::workstation().build()).scan();
    assert_eq!(run.code, 0, "{run:?}");
}
