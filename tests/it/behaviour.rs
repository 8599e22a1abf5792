//! Every page of `tests/behaviour`: a spec for one feature, what a vendor answers, and the graph
//! that must come of reading it or the outcome of what is done. The product runs them itself, as it
//! runs the cases of a real spec.

use std::path::PathBuf;

use crate::support::{engine, root};

#[test]
fn every_page_of_behaviour_comes_out_as_it_says() {
    let specs = specs();
    let mut arguments = vec!["test".to_owned()];
    arguments.extend(specs.iter().map(|spec| spec.display().to_string()));
    let run = engine(arguments).run();
    assert_eq!(run.status, 0, "{run}");
    assert!(run.stdout.ends_with(" passed, 0 failed\n"), "{run}");
}

#[test]
fn every_page_of_behaviour_has_cases_and_every_case_a_page() {
    let folder = root().join("tests/behaviour");
    for spec in specs() {
        let cases = root().join(&spec).with_extension("");
        assert!(cases.is_dir(), "{} has no cases", spec.display());
    }
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.with_extension("yaml").is_file(), "{} belongs to no page", path.display());
        if !path.is_dir() {
            continue;
        }
        for case in std::fs::read_dir(&path).unwrap() {
            let case = case.unwrap().path();
            assert!(case.with_extension("yaml").is_file(), "{} belongs to no case", case.display());
        }
    }
}

/// The pages, below the top of the workspace.
fn specs() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("tests/behaviour")).unwrap();
    let mut specs: Vec<PathBuf> = entries
        .map(|entry| PathBuf::from("tests/behaviour").join(entry.unwrap().file_name()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    specs.sort();
    assert!(specs.len() > 80, "{} pages", specs.len());
    specs
}
