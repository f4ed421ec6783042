//! Rows of B.1.2 and B.1.3: services, drivers, programs, folders, certificates of Kaspersky.

use crate::layout::Lay::{
    Altitude, DriverBy, File, Folder, Program, RootCert, SecurityCenter, Service, ServiceAt, Shown, Signed,
};
use crate::layout::MAKER;
use crate::row::{Row, embedded, left, product, row, strong, tool, weak};

const ANTIVIRUS: &str = "kaspersky.protection-core";
const AGENT: &str = "kaspersky.network-agent";
const OTHER: &str = "kaspersky.other";
const NO_EXTENSIONS: &str =
    "browser extensions and their native hosts are sources of their own, which come later";

/// B.1.2: services, drivers, programs, folders.
pub fn programs() -> Vec<Row> {
    let vpn = "kaspersky.vpn";
    let center = "kaspersky.security-center";
    let server = "kaspersky.windows-server";
    vec![
        row("B.1.2", "service", r"^AVP\d{2}\.\d+(\.\d+)?$")
            .see(r"^AVP\d{2}\.\d+(\.\d+)?$", Service("AVP21.3"), strong(ANTIVIRUS))
            .also(Service("AVP18.0.0"), strong(ANTIVIRUS))
            .also(Service("AVP21.26"), strong(ANTIVIRUS)),
        row("B.1.2", "service", "AVP").see("AVP", Service("AVP"), weak(ANTIVIRUS)),
        row("B.1.2", "service", "AVP").again("where the maker puts it").see(
            "AVP",
            ServiceAt("AVP", "Program Files (x86)/Kaspersky Lab/KAV 6/avp.exe"),
            strong(ANTIVIRUS),
        ),
        row("B.1.2", "service_display", "Kaspersky Anti-Virus Service *")
            .see(
                "Kaspersky Anti-Virus Service *",
                Shown("Kaspersky Anti-Virus Service 21.2"),
                strong(ANTIVIRUS),
            )
            .see(
                "Kaspersky Endpoint Security Service",
                Shown("Kaspersky Endpoint Security Service"),
                strong(ANTIVIRUS),
            )
            .see(
                "Kaspersky Volume Shadow Copy Service Bridge *",
                Shown("Kaspersky Volume Shadow Copy Service Bridge 21.2"),
                strong(ANTIVIRUS),
            )
            .see(
                "Kaspersky VPN Secure Connection Service *",
                Shown("Kaspersky VPN Secure Connection Service 5.2"),
                strong(vpn),
            ),
        row("B.1.2", "service", r"^KSDE\d+\.\d+(\.\d+)?$")
            .see(r"^KSDE\d+\.\d+(\.\d+)?$", Service("KSDE1.0.0"), strong(vpn))
            .also(Service("KSDE5.2"), strong(vpn)),
        row("B.1.2", "service", "klnagent").see("klnagent", Service("klnagent"), strong(AGENT)),
        row("B.1.2", "service/process", "kladminserver")
            // The name is from general knowledge only.
            .see("kladminserver", Service("kladminserver"), weak(center))
            .see("klserver.exe", Program("klserver.exe"), strong(center))
            .see("klactprx(.exe)", Service("klactprx"), strong(center))
            .also(Program("klactprx.exe"), strong(center))
            .see("klcsweb.exe", Program("klcsweb.exe"), strong(center))
            .see("KSCWebConsole*", Service("KSCWebConsoleManagement"), strong(center))
            .see("KSCWebConsoleMessageQueue", Service("KSCWebConsoleMessageQueue"), strong(center)),
        row("B.1.2", "service", "KAVFS").all(
            &["KAVFS", "KAVFSGT", "kavfsslp", "kavfsscs"],
            Service,
            strong(server),
        ),
        row("B.1.2", "driver", "klif.sys")
            .all(
                &[
                    "klif.sys",
                    "klflt.sys",
                    "klhk.sys",
                    "klim6.sys",
                    "klwfp.sys",
                    "klwtp.sys",
                    "klpd.sys",
                    "klkbdflt.sys",
                    "klkbdflt2.sys",
                    "klmouflt.sys",
                    "kltap.sys",
                    "klbackupflt.sys",
                    "klbackupdisk.sys",
                    "klgse.sys",
                    "klids.sys",
                    "klpnpflt.sys",
                    "klelam.sys",
                    "kneps.sys",
                    "klam.sys",
                    "klboot.sys",
                    "klupd_klif_klark.sys",
                    "klupd_klif_mark.sys",
                    "klupd_klif_arkmon.sys",
                    "klupd_klif_klbg.sys",
                    "klupd_klif_kimul.sys",
                ],
                |name| DriverBy(name, MAKER),
                strong(ANTIVIRUS),
            )
            .see("klupd_klif_swmon", DriverBy("klupd_klif_swmon.sys", MAKER), strong(ANTIVIRUS)),
        row("B.1.2", "driver", "klfdefsf.sys").all(
            &[
                "klfdefsf.sys",
                "klrsps.sys",
                "klsnsr.sys",
                "klifks.sys",
                "klifaa.sys",
                "Klifsm.sys",
                "klbg.sys",
                "kldback.sys",
                "kldlinf.sys",
                "kldtool.sys",
                "Klcdp.sys",
                "Klshadow.sys",
                "Klsysrec.sys",
                "klvfs.sys",
                "Klfle.sys",
                "Klvirt.sys",
                "Klsec.sys",
            ],
            |name| DriverBy(name, MAKER),
            strong(ANTIVIRUS),
        ),
        row("B.1.2", "driver", r"^klif\.kes-\d+-\d+(\.sys)?$")
            .see(r"^klif\.kes-\d+-\d+(\.sys)?$", DriverBy("KLIF.KES-21-9.sys", MAKER), strong(ANTIVIRUS))
            .see(
                r"^klbackupflt\.kes-\d+-\d+(\.sys)?$",
                DriverBy("klbackupflt.KES-21-9.sys", MAKER),
                strong(ANTIVIRUS),
            )
            .see(
                r"^klupd_(klif|klifsdk|kes[-0-9]*)_[a-z]+(64)?(\.sys)?$",
                DriverBy("klupd_KES-21-9_arkmon.sys", MAKER),
                strong(ANTIVIRUS),
            )
            .also(DriverBy("klupd_klif_arkmon64.sys", MAKER), strong(ANTIVIRUS)),
        row("B.1.2", "driver", "klifsdk")
            .see("klifsdk", DriverBy("klifsdk.sys", MAKER), embedded("kaspersky.sdk-in-other-product"))
            .see(
                "klupd_klifsdk_arkmon",
                DriverBy("klupd_klifsdk_arkmon.sys", MAKER),
                embedded("kaspersky.sdk-in-other-product"),
            ),
        row("B.1.2", "driver", "kl1.sys")
            .all(&["kl1.sys", "kldisk.sys", "cm_km.sys"], |name| DriverBy(name, MAKER), weak(ANTIVIRUS))
            .see("klfltdev", DriverBy("klfltdev.sys", MAKER), weak(ANTIVIRUS))
            .see("klramdisk", DriverBy("klramdisk.sys", MAKER), weak(ANTIVIRUS))
            .see("klips", DriverBy("klips.sys", MAKER), weak(ANTIVIRUS)),
        row("B.1.2", "process", "avp.exe")
            .all(&["avpui.exe", "avpsus.exe", "kescli.exe"], Program, strong(ANTIVIRUS))
            .all(&["avp.exe", "avp.com"], Program, weak(ANTIVIRUS)),
        row("B.1.2", "process", "ksde.exe")
            .all(&["ksde.exe", "ksdeui.exe"], Program, strong(vpn))
            // Nothing by itself: with the maker's signature or folder it is the product.
            .see("kpm.exe", Signed("kpm.exe", MAKER), strong("kaspersky.password-manager"))
            .also(
                Program("Program Files (x86)/Kaspersky Lab/Kaspersky Password Manager/kpm.exe"),
                strong("kaspersky.password-manager"),
            ),
        row("B.1.2", "process", "klnagent.exe")
            .all(
                &[
                    "klnagent.exe",
                    "klnagchk.exe",
                    "klscctl.exe",
                    "klmover.exe",
                    "klcsldcl.exe",
                    "klwtblfs.exe",
                ],
                Program,
                strong(AGENT),
            )
            .see("vapm.exe", Program("vapm.exe"), weak(AGENT))
            .see("soyuz.exe", Program("soyuz.exe"), weak("kaspersky.endpoint-agent")),
        row("B.1.2", "process", "kavfs.exe")
            .all(
                &[
                    "kavfs.exe",
                    "kavfsgt.exe",
                    "kavfswp.exe",
                    "kavfswh.exe",
                    "kavfsscs.exe",
                    "kavfsrcn.exe",
                    "kavfsmui.exe",
                    "kavfsslp.exe",
                ],
                Program,
                strong(server),
            )
            .all(&["kavtray.exe", "kavshell.exe"], Program, weak(server)),
        row("B.1.2", "file", "antimalware_provider.dll").all(
            &["antimalware_provider.dll", r"\Kaspersky Lab\…\x64\"],
            |_| Program("Program Files (x86)/Kaspersky Lab/Kaspersky 21.9/x64/antimalware_provider.dll"),
            strong(OTHER),
        ),
        folders(),
        row("B.1.2", "path", r"%ProgramData%\Kaspersky Lab\AVP*\")
            .see(
                r"%ProgramData%\Kaspersky Lab\AVP*\",
                Folder("ProgramData/Kaspersky Lab/AVP21.26"),
                left(ANTIVIRUS),
            )
            .see(
                r"%ProgramData%\Kaspersky Lab\KES*\",
                Folder("ProgramData/Kaspersky Lab/KES.21.9"),
                left(ANTIVIRUS),
            )
            .see(r"%ProgramData%\KasperskyLab\", Folder("ProgramData/KasperskyLab"), left(ANTIVIRUS)),
        row("B.1.2", "path", r"%SystemDrive%\KVRT_Data")
            .see(r"%SystemDrive%\KVRT_Data", Folder("KVRT_Data"), tool("kaspersky.virus-removal-tool").left())
            .see(
                r"%SystemDrive%\KVRT2020_Data",
                Folder("KVRT2020_Data"),
                tool("kaspersky.virus-removal-tool").left(),
            ),
        [
            "320400", "320401", "320350", "320450", "328650", "389510", "100800", "389500", "385815",
            "385810", "362902", "362901", "362900", "320440", "320430", "320420", "320410", "288900",
            "268300", "221500", "148810", "148800", "138100", "87200",
        ]
        .iter()
        .fold(row("B.1.2", "filter_altitude", ""), |row, altitude| {
            row.also(Altitude(altitude), strong(ANTIVIRUS))
        }),
    ]
}

fn folders() -> Row {
    let total = "kaspersky.total-security";
    row("B.1.2", "path", r"%ProgramFiles(x86)%\Kaspersky Lab\*")
        .see(
            r"%ProgramFiles(x86)%\Kaspersky Lab\*",
            Program("Program Files (x86)/Kaspersky Lab/Anything/any.exe"),
            strong(OTHER),
        )
        .see(
            r"%ProgramFiles%\Kaspersky Lab\*",
            Program("Program Files/Kaspersky Lab/Anything/other.exe"),
            strong(OTHER),
        )
        .see(
            r"…\Kaspersky Total Security 21.2\avp.exe",
            Program("Program Files (x86)/Kaspersky Lab/Kaspersky Total Security 21.2/avp.exe"),
            strong(total),
        )
        .see(
            r"…\Kaspersky VPN 5.2\ksde.exe",
            Program("Program Files (x86)/Kaspersky Lab/Kaspersky VPN 5.2/ksde.exe"),
            strong("kaspersky.vpn"),
        )
        .see(
            r"…\Kaspersky Endpoint Security for Windows\",
            Program("Program Files (x86)/Kaspersky Lab/Kaspersky Endpoint Security for Windows/x.exe"),
            strong("kaspersky.endpoint-security"),
        )
        .see(
            r"…\NetworkAgent\klnagent.exe",
            Program("Program Files (x86)/Kaspersky Lab/NetworkAgent/klnagent.exe"),
            strong(AGENT),
        )
        .see(
            r"…\Kaspersky Security Center\klserver.exe",
            Program("Program Files (x86)/Kaspersky Lab/Kaspersky Security Center/klserver.exe"),
            strong("kaspersky.security-center"),
        )
}

/// B.1.3: signers, certificates, Security Center, browsers.
pub fn certificates() -> Vec<Row> {
    let cert = "ProgramData/Kaspersky Lab/AVP21.3/Data/Cert/(fake)Kaspersky Anti-Virus personal root certificate.cer";
    let anti_virus = "/CN=Kaspersky Anti-Virus Personal Root Certificate/O=AO Kaspersky Lab";
    vec![
        row("B.1.3", "signer (subject CN/O)", "AO Kaspersky Lab")
            .see("AO Kaspersky Lab", Signed("a.exe", MAKER), product(OTHER).conclusive())
            .see("Kaspersky Lab JSC", Signed("b.exe", "/CN=Kaspersky Lab JSC"), product(OTHER).conclusive())
            .see("Kaspersky Lab", Signed("c.exe", "/CN=Kaspersky Lab"), product(OTHER).conclusive())
            .also(Signed("d.exe", "/CN=Kaspersky Lab ZAO"), strong(OTHER)),
        row("B.1.3", "root_cert", "CN=Kaspersky Anti-Virus Personal Root Certificate, O=AO Kaspersky Lab")
            .see(
                "CN=Kaspersky Anti-Virus Personal Root Certificate, O=AO Kaspersky Lab",
                RootCert(anti_virus),
                left(ANTIVIRUS).strong(),
            )
            .see(
                "AO KASPERSKY LAB",
                RootCert("/CN=Kaspersky Anti-Virus Personal Root Certificate 2/O=AO KASPERSKY LAB/C=RU"),
                left(ANTIVIRUS).strong(),
            ),
        row(
            "B.1.3",
            "path",
            r"%ProgramData%\Kaspersky Lab\AVP*\Data\Cert\(fake)Kaspersky Anti-Virus personal root certificate.cer",
        )
        .see(
            r"%ProgramData%\Kaspersky Lab\AVP*\Data\Cert\(fake)Kaspersky Anti-Virus personal root certificate.cer",
            File(cert),
            left(ANTIVIRUS),
        ),
        // Half known only: weak.
        row("B.1.3", "root_cert", "Kaspersky Endpoint Security Personal Root Certificate")
            .see(
                "Kaspersky Endpoint Security Personal Root Certificate",
                RootCert("/CN=Kaspersky Endpoint Security Personal Root Certificate/O=Somebody"),
                left(ANTIVIRUS),
            )
            .see(
                "Kaspersky Web Anti-Virus Certification Authority",
                RootCert("/CN=Kaspersky Web Anti-Virus Certification Authority/O=Somebody"),
                left(ANTIVIRUS),
            )
            .not("Kaspersky Endpoint Security …", "of Linux; the first value begins so"),
        row(
            "B.1.3",
            r"wsc_name (root\SecurityCenter2 AntiVirusProduct/FirewallProduct displayName)",
            "(?i)^kaspersky",
        )
        .see("(?i)^kaspersky", SecurityCenter("KASPERSKY Something"), strong(ANTIVIRUS))
        .all(
            &["Kaspersky", "Kaspersky Endpoint Security for Windows", "Kaspersky Internet Security"],
            SecurityCenter,
            strong(ANTIVIRUS),
        ),
        row("B.1.3", "browser_ext", "ahkjpbeeocnddjkakilopmfdlnjdpcdm").unseen(NO_EXTENSIONS),
        row("B.1.3", "browser_ext", "amkpcclbbgegoafihnpgomddadjhcadd").unseen(NO_EXTENSIONS),
        row("B.1.3", "browser_ext", "dhnkblpjbkfklfloegejegedcafpliaa").unseen(NO_EXTENSIONS),
        row("B.1.3", "browser_ext", "injhfeogoehjhhacaaahfbkjlomhpgnj").unseen("not to be shipped: one list only"),
        row("B.1.3", "browser_ext", "urladvisor@kaspersky.com").unseen(NO_EXTENSIONS),
        row("B.1.3", "native_host", "com.kaspersky.kav.<32 hex>.host").unseen(NO_EXTENSIONS),
    ]
}
