//! Pictures of figures, each with a table behind it: how the fleet stood day by day, and shares of a whole.
//!
//! Called by pages. SVG by the server; the colours are those of verdicts.

use crate::collector::store::{Counts, Day, VerdictRow};
use crate::emit::Page;
use crate::model::Date;

use super::frame::{grouped, number, table, toned};

/// Width and height of a picture.
const SIZE: (u64, u64) = (900, 180);
/// Width of a day at most.
const WIDEST: u64 = 60;
/// What stands to the left, and below.
const EDGE: (u64, u64) = (96, 22);

/// A verdict's figure of a day.
type Part = (&'static str, &'static str, fn(&Counts) -> u64);

/// From below to above.
const PARTS: [Part; 4] = [
    ("good", "compliant", |counts| counts.compliant),
    ("off", "unknown", |counts| counts.unknown),
    ("open", "inconclusive", |counts| counts.inconclusive),
    ("bad", "non-compliant", |counts| counts.non_compliant),
];

/// How many hosts had which verdict, day by day.
pub(super) fn history(page: &mut Page<'_>, days: &[Day]) {
    let most = days.iter().map(|day| day.counts.hosts).max().unwrap_or_default().max(1);
    let (width, height) = SIZE;
    let (left, below) = EDGE;
    let (wide, high) = (width - left, height - below - 8);
    let count = u64::try_from(days.len()).unwrap_or(u64::MAX).max(1);
    let step = (wide / count).clamp(1, WIDEST);
    page.raw("<svg class=\"chart\" role=\"img\" viewBox=\"0 0 900 180\"><title>Hosts by verdict, day by day</title><desc>");
    if let (Some(first), Some(last)) = (days.first(), days.last()) {
        page.show(&first.day).raw(" to ").show(&last.day).raw(". The figures stand in the table below.");
    }
    page.raw("</desc>\n");
    let scale = Scale { most, high, step };
    for (part, figure) in [(0, 0), (1, most / 2), (2, most)] {
        let y = 8 + high - high * part / 2;
        page.raw("<path class=\"tick\" d=\"M")
            .show(&left)
            .raw(" ")
            .show(&y)
            .raw("H900\"/><text text-anchor=\"end\" x=\"");
        page.show(&(left - 6))
            .raw("\" y=\"")
            .show(&(y + 4))
            .raw("\">")
            .text(&grouped(figure))
            .raw("</text>\n");
    }
    (0_u64..).zip(days).for_each(|(n, day)| scale.day(page, left + n * step, &day.counts));
    for (day, x, anchor) in [(days.first(), left, "start"), (days.last(), left + count * step, "end")] {
        // Of a single day one is enough.
        if let Some(day) = day.filter(|_| anchor == "start" || count > 3) {
            page.raw("<text text-anchor=\"").raw(anchor).raw("\" x=\"").show(&x).raw("\" y=\"176\">");
            page.show(&day.day).raw("</text>");
        }
    }
    page.raw("</svg>\n<ul class=\"key\">");
    for (tone, word, _) in PARTS.iter().rev() {
        page.raw("<li class=\"").raw(tone).raw("\">").raw(word).raw("</li>");
    }
    page.raw("</ul>\n<details><summary>The figures</summary>\n");
    tabled(page, days);
    page.raw("</details>\n");
}

/// What is drawn how high, and how wide.
struct Scale {
    most: u64,
    high: u64,
    step: u64,
}

impl Scale {
    /// A day's verdicts, one on the other.
    fn day(&self, page: &mut Page<'_>, x: u64, counts: &Counts) {
        let mut from = 0;
        for (tone, _, part) in PARTS {
            let to = from + part(counts);
            let (bottom, top) = (self.high * from / self.most, (self.high * to / self.most).min(self.high));
            from = to;
            if top > bottom {
                page.raw("<rect class=\"")
                    .raw(tone)
                    .raw("\" x=\"")
                    .show(&x)
                    .raw("\" y=\"")
                    .show(&(8 + self.high - top));
                page.raw("\" width=\"").show(&(self.step - self.step / 8).max(1)).raw("\" height=\"");
                page.show(&(top - bottom)).raw("\"/>");
            }
        }
    }
}

/// The figures behind the picture.
fn tabled(page: &mut Page<'_>, days: &[Day]) {
    let heads = ["Day", "Compliant", "Non-compliant", "Inconclusive", "Unknown", "Hosts"];
    table(page, "Hosts by verdict, day by day", &heads, |page| {
        for day in days.iter().rev() {
            let counts = &day.counts;
            page.raw("<tr><td class=\"day\">").show(&day.day).raw("</td>");
            let figures =
                [counts.compliant, counts.non_compliant, counts.inconclusive, counts.unknown, counts.hosts];
            for (head, figure) in heads.into_iter().skip(1).zip(figures) {
                number(page, head, figure);
            }
            page.raw("</tr>\n");
        }
    });
}

/// A part of a whole, as a bar; the figure stands beside it.
pub(super) fn share(page: &mut Page<'_>, part: u64, whole: u64) {
    let width = (part.saturating_mul(100) / whole.max(1)).clamp(u64::from(part > 0), 100);
    page.raw("<svg class=\"share\" aria-hidden=\"true\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\"><rect height=\"8\" width=\"");
    page.show(&width).raw("\"/></svg>");
}

/// Verdicts of a host under its policies, as they followed each other, up to a day.
pub(super) fn verdicts(page: &mut Page<'_>, history: &[VerdictRow], today: Date) {
    let mut policies: Vec<&str> = history.iter().map(|row| row.policy.as_str()).collect();
    policies.sort_unstable();
    policies.dedup();
    let Some(first) = history.iter().map(|row| Date::of(row.since)).min() else { return };
    let all = today.days_since(first).max(1);
    let place = |day: Date| (day.days_since(first) * 900 / all).clamp(0, 900);
    page.raw("<svg class=\"chart\" role=\"img\" viewBox=\"0 0 900 ")
        .show(&(policies.len() * 44 + 4))
        .raw("\">");
    page.raw("<title>Verdicts</title><desc>From ").show(&first).raw(" to ").show(&today);
    page.raw(". They stand in the table below.</desc>\n");
    for (n, policy) in policies.iter().enumerate() {
        let y = n * 44;
        page.raw("<text x=\"0\" y=\"").show(&(y + 14)).raw("\">").text(policy).raw("</text>");
        let mut end = 900;
        // The last ones come first.
        for row in history.iter().filter(|row| row.policy == *policy) {
            let begin = place(Date::of(row.since)).min(end - 2).max(0);
            page.raw("<rect class=\"")
                .raw(toned(row.verdict).0)
                .raw("\" x=\"")
                .show(&begin)
                .raw("\" y=\"")
                .show(&(y + 20));
            page.raw("\" height=\"16\" width=\"").show(&(end - begin).max(2)).raw("\"/>");
            end = begin;
        }
    }
    page.raw("</svg>\n");
}
