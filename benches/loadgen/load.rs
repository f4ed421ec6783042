//! The hosts at work: each in the order of its reports, many at a time.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use interdict::model::{Answer, CHECK_IN_SCHEMA, CheckIn, Enrol, Enrolled, Header, Id, Stamp, Tool, Verdict};
use interdict::normalise::sets::machine_digest;
use interdict::ship::{Base, Line as Place};
use serde_json::Value;

use super::Fault;
use super::figures::Measured;
use super::fleet::{Pool, id, name};
use super::wire::{Line, Reply, Wire};

/// Turns of one report, and attempts at a turn.
const TURNS: usize = 8;
const ATTEMPTS: u32 = 200;

/// An enrolled host.
struct Host {
    number: u64,
    id: Id,
    install: Id,
    token: String,
    seq: u64,
    previous: Option<Id>,
    /// Digest of what it told last.
    inventory: Id,
    /// How often it has changed.
    changes: u64,
}

/// How hosts come.
#[derive(Clone, Copy)]
pub(super) struct How {
    /// By how much those that have changed have changed.
    pub(super) changes: u64,
    /// One of so many has.
    pub(super) share: u64,
    /// Whether connections are kept.
    pub(super) kept: bool,
}

/// All of them.
pub(super) struct Fleet {
    wire: Wire,
    pools: Vec<Pool>,
    hosts: Vec<Host>,
    threads: usize,
    count: u64,
}

/// When a load ends: when all have come once, or at a moment.
#[derive(Clone, Copy)]
enum Until {
    All,
    Moment(Instant),
}

impl Fleet {
    pub(super) fn new(wire: Wire, pools: Vec<Pool>, count: u64, threads: usize) -> Self {
        Self { wire, pools, hosts: Vec::new(), threads, count }
    }

    /// Most hosts are of the first family.
    fn pool(pools: &[Pool], number: u64) -> &Pool {
        let at = if number % 10 < 8 { 0 } else { (number % 10 - 7) as usize };
        pools.get(at).unwrap_or(&pools[0])
    }

    /// Every host enrols.
    pub(super) fn enrol(&mut self, secret: &str) -> Result<Value, Fault> {
        let start = Instant::now();
        let share = self.count.div_ceil(self.threads as u64).max(1);
        let (wire, pools, count) = (&self.wire, &self.pools, self.count);
        let shares = thread::scope(|scope| {
            let one = |first: u64| {
                scope.spawn(move || {
                    let (mut line, mut measured, mut hosts) =
                        (wire.connect()?, Measured::default(), Vec::new());
                    for number in first..(first + share).min(count) {
                        let start = Instant::now();
                        hosts.push(enrol(&mut line, wire, Self::pool(pools, number), number, secret)?);
                        measured.add(start.elapsed());
                        measured.calls += 1;
                    }
                    Ok::<_, Fault>((measured, hosts))
                })
            };
            let threads: Vec<_> = (0..count).step_by(share as usize).map(one).collect();
            threads.into_iter().map(joined).collect::<Result<Vec<_>, Fault>>()
        })?;
        let mut all = Measured::default();
        for (measured, hosts) in shares {
            all = all.and(measured);
            self.hosts.extend(hosts);
        }
        Ok(all.told(start.elapsed(), self.bytes()))
    }

    /// Every host comes once.
    pub(super) fn all(&mut self, how: &How) -> Result<Value, Fault> {
        self.come(how, Until::All)
    }

    /// They come one after the other for so long.
    pub(super) fn load(&mut self, how: &How, seconds: u64) -> Result<Value, Fault> {
        self.come(how, Until::Moment(Instant::now() + Duration::from_secs(seconds)))
    }

    fn come(&mut self, how: &How, until: Until) -> Result<Value, Fault> {
        let start = Instant::now();
        self.bytes();
        let (wire, pools) = (&self.wire, self.pools.as_slice());
        let share = self.hosts.len().div_ceil(self.threads).max(1);
        let all = thread::scope(|scope| {
            let threads: Vec<_> = self
                .hosts
                .chunks_mut(share)
                .map(|hosts| scope.spawn(|| of_thread(wire, pools, hosts, how, until)))
                .collect();
            threads.into_iter().map(joined).collect::<Result<Vec<_>, Fault>>()
        })?;
        let all = all.into_iter().fold(Measured::default(), Measured::and);
        Ok(all.told(start.elapsed(), self.bytes()))
    }

    /// Questions again and again, while hosts come.
    pub(super) fn questions(&mut self, token: &str, seconds: u64) -> Result<(Value, Value), Fault> {
        let host = self.hosts[self.hosts.len() / 2].id;
        let item = self.pools[0].example(7).clone();
        let publisher = self.pools[0].example(11).publisher.clone().unwrap_or_default();
        let word = |text: &str| -> String {
            let first = text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
            first.to_owned()
        };
        let paths = [
            "hosts?limit=100".to_owned(),
            "hosts?verdict=non-compliant&limit=100".to_owned(),
            "hosts?verdict=unknown&limit=100".to_owned(),
            "hosts?name=host-0012".to_owned(),
            "summary".to_owned(),
            "coverage?limit=100".to_owned(),
            "coverage/sources".to_owned(),
            format!("hosts/{host}"),
            format!("hosts/{host}/findings"),
            "findings?limit=100".to_owned(),
            format!("items?name={}", word(&item.name)),
            format!("items?publisher={}", word(&publisher)),
            format!("items/{}/hosts", Id(item.id.0)),
        ];
        let pace = Duration::from_millis(60);
        let until = Instant::now() + Duration::from_secs(seconds);
        let how = How { changes: 1, share: 20, kept: true };
        let own = Wire::again(&self.wire);
        thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let mut line = own.connect()?;
                let mut asked: BTreeMap<&str, Measured> = BTreeMap::new();
                for path in paths.iter().cycle().take_while(|_| Instant::now() < until) {
                    let start = Instant::now();
                    let reply = line.get(&format!("/api/v1/{path}"), token)?;
                    if reply.status != 200 {
                        return Err(refused(&reply));
                    }
                    asked.entry(path).or_default().add(start.elapsed());
                    thread::sleep(pace.saturating_sub(start.elapsed()));
                }
                Ok::<_, Fault>(asked)
            });
            let meanwhile = self.come(&how, Until::Moment(until));
            let asked = joined(asking)?;
            let figures = asked.into_iter().map(|(path, mut measured)| {
                measured.took.sort_unstable();
                let told = serde_json::json!({ "p50_ms": measured.at(50), "p95_ms": measured.at(95), "count": measured.took.len() });
                (path.replace(&host.to_string(), "ID").replace(&Id(item.id.0).to_string(), "ID"), told)
            });
            Ok((Value::Object(figures.collect()), meanwhile?))
        })
    }

    /// Bytes of bodies since the last time.
    fn bytes(&self) -> u64 {
        self.wire.out.swap(0, Ordering::Relaxed) + self.wire.back.swap(0, Ordering::Relaxed)
    }
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, Result<T, Fault>>) -> Result<T, Fault> {
    thread.join().map_err(|_| "a thread of the load has panicked")?
}

fn refused(reply: &Reply) -> Fault {
    format!("{}: {}", reply.status, String::from_utf8_lossy(&reply.body)).into()
}

fn enrol<'w>(
    line: &mut Line<'w>,
    wire: &'w Wire,
    pool: &Pool,
    number: u64,
    secret: &str,
) -> Result<Host, Fault> {
    let facts = pool.facts(number);
    let install = id(&format!("install {number}"));
    let enrol = Enrol {
        secret: secret.to_owned(),
        install,
        machine: machine_digest(&facts),
        name: Some(name(number)),
        family: facts.family,
        tool: Tool::SELF,
    };
    let reply = line.post("/api/v1/enrol", None, &serde_json::to_vec(&enrol)?)?;
    if reply.status != 200 {
        // A connection is not answered on after a refusal of some kinds.
        *line = wire.connect()?;
        return Err(refused(&reply));
    }
    let told: Enrolled = serde_json::from_slice(&reply.body)?;
    let (token, seq, inventory) = (told.token, 0, Id::default());
    Ok(Host { number, id: told.host, install, token, seq, previous: None, inventory, changes: 0 })
}

/// The hosts of a thread, one after the other.
fn of_thread(
    wire: &Wire,
    pools: &[Pool],
    hosts: &mut [Host],
    how: &How,
    until: Until,
) -> Result<Measured, Fault> {
    let mut measured = Measured::default();
    let mut kept = if how.kept { Some(wire.connect()?) } else { None };
    loop {
        for host in &mut *hosts {
            if matches!(until, Until::Moment(end) if Instant::now() >= end) {
                return Ok(measured);
            }
            let start = Instant::now();
            let mut new = if how.kept { None } else { Some(wire.connect()?) };
            let line = new.as_mut().or(kept.as_mut()).ok_or("no connection")?;
            let pool = Fleet::pool(pools, host.number);
            let is_first = host.seq == 0;
            // Each time it is another one's turn.
            let changes = !is_first && how.changes > 0 && (host.number + host.seq) % how.share == 0;
            measured.calls +=
                host.check_in(line, pool, if changes { how.changes } else { 0 }, &mut measured.later)?;
            measured.add(start.elapsed());
        }
        if matches!(until, Until::All) {
            return Ok(measured);
        }
    }
}

impl Host {
    /// One report: how many calls it took.
    fn check_in(
        &mut self,
        line: &mut Line<'_>,
        pool: &Pool,
        changes: u64,
        later: &mut u64,
    ) -> Result<u64, Fault> {
        let report = id(&format!("report {} {}", self.number, self.seq + 1));
        if changes == 0 && self.seq > 0 {
            let header = self.unchanged(pool, report);
            let check_in = CheckIn { header, body: None };
            return match self.say(line, &check_in, later)? {
                Answer::Kept { .. } => {
                    self.kept(check_in.header.seq, report);
                    Ok(1)
                }
                other => {
                    Err(format!("{} did not change, and was answered {other:?}", name(self.number)).into())
                }
            };
        }
        let before = if self.seq == 0 {
            Base::default()
        } else {
            pool.parcel(self.number, self.changes, report).base()
        };
        let parcel = pool.parcel(self.number, self.changes + changes, report);
        let mut place = Place {
            install: self.install,
            seq: self.seq + 1,
            previous: self.previous,
            tried: Vec::new(),
            sent_at: now(),
        };
        let mut check_in = CheckIn { header: parcel.header(&place), body: None };
        for turn in 1..=TURNS {
            match self.say(line, &check_in, later)? {
                Answer::Kept { .. } => {
                    self.changes += changes;
                    self.inventory = parcel.inventory;
                    self.kept(place.seq, report);
                    return Ok(turn as u64);
                }
                Answer::Send { seq, sources } => {
                    place.seq = place.seq.max(seq + 1);
                    check_in =
                        CheckIn { header: parcel.header(&place), body: Some(parcel.body(&sources, &before)) };
                }
                Answer::Need { ids, sought } => {
                    let body = check_in.body.as_mut().ok_or("asked for what was not told")?;
                    body.seen = parcel.seen(&ids);
                    body.sought = parcel.led.as_ref().filter(|_| sought).map(|(_, text)| text.clone());
                }
            }
        }
        Err("more turns than there are".into())
    }

    /// The head of a report that tells nothing new.
    fn unchanged(&self, pool: &Pool, report: Id) -> Header {
        let at = now();
        Header {
            schema: CHECK_IN_SCHEMA.into(),
            install: self.install,
            seq: self.seq + 1,
            report,
            previous: self.previous,
            tried: Vec::new(),
            scanned_at: at,
            sent_at: at,
            inventory: self.inventory,
            machine: pool.machine(self.number),
            rules: pool.rules(),
            verdict: if pool.is_bad(self.number) { Verdict::NonCompliant } else { Verdict::Compliant },
        }
    }

    fn kept(&mut self, seq: u64, report: Id) {
        self.seq = seq;
        self.previous = Some(report);
    }

    /// A turn. Who is told to come later does.
    fn say(&self, line: &mut Line<'_>, check_in: &CheckIn, later: &mut u64) -> Result<Answer, Fault> {
        let body = serde_json::to_vec(check_in)?;
        for _ in 0..ATTEMPTS {
            let reply = line.post("/api/v1/check-in", Some(&self.token), &body)?;
            match reply.status {
                200 => return Ok(serde_json::from_slice(&reply.body)?),
                429 | 503 => {
                    *later += 1;
                    thread::sleep(Duration::from_millis(
                        reply.after.map_or(100, |seconds| seconds.min(1) * 500),
                    ));
                }
                _ => return Err(refused(&reply)),
            }
        }
        Err("told to come later again and again".into())
    }
}

fn now() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).ok().and_then(Stamp::from_unix).unwrap_or_else(Stamp::epoch)
}
