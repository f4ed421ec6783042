//! What a product is for: a closed list, so that an exception for a category cannot miss by a letter.
//!
//! Said by vendor files, asked by policies. `docs/fields.md` lists them.

use serde::{Deserialize, Serialize};

macro_rules! categories {
    ($($name:ident $word:literal $means:literal,)*) => {
        /// What a product is for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize, Serialize)]
        pub enum Category {
            $(#[doc = $means] #[serde(rename = $word)] $name,)*
            /// Anything else.
            #[default]
            #[serde(rename = "other")]
            Other,
        }

        impl Category {
            /// Every category.
            pub const ALL: &'static [Self] = &[$(Self::$name,)* Self::Other];

            /// The word in rules.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* Self::Other => "other" }
            }

            /// What it is, for people.
            pub fn means(self) -> &'static str {
                match self { $(Self::$name => $means,)* Self::Other => "Anything else" }
            }
        }
    };
}

categories! {
    Security "security" "Protection against malware, attackers, spam",
    Management "management" "Management of other software",
    Sdk "sdk" "Parts for other makers' products",
    RemovalTool "removal-tool" "Removes or repairs, is carried in and thrown away",
    ThreatIntelligence "threat-intelligence" "Information about threats",
    Training "training" "Courses and awareness",
    Consulting "consulting" "Consulting and advice",
    Vpn "vpn" "Virtual private networks",
    PasswordManager "password-manager" "Password managers",
    ParentalControl "parental-control" "Control over what children do",
    BrowserExtension "browser-extension" "Add-ons of browsers",
    Backup "backup" "Backup and disaster recovery",
    SocialMedia "social-media" "Social media and short videos",
    Communication "communication" "Messengers, mail and meetings",
    ArtificialIntelligence "artificial-intelligence" "Language models, and clients of them",
    Office "office" "Office suites, notes, input methods",
    Media "media" "Pictures, films, music",
    CloudStorage "cloud-storage" "Storage in a cloud",
    CloudAgent "cloud-agent" "Agents that a hoster puts into its machines",
    DeveloperTool "developer-tool" "Tools for developers",
    Browser "browser" "Web browsers",
    Commerce "commerce" "Shopping and payment",
    Finance "finance" "Brokers and banks",
    VideoSurveillance "video-surveillance" "Cameras, recorders and their clients",
    Telecommunication "telecommunication" "Radio, modems and telephony",
    Drone "drone" "Drones",
    DeviceSoftware "device-software" "Companions of phones, computers and other devices, and their drivers",
    Game "game" "Games and what guards them",
    RemoteAccess "remote-access" "Remote control of a computer by software",
    IpKvm "ip-kvm" "Devices that control a computer by its screen, keyboard and mouse",
    Embedding "embedding" "Other makers' products with the vendor's code inside",
}
