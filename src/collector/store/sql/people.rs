//! Who may open the console: people, their sessions, wrong passwords; and how the fleet stood day by day.
//!
//! Called by the store. Knows passwords and sessions as hashes alone.

use sqlx::QueryBuilder;

use crate::model::Stamp;

use crate::collector::store::codec::{read_json, write_json};
use crate::collector::store::{
    By, Changed, Day, FindingCount, Kept, NewPerson, NewSession, Person, PersonChange, Role, SecretHash,
    Session, SignsIn,
};

use super::super::{Conn, Db, FOR_UPDATE, PREPARED, Row};
use super::law::note;
use super::row::{Columns, damaged, failed, query, text, unreadable, word};

/// Wrong passwords in a row after which somebody is kept out, and for how many seconds.
const LOCKS: (i64, i64) = (5, 15 * 60);
/// Seconds without a request after which a session is over.
const IDLE: i64 = 3_600;
/// Use of a session is noted once in so many seconds.
const NOTED_EVERY: i64 = 300;

const PERSON: &str = "SELECT name, role, secret, subject, created, disabled, used, locked_until FROM person";

fn role(columns: &Columns<'_>) -> Kept<Role> {
    word("role", &columns.text("role")?, Role::ALL.iter().copied(), Role::word)
}

fn one(row: &Row) -> Kept<Person> {
    let columns = Columns(row);
    let name = columns.text("name")?;
    let by = match (columns.maybe_text("secret")?, columns.maybe_text("subject")?) {
        (Some(secret), _) => SignsIn::Password(secret),
        (None, Some(subject)) => SignsIn::Provider(subject),
        (None, None) => return Err(damaged("a person", &name, "there is no way to sign in")),
    };
    Ok(Person {
        role: role(&columns)?,
        by,
        created: columns.stamp("created")?,
        disabled: columns.maybe_stamp("disabled")?,
        used: columns.maybe_stamp("used")?,
        locked_until: columns.maybe_stamp("locked_until")?,
        name,
    })
}

pub(super) async fn people(read: &mut Conn) -> Kept<Vec<Person>> {
    let mut ask = QueryBuilder::<Db>::new(PERSON);
    ask.push(" ORDER BY name");
    let rows = ask.build().persistent(PREPARED).fetch_all(read).await;
    rows.map_err(failed("listing people"))?.iter().map(one).collect()
}

pub(super) async fn person(read: &mut Conn, name: &str) -> Kept<Option<Person>> {
    by(read, " WHERE name = ", name).await
}

pub(super) async fn known_as(read: &mut Conn, subject: &str) -> Kept<Option<Person>> {
    by(read, " WHERE subject = ", subject).await
}

async fn by(read: &mut Conn, condition: &'static str, value: &str) -> Kept<Option<Person>> {
    let mut ask = QueryBuilder::<Db>::new(PERSON);
    ask.push(condition).push_bind(text(value).into_owned());
    let row = ask.build().persistent(PREPARED).fetch_optional(read).await;
    row.map_err(failed("looking for a person"))?.as_ref().map(one).transpose()
}

/// Lets somebody in; false: the name, or who it stands for, is taken.
pub(super) async fn add(change: &mut Conn, new: &NewPerson, by: &By) -> Kept<bool> {
    let (secret, subject) = match &new.by {
        SignsIn::Password(secret) => (Some(secret), None),
        SignsIn::Provider(subject) => (None, Some(subject)),
    };
    let done = query(
        "INSERT INTO person (name, role, secret, subject, created) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(text(&new.name))
    .bind(new.role.word())
    .bind(secret)
    .bind(subject.map(|subject| text(subject)))
    .bind(by.at.unix())
    .execute(&mut *change)
    .await
    .map_err(failed("adding a person"))?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    note(change, by, ["add person", &new.name, new.role.word()]).await?;
    Ok(true)
}

/// The first admin, by the set-up token, which is then used up.
pub(super) async fn set_up(change: &mut Conn, new: &NewPerson, token: SecretHash, by: &By) -> Kept<bool> {
    let done = query("UPDATE mark SET value = $3 WHERE name = $1 AND value = $2")
        .bind(crate::collector::store::SET_UP)
        .bind(&token.0[..])
        .bind(Vec::<u8>::new())
        .execute(&mut *change)
        .await
        .map_err(failed("using up the set-up token"))?;
    Ok(done.rows_affected() > 0 && add(change, new, by).await?)
}

pub(super) async fn change(own: &mut Conn, name: &str, what: &PersonChange, by: &By) -> Kept<Changed> {
    let failed = || failed("changing a person");
    let mut ask = QueryBuilder::<Db>::new("SELECT name, role, secret, disabled FROM person WHERE role = ");
    ask.push_bind(Role::Admin.word()).push(" OR name = ").push_bind(text(name).into_owned());
    ask.push(" ORDER BY name").push(FOR_UPDATE);
    let rows = ask.build().persistent(PREPARED).fetch_all(&mut *own).await.map_err(failed())?;
    let (mut others, mut found) = (0, None);
    for row in &rows {
        let columns = Columns(row);
        let is_admin = role(&columns)? == Role::Admin && columns.maybe_int("disabled")?.is_none();
        if columns.text("name")? == name {
            found = Some((is_admin, columns.maybe_text("secret")?.is_some()));
        } else {
            others += u32::from(is_admin);
        }
    }
    let Some((is_admin, has_password)) = found else { return Ok(Changed::Nobody) };
    let stays = match what {
        PersonChange::Role(role) => *role == Role::Admin,
        PersonChange::Password(_) | PersonChange::Disabled(false) => true,
        PersonChange::Disabled(true) | PersonChange::Gone => false,
    };
    if is_admin && !stays && others == 0 {
        return Ok(Changed::LastAdmin);
    }
    let mut update = QueryBuilder::<Db>::new("");
    let (action, detail) = match what {
        PersonChange::Role(role) => {
            update.push("UPDATE person SET role = ").push_bind(role.word());
            ("set role", role.word())
        }
        PersonChange::Password(_) if !has_password => return Ok(Changed::Nobody),
        PersonChange::Password(secret) => {
            update
                .push("UPDATE person SET failures = 0, locked_until = NULL, secret = ")
                .push_bind(secret.clone());
            ("set password", "")
        }
        PersonChange::Disabled(true) => {
            update.push("UPDATE person SET disabled = ").push_bind(by.at.unix());
            ("shut out", "")
        }
        PersonChange::Disabled(false) => {
            update.push("UPDATE person SET disabled = NULL, failures = 0, locked_until = NULL");
            ("let in", "")
        }
        PersonChange::Gone => {
            update.push("DELETE FROM person");
            ("remove person", "")
        }
    };
    update.push(" WHERE name = ").push_bind(text(name).into_owned());
    // What somebody could do before is not done by a session from before.
    end_sessions(&mut *own, name).await?;
    update.build().persistent(PREPARED).execute(&mut *own).await.map_err(failed())?;
    note(own, by, [action, name, detail]).await?;
    Ok(Changed::Done)
}

/// Notes that somebody gave a password; whether they are kept out from now on.
pub(super) async fn tried(change: &mut Conn, name: &str, right: bool, at: Stamp) -> Kept<bool> {
    let failed = || failed("noting who signed in");
    if right {
        query("UPDATE person SET failures = 0, locked_until = NULL, used = $2 WHERE name = $1")
            .bind(text(name))
            .bind(at.unix())
            .execute(&mut *change)
            .await
            .map_err(failed())?;
        return Ok(false);
    }
    let row = query("UPDATE person SET failures = failures + 1 WHERE name = $1 RETURNING failures")
        .bind(text(name))
        .fetch_optional(&mut *change)
        .await
        .map_err(failed())?;
    let (most, seconds) = LOCKS;
    let failures = row.map_or(Ok(0), |row| Columns(&row).int("failures"))?;
    if failures < most {
        return Ok(false);
    }
    query("UPDATE person SET failures = 0, locked_until = $2 WHERE name = $1")
        .bind(text(name))
        .bind(at.unix() + seconds)
        .execute(&mut *change)
        .await
        .map_err(failed())?;
    let by = By { actor: name.to_owned(), at };
    note(change, &by, ["lock out", name, "wrong passwords"]).await?;
    Ok(true)
}

pub(super) async fn begin_session(change: &mut Conn, new: &NewSession, at: Stamp) -> Kept<()> {
    let failed = || failed("beginning a session");
    query("DELETE FROM session WHERE ends <= $1 OR used <= $2")
        .bind(at.unix())
        .bind(at.unix() - IDLE)
        .execute(&mut *change)
        .await
        .map_err(failed())?;
    query("INSERT INTO session (hash, person, begun, used, ends) VALUES ($1, $2, $3, $3, $4)")
        .bind(&new.hash.0[..])
        .bind(text(&new.name))
        .bind(at.unix())
        .bind(new.ends.unix())
        .execute(&mut *change)
        .await
        .map_err(failed())?;
    note(change, &By { actor: new.name.clone(), at }, ["sign in", &new.name, ""]).await
}

/// A session that goes on, and whether its use is to be noted.
pub(super) async fn session(read: &mut Conn, hash: SecretHash, at: Stamp) -> Kept<Option<(Session, bool)>> {
    let row = query(
        "SELECT person.name, person.role, session.used FROM session JOIN person ON person.name = session.person \
         WHERE session.hash = $1 AND session.ends > $2 AND session.used > $3 AND person.disabled IS NULL",
    )
    .bind(&hash.0[..])
    .bind(at.unix())
    .bind(at.unix() - IDLE)
    .fetch_optional(read)
    .await
    .map_err(failed("looking for a session"))?;
    let Some(row) = row else { return Ok(None) };
    let columns = Columns(&row);
    let session =
        Session { name: columns.text("name")?, role: role(&columns)?, used: columns.stamp("used")? };
    let noted = at.unix() - session.used.unix() < NOTED_EVERY;
    Ok(Some((session, !noted)))
}

pub(super) async fn session_used(change: &mut Conn, hash: SecretHash, at: Stamp) -> Kept<()> {
    query("UPDATE session SET used = $2 WHERE hash = $1")
        .bind(&hash.0[..])
        .bind(at.unix())
        .execute(change)
        .await
        .map_err(failed("noting that a session was used"))?;
    Ok(())
}

pub(super) async fn end_session(change: &mut Conn, hash: SecretHash) -> Kept<()> {
    query("DELETE FROM session WHERE hash = $1")
        .bind(&hash.0[..])
        .execute(change)
        .await
        .map_err(failed("ending a session"))?;
    Ok(())
}

async fn end_sessions(change: &mut Conn, name: &str) -> Kept<()> {
    query("DELETE FROM session WHERE person = $1")
        .bind(text(name))
        .execute(change)
        .await
        .map_err(failed("ending sessions"))?;
    Ok(())
}

/// Notes how the fleet stands; of a day the last figures stay.
pub(super) async fn note_day(change: &mut Conn, day: &Day) -> Kept<()> {
    let date = day.day.to_string();
    let body = write_json(&day.counts).map_err(unreadable("the figures of a day", &date))?;
    query("INSERT INTO day (day, body) VALUES ($1, $2) ON CONFLICT (day) DO UPDATE SET body = excluded.body")
        .bind(date)
        .bind(body)
        .execute(change)
        .await
        .map_err(failed("noting how the fleet stands"))?;
    Ok(())
}

/// The last so many days, the first of them first.
pub(super) async fn days(read: &mut Conn, limit: u32) -> Kept<Vec<Day>> {
    let rows = query("SELECT day, body FROM day ORDER BY day DESC LIMIT $1")
        .bind(i64::from(limit))
        .fetch_all(read)
        .await
        .map_err(failed("reading how the fleet stood"))?;
    let one = |columns: Columns<'_>| {
        let day = columns.text("day")?;
        let counts = read_json(&columns.blob("body")?).map_err(unreadable("the figures of a day", &day))?;
        let date = day.parse().map_err(|error: String| damaged("a day", &day, error))?;
        Ok(Day { day: date, counts })
    };
    let mut days: Vec<Day> = rows.iter().map(|row| one(Columns(row))).collect::<Kept<_>>()?;
    days.reverse();
    Ok(days)
}

/// Findings that are not closed, counted.
pub(super) async fn finding_counts(read: &mut Conn) -> Kept<Vec<FindingCount>> {
    let rows = query(
        "SELECT policy, prohibition, vendor, severity, decides, COUNT(DISTINCT host) AS hosts, COUNT(*) AS findings \
         FROM finding WHERE state <> 'closed' GROUP BY policy, prohibition, vendor, severity, decides \
         ORDER BY policy, prohibition, vendor, severity, decides",
    )
    .fetch_all(read)
    .await
    .map_err(failed("counting findings"))?;
    let one = |columns: Columns<'_>| {
        Ok(FindingCount {
            policy: columns.text("policy")?,
            prohibition: columns.text("prohibition")?,
            vendor: columns.text("vendor")?,
            severity: columns.text("severity")?,
            decides: columns.flag("decides")?,
            hosts: columns.count("hosts")?,
            findings: columns.count("findings")?,
        })
    };
    rows.iter().map(|row| one(Columns(row))).collect()
}
