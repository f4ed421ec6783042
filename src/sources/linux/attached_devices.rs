//! What is attached to the running computer: USB devices, drives and displays, by what they tell of themselves. A device
//! that controls a computer by its screen and keyboard is a USB device and a display to it.
//!
//! Only a running kernel knows them, in sysfs; Linux keeps no history. Whoever owns a device can change what it tells: that
//! none of a vendor is here proves nothing. Must not know which devices matter.

use crate::host::{Files, Host, Kind, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, ItemKind, Mode, Need, Place, State,
    Trace, Wanted,
};
use crate::parse::edid::{self, Edid};
use crate::sources::{About, Haul, Outcome, Source};

/// The source `attached-devices`.
pub struct AttachedDevices;

/// Every sysfs has it; `sysfs(5)`.
const SYSFS: &str = "/sys/class";
/// Where the kernel lists what is attached, and how an entry is read. Documentation/ABI of the kernel: `stable/sysfs-bus-usb`,
/// `testing/sysfs-bus-usb`; `scsi_sysfs.c`; `testing/sysfs-class-drm`.
const BUSES: &[(&str, Reader)] =
    &[("/sys/bus/usb/devices", usb), ("/sys/bus/scsi/devices", drive), ("/sys/class/drm", display)];
/// Reads the entry of this name below a folder.
type Reader = fn(&dyn Files, &HostPath, &[u8], &mut Haul);

/// An attribute is a page at most; `Documentation/filesystems/sysfs.rst`.
const ATTRIBUTE: u64 = 4096;
/// Base block and 255 extensions; VESA E-EDID 1.4, section 2.
const EDID: u64 = 256 * edid::BLOCK as u64;
/// Entries of a bus that are looked at.
const ENTRIES: usize = 10_000;
/// What the kernel calls the maker of every drive behind an ATA cable; SCSI/ATA Translation, section 9.1.
const ATA: &str = "ATA";

static ABOUT: About = About {
    name: "attached-devices",
    summary: "USB devices, drives and displays that are attached to the running computer, by what they tell of themselves",
    families: &[Family::Linux],
    needs: &[Need::Files, Need::Running],
    yields: &[(ItemKind::Device, &[State::Present])],
    fields: &[Field::Name, Field::Publisher, Field::Identifier],
    ..About::USUAL
};

impl Source for AttachedDevices {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, _want: &Wanted, haul: &mut Haul) -> Outcome {
        if host.facts().mode == Mode::Offline {
            let why = "the host is not running: only a running kernel knows what is attached";
            return Outcome::Unavailable(why.to_owned());
        }
        let files = host.files();
        if let Err(miss) = files.stat(&SYSFS.into()) {
            haul.miss(&SYSFS.into(), &miss);
            return Outcome::Failed("what the kernel knows of devices (/sys) cannot be seen here".to_owned());
        }
        let mut has_bus = false;
        for (folder, reader) in BUSES {
            has_bus |= bus(files, &HostPath::from(*folder), *reader, haul);
        }
        if has_bus || haul.gap_list().next().is_some() {
            return Outcome::Read;
        }
        Outcome::NotApplicable("this kernel has neither USB nor drives on SCSI nor displays".to_owned())
    }
}

/// Looks at all that a bus lists; whether there is such a bus.
fn bus(files: &dyn Files, folder: &HostPath, reader: Reader, haul: &mut Haul) -> bool {
    let Some(entries) = haul.optional(folder, files.list(folder)) else { return false };
    if entries.len() > ENTRIES {
        haul.gap_with(GapReason::Budget, folder, format!("more than {ENTRIES} devices"));
    }
    for entry in entries.iter().filter(|entry| entry.kind != Kind::File).take(ENTRIES) {
        if !haul.time_left() {
            break;
        }
        reader(files, folder, &entry.name, haul);
    }
    true
}

/// `1-1.4`, a device behind a port. `1-1.4:1.0` is one of its interfaces, `usb1` a hub of the computer itself.
fn usb(files: &dyn Files, folder: &HostPath, name: &[u8], haul: &mut Haul) {
    if name.contains(&b':') || name.starts_with(b"usb") {
        return haul.count_record();
    }
    let at = folder.join(name);
    let Some(vendor) = must(files, &at, "idVendor", haul) else { return };
    let Some(product) = must(files, &at, "idProduct", haul) else { return };
    let id = format!("{vendor}:{product}").to_ascii_lowercase();
    let is_id = id.len() == 9 && [&vendor, &product].iter().all(|half| is_hex4(half));
    if !is_id {
        haul.gap_with(GapReason::Malformed, &at, "no ids of a USB device");
    }
    let told = may(files, &at, "product", haul);
    let mut trace = trace(told.unwrap_or_else(|| id.clone()), at.clone());
    trace.publisher = may(files, &at, "manufacturer", haul);
    identify(&mut trace, IdentifierType::UsbId, is_id.then_some(id));
    identify(&mut trace, IdentifierType::DeviceSerial, may(files, &at, "serial", haul));
    haul.push(trace);
}

fn is_hex4(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `0:0:0:0`, a drive by host, channel, target and unit. `host0` and `target0:0:0` are what it hangs on.
fn drive(files: &dyn Files, folder: &HostPath, name: &[u8], haul: &mut Haul) {
    if !name.first().is_some_and(u8::is_ascii_digit) {
        return haul.count_record();
    }
    let at = folder.join(name);
    let vendor = must(files, &at, "vendor", haul);
    let model = must(files, &at, "model", haul);
    let vendor = vendor.filter(|vendor| vendor != ATA && !vendor.is_empty());
    let parts = vendor.iter().chain(&model).map(String::as_str).filter(|part| !part.is_empty());
    let name = parts.collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return haul.count_record();
    }
    let mut trace = trace(name, at);
    trace.publisher = vendor;
    haul.push(trace);
}

/// `card0-HDMI-A-1`, a connector; its display is known by its EDID. `card0` is the graphics card.
fn display(files: &dyn Files, folder: &HostPath, name: &[u8], haul: &mut Haul) {
    if !name.contains(&b'-') {
        return haul.count_record();
    }
    let at = folder.join(name);
    let Some(status) = must(files, &at, "status", haul) else { return };
    let block = read(files, (&at, "edid"), EDID, false, haul).unwrap_or_default();
    if block.is_empty() && status != "connected" {
        return haul.count_record();
    }
    let found = edid::edid(&block);
    if found.is_none() && !block.is_empty() {
        haul.gap_with(GapReason::Malformed, &at, "no EDID: the display is not known");
    }
    // A display that tells nothing is known by where it is.
    let own = found.as_ref().map(|edid| edid.name.clone().unwrap_or_else(|| edid.id()));
    let mut trace = trace(own.unwrap_or_else(|| String::from_utf8_lossy(name).into_owned()), at);
    identify(&mut trace, IdentifierType::EdidId, found.as_ref().map(Edid::id));
    identify(&mut trace, IdentifierType::DeviceSerial, found.and_then(|edid| edid.serial_text));
    haul.push(trace);
}

fn trace(name: String, at: HostPath) -> Trace {
    Trace::new(ItemKind::Device, name, State::Present, Place::file(at))
}

fn identify(trace: &mut Trace, kind: IdentifierType, value: Option<String>) {
    trace.identifiers.extend(value.map(|value| Identifier::new(kind, value)));
}

/// An attribute that every device of its bus has. A device that is pulled out on the way is a minor gap.
fn must(files: &dyn Files, at: &HostPath, name: &str, haul: &mut Haul) -> Option<String> {
    read(files, (at, name), ATTRIBUTE, true, haul).map(|bytes| text(&bytes))
}

/// An attribute that a device has where it told something.
fn may(files: &dyn Files, at: &HostPath, name: &str, haul: &mut Haul) -> Option<String> {
    let bytes = read(files, (at, name), ATTRIBUTE, false, haul)?;
    Some(text(&bytes)).filter(|text| !text.is_empty())
}

fn read(
    files: &dyn Files,
    (at, name): (&HostPath, &str),
    limit: u64,
    must_be: bool,
    haul: &mut Haul,
) -> Option<Vec<u8>> {
    let place = at.join(name);
    match files.read(&place, limit) {
        Ok(bytes) => Some(bytes),
        Err(Miss::Absent) if !must_be => None,
        // The kernel refuses its attributes (ENODEV) before they are gone.
        Err(_) if files.stat(at) == Err(Miss::Absent) => {
            haul.gap(GapReason::Vanished, at);
            None
        }
        // The device is there: an attribute that it must have is not.
        Err(miss) => {
            haul.miss(&place, &miss);
            None
        }
    }
}

/// What a device told, without the line feed of the kernel and the blanks that fill a field.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned()
}

#[cfg(test)]
#[path = "attached_devices_tests.rs"]
mod tests;
