//! Devices that were ever plugged in: USB devices, drives, and displays by what they told of themselves (EDID). A device
//! that controls a computer by its screen and keyboard leaves its names here.
//!
//! The registry keeps a device when it is gone, and does not say so: all of it is history, on a running system too.

use crate::host::{Hive, Host, Key, Miss};
use crate::model::{
    Family, Field, GapReason, Identifier, IdentifierType, ItemKind, Need, Place, State, Trace, Wanted,
};
use crate::parse::edid;
use crate::parse::registry_value::{REG_SZ, RegistryValue};
use crate::parse::usb_id::{self, Device};
use crate::sources::{About, Haul, Outcome, Source};

/// The source `devices`.
pub struct Devices;

const ENUM: &str = r"CurrentControlSet\Enum";
/// Kinds of devices that tell who they are. What hangs below them (HID) says no more.
const BUSES: &[&str] = &["USB", "USBSTOR", "SCSI", "UASPSTOR", "DISPLAY"];
/// `DEVPKEY_Device_BusReportedDeviceDesc`: what the device itself told, from Windows 8 on and in Windows 7.
const TOLD: &[(&str, &str)] = &[
    (r"Properties\{540b947e-8b40-45bc-a8a2-6a0b894cbda2}\0004", ""),
    (r"Properties\{540b947e-8b40-45bc-a8a2-6a0b894cbda2}\00000004\00000000", "Data"),
];
/// Those of drives, which have vendor and product in their keys' names.
const DRIVE: &[&str] = &["USBSTOR", "SCSI", "UASPSTOR"];

static ABOUT: About = About {
    name: "devices",
    summary: "USB devices, drives and displays that were ever plugged in",
    families: &[Family::Windows],
    needs: &[Need::Registry],
    yields: &[(ItemKind::Device, &[State::Historic])],
    fields: &[Field::Name, Field::Publisher, Field::Identifier],
    ..About::USUAL
};

impl Source for Devices {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, _want: &Wanted, haul: &mut Haul) -> Outcome {
        let Some(all) = haul.key(host, Hive::System, ENUM) else { return Outcome::Read };
        for bus in BUSES {
            let Some(key) = haul.subkey(all.as_ref(), bus) else { continue };
            haul.each_key(key.as_ref(), &mut |device, haul| instances(bus, device, haul));
        }
        Outcome::Read
    }
}

fn instances(bus: &str, device: &dyn Key, haul: &mut Haul) {
    haul.each_key(device, &mut |instance, haul| {
        let id = format!(r"{bus}\{}\{}", device.name(), instance.name());
        match usb_id::device(&id) {
            Some(found) => one(&id, found, instance, haul),
            None => haul.count_record(),
        }
    });
}

fn one(id: &str, device: Device, key: &dyn Key, haul: &mut Haul) {
    // Hubs and ports of the computer itself.
    if device.bus == "USB" && device.usb_id.is_none() {
        return haul.count_record();
    }
    let display = (device.bus == "DISPLAY").then(|| display(key, haul)).flatten();
    let drive = DRIVE.contains(&device.bus.as_str()).then(|| drive_name(&device)).flatten();
    let own = display.as_ref().and_then(|edid| edid.name.clone()).or(drive).or_else(|| told(key, haul));
    let name = own
        .or_else(|| described(key, "FriendlyName", haul))
        .or_else(|| described(key, "DeviceDesc", haul))
        .unwrap_or_else(|| id.to_owned());
    let mut trace = Trace::new(ItemKind::Device, name, State::Historic, Place::file(key.place()));
    // Drivers of a class name nobody: `(Standard disk drives)`.
    let driver_maker = described(key, "Mfg", haul).filter(|maker| !maker.starts_with('('));
    trace.publisher = device.vendor.or(driver_maker);
    let edid_id = display.as_ref().map(edid::Edid::id).or(device.edid_id);
    let serial = display.and_then(|edid| edid.serial_text).or(device.serial);
    for (kind, value) in [
        (IdentifierType::UsbId, device.usb_id),
        (IdentifierType::DeviceSerial, serial),
        (IdentifierType::EdidId, edid_id),
    ] {
        trace.identifiers.extend(value.map(|value| Identifier::new(kind, value)));
    }
    // No date: the system writes these keys anew whenever it starts.
    haul.push(trace);
}

/// Vendor and product as the drive told them.
fn drive_name(device: &Device) -> Option<String> {
    let parts = device.vendor.iter().chain(&device.product);
    let name = parts.map(String::as_str).collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some(name)
}

fn display(key: &dyn Key, haul: &mut Haul) -> Option<edid::Edid> {
    let parameters = haul.subkey(key, "Device Parameters")?;
    let value = haul.value(parameters.as_ref(), "EDID")?;
    let found = edid::edid(&value.data);
    if found.is_none() {
        haul.minor(GapReason::Malformed, &parameters.place(), "no EDID; the key's own name is kept");
    }
    found
}

/// What the device told of itself. Windows shows these keys to itself only: on a running system its own names for the
/// device are all there is.
fn told(key: &dyn Key, haul: &mut Haul) -> Option<String> {
    for (path, value) in TOLD {
        let opened = match key.open(path) {
            Err(Miss::Denied) => {
                let detail = "what devices tell of themselves is shown to Windows only";
                haul.minor(GapReason::PermissionDenied, &key.place(), detail);
                return None;
            }
            read => haul.optional(&key.place(), read),
        };
        let text = opened.and_then(|opened| property(&haul.value(opened.as_ref(), value)?));
        if text.is_some() {
            return text;
        }
    }
    None
}

/// A text among properties has a type of its own (`DEVPROP_TYPE_STRING`), or none.
fn property(value: &RegistryValue) -> Option<String> {
    let text = RegistryValue::new(REG_SZ, value.data.clone()).text()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// `@usb.inf,%usb\composite.devicedesc%;USB Composite Device`: the text behind the reference to it.
fn described(key: &dyn Key, name: &str, haul: &mut Haul) -> Option<String> {
    let text = haul.text(key, name)?;
    let bare = if text.starts_with('@') { text.rsplit_once(';').map_or("", |(_, bare)| bare) } else { &text };
    let bare = bare.trim();
    (!bare.is_empty()).then(|| bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeRegistry};
    use crate::sources::testing::collect;

    const ENUM: &str = r"HKLM\SYSTEM\CurrentControlSet\Enum";
    const PROPERTY: &str = r"Properties\{540b947e-8b40-45bc-a8a2-6a0b894cbda2}\0004";

    fn sz(text: &str) -> RegistryValue {
        RegistryValue::sz(text)
    }

    fn of(registry: FakeRegistry) -> Haul {
        collect(&Devices, &FakeHost::windows([], registry)).0
    }

    /// Name, publisher, identifiers.
    fn seen(haul: &Haul) -> Vec<(&str, &str, String)> {
        let each = haul.traces().iter();
        each.map(|trace| {
            let ids = trace.identifiers.iter().map(|id| format!("{}={}", id.kind.word(), id.value));
            let ids = ids.collect::<Vec<_>>().join(" ");
            assert_eq!((trace.kind, trace.state), (ItemKind::Device, State::Historic));
            (trace.name.as_str(), trace.publisher.as_deref().unwrap_or_default(), ids)
        })
        .collect()
    }

    /// A sound base block of `LNX:7773` with this name, VESA E-EDID 1.4, section 3.
    fn edid_block(name: &str) -> RegistryValue {
        let mut block = vec![0_u8; 128];
        block[..8].copy_from_slice(&[0, 255, 255, 255, 255, 255, 255, 0]);
        // L, N, X in five bits each, the product little-endian.
        let letters = 0b01100_01110_11000_u16;
        block[8..10].copy_from_slice(&letters.to_be_bytes());
        block[10..12].copy_from_slice(&0x7773_u16.to_le_bytes());
        block[18] = 1;
        block[54 + 3] = 0xFC;
        for (to, from) in block[54 + 5..54 + 18].iter_mut().zip(name.bytes().chain([b'\n'])) {
            *to = from;
        }
        let sum = block.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        block[127] = 0_u8.wrapping_sub(sum);
        RegistryValue::binary(block)
    }

    #[test]
    fn a_usb_device_has_the_name_that_it_told() {
        let key = format!(r"{ENUM}\USB\VID_1D6B&PID_0104\CAFEBABE");
        let generic = [
            ("DeviceDesc", sz(r"@usb.inf,%usb\composite.devicedesc%;USB Composite Device")),
            ("Mfg", sz("@usb.inf,%generic.mfg%;(Standard USB Host Controller)")),
        ];
        let told = RegistryValue::new(0xFFFF_0012, sz("PiKVM Composite Device").data);
        let sound = FakeRegistry::new().key(&key, &generic);
        let ids = "usb-id=1d6b:0104 device-serial=CAFEBABE".to_owned();
        assert_eq!(seen(&of(sound.clone())), [("USB Composite Device", "", ids.clone())]);
        let own = sound.clone().key(&format!(r"{key}\{PROPERTY}"), &[("", told.clone())]);
        assert_eq!(seen(&of(own)), [("PiKVM Composite Device", "", ids.clone())]);
        let seven = format!(r"{key}\Properties\{{540b947e-8b40-45bc-a8a2-6a0b894cbda2}}\00000004\00000000");
        let own = sound.clone().key(&seven, &[("Data", told)]);
        assert_eq!(seen(&of(own)), [("PiKVM Composite Device", "", ids.clone())]);
        let haul = of(sound.deny(&format!(r"{key}\{PROPERTY}")));
        assert_eq!(seen(&haul), [("USB Composite Device", "", ids)]);
        assert_eq!(haul.gaps(), [(GapReason::PermissionDenied, false)]);
    }

    #[test]
    fn drives_and_displays() {
        let drive = format!(r"{ENUM}\USBSTOR\Disk&Ven_PiKVM&Prod_Flash_Drive&Rev_1.00\CAFEBABE&0");
        let display = format!(r"{ENUM}\DISPLAY\LNX7773\5&1&0&UID1");
        let bare = format!(r"{ENUM}\DISPLAY\ACM0001\5&1&0&UID2");
        let registry = FakeRegistry::new()
            .key(&drive, &[("FriendlyName", sz("PiKVM Flash Drive USB Device"))])
            .key(&format!(r"{display}\Device Parameters"), &[("EDID", edid_block("PiKVM V4 Plus"))])
            .key(&format!(r"{bare}\Device Parameters"), &[("EDID", RegistryValue::binary([0; 7]))])
            .key(&bare, &[("DeviceDesc", sz("@monitor.inf,%x%;Generic PnP Monitor"))])
            .key(&format!(r"{ENUM}\USB\ROOT_HUB30\4&1"), &[("DeviceDesc", sz("USB Root Hub"))])
            .key(&format!(r"{ENUM}\HID\VID_1D6B&PID_0104\1"), &[("DeviceDesc", sz("HID Keyboard"))]);
        let haul = of(registry);
        assert_eq!(
            seen(&haul),
            [
                ("PiKVM Flash Drive", "PiKVM", "device-serial=CAFEBABE".to_owned()),
                ("Generic PnP Monitor", "", "edid-id=ACM:0001".to_owned()),
                ("PiKVM V4 Plus", "", "edid-id=LNX:7773".to_owned()),
            ]
        );
        assert_eq!(haul.gaps(), [(GapReason::Malformed, false)]);
    }

    #[test]
    fn what_cannot_be_read_is_a_gap_and_odd_values_keep_the_device() {
        let gaps = |registry| of(registry).gaps();
        let denied = [(GapReason::PermissionDenied, true)];
        assert_eq!(gaps(FakeRegistry::new().deny(&format!(r"{ENUM}\USB"))), denied);
        assert_eq!(gaps(FakeRegistry::new().without(Hive::System)), [(GapReason::Missing, true)]);
        let key = format!(r"{ENUM}\USB\VID_1D6B&PID_0104\1&2");
        let odd = [("DeviceDesc", RegistryValue::dword(7)), ("FriendlyName", sz("@x"))];
        let ids = "usb-id=1d6b:0104".to_owned();
        let haul = of(FakeRegistry::new().key(&key, &odd));
        assert_eq!(seen(&haul), [(r"USB\VID_1D6B&PID_0104\1&2", "", ids)]);
    }
}
