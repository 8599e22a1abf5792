//! What a simulated vendor saw.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// What was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Requests.
    pub requests: u64,
    /// The most that were under way at a time.
    pub in_flight: u64,
    /// Seconds from the first request to the end of the last answer.
    pub span: f64,
    /// Pages that were asked for again after they had been given.
    pub repeated: u64,
    /// Requests that came before they were to be tried again.
    pub early: u64,
    /// Bytes of the largest answer.
    pub largest: u64,
}

/// Counts for one measurement.
#[derive(Default)]
pub struct Statistics(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    seen: Seen,
    number: u64,
    under_way: u64,
    first: Option<Instant>,
    given: HashSet<String>,
    barred: HashMap<String, Instant>,
}

impl Statistics {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request came; returns its number.
    pub fn begin(&self, target: &str) -> u64 {
        let mut counts = self.counts();
        let now = Instant::now();
        counts.first.get_or_insert(now);
        counts.number += 1;
        counts.under_way += 1;
        counts.seen.requests += 1;
        counts.seen.in_flight = counts.seen.in_flight.max(counts.under_way);
        let is_early = counts.barred.remove(target).is_some_and(|until| now < until);
        counts.seen.early += u64::from(is_early);
        counts.number
    }

    /// A client was told to wait.
    pub fn throttle(&self, target: &str, until: Instant) {
        self.counts().barred.insert(target.to_owned(), until);
    }

    /// A request was answered, with so many bytes.
    pub fn end(&self, target: &str, given: bool, bytes: usize) {
        let mut counts = self.counts();
        counts.seen.largest = counts.seen.largest.max(bytes as u64);
        counts.under_way = counts.under_way.saturating_sub(1);
        counts.seen.span = counts.first.map_or(0.0, |first| first.elapsed().as_secs_f64());
        if given && !counts.given.insert(target.to_owned()) {
            counts.seen.repeated += 1;
        }
    }

    /// What was seen since the last time; begins anew, faults too.
    pub fn take(&self) -> Seen {
        std::mem::take(&mut *self.counts()).seen
    }
}
