//! Names of files in any letters' case: a Windows keeps `Program Files` and its records say `PROGRA~1` or `program files`.
//! A macOS does not tell `é` from `e` with an accent behind it either.
//!
//! Called by the root host, so that a disk of theirs is read on Linux as they read it, and a path has one spelling
//! whoever wrote it. Must not touch files: listings are given to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use unicode_normalization::UnicodeNormalization as _;

use crate::model::{HostPath, Order};

use super::{Miss, Read};

/// Names kept at most, over all folders: then the memory starts anew.
const MAX_NAMES: usize = 200_000;

/// What is remembered of folders.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: Mutex<Known>,
    rule: Rule,
}

/// How a system compares names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Rule {
    /// Letter by letter, whatever their case; and names have short forms.
    #[default]
    Windows,
    /// Whatever their case and composition. APFS keeps names as they were written and HFS+ decomposed; both find either
    /// (<https://developer.apple.com/documentation/foundation/file_system/about_apple_file_system>).
    Macos,
}

#[derive(Debug, Default)]
struct Known {
    folders: HashMap<HostPath, Read<Arc<Folder>>>,
    names: usize,
}

/// Names of one folder, sorted by their folded form.
#[derive(Debug)]
struct Folder {
    names: Vec<(String, Box<[u8]>)>,
}

impl Names {
    /// Names as a macOS compares them. One whose volume tells letters' case apart asks for names as they are spelled, and
    /// what is spelled so is found first.
    pub(super) fn of_macos() -> Self {
        Self { known: Mutex::default(), rule: Rule::Macos }
    }

    /// How a folder spells a name; `list` gives the folder's names where they are not known yet.
    pub(super) fn spelled(
        &self,
        folder: &HostPath,
        name: &[u8],
        list: impl FnOnce() -> Read<Vec<Vec<u8>>>,
    ) -> Read<Vec<u8>> {
        match self.folder(folder, list) {
            Ok(known) => known.find(name, self.rule).map(<[u8]>::to_vec).ok_or(Miss::Absent),
            // Who may not list a folder may still open a file in it.
            Err(Miss::Denied | Miss::KeptBack) => Ok(name.to_vec()),
            Err(miss) => Err(miss),
        }
    }

    fn folder(&self, folder: &HostPath, list: impl FnOnce() -> Read<Vec<Vec<u8>>>) -> Read<Arc<Folder>> {
        if let Ok(known) = self.known.lock()
            && let Some(found) = known.folders.get(folder)
        {
            return found.clone();
        }
        let read = list().map(|names| Arc::new(Folder::new(names, self.rule)));
        if let Ok(mut known) = self.known.lock() {
            let more = read.as_ref().map_or(1, |folder| folder.names.len() + 1);
            if known.names + more > MAX_NAMES {
                *known = Known::default();
            }
            known.names += more;
            known.folders.insert(folder.clone(), read.clone());
        }
        read
    }
}

impl Folder {
    fn new(names: Vec<Vec<u8>>, rule: Rule) -> Self {
        let mut names: Vec<_> =
            names.into_iter().map(|name| (rule.fold(&name), name.into_boxed_slice())).collect();
        names.order();
        Self { names }
    }

    /// The name as it is spelled: exactly so, in other letters' case, or the one whose short name it can be.
    fn find(&self, name: &[u8], rule: Rule) -> Option<&[u8]> {
        let folded = rule.fold(name);
        let from = self.names.partition_point(|(known, _)| *known < folded);
        let mut same =
            self.names.iter().skip(from).take_while(|(known, _)| *known == folded).map(|(_, name)| &**name);
        let first = same.clone().next();
        let long = || (rule == Rule::Windows).then(|| self.long_name(&folded)).flatten();
        same.find(|known| *known == name).or(first).or_else(long)
    }

    /// What a short name stands for (`progra~1`; [MS-FSCC] 2.1.5.2.1), where only one name can be meant. Windows counts in
    /// the order of creation, which no listing tells; the folders that every system has are known.
    fn long_name(&self, short: &str) -> Option<&[u8]> {
        let (stem, ending) = short.split_once('.').unwrap_or((short, ""));
        let (head, number) = stem.split_once('~')?;
        number.parse::<u32>().ok()?;
        let usual =
            [("progra~1", "program files"), ("progra~2", "program files (x86)"), ("progra~3", "programdata")];
        if let Some((_, long)) = usual.iter().find(|(known, _)| *known == short) {
            return self.names.iter().find(|(name, _)| name == long).map(|(_, name)| &**name);
        }
        let fits = |long: &str| {
            let (stem, last) = long.rsplit_once('.').unwrap_or((long, ""));
            let plain = |text: &str| text.chars().filter(|c| !matches!(c, ' ' | '.')).collect::<String>();
            plain(stem).starts_with(head)
                && last.starts_with(ending)
                && (!ending.is_empty() || last.is_empty())
        };
        let mut fitting = self.names.iter().filter(|(name, _)| !name.contains('~') && fits(name));
        let (_, only) = fitting.next()?;
        fitting.next().is_none().then_some(only)
    }
}

impl Rule {
    /// What is the same of all names that the system takes for one.
    fn fold(self, name: &[u8]) -> String {
        let name = String::from_utf8_lossy(name);
        match self {
            Self::Macos if !name.is_ascii() => {
                let lower: String = name.nfd().flat_map(char::to_lowercase).collect();
                lower.nfd().collect()
            }
            _ => name.to_lowercase(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(names: &[&str], name: &str) -> Option<String> {
        find_by(Rule::Windows, names, name)
    }

    fn find_by(rule: Rule, names: &[&str], name: &str) -> Option<String> {
        let folder = Folder::new(names.iter().map(|name| name.as_bytes().to_vec()).collect(), rule);
        folder.find(name.as_bytes(), rule).map(|name| String::from_utf8_lossy(name).into_owned())
    }

    #[test]
    fn a_macos_does_not_tell_compositions_apart() {
        let find = |names: &[&str], name: &str| find_by(Rule::Macos, names, name);
        assert_eq!(find(&["E\u{301}cole.app"], "école.APP").as_deref(), Some("E\u{301}cole.app"));
        assert_eq!(find(&["École.app"], "e\u{301}cole.app").as_deref(), Some("École.app"));
        assert_eq!(find(&["École", "école"], "école").as_deref(), Some("école"), "as it is spelled, first");
        assert_eq!(find(&["Program Files"], "PROGRA~1"), None);
        assert_eq!(find(&["Ecole"], "École"), None);
    }

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(find(&["Windows", "Users"], "WINDOWS").as_deref(), Some("Windows"));
        assert_eq!(find(&["Ärger"], "äRGER").as_deref(), Some("Ärger"));
        assert_eq!(
            find(&["a", "A"], "A").as_deref(),
            Some("A"),
            "a folder may keep both; what is asked exactly is meant"
        );
        assert_eq!(find(&["a", "A"], "a").as_deref(), Some("a"));
        assert_eq!(find(&["Windows"], "Window"), None);
    }

    #[test]
    fn short_names_stand_for_one_long_name() {
        let top = ["Program Files", "Program Files (x86)", "ProgramData", "Kaspersky Lab"];
        assert_eq!(find(&top, "PROGRA~2").as_deref(), Some("Program Files (x86)"));
        assert_eq!(find(&top, "KASPER~1").as_deref(), Some("Kaspersky Lab"));
        assert_eq!(find(&["Kaspersky Lab", "Kaspersky Security"], "KASPER~1"), None, "either could be meant");
        assert_eq!(
            find(&["service host.exe", "service host.dll"], "SERVIC~1.EXE").as_deref(),
            Some("service host.exe")
        );
        assert_eq!(find(&top, "x~y"), None);
    }

    #[test]
    fn a_folder_is_listed_once() {
        let names = Names::default();
        let spelled = |name: &str, listing: Option<&str>| {
            names.spelled(&"/C:".into(), name.as_bytes(), || Ok(vec![listing.unwrap().as_bytes().to_vec()]))
        };
        assert_eq!(spelled("windows", Some("Windows")), Ok(b"Windows".to_vec()));
        assert_eq!(spelled("WINDOWS", None), Ok(b"Windows".to_vec()));
        assert_eq!(spelled("users", None), Err(Miss::Absent));
        let denied = names.spelled(&"/C:/x".into(), b"Y", || Err(Miss::Denied));
        assert_eq!(denied, Ok(b"Y".to_vec()));
    }
}
