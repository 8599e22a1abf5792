//! `engine push` against a SCIM service that keeps what it is told.

use serde_json::Value as Json;

use crate::provisioning::desk::Desk;
use crate::support::Reins;
use crate::support::directory::Directory;
use crate::support::directory::scim::{Dialect, Rate, Scim};

const WANTED: &str = "
people:
  - { user_name: ada@acme.example, given_name: Ada, family_name: Byron, groups: [Staff, Research] }
  - { user_name: ben@acme.example, given_name: Ben, family_name: Ode, groups: [Staff], active: true }
  - { user_name: cy@acme.example, given_name: Cy, family_name: Roe, groups: [Staff] }
  - { user_name: dee@acme.example, active: false }
groups:
  - display_name: Staff
  - display_name: Research
";

/// Ada is there with another name, Ben is not active, Cy is not there, Dee has left, Research is
/// not there, and somebody else is in Staff.
fn company() -> Directory<Scim> {
    let directory = Directory::start(
        Scim::new(Dialect::default())
            .with_user("u1", "ada@acme.example")
            .with_user("u2", "ben@acme.example")
            .with_user("u4", "dee@acme.example")
            .with_user("u5", "eve@acme.example")
            .with_group("g1", "Staff", &["u2", "u4", "u5"]),
    );
    directory.change(|scim| {
        let mut ben = scim.user("u2").unwrap().clone();
        ben["active"] = Json::Bool(false);
        scim.put_user(ben);
    });
    directory
}

fn desk(directory: &Directory<Scim>, wanted: &str) -> Desk {
    let desk = Desk::guild("", directory);
    std::fs::write(desk.path("people.yaml"), wanted).unwrap();
    desk
}

/// What everybody is in the end.
#[track_caller]
fn assert_as_wanted(directory: &Directory<Scim>) {
    let scim = directory.state();
    let cy = scim.user_named("cy@acme.example").expect("cy was made")["id"].as_str().unwrap().to_owned();
    let research = scim.group_named("Research").expect("Research was made")["id"].as_str().unwrap().to_owned();
    assert_eq!(scim.user("u1").unwrap()["name"]["familyName"], "Byron");
    assert_eq!(
        (&scim.user("u2").unwrap()["active"], &scim.user("u4").unwrap()["active"]),
        (&Json::Bool(true), &Json::Bool(false))
    );
    let mut staff = scim.members("g1");
    staff.sort();
    let mut expected = vec!["u1".to_owned(), "u2".into(), "u4".into(), "u5".into(), cy];
    expected.sort();
    assert_eq!(staff, expected, "Dee's groups are not spoken of, and Eve is not in the file");
    assert_eq!(scim.members(&research), ["u1"]);
}

#[test]
fn the_second_push_has_nothing_to_change() {
    let directory = company();
    let desk = desk(&directory, WANTED);
    let planned = desk.run("push --from people.yaml --plan --max-deletes 1");
    assert_eq!((planned.status, directory.writes().len()), (0, 0), "{planned}");
    for text in ["create (2)", "user cy@acme.example", "update (", "reactivate (1)", "deactivate (1)", "add member (3)"]
    {
        assert!(planned.stdout.contains(text), "`{text}`: {planned}");
    }
    let first = desk.does("push --from people.yaml --max-deletes 1");
    assert_eq!(first.status, 0, "{first}");
    assert_as_wanted(&directory);
    directory.forget();
    let second = desk.does("push --from people.yaml");
    assert_eq!((second.status, second.stdout.as_str()), (0, "nothing to change\n"), "{second}");
    assert!(directory.writes().is_empty());
}

#[test]
fn the_groups_of_a_person_and_the_members_of_a_group_are_exactly_those() {
    let directory = company();
    let wanted = "
people:
  - { user_name: ben@acme.example, groups: [] }
groups:
  - { display_name: Staff, members: [eve@acme.example, ada@acme.example] }
";
    let desk = desk(&directory, wanted);
    let run = desk.does("push --from people.yaml --max-deletes 100%");
    assert_eq!(run.status, 0, "{run}");
    assert_eq!(directory.state().members("g1"), ["u5", "u1"], "{run}");
    assert!(run.stdout.contains("remove member (2)"), "{run}");
}

#[test]
fn more_is_not_taken_away_than_allowed() {
    let directory = company();
    let desk = desk(&directory, "groups: [{ display_name: Staff, members: [] }]\n");
    let run = desk.does("push --from people.yaml");
    assert_eq!((run.status, directory.writes().len()), (2, 0), "{run}");
    assert!(
        run.stderr.contains("3 of 3 memberships would be removed, which is more than `--max-deletes` allows"),
        "{run}"
    );
    let run = desk.does("push --from people.yaml --max-deletes 3");
    assert_eq!(run.status, 0, "{run}");
    assert!(directory.state().members("g1").is_empty());
}

#[test]
fn nothing_is_taken_away_after_a_read_that_was_not_complete() {
    let directory = company();
    let desk = desk(&directory, "groups: [{ display_name: Staff, members: [] }]\n");
    directory.change(|scim| {
        scim.dialect.listed_members = false;
        scim.put_group(serde_json::json!({ "id": "g2", "displayName": "Ops", "members": [] }));
    });
    directory.arm(directory.on("GET", "/scim/v2/Groups/g2").always().answers(404, &[], Json::Null));
    let run = desk.does("push --from people.yaml --max-deletes 100%");
    assert_eq!((run.status, directory.writes().len()), (2, 0), "{run}");
    assert!(run.stderr.contains("not everything could be read, so nothing is taken away"), "{run}");
}

#[test]
fn a_file_that_cannot_be_followed_is_refused_with_every_reason() {
    let directory = company();
    let wanted = "
people:
  - { user_name: ada@acme.example, shoe_size: 9 }
  - { given_name: Nobody }
  - { user_name: zoe@acme.example, groups: [Nowhere] }
  - { id: u9 }
teams:
  - { display_name: x }
";
    let desk = desk(&directory, wanted);
    let run = desk.does("push --from people.yaml");
    assert_eq!((run.status, directory.writes().len()), (2, 0), "{run}");
    for text in [
        "people 1: `user` has no `shoe_size`",
        "people 2: ",
        "there is no group `Nowhere`",
        "people 4: there is no user with the id `u9`",
        "`teams` is no type that can be pushed",
    ] {
        assert!(run.stderr.contains(text), "`{text}`: {run}");
    }
}

#[test]
fn a_table_of_people_is_pushed_like_a_list() {
    let directory = company();
    let desk = desk(&directory, "");
    std::fs::write(
        desk.path("people.csv"),
        "user_name,given_name,family_name,groups\nada@acme.example,Ada,Lovelace,\nfay@acme.example,Fay,Wu,Staff\n",
    )
    .unwrap();
    let run = desk.does("push --from people.csv");
    assert_eq!(run.status, 0, "{run}");
    let scim = directory.state();
    assert_eq!(scim.user("u1").unwrap()["name"]["familyName"], "Lovelace");
    let fay = scim.user_named("fay@acme.example").unwrap()["id"].as_str().unwrap().to_owned();
    assert!(scim.members("g1").contains(&fay));
}

#[test]
fn a_limit_in_the_middle_of_a_push_is_waited_for() {
    let directory = company();
    directory.change(|scim| scim.dialect.rate = Some(Rate { requests: 1, seconds: 1 }));
    let wanted = "
people:
  - { user_name: p1@acme.example, given_name: P, family_name: One }
  - { user_name: p2@acme.example, given_name: P, family_name: Two }
  - { user_name: p3@acme.example, given_name: P, family_name: Three }
";
    let desk = desk(&directory, wanted);
    let run = desk.does("push --from people.yaml");
    assert_eq!(run.status, 0, "{run}");
    for name in ["p1@acme.example", "p2@acme.example", "p3@acme.example"] {
        assert!(directory.state().user_named(name).is_some(), "{name}");
    }
}

#[test]
fn a_push_that_was_killed_is_finished_by_the_next_one() {
    for killed_at in [("POST", "/scim/v2/Users"), ("PATCH", "/scim/v2/Groups/*"), ("PATCH", "/scim/v2/Users/*")] {
        let directory = company();
        let desk = desk(&directory, WANTED);
        let reins = Reins::default();
        let killer = reins.clone();
        // After the vendor has acted, and before its answer is there.
        directory.arm(directory.on(killed_at.0, killed_at.1).finally(move || killer.kill()));
        let killed = desk.engine("push --from people.yaml --max-deletes 1 --provisioning").run_with(&reins);
        assert_eq!(killed.status, -1, "{killed_at:?}: {killed}");
        let rerun = desk.does("push --from people.yaml --max-deletes 1");
        assert_eq!(rerun.status, 0, "{killed_at:?}: {rerun}");
        assert_as_wanted(&directory);
        assert_eq!(directory.state().users().len(), 5, "{killed_at:?}: nobody was made twice");
    }
}

#[test]
fn what_the_engine_runs_as_is_left_alone() {
    let directory = company();
    let push = "  user:\n    push: { leave: disable, protect: resource.id == 'u5' }\n";
    let desk = Desk::guild_like(|text| text.replace("  user:\n", push), &directory);
    std::fs::write(desk.path("people.yaml"), "people: [{ user_name: ada@acme.example }]\n").unwrap();
    let run = desk.does("push --from people.yaml --max-deletes 100% -o json");
    assert_eq!(run.status, 0, "{run}");
    let scim = directory.state();
    let active = |id: &str| scim.user(id).unwrap()["active"].clone();
    assert_eq!((active("u1"), active("u4"), active("u5")), (Json::Bool(true), Json::Bool(false), Json::Bool(true)));
    let told: Json = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(told["changes"][0]["outcome"]["outcome"], "done", "{told:#}");
}

#[test]
fn a_name_that_somebody_gave_themselves_leads_to_nobody() {
    let directory = company();
    directory.change(|scim| {
        let mut eve = scim.user("u5").unwrap().clone();
        eve["displayName"] = Json::from("new@acme.example");
        scim.put_user(eve);
    });
    let wanted = "
people: [{ user_name: new@acme.example }]
groups: [{ display_name: Admins, members: [new@acme.example] }]
";
    let run = desk(&directory, wanted).does("push --from people.yaml");
    assert_eq!(run.status, 0, "{run}");
    let scim = directory.state();
    let admins = scim.group_named("Admins").unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(scim.members(&admins), [scim.user_named("new@acme.example").unwrap()["id"].as_str().unwrap()]);
}

#[test]
fn nobody_is_made_twice_and_no_key_stands_twice() {
    let directory = company();
    let twice = "people: [{ user_name: New@acme.example }, { user_name: 'new@acme.example ' }]\n";
    let run = desk(&directory, twice).does("push --from people.yaml");
    assert_eq!((run.status, directory.writes().len()), (2, 0), "{run}");
    assert!(run.stderr.contains("people.yaml, people 2 and people.yaml, people 1 are both"), "{run}");
    let run = desk(&directory, "people: []\npeople: []\n").does("push --from people.yaml");
    assert_eq!((run.status, directory.writes().len()), (2, 0), "{run}");
    assert!(run.stderr.contains("duplicate"), "{run}");
}

#[test]
fn a_key_with_blanks_around_it_is_the_same_key() {
    let directory = company();
    let run = desk(&directory, "people: [{ user_name: ' ADA@acme.example ' }]\n").does("push --from people.yaml");
    assert_eq!((run.status, directory.writes().len()), (0, 0), "{run}");
}

#[test]
fn who_is_somebody_else_by_a_surer_key_is_not_overwritten() {
    let directory = company();
    directory.change(|scim| {
        let mut ada = scim.user("u1").unwrap().clone();
        ada["externalId"] = Json::from("E1");
        scim.put_user(ada);
    });
    let wanted = "people: [{ external_id: E2, user_name: ada@acme.example, given_name: Other }]\n";
    let run = desk(&directory, wanted).does("push --from people.yaml");
    assert_eq!((run.status, directory.writes().len()), (2, 0), "{run}");
    assert!(run.stderr.contains("user:u1 is known as `E1`, and not as `E2`"), "{run}");
}

#[test]
fn whoever_does_not_get_the_new_keeps_the_old() {
    let directory = company();
    directory.change(|scim| {
        scim.put_group(serde_json::json!({ "id": "g2", "displayName": "Ops", "members": [] }));
    });
    directory.arm(directory.on("PATCH", "/scim/v2/Groups/g2").always().answers(400, &[], Json::Null));
    let run = desk(&directory, "people: [{ user_name: eve@acme.example, groups: [Ops] }]\n")
        .does("push --from people.yaml --max-deletes 100%");
    assert_eq!(run.status, 1, "{run}");
    assert!(run.stderr.contains("something else for the same failed"), "{run}");
    assert!(directory.state().members("g1").contains(&"u5".to_owned()), "Eve is in Staff still");
}

#[test]
fn a_protected_group_gets_and_loses_nobody() {
    let directory = company();
    let push = "  group:\n    push: { protect: resource.id == 'g1' }\n";
    let desk = Desk::guild_like(|text| text.replace("  group:\n", push), &directory);
    std::fs::write(desk.path("people.yaml"), "groups: [{ display_name: Staff, members: [ada@acme.example] }]\n")
        .unwrap();
    let run = desk.does("push --from people.yaml --max-deletes 100%");
    assert_eq!((run.status, directory.writes().len()), (0, 0), "{run}");
}

#[test]
fn secrets_of_a_file_are_not_in_its_plan() {
    let directory = company();
    let password = "  user:\n    attributes: { password: { is: password } }\n";
    let desk = Desk::guild_like(|text| text.replace("  user:\n", password), &directory);
    let wanted = "people: [{ user_name: new@acme.example, password: hunter-2222 }]\n";
    std::fs::write(desk.path("people.yaml"), wanted).unwrap();
    for form in ["text", "json"] {
        let run = desk.run(&format!("push --from people.yaml --plan -o {form}"));
        assert!(!format!("{run}").contains("hunter-2222"), "{run}");
    }
}
