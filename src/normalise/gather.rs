//! Traces to items and sightings: the same thing read twice is one item with two sightings.
//!
//! Called by `cli` with what the sources brought. Pure.

use std::collections::BTreeMap;

use crate::model::{HostPath, InventoryItem, Item, ItemId, Order, PackageRef, Sighting, Trace};

use super::identity::item_id;
use super::links;
use super::merge;
use super::template::Places;

/// Items of a host whose links are not made yet: whose a file is takes a look into the lists of all packages, which is worth
/// it only where somebody wants to know.
pub struct Gathered {
    items: BTreeMap<ItemId, InventoryItem>,
    /// Sightings that a package may own: of which item, at which place in its list, by which path.
    owned: Vec<(ItemId, usize, HostPath)>,
}

/// Splits traces, by source and in the order they were read, into items and sightings, and merges the same. `places` says what
/// of the host's paths is its own.
pub fn gather(traces: Vec<(&'static str, Vec<Trace>)>, places: Places<'_>) -> Gathered {
    let mut items: BTreeMap<ItemId, InventoryItem> = BTreeMap::new();
    let mut owned: Vec<(ItemId, usize, HostPath)> = Vec::new();
    let traces = traces.into_iter().flat_map(|(source, traces)| traces.into_iter().map(move |t| (source, t)));
    for (source, trace) in traces {
        let owned_path = trace.owned_path().cloned();
        let (item, sighting) = split(source, trace, places);
        let id = item.id;
        // Most items are seen once: a vector that grows by itself would hold room for four.
        let entry =
            items.entry(id).or_insert_with(|| InventoryItem { item, sightings: Vec::with_capacity(1) });
        if let Some(path) = owned_path {
            owned.push((id, entry.sightings.len(), path));
        }
        entry.sightings.push(sighting);
    }
    // Packages have no path of their own, so that what is owned still names its item.
    merge::packages(&mut items);
    Gathered { items, owned }
}

impl Gathered {
    /// Every item, as it stays.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.values().map(|seen| &seen.item)
    }

    /// Paths whose owner is not known yet.
    pub fn owned(&self) -> impl Iterator<Item = &HostPath> {
        self.owned.iter().map(|(.., path)| path)
    }

    /// Links what belongs together; `owner_of` says which packages own a path.
    /// The result is sorted by kind, name and id, so that two scans of one host can be compared by eye.
    pub fn linked(self, owner_of: &dyn Fn(&HostPath) -> Vec<PackageRef>) -> Vec<InventoryItem> {
        let Self { mut items, owned } = self;
        links::owned_by(&mut items, &owned, owner_of);
        links::image_of(&mut items);
        links::part_of(&mut items);
        let mut items: Vec<_> = items.into_values().collect();
        items.order_by(|a, b| {
            (a.item.kind, &a.item.name, a.item.id).cmp(&(b.item.kind, &b.item.name, b.item.id))
        });
        items
    }
}

/// The item that a trace will be, before anything is joined with it.
pub fn item(trace: Trace, places: Places<'_>) -> Item {
    split("", trace, places).0
}

/// One trace as its fleet-wide part and its part of this host.
fn split(source: &'static str, trace: Trace, places: Places<'_>) -> (Item, Sighting) {
    let path = trace.path.as_ref().or(trace.image.as_ref().map(|image| &image.path));
    let mut identifiers = trace.identifiers;
    identifiers.order();
    identifiers.dedup();
    identifiers.shrink_to_fit();
    let mut item = Item {
        id: ItemId([0; 16]),
        kind: trace.kind,
        name: trace.name,
        display_name: trace.display_name,
        version: trace.version,
        publisher: trace.publisher,
        signer: trace.signer,
        identifiers,
        arch: trace.arch,
        path: path.map(|path| places.template(path, &trace.scope)),
    };
    item.id = item_id(&item);
    let sighting = Sighting {
        source: source.into(),
        state: trace.state,
        scope: trace.scope,
        place: trace.place,
        image: trace.image,
        recorded_at: trace.recorded_at,
        last_update: trace.last_update,
        process: trace.process,
        links: Vec::new(),
    };
    (item, sighting)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Image, ItemKind, LinkKind, Place, Scope, State, User};

    fn exe(path: &str, state: State) -> Trace {
        let path = HostPath::from(path);
        let mut trace =
            Trace::new(ItemKind::Executable, path.file_name_text(), state, Place::file(path.clone()));
        trace.image = Some(Image { path, exists: Some(true) });
        trace
    }

    fn service(name: &str, image: &str) -> Trace {
        let place = Place::file(HostPath::from("/usr/lib/systemd/system").join(name));
        let mut trace = Trace::new(ItemKind::Service, name, State::Installed, place);
        trace.image = Some(Image { path: image.into(), exists: Some(true) });
        trace
    }

    fn package(name: &str) -> Trace {
        let place = Place::record("/var/lib/dpkg/status".into(), name);
        Trace::new(ItemKind::Package, name, State::Installed, place)
    }

    fn gathered(traces: Vec<Trace>, owners: &[(&str, &str)]) -> Vec<InventoryItem> {
        let user = User { n: 1, name: "alice".into(), home: "/home/alice".into(), readable: true, sid: None };
        let owner_of = |path: &HostPath| {
            let owners = owners.iter().filter(|(owned, _)| *path == HostPath::from(*owned));
            owners.map(|(_, name)| PackageRef { source: "dpkg", name: (*name).into(), arch: None }).collect()
        };
        let traces = vec![("dpkg", traces)];
        gather(traces, Places { users: &[user], aliases: &[] }).linked(&owner_of)
    }

    fn find<'a>(items: &'a [InventoryItem], kind: ItemKind, name: &str) -> &'a InventoryItem {
        items.iter().find(|item| item.item.kind == kind && item.item.name == name).unwrap()
    }

    #[test]
    fn one_program_on_disk_and_running_is_one_item() {
        let items =
            gathered(vec![exe("/opt/x/bin/x", State::Present), exe("/opt/x/bin/x", State::Running)], &[]);
        assert_eq!(items.len(), 1);
        assert_eq!(items[0].sightings.len(), 2);
    }

    #[test]
    fn homes_become_a_template() {
        let items = gathered(vec![exe("/home/alice/.local/bin/x", State::Present)], &[]);
        assert_eq!(items[0].item.path.as_deref(), Some("{home}/.local/bin/x"));
        let items = gathered(vec![exe("/home/alicex/x", State::Present)], &[]);
        assert_eq!(items[0].item.path.as_deref(), Some("/home/alicex/x"));
    }

    #[test]
    fn a_running_program_is_owned_by_its_package_and_is_the_image_of_its_service() {
        let traces = vec![
            package("kesl"),
            service("kesl.service", "/opt/kaspersky/kesl/libexec/kesl"),
            exe("/opt/kaspersky/kesl/libexec/kesl", State::Running),
        ];
        let items = gathered(traces, &[("/opt/kaspersky/kesl/libexec/kesl", "kesl")]);
        let links = &find(&items, ItemKind::Executable, "kesl").sightings[0].links;
        let kinds: Vec<_> = links.iter().map(|link| link.kind).collect();
        assert_eq!(kinds, [LinkKind::OwnedBy, LinkKind::ImageOf]);
        assert_eq!(links[0].to, find(&items, ItemKind::Package, "kesl").item.id);
    }

    #[test]
    fn what_runs_in_a_container_is_joined_with_nothing_of_the_host() {
        let mut inside = exe("/home/alice/x", State::Running);
        inside.scope = Scope::Container("0123456789ab".into());
        let traces = vec![package("x"), service("x.service", "/home/alice/x"), inside];
        let items = gathered(traces, &[("/home/alice/x", "x")]);
        let inside = find(&items, ItemKind::Executable, "x");
        assert_eq!(inside.sightings[0].links, []);
        assert_eq!(inside.item.path.as_deref(), Some("/home/alice/x"), "not the home of the host's alice");
    }

    fn bundle(path: &str) -> Trace {
        let path = HostPath::from(path);
        let place = Place::file(path.clone());
        let mut trace = Trace::new(ItemKind::Application, path.file_name_text(), State::Installed, place);
        trace.path = Some(path);
        trace
    }

    #[test]
    fn what_lies_in_a_bundle_is_part_of_it_and_of_what_holds_that() {
        let helper = "/Applications/K.app/Contents/Library/LoginItems/H.app";
        let traces = vec![
            bundle("/Applications/K.app"),
            bundle(helper),
            exe(&format!("{helper}/Contents/MacOS/H"), State::Running),
            exe("/Applications/K.app/Contents/MacOS/tool", State::Present),
            exe("/Applications/K.application/x", State::Running),
            service("com.k", "/Applications/K.app/Contents/MacOS/k"),
            service("script", "/Applications/K.app/Contents/MacOS/python3"),
        ];
        let items = gathered(traces, &[]);
        let links = |kind, name: &str| -> Vec<_> {
            let links = &find(&items, kind, name).sightings[0].links;
            assert!(links.iter().all(|link| link.kind == LinkKind::PartOf), "{links:?}");
            links.iter().map(|link| link.to).collect()
        };
        let id = |name: &str| find(&items, ItemKind::Application, name).item.id;
        assert_eq!(links(ItemKind::Application, "K.app"), []);
        assert_eq!(links(ItemKind::Application, "H.app"), [id("K.app")]);
        assert_eq!(links(ItemKind::Executable, "H"), [id("H.app"), id("K.app")]);
        assert_eq!(links(ItemKind::Executable, "tool"), []);
        assert_eq!(links(ItemKind::Executable, "x"), []);
        assert_eq!(links(ItemKind::Service, "com.k"), [id("K.app")]);
        assert_eq!(links(ItemKind::Service, "script"), []);
    }

    #[test]
    fn an_interpreter_is_nobodys_image() {
        let mut traces = vec![package("python3"), service("vendor.service", "/usr/bin/python3.11")];
        traces.extend((0..30).map(|_| exe("/usr/bin/python3.11", State::Running)));
        let items = gathered(traces, &[("/usr/bin/python3.11", "python3")]);
        for sighting in &find(&items, ItemKind::Executable, "python3.11").sightings {
            assert_eq!(sighting.links.len(), 1, "owned by its package, image of nothing");
            assert_eq!(sighting.links[0].kind, LinkKind::OwnedBy);
        }
        assert!(find(&items, ItemKind::Service, "vendor.service").sightings[0].links.is_empty());
    }
}
