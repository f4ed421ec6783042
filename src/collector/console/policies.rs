//! `/policies`: by which rules and policies hosts are judged; what others would find; how far judging anew is.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};

use crate::collector::dry_run::{DryRun, Trial, dry_run};
use crate::collector::rules::{activate, all_rules, assign, push};
use crate::collector::store::{JobRow, LawState, Role, RulesetRow, TagRow};
use crate::emit::Page;
use crate::model::{Id, RulesFolder};

use super::fields::{Address, Fields, Sent};
use super::frame::{
    self, Wrong, cells, choice, empty, field, form, grouped, hidden, host, many, moment, number, ordinal,
    table, verdict,
};
use super::guard::{CSRF, Visitor};
use super::{Console, Route, Shared};

pub(super) const LIST: Route = Route::of("get", "/policies", Role::Viewer, || get(list));
pub(super) const ASSIGN: Route = Route::of("post", "/policies/assign", Role::Operator, || post(assigned));
pub(super) const TRY: Route = Route::of("post", "/policies/dry-run", Role::Operator, || post(tried));
pub(super) const RULES: Route = Route::of("get", "/rules/{id}", Role::Viewer, || get(rules));
pub(super) const PUSH: Route = Route::of("post", "/rules", Role::Admin, || post(pushed));
pub(super) const ACTIVATE: Route = Route::of("post", "/rules/activate", Role::Admin, || post(activated));

/// Jobs that are told.
const JOBS: u32 = 10;
/// Lines of a difference that are shown.
const LINES: usize = 400;

async fn list(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Wrong> {
    let store = &console.store;
    let (law, rulesets, tags, jobs) =
        (store.law().await?, store.rulesets().await?, store.tags().await?, store.jobs(JOBS).await?);
    let known = known(&console).await?;
    Ok(frame::page(&visitor, "/policies", "Policies", |page| {
        running(page, &jobs);
        page.heading(2, "sec", "Who is judged by what");
        assignments(page, &law, &tags);
        if visitor.may(Role::Operator) {
            assigning(page, &visitor, &known);
        }
        page.heading(2, "sec", "Rules");
        kept(page, &rulesets, &visitor);
        if visitor.may(Role::Admin) {
            bringing(page, &visitor);
        }
        if visitor.may(Role::Operator) {
            page.heading(2, "sec", "What would be found?");
            trying(page, &visitor, &rulesets, &known);
        }
        page.heading(2, "sec", "Changes");
        changes(page, &jobs);
    }))
}

/// Policies of the rules that are in force, with their titles.
async fn known(console: &Console) -> Result<Vec<(String, String)>, Wrong> {
    let judging = console.court.judging();
    let rules = all_rules(judging.law()).await?;
    Ok(rules.policies().iter().map(|policy| (policy.id.clone(), policy.title.clone())).collect())
}

/// How far it is, where hosts are being judged anew; the script looks again.
fn running(page: &mut Page<'_>, jobs: &[JobRow]) {
    if let Some(job) = jobs.first().filter(|job| job.ended_at.is_none() && job.of > 0) {
        progress(page, job);
    }
}

/// Judging anew, while it goes on.
pub(super) fn progress(page: &mut Page<'_>, job: &JobRow) {
    page.raw("<section class=\"card mark info\" id=\"job\" role=\"status\" data-live data-ended=\"Every host is judged by it now.\"><p>Hosts are being judged anew: <b>")
        .text(&grouped(job.done));
    page.raw("</b> of ").text(&grouped(job.of)).raw(", after ").prose(&job.why);
    page.raw(".</p><progress aria-label=\"Hosts judged anew\" max=\"")
        .show(&job.of)
        .raw("\" value=\"")
        .show(&job.done);
    page.raw("\"></progress></section>\n");
}

fn assignments(page: &mut Page<'_>, law: &LawState, tags: &[TagRow]) {
    page.raw("<div class=\"card\">");
    table(page, "Policies of hosts", &["Hosts", "Policies"], |page| {
        page.raw("<tr><th scope=\"row\">those whose tags give them none</th><td>");
        if law.default.is_empty() {
            page.raw("the one that is asked by default");
        }
        page.text(&law.default.join(", ")).raw("</td></tr>\n");
        for row in tags {
            page.raw("<tr><th scope=\"row\">with the tag ");
            frame::link(page, &Address::of("/hosts").with("tag", &row.tag), &row.tag);
            page.raw(" <small>").text(&many(row.hosts, "host")).raw("</small></th><td>");
            page.text(&row.policies.join(", ")).raw("</td></tr>\n");
        }
    });
    page.raw("</div>\n");
}

/// Boxes of policies.
fn boxes(page: &mut Page<'_>, known: &[(String, String)]) {
    page.raw("<fieldset><legend>Policies</legend>");
    for (id, title) in known {
        page.raw("<p><label><input type=\"checkbox\" name=\"policy\" value=\"")
            .text(id)
            .raw("\"><span><b>")
            .text(id);
        page.raw("</b> <small>").text(title).raw("</small></span></label></p>\n");
    }
    page.raw("</fieldset>\n");
}

fn assigning(page: &mut Page<'_>, visitor: &Visitor, known: &[(String, String)]) {
    page.raw("<details class=\"card\"><summary>Assign policies</summary>\n");
    form(page, visitor, "/policies/assign", |page| {
        page.raw("<div class=\"fill\">");
        field(page, "Hosts with the tag; without one, those whose tags give them none", "tag", "text", "");
        boxes(page, known);
        page.raw("<button class=\"act\">Assign, and judge them anew</button></div>");
    });
    page.raw("</details>\n");
}

fn kept(page: &mut Page<'_>, rulesets: &[RulesetRow], visitor: &Visitor) {
    if rulesets.is_empty() {
        empty(page, "The built-in rules alone. Signed folders of rules can be brought beside them.");
        return;
    }
    page.raw("<div class=\"card\">");
    table(page, "Folders of rules", &["Name", "Version", "Signed by", "Came", "By", "State"], |page| {
        for row in rulesets {
            page.raw("<tr><th scope=\"row\">");
            frame::link(page, &Address::of(&format!("/rules/{}", row.id)), &row.name);
            page.raw("</th><td>").show(&row.version).raw("</td><td>").code(&row.signed_by).raw("</td><td>");
            moment(page, row.received_at);
            page.raw("</td><td>").text(&row.received_by).raw("</td><td>");
            if row.active {
                page.badge("good", "active");
            } else if visitor.may(Role::Admin) {
                activating(page, visitor, &row.id.to_string(), "Activate");
            }
            page.raw("</td></tr>\n");
        }
    });
    if visitor.may(Role::Admin) && rulesets.iter().any(|row| row.active) {
        activating(page, visitor, "", "Judge by the built-in rules alone");
    }
    page.raw("</div>\n");
}

fn activating(page: &mut Page<'_>, visitor: &Visitor, id: &str, text: &'static str) {
    form(page, visitor, "/rules/activate", |page| {
        hidden(page, "ruleset", id);
        page.raw("<button data-ask=\"The whole fleet is judged anew. Go on?\">").raw(text).raw("</button>");
    });
}

fn bringing(page: &mut Page<'_>, visitor: &Visitor) {
    page.raw("<details class=\"card\"><summary>Bring a signed folder of rules</summary>\n");
    page.raw("<form method=\"post\" action=\"/rules\" enctype=\"multipart/form-data\"><input type=\"hidden\" name=\"").raw(CSRF);
    page.raw("\" value=\"").text(&visitor.csrf).raw("\"><div class=\"fill\"><label>The folder, with ruleset.sums and \
              ruleset.sums.minisig<input type=\"file\" name=\"folder\" webkitdirectory multiple required></label>\n\
              <button class=\"act\">Bring it</button></div></form></details>\n");
}

fn trying(page: &mut Page<'_>, visitor: &Visitor, rulesets: &[RulesetRow], known: &[(String, String)]) {
    page.raw("<section class=\"card\"><p>Judges what the fleet holds by other rules or policies, and changes nothing.</p>\n");
    form(page, visitor, "/policies/dry-run", |page| {
        page.raw("<div class=\"fill\">");
        let folders: Vec<(String, String)> = rulesets
            .iter()
            .map(|row| (row.id.to_string(), format!("{} {}", row.name, row.version)))
            .collect();
        let folders: Vec<(&str, &str)> =
            folders.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
        choice(page, ("Rules", "ruleset"), Some("those in force"), &folders, None);
        field(page, "Policies, between blanks; without: as they are assigned", "policies", "text", "");
        page.raw("<p class=\"dim\">Known: ");
        for (id, _) in known {
            page.code(id).raw(" ");
        }
        page.raw("</p><button class=\"act\">Try</button></div>");
    });
    page.raw("</section>\n");
}

fn changes(page: &mut Page<'_>, jobs: &[JobRow]) {
    if jobs.is_empty() {
        empty(page, "Nobody has changed anything yet.");
        return;
    }
    page.raw("<div class=\"card\">");
    table(page, "Changes of the law", &["No.", "What", "When", "Hosts judged by it"], |page| {
        for job in jobs {
            page.raw("<tr>");
            ordinal(page, job.number);
            page.raw("<td>").prose(&job.why).raw("</td><td>");
            moment(page, job.started_at);
            page.raw("</td><td>")
                .text(&format!("{} of {}", grouped(job.done), grouped(job.of)))
                .raw("</td></tr>\n");
        }
    });
    page.raw("</div>\n");
}

async fn assigned(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let policies = fields.all("policy").map(str::to_owned).collect();
    match assign(&console.court, fields.text("tag"), policies, &visitor.by(&console)).await {
        Ok(_) => Ok(frame::to(&Address::of("/policies"))),
        Err(declined) => Ok(Wrong::from(declined).page(Some(&visitor))),
    }
}

async fn tried(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    // One at a time: it reads the whole fleet.
    let Ok(_alone) = console.trials.try_acquire() else {
        let text = "Another dry run is under way. Try again when it has ended.";
        return Ok(Wrong::new(StatusCode::SERVICE_UNAVAILABLE, text).page(Some(&visitor)));
    };
    let folder = match fields.read_as::<Id>("ruleset") {
        None => None,
        Some(id) => Some(console.store.ruleset(id).await?.ok_or_else(|| Wrong::none("folder of rules"))?.1),
    };
    let policies: Vec<String> =
        fields.get("policies").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let trial =
        Trial { folder, policies: (!policies.is_empty()).then_some(policies), as_of: (console.now)() };
    let judging = console.court.judging();
    match dry_run(Arc::clone(&console.store), judging.law(), trial).await {
        Ok(told) => {
            let hosts: Vec<Id> = told.first.iter().map(|row| row.host).collect();
            let names = console.store.names(&hosts).await?;
            Ok(frame::page(&visitor, "/policies", "What would be found", |page| found(page, &told, &names)))
        }
        Err(declined) => Ok(Wrong::from(declined).page(Some(&visitor))),
    }
}

fn found(page: &mut Page<'_>, told: &DryRun, names: &BTreeMap<Id, String>) {
    if !told.complete {
        page.raw("<p class=\"card mark open said\">Time did not suffice: the figures are of a part of the fleet.</p>\n");
    }
    page.raw("<ul class=\"figures\">");
    for (tone, figure, word) in [
        ("bad", told.non_compliant, "would be non-compliant"),
        ("info", told.shown, "with findings that are only shown"),
        ("open", told.need_a_scan, "need a scan before it can be said"),
        ("off", told.hosts, "hosts were looked at"),
    ] {
        page.raw("<li class=\"")
            .raw(tone)
            .raw("\"><a><b>")
            .text(&grouped(figure))
            .raw("</b>")
            .raw(word)
            .raw("</a></li>");
    }
    page.raw("</ul>\n");
    if told.products.is_empty() {
        empty(
            page,
            "Nothing would be found in what the fleet has told. Hosts that need a scan are not known to be without it.",
        );
    } else {
        page.raw("<div class=\"card\">");
        table(page, "Products that would be found", &["Product", "Hosts", "Deciding"], |page| {
            for row in &told.products {
                page.raw("<tr><th scope=\"row\">").text(&row.product).raw("</th>");
                number(page, "Hosts", row.hosts);
                number(page, "Deciding", row.decides);
                page.raw("</tr>\n");
            }
        });
        page.raw("</div>\n<div class=\"card\">");
        table(page, "The first hosts", &["Host", "Verdict", "Products"], |page| {
            for row in &told.first {
                page.raw("<tr><th scope=\"row\">");
                host(page, row.host, names.get(&row.host).map(String::as_str));
                page.raw("</th><td>");
                verdict(page, row.verdict);
                page.raw("</td>");
                cells(page, &[&row.products.join(", ")]);
                page.raw("</tr>\n");
            }
        });
        page.raw("</div>\n");
    }
    page.raw("<p class=\"more\"><a href=\"/policies\">Back to the policies</a></p>\n");
}

/// A folder as a browser sends it: names begin with that of the folder.
fn folder(files: &[Sent]) -> Result<RulesFolder, String> {
    let (mut texts, mut sums, mut signature) = (BTreeMap::new(), None, None);
    for file in files {
        let name = file.name.split_once('/').map_or(file.name.as_str(), |(_, name)| name);
        let text = || String::from_utf8(file.bytes.clone()).map_err(|_| format!("{name} is no text"));
        match name {
            "ruleset.sums" => sums = Some(text()?),
            "ruleset.sums.minisig" => signature = Some(text()?),
            _ if std::path::Path::new(name).extension().is_some_and(|end| end == "toml") => {
                texts.insert(name.to_owned(), text()?);
            }
            _ => {}
        }
    }
    let signed = sums.zip(signature);
    let (sums, signature) = signed.ok_or_else(|| {
        "The folder is not signed: it has no ruleset.sums or no ruleset.sums.minisig. 'interdict rules sign' makes both.".to_owned()
    })?;
    Ok(RulesFolder { files: texts, sums, signature })
}

async fn pushed(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let folder = match folder(fields.files()) {
        Ok(folder) => folder,
        Err(why) => return Ok(Wrong::fields(why).page(Some(&visitor))),
    };
    match push(console.store.as_ref(), folder, console.trusted_keys.clone(), &visitor.by(&console)).await {
        Ok(pushed) => Ok(frame::to(&Address::of(&format!("/rules/{}", pushed.id)))),
        Err(declined) => Ok(Wrong::from(declined).page(Some(&visitor))),
    }
}

async fn activated(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let id = match fields.get("ruleset") {
        None => None,
        Some(id) => Some(id.parse::<Id>().map_err(|_| Wrong::none("folder of rules"))?),
    };
    match activate(&console.court, id, &visitor.by(&console)).await {
        Ok(_) => Ok(frame::to(&Address::of("/policies"))),
        Err(declined) => Ok(Wrong::from(declined).page(Some(&visitor))),
    }
}

/// A folder, and what is other in it than in the one that is active.
async fn rules(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Wrong> {
    let none = || Wrong::none("folder of rules");
    let id: Id = id.parse().map_err(|_| none())?;
    let (row, folder) = console.store.ruleset(id).await?.ok_or_else(none)?;
    let active = console.store.law().await?.active.filter(|active| *active != id);
    let other = match active {
        Some(active) => console.store.ruleset(active).await?,
        None => None,
    };
    Ok(frame::page(&visitor, "/policies", &format!("{} {}", row.name, row.version), |page| {
        page.raw("<p class=\"row\">")
            .badge(if row.active { "good" } else { "off" }, if row.active { "active" } else { "kept" });
        page.raw("<span>signed by ")
            .code(&row.signed_by)
            .raw(", brought by ")
            .text(&row.received_by)
            .raw(", ");
        moment(page, row.received_at);
        page.raw("</span></p>\n");
        if visitor.may(Role::Admin) && !row.active {
            activating(page, &visitor, &id.to_string(), "Activate");
        }
        if let Some((other, before)) = &other {
            page.heading(
                2,
                "sec",
                &format!("What is other than in {} {}, which is active", other.name, other.version),
            );
            differences(page, before, &folder);
        }
        page.heading(2, "sec", "Files");
        for (name, text) in &folder.files {
            page.raw("<details class=\"card\"><summary>").text(name).raw("</summary><pre>");
            for line in text.lines() {
                page.text(line).raw("\n");
            }
            page.raw("</pre></details>\n");
        }
    }))
}

/// Lines that came and that went, file by file. Lines that only moved are told as both.
fn differences(page: &mut Page<'_>, before: &RulesFolder, after: &RulesFolder) {
    let names: std::collections::BTreeSet<&String> = before.files.keys().chain(after.files.keys()).collect();
    let mut none = true;
    for name in names {
        let [old, new] = [before, after].map(|folder| folder.files.get(name).map_or("", String::as_str));
        if old == new {
            continue;
        }
        none = false;
        page.raw("<div class=\"card\">");
        page.heading(3, "sub", name);
        page.raw("<pre>");
        for (tone, sign, line) in lines(old, new).into_iter().take(LINES) {
            page.raw("<span class=\"").raw(tone).raw("\">").raw(sign).text(line).raw("</span>\n");
        }
        page.raw("</pre></div>\n");
    }
    if none {
        empty(page, "Nothing: both have the same files.");
    }
}

/// Lines of either that the other has not, or not as often, in their order.
fn lines<'t>(old: &'t str, new: &'t str) -> Vec<(&'static str, &'static str, &'t str)> {
    let without = |text: &'t str, other: &'t str| {
        let mut there: BTreeMap<&str, usize> = BTreeMap::new();
        other.lines().for_each(|line| *there.entry(line).or_default() += 1);
        let is_other = |line: &&'t str| match there.get_mut(*line) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        };
        text.lines().filter(is_other).collect::<Vec<_>>()
    };
    let gone = without(old, new).into_iter().map(|line| ("gone", "- ", line));
    gone.chain(without(new, old).into_iter().map(|line| ("add", "+ ", line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_other_is_told_line_by_line() {
        let told = lines("a\nb\nb\nc", "a\nb\nd\nc");
        assert_eq!(told, [("gone", "- ", "b"), ("add", "+ ", "d")]);
        assert!(lines("a", "a").is_empty());
    }

    #[test]
    fn a_folder_is_taken_as_a_browser_sends_it() {
        let sent = |name: &str, text: &str| Sent { name: name.to_owned(), bytes: text.as_bytes().to_vec() };
        let files = [
            sent("ours/vendors/v.toml", "schema = 1"),
            sent("ours/ruleset.sums", "sums"),
            sent("ours/ruleset.sums.minisig", "signature"),
            sent("ours/.git/config", "\u{0}"),
        ];
        let read = folder(&files).unwrap();
        assert_eq!(read.files.keys().collect::<Vec<_>>(), ["vendors/v.toml"]);
        assert_eq!((read.sums.as_str(), read.signature.as_str()), ("sums", "signature"));
        assert!(folder(&files[..1]).unwrap_err().contains("rules sign"));
    }
}
