//! Real files of Windows packages from other projects, where they lie beside the checkout: each reader
//! against what other tools printed.
#![expect(clippy::disallowed_methods, reason = "tests read their corpora directly")]

use std::path::Path;

use serde_json::Value;
use serde_json::json;

use super::appx_name;
use super::corpora_tests::corpora;
use super::msi;
use super::msix;
use super::nuspec;
use super::pkcs7;
use super::windows_command;
use super::x509::NamePart;

/// Writes one seed of a fuzz target.
pub(crate) fn save_seed(target: &str, name: &str, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), bytes).unwrap();
}

fn expected(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn msi_properties_as_msiinfo_exports_them() {
    let Some(dir) = corpora("msi") else { return };
    for case in expected(&dir.join("expected.json")).as_array().unwrap() {
        let bytes = std::fs::read(dir.join(case["path"].as_str().unwrap())).unwrap();
        let got = msi::properties(&bytes.as_slice(), 1 << 30).unwrap();
        assert_eq!(got.faults, [], "{}", case["path"]);
        let product = msi::Product::of(&got.records);
        assert_eq!(product.product_code.unwrap().to_string(), case["properties"]["ProductCode"]);
        assert_eq!(product.manufacturer.as_deref(), case["properties"]["Manufacturer"].as_str());
        let got: serde_json::Map<String, Value> =
            got.records.into_iter().map(|one| (one.name, Value::String(one.value))).collect();
        assert_eq!(Value::Object(got), case["properties"], "{}", case["path"]);
    }
}

#[test]
fn msix_identities_as_an_xml_library_reads_them() {
    let Some(dir) = corpora("msix") else { return };
    for case in expected(&dir.join("expected.json")).as_array().unwrap() {
        let path = case["path"].as_str().unwrap();
        let bytes = std::fs::read(dir.join("files").join(path)).unwrap();
        let (got, faults) = msix::msix(&bytes.as_slice()).unwrap();
        assert_eq!(faults, [], "{path}");
        let manifest = got.manifest;
        assert_eq!(manifest.bundle, case["kind"] == "bundle", "{path}");
        let identity = json!({
            "Name": manifest.name, "Publisher": manifest.publisher, "Version": manifest.version,
            "ProcessorArchitecture": manifest.architecture,
        });
        assert_eq!(identity, case["identity"], "{path}");
        if let Some(want) = case.get("properties") {
            let got = json!({ "DisplayName": manifest.display_name, "PublisherDisplayName": manifest.publisher_display_name });
            assert_eq!(got, *want, "{path}");
        }
        if let Some(want) = case.get("bundle_packages") {
            let row = |one: &super::appx_manifest::Bundled| {
                json!({ "Type": one.kind, "Version": one.version, "Architecture": one.architecture,
                        "FileName": one.file, "ResourceId": one.resource })
            };
            assert_eq!(manifest.packages.iter().map(row).collect::<Value>(), *want, "{path}");
        }
        assert_eq!(got.signature.is_some(), case.get("signature_magic").is_some(), "{path}");
        if let Some(want) = case.get("cert_subjects") {
            assert_eq!(subjects(&got.signature.unwrap()), *want, "{path}");
        }
        // What a publisher's id is made of stands in every manifest.
        assert_eq!(appx_name::publisher_id(&manifest.publisher.unwrap()).len(), 13, "{path}");
    }
}

/// Whose certificates a signature holds, as openssl writes their names.
fn subjects(der: &[u8]) -> Value {
    let signatures = pkcs7::read(der);
    assert_eq!(signatures.faults, []);
    let certificates = signatures.records.iter().filter_map(|one| one.certificate.clone());
    let part = |part: &NamePart| format!("{} = {}", part.kind, part.value);
    certificates.map(|one| one.subject.parts.iter().map(part).collect::<Vec<_>>().join(", ")).collect()
}

/// A package file that was damaged never gives another identity in silence: its parts have sums.
#[test]
fn damaged_packages_of_the_corpora_end() {
    let Some(dir) = corpora("msix") else { return };
    let good = std::fs::read(dir.join("files/winget__Installer-Signed-Good.msix")).unwrap();
    let want = msix::msix(&good.as_slice()).unwrap().0;
    let mut dice = super::rpmdb::tests::Dice(5);
    for _ in 0..300 {
        let mut bad = good.clone();
        let at = dice.below(bad.len());
        bad[at] ^= 1 << dice.below(8);
        if let Ok((got, faults)) = msix::msix(&bad.as_slice()) {
            assert_eq!(got.manifest, want.manifest);
            assert!(got.signature == want.signature || got.signature.is_none() || !faults.is_empty());
        }
    }
}

#[test]
fn damaged_databases_of_the_corpora_end() {
    let Some(dir) = corpora("msi") else { return };
    for name in ["relic__dummy.msi", "winget__AppInstallerTestMsiInstaller.msi"] {
        let good = std::fs::read(dir.join(name)).unwrap();
        let mut dice = super::rpmdb::tests::Dice(6);
        for _ in 0..300 {
            let mut bad = good.clone();
            for _ in 0..=dice.below(8) {
                let at = dice.below(bad.len());
                bad[at] = u8::try_from(dice.below(256)).unwrap();
            }
            if let Ok(got) = msi::properties(&bad.as_slice(), 1 << 30) {
                assert!(got.records.len() <= msi::MAX_PROPERTIES);
            }
        }
    }
}

#[test]
fn nuspec_as_an_xml_library_reads_it() {
    let Some(dir) = corpora("small-fixtures") else { return };
    let expected = expected(&dir.join("expected/expected.json"));
    for (file, want) in expected["scalibr-chocolatey"].as_object().unwrap() {
        let bytes = std::fs::read(dir.join("scalibr-chocolatey").join(file)).unwrap();
        let (got, faults) = nuspec::nuspec(&bytes);
        for (key, field) in
            [("id", &got.id), ("version", &got.version), ("title", &got.title), ("authors", &got.authors)]
        {
            assert_eq!(field.as_deref(), want[key].as_str(), "{file}: {key}");
        }
        assert_eq!(faults.is_empty(), got.id.is_some() && got.version.is_some(), "{file}: {faults:?}");
    }
}

#[test]
fn image_paths_of_a_real_system_name_a_file_and_no_argument() {
    let Some(dir) = corpora("hives") else { return };
    let services = expected(&dir.join("expected/regipy__SYSTEM_2.json"));
    let (mut drivers, mut programs) = (0, 0);
    for service in services["services"].as_array().unwrap() {
        let Some(path) = service["ImagePath"].as_str().filter(|path| !path.is_empty()) else { continue };
        let (found, ending) = if matches!(service["Type"].as_u64(), Some(1 | 2)) {
            drivers += 1;
            (windows_command::driver(path), ".sys")
        } else {
            programs += 1;
            (windows_command::command(path).likely().map(str::to_owned), ".exe")
        };
        let found = found.unwrap().to_lowercase();
        assert!(found.starts_with('%') && found.ends_with(ending), "{path}: {found}");
    }
    assert!(drivers > 200 && programs > 150, "{drivers} {programs}");
}
