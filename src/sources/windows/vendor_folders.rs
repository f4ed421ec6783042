//! Folders and files that a rule names: what a product leaves behind, and programs in folders of Windows itself.
//!
//! Programs inside a vendor's folder are another source's (`executables`); what else lies there is a trace, a few levels
//! deep, as rules name folders of data in it.

use crate::host::{Host, Kind, Miss, WalkNext, Walked};
use crate::model::{
    Depth, Family, Field, GapReason, HostPath, Image, ItemKind, Place, Recorded, Scope, ScopeKind, Stamp,
    State, Trace, Wanted,
};
use crate::sources::common::program::is_program;
use crate::sources::{About, Haul, Outcome, Source};

use super::named;
use super::started::tell;

/// The source `vendor-folders`.
pub struct VendorFolders;

/// Folders and files looked at below one that a rule names, and how deep.
const ENTRIES: usize = 2_000;
const DEPTH: usize = 5;
/// Folders that every Windows, or every user, has: that they are there says nothing, whatever rule names them.
const COMMON: &[&str] = &[
    r"{app-data}\microsoft",
    r"{app-data}\microsoft\windows\start menu",
    r"{app-data}\microsoft\windows\start menu\programs",
    r"{app-data}\microsoft\windows\start menu\programs\startup",
    r"{home}\appdata",
    r"{home}\appdata\local",
    r"{home}\appdata\roaming",
    r"{home}\desktop",
    r"{home}\documents",
    r"{home}\downloads",
    r"{local-app-data}\microsoft",
    r"{local-app-data}\packages",
    r"{local-app-data}\programs",
    r"{local-app-data}\temp",
    r"{program-data}\microsoft",
    r"{program-data}\microsoft\windows\start menu",
    r"{program-data}\microsoft\windows\start menu\programs",
    r"{program-data}\package cache",
    r"{program-files}\common files",
    r"{program-files}\windowsapps",
    r"{public}\desktop",
    r"{public}\documents",
    r"{public}\downloads",
    r"{system}\config",
    r"{system}\config\systemprofile",
    r"{system}\drivers",
    r"{system}\drivers\etc",
    r"{system}\driverstore",
    r"{system}\driverstore\filerepository",
    r"{system}\tasks",
    r"{system}\wbem",
    r"{windows}\elambkup",
    r"{windows}\inf",
    r"{windows}\installer",
    r"{windows}\prefetch",
    r"{windows}\serviceprofiles",
    r"{windows}\system32",
    r"{windows}\system32\drivers",
    r"{windows}\syswow64",
    r"{windows}\syswow64\drivers",
    r"{windows}\temp",
];

static ABOUT: About = About {
    name: "vendor-folders",
    summary: "folders and files that a rule names, of the machine and of every user",
    families: &[Family::Windows],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    depth: Depth::Standard,
    yields: &[(ItemKind::Executable, &[State::Present]), (ItemKind::Trace, &[State::Remnant])],
    fields: &[Field::Name, Field::Publisher, Field::Version, Field::Signer, Field::Identifier, Field::Path],
    ..About::USUAL
};

impl Source for VendorFolders {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        // Whose homes cannot be listed is told.
        haul.users(host, want);
        let mut walked: Vec<HostPath> = Vec::new();
        let is_own = |template: &&String| !COMMON.contains(&template.to_lowercase().as_str());
        let templates = want.templates.iter().filter(is_own);
        let places = templates.flat_map(|template| named::places(host.facts(), template, want));
        for (scope, path) in places.chain(on_drives(host, want, haul)) {
            if !haul.time_left() {
                break;
            }
            named_place(host, want, (&scope, &path), &mut walked, haul);
        }
        Outcome::Read
    }
}

/// Paths that a rule names with a drive, on every drive: whatever makes `C:\KVRT_Data` makes it on the system's.
fn on_drives(host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Vec<(Scope, HostPath)> {
    let roots: Vec<&HostPath> = want.path_roots.iter().filter(|root| root.drive().is_some()).collect();
    if roots.is_empty() || !want.scope.includes(ScopeKind::Machine) {
        return Vec::new();
    }
    let top = HostPath::from("/");
    let drives = haul.optional(&top, host.files().list(&top)).unwrap_or_default();
    let on = |root: &HostPath| {
        let inside = HostPath::new(root.as_bytes().get(3..).unwrap_or_default());
        drives
            .iter()
            .map(|drive| (Scope::Machine, top.join(&drive.name).join(inside.as_bytes())))
            .collect::<Vec<_>>()
    };
    roots.into_iter().flat_map(on).collect()
}

/// A place that a rule names. Templates come in order: one below another follows it.
fn named_place(
    host: &dyn Host,
    want: &Wanted,
    (scope, path): (&Scope, &HostPath),
    walked: &mut Vec<HostPath>,
    haul: &mut Haul,
) {
    let files = host.files();
    let read = files.stat(path).and_then(|stat| Ok((files.resolve(path)?, stat)));
    // Something that is no folder stands on the way: so nothing is there.
    let read = read.map_err(|miss| if matches!(miss, Miss::NotAFile(_)) { Miss::Absent } else { miss });
    let Some((place, what)) = haul.optional(path, read) else { return };
    if what.kind == Kind::File && is_program(place.file_name()) {
        return program(host, want, scope, place, haul);
    }
    if walked.iter().any(|folder| place.is_within(folder)) {
        return;
    }
    push(scope, &place, what.modified, haul);
    if what.kind == Kind::Folder {
        walk(host, scope, &place, haul);
        walked.push(place);
    }
}

/// A program that a rule names by its place.
fn program(host: &dyn Host, want: &Wanted, scope: &Scope, path: HostPath, haul: &mut Haul) {
    let place = Place::file(path.clone());
    let mut trace = Trace::new(ItemKind::Executable, path.file_name_text(), State::Present, place);
    trace.scope = scope.clone();
    trace.image = Some(Image { path, exists: Some(true) });
    tell(host, want, &mut trace, haul);
    haul.push(trace);
}

/// What lies in a folder, beside its programs. Nothing that counts rests on it, so that a flood of files hides nothing.
fn walk(host: &dyn Host, scope: &Scope, folder: &HostPath, haul: &mut Haul) {
    let top = folder.parts().count();
    let mut left = ENTRIES;
    let read = host.files().walk(folder, &mut |step| {
        if left == 0 {
            haul.minor(
                GapReason::Budget,
                folder,
                format!("more than {ENTRIES} entries in a folder that a rule names"),
            );
            return WalkNext::Stop;
        }
        if !haul.time_left() {
            return WalkNext::Stop;
        }
        left -= 1;
        match step {
            Walked::Seen { path, stat } if stat.kind == Kind::Folder || !is_program(path.file_name()) => {
                let level = path.parts().count().saturating_sub(top);
                push(scope, &path, stat.modified, haul);
                if stat.kind == Kind::Folder && level >= DEPTH { WalkNext::Skip } else { WalkNext::On }
            }
            Walked::Missed(path, miss) => {
                haul.listed::<()>(&path, Err(miss));
                WalkNext::On
            }
            Walked::Seen { .. } => WalkNext::On,
        }
    });
    haul.listed(folder, read);
}

fn push(scope: &Scope, path: &HostPath, modified: Option<Stamp>, haul: &mut Haul) {
    let place = Place::file(path.clone());
    let mut trace = Trace::new(ItemKind::Trace, path.file_name_text(), State::Remnant, place);
    trace.path = Some(path.clone());
    trace.scope = scope.clone();
    trace.recorded_at = Recorded { value: modified, means: crate::model::Means::FileTime };
    haul.push(trace);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry};
    use crate::model::ScopeAsk;
    use crate::sources::testing::collect_for;

    fn file() -> FakeNode {
        FakeNode::File(Vec::new())
    }

    fn seen(
        nodes: &[(&str, FakeNode)],
        templates: &[&str],
        scope: ScopeAsk,
    ) -> (Vec<String>, Vec<(GapReason, bool)>) {
        let nodes = nodes.iter().cloned().chain([("/C:/Users/alice/NTUSER.DAT", file())]);
        let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
        let host = FakeHost::windows(nodes, FakeRegistry::new().key(list, &[]));
        let templates = templates.iter().map(|text| (*text).to_owned()).collect();
        let want = Wanted { scope, templates, ..Wanted::default() };
        let (haul, outcome) = collect_for(&VendorFolders, &host, &want);
        assert_eq!(outcome, Outcome::Read);
        let line = |trace: &Trace| {
            let path = trace.path.as_ref().or(trace.image.as_ref().map(|image| &image.path)).unwrap();
            assert_eq!(trace.state == State::Remnant, trace.kind == ItemKind::Trace);
            format!("{} {} {path}", trace.kind.word(), trace.scope)
        };
        (haul.traces().iter().map(line).collect(), haul.gaps())
    }

    const TEMPLATES: &[&str] = &[
        r"{local-app-data}\Kingsoft",
        r"{program-data}\Kaspersky Lab",
        r"{program-data}\Kaspersky Lab\AVP21.3",
        r"{system}\drivers",
        r"{windows}\kavremvr.exe",
    ];

    fn nodes() -> Vec<(&'static str, FakeNode)> {
        vec![
            ("/C:/ProgramData/Kaspersky Lab/AVP21.3/Data/Cert/x.cer", file()),
            ("/C:/ProgramData/Kaspersky Lab/AVP21.3/avp.exe", file()),
            ("/C:/Users/alice/AppData/Local/Kingsoft", FakeNode::Folder),
            ("/C:/Windows/System32/drivers/x.sys", file()),
            ("/C:/Windows/kavremvr.exe", file()),
        ]
    }

    #[test]
    fn what_a_rule_names_is_a_trace_once() {
        let (traces, _) = seen(&nodes(), TEMPLATES, ScopeAsk::All);
        assert_eq!(
            traces,
            [
                r"trace user:1 C:\Users\alice\AppData\Local\Kingsoft",
                r"trace machine C:\ProgramData\Kaspersky Lab",
                r"trace machine C:\ProgramData\Kaspersky Lab\AVP21.3",
                r"trace machine C:\ProgramData\Kaspersky Lab\AVP21.3\Data",
                r"trace machine C:\ProgramData\Kaspersky Lab\AVP21.3\Data\Cert",
                r"trace machine C:\ProgramData\Kaspersky Lab\AVP21.3\Data\Cert\x.cer",
                r"executable machine C:\Windows\kavremvr.exe",
            ]
        );
        assert_eq!(seen(&nodes(), TEMPLATES, ScopeAsk::User).0.len(), 1);
        assert_eq!(seen(&nodes(), TEMPLATES, ScopeAsk::System).0.len(), 6);
        assert!(seen(&[], TEMPLATES, ScopeAsk::All).0.is_empty());
    }

    #[test]
    fn a_path_with_a_drive_is_looked_for_on_every_drive() {
        let host = FakeHost::windows(
            [("/D:/kvrt_data/x.txt", file()), ("/E:/other", FakeNode::Folder)],
            FakeRegistry::new(),
        );
        let want = Wanted { path_roots: [HostPath::from("/C:/KVRT_Data")].into(), ..Wanted::default() };
        let (haul, _) = collect_for(&VendorFolders, &host, &want);
        let paths: Vec<_> = haul.traces().iter().map(|trace| trace.path.as_ref().unwrap().text()).collect();
        assert_eq!(paths, [r"D:\kvrt_data", r"D:\kvrt_data\x.txt"]);
    }

    #[test]
    fn what_cannot_be_read_is_a_gap() {
        let gaps = |path, node| seen(&[(path, node)], TEMPLATES, ScopeAsk::All).1;
        let denied = || FakeNode::Broken(Miss::Denied);
        assert!(gaps("/C:/ProgramData", denied()).contains(&(GapReason::PermissionDenied, true)));
        assert_eq!(gaps("/C:/ProgramData/Kaspersky Lab", denied()), [(GapReason::PermissionDenied, true)]);
        assert_eq!(gaps("/C:/ProgramData/Kaspersky Lab/x", denied()), [(GapReason::PermissionDenied, true)]);
        assert_eq!(gaps("/C:/Users/alice", denied()), [(GapReason::PermissionDenied, true)]);
        assert_eq!(gaps("/C:/ProgramData/Kaspersky Lab", file()), []);
    }

    #[test]
    fn a_flood_of_files_ends_with_a_gap_that_hides_nothing() {
        let names: Vec<String> =
            (0..ENTRIES + 9).map(|n| format!("/C:/ProgramData/Kaspersky Lab/{n}")).collect();
        let nodes: Vec<_> = names.iter().map(|name| (name.as_str(), file())).collect();
        let (traces, gaps) = seen(&nodes, TEMPLATES, ScopeAsk::System);
        assert_eq!((traces.len(), gaps), (ENTRIES + 1, vec![(GapReason::Budget, false)]));
    }
}
