//! `engine validate`: every check of a spec that needs no network.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use engine_spec::diagnostic::{Code, Diagnostics};
use engine_spec::{check, render};

use crate::exit::{End, Failure};
use crate::fragment::FragmentFolder;
use crate::output;

/// Check specs without a network; all faults in one run
#[derive(Args)]
#[command(
    after_help = "Exit status: 0 if no spec has an error, 2 otherwise. Warnings do not change it, unless --strict."
)]
pub struct Arguments {
    /// The specs
    #[arg(required_unless_present = "explain", value_name = "SPEC")]
    specs: Vec<PathBuf>,
    /// How faults are shown
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Treat warnings as errors
    #[arg(long)]
    strict: bool,
    /// Tell what a code means, such as `path-many-for-one`
    #[arg(long, value_name = "CODE")]
    explain: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Text with the line and a caret under the fault
    Human,
    /// One JSON object
    Json,
    /// Workflow commands of GitHub Actions
    Github,
    /// SARIF 2.1.0
    Sarif,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    if let Some(code) = &arguments.explain {
        return explain(code);
    }
    let mut diagnostics = Diagnostics::default();
    for path in &arguments.specs {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
        check::compile(&path.display().to_string(), &text, &FragmentFolder::beside(path), &mut diagnostics);
    }
    let (errors, warnings) = diagnostics.counts();
    match arguments.format {
        Format::Human => {
            output::result(&render::human(&diagnostics, output::stdout_colour()));
            output::result(&summary(arguments.specs.len(), errors, warnings));
        }
        Format::Json => output::result(&format!("{:#}\n", render::json(&diagnostics))),
        Format::Github => output::told(&render::github(&diagnostics)),
        Format::Sarif => output::result(&format!("{:#}\n", render::sarif(&diagnostics, env!("CARGO_PKG_VERSION")))),
    }
    let bad = errors > 0 || (arguments.strict && warnings > 0);
    Ok(if bad { End::Invalid } else { End::Complete })
}

fn explain(code: &str) -> Result<End, Failure> {
    let Some(code) = Code::named(code) else {
        let names = Code::ALL.iter().map(|code| code.name());
        let hint = match engine_spec::suggest::nearest(code, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "schema/codes.md lists all codes".to_owned(),
        };
        return Err(Failure::usage(format!("there is no code `{code}`")).hint(hint));
    };
    output::result(&format!("{}: {}\n", code.name(), code.explanation()));
    if let Some(explained) = code.explained() {
        output::result(&format!("\n{}\n", explained.meaning));
        for (heading, example) in [("Wrong", explained.wrong), ("Right", explained.right)] {
            let lines: String = example.text.lines().map(|line| format!("  {line}\n")).collect();
            output::result(&format!("\n{heading}, {}:\n\n{lines}", example.place_in_words()));
        }
    }
    Ok(End::Complete)
}

fn summary(specs: usize, errors: usize, warnings: usize) -> String {
    let count = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match (errors, warnings) {
        (0, 0) => format!("{}: no faults\n", count(specs, "spec")),
        _ => format!("{}: {}, {}\n", count(specs, "spec"), count(errors, "error"), count(warnings, "warning")),
    }
}
