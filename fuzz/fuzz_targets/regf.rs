//! The hive reader: two lengths of four bytes say where the input is cut into primary file and two logs. Every key and
//! value is read, and every value in every way.
#![no_main]

use interdict::parse::regf::{Hive, Key};
use interdict::parse::registry_value::RegistryValue;
use std::ops::ControlFlow;

fn cut(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = data.split_first_chunk::<4>()?;
    Some(rest.split_at((u32::from_be_bytes(*length) as usize).min(rest.len())))
}

fn every_way(value: &RegistryValue) -> usize {
    let texts = value.texts().iter().map(String::len).sum::<usize>();
    let numbers = value.number().or(value.filetime()).is_some();
    texts + value.text().map_or(0, |text| text.len()) + usize::from(numbers)
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((primary, rest)) = cut(data) else { return };
    let Some((one, two)) = cut(rest) else { return };
    let Ok(hive) = Hive::open(primary, vec![one, two]) else { return };
    let Ok(root) = hive.root() else { return };
    let (mut open, mut keys): (Vec<Key>, usize) = (vec![root], 0);
    while let Some(key) = open.pop() {
        keys += 1;
        let mut first = None;
        let _ = hive.values(&key, &mut |value| {
            let Ok((name, value)) = value else { return };
            assert!(every_way(&value) <= 4 * value.data.len() + 8);
            first.get_or_insert((name, value));
        });
        // What is found by its name is what was listed, unless a name was lossy.
        if let Some((name, value)) = first.filter(|(name, _)| !name.contains('\u{fffd}')) {
            if let Ok(found) = hive.value(&key, &name) {
                assert_eq!(found, Some(value));
            }
        }
        let _ = hive.children(&key, &mut |child| {
            open.extend(child);
            ControlFlow::Continue(())
        });
        let _ = hive.child(&key, "Uninstall");
    }
    // Each key has one parent, so that none is met twice. Cells may overlap, but begin at multiples of eight.
    assert!(keys <= data.len() / 8 + 1, "more came out than went in");
});
