//! Who may speak: secrets, tokens, enrolment.
//!
//! Called by the store. Knows hashes alone.

use sqlx::QueryBuilder;

use crate::model::{Id, Stamp};

use super::super::{Conn, Db, FOR_UPDATE, PREPARED, Row};
use super::events;
use super::row::{Columns, block, failed, query, searched, text, word};
use crate::collector::events::{Happening, HostTold};
use crate::collector::store::{
    Bearer, Credential, Enrolment, Kept, NewHost, Refused, Role, SecretHash, Standing,
};

/// When something was last used is noted once in so many seconds.
const NOTED_EVERY: i64 = 3_600;

pub(super) async fn add_credential(change: &mut Conn, new: &Credential, hash: SecretHash) -> Kept<bool> {
    let done = query(
        "INSERT INTO credential (name, hash, role, created, expires, revoked, used) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(text(&new.name))
    .bind(&hash.0[..])
    .bind(new.role.map(Role::word))
    .bind(new.created.unix())
    .bind(new.expires.map(Stamp::unix))
    .bind(new.revoked.map(Stamp::unix))
    .bind(new.used.map(Stamp::unix))
    .execute(&mut *change)
    .await
    .map_err(failed("adding a token"))?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn credentials(read: &mut Conn) -> Kept<Vec<Credential>> {
    let rows = query("SELECT name, role, created, expires, revoked, used FROM credential ORDER BY name")
        .fetch_all(&mut *read)
        .await
        .map_err(failed("listing tokens"))?;
    rows.iter().map(credential).collect()
}

fn credential(row: &Row) -> Kept<Credential> {
    let columns = Columns(row);
    let role = columns.maybe_text("role")?;
    let role = role.map(|text| word("role", &text, Role::ALL.iter().copied(), Role::word)).transpose()?;
    Ok(Credential {
        name: columns.text("name")?,
        role,
        created: columns.stamp("created")?,
        expires: columns.maybe_stamp("expires")?,
        revoked: columns.maybe_stamp("revoked")?,
        used: columns.maybe_stamp("used")?,
    })
}

pub(super) async fn revoke(change: &mut Conn, name: &str, at: Stamp) -> Kept<bool> {
    let done = query("UPDATE credential SET revoked = $2 WHERE name = $1 AND revoked IS NULL")
        .bind(name)
        .bind(at.unix())
        .execute(&mut *change)
        .await
        .map_err(failed("revoking a token"))?;
    Ok(done.rows_affected() > 0)
}

/// What was asked, and the name of the credential whose use is to be noted.
pub(super) type Told<T> = (Result<T, Refused>, Option<String>);

pub(super) async fn enrolment_secret(read: &mut Conn, hash: SecretHash, now: Stamp) -> Kept<Told<String>> {
    let told = match holds(read, hash, now).await? {
        Ok(found) if found.role.is_none() => {
            let note = to_note(&found, now);
            (Ok(found.name), note)
        }
        // A token for questions is no secret for enrolment.
        Ok(_) => (Err(Refused::Unknown), None),
        Err(refused) => (Err(refused), None),
    };
    Ok(told)
}

pub(super) async fn bearer(read: &mut Conn, hash: SecretHash, now: Stamp) -> Kept<Told<Bearer>> {
    let row = query(
        "SELECT host.id, token.revoked FROM token JOIN host ON host.no = token.host WHERE token.hash = $1",
    )
    .bind(&hash.0[..])
    .fetch_optional(&mut *read)
    .await
    .map_err(failed("looking for a token"))?;
    if let Some(row) = row {
        let columns = Columns(&row);
        return match columns.maybe_int("revoked")? {
            None => Ok((Ok(Bearer::Host(columns.id("id")?)), None)),
            Some(_) => Ok((Err(Refused::Revoked), None)),
        };
    }
    let told = match holds(read, hash, now).await? {
        Ok(found) => match found.role {
            Some(role) => {
                let note = to_note(&found, now);
                (Ok(Bearer::Api { name: found.name, role }), note)
            }
            None => (Err(Refused::Unknown), None),
        },
        Err(refused) => (Err(refused), None),
    };
    Ok(told)
}

/// Its name, where it is to be noted that it was used.
fn to_note(found: &Credential, now: Stamp) -> Option<String> {
    let noted = found.used.is_some_and(|used| now.unix() - used.unix() < NOTED_EVERY);
    (!noted).then(|| found.name.clone())
}

/// A credential that holds.
async fn holds(read: &mut Conn, hash: SecretHash, now: Stamp) -> Kept<Result<Credential, Refused>> {
    let row = query("SELECT name, role, created, expires, revoked, used FROM credential WHERE hash = $1")
        .bind(&hash.0[..])
        .fetch_optional(&mut *read)
        .await
        .map_err(failed("looking for a token"))?;
    let Some(row) = row else { return Ok(Err(Refused::Unknown)) };
    let found = credential(&row)?;
    if found.revoked.is_some() {
        return Ok(Err(Refused::Revoked));
    }
    if found.expires.is_some_and(|expires| expires <= now) {
        return Ok(Err(Refused::Expired));
    }
    Ok(Ok(found))
}

/// Notes that a credential was used.
pub(super) async fn used(change: &mut Conn, name: &str, now: Stamp) -> Kept<()> {
    query("UPDATE credential SET used = $2 WHERE name = $1")
        .bind(name)
        .bind(now.unix())
        .execute(&mut *change)
        .await
        .map_err(failed("noting that a token was used"))?;
    Ok(())
}

pub(super) async fn enrol(change: &mut Conn, new: &NewHost, now: Stamp) -> Kept<Enrolment> {
    let failed = || failed("enrolling a host");
    let mut ask = QueryBuilder::<Db>::new("SELECT no, id, machine, standing FROM host WHERE install = ");
    ask.push_bind(new.install.0.to_vec()).push(FOR_UPDATE);
    let row = ask.build().persistent(PREPARED).fetch_optional(&mut *change).await.map_err(failed())?;
    let (no, enrolment) = match row {
        None => (insert_host(&mut *change, new, now).await?, Enrolment::New),
        Some(row) => {
            let columns = Columns(&row);
            let same = columns.id("machine")? == new.machine;
            if !same || matches!(columns.standing("standing")?, Standing::Split | Standing::Retired) {
                return Ok(Enrolment::Taken);
            }
            (columns.int("no")?, Enrolment::Again(columns.id("id")?))
        }
    };
    query("UPDATE token SET revoked = $2 WHERE host = $1 AND revoked IS NULL")
        .bind(no)
        .bind(now.unix())
        .execute(&mut *change)
        .await
        .map_err(failed())?;
    query("INSERT INTO token (hash, host, created) VALUES ($1, $2, $3)")
        .bind(&new.token.0[..])
        .bind(no)
        .bind(now.unix())
        .execute(&mut *change)
        .await
        .map_err(failed())?;
    if let Some(replaced) = new.replaces {
        retire(change, replaced, now).await?;
    }
    Ok(enrolment)
}

/// A host that was split, and one that spoke as it has enrolled anew: what was found on it, and what it has, is told by that one.
async fn retire(change: &mut Conn, host: Id, now: Stamp) -> Kept<()> {
    let failed = || failed("retiring a host");
    let row = query("UPDATE host SET standing = $2 WHERE id = $1 AND standing = $3 RETURNING no")
        .bind(&host.0[..])
        .bind(Standing::Retired.word())
        .bind(Standing::Split.word())
        .fetch_optional(&mut *change)
        .await
        .map_err(failed())?;
    let Some(row) = row else { return Ok(()) };
    let no = Columns(&row).int("no")?;
    query(
        "UPDATE finding SET state = 'closed', closed_at = $2, seen_at = COALESCE(seen_at, $2), why = $3 \
         WHERE host = $1 AND state <> 'closed'",
    )
    .bind(no)
    .bind(now.unix())
    .bind("the host has enrolled anew")
    .execute(&mut *change)
    .await
    .map_err(failed())?;
    query("DELETE FROM host_item WHERE block = $1 AND host = $2")
        .bind(block(no))
        .bind(no)
        .execute(change)
        .await
        .map_err(failed())?;
    Ok(())
}

async fn insert_host(change: &mut Conn, new: &NewHost, now: Stamp) -> Kept<i64> {
    let row = query(
        "INSERT INTO host (id, install, machine, name, folded, family, enrolled_at, standing, seq) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0) RETURNING no",
    )
    .bind(&new.host.0[..])
    .bind(&new.install.0[..])
    .bind(&new.machine.0[..])
    .bind(new.name.as_deref().map(text))
    .bind(new.name.as_deref().map(searched))
    .bind(new.family)
    .bind(now.unix())
    .bind(Standing::Sound.word())
    .fetch_one(change)
    .await
    .map_err(failed("enrolling a host"))?;
    Columns(&row).int("no")
}

/// Says that nothing can be told of a host any more.
pub(super) async fn split(change: &mut Conn, host: Id, at: Stamp) -> Kept<()> {
    let failed = || failed("marking a host as split");
    let mut ask =
        QueryBuilder::<Db>::new("SELECT name, looked_at FROM host WHERE standing <> 'split' AND id = ");
    ask.push_bind(host.0.to_vec()).push(FOR_UPDATE);
    let row = ask.build().persistent(PREPARED).fetch_optional(&mut *change).await.map_err(failed())?;
    if let Some(row) = row {
        let (name, looked_at) = (Columns(&row).maybe_text("name")?, Columns(&row).maybe_stamp("looked_at")?);
        events::add(&mut *change, at, &[Happening::HostSplit(HostTold { host, name, looked_at })]).await?;
    }
    query("UPDATE host SET standing = $2 WHERE id = $1")
        .bind(&host.0[..])
        .bind(Standing::Split.word())
        .execute(&mut *change)
        .await
        .map_err(failed())?;
    // Of every policy whose last verdict is one.
    query(
        "INSERT INTO verdict (host, policy, since, verdict) \
         SELECT last.host, last.policy, $2, NULL FROM verdict AS last \
         WHERE last.host = (SELECT no FROM host WHERE id = $1) AND last.verdict IS NOT NULL AND last.since = \
             (SELECT MAX(since) FROM verdict AS one WHERE one.host = last.host AND one.policy = last.policy) \
         ON CONFLICT (host, policy, since) DO UPDATE SET verdict = NULL",
    )
    .bind(&host.0[..])
    .bind(at.unix())
    .execute(&mut *change)
    .await
    .map_err(failed())?;
    Ok(())
}
