//! What a run cost in requests: counters that every task adds to and the report reads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counters of a run. All are exact; a snapshot taken while requests run is of no single moment.
#[derive(Debug, Default)]
pub struct Statistics {
    requests: AtomicU64,
    retries: AtomicU64,
    limited: AtomicU64,
    bytes: AtomicU64,
    waited: AtomicU64,
    in_flight: AtomicU64,
    peak: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests sent, retries, redirects and token requests included.
    pub requests: u64,
    /// Requests sent again after a passing fault.
    pub retries: u64,
    /// Answers that said "too fast".
    pub limited: u64,
    /// Bytes of bodies, decoded.
    pub bytes: u64,
    /// Time spent waiting for back-off and rate limits, added over all requests.
    pub waited: Duration,
    /// Most requests in flight at a time, over all hosts.
    pub peak_in_flight: u64,
}

impl Statistics {
    /// The counters now.
    pub fn totals(&self) -> Totals {
        Totals {
            requests: self.requests.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            limited: self.limited.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            waited: Duration::from_millis(self.waited.load(Ordering::Relaxed)),
            peak_in_flight: self.peak.load(Ordering::Relaxed),
        }
    }

    /// Counts a request until the guard is dropped.
    pub(crate) fn begin(&self) -> InFlight<'_> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(now, Ordering::Relaxed);
        InFlight(self)
    }

    pub(crate) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn limited(&self) {
        self.limited.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn waited(&self, time: Duration) {
        self.waited.fetch_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// A request on its way.
pub(crate) struct InFlight<'a>(&'a Statistics);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
