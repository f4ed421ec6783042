//! How one value of a row is laid out on a disk, through the source that sees such values on real ones.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use crate::support::berkeley::hex;
use crate::support::forge::{Cert, Forge, P256};
use crate::support::windows::{
    SERVICES, UNINSTALL, Windows, certificate_blob, dword, expand, nuspec, program, sz,
};
use crate::verdict::Seen;

/// A value on a disk. Names that nothing should rest on are neutral: `Entry 7`.
#[derive(Clone, Copy)]
pub enum Lay {
    /// An uninstall entry of this name, by nobody.
    Named(&'static str),
    /// One of this name by this publisher.
    NamedBy(&'static str, &'static str),
    /// One by this publisher.
    By(&'static str),
    /// One whose key has this name.
    Key(&'static str),
    /// The same by this publisher.
    KeyBy(&'static str, &'static str),
    /// A product of Windows Installer of this code that no uninstall entry shows.
    Msi(&'static str),
    /// winget installed a package of this id.
    Winget(&'static str),
    /// Chocolatey did.
    Choco(&'static str),
    /// A program at this path below `C:`; a mere name lies in a folder of `Program Files`.
    Program(&'static str),
    /// A program whose version resource has this `CompanyName`.
    Company(&'static str),
    /// A program at this path that bears an anchored signature of this subject.
    Signed(&'static str, &'static str),
    /// A service of this name, its program in a neutral place.
    Service(&'static str),
    /// One with this program.
    ServiceAt(&'static str, &'static str),
    /// One of this display name.
    Shown(&'static str),
    /// A driver of this file name, unsigned.
    Driver(&'static str),
    /// One that bears an anchored signature of this subject.
    DriverBy(&'static str, &'static str),
    /// A signed minifilter at this altitude.
    Altitude(&'static str),
    /// A key below `HKLM\SOFTWARE`.
    RegKey(&'static str),
    /// A folder with a file that is no program.
    Folder(&'static str),
    /// A file that is no program.
    File(&'static str),
    /// A certificate of this subject in the machine's root store.
    RootCert(&'static str),
    /// A product registered with the Security Center, its program there.
    SecurityCenter(&'static str),
    /// An MSIX package of the first user, by its full name.
    Msix(&'static str),
}

/// By whom what bears no other signer is signed, where it must be signed to be itself.
pub const MAKER: &str = "/CN=AO Kaspersky Lab/O=AO Kaspersky Lab/C=RU";

impl Lay {
    /// Whether it needs tools that sign.
    pub fn is_signed(self) -> bool {
        matches!(self, Self::Signed(..) | Self::DriverBy(..) | Self::Altitude(_) | Self::RootCert(_))
    }

    /// Puts it onto a disk as its `n`th entry.
    pub fn put(self, disk: &mut Windows, n: usize) -> Seen {
        match self {
            Self::Named(name) => uninstall(disk, n, (&format!("entry{n}"), name, None)),
            Self::NamedBy(name, by) => uninstall(disk, n, (&format!("entry{n}"), name, Some(by))),
            Self::By(by) => uninstall(disk, n, (&format!("entry{n}"), &neutral(n), Some(by))),
            Self::Key(key) => uninstall(disk, n, (key, &neutral(n), None)),
            Self::KeyBy(key, by) => uninstall(disk, n, (key, &neutral(n), Some(by))),
            Self::Msi(code) => msi(disk, n, code),
            Self::Winget(id) => winget(disk, n, id),
            Self::Choco(id) => choco(disk, id),
            Self::Program(path) => file(disk, n, path, &program(&[])),
            Self::Company(company) => {
                file(disk, n, &format!("entry{n}.exe"), &program(&[("CompanyName", company)]))
            }
            Self::Signed(path, subject) => file(disk, n, path, &signed(subject)),
            Self::Service(name) => {
                service(disk, (name, None), &format!("Program Files/Entry/entry{n}.exe"), name)
            }
            Self::ServiceAt(name, path) => service(disk, (name, None), path, name),
            Self::Shown(name) => {
                let key = format!("entry{n}");
                service(disk, (&key, Some(name)), &format!("Program Files/Entry/{key}.exe"), &key)
            }
            Self::Driver(name) => driver(disk, name, &program(&[]), None),
            Self::DriverBy(name, by) => driver(disk, name, &signed(by), None),
            Self::Altitude(altitude) => {
                driver(disk, &format!("entry{n}.sys"), &signed(MAKER), Some(altitude))
            }
            Self::RegKey(key) => {
                disk.add("software", key, &[("Value", sz("x"))]);
                seen("vendor-keys", key)
            }
            Self::Folder(folder) => {
                disk.add_file(&format!("{folder}/data.bin"), "x");
                seen("vendor-folders", folder.replace('/', "\\"))
            }
            Self::File(path) => {
                disk.add_file(path, "x");
                seen("vendor-folders", path.replace('/', "\\"))
            }
            Self::RootCert(subject) => root_cert(disk, n, subject),
            Self::SecurityCenter(name) => security_center(disk, n, name),
            Self::Msix(full_name) => msix(disk, full_name),
        }
    }
}

fn neutral(n: usize) -> String {
    format!("Entry {n}")
}

fn seen(source: &'static str, mark: impl Into<String>) -> Seen {
    Seen { source, mark: mark.into() }
}

fn uninstall(disk: &mut Windows, n: usize, (key, name, by): (&str, &str, Option<&str>)) -> Seen {
    let path = format!(r"{UNINSTALL}\{key}");
    disk.add("software", &path, &[("DisplayName", sz(name)), ("DisplayVersion", sz(&format!("1.{n}")))]);
    if let Some(by) = by {
        disk.set("software", &path, "Publisher", sz(by));
    }
    seen("uninstall-keys", name)
}

fn msi(disk: &mut Windows, n: usize, code: &str) -> Seen {
    let products = r"Microsoft\Windows\CurrentVersion\Installer\UserData\S-1-5-18\Products";
    let key = format!(r"{products}\{}\InstallProperties", packed(code));
    disk.add("software", &key, &[("DisplayName", sz(&neutral(n))), ("DisplayVersion", sz("1.0"))]);
    seen("msi", neutral(n))
}

/// A product code as Windows Installer names its keys: the first three groups backwards, the rest by pairs.
pub fn packed(code: &str) -> String {
    let groups: Vec<&str> = code.trim_matches(['{', '}']).split('-').collect();
    let backwards = |group: &&str| group.chars().rev().collect::<String>();
    let rest = groups[3..].concat();
    let pairs = rest.as_bytes().chunks(2).flat_map(|pair| [char::from(pair[1]), char::from(pair[0])]);
    groups[..3].iter().map(backwards).chain([pairs.collect()]).collect()
}

fn winget(disk: &Windows, n: usize, id: &str) -> Seen {
    disk.add_winget("alice", id, &neutral(n));
    seen("winget", neutral(n))
}

fn choco(disk: &Windows, id: &str) -> Seen {
    disk.add_file(&format!("ProgramData/chocolatey/lib/{id}/{id}.nuspec"), nuspec(id));
    seen("chocolatey", id)
}

fn file(disk: &Windows, n: usize, path: &str, bytes: &[u8]) -> Seen {
    let path = if path.contains('/') { path.to_owned() } else { format!("Program Files/Entry {n}/{path}") };
    disk.add_file(&path, bytes);
    seen("executables", path.replace('/', "\\"))
}

fn service(disk: &mut Windows, (key, shown): (&str, Option<&str>), path: &str, mark: &str) -> Seen {
    disk.add_file(path, program(&[]));
    let line = format!(r#""C:\{}" -r"#, path.replace('/', "\\"));
    let key = format!(r"{SERVICES}\{key}");
    disk.add(
        "system",
        &key,
        &[
            ("ImagePath", expand(&line)),
            ("Type", dword(0x10)),
            ("Start", dword(2)),
            ("ErrorControl", dword(1)),
        ],
    );
    if let Some(shown) = shown {
        disk.set("system", &key, "DisplayName", sz(shown));
    }
    seen("services", mark)
}

fn driver(disk: &mut Windows, name: &str, bytes: &[u8], altitude: Option<&str>) -> Seen {
    disk.add_file(&format!("Windows/System32/drivers/{name}"), bytes);
    let key = format!(r"{SERVICES}\{}", name.trim_end_matches(".sys"));
    let image = expand(&format!(r"system32\DRIVERS\{name}"));
    disk.add("system", &key, &[("ImagePath", image), ("Type", dword(2)), ("Start", dword(1))]);
    if let Some(altitude) = altitude {
        disk.add("system", &format!(r"{key}\Instances"), &[("DefaultInstance", sz("Entry"))]);
        disk.add(
            "system",
            &format!(r"{key}\Instances\Entry"),
            &[("Altitude", sz(altitude)), ("Flags", dword(0))],
        );
    }
    seen("drivers", name)
}

fn security_center(disk: &mut Windows, n: usize, name: &str) -> Seen {
    let path = format!("Program Files/Entry {n}/entry.exe");
    disk.add_file(&path, program(&[]));
    let path = format!(r"C:\{}", path.replace('/', "\\"));
    let key = format!(r"Microsoft\Security Center\Provider\Av\{{0C2E7C4D-2F50-4D5B-9F45-9AF2F5CE{n:04}}}");
    let values = [
        ("DISPLAYNAME", sz(name)),
        ("PRODUCTEXE", sz(&path)),
        ("REPORTINGEXE", sz(&path)),
        ("STATE", dword(266_240)),
    ];
    disk.add("software", &key, &values);
    seen("security-center", name)
}

/// As Windows keeps a package of a user: below the user's classes.
fn msix(disk: &mut Windows, full_name: &str) -> Seen {
    let repository = r"Local Settings\Software\Microsoft\Windows\CurrentVersion\AppModel\Repository\Packages";
    let folder = format!(r"C:\Program Files\WindowsApps\{full_name}");
    let values = [("PackageID", sz(full_name)), ("PackageRootFolder", sz(&folder))];
    disk.add("classes:alice", &format!(r"{repository}\{full_name}"), &values);
    seen("appx", full_name.split('_').next().unwrap())
}

fn root_cert(disk: &mut Windows, n: usize, subject: &str) -> Seen {
    let forge = forge().unwrap();
    let name = format!("root{n}");
    let der = forge.lock().unwrap().make(&Cert { subject, ..Cert::root(&name) });
    trust(disk, &der);
    seen("certificates", subject.trim_start_matches("/CN=").split("/O=").next().unwrap())
}

/// A certificate in the root store of the machine.
pub fn trust(disk: &mut Windows, der: &[u8]) {
    use sha1::{Digest as _, Sha1};
    let thumbprint = hex(&Sha1::digest(der)).to_uppercase();
    let key = format!(r"Microsoft\SystemCertificates\ROOT\Certificates\{thumbprint}");
    disk.add("software", &key, &[("Blob", certificate_blob(der))]);
}

/// The authority of this test file, and the programs that it vouched for so far.
pub fn forge() -> Option<&'static Mutex<Forge>> {
    static FORGE: OnceLock<Option<Mutex<Forge>>> = OnceLock::new();
    let open = || {
        let forge = Forge::open()?;
        forge.make(&Cert { subject: "/CN=A root of the tests/O=Tests", ..Cert::root("ca") });
        Some(Mutex::new(forge))
    };
    FORGE.get_or_init(open).as_ref()
}

/// The authority's own certificate.
pub fn authority() -> Vec<u8> {
    forge().unwrap().lock().unwrap().der("ca")
}

/// A program signed by this subject, whom the authority vouches for. Made once.
pub fn signed(subject: &str) -> Vec<u8> {
    static MADE: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap();
    let number = made.len();
    let sign = || {
        let forge = forge().unwrap().lock().unwrap();
        let name = format!("signer{number}");
        forge.make(&Cert { subject, key: P256, ..Cert::signer(&name, "ca") });
        forge.sign_as(&name, &program(&[]), &["-h", "sha256"])
    };
    made.entry(subject.to_owned()).or_insert_with(sign).clone()
}
