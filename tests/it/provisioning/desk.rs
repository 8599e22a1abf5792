//! A folder with a spec, from which commands go to a vendor, and what is expected of how they end.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::support::directory::fivetran::{self, Fivetran};
use crate::support::directory::lists::Lists;
use crate::support::directory::scim::Scim;
use crate::support::directory::{Directory, Service, TOKEN};
use crate::support::{Engine, Run, engine, folder, root};

/// A folder with a spec.
pub struct Desk {
    folder: tempfile::TempDir,
    spec: PathBuf,
    variables: Vec<(String, OsString)>,
}

impl Desk {
    /// For a spec of the workspace.
    pub fn of(spec: &str) -> Self {
        Self { folder: folder(), spec: root().join(spec), variables: Vec::new() }
    }

    /// For the text of a spec.
    pub fn with(text: &str) -> Self {
        let folder = folder();
        let spec = folder.path().join("spec.yaml");
        std::fs::write(&spec, text).unwrap();
        Self { folder, spec, variables: Vec::new() }
    }

    /// For SCIM with options of the fragment, such as `patch_ops: Add`.
    pub fn guild(options: &str, directory: &Directory<Scim>) -> Self {
        Self::guild_like(|text| text.replace("page_size: 50", &format!("page_size: 50, {options}")), directory)
    }

    /// For SCIM by a spec with something changed.
    pub fn guild_like(change: impl FnOnce(String) -> String, directory: &Directory<Scim>) -> Self {
        Self::guild_at(change, &directory.url())
    }

    /// For SCIM at an address by a spec with something changed.
    pub fn guild_at(change: impl FnOnce(String) -> String, url: &str) -> Self {
        Self::with(&change(include_str!("guild.yaml").to_owned()))
            .knowing("BATON_GUILD_BASE_URL", format!("{url}/scim/v2"))
            .knowing("BATON_GUILD_TOKEN", TOKEN)
    }

    /// For the service of whole lists; `version` is how an edit notices a lost update.
    pub fn roster(version: &str, directory: &Directory<Lists>) -> Self {
        Self::roster_like(|text| text.replace("# version", version), directory)
    }

    /// For the service of whole lists by a spec with something changed.
    pub fn roster_like(change: impl FnOnce(String) -> String, directory: &Directory<Lists>) -> Self {
        Self::with(&change(include_str!("roster.yaml").to_owned()))
            .knowing("BATON_ROSTER_BASE_URL", directory.url())
            .knowing("BATON_ROSTER_TOKEN", TOKEN)
    }

    /// For Fivetran.
    pub fn fivetran(directory: &Directory<Fivetran>) -> Self {
        Self::of("specs/fivetran.yaml")
            .knowing("BATON_FIVETRAN_BASE_URL", directory.url())
            .knowing("BATON_FIVETRAN_API_KEY", fivetran::KEY)
            .knowing("BATON_FIVETRAN_API_SECRET", fivetran::SECRET)
    }

    /// With a variable of the environment.
    pub fn knowing(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// The path of a file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command line, split at blanks, without permission to change anything; `~` is a blank that
    /// does not split.
    pub fn engine(&self, line: &str) -> Engine {
        let engine = engine(line.split(' ').map(|word| word.replace('~', " ")))
            .with(["--spec"])
            .with([&self.spec])
            .within(self.folder.path());
        self.variables.iter().fold(engine, |engine, (name, value)| engine.env(name, value))
    }

    /// Runs a line without permission to change anything.
    pub fn run(&self, line: &str) -> Run {
        self.engine(line).run()
    }

    /// Runs a line with permission.
    pub fn does(&self, line: &str) -> Run {
        self.engine(line).with(["--provisioning"]).run()
    }
}

/// The word on standard output, and the exit status.
pub fn ended(run: &Run) -> (&str, i32) {
    (run.stdout.split_whitespace().next().unwrap_or_default(), run.status)
}

/// The id of the resource that a line of standard output names.
pub fn made(run: &Run) -> String {
    let resource = run.stdout.split_whitespace().nth(1).unwrap_or_else(|| panic!("nothing was made: {run}"));
    resource.split_once(':').unwrap_or_else(|| panic!("`{resource}` is no resource: {run}")).1.to_owned()
}

/// Runs a line, which ends with a word and a status.
#[track_caller]
pub fn assert_ends(desk: &Desk, line: &str, word: &str, status: i32) -> Run {
    let run = desk.does(line);
    assert_eq!(ended(&run), (word, status), "{line}: {run}");
    run
}

/// A line is done with a number of writes; again it is `already`, and nothing is written.
#[track_caller]
pub fn assert_done_once<S: Service>(desk: &Desk, directory: &Directory<S>, line: &str) -> Run {
    directory.forget();
    let run = assert_ends(desk, line, "done", 0);
    assert!(!directory.writes().is_empty(), "{line} wrote nothing: {run}");
    assert_already(desk, directory, line);
    run
}

/// A line is `already`, and nothing is written.
#[track_caller]
pub fn assert_already<S: Service>(desk: &Desk, directory: &Directory<S>, line: &str) {
    directory.forget();
    let run = assert_ends(desk, line, "already", 0);
    assert!(directory.writes().is_empty(), "{line}: {:?}: {run}", directory.write_lines());
}

/// Standard error holds each of some texts.
#[track_caller]
pub fn assert_says(run: &Run, texts: &[&str]) {
    for text in texts {
        assert!(run.stderr.contains(text), "`{text}` is not said: {run}");
    }
}
