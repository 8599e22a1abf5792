//! A sync: every list of a plan read to its end, into a store, with a report of what was seen.
//!
//! `task` turns the plan into tasks (a source, and what it is repeated for); `schedule` keeps
//! their jobs running, as many as there is room for, and knows when a list is complete; `job`
//! reads one list page by page; `writer` stores the pages; `opening` makes the requests that come
//! first; `report` says what it all amounts to; `part` reads a part of a plan into `memory`, for
//! single questions. Each page's records, its counts and the mark where the list stands go to the
//! store in one transaction, so a run that dies goes on where it stopped.

mod job;
mod memory;
mod opening;
pub(crate) mod part;
mod report;
mod run;
mod schedule;
pub(crate) mod task;
mod writer;

use std::sync::{Arc, Mutex};

use engine_json::Map;
use engine_model::{Report, ResourceType, Store, StoreError};
use engine_spec::plan::{ParentRule, Plan};
use jiff::Timestamp;

use crate::environment::Environment;
use crate::http::{Answer, Clients, RequestError};

pub(crate) use job::AskedRow;
pub use report::digest;
use run::Run;

/// A store that the tasks of a sync share.
pub type SharedStore = Arc<Mutex<dyn Store>>;

/// What a sync needs beside the plan.
pub struct SyncOptions {
    /// Most jobs that read at a time.
    pub concurrency: usize,
    /// Clock and sleep.
    pub environment: Arc<dyn Environment>,
    /// Sees how far the sync has come.
    pub progress: Arc<dyn Progress>,
    /// Ends the sync where it stands once it holds `true`; what was read stays in the store.
    pub stop: tokio::sync::watch::Receiver<bool>,
    /// When the sync began, which for a resumed one is before this run.
    pub started_at: Timestamp,
    /// Whether the store holds an earlier run that this one goes on with.
    pub resumed: bool,
}

/// Sees how far a sync has come.
pub trait Progress: Send + Sync {
    /// A page was stored: the list it belongs to, and the records made of it.
    fn page(&self, list: &str, records: u64);
}

/// Nobody watches.
pub struct NoProgress;

impl Progress for NoProgress {
    fn page(&self, _: &str, _: u64) {}
}

/// How a sync ended.
#[derive(Debug)]
pub struct Synced {
    /// What was seen.
    pub report: Report,
    /// Why the sync stopped before its end, if it did.
    pub failure: Option<SyncError>,
    /// Whether another run on the same store asks for something again.
    pub can_go_on: bool,
}

/// Why a sync stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// A request failed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A list did not go on or end as the spec says, or the spec stops the sync.
    #[error("{doing}: {reason}{} ({spec})", asked(.request))]
    List {
        /// What was being done.
        doing: String,
        /// What happened.
        reason: String,
        /// Place in the spec.
        spec: String,
        /// What to try.
        hint: Option<String>,
        /// The request whose answer it is about, without secrets.
        request: Option<String>,
        /// Whether it is about one list, and others can be read all the same.
        about_one: bool,
    },
    /// The user stopped it.
    #[error("stopped before the end")]
    Stopped,
}

fn asked(request: &Option<String>) -> String {
    request.as_ref().map(|request| format!("; the request was {request}")).unwrap_or_default()
}

impl SyncError {
    /// A fault of the engine itself.
    fn internal(doing: &str, reason: &str) -> Self {
        Self::List {
            doing: doing.to_owned(),
            reason: reason.to_owned(),
            spec: String::new(),
            hint: Some("this is a fault of the engine; please report it with the spec".to_owned()),
            request: None,
            about_one: false,
        }
    }

    /// The same error with the request whose answer it is about.
    fn about(mut self, answer: &Answer) -> Self {
        if let Self::List { request, .. } = &mut self {
            request.get_or_insert_with(|| answer.request().to_owned());
        }
        self
    }

    /// What to try.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Request(error) => error.hint.clone(),
            Self::Store(error) => error.hint.clone(),
            Self::List { hint, .. } => hint.clone(),
            Self::Stopped => Some("run the same command again to go on from here".to_owned()),
        }
    }
}

/// Reads everything the plan names. `names` holds `config`.
pub async fn sync(plan: Arc<Plan>, clients: Clients, names: Map, store: SharedStore, options: SyncOptions) -> Synced {
    let mut run = Run::new(plan, clients, names, store, &options);
    let mut stop = options.stop.clone();
    let opened = tokio::select! {
        opened = opening::open(&mut run) => opened,
        // Where nobody holds the other end any more, nobody says stop.
        Ok(_) = stop.wait_for(|stopped| *stopped) => Err(SyncError::Stopped),
    };
    let opened = match opened {
        Ok(()) => task::active_types(&run).map(|active| run.active = active),
        Err(error) => Err(error),
    };
    let run = Arc::new(run);
    let failure = match opened {
        Ok(()) => read(&run, &options).await.err(),
        Err(error) => Some(error),
    };
    // Requests that were given up let go of the run, and so of the store, once the runtime gets to
    // them; whoever gave the store wants it back whole.
    while Arc::strong_count(&run) > 1 {
        tokio::task::yield_now().await;
    }
    let unread = run.all_passing().iter().any(|passing| matches!(passing, run::Passing::Unread(_)));
    let can_go_on = unread || failure.is_some();
    let report = report::report(&run, &options, failure.as_ref());
    match report {
        Ok(report) => Synced { report, failure, can_go_on },
        Err(error) => {
            let report = report::empty(&run, &options, &error);
            Synced { report, failure: Some(failure.unwrap_or(error)), can_go_on }
        }
    }
}

async fn read(run: &Arc<Run>, options: &SyncOptions) -> Result<(), SyncError> {
    run.store(|store| store.declare(&resource_types(&run.plan, &run.active)))?;
    let tasks = task::tasks(&run.plan, &run.active);
    schedule::run_all(run.clone(), tasks, options).await?;
    run.flush()?;
    run.settle()
}

/// The types of the plan that are synced, as the file knows them.
fn resource_types(plan: &Plan, active: &[bool]) -> Vec<ResourceType> {
    plan.types
        .iter()
        .enumerate()
        .filter(|(number, _)| active.get(*number).copied().unwrap_or(false))
        .map(|(number, kind)| ResourceType {
            id: kind.id.clone(),
            display_name: kind.name.clone(),
            description: kind.summary.clone(),
            r#trait: kind.mapping.trait_rule.kind(),
            has_entitlements: !kind.entitlements.is_empty(),
            children: plan
                .types
                .iter()
                .filter(|child| matches!(child.parent, Some(ParentRule::Repeated(of) | ParentRule::Told(of, _)) if of == number))
                .map(|child| child.id.clone())
                .collect(),
        })
        .collect()
}
