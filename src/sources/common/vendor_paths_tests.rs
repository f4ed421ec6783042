//! Tests of `vendor-paths`.

use super::*;
use crate::host::{FakeHost, FakeNode};
use crate::model::ScopeAsk;
use crate::sources::testing::collect_for;

fn file() -> FakeNode {
    FakeNode::File(b"x".to_vec())
}

fn program() -> FakeNode {
    FakeNode::Program(b"\x7fELF".to_vec())
}

fn want(scope: ScopeAsk, roots: &[&str], templates: &[&str], beginnings: &[&str]) -> Wanted {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    Wanted {
        scope,
        path_roots: roots.iter().map(|root| HostPath::from(*root)).collect(),
        templates: texts(templates),
        beginnings: texts(beginnings),
        ..Wanted::default()
    }
}

fn seen(host: &FakeHost, want: &Wanted) -> (Vec<String>, Haul) {
    let (haul, outcome) = collect_for(&VendorPaths, host, want);
    assert_eq!(outcome, Outcome::Read);
    let line = |trace: &Trace| {
        let path = trace.path.as_ref().or(trace.image.as_ref().map(|image| &image.path)).unwrap();
        assert_eq!(trace.state == State::Remnant, trace.kind == ItemKind::Trace);
        format!("{} {} {path}", trace.kind.word(), trace.scope)
    };
    (haul.traces().iter().map(line).collect(), haul)
}

const PASSWD: &str =
    "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n";

fn linux(nodes: &[(&'static str, FakeNode)]) -> FakeHost {
    let base = [
        ("/etc/passwd", FakeNode::File(PASSWD.as_bytes().to_vec())),
        ("/root", FakeNode::Folder),
        ("/home/ann", FakeNode::Folder),
        ("/home/bob", FakeNode::Folder),
    ];
    FakeHost::new(base.into_iter().chain(nodes.iter().cloned()))
}

#[test]
fn what_a_rule_names_in_a_home_is_a_leftover_of_each_user() {
    let host = linux(&[
        ("/home/ann/.anydesk/user.conf", file()),
        ("/home/ann/.anydesk/chat/a/b/c/d/e/f", file()),
        ("/home/bob/.config/rustdesk", FakeNode::Link(b"../.rustdesk".to_vec())),
        ("/home/bob/.rustdesk/RustDesk.toml", file()),
        ("/home/bob/.config/other", file()),
        ("/home/bob/.local/bin/agent", program()),
        ("/opt/acme/tool", program()),
    ]);
    let templates = [
        "{home}/.anydesk",
        "{home}/.config",
        "{home}/.config/rustdesk",
        "{home}/.local/bin/agent",
        "{home}/.none",
    ];
    let (all, haul) = seen(&host, &want(ScopeAsk::All, &["/opt/acme", "/etc"], &templates, &[]));
    let ann = host.facts().users.iter().find(|user| user.name == "ann").unwrap().n;
    let bob = host.facts().users.iter().find(|user| user.name == "bob").unwrap().n;
    let mut expected: Vec<String> =
        ["", "/chat", "/chat/a", "/chat/a/b", "/chat/a/b/c", "/chat/a/b/c/d", "/user.conf"]
            .iter()
            .map(|below| format!("trace user:{ann} /home/ann/.anydesk{below}"))
            .collect();
    expected.extend(
        ["", "/RustDesk.toml"].map(|below| format!("trace user:{bob} /home/bob/.config/rustdesk{below}")),
    );
    expected.push(format!("executable user:{bob} /home/bob/.local/bin/agent"));
    assert_eq!(all, expected);
    assert_eq!(haul.gaps(), []);
    assert!(seen(&host, &want(ScopeAsk::System, &["/opt/acme"], &templates, &[])).0.is_empty());
}

#[test]
fn a_beginning_of_a_name_is_looked_for_in_its_folder() {
    let host = linux(&[
        ("/home/ann/.ollama/library/deepseek-r1/7b", file()),
        ("/home/ann/.ollama/library/DeepSeek-v3", FakeNode::Folder),
        ("/home/ann/.ollama/library/llama3", FakeNode::Folder),
        ("/home/bob/.ollama", file()),
    ]);
    let want = want(ScopeAsk::All, &[], &[], &["{home}/.ollama/library/deepseek-", "{home}/.x", "/home/b"]);
    let (traces, haul) = seen(&host, &want);
    let paths: Vec<&str> = traces.iter().map(|line| line.rsplit(' ').next().unwrap()).collect();
    let library = "/home/ann/.ollama/library";
    assert_eq!(
        paths,
        ["/DeepSeek-v3", "/deepseek-r1", "/deepseek-r1/7b"].map(|below| format!("{library}{below}"))
    );
    assert_eq!(haul.gaps(), []);
}

#[test]
fn on_macos_of_the_machine_too() {
    let host = FakeHost::macos([
        ("/System/Library/CoreServices/SystemVersion.plist", file()),
        ("/Library/Application Support/Kaspersky Lab/KAV/Binaries/kav", program()),
        ("/Library/Application Support/Kaspersky Lab/KAV/Data/x.dat", file()),
        ("/Library/LaunchDaemons/com.acme.plist", file()),
        ("/Library/Acme/tool", program()),
        ("/opt/connectwise-1.app/Contents/MacOS/agent", program()),
        ("/opt/other/tool", program()),
        ("/Users/ann/Library/Preferences/com.webulldesktop.a.plist", file()),
        ("/Users/ann/Library/Preferences/com.apple.dock.plist", file()),
    ]);
    let roots = [
        "/Applications",
        "/Library/Acme/tool",
        "/Library/Application Support/Kaspersky Lab",
        "/Library/Application Support/Kaspersky Lab/KAV",
        "/Library/LaunchDaemons/com.acme.plist",
        "/opt",
    ];
    let begun = ["/opt/connectwise-", "{home}/Library/Preferences/com.webulldesktop."];
    let (traces, haul) = seen(&host, &want(ScopeAsk::All, &roots, &["{home}/Library"], &begun));
    assert_eq!(
        traces,
        [
            "trace user:1 /Users/ann/Library/Preferences/com.webulldesktop.a.plist",
            "executable machine /Library/Acme/tool",
            "trace machine /Library/Application Support/Kaspersky Lab",
            "executable machine /Library/Application Support/Kaspersky Lab/KAV/Binaries/kav",
            "trace machine /Library/Application Support/Kaspersky Lab/KAV",
            "trace machine /Library/LaunchDaemons/com.acme.plist",
            "trace machine /opt/connectwise-1.app",
            "executable machine /opt/connectwise-1.app/Contents/MacOS/agent",
        ]
    );
    assert_eq!(haul.gaps(), []);
    assert_eq!(seen(&host, &want(ScopeAsk::User, &roots, &[], &begun)).0.len(), 1);
}

#[test]
fn what_cannot_be_read_is_a_gap() {
    let denied = || FakeNode::Broken(Miss::Denied);
    let blocking = [(GapReason::PermissionDenied, true)];
    let gaps = |path: &'static str, node: FakeNode| {
        let want = want(ScopeAsk::All, &[], &["{home}/.config/acme"], &["{home}/.cache/ac"]);
        seen(&linux(&[(path, node)]), &want).1.gaps()
    };
    for path in
        ["/home/ann/.config", "/home/ann/.config/acme", "/home/ann/.config/acme/x", "/home/ann/.cache"]
    {
        assert_eq!(gaps(path, denied()), blocking, "{path}");
    }
    assert_eq!(gaps("/home/ann", denied()), blocking);
    assert_eq!(gaps("/home/ann/.config", file()), []);
    let looped = FakeNode::Link(b"acme".to_vec());
    assert_eq!(gaps("/home/ann/.config/acme", looped), [(GapReason::LinkLoop, true)]);
    let dangling = FakeNode::Link(b"gone".to_vec());
    assert_eq!(gaps("/home/ann/.config/acme", dangling), []);
    let of_macos = FakeHost::macos([("/Library/Application Support/Acme", denied())]);
    let want = want(ScopeAsk::All, &["/Library/Application Support/Acme"], &[], &[]);
    assert_eq!(seen(&of_macos, &want).1.gaps(), blocking);
}

#[test]
fn a_flood_of_files_ends_with_a_gap_that_hides_nothing() {
    let names: Vec<String> = (0..ENTRIES + 9).map(|n| format!("/home/ann/.acme/{n}")).collect();
    let passwd = ("/etc/passwd", FakeNode::File(PASSWD.as_bytes().to_vec()));
    let nodes = names.iter().map(|name| (name.as_str(), file()));
    let want = want(ScopeAsk::User, &[], &["{home}/.acme"], &[]);
    let (traces, haul) = seen(&FakeHost::new([passwd].into_iter().chain(nodes)), &want);
    assert_eq!((traces.len(), haul.gaps()), (ENTRIES + 1, vec![(GapReason::Budget, false)]));
}
