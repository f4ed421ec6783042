//! Rows of B.1.3 and B.1.4: Kaspersky.

use crate::layout::Lay::{
    Agent, App, At, Chrome, Daemon, Firefox, Folder, Kext, MessagingHost, Named, Program, Receipt, Safari,
    SafariArchive, SystemExtension, Team,
};
use crate::row::{Row, left, product, row, strong, weak};

const MAC: &str = "kaspersky.mac-security";
const AGENT: &str = "kaspersky.network-agent";
const EXTENSION: &str = "kaspersky.browser-extension";

/// Bundles, jobs, receipts, paths.
pub fn programs() -> Vec<Row> {
    let receipts = ["core", "oas", "webav", "parctl", "wksconnector", "webtoolbar", "vkbd", "finder_plugin"];
    let section = "B.1.4";
    vec![
        row(section, "team_id", "2Y8XE5CQ94").see(
            "2Y8XE5CQ94",
            Team("2Y8XE5CQ94"),
            product("kaspersky.other"),
        ),
        row(section, "bundle_id", "com.kaspersky.kav")
            .all(
                &[
                    "com.kaspersky.kav",
                    "com.kaspersky.kav_agent",
                    "com.kaspersky.kav.downloader",
                    "com.kaspersky.kav.gui",
                ],
                App,
                strong(MAC),
            )
            .see("com.kaspersky.ksec", App("com.kaspersky.ksec"), strong("kaspersky.vpn"))
            .see(
                "com.kaspersky.passwordmanager",
                App("com.kaspersky.passwordmanager"),
                strong("kaspersky.password-manager"),
            )
            .also(App("com.kaspersky.something.new"), strong("kaspersky.other")),
        row(section, "sysext", "com.kaspersky.kav.sysext")
            .see("com.kaspersky.kav.sysext", SystemExtension("com.kaspersky.kav.sysext"), strong(MAC))
            .see(
                "2Y8XE5CQ94.com.kaspersky.kav.sysext",
                Daemon("2Y8XE5CQ94.com.kaspersky.kav.sysext"),
                strong(MAC),
            ),
        row(section, "kext", "com.kaspersky.kext.klif")
            .see("com.kaspersky.kext.klif", Kext("klif.kext", "com.kaspersky.kext.klif"), strong(MAC))
            .see("com.kaspersky.nke", Kext("klnke.kext", "com.kaspersky.nke"), strong(MAC))
            .see(
                "com.kaspersky.nke.interceptors",
                Kext("interceptors.kext", "com.kaspersky.nke.interceptors"),
                strong(MAC),
            )
            .see(
                "com.kaspersky.kext.kimul*",
                Kext("kimul38.kext", "com.kaspersky.kext.kimul38"),
                strong(MAC),
            ),
        row(section, "launchd", "/Library/LaunchDaemons/com.kaspersky.kav.plist")
            .see("/Library/LaunchDaemons/com.kaspersky.kav.plist", Daemon("com.kaspersky.kav"), strong(MAC))
            .see("com.kaspersky.klif_loader.plist", Daemon("com.kaspersky.klif_loader"), strong(MAC))
            .see(
                "/Library/LaunchAgents/com.kaspersky.kav.gui.plist",
                Agent("com.kaspersky.kav.gui"),
                strong(MAC),
            )
            .see("com.kaspersky.kav.autoupdater.plist", Agent("com.kaspersky.kav.autoupdater"), strong(MAC)),
        receipts
            .into_iter()
            .fold(row(section, "pkg_receipt", "com.kaspersky.kav.core"), |row, name| {
                let (id, value) = receipt(name);
                row.see(value, Receipt(id), strong(MAC))
            })
            .see("com.kaspersky.klnagent.core", Receipt("com.kaspersky.klnagent.core"), strong(AGENT)),
        paths(),
        row(section, "process", "kav")
            .see("kav", Program("kav"), weak(MAC))
            .all(&["kav_agent", "kav_app", "kav_sysextctrld"], Program, strong(MAC))
            .see("klnagent", Program("klnagent"), strong(AGENT)),
        row(section, "file_name", "kesmac*.sh")
            .unseen("installers are scripts, and programs are told by their first bytes"),
    ]
}

/// The id of a receipt, and how the row writes it.
fn receipt(name: &'static str) -> (&'static str, &'static str) {
    let id: &'static str = Box::leak(format!("com.kaspersky.kav.{name}").into_boxed_str());
    let value = if name == "core" { id } else { id.strip_prefix("com.kaspersky.kav").unwrap() };
    (id, value)
}

fn paths() -> Row {
    let support = "Library/Application Support/Kaspersky Lab";
    row("B.1.4", "path", "/Library/Application Support/Kaspersky Lab/KAV/Binaries/")
        .see(
            "/Library/Application Support/Kaspersky Lab/KAV/Binaries/",
            At("Library/Application Support/Kaspersky Lab/KAV/Binaries/any"),
            strong(MAC),
        )
        .see(
            "…/Kaspersky Lab/klnagent/Binaries/klnagent",
            At("Library/Application Support/Kaspersky Lab/klnagent/Binaries/klnagent"),
            strong(AGENT),
        )
        .see(
            "/Applications/Kaspersky Anti-Virus For Mac.app",
            At("Applications/Kaspersky Anti-Virus For Mac.app/Contents/MacOS/any"),
            strong(MAC),
        )
        .see(
            "/Applications/Kaspersky Anti-Virus.app",
            At("Applications/Kaspersky Anti-Virus.app/Contents/MacOS/any"),
            strong(MAC),
        )
        .see("/Applications/Kaspersky*.app", Named("Kaspersky Internet Security.app"), weak(MAC))
        .also(Named("Kaspersky VPN.app"), weak("kaspersky.vpn"))
        .see("/Library/Caches/com.kaspersky.kav", Folder("Library/Caches/com.kaspersky.kav"), left(MAC))
        .see(
            "/System/Library/Services/KAVService.service",
            Folder("System/Library/Services/KAVService.service"),
            left(MAC),
        )
        .also(Folder(support), left(MAC))
}

/// Certificates and extensions of browsers.
pub fn extensions() -> Vec<Row> {
    let section = "B.1.3";
    let password = "dhnkblpjbkfklfloegejegedcafpliaa";
    let host = "com.kaspersky.kav.fc580de9124e479b8be54721f5fb2f59.host";
    let one = |id: &'static str| row(section, "browser_ext", id);
    vec![
        row(section, "root_cert", "CN=Kaspersky Anti-Virus Personal Root Certificate, O=AO Kaspersky Lab")
            .unseen("keychains are written by the tests of their source"),
        one("ahkjpbeeocnddjkakilopmfdlnjdpcdm").all(
            &["ahkjpbeeocnddjkakilopmfdlnjdpcdm"],
            Chrome,
            strong(EXTENSION),
        ),
        one("amkpcclbbgegoafihnpgomddadjhcadd").all(
            &["amkpcclbbgegoafihnpgomddadjhcadd"],
            Chrome,
            strong(EXTENSION),
        ),
        one(password).all(&[password], Chrome, strong("kaspersky.password-manager")),
        one("ddoleachckhhdmhpbkddgechjfhnphpe").all(
            &["ddoleachckhhdmhpbkddgechjfhnphpe", "mcobjbefejmnadahpjbfibgkgchhmjke"],
            Chrome,
            strong(EXTENSION),
        ),
        one("injhfeogoehjhhacaaahfbkjlomhpgnj").unseen("not to be shipped: one list only"),
        one("urladvisor@kaspersky.com")
            .all(&["urladvisor@kaspersky.com", "wvkbd@kaspersky.com"], Firefox, strong(EXTENSION))
            // From general knowledge only: weak.
            .see("light_plugin_*@kaspersky.com", Firefox("light_plugin_ABC@kaspersky.com"), weak(EXTENSION))
            .see(
                "kpm_win@kaspersky.com",
                Firefox("kpm_win@kaspersky.com"),
                weak("kaspersky.password-manager"),
            ),
        one("com.kaspersky.urla-2Y8XE5CQ94")
            .see("com.kaspersky.urla-2Y8XE5CQ94", Safari("com.kaspersky.urla-2Y8XE5CQ94"), strong(EXTENSION))
            .all(
                &["KasperskyURLAdvisor.safariextz", "KasperskyVirtualKeyboard.safariextz"],
                SafariArchive,
                strong(EXTENSION),
            ),
        row(section, "native_host", "com.kaspersky.kav.<32 hex>.host")
            .see("com.kaspersky.kav.<32 hex>.host", MessagingHost(host), strong(EXTENSION))
            .see(host, MessagingHost(host), strong(EXTENSION)),
    ]
}
