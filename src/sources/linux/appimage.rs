//! Programs that are one file (AppImage), told by their name or by the mark in their ELF header.
//!
//! Nothing records them; they are looked for where people and documentation put them. What lies elsewhere is found by
//! a sweep of program files, or when it runs.

use std::collections::HashSet;

use crate::host::{Entry, Host, Kind, Miss};
use crate::model::{
    Depth, Family, Field, GapReason, HostPath, Image, ItemKind, Place, Scope, ScopeKind, State, Trace, Wanted,
};
use crate::parse::appimage::{self, HEAD};
use crate::sources::{About, Haul, Outcome, Source};

/// The source `appimage`.
pub struct AppImages;

/// Folders of the machine.
const MACHINE: &[&str] = &["/opt", "/usr/local/bin"];
/// Folders of a home, the home itself first (`Applications` is what docs.appimage.org names).
const HOME: &[&str] = &["", "Applications", ".local/bin", "bin", "Downloads", "Desktop"];
/// Entries looked at in one folder.
const BUDGET: usize = 20_000;

static ABOUT: About = About {
    name: "appimage",
    summary: "AppImages in /opt, /usr/local/bin and the usual folders of users",
    families: &[Family::Linux],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    depth: Depth::Standard,
    yields: &[(ItemKind::Application, &[State::Present])],
    fields: &[Field::Name, Field::Path],
    ..About::USUAL
};

impl Source for AppImages {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let mut seen = HashSet::new();
        let mut folders = Vec::new();
        if want.scope.includes(ScopeKind::Machine) {
            folders.extend(MACHINE.iter().map(|folder| (HostPath::from(*folder), Scope::Machine)));
        }
        for user in haul.users(host, want) {
            let place = |part: &&str| if part.is_empty() { user.home.clone() } else { user.home.join(part) };
            folders.extend(HOME.iter().map(|part| (place(part), Scope::User(user.n))));
        }
        for (folder, scope) in folders {
            let read = host.files().list(&folder);
            let entries = haul.optional(&folder, read).unwrap_or_default();
            if entries.len() > BUDGET {
                haul.gap_with(GapReason::Budget, &folder, format!("more than {BUDGET} entries"));
            }
            for entry in
                entries.iter().take(BUDGET).take_while(|_| haul.time_left()).cloned().collect::<Vec<_>>()
            {
                file(host, &folder, &entry, &mut Found { seen: &mut seen, scope: &scope, haul });
            }
        }
        Outcome::Read
    }
}

/// What one file may add to.
struct Found<'a> {
    seen: &'a mut HashSet<HostPath>,
    scope: &'a Scope,
    haul: &'a mut Haul,
}

/// A link is followed: `/usr/local/bin/x` is often one to `/opt/x.AppImage`, and counts once.
fn file(host: &dyn Host, folder: &HostPath, entry: &Entry, found: &mut Found<'_>) {
    let path = folder.join(&entry.name);
    if !matches!(entry.kind, Kind::File | Kind::Link) {
        return;
    }
    let Some(real) = followed(host, &path, entry.kind, found.haul) else { return };
    if found.seen.contains(&real) {
        return;
    }
    let named = is_named(&entry.name) || is_named(real.file_name());
    let marked = match marked(host, &real) {
        Ok(marked) => marked,
        Err(miss) => {
            found.haul.listed::<()>(&path, Err(miss));
            false
        }
    };
    if named || marked {
        let mut trace = Trace::new(
            ItemKind::Application,
            real.file_name_text(),
            State::Present,
            Place::file(real.clone()),
        );
        trace.scope = found.scope.clone();
        trace.image = Some(Image { path: real.clone(), exists: Some(true) });
        found.haul.push(trace);
        found.seen.insert(real);
    }
}

/// The file itself; `None` for what is no file: a link to a folder, or to nothing.
fn followed(host: &dyn Host, path: &HostPath, kind: Kind, haul: &mut Haul) -> Option<HostPath> {
    if kind == Kind::File {
        return Some(path.clone());
    }
    let stat = host.files().stat(path);
    haul.optional(path, stat).filter(|stat| stat.kind == Kind::File)?;
    let real = host.files().resolve(path);
    haul.optional(path, real)
}

fn is_named(name: &[u8]) -> bool {
    name.last_chunk::<9>().is_some_and(|end| end.eq_ignore_ascii_case(b".appimage"))
}

fn marked(host: &dyn Host, path: &HostPath) -> Result<bool, Miss> {
    let mut head = [0; HEAD];
    let read = host.files().open(path)?.read_at(0, &mut head).map_err(|error| Miss::Io(error.to_string()))?;
    Ok(appimage::kind(head.get(..read).unwrap_or_default()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode};
    use crate::model::ScopeAsk;
    use crate::sources::testing::{collect, collect_for};

    const MARKED: &[u8] = b"\x7fELF\x02\x01\x01\0AI\x02\0\0\0\0\0";

    fn host(nodes: Vec<(&str, FakeNode)>) -> FakeHost {
        let passwd = FakeNode::File(b"ann:x:1000:1000::/home/ann:/bin/sh\n".to_vec());
        let home = ("/home/ann", FakeNode::Folder);
        FakeHost::new([("/etc/passwd", passwd), home].into_iter().chain(nodes))
    }

    fn names(haul: &Haul) -> Vec<(&str, &Scope)> {
        haul.traces().iter().map(|trace| (trace.name.as_str(), &trace.scope)).collect()
    }

    #[test]
    fn by_name_or_by_mark() {
        let text = || FakeNode::File(b"#!/bin/sh\n".to_vec());
        let host = host(vec![
            ("/opt/Kaspersky-1.AppImage", FakeNode::Program(MARKED.to_vec())),
            ("/opt/sub/Deep.AppImage", FakeNode::Program(MARKED.to_vec())),
            ("/usr/local/bin/k", FakeNode::Link(b"/opt/Kaspersky-1.AppImage".to_vec())),
            ("/usr/local/bin/script", text()),
            ("/usr/local/bin/dangling", FakeNode::Link(b"/nowhere".to_vec())),
            ("/usr/local/bin/pipe", FakeNode::Special(Kind::Pipe)),
            ("/home/ann/marked", FakeNode::File(MARKED.to_vec())),
            ("/home/ann/Downloads/cut.appimage", FakeNode::File(b"\x7fEL".to_vec())),
            ("/home/ann/Applications/a.AppImage", text()),
            ("/home/ann/Documents/b.AppImage", text()),
        ]);
        let (haul, outcome) = collect(&AppImages, &host);
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let user = Scope::User(1);
        let want = [
            ("Kaspersky-1.AppImage", &Scope::Machine),
            ("marked", &user),
            ("a.AppImage", &user),
            ("cut.appimage", &user),
        ];
        assert_eq!(names(&haul), want);
        let paths: Vec<_> = haul.traces().iter().map(|trace| trace.place.path.to_string()).collect();
        assert_eq!(paths[0], "/opt/Kaspersky-1.AppImage");
        let system = Wanted { scope: ScopeAsk::System, ..Wanted::default() };
        assert_eq!(collect_for(&AppImages, &host, &system).0.traces().len(), 1);
        let user = Wanted { scope: ScopeAsk::User, ..Wanted::default() };
        assert_eq!(collect_for(&AppImages, &host, &user).0.traces().len(), 3);
    }

    #[test]
    fn what_cannot_be_read_is_a_gap() {
        let (haul, _) = collect(&AppImages, &host(vec![("/opt", FakeNode::Broken(Miss::Denied))]));
        assert_eq!(haul.gaps(), [(GapReason::PermissionDenied, true)]);
        let denied = || FakeNode::Unreadable(Miss::Denied);
        let (haul, _) = collect(&AppImages, &host(vec![("/opt/x.AppImage", denied()), ("/opt/y", denied())]));
        assert_eq!((haul.traces().len(), haul.gaps()), (1, vec![(GapReason::PermissionDenied, true)]));
        assert_eq!(haul.gap_list().next().unwrap().count, 2);
        let (haul, _) =
            collect(&AppImages, &host(vec![("/opt/loop", FakeNode::Link(b"/opt/loop".to_vec()))]));
        assert_eq!(haul.gaps(), [(GapReason::LinkLoop, true)]);
    }

    #[test]
    fn names_in_any_case_and_not_more() {
        assert!(is_named(b"a.AppImage") && is_named(b".APPIMAGE") && is_named(b"\xff.appimage"));
        assert!(!is_named(b"appimage") && !is_named(b"a.AppImage.zsync") && !is_named(b""));
    }
}
