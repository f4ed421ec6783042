//! `/hosts`: hosts by verdict, name, family, tag; the hosts that there ought to be, and which of them were never seen.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};

use crate::collector::expected;
use crate::collector::store::{
    ExpectedAsk, ExpectedRow, HostRow, HostsAsk, Page as Rows, Role, Standing, TagRow, VerdictAsk,
};
use crate::emit::Page;
use crate::model::Verdict;

use super::fields::{Address, Fields};
use super::frame::{
    self, ROWS, Wrong, cells, choice, empty, field, filters, grouped, host, many, maybe_moment, next, number,
    table, verdict,
};
use super::guard::Visitor;
use super::{Console, Route, Shared};

pub(super) const LIST: Route = Route::of("get", "/hosts", Role::Viewer, || get(list));
pub(super) const EXPECT: Route = Route::of("post", "/hosts/expected", Role::Operator, || post(expect));

/// What narrows the list down.
const NAMES: &[&str] =
    &["name", "verdict", "family", "tag", "standing", "stale", "expected", "owner", "department"];
const VERDICTS: &[(&str, &str)] = &[
    ("non-compliant", "non-compliant"),
    ("inconclusive", "inconclusive"),
    ("unknown", "unknown"),
    ("compliant", "compliant"),
];

async fn list(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    if fields.get("expected").is_some() {
        return expected_page(&console, &visitor, &fields).await;
    }
    let verdict = match fields.get("verdict") {
        Some("unknown") => Some(VerdictAsk::Unknown),
        _ => fields.word::<Verdict>("verdict").map(VerdictAsk::Is),
    };
    let ask = HostsAsk {
        after: fields.read_as("after"),
        limit: ROWS,
        verdict,
        family: fields.text("family"),
        name: fields.text("name"),
        standing: fields.word::<Standing>("standing"),
        stale_before: console.stale_before(),
        retired: false,
        tag: fields.text("tag"),
        stale: fields.get("stale").map(|stale| stale == "true"),
    };
    let found = console.store.hosts(&ask).await?;
    let tags = console.store.tags().await?;
    Ok(frame::page(&visitor, "/hosts", "Hosts", |page| {
        switch(page, "all");
        narrow(page, &fields, &tags);
        if found.rows.is_empty() {
            empty(
                page,
                "No such host. A host is here once 'interdict enrol' has run on it; clear the filters to see all.",
            );
        } else {
            rows(page, &found.rows);
        }
        let last = found.rows.last().filter(|_| found.more).map(|row| row.host.to_string());
        next(page, frame::after("/hosts", &fields, NAMES, last));
    }))
}

/// What the list can be narrowed down by.
fn narrow(page: &mut Page<'_>, fields: &Fields, tags: &[TagRow]) {
    filters(page, "/hosts", |page| {
        field(page, "Name begins with", "name", "search", fields.get("name").unwrap_or_default());
        choice(page, ("Verdict", "verdict"), Some("any"), VERDICTS, fields.get("verdict"));
        let families = ["linux", "windows", "macos"].map(|family| (family, family));
        choice(page, ("System", "family"), Some("any"), &families, fields.get("family"));
        let tags: Vec<_> = tags.iter().map(|row| (row.tag.as_str(), row.tag.as_str())).collect();
        choice(page, ("Tag", "tag"), Some("any"), &tags, fields.get("tag"));
        choice(
            page,
            ("Looked at", "stale"),
            Some("any"),
            &[("false", "lately"), ("true", "not for long")],
            fields.get("stale"),
        );
        let standings = Standing::ALL.iter().map(|standing| (standing.word(), standing.word()));
        choice(
            page,
            ("Standing", "standing"),
            Some("any"),
            &standings.collect::<Vec<_>>(),
            fields.get("standing"),
        );
    });
}

/// The lists of hosts.
fn switch(page: &mut Page<'_>, at: &str) {
    page.raw("<nav aria-label=\"Lists of hosts\"><ul class=\"lists\">\n");
    for (name, address, text) in [
        ("all", "/hosts", "Enrolled"),
        ("any", "/hosts?expected=any", "Expected"),
        ("never", "/hosts?expected=never", "Expected, never seen"),
    ] {
        page.raw("<li><a href=\"").raw(address).raw("\"");
        if name == at {
            page.raw(" aria-current=\"page\"");
        }
        page.raw(">").raw(text).raw("</a></li>\n");
    }
    page.raw("</ul></nav>\n");
}

fn rows(page: &mut Page<'_>, hosts: &[HostRow]) {
    page.raw("<div class=\"card\">");
    table(
        page,
        "Hosts",
        &["Host", "Verdict", "Findings", "System", "Looked at", "Agent", "Standing"],
        |page| {
            for row in hosts {
                page.raw("<tr><th scope=\"row\">");
                host(page, row.host, row.name.as_deref());
                page.raw("</th><td>");
                verdict(page, row.verdict);
                page.raw("</td>");
                number(page, "Findings", row.findings);
                page.raw("<td>");
                page.text(row.os.as_deref().unwrap_or(&row.family)).raw("</td><td>");
                maybe_moment(page, row.looked_at);
                if row.stale {
                    page.raw(" ").badge("open", "stale");
                }
                page.raw("</td>");
                cells(page, &[row.agent.as_deref().unwrap_or_default(), row.standing.word()]);
                page.raw("</tr>\n");
            }
        },
    );
    page.raw("</div>\n");
}

async fn expected_page(console: &Console, visitor: &Visitor, fields: &Fields) -> Result<Response, Wrong> {
    let at = if fields.get("expected") == Some("never") { "never" } else { "any" };
    let ask = ExpectedAsk {
        after: fields.text("after"),
        limit: ROWS,
        seen: (at == "never").then_some(false),
        owner: fields.text("owner"),
        department: fields.text("department"),
        tag: fields.text("tag"),
        stale_before: console.stale_before(),
    };
    let found = console.store.expected(&ask).await?;
    let counts = console.store.counts(console.stale_before()).await?;
    Ok(frame::page(visitor, "/hosts", "Expected hosts", |page| {
        switch(page, at);
        if counts.expected > 0 {
            let [seen, all] = [counts.expected_seen, counts.expected].map(grouped);
            let other = many(counts.unexpected, "other host");
            page.raw("<p>")
                .text(&format!("{seen} of {all} were ever heard of; {other} on no list."))
                .raw("</p>\n");
            filters(page, "/hosts", |page| {
                narrow_expected(page, fields, at);
            });
        }
        if found.rows.is_empty() {
            let text = match (counts.expected, at) {
                (0, _) => {
                    "Nobody has said which hosts there ought to be: figures are of those that enrolled."
                }
                (_, "never") => "Every expected host was heard of.",
                _ => "No such host is on the list.",
            };
            empty(page, text);
        } else {
            expected_rows(page, &found);
        }
        let last =
            found.rows.last().filter(|_| found.more).map(|row| expected::Expected::key(&row.expected.name));
        next(page, frame::after("/hosts", fields, NAMES, last));
        if visitor.may(Role::Operator) {
            import(page, visitor);
        }
    }))
}

fn narrow_expected(page: &mut Page<'_>, fields: &Fields, at: &str) {
    frame::hidden(page, "expected", at);
    for (label, name) in [("Owner", "owner"), ("Department", "department"), ("Tag", "tag")] {
        field(page, label, name, "search", fields.get(name).unwrap_or_default());
    }
}

fn expected_rows(page: &mut Page<'_>, found: &Rows<ExpectedRow>) {
    page.raw("<div class=\"card\">");
    table(
        page,
        "Expected hosts",
        &["Name", "Verdict", "Owner", "Department", "Tags", "Last report"],
        |page| {
            for row in &found.rows {
                page.raw("<tr><th scope=\"row\">");
                match row.host {
                    Some(id) => host(page, id, Some(&row.expected.name)),
                    None => _ = page.text(&row.expected.name),
                }
                page.raw("</th><td>");
                verdict(page, row.verdict);
                page.raw("</td>");
                cells(page, &[&row.expected.owner, &row.expected.department, &row.expected.tags.join(" ")]);
                page.raw("<td>");
                maybe_moment(page, row.received_at);
                page.raw("</td></tr>\n");
            }
        },
    );
    page.raw("</div>\n");
}

fn import(page: &mut Page<'_>, visitor: &Visitor) {
    page.raw("<section class=\"card\">");
    page.heading(2, "grp", "Import the list");
    page.raw("<p>CSV with a row of heads: <code>name</code>, and where there are such <code>owner</code>, <code>department</code>, \
              <code>tags</code>. It takes the place of the list that is there. Files: <code>interdict-collector expected import</code>.</p>\n");
    frame::form(page, visitor, "/hosts/expected", |page| {
        page.raw("<div class=\"fill\"><label>The list<textarea name=\"csv\" rows=\"8\" required placeholder=\"name,owner,department,tags\">\
                  </textarea></label>\n<button class=\"act\" data-ask=\"Take this list in the place of the one that is there?\">Import</button></div>");
    });
    page.raw("</section>\n");
}

async fn expect(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let hosts =
        expected::read(fields.exactly("csv").unwrap_or_default().as_bytes()).and_then(expected::check);
    let wrong = |faults: Vec<String>| {
        Wrong::fields(format!("The list was not taken.\n{}", faults.join("\n"))).page(Some(&visitor))
    };
    let hosts = match hosts {
        Ok(hosts) => hosts,
        Err(faults) => return Ok(wrong(faults)),
    };
    console.store.expect(&hosts, &visitor.by(&console)).await?;
    Ok(frame::to(&Address::of("/hosts").with("expected", "any")))
}
