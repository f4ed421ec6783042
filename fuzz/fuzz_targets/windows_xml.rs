//! The readers of Windows' documents on any bytes: manifests of MSIX, tasks, packages of Chocolatey and Scoop.
#![no_main]

use interdict::parse::MAX_FAULTS;
use interdict::parse::appx_manifest;
use interdict::parse::nuspec;
use interdict::parse::scoop;
use interdict::parse::task;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (manifest, faults) = appx_manifest::manifest(data);
    assert!(faults.len() <= MAX_FAULTS);
    assert!(manifest.name.is_some() || !faults.is_empty());
    let (task, faults) = task::task(data);
    assert!(faults.len() <= MAX_FAULTS && task.actions.len() <= task::MAX_ACTIONS);
    let (package, faults) = nuspec::nuspec(data);
    assert!(package.id.is_some() && package.version.is_some() || !faults.is_empty());
    if let Ok(manifest) = scoop::manifest(data) {
        assert!(manifest.version.is_some_and(|version| !version.is_empty()));
        // The same object is read, but a field that only this record has may stand in it twice.
        if let Err(why) = scoop::install(data) {
            assert!(why.contains("duplicate field"), "{why}");
        }
    }
});
