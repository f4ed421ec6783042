//! Rows of B.1.1: names, publishers, ids of packages and keys of Kaspersky.

use crate::layout::Lay::{By, Choco, Company, Msi, Named, NamedBy, Program, RegKey, Signed, Winget};
use crate::layout::MAKER;
use crate::row::{Row, left, row, strong, tool, weak};

const ANTIVIRUS: &str = "kaspersky.protection-core";
const AGENT: &str = "kaspersky.network-agent";
const OTHER: &str = "kaspersky.other";

/// B.1.1: names, publishers, ids of packages, keys.
pub fn names() -> Vec<Row> {
    let maker = "AO Kaspersky Lab";
    let consumer = "kaspersky.standard-plus-premium";
    vec![
        row("B.1.1", "uninstall_publisher", "Kaspersky").see("Kaspersky", By("Kaspersky"), strong(OTHER)),
        row("B.1.1", "uninstall_publisher", "Kaspersky Lab").see(
            "Kaspersky Lab",
            By("Kaspersky Lab"),
            strong(OTHER),
        ),
        row("B.1.1", "uninstall_publisher", maker).see(maker, By(maker), strong(OTHER)),
        row("B.1.1", "uninstall_publisher", "АО \"Лаборатория Касперского\"")
            .see("АО \"Лаборатория Касперского\"", By("АО \"Лаборатория Касперского\""), strong(OTHER))
            .also(By("АО «Лаборатория Касперского»"), strong(OTHER))
            .also(By("АО Лаборатория Касперского"), strong(OTHER)),
        row("B.1.1", "company_name (version resource)", "Лаборатория Касперского")
            .see("Лаборатория Касперского", Company("Лаборатория Касперского"), strong(OTHER))
            // Of the form with ЗАО no document was seen.
            .see("ЗАО \"Лаборатория Касперского\"", Company("ЗАО \"Лаборатория Касперского\""), weak(OTHER)),
        row("B.1.1", "uninstall_name", "Kaspersky")
            .all(
                &["Kaspersky", "Kaspersky Standard", "Kaspersky Plus", "Kaspersky Premium", "Kaspersky Free"],
                |name| NamedBy(name, "Kaspersky"),
                strong(consumer),
            )
            .see("Kaspersky Basic", NamedBy("Kaspersky Basic", maker), strong(consumer)),
        row("B.1.1", "uninstall_name", "Kaspersky").again("without a publisher").all(
            &[
                "Kaspersky",
                "Kaspersky Standard",
                "Kaspersky Plus",
                "Kaspersky Premium",
                "Kaspersky Free",
                "Kaspersky Basic",
            ],
            Named,
            weak(consumer),
        ),
        row("B.1.1", "uninstall_name", "Kaspersky Anti-Virus")
            .see("Kaspersky Anti-Virus", Named("Kaspersky Anti-Virus"), strong("kaspersky.anti-virus"))
            .also(Named("Kaspersky Anti-Virus 21.3"), strong("kaspersky.anti-virus"))
            .see(
                "Kaspersky Internet Security",
                Named("Kaspersky Internet Security"),
                strong("kaspersky.internet-security"),
            )
            .see(
                "Kaspersky Total Security",
                Named("Kaspersky Total Security"),
                strong("kaspersky.total-security"),
            )
            .see(
                "Kaspersky Security Cloud",
                Named("Kaspersky Security Cloud"),
                strong("kaspersky.security-cloud"),
            )
            .see(
                "Kaspersky Small Office Security",
                Named("Kaspersky Small Office Security"),
                strong("kaspersky.small-office-security"),
            )
            .see("Kaspersky CRYSTAL", Named("Kaspersky CRYSTAL"), strong("kaspersky.total-security"))
            .see("Kaspersky PURE", Named("Kaspersky PURE 3.0"), strong("kaspersky.total-security")),
        row("B.1.1", "uninstall_name", "Kaspersky Password Manager")
            .see(
                "Kaspersky Password Manager",
                Named("Kaspersky Password Manager"),
                strong("kaspersky.password-manager"),
            )
            .see("Kaspersky VPN", Named("Kaspersky VPN"), strong("kaspersky.vpn"))
            .see("Kaspersky Secure Connection", Named("Kaspersky Secure Connection"), strong("kaspersky.vpn"))
            .see("Kaspersky Safe Kids", Named("Kaspersky Safe Kids"), strong("kaspersky.safe-kids"))
            // Of the last two no document was seen.
            .see(
                "Kaspersky Software Updater",
                Named("Kaspersky Software Updater"),
                weak("kaspersky.software-updater"),
            )
            .see(
                "Kaspersky Virus Removal Tool",
                Named("Kaspersky Virus Removal Tool"),
                tool("kaspersky.virus-removal-tool"),
            ),
        endpoint(),
        row("B.1.1", "uninstall_name", r"(?i)\bkaspersky\b|касперск")
            .see(r"(?i)\bkaspersky\b|касперск", Named("Some Kaspersky thing"), weak(OTHER))
            .also(Named("Утилита Касперского"), weak(OTHER)),
        // A script of one administrator has the two codes: shown, and never enough by themselves.
        row("B.1.1", "msi_product_code", "{C9EF800D-54AA-4F60-AB96-5A3966550F53}").see(
            "{C9EF800D-54AA-4F60-AB96-5A3966550F53}",
            Msi("{C9EF800D-54AA-4F60-AB96-5A3966550F53}"),
            weak("kaspersky.endpoint-security"),
        ),
        row("B.1.1", "msi_product_code", "{0F05E4E5-5A89-482C-9A62-47CC58643788}").see(
            "{0F05E4E5-5A89-482C-9A62-47CC58643788}",
            Msi("{0F05E4E5-5A89-482C-9A62-47CC58643788}"),
            weak(AGENT),
        ),
        row("B.1.1", "winget_id", "Kaspersky.Kaspersky")
            .see("Kaspersky.Kaspersky", Winget("Kaspersky.Kaspersky"), strong(consumer))
            .see(
                "Kaspersky.KasperskyAnti-Virus",
                Winget("Kaspersky.KasperskyAnti-Virus"),
                strong("kaspersky.anti-virus"),
            )
            .see(
                "Kaspersky.KasperskyInternetSecurity",
                Winget("Kaspersky.KasperskyInternetSecurity"),
                strong("kaspersky.internet-security"),
            )
            .see(
                "Kaspersky.KasperskyTotalSecurity",
                Winget("Kaspersky.KasperskyTotalSecurity"),
                strong("kaspersky.total-security"),
            )
            .all(
                &["Kaspersky.KasperskySecurityCloud", "Kaspersky.SecurityCloud"],
                Winget,
                strong("kaspersky.security-cloud"),
            )
            .see(
                "Kaspersky.KasperskySafeKids",
                Winget("Kaspersky.KasperskySafeKids"),
                strong("kaspersky.safe-kids"),
            )
            .see(
                "Kaspersky.KasperskyVPNSecureConnection",
                Winget("Kaspersky.KasperskyVPNSecureConnection"),
                strong("kaspersky.vpn"),
            ),
        row("B.1.1", "choco_id", "kav")
            .see("kav", Choco("kav"), weak("kaspersky.anti-virus"))
            .see("kis", Choco("kis"), weak("kaspersky.internet-security"))
            .see("kts", Choco("kts"), weak("kaspersky.total-security"))
            .see("kaspersky*", Choco("kaspersky-standard"), weak(OTHER))
            .see("kvrt", Choco("kvrt"), tool("kaspersky.virus-removal-tool"))
            .see("tdsskiller", Choco("tdsskiller"), tool("kaspersky.removal-and-rescue-tools")),
        downloads(),
        row("B.1.1", "domain", "*.kaspersky.com")
            .unseen("reading the vendor's news leaves its domains; no source has them"),
        row("B.1.1", "event_provider", "avp").unseen("no source reads event logs"),
        row("B.1.1", "registry_key", r"HKLM\SOFTWARE\KasperskyLab").see(
            r"HKLM\SOFTWARE\KasperskyLab",
            RegKey("KasperskyLab"),
            left(ANTIVIRUS),
        ),
        row("B.1.1", "registry_key", r"HKLM\SOFTWARE\KasperskyLab").again("32 bits").see(
            r"HKLM\SOFTWARE\WOW6432Node\KasperskyLab",
            RegKey(r"WOW6432Node\KasperskyLab"),
            left(ANTIVIRUS),
        ),
        row("B.1.1", "registry_key", r"HKLM\SOFTWARE\(WOW6432Node\)?KasperskyLab\AVP\d+\.\d+(\.\d+)?")
            .see(
                r"HKLM\SOFTWARE\(WOW6432Node\)?KasperskyLab\AVP\d+\.\d+(\.\d+)?",
                RegKey(r"WOW6432Node\KasperskyLab\AVP21.24"),
                left(ANTIVIRUS),
            )
            .also(RegKey(r"KasperskyLab\AVP15.0.2\environment"), left(ANTIVIRUS))
            .also(RegKey(r"KasperskyLab\AVP20.0\Data\UpdateState"), left(ANTIVIRUS)),
        row("B.1.1", "registry_key", r"…\KasperskyLab\protected\AVP13|AVP14.0.0|KSOS13|PURE13")
            .all(
                &[r"…\KasperskyLab\protected\AVP13|AVP14.0.0|KSOS13|PURE13"],
                |_| RegKey(r"WOW6432Node\KasperskyLab\protected\AVP13"),
                left(ANTIVIRUS),
            )
            .also(RegKey(r"WOW6432Node\KasperskyLab\protected\AVP14.0.0"), left(ANTIVIRUS))
            .also(RegKey(r"KasperskyLab\protected\KSOS13"), left(ANTIVIRUS))
            .also(RegKey(r"KasperskyLab\protected\PURE13\Data"), left(ANTIVIRUS))
            .not(
                r"…\protected\*\Data\LastSuccessfulUpdate",
                "the date is told of the key: `the_last_update_is_told`",
            )
            .not("LicKeyType", "a value in the key above, which is seen")
            .not("LicDaysTillExpiration", "a value in the key above, which is seen"),
        row("B.1.1", "registry_key", r"…\KasperskyLab\Components\34\1103\1.0.0.0\Statistics\AVState")
            .see(
                r"…\KasperskyLab\Components\34\1103\1.0.0.0\Statistics\AVState",
                RegKey(r"WOW6432Node\KasperskyLab\Components\34\1103\1.0.0.0\Statistics\AVState"),
                left(AGENT).strong(),
            )
            .see(
                r"…\Components\27\1103\1.0.0.0\Installer",
                RegKey(r"KasperskyLab\Components\27\1103\1.0.0.0\Installer"),
                left(AGENT).strong(),
            ),
        // A key alone is never better than weak, says the reference before its tables.
        row("B.1.1", "registry_key", r"…\KasperskyLab\WSEE\10.1\Install").see(
            r"…\KasperskyLab\WSEE\10.1\Install",
            RegKey(r"KasperskyLab\WSEE\10.1\Install"),
            left("kaspersky.windows-server"),
        ),
    ]
}

fn endpoint() -> Row {
    let named =
        |row: Row, name: &'static str, product: &'static str| row.see(name, Named(name), strong(product));
    let row = row("B.1.1", "uninstall_name", "Kaspersky Endpoint Security for Windows");
    let row = named(row, "Kaspersky Endpoint Security for Windows", "kaspersky.endpoint-security");
    let row = named(row, "Kaspersky Endpoint Agent", "kaspersky.endpoint-agent");
    let row = named(row, "Kaspersky Security Center Network Agent", AGENT);
    let row = named(row, "Kaspersky Security for Windows Server", "kaspersky.windows-server");
    let row = named(row, "Kaspersky Embedded Systems Security", "kaspersky.embedded-systems-security");
    let row =
        named(row, "Kaspersky Industrial CyberSecurity for Nodes", "kaspersky.industrial-cybersecurity");
    let row = named(row, "Kaspersky Security Center Web Console", "kaspersky.security-center");
    let row =
        named(row, "Kaspersky Endpoint Security 8 for Windows Console Plug-in", "kaspersky.security-center");
    row.see(
        "Kaspersky Security Center * Administration Server",
        Named("Kaspersky Security Center 14.2 Administration Server"),
        strong("kaspersky.security-center"),
    )
    // Of this no document was seen.
    .see(
        "Kaspersky Security 9 for Microsoft Exchange Servers",
        Named("Kaspersky Security 9 for Microsoft Exchange Servers"),
        weak("kaspersky.exchange"),
    )
}

/// Downloads are seen where programs lie: below the folders of programs and of users' programs.
fn downloads() -> Row {
    let rescue = "kaspersky.removal-and-rescue-tools";
    row("B.1.1", "file_name", "kes_win.msi")
        .see("kes_win.msi", Program("kes_win.msi"), tool("kaspersky.endpoint-security"))
        .see("Kaspersky Network Agent.msi", Program("Kaspersky Network Agent.msi"), tool(AGENT))
        .see(
            "keswin_*_en_aes256.exe",
            Program("keswin_12.1.0.506_en_aes256.exe"),
            tool("kaspersky.endpoint-security"),
        )
        .see("ksec*en_*.exe", Program("ksec5.2.0en_24576.exe"), tool("kaspersky.vpn"))
        .see("ks4.*en_*.exe", Program("ks4.021.3.10.391en_24576.exe"), tool("kaspersky.security-cloud"))
        .see("KVRT.exe", Signed("KVRT.exe", MAKER), tool("kaspersky.virus-removal-tool").conclusive())
        .see("TDSSKiller.exe", Signed("TDSSKiller.exe", MAKER), tool(rescue).conclusive())
        .see("kavremover.exe", Program("kavremover.exe"), tool(rescue))
        .see("kavremvr.exe", Program("kavremvr.exe"), tool(rescue))
        .not("startup.exe", "the name of any installer: no rule has it")
}
