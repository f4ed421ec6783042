//! `/`: are we compliant, where not, what is not known, is it getting better, what comes next. And the same on paper, `/report`.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::collector::store::{
    Counts, Day, EventCount, EventRow, EventsAsk, FindingCount, HostRow, HostsAsk, JobRow, Role, UnseenCount,
};
use crate::emit::Page;
use crate::model::{Date, Stamp};

use super::fields::Address;
use super::frame::{self, Wrong, empty, grouped, host, link, many, maybe_moment, moment, number, table};
use super::guard::Visitor;
use super::{Console, Route, Shared, chart, policies};

pub(super) const OVERVIEW: Route = Route::of("get", "/", Role::Viewer, || get(overview));
pub(super) const REPORT: Route = Route::of("get", "/report", Role::Viewer, || get(report));

/// Days that are drawn.
const DAYS: u32 = 90;
/// Rows of a table that says the most of something.
const FIRST: usize = 8;
/// Events that are told one by one.
const EVENTS: u32 = 12;
/// A day, in seconds.
const A_DAY: i64 = 86_400;

/// What the page tells.
struct Told {
    counts: Counts,
    days: Vec<Day>,
    findings: Vec<FindingCount>,
    unseen: Vec<UnseenCount>,
    stale: Vec<HostRow>,
    happened: Vec<EventCount>,
    events: Vec<EventRow>,
    job: Option<JobRow>,
    now: Stamp,
}

async fn told(console: &Console) -> Result<Told, Wrong> {
    let (store, now, stale_before) = (&console.store, (console.now)(), console.stale_before());
    let since = Stamp::from_unix(now.unix() - A_DAY);
    let events = EventsAsk { limit: EVENTS, since, last: true, ..EventsAsk::default() };
    let stale = HostsAsk { limit: 8, stale_before, stale: Some(true), ..HostsAsk::default() };
    let (counts, today) = (store.counts(stale_before).await?, Date::of(now));
    let mut days = store.days(DAYS).await?;
    days.retain(|day| day.day != today);
    days.push(Day { day: today, counts });
    Ok(Told {
        counts,
        days,
        findings: store.finding_counts().await?,
        unseen: store.unseen_counts().await?,
        stale: store.hosts(&stale).await?.rows,
        happened: match since {
            Some(since) => store.event_counts(since).await?,
            None => Vec::new(),
        },
        events: store.events(&events).await?.rows,
        job: store.jobs(1).await?.into_iter().next(),
        now,
    })
}

async fn overview(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Wrong> {
    let told = told(&console).await?;
    Ok(frame::page(&visitor, "/", "Overview", |page| {
        if told.counts.hosts == 0 {
            begin(page);
        }
        if let Some(job) = told.job.as_ref().filter(|job| job.ended_at.is_none() && job.of > 0) {
            policies::progress(page, job);
        }
        figures(page, &told.counts);
        section(page, "Hosts by verdict", |page| drawn(page, &told));
        page.raw("<div class=\"pair\">");
        section(page, "Findings", |page| findings(page, &told.findings));
        page.raw("<div>");
        section(page, "What is not seen", |page| unseen(page, &told.unseen));
        section(page, "Stale hosts", |page| stale(page, &told.stale));
        page.raw("</div></div>\n");
        section(page, "Since yesterday", |page| events(page, &told));
        page.raw("<p class=\"more\"><a href=\"/report\">This as a report to print</a></p>\n");
    }))
}

/// A fleet of nobody yet.
fn begin(page: &mut Page<'_>) {
    page.raw(
        "<section class=\"card mark info\"><h2 class=\"grp\">No host has enrolled yet</h2>\n<p>On each computer, with the collector's \
         address and the enrolment secret that <code>interdict-collector init</code> wrote into its data folder:</p>\n\
         <p><code>interdict enrol https://COLLECTOR:8787 --secret-file FILE</code></p>\n\
         <p><code>interdict ship</code></p>\n<p>Then it stands here. <a href=\"/hosts?expected=never\">Import the hosts that there ought \
         to be</a>, and every figure says of how many it is.</p></section>\n",
    );
}

fn section(page: &mut Page<'_>, name: &'static str, content: impl FnOnce(&mut Page<'_>)) {
    page.raw("<section>");
    page.heading(2, "sec", name);
    content(page);
    page.raw("</section>\n");
}

/// What stands first: of verdicts, and as large what stands in the way of one.
fn figures(page: &mut Page<'_>, counts: &Counts) {
    page.raw("<ul class=\"figures\">\n");
    let listed = counts.expected > 0;
    let of = |expected: u64| {
        if listed {
            format!("{} of {} expected", grouped(expected), grouped(counts.expected))
        } else {
            format!("of {}", many(counts.hosts, "host"))
        }
    };
    let figure = |tone, count, word, address, text| Figure { tone, count, word, address, text };
    let not_again = counts.findings_not_re_verified;
    let mut figures = vec![
        figure(
            "bad",
            counts.non_compliant,
            "non-compliant",
            "/hosts?verdict=non-compliant",
            of(counts.expected_non_compliant),
        ),
        figure(
            "open",
            counts.inconclusive,
            "inconclusive",
            "/hosts?verdict=inconclusive",
            of(counts.expected_inconclusive),
        ),
        figure("off", counts.unknown, "unknown", "/hosts?verdict=unknown", of(counts.expected_unknown)),
        figure(
            "good",
            counts.compliant,
            "compliant",
            "/hosts?verdict=compliant",
            of(counts.expected_compliant),
        ),
        figure("open", counts.stale, "stale", "/hosts?stale=true", "not looked at for long".to_owned()),
        figure(
            "info",
            counts.findings_open + not_again,
            "findings",
            "/findings",
            format!("{} not re-verified", grouped(not_again)),
        ),
    ];
    if listed {
        let never = counts.expected.saturating_sub(counts.expected_seen);
        let text =
            format!("of {} expected; {} on no list", grouped(counts.expected), grouped(counts.unexpected));
        figures.push(figure("off", never, "never seen", "/hosts?expected=never", text));
    }
    if counts.split > 0 {
        let text = "two machines speak as one".to_owned();
        figures.push(figure("bad", counts.split, "split", "/hosts?standing=split", text));
    }
    for figure in &figures {
        figure.draw(page);
    }
    page.raw("</ul>\n");
}

/// A number that leads to what it counts.
struct Figure {
    tone: &'static str,
    count: u64,
    word: &'static str,
    address: &'static str,
    text: String,
}

impl Figure {
    fn draw(&self, page: &mut Page<'_>) {
        page.raw("<li class=\"").raw(if self.count == 0 { "off" } else { self.tone }).raw("\"><a href=\"");
        page.raw(self.address)
            .raw("\"><b>")
            .text(&grouped(self.count))
            .raw("</b>")
            .raw(self.word)
            .raw(" <small>");
        page.text(&self.text).raw("</small></a></li>\n");
    }
}

fn drawn(page: &mut Page<'_>, told: &Told) {
    page.raw("<div class=\"card\">");
    chart::history(page, &told.days);
    trend(page, &told.days);
    page.raw("</div>\n");
}

/// Whether it is getting better, in a sentence.
fn trend(page: &mut Page<'_>, days: &[Day]) {
    let (Some(last), Some(before)) = (days.last(), days.len().checked_sub(8).and_then(|at| days.get(at)))
    else {
        return;
    };
    let (now, then) = (last.counts.non_compliant, before.counts.non_compliant);
    let how = match now.cmp(&then) {
        std::cmp::Ordering::Less => format!("{} fewer", grouped(then - now)),
        std::cmp::Ordering::Equal => "as many".to_owned(),
        std::cmp::Ordering::Greater => format!("{} more", grouped(now - then)),
    };
    page.raw("<p>").text(&how).raw(" non-compliant hosts than on ").show(&before.day).raw(".</p>\n");
}

/// How findings are counted: its name, the filter that it is, what of them.
type Way = (&'static str, &'static str, fn(&FindingCount) -> &str);

/// What of findings that decide there is most of, by three ways to count.
fn findings(page: &mut Page<'_>, counts: &[FindingCount]) {
    if counts.is_empty() {
        empty(page, "Nothing prohibited is known to be on any host. What is not seen stands beside this.");
        return;
    }
    let ways: [Way; 3] = [
        ("By policy", "policy", |count| &count.policy),
        ("By vendor", "vendor", |count| &count.vendor),
        ("By severity", "severity", |count| &count.severity),
    ];
    for (title, field, of) in ways {
        let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for count in counts {
            let (all, deciding) = sums.entry(of(count)).or_default();
            *all += count.findings;
            *deciding += if count.decides { count.findings } else { 0 };
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_by_key(|(name, (all, _))| (std::cmp::Reverse(*all), *name));
        let most = sums.first().map_or(1, |(_, (all, _))| *all);
        page.raw("<div class=\"card\">");
        page.heading(3, "sub", title);
        table(page, "Findings", &["Of", "Findings", "Deciding", "Share"], |page| {
            for (name, (all, deciding)) in sums.into_iter().take(FIRST) {
                page.raw("<tr><td>");
                named(page, field, name);
                page.raw("</td>");
                number(page, "Findings", all);
                number(page, "Deciding", deciding);
                page.raw("<td>");
                chart::share(page, all, most);
                page.raw("</td></tr>\n");
            }
        });
        page.raw("</div>\n");
    }
}

/// What findings are counted by; a link where there is such a filter.
fn named(page: &mut Page<'_>, field: &str, name: &str) {
    match field {
        "severity" => _ = page.text(name),
        _ => link(page, &Address::of("/findings").with(field, name), name),
    }
}

fn unseen(page: &mut Page<'_>, counts: &[UnseenCount]) {
    if counts.is_empty() {
        empty(page, "Every source of every host saw all there is.");
        return;
    }
    let mut first: Vec<&UnseenCount> = counts.iter().collect();
    first.sort_by_key(|count| (!count.blocking, std::cmp::Reverse(count.hosts)));
    page.raw("<div class=\"card\">");
    table(page, "Sources that did not see all", &["Source", "How it ended", "Why", "Hosts"], |page| {
        for count in first.into_iter().take(FIRST * 2) {
            page.raw("<tr><td>");
            link(page, &Address::of("/coverage").with("source", &count.source), &count.source);
            page.raw("</td><td>")
                .badge(if count.blocking { "open" } else { "off" }, &count.status)
                .raw("</td><td>");
            page.text(&count.reasons.join(", ")).raw("</td>");
            number(page, "Hosts", count.hosts);
            page.raw("</tr>\n");
        }
    });
    page.raw("<p class=\"more\"><a href=\"/coverage\">All of it</a></p></div>\n");
}

/// How often each kind of thing has happened, and the last of them one by one.
fn events(page: &mut Page<'_>, told: &Told) {
    if told.happened.is_empty() {
        empty(page, "Nothing has changed.");
        return;
    }
    page.raw("<div class=\"card\"><p class=\"row\">");
    for count in &told.happened {
        let tone = match count.word.as_str() {
            "finding-opened" | "verdict-worse" | "host-split" => "bad",
            "finding-closed" | "verdict-better" => "good",
            _ => "open",
        };
        let (noun, what) = count.word.split_once('-').unwrap_or((&count.word, ""));
        let what = if what == "expires" { "about to expire" } else { what };
        page.badge(tone, &format!("{} {what}", many(count.events, noun)));
    }
    page.raw("</p>\n");
    table(page, "What has happened, the last first", &["When", "Host", "What"], |page| {
        for EventRow { at, happened, .. } in told.events.iter().rev() {
            page.raw("<tr><td>");
            moment(page, *at);
            page.raw("</td><td>");
            if let Some(id) = happened.host() {
                host(page, id, happened.name());
            }
            page.raw("</td><td>").prose(&happened.what()).raw("</td></tr>\n");
        }
    });
    page.raw("</div>\n");
}

fn stale(page: &mut Page<'_>, hosts: &[HostRow]) {
    if hosts.is_empty() {
        empty(page, "Every host that is known was looked at lately.");
        return;
    }
    page.raw("<div class=\"card\">");
    table(page, "Hosts that were not looked at for long", &["Host", "Last looked at"], |page| {
        for row in hosts {
            page.raw("<tr><td>");
            host(page, row.host, row.name.as_deref());
            page.raw("</td><td>");
            maybe_moment(page, row.looked_at);
            page.raw("</td></tr>\n");
        }
    });
    page.raw("<p class=\"more\"><a href=\"/hosts?stale=true\">All of them</a></p></div>\n");
}

async fn report(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Wrong> {
    let told = told(&console).await?;
    Ok(frame::page(&visitor, "", "Compliance of the fleet", |page| {
        page.raw("<p>As of ");
        moment(page, told.now);
        page.raw(", made for ").text(&visitor.name).raw(".</p>\n");
        let counts = &told.counts;
        page.raw("<p class=\"claim card\">").prose(&claim(counts)).raw("</p>\n");
        figures(page, counts);
        section(page, "Hosts by verdict", |page| drawn(page, &told));
        section(page, "Findings", |page| findings(page, &told.findings));
        section(page, "What is not seen", |page| unseen(page, &told.unseen));
    }))
}

/// The fleet's verdict in a sentence, with what it does not cover.
fn claim(counts: &Counts) -> String {
    let of = if counts.expected > 0 { counts.expected } else { counts.hosts };
    let (good, bad, open, unknown) = if counts.expected > 0 {
        (
            counts.expected_compliant,
            counts.expected_non_compliant,
            counts.expected_inconclusive,
            counts.expected_unknown,
        )
    } else {
        (counts.compliant, counts.non_compliant, counts.inconclusive, counts.unknown)
    };
    format!(
        "Of {} that {} be here, {} are compliant and {} are not; of {} not enough was seen to say, and of {} nothing is known.",
        many(of, "host"),
        if counts.expected > 0 { "ought to" } else { "happen to" },
        grouped(good),
        grouped(bad),
        grouped(open),
        grouped(unknown)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_leaves_nobody_out() {
        let counts = Counts {
            hosts: 5,
            compliant: 2,
            non_compliant: 1,
            inconclusive: 1,
            unknown: 1,
            ..Counts::default()
        };
        assert!(
            claim(&counts).starts_with("Of 5 hosts that happen to be here, 2 are compliant and 1 are not")
        );
        let expected =
            Counts { expected: 9, expected_seen: 4, expected_compliant: 2, expected_unknown: 6, ..counts };
        assert!(
            claim(&expected).contains("Of 9 hosts that ought to")
                && claim(&expected).contains("of 6 nothing")
        );
    }
}
