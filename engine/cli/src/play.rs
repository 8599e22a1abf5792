//! One sync in a world whose time passes only by sleeping, as cases are played: in goes a plan with
//! its config, out comes what was seen, what was said of it and the graph.

use std::sync::Arc;

use engine_c1z::Form;
use engine_json::Map;
use engine_model::Report;
use engine_run::environment::SimulatedEnvironment;
use engine_run::http::{Services, Settings};
use engine_run::sync::{NoProgress, Synced};
use engine_run::trace::Observer;
use engine_spec::plan::Plan;

use crate::exit::Failure;
use crate::session::{self, Session};
use crate::summary;

/// What came of a sync.
pub struct Played {
    /// What was seen.
    pub report: Report,
    /// Why it stopped before its end, if it did.
    pub failure: Option<Failure>,
    /// What is said of it.
    pub said: String,
    /// The graph as JSON Lines; empty where it stopped.
    pub graph: String,
}

/// Reads everything at once, whatever the vendor wants waited for, in a world that begins at a moment.
pub async fn sync(
    plan: &Arc<Plan>,
    config: Map,
    settings: Settings,
    begins: jiff::Timestamp,
    observer: Option<Arc<dyn Observer>>,
) -> Result<Played, Failure> {
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let mut services = Services::with(Arc::new(SimulatedEnvironment::new(begins)));
    services.observer = observer;
    let session =
        Session { plan: plan.clone(), config, settings, services, progress: Arc::new(NoProgress), stop: stopped };
    read(plan, session).await
}

/// Reads everything into a folder that is gone afterwards.
pub async fn read(plan: &Plan, session: Session) -> Result<Played, Failure> {
    let folder =
        tempfile::tempdir().map_err(|error| Failure::new(format!("cannot make a temporary folder: {error}")))?;
    let store = session.open(&folder.path().join("case"), false, Form::JsonLines)?;
    let (synced, mut store): (Synced, _) = session.sync(store).await?;
    let mut said = summary::summary(plan, &synced.report, None);
    if let Some(error) = &synced.failure {
        said.push_str(&format!("{error}\n{}\n", error.hint().unwrap_or_default()));
    }
    let mut lines = Vec::new();
    if synced.failure.is_none() {
        store.write_lines(&mut lines, false).map_err(session::stored)?;
    }
    Ok(Played {
        report: synced.report,
        failure: synced.failure.as_ref().map(session::failure),
        said,
        graph: String::from_utf8_lossy(&lines).into_owned(),
    })
}
