//! The readers of small binary records of Windows on any bytes: links, jobs, actions of tasks, EDID, rights.
#![no_main]

use interdict::parse::edid;
use interdict::parse::filetime;
use interdict::parse::job_file;
use interdict::parse::lnk;
use interdict::parse::security_descriptor::security_descriptor;
use interdict::parse::task;
use interdict::parse::task_actions;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some((link, faults)) = lnk::link(data) {
        assert!(link != lnk::Link::default() || !faults.is_empty());
        assert!(link.item_path.is_none_or(|path| path.len() <= 4 * data.len()));
    }
    if let Ok(job) = job_file::job(data) {
        assert!(!job.application.is_empty());
    }
    let actions = task_actions::actions(data);
    assert!(actions.records.len() <= task::MAX_ACTIONS && actions.faults.len() <= 1);
    if let Some(edid) = edid::edid(data) {
        assert_eq!(edid.id().len(), 8);
    }
    if let Some(rights) = security_descriptor(data) {
        assert!(rights.granted.is_none_or(|granted| 16 * granted.len() <= data.len()));
    }
    if let Some(seconds) = filetime::unix_bytes(data) {
        assert!((-11_644_473_600..=253_402_300_799).contains(&seconds));
    }
    assert!(filetime::systemtime(data).is_none_or(|seconds| seconds < 253_402_300_800));
});
