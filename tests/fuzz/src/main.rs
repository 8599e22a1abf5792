//! `engine-fuzz`: runs targets for a time and says what was found.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the desk and for CI prints")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use engine_fuzz::run::{Effort, run};
use engine_fuzz::target::TARGETS;

const USAGE: &str =
    "usage: engine-fuzz [--seconds N | --runs N] [--seed N] [--out FOLDER] [--input FILE] TARGET... | all";

struct Wanted {
    effort: Effort,
    seed: u64,
    out: PathBuf,
    input: Option<PathBuf>,
    targets: Vec<String>,
}

fn main() -> ExitCode {
    let wanted = match wanted() {
        Ok(wanted) => wanted,
        Err(reason) => {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            eprintln!("{reason}\n{USAGE}\ntargets: {}", names.join(", "));
            return ExitCode::from(2);
        }
    };
    // One line each: the input shows the rest.
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    let mut found = 0;
    for target in TARGETS {
        if !wanted.targets.iter().any(|name| name == "all" || name == target.name) {
            continue;
        }
        let (effort, seeds) = match &wanted.input {
            Some(input) => (Effort::Runs(1), std::fs::read(input).map(|input| vec![input])),
            None => (wanted.effort, (target.seeds)()),
        };
        match seeds.and_then(|seeds| run(target, effort, wanted.seed, &wanted.out, seeds)) {
            Ok(report) => {
                println!("{report}");
                found += report.findings.len();
            }
            Err(error) => {
                eprintln!("{}: {error}", target.name);
                return ExitCode::FAILURE;
            }
        }
    }
    if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn wanted() -> Result<Wanted, String> {
    let mut wanted = Wanted {
        effort: Effort::Time(Duration::from_secs(60)),
        seed: 1,
        out: PathBuf::from("target/fuzz"),
        input: None,
        targets: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("`{argument}` needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("`{text}` is not a number"));
        match argument.as_str() {
            "--seconds" => wanted.effort = Effort::Time(Duration::from_secs(number(value()?)?)),
            "--runs" => wanted.effort = Effort::Runs(number(value()?)?),
            "--seed" => wanted.seed = number(value()?)?,
            "--out" => wanted.out = PathBuf::from(value()?),
            "--input" => wanted.input = Some(PathBuf::from(value()?)),
            name if name == "all" || TARGETS.iter().any(|target| target.name == name) => {
                wanted.targets.push(name.to_owned());
            }
            other => return Err(format!("there is no `{other}`")),
        }
    }
    if wanted.targets.is_empty() { Err("name a target".to_owned()) } else { Ok(wanted) }
}
