//! Displays that were ever attached, by what the window server remembers of how they were arranged: up to macOS 10.15 it noted
//! their maker and product, since then numbers of its own, which tell neither.
//!
//! What is attached now, displays and USB devices alike, only the kernel tells, and only to programs that ask it (IOKit): no
//! file has it, so that nothing here says so.

use crate::host::{Files, Host};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, ItemKind, Order, Place, Scope, ScopeKind,
    State, Trace, Wanted,
};
use crate::parse::edid;
use crate::parse::plist::{self, Value};
use crate::sources::{About, Haul, Outcome, Source};

/// The source `display-history`.
pub struct DisplayHistory;

const MACHINE: &str = "/Library/Preferences";
const OF_USERS: &str = "Library/Preferences/ByHost";
/// How the lists are called; behind it may stand the number of the computer.
const LISTS: &[u8] = b"com.apple.windowserver.";
/// Real lists have some hundred kilobytes.
const LIMIT: u64 = 4 << 20;
/// Lists that are read of one folder, and displays of one list.
const MAX_LISTS: usize = 100;
const MAX_DISPLAYS: usize = 1_000;

static ABOUT: About = About {
    name: "display-history",
    summary: "displays that were ever attached, as macOS up to 10.15 remembers them; what is attached now no file tells",
    families: &[Family::Macos],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Device, &[State::Historic])],
    fields: &[Field::Name, Field::Identifier],
    ..About::USUAL
};

impl Source for DisplayHistory {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        if want.scope.includes(ScopeKind::Machine) {
            lists(host.files(), &MACHINE.into(), &Scope::Machine, haul);
        }
        for user in haul.users(host, want) {
            lists(host.files(), &user.home.join(OF_USERS), &Scope::User(user.n), haul);
        }
        Outcome::Read
    }
}

/// Every list of a folder.
fn lists(files: &dyn Files, folder: &HostPath, scope: &Scope, haul: &mut Haul) {
    let entries = haul.optional(folder, files.list(folder)).unwrap_or_default();
    let names = entries.iter().map(|entry| entry.name.as_slice());
    let found: Vec<&[u8]> =
        names.filter(|name| name.starts_with(LISTS) && name.ends_with(b".plist")).collect();
    if found.len() > MAX_LISTS {
        haul.gap_with(GapReason::Budget, folder, format!("more than {MAX_LISTS} lists of displays"));
    }
    for name in found.into_iter().take(MAX_LISTS) {
        let path = folder.join(name);
        let Some(bytes) = haul.listed(&path, files.read(&path, LIMIT)) else { continue };
        match plist::read(&bytes) {
            Ok(list) => list_of(&list, &path, scope, haul),
            Err(fault) => haul.faults(&path, &[fault]),
        }
    }
}

/// Displays stand in sets, one for each arrangement: the same one in many.
fn list_of(list: &Value, path: &HostPath, scope: &Scope, haul: &mut Haul) {
    let mut ids: Vec<String> = Vec::new();
    let mut open = vec![list];
    while let Some(value) = open.pop() {
        open.extend(value.items());
        open.extend(value.entries().iter().map(|(_, value)| value));
        let Some(id) = id(value).filter(|id| !ids.contains(id)) else { continue };
        if ids.len() == MAX_DISPLAYS {
            return haul.gap_with(GapReason::Budget, path, format!("more than {MAX_DISPLAYS} displays"));
        }
        ids.push(id);
    }
    ids.order();
    for id in ids {
        let mut trace = Trace::new(ItemKind::Device, id.as_str(), State::Historic, Place::file(path.clone()));
        trace.scope = scope.clone();
        trace.identifiers.push(Identifier::new(IdentifierType::EdidId, id));
        haul.push(trace);
    }
}

/// Maker and product, as identifiers have them.
fn id(display: &Value) -> Option<String> {
    let number = |key: &str| display.get(key).and_then(Value::number).and_then(|n| u16::try_from(n).ok());
    let maker = edid::manufacturer(number("DisplayVendorID")?)?;
    Some(format!("{maker}:{:04X}", number("DisplayProductID")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, Miss};
    use crate::model::ScopeAsk;
    use crate::sources::testing::{collect, collect_for};

    const LIST: &str = "/Library/Preferences/com.apple.windowserver.plist";
    const OWN: &str = "/Users/ann/Library/Preferences/ByHost/com.apple.windowserver.0A1B.plist";

    fn file(text: &str) -> FakeNode {
        FakeNode::File(text.as_bytes().to_vec())
    }

    fn display(vendor: i64, product: i64) -> String {
        format!(
            "<dict><key>DisplayID</key><integer>69733382</integer><key>DisplayVendorID</key><integer>{vendor}</integer>\
             <key>DisplayProductID</key><integer>{product}</integer></dict>"
        )
    }

    fn list(key: &str, displays: &[String]) -> String {
        let displays = displays.concat();
        format!(
            "<plist version=\"1.0\"><dict><key>{key}</key><array><array>{displays}</array></array></dict></plist>"
        )
    }

    fn seen(haul: &Haul) -> Vec<String> {
        let each = haul.traces().iter();
        each.map(|trace| {
            assert_eq!((trace.kind, trace.state), (ItemKind::Device, State::Historic));
            format!("{} {}", trace.name, trace.scope)
        })
        .collect()
    }

    #[test]
    fn makers_and_products_of_displays() {
        let of_machine =
            [display(0x610, 0xA034), display(0x31D8, 0x7773), display(0x610, 0xA034), display(0, 1)];
        let current = "<plist><dict><key>Configs</key><array><dict><key>UUID</key><string>37D8832A</string></dict></array>\
                       </dict></plist>";
        let host = FakeHost::macos([
            (LIST, file(&list("DisplayAnyUserSets", &of_machine))),
            ("/Library/Preferences/com.apple.windowserver.displays.plist", file(current)),
            ("/Library/Preferences/com.apple.dock.plist", file("none")),
            (OWN, file(&list("DisplaySets", &[display(0x1E6D, 0x59F1)]))),
        ]);
        let (haul, outcome) = collect(&DisplayHistory, &host);
        assert_eq!(outcome, Outcome::Read);
        assert_eq!(seen(&haul), ["APP:A034 machine", "LNX:7773 machine", "GSM:59F1 user:1"]);
        assert_eq!(haul.gaps(), []);
        let of_users = Wanted { scope: ScopeAsk::User, ..Wanted::default() };
        assert_eq!(seen(&collect_for(&DisplayHistory, &host, &of_users).0), ["GSM:59F1 user:1"]);
    }

    #[test]
    fn what_cannot_be_read_is_a_gap() {
        let gaps = |path, node| collect(&DisplayHistory, &FakeHost::macos([(path, node)])).0.gaps();
        let denied = [(GapReason::PermissionDenied, true)];
        assert_eq!(gaps(LIST, FakeNode::Unreadable(Miss::Denied)), denied);
        assert_eq!(gaps("/Library/Preferences", FakeNode::Broken(Miss::Denied)), denied);
        assert_eq!(gaps("/Users/ann/Library/Preferences/ByHost", FakeNode::Broken(Miss::Denied)), denied);
        let whole = list("DisplaySets", &[display(0x610, 1)]);
        for cut in 1..whole.len() {
            let found = gaps(OWN, FakeNode::File(whole.as_bytes()[..cut].to_vec()));
            assert!(
                found.iter().any(|(_, blocking)| *blocking) || cut > whole.len() - 10,
                "{cut}: {found:?}"
            );
        }
        let flood: Vec<String> = (0..=1_000).map(|n| display(0x610, n)).collect();
        assert_eq!(gaps(OWN, file(&list("DisplaySets", &flood))), [(GapReason::Budget, true)]);
        assert_eq!(gaps(LIST, file(&list("DisplaySets", &[display(-1, 1), display(0x610, 1 << 20)]))), []);
    }
}
