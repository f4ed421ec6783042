//! Comments: those above a key or a table, those beside a value, and all of a text.
//!
//! Used by the layout. [`comments`] reads the text by itself, so that it can prove that none was lost.

/// The lines above something: comments, and one blank line where there were blank ones. The last line of the text is
/// the indentation of what follows.
pub(super) fn above(prefix: &str, may_begin_blank: bool) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let (before, _) = prefix.rsplit_once('\n').unwrap_or_default();
    if prefix.contains('\n') {
        for line in before.split('\n').map(str::trim) {
            let after_blank = lines.last().map_or(!may_begin_blank, String::is_empty);
            if !(line.is_empty() && after_blank) {
                lines.push(line.to_owned());
            }
        }
    }
    lines
}

/// What stands behind something on its line: nothing, or white space as written and a comment.
pub(super) fn beside(suffix: &str) -> String {
    let Some((space, comment)) = suffix.split_once('#') else { return String::new() };
    let space = if space.is_empty() || space.contains('\n') { " " } else { space };
    let comment = comment.lines().next().unwrap_or_default().trim_end();
    format!("{space}#{comment}")
}

/// Every comment of a text, sorted.
pub(super) fn comments(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['#', '"', '\'']) {
        rest = rest.get(at..).unwrap_or_default();
        rest = if rest.starts_with('#') {
            let (comment, after) = rest.split_once('\n').unwrap_or((rest, ""));
            found.push(comment.trim_end());
            after
        } else {
            after_text(rest)
        };
    }
    found.sort_unstable();
    found
}

/// What follows a text in quotes.
fn after_text(rest: &str) -> &str {
    let forms = [("\"\"\"", true), ("'''", false), ("\"", true), ("'", false)];
    let form = forms.iter().find_map(|(quote, escapes)| Some((*quote, *escapes, rest.strip_prefix(quote)?)));
    let Some((quote, escapes, mut inner)) = form else { return "" };
    loop {
        let Some(at) = inner.find([quote.chars().next().unwrap_or('"'), '\\']) else { return "" };
        inner = inner.get(at..).unwrap_or_default();
        if let Some(after) = inner.strip_prefix('\\') {
            let mut chars = after.chars();
            if escapes {
                chars.next();
            }
            inner = chars.as_str();
        } else if let Some(after) = inner.strip_prefix(quote) {
            // Three quotes may be followed by up to two that belong to the text.
            return if quote.len() == 3 { after.trim_start_matches(['"', '\'']) } else { after };
        } else {
            let mut chars = inner.chars();
            chars.next();
            inner = chars.as_str();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_told_from_texts() {
        let text = "# a\nx = \"# no \\\" # no\" # b\ny = '# no \\' # c\nz = \"\"\"\n# no \"\" # no\\\"\"\"\"\" # d\n";
        assert_eq!(comments(text), ["# a", "# b", "# c", "# d"]);
        assert_eq!(comments("w = '''\n# no ' '''\n#e"), ["#e"]);
        assert_eq!(comments("w = \"# never closed"), Vec::<&str>::new());
    }

    #[test]
    fn what_stands_above() {
        assert_eq!(above("\n\n# a\n\n\n# b\n", true), ["", "# a", "", "# b"]);
        assert_eq!(above("\n# a\n  ", false), ["# a"]);
        assert_eq!(above("  ", true), Vec::<String>::new());
        assert_eq!((beside("   # x  "), beside("  ")), ("   # x".to_owned(), String::new()));
    }
}
