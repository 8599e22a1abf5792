//! Answers that are not so, and answers that are not so yet: reading back finds out.

use std::time::{Duration, Instant};

use super::desk::{Desk, assert_already, assert_ends, assert_says};
use crate::support::directory::Directory;
use crate::support::directory::lists::Lists;
use crate::support::directory::scim::{Dialect, Patch, Scim};

const OTHERWISE: &str = "the vendor said that it was done, and reading back shows otherwise";

fn start(dialect: Dialect) -> Directory<Scim> {
    let scim = Scim::new(dialect).with_user("u1", "ada@guild.example").with_user("u2", "bob@guild.example").with_group(
        "g1",
        "Staff",
        &["u1"],
    );
    Directory::start(scim)
}

/// A desk that looks again for as long as it takes.
fn patient(options: &str, directory: &Directory<Scim>) -> Desk {
    let options = format!("page_size: 50, {options}");
    Desk::guild_like(|text| text.replace("for: 300ms", "for: 30s").replace("page_size: 50", &options), directory)
}

#[test]
fn an_answer_that_changed_nothing_is_a_failure() {
    let directory = start(Dialect::default());
    directory.change(|scim| {
        let mut user = scim.user("u2").unwrap().clone();
        user["active"] = false.into();
        scim.put_user(user);
    });
    directory.arm(directory.on("*", "/scim/v2/*").when(|request| request.method != "GET").always().pretends());
    directory.arm(directory.on("*", "/scim/v2/*/*").when(|request| request.method != "GET").always().pretends());
    let desk = Desk::guild("patch_ops: add", &directory);
    for (line, found) in [
        ("account create --input user_name=cy@guild.example", "is not there"),
        ("account update user:u1 --input given_name=Ada", "given_name is nothing"),
        ("account disable user:u1", "its status is enabled"),
        ("account enable user:u2", "its status is disabled"),
        ("account delete --yes user:u1", "it is still there"),
        ("account delete --yes group:g1", "it is still there"),
        ("grant group:g1:member user:u2", "the grant is not there"),
        ("revoke group:g1:member user:u1", "the grant is still there"),
    ] {
        directory.forget();
        let run = assert_ends(&desk, line, "failed", 1);
        assert_says(&run, &[OTHERWISE, found]);
        assert_eq!(directory.writes().len(), 1, "{line}");
    }
}

#[test]
fn an_edit_that_changed_nothing_is_a_failure() {
    let directory = Directory::start(Lists::new().with_user(2, "Bob").with_group(7, "Night shift", &[1]));
    directory.arm(directory.on("PUT", "/groups/7").always().pretends());
    let desk = Desk::roster("", &directory);
    let run = assert_ends(&desk, "grant group:7:member user:2", "failed", 1);
    assert_says(&run, &[OTHERWISE]);
    assert!(!run.stderr.contains("someone else"), "nobody else changed anything: {run}");
    assert_eq!(directory.state().members(7), [1]);
}

#[test]
fn a_change_that_shows_late_is_waited_for() {
    let directory = start(Dialect { stale_reads: 3, ..Dialect::default() });
    let desk = patient("patch_ops: add", &directory);
    for line in [
        "account create --input user_name=cy@guild.example",
        "account update user:u1 --input given_name=Ada",
        "account disable user:u1",
        "account enable user:u1",
        "grant group:g1:member user:u2",
        "revoke group:g1:member user:u2",
        "account delete --yes user:u1",
    ] {
        directory.forget();
        assert_ends(&desk, line, "done", 0);
        assert_eq!(directory.writes().len(), 1, "{line}");
    }
    assert_already(&desk, &directory, "account delete --yes user:u1");
}

#[test]
fn an_edit_that_shows_late_is_waited_for_and_written_once() {
    let directory = start(Dialect { stale_reads: 3, patch: Patch::Unsupported, ..Dialect::default() });
    let desk = patient("group_changes: put, user_updates: put, active_form: put", &directory);
    for line in ["grant group:g1:member user:u2", "account disable user:u1"] {
        directory.forget();
        assert_ends(&desk, line, "done", 0);
        assert_eq!(directory.writes().len(), 1, "{line}");
    }
    assert_eq!(directory.state().members("g1"), ["u1", "u2"]);
}

#[test]
fn a_change_may_be_pending_or_believed() {
    let directory = start(Dialect::default());
    directory.arm(directory.on("PATCH", "/scim/v2/Groups/g1").always().pretends());
    let line = "grant group:g1:member user:u2";
    let patient =
        |text: String| text.replace("grant: { verify: { for: 300ms,", "grant: { verify: { for: 100ms, else: pending,");
    let run = assert_ends(&Desk::guild_like(patient, &directory), line, "pending", 3);
    assert_says(&run, &["it does not show yet"]);
    let believing =
        |text: String| text.replace("grant: { verify: { for: 300ms, every: 20ms } }", "grant: { verify: none }");
    assert_ends(&Desk::guild_like(believing, &directory), line, "done", 0);
}

#[test]
fn an_edit_is_verified_as_the_spec_says() {
    let directory = Directory::start(Lists::new().with_user(2, "Bob").with_group(7, "Night shift", &[1]));
    directory.arm(directory.on("PUT", "/groups/7").always().pretends());
    let line = "grant group:7:member user:2";
    let begun = Instant::now();
    let patient = |text: String| text.replace("for: 300ms", "for: 300ms, else: pending");
    assert_ends(&Desk::roster_like(patient, &directory), line, "pending", 3);
    let believing = |text: String| text.replace("verify: { for: 300ms, every: 20ms }", "verify: none");
    assert_ends(&Desk::roster_like(believing, &directory), line, "done", 0);
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
}
