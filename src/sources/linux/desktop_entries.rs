//! Applications of desktop menus, of the machine and of every user: Desktop Entry Specification 1.5.
//!
//! What starts by itself is `autostart`'s; the format of one file is `desktop_file`'s.

use std::collections::HashSet;

use crate::host::{Host, Kind, WalkNext, Walked};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, ItemKind, ScopeKind, State, Wanted,
};
use crate::sources::{About, Haul, Outcome, Source};

use super::desktop_file::{Found, Owner, trace};

/// The source `desktop-entries`.
pub struct DesktopEntries;

/// Menus of the machine.
const MACHINE: &[&str] = &[
    "/usr/share/applications",
    "/usr/local/share/applications",
    "/var/lib/snapd/desktop/applications",
    "/var/lib/flatpak/exports/share/applications",
];
/// Menus in a user's home.
const OWN: &[&str] = &[".local/share/applications", ".local/share/flatpak/exports/share/applications"];
/// Files looked at below one folder.
const BUDGET: u32 = 20_000;

static ABOUT: About = About {
    name: "desktop-entries",
    summary: "applications in desktop menus, of the machine and of every user",
    families: &[Family::Linux],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Application, &[State::Installed, State::Remnant])],
    fields: &[Field::Name, Field::Identifier, Field::Path],
    ..About::USUAL
};

impl Source for DesktopEntries {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let mut menus = Vec::new();
        if want.scope.includes(ScopeKind::Machine) {
            menus.extend(MACHINE.iter().map(|folder| (HostPath::from(*folder), Owner::machine())));
        }
        for user in haul.users(host, want) {
            menus.extend(OWN.iter().map(|own| (user.home.join(own), Owner::user(user))));
        }
        let mut seen = HashSet::new();
        for (folder, owner) in menus {
            // A home may link its menus to the machine's.
            let Some(real) = haul.optional(&folder, host.files().resolve(&folder)) else { continue };
            if seen.insert(real.clone()) {
                menu(host, &real, &owner, haul);
            }
        }
        Outcome::Read
    }
}

/// Every entry of a menu. Links are entries too: flatpak exports nothing else.
fn menu(host: &dyn Host, folder: &HostPath, owner: &Owner, haul: &mut Haul) {
    let mut left = BUDGET;
    let walked = host.files().walk(folder, &mut |step| {
        if left == 0 || !haul.time_left() {
            haul.gap_with(GapReason::Budget, folder, format!("more than {BUDGET} files, or no time left"));
            return WalkNext::Stop;
        }
        left -= 1;
        match step {
            Walked::Seen { path, stat } if stat.kind != Kind::Folder => {
                let found = Found { path: &path, is_link: stat.kind == Kind::Link };
                entry(host, folder, &found, owner, haul);
            }
            Walked::Seen { .. } => {}
            Walked::Missed(path, miss) => {
                haul.listed::<()>(&path, Err(miss));
            }
        }
        WalkNext::On
    });
    haul.optional(folder, walked);
}

fn entry(host: &dyn Host, folder: &HostPath, found: &Found<'_>, owner: &Owner, haul: &mut Haul) {
    let Some(id) = desktop_id(folder, found.path) else { return };
    if let Some(mut trace) = trace(host.files(), ItemKind::Application, found, owner, haul) {
        id.strip_suffix(".desktop").unwrap_or(&id).clone_into(&mut trace.name);
        trace.identifiers.push(Identifier::new(IdentifierType::DesktopId, id));
        haul.push(trace);
    }
}

/// The path below the menu with dashes for slashes ("Desktop File ID"); none for other files.
fn desktop_id(folder: &HostPath, path: &HostPath) -> Option<String> {
    let inside = path.as_bytes().strip_prefix(folder.as_bytes())?;
    let id = HostPath::new(inside.strip_prefix(b"/")?).text().replace('/', "-");
    (id.len() > ".desktop".len() && id.ends_with(".desktop")).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, Miss};
    use crate::model::{Scope, ScopeAsk};
    use crate::sources::testing::{collect, collect_for};

    const KESL: &str = "[Desktop Entry]\nType=Application\nName=Kaspersky Endpoint Security\nExec=/opt/k/bin/kesl-gui --secret %U\n";
    const MENU: &str = "/usr/share/applications/";

    fn file(text: &str) -> FakeNode {
        FakeNode::File(text.as_bytes().to_vec())
    }

    fn host(nodes: &[(&str, FakeNode)]) -> FakeHost {
        let always = [
            ("/etc/passwd", file("ann:x:1000:1000::/home/ann:/bin/sh\n")),
            ("/home/ann/bin/tool", FakeNode::Program(vec![])),
            ("/opt/k/bin/kesl-gui", FakeNode::Program(vec![])),
            ("/usr/bin/env", FakeNode::Program(vec![])),
        ];
        FakeHost::new(always.into_iter().chain(nodes.iter().cloned()))
    }

    fn rows(haul: &Haul) -> Vec<String> {
        let row = |trace: &crate::model::Trace| format!("{} {:?} {}", trace.name, trace.state, trace.scope);
        haul.traces().iter().map(row).collect()
    }

    fn one(node: FakeNode) -> Haul {
        collect(&DesktopEntries, &host(&[(&format!("{MENU}k.desktop"), node)])).0
    }

    #[test]
    fn an_application_with_id_name_and_program() {
        let (haul, outcome) =
            collect(&DesktopEntries, &host(&[(&format!("{MENU}kde4/kesl.desktop"), file(KESL))]));
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let [kesl] = haul.traces() else { panic!("{:?}", haul.traces()) };
        assert_eq!(
            (kesl.name.as_str(), kesl.state, &kesl.scope),
            ("kde4-kesl", State::Installed, &Scope::Machine)
        );
        assert_eq!(kesl.display_name.as_deref(), Some("Kaspersky Endpoint Security"));
        assert_eq!(kesl.identifiers, [Identifier::new(IdentifierType::DesktopId, "kde4-kesl.desktop")]);
        assert_eq!(kesl.image.as_ref().unwrap().path, "/opt/k/bin/kesl-gui".into());
        assert!(!format!("{kesl:?}").contains("secret"));
    }

    #[test]
    fn gone_programs_hidden_entries_and_dangling_links_are_remnants() {
        let start = "[Desktop Entry]\nType=Application\nName=x\n";
        let nodes = [
            (format!("{MENU}a.desktop"), file(&format!("{start}Exec=/opt/gone\n"))),
            (format!("{MENU}b.desktop"), file(&format!("{start}Exec=nowhere\n"))),
            (format!("{MENU}c.desktop"), file("[Desktop Entry]\nHidden=true\n")),
            (format!("{MENU}d.desktop"), FakeNode::Link(b"/opt/gone.desktop".to_vec())),
            (format!("{MENU}e.desktop"), file("[Desktop Entry]\nType=Link\nName=x\nURL=x\n")),
            (format!("{MENU}f.desktop"), file(&format!("{start}DBusActivatable=true\n"))),
            (format!("{MENU}mimeinfo.cache"), file("x")),
        ];
        let nodes: Vec<_> = nodes.iter().map(|(path, node)| (path.as_str(), node.clone())).collect();
        let (haul, _) = collect(&DesktopEntries, &host(&nodes));
        assert_eq!(haul.gaps(), []);
        let expected = ["a Remnant", "b Remnant", "c Remnant", "d Remnant", "f Installed"];
        assert_eq!(rows(&haul), expected.map(|row| format!("{row} machine")));
    }

    #[test]
    fn menus_of_users_and_scopes() {
        let own = "[Desktop Entry]\nType=Application\nName=x\nExec=env A=b tool\n";
        let nodes = [
            ("/home/ann/.local/share/applications/own.desktop", file(own)),
            ("/usr/share/applications/kesl.desktop", file(KESL)),
        ];
        let asked = |scope| {
            rows(&collect_for(&DesktopEntries, &host(&nodes), &Wanted { scope, ..Wanted::default() }).0)
        };
        assert_eq!(asked(ScopeAsk::User), ["own Installed user:1"]);
        assert_eq!(asked(ScopeAsk::System), ["kesl Installed machine"]);
        assert_eq!(asked(ScopeAsk::All).len(), 2);
    }

    #[test]
    fn absent_is_read_and_unreadable_is_a_gap() {
        let (haul, outcome) = collect(&DesktopEntries, &host(&[]));
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        for place in
            ["/usr/share/applications", "/usr/share/applications/sub", "/home/ann/.local", "/home/bob"]
        {
            let (haul, _) = collect(&DesktopEntries, &host(&[(place, FakeNode::Broken(Miss::Denied))]));
            assert_eq!(haul.gaps(), [(GapReason::PermissionDenied, true)], "{place}");
        }
    }

    #[test]
    fn truncated_entries_are_noticed() {
        let end = KESL.find(" --secret").unwrap();
        for at in 0..end {
            let haul = one(file(KESL.get(..at).unwrap()));
            assert!(haul.gaps().iter().any(|(_, blocking)| *blocking), "cut at {at}");
        }
    }

    #[test]
    fn garbage_and_hostile_entries_keep_their_name() {
        let nodes = [
            FakeNode::File((0..=255).cycle().take(5000).collect()),
            FakeNode::File(vec![b'x'; 2 << 20]),
            FakeNode::Link(b"k.desktop".to_vec()),
            FakeNode::Special(Kind::Pipe),
        ];
        for node in nodes {
            let haul = one(node.clone());
            assert!(haul.gaps().iter().any(|(_, blocking)| *blocking), "{:?}", haul.gaps());
            assert_eq!(haul.traces().len(), 1);
        }
        let hostile = [
            ("/usr/share/applications/\u{1b}[2J.desktop", file(KESL)),
            ("/usr/share/applications/.desktop", file(KESL)),
        ];
        assert_eq!(collect(&DesktopEntries, &host(&hostile)).0.traces().len(), 1);
    }
}
