//! Any bytes as what the collector's database gives back: the sets of a host, how its sources ended, packed JSON. Damage is told;
//! a set that is read is written so that it is read the same.
#![no_main]

use interdict::model;

#[allow(dead_code, reason = "the file of the collector, built without the rest of it")]
#[path = "../../src/collector/store/codec.rs"]
mod codec;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // The first byte says how the rest is written: both ways are tried whatever it is.
    for how in [1, 2] {
        let blob = [&[how], data].concat();
        if let Ok(entries) = codec::read_entries(&blob) {
            assert_eq!(codec::read_entries(&codec::write_entries(&entries)).unwrap(), entries);
        }
        _ = codec::read_json::<model::Seen>(&blob);
        if let Ok(report) = codec::read_json::<model::SourceReport>(&blob) {
            let (shape, ended) = codec::write_report(&report).unwrap();
            let shape = codec::read_json(&codec::pack(&shape)).unwrap();
            assert_eq!(codec::read_report(&shape, &ended).unwrap(), report);
            _ = codec::read_report(&shape, data);
            let lasting = codec::lasting(&ended).unwrap();
            assert_eq!(codec::lasting(&lasting).unwrap(), lasting);
            assert!(codec::read_report(&shape, &lasting).is_ok());
            _ = codec::lasting(data);
        }
    }
});
