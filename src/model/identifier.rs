//! Typed identifiers of items. The list is closed, so that rules can be checked against it.
//!
//! Part of an item. A new type is one line here and one in `ruleset::fields`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! types {
    ($($name:ident $word:literal $means:literal,)*) => {
        /// Types of identifiers.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        pub enum IdentifierType { $(#[doc = $means] #[serde(rename = $word)] $name,)* }

        impl IdentifierType {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in rules and reports.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it is, for people.
            pub fn means(self) -> &'static str {
                match self { $(Self::$name => $means,)* }
            }
        }
    };
}

types! {
    SourcePackage "source-package" "The source package a binary package was built from",
    Homepage "homepage" "Homepage in the package's record",
    FlatpakId "flatpak-id" "Flatpak application id",
    SnapName "snap-name" "Snap name in the store",
    DesktopId "desktop-id" "Desktop entry id (its file name)",
    Account "account" "Name of a system account or group",
    UninstallKey "uninstall-key" "Name of the key below Windows' `Uninstall`",
    ProductCode "product-code" "Product code of Windows Installer: `{GUID}`",
    UpgradeCode "upgrade-code" "Upgrade code of Windows Installer, the same for all versions of a product",
    PackageFamilyName "package-family-name" "Package family name of MSIX: name, underscore, hash of the publisher",
    WingetId "winget-id" "Package id of winget",
    ChocolateyId "chocolatey-id" "Package id of Chocolatey",
    ScoopId "scoop-id" "Name of a Scoop app",
    OriginalFilename "original-filename" "`OriginalFilename` of a version resource: what a renamed program was called",
    ProductName "product-name" "`ProductName` of a version resource",
    FilterAltitude "filter-altitude" "Altitude of a Windows minifilter driver, allocated by Microsoft",
    BundleId "bundle-id" "Bundle identifier of Apple: applications, extensions, receipts, kernel extensions",
    CaskToken "cask-token" "Token of a Homebrew cask, or name of a formula",
    ExtensionId "extension-id" "Id of a browser extension",
    NativeMessagingHost "native-messaging-host" "Name of a native messaging host that a browser may start",
    Thumbprint "thumbprint" "SHA-1 of a certificate, as Windows shows it",
    UsbId "usb-id" "Vendor and product of a USB device, hexadecimal: `1d6b:0104`",
    DeviceSerial "device-serial" "Serial number that a device tells of itself",
    EdidId "edid-id" "Manufacturer and product of a display's EDID: `LNX:7773`",
    Sha256 "sha256" "SHA-256 of the file, hexadecimal",
}

/// A typed identifier of an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// What kind of identifier.
    #[serde(rename = "type")]
    pub kind: IdentifierType,
    /// Its value, as recorded.
    pub value: String,
}

impl Identifier {
    /// An identifier as recorded.
    pub fn new(kind: IdentifierType, value: impl Into<String>) -> Self {
        Self { kind, value: value.into() }
    }
}
