//! Figures for Prometheus: what was asked, how it was answered, how long it took. No host's name is among them.
//!
//! Counted by `request` and by handlers, shown at `/metrics`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the histogram, in seconds.
const BOUNDS: [f64; 9] = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Answers of one route with one status.
#[derive(Debug, Default, Clone)]
struct Series {
    count: u64,
    seconds: f64,
    /// Answers up to each bound.
    within: [u64; BOUNDS.len()],
}

/// A named count, by a word.
type Counts = Mutex<BTreeMap<&'static str, u64>>;

/// All figures.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    answers: Mutex<BTreeMap<(String, u16), Series>>,
    check_ins: Counts,
    refused: Counts,
    in_flight: AtomicU64,
    body_bytes: AtomicU64,
}

/// A request that is being answered.
pub(super) struct InFlight<'a>(&'a AtomicU64);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// A request begins; it ends when the value goes.
    pub(super) fn begin(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(&self.in_flight)
    }

    /// A request was answered. The route is the pattern, never the address that was asked for.
    pub(super) fn answered(&self, route: &str, status: u16, took: Duration) {
        let seconds = took.as_secs_f64();
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let series = answers.entry((route.to_owned(), status)).or_default();
        series.count += 1;
        series.seconds += seconds;
        for (within, bound) in series.within.iter_mut().zip(BOUNDS) {
            *within += u64::from(seconds <= bound);
        }
    }

    /// A check-in was answered with this word.
    pub(super) fn check_in(&self, answer: &'static str) {
        count(&self.check_ins, answer);
    }

    /// A token or secret was refused for this reason.
    pub(super) fn refused(&self, reason: &'static str) {
        count(&self.refused, reason);
    }

    /// So many bytes of a body came.
    pub(super) fn received(&self, bytes: usize) {
        self.body_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The page.
    pub(super) fn page(&self, ready: bool) -> String {
        let mut page = String::new();
        let version = env!("CARGO_PKG_VERSION");
        head(&mut page, "build_info", "gauge", "The collector's version.");
        line(&mut page, "build_info", &format!("version=\"{version}\""), 1);
        head(&mut page, "ready", "gauge", "Whether the store answers.");
        line(&mut page, "ready", "", u64::from(ready));
        head(&mut page, "requests_in_flight", "gauge", "Requests that are being answered.");
        line(&mut page, "requests_in_flight", "", self.in_flight.load(Ordering::Relaxed));
        head(&mut page, "request_body_bytes_total", "counter", "Bytes of bodies, as they came.");
        line(&mut page, "request_body_bytes_total", "", self.body_bytes.load(Ordering::Relaxed));
        named(&mut page, "check_ins_total", "answer", "Check-ins, by the answer.", &self.check_ins);
        named(&mut page, "refused_total", "reason", "Tokens and secrets that were refused.", &self.refused);
        self.histogram(&mut page);
        page
    }

    fn histogram(&self, page: &mut String) {
        let name = "request_seconds";
        head(page, name, "histogram", "How long answers took, by route and status.");
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        for ((route, status), series) in &*answers {
            let labels = format!("route=\"{route}\",status=\"{status}\"");
            for (within, bound) in series.within.iter().zip(BOUNDS) {
                line(page, "request_seconds_bucket", &format!("{labels},le=\"{bound}\""), *within);
            }
            line(page, "request_seconds_bucket", &format!("{labels},le=\"+Inf\""), series.count);
            let _infallible = writeln!(page, "interdict_request_seconds_sum{{{labels}}} {}", series.seconds);
            line(page, "request_seconds_count", &labels, series.count);
        }
    }
}

fn count(counts: &Counts, word: &'static str) {
    *counts.lock().unwrap_or_else(PoisonError::into_inner).entry(word).or_default() += 1;
}

fn head(page: &mut String, name: &str, kind: &str, help: &str) {
    let _infallible = writeln!(page, "# HELP interdict_{name} {help}\n# TYPE interdict_{name} {kind}");
}

fn line(page: &mut String, name: &str, labels: &str, value: u64) {
    let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
    let _infallible = writeln!(page, "interdict_{name}{labels} {value}");
}

fn named(page: &mut String, name: &str, label: &str, help: &str, counts: &Counts) {
    head(page, name, "counter", help);
    for (word, value) in &*counts.lock().unwrap_or_else(PoisonError::into_inner) {
        line(page, name, &format!("{label}=\"{word}\""), *value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_every_figure() {
        let metrics = Metrics::default();
        metrics.answered("/healthz", 200, Duration::from_millis(3));
        metrics.answered("/healthz", 200, Duration::from_mins(1));
        metrics.check_in("kept");
        metrics.refused("expired");
        let running = metrics.begin();
        let page = metrics.page(true);
        drop(running);
        for line in [
            "interdict_ready 1",
            "interdict_requests_in_flight 1",
            "interdict_check_ins_total{answer=\"kept\"} 1",
            "interdict_refused_total{reason=\"expired\"} 1",
            "interdict_request_seconds_bucket{route=\"/healthz\",status=\"200\",le=\"0.001\"} 0",
            "interdict_request_seconds_bucket{route=\"/healthz\",status=\"200\",le=\"0.005\"} 1",
            "interdict_request_seconds_bucket{route=\"/healthz\",status=\"200\",le=\"+Inf\"} 2",
            "interdict_request_seconds_count{route=\"/healthz\",status=\"200\"} 2",
        ] {
            assert!(page.lines().any(|one| one == line), "{line}\n{page}");
        }
        assert!(metrics.page(false).contains("interdict_requests_in_flight 0\n"));
    }
}
