//! What the rules ask the sources to look for, beyond what they always read.
//!
//! Called by `cli` before a scan. Must not know sources.

use crate::model::{Depth, Family, HostPath, ItemKind, ScopeAsk, Wanted};
use crate::normalise::fold;

use super::indicator::Slot;
use super::{Indicator, Policy, Ruleset};

/// Kinds for which a source has to go and look at a path that a rule names.
const SOUGHT: &[ItemKind] = &[ItemKind::Executable, ItemKind::Trace, ItemKind::Service];

impl Ruleset {
    /// What to look for on a host of this family, for these policies (none: for all).
    pub fn wanted(&self, scope: ScopeAsk, depth: Depth, family: Family, policies: &[&Policy]) -> Wanted {
        let mut wanted = Wanted { scope, depth, ..Wanted::default() };
        let prohibitions: Vec<_> = policies.iter().flat_map(|policy| &policy.prohibitions).collect();
        let asked = |indicator: &&Indicator| {
            let covers = |product| prohibitions.iter().any(|one| one.covers(product));
            indicator.rule.families.contains(&family)
                && (policies.is_empty() || self.product_of(indicator).is_some_and(covers))
        };
        for indicator in self.indicators().iter().filter(asked) {
            let conditions = &indicator.rule.conditions;
            wanted.hash_sizes.extend(conditions.hash_sizes());
            wanted.accounts.extend(conditions.accounts().map(|name| fold(name).into_owned()));
            if indicator.rule.kinds.iter().any(|kind| SOUGHT.contains(kind)) {
                let paths = conditions.indexes().filter(|(slot, _)| *slot == Slot::Path);
                wanted.path_roots.extend(paths.flat_map(|(_, pattern)| pattern.roots()).map(HostPath::from));
            }
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use crate::ruleset::built_in;

    use super::*;

    #[test]
    fn the_built_in_rules_want_the_vendors_folders() {
        let ruleset = built_in().ruleset.unwrap();
        let policy = ruleset.policy("us-commerce").unwrap();
        let wanted = ruleset.wanted(ScopeAsk::All, Depth::Standard, Family::Linux, &[policy]);
        for root in ["/opt/kaspersky", "/var/opt/kaspersky", "/etc/opt/kaspersky", "/etc/klScanEngineUI.xml"]
        {
            assert!(wanted.path_roots.contains(&root.into()), "{root} of {:?}", wanted.path_roots);
        }
        assert!(wanted.accounts.contains("kluser") && wanted.accounts.contains("kladmins"));
        let broad = ["/", "/etc", "/opt", "/usr", "/usr/local", "/var"].map(HostPath::from);
        let every: Vec<&Policy> = ruleset.policies().iter().collect();
        let of_every = ruleset.wanted(ScopeAsk::All, Depth::Standard, Family::Linux, &every);
        let walks = |wanted: &Wanted| broad.iter().find(|root| wanted.path_roots.contains(*root)).cloned();
        // ScreenConnect names its folder after the server: /opt/connectwisecontrol-<id>.
        assert_eq!((walks(&wanted), walks(&of_every)), (None, Some("/opt".into())));
        let windows = ruleset.wanted(ScopeAsk::All, Depth::Quick, Family::Windows, &[policy]);
        assert!(windows.path_roots.is_empty() && windows.accounts.is_empty());
    }
}
