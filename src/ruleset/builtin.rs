//! The rule files that are compiled into the program: every `*.toml` below `rules/`, listed by `rules/embed.rs`.
//!
//! Read by the loader.

use super::rule_file::{BuiltIn, Packed};

/// Every built-in file.
#[expect(clippy::unreadable_literal, reason = "lengths, written by the build script")]
pub(super) const FILES: &[BuiltIn] = include!(concat!(env!("OUT_DIR"), "/built_in_rules.rs"));

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "reads the project's own files")]
mod tests {
    use super::super::rule_file::RuleFile;
    use super::*;

    #[test]
    fn the_list_is_the_folder() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        let mut found: Vec<String> = walkdir::WalkDir::new(&folder)
            .into_iter()
            .map(|entry| entry.unwrap().into_path())
            .filter(|path| path.extension().is_some_and(|end| end == "toml"))
            .map(|path| path.strip_prefix(&folder).unwrap().to_str().unwrap().replace('\\', "/"))
            .collect();
        found.sort();
        let mut listed: Vec<&str> = FILES.iter().map(|file| file.name).collect();
        listed.sort_unstable();
        assert_eq!(found, listed);
    }

    #[test]
    fn every_text_comes_out_as_it_went_in() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        for built_in in FILES {
            let text = std::fs::read_to_string(folder.join(built_in.name)).unwrap();
            let whole = RuleFile::built_in(built_in, true);
            assert_eq!((whole.text(), whole.source(), whole.length()), (&*text, &*text, text.len()));
            let again = RuleFile::new(whole.name.clone(), whole.relative.clone(), text.clone());
            assert_eq!(whole.sha256(), again.sha256());
            let lean = RuleFile::built_in(built_in, false);
            assert_eq!((lean.text(), lean.source_length()), (&*text, lean.source().len()));
            let line_ends = |text: &str| text.lines().map(str::len).collect::<Vec<_>>();
            assert!(line_ends(&text).starts_with(&line_ends(lean.source())), "{}", built_in.name);
            assert!(!lean.source().contains("[[example]]"));
        }
    }
}
