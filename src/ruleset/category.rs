//! What products are for: the words that policies make exceptions for, and those that a site adds.
//!
//! Said by vendor files, asked by policies. `docs/fields.md` lists the known ones.

use serde::Serialize;

/// What a product is for. A site may have words of its own; one that no list and no product has is a fault where a
/// policy asks for it, so that an exception cannot miss by a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Category(String);

impl Category {
    /// Known words and what they mean.
    pub const KNOWN: &'static [(&'static str, &'static str)] = &[
        ("security", "Protection against malware, attackers, spam"),
        ("management", "Management of other software"),
        ("sdk", "Parts for other makers' products"),
        ("removal-tool", "Removes or repairs, is carried in and thrown away"),
        ("threat-intelligence", "Information about threats"),
        ("training", "Courses and awareness"),
        ("consulting", "Consulting and advice"),
        ("vpn", "Virtual private networks"),
        ("password-manager", "Password managers"),
        ("parental-control", "Control over what children do"),
        ("browser-extension", "Add-ons of browsers"),
        ("backup", "Backup and disaster recovery"),
        ("social-media", "Social media and short videos"),
        ("communication", "Messengers, mail and meetings"),
        ("artificial-intelligence", "Language models, and clients of them"),
        ("office", "Office suites, notes, input methods"),
        ("media", "Pictures, films, music"),
        ("cloud-storage", "Storage in a cloud"),
        ("cloud-agent", "Agents that a hoster puts into its machines"),
        ("developer-tool", "Tools for developers"),
        ("browser", "Web browsers"),
        ("commerce", "Shopping and payment"),
        ("finance", "Brokers and banks"),
        ("video-surveillance", "Cameras, recorders and their clients"),
        ("telecommunication", "Radio, modems and telephony"),
        ("drone", "Drones"),
        ("device-software", "Companions of phones, computers and other devices, and their drivers"),
        ("game", "Games and what guards them"),
        ("remote-access", "Remote control of a computer by software"),
        ("ip-kvm", "Devices that control a computer by its screen, keyboard and mouse"),
        ("embedding", "Other makers' products with the vendor's code inside"),
        ("other", "Anything else"),
    ];

    /// A category by its word.
    pub(super) fn new(word: impl Into<String>) -> Self {
        Self(word.into())
    }

    /// The word in rules.
    pub fn word(&self) -> &str {
        &self.0
    }

    /// Whether it is one of the known words.
    pub fn is_known(&self) -> bool {
        Self::KNOWN.iter().any(|(word, _)| *word == self.0)
    }
}
