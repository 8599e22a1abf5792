//! Every recorded case of every spec, read from a vendor that disturbs a fifth of its answers: with 429
//! in each form, 5xx, connections that end or stand still, slow bodies, JSON that breaks off, HTML, wrong
//! content types, empty answers; with rows that come twice, pages that are cut elsewhere, rows that drift
//! from page to page and cursors that lead back. Whatever happens, the graph is the undisturbed one, or
//! the sync is failed or incomplete and says why. Runs that go on from there, disturbed and at last in
//! peace, come to the undisturbed graph. The clocks of some seeds jump, too.
//!
//! A row that is never served cannot be missed by anybody, unless the vendor says how many there are. So
//! rows are moved in ways that serve each of them; only where a total is announced one is lost.
//!
//! The seed is in each failure. `ENGINE_CHAOS=slack/main:17 cargo test -p engine-tests --test it --
//! --ignored chaos::specs` runs that one again, `ENGINE_CHAOS_SEEDS=300` so many of each case.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine_case::{Case, folder};
use engine_model::Verdict;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::scene::{Outcome, Scene};
use super::vendor::Mischief;
use crate::support::{compiled, root};

/// How many seeds the long run takes of each case, where nothing else is said.
const MANY: u64 = 300;
/// A run that takes longer than this, with all waiting simulated, never ends.
const LONGEST: Duration = Duration::from_secs(120);

/// What came of many runs.
#[derive(Default)]
struct Count {
    same: u64,
    incomplete: u64,
    failed: u64,
    gone_on: u64,
    faults: Vec<String>,
    done: BTreeMap<String, u64>,
}

/// Every spec that has recorded cases, with their folder.
fn specs() -> Vec<(PathBuf, PathBuf)> {
    let mut found = Vec::new();
    for (specs, cases) in [("specs", "tests/vendors"), ("tests/hard", "tests/hard")] {
        for entry in std::fs::read_dir(root().join(specs)).unwrap() {
            let spec = entry.unwrap().path();
            let cases = root().join(cases).join(spec.file_stem().unwrap());
            if spec.extension().is_some_and(|extension| extension == "yaml") && cases.is_dir() {
                found.push((spec, cases));
            }
        }
    }
    found.sort();
    assert!(found.len() > 15, "{} specs", found.len());
    found
}

/// Every recorded case that reads everything.
async fn scenes(only: Option<&str>) -> Vec<Arc<Scene>> {
    let mut scenes = Vec::new();
    for (spec, cases) in specs() {
        if only.is_some_and(|only| only.split('/').next() != Some(&stem(&spec))) {
            continue;
        }
        let file = format!("{}.yaml", stem(&spec));
        let plan = {
            let (plan, diagnostics) = compiled(&file, &std::fs::read_to_string(&spec).unwrap());
            Arc::new(plan.unwrap_or_else(|| panic!("{}", engine_spec::render::human(&diagnostics, false))))
        };
        for path in folder::cases(&cases).unwrap() {
            let name = format!("{}/{}", stem(&spec), stem(&path));
            let case = Case::read(&path).unwrap();
            if !case.deeds.is_empty() || only.is_some_and(|only| only != name) {
                continue;
            }
            let scene = Scene::new(name, &plan, &file, case).await;
            // Where nothing is asked, nothing can be disturbed.
            if scene.requests > 0 {
                scenes.push(Arc::new(scene));
            }
        }
    }
    scenes
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// Runs scenes with seeds, which may differ by the number of the scene, several at once.
async fn run<S: Iterator<Item = u64>>(scenes: &[Arc<Scene>], seeds: impl Fn(u64) -> S) -> Count {
    let room = Arc::new(Semaphore::new(8));
    let mut running = JoinSet::new();
    let mut count = Count::default();
    for (number, scene) in scenes.iter().enumerate() {
        for seed in seeds(number as u64) {
            let place = room.clone().acquire_owned().await.unwrap();
            let scene = scene.clone();
            running.spawn(async move {
                let _place = place;
                let name = scene.name.clone();
                // A task of its own: what panics in it is told with its seed.
                let task = tokio::spawn(async move { scene.play(seed).await });
                match tokio::time::timeout(LONGEST, task).await {
                    Ok(Ok(played)) => played,
                    Ok(Err(error)) => Err(format!("{name}:{seed}: it broke off: {error}")),
                    Err(_) => Err(format!("{name}:{seed}: it did not end within {} seconds", LONGEST.as_secs())),
                }
            });
            while let Some(done) = running.try_join_next() {
                count.add(done.unwrap());
            }
        }
    }
    while let Some(done) = running.join_next().await {
        count.add(done.unwrap());
    }
    count.faults.sort();
    count
}

impl Count {
    fn add(&mut self, played: Result<Outcome, String>) {
        let outcome = match played {
            Ok(outcome) => outcome,
            Err(fault) => return self.faults.push(fault),
        };
        match outcome.verdict {
            Verdict::Complete => self.same += 1,
            Verdict::Incomplete => self.incomplete += 1,
            Verdict::Failed => self.failed += 1,
        }
        self.gone_on += u64::from(outcome.has_gone_on);
        for what in outcome.done {
            // Where it was done is not counted.
            let what = what.rsplit_once(" on ").map_or(what.as_str(), |(what, _)| what).to_owned();
            *self.done.entry(what).or_default() += 1;
        }
    }

    fn words(&self) -> String {
        format!(
            "{} runs: {} the same, {} incomplete, {} failed, {} of these gone on with; {} faults\n{:#?}",
            self.same + self.incomplete + self.failed + self.faults.len() as u64,
            self.same,
            self.incomplete,
            self.failed,
            self.gone_on,
            self.faults.len(),
            self.done,
        )
    }

    fn assert_is_good(&self) {
        let first: Vec<&str> = self.faults.iter().take(5).map(String::as_str).collect();
        assert!(self.faults.is_empty(), "{}\n\n{}", first.join("\n\n"), self.words());
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap()
}

#[test]
fn no_disturbed_answer_makes_a_wrong_graph_that_is_called_complete() {
    runtime().block_on(async {
        let mut scenes = scenes(None).await;
        scenes.retain(|scene| scene.peace.verdict != Verdict::Failed);
        // Other seeds for each case, so that all have their turn.
        let count = run(&scenes, |number| 2 * number..2 * number + 2).await;
        count.assert_is_good();
        let kinds = [count.same, count.incomplete, count.failed, count.gone_on];
        assert!(kinds.iter().all(|kind| *kind > 0), "{}", count.words());
        let happened = Mischief::names().filter(|name| count.done.contains_key(*name)).count();
        assert!(happened > 10, "{}", count.words());
    });
}

#[test]
#[ignore = "takes minutes"]
fn no_disturbed_answer_of_hundreds_of_seeds_makes_a_wrong_graph_that_is_called_complete() {
    let one = std::env::var("ENGINE_CHAOS").ok();
    let one = one.as_deref().map(|one| one.rsplit_once(':').expect("ENGINE_CHAOS is `spec/case:seed`"));
    let many = std::env::var("ENGINE_CHAOS_SEEDS").map_or(MANY, |many| many.parse().unwrap());
    runtime().block_on(async {
        let scenes = scenes(one.map(|(scene, _)| scene)).await;
        assert!(!scenes.is_empty(), "no recorded case has this name");
        let seeds = one.map_or(1..=many, |(_, seed)| {
            let seed = seed.parse().unwrap();
            seed..=seed
        });
        let count = run(&scenes, |_| seeds.clone()).await;
        eprintln!("{}", count.words());
        count.assert_is_good();
        let missing = Mischief::names().find(|name| !count.done.contains_key(*name));
        assert!(one.is_some() || missing.is_none(), "this never happened: {missing:?}");
    });
}

/// A spec with a hole for what an answer other than success means.
const SPEC: &str = r#"
format: 1
id: acme
name: Acme
config:
  base_url: { title: Base URL, type: url, default: "https://api.acme.example" }
http:
  base_url: "{{ config.base_url }}"
resources:
  user:
    list: { get: /users, items: $.items, pages: none, statuses: [STATUSES] }
    id: $.id
    display_name: $.name
"#;

const CASE: &str = r#"
case: A list of users
exchanges:
  - get: /users
    answer: { json: { items: [{ id: u1, name: Ada }, { id: u2, name: Ben }] } }
expect: { verdict: complete }
"#;

#[test]
fn a_spec_that_takes_a_fault_for_an_empty_list_is_found_out() {
    let faults = |statuses: &str, seeds: u64| {
        let (plan, _) = compiled("acme.yaml", &SPEC.replace("STATUSES", statuses));
        let plan = Arc::new(plan.unwrap());
        runtime().block_on(async {
            let case = Case::parse(CASE).unwrap();
            let scene = Scene::new("acme/main".to_owned(), &plan, "acme.yaml", case).await;
            run(&[Arc::new(scene)], |_| 1..=seeds).await.faults
        })
    };
    assert_eq!(faults("", 20), Vec::<String>::new());
    let found = faults("{ status: 500, when: body.message is present, is: no_rows }", 80);
    assert!(found.iter().any(|fault| fault.contains("a wrong graph is called complete")), "{found:?}");
    assert!(found.iter().all(|fault| fault.starts_with("acme/main:")), "{found:?}");
}

#[test]
fn a_seed_disturbs_the_same_answers_every_time() {
    // Of runs that stop, nobody knows how far the other requests have come; these come to their end.
    let runs =
        || runtime().block_on(async { run(&scenes(Some("slack/main")).await, |_| [3, 15, 18].into_iter()).await });
    let (one, other) = (runs(), runs());
    assert_eq!((one.same, one.done.is_empty(), one.done), (3, false, other.done));
}
