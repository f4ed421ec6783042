//! Scripts of System V init, and of `OpenRC`, which keeps its own in the same folder.
//!
//! A script says little of its program; where an assignment names one by its path, that is its image.

use std::collections::HashSet;

use crate::host::{Entry, Files, Host, Kind, Miss};
use crate::model::{Family, Field, GapReason, HostPath, ItemKind, Place, State, Trace, Wanted};
use crate::parse::init_script;
use crate::sources::{About, Haul, Outcome, Source};

use super::programs::image;

/// The source `init-scripts`.
pub struct InitScripts;

const FOLDERS: &[&str] = &["/etc/init.d", "/etc/rc.d/init.d"];
/// Files of the init system itself.
const NO_SERVICES: &[&[u8]] = &[b"README", b"functions", b"functions.sh", b"rc", b"rcS", b"skeleton"];
/// Real scripts have some kilobytes.
const LIMIT: u64 = 1 << 20;

static ABOUT: About = About {
    name: "init-scripts",
    summary: "services that are started by scripts in /etc/init.d",
    families: &[Family::Linux],
    yields: &[(ItemKind::Service, &[State::Installed, State::Remnant])],
    fields: &[Field::Name, Field::Path],
    ..About::USUAL
};

impl Source for InitScripts {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, _want: &Wanted, haul: &mut Haul) -> Outcome {
        let files = host.files();
        let mut known = HashSet::new();
        for folder in FOLDERS.iter().map(|folder| HostPath::from(*folder)) {
            let resolved = files.resolve(&folder);
            let Some(real) = haul.optional(&folder, resolved) else { continue };
            if !known.insert(real) {
                continue;
            }
            let listed = files.list(&folder);
            for entry in haul.optional(&folder, listed).unwrap_or_default() {
                script(files, &folder, &entry, haul);
            }
        }
        if known.is_empty() && haul.gap_list().next().is_none() {
            return Outcome::NotApplicable("there is no folder of init scripts".to_owned());
        }
        Outcome::Read
    }
}

fn script(files: &dyn Files, folder: &HostPath, entry: &Entry, haul: &mut Haul) {
    let name = entry.name.as_slice();
    if entry.kind == Kind::Folder || name.starts_with(b".") || NO_SERVICES.contains(&name) {
        return;
    }
    let path = folder.join(name);
    let mut trace =
        Trace::new(ItemKind::Service, path.file_name_text(), State::Installed, Place::file(path.clone()));
    match files.read(&path, LIMIT) {
        Ok(bytes) => describe(files, &bytes, &path, &mut trace, haul),
        // A link that leads nowhere: what is left of a service.
        Err(Miss::Absent) if entry.kind == Kind::Link => trace.state = State::Remnant,
        Err(Miss::Absent) => return haul.gap(GapReason::Vanished, &path),
        Err(miss) => haul.miss(&path, &miss),
    }
    haul.push(trace);
}

fn describe(files: &dyn Files, bytes: &[u8], path: &HostPath, trace: &mut Trace, haul: &mut Haul) {
    let (header, faults) = init_script::lsb_header(bytes);
    haul.faults(path, &faults);
    if bytes.trim_ascii().is_empty() {
        haul.gap(GapReason::Empty, path);
    } else if !bytes.starts_with(b"#") || bytes.contains(&0) {
        haul.gap_with(GapReason::Malformed, path, "not a script");
    }
    trace.display_name = header.and_then(|header| header.description);
    trace.image = init_script::daemon(bytes).map(|daemon| image(files, HostPath::new(daemon), haul));
    if trace.image.as_ref().is_some_and(|image| image.exists == Some(false)) {
        trace.state = State::Remnant;
        if !bytes.ends_with(b"\n") {
            haul.gap(GapReason::Truncated, path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode};
    use crate::sources::testing::collect;

    const KLNAGENT: &str = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: klnagent64\n# Short-Description: Network Agent\n### END INIT INFO\nDAEMON=\"/opt/kaspersky/klnagent64/sbin/klserver\"\nexec $DAEMON --secret\n";

    fn file(text: &str) -> FakeNode {
        FakeNode::File(text.as_bytes().to_vec())
    }

    fn read(nodes: &[(&str, FakeNode)]) -> (Vec<(String, State)>, Haul) {
        let program = ("/opt/kaspersky/klnagent64/sbin/klserver", FakeNode::Program(vec![]));
        let host = FakeHost::new(nodes.iter().cloned().chain([program]));
        let (haul, _) = collect(&InitScripts, &host);
        (haul.traces().iter().map(|trace| (trace.name.clone(), trace.state)).collect(), haul)
    }

    #[test]
    fn scripts_with_description_and_program() {
        let (rows, haul) = read(&[
            ("/etc/rc.d/init.d/klnagent64", file(KLNAGENT)),
            ("/etc/rc.d/init.d/plain", file("#!/bin/sh\nexit 0\n")),
            ("/etc/rc.d/init.d/left", file("#!/bin/sh\nDAEMON=/opt/gone/bin/x\n")),
            ("/etc/rc.d/init.d/dangling", FakeNode::Link(b"/opt/gone/init".to_vec())),
            ("/etc/rc.d/init.d/functions", file("x")),
            ("/etc/rc.d/init.d/.depend.boot", file("x")),
            ("/etc/init.d", FakeNode::Link(b"rc.d/init.d".to_vec())),
        ]);
        assert_eq!(haul.gaps(), []);
        let expected = [
            ("dangling", State::Remnant),
            ("klnagent64", State::Installed),
            ("left", State::Remnant),
            ("plain", State::Installed),
        ];
        assert_eq!(rows, expected.map(|(name, state)| (name.to_owned(), state)));
        let agent = &haul.traces()[1];
        assert_eq!(agent.display_name.as_deref(), Some("Network Agent"));
        assert_eq!(agent.image.as_ref().unwrap().path, "/opt/kaspersky/klnagent64/sbin/klserver".into());
        assert_eq!(agent.image.as_ref().unwrap().exists, Some(true));
    }

    #[test]
    fn absent_and_unreadable() {
        let none = FakeHost::new([("/etc/x", FakeNode::Folder)]);
        assert!(matches!(collect(&InitScripts, &none).1, Outcome::NotApplicable(_)));
        let (rows, haul) = read(&[("/etc/init.d", FakeNode::Broken(Miss::Denied))]);
        assert_eq!((rows, haul.gaps()), (vec![], vec![(GapReason::PermissionDenied, true)]));
        let (rows, haul) = read(&[("/etc/init.d/kesl", FakeNode::Special(Kind::Pipe))]);
        assert_eq!(
            (rows.len(), haul.gaps()),
            (1, vec![(GapReason::NotAFile, true)]),
            "its name still counts"
        );
    }

    #[test]
    fn truncated_garbage_and_hostile() {
        let header = KLNAGENT.find("DAEMON").unwrap();
        for at in (0..header).filter(|at| !(10..29).contains(at)) {
            let (_, haul) = read(&[("/etc/init.d/k", file(KLNAGENT.get(..at).unwrap()))]);
            let noticed = haul.gaps().iter().any(|(_, blocking)| *blocking);
            // Cut before its header begins, or right behind it, it is a script like another.
            assert!(noticed || at < 10 || at + 1 >= header, "cut at {at}");
        }
        let garbage = FakeNode::File(b"\x7fELF\0\xff".repeat(100));
        let big = FakeNode::File(vec![b'#'; 2 << 20]);
        let looped = FakeNode::Link(b"loop".to_vec());
        for (name, node) in [("garbage", garbage), ("big", big), ("loop", looped), ("empty", file(""))] {
            let (rows, haul) = read(&[(&format!("/etc/init.d/{name}"), node)]);
            assert!(rows.len() == 1 && haul.gaps().iter().any(|(_, blocking)| *blocking), "{name}");
        }
    }
}
