//! What the system's own record says must exist: os-release names the distribution, the distribution its database.
//!
//! Called by the package sources.

use crate::host::Host;
use crate::model::{GapReason, HostPath};
use crate::sources::{Haul, Outcome};

/// Whether os-release names one of these distributions, or one that derives from them.
pub(super) fn is_expected(host: &dyn Host, distributions: &[&str]) -> bool {
    host.facts().os.is_like(distributions)
}

/// The outcome of a database that is not there: failed where it must be, else not applicable.
pub(super) fn absent(expected: bool, host: &dyn Host, path: &str, haul: &mut Haul) -> Outcome {
    if !expected {
        return Outcome::NotApplicable(format!(
            "there is no {path}, and os-release names no system that has it"
        ));
    }
    haul.gap(GapReason::Missing, &HostPath::from(path));
    let os = host.facts().os.id.as_deref().unwrap_or("this system").to_owned();
    Outcome::Failed(format!("{path} is missing, though os-release says that this is {os}"))
}
