//! `engine record`: a real run becomes a recorded case without anything real in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use engine_case::{Case, Player, folder};
use engine_json::Map;
use engine_model::Verdict;
use engine_record::{Outcome, RecordError, Recorded, Recorder};
use engine_run::http::Settings;
use engine_run::sync::{NoProgress, Progress};
use engine_spec::plan::Plan;

use crate::config::{self, Given};
use crate::exit::{End, Failure};
use crate::output;
use crate::play;
use crate::progress::Bars;
use crate::session::{self, Session};
use crate::simulation::{Vendor, played, settings, stays_home, unplayed};

/// Make a recorded case of a real run, with made-up data
///
/// Reads everything as `sync` does, takes secrets out, puts made-up people, addresses and ids in the
/// place of real ones, and cuts lists to a few rows and pages. The case is played before it is
/// written: who has access to what must come out as it was. Changes are not recorded.
#[derive(Args)]
#[command(
    after_help = "Writes DIR/NAME.yaml, the exchanges, and DIR/NAME.jsonl, the expected graph. `engine test SPEC --cases DIR` passes on them. Dates, booleans, numbers of up to three digits and the words that the spec names stay as they are: read a case before you share it.

Exit status: 0 if a case was written, 1 otherwise, 2 for wrong usage or an invalid spec, 4 if the credentials were refused.

Examples:
  engine record --spec specs/acme.yaml --out tests/vendors/acme
  engine record --spec specs/acme.yaml --out cases --name two-owners --simulate=other/case.yaml"
)]
pub struct Arguments {
    /// The connector's spec
    #[arg(long, value_name = "SPEC")]
    spec: PathBuf,
    /// The folder to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The case's name
    #[arg(long, value_name = "NAME", default_value = folder::MAIN, value_parser = name)]
    name: String,
    /// Write over a case of this name
    #[arg(long)]
    force: bool,
    /// Record what a recorded case answers, in the place of a vendor. Without a file, the spec's
    /// case `main`
    #[arg(long, value_name = "CASE", num_args = 0..=1, require_equals = true)]
    simulate: Option<Option<PathBuf>>,
    /// Most requests at a time to one host
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    #[command(flatten)]
    given: Given,
}

/// A name that is a file's and nothing else.
fn name(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if is_name && !text.starts_with('.') {
        Ok(text.to_owned())
    } else {
        Err("a name has letters, digits, `-`, `_` and `.`".to_owned())
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    let case = arguments.out.join(format!("{}.yaml", arguments.name));
    let graph = folder::expected_graph(&case);
    if let Some(path) = [&case, &graph].into_iter().find(|path| path.exists() && !arguments.force) {
        return Err(Failure::usage(format!("{} is there already", path.display()))
            .hint("name another case with `--name`, or write over this one with `--force`"));
    }
    let plan = session::load(&arguments.spec)?;
    let runtime = session::runtime()?;
    let recorder = Arc::new(Recorder::default());
    let (config, run) = runtime.block_on(read(arguments, &plan, recorder.clone()))?;
    if let Some(failure) = run.failure {
        output::told(&run.said);
        let hint = failure.hint.unwrap_or_else(|| "a run that is complete or incomplete can be recorded".to_owned());
        return Err(Failure {
            message: format!("nothing is recorded, as the run failed: {}", failure.message),
            hint: Some(hint),
            ..failure
        });
    }
    let outcome = Outcome { report: run.report, graph: run.graph };
    let play = |case: &Case| runtime.block_on(play_case(&plan, case));
    let recorded = engine_record::record(&plan, &config, &outcome, &recorder, &play).map_err(refused)?;
    runtime.shutdown_background();
    write(&arguments.out, &case, &graph, &recorded)?;
    output::told(&said(&recorded, &case, &graph));
    Ok(End::Complete)
}

/// Reads everything, while a recorder listens.
async fn read(
    arguments: &Arguments,
    plan: &Arc<Plan>,
    recorder: Arc<Recorder>,
) -> Result<(Map, play::Played), Failure> {
    let Vendor { simulation, config, mut services, settings } =
        Vendor::of(plan, &arguments.spec, arguments.simulate.as_ref(), &arguments.given).await?;
    if simulation.is_some() {
        let run = play::sync(plan, config.clone(), settings, session::now(), Some(recorder)).await?;
        return Ok((config, run));
    }
    let bars = Bars::new();
    let progress: Arc<dyn Progress> = match &bars {
        Some(bars) => bars.clone(),
        None => Arc::new(NoProgress),
    };
    services.observer = Some(recorder);
    let settings = Settings { concurrency: usize::from(arguments.concurrency), ..settings };
    let (_stop, stop) = tokio::sync::watch::channel(false);
    let session = Session { plan: plan.clone(), config: config.clone(), settings, services, progress, stop };
    let run = play::read(plan, session).await;
    if let Some(bars) = bars {
        bars.finish();
    }
    Ok((config, run?))
}

/// Plays a case that is being made.
async fn play_case(plan: &Arc<Plan>, case: &Case) -> Result<engine_record::Played, String> {
    let said = |failure: Failure| failure.message;
    let player = Player::start(case, false).await.map_err(unplayed).map_err(said)?;
    let config = config::values(plan, &Given::default(), &played(plan, case, &player)).map_err(said)?;
    stays_home(plan, &config, &player).map_err(said)?;
    let recorder = Arc::new(Recorder::default());
    let run =
        play::sync(plan, config, settings(&player), session::now(), Some(recorder.clone())).await.map_err(said)?;
    let mut faults: Vec<String> = player.faults().iter().map(ToString::to_string).collect();
    if faults.is_empty() {
        faults.extend(run.failure.map(|failure| failure.message));
    }
    let outcome = Outcome { report: run.report, graph: run.graph };
    Ok(engine_record::Played { outcome, asked: player.asked(), faults, recorder })
}

/// Why nothing was recorded, and what to try.
fn refused(error: RecordError) -> Failure {
    let hint = match &error {
        RecordError::Config(_) => Some("its `pattern` may name values; write the case by hand, or widen the pattern"),
        RecordError::Differs(_) => Some(
            "the spec reads something out of a value that a made-up one does not have; look at its `matching`, `regex_find` and `sha256`",
        ),
        RecordError::Left { .. } => {
            Some("the spec or the vendor uses the same word for something else; write the case by hand")
        }
        RecordError::Failed | RecordError::Nothing => None,
    };
    let failure = Failure::new(format!("nothing is written: {error}"));
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn write(out: &Path, case: &Path, graph: &Path, recorded: &Recorded) -> Result<(), Failure> {
    std::fs::create_dir_all(out).map_err(|error| Failure::new(format!("cannot make {}: {error}", out.display())))?;
    output::file(case, &recorded.case)?;
    output::file(graph, &recorded.graph)
}

fn said(recorded: &Recorded, case: &Path, graph: &Path) -> String {
    let summary = &recorded.summary;
    let width = summary.records.keys().map(|kind| kind.chars().count()).max().unwrap_or(0).max("exchanges".len());
    let mut text = format!("{:width$}  {:>8}  {:>8}\n", "", "run", "case");
    let (of_run, of_case) = summary.exchanges;
    text.push_str(&format!("{:width$}  {of_run:>8}  {of_case:>8}\n", "exchanges"));
    for (kind, (of_run, of_case)) in &summary.records {
        text.push_str(&format!("{kind:width$}  {of_run:>8}  {of_case:>8}\n"));
    }
    for list in &summary.whole {
        text.push_str(&format!("\nnote: this list stays as long as it was: {list}\n"));
    }
    let replaced: Vec<String> = summary.replaced.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    text.push_str(&format!(
        "\nreplaced: {}\n",
        if replaced.is_empty() { "nothing".to_owned() } else { replaced.join(", ") }
    ));
    if !summary.kept.is_empty() {
        let shown: Vec<&str> = summary.kept.iter().take(3).map(String::as_str).collect();
        let more = if summary.kept.len() > shown.len() { ", …" } else { "" };
        let shown = shown.join(", ");
        text.push_str(&format!("note: names that consist of words of the spec stay as they are: {shown}{more}\n"));
    }
    if summary.verdict == Verdict::Incomplete {
        text.push_str("the run was incomplete, and so is the case\n");
    }
    text.push_str(&format!("{}\n{}\n", case.display(), graph.display()));
    text
}
