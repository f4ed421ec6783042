//! Programs in the folders of programs: which are met, and what is read of them.
use super::*;
use crate::host::{FakeHost, FakeNode, FakeRegistry, Miss};
use crate::model::{Identifier, IdentifierType, Looked, ScopeAsk, Version};
use crate::parse::registry_value::RegistryValue;
use crate::sources::testing::{collect, collect_for, made, seen};

fn program(strings: &[(&str, &str)]) -> FakeNode {
    FakeNode::File(made::image(&made::Image { strings, version: [21, 3, 10, 391], overlay: b"" }))
}

fn host<'a>(nodes: impl IntoIterator<Item = (&'a str, FakeNode)>) -> FakeHost {
    let profile = ("/C:/Users/alice/NTUSER.DAT", FakeNode::File(Vec::new()));
    let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1";
    let home = ("ProfileImagePath", RegistryValue::sz(r"C:\Users\alice"));
    FakeHost::windows(nodes.into_iter().chain([profile]), FakeRegistry::new().key(list, &[home]))
}

#[test]
fn a_program_says_who_made_it() {
    let strings = [
        ("CompanyName", "AO Kaspersky Lab"),
        ("FileDescription", "Kaspersky Endpoint Security"),
        ("OriginalFilename", "avp.exe"),
        ("ProductName", "Kaspersky Endpoint Security for Windows"),
    ];
    let (haul, outcome) =
        collect(&Executables, &host([("/C:/Program Files (x86)/Acme/renamed.exe", program(&strings))]));
    assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
    let [trace] = haul.traces() else { panic!("{:?}", haul.traces()) };
    assert_eq!((trace.name.as_str(), trace.state), ("renamed.exe", State::Present));
    assert_eq!(trace.publisher.as_deref(), Some("AO Kaspersky Lab"));
    assert_eq!(trace.display_name.as_deref(), Some("Kaspersky Endpoint Security"));
    assert_eq!(trace.version, Some(Version::new("21.3.10.391", crate::model::Scheme::Dotted)));
    assert!(trace.identifiers.contains(&Identifier::new(IdentifierType::OriginalFilename, "avp.exe")));
    assert_eq!(trace.signer, Looked::NotLooked, "no signature of its own; a catalogue may list it");
}

#[test]
fn every_area_of_programs_is_walked_and_caches_are_not() {
    let plain = || program(&[]);
    let nodes = [
        ("/C:/Program Files/A/a.exe", plain()),
        ("/C:/Program Files (x86)/A/deep/er/b.DLL", plain()),
        ("/C:/ProgramData/A/c.sys", plain()),
        ("/C:/Users/alice/AppData/Local/Programs/A/d.exe", plain()),
        ("/C:/Users/alice/AppData/Roaming/A/e.exe", plain()),
        ("/C:/Users/alice/AppData/Local/Temp/f.exe", plain()),
        ("/C:/Users/alice/AppData/Local/Browser/User Data/g.exe", plain()),
        ("/C:/Users/alice/Desktop/h.exe", plain()),
        ("/C:/Windows/System32/i.exe", plain()),
        ("/C:/Program Files/A/readme.txt", plain()),
    ];
    let (haul, _) = collect(&Executables, &host(nodes.clone()));
    assert_eq!(
        seen(&haul),
        [
            r"machine C:\Program Files (x86)\A\deep\er\b.DLL",
            r"machine C:\Program Files\A\a.exe",
            r"machine C:\ProgramData\A\c.sys",
            r"user:1 C:\Users\alice\AppData\Local\Programs\A\d.exe",
            r"user:1 C:\Users\alice\AppData\Roaming\A\e.exe",
            r"user:1 C:\Users\alice\Desktop\h.exe",
        ]
    );
    let of =
        |scope| collect_for(&Executables, &host(nodes.clone()), &Wanted { scope, ..Wanted::default() }).0;
    assert_eq!((seen(&of(ScopeAsk::System)).len(), seen(&of(ScopeAsk::User)).len()), (3, 3));
}

#[test]
fn folders_that_a_rule_names_are_walked_wherever_they_are() {
    let templates = [
        r"{windows}\Action1",
        r"{temp}\Supremo",
        r"{system}\drivers",
        r"{program-files}\acme",
        r"{program-files}\acme\suite",
    ];
    let templates = templates.map(str::to_owned);
    let nodes = [
        ("/C:/Windows/Action1/agent.exe", program(&[])),
        ("/C:/Program Files/Acme/Suite/in the usual place.exe", program(&[])),
        ("/C:/Users/alice/AppData/Local/Temp/Supremo/s.exe", program(&[])),
        ("/C:/Windows/System32/drivers/x.sys", program(&[])),
    ];
    let want = Wanted { templates: templates.into(), ..Wanted::default() };
    let (haul, _) = collect_for(&Executables, &host(nodes), &want);
    assert_eq!(
        seen(&haul),
        [
            r"machine C:\Program Files\Acme\Suite\in the usual place.exe",
            r"machine C:\Windows\Action1\agent.exe",
            r"user:1 C:\Users\alice\AppData\Local\Temp\Supremo\s.exe",
        ],
        "each once, in whatever letters and how often rules name its folder"
    );
}

#[test]
fn a_folder_that_was_moved_to_another_disk_is_followed_or_missed() {
    let link = |to: &str| FakeNode::Link(to.as_bytes().to_vec());
    let (haul, _) = collect(
        &Executables,
        &host([
            ("/C:/Program Files/Moved", link("/C:/Elsewhere")),
            ("/C:/Elsewhere/a.exe", program(&[])),
            ("/C:/Program Files/Loop", link("/C:/Program Files")),
            ("/C:/Program Files/Gone", link("/C:/Nowhere")),
        ]),
    );
    assert_eq!((seen(&haul), haul.gaps()), (vec![r"machine C:\Elsewhere\a.exe".to_owned()], vec![]));
    let (haul, _) = collect(&Executables, &host([("/C:/Program Files/Moved", link("/D:/Elsewhere"))]));
    assert_eq!(haul.gaps(), [(GapReason::NotMounted, true)], "what lies on a disk that is not here");
}

#[test]
fn what_cannot_be_read_is_a_gap_and_a_damaged_file_keeps_its_name() {
    let (haul, _) = collect(
        &Executables,
        &host([
            ("/C:/Program Files/A/denied.exe", FakeNode::Unreadable(Miss::Denied)),
            (
                "/C:/Program Files/A/cut.exe",
                FakeNode::File(
                    made::image(&made::Image { strings: &[], version: [0; 4], overlay: b"" })[..100].to_vec(),
                ),
            ),
            ("/C:/Program Files/A/text.exe", FakeNode::File(b"no program".to_vec())),
            ("/C:/Program Files/B", FakeNode::Broken(Miss::Denied)),
        ]),
    );
    assert_eq!(seen(&haul).len(), 3);
    let denied = haul.gap_list().find(|gap| gap.reason == GapReason::PermissionDenied).unwrap();
    assert_eq!((denied.count, denied.blocking), (2, true));
    assert!(haul.gap_list().all(|gap| gap.reason != GapReason::Malformed || !gap.blocking));
}
