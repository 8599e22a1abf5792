//! `engine docs`: the setup page of a connector, and the table of many.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use engine_spec::manual::{self, END, Entry, START, Setting};
use engine_spec::plan::Plan;

use crate::exit::{End, Failure};
use crate::{output, session};

/// Write a connector's setup page from its spec
///
/// The page says what the connector reads and changes, which credentials it needs and where to get
/// them, which variables hold them, and how it is run from a shell, in Docker and in Kubernetes.
#[derive(Args)]
#[command(after_help = "Without --out, the page of one spec goes to standard output.

Examples:
  engine docs specs/acme.yaml
  engine docs specs/*.yaml --out specs/docs --table specs/README.md
  engine docs specs/*.yaml --out specs/docs --table specs/README.md --check")]
pub struct Arguments {
    /// The specs
    #[arg(required = true, value_name = "SPEC")]
    specs: Vec<PathBuf>,
    /// Write the page into this file, if it ends in .md, or the page of each spec into this folder,
    /// as ID.md
    #[arg(long, value_name = "FILE|DIR")]
    out: Option<PathBuf>,
    /// Put a table of the specs into this page, between its two marked lines
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
    /// Write nothing, and fail where a file is not what would be written
    #[arg(long)]
    check: bool,
    /// The container image that the page names
    #[arg(long, value_name = "NAME", default_value = "engine")]
    image: String,
}

/// A spec with its plan and the file of its page.
struct Connector<'a> {
    spec: &'a Path,
    plan: Arc<Plan>,
    page: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    if arguments.check && arguments.out.is_none() && arguments.table.is_none() {
        return Err(Failure::usage("`--check` has nothing to check").hint("name the files: `--out`, `--table`"));
    }
    let connectors = connectors(arguments)?;
    if arguments.out.is_none() && arguments.table.is_none() {
        let [connector] = connectors.as_slice() else {
            return Err(Failure::usage("several pages do not go to standard output")
                .hint("name a folder for them: `--out DIR`"));
        };
        output::result(&page(connector, arguments));
        return Ok(End::Complete);
    }
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    for connector in &connectors {
        if let Some(file) = &connector.page {
            files.push((file.clone(), page(connector, arguments)));
        }
    }
    if let Some(file) = &arguments.table {
        files.push((file.clone(), table(file, &connectors)?));
    }
    if arguments.check { check(&files, arguments) } else { write(&files) }
}

fn connectors(arguments: &Arguments) -> Result<Vec<Connector<'_>>, Failure> {
    let mut connectors: Vec<Connector<'_>> = Vec::new();
    for spec in &arguments.specs {
        let plan = session::load(spec)?;
        let page = arguments.out.as_deref().map(|out| place(out, &plan));
        let same = connectors.iter().find(|other| page.is_some() && other.page == page);
        if let Some(other) = same {
            let (one, two) = (other.spec.display(), spec.display());
            return Err(Failure::usage(format!("the pages of {one} and {two} would be the same file"))
                .hint("name a folder, and give each spec an id of its own"));
        }
        connectors.push(Connector { spec, plan, page });
    }
    Ok(connectors)
}

/// The file of a page: `--out` itself, or one in it.
fn place(out: &Path, plan: &Plan) -> PathBuf {
    if is_file(out) { out.to_owned() } else { out.join(format!("{}.md", plan.id)) }
}

fn is_file(out: &Path) -> bool {
    out.extension().is_some_and(|extension| extension == "md") && !out.is_dir()
}

fn page(connector: &Connector<'_>, arguments: &Arguments) -> String {
    let spec = connector.spec.to_string_lossy();
    manual::page(&connector.plan, &Setting { spec: &spec, image: &arguments.image })
}

/// The page that holds the table, with the table as it is now.
fn table(file: &Path, connectors: &[Connector<'_>]) -> Result<String, Failure> {
    let shown = file.display();
    let text =
        std::fs::read_to_string(file).map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let links: Vec<(String, Option<String>)> = connectors
        .iter()
        .map(|connector| (link(folder, connector.spec), connector.page.as_deref().map(|page| link(folder, page))))
        .collect();
    let entries: Vec<Entry<'_>> = connectors
        .iter()
        .zip(&links)
        .map(|(connector, (spec, page))| Entry { plan: &connector.plan, spec, page: page.as_deref() })
        .collect();
    manual::placed(&text, &manual::overview(&entries)).ok_or_else(|| {
        Failure::usage(format!("{shown} has no place for the table"))
            .hint(format!("put these two lines where it is to stand: {START} and {END}"))
    })
}

/// How a page in a folder links to a file.
fn link(folder: &Path, file: &Path) -> String {
    let plain = |path: &Path| -> Vec<String> {
        let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
        parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
    };
    let (from, to) = (plain(folder), plain(file));
    let shared = from.iter().zip(&to).take_while(|(one, two)| one == two).count();
    let up = from.iter().skip(shared).map(|_| "..".to_owned());
    up.chain(to.into_iter().skip(shared)).collect::<Vec<_>>().join("/")
}

fn write(files: &[(PathBuf, String)]) -> Result<End, Failure> {
    for (file, text) in files {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|error| Failure::new(format!("cannot make the folder {}: {error}", folder.display())))?;
        }
        output::file(file, text)?;
        output::note(&format!("wrote {}", file.display()));
    }
    Ok(End::Complete)
}

fn check(files: &[(PathBuf, String)], arguments: &Arguments) -> Result<End, Failure> {
    let stale = output::stale(files);
    if stale.is_empty() {
        return Ok(End::Complete);
    }
    let option = |name: &str, path: &Option<PathBuf>| {
        path.as_ref().map(|path| format!(" {name} {}", path.display())).unwrap_or_default()
    };
    let specs: Vec<String> = arguments.specs.iter().map(|spec| spec.display().to_string()).collect();
    let (out, table) = (option("--out", &arguments.out), option("--table", &arguments.table));
    let command = format!("engine docs {}{out}{table}", specs.join(" "));
    Err(Failure::new(format!("not up to date: {}", stale.join(", "))).hint(format!("run `{command}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_from_the_page_to_the_file() {
        let link = |folder: &str, file: &str| link(Path::new(folder), Path::new(file));
        assert_eq!(link("specs", "specs/acme.yaml"), "acme.yaml");
        assert_eq!(link("specs", "./specs/docs/acme.md"), "docs/acme.md");
        assert_eq!(link("", "specs/acme.yaml"), "specs/acme.yaml");
        assert_eq!(link("docs/pages", "specs/acme.yaml"), "../../specs/acme.yaml");
    }
}
