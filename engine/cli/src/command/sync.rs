//! `engine sync`: reads a vendor into a file and says whether that is everything.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use engine_c1z::{Discarded, Form, SealOptions, Start, WorkingStore};
use engine_model::{Report, Verdict};
use engine_run::http::Settings;
use engine_run::sync::{NoProgress, Progress, Synced};
use engine_spec::plan::Plan;

use crate::config::Given;
use crate::exit::{End, Failure};
use crate::progress::Bars;
use crate::session::{self, Session};
use crate::simulation::Vendor;
use crate::{output, summary};

/// Read a vendor's users, groups, roles and grants into a file
///
/// Reads everything the spec names, writes it to one file and says whether that is all the vendor
/// has. A run that was stopped goes on where it stopped when the same command is given again.
#[derive(Args)]
#[command(
    after_help = "Exit status: 0 complete; 1 failed; 2 wrong usage or an invalid spec; 3 finished but incomplete; 4 credentials refused.

Examples:
  engine sync --spec specs/acme.yaml --simulate
  BATON_ACME_API_TOKEN=… engine sync --spec specs/acme.yaml --set org_id=…"
)]
pub struct Arguments {
    /// The connector's spec
    #[arg(long, value_name = "SPEC")]
    spec: PathBuf,
    /// The file to write; sync.c1z, or sync.jsonl for JSON Lines
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::C1z)]
    format: Format,
    /// Write the report as JSON, also when the sync fails
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Answer from recorded exchanges over HTTP on loopback; no tenant is needed. Without a file,
    /// the spec's case `main`
    #[arg(long, value_name = "CASE", num_args = 0..=1, require_equals = true)]
    simulate: Option<Option<PathBuf>>,
    /// Write the grants that follow from nested groups, too
    #[arg(long)]
    expand: bool,
    /// Treat paths that no row had, map keys that no value hit, and values no map names as
    /// something missing
    #[arg(long)]
    strict: bool,
    /// Begin anew, even where a stopped run could go on
    #[arg(long)]
    fresh: bool,
    /// Most requests at a time to one host
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    #[command(flatten)]
    given: Given,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The sync file of the Baton ecosystem
    C1z,
    /// JSON Lines, one object a line
    Jsonl,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    let plan = session::load(&arguments.spec)?;
    let runtime = session::runtime()?;
    let end = runtime.block_on(sync(arguments, plan));
    // Requests that nobody waits for any more are not worth waiting for.
    runtime.shutdown_background();
    end
}

async fn sync(arguments: &Arguments, plan: Arc<Plan>) -> Result<End, Failure> {
    // The recording answers as long as it is held.
    let Vendor { simulation, config, services, settings } =
        Vendor::of(&plan, &arguments.spec, arguments.simulate.as_ref(), &arguments.given).await?;
    let target = target(arguments);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            output::note("stopping; what was read is kept");
            let _ = stop.send(true);
            // The second one ends at once: what is stored stays good.
            let _ = tokio::signal::ctrl_c().await;
            std::process::exit(1);
        }
    });
    let bars = Bars::new();
    let progress: Arc<dyn Progress> = match &bars {
        Some(bars) => bars.clone(),
        None => Arc::new(NoProgress),
    };
    let settings = Settings { concurrency: usize::from(arguments.concurrency), ..settings };
    let session = Session { plan: plan.clone(), config, settings, services, progress, stop: stopped };
    let form = match arguments.format {
        Format::C1z => Form::C1z,
        Format::Jsonl => Form::JsonLines,
    };
    let store = if simulation.is_some() {
        // A real run that was stopped is not touched by made-up data.
        let mut store = session.open(&beside(&target, "simulated"), false, form)?;
        store.redirect(&target);
        store
    } else {
        session.open(&target, !arguments.fresh, form)?
    };
    say_start(&store);
    let (synced, store) = session.sync(store).await?;
    if let Some(bars) = bars {
        bars.finish();
    }
    finish(arguments, &plan, &target, synced, store)
}

fn target(arguments: &Arguments) -> PathBuf {
    arguments.file.clone().unwrap_or_else(|| {
        PathBuf::from(match arguments.format {
            Format::C1z => "sync.c1z",
            Format::Jsonl => "sync.jsonl",
        })
    })
}

fn say_start(store: &WorkingStore) {
    match store.start() {
        Start::Fresh => {}
        Start::Resumed => output::note(&format!("going on with the run that began {}", store.started_at())),
        Start::Anew(Discarded::Asked) => {}
        Start::Anew(Discarded::OtherFingerprint) => {
            output::note("the stopped run was of another spec or config; beginning anew")
        }
        Start::Anew(Discarded::OtherForm) => output::note("the stopped run was of another --format; beginning anew"),
        Start::Anew(Discarded::OtherLayout) => {
            output::note("the stopped run was of another version of the engine; beginning anew")
        }
        Start::Anew(Discarded::TooOld { started_at }) => {
            output::note(&format!("the stopped run began {started_at}, too long ago to go on with; beginning anew"))
        }
        Start::Anew(Discarded::Damaged { reason, kept_as }) => output::note(&format!(
            "the stopped run cannot be read ({reason}); it is kept as {}; beginning anew",
            kept_as.display()
        )),
    }
}

fn finish(
    arguments: &Arguments,
    plan: &Plan,
    target: &Path,
    synced: Synced,
    mut store: WorkingStore,
) -> Result<End, Failure> {
    let mut synced = synced;
    if arguments.strict {
        summary::make_strict(&mut synced.report);
    }
    let written = match synced.report.verdict {
        Verdict::Failed => None,
        Verdict::Complete => Some((seal(arguments, &mut store, &mut synced.report)?, target.to_owned())),
        Verdict::Incomplete => {
            let aside = beside(target, "incomplete");
            store.redirect(&aside);
            Some((seal(arguments, &mut store, &mut synced.report)?, aside))
        }
    };
    let reported = arguments.report.as_deref().map_or(Ok(()), |path| write_report(path, &synced.report));
    output::told(&summary::summary(
        plan,
        &synced.report,
        written.as_ref().map(|(size, path)| (size.as_str(), path.as_path())),
    ));
    match &synced.failure {
        Some(error) => {
            let mut failure = session::failure(error);
            if let Err(failure) = reported {
                output::error(&failure.message, None);
            }
            let mut lists = synced.report.resources.values().chain(synced.report.grants.values());
            let is_store_fault = matches!(error, engine_run::sync::SyncError::Store(_));
            let kept = is_store_fault || lists.any(|list| list.pages > 0);
            if kept && arguments.simulate.is_none() {
                output::note(&format!(
                    "what was read is kept in {}; the same command goes on from there",
                    store.path().display()
                ));
            } else {
                store.remove().map_err(session::stored)?;
            }
            failure.message = failure.message.trim_end().to_owned();
            Err(failure)
        }
        None if synced.report.verdict == Verdict::Complete => {
            store.remove().map_err(session::stored)?;
            // What an earlier run could not complete is out of date now.
            let _ = std::fs::remove_file(beside(target, "incomplete"));
            reported.map(|()| End::Complete)
        }
        None => {
            if target.exists() {
                output::note(&format!("{} is left as it was", target.display()));
            }
            if synced.can_go_on && arguments.simulate.is_none() {
                output::note("the same command asks again for what could not be read");
            } else {
                // All lists were read to their end: only reading them anew can show something else.
                store.remove().map_err(session::stored)?;
            }
            reported.map(|()| End::Incomplete)
        }
    }
}

fn write_report(path: &Path, report: &Report) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(report).map_err(|error| Failure::new(error.to_string()))?;
    output::private_file(path, &format!("{text}\n"))
}

/// `sync.incomplete.c1z` beside `sync.c1z`, for the word `incomplete`.
fn beside(target: &Path, word: &str) -> PathBuf {
    let stem = target.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let extension = target.extension().map(|extension| format!(".{}", extension.to_string_lossy())).unwrap_or_default();
    target.with_file_name(format!("{stem}.{word}{extension}"))
}

/// Writes the file and says how large it is.
fn seal(arguments: &Arguments, store: &mut WorkingStore, report: &mut Report) -> Result<String, Failure> {
    match arguments.format {
        Format::C1z => {
            let mut options = SealOptions::new(session::now());
            options.expand = arguments.expand;
            let sealed = store.seal(&options).map_err(session::stored)?;
            report.totals = sealed.totals;
            for id in &sealed.ambiguous {
                output::note(&format!("note: two records share the id `{id}`; the first one was written"));
            }
            summary::large(sealed.unpacked_bytes).iter().for_each(|note| output::note(note));
            Ok(summary::size(sealed.bytes))
        }
        Format::Jsonl => {
            let lines = store.seal_lines(arguments.expand).map_err(session::stored)?;
            Ok(format!("{lines} lines"))
        }
    }
}
