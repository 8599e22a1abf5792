//! Broken specs: every file of `tests/invalid` has one mistake. Its first line says which code is
//! reported, and where; the whole report of all of them is a snapshot beside them. Those of
//! `tests/invalid/several` have more than one, and a line for each.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use engine_spec::check::compile;
use engine_spec::diagnostic::{Code, Diagnostics, Severity};
use engine_spec::render;
use engine_spec::resolve::Fragments;

/// The fragments of this folder, and those that come with the engine.
struct Folders;

impl Fragments for Folders {
    fn find(&self, name: &str) -> Option<(String, String)> {
        let file = format!("{name}.yaml");
        let folders = [folder().join("fragments"), folder().join("../../specs/fragments")];
        let text = folders.iter().find_map(|folder| std::fs::read_to_string(folder.join(&file)).ok())?;
        Some((file, text))
    }

    fn names(&self) -> Vec<String> {
        vec!["scim2".to_owned()]
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("invalid")
}

/// The broken specs of a folder by file name.
fn specs_in(folder: &Path) -> Vec<(String, String)> {
    let mut specs: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    specs.sort();
    specs
}

/// The specs with one mistake.
fn specs() -> Vec<(String, String)> {
    specs_in(&folder())
}

/// What the first line expects: a code, and `line:column` of the spec or `file:line:column`.
fn expected<'t>(name: &str, text: &'t str) -> Result<(Code, &'t str), String> {
    let line = text.lines().next().unwrap_or_default();
    let (code, place) = line
        .strip_prefix("# expect: ")
        .and_then(|rest| rest.split_once(' '))
        .ok_or_else(|| format!("{name}: the first line is not `# expect: CODE LINE:COLUMN`"))?;
    let code = Code::named(code).ok_or_else(|| format!("{name}: there is no code `{code}`"))?;
    Ok((code, place))
}

/// The code and the place of each fault.
fn told(name: &str, diagnostics: &Diagnostics) -> Vec<String> {
    let sorted = diagnostics.sorted().into_iter();
    let told = sorted.map(|diagnostic| {
        let source = &diagnostics.sources[diagnostic.place.source];
        let (line, column) = source.position(diagnostic.place.range.start);
        let file = if &*source.name == name { String::new() } else { format!("{}:", source.name) };
        format!("{} {file}{line}:{column}", diagnostic.code.name())
    });
    told.collect()
}

/// What is wrong with the report on a spec, and the report.
fn judged(name: &str, text: &str) -> (Result<Code, String>, String) {
    let mut diagnostics = Diagnostics::default();
    let plan = compile(name, text, &Folders, &mut diagnostics);
    let report = render::human(&diagnostics, false);
    let told = told(name, &diagnostics);
    let verdict = expected(name, text).and_then(|(code, place)| {
        if told != [format!("{} {place}", code.name())] {
            return Err(format!("{name}: expected {} {place}, and told is {told:?}\n{report}", code.name()));
        }
        if plan.is_some() != (code.severity() == Severity::Warning) {
            return Err(format!("{name}: a plan comes of a spec with errors, and of no other"));
        }
        Ok(code)
    });
    (verdict, report)
}

#[test]
fn each_mistake_is_told_once_with_its_code_at_its_place() {
    let specs = specs();
    assert!(specs.len() >= 100, "only {} broken specs were found", specs.len());
    let wrong: Vec<String> = specs.iter().filter_map(|(name, text)| judged(name, text).0.err()).collect();
    assert!(wrong.is_empty(), "{} of {} specs:\n{}", wrong.len(), specs.len(), wrong.join("\n"));
}

#[test]
fn what_is_told_of_each_mistake_is_what_was_reviewed() {
    let mut whole = String::new();
    for (name, text) in specs() {
        let (_, report) = judged(&name, &text);
        writeln!(whole, "──── {}\n{report}", name.trim_end_matches(".yaml")).unwrap();
    }
    insta::with_settings!({ snapshot_path => "../invalid/snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("reports", whole);
    });
}

#[test]
fn all_mistakes_of_a_spec_are_told_in_one_run_and_nothing_that_follows_from_them() {
    for (name, text) in specs_in(&folder().join("several")) {
        let expected: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("# expect: ")).collect();
        assert!(expected.len() > 1, "{name} has fewer than two mistakes");
        let mut diagnostics = Diagnostics::default();
        let plan = compile(&name, &text, &Folders, &mut diagnostics);
        let told = told(&name, &diagnostics);
        assert_eq!(told, expected, "{name}:\n{}", render::human(&diagnostics, false));
        assert!(plan.is_none(), "{name}");
    }
}

#[test]
fn every_code_has_a_broken_spec() {
    let shown: BTreeSet<&str> =
        specs().iter().filter_map(|(name, text)| expected(name, text).ok()).map(|(code, _)| code.name()).collect();
    let missing: Vec<&str> = Code::ALL.iter().map(|code| code.name()).filter(|name| !shown.contains(name)).collect();
    assert!(missing.is_empty(), "no broken spec shows {}", missing.join(", "));
}
