//! Signatures of real files, against what pefile, signify and osslsigncode say of them.
#![expect(clippy::disallowed_methods, reason = "tests read their corpora directly")]

use serde_json::Value;

use super::*;
use crate::parse::chain::Origin;
use crate::parse::corpora_tests::corpora;
use crate::parse::pe;
use crate::parse::version_resource;

/// Path, bytes and expected answers of every file of the corpus.
fn files() -> Vec<(Vec<u8>, Value)> {
    let Some(dir) = corpora("pe") else { return Vec::new() };
    let expected: Value = serde_json::from_slice(&std::fs::read(dir.join("expected.json")).unwrap()).unwrap();
    let expected = expected.as_array().unwrap().clone();
    let read =
        |one: Value| (std::fs::read(dir.join("files").join(one["path"].as_str().unwrap())).unwrap(), one);
    expected.into_iter().map(read).collect()
}

#[test]
fn headers_are_what_pefile_reads() {
    for (bytes, expected) in files() {
        let pe = pe::read(&&bytes[..]).unwrap().unwrap();
        let machine = match pe.machine {
            0x14C => "IMAGE_FILE_MACHINE_I386",
            0x8664 => "IMAGE_FILE_MACHINE_AMD64",
            0xAA64 => "IMAGE_FILE_MACHINE_ARM64",
            other => panic!("{other:#x}"),
        };
        assert_eq!(machine, expected["machine"]);
        assert_eq!(pe.is_dll, expected["is_dll"].as_bool().unwrap());
        assert_eq!(pe.certificate_table().is_some(), expected["has_certificate_table"].as_bool().unwrap());
    }
}

#[test]
fn version_resources_are_what_pefile_reads() {
    let mut tables = 0;
    for (bytes, expected) in files() {
        let src = &&bytes[..];
        let got = version_resource::read(src, &pe::read(src).unwrap().unwrap());
        assert_eq!(got.faults, [], "{}", expected["path"]);
        let want = &expected["version"];
        assert_eq!(got.records.is_empty(), want.as_object().unwrap().is_empty(), "{}", expected["path"]);
        let Some(got) = got.records.first() else { continue };
        assert_eq!(got.file_version_text().as_deref(), want["fixed_file_version"].as_str());
        assert_eq!(
            got.product_version.map(version_resource::dotted).as_deref(),
            want["fixed_product_version"].as_str()
        );
        let want = want["string_tables"].as_array().unwrap();
        assert_eq!(got.tables.len(), want.len());
        for (got, want) in got.tables.iter().zip(want) {
            assert_eq!(got.language, want["langcp"]);
            let mut got: Vec<_> =
                got.strings.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
            got.sort_unstable();
            let want = want["strings"].as_object().unwrap();
            let want: Vec<_> =
                want.iter().map(|(key, text)| (key.as_str(), text.as_str().unwrap())).collect();
            assert_eq!(got, want);
            tables += 1;
        }
    }
    assert!(tables == 0 || tables == 7, "{tables}");
}

#[test]
fn signers_are_what_signify_reads() {
    for (bytes, expected) in files() {
        let src = &&bytes[..];
        let got = signers(src, &pe::read(src).unwrap().unwrap());
        assert_eq!(got.faults, [], "{}", expected["path"]);
        let got: Vec<_> = got
            .records
            .iter()
            .map(|one| {
                let certificate = one.certificate.as_ref().unwrap();
                assert_eq!(certificate.serial, one.serial);
                assert_eq!(one.hash, Some(Hash::Sha256), "as signify says of all of them");
                (
                    certificate.subject.to_string(),
                    one.issuer.to_string(),
                    format!("0x{}", one.serial.trim_start_matches('0')),
                )
            })
            .collect();
        let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
        let want = expected["signify"].as_array().cloned().unwrap_or_default();
        let want: Vec<_> =
            want.iter().map(|one| (text(one, "subject"), text(one, "issuer"), text(one, "serial"))).collect();
        assert_eq!(got, want, "{}", expected["path"]);
    }
}

#[test]
fn what_signify_trusts_is_anchored_in_the_bundled_roots() {
    let anchors = Anchors::bundled();
    for (bytes, expected) in files() {
        let src = &&bytes[..];
        let got = verify(src, &pe::read(src).unwrap().unwrap(), &anchors);
        let signed = expected["signify_verify"] == "AuthenticodeVerificationResult.OK";
        assert_eq!(!got.records.is_empty(), signed, "{}", expected["path"]);
        assert!(!signed || expected["osslsigncode"]["digest_match"] == true);
        for one in got.records {
            let Trust::Anchored(root) = &one.trust else { panic!("{}: {:?}", expected["path"], one.trust) };
            assert_eq!(root.origin, Origin::Bundled);
        }
    }
}
