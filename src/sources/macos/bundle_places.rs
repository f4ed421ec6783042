//! Where bundles lie: the folders of a Mac and of its users, and the places of code in a bundle.
//!
//! Called by `app_bundles`. Must not know what a bundle holds.

use crate::model::{Depth, HostPath, Scope, ScopeKind, State, User, Wanted};

/// A folder that bundles lie in.
pub(super) struct Area {
    pub(super) folder: HostPath,
    pub(super) scope: Scope,
    /// Levels of entries that are looked at: 1 is what lies in the folder itself.
    pub(super) depth: usize,
    /// Whether every Mac has it.
    pub(super) must_exist: bool,
    /// How present an application is that lies there.
    pub(super) state: State,
    /// Whether the bundles in a bundle are looked at.
    pub(super) inside: bool,
}

/// Folders of the system: sealed since macOS 11, so that in its bundles lie only its own.
const OF_SYSTEM: &[(&str, usize, bool)] =
    &[("/System/Applications", 3, false), ("/System/Library/CoreServices", 3, true)];
/// Folders of applications, of the machine and of a user.
const APPLICATIONS: usize = 5;
/// Folders below `/Library` and `~/Library` that hold bundles, and how deep. A file of bundles' ids is no bundle.
const OF_LIBRARY: &[(&str, usize)] = &[
    ("Application Support", 4),
    ("Input Methods", 2),
    ("Internet Plug-Ins", 2),
    ("PreferencePanes", 2),
    ("PrivilegedHelperTools", 2),
    ("QuickLook", 2),
    ("Spotlight", 2),
    ("Screen Savers", 2),
    ("Services", 2),
    ("Widgets", 2),
    ("Filesystems", 2),
    ("Frameworks", 2),
    ("Mail/Bundles", 2),
    ("ScriptingAdditions", 2),
    ("Security/SecurityAgentPlugins", 2),
    ("CoreMediaIO/Plug-Ins", 3),
    ("Audio/Plug-Ins", 4),
    ("Printers", 4),
];

/// Every folder that is looked at, of the machine and of these users, in the scope and depth that are asked for.
pub(super) fn areas(users: &[&User], want: &Wanted) -> Vec<Area> {
    let standard = want.depth >= Depth::Standard;
    let area = |folder: HostPath, scope: &Scope, depth, state| Area {
        folder,
        scope: scope.clone(),
        depth,
        must_exist: false,
        state,
        inside: standard,
    };
    let mut areas = Vec::new();
    if want.scope.includes(ScopeKind::Machine) {
        let machine = Scope::Machine;
        let own = area("/Applications".into(), &machine, APPLICATIONS, State::Installed);
        areas.push(Area { must_exist: true, ..own });
        areas.extend(OF_SYSTEM.iter().map(|(folder, depth, must_exist)| {
            let own = area((*folder).into(), &machine, *depth, State::Installed);
            Area { must_exist: *must_exist, inside: false, ..own }
        }));
        let guests = area("/Applications (Parallels)".into(), &machine, 3, State::Installed);
        areas.push(guests);
        if standard {
            areas.extend(
                library("/Library".into()).map(|(at, depth)| area(at, &machine, depth, State::Present)),
            );
            areas.push(area("/Users/Shared".into(), &machine, 3, State::Present));
        }
    }
    for user in users {
        let scope = Scope::User(user.n);
        areas.push(area(user.home.join("Applications"), &scope, APPLICATIONS, State::Installed));
        areas.push(area(user.home.join("Applications (Parallels)"), &scope, 3, State::Installed));
        if standard {
            let library = library(user.home.join("Library"));
            areas.extend(library.map(|(at, depth)| area(at, &scope, depth, State::Present)));
            // What was fetched and never moved is run from there.
            let loose = ["Desktop", "Downloads"];
            areas.extend(loose.map(|at| area(user.home.join(at), &scope, 2, State::Present)));
        }
    }
    areas
}

fn library(folder: HostPath) -> impl Iterator<Item = (HostPath, usize)> {
    OF_LIBRARY.iter().map(move |(name, depth)| (folder.join(name), *depth))
}

/// Places of code in a bundle, each below its contents ("Placing Content in a Bundle", Apple).
const CODE_PLACES: &[&str] = &[
    "Applications",
    "Developer/Applications",
    "Extensions",
    "Frameworks",
    "Helpers",
    "Library/Automator",
    "Library/HelperTools",
    "Library/LaunchServices",
    "Library/LoginItems",
    "Library/QuickLook",
    "Library/Spotlight",
    "MacOS",
    "PlugIns",
    "Resources",
    "SharedFrameworks",
    "SharedSupport",
    "XPCServices",
];

/// The folders of a bundle in which other bundles lie.
pub(super) fn code_places(bundle: &HostPath) -> impl Iterator<Item = HostPath> {
    let is_framework = super::bundle::has_ending(bundle.file_name(), "framework");
    let contents = bundle.join(if is_framework { "Versions/Current" } else { "Contents" });
    CODE_PLACES.iter().map(move |place| contents.join(place))
}
