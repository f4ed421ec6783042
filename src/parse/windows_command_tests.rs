//! Tests of the reader of command lines.

use super::*;

fn programs(line: &str) -> Vec<String> {
    command(line).programs
}

#[test]
fn lines_with_quotes() {
    assert_eq!(
        programs("\"C:\\Program Files\\K L\\avp.exe\" -secret=1"),
        ["C:\\Program Files\\K L\\avp.exe"]
    );
    assert_eq!(programs(" \"C:\\K L\\avp\" x"), ["C:\\K L\\avp", "C:\\K L\\avp.exe"]);
    assert_eq!(programs("\"cmd\" /c del C:\\secret.exe"), ["cmd", "cmd.exe"]);
    // A quote that nobody closed.
    assert_eq!(command("\"C:\\K L\\avp.exe -s").likely(), Some("C:\\K L\\avp.exe"));
    for folder in ["\"\" x", "\\\\.\\", "C:\\", "\"C:\\K L\\\""] {
        assert_eq!(programs(folder), Vec::<String>::new(), "{folder}");
    }
}

#[test]
fn lines_without_quotes_in_the_order_of_create_process() {
    assert_eq!(
        programs("c:\\program files\\sub dir\\program name"),
        [
            "c:\\program",
            "c:\\program.exe",
            "c:\\program files\\sub",
            "c:\\program files\\sub.exe",
            "c:\\program files\\sub dir\\program",
            "c:\\program files\\sub dir\\program.exe",
            "c:\\program files\\sub dir\\program name",
            "c:\\program files\\sub dir\\program name.exe",
        ]
    );
    let got = command("C:\\Program Files\\K L\\avp.exe -secret C:\\x.exe");
    assert_eq!(got.programs.last().unwrap(), "C:\\Program Files\\K L\\avp.exe");
    assert_eq!(got.likely(), Some("C:\\Program Files\\K L\\avp.exe"));
    assert_eq!(got.stem().as_deref(), Some("avp"));
}

#[test]
fn the_path_to_name_holds_no_argument() {
    for (line, likely) in [
        ("C:\\Program Files\\Foo\\foo secret words", "C:\\Program Files\\Foo\\foo.exe"),
        ("C:\\tools\\foo -run C:\\bar.exe", "C:\\tools\\foo.exe"),
        ("C:\\tools\\foo /p:secret", "C:\\tools\\foo.exe"),
        ("C:\\tools\\foo \"secret\"", "C:\\tools\\foo.exe"),
        ("C:\\tools\\foo C:\\secret\\x.exe", "C:\\tools\\foo.exe"),
        ("C:\\tools\\foo %SECRET%\\x.exe", "C:\\tools\\foo.exe"),
        ("C:\\My -App\\app.exe -s", "C:\\My -App\\app.exe"),
        ("C:\\My - App\\app.exe,0", "C:\\My - App\\app.exe"),
        ("%ProgramFiles%\\K L\\avp.exe /s", "%ProgramFiles%\\K L\\avp.exe"),
        ("notepad.exe C:\\secret.txt", "notepad.exe"),
        ("net start secret", "net.exe"),
        ("C:\\WINDOWS\\system32\\svchost.exe -k netsvcs -p", "C:\\WINDOWS\\system32\\svchost.exe"),
        ("%windir%", "%windir%"),
        ("C:\\a.b c\\d -x", "C:\\a.b c\\d.exe"),
    ] {
        let got = command(line);
        assert_eq!(got.likely(), Some(likely), "{line}: {got:?}");
    }
}

#[test]
fn paths_of_the_kernel() {
    for (path, want) in [
        ("\\SystemRoot\\System32\\drivers\\klif.sys", "%SystemRoot%\\System32\\drivers\\klif.sys"),
        ("system32\\DRIVERS\\klif.sys", "%SystemRoot%\\system32\\DRIVERS\\klif.sys"),
        ("\\??\\C:\\Program Files\\K L\\klif.sys", "C:\\Program Files\\K L\\klif.sys"),
        ("\"\\??\\C:\\K L\\klif.sys\"", "C:\\K L\\klif.sys"),
        ("drivers\\x.sys", "%SystemRoot%\\drivers\\x.sys"),
        ("\\Device\\HarddiskVolume1\\x.sys", "\\Device\\HarddiskVolume1\\x.sys"),
        ("%ProgramData%\\x.sys", "%ProgramData%\\x.sys"),
    ] {
        assert_eq!(driver(path).as_deref(), Some(want), "{path}");
    }
    assert_eq!(driver(" "), None);
    assert_eq!(default_driver("klif"), "%SystemRoot%\\System32\\drivers\\klif.sys");
    assert_eq!(dos_path("\\\\?\\UNC\\server\\share\\x"), "\\\\server\\share\\x");
    assert_eq!(dos_path("\\\\server\\x"), "\\\\server\\x");
    assert_eq!(dos_path("\\??\\Volume{1}\\x"), "Volume{1}\\x");
    assert_eq!(programs("\\??\\C:\\a b\\x.exe -s").last().unwrap(), "C:\\a b\\x.exe");
}

#[test]
fn launchers_name_what_they_load_and_nothing_else() {
    for (line, libraries) in [
        ("rundll32.exe C:\\K L\\x.dll,Entry secret", &["C:\\K L\\x.dll"][..]),
        ("C:\\Windows\\System32\\RUNDLL32.EXE \"C:\\K L\\x.dll\",Entry", &["C:\\K L\\x.dll"]),
        ("rundll32 shell32,Control_RunDLL secret.cpl", &["shell32", "shell32.dll"]),
        ("\"rundll32.exe\" \"C:\\K, L\\x.dll\" Entry", &["C:\\K, L\\x.dll"]),
        ("rundll32 C:\\K L\\x secret, Entry", &["C:\\K L\\x", "C:\\K L\\x.dll"]),
        ("regsvr32 /s /i:secret \"C:\\K L\\x.ocx\"", &["C:\\K L\\x.ocx"]),
        ("regsvr32.exe /s C:\\K L\\x.dll", &["C:\\K L\\x.dll"]),
        ("regsvr32 /s", &[]),
        ("rundll32", &[]),
        ("C:\\x\\other.exe C:\\x.dll,Entry", &[]),
        ("cmd /c C:\\x.dll", &[]),
    ] {
        assert_eq!(command(line).libraries, libraries, "{line}");
    }
}

#[test]
fn products_of_msiexec() {
    let code = Guid::parse("{A5D36CF1-1993-4F63-BFB4-3ACD910D36A1}");
    for line in [
        "MsiExec.exe /X{A5D36CF1-1993-4F63-BFB4-3ACD910D36A1}",
        "C:\\Windows\\system32\\msiexec /I {a5d36cf1-1993-4f63-bfb4-3acd910d36a1} SECRET=1",
    ] {
        assert_eq!(command(line).product, code, "{line}");
    }
    assert_eq!(command("msiexec /i C:\\x{1}.msi").product, None);
    assert_eq!(command("other.exe {A5D36CF1-1993-4F63-BFB4-3ACD910D36A1}").product, None);
}

#[test]
fn variables() {
    let lookup = |name: &str| match name {
        "PROGRAMFILES" => Some("C:\\Program Files".to_owned()),
        "LOOP" => Some("%LOOP%".to_owned()),
        _ => None,
    };
    for (text, want) in [
        ("%ProgramFiles%\\x", "C:\\Program Files\\x"),
        ("a%b%programfiles%", "a%bC:\\Program Files"),
        ("%unknown%\\%LOOP%", "%unknown%\\%LOOP%"),
        ("100%", "100%"),
        ("%%", "%%"),
        ("", ""),
    ] {
        assert_eq!(expand(text, lookup), want, "{text}");
    }
}

#[test]
fn long_lines_stay_cheap() {
    let line = format!("C:\\{}", "a ".repeat(1 << 20));
    assert!(programs(&line).len() <= MAX_CANDIDATES);
    assert_eq!(programs("C:\\x\0\\secret.exe"), ["C:\\x", "C:\\x.exe"]);
    assert!(programs(&format!("C:\\{}x.exe", "ä ".repeat(100))).last().unwrap().ends_with("x.exe"));
    assert_eq!(expand(&"%".repeat(1 << 16), |_| None).len(), 1 << 16);
    assert_eq!(programs(""), Vec::<String>::new());
}
