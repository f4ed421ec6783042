//! Whether the scan has the rights to see every user.

use crate::host::is_privileged;

use super::{Ask, Check, Told};

pub(super) const CHECK: Check = Check { name: "privileges", look };

fn look(_: &Ask<'_>) -> Vec<Told> {
    let (who, next) = if cfg!(windows) {
        ("an administrator", "run it as an administrator, or from Task Scheduler as SYSTEM")
    } else {
        ("root", "run it as root (sudo interdict scan), or by a schedule of root's")
    };
    vec![if is_privileged() {
        Told::ok(format!("this runs with the rights of {who}"))
    } else {
        Told::warn(
            format!("this does not run as {who}: other users' homes and programs are not all seen"),
            next,
        )
    }]
}
