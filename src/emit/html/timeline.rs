//! The law behind findings: its milestones as a picture with the day that was asked for and the days of installation on
//! it, and as a table.
//!
//! Called by the findings of a page. Draws only what the records say: a day of installation only where a record means one.

use crate::emit::safe::short;
use crate::model::{Date, Finding, LegalBasis, Means, Milestone, Order};

use super::At;
use super::page::Page;

/// Width of the line of time, and where it begins.
const WIDTH: i64 = 840;
const LEFT: i64 = 30;
/// Days that are close together are drawn this far apart.
const APART: i64 = 24;
/// Days of records that are drawn.
const MARKS: usize = 6;

/// The acts behind a prohibition, for all findings of it.
pub(super) fn law(page: &mut Page<'_>, group: &[&Finding], as_of: Date, at: At) {
    let Some(first) = group.first().filter(|first| !first.bases.is_empty()) else { return };
    let bases: Vec<(&LegalBasis, Vec<Milestone>)> =
        first.bases.iter().map(|basis| (basis, milestones(basis))).collect();
    page.raw("<article class=\"card long\">\n");
    page.heading(at.level + 3, "find", "The law behind it");
    page.raw("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Legal timeline\">\n");
    draw(page, &bases, &marks(group, as_of), as_of);
    page.raw("</div>\n");
    let mut number = 0;
    for (basis, milestones) in &bases {
        page.heading(at.level + 4, "sub", &basis.title);
        page.raw("<p class=\"dim\">").prose(&basis.citation);
        // Rules may name any address; only a page of the web becomes a link.
        if let Some(url) = basis.url.as_deref().filter(|url| url.starts_with("https://")) {
            page.raw(". <a rel=\"noopener noreferrer\" href=\"").prose(url).raw("\">Read it</a>");
        }
        page.raw("</p>\n<p>").prose(&basis.forbids).raw("</p>\n<table><caption class=\"sr\">Milestones of ");
        page.text(&basis.title)
            .raw("</caption><thead><tr><th scope=\"col\">No.</th><th scope=\"col\">From</th>");
        page.raw("<th scope=\"col\">What holds</th><th scope=\"col\">On the day asked for</th></tr></thead>\n<tbody>\n");
        for milestone in milestones {
            number += 1;
            let (tone, state) = if milestone.date > as_of { ("open", "to come") } else { ("off", "reached") };
            page.raw("<tr><td>")
                .show(&number)
                .raw("</td><td class=\"day\">")
                .show(&milestone.date)
                .raw("</td><td>");
            page.prose(&milestone.text).raw("</td><td>").badge(tone, state).raw("</td></tr>\n");
        }
        page.raw("</tbody></table>\n");
    }
    page.raw("</article>\n");
}

/// The milestones of an act; of an older report the one that it tells.
fn milestones(basis: &LegalBasis) -> Vec<Milestone> {
    match (basis.milestones.is_empty(), basis.since, &basis.phase) {
        (true, Some(date), Some(text)) => vec![Milestone { date, text: text.clone() }],
        _ => basis.milestones.clone(),
    }
}

/// A day that is drawn across all lanes.
struct Mark {
    date: Date,
    words: String,
    tone: &'static str,
}

/// The day asked for, the day of the policy, and what records tell of the products.
fn marks(group: &[&Finding], as_of: Date) -> Vec<Mark> {
    let mut marks = vec![Mark { date: as_of, words: "day asked for".to_owned(), tone: "bad now" }];
    if let Some(first) = group.first() {
        marks.push(Mark { date: first.effective, words: "the policy counts".to_owned(), tone: "info" });
    }
    for one in group {
        for evidence in &one.evidence {
            let words = match evidence.recorded_at.means {
                Means::Installed => "installed",
                Means::LastServiced => "last installed or upgraded",
                Means::FileTime | Means::Unknown => continue,
            };
            let Some(value) = evidence.recorded_at.value else { continue };
            let drawn =
                Mark { date: Date::of(value), words: format!("{} {words}", one.product_name), tone: "open" };
            if marks.iter().all(|there| (there.date, &there.words) != (drawn.date, &drawn.words)) {
                marks.push(drawn);
            }
        }
    }
    marks.truncate(MARKS);
    // Words stand to the right of their day: so no line of another day crosses them.
    marks.order_by_key(|mark| mark.date);
    marks
}

/// Where each day stands.
struct Scale(Vec<(Date, i64)>);

impl Scale {
    /// In proportion to time, but no two days closer than can be read; never in another order.
    fn new(mut days: Vec<Date>) -> Self {
        days.order();
        days.dedup();
        let (Some(first), Some(last)) = (days.first().copied(), days.last().copied()) else {
            return Self(Vec::new());
        };
        let all = last.days_since(first).max(1);
        let apart = APART.min(WIDTH / i64::try_from(days.len()).unwrap_or(i64::MAX));
        let mut placed: Vec<(Date, i64)> = Vec::with_capacity(days.len());
        for day in days {
            let fair = LEFT + day.days_since(first) * WIDTH / all;
            let nearest = placed.last().map_or(LEFT, |(_, before)| before + apart);
            placed.push((day, fair.max(nearest)));
        }
        let mut most = LEFT + WIDTH;
        for (_, x) in placed.iter_mut().rev() {
            *x = (*x).min(most);
            most = *x - apart;
        }
        Self(placed)
    }

    /// The place of any day between the first and the last.
    fn at(&self, day: Date) -> Option<i64> {
        let after = self.0.partition_point(|(there, _)| *there < day);
        let (next, right) = *self.0.get(after)?;
        if next == day {
            return Some(right);
        }
        let (before, left) = *self.0.get(after.checked_sub(1)?)?;
        Some(left + day.days_since(before) * (right - left) / next.days_since(before).max(1))
    }

    /// First days of years, ten at most.
    fn years(&self) -> Vec<(i64, i64)> {
        let year = |day: Option<&(Date, i64)>| {
            day.and_then(|(day, _)| day.to_string().get(..4)?.parse::<i64>().ok())
        };
        let (Some(first), Some(last)) = (year(self.0.first()), year(self.0.last())) else {
            return Vec::new();
        };
        let step = usize::try_from((last - first) / 10 + 1).unwrap_or(usize::MAX);
        let day = |year: i64| format!("{year:04}-01-01").parse().ok().and_then(|day| self.at(day));
        (first + 1..=last).step_by(step).filter_map(|year| Some((year, day(year)?))).collect()
    }
}

fn draw(page: &mut Page<'_>, bases: &[(&LegalBasis, Vec<Milestone>)], marks: &[Mark], as_of: Date) {
    let milestones = bases.iter().flat_map(|(_, all)| all).map(|one| one.date);
    let scale = Scale::new(milestones.chain(marks.iter().map(|one| one.date)).collect());
    let top = 10 + 18 * count(marks.len());
    let bottom = top + 52 * count(bases.len()) + 6;
    page.raw("<svg class=\"lanes\" role=\"img\" viewBox=\"0 0 900 ").show(&(bottom + 18)).raw("\">\n");
    page.raw("<title>Legal timeline</title>\n<desc>");
    for mark in marks {
        page.show(&mark.date).raw(": ").text(&mark.words).raw(". ");
    }
    page.raw("The milestones stand in the tables below.</desc>\n");
    for (year, x) in scale.years() {
        page.raw("<path class=\"tick\" d=\"M").show(&x).raw(" ").show(&top).raw("V").show(&bottom);
        page.raw("\"/><text text-anchor=\"middle\" x=\"").show(&x).raw("\" y=\"").show(&(bottom + 14));
        page.raw("\">").show(&year).raw("</text>\n");
    }
    for (row, mark) in marks.iter().enumerate() {
        across(page, mark, scale.at(mark.date).unwrap_or(LEFT), 14 + 18 * count(row), bottom);
    }
    let mut lane = Lane { scale: &scale, y: top + 34, as_of, number: 0 };
    for (basis, milestones) in bases {
        lane.draw(page, &basis.title, milestones);
        lane.y += 52;
    }
    page.raw("</svg>");
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or_default()
}

/// The line of one act.
struct Lane<'s> {
    scale: &'s Scale,
    y: i64,
    as_of: Date,
    number: usize,
}

impl Lane<'_> {
    /// The milestones are numbered as in the tables; those to come are hollow.
    fn draw(&mut self, page: &mut Page<'_>, title: &str, milestones: &[Milestone]) {
        let y = self.y;
        page.raw("<text x=\"0\" y=\"").show(&(y - 16)).raw("\">").text(&short(title, 110));
        page.raw("</text><path class=\"lane\" d=\"M0 ").show(&y).raw("H900\"/>\n");
        for one in milestones {
            self.number += 1;
            let x = self.scale.at(one.date).unwrap_or(LEFT);
            page.raw("<circle class=\"dot").raw(if one.date > self.as_of { " later" } else { "" });
            page.raw("\" r=\"9\" cx=\"").show(&x).raw("\" cy=\"").show(&y);
            page.raw("\"/><text class=\"n\" x=\"").show(&x).raw("\" y=\"").show(&(y + 4));
            page.raw("\">").show(&self.number).raw("</text>\n");
        }
    }
}

/// A day across all lanes, its words in a row of their own.
fn across(page: &mut Page<'_>, mark: &Mark, x: i64, y: i64, bottom: i64) {
    let right = x > WIDTH * 2 / 3;
    page.raw("<g class=\"")
        .raw(mark.tone)
        .raw("\"><path class=\"when\" d=\"M")
        .show(&x)
        .raw(" ")
        .show(&(y - 10));
    page.raw("V").show(&bottom).raw("\"/><text class=\"what\" text-anchor=\"").raw(if right {
        "end"
    } else {
        "start"
    });
    page.raw("\" x=\"").show(&(if right { x - 6 } else { x + 6 })).raw("\" y=\"").show(&y).raw("\">");
    page.show(&mark.date).raw(" ").text(&mark.words).raw("</text></g>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(texts: &[&str]) -> Vec<Date> {
        texts.iter().filter_map(|text| text.parse().ok()).collect()
    }

    #[test]
    fn days_stand_in_their_order_and_apart() {
        let all = days(&["2024-06-20", "2024-06-24", "2024-07-20", "2024-09-29", "2026-11-01", "2026-11-02"]);
        let scale = Scale::new(all.iter().rev().chain(&all).copied().collect());
        let places: Vec<_> = all.iter().filter_map(|day| scale.at(*day)).collect();
        assert_eq!(places.len(), all.len());
        assert!(places.windows(2).all(|two| two[1] - two[0] >= APART), "{places:?}");
        assert!(places.first() >= Some(&LEFT) && places.last() <= Some(&(LEFT + WIDTH)), "{places:?}");
        assert_eq!(scale.years().iter().map(|(year, _)| *year).collect::<Vec<_>>(), [2025, 2026]);
        assert!(scale.years().iter().all(|(_, x)| (places[3]..places[4]).contains(x)));
    }

    #[test]
    fn a_day_out_of_time_does_not_stop_the_drawing() {
        let scale = Scale::new(days(&["0001-01-01", "2024-06-24", "9999-12-31"]));
        assert!(scale.years().len() <= 11 && !scale.years().is_empty());
        assert_eq!(Scale::new(days(&["2024-06-24"])).at(days(&["2024-06-24"])[0]), Some(LEFT));
        assert!(Scale::new(Vec::new()).years().is_empty());
    }
}
