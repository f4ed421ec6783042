//! Whether the configuration can be used.

use super::{Ask, Check, Told};

pub(super) const CHECK: Check = Check { name: "configuration", look };

fn look(ask: &Ask<'_>) -> Vec<Told> {
    let config = match ask.config {
        Ok(config) => config,
        Err(failure) => return Told::fault(failure),
    };
    let unknown = config.warnings.iter().map(|warning| Told::warn(warning, "correct the name, or unset it"));
    let there = ask.args.file().filter(|(path, _)| path.is_file());
    let used = there.map_or("there is no file; what holds without is used".to_owned(), |(path, _)| {
        format!("{} can be used", path.display())
    });
    [Told::ok(used)].into_iter().chain(unknown).collect()
}
