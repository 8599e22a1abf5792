//! Syncs inside this process: waiting takes no time, and the records come back as text.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine_c1z::{Policy, WorkingStore};
use engine_model::{Committed, Dangling, Mark, MissingParents, Page, ResourceType, ScopeRow, Store, StoreError, Tally};
use engine_run::environment::{Environment, SimulatedEnvironment};
use engine_run::http::{Clients, Services, Settings};
use engine_run::sync::{NoProgress, SyncOptions, Synced};
use engine_spec::check;
use engine_spec::diagnostic::Diagnostics;
use engine_spec::plan::Plan;
use engine_spec::render;
use engine_spec::resolve::Fragments;
use serde_json::{Map, Value as Json};

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
    config: Map<String, Json>,
    storing_takes: Duration,
}

/// A store on a disk that is slow.
struct Slow {
    store: WorkingStore,
    takes: Duration,
}

impl Store for Slow {
    fn declare(&mut self, types: &[ResourceType]) -> Result<(), StoreError> {
        self.store.declare(types)
    }

    fn commit_all(&mut self, pages: Vec<Page>) -> Result<Vec<Committed>, StoreError> {
        std::thread::sleep(self.takes);
        self.store.commit_all(pages)
    }

    fn marks(&self) -> Result<Vec<Mark>, StoreError> {
        self.store.marks()
    }

    fn tallies(&self) -> Result<Vec<Tally>, StoreError> {
        self.store.tallies()
    }

    fn scope_rows(&self, resource_type: &str, after: i64, limit: usize) -> Result<Vec<ScopeRow>, StoreError> {
        self.store.scope_rows(resource_type, after, limit)
    }

    fn look_up(&self, table: &str, key: &str) -> Result<Vec<String>, StoreError> {
        self.store.look_up(table, key)
    }

    fn settle(&mut self) -> Result<Vec<Dangling>, StoreError> {
        self.store.settle()
    }

    fn missing_parents(&self) -> Result<Vec<MissingParents>, StoreError> {
        self.store.missing_parents()
    }

    fn totals(&self) -> Result<Vec<(String, u64, u64, u64)>, StoreError> {
        self.store.totals()
    }
}

impl Inside {
    /// A plan whose only config field is `base_url`.
    pub fn new(plan: &Arc<Plan>, base_url: &str) -> Self {
        let config = Map::from_iter([("base_url".to_owned(), Json::from(base_url))]);
        Self { plan: plan.clone(), config, storing_takes: Duration::ZERO }
    }

    /// The same on a disk that takes so long for each transaction.
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
        let store = WorkingStore::open(&folder.join("inside"), &policy).unwrap();
        let mut names = Map::new();
        names.insert("config".to_owned(), Json::Object(self.config.clone()));
        let settings = Settings { concurrency, ..Settings::default() };
        let clients = Clients::new(&self.plan, names.clone(), settings, Services::with(environment.clone())).unwrap();
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        let options = SyncOptions {
            concurrency,
            environment,
            progress: Arc::new(NoProgress),
            stop: stopped,
            started_at: store.started_at(),
            resumed: false,
        };
        let shared = Arc::new(Mutex::new(Slow { store, takes: self.storing_takes }));
        let synced = engine_run::sync::sync(self.plan.clone(), clients, names, shared.clone(), options).await;
        let mut lines = Vec::new();
        if synced.failure.is_none() {
            shared.lock().unwrap().store.write_lines(&mut lines, false).unwrap();
        }
        (synced, String::from_utf8(lines).unwrap())
    }
}
