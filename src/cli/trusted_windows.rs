//! Who may change a file or folder of the operator on Windows: owners and lists of rights.
//!
//! Called by `trusted`. The decision is pure, so that it is tested on every system.

use crate::parse::security_descriptor::SecurityDescriptor;

/// `FILE_WRITE_DATA` and `FILE_APPEND_DATA`, of folders `FILE_ADD_FILE` and `FILE_ADD_SUBDIRECTORY`
/// (<https://learn.microsoft.com/windows/win32/fileio/file-access-rights-constants>).
const CHANGE: u32 = 0x0000_0002 | 0x0000_0004;
/// To take a thing away and put another in its place: `FILE_DELETE_CHILD`, `DELETE`; or to give oneself the right to:
/// `WRITE_DAC`, `WRITE_OWNER`, `GENERIC_ALL`, `GENERIC_WRITE`.
const REPLACE: u32 = 0x0000_0040 | 0x0001_0000 | 0x0004_0000 | 0x0008_0000 | 0x1000_0000 | 0x4000_0000;

/// SYSTEM, administrators, and the installer of Windows
/// (<https://learn.microsoft.com/windows-server/identity/ad-ds/manage/understand-security-identifiers>). `OWNER RIGHTS` says
/// what an owner may, who is looked at by himself.
const TRUSTED: &[&str] = &[
    "S-1-5-18",
    "S-1-5-32-544",
    "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
    "S-1-3-4",
];
/// Last numbers of the administrators of a computer or domain: Administrator, Domain Admins, Enterprise Admins.
const ADMINISTRATORS: &[&str] = &["500", "512", "519"];

/// What of a thing is asked: itself, or a folder on the way to it, in which others may well make things of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Itself,
    Folder,
}

/// How others than administrators, and than who runs this, could change it.
pub(super) fn open_to_others(rights: &SecurityDescriptor, part: Part, me: Option<&str>) -> Option<String> {
    let is_other = |who: &&str| !TRUSTED.contains(who) && !is_administrator(who) && Some(*who) != me;
    let Some(owner) = rights.owner.as_deref() else { return Some("belongs to nobody".to_owned()) };
    if is_other(&owner) {
        return Some(format!("belongs to {owner}"));
    }
    let Some(granted) = &rights.granted else { return Some("may be changed by everybody".to_owned()) };
    let mask = if part == Part::Itself { CHANGE | REPLACE } else { REPLACE };
    let others = granted.iter().filter(|grant| grant.rights & mask != 0).map(|grant| grant.who.as_str());
    others.into_iter().find(is_other).map(|who| format!("may be changed by {}", name(who)))
}

fn is_administrator(who: &str) -> bool {
    let number = who.strip_prefix("S-1-5-21-").and_then(|rest| rest.rsplit_once('-'));
    number.is_some_and(|(_, number)| ADMINISTRATORS.contains(&number))
}

/// The usual ones by name: Windows itself names them in the language of its installation.
fn name(who: &str) -> String {
    match who {
        "S-1-1-0" => "everybody".to_owned(),
        "S-1-5-11" => "every user who is signed in".to_owned(),
        "S-1-5-32-545" => "every user".to_owned(),
        who => who.to_owned(),
    }
}

#[cfg(windows)]
pub(super) use live::by_others;

#[cfg(windows)]
mod live {
    //! The same of what lies on this computer.
    #![expect(clippy::disallowed_methods, reason = "these are the operator's files, not the scanned host's")]

    use std::fs::canonicalize;
    use std::path::{Path, PathBuf};

    use crate::host::{is_privileged, own_user, rights};
    use crate::parse::security_descriptor::{security_descriptor, sid};

    use super::{Part, open_to_others};

    /// What of a path others can change, and how: the thing itself, or a folder on the way, whose entries they could swap.
    /// What is not there is told by who reads it.
    pub(in super::super) fn by_others(path: &Path) -> Option<(PathBuf, String)> {
        if !is_privileged() {
            return None;
        }
        let real = canonicalize(path).ok()?;
        let me = own_user().and_then(|bytes| sid(&bytes));
        let parts = std::iter::once(Part::Itself).chain(std::iter::repeat(Part::Folder));
        real.ancestors().zip(parts).find_map(|(place, part)| {
            let why = match rights(place).map(|bytes| security_descriptor(&bytes)) {
                Ok(Some(rights)) => open_to_others(&rights, part, me.as_deref())?,
                Ok(None) => "has rights that cannot be read".to_owned(),
                Err(error) => format!("does not tell its rights ({error})"),
            };
            Some((place.to_owned(), why))
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::security_descriptor::Grant;

    use super::*;

    const USER: &str = "S-1-5-21-1-2-3-1001";
    const EVERY_USER: &str = "S-1-5-32-545";
    const FULL: u32 = 0x001f_01ff;
    const READ: u32 = 0x0012_00a9;

    fn rights(owner: &str, granted: &[(&str, u32)]) -> SecurityDescriptor {
        let granted = granted.iter().map(|(who, rights)| Grant { who: (*who).to_owned(), rights: *rights });
        SecurityDescriptor { owner: Some(owner.to_owned()), granted: Some(granted.collect()) }
    }

    fn told(rights: &SecurityDescriptor, part: Part) -> Option<String> {
        open_to_others(rights, part, Some("S-1-5-18"))
    }

    /// Every user may make a folder below `ProgramData`, and a configuration in it, before an administrator does.
    #[test]
    fn what_a_user_made_is_no_configuration() {
        let planted = rights(USER, &[("S-1-5-18", FULL), ("S-1-5-32-544", FULL)]);
        assert_eq!(told(&planted, Part::Itself).unwrap(), format!("belongs to {USER}"));
        assert_eq!(told(&planted, Part::Folder).unwrap(), format!("belongs to {USER}"));
        assert_eq!(
            open_to_others(&planted, Part::Itself, Some(USER)),
            None,
            "who runs this may trust himself"
        );
    }

    #[test]
    fn administrators_may_write_and_users_read() {
        let domain = "S-1-5-21-1-2-3-512";
        let usual = [("S-1-5-18", FULL), ("S-1-5-32-544", FULL), (domain, FULL), (EVERY_USER, READ)];
        for owner in ["S-1-5-32-544", "S-1-5-18", domain] {
            for part in [Part::Itself, Part::Folder] {
                assert_eq!(told(&rights(owner, &usual), part), None, "{owner}");
            }
        }
    }

    #[test]
    fn every_right_that_lets_others_change_it_is_told() {
        let others = [(EVERY_USER, "every user"), ("S-1-1-0", "everybody"), (USER, USER)];
        for (who, name) in others {
            for bit in [1, 2, 6, 16, 18, 19, 28, 30] {
                let open = rights("S-1-5-32-544", &[(who, READ | 1 << bit)]);
                let expected = format!("may be changed by {name}");
                assert_eq!(told(&open, Part::Itself), Some(expected.clone()), "bit {bit}");
                // In ProgramData itself everybody makes folders of their own.
                let on_the_way = Some(expected).filter(|_| bit > 2);
                assert_eq!(told(&open, Part::Folder), on_the_way, "bit {bit}");
            }
        }
    }

    #[test]
    fn without_a_list_or_an_owner_everybody_may() {
        let free = SecurityDescriptor { owner: Some("S-1-5-18".to_owned()), granted: None };
        assert_eq!(told(&free, Part::Folder).unwrap(), "may be changed by everybody");
        let nobody = SecurityDescriptor { owner: None, granted: Some(Vec::new()) };
        assert_eq!(told(&nobody, Part::Folder).unwrap(), "belongs to nobody");
    }
}
