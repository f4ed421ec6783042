//! What the rules ask the sources to look for, beyond what they always read.
//!
//! Called by `cli` before a scan. Must not know sources.

use crate::model::{Depth, Family, HostPath, ItemKind, ScopeAsk, Wanted};
use crate::normalise::fold;

use super::indicator::Slot;
use super::pattern::Pattern;
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
            want(indicator, family, &mut wanted);
        }
        wanted
    }
}

/// What one indicator asks for on a host of this family.
pub(super) fn wanted_of(indicator: &Indicator, family: Family) -> Wanted {
    let mut wanted = Wanted::default();
    want(indicator, family, &mut wanted);
    wanted
}

fn want(indicator: &Indicator, family: Family, wanted: &mut Wanted) {
    let conditions = &indicator.rule.conditions;
    wanted.hash_sizes.extend(conditions.hash_sizes());
    wanted.accounts.extend(conditions.accounts().map(|name| fold(name).into_owned()));
    if indicator.rule.kinds.iter().any(|kind| SOUGHT.contains(kind)) {
        let paths = conditions.indexes().filter(|(slot, _)| *slot == Slot::Path);
        paths.for_each(|(_, pattern)| places(pattern, family, wanted));
    }
}

/// Puts the paths with which a pattern begins where sources of this family look for them.
fn places(pattern: &Pattern, family: Family, wanted: &mut Wanted) {
    pattern.roots().for_each(|root| place(root, family, wanted));
    if family != Family::Windows {
        wanted.beginnings.extend(pattern.beginnings().map(str::to_owned));
    }
}

/// Puts a path with which a pattern begins where sources of this family look for it.
fn place(root: &str, family: Family, wanted: &mut Wanted) {
    match (root.get(..1), family) {
        (Some("/"), Family::Linux | Family::Macos) => _ = wanted.path_roots.insert(HostPath::from(root)),
        (Some("{"), _) => {
            let is_ours = root.contains('\\') == (family == Family::Windows);
            wanted.templates.extend(Some(root).filter(|_| is_ours).map(str::to_owned));
        }
        (Some("H"), Family::Windows) => _ = wanted.keys.insert(root.to_owned()),
        (_, Family::Windows) => wanted.path_roots.extend(HostPath::of_windows(root)),
        _ => {}
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
        assert!(of_every.templates.contains("{home}/.anydesk"), "{:?}", of_every.templates);
        assert!(of_every.beginnings.contains("{home}/.cache/huggingface/hub/models--deepseek-ai--"));
        let windows = ruleset.wanted(ScopeAsk::All, Depth::Quick, Family::Windows, &[policy]);
        assert!(windows.path_roots.contains(&"/C:/KVRT_Data".into()), "{:?}", windows.path_roots);
        assert!(windows.path_roots.iter().all(|root| root.drive().is_some()) && windows.accounts.is_empty());
        assert!(windows.beginnings.is_empty() && windows.templates.iter().all(|one| one.contains('\\')));
        assert!(windows.keys.contains(r"HKLM\SOFTWARE\KasperskyLab"), "{:?}", windows.keys);
        assert!(windows.templates.contains(r"{program-data}\Kaspersky Lab"), "{:?}", windows.templates);
    }

    #[test]
    fn folders_of_a_home_are_wanted_where_paths_have_slashes() {
        let ruleset = built_in().ruleset.unwrap();
        let wanted = |family| ruleset.wanted(ScopeAsk::All, Depth::Standard, family, &[]);
        let macos = wanted(Family::Macos);
        for template in ["{home}/Library/Containers/com.lemon.lvoverseas", "{home}/Library/Logs/com.kaseya"] {
            assert!(macos.templates.contains(template), "{template} of {:?}", macos.templates);
        }
        assert!(macos.path_roots.contains(&"/Library/Application Support/Acronis".into()));
        assert!(
            macos.keys.is_empty() && macos.templates.iter().all(|template| template.starts_with("{home}/"))
        );
        assert!(wanted(Family::Linux).templates.contains("{home}/.anydesk"));
        // The names that rules and items use: `/var`, not `/private/var`.
        assert!(!macos.path_roots.iter().any(|root| root.is_within(&"/private".into())));
    }
}
