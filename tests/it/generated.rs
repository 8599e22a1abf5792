//! Files that are made from the code are as the code makes them now.

use crate::support::{engine, root};

#[test]
fn the_generated_files_are_up_to_date() {
    let run = engine(["schema", "--check", "schema"]).run();
    assert_eq!(run.status, 0, "{run}");
}

#[test]
fn the_setup_pages_and_the_table_of_connectors_are_up_to_date() {
    let specs = crate::docs::shipped();
    let run = engine(["docs", "--check", "--out", "specs/docs", "--table", "specs/README.md"]).with(&specs).run();
    assert_eq!(run.status, 0, "{run}");
    let pages = std::fs::read_dir(root().join("specs/docs")).unwrap().count();
    assert_eq!(pages, specs.len(), "a page in specs/docs belongs to no spec");
}
