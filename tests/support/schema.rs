//! Checks a document against one of the generated JSON schemas, strictly: what the schema does not name is a fault.
//!
//! Knows the keywords that our schemas use, and refuses others, so that nothing goes unchecked.

use serde_json::Value;

/// Every fault, as `place: what is wrong`.
pub(crate) fn faults(schema: &Value, document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, document, "$", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (keyword, wanted) in schema.as_object().unwrap() {
        let mut fault = |what: &str| found.push(format!("{at}: {what} {wanted}, is {value}"));
        match keyword.as_str() {
            "$ref" => {
                let pointer = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                check(root, root.pointer(pointer).unwrap(), value, at, found);
            }
            "type" if !is_of(wanted, value) => fault("must be of type"),
            "const" if wanted != value => fault("must be"),
            "minimum" if value.as_f64() < wanted.as_f64() => fault("must not be less than"),
            "maximum" if value.as_f64() > wanted.as_f64() => fault("must not be more than"),
            "minItems" if count(value) < wanted.as_u64() => fault("must have at least"),
            "maxItems" if count(value) > wanted.as_u64() => fault("must have at most"),
            "pattern" => {
                let pattern = regex::Regex::new(wanted.as_str().unwrap()).unwrap();
                match value.as_str().filter(|text| pattern.is_match(text)) {
                    Some(_) => {}
                    None => fault("must match"),
                }
            }
            "$schema"
            | "$defs"
            | "title"
            | "description"
            | "required"
            | "properties"
            | "format"
            | "additionalProperties"
            | "type"
            | "const"
            | "minimum"
            | "maximum"
            | "minItems"
            | "maxItems" => {}
            "oneOf" | "anyOf" => {
                let met = wanted.as_array().unwrap().iter().filter(|one| meets(root, one, value)).count();
                if met == 0 || (met > 1 && keyword == "oneOf") {
                    fault(&format!("meets {met} of"));
                }
            }
            "items" => {
                members(value).for_each(|(n, item)| check(root, wanted, item, &format!("{at}[{n}]"), found));
            }
            "prefixItems" => {
                members(value)
                    .for_each(|(n, item)| check(root, &wanted[n], item, &format!("{at}[{n}]"), found));
            }
            other => fault(&format!("keyword '{other}' is not known here:")),
        }
    }
    properties(root, schema, value, at, found);
}

fn members(value: &Value) -> impl Iterator<Item = (usize, &Value)> {
    value.as_array().into_iter().flatten().enumerate()
}

fn meets(root: &Value, schema: &Value, value: &Value) -> bool {
    let mut found = Vec::new();
    check(root, schema, value, "$", &mut found);
    found.is_empty()
}

fn properties(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let (Some(known), Some(members)) = (schema["properties"].as_object(), value.as_object()) else { return };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            found.push(format!("{at}: '{name}' is missing"));
        }
    }
    for (name, inner) in members {
        match known.get(name) {
            Some(of_name) => check(root, of_name, inner, &format!("{at}.{name}"), found),
            None => found.push(format!("{at}: '{name}' is not in the schema")),
        }
    }
}

fn count(value: &Value) -> Option<u64> {
    value.as_array().map(|items| items.len() as u64)
}

fn is_of(wanted: &Value, value: &Value) -> bool {
    if let Some(several) = wanted.as_array() {
        return several.iter().any(|one| is_of(one, value));
    }
    match wanted.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => unreachable!("type {other}"),
    }
}
