//! Made-up rules and items in the shape of real ones, for the benches: nothing of them is left to chance, so that two
//! runs measure the same.
//!
//! Used by `benches/engine.rs` and `benches/formats.rs`.

use std::fmt::Write;

use interdict::model::{
    Identifier, IdentifierType, Item, ItemId, ItemKind, Looked, Scheme, Signer, Trust, Version,
};

/// Shares of a hundred indicators that are whole values, and beginnings or globs; the others are expressions.
#[derive(Clone, Copy)]
pub(crate) struct Mix {
    pub(crate) exact: usize,
    pub(crate) open: usize,
}

/// Indicators that stand in one file.
const IN_A_FILE: usize = 2_000;
/// One item in so many is of a vendor that the rules name.
const ONE_MATCHES: usize = 200;

const PACKAGES: &[&str] = &[
    "libc6",
    "libreoffice-core",
    "python3-cryptography",
    "linux-image-amd64",
    "openssh-server",
    "libssl3",
    "systemd",
    "fonts-dejavu-core",
    "gir1.2-gtk-3.0",
    "perl-modules-5.36",
    "qemu-system-x86",
    "postgresql-15",
    "golang-1.19-src",
    "nodejs",
    "libboost-filesystem1.74.0",
    "docker-ce-cli",
    "firefox-esr",
    "thunderbird",
    "texlive-latex-extra",
    "ca-certificates-java",
    "libqt5webengine5",
    "gstreamer1.0-plugins-good",
    "avahi-daemon",
    "network-manager",
    "cups-filters",
    "kmod",
    "zlib1g",
    "xserver-xorg-video-intel",
    "vim-runtime",
    "rust-analyzer",
];
const PUBLISHERS: &[&str] = &[
    "Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>",
    "Matthias Klose <doko@debian.org>",
    "Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>",
    "Red Hat, Inc. <http://bugzilla.redhat.com/bugzilla>",
    "Docker <support@docker.com>",
    "Microsoft Corporation",
    "Debian GNOME Maintainers <pkg-gnome@lists.debian.org>",
    "Rafał Miłecki <zajec5@gmail.com>",
    "Google LLC <chromium-packages@google.com>",
    "Fedora Project",
];
const FOLDERS: &[&str] = &[
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib/systemd",
    "/usr/libexec",
    "/opt/google/chrome",
    "/usr/lib/x86_64-linux-gnu",
    "{home}/.local/bin",
    "/usr/share/applications",
    "/usr/lib/jvm/java-17-openjdk-amd64/bin",
    "/usr/local/bin",
];
const SOUNDS: &[&str] = &[
    "ka", "ro", "vi", "sen", "tor", "mi", "lan", "deg", "pu", "zen", "fax", "qui", "bor", "tel", "nos",
    "wir", "had", "ly", "gam", "sec",
];

/// A name nobody has, other for each number, and not longer than real ones.
pub(crate) fn vendor(mut n: usize) -> String {
    let mut name = String::new();
    for _ in 0..4 {
        name.push_str(SOUNDS[n % SOUNDS.len()]);
        n /= SOUNDS.len();
    }
    name
}

const PROGRAMS: &str = "[\"executable\", \"service\", \"application\", \"autostart\"]";

/// Files of rules with so many indicators, each of its own vendor's name.
pub(crate) fn rules(indicators: usize, mix: Mix) -> Vec<(String, String)> {
    (0..indicators.div_ceil(IN_A_FILE)).map(|file| rule_file(file, indicators, mix)).collect()
}

fn rule_file(file: usize, indicators: usize, mix: Mix) -> (String, String) {
    let mut text = format!(
        "schema = 1\n[vendor]\nid = \"v{file}\"\nname = \"Vendor {file}\"\n[[product]]\nid = \"v{file}.x\"\nname = \"X\"\n"
    );
    for n in (file * IN_A_FILE..indicators).take(IN_A_FILE) {
        let condition = condition(n, mix);
        // Writing to a string cannot fail.
        _ = write!(
            text,
            "[[product.indicator]]\n{condition}\nfamilies = [\"linux\"]\nstrength = \"strong\"\n\
             source = \"made up\"\n"
        );
    }
    text.push_str("[[example]]\nitems = [{ kind = \"package\", name = \"nobody\" }]\nexpect = \"none\"\n");
    (format!("vendors/v{file}.toml"), text)
}

/// Kind and condition of an indicator; numbers that follow each other are of all sorts.
fn condition(n: usize, mix: Mix) -> String {
    let name = vendor(n);
    let sort = n * 37 % 100;
    let (kind, condition) = if sort < mix.exact {
        match n % 5 {
            0 | 1 => ("\"package\"", format!("name = {{ exact = [\"{name}\", \"{name}-gui\"] }}")),
            2 => ("\"service\"", format!("name = {{ exact = [\"{name}.service\", \"{name}\"] }}")),
            3 => ("\"trace\"", format!("path = {{ exact = [\"/opt/{name}\", \"/var/opt/{name}\"] }}")),
            _ => ("\"package\"", format!("publisher = {{ exact = [\"{name} Software Ltd\"] }}")),
        }
    } else if sort < mix.exact + mix.open {
        match n % 4 {
            0 => ("\"package\"", format!("publisher = {{ prefix = [\"{name} Software\"] }}")),
            1 => (PROGRAMS, format!("path = {{ glob = [\"/opt/{name}/bin/**\", \"/opt/{name}/lib*/**\"] }}")),
            2 => (PROGRAMS, format!("path = {{ glob = [\"**/{name}/plugins/*.so\"] }}")),
            _ => ("\"service\"", format!("name = {{ glob = [\"{name}*.service\"] }}")),
        }
    } else {
        return expression(n, &name);
    };
    format!("kind = {kind}\n{condition}")
}

fn expression(n: usize, name: &str) -> String {
    let (kind, condition) = match n % 3 {
        0 => ("\"package\"", format!("name = {{ regex = ['^{name}[-_]?[0-9]{{1,2}}(-agent)?$'] }}")),
        1 => (PROGRAMS, format!("path = {{ regex = ['^/(opt|srv)/[^/]+/{name}-[0-9.]+/'] }}")),
        _ => ("\"service\"", format!("name = {{ regex = ['^({name}|{name}d)(-[a-z]+)?\\.service$'] }}")),
    };
    format!("kind = {kind}\n{condition}")
}

/// Items of a large host; one in some hundred is of a vendor of the rules.
pub(crate) fn items(count: usize) -> Vec<Item> {
    (0..count).map(item).collect()
}

fn item(n: usize) -> Item {
    let (package, publisher) = (PACKAGES[n % PACKAGES.len()], PUBLISHERS[n / 3 % PUBLISHERS.len()]);
    let matches = n.is_multiple_of(ONE_MATCHES);
    let name = if matches { vendor(n / ONE_MATCHES) } else { format!("{package}-{}", n / PACKAGES.len()) };
    let folder = FOLDERS[n / 7 % FOLDERS.len()];
    let path = if matches { format!("/opt/{name}/bin/{name}") } else { format!("{folder}/{name}") };
    match n % 10 {
        0..=4 => Item {
            version: Some(Version::new(format!("1:{n}.2-3+deb12u1"), Scheme::Dpkg)),
            publisher: Some(publisher.to_owned()),
            arch: Some("amd64".to_owned()),
            identifiers: vec![
                Identifier::new(IdentifierType::SourcePackage, package),
                Identifier::new(IdentifierType::Homepage, format!("https://www.example.org/{package}/")),
            ],
            ..bare(ItemKind::Package, name)
        },
        5..=7 => Item {
            path: Some(path),
            signer: if n.is_multiple_of(2) {
                Looked::Some(Signer {
                    name: "CN=Example Signing CA".to_owned(),
                    team_id: None,
                    trust: Trust::Anchored,
                })
            } else {
                Looked::NotLooked
            },
            ..bare(ItemKind::Executable, name)
        },
        8 => Item {
            display_name: Some(format!("{package} daemon, made for {}", n / 10)),
            path: Some(path),
            ..bare(ItemKind::Service, format!("{name}.service"))
        },
        _ => Item { path: Some(format!("/opt/{name}")), ..bare(ItemKind::Trace, name) },
    }
}

fn bare(kind: ItemKind, name: String) -> Item {
    Item {
        id: ItemId([0; 16]),
        kind,
        name,
        display_name: None,
        version: None,
        publisher: None,
        signer: Looked::NotLooked,
        identifiers: Vec::new(),
        arch: None,
        path: None,
    }
}

/// Expressions of a vendor file.
const EXPRESSIONS: usize = 6;

/// The files of a whole catalogue: our largest vendor file under other ids and with some expressions, until there are
/// so many bytes of them.
pub(crate) fn catalogue(bytes: usize) -> Vec<(String, String)> {
    let shape = include_str!("../../rules/vendors/kaspersky.toml");
    let file = |n: usize| {
        let id = vendor(n);
        let mut text = shape.replace("kaspersky", &id);
        // Writing to a string cannot fail.
        _ = write!(text, "\n[[product]]\nid = \"{id}.x\"\nname = \"X\"\n");
        for of in 0..EXPRESSIONS {
            let condition = expression(of, &format!("{id}{of}"));
            _ = write!(
                text,
                "[[product.indicator]]\n{condition}\nstrength = \"strong\"\nsource = \"made up\"\n"
            );
        }
        (format!("vendors/{id}.toml"), text)
    };
    (0..bytes.div_ceil(shape.len())).map(file).collect()
}
