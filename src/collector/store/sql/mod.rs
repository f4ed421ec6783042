//! What both databases are asked, written once: compiled for each of them by the folder that names this file, with that
//! database's types and words taken from there (`super`).
//!
//! A function gets a connection and asks or changes; where a transaction begins and ends is said here and in `writer` alone.
//! Statements keep to what both databases know: `$1`, `ON CONFLICT`, `RETURNING`, no letter NUL in texts, order by bytes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use crate::model::{Digests, Id, ItemId, RulesFolder, Seen, Stamp};
use crate::ruleset::Sought;

use crate::collector::events::Happening;
use crate::collector::expected::Expected;
use crate::collector::store::{
    Added, AuditAsk, AuditRow, By, Claim, Claimed, ExceptionRow, JobRow, LawChange, LawState, LookRow,
    NewRuleset, NumberedItem, RulesetRow, Settled, TagRow,
};
use crate::collector::store::{
    Bearer, Counts, Credential, Destination, DestinationRow, Due, Enrolment, EventCount, EventRow, EventsAsk,
    ExpectedAsk, ExpectedRow, FindingRow, FindingsAsk, HostDetail, HostRow, HostsAsk, ItemHost, ItemHostsAsk,
    ItemRow, ItemsAsk, Keep, Kept, KeptHost, Known, Looked, NewHost, Page, Refused, SecretHash, Store,
    Stored, UnseenAsk, UnseenCount, UnseenRow,
};
use crate::collector::store::{
    Changed, Compared, Day, FindingCount, NewPerson, NewSession, Person, PersonChange, ReportChange,
    ReportRow, Session,
};

use super::Here;

/// Does something in a transaction, and anew where the database says that another's stood in its way.
macro_rules! changing {
    ($pools:expr, $doing:literal, |$change:ident| $body:expr) => {{
        let mut tries = 0;
        loop {
            let done = async {
                let mut own = $pools.changing().await.map_err(failed($doing))?;
                let value = {
                    let $change = &mut *own;
                    $body.await?
                };
                own.commit().await.map_err(failed($doing))?;
                Kept::Ok(value)
            };
            match done.await {
                Err(error) if tries < crate::collector::store::TRIES && $pools.again(&error) => {
                    tries += 1;
                    tokio::time::sleep(crate::collector::store::PAUSE * tries).await;
                }
                done => break done,
            }
        }
    }};
}

mod access;
mod anew;
mod change;
mod counts;
mod coverage;
mod events;
mod expected;
mod findings;
mod history;
mod hosts;
pub(super) mod keep;
mod law;
mod looked;
pub(super) mod memory;
mod migrate;
mod people;
mod questions;
mod read;
pub(super) mod row;
mod shapes;
mod sought;
mod upkeep;
mod writer;

pub(super) use memory::Memory;
pub(super) use migrate::migrate;
pub(super) use row::failed;
pub(super) use writer::{Job, keep as enqueue, run as write_queue};

#[async_trait]
impl Store for Here {
    async fn add_credential(&self, new: &Credential, hash: SecretHash) -> Kept<bool> {
        changing!(self.pools, "adding a token", |change| access::add_credential(change, new, hash))
    }

    async fn credentials(&self) -> Kept<Vec<Credential>> {
        access::credentials(&mut *self.pools.reading().await?).await
    }

    async fn revoke(&self, name: &str, at: Stamp) -> Kept<bool> {
        changing!(self.pools, "revoking a token", |change| access::revoke(change, name, at))
    }

    async fn enrolment_secret(&self, hash: SecretHash, now: Stamp) -> Kept<Result<String, Refused>> {
        let (told, note) = access::enrolment_secret(&mut *self.pools.reading().await?, hash, now).await?;
        self.note(note, now).await?;
        Ok(told)
    }

    async fn bearer(&self, hash: SecretHash, now: Stamp) -> Kept<Result<Bearer, Refused>> {
        let (told, note) = access::bearer(&mut *self.pools.reading().await?, hash, now).await?;
        self.note(note, now).await?;
        Ok(told)
    }

    async fn enrol(&self, new: &NewHost, now: Stamp) -> Kept<Enrolment> {
        changing!(self.pools, "enrolling a host", |change| access::enrol(change, new, now))
    }

    async fn known(&self, host: Id, seq: u64, previous: &[Id]) -> Kept<Option<Known>> {
        read::known(&mut *self.pools.reading().await?, host, seq, previous).await
    }

    async fn sources(&self, host: Id) -> Kept<BTreeMap<String, Digests>> {
        read::sources(&mut *self.pools.reading().await?, host).await
    }

    async fn seen(&self, ids: &[Id]) -> Kept<BTreeMap<Id, Arc<Seen>>> {
        read::seen(&mut *self.pools.reading().await?, &self.memory, ids).await
    }

    async fn sought(&self, id: Id) -> Kept<Option<Arc<Sought>>> {
        sought::sought(&mut *self.pools.reading().await?, &self.memory, id).await
    }

    async fn held(&self, host: Id) -> Kept<Option<KeptHost>> {
        read::held(&mut *self.pools.snapshot().await?, &self.memory, host).await
    }

    async fn looked(&self, hosts: &[i64]) -> Kept<BTreeMap<i64, Looked>> {
        looked::looked(&mut *self.pools.snapshot().await?, &self.memory, hosts).await
    }

    async fn keep(&self, keep: Keep) -> Kept<Stored> {
        self.keep_report(keep).await
    }

    async fn split(&self, host: Id, at: Stamp) -> Kept<()> {
        changing!(self.pools, "marking a host as split", |change| access::split(change, host, at))
    }

    async fn hosts(&self, ask: &HostsAsk) -> Kept<Page<HostRow>> {
        hosts::hosts(&mut *self.pools.reading().await?, ask).await
    }

    async fn host(&self, host: Id, stale_before: Option<Stamp>) -> Kept<Option<HostDetail>> {
        hosts::host(&mut *self.pools.snapshot().await?, &self.memory, host, stale_before).await
    }

    async fn findings(&self, ask: &FindingsAsk) -> Kept<Page<FindingRow>> {
        questions::findings(&mut *self.pools.reading().await?, ask).await
    }

    async fn items(&self, ask: &ItemsAsk) -> Kept<Page<ItemRow>> {
        questions::items(&mut *self.pools.reading().await?, ask).await
    }

    async fn item(&self, item: ItemId) -> Kept<Option<ItemRow>> {
        questions::item(&mut *self.pools.reading().await?, item).await
    }

    async fn item_hosts(&self, ask: &ItemHostsAsk) -> Kept<Page<ItemHost>> {
        questions::item_hosts(&mut *self.pools.snapshot().await?, &self.memory, ask).await
    }

    async fn unseen(&self, ask: &UnseenAsk) -> Kept<Page<UnseenRow>> {
        coverage::unseen(&mut *self.pools.snapshot().await?, &self.memory, ask).await
    }

    async fn unseen_counts(&self) -> Kept<Vec<UnseenCount>> {
        coverage::counts(&mut *self.pools.reading().await?).await
    }

    async fn counts(&self, stale_before: Option<Stamp>) -> Kept<Counts> {
        counts::counts(&mut *self.pools.snapshot().await?, stale_before).await
    }

    async fn add_events(&self, happened: &[Happening], at: Stamp) -> Kept<u64> {
        changing!(self.pools, "noting events", |change| events::add(change, at, happened))
    }

    async fn stale_hosts(&self, before: Stamp, at: Stamp) -> Kept<u64> {
        changing!(self.pools, "noting hosts that are not looked at", |change| events::stale(
            change, before, at
        ))
    }

    async fn events(&self, ask: &EventsAsk) -> Kept<Page<EventRow>> {
        events::events(&mut *self.pools.reading().await?, ask).await
    }

    async fn event_counts(&self, since: Stamp) -> Kept<Vec<EventCount>> {
        events::counted(&mut *self.pools.reading().await?, since).await
    }

    async fn names(&self, hosts: &[Id]) -> Kept<BTreeMap<Id, String>> {
        hosts::names(&mut *self.pools.reading().await?, hosts).await
    }

    async fn claim_events(&self, to: &Destination, now: Stamp, lease: i64, limit: u32) -> Kept<Vec<Due>> {
        if !events::waits(&mut *self.pools.reading().await?, &to.name, now).await? {
            return Ok(Vec::new());
        }
        changing!(self.pools, "taking events", |change| events::claim(change, to, now, lease, limit))
    }

    async fn told(&self, destination: &str, numbers: &[u64]) -> Kept<()> {
        changing!(self.pools, "noting what was told", |change| events::told(change, destination, numbers))
    }

    async fn untold(&self, to: &str, numbers: &[u64], next: Option<Stamp>, why: &str) -> Kept<()> {
        changing!(self.pools, "noting what was not told", |change| events::untold(
            change, to, numbers, next, why
        ))
    }

    async fn destinations(&self) -> Kept<Vec<DestinationRow>> {
        events::destinations(&mut *self.pools.reading().await?).await
    }

    async fn expect(&self, hosts: &[Expected], by: &By) -> Kept<()> {
        changing!(self.pools, "keeping the hosts that there ought to be", |change| expected::expect(
            change, hosts, by
        ))
    }

    async fn expected(&self, ask: &ExpectedAsk) -> Kept<Page<ExpectedRow>> {
        expected::expected(&mut *self.pools.reading().await?, ask).await
    }

    async fn ready(&self) -> Kept<()> {
        upkeep::answers(&mut *self.pools.reading().await?).await?;
        self.can_write().await
    }

    async fn law(&self) -> Kept<LawState> {
        law::law(&mut *self.pools.snapshot().await?).await
    }

    async fn law_version(&self) -> Kept<u64> {
        law::version(&mut *self.pools.reading().await?).await
    }

    async fn change_law(&self, asked: &LawChange, by: &By) -> Kept<Option<u64>> {
        changing!(self.pools, "changing the law", |change| law::change_law(change, asked, by))
    }

    async fn rulesets(&self) -> Kept<Vec<RulesetRow>> {
        law::rulesets(&mut *self.pools.reading().await?).await
    }

    async fn ruleset(&self, id: Id) -> Kept<Option<(RulesetRow, RulesFolder)>> {
        law::ruleset(&mut *self.pools.reading().await?, id).await
    }

    async fn add_ruleset(&self, new: &NewRuleset, by: &By) -> Kept<Added> {
        changing!(self.pools, "keeping rules", |change| law::add_ruleset(change, new, by))
    }

    async fn exceptions(&self) -> Kept<Vec<ExceptionRow>> {
        law::exceptions(&mut *self.pools.reading().await?).await
    }

    async fn set_tags(&self, host: Id, tags: &[String], by: &By) -> Kept<bool> {
        changing!(self.pools, "giving a host its tags", |change| law::set_tags(change, host, tags, by))
    }

    async fn tags(&self) -> Kept<Vec<TagRow>> {
        law::tags(&mut *self.pools.snapshot().await?).await
    }

    async fn audit(&self, ask: &AuditAsk) -> Kept<Page<AuditRow>> {
        law::audit(&mut *self.pools.reading().await?, ask).await
    }

    async fn jobs(&self, limit: u32) -> Kept<Vec<JobRow>> {
        anew::jobs(&mut *self.pools.reading().await?, limit).await
    }

    async fn claim(&self, claim: &Claim) -> Kept<Vec<Claimed>> {
        changing!(self.pools, "taking hosts to judge them anew", |change| anew::claim(change, claim))
    }

    async fn settle(&self, settled: &[Settled], at: Stamp) -> Kept<()> {
        changing!(self.pools, "keeping what follows from another law", |change| anew::settle(
            change, settled, at
        ))
    }

    async fn end_job(&self, version: u64, at: Stamp) -> Kept<bool> {
        changing!(self.pools, "noting that every host is judged", |change| anew::end_job(change, version, at))
    }

    async fn numbered_items(&self, after: i64, limit: u32) -> Kept<Vec<NumberedItem>> {
        anew::numbered_items(&mut *self.pools.reading().await?, after, limit).await
    }

    async fn numbered_sightings(&self, after: i64, limit: u32) -> Kept<Vec<(i64, i64)>> {
        anew::numbered_sightings(&mut *self.pools.reading().await?, after, limit).await
    }

    async fn hosts_having(&self, items: &[i64]) -> Kept<Vec<i64>> {
        anew::hosts_having(&mut *self.pools.reading().await?, items).await
    }

    async fn looks(&self, after: i64, limit: u32) -> Kept<Vec<LookRow>> {
        anew::looks(&mut *self.pools.reading().await?, &self.memory, after, limit).await
    }

    async fn marked(&self, name: &str) -> Kept<Option<Vec<u8>>> {
        upkeep::marked(&mut *self.pools.reading().await?, name).await
    }

    async fn mark(&self, name: &str, value: &[u8], anew: bool) -> Kept<Vec<u8>> {
        changing!(self.pools, "noting something of the fleet", |change| upkeep::mark(
            change, name, value, anew
        ))
    }

    async fn erase(&self, host: Id) -> Kept<bool> {
        let erased = changing!(self.pools, "erasing a host", |change| upkeep::erase(change, host))?;
        if erased {
            changing!(self.pools, "forgetting what nobody has", |change| upkeep::sweep(change))?;
            self.memory.clear();
        }
        Ok(erased)
    }

    async fn people(&self) -> Kept<Vec<Person>> {
        people::people(&mut *self.pools.reading().await?).await
    }

    async fn person(&self, name: &str) -> Kept<Option<Person>> {
        people::person(&mut *self.pools.reading().await?, name).await
    }

    async fn known_as(&self, subject: &str) -> Kept<Option<Person>> {
        people::known_as(&mut *self.pools.reading().await?, subject).await
    }

    async fn add_person(&self, new: &NewPerson, by: &By) -> Kept<bool> {
        changing!(self.pools, "adding a person", |change| people::add(change, new, by))
    }

    async fn set_up(&self, new: &NewPerson, token: SecretHash, by: &By) -> Kept<bool> {
        changing!(self.pools, "letting the first admin in", |change| people::set_up(change, new, token, by))
    }

    async fn change_person(&self, name: &str, change: &PersonChange, by: &By) -> Kept<Changed> {
        changing!(self.pools, "changing a person", |own| people::change(own, name, change, by))
    }

    async fn tried(&self, name: &str, right: bool, at: Stamp) -> Kept<bool> {
        changing!(self.pools, "noting who signed in", |change| people::tried(change, name, right, at))
    }

    async fn begin_session(&self, new: &NewSession, at: Stamp) -> Kept<()> {
        changing!(self.pools, "beginning a session", |change| people::begin_session(change, new, at))
    }

    async fn session(&self, hash: SecretHash, at: Stamp) -> Kept<Option<Session>> {
        let found = people::session(&mut *self.pools.reading().await?, hash, at).await?;
        let Some((session, note)) = found else { return Ok(None) };
        if note {
            changing!(self.pools, "noting a session", |change| people::session_used(change, hash, at))?;
        }
        Ok(Some(session))
    }

    async fn end_session(&self, hash: SecretHash) -> Kept<()> {
        changing!(self.pools, "ending a session", |change| people::end_session(change, hash))
    }

    async fn audit_note(&self, by: &By, what: [&str; 3]) -> Kept<()> {
        changing!(self.pools, "noting who changed what", |change| law::note(change, by, what))
    }

    async fn note_day(&self, day: &Day) -> Kept<()> {
        changing!(self.pools, "noting how the fleet stands", |change| people::note_day(change, day))
    }

    async fn days(&self, limit: u32) -> Kept<Vec<Day>> {
        people::days(&mut *self.pools.reading().await?, limit).await
    }

    async fn finding_counts(&self) -> Kept<Vec<FindingCount>> {
        people::finding_counts(&mut *self.pools.reading().await?).await
    }

    async fn reports(&self, host: Id, limit: u32) -> Kept<Vec<ReportRow>> {
        history::reports(&mut *self.pools.reading().await?, host, limit).await
    }

    async fn changes(&self, host: Id) -> Kept<Vec<ReportChange>> {
        history::changes(&mut *self.pools.snapshot().await?, host).await
    }

    async fn compare(&self, host: Id, from: u64, to: u64) -> Kept<Option<Compared>> {
        history::compare(&mut *self.pools.snapshot().await?, host, from, to).await
    }

    async fn prune(&self, before: Stamp) -> Kept<u64> {
        changing!(self.pools, "forgetting what is old", |change| upkeep::prune(change, before))
    }

    async fn backup(&self, to: &Path) -> Kept<()> {
        self.copy(to).await
    }

    async fn close(&self) {
        writer::stop(&self.keeps).await;
        self.pools.close().await;
    }
}

impl Here {
    async fn note(&self, name: Option<String>, now: Stamp) -> Kept<()> {
        let Some(name) = name else { return Ok(()) };
        changing!(self.pools, "noting that a token was used", |change| access::used(change, &name, now))
    }
}
