//! What every page of the console has: head, where one is, who one is; tables, filters, forms, moments, refusals.
//!
//! Called by pages. Writes by [`Page`], so that no text of a host can be markup.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::collector::rules::Declined;
use crate::collector::store::{Role, StoreError};
use crate::emit::Page;
use crate::model::{Gap, Id, Severity, Stamp, Verdict};

use super::assets::{ICON, SCRIPT, STYLE};
use super::fields::{Address, Fields};
use super::guard::{CSRF, Visitor};

/// Where one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Its address.
    pub(super) path: &'static str,
    /// What it is called.
    pub(super) name: &'static str,
    /// Who sees it in the list of places.
    pub(super) least: Role,
}

/// Every place, in the order in which they are listed.
pub(super) const PLACES: &[Place] = &[
    Place { path: "/", name: "Overview", least: Role::Viewer },
    Place { path: "/findings", name: "Findings", least: Role::Viewer },
    Place { path: "/hosts", name: "Hosts", least: Role::Viewer },
    Place { path: "/software", name: "Software", least: Role::Viewer },
    Place { path: "/coverage", name: "Coverage", least: Role::Viewer },
    Place { path: "/policies", name: "Policies", least: Role::Viewer },
    Place { path: "/waivers", name: "Waivers", least: Role::Viewer },
    Place { path: "/audit", name: "Audit log", least: Role::Viewer },
    Place { path: "/settings", name: "Settings", least: Role::Admin },
];

/// A page for who has signed in.
pub(super) fn page(
    visitor: &Visitor,
    at: &'static str,
    title: &str,
    content: impl FnOnce(&mut Page<'_>),
) -> Response {
    whole(StatusCode::OK, Some(visitor), at, title, content)
}

/// A page for anybody.
pub(super) fn open(title: &str, content: impl FnOnce(&mut Page<'_>)) -> Response {
    whole(StatusCode::OK, None, "", title, content)
}

/// Sends the browser elsewhere, which it then asks for.
pub(super) fn to(address: &Address) -> Response {
    let at = HeaderValue::from_str(address.as_str()).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, at)]).into_response()
}

fn whole(
    status: StatusCode,
    visitor: Option<&Visitor>,
    at: &'static str,
    title: &str,
    content: impl FnOnce(&mut Page<'_>),
) -> Response {
    let mut out = Vec::with_capacity(64 << 10);
    let mut page = Page::open(&mut out);
    page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>").text(title);
    page.raw(
        " - interdict</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
    );
    page.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"stylesheet\" href=\"")
        .text(&STYLE.path);
    page.raw("\">\n<link rel=\"icon\" type=\"image/svg+xml\" href=\"").text(&ICON.path);
    page.raw("\">\n<script src=\"").text(&SCRIPT.path);
    page.raw(
        "\" defer></script>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n",
    );
    head(&mut page, visitor, at);
    page.raw("<main id=\"main\">\n");
    page.heading(1, "host", title);
    content(&mut page);
    page.raw("</main>\n<footer><p>interdict-collector ").text(env!("CARGO_PKG_VERSION"));
    page.raw(". Times are of your zone; hold the pointer over one for UTC. Nothing is known of what was not looked at.</p></footer>\n</body>\n</html>\n");
    // Into memory: it cannot fail.
    let _never = page.close();
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))];
    (status, kind, Body::from(out)).into_response()
}

fn head(page: &mut Page<'_>, visitor: Option<&Visitor>, at: &'static str) {
    page.raw("<header class=\"bar-top\"><p class=\"brand\"><a href=\"/\"><b>interdict</b></a></p>\n");
    if let Some(visitor) = visitor {
        page.raw("<nav aria-label=\"Console\"><ul>\n");
        for place in PLACES.iter().filter(|place| visitor.may(place.least)) {
            page.raw("<li><a href=\"").raw(place.path).raw("\"");
            if place.path == at {
                page.raw(" aria-current=\"page\"");
            }
            page.raw(">").raw(place.name).raw("</a></li>\n");
        }
        page.raw("</ul></nav>\n<div class=\"who\"><span><a href=\"/account\">")
            .text(&visitor.name)
            .raw("</a> <small>");
        page.raw(visitor.role.word()).raw("</small></span>");
        form(page, visitor, "/sign-out", |page| {
            page.raw("<button>Sign out</button>");
        });
        page.raw("</div>");
    }
    page.raw("</header>\n");
}

/// A form that changes something.
pub(super) fn form(page: &mut Page<'_>, visitor: &Visitor, action: &str, fields: impl FnOnce(&mut Page<'_>)) {
    page.raw("<form method=\"post\" action=\"").prose(action).raw("\">");
    page.raw("<input type=\"hidden\" name=\"").raw(CSRF).raw("\" value=\"").text(&visitor.csrf).raw("\">");
    fields(page);
    page.raw("</form>\n");
}

/// A field that travels along.
pub(super) fn hidden(page: &mut Page<'_>, name: &'static str, value: &str) {
    page.raw("<input type=\"hidden\" name=\"").raw(name).raw("\" value=\"").prose(value).raw("\">");
}

/// A field with its label. The kind is that of an `input`; what stands in it is what was given.
pub(super) fn field(
    page: &mut Page<'_>,
    label: &'static str,
    name: &'static str,
    kind: &'static str,
    value: &str,
) {
    page.raw("<label>").raw(label).raw("<input name=\"").raw(name).raw("\" type=\"").raw(kind);
    page.raw("\" value=\"").prose(value).raw("\"");
    match (kind, name) {
        ("password", "old") => _ = page.raw(" required autocomplete=\"current-password\""),
        ("password", _) => _ = page.raw(" required autocomplete=\"new-password\""),
        ("date", _) => _ = page.raw(" required"),
        ("number", _) => _ = page.raw(" min=\"1\" inputmode=\"numeric\""),
        (_, "name") => _ = page.raw(" autocomplete=\"off\""),
        _ => {}
    }
    page.raw("></label>\n");
}

/// A choice with its label. None of the choices is: all.
pub(super) fn choice(
    page: &mut Page<'_>,
    (label, name): (&'static str, &'static str),
    all: Option<&'static str>,
    choices: &[(&str, &str)],
    chosen: Option<&str>,
) {
    page.raw("<label>").raw(label).raw("<select name=\"").raw(name).raw("\">");
    if let Some(all) = all {
        page.raw("<option value=\"\">").raw(all).raw("</option>");
    }
    for (value, word) in choices {
        page.raw("<option value=\"").text(value).raw("\"");
        if chosen == Some(*value) {
            page.raw(" selected");
        }
        page.raw(">").text(word).raw("</option>");
    }
    page.raw("</select></label>\n");
}

/// What a list is narrowed down by; each choice has an address of its own.
pub(super) fn filters(page: &mut Page<'_>, action: &'static str, fields: impl FnOnce(&mut Page<'_>)) {
    page.raw("<form class=\"tools\" role=\"search\" method=\"get\" action=\"").raw(action).raw("\">");
    fields(page);
    page.raw("<button>Show</button> <a class=\"all\" href=\"").raw(action).raw("\">Clear</a></form>\n");
}

/// A table, its caption for who cannot see what is above it.
pub(super) fn table(
    page: &mut Page<'_>,
    caption: &'static str,
    heads: &[&'static str],
    rows: impl FnOnce(&mut Page<'_>),
) {
    page.raw("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"")
        .raw(caption)
        .raw("\">\n<table><caption class=\"sr\">");
    page.raw(caption).raw("</caption><thead><tr>");
    for head in heads {
        page.raw("<th scope=\"col\">").raw(head).raw("</th>");
    }
    page.raw("</tr></thead>\n<tbody>\n");
    rows(page);
    page.raw("</tbody></table></div>\n");
}

/// Cells of a row.
pub(super) fn cells(page: &mut Page<'_>, texts: &[&str]) {
    for text in texts {
        page.raw("<td>").text(text).raw("</td>");
    }
}

/// A cell with a number, which says what it counts where there is no room for the head of its column.
pub(super) fn number(page: &mut Page<'_>, of: &'static str, number: u64) {
    page.raw("<td class=\"num\" data-l=\"").raw(of).raw("\">").text(&grouped(number)).raw("</td>");
}

/// A cell with the number that something has.
pub(super) fn ordinal(page: &mut Page<'_>, number: u64) {
    page.raw("<td class=\"num\" data-l=\"No.\">").show(&number).raw("</td>");
}

/// A link.
pub(super) fn link(page: &mut Page<'_>, address: &Address, text: &str) {
    page.raw("<a href=\"").prose(address.as_str()).raw("\">").text(text).raw("</a>");
}

/// Where there is more than a page: the next one.
pub(super) fn next(page: &mut Page<'_>, address: Option<Address>) {
    if let Some(address) = address {
        page.raw("<p class=\"more\">");
        link(page, &address, "Next page");
        page.raw("</p>\n");
    }
}

/// What an empty list says, and what can be done.
pub(super) fn empty(page: &mut Page<'_>, text: &str) {
    page.raw("<p class=\"card dim\">").prose(text).raw("</p>\n");
}

/// A moment; the script says it in the viewer's zone.
pub(super) fn moment(page: &mut Page<'_>, at: Stamp) {
    let text = at.to_string();
    page.raw("<time datetime=\"")
        .text(&text)
        .raw("\">")
        .text(&text.replace('T', " ").replace('Z', " UTC"))
        .raw("</time>");
}

/// A moment, or that there was none.
pub(super) fn maybe_moment(page: &mut Page<'_>, at: Option<Stamp>) {
    match at {
        Some(at) => moment(page, at),
        None => _ = page.raw("never"),
    }
}

/// The word and the look of a verdict.
pub(super) fn verdict(page: &mut Page<'_>, verdict: Option<Verdict>) {
    let (tone, word) = toned(verdict);
    page.badge(tone, word);
}

/// The same, apart.
pub(super) fn toned(verdict: Option<Verdict>) -> (&'static str, &'static str) {
    match verdict {
        Some(Verdict::Compliant) => ("good", "compliant"),
        Some(Verdict::NonCompliant) => ("bad", "non-compliant"),
        Some(Verdict::Inconclusive) => ("open", "inconclusive"),
        None => ("off", "unknown"),
    }
}

/// The word and the look of a severity.
pub(super) fn severity(page: &mut Page<'_>, severity: Severity) {
    let tone = match severity {
        Severity::Critical | Severity::High => "bad",
        Severity::Medium => "open",
        _ => "info",
    };
    page.badge(tone, severity.word());
}

/// What a source could not see: why, how often, and so many of the places.
pub(super) fn gaps(page: &mut Page<'_>, gaps: &[Gap], places: usize) {
    for gap in gaps {
        page.raw(gap.reason.words()).raw(" (").show(&gap.count).raw(")");
        gap.places.iter().take(places).for_each(|place| _ = page.raw(" ").code(&place.text()));
        page.raw("<br>");
    }
}

/// A host, by its name where it has one.
pub(super) fn host(page: &mut Page<'_>, id: Id, name: Option<&str>) {
    let id = id.to_string();
    link(page, &Address::of(&format!("/hosts/{id}")), name.unwrap_or(&id));
}

/// A count as people read it: `12,345`.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (digit, left) in digits.chars().zip((0..digits.len()).rev()) {
        text.push(digit);
        if left > 0 && left.is_multiple_of(3) {
            text.push(',');
        }
    }
    text
}

/// A number of things.
pub(super) fn many(n: u64, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {one}s", grouped(n)) }
}

/// How many rows a page of a list has.
pub(super) const ROWS: u32 = 50;

/// What is kept of an address for the next page of a list.
pub(super) fn after(path: &str, fields: &Fields, names: &[&str], last: Option<String>) -> Option<Address> {
    last.map(|last| Address::of(path).keeping(fields, names).with("after", &last))
}

/// Why a page is not shown.
#[derive(Debug, Clone)]
pub(super) struct Wrong {
    status: StatusCode,
    text: String,
}

impl Wrong {
    /// What, why, what next: for people.
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    /// What is asked for is not there.
    pub(super) fn none(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("There is no such {what}; it may have been erased."))
    }

    /// What was filled in is not what is taken.
    pub(super) fn fields(text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, text)
    }

    /// As a page.
    pub(super) fn page(self, visitor: Option<&Visitor>) -> Response {
        let title = match self.status {
            StatusCode::NOT_FOUND => "Not found",
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => "Not allowed",
            StatusCode::INTERNAL_SERVER_ERROR | StatusCode::SERVICE_UNAVAILABLE => "A fault of the collector",
            StatusCode::TOO_MANY_REQUESTS => "Too many requests",
            _ => "That cannot be done",
        };
        whole(self.status, visitor, "", title, |page| {
            page.raw("<p class=\"card mark bad said\" role=\"alert\">")
                .prose(&self.text)
                .raw("</p>\n<p><a href=\"/\">To the overview</a></p>\n");
        })
    }
}

/// Drawn by `guard`, which knows for whom.
impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Wrong {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store fails");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The fleet's database does not answer. The collector's log says more.",
        )
    }
}

impl From<Declined> for Wrong {
    fn from(declined: Declined) -> Self {
        match declined {
            Declined::Store(error) => error.into(),
            Declined::Law(why) => {
                tracing::error!(why, "the law cannot be made ready");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "The rules cannot be used. The collector's log says more.",
                )
            }
            Declined::Unknown(why) => Self::new(StatusCode::NOT_FOUND, why),
            Declined::Refused(why) => Self::new(StatusCode::FORBIDDEN, why),
            Declined::Faults(why) | Declined::Wrong(why) => Self::fields(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_grouped_by_three_digits() {
        let texts = [0, 999, 1000, 65_536, 123_456, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "65,536", "123,456", "1,234,567"]);
        assert_eq!((many(1, "host").as_str(), many(2000, "host").as_str()), ("1 host", "2,000 hosts"));
    }
}
