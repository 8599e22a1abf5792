//! `engine diff-spec`: what a changed spec reads, writes and reaches differently.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use engine_json::json;
use engine_review::compare::{self, Way};
use engine_spec::diagnostic::Diagnostics;
use engine_spec::plan::Plan;
use engine_spec::resolve;

use crate::exit::{End, Failure};
use crate::fragment::FragmentFolder;
use crate::{output, session};

/// Show what a changed spec reads, writes and reaches differently
#[derive(Args)]
#[command(after_help = "\
Both specs are compared as resolved: changes of fragments count, comments and quotes do not.\n\
Hosts and credentials come first.\n\
\n\
  engine diff-spec <(git show main:specs/acme.yaml) specs/acme.yaml\n\
\n\
A spec that comes through a pipe takes its fragments from beside the other one; --old-fragments names\n\
the folder of the old ones.\n\
\n\
Exit status: 0 if there is no difference, 1 if there is one, 2 if a spec cannot be read or is not valid.")]
pub struct Arguments {
    /// The spec as it was; `-` reads standard input
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The spec as it is to be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// The folder with the fragments of the old spec
    #[arg(long, value_name = "DIR")]
    old_fragments: Option<PathBuf>,
    /// How differences are shown
    #[arg(short, long, value_enum, default_value_t = Format::Human)]
    output: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Text, the riskiest first
    Human,
    /// One JSON object
    Json,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    let (old, new) = (&arguments.old, &arguments.new);
    let fragments_of_old = match &arguments.old_fragments {
        Some(folder) => FragmentFolder::in_folder(folder.clone()),
        None => FragmentFolder::beside(if is_file(old) { old } else { new }),
    };
    let fragments_of_new = FragmentFolder::beside(if is_file(new) { new } else { old });
    let is_taken = arguments.old_fragments.is_none() && !is_file(old);
    let old = read(old, &fragments_of_old)?;
    let new = read(new, &fragments_of_new)?;
    if let Some(fragment) = old.fragment.filter(|_| is_taken) {
        output::note(&format!(
            "note: the old spec is compared over the fragment `{fragment}` as it is now; `--old-fragments DIR` names older ones"
        ));
    }
    let changes = compare::compare(&old.plan, &new.plan);
    match arguments.output {
        Format::Human => output::result(&compare::human(&changes, output::stdout_colour())),
        Format::Json => {
            let warnings = changes.iter().map(|change| change.warnings.len()).sum::<usize>();
            let count = |way: Way| changes.iter().filter(|change| change.change == way).count();
            let counts = json!({
                "added": count(Way::Added), "removed": count(Way::Removed),
                "changed": count(Way::Changed), "moved": count(Way::Moved), "warnings": warnings,
            });
            let shown = json!({ "old": old.name, "new": new.name, "counts": counts, "changes": changes });
            output::result(&format!("{shown:#}\n"));
        }
    }
    Ok(if changes.is_empty() { End::Complete } else { End::Different })
}

/// One of the two specs.
struct Spec {
    name: String,
    plan: Plan,
    fragment: Option<String>,
}

fn read(path: &Path, fragments: &FragmentFolder) -> Result<Spec, Failure> {
    let name = path.display().to_string();
    let text = if path == Path::new("-") {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        read.map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
        text
    } else {
        session::text(path)?
    };
    let plan = session::compile(&name, &text, fragments)?;
    let resolved = resolve::resolve(&name, &text, fragments, &mut Diagnostics::default());
    Ok(Spec { name, plan, fragment: resolved.and_then(|resolved| resolved.inherited.fragment) })
}

/// Whether a path has a folder of fragments beside it; a pipe has none.
fn is_file(path: &Path) -> bool {
    path.is_file()
}
