//! What the scanner's own operating system has names of its own for: opening a file without following links, names as
//! bytes, identities of files.
//!
//! Called by the root host only. Must not know what a path of the host means.
#![expect(clippy::disallowed_types, reason = "this is what Host::files stands on")]

use std::ffi::OsString;
use std::fs::{File, FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::model::Stamp;

use super::{Kind, Miss, Stat};

/// One positioned read; it moves no cursor that anybody uses.
#[cfg(unix)]
pub(super) fn read_once(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buf, offset)
}

#[cfg(windows)]
pub(super) fn read_once(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buf, offset)
}

/// Never follows a link, never waits for a pipe's other end, never takes a terminal.
#[cfg(unix)]
pub(super) fn open_read_only(path: &Path, _: &Metadata) -> io::Result<File> {
    open_plain(path)
}

/// The same, whatever is known of it.
#[cfg(unix)]
pub(super) fn open_plain(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// Never follows a link, never waits for others: all sharing is allowed, as for a backup (`FILE_FLAG_BACKUP_SEMANTICS`,
/// which lets who holds the right to back up read every user's files).
///
/// A file that is a reparse point and no link is one whose bytes lie elsewhere on the disk, put together by a filter
/// (deduplication of servers): opened as the reparse point it would read as zeros, so it is opened as a file.
/// <https://learn.microsoft.com/windows/win32/fileio/reparse-points-and-file-operations>
#[cfg(windows)]
pub(super) fn open_read_only(path: &Path, looked: &Metadata) -> io::Result<File> {
    use std::os::windows::fs::MetadataExt as _;
    use std::os::windows::fs::OpenOptionsExt as _;
    const REPARSE_POINT: u32 = 0x0400;
    const OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    const BACKUP_SEMANTICS: u32 = 0x0200_0000;
    const SHARE_ALL: u32 = 7;
    let as_link = if looked.file_attributes() & REPARSE_POINT == 0 { OPEN_REPARSE_POINT } else { 0 };
    File::options().read(true).share_mode(SHARE_ALL).custom_flags(as_link | BACKUP_SEMANTICS).open(path)
}

/// A name of the host as the scanner's system takes it.
#[cfg(unix)]
fn os_name(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStringExt as _;
    OsString::from_vec(bytes.to_vec())
}

/// The bytes are WTF-8 (<https://simonsapin.github.io/wtf-8/>): a name of Windows may hold half of a surrogate pair, which
/// no UTF-8 has, and a file of such a name must not be out of reach.
#[cfg(windows)]
fn os_name(bytes: &[u8]) -> OsString {
    use std::os::windows::ffi::OsStringExt as _;
    let mut wide: Vec<u16> = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let (text, after) = match std::str::from_utf8(rest) {
            Ok(text) => (text, &[][..]),
            Err(error) => {
                let (sound, after) = rest.split_at_checked(error.valid_up_to()).unwrap_or((rest, &[]));
                (std::str::from_utf8(sound).unwrap_or_default(), after)
            }
        };
        wide.extend(text.encode_utf16());
        rest = match after {
            [0xED, second @ 0xA0..=0xBF, third, tail @ ..] => {
                wide.push(0xD000 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F));
                tail
            }
            [_, tail @ ..] => {
                wide.push(0xFFFD);
                tail
            }
            [] => &[],
        };
    }
    OsString::from_wide(&wide)
}

/// Where a path of the host lies below a folder of the scanner's machine. None where a name in it could be more than one to
/// the scanner's system: on Windows `D:` is another drive, `x:y` a stream of `x`, and a backslash parts names.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "every name is one name here")]
pub(super) fn below(folder: &Path, inside: &[u8]) -> Option<PathBuf> {
    let inside = inside.strip_prefix(b"/").unwrap_or(inside);
    Some(if inside.is_empty() { folder.to_owned() } else { folder.join(os_name(inside)) })
}

#[cfg(windows)]
pub(super) fn below(folder: &Path, inside: &[u8]) -> Option<PathBuf> {
    let mut place = folder.to_owned();
    for name in inside.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
        if name.iter().any(|byte| matches!(byte, b':' | b'\\')) {
            return None;
        }
        place.push(os_name(name));
    }
    Some(place)
}

/// A path below a folder as the host's own parts, `/` between them.
#[cfg(unix)]
pub(super) fn parts_below(inside: &Path) -> Vec<u8> {
    inside.as_os_str().as_encoded_bytes().to_vec()
}

#[cfg(windows)]
pub(super) fn parts_below(inside: &Path) -> Vec<u8> {
    let parts: Vec<&[u8]> = inside.components().map(|part| part.as_os_str().as_encoded_bytes()).collect();
    parts.join(&b'/')
}

/// What of a file stays the same while it is the same file.
#[cfg(unix)]
pub(super) fn identity(meta: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (meta.dev(), meta.ino())
}

#[cfg(windows)]
pub(super) fn identity(meta: &Metadata) -> (u64, u64) {
    use std::os::windows::fs::MetadataExt as _;
    (meta.creation_time(), u64::from(meta.file_attributes()))
}

/// The file system it lies on, where the system tells.
#[cfg(unix)]
pub(super) fn device(meta: &Metadata) -> u64 {
    identity(meta).0
}

#[cfg(windows)]
pub(super) fn device(_: &Metadata) -> u64 {
    0
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "None where the scanner's system keeps no such bit")]
fn executable(meta: &Metadata) -> Option<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Some(meta.mode() & 0o111 != 0)
}

#[cfg(windows)]
fn executable(_: &Metadata) -> Option<bool> {
    None
}

/// Whether reading the file would fetch it from the cloud (`FILE_ATTRIBUTE_OFFLINE`, `…_RECALL_ON_OPEN`,
/// `…_RECALL_ON_DATA_ACCESS`): a scan must not change the computer.
#[cfg(windows)]
pub(super) fn is_placeholder(meta: &Metadata) -> bool {
    use std::os::windows::fs::MetadataExt as _;
    meta.file_attributes() & (0x1000 | 0x0004_0000 | 0x0040_0000) != 0
}

#[cfg(unix)]
pub(super) fn is_placeholder(_: &Metadata) -> bool {
    false
}

/// What the system says of a file.
pub(super) fn stat(meta: &Metadata) -> Stat {
    let modified = meta.modified().ok().and_then(|time| {
        let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
        Stamp::from_unix(i64::try_from(since.as_secs()).ok()?)
    });
    Stat { kind: kind(meta), size: meta.len(), executable: executable(meta), modified }
}

/// What a file is.
pub(super) fn kind(meta: &Metadata) -> Kind {
    kind_of(meta.file_type())
}

/// What a file of this type is.
pub(super) fn kind_of(file_type: FileType) -> Kind {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if file_type.is_fifo() {
            return Kind::Pipe;
        }
        if file_type.is_socket() {
            return Kind::Socket;
        }
    }
    if file_type.is_file() {
        Kind::File
    } else if file_type.is_dir() {
        Kind::Folder
    } else if file_type.is_symlink() {
        Kind::Link
    } else {
        Kind::Device
    }
}

/// The system's error as a miss. A folder on the way that is a file means that the path is not there.
pub(super) fn miss(error: &io::Error) -> Miss {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Miss::Absent,
        io::ErrorKind::PermissionDenied if is_kept_back(error) => Miss::KeptBack,
        io::ErrorKind::PermissionDenied => Miss::Denied,
        _ if is_loop(error) => Miss::LinkLoop,
        _ => Miss::Io(error.to_string()),
    }
}

/// What the rights of a file refuse is `EACCES`; what macOS keeps from programs without full disk access is `EPERM`
/// (<https://developer.apple.com/forums/thread/678819>).
#[cfg(target_os = "macos")]
fn is_kept_back(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::PERM.raw_os_error())
}

#[cfg(not(target_os = "macos"))]
fn is_kept_back(_: &io::Error) -> bool {
    false
}

#[cfg(unix)]
fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(windows)]
fn is_loop(_: &io::Error) -> bool {
    false
}
