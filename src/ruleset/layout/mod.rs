//! One layout for rule files: keys in the order of the language, one blank line between tables, long lists one value a
//! line. Comments and the form of texts stay as they are.
//!
//! Called by `cli` with the text of a file. Whatever would change what a file says is refused.

mod comments;
mod value;

use toml_edit::{ArrayOfTables, DocumentMut, Item, Key, Table};

use super::language::{FILES, Spec};
use crate::model::Order;
use comments::{above, beside, comments};
use value::render;

/// Columns of a line.
const WIDTH: usize = 110;

/// Why a file cannot be laid out.
#[derive(Debug, thiserror::Error)]
pub enum Unformattable {
    /// Not TOML.
    #[error("not valid TOML: {0}")]
    Syntax(String),
    /// A comment where it cannot be kept.
    #[error("a comment stands where it cannot be kept: move it out of the {{ }} it is in")]
    Comment,
    /// The layout would say something else.
    #[error("its values would change: this is a fault of interdict")]
    Changed,
}

/// The text in the one layout.
pub fn layout(text: &str) -> Result<String, Unformattable> {
    let text = text.replace("\r\n", "\n");
    let syntax = |error: &dyn std::fmt::Display| Unformattable::Syntax(error.to_string());
    let document: DocumentMut = text.parse().map_err(|error| syntax(&error))?;
    let before: toml::Table = toml::from_str(&text).map_err(|error| syntax(&error))?;
    let laid_out = write(&document);
    if toml::from_str::<toml::Table>(&laid_out).ok().as_ref() != Some(&before) {
        return Err(Unformattable::Changed);
    }
    if comments(&laid_out) != comments(&text) {
        return Err(Unformattable::Comment);
    }
    Ok(laid_out)
}

/// A table with its header.
struct Section<'d> {
    position: isize,
    path: Vec<&'d Key>,
    is_list: bool,
    table: &'d Table,
    spec: Option<&'static Spec>,
}

fn write(document: &DocumentMut) -> String {
    let root = document.as_table();
    let of = |kind: &&super::language::FileKind| kind.one_of.iter().any(|table| root.contains_key(table));
    let spec = FILES.iter().find(of).map(|kind| kind.top);
    let mut sections = Vec::new();
    gather(root, &[], spec, &mut sections);
    sections.order_by_key(|section| section.position);
    let mut out = String::new();
    values(root, spec, &mut out);
    for section in &sections {
        header(section, &mut out);
        values(section.table, section.spec, &mut out);
    }
    let end = format!("{}\n", document.trailing().as_str().unwrap_or_default());
    push_lines(&above(&end, true), &mut out);
    let end = out.trim_end_matches('\n').len();
    out.truncate(end);
    out.push('\n');
    out
}

/// Every table that has a header, with what the language knows of it.
fn gather<'d>(
    table: &'d Table,
    path: &[&'d Key],
    spec: Option<&'static Spec>,
    sections: &mut Vec<Section<'d>>,
) {
    for (name, item) in table {
        let Some(key) = table.key(name) else { continue };
        let path: Vec<&Key> = path.iter().copied().chain([key]).collect();
        let spec = spec.and_then(|spec| spec.key(name)).and_then(|key| key.form.spec());
        let add = |table: &'d Table, is_list, sections: &mut Vec<Section<'d>>| {
            let has_header = !table.is_dotted() && (!table.is_implicit() || !table.get_values().is_empty());
            if has_header {
                let position = table.position().unwrap_or_default();
                sections.push(Section { position, path: path.clone(), is_list, table, spec });
            }
            gather(table, &path, spec, sections);
        };
        match item {
            Item::Table(table) => add(table, false, sections),
            Item::ArrayOfTables(tables) => {
                ArrayOfTables::iter(tables).for_each(|table| add(table, true, sections));
            }
            Item::None | Item::Value(_) => {}
        }
    }
}

fn header(section: &Section<'_>, out: &mut String) {
    let decor = section.table.decor();
    let text =
        |raw: Option<&toml_edit::RawString>| raw.and_then(|raw| raw.as_str()).unwrap_or_default().to_owned();
    let prefix = text(decor.prefix());
    let mut lines = above(&prefix, true);
    // What stands right below a table and apart from the next one is said of the former.
    let of_former = !prefix.starts_with('\n') && lines.iter().any(String::is_empty);
    if lines.first().is_some_and(String::is_empty) {
        lines.remove(0);
    }
    if !out.is_empty() && !of_former {
        out.push('\n');
    }
    push_lines(&lines, out);
    let path: Vec<_> = section.path.iter().map(|key| key.display_repr()).collect();
    let (open, close) = if section.is_list { ("[[", "]]") } else { ("[", "]") };
    let beside = beside(&text(decor.suffix()));
    push_line(&format!("{open}{}{close}{beside}", path.join(".")), out);
}

fn push_lines(lines: &[String], out: &mut String) {
    for line in lines {
        push_line(line, out);
    }
}

fn push_line(line: &str, out: &mut String) {
    out.push_str(line);
    out.push('\n');
}

/// The values of a table, in the order of the language; keys that it does not know stay behind the others.
fn values(table: &Table, spec: Option<&'static Spec>, out: &mut String) {
    let mut values: Vec<_> = table.get_values().into_iter().enumerate().collect();
    values.order_by_key(|(_, (path, _))| path.first().map(|key| place(spec, key)));
    for (n, (written, (path, value))) in values.iter().enumerate() {
        let Some(leaf) = path.last() else { continue };
        let prefix = leaf.leaf_decor().prefix().and_then(|raw| raw.as_str()).unwrap_or_default();
        push_lines(&above(prefix, n > 0 && *written > 0), out);
        let name = name(path);
        let of = path.iter().try_fold(spec, |spec, key| Some(spec?.key(key.get())?.form.spec()));
        let column = name.chars().count() + 3;
        let text = render(value, of.flatten(), value::Room { indent: 0, column, width: WIDTH });
        let suffix = value.decor().suffix().and_then(|raw| raw.as_str()).unwrap_or_default();
        push_line(&format!("{name} = {text}{}", beside(suffix)), out);
    }
}

fn name(path: &[&Key]) -> String {
    path.iter().map(|key| key.display_repr()).collect::<Vec<_>>().join(".")
}

/// Where a key stands in its table.
fn place(spec: Option<&'static Spec>, key: &Key) -> usize {
    let known = spec.and_then(|spec| spec.keys().iter().position(|one| one.name == key.get()));
    known.unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
