//! Real databases of other projects, where they lie beside the checkout: each reader against what
//! the format's own tool printed.
#![expect(clippy::disallowed_methods, reason = "tests read their corpora directly")]

use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

use super::dpkg::End;
use super::dpkg::State;
use super::text::text;
use super::{apk, appstream, dpkg, pacman, snap_yaml};

/// A folder of the corpora; `None`, said on stderr, where they are not at hand.
pub(crate) fn corpora(folder: &str) -> Option<PathBuf> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent()?.join("shared/corpora").join(folder);
    if dir.is_dir() {
        return Some(dir);
    }
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    {
        eprintln!("skipped: no corpora at {}", dir.display());
    }
    None
}

/// Every file below a folder, by its path from there.
pub(crate) fn tree(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut found, mut open) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let inside = format!("/{}", path.strip_prefix(dir).unwrap().display());
                found.push((inside, std::fs::read(path).unwrap()));
            }
        }
    }
    found
}

fn json(path: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn some(bytes: Option<&[u8]>) -> String {
    text(bytes.unwrap_or_default()).into_owned()
}

#[test]
fn dpkg_reads_what_dpkg_query_prints() {
    let Some(dir) = corpora("dpkg") else { return };
    for case in ["postgresql", "scalibr-valid", "syft-deinstall", "third-party", "trivy-valid"] {
        let bytes = std::fs::read(dir.join(case).join("status")).unwrap();
        let got = dpkg::status(&bytes, End::Strict);
        let mut got: Vec<[String; 7]> = got
            .records
            .iter()
            .filter_map(|one| {
                let status = match one.status?.state {
                    State::Installed => "ii",
                    State::ConfigFiles => "rc",
                    other => panic!("{case}: {other:?}"),
                };
                Some([
                    status.to_owned(),
                    one.name().into_owned(),
                    some(one.version),
                    some(one.architecture),
                    some(Some(one.source_name())),
                    some(one.source_version()),
                    some(one.maintainer),
                ])
            })
            .collect();
        let expected = json(dir.join(format!("{case}.expected.json")));
        let keys = ["status", "name", "version", "arch", "source", "source_version", "maintainer"];
        let field = |one: &Value, key| one[key].as_str().unwrap_or_default().to_owned();
        let mut want: Vec<[String; 7]> =
            expected.as_array().unwrap().iter().map(|one| keys.map(|key| field(one, key))).collect();
        got.sort();
        want.sort();
        assert_eq!(got, want, "{case}");
    }
}

#[test]
fn apk_reads_every_record() {
    let Some(dir) = corpora("apk") else { return };
    let bytes = std::fs::read(dir.join("syft-multiple-2/installed")).unwrap();
    let got = apk::installed(&bytes);
    assert_eq!(got.faults, []);
    let row = |one: &apk::ApkRecord<'_>| {
        [Some(one.name), one.version, one.arch, one.origin, one.url, one.maintainer].map(some)
    };
    let got: Vec<_> = got.records.iter().map(row).collect();
    let expected = json(dir.join("syft-multiple-2.expected.json"));
    let keys = ["name", "version", "arch", "origin", "url", "maintainer"];
    let want: Vec<_> = expected
        .as_array()
        .unwrap()
        .iter()
        .map(|one| keys.map(|key| one[key].as_str().unwrap_or_default().to_owned()))
        .collect();
    assert_eq!(got, want);
}

#[test]
fn pacman_folders_are_what_pacman_lists() {
    let Some(dir) = corpora("small-fixtures") else { return };
    let local = dir.join("syft-pacman/installed/var/lib/pacman/local");
    let mut got = Vec::new();
    for entry in std::fs::read_dir(local).unwrap() {
        let folder = entry.unwrap();
        let name = folder.file_name().into_string().unwrap();
        let (name, version) = pacman::split_folder(&name).unwrap();
        got.push(format!("{name} {version}"));
        let bytes = std::fs::read(folder.path().join("desc")).unwrap();
        let (desc, faults) = pacman::desc(&bytes);
        let sound = desc.name == Some(name.as_bytes()) && desc.version == Some(version.as_bytes());
        assert_eq!(sound, name != "corrupt", "{name}");
        assert!(sound || faults.len() > 2, "{name}: {faults:?}");
    }
    got.sort();
    let expected = json(dir.join("expected/expected.json"));
    let want: Vec<_> = expected["syft-pacman"]["pacman -Q"].as_array().unwrap().clone();
    assert_eq!(got, want);
}

#[test]
fn snap_yaml_as_a_yaml_library_reads_it() {
    let Some(dir) = corpora("small-fixtures") else { return };
    let expected = json(dir.join("expected/expected.json"));
    for (file, want) in expected["scalibr-snap"].as_object().unwrap() {
        let bytes = std::fs::read(dir.join("scalibr-snap").join(file)).unwrap();
        let (got, faults) = snap_yaml::snap_yaml(&bytes);
        assert_eq!(faults.is_empty(), want["name"].is_string(), "{file}: {faults:?}");
        for (key, field) in
            [("name", &got.name), ("version", &got.version), ("type", &got.kind), ("grade", &got.grade)]
        {
            assert_eq!(field.as_deref(), want[key].as_str(), "{file}: {key}");
        }
        let archs = want["architectures"].as_array().cloned().unwrap_or_default();
        assert_eq!(got.architectures, archs, "{file}");
    }
}

#[test]
fn appstream_as_an_xml_library_reads_it() {
    let Some(dir) = corpora("small-fixtures") else { return };
    let expected = json(dir.join("expected/expected.json"));
    for (file, want) in expected["scalibr-flatpak"].as_object().unwrap() {
        let bytes = std::fs::read(dir.join("scalibr-flatpak").join(file)).unwrap();
        let (got, faults) = appstream::component(&bytes);
        assert_eq!(faults.is_empty(), want.is_object(), "{file}: {faults:?}");
        for (key, field) in
            [("id", &got.id), ("name", &got.name), ("version", &got.version), ("developer", &got.developer)]
        {
            assert_eq!(field.as_deref(), want[key].as_str(), "{file}: {key}");
        }
    }
}
