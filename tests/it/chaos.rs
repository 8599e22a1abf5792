//! A world that misbehaves at random: vendors that disturb their answers, runs that are killed at any
//! moment, disks that are full, clocks that jump. Whatever happens, the file is the undisturbed one, or
//! there is none and a reason.
//!
//! ```text
//! specs   every recorded case of every spec, disturbed      scene   one of them, and what may come of it
//! vendor  what a vendor does to its answers                 play    a case, played without waiting
//! disk    folders that nobody may write, two runs
//! ```
//!
//! Random moments come from fixed seeds, so a failure says which one to look at. `cargo test -- --ignored
//! chaos` takes hundreds of them.

mod disk;
mod play;
mod scene;
mod specs;
mod vendor;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine_run::environment::{Environment, SimulatedEnvironment};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use crate::support::atlas::{self, Desk};
use crate::support::server::{Answer, Server};
use crate::support::{Inside, Reins, compile, folder};

/// Random numbers that are the same each time (SplitMix64).
struct Dice(u64);

impl Dice {
    /// Numbers that follow from others, all of them.
    fn of(seeds: &[u64]) -> Self {
        seeds.iter().fold(Self(0), |dice, seed| Self(Self(dice.0 ^ seed).below(u64::MAX)))
    }

    /// One of so many places.
    fn pick(&mut self, places: usize) -> usize {
        usize::try_from(self.below(places as u64)).unwrap()
    }

    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most.max(1)
    }
}

/// Kills syncs at random moments, each time until one comes to its end.
fn kill(times: u64, seed: u64) {
    let server = Server::start(atlas::answer);
    let desk = Desk::new(server.url());
    let whole = desk.complete();
    std::fs::remove_file(desk.path("sync.jsonl")).unwrap();
    // The shortest run so far: later than that there is nothing to kill.
    let mut lasts = Duration::MAX;
    let mut dice = Dice(seed);
    let (mut killed, mut round) = (0, 0);
    while killed < times {
        round += 1;
        let reins = Reins::default();
        let within = u64::try_from(lasts.as_micros()).unwrap_or(u64::MAX).min(200_000);
        let (killer, later) = (reins.clone(), Duration::from_micros(dice.below(within)));
        let kill = std::thread::spawn(move || {
            std::thread::sleep(later);
            killer.kill();
        });
        let began = Instant::now();
        let run = desk.sync().run_with(&reins);
        lasts = if run.status == 0 { lasts.min(began.elapsed()) } else { lasts };
        kill.join().unwrap();
        match run.status {
            -1 => {
                killed += 1;
                let found = desk.read("sync.jsonl");
                assert!(found.is_none_or(|found| found == whole), "round {round} of seed {seed}: a file of half a run");
            }
            0 => {
                assert_eq!(desk.read("sync.jsonl").as_ref(), Some(&whole), "round {round} of seed {seed}");
                std::fs::remove_file(desk.path("sync.jsonl")).unwrap();
            }
            _ => panic!("round {round} of seed {seed}: {run}"),
        }
        assert!(round < times * 8, "the moments are too late: {killed} of {round} runs were killed");
    }
    assert_eq!(desk.complete(), whole, "after {killed} kills of seed {seed}");
    assert_eq!(desk.files(), ["sync.jsonl"], "after {killed} kills of seed {seed}");
}

#[test]
fn a_sync_killed_at_any_moment_leaves_the_whole_file_or_none() {
    kill(25, 1);
}

#[test]
#[ignore = "takes minutes"]
fn a_sync_killed_at_hundreds_of_moments_leaves_the_whole_file_or_none() {
    for seed in 2..10 {
        kill(60, seed);
    }
}

#[test]
fn a_full_disk_is_told_and_the_good_file_stays() {
    let server = Server::start(atlas::answer);
    for format in ["jsonl", "c1z"] {
        let desk = Desk::new(server.url());
        let name = format!("sync.{format}");
        // What one block holds to what a whole sync needs.
        let mut full = 0;
        for blocks in [1, 20, 50, 60, 80, 120, 160, 4000] {
            desk.write(&name, "yesterday");
            let run = desk.sync_to(format).with_blocks(blocks).run();
            let found = std::fs::read(desk.path(&name)).unwrap();
            if run.status == 0 {
                assert_ne!(found, b"yesterday", "{blocks} blocks: {run}");
                continue;
            }
            full += 1;
            assert_eq!(run.status, 1, "{blocks} blocks: {run}");
            assert_eq!(found, b"yesterday", "{blocks} blocks: the good file is touched");
            assert!(run.stderr.contains("check the disk and its free space"), "{blocks} blocks: {run}");
        }
        assert!((3..8).contains(&full), "{format}: {full} of 8 disks were full");
        // Once there is room, the same command comes to its end.
        let run = desk.sync_to(format).run();
        assert_eq!(run.status, 0, "{run}");
        assert_eq!(desk.files(), [name], "something is left behind");
    }
}

/// A world whose time of day jumps to and fro, whenever somebody looks.
#[derive(Debug)]
struct Jumping {
    inner: SimulatedEnvironment,
    looks: AtomicU64,
    /// So many seconds, at most, in both directions.
    widest: i64,
}

impl Jumping {
    fn new(inner: SimulatedEnvironment, widest: i64) -> Self {
        Self { inner, looks: AtomicU64::default(), widest }
    }
}

impl Environment for Jumping {
    fn now(&self) -> Timestamp {
        let look = self.looks.fetch_add(1, Ordering::SeqCst);
        let seconds = i64::try_from(Dice(look).below(2 * self.widest.unsigned_abs())).unwrap() - self.widest;
        self.inner.now().checked_add(SignedDuration::from_secs(seconds)).unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.inner.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.inner.sleep(duration)
    }

    fn random(&self, bytes: &mut [u8]) {
        self.inner.random(bytes);
    }

    fn resolve(&self, host: &str) -> BoxFuture<'static, std::io::Result<Vec<std::net::IpAddr>>> {
        self.inner.resolve(host)
    }
}

/// Atlas, which tells now and then, as moments of the day, when to ask again.
fn limiting() -> Server {
    let number = AtomicU64::new(0);
    Server::start(move |request| match number.fetch_add(1, Ordering::SeqCst) % 5 {
        2 => Answer::bare(429).header("x-ratelimit-reset", "1767225610"),
        4 => Answer::bare(503).header("retry-after", "Thu, 01 Jan 2026 00:00:05 GMT"),
        _ => atlas::answer(request),
    })
}

#[test]
fn a_clock_that_jumps_changes_nothing_in_the_graph() {
    let (calm, limited) = (Server::start(atlas::answer), limiting());
    let plan = compile(atlas::SPEC);
    let at = |server: &Server| Inside::new(&plan, &server.url()).with("api_token", atlas::TOKEN).with("org", "acme");
    let (synced, whole) = at(&calm).sync(folder().path(), 8);
    assert!(synced.failure.is_none() && whole.lines().count() > 80);
    for widest in [1, 300, 86_400] {
        let inner = SimulatedEnvironment::new("2026-01-01T00:00:00Z".parse().unwrap());
        let world = Arc::new(Jumping::new(inner, widest));
        let (synced, lines) = at(&limited).sync_in(folder().path(), 8, world);
        match &synced.failure {
            None => assert_eq!(lines, whole, "{widest} seconds to and fro"),
            Some(error) => {
                // A moment that seems to be hours away is a reason to stop, and told.
                let told = error.to_string();
                let tells = told.contains("longer than the run may wait") || told.contains("answered 503");
                assert!(widest == 86_400 && tells, "{told}");
            }
        }
    }
}
