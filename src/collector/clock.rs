//! The clock. Asked here alone, so that all else takes the time as an argument.
#![expect(clippy::disallowed_methods, reason = "the one place of this wing that asks the clock")]

use std::time::{SystemTime, UNIX_EPOCH};

use crate::model::Stamp;

/// Now; a clock before 1970 shows 1970.
pub(super) fn now() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp::from_unix(i64::try_from(since.as_secs()).unwrap_or_default()).unwrap_or_else(Stamp::epoch)
}
