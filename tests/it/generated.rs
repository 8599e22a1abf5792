//! Files that are made from the code are as the code makes them now.

use crate::support::engine;

#[test]
fn the_generated_files_are_up_to_date() {
    let run = engine(["schema", "--check", "schema"]).run();
    assert_eq!(run.status, 0, "{run}");
}
