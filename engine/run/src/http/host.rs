//! The limits of one host: how many requests at a time, how many in a second, and from when on.
//!
//! All clients of a plan share these per host, so that a vendor who says "too fast" to one request
//! is heard by all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::egress::Origin;
use super::places::{Place, Places};
use super::statistics::Statistics;
use crate::environment::Environment;

/// The hosts of a run.
#[derive(Debug)]
pub(crate) struct Hosts {
    known: Mutex<BTreeMap<Origin, Arc<Host>>>,
    concurrency: usize,
}

/// Limits of one host.
#[derive(Debug)]
pub(crate) struct Host {
    places: Arc<Places>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// No request is sent before this moment, as time elapsed.
    not_before: Duration,
    /// Time between two requests; zero for no rate.
    interval: Duration,
    /// The moment of the next request by that rate.
    next: Duration,
}

/// A host that stays closed for longer than a run may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClosedFor(pub Duration);

impl Hosts {
    /// No hosts yet; each may have so many requests at a time.
    pub fn new(concurrency: usize) -> Self {
        Self { known: Mutex::default(), concurrency: concurrency.max(1) }
    }

    /// Says what the spec says of a host. The stricter of two clients counts.
    pub fn limit(&self, origin: &Origin, concurrency: Option<u16>, per_second: Option<u32>) {
        let host = self.host(origin);
        if let Some(wanted) = concurrency {
            host.places.keep(usize::from(wanted.max(1)));
        }
        if let Some(rate) = per_second {
            let mut state = host.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.interval = state.interval.max(Duration::from_secs(1) / rate.max(1));
        }
    }

    /// The limits of a host.
    pub fn host(&self, origin: &Origin) -> Arc<Host> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Host { places: Places::new(self.concurrency), state: Mutex::default() });
        known.entry(origin.clone()).or_insert_with(new).clone()
    }
}

impl Host {
    /// Waits until a request may be sent; it holds its place until that is dropped. One that `leads`
    /// goes before those that do not.
    pub async fn enter(
        &self,
        leads: bool,
        environment: &dyn Environment,
        statistics: &Statistics,
        longest_wait: Duration,
    ) -> Result<Place, ClosedFor> {
        loop {
            let closed = self.closed_for(environment);
            if closed > longest_wait {
                return Err(ClosedFor(closed));
            }
            if !closed.is_zero() {
                statistics.waited(closed);
                environment.sleep(closed).await;
                continue;
            }
            let place = self.places.clone().take(leads).await;
            if !self.closed_for(environment).is_zero() {
                continue;
            }
            let wait = self.slot(environment);
            if !wait.is_zero() {
                environment.sleep(wait).await;
                if !self.closed_for(environment).is_zero() {
                    continue;
                }
            }
            return Ok(place);
        }
    }

    /// Closes the host for a time. A later moment that is known already stays.
    pub fn close_for(&self, time: Duration, environment: &dyn Environment) {
        let until = environment.elapsed().saturating_add(time);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.not_before = state.not_before.max(until);
    }

    fn closed_for(&self, environment: &dyn Environment) -> Duration {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.not_before.saturating_sub(environment.elapsed())
    }

    /// Takes the next slot of the rate and says how far away it is. This is the generic cell rate
    /// algorithm without a burst: a rate of n never lets more than n requests into any second.
    fn slot(&self, environment: &dyn Environment) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.interval.is_zero() {
            return Duration::ZERO;
        }
        let now = environment.elapsed();
        let slot = state.next.max(now);
        state.next = slot + state.interval;
        slot - now
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::environment::SimulatedEnvironment;

    const MINUTE: Duration = Duration::from_secs(60);

    fn origin() -> Origin {
        Origin::of(&url::Url::parse("https://api.example").unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_rate_is_never_exceeded() {
        let world = SimulatedEnvironment::new(Timestamp::UNIX_EPOCH);
        let hosts = Hosts::new(8);
        hosts.limit(&origin(), None, Some(10));
        let host = hosts.host(&origin());
        let statistics = Statistics::default();
        for _ in 0..31 {
            drop(host.enter(false, &world, &statistics, MINUTE).await.unwrap());
        }
        assert_eq!(world.elapsed(), Duration::from_secs(3));
    }

    #[tokio::test]
    async fn a_closed_host_is_closed_to_all_until_its_moment() {
        let world = SimulatedEnvironment::new(Timestamp::UNIX_EPOCH);
        let hosts = Hosts::new(2);
        let host = hosts.host(&origin());
        host.close_for(Duration::from_secs(30), &world);
        host.close_for(Duration::from_secs(10), &world);
        let statistics = Statistics::default();
        let (first, second) = futures::join!(
            host.enter(false, &world, &statistics, MINUTE),
            host.enter(false, &world, &statistics, MINUTE)
        );
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(world.elapsed(), Duration::from_secs(30));
        host.close_for(2 * MINUTE, &world);
        assert_eq!(host.enter(false, &world, &statistics, MINUTE).await.unwrap_err(), ClosedFor(2 * MINUTE));
    }

    #[tokio::test]
    async fn the_stricter_bound_of_two_clients_counts() {
        let world = SimulatedEnvironment::new(Timestamp::UNIX_EPOCH);
        let hosts = Hosts::new(8);
        hosts.limit(&origin(), Some(3), None);
        hosts.limit(&origin(), Some(5), None);
        let host = hosts.host(&origin());
        let statistics = Statistics::default();
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(host.enter(false, &world, &statistics, MINUTE).await.unwrap());
        }
        assert_eq!(host.places.free(), 0);
    }
}
