//! `engine test`: runs a spec's recorded cases, offline.

mod deeds;
mod generated;
mod play;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use engine_case::{Case, ExpectedVerdict, Player, compare, folder};
use engine_spec::plan::Plan;

use crate::config::{self, Given};
use crate::exit::{End, Failure};
use crate::output;
use crate::session;
use crate::simulation::{played, stays_home, unplayed};
use generated::Hard;
use play::{Ran, word};

/// Run the recorded cases of specs, without a network
///
/// Each case serves recorded exchanges over HTTP on loopback, runs a sync against them, and
/// compares the graph, the verdict and the requests with what is expected. Waiting takes no time.
///
/// With `--hard`, cases are generated from the recorded ones too: rate limits, server errors,
/// connections that break off, pages that are no JSON, missing rows, tokens that come again, pages cut
/// elsewhere, rows that move, and each value that is read null and absent. What passes must leave the
/// graph as it was; everything else must be told with the request and the line of the spec.
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
    /// Run the cases that are generated from the recorded ones, too
    #[arg(long, conflicts_with = "accept")]
    hard: bool,
    /// Write the generated cases that run into a folder, as case files
    #[arg(long, value_name = "DIR", requires = "hard")]
    keep: Option<PathBuf>,
}

/// How many cases came out as they should, and how many did not.
#[derive(Clone, Copy, Default)]
struct Count {
    passed: usize,
    failed: usize,
}

impl Count {
    fn add(&mut self, is_passed: bool) {
        if is_passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    let runtime = session::runtime()?;
    let mut count = Count::default();
    for spec in &arguments.specs {
        let plan = session::load(spec)?;
        let of_spec = runtime.block_on(spec_cases(arguments, spec, &plan))?;
        count.passed += of_spec.passed;
        count.failed += of_spec.failed;
    }
    runtime.shutdown_background();
    let Count { passed, failed } = count;
    output::result(&format!("{passed} passed, {failed} failed\n"));
    if passed + failed == 0 {
        return Err(Failure::usage("no case has a name that holds the text of `--only`"));
    }
    Ok(if failed == 0 { End::Complete } else { End::Failed })
}

/// Runs the cases of one spec.
async fn spec_cases(arguments: &Arguments, spec: &Path, plan: &Arc<Plan>) -> Result<Count, Failure> {
    let mut count = Count::default();
    let mut hard = Hard::new(spec, plan, arguments);
    for path in cases(arguments, spec)? {
        let tells = arguments.only.as_deref().is_none_or(|text| name(&path).contains(text));
        if !tells && !arguments.hard {
            continue;
        }
        let one = one(plan, &path, arguments.accept).await?;
        if let (Some(base), true) = (one.base, arguments.hard && one.faults.is_empty()) {
            hard.derive(&path, base);
        }
        if !tells {
            continue;
        }
        count.add(one.faults.is_empty());
        if !one.faults.is_empty() {
            output::told(&format!("FAIL {}\n", path.display()));
            one.faults.iter().for_each(|fault| output::told(&indented(fault)));
        }
    }
    if arguments.hard {
        let recorded = count;
        let generated = hard.run().await?;
        count = Count { passed: recorded.passed + generated.passed, failed: recorded.failed + generated.failed };
        output::result(&format!(
            "{}: {} recorded, {} generated, {} failed\n",
            spec.display(),
            recorded.passed + recorded.failed,
            generated.passed + generated.failed,
            count.failed,
        ));
    }
    Ok(count)
}

fn indented(text: &str) -> String {
    format!("  {}\n", text.trim_end().replace('\n', "\n  "))
}

/// The name of a case: its file's, without the ending.
fn name(case: &Path) -> String {
    case.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
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
    if arguments.hard {
        // What other cases try again is not tried twice, and ordinary life is tried first.
        cases.sort_by_key(|case| name(case) != folder::MAIN);
    }
    Ok(cases)
}

/// A case that was run.
#[derive(Default)]
struct One {
    /// What went otherwise than expected.
    faults: Vec<String>,
    /// What others can be generated from, if it reads everything.
    base: Option<(Case, Ran)>,
}

impl One {
    fn failed(fault: String) -> Self {
        Self { faults: vec![fault], base: None }
    }
}

/// Runs a case.
async fn one(plan: &Arc<Plan>, path: &Path, accept: bool) -> Result<One, Failure> {
    let case = match Case::read(path) {
        Ok(case) => case,
        Err(error) => return Ok(One::failed(error.to_string())),
    };
    let player = Player::start(&case, false).await.map_err(unplayed)?;
    let Some(expect) = &case.expect else {
        let values = config::values(plan, &Given::default(), &played(plan, &case, &player));
        let mut faults = match values {
            Ok(config) => match stays_home(plan, &config, &player) {
                Ok(()) => deeds::run(plan, config, &player, &case.deeds).await,
                Err(failure) => vec![failure.message],
            },
            Err(failure) => vec![failure.message],
        };
        faults.extend(player.faults().iter().map(ToString::to_string));
        return Ok(One { faults, base: None });
    };
    let ran = play::sync(plan, &case, &player, session::now()).await;
    let mut faults: Vec<String> = player.faults().iter().map(ToString::to_string).collect();
    if ran.verdict != expect.verdict {
        faults.push(format!(
            "the sync was expected to be {}, and is {}\n{}",
            word(expect.verdict),
            word(ran.verdict),
            ran.said
        ));
    }
    for text in expect.says.iter().filter(|text| !ran.said.contains(text.as_str())) {
        faults.push(format!("nothing says `{text}`\n{}", ran.said));
    }
    if expect.verdict != ExpectedVerdict::Failed && ran.verdict == expect.verdict {
        faults.extend(graph(path, &ran.graph, accept)?);
    }
    Ok(One { faults, base: Some((case, ran)) })
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
