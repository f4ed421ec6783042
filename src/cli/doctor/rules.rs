//! Whether there are rules to judge by, how old they are, and who signed them.

use super::{Ask, Check, Told};
use crate::cli::rules::look_at;
use crate::cli::scan::policies;

pub(super) const CHECK: Check = Check { name: "rules", look };

fn look(ask: &Ask<'_>) -> Vec<Told> {
    let config = ask.in_force;
    let ruleset = match look_at(config, ask.printer) {
        Ok(ruleset) => ruleset,
        Err(failure) => return Told::fault(&failure),
    };
    let mut told = Vec::new();
    for manifest in ruleset.manifests() {
        let signed = ruleset.signed().iter().find(|one| one.name == manifest.name);
        let by = signed.map(|one| format!(", signed by {}", one.key)).unwrap_or_default();
        let what = format!("{} version {} of {}{by}", manifest.name, manifest.version, manifest.released);
        told.push(if manifest.is_stale(ask.today()) {
            Told::warn(
                format!("{what} is old"),
                "get a newer release: what became known since then is not found",
            )
        } else {
            let until = manifest.stale_after.map(|day| format!(", good until {day}"));
            Told::ok(what + &until.unwrap_or_default())
        });
    }
    if !config.rules.is_empty() && config.trusted_keys.is_empty() {
        let says = "rules of this site are used whoever wrote them: no key is trusted";
        told.push(Told::warn(says, "sign them (interdict rules sign) and name the key in trusted_keys"));
    }
    if let Err(failure) = policies(&ruleset, &config.policies) {
        told.extend(Told::fault(&failure));
    }
    told
}
