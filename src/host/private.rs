//! Files of the operator's that hold a secret: for their owner and the administrators alone.
//!
//! Called by `cli` for what it keeps. On Unix the mode that a file is made with says it; what is made in a folder that is kept for
//! a group is the group's too.

use std::io;
use std::path::Path;

/// Takes a file from everybody but its owner, the administrators and the system.
#[cfg(windows)]
pub fn keep_private(path: &Path) -> io::Result<()> {
    super::live_windows_api::set_rights(path, &descriptor())
}

/// Takes a file or folder from everybody but its owner: it was made so. Where the folder around it is a group's (mode 2770, which
/// passes the group on), it is for that group too: root puts something there, and another user takes it.
#[cfg(not(windows))]
#[expect(clippy::disallowed_methods, reason = "the operator's files, not the scanned host's")]
pub fn keep_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let Some(folder) = path.parent() else { return Ok(()) };
    if std::fs::metadata(folder)?.mode() & 0o2070 != 0o2070 {
        return Ok(());
    }
    let mode = if std::fs::symlink_metadata(path)?.is_dir() { 0o2770 } else { 0o660 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

/// A security descriptor in one piece, whose list of rights takes nothing from the folder above
/// (<https://learn.microsoft.com/openspecs/windows_protocols/ms-dtyp/7d4dac05-9cef-4563-a058-f108abecce1d>).
#[cfg(any(windows, test))]
fn descriptor() -> Vec<u8> {
    /// `SE_DACL_PRESENT`, `SE_DACL_PROTECTED`, `SE_SELF_RELATIVE`.
    const CONTROL: u16 = 0x0004 | 0x1000 | 0x8000;
    /// `FILE_ALL_ACCESS`.
    const ALL: u32 = 0x001f_01ff;
    /// SYSTEM, the administrators, and whoever owns the file (`OWNER RIGHTS`): authority, then numbers.
    const WHO: &[(u8, &[u32])] = &[(5, &[18]), (5, &[32, 544]), (3, &[4])];
    let mut entries = Vec::new();
    for (authority, numbers) in WHO {
        let mut sid = vec![1, u8::try_from(numbers.len()).unwrap_or_default(), 0, 0, 0, 0, 0, *authority];
        numbers.iter().for_each(|number| sid.extend(number.to_le_bytes()));
        // ACCESS_ALLOWED_ACE_TYPE, no flags, length, mask.
        entries.extend([0, 0]);
        entries.extend(u16::try_from(sid.len() + 8).unwrap_or_default().to_le_bytes());
        entries.extend(ALL.to_le_bytes());
        entries.extend(sid);
    }
    let mut out = vec![1, 0];
    out.extend(CONTROL.to_le_bytes());
    // No owner, no group, no list of what is logged; the list of rights stands behind these 20 bytes.
    for offset in [0_u32, 0, 0, 20] {
        out.extend(offset.to_le_bytes());
    }
    out.extend([2, 0]);
    out.extend(u16::try_from(entries.len() + 8).unwrap_or_default().to_le_bytes());
    out.extend(u16::try_from(WHO.len()).unwrap_or_default().to_le_bytes());
    out.extend([0, 0]);
    out.extend(entries);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::security_descriptor::security_descriptor;

    #[cfg(unix)]
    #[test]
    #[expect(clippy::disallowed_methods, reason = "looks at modes")]
    fn in_a_folder_of_a_group_it_is_the_groups_too() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        let folder = tempfile::tempdir().unwrap();
        let mode = |folder_mode: u32, name: &str| {
            let (folder, path) = (folder.path(), folder.path().join(name));
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(folder_mode)).unwrap();
            std::fs::write(&path, "secret").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            keep_private(&path).unwrap();
            std::fs::metadata(&path).unwrap().mode() & 0o7777
        };
        assert_eq!(mode(0o700, "own"), 0o600);
        assert_eq!(mode(0o770, "open"), 0o600);
        assert_eq!(mode(0o2750, "read"), 0o600);
        assert_eq!(mode(0o2770, "shared"), 0o660);
        std::fs::create_dir(folder.path().join("below")).unwrap();
        keep_private(&folder.path().join("below")).unwrap();
        assert_eq!(std::fs::metadata(folder.path().join("below")).unwrap().mode() & 0o7777, 0o2770);
    }

    #[test]
    fn the_descriptor_says_what_it_is_meant_to() {
        let read = security_descriptor(&descriptor()).unwrap();
        let granted = read.granted.unwrap();
        let who: Vec<_> = granted.iter().map(|grant| (grant.who.as_str(), grant.rights)).collect();
        assert_eq!(who, [("S-1-5-18", 0x1f_01ff), ("S-1-5-32-544", 0x1f_01ff), ("S-1-3-4", 0x1f_01ff)]);
    }
}
