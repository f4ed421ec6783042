//! What is a root and what is not, and what a root may lack without being clean.

mod support;

use support::{Root, Run, interdict};

#[test]
fn what_is_no_root_is_refused() {
    let empty = Root::empty();
    let run = empty.scan(&[]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("is not the root of a Linux, Windows or macOS system"), "{run:?}");

    let above = Root::empty();
    above.file("disk/etc/os-release", "ID=debian\n");
    let run = above.scan(&[]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("try the folder 'disk'"), "{run:?}");

    let gone = Run::of(interdict().args(["scan", "--root", "/nonexistent/root"]));
    assert_eq!(gone.code, 2);
    assert!(gone.stderr.contains("cannot read /nonexistent/root"), "{gone:?}");
}

#[test]
fn a_deleted_package_database_is_inconclusive() {
    let root = Root::debian();
    assert_eq!(root.scan(&[]).code, 3);
    let unknown = Root::empty();
    unknown.file("etc/os-release", "ID=something-of-its-own\n");
    let run = unknown.scan(&[]);
    assert_eq!(run.code, 3, "no record of installed software at all");
    assert!(run.stdout.contains("no record of the software installed for the machine"), "{run:?}");
}

#[test]
fn a_partition_that_is_not_mounted_is_not_empty() {
    let sound = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n";
    let root = Root::debian();
    root.file("var/lib/dpkg/status", sound);
    assert_eq!(root.scan(&[]).code, 0);
    root.file(
        "etc/fstab",
        "UUID=1 / ext4 defaults 0 1\nUUID=2 /opt ext4 defaults 0 2\n/dev/sr0 /media/cd iso9660 noauto\n",
    );
    let run = root.scan(&[]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stdout.contains("not-mounted") && run.stdout.contains("\"/opt\""), "{run:?}");
    root.program("opt/harmless/bin/x");
    assert_eq!(root.scan(&[]).code, 0, "something lies there: it was unpacked with the rest");
}

#[test]
fn the_database_of_another_systems_tool_is_no_record_of_this_one() {
    let root = Root::empty();
    root.file("etc/os-release", "ID=something-of-its-own\n");
    root.file("var/lib/dpkg/status", "");
    assert_eq!(root.scan(&[]).code, 3);
}

#[test]
fn a_system_that_does_not_say_what_it_is() {
    let root = Root::debian();
    root.file(
        "var/lib/dpkg/status",
        "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n",
    );
    root.file("etc/os-release", b"\xff\xfe\0garbage");
    let run = root.scan(&[]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stdout.contains("own record could not be read"), "{run:?}");
}

/// Images of containers are hosts of their own, however little is in them.
#[test]
fn images_without_a_shell() {
    // Distroless: dpkg's records as one file each, and no database (github.com/GoogleContainerTools/distroless).
    let distroless = Root::empty();
    distroless.file("usr/lib/os-release", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Distroless\"\n");
    let stanza = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12.4\n\n";
    distroless.file("var/lib/dpkg/status.d/base-files", stanza);
    distroless.program("app/server");
    for depth in ["standard", "deep"] {
        let run = distroless.scan(&["--depth", depth]);
        assert_eq!(run.code, 0, "{depth}: {run:?}");
    }
    distroless.file("var/lib/dpkg/status.d/kesl", stanza.replace("base-files", "kesl"));
    assert_eq!(distroless.scan(&[]).code, 1);
}

/// One static program is no system: nothing says what must be there, so that nothing could be said to be missing.
#[test]
fn an_image_from_scratch_is_no_root() {
    let scratch = Root::empty();
    scratch.program("server");
    let run = scratch.scan(&["--depth", "deep"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
    assert!(run.stderr.contains("holds no os-release, no package database"), "{run:?}");
}
