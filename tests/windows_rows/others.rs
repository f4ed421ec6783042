//! Rows of B.2: other vendors.

use crate::layout::Lay::{
    By, Driver, Key, KeyBy, Msix, Named, NamedBy, Program, RegKey, Service, Signed, Winget,
};
use crate::row::{Row, product, review, row, strong, weak};

/// Social media, messengers, language models.
pub fn social() -> Vec<Row> {
    let tiktok = "BytedancePte.Ltd.TikTok_1.0.5.0_neutral__6yccndn6064se";
    let bytedance = "Bytedance Pte. Ltd.";
    let wechat = "tencent.wechat";
    let tencent = "腾讯科技(深圳)有限公司";
    let shenzhen = "Tencent Technology (Shenzhen) Company Limited";
    vec![
        row("B.2", "msix_pfn", "BytedancePte.Ltd.TikTok_6yccndn6064se").all(
            &["BytedancePte.Ltd.TikTok_6yccndn6064se", "BytedancePte.Ltd.TikTok", "6yccndn6064se"],
            |_| Msix(tiktok),
            strong("bytedance.tiktok"),
        ),
        row("B.2", "uninstall_key (ProductCode)", "CapCut").see(
            "CapCut",
            Key("CapCut"),
            weak("bytedance.capcut"),
        ),
        row("B.2", "uninstall_key (ProductCode)", "CapCut").again("with its publisher").see(
            "CapCut",
            NamedBy("CapCut", bytedance),
            strong("bytedance.capcut"),
        ),
        row("B.2", "publisher", bytedance).see(bytedance, By(bytedance), strong("bytedance.other")),
        row("B.2", "winget_id / url_protocol", "ByteDance.CapCut")
            .see("ByteDance.CapCut", Winget("ByteDance.CapCut"), strong("bytedance.capcut"))
            .see("capcut:", RegKey(r"Classes\capcut"), weak("bytedance.capcut").left()),
        bytedance_ids(),
        row("B.2", "signer", bytedance)
            .see(
                bytedance,
                Signed("a.exe", "/CN=Bytedance Pte. Ltd."),
                product("bytedance.other").conclusive(),
            )
            // Half known only: weak.
            .see(
                "Beijing Microlive Vision Technology Co., Ltd.",
                Signed("b.exe", "/CN=Beijing Microlive Vision Technology Co., Ltd."),
                weak("bytedance.other"),
            )
            .see(
                "Beijing Bytedance…",
                Signed("c.exe", "/CN=Beijing Bytedance Technology Co., Ltd."),
                weak("bytedance.other"),
            ),
        row("B.2", "-", "com.deepseek.chat")
            .see("com.deepseek.chat", Key("com.deepseek.chat"), weak("deepseek.app"))
            .see("chat.deepseek.com", By("chat.deepseek.com"), weak("deepseek.app"))
            .not("api.deepseek.com", "no source has domains that are spoken to"),
        row("B.2", "uninstall_key", "WeChat").all(
            &["WeChat", "Weixin"],
            |key| KeyBy(key, tencent),
            strong(wechat),
        ),
        row("B.2", "publisher", tencent)
            .see(tencent, By(tencent), strong("tencent.other"))
            .also(By("腾讯科技（深圳）有限公司"), strong("tencent.other"))
            .see(
                "Shenzhen Tencent Computer Systems Company Limited",
                By("Shenzhen Tencent Computer Systems Company Limited"),
                strong("tencent.other"),
            ),
        row("B.2", "winget_id / protocol", "Tencent.WeChat")
            .all(&["Tencent.WeChat", "Tencent.WeChat.Universal"], Winget, strong(wechat))
            .see("weixin:", RegKey(r"Classes\weixin"), weak(wechat).left())
            .see("xweixin:", RegKey(r"Classes\xweixin"), weak(wechat).left()),
        row("B.2", "winget_id", "Tencent.*")
            .see("Tencent.*", Winget("Tencent.SomethingNew"), strong("tencent.other"))
            .also(Winget("Tencent.WeCom"), strong("tencent.wecom"))
            .also(Winget("Tencent.QQ.NT"), strong("tencent.qq")),
        row("B.2", "msix_pfn", "TencentWeChatLimited.forWindows10_sdtnhv12zgd7a")
            .see(
                "TencentWeChatLimited.forWindows10_sdtnhv12zgd7a",
                Msix("TencentWeChatLimited.forWindows10_3.2.1.0_x86__sdtnhv12zgd7a"),
                strong(wechat),
            )
            .see(
                "TencentWeChatLimited.WeChatUWP_sdtnhv12zgd7a",
                Msix("TencentWeChatLimited.WeChatUWP_1.0.0.0_x64__sdtnhv12zgd7a"),
                strong(wechat),
            ),
        row("B.2", "path/process", r"%ProgramFiles(x86)%\Tencent\WeChat\WeChat.exe")
            .see(
                r"%ProgramFiles(x86)%\Tencent\WeChat\WeChat.exe",
                Program("Program Files (x86)/Tencent/WeChat/WeChat.exe"),
                strong(wechat),
            )
            .see("WeChatStore.exe", Program("WeChatStore.exe"), strong(wechat)),
        row("B.2", "process", "QQ.exe")
            .see("QQ.exe", Program("QQ.exe"), weak("tencent.qq"))
            .see("QQProtect.exe", Program("QQProtect.exe"), strong("tencent.qq"))
            .all(&["QQPCMgr.exe", "QQPCTray.exe", "QQPCRTP.exe"], Program, strong("tencent.pc-manager")),
        row("B.2", "signer", shenzhen)
            .see(
                shenzhen,
                Signed("d.exe", "/CN=Tencent Technology (Shenzhen) Company Limited"),
                product("tencent.other").conclusive(),
            )
            // Half known only: weak.
            .see(
                "Tencent Technology(Shenzhen) Company Limited",
                Signed("e.exe", "/CN=Tencent Technology(Shenzhen) Company Limited"),
                weak("tencent.other"),
            ),
        row("B.2", "driver", "QQProtect.sys")
            .all(&["QQProtect.sys", "QQProtectX64.sys"], Driver, strong("tencent.qq"))
            .see("TsQBDrv.sys", Driver("TsQBDrv.sys"), strong("tencent.qq-browser"))
            .all(
                &["QQSysMon.sys", "QQSysMonX64.sys", "TFsFlt.sys", "TSysCare.sys"],
                Driver,
                strong("tencent.pc-manager"),
            )
            // What guards games of others proves no application that a list names.
            .all(&["TesMon.sys", "TenRSafe2.sys"], Driver, review("tencent.anti-cheat").strong())
            .all(&["tesxporter.sys", "tesxnginx.sys"], Driver, strong("tencent.other"))
            .see("SCAegis.sys", Driver("SCAegis.sys"), strong("tencent.sogou")),
    ]
}

fn bytedance_ids() -> Row {
    [
        ("ByteDance.CapCut", "bytedance.capcut"),
        ("ByteDance.Douyin", "bytedance.douyin"),
        ("ByteDance.Doubao", "bytedance.doubao"),
        ("ByteDance.Feishu.MSI", "bytedance.lark"),
        ("ByteDance.Lark", "bytedance.lark"),
        ("ByteDance.JianyingPro", "bytedance.jianying"),
        ("ByteDance.Trae.CN", "bytedance.trae"),
        ("ByteDance.Coze", "bytedance.coze"),
        ("ByteDance.FeiLian", "bytedance.feilian"),
        ("ByteDance.EffectHouse", "bytedance.other"),
    ]
    .into_iter()
    .fold(row("B.2", "winget_id", "ByteDance.*"), |row, (id, product)| row.also(Winget(id), strong(product)))
    .also(Winget("ByteDance.Debugtron"), review("bytedance.debugtron"))
    .also(Winget("ByteDance.UI-TARS"), review("bytedance.ui-tars"))
    .see("ByteDance.*", Winget("ByteDance.SomethingNew"), strong("bytedance.other"))
}

/// Qihoo, Hikvision, Dahua, Huawei, ZTE, Hytera.
pub fn makers() -> Vec<Row> {
    let qihoo = "qihoo-360.total-security";
    let hikvision = "Hangzhou Hikvision Digital Technology Co., Ltd.";
    vec![
        row("B.2", "winget_id", "360.*")
            .see("360.*", Winget("360.SomethingNew"), strong("qihoo-360.other"))
            .also(Winget("360.360SE"), strong("qihoo-360.browser")),
        row("B.2", "driver", "360fsflt.sys")
            .all(
                &["360fsflt.sys", "360box.sys", "Qutmdrv.sys", "360avflt.sys", "360qpesv.sys", "dsark.sys"],
                Driver,
                strong(qihoo),
            )
            .see("AtdrAgent(64).sys", Driver("AtdrAgent64.sys"), strong(qihoo))
            .also(Driver("AtdrAgent.sys"), strong(qihoo)),
        row("B.2", "service", "ZhuDongFangYu").all(
            &[
                "ZhuDongFangYu",
                "QHActiveDefense",
                "QHWatchdog",
                "360rp",
                "360FsFlt",
                "360AntiHacker",
                "LiveUpdate360",
            ],
            Service,
            strong(qihoo),
        ),
        row("B.2", "process", "360tray.exe")
            .all(
                &["360tray.exe", "360safe.exe", "360sd.exe", "zhudongfangyu.exe", "360leakfixer.exe"],
                Program,
                strong(qihoo),
            )
            // From general knowledge only: weak.
            .see("QHSafeTray.exe", Program("QHSafeTray.exe"), weak(qihoo))
            .also(Program("SoftMgr.exe"), weak(qihoo))
            .also(Program("softup.notify.exe"), weak(qihoo)),
        row("B.2", "signer", "Qihoo 360 Software (Beijing) Company Limited")
            .see(
                "Qihoo 360 Software (Beijing) Company Limited",
                Signed("a.exe", "/CN=Qihoo 360 Software (Beijing) Company Limited"),
                product("qihoo-360.other").conclusive(),
            )
            .see(
                "Qihoo 360 Software(Beijing) Company Limited",
                Signed("b.exe", "/CN=Qihoo 360 Software(Beijing) Company Limited"),
                product("qihoo-360.other").conclusive(),
            )
            .see(
                "Beijing Qihu Technology Co., Ltd.",
                Signed("c.exe", "/CN=Beijing Qihu Technology Co., Ltd."),
                strong("qihoo-360.other"),
            ),
        row("B.2", "path", r"%ProgramFiles(x86)%\iVMS-4200 Site\iVMS-4200 Client\Client\")
            .see(
                r"%ProgramFiles(x86)%\iVMS-4200 Site\iVMS-4200 Client\Client\",
                Program("Program Files (x86)/iVMS-4200 Site/iVMS-4200 Client/Client/any.exe"),
                strong("hikvision.ivms-4200"),
            )
            .see(
                r"%ProgramFiles%\iVMS-4200 Site\iVMS-4200 Portal\",
                Program("Program Files/iVMS-4200 Site/iVMS-4200 Portal/other.exe"),
                strong("hikvision.ivms-4200"),
            )
            .see(
                r"%PUBLIC%\iVMS-4200 Site",
                Program("Users/Public/iVMS-4200 Site/third.exe"),
                strong("hikvision.ivms-4200"),
            ),
        row("B.2", "process", "iVMS-4200.Framework.C.exe").see(
            "iVMS-4200.Framework.C.exe",
            Program("iVMS-4200.Framework.C.exe"),
            strong("hikvision.ivms-4200"),
        ),
        row("B.2", "path", r"%ProgramFiles(x86)%\HikCentral Lite\Client\").see(
            r"%ProgramFiles(x86)%\HikCentral Lite\Client\",
            Program("Program Files (x86)/HikCentral Lite/Client/any.exe"),
            strong("hikvision.hikcentral"),
        ),
        row("B.2", "file", "HCNetSDK.dll")
            .see("HCNetSDK.dll", Program("HCNetSDK.dll"), review("hikvision.sdk-in-video-software"))
            .see(
                r"HCNetSDKCom\HCCoreDevCfg.dll",
                Program("Program Files/VMS/HCNetSDKCom/HCCoreDevCfg.dll"),
                review("hikvision.sdk-in-video-software"),
            )
            .not("libhcnetsdk.so", "of Linux"),
        row("B.2", "publisher", hikvision).see(hikvision, By(hikvision), strong("hikvision.other")).see(
            "hikvision",
            By("Hikvision"),
            strong("hikvision.other"),
        ),
        // From general knowledge only: weak.
        row("B.2", "uninstall_name", "iVMS-4200*")
            .see("iVMS-4200*", Named("iVMS-4200(V3.9.0.5)"), weak("hikvision.ivms-4200"))
            .see("Hik-Connect*", Named("Hik-Connect"), weak("hikvision.hik-connect"))
            .see("HikCentral*", Named("HikCentral Lite Client"), weak("hikvision.hikcentral"))
            .see("SADP*", Named("SADP"), weak("hikvision.sadp")),
        dahua(),
        row("B.2", "file", "dhnetsdk.dll")
            .see("dhnetsdk.dll", Program("dhnetsdk.dll"), review("dahua.sdk-in-video-software"))
            .not("libdhnetsdk.so", "of Linux"),
        row("B.2", "publisher", "Zhejiang Dahua Technology Co., Ltd.")
            .see(
                "Zhejiang Dahua Technology Co., Ltd.",
                By("Zhejiang Dahua Technology Co., Ltd."),
                weak("dahua.other"),
            )
            .see("Dahua Technology", By("Dahua Technology"), strong("dahua.other")),
        row("B.2", "uninstall_key / protocol / winget", "Hi Suite")
            .see("Hi Suite", Key("Hi Suite"), strong("huawei.hisuite"))
            .see("hisuite:", RegKey(r"Classes\hisuite"), weak("huawei.hisuite").left())
            .see("Huawei.HiSuite", Winget("Huawei.HiSuite"), strong("huawei.hisuite")),
        row("B.2", "winget_id", "Huawei.AppGallery")
            .all(&["Huawei.AppGallery", "Huawei.HMSCore"], Winget, strong("huawei.appgallery"))
            .see("Huawei.HuaweiBrowser", Winget("Huawei.HuaweiBrowser"), strong("huawei.browser"))
            .see(
                "Huawei.HuaweiCloudMeeting",
                Winget("Huawei.HuaweiCloudMeeting"),
                strong("huawei.cloud-meeting"),
            )
            .see(
                "Huawei.HuaweiMobileCloud",
                Winget("Huawei.HuaweiMobileCloud"),
                strong("huawei.mobile-cloud"),
            )
            .see("Huawei.DevEco", Winget("Huawei.DevEco"), strong("huawei.developer-tools"))
            .all(&["Huawei.DriverTools", "Huawei.AudioAssistantTool"], Winget, strong("huawei.device-tools"))
            .also(Winget("Huawei.SomethingNew"), strong("huawei.other")),
        row("B.2", "path/process/driver", r"%ProgramFiles%\Huawei\PCManager\PCManager.exe")
            .see(
                r"%ProgramFiles%\Huawei\PCManager\PCManager.exe",
                Program("Program Files/Huawei/PCManager/PCManager.exe"),
                strong("huawei.pc-manager"),
            )
            .see("MateBookService.exe", Program("MateBookService.exe"), strong("huawei.pc-manager"))
            .see("HwOs2Ec10x64.sys", Driver("HwOs2Ec10x64.sys"), strong("huawei.pc-manager")),
        row("B.2", "publisher/signer", "Huawei Device Co., Ltd.")
            .see("Huawei Device Co., Ltd.", By("Huawei Device Co., Ltd."), weak("huawei.other"))
            .see(
                "Huawei Technologies Co., Ltd.",
                By("Huawei Technologies Co., Ltd."),
                strong("huawei.other"),
            ),
        row("B.2", "uninstall_name/publisher", "ZTE*")
            .see("ZTE*", Named("ZTE USB Driver"), weak("zte.modem-software"))
            .see("ZTE Corporation", By("ZTE Corporation"), weak("zte.modem-software")),
        row("B.2", "uninstall_name/publisher", "Hytera*")
            .see("Hytera*", Named("Hytera Digital Radio CPS"), weak("hytera.radio-software"))
            .see(
                "Hytera Communications Corporation Limited",
                By("Hytera Communications Corporation Limited"),
                weak("hytera.radio-software"),
            ),
    ]
}

fn dahua() -> Row {
    let smart = "dahua.smartpss";
    row("B.2", "file/uninstall", "SmartPSS.exe")
        .all(&["SmartPSS.exe", "SmartPSSLite.exe"], Program, strong(smart))
        // The rest is from general knowledge only.
        .see("SmartPSS*", Named("SmartPSS 2.003"), weak(smart))
        .see("ConfigTool", Named("ConfigTool"), weak("dahua.tools"))
        .see("DSS Client", Named("DSS Client"), weak("dahua.tools"))
        .also(Winget("Dahua.SmartPSSLite"), strong(smart))
        .not("DH_SMARTPSS-Win64_*", "an archive: sources look at programs")
}

/// DJI, Acronis, and those of the Texas list.
pub fn listed() -> Vec<Row> {
    let home = "acronis.true-image";
    vec![
        row("B.2", "winget_id", "DJI.DJIAssistant2.*")
            .see(
                "DJI.DJIAssistant2.*",
                Winget("DJI.DJIAssistant2.ConsumerDronesSeries"),
                strong("dji.assistant"),
            )
            .also(Winget("DJI.DJIAssistant2.ForMavic"), strong("dji.assistant"))
            .see("DJI.DJITerra", Winget("DJI.DJITerra"), strong("dji.terra")),
        row("B.2", "inno product code", "{7369D6A6-CBF3-428F-8C82-3D647630FC9A}_is1").see(
            "{7369D6A6-CBF3-428F-8C82-3D647630FC9A}_is1",
            Key("{7369D6A6-CBF3-428F-8C82-3D647630FC9A}_is1"),
            strong("dji.assistant"),
        ),
        row("B.2", "publisher", "SZ DJI Technology Co., Ltd.")
            .all(&["SZ DJI Technology Co., Ltd.", "DJI"], By, strong("dji.other"))
            .not("com.dji.*", "of macOS"),
        row("B.2", "product code / name / winget", "{4C5B5DA2-2E55-43F4-852A-5089BEA29061}Visible")
            .see(
                "{4C5B5DA2-2E55-43F4-852A-5089BEA29061}Visible",
                Key("{4C5B5DA2-2E55-43F4-852A-5089BEA29061}Visible"),
                strong(home),
            )
            .see(
                "Acronis Cyber Protect Home Office",
                Named("Acronis Cyber Protect Home Office"),
                strong(home),
            )
            .see("Acronis.CyberProtectHomeOffice", Winget("Acronis.CyberProtectHomeOffice"), strong(home)),
        row("B.2", "service", "AcronisAgent")
            .see("AcronisAgent", Service("AcronisAgent"), strong("acronis.cyber-protect-agent"))
            .all(&["AcrSch2Svc", "Acronis VSS Provider"], Service, strong("acronis.other")),
        row("B.2", "process", "AcronisCyberProtectConnectAgent.exe")
            .see(
                "AcronisCyberProtectConnectAgent.exe",
                Program("AcronisCyberProtectConnectAgent.exe"),
                strong("acronis.cyber-protect-connect"),
            )
            .see(
                "AcronisCyberProtectConnectQuickAssist*.exe",
                Program("AcronisCyberProtectConnectQuickAssist_x64.exe"),
                strong("acronis.cyber-protect-connect"),
            )
            .see(
                "active_protection_service.exe",
                Program("active_protection_service.exe"),
                weak("acronis.cyber-protect-agent"),
            ),
        row("B.2", "driver", "tracker.sys")
            .all(&["NgScan.sys", "afcdp.sys"], Driver, strong("acronis.other"))
            .all(
                &[
                    "tracker.sys",
                    "File_monitor.sys",
                    "file_tracker.sys",
                    "exbackup.sys",
                    "file_protector.sys",
                    "Ghost_file.sys",
                    "virtual_file.sys",
                ],
                Driver,
                weak("acronis.other"),
            ),
        row("B.2", "winget_id", "Alibaba.*")
            .see("Alibaba.*", Winget("Alibaba.SomethingNew"), strong("alibaba.other"))
            .also(Winget("Alibaba.DingTalk.Mainland"), strong("alibaba.dingtalk"))
            .also(Winget("Alibaba.Qianwen"), strong("alibaba.artificial-intelligence"))
            .see("AlibabaCloudCLI", Winget("Alibaba.AlibabaCloudCLI"), review("alibaba.developer-tools"))
            .see(
                "DingTalkWorkspaceCLI",
                Winget("Alibaba.DingTalkWorkspaceCLI"),
                review("alibaba.developer-tools"),
            )
            .see("CosyVoice", Winget("Alibaba.CosyVoice"), review("alibaba.developer-tools")),
        row("B.2", "process / signer", "alitask.exe")
            .see("alitask.exe", Program("alitask.exe"), weak("alibaba.commerce"))
            .see(
                "TAOBAO (CHINA) SOFTWARE CO.,LTD.",
                Signed("a.exe", "/CN=TAOBAO (CHINA) SOFTWARE CO.,LTD."),
                strong("alibaba.other"),
            )
            .see(
                "ALIBABA (CHINA) NETWORK TECHNOLOGY CO.,LTD.",
                Signed("b.exe", "/CN=ALIBABA (CHINA) NETWORK TECHNOLOGY CO.,LTD."),
                strong("alibaba.other"),
            ),
        row("B.2", "driver", "AliFileMonitorDriver.sys").see(
            "AliFileMonitorDriver.sys",
            Driver("AliFileMonitorDriver.sys"),
            strong("alibaba.other"),
        ),
        row("B.2", "driver", "Kisknl.sys").all(
            &["Kisknl.sys", "ksfsflt.sys", "dgsafe.sys"],
            Driver,
            strong("kingsoft.antivirus"),
        ),
        row("B.2", "driver", "Bfmon.sys").all(
            &[
                "Bfmon.sys",
                "bdsysmon.sys",
                "BdRdFolder.sys",
                "BDFileDefend.sys",
                "BDsdKit.sys",
                "bd0003.sys",
                "Bfilter.sys",
            ],
            Driver,
            strong("baidu.antivirus"),
        ),
        row("B.2", "winget_id", "Baidu.*")
            .see("Baidu.*", Winget("Baidu.BaiduPinyin"), strong("baidu.other"))
            .also(Winget("Baidu.BaiduNetdisk"), strong("baidu.netdisk"))
            .also(Winget("Baidu.TeraBox"), strong("baidu.terabox"))
            .also(Winget("Baidu.Comate"), strong("baidu.comate"))
            .see("Xiaomi.*", Winget("Xiaomi.SomethingNew"), strong("xiaomi.other"))
            .also(Winget("Xiaomi.MIUI+"), strong("xiaomi.phone-suite"))
            .also(Winget("Xiaomi.XiaomiCloud"), strong("xiaomi.cloud"))
            .see("Kingsoft.*", Winget("Kingsoft.SomethingNew"), strong("kingsoft.other"))
            .also(Winget("Kingsoft.WPSOffice.CN"), strong("kingsoft.wps-office"))
            .also(Winget("Kingsoft.PowerWord"), strong("kingsoft.powerword")),
        row("B.2", "winget_id", "MoonshotAI.Kimi")
            .see("MoonshotAI.Kimi", Winget("MoonshotAI.Kimi"), strong("moonshot.kimi"))
            .all(&["MoonshotAI.KimiCLI", "MoonshotAI.KimiCodeCLI"], Winget, strong("moonshot.kimi-cli"))
            .see("ZhipuAI.ChatGLM", Winget("ZhipuAI.ChatGLM"), strong("zhipu.chatglm"))
            .see("ZhipuAI.AutoGLM", Winget("ZhipuAI.AutoGLM"), strong("zhipu.autoclaw"))
            .see("ZhipuAI.ZCode", Winget("ZhipuAI.ZCode"), strong("zhipu.zcode")),
        row("B.2", "name", "moomoo")
            .see("moomoo", Named("moomoo"), weak("moomoo.desktop"))
            .see("Futu_OpenD", Named("Futu_OpenD"), weak("moomoo.opend"))
            .see("Tiger Trade", Named("Tiger Trade"), weak("tiger-brokers.tiger-trade")),
    ]
}
