//! Runs that end too early: killed at many points, interrupted, cut off from the vendor. The same
//! command goes on, asks for nothing that it has, and writes the file of an undisturbed run.

mod harbor;
mod stored;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use wiremock::ResponseTemplate;

use crate::support::{Asked, Engine, Reins, Run, Vendor, engine, folder};

/// What happens when a request of some number arrives.
type Trap = Arc<Mutex<Option<(usize, Box<dyn FnMut() -> Option<ResponseTemplate> + Send>)>>>;

/// A vendor, a spec and a place for files.
struct Scene {
    vendor: Vendor,
    folder: TempDir,
    trap: Trap,
}

impl Scene {
    fn new() -> Self {
        Self::with(harbor::answer)
    }

    fn with(answer: impl Fn(&Asked) -> ResponseTemplate + Send + Sync + 'static) -> Self {
        let trap: Trap = Arc::default();
        let sprung = trap.clone();
        let vendor = Vendor::start(move |asked| {
            let mut trap = sprung.lock().unwrap();
            let answered = match trap.as_mut() {
                Some((at, act)) if *at == asked.number => act(),
                _ => None,
            };
            drop(trap);
            answered.unwrap_or_else(|| answer(asked))
        });
        let folder = folder();
        std::fs::write(folder.path().join("spec.yaml"), include_str!("resume/spec.yaml")).unwrap();
        Self { vendor, folder, trap }
    }

    /// Does something when the request of a number arrives, counted anew from now; it may answer.
    fn at(&self, number: usize, act: impl FnMut() -> Option<ResponseTemplate> + Send + 'static) {
        self.vendor.take_lines();
        *self.trap.lock().unwrap() = Some((number, Box::new(act)));
    }

    /// Nothing happens any more.
    fn calm(&self) {
        *self.trap.lock().unwrap() = None;
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn engine(&self, format: &str, file: &str) -> Engine {
        self.engine_with(&[], format, file)
    }

    fn engine_with(&self, flags: &[&str], format: &str, file: &str) -> Engine {
        engine(["sync", "--spec", "spec.yaml", "--format", format, "--file", file].iter().chain(flags))
            .within(self.folder.path())
            .env("BATON_HARBOR_BASE_URL", self.vendor.address())
            .env("BATON_HARBOR_API_TOKEN", "made-up-token")
    }

    /// Runs the sync undisturbed, and gives the file and the requests it took.
    fn undisturbed(&self) -> (String, Vec<String>) {
        self.calm();
        self.vendor.take_lines();
        let run = self.engine("jsonl", "whole.jsonl").run();
        assert_eq!(run.status, 0, "{run}");
        let file = std::fs::read_to_string(self.path("whole.jsonl")).unwrap();
        (file, self.vendor.take_lines())
    }

    /// Runs the sync again, to its end.
    fn again(&self, file: &str) -> Run {
        self.calm();
        self.vendor.take_lines();
        self.engine("jsonl", file).run()
    }

    /// Nothing is left of a run that came to its end.
    fn assert_clean(&self, file: &str) {
        for suffix in
            [".partial", ".partial-wal", ".partial-shm", ".partial-ledger", ".partial.lock", ".tmp", ".sealing"]
        {
            let left = self.path(&format!("{file}{suffix}"));
            assert!(!left.exists(), "{} is left", left.display());
        }
    }
}

#[test]
fn a_sync_killed_at_any_request_goes_on_to_the_file_of_an_undisturbed_run() {
    let scene = Scene::new();
    let (whole, lines) = scene.undisturbed();
    assert!(lines.len() > 90, "{} requests", lines.len());
    assert!(whole.lines().count() > 90, "{} records", whole.lines().count());
    for number in (1..=lines.len()).filter(|number| *number < 8 || number % 7 == 0 || *number + 2 > lines.len()) {
        let reins = Reins::default();
        let killer = reins.clone();
        scene.at(number, move || {
            killer.kill();
            None
        });
        let killed = scene.engine("jsonl", "sync.jsonl").run_with(&reins);
        assert_eq!(killed.status, -1, "killed at request {number}: {killed}");
        assert!(!scene.path("sync.jsonl").exists(), "killed at request {number}");
        let stored = stored::lines(&scene.path("sync.jsonl.partial"));
        let run = scene.again("sync.jsonl");
        assert_eq!(run.status, 0, "killed at request {number}: {run}");
        let asked = scene.vendor.take_lines();
        let twice: Vec<_> = asked.iter().filter(|line| stored.contains(line.as_str())).collect();
        assert!(twice.is_empty(), "killed at request {number}: stored already, and asked again: {twice:?}");
        assert_same(&whole, &scene.path("sync.jsonl"), &format!("killed at request {number}"));
        scene.assert_clean("sync.jsonl");
        std::fs::remove_file(scene.path("sync.jsonl")).unwrap();
    }
}

#[test]
fn a_sync_killed_again_and_again_comes_to_its_end() {
    let scene = Scene::new();
    let (whole, lines) = scene.undisturbed();
    let mut asked = 0;
    let mut runs = 0;
    loop {
        let reins = Reins::default();
        let killer = reins.clone();
        scene.at(9, move || {
            killer.kill();
            None
        });
        // With few requests at a time, so that the first of them are stored when the ninth is sent.
        let run = scene.engine_with(&["--concurrency", "2"], "jsonl", "sync.jsonl").run_with(&reins);
        asked += scene.vendor.take_lines().len();
        runs += 1;
        if run.status == 0 {
            break;
        }
        assert!(runs < lines.len(), "it gets no further");
    }
    assert!(runs > 3, "{runs} runs");
    // Two requests of each run come before anything else; of the others some were under way.
    assert!(asked < lines.len() + runs * 10, "{asked} requests in {runs} runs instead of {}", lines.len());
    assert_same(&whole, &scene.path("sync.jsonl"), "killed again and again");
}

#[test]
fn a_sync_killed_at_odd_moments_after_its_last_request_still_writes_the_whole_file() {
    let scene = Scene::new();
    let (whole, lines) = scene.undisturbed();
    let whole_records = records(&scene, "whole.c1z");
    for milliseconds in [0, 2, 4, 7, 10, 14, 19, 25, 35] {
        let reins = Reins::default();
        let killer = reins.clone();
        scene.at(lines.len(), move || {
            let killer = killer.clone();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(milliseconds));
                killer.kill();
            });
            None
        });
        let first = scene.engine("c1z", "sync.c1z").run_with(&reins);
        if first.status == -1 {
            let run = {
                scene.calm();
                scene.engine("c1z", "sync.c1z").run()
            };
            assert_eq!(run.status, 0, "killed {milliseconds} ms after the last request: {run}");
        }
        assert_eq!(
            records_of(&scene.path("sync.c1z")),
            whole_records,
            "killed {milliseconds} ms after the last request"
        );
        scene.assert_clean("sync.c1z");
        std::fs::remove_file(scene.path("sync.c1z")).unwrap();
    }
    assert!(!whole.is_empty());
}

#[test]
fn an_interrupted_sync_says_how_to_go_on_and_does() {
    let scene = Scene::new();
    let (whole, lines) = scene.undisturbed();
    for number in [lines.len() / 3, lines.len() / 2] {
        let reins = Reins::default();
        let user = reins.clone();
        // The answer would come in a minute: whoever interrupts does not wait for it.
        scene.at(number, move || {
            user.interrupt();
            Some(ResponseTemplate::new(200).set_delay(Duration::from_secs(60)))
        });
        let engine = scene.engine("jsonl", "sync.jsonl");
        let begun = Instant::now();
        let run = engine.run_with(&reins);
        assert!(begun.elapsed() < Duration::from_secs(30), "it took {:?}", begun.elapsed());
        assert_eq!(run.status, 1, "{run}");
        assert!(run.stderr.contains("stopping; what was read is kept"), "{run}");
        assert!(run.stderr.contains("stopped before the end"), "{run}");
        assert!(run.stderr.contains("hint: run the same command again to go on from here"), "{run}");
        assert!(run.stdout.contains("STOPPED"), "{run}");
        assert!(!scene.path("sync.jsonl").exists());
        let run = scene.again("sync.jsonl");
        assert_eq!(run.status, 0, "{run}");
        assert!(run.stderr.contains("going on with the run that began"), "{run}");
        assert_same(&whole, &scene.path("sync.jsonl"), "interrupted");
        std::fs::remove_file(scene.path("sync.jsonl")).unwrap();
    }
}

#[test]
fn an_interrupt_ends_the_first_requests_too() {
    let scene = Scene::new();
    let reins = Reins::default();
    let user = reins.clone();
    scene.at(1, move || {
        user.interrupt();
        Some(ResponseTemplate::new(200).set_delay(Duration::from_secs(60)))
    });
    let engine = scene.engine("jsonl", "sync.jsonl");
    let begun = Instant::now();
    let run = engine.run_with(&reins);
    assert_eq!(run.status, 1, "{run}");
    assert!(run.stderr.contains("stopped before the end"), "{run}");
    assert!(begun.elapsed() < Duration::from_secs(30), "it took {:?}", begun.elapsed());
}

#[test]
fn an_interrupt_gives_up_pages_that_were_asked_for_ahead() {
    let reins = Reins::default();
    let user = reins.clone();
    let scene = Scene::with(move |asked| {
        if asked.parameter("offset") != Some("2") {
            return harbor::answer(asked);
        }
        user.interrupt();
        ResponseTemplate::new(200).set_delay(Duration::from_secs(60))
    });
    let engine = scene.engine("jsonl", "sync.jsonl");
    let begun = Instant::now();
    let run = engine.run_with(&reins);
    assert_eq!(run.status, 1, "{run}");
    assert!(begun.elapsed() < Duration::from_secs(30), "it took {:?}", begun.elapsed());
}

#[test]
fn a_sync_whose_credentials_ran_out_goes_on_with_new_ones() {
    let scene = Scene::new();
    let (whole, lines) = scene.undisturbed();
    scene.at(lines.len() / 2, || Some(ResponseTemplate::new(401)));
    let run = scene.engine("jsonl", "sync.jsonl").run();
    assert_eq!(run.status, 4, "{run}");
    assert!(run.stderr.contains("what was read is kept in sync.jsonl.partial"), "{run}");
    let run = scene.again("sync.jsonl");
    assert_eq!(run.status, 0, "{run}");
    assert!(scene.vendor.asked().len() < lines.len());
    assert_same(&whole, &scene.path("sync.jsonl"), "new credentials");
}

#[test]
fn what_could_not_be_read_is_asked_again_and_nothing_else() {
    let closed = Arc::new(Mutex::new(true));
    let open = closed.clone();
    let scene = Scene::with(move |asked| {
        if *open.lock().unwrap() && asked.path == "/groups/g3/members" {
            return ResponseTemplate::new(403);
        }
        harbor::answer(asked)
    });
    let run = scene.again("sync.jsonl");
    assert_eq!(run.status, 3, "{run}");
    assert!(scene.path("sync.incomplete.jsonl").exists());
    *closed.lock().unwrap() = false;
    let run = scene.again("sync.jsonl");
    assert_eq!(run.status, 0, "{run}");
    let asked = scene.vendor.take_lines();
    assert_eq!(asked, ["/me", "/health", "/groups/g3/members", "/groups/g3/members?cursor=from-2"]);
    let (whole, _) = scene.undisturbed();
    assert_same(&whole, &scene.path("sync.jsonl"), "read in two goes");
}

#[test]
fn an_incomplete_sync_whose_lists_were_all_read_is_read_anew() {
    let ghost = Arc::new(Mutex::new(true));
    let there = ghost.clone();
    let scene = Scene::with(move |asked| {
        if *there.lock().unwrap() && asked.path == "/groups/g0/members" {
            return ResponseTemplate::new(200).set_body_json(json!({ "items": [{ "id": "ghost" }] }));
        }
        harbor::answer(asked)
    });
    let run = scene.again("sync.jsonl");
    assert_eq!(run.status, 3, "{run}");
    assert!(run.stdout.contains("the principal of grants is not among the resources that were read"), "{run}");
    *ghost.lock().unwrap() = false;
    let run = scene.again("sync.jsonl");
    assert_eq!(run.status, 0, "{run}");
    assert!(!scene.path("sync.incomplete.jsonl").exists(), "it is out of date");
    let (whole, _) = scene.undisturbed();
    assert_same(&whole, &scene.path("sync.jsonl"), "read anew");
}

#[test]
fn another_spec_or_config_begins_anew_and_so_does_the_flag() {
    let scene = Scene::new();
    let (whole, lines) = scene.undisturbed();
    let stop = || {
        scene.at(lines.len() / 2, || Some(ResponseTemplate::new(401)));
        assert_eq!(scene.engine("jsonl", "sync.jsonl").run().status, 4);
        scene.calm();
        scene.vendor.take_lines();
    };
    stop();
    let run = scene.engine("jsonl", "sync.jsonl").with(["--fresh"]).run();
    assert_eq!((run.status, scene.vendor.take_lines().len()), (0, lines.len()), "{run}");
    assert_same(&whole, &scene.path("sync.jsonl"), "begun anew");
    stop();
    let spec = std::fs::read_to_string(scene.path("spec.yaml")).unwrap();
    std::fs::write(scene.path("spec.yaml"), spec.replace("name: Harbor", "name: Other")).unwrap();
    let run = scene.again("sync.jsonl");
    assert_eq!((run.status, scene.vendor.take_lines().len()), (0, lines.len()), "{run}");
    assert!(run.stderr.contains("of another spec or config; beginning anew"), "{run}");
    assert_same(&whole, &scene.path("sync.jsonl"), "of another spec");
}

#[test]
fn the_order_in_which_answers_come_changes_nothing() {
    let scene = Scene::with(|asked| {
        // Later requests are often answered first.
        let odd = asked.line.bytes().map(u64::from).sum::<u64>() * 7 + asked.number as u64 * 13;
        harbor::answer(asked).set_delay(Duration::from_millis(odd % 17))
    });
    let (whole, _) = scene.undisturbed();
    for concurrency in ["1", "3", "16"] {
        let run = scene.engine("jsonl", "sync.jsonl").with(["--concurrency", concurrency]).run();
        assert_eq!(run.status, 0, "{run}");
        assert_same(&whole, &scene.path("sync.jsonl"), &format!("{concurrency} at a time"));
    }
}

/// Compares a file with what it must be, and shows the first line that differs.
fn assert_same(whole: &str, file: &Path, when: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    if text == whole {
        return;
    }
    let differs = whole.lines().zip(text.lines()).find(|(one, other)| one != other);
    panic!(
        "{when}: {} lines instead of {}; the first that differs: {differs:#?}",
        text.lines().count(),
        whole.lines().count()
    );
}

/// The records of an undisturbed `.c1z`.
fn records(scene: &Scene, file: &str) -> Vec<String> {
    scene.calm();
    let run = scene.engine("c1z", file).run();
    assert_eq!(run.status, 0, "{run}");
    records_of(&scene.path(file))
}

/// The records of a `.c1z`, as text and without what differs from run to run.
fn records_of(file: &Path) -> Vec<String> {
    let reader = engine_c1z::Reader::open(file, &engine_c1z::ReadOptions::default()).unwrap();
    let mut records = Vec::new();
    stored::each_record(&reader, &mut |record| records.push(record));
    records
}
