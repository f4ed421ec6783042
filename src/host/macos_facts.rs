//! What a macOS says of itself: its version, its names, its users; and how much of itself it shows.
//!
//! Called when a host is opened. Must not know the scanner's own machine, but for the privileges of this process.

use crate::model::{Alias, Family, HostFacts, Mode, Os};
use crate::parse::plist::{self, Value};

use super::volumes::{SYSTEM_VERSION, Volumes};
use super::{Files, Miss, Read, facts, macos_users, privacy};

/// Names of the computer, as its owner and as the network knows it.
const PREFERENCES: &str = "/Library/Preferences/SystemConfiguration/preferences.plist";
/// Small property lists of the system.
const SMALL: u64 = 4 << 20;

/// All that the host says of itself.
pub(super) fn of(mode: Mode, files: &dyn Files) -> HostFacts {
    let (users, user_gaps) = macos_users::users(files);
    HostFacts {
        family: Family::Macos,
        os: os(files),
        name: name(files),
        machine_id: None,
        mode,
        privileged: facts::is_privileged(),
        full_disk_access: (mode == Mode::Live).then(|| privacy::shows_all(files, &users)),
        users,
        user_gaps,
        aliases: Volumes::second_names().map(|(real, name)| Alias { real, name }).collect(),
        other_volumes: Vec::new(),
        windows: None,
    }
}

/// A property list of the host.
pub(super) fn list(files: &dyn Files, path: &str, limit: u64) -> Read<Value> {
    let bytes = files.read(&path.into(), limit)?;
    plist::read(&bytes).map_err(|fault| Miss::Malformed(fault.to_string()))
}

fn os(files: &dyn Files) -> Os {
    let known = Os { id: Some("macos".to_owned()), name: Some("macOS".to_owned()), ..Os::default() };
    let list = match list(files, SYSTEM_VERSION, SMALL) {
        Ok(list) => list,
        Err(Miss::Absent) => {
            let unread = "the volume of the system is not here, only that of data".to_owned();
            return Os { unread: Some(unread), ..known };
        }
        Err(miss) => return Os { unread: Some(miss.to_string()), ..known },
    };
    let text = |key: &str| list.get(key).and_then(Value::text).filter(|text| !text.is_empty());
    let Some(version) = text("ProductVersion") else {
        return Os { unread: Some("it names no ProductVersion".to_owned()), ..known };
    };
    let product = text("ProductName").unwrap_or("macOS");
    let build = text("ProductBuildVersion").map(|build| format!(" ({build})")).unwrap_or_default();
    Os { name: Some(format!("{product} {version}{build}")), version: Some(version.to_owned()), ..known }
}

/// The computer's name as its owner gave it, or as the network knows it.
fn name(files: &dyn Files) -> Option<String> {
    let list = list(files, PREFERENCES, SMALL).ok()?;
    let system = list.get("System")?;
    let own = |key: &str| system.get("System")?.get(key)?.text();
    let local = || system.get("Network")?.get("HostNames")?.get("LocalHostName")?.text();
    let mut names = [own("ComputerName"), own("HostName"), local()].into_iter().flatten();
    names.find(|name| !name.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use crate::host::{FakeHost, FakeNode, Host as _, Miss};

    use super::*;

    fn list_of(body: &str) -> FakeNode {
        FakeNode::File(format!("<plist version=\"1.0\">{body}</plist>").into_bytes())
    }

    fn version(body: &str) -> Os {
        FakeHost::macos([(SYSTEM_VERSION, list_of(body))]).facts().os.clone()
    }

    #[test]
    fn a_macos_says_what_it_is() {
        let os = version(
            "<dict><key>ProductName</key><string>macOS</string><key>ProductVersion</key><string>15.5</string>\
             <key>ProductBuildVersion</key><string>24F74</string></dict>",
        );
        assert_eq!(os.name.as_deref(), Some("macOS 15.5 (24F74)"));
        assert_eq!((os.version.as_deref(), os.id.as_deref(), os.unread), (Some("15.5"), Some("macos"), None));
        let names = |body: &str| {
            let host = FakeHost::macos([(PREFERENCES, list_of(body))]);
            host.facts().name.clone()
        };
        let own = "<key>System</key><dict><key>HostName</key><string>mac</string>";
        let computer = "<key>ComputerName</key><string>Zoë’s Mac</string>";
        assert_eq!(
            names(&format!("<dict><key>System</key><dict>{own}{computer}</dict></dict></dict>")).as_deref(),
            Some("Zoë’s Mac")
        );
        assert_eq!(
            names(&format!("<dict><key>System</key><dict>{own}</dict></dict></dict>")).as_deref(),
            Some("mac")
        );
        assert_eq!(names("<array/>"), None);
    }

    #[test]
    fn a_version_that_cannot_be_read_is_told() {
        assert!(version("<dict/>").unread.is_some());
        assert!(version("<dict><key>ProductVersion").unread.is_some());
        let host = FakeHost::macos([(SYSTEM_VERSION, FakeNode::Unreadable(Miss::Denied))]);
        assert_eq!(host.facts().os.unread.as_deref(), Some("permission denied"));
        let data = FakeHost::macos([("/Users/alice", FakeNode::Folder)]);
        assert!(data.facts().os.unread.as_ref().is_some_and(|why| why.contains("not here")));
        assert_eq!(data.facts().os.name.as_deref(), Some("macOS"));
    }
}
