//! Rows of an answer, a page at a time: as JSON, as JSON Lines, as CSV.
//!
//! Called by the handlers of questions. A page names where the next one begins, in its body and in the header `Link`.

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::collector::store::Page;
use crate::emit::csv_cell;
use crate::emit::uri::encode;

use super::Shared;
use super::problem::{BAD_QUERY, Fault};

/// Rows of a page, unless it is asked for others.
const USUAL: u32 = 100;
/// Rows of a page at most.
const MOST: u32 = 1000;

/// Parameters of an address. One that is not known is refused: a filter with a slip of the pen must not be no filter.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Shared> for Query<T> {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Fault> {
        let asked = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        asked.map(|query| Self(query.0)).map_err(|error| Fault::new(BAD_QUERY, super::problem::full(&error)))
    }
}

/// A word in an address that has no other form than this.
pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    name: &str,
    text: Option<&String>,
) -> Result<Option<T>, Fault> {
    let fault = |error| Fault::new(BAD_QUERY, format!("{name}: {error}"));
    text.map(|text| text.parse().map_err(fault)).transpose()
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RowFormat {
    /// One document.
    Json,
    /// One document a line.
    Jsonl,
    /// A table.
    Csv,
}

/// How many rows a page may have.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, Fault> {
    match asked.unwrap_or(USUAL) {
        rows @ 1..=MOST => Ok(rows),
        _ => Err(Fault::new(BAD_QUERY, format!("limit: between 1 and {MOST}"))),
    }
}

/// A row that can stand in a table.
pub(super) trait Row: Serialize {
    /// Heads of the columns.
    const COLUMNS: &'static [&'static str];
    /// What stands in them.
    fn cells(&self) -> Vec<String>;
    /// What the next page is asked for by.
    fn key(&self) -> String;
}

/// A page as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Rows<T> {
    /// The rows.
    pub(super) rows: Vec<T>,
    /// The parameter `after` of the next page; none: this is the last.
    pub(super) next: Option<String>,
}

/// How a request wants its rows, and the rest of its address.
pub(super) struct Form {
    format: RowFormat,
    query: String,
}

impl Form {
    /// By the parameter, else by the header Accept.
    pub(super) fn of(parts: &Parts, asked: Option<RowFormat>) -> Self {
        let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
        let accepted = || {
            let first = accept.split(',').find_map(|kind| match kind.split(';').next()?.trim() {
                "application/json" => Some(RowFormat::Json),
                "application/x-ndjson" | "application/jsonl" => Some(RowFormat::Jsonl),
                "text/csv" => Some(RowFormat::Csv),
                _ => None,
            });
            first.unwrap_or(RowFormat::Json)
        };
        Self { format: asked.unwrap_or_else(accepted), query: parts.uri.query().unwrap_or("").to_owned() }
    }

    /// The answer.
    pub(super) fn answer<T: Row>(&self, page: Page<T>) -> Response {
        let next = page.more.then(|| page.rows.last().map(Row::key)).flatten();
        let link = next.as_ref().map(|next| self.link(next));
        let (kind, text) = match self.format {
            RowFormat::Json => {
                let rows = Rows { rows: page.rows, next };
                ("application/json", serde_json::to_vec(&rows).unwrap_or_default())
            }
            RowFormat::Jsonl => ("application/x-ndjson", lines(&page.rows)),
            RowFormat::Csv => ("text/csv; charset=utf-8; header=present", table(&page.rows)),
        };
        let mut response = Response::new(Body::from(text));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::VARY, HeaderValue::from_static("accept"));
        if let Some(link) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
            headers.insert(header::LINK, link);
        }
        response
    }

    /// The same question, from there on.
    fn link(&self, next: &str) -> String {
        let kept = self.query.split('&').filter(|part| !part.is_empty() && !part.starts_with("after="));
        // A key may be a name, of any letters.
        let after = format!("after={}", encode(next.as_bytes(), b":"));
        let query: Vec<&str> = kept.chain([after.as_str()]).collect();
        format!("<?{}>; rel=\"next\"", query.join("&"))
    }
}

fn lines<T: Row>(rows: &[T]) -> Vec<u8> {
    let mut text = Vec::new();
    for row in rows {
        text.extend(serde_json::to_vec(row).unwrap_or_default());
        text.push(b'\n');
    }
    text
}

fn table<T: Row>(rows: &[T]) -> Vec<u8> {
    let mut text = T::COLUMNS.join(",") + "\r\n";
    for row in rows {
        let cells = row.cells();
        let cells: Vec<_> = cells.iter().map(|cell| csv_cell(cell)).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text.into_bytes()
}

/// What may be missing, in a table.
pub(super) fn shown<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[derive(Serialize)]
    struct Number(u32);

    impl Row for Number {
        const COLUMNS: &'static [&'static str] = &["number", "formula"];
        fn cells(&self) -> Vec<String> {
            vec![self.0.to_string(), "=1+1".to_owned()]
        }
        fn key(&self) -> String {
            self.0.to_string()
        }
    }

    fn form(uri: &str, accept: &str, asked: Option<RowFormat>) -> Form {
        let request = Request::get(uri).header("accept", accept).body(()).unwrap();
        Form::of(&request.into_parts().0, asked)
    }

    #[test]
    fn the_parameter_goes_before_the_header() {
        assert_eq!(form("/", "text/csv", None).format, RowFormat::Csv);
        assert_eq!(form("/", "text/html, application/x-ndjson;q=0.9, */*", None).format, RowFormat::Jsonl);
        assert_eq!(form("/", "*/*", None).format, RowFormat::Json);
        assert_eq!(form("/", "text/csv", Some(RowFormat::Json)).format, RowFormat::Json);
    }

    #[test]
    fn a_page_names_the_next_one() {
        let page = || Page { rows: vec![Number(1), Number(2)], more: true };
        let answer = form("/x?after=0&verdict=unknown&limit=2", "", None).answer(page());
        assert_eq!(answer.headers()["link"], "<?verdict=unknown&limit=2&after=2>; rel=\"next\"");
        assert_eq!(
            form("/x", "", None).link("büro r&d+1%41"),
            "<?after=b%C3%BCro%20r%26d%2B1%2541>; rel=\"next\""
        );
        let last = form("/x", "", None).answer(Page { rows: vec![Number(1)], more: false });
        assert!(last.headers().get("link").is_none());
        assert_eq!(lines(&page().rows), b"1\n2\n");
        assert_eq!(table(&page().rows), b"number,formula\r\n1,\"'=1+1\"\r\n2,\"'=1+1\"\r\n");
    }
}
