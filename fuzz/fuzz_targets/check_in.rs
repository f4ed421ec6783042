//! Any bytes as what comes over the wire, packed and not: read or refused, within the cap; what was read is written as it was,
//! and ids and digests are made of it, whatever it says.
#![no_main]

use interdict::model::{Answer, CheckIn, Enrol, Enrolled, Problem};
use interdict::normalise::sets;

#[path = "../../src/collector/api/packing.rs"]
mod packing;

const CAP: usize = 1 << 20;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    read(data);
    if let Ok(text) = packing::unzstd(data, CAP) {
        assert!(text.len() <= CAP);
        read(&text);
    }
});

fn read(text: &[u8]) {
    _ = serde_json::from_slice::<Answer>(text);
    _ = serde_json::from_slice::<Enrol>(text);
    _ = serde_json::from_slice::<Enrolled>(text);
    _ = serde_json::from_slice::<Problem>(text);
    let Ok(check_in) = serde_json::from_slice::<CheckIn>(text) else { return };
    let written = serde_json::to_vec(&check_in).unwrap();
    assert_eq!(serde_json::from_slice::<CheckIn>(&written).unwrap(), check_in);
    let Some(body) = &check_in.body else { return };
    _ = sets::machine_digest(&body.facts);
    let ids: Vec<_> = body.seen.iter().map(sets::seen_id).collect();
    for source in &body.sources {
        _ = (sets::state_digest(&source.report), sets::is_whole(&source.report));
        if let Some(set) = &source.set {
            _ = sets::set_digest(&set.add);
            let known = set.add.iter().filter_map(|entry| {
                Some((entry, body.seen.get(ids.iter().position(|id| *id == entry.id)?)?))
            });
            assert!(sets::items(known).iter().all(|item| !item.sightings.is_empty()));
        }
    }
}
