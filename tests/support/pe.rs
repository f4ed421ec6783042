//! Writes small executables of Windows for tests: headers, one section of code, one of
//! resources with a version resource, an overlay.

/// What to write.
#[derive(Clone, Copy)]
pub struct Image<'a> {
    /// Strings of the version resource, in American English; none: no resources.
    pub strings: &'a [(&'a str, &'a str)],
    /// File and product version.
    pub version: [u16; 4],
    /// Bytes behind the last section.
    pub overlay: &'a [u8],
}

/// A program for x64, as a linker would make it. Its one section of code returns.
pub fn image(what: &Image<'_>) -> Vec<u8> {
    let resources = if what.strings.is_empty() {
        Vec::new()
    } else {
        resources(&version_info(what.version, what.strings))
    };
    let mut pe = headers(&resources);
    let mut code = vec![0xC3];
    code.resize(0x200, 0xCC);
    let mut body = Vec::new();
    for (name, address, bytes, flags) in [
        (b".text\0\0\0", 0x1000_u32, code, 0x6000_0020_u32),
        (b".rsrc\0\0\0", 0x2000, resources, 0x4000_0040),
    ] {
        if bytes.is_empty() {
            continue;
        }
        let padded = bytes.len().next_multiple_of(0x200);
        pe.extend(name);
        pe.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
        pe.extend(address.to_le_bytes());
        pe.extend(u32::try_from(padded).unwrap().to_le_bytes());
        pe.extend(u32::try_from(0x200 + body.len()).unwrap().to_le_bytes());
        pe.extend([0; 12]);
        pe.extend(flags.to_le_bytes());
        body.extend(bytes);
        body.resize(body.len().next_multiple_of(0x200), 0);
    }
    pe.resize(0x200, 0);
    pe.extend(body);
    pe.extend(what.overlay);
    pe
}

/// Everything before the table of sections.
fn headers(resources: &[u8]) -> Vec<u8> {
    let mut pe = b"MZ".to_vec();
    pe.resize(0x3C, 0);
    pe.extend(0x80_u32.to_le_bytes());
    pe.resize(0x80, 0);
    pe.extend(b"PE\0\0");
    let sections: u16 = if resources.is_empty() { 1 } else { 2 };
    pe.extend(0x8664_u16.to_le_bytes());
    pe.extend(sections.to_le_bytes());
    pe.extend([0; 12]);
    pe.extend(240_u16.to_le_bytes());
    pe.extend(0x22_u16.to_le_bytes());
    let optional_at = pe.len();
    pe.extend(0x20B_u16.to_le_bytes());
    pe.resize(optional_at + 16, 0);
    pe.extend(0x1000_u32.to_le_bytes()); // entry point
    pe.extend(0x1000_u32.to_le_bytes()); // base of code
    pe.extend(0x1_4000_0000_u64.to_le_bytes());
    pe.extend(0x1000_u32.to_le_bytes());
    pe.extend(0x200_u32.to_le_bytes());
    pe.extend([6, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]);
    pe.extend(0x4000_u32.to_le_bytes()); // size of image
    pe.extend(0x200_u32.to_le_bytes()); // size of headers
    pe.extend([0; 4]); // checksum
    pe.extend(3_u16.to_le_bytes()); // a console program
    pe.resize(optional_at + 108, 0);
    pe.extend(16_u32.to_le_bytes());
    let mut directories = [(0_u32, 0_u32); 16];
    if !resources.is_empty() {
        directories[2] = (0x2000, u32::try_from(resources.len()).unwrap());
    }
    for (address, size) in directories {
        pe.extend(address.to_le_bytes());
        pe.extend(size.to_le_bytes());
    }
    pe
}

/// A resource section at address 0x2000 that holds one version resource.
fn resources(version: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (id, next) in [(16_u32, 0x8000_0018_u32), (1, 0x8000_0030), (0x409, 0x48)] {
        out.extend([0; 12]);
        out.extend([0, 0, 1, 0]);
        out.extend(id.to_le_bytes());
        out.extend(next.to_le_bytes());
    }
    out.extend(0x2058_u32.to_le_bytes());
    out.extend(u32::try_from(version.len()).unwrap().to_le_bytes());
    out.extend([0; 8]);
    out.extend(version);
    out
}

/// A `VS_VERSIONINFO`.
pub fn version_info(version: [u16; 4], strings: &[(&str, &str)]) -> Vec<u8> {
    let mut fixed = 0xFEEF_04BD_u32.to_le_bytes().to_vec();
    fixed.extend(0x1_0000_u32.to_le_bytes());
    for _ in 0..2 {
        let [a, b, c, d] = version.map(u16::to_le_bytes);
        fixed.extend([b, a, d, c].concat());
    }
    fixed.resize(52, 0);
    let strings: Vec<_> = strings
        .iter()
        .map(|(key, text)| {
            let text: Vec<u8> = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
            block(key, (text.len() / 2, 1), &text, &[])
        })
        .collect();
    let table = block("040904b0", (0, 1), &[], &strings);
    let files = block("StringFileInfo", (0, 1), &[], &[table]);
    block("VS_VERSION_INFO", (52, 0), &fixed, &[files])
}

/// One block: its head with length of the value and type, the value, the blocks inside.
pub fn block(key: &str, (length, kind): (usize, u16), value: &[u8], inside: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![0, 0];
    out.extend(u16::try_from(length).unwrap().to_le_bytes());
    out.extend(kind.to_le_bytes());
    out.extend(key.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
    out.resize(out.len().next_multiple_of(4), 0);
    out.extend(value);
    for one in inside {
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend(one);
    }
    let length = u16::try_from(out.len()).unwrap();
    out[..2].copy_from_slice(&length.to_le_bytes());
    out
}
