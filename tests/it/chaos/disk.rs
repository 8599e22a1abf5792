//! Folders that nobody may write, from the beginning or from some moment on, and two runs that write the
//! same file at once.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Dice;
use crate::support::Reins;
use crate::support::atlas::{self, Desk};
use crate::support::server::Server;

const GOOD: &str = "the good file of yesterday\n";

/// A folder that may be written again once this is dropped, so that it can be removed.
#[cfg(unix)]
struct Closed(PathBuf);

#[cfg(unix)]
impl Closed {
    fn new(folder: &Path) -> Self {
        let closed = Self(folder.to_owned());
        closed.set(0o555);
        closed
    }

    fn set(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&self.0, PermissionsExt::from_mode(mode)).unwrap();
    }
}

#[cfg(unix)]
impl Drop for Closed {
    fn drop(&mut self) {
        self.set(0o755);
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_is_told_before_anything_is_asked() {
    let server = Server::start(atlas::answer);
    for format in ["jsonl", "c1z"] {
        let desk = Desk::new(server.url());
        let name = format!("sync.{format}");
        desk.write(&name, GOOD);
        let closed = Closed::new(desk.folder());
        let run = desk.sync_to(format).bound_by_permissions().run();
        assert_eq!(run.status, 1, "{run}");
        assert!(run.stderr.starts_with("error: ") && run.stderr.contains(&name), "{run}");
        assert!(run.stderr.contains("hint: "), "{run}");
        assert_eq!(server.asked().len(), 0, "the vendor was asked in vain");
        assert_eq!((desk.files(), desk.read(&name).as_deref()), (vec![name.clone()], Some(GOOD)));
        drop(closed);
        assert_eq!(desk.sync_to(format).run().status, 0);
        server.forget();
    }
}

/// Closes the folder at a random request, each time for a run of its own.
#[cfg(unix)]
fn close_at_random(times: u64, seed: u64) {
    let peaceful = Server::start(atlas::answer);
    let whole = Desk::new(peaceful.url()).complete();
    let requests = peaceful.asked().len();
    let mut dice = Dice(seed);
    for round in 0..times {
        let closed: Arc<Mutex<Option<Closed>>> = Arc::default();
        let folder: Arc<Mutex<PathBuf>> = Arc::default();
        let left = AtomicUsize::new(1 + dice.pick(requests));
        let (close, of) = (closed.clone(), folder.clone());
        let server = Server::start(move |request| {
            if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                *close.lock().unwrap() = Some(Closed::new(&of.lock().unwrap()));
            }
            atlas::answer(request)
        });
        let desk = Desk::new(server.url());
        desk.write("sync.jsonl", GOOD);
        desk.folder().clone_into(&mut folder.lock().unwrap());
        let run = desk.sync().bound_by_permissions().run();
        assert_eq!(run.status, 1, "round {round} of seed {seed}: {run}");
        let told = run.stderr.contains("error: ") && run.stderr.contains("sync.jsonl") && run.stderr.contains("hint: ");
        assert!(told, "round {round} of seed {seed}: {run}");
        assert_eq!(desk.read("sync.jsonl").as_deref(), Some(GOOD), "round {round} of seed {seed}: {run}");
        *closed.lock().unwrap() = None;
        assert_eq!(desk.complete(), whole, "round {round} of seed {seed}");
        assert_eq!(desk.files(), ["sync.jsonl"], "round {round} of seed {seed}");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_closed_while_a_sync_runs_is_told_and_the_good_file_stays() {
    close_at_random(4, 1);
}

#[cfg(unix)]
#[test]
#[ignore = "takes minutes"]
fn a_folder_that_is_closed_at_hundreds_of_moments_is_told_and_the_good_file_stays() {
    close_at_random(300, 2);
}

/// Starts a second run at a random moment of the first.
fn race(times: u64, seed: u64) {
    let server = Server::start(atlas::answer);
    let whole = Desk::new(server.url()).complete();
    let mut dice = Dice(seed);
    let mut refused = 0;
    for round in 0..times {
        let desk = Desk::new(server.url());
        let first = desk.sync();
        let first = std::thread::spawn(move || first.run_with(&Reins::default()));
        std::thread::sleep(Duration::from_micros(dice.below(60_000)));
        let second = desk.sync().run();
        let runs = [first.join().unwrap(), second];
        for run in runs.iter().filter(|run| run.status != 0) {
            refused += 1;
            let told = run.stderr.contains("another run is writing sync.jsonl");
            assert!(run.status == 1 && told, "round {round} of seed {seed}: {run}");
        }
        assert!(runs.iter().any(|run| run.status == 0), "round {round} of seed {seed}: {}\n{}", runs[0], runs[1]);
        assert_eq!(desk.read("sync.jsonl").as_ref(), Some(&whole), "round {round} of seed {seed}");
        assert_eq!(desk.files(), ["sync.jsonl"], "round {round} of seed {seed}");
    }
    assert!(refused > 0, "no two runs of seed {seed} met");
}

#[test]
fn two_runs_on_the_same_file_never_mix() {
    race(5, 1);
}

#[test]
#[ignore = "takes minutes"]
fn hundreds_of_pairs_of_runs_on_the_same_file_never_mix() {
    race(300, 2);
}
