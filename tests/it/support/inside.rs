//! Syncs inside this process: waiting takes no time, and the records come back as text.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine_c1z::{Form, Policy, WorkingStore};
use engine_json::{Map, Value as Json};
use engine_run::environment::{Environment, SimulatedEnvironment};
use engine_run::http::{Clients, Services, Settings};
use engine_run::sync::{Progress, SyncOptions, Synced};
use engine_spec::check;
use engine_spec::diagnostic::Diagnostics;
use engine_spec::plan::Plan;
use engine_spec::render;
use engine_spec::resolve::Fragments;

use super::root;

/// The fragments of the workspace.
struct Workspace;

impl Fragments for Workspace {
    fn find(&self, name: &str) -> Option<(String, String)> {
        let text = std::fs::read_to_string(root().join("specs/fragments").join(format!("{name}.yaml"))).ok()?;
        Some((format!("fragments/{name}.yaml"), text))
    }

    fn names(&self) -> Vec<String> {
        vec!["scim2".to_owned()]
    }
}

/// Compiles a text under a name; what comes with the plan is what is wrong.
pub fn compiled(name: &str, text: &str) -> (Option<Plan>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let plan = check::compile(name, text, &Workspace, &mut diagnostics);
    (plan, diagnostics)
}

/// Compiles a text that is right.
pub fn compile(text: &str) -> Arc<Plan> {
    let (plan, diagnostics) = compiled("spec.yaml", text);
    Arc::new(plan.unwrap_or_else(|| panic!("{}", render::human(&diagnostics, false))))
}

/// A plan with what a user gives for it.
pub struct Inside {
    plan: Arc<Plan>,
    config: Map,
    storing_takes: Duration,
}

/// Holds up whoever stores a page, after it.
struct Slow(Duration);

impl Progress for Slow {
    fn page(&self, _: &str, _: u64) {
        std::thread::sleep(self.0);
    }
}

impl Inside {
    /// A plan whose only config field is `base_url`.
    pub fn new(plan: &Arc<Plan>, base_url: &str) -> Self {
        let config = Map::from_iter([("base_url".to_owned(), Json::from(base_url))]);
        Self { plan: plan.clone(), config, storing_takes: Duration::ZERO }
    }

    /// The same, with so long a wait after each page that is stored.
    pub fn slowly_stored(mut self, takes: Duration) -> Self {
        self.storing_takes = takes;
        self
    }

    /// The same with one more config field.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.config.insert(name.to_owned(), Json::from(value));
        self
    }

    /// Runs a sync with so many requests at a time. Gives its report and its records as JSON Lines.
    pub fn sync(&self, folder: &Path, concurrency: usize) -> (Synced, String) {
        let begin = "2026-01-01T00:00:00Z".parse().unwrap();
        self.sync_in(folder, concurrency, Arc::new(SimulatedEnvironment::new(begin)))
    }

    /// The same in a world of its own.
    pub fn sync_in(&self, folder: &Path, concurrency: usize, world: Arc<dyn Environment>) -> (Synced, String) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(self.read(folder, concurrency, world))
    }

    async fn read(&self, folder: &Path, concurrency: usize, environment: Arc<dyn Environment>) -> (Synced, String) {
        let mut policy = Policy::new("test", environment.now());
        policy.resume = false;
        policy.form = Form::JsonLines;
        let store = WorkingStore::open(&folder.join("inside"), &policy).unwrap();
        let mut names = Map::new();
        names.insert("config".to_owned(), Json::Object(self.config.clone()));
        let settings = Settings { concurrency, ..Settings::default() };
        let clients = Clients::new(&self.plan, names.clone(), settings, Services::with(environment.clone())).unwrap();
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        let options = SyncOptions {
            concurrency,
            environment,
            progress: Arc::new(Slow(self.storing_takes)),
            stop: stopped,
            started_at: store.started_at(),
            resumed: false,
        };
        let shared = Arc::new(Mutex::new(store));
        let synced = engine_run::sync::sync(self.plan.clone(), clients, names, shared.clone(), options).await;
        let mut lines = Vec::new();
        if synced.failure.is_none() {
            shared.lock().unwrap().write_lines(&mut lines, false).unwrap();
        }
        (synced, String::from_utf8(lines).unwrap())
    }
}
