//! The rule files that are compiled into the program. A test compares the list with the folder.
//!
//! Read by the loader. A new rule file is one line here.

/// Name and text of every built-in file.
pub(super) const FILES: &[(&str, &str)] = &[
    ("authorities/us-bis-icts-791.toml", include_str!("../../rules/authorities/us-bis-icts-791.toml")),
    (
        "authorities/us-bis-kaspersky-2024.toml",
        include_str!("../../rules/authorities/us-bis-kaspersky-2024.toml"),
    ),
    (
        "authorities/us-entity-list-kaspersky.toml",
        include_str!("../../rules/authorities/us-entity-list-kaspersky.toml"),
    ),
    ("policies/us-commerce.toml", include_str!("../../rules/policies/us-commerce.toml")),
    ("ruleset.toml", include_str!("../../rules/ruleset.toml")),
    ("vendors/kaspersky.toml", include_str!("../../rules/vendors/kaspersky.toml")),
];

#[cfg(test)]
mod tests {
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
        let listed: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(found, listed);
    }
}
