//! `engine schema`: the JSON Schema of the language, and the files made from the engine's types.

use std::path::{Path, PathBuf};

use clap::Args;
use engine_spec::{reference, schema};

use crate::exit::{End, Failure};
use crate::output;

/// Print the JSON Schema of the spec language
#[derive(Args)]
pub struct Arguments {
    /// Write the schemas, the reference and the list of codes into a folder
    #[arg(long, value_name = "DIR", conflicts_with = "check")]
    write: Option<PathBuf>,
    /// Fail where the files of a folder are not what `--write` would write
    #[arg(long, value_name = "DIR")]
    check: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    if let Some(folder) = &arguments.write {
        for (name, text) in files() {
            output::file(&folder.join(name), &text)?;
        }
        return Ok(End::Complete);
    }
    if let Some(folder) = &arguments.check {
        return check(folder);
    }
    output::result(&pretty(&schema::file_schema()));
    Ok(End::Complete)
}

fn files() -> Vec<(&'static str, String)> {
    vec![
        ("spec.schema.json", pretty(&schema::file_schema())),
        ("fragment.schema.json", pretty(&schema::fragment_file_schema())),
        ("report.schema.json", pretty(&engine_model::report::schema())),
        ("reference.md", reference::reference()),
        ("codes.md", reference::codes()),
    ]
}

fn check(folder: &Path) -> Result<End, Failure> {
    let files: Vec<(PathBuf, String)> = files().into_iter().map(|(name, text)| (folder.join(name), text)).collect();
    let stale = output::stale(&files);
    if stale.is_empty() {
        return Ok(End::Complete);
    }
    Err(Failure::new(format!("not up to date: {}", stale.join(", ")))
        .hint(format!("run `engine schema --write {}`", folder.display())))
}

fn pretty(schema: &serde_json::Value) -> String {
    format!("{schema:#}\n")
}
