//! Signatures on a disk: a name on a certificate is nothing, a root that the machine trusts makes it proof.

use serde_json::Value;

use crate::layout::{MAKER, authority, forge, signed, trust};
use crate::support::Run;
use crate::support::forge::{Cert, P256};
use crate::support::windows::{SERVICES, Windows, certificate_blob, dword, expand, program};

const PLACE: &str = "Program Files/Entry/entry.exe";

fn scan(disk: Windows) -> Run {
    disk.scan(&[])
}

/// The evidence of one file in all findings, each with its finding.
fn evidence(run: &Run, name: &str) -> Vec<(Value, Value)> {
    let report = run.json();
    let findings = report["findings"].as_array().unwrap().clone();
    let of = |finding: &Value| {
        let all = finding["evidence"].as_array().unwrap().clone();
        all.into_iter().map(|one| (finding.clone(), one)).collect::<Vec<_>>()
    };
    findings.iter().flat_map(of).filter(|(_, one)| one["name"] == name).collect()
}

/// The signer that the inventory tells of a file.
fn signer(disk: &crate::support::Root, name: &str) -> Value {
    let inventory = disk.inventory();
    let items = inventory["items"].as_array().unwrap().clone();
    items.into_iter().find(|item| item["name"] == name).unwrap()["signer"].clone()
}

#[test]
fn a_name_that_nobody_vouches_for_is_never_proof() {
    if forge().is_none() {
        return;
    }
    let run = scan(Windows::workstation().file(PLACE, signed(MAKER)));
    assert_ne!(run.code, 1, "{}", run.stdout);
    for (finding, one) in evidence(&run, "entry.exe") {
        assert_eq!(one["strength"], "weak", "{one:#}");
        assert_eq!(finding["confidence"], "possible", "{finding:#}");
    }
}

#[test]
fn a_root_of_the_machine_makes_it_proof() {
    if forge().is_none() {
        return;
    }
    let mut disk = Windows::workstation().file(PLACE, signed(MAKER));
    trust(&mut disk, &authority());
    let run = scan(disk);
    assert_eq!(run.code, 1, "{}", run.stdout);
    let (finding, one) = &evidence(&run, "entry.exe")[0];
    assert_eq!((&one["strength"], &finding["confidence"]), (&"conclusive".into(), &"confirmed".into()));
}

/// Windows lets every user add a root without any right.
#[test]
fn a_root_of_one_user_vouches_for_nobody() {
    if forge().is_none() {
        return;
    }
    let mut disk = Windows::workstation().file(PLACE, signed(MAKER));
    let key =
        r"Software\Microsoft\SystemCertificates\Root\Certificates\00112233445566778899AABBCCDDEEFF00112233";
    disk.add("user:alice", key, &[("Blob", certificate_blob(&authority()))]);
    let run = scan(disk);
    assert!(evidence(&run, "entry.exe").iter().all(|(_, one)| one["strength"] == "weak"), "{}", run.stdout);
}

#[test]
fn a_changed_file_is_broken_and_proves_nothing() {
    if forge().is_none() {
        return;
    }
    let mut changed = signed(MAKER);
    changed[0x200] ^= 1;
    let mut disk = Windows::workstation().file(PLACE, changed);
    trust(&mut disk, &authority());
    let root = disk.build();
    let run = root.scan(&[]);
    assert_ne!(run.code, 1, "{}", run.stdout);
    let found = evidence(&run, "entry.exe");
    assert!(!found.is_empty(), "{}", run.stdout);
    for (_, one) in found {
        assert_eq!(one["strength"], "weak", "{one:#}");
        assert_eq!(one["signer"]["trust"], "broken", "{one:#}");
    }
    let trust = signer(&root, "entry.exe");
    assert!(trust.to_string().contains("AO Kaspersky Lab"), "{trust}");
}

/// Windows starts a driver of the kind "early launch" only where Microsoft signed it. The maker stands in the signature as
/// the name of the program; the signer is the platform's, and contradicts nobody.
#[test]
fn a_driver_that_microsoft_signed_for_its_maker_is_no_impostor() {
    let Some(forge) = forge() else { return };
    let subject = "/CN=Microsoft Windows Early Launch Anti-malware Publisher/O=Microsoft Corporation/C=US";
    let driver = {
        let forge = forge.lock().unwrap();
        forge.make(&Cert { subject, key: P256, ..Cert::signer("elam", "ca") });
        forge.sign_as("elam", &program(&[]), &["-h", "sha256", "-n", "AO Kaspersky Lab"])
    };
    let mut disk = Windows::workstation().file("Windows/System32/drivers/klelam.sys", driver);
    trust(&mut disk, &authority());
    let image = expand(r"system32\DRIVERS\klelam.sys");
    let key = format!(r"{SERVICES}\klelam");
    disk.add("system", &key, &[("ImagePath", image), ("Type", dword(1)), ("Start", dword(0))]);
    let run = scan(disk);
    assert_eq!(run.code, 1, "{}", run.stdout);
    let found = evidence(&run, "klelam.sys");
    assert!(
        !found.is_empty() && found.iter().all(|(finding, _)| finding["class"] == "product"),
        "{found:#?}"
    );
    let rests: Vec<String> = found.iter().map(|(_, one)| one["rests_on"].to_string()).collect();
    assert!(
        rests.iter().any(|fields| fields.contains("publisher")),
        "the maker by Microsoft's word: {rests:?}"
    );
}

/// The same name on a driver that nobody, or somebody else, signed.
#[test]
fn a_driver_of_the_name_that_another_signed_is_an_impostor() {
    if forge().is_none() {
        return;
    }
    let mut disk = Windows::workstation();
    trust(&mut disk, &authority());
    disk.add_file("Windows/System32/drivers/klif.sys", signed("/CN=Somebody Else Ltd"));
    let image = expand(r"system32\DRIVERS\klif.sys");
    disk.add(
        "system",
        &format!(r"{SERVICES}\klif"),
        &[("ImagePath", image), ("Type", dword(2)), ("Start", dword(1))],
    );
    let run = scan(disk);
    assert_ne!(run.code, 1, "{}", run.stdout);
    let found = evidence(&run, "klif.sys");
    assert!(
        !found.is_empty() && found.iter().all(|(finding, _)| finding["class"] == "impostor"),
        "{found:#?}"
    );
}
