//! Statuses that are no success, and what they mean: already, too fast, refused, or simply failed.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::desk::{Desk, assert_already, assert_ends, assert_says, ended, made};
use crate::support::directory::Directory;
use crate::support::directory::fivetran::Fivetran;
use crate::support::directory::scim::{Dialect, Scim};
use crate::support::server::{Answer, Server};

const GRANT: &str = "grant group:g1:member user:u2";
const GROUP: &str = "/scim/v2/Groups/g1";

fn start() -> (Directory<Scim>, Desk) {
    let scim = Scim::new(Dialect::default())
        .with_user("u1", "ada@guild.example")
        .with_user("u2", "bob@guild.example")
        .with_group("g1", "Staff", &["u1"]);
    let directory = Directory::start(scim);
    let desk = Desk::guild("patch_ops: add", &directory);
    (directory, desk)
}

#[test]
fn a_refusal_is_told_with_the_words_of_the_vendor() {
    for (status, exit) in [(400, 1), (401, 4), (403, 4), (404, 1), (409, 1), (412, 1), (501, 1)] {
        let (directory, desk) = start();
        let words = json!({ "scimType": "made-up-word", "detail": "Not on a Sunday." });
        directory.arm(directory.on("PATCH", GROUP).always().answers(status, &[], words));
        let run = assert_ends(&desk, GRANT, "failed", exit);
        if status == 501 {
            assert_says(&run, &["the service takes no PATCH of groups"]);
        } else {
            assert_says(&run, &[&format!("the vendor answered {status}"), "made-up-word", "Not on a Sunday."]);
            assert_says(&run, &[&format!("PATCH {}{GROUP}", directory.url()), "asked for at"]);
        }
        assert_eq!(directory.writes().len(), 1, "{status}");
        assert_eq!(directory.state().members("g1"), ["u1"]);
    }
}

#[test]
fn credentials_that_are_refused_have_a_status_of_their_own() {
    let (directory, desk) = start();
    let wrong = desk.knowing("BATON_GUILD_TOKEN", "another-made-up-token");
    let run = wrong.does(GRANT);
    assert_eq!(run.status, 4, "{run}");
    assert_says(&run, &["401"]);
    assert!(!run.says("another-made-up-token"), "{run}");
    let run = wrong.does(&format!("{GRANT} -o json"));
    let told: Json = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("no JSON: {run}"));
    assert_eq!((&told["outcome"], run.status), (&json!("failed"), 4), "{run}");
    assert!(directory.writes().is_empty());

    let (directory, desk) = start();
    directory.arm(directory.on("GET", GROUP).always().answers(403, &[], json!({ "detail": "you may not look" })));
    let run = assert_ends(&desk, GRANT, "failed", 4);
    assert_says(&run, &["403"]);
    assert!(directory.writes().is_empty());
}

#[test]
fn a_conflict_is_already_only_where_reading_shows_it() {
    let (directory, desk) = start();
    let conflict = || json!({ "detail": "is a member" });
    directory.arm(directory.on("PATCH", GROUP).answers(409, &[], conflict()));
    assert_ends(&desk, GRANT, "failed", 1);
    let faster = directory.on("PATCH", GROUP).meanwhile(|scim| scim.add_member("g1", "u2"));
    directory.arm(faster.answers(409, &[], conflict()));
    assert_ends(&desk, GRANT, "already", 0);
    assert_eq!(directory.state().members("g1"), ["u1", "u2"]);

    let create = "account create --input user_name=cy@guild.example";
    directory.arm(directory.on("POST", "/scim/v2/Users").answers(409, &[], json!({ "detail": "taken" })));
    assert_ends(&desk, create, "failed", 1);
    let cy = json!({ "id": "u3", "userName": "CY@guild.example", "active": true });
    directory.arm(directory.on("POST", "/scim/v2/Users").meanwhile(move |scim| scim.put_user(cy.clone())));
    let run = assert_ends(&desk, create, "already", 0);
    assert_eq!(made(&run), "u3");
}

#[test]
fn what_is_gone_is_deleted_and_revoked_already_and_cannot_be_changed() {
    let (directory, desk) = start();
    for line in ["account delete --yes user:u9", "account delete --yes group:g9", "revoke group:g9:member user:u1"] {
        assert_already(&desk, &directory, line);
    }
    let gone = directory.on("DELETE", "/scim/v2/Users/u1").meanwhile(|scim| scim.remove_user("u1"));
    directory.arm(gone);
    assert_ends(&desk, "account delete --yes user:u1", "already", 0);
    // A vendor that says so of somebody who is there is not believed.
    directory.arm(directory.on("DELETE", "/scim/v2/Users/u2").answers(404, &[], json!({ "detail": "who?" })));
    assert_ends(&desk, "account delete --yes user:u2", "failed", 1);
    directory.forget();
    let run = assert_ends(&desk, "account update user:u9 --input given_name=X", "failed", 1);
    assert_says(&run, &["user:u9 is not there"]);
    assert!(directory.writes().is_empty());
    for line in ["account disable user:u9", "account enable user:u9", "grant group:g9:member user:u1"] {
        assert_ends(&desk, line, "failed", 1);
    }
    assert_ends(&desk, "grant group:g1:member user:u9", "failed", 1);
    assert_eq!(directory.state().members("g1"), [""; 0]);
}

#[test]
fn too_fast_is_sent_again_when_the_vendor_says() {
    let (directory, desk) = start();
    directory.arm(directory.on("PATCH", GROUP).times(2).answers(429, &[("retry-after-ms", "20")], json!({})));
    assert_ends(&desk, GRANT, "done", 0);
    assert_eq!(directory.writes().len(), 3);

    let mut fivetran = Fivetran::new();
    fivetran.creations = Some(0);
    let directory = Directory::start(fivetran);
    let allow = directory.on("POST", "/v1/users").after(1).meanwhile(|fivetran| fivetran.creations = None);
    directory.arm(allow);
    let begun = Instant::now();
    let invite = "account create --input email=a@b.example --input given_name=A --input family_name=B";
    assert_ends(&Desk::fivetran(&directory), invite, "action_required", 0);
    assert!(begun.elapsed() >= Duration::from_secs(1), "`Retry-After: 1` was not waited for");
    assert_eq!(directory.write_lines(), ["POST /v1/users"; 2]);
}

#[test]
fn a_fault_of_the_vendor_is_looked_into_before_anything_is_sent_again() {
    let (directory, desk) = start();
    let broken = || directory.on("PATCH", GROUP);
    directory.arm(broken().answers(500, &[], json!({ "detail": "oh no" })));
    assert_ends(&desk, GRANT, "done", 0);
    assert_eq!(directory.writes().len(), 2);

    directory.forget();
    directory.arm(broken().meanwhile(|scim| scim.remove_member("g1", "u2")).answers(503, &[], json!({})));
    assert_ends(&desk, "revoke group:g1:member user:u2", "done", 0);
    assert_eq!(directory.writes().len(), 1);

    directory.forget();
    directory.arm(broken().always().answers(500, &[], json!({ "detail": "oh no" })));
    let run = assert_ends(&desk, GRANT, "failed", 1);
    assert_says(&run, &["the vendor answered 500", "oh no"]);
    assert_eq!(directory.writes().len(), 2);
}

#[test]
fn a_fault_that_nothing_settles_may_have_done_it() {
    let lists = crate::support::directory::lists::Lists::new().with_group(7, "Night shift", &[1]);
    let directory = Directory::start(lists);
    let desk = Desk::roster("", &directory);
    directory.arm(directory.on("PUT", "/groups/7").answers(500, &[], json!({ "error": { "message": "oh no" } })));
    let run = desk.does("action rename --on group:7 --input name=Crew");
    assert_eq!(ended(&run), ("failed", 1), "{run}");
    assert_says(&run, &["oh no", "it may have happened all the same"]);
    assert_eq!(directory.writes().len(), 1);
}

#[test]
fn a_redirect_is_no_success() {
    let (directory, desk) = start();
    let elsewhere = Server::start(|_| Answer::json(&json!({ "id": "g1" })));
    for (status, location) in
        [(302, format!("{}{GROUP}", directory.url())), (307, format!("{}{GROUP}", elsewhere.url()))]
    {
        directory.arm(directory.on("PATCH", GROUP).always().answers(status, &[("location", &location)], json!({})));
        let run = assert_ends(&desk, GRANT, "failed", 1);
        assert_eq!(directory.state().members("g1"), ["u1"], "{status}: {run}");
        directory.calm();
    }
    assert!(elsewhere.asked().is_empty(), "{:?}", elsewhere.asked());
}

#[test]
fn a_page_of_a_login_is_no_success() {
    let server = Server::start(|request| match request.method.as_str() {
        "PATCH" => Answer::text("text/html", "<html><title>Sign in</title></html>"),
        _ => Answer::json(&json!({ "id": "g1", "displayName": "Staff", "members": [], "totalResults": 0 })),
    });
    let believing =
        |text: String| text.replace("grant: { verify: { for: 300ms, every: 20ms } }", "grant: { verify: none }");
    let desk = Desk::guild_at(believing, &server.url());
    let run = assert_ends(&desk, GRANT, "failed", 1);
    assert_says(&run, &["the answer is not JSON"]);
}

#[test]
fn a_name_that_several_have_is_not_made_once_more() {
    let (directory, desk) = start();
    directory.change(|scim| ["g8", "g9"].map(|id| scim.put_group(json!({ "id": id, "displayName": "Watch" }))));
    let run = assert_ends(&desk, "account create --type group --input display_name=Watch", "failed", 1);
    assert_says(&run, &["2 have the display_name `Watch`"]);
    assert!(directory.writes().is_empty());
}
