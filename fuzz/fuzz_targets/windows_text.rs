//! The readers of Windows' names and lines on any text: GUIDs, package names, device ids, dates, command lines.
#![no_main]

use interdict::parse::appx_name;
use interdict::parse::filetime;
use interdict::parse::guid::Guid;
use interdict::parse::usb_id;
use interdict::parse::windows_command;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Some(guid) = Guid::parse(text).or_else(|| Guid::unpack(text)).or_else(|| Guid::unsqueeze(text)) {
        assert_eq!(Guid::parse(&guid.to_string()), Some(guid));
        assert_eq!(Guid::unpack(&guid.packed()), Some(guid));
    }
    if let Some(name) = appx_name::full_name(text) {
        let parts = [name.name, name.version, name.architecture, name.resource, name.publisher_id];
        assert_eq!(parts.join("_"), text);
        assert!(appx_name::family_name(&name.family()).is_some());
    }
    assert_eq!(appx_name::publisher_id(text).len(), 13);
    if let Some(device) = usb_id::device(text) {
        assert!(device.usb_id.is_none_or(|id| id.len() == 9));
        assert!(device.edid_id.is_none_or(|id| id.len() == 8));
    }
    if let Some(seconds) = filetime::install_date(text) {
        assert!((0..=253_402_300_799).contains(&seconds));
    }
    let command = windows_command::command(text);
    assert!(command.programs.len() <= 34 && command.libraries.len() <= 2);
    assert!(command.programs.iter().all(|path| !path.is_empty()));
    assert_eq!(command.likely().is_none(), command.programs.is_empty());
    assert_eq!(windows_command::expand(text, |_| None), text);
    assert!(windows_command::driver(text).is_none_or(|path| !path.is_empty()));
});
