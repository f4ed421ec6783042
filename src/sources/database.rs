//! A `SQLite` database of others, read with the log that its writer has not yet folded into it.
//!
//! Called by sources. Must not know what the database is for.

use crate::host::{Files, Miss};
use crate::model::HostPath;
use crate::parse::{At, Fault, Parsed, ReadAt};

/// A reader of such a database: main file and log.
type Reader<T> = fn(&dyn ReadAt, Option<&dyn ReadAt>) -> Result<Parsed<T>, Fault>;

/// What a reader finds in the database of this path. A log that cannot be read is at fault: the newest rows may be there.
pub(super) fn read<T>(files: &dyn Files, path: &HostPath, reader: Reader<T>) -> Result<Parsed<T>, Miss> {
    let main = files.open(path)?;
    let log = files.open(&HostPath::new([path.as_bytes(), b"-wal"].concat()));
    let (log, unread) = match log {
        Ok(log) => (Some(log), None),
        Err(Miss::Absent) => (None, None),
        Err(miss) => (None, Some(miss)),
    };
    let log = log.as_ref().map(|log| log.as_ref() as &dyn ReadAt);
    let mut found = reader(main.as_ref(), log)
        .unwrap_or_else(|fault| Parsed { records: Vec::new(), faults: vec![fault] });
    let unread = unread.map(|miss| Fault::new(At::Record("write-ahead log".to_owned()), miss.to_string()));
    found.faults.extend(unread);
    Ok(found)
}
