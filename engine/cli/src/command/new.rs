//! `engine new`: a first spec from an OpenAPI document, a HAR file, or a few questions.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use engine_draft::{DraftError, Drafted, Interview, Wishes};
use engine_spec::diagnostic::{Code, Diagnostics};
use engine_spec::{check, render};

use crate::exit::{End, Failure};
use crate::fragment::FragmentFolder;
use crate::output;

/// Draft a first spec from an OpenAPI 3 document, a HAR file, or a few questions
///
/// The draft is valid and can be run. Whatever in it is a guess stands beside a comment that begins
/// with `TODO:`, and `engine validate` lists those.
#[derive(Args)]
#[command(after_help = "Nothing is fetched, and no value of a recording is written: no token, cookie or person.\n\n\
    Examples:\n  engine new --from openapi.yaml --out specs/acme.yaml\n  engine new --from recording.har --users /api/people\n  engine new --out specs/acme.yaml")]
pub struct Arguments {
    /// An OpenAPI 3 document (JSON or YAML), or a HAR file saved by a browser; without it, questions
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Where the spec goes; standard output where nothing is said
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Short name of the spec, such as `acme`
    #[arg(long)]
    id: Option<String>,
    /// The vendor's name for people
    #[arg(long)]
    name: Option<String>,
    /// Path of the list of users, as the document writes it
    #[arg(long, value_name = "PATH", requires = "from")]
    users: Option<String>,
    /// Path of a list of groups, projects or the like; once for each, and no others are drafted
    #[arg(long, value_name = "PATH", requires = "from")]
    groups: Vec<String>,
    /// Path of a list of roles, likewise
    #[arg(long, value_name = "PATH", requires = "from")]
    roles: Vec<String>,
    /// Read the answers to the questions from standard input, a line each, where it is no terminal
    #[arg(long, conflicts_with = "from")]
    answers: bool,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    if let Some(out) = &arguments.out {
        free(out, arguments.force)?;
    }
    let wishes = Wishes {
        id: arguments.id.clone(),
        name: arguments.name.clone(),
        users: arguments.users.clone(),
        groups: arguments.groups.clone(),
        roles: arguments.roles.clone(),
    };
    let drafted = match &arguments.from {
        Some(from) => {
            let text = std::fs::read_to_string(from)
                .map_err(|error| Failure::usage(format!("cannot read {}: {error}", from.display())))?;
            engine_draft::from_document(&text, &wishes).map_err(|error| failure(Some(from), &error))?
        }
        None => ask(arguments.answers)?.finish(&wishes).map_err(|error| failure(None, &error))?,
    };
    for line in &drafted.found {
        output::note(line);
    }
    for line in &drafted.left_out {
        output::note(&format!("left out: {line}"));
    }
    let place = arguments.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.yaml", drafted.id)));
    let guesses = checked(&place, &drafted)?;
    match &arguments.out {
        Some(out) => write(out, &drafted.spec, arguments.force)?,
        None => output::result(&drafted.spec),
    }
    let shown = if arguments.out.is_some() { place.display().to_string() } else { "the draft".to_owned() };
    let guesses = if guesses == 1 { "1 guess".to_owned() } else { format!("{guesses} guesses") };
    output::note(&format!("{shown}: {guesses} to look at, each marked `TODO:`; `engine validate` lists them"));
    Ok(End::Complete)
}

fn failure(from: Option<&Path>, error: &DraftError) -> Failure {
    let message = from.map_or_else(|| error.to_string(), |from| format!("{}: {error}", from.display()));
    let failure = Failure::new(message);
    match error.what_to_try() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Checks the draft as `validate` does, and counts its guesses.
fn checked(place: &Path, drafted: &Drafted) -> Result<usize, Failure> {
    let mut diagnostics = Diagnostics::default();
    check::compile(&place.display().to_string(), &drafted.spec, &FragmentFolder::beside(place), &mut diagnostics);
    if diagnostics.has_errors() {
        output::note_block(&render::human(&diagnostics, output::stderr_colour()));
        let hint = "this is a fault of the engine; `--users`, `--groups` and `--roles` may lead around it";
        return Err(Failure::new("the draft is not a valid spec").hint(hint));
    }
    Ok(diagnostics.sorted().iter().filter(|diagnostic| diagnostic.code == Code::Todo).count())
}

fn free(out: &Path, force: bool) -> Result<(), Failure> {
    if out.exists() && !force {
        let hint = "`--force` replaces it";
        return Err(Failure::usage(format!("{} is there already", out.display())).hint(hint));
    }
    Ok(())
}

/// Writes the spec; without `force` only where no file is, also if one came in the meantime.
fn write(out: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(!force);
    let written = options.open(out).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::new(format!("cannot write {}: {error}", out.display())))
}

/// Asks the questions.
fn ask(answers: bool) -> Result<Interview, Failure> {
    let stdin = std::io::stdin();
    let terminal = stdin.is_terminal();
    if !terminal && !answers {
        return Err(Failure::usage("there is nothing to draft from, and no terminal to ask questions on")
            .hint("name an OpenAPI 3 document or a HAR file with `--from FILE`; `--answers` reads answers from standard input"));
    }
    let mut interview = Interview::default();
    let mut lines = stdin.lock().lines();
    while let Some(question) = interview.next() {
        if terminal {
            let default = if question.default.is_empty() { String::new() } else { format!(" [{}]", question.default) };
            output::note(&format!("{}{default}\n  {}", question.text, question.help));
        }
        let line = match lines.next() {
            Some(Ok(line)) => line,
            Some(Err(error)) => return Err(Failure::new(format!("cannot read the answer: {error}"))),
            None => return Err(Failure::usage(format!("the answers end before the question `{}`", question.text))),
        };
        if let Err(reason) = interview.answer(&line) {
            if !terminal {
                return Err(Failure::usage(format!("{} `{line}`: {reason}", question.text)));
            }
            output::note(&format!("  {reason}"));
        }
    }
    Ok(interview)
}
