//! The fleet's law: rules, assignments, exceptions, tags, and the list of who changed what.
//!
//! Called by the store. Every change is one transaction with its line in that list.

use std::collections::BTreeMap;

use sqlx::QueryBuilder;

use crate::model::{Id, RulesFolder, Stamp};

use super::super::{Conn, Db, FOR_UPDATE, PREPARED};
use super::findings::tags_text;
use super::row::{Columns, damaged, failed, int, query, text, unreadable};
use crate::collector::store::codec::{read_json, write_json};
use crate::collector::store::{
    Added, AuditAsk, AuditRow, By, ExceptionRow, Kept, LawChange, LawState, NewException, NewRuleset, Page,
    RulesetRow, TagRow,
};

const DOING: &str = "changing the law of the fleet";

pub(super) async fn version(read: &mut Conn) -> Kept<u64> {
    let row = query("SELECT COALESCE(MAX(version), 0) AS version FROM law")
        .fetch_one(&mut *read)
        .await
        .map_err(failed("reading the law's number"))?;
    Columns(&row).count("version")
}

pub(super) async fn law(read: &mut Conn) -> Kept<LawState> {
    let failed = || failed("reading the law");
    let last = last(&mut *read, "").await?;
    let mut state =
        LawState { version: last.version, since: last.since, active: last.active, ..LawState::default() };
    let rows = query("SELECT tag, policy FROM assignment ORDER BY tag, policy")
        .fetch_all(&mut *read)
        .await
        .map_err(failed())?;
    for row in &rows {
        let (tag, policy) = (Columns(row).text("tag")?, Columns(row).text("policy")?);
        let policies = if tag.is_empty() { &mut state.default } else { state.by_tag.entry(tag).or_default() };
        policies.push(policy);
    }
    let exceptions = exceptions(&mut *read).await?;
    state.exceptions = exceptions.into_iter().filter(|one| one.withdrawn_at.is_none()).collect();
    Ok(state)
}

/// The last change.
#[derive(Default)]
struct Last {
    version: u64,
    since: Option<Stamp>,
    active: Option<Id>,
    day: Option<String>,
}

async fn last(read: &mut Conn, locked: &'static str) -> Kept<Last> {
    let mut ask = QueryBuilder::<Db>::new(
        "SELECT version, started_at, active, day FROM law ORDER BY version DESC LIMIT 1",
    );
    ask.push(locked);
    let row =
        ask.build().persistent(PREPARED).fetch_optional(read).await.map_err(failed("reading the law"))?;
    let Some(row) = row else { return Ok(Last::default()) };
    let columns = Columns(&row);
    Ok(Last {
        version: columns.count("version")?,
        since: columns.maybe_stamp("started_at")?,
        active: columns.maybe_id("active")?,
        day: columns.maybe_text("day")?,
    })
}

pub(super) async fn change_law(own: &mut Conn, change: &LawChange, by: &By) -> Kept<Option<u64>> {
    let mut now = last(&mut *own, FOR_UPDATE).await?;
    if !apply(&mut *own, change, by, &mut now).await? {
        return Ok(None);
    }
    now.version += 1;
    let [action, subject, detail] = change.told();
    query("INSERT INTO law (version, active, day, why, started_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(int(now.version))
        .bind(now.active.map(|id| id.0.to_vec()))
        .bind(now.day)
        .bind(format!("{action} {subject}"))
        .bind(by.at.unix())
        .execute(&mut *own)
        .await
        .map_err(failed(DOING))?;
    note(&mut *own, by, [&action, &subject, &detail]).await?;
    Ok(Some(now.version))
}

/// Whether there is something to change; it is then changed.
async fn apply(own: &mut Conn, change: &LawChange, by: &By, now: &mut Last) -> Kept<bool> {
    match change {
        LawChange::Activate(None) => now.active = None,
        LawChange::Activate(Some(id)) => {
            let row = query("SELECT id FROM ruleset WHERE id = $1")
                .bind(&id.0[..])
                .fetch_optional(own)
                .await
                .map_err(failed(DOING))?;
            now.active = Some(*id);
            return Ok(row.is_some());
        }
        LawChange::Assign(tag, policies) => assign(own, tag.as_deref().unwrap_or(""), policies).await?,
        LawChange::Grant(new) => grant(own, new, by).await?,
        LawChange::Withdraw(number) => {
            let done = query("UPDATE exception SET withdrawn_at = $2 WHERE no = $1 AND withdrawn_at IS NULL")
                .bind(int(*number))
                .bind(by.at.unix())
                .execute(own)
                .await
                .map_err(failed(DOING))?;
            return Ok(done.rows_affected() > 0);
        }
        LawChange::Day(day) => {
            let day = day.to_string();
            let is_new = now.day.as_ref().is_none_or(|had| *had < day);
            now.day = Some(day);
            return Ok(is_new);
        }
    }
    Ok(true)
}

async fn assign(own: &mut Conn, tag: &str, policies: &[String]) -> Kept<()> {
    query("DELETE FROM assignment WHERE tag = $1")
        .bind(tag)
        .execute(&mut *own)
        .await
        .map_err(failed(DOING))?;
    for policy in policies {
        query("INSERT INTO assignment (tag, policy) VALUES ($1, $2) ON CONFLICT (tag, policy) DO NOTHING")
            .bind(tag)
            .bind(policy)
            .execute(&mut *own)
            .await
            .map_err(failed(DOING))?;
    }
    Ok(())
}

async fn grant(own: &mut Conn, new: &NewException, by: &By) -> Kept<()> {
    let json =
        |value: serde_json::Result<String>| value.map_err(|why| damaged("an exception", &new.owner, why));
    query(
        "INSERT INTO exception (whose, excepted, reason, owner, expires, granted_at, granted_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(json(serde_json::to_string(&new.whose))?)
    .bind(json(serde_json::to_string(&new.excepted))?)
    .bind(text(&new.reason))
    .bind(text(&new.owner))
    .bind(new.expires.to_string())
    .bind(by.at.unix())
    .bind(&by.actor)
    .execute(own)
    .await
    .map_err(failed(DOING))?;
    Ok(())
}

/// A line in the list of who changed what.
pub(super) async fn note(own: &mut Conn, by: &By, [action, subject, detail]: [&str; 3]) -> Kept<()> {
    query("INSERT INTO audit (at, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5)")
        .bind(by.at.unix())
        .bind(&by.actor)
        .bind(action)
        .bind(text(subject))
        .bind(text(detail))
        .execute(own)
        .await
        .map_err(failed("noting who changed what"))?;
    Ok(())
}

pub(super) async fn exceptions(read: &mut Conn) -> Kept<Vec<ExceptionRow>> {
    let rows = query(
        "SELECT no, whose, excepted, reason, owner, expires, granted_at, granted_by, withdrawn_at \
         FROM exception ORDER BY no",
    )
    .fetch_all(read)
    .await
    .map_err(failed("reading exceptions"))?;
    rows.iter().map(|row| exception(&Columns(row))).collect()
}

fn exception(columns: &Columns<'_>) -> Kept<ExceptionRow> {
    let number = columns.count("no")?;
    let damage = |why: String| damaged("an exception", number, why);
    let whose = serde_json::from_str(&columns.text("whose")?).map_err(|why| damage(why.to_string()))?;
    let excepted = serde_json::from_str(&columns.text("excepted")?).map_err(|why| damage(why.to_string()))?;
    Ok(ExceptionRow {
        number,
        whose,
        excepted,
        reason: columns.text("reason")?,
        owner: columns.text("owner")?,
        expires: columns.text("expires")?.parse().map_err(damage)?,
        granted_at: columns.stamp("granted_at")?,
        granted_by: columns.text("granted_by")?,
        withdrawn_at: columns.maybe_stamp("withdrawn_at")?,
    })
}

const RULESETS: &str = "SELECT id, name, version, signed_by, files, received_at, received_by, \
    COALESCE(id = (SELECT active FROM law ORDER BY version DESC LIMIT 1), FALSE) AS active, \
    EXISTS (SELECT 1 FROM law WHERE law.active = ruleset.id) AS was_active";

pub(super) async fn rulesets(read: &mut Conn) -> Kept<Vec<RulesetRow>> {
    let mut ask = QueryBuilder::<Db>::new(RULESETS);
    ask.push(" FROM ruleset ORDER BY received_at DESC, version DESC");
    let rows =
        ask.build().persistent(PREPARED).fetch_all(&mut *read).await.map_err(failed("reading the rules"))?;
    rows.iter().map(|row| ruleset_row(&Columns(row))).collect()
}

fn ruleset_row(columns: &Columns<'_>) -> Kept<RulesetRow> {
    Ok(RulesetRow {
        id: columns.id("id")?,
        name: columns.text("name")?,
        version: columns.count("version")?,
        signed_by: columns.text("signed_by")?,
        files: columns.count("files")?,
        received_at: columns.stamp("received_at")?,
        received_by: columns.text("received_by")?,
        active: columns.flag("active")?,
        was_active: columns.flag("was_active")?,
    })
}

pub(super) async fn ruleset(read: &mut Conn, id: Id) -> Kept<Option<(RulesetRow, RulesFolder)>> {
    let mut ask = QueryBuilder::<Db>::new(RULESETS);
    ask.push(", folder FROM ruleset WHERE id = ").push_bind(id.0.to_vec());
    let row =
        ask.build().persistent(PREPARED).fetch_optional(&mut *read).await.map_err(failed("reading rules"))?;
    let Some(row) = row else { return Ok(None) };
    let columns = Columns(&row);
    let folder = read_json(&columns.blob("folder")?).map_err(unreadable("rules", id))?;
    Ok(Some((ruleset_row(&columns)?, folder)))
}

pub(super) async fn add_ruleset(own: &mut Conn, new: &NewRuleset, by: &By) -> Kept<Added> {
    let failed = || failed("keeping rules");
    let folder = write_json(&new.folder).map_err(unreadable("rules", new.id))?;
    let row = query("SELECT id, version FROM ruleset WHERE name = $1 ORDER BY version DESC LIMIT 1")
        .bind(&new.name)
        .fetch_optional(&mut *own)
        .await
        .map_err(failed())?;
    if let Some(row) = row {
        let (id, version) = (Columns(&row).id("id")?, Columns(&row).count("version")?);
        match version.cmp(&new.version) {
            std::cmp::Ordering::Greater => return Ok(Added::Older(version)),
            std::cmp::Ordering::Equal if id == new.id => return Ok(Added::Before),
            std::cmp::Ordering::Equal => return Ok(Added::OtherContent),
            std::cmp::Ordering::Less => {}
        }
    }
    query(
        "INSERT INTO ruleset (id, name, version, signed_by, files, received_at, received_by, folder) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&new.id.0[..])
    .bind(&new.name)
    .bind(int(new.version))
    .bind(&new.signed_by)
    .bind(i64::try_from(new.folder.files.len()).unwrap_or(i64::MAX))
    .bind(by.at.unix())
    .bind(&by.actor)
    .bind(folder)
    .execute(&mut *own)
    .await
    .map_err(failed())?;
    let subject = format!("ruleset {}", new.id);
    let detail = format!("{} {}, signed by {}", new.name, new.version, new.signed_by);
    note(&mut *own, by, ["push", &subject, &detail]).await?;
    Ok(Added::Now)
}

pub(super) async fn set_tags(own: &mut Conn, host: Id, tags: &[String], by: &By) -> Kept<bool> {
    let failed = || failed("giving a host its tags");
    // Judged by no law: it is judged anew.
    let row = query("UPDATE host SET law = -1, tags = $2 WHERE id = $1 RETURNING no")
        .bind(&host.0[..])
        .bind(tags_text(tags)?)
        .fetch_optional(&mut *own)
        .await
        .map_err(failed())?;
    let Some(row) = row else { return Ok(false) };
    let number = Columns(&row).int("no")?;
    query("DELETE FROM host_tag WHERE host = $1").bind(number).execute(&mut *own).await.map_err(failed())?;
    for tag in tags {
        query("INSERT INTO host_tag (host, tag) VALUES ($1, $2) ON CONFLICT (host, tag) DO NOTHING")
            .bind(number)
            .bind(tag)
            .execute(&mut *own)
            .await
            .map_err(failed())?;
    }
    note(&mut *own, by, ["tag", &format!("host {host}"), &tags.join(", ")]).await?;
    Ok(true)
}

pub(super) async fn tags(read: &mut Conn) -> Kept<Vec<TagRow>> {
    let failed = || failed("reading tags");
    let mut tags: BTreeMap<String, TagRow> = BTreeMap::new();
    let new = |tag: &String| TagRow { tag: tag.clone(), hosts: 0, policies: Vec::new() };
    let rows = query("SELECT tag, COUNT(*) AS hosts FROM host_tag GROUP BY tag")
        .fetch_all(&mut *read)
        .await
        .map_err(failed())?;
    for row in &rows {
        let tag = Columns(row).text("tag")?;
        tags.entry(tag.clone()).or_insert_with(|| new(&tag)).hosts = Columns(row).count("hosts")?;
    }
    let rows = query("SELECT tag, policy FROM assignment WHERE tag <> '' ORDER BY tag, policy")
        .fetch_all(&mut *read)
        .await
        .map_err(failed())?;
    for row in &rows {
        let tag = Columns(row).text("tag")?;
        tags.entry(tag.clone()).or_insert_with(|| new(&tag)).policies.push(Columns(row).text("policy")?);
    }
    Ok(tags.into_values().collect())
}

pub(super) async fn audit(read: &mut Conn, ask: &AuditAsk) -> Kept<Page<AuditRow>> {
    let mut select =
        QueryBuilder::<Db>::new("SELECT no, at, actor, action, subject, detail FROM audit WHERE TRUE");
    if let Some(before) = ask.before {
        select.push(" AND no < ").push_bind(int(before));
    }
    if let Some(actor) = &ask.actor {
        select.push(" AND actor = ").push_bind(text(actor).into_owned());
    }
    if let Some(subject) = &ask.subject {
        select.push(" AND subject = ").push_bind(text(subject).into_owned());
    }
    select.push(" ORDER BY no DESC LIMIT ").push_bind(i64::from(ask.limit) + 1);
    let rows = select
        .build()
        .persistent(PREPARED)
        .fetch_all(&mut *read)
        .await
        .map_err(failed("reading who changed what"))?;
    let one = |columns: Columns<'_>| {
        Ok(AuditRow {
            number: columns.count("no")?,
            at: columns.stamp("at")?,
            actor: columns.text("actor")?,
            action: columns.text("action")?,
            subject: columns.text("subject")?,
            detail: columns.text("detail")?,
        })
    };
    let mut found: Vec<AuditRow> = rows.iter().map(|row| one(Columns(row))).collect::<Kept<_>>()?;
    let limit = usize::try_from(ask.limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    Ok(Page { rows: found, more })
}
