//! A prohibited thing for each source of Windows, laid out so that only this source can see it.

use super::matrix;
use super::windows::{SERVICES, UNINSTALL, Windows, certificate_blob, dword, expand, nuspec, program, sz};

/// A case on Windows.
pub type Case = matrix::Case<Windows>;

/// Whether the record of a case is a hive.
pub fn is_hive(case: &Case) -> bool {
    ["SOFTWARE", "SYSTEM", ".DAT", ".dat", ".hve"].iter().any(|ending| case.record.ends_with(ending))
}

/// Sources whose faults other tests lay out: processes are not in a folder (`live.rs`), a sweep reads files of every system
/// alike (`coverage.rs`, `sweep.rs`), and what is only named is in no finding.
pub const SEEN_ELSEWHERE: &[&str] = &["processes", "sweep", "foreign-roots"];

const SOFTWARE: &str = "Windows/System32/config/SOFTWARE";
const SYSTEM: &str = "Windows/System32/config/SYSTEM";
const ALICE: &str = "Users/alice/NTUSER.DAT";
const AMCACHE: &str = "Windows/AppCompat/Programs/Amcache.hve";
const WINGET_DB: &str = "Users/alice/AppData/Local/Packages/Microsoft.DesktopAppInstaller_8wekyb3d8bbwe/LocalState/\
                         Microsoft.Winget.Source_8wekyb3d8bbwe/installed.db";
const FIREFOX: &str = "Users/alice/AppData/Roaming/Mozilla/Firefox/Profiles/x.default-release/cert9.db";
/// Full name of an MSIX package.
const APP: &str = "prohibited_1.0.0.0_x64__8wekyb3d8bbwe";
/// Self-signed, of the subject `CN=prohibited`.
const CERTIFICATE: &[u8] = include_bytes!("prohibited.der");

/// What most cases are like: a hive of the machine, in which a counting thing is registered.
pub const HIVE: Case = Case { record: SOFTWARE, deny: SOFTWARE, must_exist: true, ..Case::PLAIN };

/// One or more for each source.
pub const CASES: &[Case] = &[
    Case {
        source: "uninstall-keys",
        lay_out: |disk| disk.add("software", &format!(r"{UNINSTALL}\prohibited"), &[]),
        ..HIVE
    },
    Case {
        source: "uninstall-keys",
        lay_out: |disk| {
            disk.add("user:alice", &format!(r"Software\{UNINSTALL}\x"), &[("DisplayName", sz("prohibited"))]);
        },
        record: ALICE,
        deny: ALICE,
        ..HIVE
    },
    Case {
        source: "services",
        lay_out: |disk| {
            disk.add_file("Other/x.exe", program(&[]));
            let image = expand(r"C:\Other\x.exe");
            disk.add(
                "system",
                &format!(r"{SERVICES}\prohibited"),
                &[("ImagePath", image), ("Type", dword(16))],
            );
        },
        record: SYSTEM,
        deny: SYSTEM,
        ..HIVE
    },
    Case {
        source: "drivers",
        lay_out: |disk| {
            disk.add_file("Windows/System32/drivers/prohibited.sys", program(&[]));
            disk.add(
                "system",
                &format!(r"{SERVICES}\x"),
                &[("ImagePath", expand(r"system32\drivers\prohibited.sys")), ("Type", dword(2))],
            );
        },
        record: SYSTEM,
        deny: SYSTEM,
        ..HIVE
    },
    Case {
        source: "run-keys",
        lay_out: |disk| {
            disk.add_file("Other/x.exe", program(&[]));
            let run = r"Microsoft\Windows\CurrentVersion\Run";
            disk.add("software", run, &[("prohibited", sz(r"C:\Other\x.exe --token=secret"))]);
        },
        ..HIVE
    },
    Case {
        source: "run-keys",
        lay_out: |disk| {
            disk.add_file("Other/x.exe", program(&[]));
            let run = r"Software\Microsoft\Windows\CurrentVersion\Run";
            disk.add("user:alice", run, &[("prohibited", sz(r"C:\Other\x.exe"))]);
        },
        record: ALICE,
        deny: ALICE,
        ..HIVE
    },
    Case {
        source: "startup-folders",
        lay_out: |disk| {
            let folder = "ProgramData/Microsoft/Windows/Start Menu/Programs/StartUp";
            disk.add_file(&format!("{folder}/prohibited.cmd"), "rem\r\n");
        },
        record: "ProgramData/Microsoft/Windows/Start Menu/Programs/StartUp/prohibited.cmd",
        deny: "ProgramData/Microsoft/Windows/Start Menu/Programs/StartUp",
        must_exist: false,
        any_bytes: true,
        ..HIVE
    },
    Case {
        source: "scheduled-tasks",
        lay_out: |disk| {
            disk.add_file("Other/x.exe", program(&[]));
            disk.add_file("Windows/System32/Tasks/Vendor/prohibited", task(r"C:\Other\x.exe"));
        },
        record: "Windows/System32/Tasks/Vendor/prohibited",
        deny: "Windows/System32/Tasks/Vendor",
        must_exist: false,
        ..HIVE
    },
    Case {
        source: "security-center",
        lay_out: |disk| {
            disk.add_file("Other/x.exe", program(&[]));
            let key = r"Microsoft\Security Center\Provider\Av\{9D3CB3A3-4B11-4D3B-9B0B-6C4C1E0A0001}";
            let exe = r"C:\Other\x.exe";
            disk.add("software", key, &[("DISPLAYNAME", sz("prohibited")), ("PRODUCTEXE", sz(exe))]);
        },
        ..HIVE
    },
    Case {
        source: "vendor-keys",
        lay_out: |disk| disk.add("software", "Prohibited", &[("x", sz("y"))]),
        counts: false,
        ..HIVE
    },
    Case {
        source: "vendor-keys",
        lay_out: |disk| disk.add("user:alice", r"Software\Prohibited", &[("x", sz("y"))]),
        record: ALICE,
        deny: ALICE,
        counts: false,
        ..HIVE
    },
    Case {
        source: "vendor-folders",
        lay_out: |disk| disk.add_file("ProgramData/Prohibited/data.bin", "x"),
        record: "ProgramData/Prohibited/data.bin",
        deny: "ProgramData/Prohibited",
        must_exist: false,
        counts: false,
        any_bytes: true,
        ..HIVE
    },
    Case {
        source: "executables",
        lay_out: |disk| disk.add_file("Program Files/Vendor/prohibited.exe", program(&[])),
        record: "Program Files/Vendor/prohibited.exe",
        deny: "Program Files/Vendor",
        must_exist: false,
        ..HIVE
    },
    Case {
        source: "executables",
        lay_out: |disk| disk.add_file("Users/alice/AppData/Local/Programs/V/prohibited.exe", program(&[])),
        record: "Users/alice/AppData/Local/Programs/V/prohibited.exe",
        deny: "Users/alice/AppData/Local/Programs/V",
        must_exist: false,
        ..HIVE
    },
    Case {
        source: "msi",
        lay_out: |disk| {
            let products = r"Microsoft\Windows\CurrentVersion\Installer\UserData\S-1-5-18\Products";
            let key = format!(r"{products}\D008FE9CAA4506F4BA69A593660555F3\InstallProperties");
            disk.add("software", &key, &[("DisplayName", sz("prohibited"))]);
        },
        ..HIVE
    },
    Case {
        source: "appx",
        lay_out: |disk| {
            let store = r"Microsoft\Windows\CurrentVersion\Appx\AppxAllUserStore\Applications";
            disk.add("software", &format!(r"{store}\{APP}"), &[]);
        },
        ..HIVE
    },
    Case {
        source: "appx",
        lay_out: |disk| {
            let packages =
                r"Local Settings\Software\Microsoft\Windows\CurrentVersion\AppModel\Repository\Packages";
            disk.add("classes:alice", &format!(r"{packages}\{APP}"), &[("PackageID", sz(APP))]);
        },
        record: "Users/alice/AppData/Local/Microsoft/Windows/UsrClass.dat",
        deny: "Users/alice/AppData/Local/Microsoft/Windows/UsrClass.dat",
        // A user who never logged on has none.
        must_exist: false,
        ..HIVE
    },
    Case {
        source: "certificates",
        lay_out: |disk| {
            let key =
                r"Microsoft\SystemCertificates\ROOT\Certificates\00112233445566778899AABBCCDDEEFF00112233";
            disk.add("software", key, &[("Blob", certificate_blob(CERTIFICATE))]);
        },
        counts: false,
        ..HIVE
    },
    Case {
        source: "nss-certificates",
        lay_out: |disk| disk.add_file(FIREFOX, include_bytes!("../../fuzz/seeds/nss_db/one")),
        record: FIREFOX,
        deny: FIREFOX,
        must_exist: false,
        counts: false,
        ..HIVE
    },
    Case {
        source: "winget",
        lay_out: |disk| disk.add_winget("alice", "prohibited", "prohibited"),
        record: WINGET_DB,
        deny: WINGET_DB,
        must_exist: false,
        ..HIVE
    },
    Case {
        source: "chocolatey",
        lay_out: |disk| {
            disk.add_file("ProgramData/chocolatey/lib/prohibited/prohibited.nuspec", nuspec("prohibited"));
        },
        record: "ProgramData/chocolatey/lib/prohibited/prohibited.nuspec",
        deny: "ProgramData/chocolatey/lib",
        must_exist: false,
        ..HIVE
    },
    Case {
        source: "scoop",
        lay_out: |disk| {
            disk.add_file("Users/alice/scoop/apps/prohibited/1.0/manifest.json", "{\"version\": \"1.0\"}");
            disk.add_file("Users/alice/scoop/apps/prohibited/1.0/install.json", "{\"bucket\": \"main\"}");
        },
        record: "Users/alice/scoop/apps/prohibited/1.0/manifest.json",
        deny: "Users/alice/scoop/apps",
        must_exist: false,
        ..HIVE
    },
    Case {
        source: "amcache",
        lay_out: |disk| {
            disk.add("amcache", r"Root\InventoryApplication\0000a", &[("Name", sz("prohibited"))]);
        },
        record: AMCACHE,
        deny: AMCACHE,
        must_exist: false,
        counts: false,
        ..HIVE
    },
    Case {
        source: "devices",
        lay_out: |disk| {
            let key = r"ControlSet001\Enum\USB\VID_1234&PID_5678\1";
            disk.add("system", key, &[("FriendlyName", sz("prohibited")), ("Mfg", sz("Somebody"))]);
        },
        record: SYSTEM,
        deny: SYSTEM,
        counts: false,
        ..HIVE
    },
    Case {
        source: "wsl",
        lay_out: |disk| {
            disk.add_file("Users/alice/AppData/Local/wsl/x/ext4.vhdx", "x");
            let key =
                r"Software\Microsoft\Windows\CurrentVersion\Lxss\{0C2E7C4D-2F50-4D5B-9F45-9AF2F5CE0001}";
            let values = [
                ("DistributionName", sz("prohibited")),
                ("BasePath", sz(r"C:\Users\alice\AppData\Local\wsl\x")),
                ("Version", dword(2)),
            ];
            disk.add("user:alice", key, &values);
        },
        record: ALICE,
        deny: ALICE,
        ..HIVE
    },
];

/// A task of one program, as the scheduler writes it.
pub fn task(program: &str) -> Vec<u8> {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n\
         <Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\r\n\
         <RegistrationInfo><Author>Somebody</Author></RegistrationInfo>\r\n\
         <Actions Context=\"Author\"><Exec><Command>{program}</Command>\
         <Arguments>--token=secret</Arguments></Exec></Actions>\r\n</Task>\r\n"
    );
    [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}
