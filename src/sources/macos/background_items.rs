//! What macOS 13 and later note of everything that asked to run in the background: login items, agents, daemons. The record
//! outlives what it is of, and names the developer and the team that signed it.

use crate::host::{Files, Host, Kind, Miss};
use crate::model::{Family, Field, HostPath, ItemKind, Looked, Place, Signer, State, Trace, Trust, Wanted};
use crate::parse::background_items::{self, Item};
use crate::sources::{About, Haul, Outcome, Source};

use super::programs;

/// The source `background-items`.
pub struct BackgroundItems;

const FOLDER: &str = "/private/var/db/com.apple.backgroundtaskmanagement";
/// Files of several versions may lie there, and each is read.
const PREFIX: &[u8] = b"BackgroundItems-v";
const ENDING: &[u8] = b".btm";
/// Real ones have some hundred kilobytes.
const LIMIT: u64 = 16 << 20;

static ABOUT: About = About {
    name: "background-items",
    summary: "what asked to run in the background or at log-in, by the record of macOS 13 and later",
    families: &[Family::Macos],
    yields: &[(ItemKind::Autostart, &[State::Installed, State::Historic])],
    fields: &[Field::Name, Field::Publisher, Field::Signer, Field::Path],
    ..About::USUAL
};

impl Source for BackgroundItems {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let folder = HostPath::from(FOLDER);
        let entries = match host.files().list(&folder) {
            Ok(entries) => entries,
            Err(Miss::Absent) => {
                return Outcome::NotApplicable("there is no record of background items".to_owned());
            }
            Err(miss) => {
                haul.miss(&folder, &miss);
                return Outcome::Read;
            }
        };
        let is_record = |name: &[u8]| name.starts_with(PREFIX) && name.ends_with(ENDING);
        for entry in entries.into_iter().filter(|entry| entry.kind == Kind::File && is_record(&entry.name)) {
            file(host, want, &folder.join(&entry.name), haul);
        }
        Outcome::Read
    }
}

fn file(host: &dyn Host, want: &Wanted, path: &HostPath, haul: &mut Haul) {
    let Some(bytes) = haul.listed(path, host.files().read(path, LIMIT)) else { return };
    match background_items::items(&bytes) {
        Ok(found) => {
            haul.faults(path, &found.faults);
            for item in found.records {
                if !haul.time_left() {
                    return;
                }
                let mut trace = trace(host.files(), path, item, haul);
                programs::tell(host, want, &mut trace, haul);
                haul.push(trace);
            }
        }
        Err(fault) => haul.faults(path, &[fault]),
    }
}

/// What is there may run; of the rest the record says that it was.
fn trace(files: &dyn Files, path: &HostPath, item: Item, haul: &mut Haul) -> Trace {
    let lies = item.program.or(item.path).map(HostPath::new);
    // A list of launchd is no program: that it is there is what can be told.
    let is_list = |path: &HostPath| path.file_name().ends_with(b".plist");
    let list = lies.as_ref().filter(|path| is_list(path));
    let listed = list.is_some_and(|path| files.stat(path) != Err(Miss::Absent));
    let image = lies.filter(|path| !is_list(path)).map(|path| programs::at(files, path, haul));
    // One that cannot be seen may be there.
    let here = listed || image.as_ref().is_some_and(|image| image.exists != Some(false));
    let state = if here { State::Installed } else { State::Historic };
    let place = Place::record(path.clone(), format!("item {}", item.identifier));
    let mut trace = Trace::new(ItemKind::Autostart, item.identifier, state, place);
    let name = item.developer.clone().or_else(|| item.team_id.clone());
    let team_id = item.team_id;
    trace.signer = match (name, &team_id) {
        (Some(name), Some(_)) => Looked::Some(Signer { name, team_id, trust: Trust::Unchecked }),
        _ => Looked::NotLooked,
    };
    trace.display_name = item.name;
    trace.publisher = item.developer;
    trace.image = image;
    trace
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode};
    use crate::model::GapReason;
    use crate::parse::background_items::tests::{KAV, archive};
    use crate::sources::testing::collect;

    const RECORD: &str = "/private/var/db/com.apple.backgroundtaskmanagement/BackgroundItems-v13.btm";

    fn run(nodes: &[(&str, FakeNode)]) -> (Haul, Outcome) {
        collect(&BackgroundItems, &FakeHost::macos(nodes.iter().cloned()))
    }

    #[test]
    fn what_is_there_and_what_was() {
        let record = FakeNode::File(archive(&[KAV, [Some("4.com.acme.item"), None, None, None, None, None]]));
        let program = (KAV[5].unwrap(), FakeNode::Program(vec![]));
        let states = |haul: &Haul| -> Vec<_> {
            haul.traces().iter().map(|one| (one.name.clone(), one.kind, one.state)).collect()
        };
        let (haul, outcome) = run(&[(RECORD, record.clone()), program]);
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let kav = |state| ("com.kaspersky.kav".to_owned(), ItemKind::Autostart, state);
        let acme = ("com.acme.item".to_owned(), ItemKind::Autostart, State::Historic);
        assert_eq!(states(&haul), [kav(State::Installed), acme.clone()]);
        let first = &haul.traces()[0];
        assert_eq!(first.publisher.as_deref(), Some("Kaspersky Lab UK Limited"));
        assert!(
            matches!(&first.signer, Looked::Some(signer) if signer.team_id.as_deref() == Some("2Y8XE5CQ94"))
        );
        assert_eq!(states(&run(&[(RECORD, record)]).0), [kav(State::Historic), acme]);
    }

    #[test]
    fn a_list_is_no_program() {
        let mut of_list = KAV;
        of_list[5] = None;
        let record = FakeNode::File(archive(&[of_list]));
        let list = ("/Library/LaunchDaemons/com.kaspersky.kav.plist", FakeNode::File(vec![]));
        let (haul, _) = run(&[(RECORD, record), list]);
        assert_eq!((haul.traces()[0].state, haul.traces()[0].image.clone()), (State::Installed, None));
    }

    #[test]
    fn what_cannot_be_read_is_a_gap() {
        let gaps = |node| run(&[(RECORD, node)]).0.gaps();
        assert_eq!(gaps(FakeNode::Unreadable(Miss::Denied)), [(GapReason::PermissionDenied, true)]);
        assert_eq!(gaps(FakeNode::File(vec![0xFF; 64])).len(), 1);
        let sound = archive(&[KAV]);
        assert!(gaps(FakeNode::File(sound[..sound.len() / 2].to_vec()))[0].1);
        assert_eq!(
            run(&[(FOLDER, FakeNode::Broken(Miss::Denied))]).0.gaps(),
            [(GapReason::PermissionDenied, true)]
        );
        assert!(matches!(run(&[("/Library", FakeNode::Folder)]).1, Outcome::NotApplicable(_)));
        let other = "/private/var/db/com.apple.backgroundtaskmanagement/other";
        assert_eq!(run(&[(other, FakeNode::File(vec![1]))]).1, Outcome::Read);
    }
}
