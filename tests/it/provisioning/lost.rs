//! Answers that never came: whether it happened is read back, and it is done once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::desk::{Desk, assert_ends, assert_says, made};
use crate::support::directory::fivetran::Fivetran;
use crate::support::directory::lists::{Lists, Versions};
use crate::support::directory::scim::{Dialect, Scim};
use crate::support::directory::{Directory, Fault};
use crate::support::server::{Answer, Server};

const SETTLED: &str = "the answer was lost; reading back shows that it was done";
const UNSETTLED: &str = "it may have happened all the same";
const CREATE: &str = "account create --input user_name=cy@guild.example";

fn guild() -> (Directory<Scim>, Desk) {
    let scim = Scim::new(Dialect::default())
        .with_user("u1", "ada@guild.example")
        .with_user("u2", "bob@guild.example")
        .with_group("g1", "Staff", &["u1"]);
    let directory = Directory::start(scim);
    let desk = Desk::guild("patch_ops: add", &directory);
    (directory, desk)
}

fn roster() -> (Directory<Lists>, Desk) {
    let lists = Lists::new().with_user(1, "Ada").with_user(2, "Bob").with_group(7, "Night shift", &[1]);
    let directory = Directory::start(lists);
    let desk = Desk::roster("", &directory);
    (directory, desk)
}

/// Each operation of SCIM: its line, and its one write.
const OPERATIONS: [(&str, &str, &str); 7] = [
    (CREATE, "POST", "/scim/v2/Users"),
    ("account update user:u1 --input given_name=Ada", "PATCH", "/scim/v2/Users/u1"),
    ("account disable user:u1", "PATCH", "/scim/v2/Users/u1"),
    ("account enable user:u1", "PATCH", "/scim/v2/Users/u1"),
    ("grant group:g1:member user:u2", "PATCH", "/scim/v2/Groups/g1"),
    ("revoke group:g1:member user:u2", "PATCH", "/scim/v2/Groups/g1"),
    ("account delete --yes user:u1", "DELETE", "/scim/v2/Users/u1"),
];

#[test]
fn what_happened_is_settled_by_reading_back_and_sent_once() {
    let (directory, desk) = guild();
    for (line, method, path) in OPERATIONS {
        directory.forget();
        directory.arm(directory.on(method, path).loses_answer());
        let run = assert_ends(&desk, line, "done", 0);
        assert_says(&run, &[SETTLED]);
        assert_eq!(directory.write_lines(), [format!("{method} {path}")], "{line}");
    }
    assert!(directory.state().user_named("cy@guild.example").is_some());
    assert!(directory.state().user("u1").is_none());
}

#[test]
fn what_did_not_happen_is_sent_again_once() {
    let (directory, desk) = guild();
    for (line, method, path) in [OPERATIONS[0], OPERATIONS[1], OPERATIONS[4], OPERATIONS[6]] {
        directory.forget();
        directory.arm(directory.on(method, path).closes());
        assert_ends(&desk, line, "done", 0);
        let sent = format!("{method} {path}");
        assert_eq!(directory.write_lines(), [sent.clone(), sent], "{line}");
    }
    assert_eq!(directory.state().users().len(), 2);
    assert!(directory.state().user("u1").is_none());
}

#[test]
fn who_was_made_is_known_although_the_answer_was_lost() {
    let (directory, desk) = guild();
    directory.arm(directory.on("POST", "/scim/v2/Users").loses_answer());
    let run = assert_ends(&desk, CREATE, "done", 0);
    assert_eq!(directory.state().user(&made(&run)).unwrap()["userName"], "cy@guild.example");
}

#[test]
fn a_connection_that_always_ends_is_given_up_after_one_more_try() {
    let (directory, desk) = guild();
    directory.arm(directory.on("PATCH", "/scim/v2/Groups/g1").always().closes());
    let run = assert_ends(&desk, "grant group:g1:member user:u2", "failed", 1);
    // Reading back does not show it, and it may still come to show.
    assert_says(&run, &[UNSETTLED]);
    assert_eq!(directory.writes().len(), 2);
}

#[test]
fn what_cannot_be_read_back_may_have_happened() {
    let (directory, desk) = guild();
    directory.arm(directory.on("PATCH", "/scim/v2/Groups/g1").loses_answer());
    let refused = directory.on("GET", "/scim/v2/Groups/g1").after(1).always();
    directory.arm(refused.answers(403, &[], json!({ "detail": "not now" })));
    let run = assert_ends(&desk, "grant group:g1:member user:u2", "failed", 1);
    assert_says(&run, &[UNSETTLED]);
    assert_eq!(directory.writes().len(), 1);
}

#[test]
fn what_nothing_reads_back_may_have_happened() {
    let (directory, desk) = roster();
    directory.arm(directory.on("POST", "/groups").loses_answer());
    let run = assert_ends(&desk, "account create --type group --input name=Watch", "failed", 1);
    assert_says(&run, &[UNSETTLED]);
    assert_eq!(directory.write_lines(), ["POST /groups"]);
    assert!(directory.state().group(9001).is_some());

    directory.forget();
    directory.arm(directory.on("PUT", "/groups/7").loses_answer());
    let run = assert_ends(&desk, "action rename --on group:7 --input name=Crew", "failed", 1);
    assert_says(&run, &[UNSETTLED]);
    let run = desk.does("action rename --on group:7 --input name=Crew -o json");
    let told: Json = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&told["outcome"], &told["may_have_happened"]), (&json!("done"), &Json::Null), "{run}");
    assert_eq!(directory.write_lines(), ["PUT /groups/7"; 2]);
}

#[test]
fn a_program_is_told_that_it_may_have_happened() {
    let (directory, desk) = roster();
    directory.arm(directory.on("POST", "/groups").loses_answer());
    let run = desk.does("account create --type group --input name=Watch -o json");
    let told: Json = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&told["outcome"], &told["may_have_happened"]), (&json!("failed"), &json!(true)), "{run}");
}

#[test]
fn a_lost_answer_to_an_edit_is_settled_too() {
    for versions in [Versions::None, Versions::Header] {
        let (directory, _) = roster();
        directory.change(|lists| lists.versions = versions);
        let desk = match versions {
            Versions::Header => {
                Desk::roster("version: { of: { header: ETag }, send: { header: If-Match } }", &directory)
            }
            _ => Desk::roster("", &directory),
        };
        for (fault, line, writes) in [
            (Fault::loses_answer as fn(Fault<Lists>) -> Fault<Lists>, "grant group:7:member user:2", 1),
            (Fault::closes, "revoke group:7:member user:2", 2),
        ] {
            directory.forget();
            directory.arm(fault(directory.on("PUT", "/groups/7")));
            assert_ends(&desk, line, "done", 0);
            assert_eq!(directory.writes().len(), writes, "{versions:?} {line}");
        }
        assert_eq!(directory.state().members(7), [1]);
    }
}

#[test]
fn a_key_lets_the_vendor_know_a_repetition() {
    let (directory, _) = roster();
    let keyed = |text: String| {
        text.replace("request: POST /groups\n", "request: POST /groups\n      idempotency_key: { header: Once-Key }\n")
    };
    let desk = Desk::roster_like(keyed, &directory);
    directory.arm(directory.on("POST", "/groups").closes());
    assert_ends(&desk, "account create --type group --input name=Watch", "done", 0);
    let keys: Vec<String> = directory.writes().iter().map(|write| write.headers["once-key"].clone()).collect();
    assert_eq!((keys.len(), keys[0].len()), (2, 36), "{keys:?}");
    assert_eq!(keys[0], keys[1]);
    assert!(directory.state().group(9002).is_none());
}

#[test]
fn what_shows_late_is_not_made_twice() {
    let (directory, _) = guild();
    let desk = Desk::guild_like(|text| text.replace("for: 300ms", "for: 30s"), &directory);
    directory.change(|scim| scim.dialect.stale_reads = 3);
    directory.arm(directory.on("POST", "/scim/v2/Groups").loses_answer());
    assert_ends(&desk, "account create --type group --input display_name=Watch", "done", 0);
    let names: Vec<Json> = directory.state().groups().iter().map(|group| group["displayName"].clone()).collect();
    assert_eq!(names, ["Staff", "Watch"]);
}

#[test]
fn an_invitation_whose_answer_was_lost_is_not_sent_twice() {
    let directory = Directory::start(Fivetran::new().with_user("patient_heron", "nadia@harbor.example", None));
    let desk = Desk::fivetran(&directory);
    directory.arm(directory.on("POST", "/v1/users").loses_answer());
    let run = desk.does("account create --input email=sofia@harbor.example --input given_name=S --input family_name=L");
    assert_eq!(run.status, 0, "{run}");
    assert_says(&run, &[SETTLED]);
    assert!(directory.state().user(&made(&run)).is_some());
    assert_eq!(directory.write_lines(), ["POST /v1/users"]);
}

#[test]
fn an_answer_that_comes_too_late_is_lost() {
    let (directory, _) = guild();
    let desk = Desk::guild_like(|text| text.replace("http:\n", "http:\n  timeout: 400ms\n"), &directory);
    directory.arm(directory.on("PATCH", "/scim/v2/Groups/g1").stalls(Duration::from_secs(2)));
    let run = assert_ends(&desk, "grant group:g1:member user:u2", "done", 0);
    assert_says(&run, &[SETTLED]);
    assert_eq!(directory.writes().len(), 1);
}

#[test]
fn an_answer_that_breaks_off_is_lost() {
    let done = AtomicBool::new(false);
    let server = Server::start(move |request| {
        if request.method == "PATCH" {
            done.store(true, Ordering::SeqCst);
            return Answer::text("application/scim+json", "{\"id\": \"g1\", \"displ").claiming(500);
        }
        let members = if done.load(Ordering::SeqCst) { json!([{ "value": "u2" }]) } else { json!([]) };
        Answer::json(&json!({ "id": "g1", "displayName": "Staff", "members": members, "totalResults": 0 }))
    });
    let desk = Desk::guild_at(|text| text, &server.url());
    let run = assert_ends(&desk, "grant group:g1:member user:u2", "done", 0);
    assert_says(&run, &[SETTLED]);
    assert_eq!(server.asked().iter().filter(|request| request.method == "PATCH").count(), 1);
}

#[test]
fn what_takes_two_requests_is_not_guessed() {
    let (directory, _) = roster();
    let steps = "delete:
      steps:
        - request: PUT /groups/{{ resource.id }}
          json:
            group: { name: closed, members: [] }
        - request: DELETE /groups/{{ resource.id }}
";
    let in_two = |text: String| {
        text.replace("delete:\n      request: DELETE /groups/{{ resource.id }}\n      outcomes: [ { status: 404, is: already } ]\n", steps)
    };
    let desk = Desk::roster_like(in_two, &directory);
    directory.arm(directory.on("PUT", "/groups/7").loses_answer());
    let run = assert_ends(&desk, "account delete --yes group:7", "failed", 1);
    assert_says(&run, &[UNSETTLED]);
    assert_eq!(directory.write_lines(), ["PUT /groups/7"]);
    assert_ends(&desk, "account delete --yes group:7", "done", 0);
    assert_eq!(directory.write_lines(), ["PUT /groups/7", "PUT /groups/7", "DELETE /groups/7"]);
}
