//! The event log of a running Windows, to write into: one call, safe to make.
//!
//! Called by the log of `cli`. Must not decide what is told. Its functions are in Windows 7 (`tests/windows/imports.txt`).
#![expect(unsafe_code, reason = "the system's own functions; each call says why it is sound")]

use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE,
    RegisterEventSourceW, ReportEventW,
};

/// Units of one text, with room to spare (<https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-reporteventw>).
const MAX_UNITS: usize = 31_000;

/// How the event log sorts an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// As it should be.
    Information,
    /// Something is to be looked at.
    Warning,
    /// Something failed.
    Error,
}

/// Writes an event of a source into the log `Application`. One that nobody registered is written too, and only shown with
/// more words.
pub fn report_event(source: &str, kind: EventKind, id: u32, text: &str) -> io::Result<()> {
    // A NUL would end the text where somebody else wants it to end.
    let wide = |text: &str| -> Vec<u16> {
        text.encode_utf16().filter(|unit| *unit != 0).take(MAX_UNITS).chain([0]).collect()
    };
    let (name, text) = (wide(source), wide(text));
    // SAFETY: `name` ends with NUL; a null server is this computer.
    let log = unsafe { RegisterEventSourceW(null(), name.as_ptr()) };
    if log.is_null() {
        return Err(io::Error::last_os_error());
    }
    let kind = match kind {
        EventKind::Information => EVENTLOG_INFORMATION_TYPE,
        EventKind::Warning => EVENTLOG_WARNING_TYPE,
        EventKind::Error => EVENTLOG_ERROR_TYPE,
    };
    let texts = [text.as_ptr()];
    // SAFETY: `log` is open; one text is announced and there, ending with NUL; no user and no data are given.
    let told = unsafe { ReportEventW(log, kind, 0, id, null_mut(), 1, 0, texts.as_ptr(), null()) } != 0;
    let result = if told { Ok(()) } else { Err(io::Error::last_os_error()) };
    // SAFETY: it was opened above and is used no more.
    let _closed = unsafe { DeregisterEventSource(log) };
    result
}
