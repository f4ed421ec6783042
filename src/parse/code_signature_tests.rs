//! Damage of every kind to a forged program: nothing may be kept that is not in it, and nobody may be named who did not sign.
//! How signatures are made and checked is tested in `tests/code_signature.rs`.

use super::*;
use crate::parse::macho;

const FORGED: &[u8] = include_bytes!("../../fuzz/seeds/code_signature/kaspersky-forged");
const AD_HOC: &[u8] = include_bytes!("../../fuzz/seeds/code_signature/ad-hoc");

/// Where the signature begins and ends; in the seeds zeros follow it.
fn place(bytes: &[u8]) -> Range<u64> {
    macho::read(&bytes).unwrap().unwrap().slices.remove(0).signature.unwrap()
}

#[test]
fn a_forged_program_names_whom_it_likes_and_proves_nothing() {
    let says = read(&FORGED, &place(FORGED)).unwrap();
    assert_eq!(
        (says.identifier.as_str(), says.team_id.as_deref()),
        ("com.kaspersky.kav", Some("2Y8XE5CQ94"))
    );
    let signer = says.signer(&FORGED).unwrap().unwrap().certificate.unwrap().subject;
    assert_eq!(apple::shown(&signer), "AO Kaspersky Lab");
    let slice = macho::read(&FORGED).unwrap().unwrap().slices.remove(0);
    let got = verify(&FORGED, &slice, &Anchors::apple()).unwrap().unwrap();
    assert!(got.maker.is_none() && matches!(got.trust, Trust::Unanchored(_)), "{:?}", got.trust);
}

#[test]
fn an_old_directory_without_team_nor_signer() {
    let says = read(&AD_HOC, &place(AD_HOC)).unwrap();
    assert_eq!((says.team_id.as_deref(), says.is_ad_hoc()), (None, true));
    assert_eq!(says.signer(&AD_HOC), Ok(None));
}

#[test]
fn every_cut_and_every_lie_of_a_length_is_a_fault() {
    let place = place(FORGED);
    let start = usize::try_from(place.start).unwrap();
    let used = to_usize(be32(FORGED, start + 4).unwrap());
    for end in start..start + used {
        let cut = &FORGED[..end];
        assert!(read(&cut, &(place.start..end as u64)).is_err(), "{end}");
        let got = read(&cut, &place).and_then(|says| says.signer(&cut));
        assert!(got.is_err(), "{end}: {got:?}");
    }
    for (at, value) in
        [(0, 0), (4, 7), (4, u32::MAX), (8, 0), (8, 65), (8, u32::MAX), (16, 0), (16, u32::MAX), (24, 4)]
    {
        let mut changed = FORGED.to_vec();
        changed[start + at..start + at + 4].copy_from_slice(&value.to_be_bytes());
        assert!(read(&&changed[..], &place).is_err(), "{at} {value:#x}");
    }
    // In the directory: length, version, where the names are.
    for (at, value) in [(4, 8), (8, 0x1_0000), (8, 0x3_0000), (20, u32::MAX), (48, u32::MAX)] {
        let mut changed = FORGED.to_vec();
        let at = start + 28 + at;
        changed[at..at + 4].copy_from_slice(&value.to_be_bytes());
        assert!(read(&&changed[..], &place).is_err(), "{at} {value:#x}");
    }
}

#[test]
fn no_mix_of_changes_is_followed_outside_or_trusted() {
    let start = usize::try_from(place(FORGED).start).unwrap();
    let anchors = Anchors::apple();
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for round in 0..4000 {
        let mut changed = FORGED.to_vec();
        for _ in 0..=random(4) {
            // Where the headers, the index and the directory are, mostly.
            let at = match random(3) {
                0 => random(0x200),
                1 => start + random(0x100),
                _ => start + random(0x1800),
            };
            changed[at] = u8::try_from(random(256)).unwrap();
        }
        let src = &&changed[..];
        let Ok(Some(file)) = macho::read(src) else { continue };
        for slice in &file.slices {
            let Ok(Some(got)) = verify(src, slice, &anchors) else { continue };
            assert!(got.maker.is_none() && !matches!(got.trust, Trust::Anchored(_)), "round {round}");
        }
    }
}
