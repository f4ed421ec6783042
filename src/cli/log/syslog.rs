//! The system log where there is no journal: a datagram as the C library's `syslog` sends it, which is RFC 3164's without the
//! time. Whoever takes it notes his own; that of the RFC has no zone, and who guesses one guesses wrong.

use std::fmt::Write as _;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use crate::model::Stamp;

use super::{Event, NAME, Sink};

/// Of Linux and the BSDs, and of macOS.
pub(super) const SOCKETS: &[&str] = &["/dev/log", "/var/run/syslog"];
/// `LOG_DAEMON` of RFC 5424.
const FACILITY: u8 = 3;

/// The first socket that is there.
pub(super) struct Syslog(Vec<PathBuf>);

impl Syslog {
    /// That of this computer.
    pub(super) fn usual() -> Self {
        Self(SOCKETS.iter().map(PathBuf::from).collect())
    }

    /// One at other places.
    #[cfg(test)]
    pub(super) fn at(sockets: &[PathBuf]) -> Self {
        Self(sockets.to_vec())
    }
}

impl Sink for Syslog {
    fn write(&self, event: &Event, _: Stamp) -> io::Result<()> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        let datagram = datagram(event);
        let mut done = Err(io::ErrorKind::NotFound.into());
        for place in &self.0 {
            done = socket.send_to(datagram.as_bytes(), place).map(drop);
            if done.is_ok() {
                break;
            }
        }
        done
    }
}

/// One line, with the fields behind what is said.
fn datagram(event: &Event) -> String {
    let priority = FACILITY * 8 + event.kind.severity();
    let mut text = format!("<{priority}>{NAME}[{}]: ", std::process::id());
    text.push_str(&event.message.replace('\n', "; "));
    text.extend([" event=", event.kind.word()]);
    for (name, value) in &event.fields {
        // Rust's own escapes of a text: a quote in it does not end it.
        let _infallible = write!(text, " {name}={value:?}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::tests::event;
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let text = datagram(&event());
        let begins = format!(
            "<28>interdict[{}]: a\\u{{1b}}[31m; b\\u{{202e}} event=gap version=\"",
            std::process::id()
        );
        assert!(text.starts_with(&begins), "{text}");
        assert!(text.ends_with(" source=\"x\\\\u{a}y=\\\"z\\\"\"") && !text.contains('\n'), "{text}");
    }
}
