//! Version resources, alone and in an executable.
#![no_main]

use interdict::parse::pe;
use interdict::parse::version_resource;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some(info) = version_resource::parse(data) {
        assert!(info.tables.len() <= 128);
        info.string("CompanyName");
    }
    if let Ok(Some(pe)) = pe::read(&data) {
        let got = version_resource::read(&data, &pe);
        assert!(got.records.len() <= 1 && got.faults.len() <= interdict::parse::MAX_FAULTS);
    }
});
