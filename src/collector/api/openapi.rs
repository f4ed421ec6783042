//! `GET /api/v1/openapi.json`: the API described for programs, made of the endpoints and of the very types that they take and
//! give, so that it cannot say anything else. `docs/openapi.json` is the same; a test compares them.

use axum::Json;
use axum::routing::get;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::model::Problem;

use super::problem::{BAD_TOKEN, BUSY, CODES, Code, INTERNAL, NO_TOKEN, NOT_ALLOWED, TOO_MANY};
use super::{ENDPOINTS, Endpoint, Whom};

/// This document.
pub(super) const DOCUMENT: Endpoint = Endpoint {
    method: "get",
    path: "/api/v1/openapi.json",
    id: "openapi",
    summary: "This document",
    whom: Whom::Anybody,
    query: None,
    body: None,
    answer: Some(|_| schemars::json_schema!({ "type": "object" })),
    rows: false,
    refusals: &[],
    route: || get(async || Json(document())),
};

const ABOUT: &str = "What endpoints tell the collector, and what can be asked of it. Every refusal is a Problem whose `code` \
                     does not change; every answer has the header x-request-id, by which the collector's log can be \
                     searched. Lists are answered in pages: ask again with the parameter `after` that the page names.";

/// The document.
pub(in crate::collector) fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<Problem>().to_value();
    let mut paths = Map::new();
    for endpoint in ENDPOINTS {
        let operation = operation(endpoint, &problem, &mut generator);
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(endpoint.method.to_owned(), operation);
        }
    }
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "interdict collector",
            "version": "v1",
            "description": format!("{ABOUT}\n\n{}", codes()),
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "host": { "type": "http", "scheme": "bearer", "description": "The token that an enrolled host was given" },
                "asker": { "type": "http", "scheme": "bearer", "description": "A token of 'interdict-collector token create'" },
            },
        },
    })
}

/// Every word of refusal, as a table.
fn codes() -> String {
    let rows =
        CODES.iter().map(|code| format!("| `{}` | {} | {} |", code.word, code.status.as_u16(), code.means));
    let head = ["| code | status | meaning |".to_owned(), "|---|---|---|".to_owned()];
    head.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

fn operation(endpoint: &Endpoint, problem: &Value, generator: &mut SchemaGenerator) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".into(), endpoint.id.into());
    operation.insert("summary".into(), endpoint.summary.into());
    let least = match endpoint.whom {
        Whom::Operators => Some("Wants a token with the role operator or admin"),
        Whom::Admins => Some("Wants a token with the role admin"),
        _ => None,
    };
    if let Some(least) = least {
        operation.insert("description".into(), least.into());
    }
    let parameters = parameters(endpoint, generator);
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }
    if let Some(body) = endpoint.body {
        let schema = body(generator).to_value();
        let about = "May be packed: Content-Encoding: zstd, one frame with a window of at most 8 MiB";
        let content = json!({ "application/json": { "schema": schema } });
        operation.insert(
            "requestBody".into(),
            json!({ "required": true, "description": about, "content": content }),
        );
    }
    operation.insert("responses".into(), responses(endpoint, problem, generator));
    operation.insert(
        "security".into(),
        match endpoint.whom {
            Whom::Anybody => json!([]),
            Whom::Hosts => json!([{ "host": [] }]),
            Whom::Askers | Whom::Operators | Whom::Admins => json!([{ "asker": [] }]),
        },
    );
    operation.into()
}

/// Parts of the path, and what stands after the question mark.
fn parameters(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Vec<Value> {
    let in_path = endpoint.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let of = |name| match name {
        "number" => json!({ "type": "integer", "minimum": 1 }),
        _ => json!({ "type": "string", "pattern": "^[0-9a-f]{32}$" }),
    };
    let mut found: Vec<Value> = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": of(name) }))
        .collect();
    let Some(query) = endpoint.query else { return found };
    let query = query(generator).to_value();
    let empty = Map::new();
    let properties = query.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    for (name, schema) in properties {
        let mut schema = schema.clone();
        let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut one = json!({ "name": name, "in": "query", "required": false, "schema": schema });
        if let (Some(about), Some(one)) = (about, one.as_object_mut()) {
            one.insert("description".into(), about);
        }
        found.push(one);
    }
    found
}

fn responses(endpoint: &Endpoint, problem: &Value, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    let mut content = Map::new();
    match endpoint.answer {
        Some(answer) => {
            content.insert("application/json".into(), json!({ "schema": answer(generator).to_value() }))
        }
        None => content.insert("text/plain".into(), json!({ "schema": { "type": "string" } })),
    };
    if endpoint.rows {
        let text = json!({ "schema": { "type": "string" } });
        content.insert("application/x-ndjson".into(), text.clone());
        content.insert("text/csv".into(), text);
    }
    responses.insert("200".into(), json!({ "description": "As asked", "content": content }));
    for (status, words) in refusals(endpoint) {
        let content = json!({ "application/json": { "schema": problem } });
        responses.insert(status.to_string(), json!({ "description": words, "content": content }));
    }
    responses.into()
}

/// Refusals of an endpoint by status, in words: its own, and those that any request may meet.
fn refusals(endpoint: &Endpoint) -> Vec<(u16, String)> {
    let mut codes: Vec<Code> = endpoint.refusals.to_vec();
    if endpoint.whom != Whom::Anybody {
        codes.extend([NO_TOKEN, BAD_TOKEN, NOT_ALLOWED, TOO_MANY]);
    }
    codes.extend([INTERNAL, BUSY]);
    let mut found: Vec<(u16, String)> = Vec::new();
    for code in CODES.iter().filter(|code| codes.contains(code)) {
        let words = format!("`{}`: {}", code.word, code.means);
        let status = code.status.as_u16();
        match found.iter_mut().find(|(had, _)| *had == status) {
            Some((_, text)) => *text = format!("{text} {words}"),
            None => found.push((status, words)),
        }
    }
    found
}
