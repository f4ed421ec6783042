//! Jobs of launchd on made-up volumes.

use super::*;
use crate::host::{FakeHost, FakeNode};
use crate::model::{Depth, Looked, ScopeAsk};
use crate::sources::testing::{collect, collect_for};

fn list(body: &str) -> FakeNode {
    FakeNode::File(format!("<plist version=\"1.0\"><dict>{body}</dict></plist>").into_bytes())
}

fn job(label: &str, words: &[&str]) -> FakeNode {
    let words: String = words.iter().flat_map(|word| ["<string>", word, "</string>"]).collect();
    list(&format!(
        "<key>Label</key><string>{label}</string><key>ProgramArguments</key><array>{words}</array>"
    ))
}

fn program() -> FakeNode {
    FakeNode::Program(vec![])
}

const KAV: &str = "/Library/Application Support/Kaspersky Lab/KAV/Binaries/kav";

type Seen = (String, ItemKind, State, Option<String>);

fn seen(haul: &Haul) -> Vec<Seen> {
    let path = |trace: &Trace| trace.image.as_ref().map(|image| image.path.text().into_owned());
    haul.traces().iter().map(|one| (one.name.clone(), one.kind, one.state, path(one))).collect()
}

fn one(nodes: &[(&str, FakeNode)]) -> (Seen, Vec<(GapReason, bool)>) {
    let (haul, outcome) = collect(&Launchd, &FakeHost::macos(nodes.iter().cloned()));
    assert_eq!((outcome, haul.traces().len()), (Outcome::Read, 1), "{:?}", haul.traces());
    (seen(&haul).remove(0), haul.gaps())
}

fn service(name: &str, state: State, path: Option<&str>) -> Seen {
    (name.to_owned(), ItemKind::Service, state, path.map(str::to_owned))
}

#[test]
fn jobs_of_the_machine_and_of_users() {
    let host = FakeHost::macos([
        (KAV, program()),
        (
            "/Library/LaunchDaemons/com.kaspersky.kav.plist",
            job("com.kaspersky.kav", &[KAV, "--token=secret"]),
        ),
        ("/Library/LaunchDaemons/.DS_Store", FakeNode::File(vec![1])),
        ("/Library/LaunchAgents/other name.plist", job("com.kaspersky.kav.gui", &["/gone/gui"])),
        ("/System/Library/LaunchDaemons/com.apple.apsd.plist", job("com.apple.apsd", &["/usr/libexec/apsd"])),
        ("/usr/libexec/apsd", program()),
        ("/Users/alice/Library/LaunchAgents/com.acme.plist", job("com.acme", &["/bin/sh", KAV])),
        ("/bin/sh", program()),
    ]);
    let (haul, outcome) = collect(&Launchd, &host);
    assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
    assert_eq!(
        seen(&haul),
        [
            service("com.apple.apsd", State::Installed, Some("/usr/libexec/apsd")),
            service("com.kaspersky.kav", State::Installed, Some(KAV)),
            service("com.kaspersky.kav.gui", State::Remnant, Some("/gone/gui")),
            service("com.acme", State::Installed, Some(KAV)),
        ]
    );
    assert_eq!(haul.traces()[3].scope, Scope::User(1));
    assert!(!format!("{:?}", haul.traces()).contains("secret"), "arguments are not reported");
    let of = |scope| {
        let want = Wanted { scope, ..Wanted::default() };
        collect_for(&Launchd, &host, &want).0.traces().len()
    };
    assert_eq!((of(ScopeAsk::System), of(ScopeAsk::User)), (3, 1));
}

#[test]
fn what_a_job_is_called_and_what_it_starts() {
    let daemon = "/Library/LaunchDaemons/com.file.plist";
    let with = |node| one(&[(daemon, node)]).0;
    assert_eq!(
        with(list("<key>Program</key><string>/x</string>")),
        service("com.file", State::Remnant, Some("/x"))
    );
    assert_eq!(with(job("a", &[])), service("a", State::Installed, None));
    assert_eq!(
        with(list("<key>Label</key><string>a</string>")),
        service("a", State::Remnant, None),
        "launchd refuses it"
    );
    assert_eq!(with(job("a", &["relative/x"])), service("a", State::Installed, None), "nobody can follow it");
    assert_eq!(with(FakeNode::Link(b"/gone.plist".to_vec())), service("com.file", State::Remnant, None));
    let disabled = "<key>Label</key><string>a</string><key>Disabled</key><true/><key>Program</key><string>/bin/x</string>";
    let (found, _) = one(&[(daemon, list(disabled)), ("/bin/x", program())]);
    assert_eq!(found, service("a", State::Installed, Some("/bin/x")));
}

#[test]
fn what_applications_carry() {
    let app = "/Applications/Acme.app/Contents/Library";
    let path = |rest: &str| format!("{app}/{rest}");
    let inner = list(
        "<key>Label</key><string>com.acme.daemon</string><key>BundleProgram</key><string>Contents/MacOS/daemon</string>",
    );
    let lost = list("<key>BundleProgram</key><string>Contents/MacOS/gone</string>");
    let (daemon, agent) =
        (path("LaunchDaemons/com.acme.daemon.plist"), path("LaunchAgents/com.acme.agent.plist"));
    let item = path("LoginItems/Acme Helper.app/Contents/Info.plist");
    let helper_program = path("LoginItems/Acme Helper.app/Contents/MacOS/Acme Helper");
    let host = FakeHost::macos([
        (daemon.as_str(), inner.clone()),
        (agent.as_str(), lost),
        (item.as_str(), list("")),
        (helper_program.as_str(), program()),
        ("/Applications/Acme.app/Contents/MacOS/daemon", program()),
        ("/Applications/Set/Other.app/Contents/Library/LaunchDaemons/com.other.plist", inner.clone()),
        ("/Applications/Set/Deep/Far.app/Contents/Library/LaunchDaemons/com.far.plist", inner.clone()),
        ("/Applications/File.app", FakeNode::File(vec![])),
        ("/Users/alice/Applications/Mine.app/Contents/Library/LaunchAgents/mine.plist", job("mine", &["/x"])),
        // Only a bundle can name a program of its own.
        ("/Library/LaunchDaemons/odd.plist", inner),
        ("/Library/PrivilegedHelperTools/com.acme.helper", program()),
        ("/Library/PrivilegedHelperTools/.hidden", program()),
    ]);
    let (haul, _) = collect(&Launchd, &host);
    assert_eq!(haul.gaps(), []);
    let text = |path: &str| Some(path.to_owned());
    let helper = "/Library/PrivilegedHelperTools/com.acme.helper";
    assert_eq!(
        seen(&haul),
        [
            service("com.acme.daemon", State::Remnant, None),
            service("com.acme.agent", State::Remnant, Some("/Applications/Acme.app/Contents/MacOS/gone")),
            service("com.acme.daemon", State::Present, Some("/Applications/Acme.app/Contents/MacOS/daemon")),
            ("Acme Helper.app".to_owned(), ItemKind::Autostart, State::Present, text(&helper_program)),
            service(
                "com.acme.daemon",
                State::Remnant,
                Some("/Applications/Set/Other.app/Contents/MacOS/daemon")
            ),
            ("com.acme.helper".to_owned(), ItemKind::Executable, State::Present, text(helper)),
            service("mine", State::Remnant, Some("/x")),
        ]
    );
}

#[test]
fn labels_without_a_job_are_history() {
    let remembered = "/private/var/db/com.apple.xpc.launchd/disabled.plist";
    let host = |node| {
        FakeHost::macos([
            ("/Library/LaunchDaemons/com.acme.plist", job("com.acme", &["tool"])),
            (remembered, node),
        ])
    };
    let labels =
        "<key>com.ACME</key><true/><key>com.kaspersky.kav</key><false/><key>odd</key><string>x</string>";
    let (haul, _) = collect(&Launchd, &host(list(labels)));
    let states: Vec<_> = haul.traces().iter().map(|one| (one.name.as_str(), one.state)).collect();
    assert_eq!(states, [("com.acme", State::Installed), ("com.kaspersky.kav", State::Historic)]);
    assert_eq!(haul.gaps(), []);
    // Nothing there counts, so that nothing of it hides what does.
    for broken in [FakeNode::File(vec![0xFF; 9]), FakeNode::Unreadable(Miss::Denied)] {
        let gaps = collect(&Launchd, &host(broken)).0.gaps();
        assert!(gaps.len() == 1 && !gaps[0].1, "{gaps:?}");
    }
}

#[test]
fn a_system_without_its_daemons_is_a_gap() {
    let (haul, _) = collect(&Launchd, &FakeHost::macos([(SYSTEM, list(""))]));
    assert_eq!(haul.gaps(), [(GapReason::Missing, true)]);
    let (haul, _) = collect(&Launchd, &FakeHost::macos([("/Library/LaunchDaemons", FakeNode::Folder)]));
    assert_eq!(haul.gaps(), [], "the volume of the data alone");
}

#[test]
fn what_cannot_be_read_is_a_gap() {
    let daemon = "/Library/LaunchDaemons/com.kaspersky.kav.plist";
    let named = service("com.kaspersky.kav", State::Installed, None);
    let with = |node| one(&[(daemon, node)]);
    assert_eq!(
        with(FakeNode::Unreadable(Miss::Denied)),
        (named.clone(), vec![(GapReason::PermissionDenied, true)])
    );
    let huge = Miss::TooLarge { size: 1 << 40, limit: LIMIT };
    assert_eq!(with(FakeNode::Unreadable(huge)), (named.clone(), vec![(GapReason::TooLarge, true)]));
    let text = b"<plist version=\"1.0\"><dict><key>Label</key><string>x</string></dict></plist>";
    for cut in 0..text.len() - "</plist>".len() {
        let (found, gaps) = with(FakeNode::File(text[..cut].to_vec()));
        assert_eq!(found, named, "cut at {cut}");
        assert!(gaps.len() == 1 && gaps[0].1, "cut at {cut}");
    }
    let array = FakeNode::File(b"<plist version=\"1.0\"><array/></plist>".to_vec());
    assert_eq!(with(array), (named, vec![(GapReason::Malformed, true)]));
    let folder = |path: &str| {
        let nodes = [(path, FakeNode::Broken(Miss::Denied)), ("/Users/alice/x", FakeNode::Folder)];
        collect(&Launchd, &FakeHost::macos(nodes)).0.gaps()
    };
    for path in [
        "/Library/LaunchDaemons",
        "/Users/alice/Library/LaunchAgents",
        "/Applications",
        "/Applications/Acme.app/Contents/Library",
        "/Applications/Acme.app/Contents/Library/LaunchDaemons",
        "/Library/PrivilegedHelperTools",
    ] {
        assert_eq!(folder(path), [(GapReason::PermissionDenied, true)], "{path}");
    }
}

#[test]
fn who_signed_the_program_is_told_where_files_are_looked_at() {
    let forged = include_bytes!("../../../fuzz/seeds/code_signature/kaspersky-forged");
    let host = FakeHost::macos([
        ("/Library/LaunchDaemons/com.acme.plist", job("com.acme", &["/x"])),
        ("/x", FakeNode::Program(forged.to_vec())),
    ]);
    let team = |depth| {
        let want = Wanted { depth, ..Wanted::default() };
        let (haul, _) = collect_for(&Launchd, &host, &want);
        let Looked::Some(signer) = &haul.traces()[0].signer else { return None };
        signer.team_id.clone()
    };
    assert_eq!((team(Depth::Standard).as_deref(), team(Depth::Quick)), (Some("2Y8XE5CQ94"), None));
}
