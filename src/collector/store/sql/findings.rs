//! What follows from reports: verdicts and findings.
//!
//! Called by `change` and `anew`, inside of their transactions: for one host, or for many at once.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sqlx::QueryBuilder;

use crate::model::{Stamp, Verdict};

use crate::collector::events::{Happening, Stand};
use crate::collector::store::codec::write_json;
use crate::collector::store::{FindingState, Judged, Kept, KeptFinding, Standing};

use super::super::{Conn, Db, NUMBERING, PREPARED};
use super::change::bind_all;
use super::events;
use super::row::{CHUNK, Columns, damaged, failed, int, lock, query, text, unreadable};

/// What follows for a host.
#[derive(Clone, Copy)]
pub(super) struct Follows<'a> {
    pub(super) host: i64,
    pub(super) standing: Standing,
    pub(super) judged: &'a Judged,
}

/// Writes it, and notes what has happened by it. Of each host once.
pub(super) async fn follows(change: &mut Conn, at: Stamp, all: &[Follows<'_>]) -> Kept<()> {
    for all in all.chunks(CHUNK) {
        let hosts: Vec<i64> = all.iter().map(|one| one.host).collect();
        let stands = events::stands(&mut *change, &hosts).await?;
        verdicts(&mut *change, at, all).await?;
        let mut known = known(&mut *change, &hosts).await?;
        let mut happened = Vec::new();
        for one in all {
            let was = stands.get(&one.host).ok_or_else(|| damaged("a host", one.host, "it is not there"))?;
            let known = known.remove(&one.host).unwrap_or_default();
            happened.extend(findings(&mut *change, one.host, &one.judged.findings, &known, was).await?);
            happened.extend(was.becomes(one.standing.shows(one.judged.verdict)));
        }
        events::add(change, at, &happened).await?;
    }
    Ok(())
}

async fn verdicts(change: &mut Conn, at: Stamp, all: &[Follows<'_>]) -> Kept<()> {
    let failed = || failed("keeping verdicts");
    let alone = PREPARED && all.len() == 1;
    // Many hosts are told the same, which is then in one place.
    let mut told: HashMap<usize, Vec<u8>> = HashMap::new();
    let mut policies = Vec::with_capacity(all.len());
    for one in all {
        let told = match told.entry(Arc::as_ptr(&one.judged.policies).addr()) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => {
                let blob = write_json(&&*one.judged.policies);
                new.insert(blob.map_err(unreadable("the policies", one.host))?).clone()
            }
        };
        policies.push((one.host, told));
    }
    let mut update = QueryBuilder::<Db>::new("WITH new (no, told) AS (");
    update.push_values(policies, |mut row, (host, told)| {
        row.push_bind(host).push_bind(told);
    });
    update.push(") UPDATE host_told SET policies = new.told FROM new WHERE host = new.no");
    update.build().persistent(alone).execute(&mut *change).await.map_err(failed())?;

    let mut heads = Vec::with_capacity(all.len());
    for one in all {
        heads.push((one, tags_text(&one.judged.tags)?));
    }
    let mut update = QueryBuilder::<Db>::new("WITH new (host, rules, judged_on, law, tags) AS (");
    update.push_values(heads, |mut row, (one, tags)| {
        row.push_bind(one.host)
            .push_bind(one.judged.by.rules.0.to_vec())
            .push_bind(one.judged.by.on.to_string())
            .push_bind(int(one.judged.law))
            .push_bind(tags);
    });
    // Tags that came meanwhile may give it other policies: then it is judged by no law yet.
    update.push(
        ") UPDATE host SET rules = new.rules, judged_on = new.judged_on, leased = 0, \
         law = CASE WHEN COALESCE(host.tags, '[]') = new.tags THEN new.law ELSE -1 END FROM new WHERE no = new.host",
    );
    update.build().persistent(alone).execute(&mut *change).await.map_err(failed())?;

    verdict_of_all(&mut *change, all).await?;
    let outcomes = all.iter().flat_map(|one| one.judged.policies.iter().map(move |outcome| (one, outcome)));
    for outcomes in outcomes.collect::<Vec<_>>().chunks(CHUNK) {
        let mut insert = QueryBuilder::<Db>::new("WITH new (host, policy, since, verdict) AS (");
        insert.push_values(outcomes, |mut row, (one, outcome)| {
            row.push_bind(one.host)
                .push_bind(outcome.policy.as_str())
                .push_bind(at.unix())
                .push_bind(one.standing.shows(Some(outcome.verdict)).map(Verdict::word));
        });
        insert.push(
            ") INSERT INTO verdict (host, policy, since, verdict) SELECT host, policy, since, verdict FROM new \
             WHERE NOT EXISTS (SELECT 1 FROM verdict AS last WHERE last.host = new.host AND last.policy = new.policy AND \
                 last.since = (SELECT MAX(had.since) FROM verdict AS had WHERE had.host = new.host AND had.policy = new.policy) AND \
                 (last.verdict = new.verdict OR (last.verdict IS NULL AND new.verdict IS NULL))) \
             ON CONFLICT (host, policy, since) DO UPDATE SET verdict = excluded.verdict",
        );
        insert.build().persistent(alone).execute(&mut *change).await.map_err(failed())?;
    }
    Ok(())
}

/// By itself: most stay what they were, and an index by verdicts has a page for each host that is written.
async fn verdict_of_all(change: &mut Conn, all: &[Follows<'_>]) -> Kept<()> {
    let mut update = QueryBuilder::<Db>::new("WITH new (host, verdict) AS (");
    update.push_values(all, |mut row, one| {
        row.push_bind(one.host).push_bind(one.judged.verdict.map(Verdict::word));
    });
    update.push(
        ") UPDATE host SET verdict = new.verdict FROM new WHERE no = new.host \
         AND COALESCE(host.verdict, '') <> COALESCE(new.verdict, '')",
    );
    let done = update.build().persistent(PREPARED && all.len() == 1).execute(change).await;
    done.map_err(failed("keeping verdicts"))?;
    Ok(())
}

/// Tags as they are kept.
pub(super) fn tags_text(tags: &[String]) -> Kept<String> {
    serde_json::to_string(tags).map_err(|why| damaged("tags", tags.len(), why))
}

/// Policy, prohibition, product: what a finding of a host is told by.
type Key = (String, String, String);

/// The findings of hosts that are not closed, by their hosts.
async fn known(change: &mut Conn, hosts: &[i64]) -> Kept<HashMap<i64, BTreeMap<Key, i64>>> {
    let mut ask = QueryBuilder::<Db>::new(
        "SELECT no, host, policy, prohibition, product FROM finding WHERE state <> 'closed' AND host IN (",
    );
    bind_all(&mut ask, hosts);
    ask.push(")");
    let alone = PREPARED && hosts.len() == 1;
    let rows = ask.build().persistent(alone).fetch_all(change).await.map_err(failed("reading findings"))?;
    let mut known: HashMap<i64, BTreeMap<Key, i64>> = HashMap::new();
    for row in &rows {
        let columns = Columns(row);
        let key = (columns.text("policy")?, columns.text("prohibition")?, columns.text("product")?);
        known.entry(columns.int("host")?).or_default().insert(key, columns.int("no")?);
    }
    Ok(known)
}

async fn findings(
    change: &mut Conn,
    host: i64,
    all: &[KeptFinding],
    known: &BTreeMap<Key, i64>,
    was: &Stand,
) -> Kept<Vec<Happening>> {
    let (mut new, mut happened) = (Vec::new(), Vec::new());
    for kept in all {
        let finding = &kept.finding;
        let key = (finding.policy.clone(), finding.prohibition.clone(), finding.product.clone());
        match known.get(&key) {
            Some(no) => {
                update_finding(&mut *change, host, *no, kept).await?;
                happened.extend((kept.state == FindingState::Closed).then(|| was.closed(kept)));
            }
            None if kept.state != FindingState::Closed => new.push(kept),
            None => {}
        }
    }
    if !new.is_empty() {
        // Who asks for those after a number must miss none: they appear in the order of their numbers.
        lock(&mut *change, NUMBERING).await?;
    }
    for kept in new {
        insert_finding(&mut *change, host, kept).await?;
        happened.push(was.opened(kept));
    }
    Ok(happened)
}

async fn update_finding(change: &mut Conn, host: i64, no: i64, kept: &KeptFinding) -> Kept<()> {
    let (body, look) = bodies(kept)?;
    query(
        "UPDATE finding SET vendor = $2, severity = $3, confidence = $4, decides = $5, state = $6, seen_at = $7, \
         closed_at = $8, why = $9, body = $10, look = $11 WHERE no = $1 AND host = $12",
    )
    .bind(no)
    .bind(&kept.finding.vendor)
    .bind(kept.finding.severity.word())
    .bind(kept.finding.confidence.word())
    .bind(kept.finding.decides)
    .bind(kept.state.word())
    .bind(kept.seen.as_ref().map(|look| look.scanned_at.unix()))
    .bind(kept.closed_at.map(Stamp::unix))
    .bind(kept.why.as_deref().map(text))
    .bind(body)
    .bind(look)
    .bind(host)
    .execute(change)
    .await
    .map_err(failed("keeping a finding"))?;
    Ok(())
}

async fn insert_finding(change: &mut Conn, host: i64, kept: &KeptFinding) -> Kept<()> {
    let (body, look) = bodies(kept)?;
    let finding = &kept.finding;
    query(
        "INSERT INTO finding (host, policy, prohibition, product, vendor, severity, confidence, decides, state, \
         opened_at, seen_at, closed_at, why, body, look) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(host)
    .bind(&finding.policy)
    .bind(&finding.prohibition)
    .bind(&finding.product)
    .bind(&finding.vendor)
    .bind(finding.severity.word())
    .bind(finding.confidence.word())
    .bind(finding.decides)
    .bind(kept.state.word())
    .bind(kept.opened_at.unix())
    .bind(kept.seen.as_ref().map(|look| look.scanned_at.unix()))
    .bind(kept.closed_at.map(Stamp::unix))
    .bind(kept.why.as_deref().map(text))
    .bind(body)
    .bind(look)
    .execute(change)
    .await
    .map_err(failed("keeping a finding"))?;
    Ok(())
}

fn bodies(kept: &KeptFinding) -> Kept<(Vec<u8>, Option<Vec<u8>>)> {
    let product = &kept.finding.product;
    let body = write_json(&kept.finding).map_err(unreadable("a finding", product))?;
    let look = kept.seen.as_deref().map(write_json).transpose();
    Ok((body, look.map_err(unreadable("a look", product))?))
}
