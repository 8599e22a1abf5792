//! Services that are changed by writing whole documents back: what else is in a document stays, in
//! its order; work that takes its time; and memberships behind GraphQL.

use serde_json::{Value as Json, json};

use super::desk::{Desk, assert_already, assert_done_once, assert_ends, assert_says, made};
use crate::support::directory::Directory;
use crate::support::directory::lists::{Lists, Versions, Work};

fn start() -> Directory<Lists> {
    let roles = json!([
        { "role_id": 4, "assignment_scope": "specified_groups", "groups": [7, 8] },
        { "role_id": 5, "assignment_scope": "entire_helpdesk" },
    ]);
    let lists = Lists::new()
        .with_user(1, "Ada")
        .with_user(2, "Bob")
        .with_group(7, "Night shift", &[9, 1, 3])
        .with_agent(41, "Ada", roles)
        .with_team("t1", "Harbor")
        .with_membership("m1", "t1", 1);
    Directory::start(lists)
}

fn group(directory: &Directory<Lists>) -> Json {
    directory.state().group(7).unwrap().clone()
}

#[test]
fn a_member_comes_and_goes_and_all_else_in_the_group_stays() {
    let directory = start();
    let desk = Desk::roster("", &directory);
    let before = group(&directory);
    assert_done_once(&desk, &directory, "grant group:7:member user:2");
    let mut expected = before.clone();
    expected["members"] = json!([9, 1, 3, 2]);
    assert_eq!(group(&directory), expected);
    assert_done_once(&desk, &directory, "revoke group:7:member user:2");
    assert_eq!(group(&directory), before);
    assert_done_once(&desk, &directory, "revoke group:7:member user:1");
    assert_eq!(directory.state().members(7), [9, 3]);
}

#[test]
fn a_group_is_renamed_and_deleted_with_versions() {
    for (versions, said) in [
        (Versions::Header, "version: { of: { header: ETag }, send: { header: If-Match } }"),
        (Versions::Field, "version: { of: { field: $.version } }"),
    ] {
        let directory = start();
        directory.change(|lists| lists.versions = versions);
        let desk = Desk::roster(said, &directory);
        let mut expected = group(&directory);
        expected["name"] = json!("Day shift");
        assert_done_once(&desk, &directory, "account update group:7 --input name=Day~shift");
        assert_eq!(group(&directory), expected);
        assert_done_once(&desk, &directory, "account delete --yes group:7");
        assert!(directory.state().group(7).is_none());
    }
}

#[test]
fn a_group_is_made_and_known_by_the_id_in_the_answer() {
    let directory = start();
    let desk = Desk::roster("", &directory);
    let run = assert_ends(&desk, "account create --type group --input name=Watch", "done", 0);
    assert_eq!(run.stdout, "done group:9001 Watch\n");
    assert_eq!(directory.state().group(9001).unwrap()["name"], "Watch");
    assert_done_once(&desk, &directory, &format!("account delete --yes group:{}", made(&run)));
}

#[test]
fn an_agent_gets_a_role_and_keeps_what_the_others_hold() {
    let directory = start();
    let desk = Desk::roster("", &directory);
    let agent = || directory.state().agent(41).unwrap().clone();
    let before = agent();
    assert_done_once(&desk, &directory, "grant role:6:assigned agent:41");
    let mut expected = before.clone();
    expected["roles"].as_array_mut().unwrap().push(json!({ "role_id": 6, "assignment_scope": "assigned_items" }));
    assert_eq!(agent(), expected);
    assert_done_once(&desk, &directory, "revoke role:6:assigned agent:41");
    assert_eq!(agent(), before);
    assert_done_once(&desk, &directory, "revoke role:5:assigned agent:41");
    assert_eq!(agent()["roles"], json!([before["roles"][0]]));
}

/// What is said of a write that is carried out later.
const WAIT: &str = "wait:
                while: body.operation.status == 'running'
                get: /operations/{{ first.operation.id }}
                every: 50ms
                for: 1s
              outcomes:
                - { when: body.operation.status == 'failed', is: failed, say: the group is locked by a rule }";

#[test]
fn work_that_takes_its_time_is_waited_for() {
    let directory = start();
    let desk = Desk::roster_like(|text| text.replace("# then", WAIT), &directory);
    directory.change(|lists| lists.work = Some(Work { running: 3, fails: false }));
    assert_done_once(&desk, &directory, "grant group:7:member user:2");
    assert_eq!(directory.state().members(7), [9, 1, 3, 2]);

    directory.change(|lists| lists.work = Some(Work { running: 1, fails: true }));
    let run = assert_ends(&desk, "revoke group:7:member user:2", "failed", 1);
    assert_says(&run, &["the group is locked by a rule"]);
    assert_eq!(directory.state().members(7), [9, 1, 3, 2]);

    directory.forget();
    directory.change(|lists| lists.work = Some(Work { running: 1000, fails: false }));
    let run = assert_ends(&desk, "revoke group:7:member user:2", "pending", 3);
    assert_says(&run, &["the vendor was not through after 1 seconds"]);
    assert_eq!(directory.write_lines(), ["PUT /groups/7"]);
}

#[test]
fn graphql_changes_memberships_by_their_ids() {
    let directory = start();
    let desk = Desk::roster("", &directory);
    assert_done_once(&desk, &directory, "grant team:t1:member user:2");
    assert_eq!(directory.state().team_members("t1").len(), 2);
    assert_done_once(&desk, &directory, "revoke team:t1:member user:1");
    let left = directory.state().team_members("t1");
    assert_eq!(left, [("membership-1".to_owned(), "2".to_owned())]);
}

#[test]
fn graphql_says_with_200_that_it_did_nothing() {
    let directory = start();
    let desk = Desk::roster("", &directory);
    let run = assert_ends(&desk, "grant team:t1:member user:99", "failed", 1);
    assert_says(&run, &["ENTITY_NOT_FOUND", "User 99"]);
    directory.change(|lists| lists.quiet_failures = true);
    let run = assert_ends(&desk, "grant team:t1:member user:99", "failed", 1);
    assert_says(&run, &["reading back shows otherwise", "the grant is not there"]);
    assert_already(&desk, &directory, "revoke team:t1:member user:99");
}
