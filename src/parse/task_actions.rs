//! The value `Actions` of a task in the registry (`Schedule\TaskCache\Tasks\{id}`): what the scheduler
//! really runs, should the task's file be gone or say something else. [reverse-engineered]
//! Versions 1 (Windows 8) to 3 (Windows 10, 11).
//!
//! Called by the source `scheduled-tasks`. Arguments may hold secrets: they are passed over. Must not
//! know the registry.

use crate::parse::At;
use crate::parse::Parsed;
use crate::parse::bytes::array;
use crate::parse::guid::Guid;
use crate::parse::task::Action;
use crate::parse::task::MAX_ACTIONS;
use crate::parse::utf16;

const EXEC: u16 = 0x6666;
const COM: u16 = 0x7777;
const MAIL: u16 = 0x8888;
const MESSAGE: u16 = 0x9999;

/// Reads the actions. What follows an action that is not understood is lost, and a fault says so.
pub fn actions(bytes: &[u8]) -> Parsed<Action> {
    let mut out = Parsed::default();
    let mut rest = bytes;
    let version = match word(&mut rest) {
        Some(version @ 1..=3) => version,
        Some(other) => {
            out.fault(At::Offset(0), format!("version {other} is not known"));
            return out;
        }
        None => {
            out.fault(At::Whole, "too short for a version");
            return out;
        }
    };
    // Version 1 has no context, the name of the principal.
    if version > 1 && string(&mut rest).is_none() {
        out.fault(At::Offset(2), "cut inside its context");
        return out;
    }
    while !rest.is_empty() {
        let at = At::Offset(bytes.len().saturating_sub(rest.len()) as u64);
        if out.records.len() >= MAX_ACTIONS {
            out.fault(at, "more actions than a task can have");
            return out;
        }
        match action(&mut rest, version) {
            Ok(action) => out.records.push(action),
            Err(what) => {
                out.fault(at, what);
                return out;
            }
        }
    }
    out
}

fn action(rest: &mut &[u8], version: u16) -> Result<Action, String> {
    let magic = word(rest).ok_or("cut inside an action")?;
    let text = |rest: &mut &[u8]| string(rest).ok_or_else(|| "cut inside an action's text".to_owned());
    let _id = text(rest)?;
    match magic {
        EXEC => {
            let command = text(rest)?;
            let _arguments = text(rest)?;
            let folder = Some(text(rest)?).filter(|folder| !folder.is_empty());
            // Version 3 has flags behind it; of version 2 accounts differ, and no action begins so.
            if version == 3 || version == 2 && rest.starts_with(&[0]) {
                word(rest).ok_or("cut inside an action's flags")?;
            }
            if command.is_empty() {
                Err("it starts no program".to_owned())
            } else {
                Ok(Action::Exec { command, folder })
            }
        }
        COM => {
            let class = array::<16>(rest, 0).ok_or("cut inside a class")?;
            *rest = rest.get(16..).unwrap_or_default();
            let _data = text(rest)?;
            Ok(Action::Com { class: Guid::from_bytes(class) })
        }
        MESSAGE => {
            let (_caption, _content) = (text(rest)?, text(rest)?);
            Ok(Action::Other)
        }
        // A mail has lists in it, of which no sample is known; Windows 8 and later send none.
        MAIL => {
            *rest = &[];
            Ok(Action::Other)
        }
        other => Err(format!("an action of the unknown kind {other:#x}")),
    }
}

fn word(rest: &mut &[u8]) -> Option<u16> {
    let value = u16::from_le_bytes(array(rest, 0)?);
    *rest = rest.get(2..)?;
    Some(value)
}

/// A count of bytes, and UTF-16.
fn string(rest: &mut &[u8]) -> Option<String> {
    let length = usize::try_from(u32::from_le_bytes(array(rest, 0)?)).ok()?;
    let (text, tail) = rest.get(4..)?.split_at_checked(length)?;
    *rest = tail;
    Some(utf16::little_z(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Vec<u8> {
        let wide = utf16::encode(text);
        [&u32::try_from(wide.len()).unwrap().to_le_bytes()[..], &wide].concat()
    }

    fn exec(command: &str, folder: &str) -> Vec<u8> {
        [vec![0x66, 0x66], text(""), text(command), text("-secret"), text(folder)].concat()
    }

    fn com() -> Vec<u8> {
        [vec![0x77, 0x77], text("id"), (0..16).collect(), text("secret")].concat()
    }

    #[test]
    fn all_kinds_of_version_3() {
        let message = [vec![0x99, 0x99], text(""), text("a"), text("secret")].concat();
        let bytes = [
            vec![3, 0],
            text("Author"),
            exec("C:\\K L\\avp.exe", ""),
            vec![0, 0],
            com(),
            message,
            exec("b", "C:\\"),
            vec![0, 0],
        ]
        .concat();
        let got = actions(&bytes);
        assert_eq!(got.faults, []);
        let class = Guid::parse("{03020100-0504-0706-0809-0A0B0C0D0E0F}").unwrap();
        let run = |command: &str, folder: Option<&str>| Action::Exec {
            command: command.to_owned(),
            folder: folder.map(str::to_owned),
        };
        assert_eq!(
            got.records,
            [run("C:\\K L\\avp.exe", None), Action::Com { class }, Action::Other, run("b", Some("C:\\"))]
        );
        assert!(!format!("{got:?}").contains("secret"));
        let ends = [bytes.len() - exec("b", "C:\\").len() - 2, 2 + text("Author").len()];
        for cut in (0..bytes.len()).filter(|cut| !ends.contains(cut)) {
            let whole = actions(&bytes[..cut]);
            assert!(!whole.faults.is_empty() || whole.records.len() < 4, "{cut}");
            assert!(whole.records.iter().zip(&got.records).all(|(one, other)| one == other), "{cut}");
        }
    }

    #[test]
    fn older_versions() {
        let got = actions(&[vec![1, 0], exec("cmd.exe", "C:\\"), com()].concat());
        assert_eq!((got.records.len(), got.faults.len()), (2, 0));
        for flags in [vec![], vec![0, 0]] {
            let got = actions(&[vec![2, 0], text("Author"), exec("cmd.exe", ""), flags, com()].concat());
            assert_eq!((got.records.len(), got.faults.len()), (2, 0));
        }
    }

    #[test]
    fn hostile_bytes_end_and_are_faults() {
        for bytes in [
            &b""[..],
            &[4, 0],
            &[3, 0, 0xff, 0xff, 0xff, 0xff],
            &[3, 0, 0, 0, 0, 0, 0x66, 0x66],
            &[1, 0, 1, 2, 0, 0, 0, 0],
        ] {
            assert!(!actions(bytes).faults.is_empty(), "{bytes:?}");
        }
        let many = [vec![1, 0], com().repeat(1000)].concat();
        let got = actions(&many);
        assert_eq!((got.records.len(), got.faults.len()), (MAX_ACTIONS, 1));
        assert_eq!(actions(&[vec![1, 0], exec("", "")].concat()).faults.len(), 1);
    }

    #[test]
    #[ignore = "writes into the source tree, when a format's writer changed"]
    fn write_seeds() {
        let bytes = [vec![3, 0], text("Author"), exec("C:\\K L\\avp.exe", ""), vec![0, 0], com()].concat();
        crate::parse::corpora_windows_tests::save_seed("windows_binary", "actions", &bytes);
    }
}
