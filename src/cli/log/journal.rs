//! The journal of systemd, by its own protocol: a datagram of named values (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>).
//!
//! Where there is no journal, the system log.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use crate::model::Stamp;

use super::syslog::Syslog;
use super::{Event, NAME, Sink};

/// Its socket.
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";

/// The journal at a socket.
pub(super) struct Journal {
    socket: PathBuf,
    other: Syslog,
}

impl Journal {
    /// That of this computer.
    pub(super) fn usual() -> Self {
        Self { socket: PathBuf::from(SOCKET), other: Syslog::usual() }
    }
}

impl Sink for Journal {
    fn write(&self, event: &Event, at: Stamp) -> io::Result<()> {
        let socket = UnixDatagram::unbound()?;
        // A journal that takes nothing more is not to hold a scan.
        socket.set_nonblocking(true)?;
        match socket.send_to(&datagram(event), &self.socket) {
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => self.other.write(event, at),
                _ => Err(error),
            },
        }
    }
}

/// The values of an event, each with a name in capitals.
fn datagram(event: &Event) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, "MESSAGE", &event.message);
    put(&mut bytes, "PRIORITY", &event.kind.severity().to_string());
    put(&mut bytes, "SYSLOG_IDENTIFIER", NAME);
    put(&mut bytes, "INTERDICT_EVENT", event.kind.word());
    for (name, value) in &event.fields {
        put(&mut bytes, &format!("INTERDICT_{}", name.to_ascii_uppercase()), value);
    }
    bytes
}

/// A value of one line as `NAME=VALUE`; one of several as its name, its length in 64 bits, little end first, and itself.
fn put(bytes: &mut Vec<u8>, name: &str, value: &str) {
    bytes.extend(name.as_bytes());
    if value.contains('\n') {
        bytes.push(b'\n');
        bytes.extend((value.len() as u64).to_le_bytes());
    } else {
        bytes.push(b'=');
    }
    bytes.extend(value.as_bytes());
    bytes.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::super::tests::event;
    use super::*;

    #[test]
    fn several_lines_are_told_by_their_length() {
        let told = datagram(&event());
        let mut expected = b"MESSAGE\n".to_vec();
        expected.extend([21, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend(
            b"a\\u{1b}[31m\nb\\u{202e}\nPRIORITY=4\nSYSLOG_IDENTIFIER=interdict\nINTERDICT_EVENT=gap\n",
        );
        expected.extend(format!("INTERDICT_VERSION={}\n", env!("CARGO_PKG_VERSION")).bytes());
        expected.extend(b"INTERDICT_SOURCE=x\\u{a}y=\"z\"\n");
        assert_eq!(String::from_utf8_lossy(&told), String::from_utf8_lossy(&expected));
    }

    #[test]
    fn without_a_journal_the_system_log_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let log = UnixDatagram::bind(at("log")).unwrap();
        log.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
        let mut journal = Journal { socket: at("none"), other: Syslog::at(&[at("none"), at("log")]) };
        journal.write(&event(), Stamp::epoch()).unwrap();
        let mut buffer = [0; 2048];
        let length = log.recv(&mut buffer).unwrap();
        assert!(buffer[..length].starts_with(b"<28>interdict["), "{:?}", String::from_utf8_lossy(&buffer));
        // One that nobody listens at any more is none.
        drop(UnixDatagram::bind(at("dead")).unwrap());
        journal.socket = at("dead");
        journal.write(&event(), Stamp::epoch()).unwrap();
        log.recv(&mut buffer).unwrap();
        let none = Journal { socket: at("none"), other: Syslog::at(&[at("none")]) };
        assert_eq!(none.write(&event(), Stamp::epoch()).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
