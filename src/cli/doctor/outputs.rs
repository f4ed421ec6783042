//! Whether the reports that the configuration asks for can be written.

use std::path::Path;

use super::{Ask, Check, Told, writable};

pub(super) const CHECK: Check = Check { name: "output", look };

const NEXT: &str = "make the folder, or name another place in the key 'output'";

fn look(ask: &Ask<'_>) -> Vec<Told> {
    let outputs = &ask.in_force.output;
    if outputs.is_empty() {
        return vec![Told::ok("the report goes to standard output, unless an argument says otherwise")];
    }
    outputs
        .iter()
        .map(|output| one(output.split_once('=').map_or(output.as_str(), |(_, file)| file)))
        .collect()
}

fn one(file: &str) -> Told {
    let path = Path::new(file);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match writable(folder) {
        Ok(None) => Told::ok(format!("{file} can be written")),
        Ok(Some(_)) => {
            Told::fail(format!("{file} cannot be written: there is no folder {}", folder.display()), NEXT)
        }
        Err(error) => Told::fail(format!("{file} cannot be written: {error}"), NEXT),
    }
}
