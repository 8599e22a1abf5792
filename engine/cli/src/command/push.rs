//! `engine push`: brings a vendor to the state that a file wants.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use engine_json::{Value as Json, json};
use engine_model::OutcomeWord;
use engine_run::push::{Applied, Change, ChangeKind, Limit, Pace, PushPlan, apply, compare, survey};

use crate::exit::{End, Failure};
use crate::provisioning::{self, Options};
use crate::{output, people, session};

/// Bring users, groups and memberships to a wanted state
///
/// Reads the vendor, compares it with a file, shows what is to change and changes it. The same again
/// changes nothing; after a stop it goes on with what is left.
#[derive(Args)]
#[command(
    after_help = "The file is YAML or JSON with a list of `people` and one of `groups`, or CSV with a person a line. People are known by id, external_id, login or email. `groups` of a person are exactly the groups they are in, `members` of a group exactly its members; without the key nothing changes there.

Exit status: 0 all is as wanted; 1 something failed; 2 wrong usage, or a plan that is refused;
3 something is pending; 4 credentials refused.

Examples:
  engine push --spec specs/acme.yaml --from people.yaml --plan
  engine push --spec specs/acme.yaml --from people.csv --provisioning --max-deletes 5"
)]
pub struct Arguments {
    #[command(flatten)]
    options: Options,
    /// What is wanted: YAML, JSON or CSV
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The most that may be taken away: a share of what is there, or a number
    #[arg(long, value_name = "N|N%", default_value = "10%", value_parser = limit)]
    max_deletes: Limit,
    /// Most changes at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    concurrency: u16,
    /// Do not ask on a terminal before something is taken away
    #[arg(long)]
    yes: bool,
}

fn limit(text: &str) -> Result<Limit, String> {
    let wrong = || "it is a number, or a share such as `10%`".to_owned();
    match text.strip_suffix('%') {
        Some(share) => match share.trim().parse::<f64>() {
            Ok(share) if (0.0..=100.0).contains(&share) => Ok(Limit::Percent(share)),
            _ => Err(wrong()),
        },
        None => text.parse().map(Limit::Number).map_err(|_| wrong()),
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    let options = &arguments.options;
    let plan = session::load(&options.spec)?;
    let wanted = people::read(&arguments.from)?;
    if !options.plan {
        provisioning::allowed(options)?;
    }
    let runtime = session::runtime()?;
    let end = runtime.block_on(async {
        let (provisioner, _simulation) = provisioning::open(options, &plan).await?;
        let survey = survey(&provisioner, &wanted).await.map_err(|error| session::failure(&error))?;
        let found = compare(provisioner.plan(), &wanted, &survey, provisioner.names(), arguments.max_deletes);
        if options.plan || !found.problems.is_empty() {
            return Ok(planned(options, &found));
        }
        if !options.is_json() {
            output::told(&overview(&found));
        }
        if found.changes.is_empty() {
            return Ok(told(options, &found, &[]));
        }
        let removes = found.changes.iter().filter(|change| change.kind.removes()).count();
        if removes > 0 && !arguments.yes && std::io::stdin().is_terminal() {
            provisioning::confirm(&format!("take away {removes}"))?;
        }
        let (stop, stopped) = tokio::sync::watch::channel(false);
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                output::note("stopping after what is under way; the same command goes on from there");
                let _ = stop.send(true);
                // The second one ends at once.
                let _ = tokio::signal::ctrl_c().await;
                std::process::exit(1);
            }
        });
        let pace = Pace { concurrency: usize::from(arguments.concurrency), stop: stopped };
        let applied = apply(&provisioner, &found, &pace, &mut |change, applied| {
            if !options.is_json() {
                output::note(&line(change, applied));
            }
        })
        .await;
        Ok::<End, Failure>(told(options, &found, &applied))
    });
    runtime.shutdown_background();
    end
}

/// Shows a plan that is not carried out.
fn planned(options: &Options, found: &PushPlan) -> End {
    if options.is_json() {
        output::result(&format!("{:#}\n", as_json(found, &[])));
    } else {
        output::told(&overview(found));
        if !found.changes.is_empty() {
            output::result("nothing was sent\n");
        }
    }
    if found.problems.is_empty() {
        return if found.gap.is_some() { End::Incomplete } else { End::Complete };
    }
    let problems = found.problems.join("\n  ");
    output::error(&format!("nothing was sent:\n  {problems}"), None);
    End::Invalid
}

/// A plan for people, grouped by kind.
fn overview(found: &PushPlan) -> String {
    let mut text = String::new();
    for kind in ChangeKind::ALL {
        let changes: Vec<&Change> = found.changes.iter().filter(|change| change.kind == kind).collect();
        if changes.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{} ({})", kind.word(), changes.len());
        for change in changes {
            let _ = writeln!(text, "  {}", change.label);
            for detail in &change.details {
                let _ = writeln!(text, "    {detail}");
            }
        }
    }
    if found.changes.is_empty() && found.problems.is_empty() && found.gap.is_none() {
        text.push_str("nothing to change\n");
    }
    for note in &found.notes {
        let _ = writeln!(text, "note: {note}");
    }
    if let Some(gap) = &found.gap {
        let _ = writeln!(text, "incomplete: not everything could be read: {gap}");
    }
    text
}

/// What came of a change, in a line.
fn line(change: &Change, applied: &Applied) -> String {
    let mut line = match (&applied.outcome, &applied.reason) {
        (Some(outcome), _) => format!("{}: {} {}", outcome.word, change.kind.word(), change.label),
        (None, reason) => {
            format!("not begun: {} {}: {}", change.kind.word(), change.label, reason.as_deref().unwrap_or_default())
        }
    };
    if let Some(outcome) = &applied.outcome {
        let says = !outcome.say.is_empty() && outcome.word != OutcomeWord::Already;
        if says {
            let _ = write!(line, ": {}", outcome.say.join("; "));
        }
        if outcome.retry_later {
            line.push_str(" (may work later)");
        }
    }
    line
}

/// The sum of a push.
fn told(options: &Options, found: &PushPlan, applied: &[Applied]) -> End {
    let count = |word: OutcomeWord| {
        applied.iter().filter(|applied| applied.outcome.as_ref().is_some_and(|outcome| outcome.word == word)).count()
    };
    let not_begun = applied.iter().filter(|applied| applied.outcome.is_none()).count();
    let failed = count(OutcomeWord::Failed);
    let later = applied.iter().any(|applied| applied.outcome.as_ref().is_some_and(|outcome| outcome.retry_later));
    if options.is_json() {
        output::result(&format!("{:#}\n", as_json(found, applied)));
    } else if !applied.is_empty() {
        let words = [
            (count(OutcomeWord::Done), "done"),
            (count(OutcomeWord::Already), "already"),
            (count(OutcomeWord::ActionRequired), "action_required"),
            (count(OutcomeWord::Pending), "pending"),
            (failed, "failed"),
            (not_begun, "not begun"),
        ];
        let words: Vec<String> =
            words.iter().filter(|(many, _)| *many > 0).map(|(many, word)| format!("{many} {word}")).collect();
        output::told(&format!("{}\n", words.join(", ")));
        for outcome in applied.iter().filter_map(|applied| applied.outcome.as_ref()) {
            for (name, secret) in &outcome.secrets {
                let of = outcome.resource.as_ref().map(ToString::to_string).unwrap_or_default();
                output::told(&format!("{name} of {of}: {}\n", secret.reveal()));
            }
        }
    }
    let refused = applied.iter().any(|applied| applied.outcome.as_ref().is_some_and(|outcome| outcome.refused));
    match (refused, failed + not_begun, count(OutcomeWord::Pending), later) {
        (true, ..) => End::Refused,
        (_, 0, 0, false) if found.gap.is_none() => End::Complete,
        (_, 0, ..) => End::Incomplete,
        _ => End::Failed,
    }
}

/// A plan and what came of it, for programs.
fn as_json(found: &PushPlan, applied: &[Applied]) -> Json {
    let changes: Vec<Json> = found
        .changes
        .iter()
        .enumerate()
        .map(|(number, change)| {
            let mut object = json!({
                "change": change.kind.word(),
                "label": change.label,
                "details": change.details,
            });
            let came = applied.iter().find(|applied| applied.change == number);
            if let (Some(object), Some(came)) = (object.as_object_mut(), came) {
                match &came.outcome {
                    Some(outcome) => object.insert("outcome".to_owned(), outcome.to_json(true)),
                    None => object.insert("not_begun".to_owned(), json!(came.reason)),
                };
            }
            object
        })
        .collect();
    json!({ "changes": changes, "problems": found.problems, "notes": found.notes, "incomplete": found.gap })
}
