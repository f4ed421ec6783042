//! Whether the state folder can be written: the lock and the memory of accepted rules lie there.

use super::{Ask, Check, Told, writable};
use crate::cli::places;

pub(super) const CHECK: Check = Check { name: "state", look };

fn look(ask: &Ask<'_>) -> Vec<Told> {
    let named = ask.in_force.state.clone();
    let is_named = named.is_some() || !ask.in_force.trusted_keys.is_empty();
    let next = "make it writable for this user, or name another folder with --state or the key 'state'";
    let Some(folder) = named.or_else(places::state) else {
        return vec![Told::warn("it is not known where to keep the lock and what was accepted", next)];
    };
    let name = folder.display();
    vec![match writable(&folder) {
        Ok(None) => Told::ok(format!("{name} can be written")),
        Ok(Some(there)) => {
            Told::ok(format!("{name} is not there yet; the first scan makes it in {}", there.display()))
        }
        Err(error) if is_named => Told::fail(format!("{name} cannot be written: {error}"), next),
        Err(error) => {
            Told::warn(format!("{name} cannot be written: {error}; scans may run beside one another"), next)
        }
    }]
}
