//! Whether one machine speaks as a host: each report names the one before it, so that the reports of a machine are a line.
//!
//! Called by `check_in`. Pure. A copy of an enrolled disk and a disk that was put back look alike at first: both go on from a
//! report that is not the last one. After a disk was put back nobody goes on with the line that was left; with a copy
//! somebody does, and then the host is split. Until it is known which of the two it was, the host is unsettled.

use crate::model::{Header, Stamp};

use super::super::store::{Fork, Known, Standing};

/// How long the line that was left has to be silent: two reports of a machine that is scanned daily.
pub(super) const SETTLED_AFTER: i64 = 2 * 86_400;

/// How a report goes with what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// It is kept already.
    Repeated,
    /// It is older than what is kept, and was sent later.
    History,
    /// Its number is not after the last one's: it has to be sent again with one that is.
    Behind,
    /// It is newer than what is kept.
    GoesOn {
        /// How the host stands with it.
        standing: Standing,
        /// Where it left its line, until that is settled.
        fork: Option<Fork>,
    },
    /// It is of another installation than the one that has this token.
    Foreign,
    /// Two machines speak.
    Split,
}

/// Says how a report goes with what is known of its host.
pub(super) fn line(known: &Known, header: &Header, now: Stamp) -> Line {
    if header.install != known.install {
        return Line::Foreign;
    }
    if matches!(known.standing, Standing::Split | Standing::Retired) {
        return Line::Split;
    }
    if known.of_seq == Some(header.report) {
        return Line::Repeated;
    }
    if header.machine != known.machine {
        return Line::Split;
    }
    let names_none = header.previous.is_none() && header.tried.is_empty();
    // What it goes on from: nothing; a report that is known; or one that this store has forgotten or never had, for it was put
    // back itself.
    let Some(base) = (if names_none { Some(0) } else { known.previous_seq }) else {
        return match header.seq.checked_sub(known.seq) {
            None | Some(0) => Line::Behind,
            // It was told the last number, and goes on after it: a disk of so long ago that its report is forgotten. Reports that
            // this store has lost have had numbers between.
            Some(1) if known.seq > 0 => {
                Line::GoesOn { standing: Standing::Unsettled, fork: Some(fork(known, 0, now)) }
            }
            Some(_) => on(known, now),
        };
    };
    if known.fork.is_some_and(|fork| fork.base < base && base <= fork.tip) {
        return Line::Split;
    }
    if base == known.seq {
        return if header.seq > known.seq { on(known, now) } else { Line::Behind };
    }
    if header.seq > known.seq {
        return Line::GoesOn { standing: Standing::Unsettled, fork: Some(fork(known, base, now)) };
    }
    // A number that nobody has used, between the one it goes on from and the last one: it waited in the spool.
    if known.of_seq.is_none() && base < header.seq { Line::History } else { Line::Behind }
}

/// In line: settles what time has settled.
fn on(known: &Known, now: Stamp) -> Line {
    match known.fork {
        Some(fork) if now.unix() - fork.at.unix() < SETTLED_AFTER => {
            Line::GoesOn { standing: Standing::Unsettled, fork: Some(fork) }
        }
        _ => Line::GoesOn { standing: Standing::Sound, fork: None },
    }
}

/// A line is left; one that was left before and is not settled stays left.
fn fork(known: &Known, base: u64, now: Stamp) -> Fork {
    let base = known.fork.map_or(base, |before| before.base.min(base));
    Fork { at: now, base, tip: known.seq }
}
