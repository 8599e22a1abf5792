//! Plays a case that reads everything: one sync against the recorded answers, in a simulated world.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine_case::player::{Heard, Places};
use engine_case::{Case, ExpectedVerdict, Player};
use engine_model::Verdict;
use engine_run::http::Settings;
use engine_run::trace::{Exchange, Observer};
use engine_spec::plan::{Plan, Site};

use crate::config::{self, Given};
use crate::simulation::played;

/// What came of a case.
pub struct Ran {
    /// How it ended.
    pub verdict: ExpectedVerdict,
    /// Everything that was said.
    pub said: String,
    /// The graph as JSON Lines; empty where it failed.
    pub graph: String,
    /// The places in the spec that each exchange was asked for at.
    pub asked: Vec<BTreeSet<Site>>,
    /// How many requests there were.
    pub requests: u64,
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

/// Runs a sync against a case whose world begins at a moment.
pub async fn sync(plan: &Arc<Plan>, case: &Case, player: &Player, begins: jiff::Timestamp) -> Ran {
    let failed = |said: String| Ran {
        verdict: ExpectedVerdict::Failed,
        said,
        graph: String::new(),
        asked: Vec::new(),
        requests: player.requests(),
    };
    let config = match config::values(plan, &Given::default(), &played(plan, case, player)) {
        Ok(config) => config,
        Err(failure) => return failed(failure.message),
    };
    let noting = Arc::new(Noting::default());
    // A case may name a place where nothing listens, to see what is said of that.
    let settings = Settings { trusts_system: false, ..Settings::default() };
    let played = match crate::play::sync(plan, config, settings, begins, Some(noting.clone())).await {
        Ok(played) => played,
        Err(failure) => return failed(failure.message),
    };
    let verdict = match played.report.verdict {
        Verdict::Complete => ExpectedVerdict::Complete,
        Verdict::Incomplete => ExpectedVerdict::Incomplete,
        Verdict::Failed => ExpectedVerdict::Failed,
    };
    let asked = noting.0.of(case, player);
    Ran { verdict, said: played.said, graph: played.graph, asked, requests: player.requests() }
}

/// A verdict in one word.
pub fn word(verdict: ExpectedVerdict) -> &'static str {
    match verdict {
        ExpectedVerdict::Complete => "complete",
        ExpectedVerdict::Incomplete => "incomplete",
        ExpectedVerdict::Failed => "failed",
    }
}
