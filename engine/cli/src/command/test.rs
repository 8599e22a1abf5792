//! `engine test`: runs a spec's recorded cases, offline.

mod deeds;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use engine_case::{Case, ExpectedVerdict, Player, compare, folder};
use engine_model::Verdict;
use engine_spec::plan::Plan;

use crate::config::{self, Given};
use crate::exit::{End, Failure};
use crate::session;
use crate::simulation::{played, stays_home};
use crate::{output, play};

/// Run the recorded cases of specs, without a network
///
/// Each case serves recorded exchanges over HTTP on loopback, runs a sync against them, and
/// compares the graph, the verdict and the requests with what is expected. Waiting takes no time.
#[derive(Args)]
#[command(
    after_help = "A spec's cases are in a folder of its file name beside it, or in tests/vendors. A spec without cases fails.

Exit status: 0 if all cases pass, 1 otherwise, 2 for an invalid spec."
)]
pub struct Arguments {
    /// The specs
    #[arg(required = true, value_name = "SPEC")]
    specs: Vec<PathBuf>,
    /// The folder with the cases, for one spec; or a folder with a folder for each
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// Only cases whose name holds this text
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Take the graphs as they are now for the expected ones
    #[arg(long)]
    accept: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    let runtime = session::runtime()?;
    let (mut passed, mut failed) = (0_usize, 0_usize);
    for spec in &arguments.specs {
        let plan = session::load(spec)?;
        for path in cases(arguments, spec)? {
            let faults = runtime.block_on(one(&plan, &path, arguments.accept))?;
            if faults.is_empty() {
                passed += 1;
                continue;
            }
            failed += 1;
            output::told(&format!("FAIL {}\n", path.display()));
            for fault in faults {
                output::told(&format!("  {}\n", fault.trim_end().replace('\n', "\n  ")));
            }
        }
    }
    runtime.shutdown_background();
    output::result(&format!("{passed} passed, {failed} failed\n"));
    if passed + failed == 0 {
        return Err(Failure::usage("no case has a name that holds the text of `--only`"));
    }
    Ok(if failed == 0 { End::Complete } else { End::Failed })
}

fn cases(arguments: &Arguments, spec: &Path) -> Result<Vec<PathBuf>, Failure> {
    let folder = match &arguments.cases {
        Some(folder) => {
            let own = spec.file_stem().map(|name| folder.join(name)).filter(|own| own.is_dir());
            own.unwrap_or_else(|| folder.clone())
        }
        None => folder::find(spec).ok_or_else(|| {
            Failure::new(format!("{} has no recorded cases", spec.display()))
                .hint("put them into tests/vendors, in a folder of the spec's file name")
        })?,
    };
    let mut cases =
        folder::cases(&folder).map_err(|error| Failure::usage(format!("cannot read {}: {error}", folder.display())))?;
    if cases.is_empty() {
        return Err(Failure::new(format!("{} holds no cases", folder.display())));
    }
    if let Some(text) = &arguments.only {
        cases.retain(|case| case.file_stem().is_some_and(|name| name.to_string_lossy().contains(text.as_str())));
    }
    Ok(cases)
}

/// Runs a case; what comes back is what went otherwise than expected.
async fn one(plan: &Arc<Plan>, path: &Path, accept: bool) -> Result<Vec<String>, Failure> {
    let case = match Case::read(path) {
        Ok(case) => case,
        Err(error) => return Ok(vec![error.to_string()]),
    };
    let player = Player::start(&case, false).await;
    let values = config::values(plan, &Given::default(), &played(plan, &case, &player));
    let Some(expect) = &case.expect else {
        let mut faults = match values {
            Ok(config) => match stays_home(plan, &config, &player) {
                Ok(()) => deeds::run(plan, config, &case.deeds).await,
                Err(failure) => vec![failure.message],
            },
            Err(failure) => vec![failure.message],
        };
        faults.extend(player.faults().iter().map(ToString::to_string));
        return Ok(faults);
    };
    let outcome = match values {
        Ok(config) => {
            let sync = play::sync(plan, config, None).await?;
            Outcome { verdict: sync.report.verdict, said: sync.said, graph: sync.graph }
        }
        Err(failure) => Outcome { verdict: Verdict::Failed, said: failure.message, graph: String::new() },
    };
    let mut faults: Vec<String> = player.faults().iter().map(ToString::to_string).collect();
    let expected = match expect.verdict {
        ExpectedVerdict::Complete => Verdict::Complete,
        ExpectedVerdict::Incomplete => Verdict::Incomplete,
        ExpectedVerdict::Failed => Verdict::Failed,
    };
    if outcome.verdict != expected {
        faults.push(format!(
            "the sync was expected to be {}, and is {}\n{}",
            word(expected),
            word(outcome.verdict),
            outcome.said
        ));
    }
    for text in expect.says.iter().filter(|text| !outcome.said.contains(text.as_str())) {
        faults.push(format!("nothing says `{text}`\n{}", outcome.said));
    }
    if expected != Verdict::Failed && outcome.verdict == expected {
        faults.extend(graph(path, &outcome.graph, accept)?);
    }
    Ok(faults)
}

fn graph(case: &Path, actual: &str, accept: bool) -> Result<Option<String>, Failure> {
    let file = folder::expected_graph(case);
    if accept {
        output::file(&file, actual)?;
        return Ok(None);
    }
    Ok(match std::fs::read_to_string(&file) {
        Ok(expected) => compare::differences(&expected, actual)
            .map(|text| format!("the graph differs from {}:\n{text}", file.display())),
        Err(_) => Some(format!("the expected graph {} is not there; `engine test --accept` writes it", file.display())),
    })
}

struct Outcome {
    verdict: Verdict,
    said: String,
    graph: String,
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Complete => "complete",
        Verdict::Incomplete => "incomplete",
        Verdict::Failed => "failed",
    }
}
