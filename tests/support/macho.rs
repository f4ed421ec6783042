//! Writes small Mach-O programs for tests, and signs them as `codesign` does: a code directory with the hashes of the pages,
//! and a CMS over that, which somebody else makes.

use ring::digest;

use super::forge::{AUTHORITY, Cert, Forge, P256, RSA, SIGNER};

/// Room that is left for a signature.
const ROOM: u32 = 0x4000;
/// Where the code begins.
const CODE_AT: usize = 0x1000;

/// What to write.
#[derive(Clone, Copy)]
pub struct Program<'a> {
    /// The name in its signature.
    pub identifier: &'a str,
    /// The team in its signature; none: a directory that knows no teams.
    pub team: Option<&'a str>,
    /// Its processor.
    pub cpu: u32,
    /// Bytes of code.
    pub code: &'a [u8],
    /// An embedded property list.
    pub info: &'a [u8],
    /// Kind of the hashes: 1 SHA-1, 2 SHA-256, 3 SHA-256 cut, 4 SHA-384.
    pub hash: u8,
}

/// A program for Apple's processors.
pub const PROGRAM: Program<'_> = Program {
    identifier: "com.kaspersky.kav",
    team: Some("2Y8XE5CQ94"),
    cpu: ARM,
    code: &[0x1F; 0x2345],
    info: b"",
    hash: 2,
};

/// `CPU_TYPE_ARM64`.
pub const ARM: u32 = 0x0100_000C;
/// `CPU_TYPE_X86_64`.
pub const INTEL: u32 = 0x0100_0007;

/// Who signs what is handed to it: the CMS over a code directory.
pub type Signing<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

/// A number that must fit.
fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap()
}

/// Everything up to where a signature goes; with the command that names one.
fn image(what: &Program<'_>, signed: bool) -> Vec<u8> {
    let info_at = CODE_AT + what.code.len();
    let limit = (info_at + what.info.len()).next_multiple_of(16);
    let mut commands = Vec::new();
    let mut put = |numbers: &[u32], more: &[u8]| {
        commands.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
        commands.extend(more);
    };
    put(&[0x19, 72 + 80], b"__TEXT\0\0\0\0\0\0\0\0\0\0");
    put(&[0, 0, small(limit), 0, 0, 0, small(limit), 0, 5, 5, 1, 0], b"");
    put(&[], b"__info_plist\0\0\0\0__TEXT\0\0\0\0\0\0\0\0\0\0");
    put(&[small(info_at), 0, small(what.info.len()), 0, small(info_at), 0, 0, 0, 0, 0, 0, 0], b"");
    put(&[0x1B, 24], &[9; 16]);
    if signed {
        put(&[0x1D, 16, small(limit), ROOM], b"");
    }
    let count = if signed { 3 } else { 2 };
    let head = [0xFEED_FACF, what.cpu, 0, 2, count, small(commands.len()), 0x20_0085, 0];
    let mut out: Vec<u8> = head.iter().flat_map(|n| n.to_le_bytes()).collect();
    out.extend(commands);
    out.resize(CODE_AT, 0);
    out.extend(what.code);
    out.extend(what.info);
    out.resize(limit, 0);
    out
}

/// A program that nobody signed.
pub fn unsigned(what: &Program<'_>) -> Vec<u8> {
    image(what, false)
}

/// A program that is signed; ad hoc where the CMS is empty.
pub fn signed(what: &Program<'_>, sign: Signing<'_>) -> Vec<u8> {
    let mut out = image(what, true);
    let directory = directory(what, &out);
    let cms = sign(&directory);
    let boxed = |magic: u32, body: &[u8]| {
        [&magic.to_be_bytes()[..], &small(body.len() + 8).to_be_bytes(), body].concat()
    };
    let cms = boxed(0xFADE_0B01, &cms);
    let at = 12 + 16;
    let index = [2, 0, at, 0x1_0000, at + small(directory.len())];
    let index: Vec<u8> = index.iter().flat_map(|n: &u32| n.to_be_bytes()).collect();
    let whole = boxed(0xFADE_0CC0, &[index, directory, cms].concat());
    assert!(whole.len() <= ROOM as usize, "a signature of {} bytes", whole.len());
    let end = out.len() + ROOM as usize;
    out.extend(whole);
    out.resize(end, 0);
    out
}

/// The code directory of everything before the signature.
fn directory(what: &Program<'_>, image: &[u8]) -> Vec<u8> {
    let (algorithm, size) = match what.hash {
        1 => (&digest::SHA1_FOR_LEGACY_USE_ONLY, 20),
        2 => (&digest::SHA256, 32),
        3 => (&digest::SHA256, 20),
        _ => (&digest::SHA384, 48),
    };
    let hash = |bytes: &[u8]| digest::digest(algorithm, bytes).as_ref()[..size].to_vec();
    let head_size = if what.team.is_some() { 88 } else { 48 };
    let team = what.team.map(|team| format!("{team}\0")).unwrap_or_default();
    let names = format!("{}\0{team}", what.identifier);
    let info = if what.info.is_empty() { vec![0; size] } else { hash(what.info) };
    // Slots -2 (requirements) and -1 (property list), then the pages.
    let special = [vec![0; size], info].concat();
    let pages: Vec<Vec<u8>> = image.chunks(4096).map(hash).collect();
    let hashes_at = head_size + names.len() + special.len();
    let team_at = head_size + what.identifier.len() + 1;
    let version = if what.team.is_some() { 0x2_0400 } else { 0x2_0100 };
    let length = hashes_at + pages.len() * size;
    let flags = 0x1_0000;
    let numbers = [
        0xFADE_0C02,
        small(length),
        version,
        flags,
        small(hashes_at),
        small(head_size),
        2,
        small(pages.len()),
        small(image.len()),
        u32::try_from(size).unwrap() << 24 | u32::from(what.hash) << 16 | 0x0C,
        0,
        0,
        small(team_at),
    ];
    let numbers = if what.team.is_some() { &numbers[..] } else { &numbers[..12] };
    let mut out: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
    out.resize(head_size, 0);
    out.extend(names.as_bytes());
    out.extend(special);
    out.extend(pages.concat());
    out
}

/// One file of several programs.
pub fn fat(slices: &[Vec<u8>]) -> Vec<u8> {
    let mut head = vec![0xCA, 0xFE, 0xBA, 0xBE];
    head.extend(small(slices.len()).to_be_bytes());
    let mut body = Vec::new();
    for slice in slices {
        let at = 0x4000 + body.len();
        let cpu = u32::from_le_bytes(slice[4..8].try_into().unwrap());
        head.extend([cpu, 0, small(at), small(slice.len()), 14].iter().flat_map(|n| n.to_be_bytes()));
        body.extend(slice);
        body.resize(body.len().next_multiple_of(0x4000), 0);
    }
    head.resize(0x4000, 0);
    [head, body].concat()
}

/// Mark of the certificate of a developer with Developer ID.
pub const DEVELOPER_ID: &str = "1.2.840.113635.100.6.1.13=critical,DER:0500";
/// Mark of the authority that issues these.
pub const DEVELOPER_ID_AUTHORITY: &str = "1.2.840.113635.100.6.2.6=DER:0500";
/// The authority that issues these: its name and its mark.
pub const DEVELOPER_ID_CA: (&str, &str) = (
    "/CN=Developer ID Certification Authority/OU=Apple Certification Authority/O=Apple Inc./C=US",
    DEVELOPER_ID_AUTHORITY,
);
/// A developer's certificate.
pub const KASPERSKY: &str = "/UID=2Y8XE5CQ94/CN=Developer ID Application: AO Kaspersky Lab (2Y8XE5CQ94)/OU=2Y8XE5CQ94\
    /O=AO Kaspersky Lab/C=RU";

/// A root named like Apple's, an authority, and a signer below it, with these marks.
pub fn certify(forge: &Forge, subject: &str, mark: &str, authority: (&str, &str)) {
    let root = "/C=US/O=Apple Inc./OU=Apple Certification Authority/CN=Apple Root CA";
    forge.make(&Cert { subject: root, key: P256, ..Cert::root("root") });
    let extensions = format!("{AUTHORITY}\n{}", authority.1);
    forge.make(&Cert {
        subject: authority.0,
        issuer: "root",
        extensions: &extensions,
        ..Cert::root("between")
    });
    let extensions = format!("{SIGNER}\n{mark}");
    forge.make(&Cert { subject, key: RSA, extensions: &extensions, ..Cert::signer("signer", "between") });
}

/// The CMS of the forge's signer over a code directory, with the certificates up to the root.
pub fn cms(forge: &Forge, directory: &[u8]) -> Vec<u8> {
    std::fs::write(forge.at("directory"), directory).unwrap();
    let chain = ["between.pem", "root.pem"].map(|file| std::fs::read(forge.at(file)).unwrap()).concat();
    std::fs::write(forge.at("chain.pem"), chain).unwrap();
    let sign = "cms -sign -binary -in directory -outform DER -out cms -signer signer.pem -inkey signer.key -certfile \
        chain.pem -md sha256";
    forge.run("openssl", &sign.split_whitespace().collect::<Vec<_>>());
    std::fs::read(forge.at("cms")).unwrap()
}
