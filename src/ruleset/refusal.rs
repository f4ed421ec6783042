//! Why rules are refused although they may have no fault: each reason in its own words, with what to do next.
//!
//! Made by `signing` and `accepted`, shown by `cli`.

/// Why signed rules are not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no signature.
    #[error(
        "unsigned rules: {folder} has no {missing}; sign the folder with 'interdict rules sign', or get the signed one"
    )]
    Unsigned {
        /// The folder.
        folder: String,
        /// The file that is not there.
        missing: &'static str,
    },
    /// A file by itself has no signature.
    #[error(
        "unsigned rules: {file} is a single file, and only folders are signed; put it into a signed folder and name that"
    )]
    SingleFile {
        /// The file.
        file: String,
    },
    /// Another key signed it.
    #[error(
        "rules signed by an unknown key: {folder} is signed by {key}, trusted are: {trusted}; trust that key with --trusted-key if it is the right one"
    )]
    UnknownKey {
        /// The folder.
        folder: String,
        /// Id of the key.
        key: String,
        /// Ids of the trusted keys.
        trusted: String,
    },
    /// Something is not as it was signed.
    #[error("altered rules: {folder}: {what}; get the rules again from where they are signed")]
    Altered {
        /// The folder.
        folder: String,
        /// What, file by file.
        what: String,
    },
    /// The list or the signature cannot be read.
    #[error("unusable signature: {folder}: {file}: {why}; get the rules again from where they are signed")]
    Unusable {
        /// The folder.
        folder: String,
        /// Which of the two files.
        file: &'static str,
        /// Why.
        why: String,
    },
    /// Nobody can say which version it is.
    #[error(
        "signed rules without a version: {folder} has no file with [ruleset]; write one and sign the folder again"
    )]
    NoManifest {
        /// The folder.
        folder: String,
    },
    /// An older version than one that was accepted.
    #[error(
        "older rules: {folder} is version {version} of {name}, and version {accepted} was accepted here before; get that or a later one"
    )]
    Older {
        /// The folder.
        folder: String,
        /// The lineage.
        name: String,
        /// Its version.
        version: u64,
        /// The highest version that was accepted.
        accepted: u64,
    },
    /// Two contents under one version.
    #[error(
        "ambiguous rules: {folder} is version {version} of {name}, and other rules were accepted as that version before; whoever releases them must raise the version"
    )]
    OtherContent {
        /// The folder.
        folder: String,
        /// The lineage.
        name: String,
        /// Its version.
        version: u64,
    },
}
