//! `GET /api/v1/summary`, `/api/v1/hosts` and `/api/v1/hosts/{id}`: how the fleet stands, and each of its hosts.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::collector::store::{Counts, HostDetail, HostRow, HostsAsk, Standing, VerdictAsk};
use crate::model::{Family, Id, Stamp, Verdict};

use super::auth::Asker;
use super::page::{Form, Query, Row, RowFormat, Rows, limit, parsed, shown};
use super::problem::{BAD_QUERY, CANNOT_KEEP, Fault, NOT_FOUND};
use super::{App, Endpoint, Shared, Whom, parameters, schema};

/// Figures of the whole.
pub(super) const SUMMARY: Endpoint = Endpoint {
    method: "get",
    path: "/api/v1/summary",
    id: "summary",
    summary: "Figures of the whole fleet",
    whom: Whom::Askers,
    query: None,
    body: None,
    answer: Some(schema::<Counts>),
    rows: false,
    refusals: &[CANNOT_KEEP],
    route: || get(summary),
};

/// Hosts.
pub(super) const LIST: Endpoint = Endpoint {
    path: "/api/v1/hosts",
    id: "hosts",
    summary: "Hosts, by their id",
    query: Some(parameters::<HostsQuery>),
    answer: Some(schema::<Rows<HostRow>>),
    rows: true,
    refusals: &[BAD_QUERY, CANNOT_KEEP],
    route: || get(list),
    ..SUMMARY
};

/// One host.
pub(super) const ONE: Endpoint = Endpoint {
    path: "/api/v1/hosts/{id}",
    id: "host",
    summary: "All of one host but its findings: what it is, how each source ended, its verdicts and their history",
    answer: Some(schema::<HostDetail>),
    refusals: &[BAD_QUERY, NOT_FOUND, CANNOT_KEEP],
    route: || get(one),
    ..SUMMARY
};

/// Parameters of the list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HostsQuery {
    /// After this host: `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 100 unless said, 1000 at most.
    limit: Option<u32>,
    /// How the rows are written; else as Accept says.
    format: Option<RowFormat>,
    /// Of this verdict.
    verdict: Option<VerdictWord>,
    /// Of this family of operating systems.
    family: Option<Family>,
    /// Whose name begins so; capital letters are as small ones.
    name: Option<String>,
    /// Standing so.
    standing: Option<Standing>,
    /// With this tag.
    tag: Option<String>,
    /// Whether it was not looked at for long.
    stale: Option<bool>,
    /// Whether those that have enrolled anew are told too.
    #[serde(default)]
    retired: bool,
}

/// A verdict, or that there is none.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum VerdictWord {
    Compliant,
    NonCompliant,
    Inconclusive,
    /// Never reported, spoken for by two machines, or not looked at for long.
    Unknown,
}

impl From<VerdictWord> for VerdictAsk {
    fn from(word: VerdictWord) -> Self {
        match word {
            VerdictWord::Compliant => Self::Is(Verdict::Compliant),
            VerdictWord::NonCompliant => Self::Is(Verdict::NonCompliant),
            VerdictWord::Inconclusive => Self::Is(Verdict::Inconclusive),
            VerdictWord::Unknown => Self::Unknown,
        }
    }
}

impl Row for HostRow {
    const COLUMNS: &'static [&'static str] = &[
        "host",
        "name",
        "verdict",
        "standing",
        "stale",
        "findings",
        "family",
        "os",
        "agent",
        "enrolled_at",
        "scanned_at",
        "received_at",
        "looked_at",
        "seq",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.host.to_string(),
            shown(self.name.as_ref()),
            self.verdict.map_or("unknown", Verdict::word).to_owned(),
            self.standing.word().to_owned(),
            self.stale.to_string(),
            self.findings.to_string(),
            self.family.clone(),
            shown(self.os.as_ref()),
            shown(self.agent.as_ref()),
            self.enrolled_at.to_string(),
            shown(self.scanned_at),
            shown(self.received_at),
            shown(self.looked_at),
            self.seq.to_string(),
        ]
    }

    fn key(&self) -> String {
        self.host.to_string()
    }
}

/// The moment before which a host was not looked at for long.
pub(super) fn stale_before(app: &App) -> Option<Stamp> {
    Stamp::from_unix((app.now)().unix() - app.stale_after)
}

async fn summary(_: Asker, State(app): State<Shared>) -> Result<Json<Counts>, Fault> {
    Ok(Json(app.store.counts(stale_before(&app)).await?))
}

async fn list(
    _: Asker,
    State(app): State<Shared>,
    Query(query): Query<HostsQuery>,
    parts: Parts,
) -> Result<Response, Fault> {
    let ask = HostsAsk {
        after: parsed("after", query.after.as_ref())?,
        limit: limit(query.limit)?,
        verdict: query.verdict.map(VerdictAsk::from),
        family: query.family.map(|family| family.word().to_owned()),
        name: query.name,
        standing: query.standing,
        stale_before: stale_before(&app),
        retired: query.retired,
        tag: query.tag,
        stale: query.stale,
    };
    Ok(Form::of(&parts, query.format).answer(app.store.hosts(&ask).await?))
}

/// The host that an address names.
pub(super) fn host_id(text: &str) -> Result<Id, Fault> {
    id_of("a host", text)
}

/// The id of something that an address names.
pub(super) fn id_of(what: &str, text: &str) -> Result<Id, Fault> {
    text.parse().map_err(|error| Fault::new(BAD_QUERY, format!("the id of {what}: {error}")))
}

async fn one(_: Asker, State(app): State<Shared>, Path(id): Path<String>) -> Result<Json<HostDetail>, Fault> {
    let found = app.store.host(host_id(&id)?, stale_before(&app)).await?;
    found.map(Json).ok_or_else(|| Fault::new(NOT_FOUND, "there is no host of this id"))
}
