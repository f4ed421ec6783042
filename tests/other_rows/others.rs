//! Rows of B.2: other vendors.

use crate::layout::Lay::{App, Daemon, File, Folder, Named, NamedId, Receipt, Team};
use crate::row::{Row, left, product, row, strong, weak};

/// All of them that macOS has.
pub fn rows() -> Vec<Row> {
    [bytedance(), tencent(), rest()].into_iter().flatten().collect()
}

fn bytedance() -> Vec<Row> {
    let capcut = "bytedance.capcut";
    vec![
        row("B.2", "bundle_id / group", "com.lemon.lvoverseas")
            .see("com.lemon.lvoverseas", App("com.lemon.lvoverseas"), strong(capcut))
            .see("22MMUN2RN5.lv", Folder("Users/alice/Library/Group Containers/22MMUN2RN5.lv"), left(capcut))
            .see("22MMUN2RN5.ve", Folder("Users/alice/Library/Group Containers/22MMUN2RN5.ve"), left(capcut))
            .see("22MMUN2RN5", Team("22MMUN2RN5"), product("bytedance.other")),
        row("B.2", "bundle_id", "com.electron.lark")
            .see("com.electron.lark", NamedId("LarkSuite.app", "com.electron.lark"), strong("bytedance.lark"))
            .see("com.bytedance.lark.helper", App("com.bytedance.lark.helper"), strong("bytedance.lark"))
            .see("LarkSuite.app", NamedId("LarkSuite.app", "com.electron.lark"), strong("bytedance.lark"))
            .see("Feishu.app", Named("Feishu.app"), weak("bytedance.lark")),
        row("B.2", "bundle_id", "com.bot.pc.doubao").see(
            "com.bot.pc.doubao",
            App("com.bot.pc.doubao"),
            strong("bytedance.doubao"),
        ),
        row("B.2", "bundle_id", "com.trae.app")
            .see("com.trae.app", App("com.trae.app"), strong("bytedance.trae"))
            .see("com.trae.ShipIt", Daemon("com.trae.ShipIt"), strong("bytedance.trae")),
        row("B.2", "-", "com.deepseek.chat")
            .see("com.deepseek.chat", App("com.deepseek.chat"), weak("deepseek.app"))
            .not("chat.deepseek.com", "no source has domains that are spoken to")
            .not("api.deepseek.com", "no source has domains that are spoken to"),
    ]
}

fn tencent() -> Vec<Row> {
    vec![
        row("B.2", "bundle_id / team_id", "com.tencent.xinWeChat")
            .see("com.tencent.xinWeChat", App("com.tencent.xinWeChat"), strong("tencent.wechat"))
            .see("5A4RE8SF68", Team("5A4RE8SF68"), product("tencent.other")),
        row("B.2", "bundle_id / team_id", "com.tencent.qq")
            .see("com.tencent.qq", App("com.tencent.qq"), strong("tencent.qq"))
            .see("FN2V63AD2J", Team("FN2V63AD2J"), product("tencent.other")),
        row("B.2", "team_id", "88L2Q4487U").see("88L2Q4487U", Team("88L2Q4487U"), product("tencent.other")),
    ]
}

fn rest() -> Vec<Row> {
    let camera = "parts of Windows and Linux programs";
    let acronis = "acronis.other";
    vec![
        row("B.2", "file", "HCNetSDK.dll").unseen(camera),
        row("B.2", "file", "dhnetsdk.dll").unseen(camera),
        row("B.2", "publisher", "SZ DJI Technology Co., Ltd.")
            .not("SZ DJI Technology Co., Ltd.", "of Windows")
            .not("DJI", "of Windows")
            .see("com.dji.*", App("com.dji.assistant2"), weak("dji.other")),
        row("B.2", "team_id / launchd / receipt", "ZU2TV78AA6")
            .see("ZU2TV78AA6", Team("ZU2TV78AA6"), product(acronis))
            .all(
                &[
                    "com.acronis.aakore",
                    "com.acronis.active_protection",
                    "com.acronis.cyber-protect-service",
                    "com.acronis.mms_mini",
                    "com.acronis.scheduler",
                    "com.acronis.mobile_backup_server",
                ],
                Daemon,
                strong(acronis),
            )
            .see(
                "com.acronis.CyberProtectHomeOffice",
                Receipt("com.acronis.CyberProtectHomeOffice"),
                strong("acronis.true-image"),
            ),
        row("B.2", "pkg_receipt", "com.nulana.rxagentmac").see(
            "com.nulana.rxagentmac",
            Receipt("com.nulana.rxagentmac"),
            strong("acronis.cyber-protect-connect"),
        ),
        row("B.2", "bundle_id", "com.alibaba.DingTalkMac").all(
            &["com.alibaba.DingTalkMac", "com.alibaba.DingTalkInstaller"],
            App,
            strong("alibaba.dingtalk"),
        ),
        row("B.2", "bundle_id", "com.kingsoft.wpsoffice.mac.global").all(
            &["com.kingsoft.wpsoffice.mac.global", "com.kingsoft.wpsoffice.mac"],
            App,
            strong("kingsoft.wps-office"),
        ),
        row("B.2", "bundle_id", "com.baidu.BaiduNetdisk-mac").see(
            "com.baidu.BaiduNetdisk-mac",
            App("com.baidu.BaiduNetdisk-mac"),
            strong("baidu.netdisk"),
        ),
        row("B.2", "bundle_id", "com.webull.desktop.v1")
            .see("com.webull.desktop.v1", App("com.webull.desktop.v1"), strong("webull.desktop"))
            .see(
                "com.webulldesktop.*",
                File("Users/alice/Library/Preferences/com.webulldesktop.main.plist"),
                left("webull.desktop"),
            )
            .see("Webull Desktop.app", Named("Webull Desktop.app"), strong("webull.desktop")),
        row("B.2", "name", "moomoo")
            .see("moomoo", Named("moomoo.app"), weak("moomoo.desktop"))
            .see("Futu_OpenD", Named("Futu_OpenD.app"), weak("moomoo.opend"))
            .see("Tiger Trade", Named("Tiger Trade.app"), weak("tiger-brokers.tiger-trade")),
    ]
}
