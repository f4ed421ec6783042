//! The list of faults a rule file can have. `docs/diagnostics.md` has a heading for each.
//!
//! Used by this room and shown by `cli`. A code is for life: it is never reused.

/// How bad a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The ruleset cannot be used.
    Error,
    /// The ruleset can be used; a person should look.
    Warning,
}

impl Level {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $word:literal $title:literal;)*) => {
        /// What kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable code: `E0102`; those of errors begin with E, those of warnings with W.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The fault in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// Not TOML.
    Syntax "E0101" "not valid TOML";
    /// A key that the language does not have.
    UnknownKey "E0102" "unknown key";
    /// A value of another type.
    WrongType "E0103" "value of the wrong type";
    /// A key that must be there.
    MissingKey "E0104" "a key is missing";
    /// `schema = 1` is missing, or another.
    Schema "E0105" "no schema version that this program knows";
    /// Neither vendor nor policy nor authority, or several.
    FileKind "E0106" "cannot tell what this file is";
    /// A word that is not in its list.
    UnknownWord "E0107" "a word that is not in its list";
    /// Not a date.
    BadDate "E0108" "not a date";
    /// The file or folder cannot be read.
    Unreadable "E0109" "cannot be read";
    /// A text that must say something.
    EmptyText "E0110" "empty text";
    /// Two things with one id.
    DuplicateId "E0201" "an id is used twice";
    /// No such vendor.
    UnknownVendor "E0202" "no such vendor";
    /// No such product.
    UnknownProduct "E0203" "no such product";
    /// No such authority.
    UnknownAuthority "E0204" "no such authority";
    /// An id in the wrong form.
    BadId "E0205" "not a valid id";
    /// A policy or prohibition that matches no product.
    NothingProhibited "E0206" "this prohibits nothing";
    /// No such policy.
    UnknownPolicy "E0207" "no such policy";
    /// Policies that extend each other.
    PolicyCircle "E0208" "policies extend each other in a circle";
    /// No such prohibition.
    UnknownProhibition "E0209" "no such prohibition";
    /// Two manifests in one folder.
    SecondManifest "E0210" "a folder with two manifests";
    /// No such category.
    UnknownCategory "E0211" "no such category";
    /// A pattern without a value.
    EmptyPattern "E0301" "empty pattern";
    /// A regular expression that does not compile.
    BadRegex "E0302" "not a regular expression";
    /// A pattern that would cost too much.
    PatternTooLarge "E0303" "pattern too large";
    /// Not a hash.
    BadHash "E0304" "not a SHA-256";
    /// An indicator that every item of its kind would match.
    NoItemCondition "E0401" "an indicator without a condition on the item";
    /// A condition on a field that the kind does not have.
    NeverMatches "E0402" "this condition can never match";
    /// An indicator nobody can check.
    MissingSource "E0403" "an indicator without a source";
    /// A product nothing can find.
    NoIndicator "W0501" "a product without an indicator";
    /// Rules that are not tried.
    MissingExample "W0502" "examples are missing";
    /// A regular expression that matches parts of words.
    SubstringRegex "W0503" "a regular expression that matches parts of words";
    /// A pattern that many names begin with.
    ShortPattern "W0504" "a pattern with a short fixed beginning";
    /// A name is not proof.
    NameAlone "W0505" "conclusive on the ground of a name alone";
    /// Rules past the day until which somebody answers for them.
    OldRules "W0510" "old rules";
    /// A waiver that has run out.
    ExpiredWaiver "W0601" "an exception that has run out";
    /// A waiver for everything.
    BroadWaiver "W0602" "an exception that is too broad";
    /// A waiver for ever.
    LongWaiver "W0603" "an exception for more than a year";
    /// A waiver that nothing needs.
    UnusedWaiver "W0604" "an exception that nothing needs";
}

impl Code {
    /// How bad it is.
    pub fn level(self) -> Level {
        if self.word().starts_with('W') { Level::Warning } else { Level::Error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_sorted() {
        let words: Vec<&str> = Code::ALL.iter().map(|code| code.word()).collect();
        let unique: BTreeSet<&str> = words.iter().copied().collect();
        assert_eq!(words, unique.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn every_code_is_documented_once() {
        let page = include_str!("../../docs/diagnostics.md");
        let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let wanted: Vec<String> =
            Code::ALL.iter().map(|code| format!("{}: {}", code.word(), code.title())).collect();
        assert_eq!(headings, wanted);
    }
}
