//! Tests of `attached-devices`.

use super::*;
use crate::host::{FakeHost, FakeNode};
use crate::sources::testing::collect;

const USB: &str = "/sys/bus/usb/devices";
const REAL: &str = "/sys/devices/pci0000:00/0000:00:14.0/usb1";

fn file(text: impl Into<Vec<u8>>) -> FakeNode {
    FakeNode::File(text.into())
}

/// A sysfs with these entries, as a running kernel shows it.
#[derive(Default)]
struct Sysfs(Vec<(String, FakeNode)>);

impl Sysfs {
    fn node(mut self, path: impl Into<String>, node: FakeNode) -> Self {
        self.0.push((path.into(), node));
        self
    }

    /// A device behind a port, linked as the kernel links it.
    fn usb(self, port: &str, attributes: &[(&str, &str)]) -> Self {
        let real = format!("{REAL}/{port}");
        let linked = self.node(
            format!("{USB}/{port}"),
            FakeNode::Link(format!("../../../devices/pci0000:00/0000:00:14.0/usb1/{port}").into_bytes()),
        );
        let linked = linked.node(&real, FakeNode::Folder);
        attributes.iter().fold(linked, |sysfs, (name, value)| {
            sysfs.node(format!("{real}/{name}"), file(format!("{value}\n")))
        })
    }

    fn connector(self, name: &str, status: &str, edid: Vec<u8>) -> Self {
        let at = format!("/sys/class/drm/{name}");
        self.node(format!("{at}/status"), file(format!("{status}\n"))).node(format!("{at}/edid"), file(edid))
    }

    fn look(self) -> (Haul, Outcome) {
        let whole = self.node("/sys/class/net", FakeNode::Folder);
        let nodes = whole.0.iter().map(|(path, node)| (path.as_str(), node.clone()));
        collect(&AttachedDevices, &FakeHost::new(nodes).running(Vec::new()))
    }
}

/// Name, publisher, identifiers.
fn seen(haul: &Haul) -> Vec<String> {
    let line = |trace: &Trace| {
        assert_eq!((trace.kind, trace.state), (ItemKind::Device, State::Present));
        let ids = trace.identifiers.iter().map(|id| format!(" {}={}", id.kind.word(), id.value));
        format!("{} by {}{}", trace.name, trace.publisher.as_deref().unwrap_or("-"), ids.collect::<String>())
    };
    haul.traces().iter().map(line).collect()
}

const PIKVM: &[(&str, &str)] = &[
    ("idVendor", "1d6b"),
    ("idProduct", "0104"),
    ("manufacturer", "PiKVM"),
    ("product", "PiKVM Composite Device"),
    ("serial", "CAFEBABE"),
    ("bDeviceClass", "00"),
];

/// A base block of `LNX:7773` with this name; VESA E-EDID 1.4, section 3.
fn block(name: &str) -> Vec<u8> {
    let mut block = vec![0_u8; edid::BLOCK];
    block[..8].copy_from_slice(&[0, 255, 255, 255, 255, 255, 255, 0]);
    block[8..10].copy_from_slice(&0b01100_01110_11000_u16.to_be_bytes());
    block[10..12].copy_from_slice(&0x7773_u16.to_le_bytes());
    if !name.is_empty() {
        block[57] = 0xFC;
        for (to, from) in block[59..72].iter_mut().zip(name.bytes().chain([b'\n'])) {
            *to = from;
        }
    }
    block
}

#[test]
fn usb_devices_and_not_their_interfaces_nor_the_computers_hubs() {
    let (haul, outcome) = Sysfs::default()
        .usb("1-1", PIKVM)
        .usb("1-2", &[("idVendor", "046D"), ("idProduct", "c31c"), ("product", " USB Keyboard ")])
        .usb(
            "1-3",
            &[("idVendor", "0951"), ("idProduct", "1666"), ("manufacturer", "\u{fffd}Ü"), ("product", "")],
        )
        .usb("1-1:1.0", &[("bInterfaceClass", "03")])
        .usb("usb1", &[("idVendor", "1d6b"), ("idProduct", "0002"), ("product", "xHCI Host Controller")])
        .look();
    assert_eq!(outcome, Outcome::Read);
    assert_eq!(
        seen(&haul),
        [
            "PiKVM Composite Device by PiKVM usb-id=1d6b:0104 device-serial=CAFEBABE",
            "USB Keyboard by - usb-id=046d:c31c",
            "0951:1666 by \u{fffd}Ü usb-id=0951:1666",
        ]
    );
    assert_eq!(haul.gaps(), []);
}

#[test]
fn drives_by_vendor_and_model() {
    let at = "/sys/bus/scsi/devices";
    let drive = |sysfs: Sysfs, name: &str, vendor: &str, model: &str| {
        sysfs
            .node(format!("{at}/{name}/vendor"), file(format!("{vendor}\n")))
            .node(format!("{at}/{name}/model"), file(format!("{model}\n")))
    };
    let sysfs = drive(Sysfs::default(), "0:0:0:0", "ATA     ", "Samsung SSD 870 ");
    let sysfs = drive(sysfs, "6:0:0:0", "PiKVM   ", "Flash Drive     ");
    let sysfs = drive(sysfs, "7:0:0:0", "        ", "                ");
    let (haul, _) = sysfs
        .node(format!("{at}/host6"), FakeNode::Folder)
        .node(format!("{at}/target6:0:0"), FakeNode::Folder)
        .look();
    assert_eq!(seen(&haul), ["Samsung SSD 870 by -", "PiKVM Flash Drive by PiKVM"]);
    assert_eq!(haul.gaps(), []);
}

#[test]
fn displays_by_their_edid_and_else_by_their_connector() {
    let (haul, _) = Sysfs::default()
        .connector("card0-HDMI-A-1", "connected", block("PiKVM V4 Plus"))
        .connector("card0-DP-1", "disconnected", Vec::new())
        .connector("card0-DP-2", "connected", block(""))
        .connector("card0-VGA-1", "connected", Vec::new())
        .node("/sys/class/drm/card0/dev", file("226:0\n"))
        .node("/sys/class/drm/version", file("drm 1.1.0 20060810\n"))
        .look();
    assert_eq!(
        seen(&haul),
        ["LNX:7773 by - edid-id=LNX:7773", "PiKVM V4 Plus by - edid-id=LNX:7773", "card0-VGA-1 by -",]
    );
    assert_eq!(haul.gaps(), []);
}

#[test]
fn a_display_that_is_not_understood_is_a_gap() {
    let whole = block("PiKVM");
    for cut in 1..edid::BLOCK {
        let (haul, _) = Sysfs::default().connector("card0-DP-1", "connected", whole[..cut].to_vec()).look();
        assert_eq!(haul.gaps(), [(GapReason::Malformed, true)], "{cut}");
        assert_eq!(seen(&haul), ["card0-DP-1 by -"]);
    }
    let huge = vec![0; usize::try_from(EDID).unwrap() + 1];
    let (haul, _) = Sysfs::default().connector("card0-DP-1", "connected", huge).look();
    assert_eq!(haul.gaps(), [(GapReason::TooLarge, true)]);
}

#[test]
fn what_cannot_be_read_is_a_gap() {
    let gaps = |path: &str, node: FakeNode| {
        let (haul, outcome) = Sysfs::default().usb("1-1", PIKVM).node(path, node).look();
        (haul.gaps(), outcome)
    };
    let denied = || FakeNode::Broken(Miss::Denied);
    let blocking = vec![(GapReason::PermissionDenied, true)];
    assert_eq!(gaps("/sys/bus/scsi/devices", denied()), (blocking.clone(), Outcome::Read));
    assert_eq!(gaps("/sys/class/drm", denied()).0, blocking);
    for attribute in ["idVendor", "idProduct", "product", "manufacturer", "serial"] {
        let refused = FakeNode::Unreadable(Miss::Denied);
        assert_eq!(gaps(&format!("{REAL}/1-1/{attribute}"), refused).0, blocking, "{attribute}");
        let long = file("x".repeat(4097));
        assert_eq!(gaps(&format!("{REAL}/1-1/{attribute}"), long).0, [(GapReason::TooLarge, true)]);
    }
    assert_eq!(gaps(&format!("{REAL}/1-1/idVendor"), file("soup")).0, [(GapReason::Malformed, true)]);
    let (haul, _) = Sysfs::default().usb("1-1", &[("product", "PiKVM")]).look();
    assert_eq!(haul.gaps(), [(GapReason::Missing, true)], "every device has an id");
}

#[test]
fn a_device_that_is_pulled_out_is_a_minor_gap() {
    let dangling = FakeNode::Link(b"../../../devices/gone".to_vec());
    let (haul, outcome) = Sysfs::default().node(format!("{USB}/1-1"), dangling).look();
    assert_eq!((haul.gaps(), outcome), (vec![(GapReason::Vanished, false)], Outcome::Read));
}

#[test]
fn no_sysfs_is_a_failure_and_no_bus_is_none() {
    let (_, outcome) = collect(&AttachedDevices, &FakeHost::new([]).running(Vec::new()));
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    let (haul, outcome) = Sysfs::default().look();
    assert!(matches!(outcome, Outcome::NotApplicable(_)), "{outcome:?}");
    assert!(haul.gaps().is_empty());
    // A dead disk has no sysfs, and may have anything in its folder.
    let (haul, outcome) =
        collect(&AttachedDevices, &FakeHost::new([("/sys/class/drm/x-1/status", file("connected"))]));
    assert!(matches!(outcome, Outcome::Unavailable(_)) && haul.traces().is_empty(), "{outcome:?}");
}

#[test]
fn a_flood_of_devices_ends_with_a_gap() {
    let flood = (0..=ENTRIES).fold(Sysfs::default(), |sysfs, n| {
        sysfs.node(format!("/sys/bus/scsi/devices/target{n}"), FakeNode::Folder)
    });
    assert_eq!(flood.look().0.gaps(), [(GapReason::Budget, true)]);
}
