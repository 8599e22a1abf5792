//! Plays a case inside this process, in a world whose time passes only by sleeping: in goes a player,
//! out come verdict, words and graph. The same folder may be played into again, to go on.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine_c1z::{Form, Policy, Start, WorkingStore};
use engine_case::player::{Heard, Places};
use engine_case::{Case, Player};
use engine_json::{Map, Value as Json};
use engine_model::{Report, Verdict};
use engine_run::environment::Environment;
use engine_run::http::{Clients, Services, Settings};
use engine_run::sync::{NoProgress, SyncOptions};
use engine_run::trace::{Exchange, Observer};
use engine_spec::plan::{Plan, Site};

/// What came of a case.
pub struct Ran {
    /// How it ended.
    pub verdict: Verdict,
    /// What was seen; nothing where it did not come so far.
    pub report: Option<Report>,
    /// Why it stopped.
    pub failure: Option<String>,
    /// The graph as JSON Lines; empty where it failed.
    pub graph: String,
    /// Whether another run asks again for what could not be read.
    pub can_go_on: bool,
    /// The places in the spec that each exchange was asked for at.
    pub asked: Vec<BTreeSet<Site>>,
}

/// How a case is played.
pub struct Playing<'a> {
    /// The plan.
    pub plan: &'a Arc<Plan>,
    /// The case.
    pub case: &'a Case,
    /// Who answers.
    pub player: &'a Player,
    /// The clock.
    pub world: Arc<dyn Environment>,
    /// So many requests at a time.
    pub concurrency: usize,
    /// The longest silence of the vendor, in real time.
    pub silence: Duration,
}

/// Notes which place in the spec each request comes from.
#[derive(Default)]
struct Noting(Places);

impl Observer for Noting {
    fn exchanged(&self, exchange: &Exchange<'_>) {
        let request = exchange.request;
        let body = request.body().map(|body| body.to_vec()).unwrap_or_default();
        self.0.note(Heard::new(request.method(), request.url(), &body), request.site().clone());
    }
}

impl Playing<'_> {
    /// Reads everything into a folder, or goes on with what is there.
    pub async fn sync(&self, folder: &Path) -> Ran {
        let config = match self.config() {
            Ok(config) => config,
            Err(reason) => return Ran::failed(reason),
        };
        let names = Map::from_iter([("config".to_owned(), Json::Object(config))]);
        let noting = Arc::new(Noting::default());
        let mut services = Services::with(self.world.clone());
        services.observer = Some(noting.clone());
        let settings = Settings {
            concurrency: self.concurrency,
            silence_timeout: self.silence,
            trusts_system: false,
            ..Settings::default()
        };
        let clients = match Clients::new(self.plan, names.clone(), settings, services) {
            Ok(clients) => clients,
            Err(error) => return Ran::failed(error.to_string()),
        };
        let mut policy = Policy::new("test", self.world.now());
        policy.form = Form::JsonLines;
        policy.max_age = jiff::SignedDuration::from_hours(24 * 365);
        let store = WorkingStore::open(&folder.join("chaos"), &policy).unwrap();
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        let options = SyncOptions {
            concurrency: self.concurrency,
            environment: self.world.clone(),
            progress: Arc::new(NoProgress),
            stop: stopped,
            started_at: store.started_at(),
            resumed: matches!(store.start(), Start::Resumed),
        };
        let shared = Arc::new(Mutex::new(store));
        let synced = engine_run::sync::sync(self.plan.clone(), clients, names, shared.clone(), options).await;
        let mut lines = Vec::new();
        if synced.failure.is_none() {
            shared.lock().unwrap().write_lines(&mut lines, false).unwrap();
        }
        Ran {
            verdict: synced.report.verdict,
            failure: synced.failure.as_ref().map(ToString::to_string),
            graph: String::from_utf8(lines).unwrap(),
            can_go_on: synced.can_go_on,
            asked: noting.0.of(self.case, self.player),
            report: Some(synced.report),
        }
    }

    /// What the case gives for the fields of the plan.
    fn config(&self) -> Result<Map, String> {
        let mut config = Map::new();
        for field in &self.plan.config {
            let value = match self.player.config(self.case, field) {
                Some(text) => {
                    Some(field.accept(&text).map_err(|fault| format!("{}: {}", field.name, fault.reason))?.value)
                }
                None => field.default.clone(),
            };
            config.extend(value.map(|value| (field.name.clone(), value)));
        }
        Ok(config)
    }
}

impl Ran {
    fn failed(reason: String) -> Self {
        Self {
            verdict: Verdict::Failed,
            report: None,
            failure: Some(reason),
            graph: String::new(),
            can_go_on: false,
            asked: Vec::new(),
        }
    }

    /// Everything that was said.
    pub fn said(&self) -> String {
        let problems = self.report.iter().flat_map(|report| &report.problems);
        let problems = problems.map(|problem| {
            let request = problem.request.as_deref().unwrap_or_default();
            let spec = problem.spec.as_deref().unwrap_or_default();
            format!("{}: {} {request} {spec} {:?}\n", problem.list, problem.what, problem.samples)
        });
        problems.chain(self.failure.clone()).collect()
    }
}
