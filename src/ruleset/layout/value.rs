//! A value in the one layout: on one line where it fits, else its lists one value a line.
//!
//! Used by the layout. Texts, numbers and dates stay as they are written.

use toml_edit::{Array, InlineTable, Key, Value};

use super::comments::{above, beside};
use super::{Spec, name, place};
use crate::model::Order;

/// Spaces of one level.
const STEP: usize = 4;

/// Where a value stands.
#[derive(Clone, Copy)]
pub(super) struct Room {
    /// Columns before the lines that follow its first.
    pub(super) indent: usize,
    /// Columns before it.
    pub(super) column: usize,
    /// Columns that its lines may have.
    pub(super) width: usize,
}

impl Room {
    /// Whether a text of one or several lines is narrow enough.
    fn holds(self, text: &str) -> bool {
        let columns = |(n, line): (usize, &str)| line.chars().count() + if n == 0 { self.column } else { 0 };
        text.split('\n').enumerate().map(columns).all(|columns| columns <= self.width)
    }
}

/// A value as text.
pub(super) fn render(value: &Value, spec: Option<&'static Spec>, room: Room) -> String {
    match (value, flat(value, spec)) {
        (_, Some(text)) if room.holds(&text) && !text.contains('\n') => text,
        (Value::Array(array), _) => broken_array(array, spec, room),
        (Value::InlineTable(table), _) => broken_table(table, spec, room),
        (_, text) => text.unwrap_or_default(),
    }
}

/// On one line; `None` where a comment inside needs a line of its own.
fn flat(value: &Value, spec: Option<&'static Spec>) -> Option<String> {
    Some(match value {
        Value::String(text) => text.display_repr().into_owned(),
        Value::Integer(number) => number.display_repr().into_owned(),
        Value::Float(number) => number.display_repr().into_owned(),
        Value::Boolean(yes) => yes.display_repr().into_owned(),
        Value::Datetime(date) => date.display_repr().into_owned(),
        Value::Array(array) => {
            if has_comments(array) {
                return None;
            }
            let values: Option<Vec<String>> = array.iter().map(|value| flat(value, spec)).collect();
            format!("[{}]", values?.join(", "))
        }
        Value::InlineTable(table) => {
            let entry = |(path, value): &(Vec<&Key>, &Value)| {
                Some(format!("{} = {}", name(path), flat(value, below(spec, path))?))
            };
            let entries: Option<Vec<String>> = entries(table, spec).iter().map(entry).collect();
            braced(&entries?)
        }
    })
}

fn braced(entries: &[String]) -> String {
    if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
}

fn entries<'t>(table: &'t InlineTable, spec: Option<&'static Spec>) -> Vec<(Vec<&'t Key>, &'t Value)> {
    let mut entries = table.get_values();
    entries.order_by_key(|(path, _)| path.first().map(|key| place(spec, key)));
    entries
}

fn below(spec: Option<&'static Spec>, path: &[&Key]) -> Option<&'static Spec> {
    path.iter().try_fold(spec?, |spec, key| spec.key(key.get())?.form.spec())
}

/// Lists are broken one after the other, the longest first, until all lines fit.
fn broken_table(table: &InlineTable, spec: Option<&'static Spec>, room: Room) -> String {
    let entries = entries(table, spec);
    let flat_text = |(path, value): &(Vec<&Key>, &Value)| flat(value, below(spec, path));
    let mut texts: Vec<Option<String>> = entries.iter().map(flat_text).collect();
    loop {
        let parts: Vec<String> = entries
            .iter()
            .zip(&texts)
            .map(|(entry, text)| part(entry, text.as_deref(), spec, room))
            .collect();
        let whole = braced(&parts);
        let longest = entries
            .iter()
            .zip(&mut texts)
            .filter(|((_, value), text)| {
                text.is_some() && matches!(value, Value::Array(array) if !array.is_empty())
            })
            .max_by_key(|(_, text)| text.as_ref().map(String::len));
        match longest {
            Some((_, text)) if !room.holds(&whole) => *text = None,
            _ => return whole,
        }
    }
}

fn part(entry: &(Vec<&Key>, &Value), text: Option<&str>, spec: Option<&'static Spec>, room: Room) -> String {
    let (path, value) = entry;
    let name = name(path);
    let text = match (text, value) {
        (Some(text), _) => text.to_owned(),
        (None, Value::Array(array)) => broken_array(array, below(spec, path), room),
        (None, value) => render(value, below(spec, path), room),
    };
    format!("{name} = {text}")
}

/// One value a line, each with the comments above and beside it.
fn broken_array(array: &Array, spec: Option<&'static Spec>, room: Room) -> String {
    if array.is_empty() && !has_comments(array) {
        return "[]".to_owned();
    }
    let indent = room.indent + STEP;
    let spaces = " ".repeat(indent);
    let mut lines: Vec<String> = Vec::new();
    // A comment that follows a comma on its line is kept by the parser above what comes next.
    let put_comments = |lines: &mut Vec<String>, text: &str, after_value: bool| {
        let (same, rest) = text.split_once('\n').unwrap_or((text, ""));
        match lines.last_mut().filter(|_| after_value) {
            Some(last) => last.push_str(&beside(same)),
            None => lines.extend(
                Some(same.trim()).filter(|same| same.starts_with('#')).map(|same| format!("{spaces}{same}")),
            ),
        }
        let rest = format!("\n{rest}");
        lines.extend(
            above(&rest, false)
                .into_iter()
                .filter(|line| !line.is_empty())
                .map(|line| format!("{spaces}{line}")),
        );
    };
    for (n, value) in array.iter().enumerate() {
        let text = |raw: Option<&toml_edit::RawString>| {
            raw.and_then(|raw| raw.as_str()).unwrap_or_default().to_owned()
        };
        put_comments(&mut lines, &text(value.decor().prefix()), n > 0);
        let within = Room { indent, column: indent, width: room.width - 1 };
        lines.push(format!("{spaces}{},", render(value, spec, within)));
        let suffix = text(value.decor().suffix());
        if suffix.contains('#') {
            put_comments(&mut lines, &suffix, true);
        }
    }
    put_comments(
        &mut lines,
        &format!("{}\n", array.trailing().as_str().unwrap_or_default()),
        !array.is_empty(),
    );
    format!("[\n{}\n{}]", lines.join("\n"), " ".repeat(room.indent))
}

fn has_comments(array: &Array) -> bool {
    let has = |raw: Option<&toml_edit::RawString>| {
        raw.and_then(|raw| raw.as_str()).is_some_and(|text| text.contains('#'))
    };
    has(Some(array.trailing()))
        || array.iter().any(|value| {
            let decor = value.decor();
            has(decor.prefix()) || has(decor.suffix())
        })
}
