//! What must be said before anything is asked: that changes are allowed, and that what is destroyed
//! may be destroyed.

use super::desk::{Desk, assert_says, ended};
use crate::support::directory::Directory;
use crate::support::directory::lists::Lists;

fn start() -> (Directory<Lists>, Desk) {
    let directory = Directory::start(Lists::new().with_user(2, "Bob").with_group(7, "Night shift", &[1]));
    let desk = Desk::roster("", &directory);
    (directory, desk)
}

const LINES: [&str; 6] = [
    "account create --type group --input name=Watch",
    "account update group:7 --input name=Watch",
    "account delete --yes group:7",
    "grant group:7:member user:2",
    "revoke group:7:member user:1",
    "action rename --on group:7 --input name=Watch",
];

#[test]
fn without_permission_nothing_is_asked() {
    let (directory, desk) = start();
    let refused = |desk: &Desk, line: &str| {
        let run = desk.run(line);
        assert_eq!((run.stdout.as_str(), run.status), ("", 2), "{line}: {run}");
        assert_says(&run, &["changes are not allowed", "--provisioning", "BATON_PROVISIONING=true", "--plan"]);
    };
    LINES.iter().for_each(|line| refused(&desk, line));
    refused(&desk.knowing("BATON_PROVISIONING", "false"), LINES[0]);
    assert!(directory.requests().is_empty());
}

#[test]
fn the_variable_allows_it_too() {
    let (directory, desk) = start();
    let desk = desk.knowing("BATON_PROVISIONING", "true");
    let run = desk.run("grant group:7:member user:2");
    assert_eq!(ended(&run), ("done", 0), "{run}");
    assert_eq!(directory.state().members(7), [1, 2]);
}

#[test]
fn nothing_is_destroyed_unasked() {
    let (directory, desk) = start();
    for line in ["account delete group:7", "action empty --on group:7"] {
        let run = desk.does(line);
        assert_eq!((run.stdout.as_str(), run.status), ("", 2), "{line}: {run}");
        assert_says(&run, &["needs a yes", "say `--yes`"]);
    }
    assert!(directory.requests().is_empty());
    let run = desk.does("action empty --on group:7 --yes");
    assert_eq!(ended(&run), ("done", 0), "{run}");
    assert!(directory.state().members(7).is_empty());
    let run = desk.run("account delete group:7 --plan");
    assert_eq!(run.status, 0, "a plan destroys nothing: {run}");
    assert!(directory.state().group(7).is_some());
}
