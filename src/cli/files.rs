//! Reading and writing the operator's own small files: configuration, keys, passwords, memory.
//!
//! Called by the other files of this room. Never for a file of the scanned host.
#![expect(clippy::disallowed_types, reason = "these are the operator's files, not the scanned host's")]

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

/// Bytes that such a file may have.
const MAX_BYTES: u64 = 1 << 20;

/// Reads a small file.
pub(super) fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("more than {MAX_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("not UTF-8"))
}

/// Writes a file that is not yet there, for its owner alone where it is secret; it is on the disk when this returns.
pub(super) fn write_new(path: &Path, text: &str, secret: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if secret {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = secret;
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A file that only one process holds at a time, for as long as the value lives.
pub(super) struct Lock(#[expect(dead_code, reason = "dropping it opens the lock")] File);

impl Lock {
    /// Waits for the lock.
    pub(super) fn take(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        file.lock()?;
        Ok(Self(file))
    }
}
