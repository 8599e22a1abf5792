//! What commands that run a spec share: the plan of a file, the clients, and one sync into a store.

use std::path::Path;
use std::sync::{Arc, Mutex};

use engine_c1z::{Form, Policy, WorkingStore};
use engine_json::{Map, Value as Json};
use engine_run::environment::Environment;
use engine_run::http::{Clients, Proxies, Services, Settings};
use engine_run::provision::{Audit, Provisioner};
use engine_run::sync::{Progress, SyncError, SyncOptions, Synced};
use engine_spec::diagnostic::Diagnostics;
use engine_spec::plan::Plan;
use engine_spec::{check, render};

use crate::config::variable;
use crate::exit::{End, Failure};
use crate::fragment::FragmentFolder;
use crate::output;

/// Reads and checks a spec; tells its faults.
pub fn load(path: &Path) -> Result<Arc<Plan>, Failure> {
    let name = path.display().to_string();
    compile(&name, &text(path)?, &FragmentFolder::beside(path)).map(Arc::new)
}

/// The text of a spec.
pub fn text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))
}

/// Checks the text of a spec; tells its faults.
pub fn compile(name: &str, text: &str, fragments: &FragmentFolder) -> Result<Plan, Failure> {
    let mut diagnostics = Diagnostics::default();
    check::compile(name, text, fragments, &mut diagnostics).ok_or_else(|| {
        output::note_block(&render::human(&diagnostics, output::stderr_colour()));
        Failure::usage(format!("{name} is not a valid spec"))
            .hint("`engine validate` shows the same faults, also for programs")
    })
}

/// Proxies as the environment names them.
pub fn proxies() -> Proxies {
    let either = |upper: &str, lower: &str| variable(upper).or_else(|| variable(lower));
    Proxies {
        https: either("HTTPS_PROXY", "https_proxy"),
        http: either("HTTP_PROXY", "http_proxy"),
        except: either("NO_PROXY", "no_proxy"),
    }
}

/// One sync and how it is to run.
pub struct Session {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The values of config fields.
    pub config: Map,
    /// Times, sizes, proxies.
    pub settings: Settings,
    /// Clock, tokens, observer.
    pub services: Services,
    /// Sees how far it has come.
    pub progress: Arc<dyn Progress>,
    /// Holds `true` when it is to stop.
    pub stop: tokio::sync::watch::Receiver<bool>,
}

impl Session {
    /// What must be equal for a stopped run to be gone on with: the spec, and everything the user
    /// gave. Another token may be another tenant, so secrets count, as their digest.
    pub fn fingerprint(&self) -> String {
        engine_run::sync::digest(&format!("{} {}", self.plan.canonical, Json::Object(self.config.clone())))
    }

    /// Opens the working store beside a target.
    pub fn open(&self, target: &Path, resume: bool, form: Form) -> Result<WorkingStore, Failure> {
        let mut policy = Policy::new(self.fingerprint(), self.services.environment.now());
        policy.resume = resume;
        policy.form = form;
        WorkingStore::open(target, &policy).map_err(stored)
    }

    /// Makes the captures and checks, and is ready to carry out orders.
    pub async fn provisioner(self, audit: Arc<dyn Audit>) -> Result<Provisioner, Failure> {
        let Connected { clients, names, environment } = connect(&self.plan, self.config, self.settings, self.services)?;
        Provisioner::open(&self.plan, clients, names, environment, audit).await.map_err(|error| failure(&error))
    }

    /// Reads everything into a store and gives it back.
    pub async fn sync(self, store: WorkingStore) -> Result<(Synced, WorkingStore), Failure> {
        let concurrency = self.settings.concurrency;
        let Connected { clients, names, environment } = connect(&self.plan, self.config, self.settings, self.services)?;
        let options = SyncOptions {
            concurrency,
            environment,
            progress: self.progress,
            stop: self.stop,
            started_at: store.started_at(),
            resumed: matches!(store.start(), engine_c1z::Start::Resumed),
        };
        let shared = Arc::new(Mutex::new(store));
        let synced = engine_run::sync::sync(self.plan, clients, names, shared.clone(), options).await;
        let store = Arc::into_inner(shared).and_then(|mutex| mutex.into_inner().ok());
        store.map(|store| (synced, store)).ok_or_else(|| Failure::new("a task of the sync did not end"))
    }
}

/// Clients of a plan, and what goes with them.
pub struct Connected {
    /// The clients.
    pub clients: Clients,
    /// The names in scope everywhere: `config`.
    pub names: Map,
    /// The clients' clock.
    pub environment: Arc<dyn Environment>,
}

/// Sets the clients of a plan up, with the values of config fields.
pub fn connect(plan: &Plan, config: Map, settings: Settings, services: Services) -> Result<Connected, Failure> {
    let mut names = Map::new();
    names.insert("config".to_owned(), Json::Object(config));
    let environment: Arc<dyn Environment> = services.environment.clone();
    let clients =
        Clients::new(plan, names.clone(), settings, services).map_err(|error| failure(&SyncError::Request(error)))?;
    Ok(Connected { clients, names, environment })
}

/// What commands run on.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start: {error}")))
}

/// A failure of the store, for the user.
pub fn stored(error: engine_model::StoreError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// A failure of a sync, for the user.
pub fn failure(error: &SyncError) -> Failure {
    let mut failure = Failure::new(error.to_string());
    failure.hint = error.hint();
    failure.end = end(error);
    failure
}

/// The exit status of a failed sync: refused credentials have their own.
pub fn end(error: &SyncError) -> End {
    use engine_run::http::RequestErrorKind;
    match error {
        SyncError::Request(error)
            if error.kind == RequestErrorKind::Credentials || matches!(error.status, Some(401 | 403)) =>
        {
            End::Refused
        }
        _ => End::Failed,
    }
}

/// The time of day.
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
