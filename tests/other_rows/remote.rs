//! Rows of B.3: remote access.

use crate::layout::Lay::{App, At, Chrome, Daemon, Receipt, Team};
use crate::row::{Row, product, row, strong};

const WINDOWS: &str = "of Windows";

/// All of them that macOS has.
pub fn rows() -> Vec<Row> {
    let anydesk = "anydesk.anydesk";
    let viewer = "teamviewer.teamviewer";
    vec![
        [".Frontend", ".Helper", ".service", ".Hub"]
            .into_iter()
            .zip([
                "com.philandro.anydesk.Frontend",
                "com.philandro.anydesk.Helper",
                "com.philandro.anydesk.service",
                "com.philandro.anydesk.Hub",
            ])
            .fold(row("B.3", "bundle / launchd / team", "com.philandro.anydesk"), |row, (value, id)| {
                row.see(value, App(id), strong(anydesk))
            })
            .see("com.philandro.anydesk", App("com.philandro.anydesk"), strong(anydesk))
            .also(Daemon("com.philandro.anydesk.Helper"), strong(anydesk))
            .see("KHRWM533LU", Team("KHRWM533LU"), product("anydesk.other"))
            .see("KU6W3B6JMZ", Team("KU6W3B6JMZ"), product("anydesk.other")),
        row("B.3", "bundle / receipts / team", "com.teamviewer.TeamViewer")
            .see("com.teamviewer.TeamViewer", App("com.teamviewer.TeamViewer"), strong(viewer))
            .see("com.teamviewer.*", Daemon("com.teamviewer.service"), strong(viewer))
            .see("com.teamviewer.teamviewer.*", Receipt("com.teamviewer.teamviewer.Helper"), strong(viewer))
            .see(
                "com.teamviewer.teamviewerhost",
                Receipt("com.teamviewer.teamviewerhost"),
                strong("teamviewer.host"),
            )
            .see("H7UGFBUGV6", Team("H7UGFBUGV6"), product("teamviewer.other")),
        row("B.3", "bundle / launchd / team", "com.carriez.rustdesk")
            .see("com.carriez.rustdesk", App("com.carriez.rustdesk"), strong("rustdesk.rustdesk"))
            .see(
                "com.carriez.RustDesk_server.plist",
                Daemon("com.carriez.RustDesk_server"),
                strong("rustdesk.rustdesk"),
            )
            .see(
                "com.carriez.RustDesk_service.plist",
                Daemon("com.carriez.RustDesk_service"),
                strong("rustdesk.rustdesk"),
            )
            .see("HZF9JMC8YN", Team("HZF9JMC8YN"), product("rustdesk.other")),
        row("B.3", "bundle / launchd / team", "com.splashtop.Splashtop-Streamer")
            .see(
                "com.splashtop.Splashtop-Streamer",
                App("com.splashtop.Splashtop-Streamer"),
                strong("splashtop.streamer"),
            )
            .see(
                "com.splashtop.streamer-daemon",
                Daemon("com.splashtop.streamer-daemon"),
                strong("splashtop.streamer"),
            )
            .see("CPQQ3AW49Y", Team("CPQQ3AW49Y"), product("splashtop.other")),
        chrome(),
        row("B.3", "browser_ext", "inomeogfingihgjfjlpeplalcfajhgai").see(
            "inomeogfingihgjfjlpeplalcfajhgai",
            Chrome("inomeogfingihgjfjlpeplalcfajhgai"),
            strong("google.chrome-remote-desktop-extension"),
        ),
        row("B.3", "process / signer / team", "jumpconnect.exe")
            .see("2HCKV38EEC", Team("2HCKV38EEC"), product("jump.other"))
            .not("jumpconnect.exe", WINDOWS)
            .not("jumpclient.exe", WINDOWS)
            .not("jumpdesktop.exe", WINDOWS)
            .not("jumpservice.exe", WINDOWS)
            .not("Phase Five Systems LLC", WINDOWS),
        row("B.3", "process / bundle", "ToDesk_Service.exe")
            .see("com.youqu.todesk.mac", App("com.youqu.todesk.mac"), strong("todesk.todesk"))
            .see("com.youqu.todesk.*", App("com.youqu.todesk.helper"), strong("todesk.todesk"))
            .also(Daemon("com.youqu.todesk.service"), strong("todesk.todesk"))
            .not("ToDesk_Service.exe", WINDOWS)
            .not("todesk.exe", WINDOWS),
        row("B.3", "service / team", "parsecvirtualds")
            .see("Y9MY52XZDB", Team("Y9MY52XZDB"), product("parsec.other"))
            .not("parsecvirtualds", WINDOWS)
            .not("pservice.exe", WINDOWS)
            .not("parsecd.exe", WINDOWS)
            .not("Unity Technologies SF", WINDOWS),
        row("B.3", "team_id", "ZNCQ8JEH7X").see("ZNCQ8JEH7X", Team("ZNCQ8JEH7X"), product("realvnc.other")),
        row("B.3", "path / service", r"%ProgramFiles%\Mesh Agent\MeshAgent.exe")
            .see(
                "/usr/local/mesh_services/meshagent/",
                At("usr/local/mesh_services/meshagent/meshagent"),
                strong("meshcentral.meshagent"),
            )
            .not(r"%ProgramFiles%\Mesh Agent\MeshAgent.exe", WINDOWS)
            .not("Mesh Agent background service", WINDOWS),
    ]
}

fn chrome() -> Row {
    let host = "google.chrome-remote-desktop";
    row("B.3", "launchd / receipts", "org.chromium.chromoting")
        .see("org.chromium.chromoting", Daemon("org.chromium.chromoting"), strong(host))
        .see(
            "com.google.pkg.ChromeRemoteDesktopHost",
            Receipt("com.google.pkg.ChromeRemoteDesktopHost"),
            strong(host),
        )
        .see("…HostService", Receipt("com.google.pkg.ChromeRemoteDesktopHostService"), strong(host))
        .see("…HostUninstaller", Receipt("com.google.pkg.ChromeRemoteDesktopHostUninstaller"), strong(host))
}
