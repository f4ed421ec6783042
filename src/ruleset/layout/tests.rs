//! Tests of the layout.

use super::*;

fn laid_out(text: &str) -> String {
    let once = layout(text).unwrap();
    assert_eq!(layout(&once).unwrap(), once, "laying out twice is laying out once");
    once
}

#[test]
fn keys_stand_in_the_order_of_the_language() {
    let text = "# about\n[vendor]\nname = 'A\\b'   # why\nid=\"a\"\n\n\n\n[[product]]\n\nname = \"X\"\n# the id\nid = \"a.x\"\n[[product.indicator]]\nsource = \"s\"\nstate = [\"installed\"]\nname = { prefix = [\"abcd\"], exact = [\"x\"] }\nkind = \"package\"\n";
    let wanted = "# about\n[vendor]\nid = \"a\"\nname = 'A\\b'   # why\n\n[[product]]\n# the id\nid = \"a.x\"\nname = \"X\"\n\n[[product.indicator]]\nkind = \"package\"\nname = { exact = [\"x\"], prefix = [\"abcd\"] }\nstate = [\"installed\"]\nsource = \"s\"\n";
    assert_eq!(laid_out(text), wanted);
    let text = "# head\n\nschema = 1\n[vendor]\nid = \"a\" # of a\n# end of a\n\n[[exclude]] # x\nunknown = 1\nkind = \"package\"\n# the end";
    let wanted = "# head\n\nschema = 1\n\n[vendor]\nid = \"a\" # of a\n# end of a\n\n[[exclude]] # x\nkind = \"package\"\nunknown = 1\n# the end\n";
    assert_eq!(laid_out(text), wanted);
}

fn lines_of(values: &[String], indent: &str) -> String {
    values.iter().flat_map(|value| [indent, value, ",\n"]).collect()
}

#[test]
fn only_long_lists_are_broken() {
    let long: Vec<String> = (0..12).map(|n| format!("\"value number {n}\"")).collect();
    let text = format!("a = [\n  1,\n  2\n]\nb = {{ type = 'x', exact = [{}] }}\n", long.join(","));
    let lines = lines_of(&long, "    ");
    assert_eq!(laid_out(&text), format!("a = [1, 2]\nb = {{ type = 'x', exact = [\n{lines}] }}\n"));
    let deep = format!("c = [{{ name = \"x\", list = [{}] }}, {{ name = \"y\" }}]\n", long.join(","));
    let lines = lines_of(&long, "        ");
    let wanted =
        format!("c = [\n    {{ name = \"x\", list = [\n{lines}    ] }},\n    {{ name = \"y\" }},\n]\n");
    assert_eq!(laid_out(&deep), wanted);
}

#[test]
fn comments_in_lists_are_kept() {
    let text = "a = [ # first\n  # above\n  1, # one\n  2 # two\n  # last\n]\n";
    let wanted = "a = [\n    # first\n    # above\n    1, # one\n    2, # two\n    # last\n]\n";
    assert_eq!(laid_out(text), wanted);
    assert_eq!(laid_out("a = [\n# none\n]\n"), "a = [\n    # none\n]\n");
    let inside = "a = {\n  x = 1, # why\n  y = 2,\n}\n";
    assert!(matches!(layout(inside), Err(Unformattable::Comment)), "{:?}", layout(inside));
}

#[test]
fn texts_stay_as_they_are_written() {
    let text = "a = \"\"\"\nlong \\\n  text # no comment\"\"\"\nb = 'C:\\x'\nc = \"\\u00e9\"\nd = 2024-01-01\ne = 0x10\n";
    assert_eq!(laid_out(text), text);
    assert_eq!(laid_out("x.y = 1\nx.z = [ ]\n"), "x.y = 1\nx.z = []\n");
}

#[test]
fn what_is_no_toml_is_refused() {
    assert!(matches!(layout("a = "), Err(Unformattable::Syntax(_))));
}

#[test]
fn every_built_in_file_keeps_what_it_says() {
    for file in crate::ruleset::builtin::FILES {
        let (name, file) = (file.name, crate::ruleset::RuleFile::built_in(file, true));
        let once = layout(file.text()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(layout(&once).unwrap(), once, "{name}");
    }
}
