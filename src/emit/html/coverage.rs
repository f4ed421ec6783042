//! What could and could not be seen: every source as a picture, every gap with its places, what can be done about them,
//! and what somebody answers for.
//!
//! Called by the format `html`, for reports and inventories.

use crate::emit::hidden::{Hidden, Weight, in_the_way};
use crate::emit::steps::next_steps;
use crate::model::{Coverage, Exception, Report, SourceReport, Status};

use super::page::Page;
use super::{At, findings, many};

/// How a source is drawn: its colour, its words.
type Tone = (&'static str, &'static str);
/// From best to worst of what was looked at, then what was not there to be.
const TONES: &[Tone] = &[
    ("bad", "failed"),
    ("open", "partial, could hide something that counts"),
    ("info", "partial, hides nothing that counts here"),
    ("good", "complete"),
    ("off", "unavailable"),
    ("none", "not applicable"),
];

/// What a person can do about the gaps of a report.
pub(super) fn steps(report: &Report) -> Vec<String> {
    next_steps(report, &in_the_way(report))
}

/// The section of sources and gaps.
pub(super) fn section(
    page: &mut Page<'_>,
    coverage: &Coverage,
    hidden: &[Hidden<'_>],
    steps: &[String],
    at: At,
) {
    at.section(page, "coverage", "What could and could not be seen");
    page.raw("<div class=\"card long\">\n");
    let tone = |source: &SourceReport| tone(source, hidden);
    let asked = coverage.sources.iter().filter(|source| source.status != Status::NotApplicable).count();
    let whole = coverage.sources.iter().filter(|source| source.status == Status::Complete).count();
    page.raw("<p>").show(&whole).raw(" of ").text(&many(asked, "source"));
    page.raw(" that apply to this host were read whole.</p>\n");
    picture(page, coverage, &tone);
    page.raw("<ul class=\"tiles\">\n");
    for drawn in TONES.iter().take(TONES.len() - 1) {
        let sources = coverage.sources.iter().filter(|source| tone(source) == *drawn);
        sources.for_each(|source| tile(page, source, *drawn));
    }
    page.raw("</ul>\n");
    let absent: Vec<_> =
        coverage.sources.iter().filter(|source| source.status == Status::NotApplicable).collect();
    if !absent.is_empty() {
        page.raw("<details><summary>").text(&many(absent.len(), "source"));
        page.raw(" not applicable: this host does not have them</summary>\n<ul>\n");
        for source in absent {
            page.raw("<li><code>").text(&source.source).raw("</code> ");
            page.text(source.reason.as_deref().unwrap_or_default()).raw("</li>\n");
        }
        page.raw("</ul></details>\n");
    }
    page.raw("</div>\n");
    gaps(page, hidden, at);
    if !steps.is_empty() {
        page.raw("<div class=\"card\">\n").heading(at.level + 2, "find", "To see more").raw("<ul>\n");
        for step in steps {
            page.raw("<li>").prose(step).raw("</li>\n");
        }
        page.raw("</ul></div>\n");
    }
    page.raw("</section>\n");
}

/// How a source is drawn: by what follows for the verdict.
fn tone(source: &SourceReport, hidden: &[Hidden<'_>]) -> Tone {
    let mut of_it = hidden.iter().filter(|one| one.source == Some(source.source.as_ref()));
    let blocks = of_it.any(|one| one.weight == Weight::Blocking);
    let at = match source.status {
        Status::Failed => 0,
        Status::Partial if blocks => 1,
        Status::Partial => 2,
        Status::Complete => 3,
        Status::Unavailable => 4,
        Status::NotApplicable => 5,
    };
    TONES.get(at).copied().unwrap_or_default()
}

/// One bar, a field for each source; below it what the colours mean and how many there are of each.
fn picture(page: &mut Page<'_>, coverage: &Coverage, tone: &dyn Fn(&SourceReport) -> Tone) {
    let count = |drawn: &Tone| coverage.sources.iter().filter(|source| tone(source) == *drawn).count();
    page.raw("<svg class=\"bar\" role=\"img\" preserveAspectRatio=\"none\" viewBox=\"0 0 ");
    page.show(&(coverage.sources.len() * 20))
        .raw(" 10\" aria-label=\"")
        .text(&many(coverage.sources.len(), "source"));
    for drawn in TONES {
        page.raw(", ").show(&count(drawn)).raw(" ").raw(drawn.1);
    }
    page.raw("\">");
    let fields = TONES.iter().flat_map(|drawn| std::iter::repeat_n(drawn.0, count(drawn)));
    for (n, class) in fields.enumerate() {
        page.raw("<rect class=\"")
            .raw(class)
            .raw("\" x=\"")
            .show(&(n * 20))
            .raw("\" width=\"19\" height=\"10\"/>");
    }
    page.raw("</svg>\n<ul class=\"key\">\n");
    for drawn in TONES.iter().filter(|drawn| count(drawn) > 0) {
        page.raw("<li class=\"")
            .raw(drawn.0)
            .raw("\"><b>")
            .show(&count(drawn))
            .raw("</b> ")
            .raw(drawn.1)
            .raw("</li>\n");
    }
    page.raw("</ul>\n");
}

fn tile(page: &mut Page<'_>, source: &SourceReport, (class, words): Tone) {
    page.raw("<li class=\"").raw(class).raw("\"><b>").text(&source.source).raw("</b> <span class=\"st\">");
    page.raw(words).raw("</span><br>");
    page.text(&format!(
        "{} in {} ms",
        many(usize::try_from(source.records).unwrap_or(usize::MAX), "record"),
        source.elapsed_ms
    ));
    let missed: u64 = source.gaps.iter().map(|gap| gap.count).sum();
    if missed > 0 {
        page.raw("<br>").show(&missed).raw(" not seen");
    }
    if let Some(reason) = &source.reason {
        page.raw("<br><span class=\"dim\">").prose(reason).raw("</span>");
    }
    page.raw("</li>\n");
}

fn gaps(page: &mut Page<'_>, hidden: &[Hidden<'_>], at: At) {
    page.raw("<div class=\"card long\">\n").heading(at.level + 2, "find", "Gaps");
    if hidden.is_empty() {
        page.raw("<p>None: all that was asked for was seen.</p></div>\n");
        return;
    }
    page.raw("<p class=\"dim\">Blocking: could hide something that counts. Accepted: the site puts up with it. Not needed: ");
    page.raw(
        "could, in a source that no prohibition asked for needs. Minor: hides nothing that counts.</p>\n",
    );
    page.raw("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Gaps\"><table><caption class=\"sr\">");
    page.raw("Everything that could not be seen</caption><thead><tr><th scope=\"col\">Weight</th><th scope=\"col\">Source</th>");
    page.raw("<th scope=\"col\">Why</th><th scope=\"col\" class=\"num\">Count</th><th scope=\"col\">Places</th></tr></thead>\n<tbody>\n");
    let ranks = [Weight::Blocking, Weight::Accepted, Weight::NotNeeded, Weight::Minor];
    for weight in ranks {
        hidden.iter().filter(|one| one.weight == weight).for_each(|one| gap(page, one));
    }
    page.raw("</tbody></table></div></div>\n");
}

fn gap(page: &mut Page<'_>, one: &Hidden<'_>) {
    let class = match one.weight {
        Weight::Blocking => "open",
        Weight::Accepted => "info",
        Weight::NotNeeded | Weight::Minor => "off",
    };
    page.raw("<tr><td>").badge(class, one.weight.word()).raw("</td><td>");
    match one.source {
        Some(source) => page.code(source),
        None => page.raw("the question"),
    };
    page.raw("</td><td>").prose(&one.words);
    if let Some(exception) = one.exception {
        page.raw("<br><small>accepted ");
        findings::exception(page, exception);
        page.raw("</small>");
    }
    page.raw("</td><td class=\"num\" data-l=\"count\">").show(&one.count).raw("</td><td><ul>");
    for place in one.places {
        page.raw("<li>").code(&place.text()).raw("</li>");
    }
    let more = one.count.saturating_sub(one.places.len() as u64);
    if more > 0 && !one.places.is_empty() {
        page.raw("<li class=\"dim\">and ").show(&more).raw(" more</li>");
    }
    page.raw("</ul></td></tr>\n");
}

/// The section of what somebody answers for: findings that are waived, gaps that are accepted.
pub(super) fn exceptions(page: &mut Page<'_>, report: &Report, at: At) {
    let waived =
        report.findings.iter().filter_map(|one| Some((one.product_name.clone(), one.waiver.as_ref()?)));
    let judged = report.policies.iter().flat_map(|policy| &policy.prohibitions);
    let accepted = judged.flat_map(|judged| &judged.accepted).map(|one| {
        let gap = one.gap.as_ref().map_or("saw nothing", |gap| gap.reason.words());
        (format!("{}: {gap}", one.source), &one.exception)
    });
    let mut all: Vec<(&str, String, &Exception)> = waived.map(|(what, why)| ("waiver", what, why)).collect();
    for (what, why) in accepted {
        if all.iter().all(|(_, there, reason)| (there, *reason) != (&what, why)) {
            all.push(("accepted gap", what, why));
        }
    }
    if all.is_empty() {
        return;
    }
    at.section(page, "exceptions", "Waivers and accepted gaps");
    page.raw("<div class=\"card long wide\"><table><caption class=\"sr\">Waivers and accepted gaps</caption><thead><tr>");
    page.raw("<th scope=\"col\">Kind</th><th scope=\"col\">Of what</th><th scope=\"col\">Until</th><th scope=\"col\">Approved by</th>");
    page.raw("<th scope=\"col\">Reason</th><th scope=\"col\">Written in</th></tr></thead>\n<tbody>\n");
    for (kind, what, why) in all {
        page.raw("<tr><td>")
            .badge("info", kind)
            .raw("</td><td>")
            .text(&what)
            .raw("</td><td>")
            .show(&why.expires);
        page.raw("</td><td>").text(&why.approver).raw("</td><td>").prose(&why.reason).raw("</td><td>");
        page.code(&why.written_at).raw("</td></tr>\n");
    }
    page.raw("</tbody></table></div></section>\n");
}
