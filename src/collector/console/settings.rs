//! `/settings`: people, tokens, enrolment secrets, retention; and what is set in the configuration.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};

use crate::collector::auth::{Kind, Token};
use crate::collector::dry_run::beginning;
use crate::collector::retention;
use crate::collector::store::{Changed, Credential, Person, PersonChange, Role, SignsIn};
use crate::emit::Page;
use crate::model::{Date, Stamp};

use super::fields::{Address, Fields};
use super::frame::{self, Wrong, choice, empty, field, form, maybe_moment, moment, table};
use super::guard::Visitor;
use super::sign_in::{new_person, username};
use super::{Console, Route, Shared, password};

pub(super) const PAGE: Route = Route::of("get", "/settings", Role::Admin, || get(shown));
pub(super) const ADD_PERSON: Route = Route::of("post", "/settings/people", Role::Admin, || post(add_person));
pub(super) const CHANGE_PERSON: Route =
    Route::of("post", "/settings/people/{name}", Role::Admin, || post(change_person));
pub(super) const MAKE: Route = Route::of("post", "/settings/tokens", Role::Admin, || post(make));
pub(super) const RETAIN: Route = Route::of("post", "/settings/retention", Role::Admin, || post(retain));
pub(super) const REVOKE: Route = Route::of("post", "/settings/tokens/revoke", Role::Admin, || post(revoke));

const ROLES: &[(&str, &str)] = &[
    ("viewer", "viewer: asks"),
    ("operator", "operator: also waives, tags, assigns"),
    ("admin", "admin: also people, tokens, rules"),
];

fn role(fields: &Fields) -> Option<Role> {
    let word = fields.get("role")?;
    Role::ALL.iter().copied().find(|role| role.word() == word)
}

async fn shown(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Wrong> {
    page(&console, &visitor, None).await
}

/// The page; with a token that was made, which is shown this once.
async fn page(console: &Console, visitor: &Visitor, made: Option<(&str, &Token)>) -> Result<Response, Wrong> {
    let people = console.store.people().await?;
    let credentials = console.store.credentials().await?;
    let set_days = retention::set_days(console.store.as_ref()).await?;
    let now = (console.now)();
    Ok(frame::page(visitor, "/settings", "Settings", |page| {
        if let Some((name, token)) = made {
            page.raw("<section class=\"card mark good\" role=\"status\"><p>").text(name).raw(
                " is made. It is shown this once:</p>\
                      <code class=\"token\" id=\"token\">",
            );
            page.text(token.reveal()).raw("</code></section>\n");
        }
        page.heading(2, "sec", "People");
        listed(page, &people, visitor, now);
        adding(page, visitor, console.provider.as_ref().map(|provider| provider.name.as_str()));
        let (secrets, tokens): (Vec<_>, Vec<_>) = credentials.iter().partition(|one| one.role.is_none());
        page.heading(2, "sec", "Enrolment secrets");
        kept(page, &secrets, visitor, now);
        making(page, visitor, true);
        page.heading(2, "sec", "Tokens for questions");
        kept(page, &tokens, visitor, now);
        making(page, visitor, false);
        page.heading(2, "sec", "Retention");
        retaining(page, visitor, set_days, console.keep_days);
        page.heading(2, "sec", "Configuration");
        page.raw("<div class=\"card\"><dl class=\"facts\">");
        page.raw("<div><dt>A host is stale after</dt><dd>").show(&(console.stale_after / 86_400));
        page.raw(" days</dd></div><div><dt>Keys that may sign rules</dt><dd>")
            .show(&console.trusted_keys.len())
            .raw("</dd></div>");
        page.raw("</dl><p class=\"dim\">They stand in the collector's configuration file: stale_days, trusted_keys.</p></div>\n");
    }))
}

fn listed(page: &mut Page<'_>, people: &[Person], visitor: &Visitor, now: Stamp) {
    page.raw("<div class=\"card\">");
    table(page, "People", &["Name", "Role", "Signs in by", "Last", "Change"], |page| {
        for person in people {
            page.raw("<tr><th scope=\"row\">").text(&person.name);
            if person.disabled.is_some() {
                page.raw(" ").badge("bad", "shut out");
            } else if person.locked_until.is_some_and(|until| until > now) {
                page.raw(" ").badge("open", "kept out for a while");
            }
            page.raw("</th><td>").raw(person.role.word()).raw("</td><td>");
            page.raw(if matches!(person.by, SignsIn::Password(_)) { "password" } else { "provider" })
                .raw("</td><td>");
            maybe_moment(page, person.used);
            page.raw("</td><td>");
            changing(page, person, visitor);
            page.raw("</td></tr>\n");
        }
    });
    page.raw("</div>\n");
}

fn changing(page: &mut Page<'_>, person: &Person, visitor: &Visitor) {
    let action = format!("/settings/people/{}", person.name);
    page.raw("<details><summary>Change</summary>");
    form(page, visitor, &action, |page| {
        choice(page, ("Role", "role"), None, ROLES, Some(person.role.word()));
        page.raw("<button name=\"do\" value=\"role\">Set role</button>");
    });
    if matches!(person.by, SignsIn::Password(_)) {
        form(page, visitor, &action, |page| {
            username(page, &person.name);
            field(page, "New password", "password", "password", "");
            page.raw("<button name=\"do\" value=\"password\">Set password</button>");
        });
    }
    form(page, visitor, &action, |page| {
        if person.disabled.is_some() {
            page.raw("<button name=\"do\" value=\"let-in\">Let in</button> ");
        } else {
            page.raw("<button name=\"do\" value=\"shut-out\">Shut out</button> ");
        }
        page.raw("<button name=\"do\" value=\"remove\" data-ask=\"Forget this person? The audit log keeps the name.\">Remove</button>");
    });
    page.raw("</details>");
}

fn adding(page: &mut Page<'_>, visitor: &Visitor, provider: Option<&str>) {
    page.raw("<details class=\"card\"><summary>Let somebody in</summary>\n");
    form(page, visitor, "/settings/people", |page| {
        page.raw("<div class=\"fill\">");
        field(page, "Name", "name", "text", "");
        choice(page, ("Role", "role"), None, ROLES, Some("viewer"));
        page.raw("<label>Password, twelve letters at least<input name=\"password\" type=\"password\" autocomplete=\"new-password\"></label>\n");
        if let Some(provider) = provider {
            page.raw("<label>Or, without a password: who they are to ").text(provider);
            page.raw(", their address or its own word for them<input name=\"subject\"></label>\n");
        }
        page.raw("<button class=\"act\">Let in</button></div>");
    });
    page.raw("</details>\n");
}

fn kept(page: &mut Page<'_>, rows: &[&Credential], visitor: &Visitor, now: Stamp) {
    if rows.is_empty() {
        empty(page, "None.");
        return;
    }
    page.raw("<div class=\"card\">");
    table(page, "Tokens", &["Name", "Role", "Made", "Last used", "Ends", "Stands"], |page| {
        for row in rows {
            page.raw("<tr><th scope=\"row\">").text(&row.name).raw("</th><td>");
            page.raw(row.role.map_or("enrols hosts", Role::word)).raw("</td><td>");
            moment(page, row.created);
            page.raw("</td><td>");
            maybe_moment(page, row.used);
            page.raw("</td><td>");
            maybe_moment(page, row.expires);
            page.raw("</td><td>");
            if row.revoked.is_some() {
                page.badge("off", "taken back");
            } else if row.expires.is_some_and(|ends| ends <= now) {
                page.badge("off", "over");
            } else {
                revoking(page, visitor, &row.name);
            }
            page.raw("</td></tr>\n");
        }
    });
    page.raw("</div>\n");
}

fn revoking(page: &mut Page<'_>, visitor: &Visitor, name: &str) {
    form(page, visitor, "/settings/tokens/revoke", |page| {
        frame::hidden(page, "name", name);
        page.raw(
            "<button data-ask=\"Whoever uses it is refused from now on. Take it back?\">Take back</button>",
        );
    });
}

fn making(page: &mut Page<'_>, visitor: &Visitor, secret: bool) {
    page.raw("<details class=\"card\"><summary>")
        .raw(if secret { "Make a secret" } else { "Make a token" })
        .raw("</summary>\n");
    form(page, visitor, "/settings/tokens", |page| {
        page.raw("<div class=\"fill\">");
        field(page, "Name", "name", "text", "");
        if !secret {
            choice(page, ("Role", "role"), None, ROLES, Some("viewer"));
        }
        page.raw("<label>Ends, at the beginning of that day; empty: never<input name=\"expires\" type=\"date\"></label>\n");
        page.raw("<button class=\"act\">Make</button></div>");
    });
    page.raw("</details>\n");
}

fn retaining(page: &mut Page<'_>, visitor: &Visitor, set: Option<u32>, configured: u32) {
    page.raw("<div class=\"card\"><p>Reports, verdicts and closed findings are kept for <b>")
        .show(&set.unwrap_or(configured))
        .raw(" days</b>")
        .raw(if set.is_some() { ", as was set here. " } else { ", as the configuration says. " })
        .raw("What is older is forgotten once a day; what a host has now is kept as long as the host.</p>\n");
    form(page, visitor, "/settings/retention", |page| {
        let days = set.map(|days| days.to_string()).unwrap_or_default();
        field(page, "Days; empty: as the configuration says", "days", "number", &days);
        page.raw("<button data-ask=\"What is older than that is gone for good within a day. Set it?\">Set retention</button>");
    });
    page.raw("</div>\n");
}

async fn retain(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let days = match (fields.text("days"), fields.read_as::<u32>("days")) {
        (None, _) => None,
        (_, Some(days)) if retention::may_be(days) => Some(days),
        _ => {
            let text = format!("For how many days? A number from 1 to {}.", retention::MOST);
            return Ok(Wrong::fields(text).page(Some(&visitor)));
        }
    };
    retention::set(console.store.as_ref(), days, &visitor.by(&console)).await?;
    Ok(frame::to(&Address::of("/settings")))
}

async fn add_person(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let wrong = |text: String| Ok(Wrong::fields(text).page(Some(&visitor)));
    let Some(role) = role(&fields) else { return wrong("A role is viewer, operator or admin.".to_owned()) };
    let subject = fields.get("subject").zip(console.provider.as_ref());
    let address = |who: &str| if who.contains('@') { who.to_lowercase() } else { who.to_owned() };
    let subject = subject.map(|(who, provider)| provider.subject(&address(who)));
    let new = match new_person(&fields, role, subject).await {
        Ok(new) => new,
        Err(why) => return wrong(why),
    };
    if !console.store.add_person(&new, &visitor.by(&console)).await? {
        return wrong(format!("Somebody is called {} already.", new.name));
    }
    Ok(frame::to(&Address::of("/settings")))
}

async fn change_person(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
    Path(name): Path<String>,
) -> Result<Response, Wrong> {
    let wrong = |text: String| Ok(Wrong::fields(text).page(Some(&visitor)));
    let change = match fields.get("do") {
        Some("role") => role(&fields).map(PersonChange::Role),
        Some("shut-out") => Some(PersonChange::Disabled(true)),
        Some("let-in") => Some(PersonChange::Disabled(false)),
        Some("remove") => Some(PersonChange::Gone),
        Some("password") => {
            let given = fields.exactly("password").unwrap_or_default().to_owned();
            if let Err(why) = password::check(&given) {
                return wrong(why);
            }
            password::hash(given).await.ok().map(PersonChange::Password)
        }
        _ => None,
    };
    let Some(change) = change else { return wrong("That is nothing that can be changed.".to_owned()) };
    match console.store.change_person(&name, &change, &visitor.by(&console)).await? {
        Changed::Done => Ok(frame::to(&Address::of("/settings"))),
        Changed::Nobody => Ok(Wrong::none("person").page(Some(&visitor))),
        Changed::LastAdmin => {
            wrong(format!("{name} is the last admin: nobody could change anything here any more."))
        }
    }
}

async fn make(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let wrong = |text: &str| Ok(Wrong::fields(text).page(Some(&visitor)));
    let Some(name) = fields.text("name") else { return wrong("What is it called?") };
    let role = role(&fields);
    let kind = if role.is_some() { Kind::Api } else { Kind::Secret };
    let expires = match (fields.get("expires"), fields.read_as::<Date>("expires")) {
        (None, _) => None,
        (Some(_), Some(day)) => beginning(day),
        (Some(_), None) => return wrong("When does it end? A day is like 2027-01-31."),
    };
    let by = visitor.by(&console);
    let Ok(token) = Token::new(kind) else { return wrong("The operating system gives no random numbers.") };
    let new = Credential { name, role, created: by.at, expires, revoked: None, used: None };
    if !console.store.add_credential(&new, token.hash()).await? {
        return wrong("Something is called so already.");
    }
    let action = if role.is_some() { "make token" } else { "make secret" };
    console.store.audit_note(&by, [action, &new.name, role.map_or("", Role::word)]).await?;
    page(&console, &visitor, Some((&new.name, &token))).await
}

async fn revoke(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let by = visitor.by(&console);
    let name = fields.get("name").unwrap_or_default();
    if !console.store.revoke(name, by.at).await? {
        return Ok(Wrong::none("token").page(Some(&visitor)));
    }
    console.store.audit_note(&by, ["take back token", name, ""]).await?;
    Ok(frame::to(&Address::of("/settings")))
}
