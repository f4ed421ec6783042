//! Whether what runs come to can be logged where the configuration says.

use std::path::Path;

use super::{Ask, Check, Told, writable};
use crate::cli::log::{LogTo, taker};

pub(super) const CHECK: Check = Check { name: "log", look };

const NEXT: &str = "make its folder writable, or name another place in the key 'log'; a scan runs without, and leaves no trace";

fn look(ask: &Ask<'_>) -> Vec<Told> {
    let to = ask.in_force.log.clone().unwrap_or_default();
    vec![match &to {
        LogTo::Nowhere => Told::ok("nothing is logged, unless --log says otherwise"),
        LogTo::EventLog => Told::ok("what runs come to is told the event log"),
        LogTo::Journal => match taker() {
            Some(socket) => Told::ok(format!("what runs come to is told {}", socket.display())),
            None => Told::warn(
                "neither a journal nor a system log is there to be told",
                "name a file in the key 'log': file:PATH",
            ),
        },
        LogTo::File(path) => match writable(parent(path)) {
            Ok(None) => Told::ok(format!("{to} can be written")),
            Ok(Some(_)) => Told::warn(format!("{to} cannot be written: there is no such folder"), NEXT),
            Err(error) => Told::warn(format!("{to} cannot be written: {error}"), NEXT),
        },
    }]
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
