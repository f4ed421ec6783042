//! Device instance ids, the names of the keys below `CurrentControlSet\Enum`:
//! `USB\VID_1D6B&PID_0104\CAFEBABE`. Format: "Device identification strings", Windows driver documentation.
//!
//! Called by the source of device history. Must not know the registry, nor which devices matter.

/// Letters of a text or serial number that are kept; Windows' own limit for an instance id is 200.
const MAX: usize = 256;

/// What an instance id tells. `None`: it does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// The enumerator, upper-case: USB, USBSTOR, SCSI, HID, DISPLAY …
    pub bus: String,
    /// Vendor and product, lower-case hexadecimal: `1d6b:0104`.
    pub usb_id: Option<String>,
    /// Number of the interface of a device that has several (`MI_00`).
    pub interface: Option<u8>,
    /// Vendor text of a drive (`Ven_PiKVM`), underscores as spaces.
    pub vendor: Option<String>,
    /// Product text of a drive (`Prod_Flash_Drive`), underscores as spaces.
    pub product: Option<String>,
    /// Serial number that the device told; `None` where Windows made up the instance.
    pub serial: Option<String>,
    /// Manufacturer and product of a display: `LNX:7773`.
    pub edid_id: Option<String>,
}

/// Reads `BUS\DEVICE\INSTANCE`; the instance may be missing. `None` where there is no device part.
pub fn device(id: &str) -> Option<Device> {
    let mut parts = id.splitn(3, '\\');
    let (bus, device) = (parts.next()?, parts.next()?);
    if bus.is_empty() || device.is_empty() {
        return None;
    }
    let mut out = Device { bus: clip(bus).to_ascii_uppercase(), ..Device::default() };
    match out.bus.as_str() {
        "DISPLAY" => out.edid_id = edid_id(device),
        "USBSTOR" | "SCSI" | "UASPSTOR" => drive(device, &mut out),
        _ => usb(device, &mut out),
    }
    out.serial = parts.next().and_then(|instance| serial(&out, instance));
    Some(out)
}

/// `VID_1D6B&PID_0104&MI_00`; HID's and others' ids have more after it.
fn usb(device: &str, out: &mut Device) {
    let (mut vendor, mut product) = (None, None);
    for field in device.split('&').take(16) {
        if let Some(value) = after(field, "VID_") {
            vendor = hex4(value);
        } else if let Some(value) = after(field, "PID_") {
            product = hex4(value);
        } else if let Some(value) = after(field, "MI_") {
            out.interface = u8::from_str_radix(value, 16).ok();
        }
    }
    if let (Some(vendor), Some(product)) = (vendor, product) {
        out.usb_id = Some(format!("{vendor}:{product}"));
    }
}

/// `Disk&Ven_PiKVM&Prod_Flash_Drive&Rev_1.00`.
fn drive(device: &str, out: &mut Device) {
    for field in device.split('&').take(16) {
        if let Some(value) = after(field, "VEN_") {
            out.vendor = spaced(value);
        } else if let Some(value) = after(field, "PROD_") {
            out.product = spaced(value);
        }
    }
}

/// `LNX7773`: three letters, four hexadecimal digits.
fn edid_id(device: &str) -> Option<String> {
    let (letters, digits) = device.split_at_checked(3)?;
    let sound = letters.bytes().all(|c| c.is_ascii_alphabetic());
    let digits = hex4(digits).filter(|_| sound)?;
    Some(format!("{}:{}", letters.to_ascii_uppercase(), digits.to_ascii_uppercase()))
}

/// An instance with `&` as second letter was made up by Windows from the place where the device is
/// plugged in. A drive's serial number has the number of its unit behind it (`CAFEBABE&0`).
fn serial(device: &Device, instance: &str) -> Option<String> {
    if instance.chars().nth(1) == Some('&') || matches!(device.bus.as_str(), "DISPLAY" | "HID" | "SCSI") {
        return None;
    }
    let whole = match instance.rsplit_once('&') {
        Some((serial, unit)) if device.bus == "USBSTOR" && unit.bytes().all(|c| c.is_ascii_digit()) => serial,
        _ => instance,
    };
    Some(clip(whole.trim())).filter(|serial| !serial.is_empty())
}

fn after<'a>(field: &'a str, key: &str) -> Option<&'a str> {
    let (head, value) = field.split_at_checked(key.len())?;
    head.eq_ignore_ascii_case(key).then_some(value)
}

fn hex4(value: &str) -> Option<String> {
    let sound = value.len() == 4 && value.bytes().all(|c| c.is_ascii_hexdigit());
    sound.then(|| value.to_ascii_lowercase())
}

fn spaced(value: &str) -> Option<String> {
    let text = clip(value.replace('_', " ").trim());
    (!text.is_empty()).then_some(text)
}

fn clip(text: &str) -> String {
    text.chars().take(MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usb_devices() {
        let got = device("USB\\VID_1D6B&PID_0104\\CAFEBABE").unwrap();
        assert_eq!(got.bus, "USB");
        assert_eq!((got.usb_id.as_deref(), got.serial.as_deref()), (Some("1d6b:0104"), Some("CAFEBABE")));
        let got = device("USB\\Vid_1d6b&Pid_0104&MI_02\\7&2a1b3c4d&0&0002").unwrap();
        assert_eq!((got.usb_id.as_deref(), got.interface, got.serial), (Some("1d6b:0104"), Some(2), None));
        let got = device("HID\\VID_1D6B&PID_0104&MI_00&Col01\\8&1").unwrap();
        assert_eq!((got.usb_id.as_deref(), got.interface, got.serial), (Some("1d6b:0104"), Some(0), None));
        assert_eq!(device("USB\\ROOT_HUB30\\4&2d78ab25&0&0").unwrap().usb_id, None);
        assert_eq!(device("USB\\VID_1D6B&PID_0104").unwrap().usb_id.as_deref(), Some("1d6b:0104"));
        // An `&` elsewhere belongs to the device's own serial number.
        assert_eq!(device("USB\\VID_1D6B&PID_0104\\AB&CD").unwrap().serial.as_deref(), Some("AB&CD"));
    }

    #[test]
    fn drives() {
        let got = device("USBSTOR\\Disk&Ven_PiKVM&Prod_Flash_Drive__&Rev_1.00\\CAFEBABE&0").unwrap();
        assert_eq!((got.vendor.as_deref(), got.product.as_deref()), (Some("PiKVM"), Some("Flash Drive")));
        assert_eq!(got.serial.as_deref(), Some("CAFEBABE"));
        let got = device("USBSTOR\\CdRom&Ven_&Prod_X&Rev_\\6&1a2b&0").unwrap();
        assert_eq!((got.vendor, got.product.as_deref(), got.serial), (None, Some("X"), None));
    }

    #[test]
    fn displays() {
        let got = device("DISPLAY\\LNX7773\\5&1a2b3c&0&UID256").unwrap();
        assert_eq!((got.edid_id.as_deref(), got.serial), (Some("LNX:7773"), None));
        for odd in
            ["DISPLAY\\Default_Monitor\\1", "DISPLAY\\LN17773\\1", "DISPLAY\\LNX777G\\1", "DISPLAY\\äöü\\1"]
        {
            assert_eq!(device(odd).unwrap().edid_id, None, "{odd}");
        }
    }

    #[test]
    fn rubbish() {
        for bad in ["", "USB", "USB\\", "\\VID_1D6B", "VID_1D6B&PID_0104"] {
            assert_eq!(device(bad), None, "{bad}");
        }
        assert_eq!(device("USB\\VID_1D6&PID_+104\\x").unwrap().usb_id, None);
        let long = device(&format!("USB\\{}\\{}", "&".repeat(1 << 20), "s".repeat(1 << 20))).unwrap();
        assert_eq!(long.serial.unwrap().len(), MAX);
    }
}
