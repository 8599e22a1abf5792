//! What the engine needs of the world besides HTTP: time, sleep, randomness, name resolution.
//!
//! [`Environment`] is the border; [`SystemEnvironment`] is the real world on tokio, and
//! [`SimulatedEnvironment`] a world whose time passes only by sleeping, so that waiting costs
//! nothing and every run is the same.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};

/// Time, sleep, randomness and name resolution.
pub trait Environment: Send + Sync + fmt::Debug {
    /// The time of day.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment; never goes back.
    fn elapsed(&self) -> Duration;

    /// Ends after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Fills `bytes` with random ones, good enough for nonces.
    fn random(&self, bytes: &mut [u8]);

    /// Fills `bytes` with random ones that nobody can guess, good enough for passwords and keys;
    /// `false` where the world has none.
    fn secret(&self, bytes: &mut [u8]) -> bool {
        self.random(bytes);
        true
    }

    /// The addresses of a host name.
    fn resolve(&self, host: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;

    /// A random share from 0 (inclusive) to 1 (exclusive), for spreading retries.
    fn share(&self) -> f64 {
        let mut bytes = [0; 4];
        self.random(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}

/// The real world: the system's clock, tokio's timer and resolver, the system's randomness.
#[derive(Debug)]
pub struct SystemEnvironment {
    started: Instant,
}

impl SystemEnvironment {
    /// A world whose [`Environment::elapsed`] begins now.
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemEnvironment {
    fn default() -> Self {
        Self::new()
    }
}

impl Environment for SystemEnvironment {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }

    fn random(&self, bytes: &mut [u8]) {
        if SystemRandom::new().fill(bytes).is_err() {
            // The system has no randomness to give. Nonces only have to differ, which the clock
            // sees to; keys are never made from these bytes.
            let nanoseconds = self.started.elapsed().as_nanos().to_le_bytes();
            for (byte, filler) in bytes.iter_mut().zip(nanoseconds.iter().cycle()) {
                *byte = *filler;
            }
        }
    }

    fn secret(&self, bytes: &mut [u8]) -> bool {
        SystemRandom::new().fill(bytes).is_ok()
    }

    fn resolve(&self, host: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let host = host.to_owned();
        async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        }
        .boxed()
    }
}

/// A world for tests and simulations: time passes only by sleeping, and then at once; randomness
/// is a fixed sequence; names resolve to what they were said to, and to 127.0.0.1 otherwise.
///
/// Two tasks that sleep side by side wake at their own moments, and the clock stands at the later
/// one when both have woken.
#[derive(Debug)]
pub struct SimulatedEnvironment {
    world: std::sync::Arc<Mutex<World>>,
}

#[derive(Debug)]
struct World {
    start: Timestamp,
    elapsed: Duration,
    sequence: u64,
    sleeps: Vec<Duration>,
    addresses: BTreeMap<String, Vec<IpAddr>>,
}

impl SimulatedEnvironment {
    /// A world that begins at `start`.
    pub fn new(start: Timestamp) -> Self {
        let world =
            World { start, elapsed: Duration::ZERO, sequence: 0, sleeps: Vec::new(), addresses: BTreeMap::new() };
        Self { world: std::sync::Arc::new(Mutex::new(world)) }
    }

    /// Says what a name resolves to.
    pub fn name(&self, host: &str, addresses: &[IpAddr]) {
        self.world().addresses.insert(host.to_owned(), addresses.to_vec());
    }

    /// Lets time pass.
    pub fn advance(&self, duration: Duration) {
        self.world().elapsed += duration;
    }

    /// All sleeps so far, in the order in which they were begun.
    pub fn sleeps(&self) -> Vec<Duration> {
        self.world().sleeps.clone()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Environment for SimulatedEnvironment {
    fn now(&self) -> Timestamp {
        let world = self.world();
        world.start.checked_add(world.elapsed).unwrap_or(Timestamp::MAX)
    }

    fn elapsed(&self) -> Duration {
        self.world().elapsed
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let deadline = {
            let mut world = self.world();
            world.sleeps.push(duration);
            world.elapsed + duration
        };
        let world = self.world.clone();
        async move {
            tokio::task::yield_now().await;
            let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
            world.elapsed = world.elapsed.max(deadline);
        }
        .boxed()
    }

    fn random(&self, bytes: &mut [u8]) {
        let mut world = self.world();
        for byte in bytes {
            // SplitMix64, of which one byte is taken.
            world.sequence = world.sequence.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = world.sequence;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let [_, _, _, _, _, _, _, last] = (mixed ^ (mixed >> 31)).to_le_bytes();
            *byte = last;
        }
    }

    fn resolve(&self, host: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let known = self.world().addresses.get(host).cloned();
        let addresses = known.unwrap_or_else(|| vec![IpAddr::from([127, 0, 0, 1])]);
        async move { Ok(addresses) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn simulated_time_passes_only_by_sleeping() {
        let world = SimulatedEnvironment::new("2026-01-01T00:00:00Z".parse().unwrap());
        let before = Instant::now();
        world.sleep(Duration::from_secs(3600)).await;
        assert_eq!(world.now().to_string(), "2026-01-01T01:00:00Z");
        assert!(before.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn sleeps_side_by_side_end_at_the_later_moment() {
        let world = SimulatedEnvironment::new(Timestamp::UNIX_EPOCH);
        let short = world.sleep(Duration::from_secs(10));
        let long = world.sleep(Duration::from_secs(30));
        futures::join!(long, short);
        assert_eq!(world.elapsed(), Duration::from_secs(30));
    }

    #[test]
    fn shares_lie_between_zero_and_one_and_differ() {
        for world in [&SystemEnvironment::new() as &dyn Environment, &SimulatedEnvironment::new(Timestamp::UNIX_EPOCH)]
        {
            let shares: Vec<f64> = (0..50).map(|_| world.share()).collect();
            assert!(shares.iter().all(|share| (0.0..1.0).contains(share)));
            assert!(shares.iter().any(|share| *share > 0.5) && shares.iter().any(|share| *share < 0.5));
        }
    }
}
