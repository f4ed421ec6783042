//! How hosts were looked at, without what their sources saw: by it most of a fleet is judged anew. One row for each host, for it
//! has two dozen sources; what was looked at alike is made of them once.
//!
//! Called by the store.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sqlx::QueryBuilder;

use crate::model::{Family, HostFacts, Id, Mode, Os, SourceReport};

use crate::collector::store::codec::{lasting, read_json, read_numbers};
use crate::collector::store::{Holding, Kept, Looked, StoreError};

use super::super::{Conn, Db, SOURCES_IN_ONE};
use super::change::bind_all;
use super::memory::Memory;
use super::read::{kept_host, raw_hosts};
use super::row::{CHUNK, Columns, damaged, failed, unreadable};

/// What is damaged is left out: who asks then reads it by itself, and tells of it.
pub(super) async fn looked(read: &mut Conn, memory: &Memory, hosts: &[i64]) -> Kept<BTreeMap<i64, Looked>> {
    let mut found = BTreeMap::new();
    for hosts in hosts.chunks(CHUNK) {
        let mut ask = QueryBuilder::<Db>::new(
            "SELECT no, id, seq, facts, asked, \
             EXISTS (SELECT 1 FROM finding WHERE finding.host = host.no AND state <> 'closed') AS found, (SELECT ",
        );
        ask.push(SOURCES_IN_ONE);
        ask.push(
            " FROM host_set WHERE host_set.host = host.no) AS sources \
             FROM host JOIN host_told ON host_told.host = host.no WHERE no IN (",
        );
        bind_all(&mut ask, hosts);
        ask.push(")");
        let rows = ask.build().persistent(false).fetch_all(&mut *read).await;
        for row in &rows.map_err(failed("reading how hosts were looked at"))? {
            let columns = Columns(row);
            match one(&mut *read, memory, &columns).await {
                Err(StoreError::Damaged { .. }) => {}
                looked => _ = found.insert(columns.int("no")?, looked?),
            }
        }
    }
    Ok(found)
}

async fn one(read: &mut Conn, memory: &Memory, columns: &Columns<'_>) -> Kept<Looked> {
    let host = columns.id("id")?;
    let facts: Decisive = read_json(&columns.blob("facts")?).map_err(unreadable("the facts", host))?;
    let mut sources = Vec::new();
    for source in columns.maybe_text("sources")?.unwrap_or_default().split_terminator(' ') {
        sources.push(Source::read(source).ok_or_else(|| damaged("the sources", host, source))?);
    }
    sources.sort_by_key(|source| source.position);

    let (mut numbers, mut hash) = (Vec::new(), Sha256::new());
    let mut part = |bytes: &[u8]| {
        hash.update(bytes.len().to_be_bytes());
        hash.update(bytes);
    };
    part(&serde_json::to_vec(&facts).map_err(|why| damaged("the facts", host, why))?);
    part(&columns.blob("asked")?);
    for source in sources {
        part(&source.shape.to_be_bytes());
        part(&lasting(&source.ended).map_err(unreadable("a source's report", host))?);
        if !source.entries.is_empty() {
            numbers.extend(read_numbers(&source.entries).map_err(unreadable("a set", host))?);
        }
    }
    let manner = Id::of(&hash.finalize());
    let holding = if let Some(known) = memory.manners.get(&manner) {
        known
    } else {
        let new = Arc::new(made(read, memory, host, facts).await?);
        memory.manners.insert(manner, Arc::clone(&new));
        new
    };
    Ok(Looked { seq: columns.count("seq")?, manner, holding, found: columns.flag("found")?, numbers })
}

/// What of a host's facts a verdict is made of where nothing is found.
#[derive(Serialize, Deserialize)]
struct Decisive {
    family: Family,
    mode: Mode,
    os: DecisiveOs,
}

#[derive(Serialize, Deserialize)]
struct DecisiveOs {
    unread: Option<String>,
}

/// A source in the text of all: numbers and bytes in hexadecimal digits, between colons.
struct Source {
    position: i64,
    shape: i64,
    ended: Vec<u8>,
    entries: Vec<u8>,
}

impl Source {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (position, shape) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let (ended, entries) = (bytes(parts.next()?)?, bytes(parts.next()?)?);
        parts.next().is_none().then_some(Self { position, shape, ended, entries })
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// All that goes into the digest, and nothing else: whoever was looked at alike has the same.
async fn made(read: &mut Conn, memory: &Memory, host: Id, facts: Decisive) -> Kept<Holding> {
    let mut raw = raw_hosts(&mut *read, memory, &[host]).await?;
    let mut raw = raw.pop().ok_or_else(|| damaged("a host", host, "it is not there"))?;
    for source in &mut raw.sources {
        (source.digest, source.entries, source.whole) = (None, Vec::new(), None);
        let SourceReport { records, not_kept, elapsed_ms, .. } = &mut source.report;
        (*records, *not_kept, *elapsed_ms) = ((*records).min(1), (*not_kept).min(1), 0);
    }
    let held = kept_host(read, memory, raw, HashMap::new()).await?;
    let Decisive { family, mode, os } = facts;
    let os = Os { unread: os.unread, id: None, id_like: Vec::new(), name: None, version: None };
    let facts = HostFacts {
        family,
        os,
        mode,
        name: None,
        machine_id: None,
        privileged: false,
        full_disk_access: None,
        users: Vec::new(),
        user_gaps: Vec::new(),
        aliases: Vec::new(),
        other_volumes: Vec::new(),
        windows: None,
    };
    Ok(Holding { facts, ..held.holding })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_from_its_text_or_not_at_all() {
        let read = Source::read("3:12:10ff:").unwrap();
        assert_eq!((read.position, read.shape, read.ended, read.entries), (3, 12, vec![0x10, 0xff], vec![]));
        for text in
            ["", "3", "3:12:10", "3:12:1:", "3:12:1g:", "3:12:10::", "x:12:10:", "3:12:+1:", "3:12:é:"]
        {
            assert!(Source::read(text).is_none(), "{text}");
        }
    }
}
