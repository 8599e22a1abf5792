//! What reviewers are told of specs: how they resolve, what a sync of them costs, and what a change
//! of them changes; over every spec of the repository.

mod commands;
mod compared;
mod counted;
mod resolved;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use engine_review::resolved::Explained;
use engine_spec::check;
use engine_spec::diagnostic::Diagnostics;
use engine_spec::plan::Plan;
use engine_spec::render;
use engine_spec::resolve::{self, Fragments};
use regex::Regex;
use serde_json::Value as Json;

use crate::support::root;

/// The fragments beside a spec, and those of the repository.
struct Beside(PathBuf);

impl Fragments for Beside {
    fn find(&self, name: &str) -> Option<(String, String)> {
        let folders = [self.0.join("fragments"), root().join("specs/fragments")];
        let text =
            folders.iter().find_map(|folder| std::fs::read_to_string(folder.join(format!("{name}.yaml"))).ok())?;
        Some((format!("fragments/{name}.yaml"), text))
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The text of a spec with the folder that its fragments are beside.
struct Text {
    name: String,
    folder: PathBuf,
    text: String,
}

impl Text {
    fn of(name: &str) -> Self {
        let path = root().join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        Self { name: name.to_owned(), folder: path.parent().unwrap().to_owned(), text }
    }

    fn fragments(&self) -> Beside {
        Beside(self.folder.clone())
    }

    fn compiled(&self, text: &str) -> Option<Plan> {
        check::compile(&self.name, text, &self.fragments(), &mut Diagnostics::default())
    }

    fn plan(&self) -> Plan {
        let mut diagnostics = Diagnostics::default();
        let plan = check::compile(&self.name, &self.text, &self.fragments(), &mut diagnostics);
        plan.unwrap_or_else(|| panic!("{}", render::human(&diagnostics, false)))
    }

    /// The spec over its fragment, as a tree that needs no fragment.
    fn whole(&self) -> Json {
        let resolved = resolve::resolve(&self.name, &self.text, &self.fragments(), &mut Diagnostics::default());
        let mut value = resolved.unwrap().value;
        value.as_object_mut().unwrap().remove("use");
        value
    }

    fn explained(&self, plan: &Plan) -> Explained {
        let mut diagnostics = Diagnostics::default();
        let resolved = resolve::resolve(&self.name, &self.text, &self.fragments(), &mut diagnostics).unwrap();
        engine_review::resolved::explain(&resolved, &diagnostics.sources, plan, &[])
    }
}

/// Every spec of the repository.
fn specs() -> Vec<Text> {
    let mut names = Vec::new();
    for folder in ["specs", "tests/hard", "tests/behaviour"] {
        let entries = std::fs::read_dir(root().join(folder)).unwrap();
        let files = entries.map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
        names.extend(files.map(|path| format!("{folder}/{}", file_name(&path))));
    }
    names.sort();
    assert!(names.len() > 100, "{names:?}");
    names.iter().map(|name| Text::of(name)).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Everything a plan holds, but for places in texts and numbers that only count.
fn bare(plan: &Plan) -> String {
    static PLACES: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"Site \{ file: "[^"]*", line: \d+, column: \d+ \}|(tracked): \d+"#).unwrap());
    // The number of a path behind the path; a literal holds no such thing.
    static NUMBERS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\}), (?:Some\(\d+\)|None|\d+)\)").unwrap());
    let mut plan = plan.clone();
    plan.canonical.clear();
    plan.tracked_paths.clear();
    plan.tracked_keys.clear();
    let text = format!("{plan:?}");
    let text = PLACES.replace_all(&text, "$1");
    without_repeated_rules(&NUMBERS.replace_all(&text, "$1)"))
}

/// A rule on answers that stands in its list already never decides, and is none.
fn without_repeated_rules(text: &str) -> String {
    const RULE: &str = "StatusRule {";
    let (mut kept, mut rest) = (String::new(), text);
    let mut list: Vec<&str> = Vec::new();
    while let Some(at) = rest.find(RULE) {
        let (before, rule) = rest.split_at(at);
        let (rule, after) = rule.split_at(closing(rule));
        if before != ", " {
            list.clear();
        }
        if !list.contains(&rule) {
            kept.push_str(before);
            kept.push_str(rule);
            list.push(rule);
        }
        rest = after;
    }
    kept + rest
}

/// Where the first brace of a text is closed; braces inside quotes do not count.
fn closing(text: &str) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted && depth == 1 => return at + 1,
            '}' if !quoted => depth -= 1,
            _ => {}
        }
    }
    text.len()
}
