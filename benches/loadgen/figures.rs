//! How many, how fast, how long each took.

use std::time::Duration;

use serde_json::{Value, json};

/// What one thread has measured.
#[derive(Default)]
pub(super) struct Measured {
    /// How long each took, in microseconds.
    pub(super) took: Vec<u32>,
    /// Calls that it took.
    pub(super) calls: u64,
    /// Times that it was told to come later.
    pub(super) later: u64,
}

impl Measured {
    /// Adds what took so long.
    pub(super) fn add(&mut self, took: Duration) {
        self.took.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    pub(super) fn and(mut self, other: Self) -> Self {
        self.took.extend(other.took);
        Self { calls: self.calls + other.calls, later: self.later + other.later, ..self }
    }

    /// As it is told: bytes are those of bodies, both ways.
    pub(super) fn told(mut self, within: Duration, bytes: u64) -> Value {
        self.took.sort_unstable();
        let count = self.took.len();
        json!({
            "count": count,
            "seconds": round(within.as_secs_f64()),
            "per_second": round(count as f64 / within.as_secs_f64()),
            "calls_each": round(self.calls as f64 / count.max(1) as f64),
            "bytes_each": bytes / count.max(1) as u64,
            "told_to_come_later": self.later,
            "p50_ms": self.at(50), "p95_ms": self.at(95), "p99_ms": self.at(99),
        })
    }

    /// What so many of a hundred were not longer than, in milliseconds.
    pub(super) fn at(&self, percent: usize) -> f64 {
        let at = (self.took.len() * percent / 100).min(self.took.len().saturating_sub(1));
        round(f64::from(self.took.get(at).copied().unwrap_or_default()) / 1000.0)
    }
}

fn round(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
