//! Devices that control a computer, as the kernel of a running Linux shows them: every row of the reference is found by the
//! built-in rules, every look-alike is not, and no text concludes anything from finding none.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tables; a test reads what it wrote, and fails by panicking"
)]

use std::sync::Arc;
use std::time::Duration;

use interdict::emit::{FORMATS, Look};
use interdict::host::{FakeHost, FakeNode, Host};
use interdict::judge::{Question, judge};
use interdict::matching::Engine;
use interdict::model::{
    Confidence, Date, Depth, Finding, REPORT_SCHEMA, Report, RulesetStamp, ScopeAsk, Stamp, State, Status,
    Tool,
};
use interdict::normalise::{Places, gather};
use interdict::ruleset::built_in;
use interdict::sources::{RunPlan, run};

/// A device and its attributes in sysfs.
enum Device {
    /// Behind a USB port.
    Usb(&'static [(&'static str, &'static str)]),
    /// A drive: vendor and model.
    Drive(&'static str, &'static str),
    /// A display: manufacturer's letters, product, name.
    Display([u8; 3], u16, &'static str),
}

use Device::{Display, Drive, Usb};

/// Pairs of vendor and product that many gadgets have.
const GADGET: [(&str, &str); 2] = [("idVendor", "1d6b"), ("idProduct", "0104")];
const KEYMIMEPI: &str = "6b65796d696d6570690";

impl Device {
    /// As the kernel shows it, the `n`th of its bus.
    fn nodes(&self, n: usize) -> Vec<(String, Vec<u8>)> {
        let attributes = |at: String, all: &[(&str, &str)]| {
            all.iter()
                .map(|(name, text)| (format!("{at}/{name}"), format!("{text}\n").into_bytes()))
                .collect()
        };
        match self {
            Usb(all) => attributes(format!("/sys/bus/usb/devices/1-{n}"), all),
            Drive(vendor, model) => {
                let padded = (format!("{vendor:8}"), format!("{model:16}"));
                attributes(
                    format!("/sys/bus/scsi/devices/{n}:0:0:0"),
                    &[("vendor", &padded.0), ("model", &padded.1)],
                )
            }
            Display(letters, product, name) => {
                let at = format!("/sys/class/drm/card0-HDMI-A-{n}");
                let status = (format!("{at}/status"), b"connected\n".to_vec());
                vec![status, (format!("{at}/edid"), edid(*letters, *product, name))]
            }
        }
    }
}

/// A base block; VESA E-EDID 1.4, section 3.
fn edid(letters: [u8; 3], product: u16, name: &str) -> Vec<u8> {
    let mut block = vec![0_u8; 128];
    block[..8].copy_from_slice(&[0, 255, 255, 255, 255, 255, 255, 0]);
    let packed = letters.iter().fold(0_u16, |packed, letter| packed << 5 | u16::from(letter - b'@'));
    block[8..10].copy_from_slice(&packed.to_be_bytes());
    block[10..12].copy_from_slice(&product.to_le_bytes());
    block[57] = 0xFC;
    let text: Vec<u8> = name.bytes().chain([b'\n']).chain(std::iter::repeat(b' ')).take(13).collect();
    block[59..72].copy_from_slice(&text);
    let sum = block.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    block[127] = sum.wrapping_neg();
    block
}

/// A running Debian with these devices.
fn computer(devices: &[Device]) -> FakeHost {
    let status = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n";
    let mut files = vec![
        ("/etc/os-release".to_owned(), b"ID=debian\nVERSION_ID=12\n".to_vec()),
        ("/etc/passwd".to_owned(), b"root:x:0:0:root:/root:/bin/bash\n".to_vec()),
        ("/etc/group".to_owned(), b"root:x:0:\n".to_vec()),
        ("/var/lib/dpkg/status".to_owned(), status.as_bytes().to_vec()),
        ("/var/lib/dpkg/info/base-files.list".to_owned(), b"/.\n".to_vec()),
        ("/sys/class/net/lo/mtu".to_owned(), b"65536\n".to_vec()),
        ("/sys/bus/usb/devices/usb1/idVendor".to_owned(), b"1d6b\n".to_vec()),
    ];
    files.extend(devices.iter().enumerate().flat_map(|(n, device)| device.nodes(n + 1)));
    let nodes = files.iter().map(|(path, bytes)| (path.as_str(), FakeNode::File(bytes.clone())));
    FakeHost::new(nodes).running(Vec::new())
}

/// The report of a host under the policy that reviews remote access.
fn scan(host: FakeHost) -> Report {
    let ruleset = built_in().ruleset.unwrap();
    let policies = vec![ruleset.policy("remote-access-review").unwrap()];
    let host: Arc<dyn Host> = Arc::new(host);
    let facts = host.facts();
    let want = ruleset.wanted(ScopeAsk::All, Depth::Standard, facts.family, &policies);
    let plan = RunPlan { want, budget: Duration::from_mins(1), memory: None };
    let looked = run(&host, &plan, Some(&|_| false), &mut |_, _, _| {});
    let places = Places { users: &facts.users, aliases: &facts.aliases };
    let items = gather(looked.traces.clone(), places).linked(&|_| Vec::new());
    let as_of: Date = "2026-06-01".parse().unwrap();
    let engine = Engine::new(&ruleset, facts.family);
    let answer = judge(&Question {
        engine: &engine,
        hits: &engine.all_hits(items.iter().map(|one| &one.item)),
        policies,
        site: None,
        granted: None,
        host: facts,
        items: &items,
        coverage: &looked.coverage,
        scope: ScopeAsk::All,
        depth: Depth::Standard,
        as_of,
    });
    Report {
        schema: REPORT_SCHEMA.into(),
        tool: Tool::SELF,
        scanned_at: Stamp::epoch(),
        elapsed_ms: 0,
        host: facts.clone(),
        ruleset: RulesetStamp {
            origin: "built-in".to_owned(),
            digest: String::new(),
            vendors: 0,
            indicators: 0,
            version: None,
            stale_after: None,
            stale: false,
            signed_by: None,
        },
        verdict: answer.verdict,
        exit_code: answer.verdict.exit_code(),
        claim: answer.claim,
        policies: answer.policies,
        findings: answer.findings,
        items: items.len(),
        sightings: 0,
        coverage: looked.coverage,
        inventory: None,
    }
}

/// The report as people read it.
fn text(report: &Report) -> String {
    let look = Look { width: 100, colour: false, terminal: false, bom: false };
    let mut text = Vec::new();
    FORMATS[0].reports(std::slice::from_ref(report), &look, &mut text).unwrap();
    String::from_utf8(text).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn finding<'r>(report: &'r Report, product: &str) -> Option<&'r Finding> {
    report.findings.iter().find(|finding| finding.product == product)
}

/// Section "KVM-over-IP devices seen from the host" of the reference; the confidence that a row's strength gives.
/// That a device has odd classes is for hunters, and no rule's.
const ROWS: &[(&str, Confidence, &[Device])] = &[
    (
        "pikvm.pikvm",
        Confidence::Confirmed,
        &[Usb(&[
            GADGET[0],
            GADGET[1],
            ("manufacturer", "PiKVM"),
            ("product", "PiKVM Composite Device"),
            ("serial", "CAFEBABE"),
        ])],
    ),
    (
        "pikvm.pikvm",
        Confidence::Possible,
        &[Usb(&[GADGET[0], GADGET[1], ("product", "Composite KVM Device")])],
    ),
    ("pikvm.pikvm", Confidence::Confirmed, &[Drive("PiKVM", "Flash Drive")]),
    ("pikvm.pikvm", Confidence::Confirmed, &[Drive("PiKVM", "Optical Drive")]),
    ("pikvm.pikvm", Confidence::Probable, &[Display(*b"LNX", 0x7773, "PiKVM V4 Plus")]),
    (
        "tinypilot.tinypilot",
        Confidence::Probable,
        &[Usb(&[
            GADGET[0],
            GADGET[1],
            ("manufacturer", "tinypilot"),
            ("product", "Multifunction USB Device"),
            ("serial", KEYMIMEPI),
        ])],
    ),
    (
        "jetkvm.jetkvm",
        Confidence::Confirmed,
        &[Usb(&[
            GADGET[0],
            GADGET[1],
            ("manufacturer", "JetKVM"),
            ("product", "JetKVM USB Emulation Device"),
        ])],
    ),
    (
        "jetkvm.jetkvm",
        Confidence::Probable,
        &[Usb(&[
            ("idVendor", "1d6b"),
            ("idProduct", "0044"),
            ("manufacturer", "JetKVM"),
            ("product", "Multifunction Composite Gadget"),
        ])],
    ),
    (
        "blikvm.blikvm",
        Confidence::Possible,
        &[Usb(&[
            ("idVendor", "1d6b"),
            ("idProduct", "0106"),
            ("manufacturer", "smart-kvm"),
            ("product", "Multifunction USB Device"),
            ("serial", KEYMIMEPI),
        ])],
    ),
    (
        "sipeed.nanokvm",
        Confidence::Probable,
        &[Usb(&[
            ("idVendor", "3346"),
            ("idProduct", "1009"),
            ("manufacturer", "sipeed"),
            ("product", "NanoKVM"),
        ])],
    ),
    (
        "glinet.comet",
        Confidence::Possible,
        &[Usb(&[GADGET[0], GADGET[1], ("manufacturer", "Glinet"), ("product", "GLKVM Composite Device")])],
    ),
    ("glinet.comet", Confidence::Probable, &[Display(*b"GLI", 1, "GLKVM")]),
    // C2-80
    (
        "aten.kvm",
        Confidence::Possible,
        &[Usb(&[
            ("idVendor", "0557"),
            ("idProduct", "2419"),
            ("manufacturer", "ATEN International Co., Ltd"),
            ("product", "Virtual mouse/keyboard device"),
        ])],
    ),
];

#[test]
fn every_row_of_the_reference_is_found() {
    for (product, confidence, devices) in ROWS {
        let report = scan(computer(devices));
        let found = finding(&report, product).unwrap_or_else(|| panic!("{product}: {}", text(&report)));
        assert_eq!((found.state, found.confidence), (State::Present, *confidence), "{product}");
        assert!(found.evidence.iter().all(|one| one.source == "attached-devices"), "{product}");
        assert_eq!(report.findings.len(), 1, "{product}: {}", text(&report));
    }
}

/// C2-77 to C2-79, and what is on every desk.
#[test]
fn gadgets_of_others_are_none() {
    let report = scan(computer(&[
        Usb(&[GADGET[0], GADGET[1], ("manufacturer", "Linux Foundation"), ("product", "Pi Zero Gadget")]),
        Usb(&[GADGET[0], GADGET[1], ("serial", "CAFEBABE")]),
        Usb(&[GADGET[0], GADGET[1], ("product", "Multifunction USB Device"), ("serial", KEYMIMEPI)]),
        Usb(&[("idVendor", "046d"), ("idProduct", "c31c"), ("product", "USB Keyboard")]),
        Drive("ATA", "Samsung SSD 870"),
        Display(*b"LNX", 0, "Linux FHD"),
        Display(*b"DEL", 0x41A4, "DELL U2720Q"),
    ]));
    assert!(report.findings.is_empty(), "{}", text(&report));
    let source = report.coverage.sources.iter().find(|one| one.source == "attached-devices").unwrap();
    assert_eq!((source.status, source.records), (Status::Complete, 8), "with the hub");
}

/// C2-82: names can be changed by one command.
#[test]
fn that_none_was_found_concludes_nothing() {
    let seen = text(&scan(computer(&[])));
    assert!(seen.contains("known by the names they give themselves, which can be changed"), "{seen}");
    assert!(!seen.contains("attached devices were not looked for"), "{seen}");
    // The same disk, in another computer.
    let nodes = [
        ("/etc/os-release", "ID=debian\n"),
        ("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"),
        (
            "/var/lib/dpkg/status",
            "Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n",
        ),
    ];
    let dead = FakeHost::new(nodes.map(|(path, text)| (path, FakeNode::File(text.into()))));
    let report = scan(dead);
    let unseen = text(&report);
    assert!(unseen.contains("attached devices were not looked for"), "{unseen}");
    assert!(!unseen.contains("names they give themselves"), "{unseen}");
    let source = report.coverage.sources.iter().find(|one| one.source == "attached-devices").unwrap();
    assert_eq!(source.status, Status::Unavailable);
    let ip_kvm =
        &report.policies[0].prohibitions.iter().find(|one| one.prohibition.ends_with(".ip-kvm")).unwrap();
    assert!(!ip_kvm.assessable, "{ip_kvm:?}");
    // A virtual machine without any bus: what the machine around it has, nobody knows.
    let bare = [("/etc/os-release", "ID=debian\n"), ("/sys/class/net/lo/mtu", "65536\n")];
    let bare =
        FakeHost::new(bare.map(|(path, text)| (path, FakeNode::File(text.into())))).running(Vec::new());
    let nowhere = text(&scan(bare));
    assert!(nowhere.contains("attached devices were not looked for"), "{nowhere}");
    let mac =
        FakeHost::macos([("/System/Library/CoreServices/SystemVersion.plist", FakeNode::File(Vec::new()))]);
    let mac = text(&scan(mac.running(Vec::new())));
    assert!(mac.contains("attached devices were not looked for"), "{mac}");
    for text in [seen, unseen, nowhere, mac] {
        let text = text.to_lowercase();
        for words in ["no kvm", "no ip-kvm", "no device", "without kvm", "free of", "not attached"] {
            assert!(!text.contains(words), "{words}: {text}");
        }
    }
}

/// What the kernel shows and cannot be read may be anything.
#[test]
fn a_blind_source_is_never_compliant() {
    let denied = |path: &'static str| {
        let base = [
            ("/etc/os-release", FakeNode::File(b"ID=debian\n".to_vec())),
            ("/etc/passwd", FakeNode::File(b"root:x:0:0:root:/root:/bin/bash\n".to_vec())),
            ("/etc/group", FakeNode::File(b"root:x:0:\n".to_vec())),
            ("/sys/class/net", FakeNode::Folder),
        ];
        let nodes = base.into_iter().chain([(path, FakeNode::Broken(interdict::host::Miss::Denied))]);
        scan(FakeHost::new(nodes).running(Vec::new()))
    };
    for path in ["/sys/bus/usb/devices", "/sys/bus/scsi/devices", "/sys/class/drm", "/sys/class"] {
        let report = denied(path);
        let judged = &report.policies[0].prohibitions;
        let ip_kvm = judged.iter().find(|one| one.prohibition.ends_with(".ip-kvm")).unwrap();
        let told = ip_kvm.unseen.iter().any(|one| one.source.as_deref() == Some("attached-devices"));
        assert!(told && report.exit_code == 3, "{path}: {ip_kvm:?}");
    }
}
