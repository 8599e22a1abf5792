//! `engine try`: a few rows of one list over HTTP, and everything that is told of them.

use serde_json::{Value as Json, json};

use crate::cli::assert_says;
use crate::support::atlas::{self, Desk, SPEC, TOKEN};
use crate::support::server::{Answer, Server};
use crate::support::{Run, engine, root};

/// Atlas, and a folder with its spec changed.
fn desk(changes: &[(&str, &str)]) -> (Server, Desk) {
    let server = Server::start(atlas::answer);
    let desk = desk_of(&server, changes);
    (server, desk)
}

fn desk_of(server: &Server, changes: &[(&str, &str)]) -> Desk {
    let desk = Desk::new(server.url());
    let mut spec = SPEC.to_owned();
    for (from, to) in changes {
        assert!(spec.contains(from), "the spec does not say `{from}`");
        spec = spec.replacen(from, to, 1);
    }
    desk.write("atlas.yaml", &spec);
    desk
}

fn attempt(desk: &Desk, arguments: &[&str]) -> Run {
    desk.command("try").with(arguments).run()
}

fn as_json(desk: &Desk, arguments: &[&str]) -> Json {
    let run = attempt(desk, &[arguments, &["-o", "json"]].concat());
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run}"))
}

/// The paths that were asked, in order.
fn asked(server: &Server) -> Vec<String> {
    server.asked().into_iter().map(|request| request.path).collect()
}

#[test]
fn a_row_is_shown_beside_what_it_makes() {
    let (_server, desk) = desk(&[]);
    let run = attempt(&desk, &["--resource", "user", "--limit", "2"]);
    assert_eq!(run.status, 0, "{run}");
    assert_says("try-resource", &run);
}

#[test]
fn grants_are_shown_after_what_they_need() {
    let (_server, desk) = desk(&[]);
    let run = attempt(&desk, &["--entitlement", "team:member", "--limit", "2"]);
    assert_eq!(run.status, 0, "{run}");
    assert_says("try-entitlement", &run);
}

#[test]
fn no_more_is_asked_than_the_limit_needs() {
    let (server, desk) = desk(&[]);
    attempt(&desk, &["--resource", "user", "--limit", "5"]);
    assert_eq!(asked(&server), ["/me", "/users"]);
    server.forget();
    attempt(&desk, &["--resource", "user", "--limit", "6"]);
    assert_eq!(asked(&server), ["/me", "/users", "/users"]);
    server.forget();
    attempt(&desk, &["--entitlement", "team", "--limit", "2"]);
    // The first team has nobody, the second one member.
    assert_eq!(asked(&server), ["/me", "/teams", "/teams/t0/members", "/teams/t1/members"]);
}

#[test]
fn one_resource_is_asked_for_by_name() {
    let (server, desk) = desk(&[]);
    let trial = as_json(&desk, &["--entitlement", "team:member", "--on", "team:t4"]);
    assert_eq!(asked(&server), ["/me", "/teams/t4/members"]);
    let rows = trial["lists"][0]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row["of"] == "team:t4"), "{rows:?}");
}

#[test]
fn types_made_of_the_rows_of_others_are_tried_by_those_rows() {
    let (server, desk) = desk(&[]);
    let trial = as_json(&desk, &["--resource", "role", "--limit", "2"]);
    assert_eq!(asked(&server), ["/me", "/users"]);
    let records = trial["lists"][0]["rows"][0]["records"].as_array().unwrap();
    let ids: Vec<&str> = records.iter().map(|record| record["id"].as_str().unwrap()).collect();
    assert_eq!(
        ids,
        ["role:admin", "user:u0", "role:admin:assigned", "role:admin:assigned → user:u0"],
        "the role, the user, and what one holds of the other"
    );
}

#[test]
fn a_path_that_finds_nothing_is_named_with_the_nearest_one_there() {
    let (_server, desk) = desk(&[("email: $.email", "email: $.e_mail, last_login: $.seen_at")]);
    let trial = as_json(&desk, &["--resource", "user", "--limit", "3"]);
    let found = &trial["paths_not_found"];
    assert_eq!(found.as_array().unwrap().len(), 2, "{found}");
    assert_eq!(found[0]["path"], "$.e_mail");
    assert_eq!(found[0]["nearest"], "$.email");
    assert_eq!(found[0]["asked"], 3);
    assert!(found[0]["spec"].as_str().unwrap().starts_with("atlas.yaml:25:"), "{found}");
    assert_eq!(found[1]["path"], "$.seen_at");
    assert_eq!(found[1]["nearest"], Json::Null);
    assert_eq!(found[1]["there"], json!(["email", "id", "name", "role"]));
    let run = attempt(&desk, &["--resource", "user", "--limit", "1"]);
    assert!(run.says("`$.e_mail` at atlas.yaml:25:20: looked for once; the nearest there is `$.email`"), "{run}");
}

#[test]
fn a_path_to_the_next_page_that_finds_nothing_is_named() {
    let (_server, desk) = desk(&[("next: $.next,", "next: $.nextt,"), ("last: [next_null]", "last: [next_absent]")]);
    let trial = as_json(&desk, &["--resource", "user"]);
    assert_eq!(trial["paths_not_found"][0]["path"], "$.nextt");
    assert_eq!(trial["paths_not_found"][0]["nearest"], "$.next");
    let notes = trial["lists"][0]["notes"].to_string();
    assert!(notes.contains("the first page was full and nothing led to a next one"), "{notes}");
}

#[test]
fn an_array_that_is_not_there_ends_the_trial_with_the_nearest_one() {
    let (_server, desk) = desk(&[("get: /users, items: $.items", "get: /users, items: $.data.item")]);
    let run = attempt(&desk, &["--resource", "user"]);
    assert_eq!(run.status, 1, "{run}");
    assert!(run.says("`$.data.item` is not in the answer"), "{run}");
    assert!(run.says("the nearest one there is `$.items`"), "{run}");
    // What was asked and answered is shown all the same.
    assert!(run.stdout.contains("\"items\": [… 5 elements]"), "{run}");
}

#[test]
fn rows_that_make_nothing_say_why() {
    let (_server, desk) = desk(&[
        ("list: { get: /users, items: $.items }", "list: { get: /users, items: $.items, where: row.id != 'u0' }"),
        ("display_name: $.name", "display_name: $.role"),
    ]);
    let trial = as_json(&desk, &["--resource", "user", "--limit", "4"]);
    let rows = trial["lists"][0]["rows"].as_array().unwrap();
    assert_eq!((rows[0]["filtered"].as_u64(), rows[0]["records"].as_array().unwrap().len()), (Some(1), 0));
    assert_eq!(rows[1]["records"][0]["id"], "role:editor");
    // The fourth user has no role.
    assert_eq!(rows[3]["records"], json!([]));
    let what = rows[3]["findings"][0]["what"].as_str().unwrap();
    assert!(what.contains("the display name is required, and `$.role` finds nothing"), "{what}");
    let run = attempt(&desk, &["--resource", "user", "--limit", "4"]);
    assert!(run.says("left out by the spec's conditions") && run.says("no record"), "{run}");
}

#[test]
fn exchanges_are_shown_whole_and_without_secrets() {
    let (_server, desk) = desk(&[]);
    let run = attempt(&desk, &["--resource", "user", "--limit", "1", "--trace"]);
    assert!(run.says("> authorization: ***"), "{run}");
    assert!(run.says("< content-type: application/json"), "{run}");
    assert!(run.says("\"email\": \"u4@atlas.example\""), "the answer is whole: {run}");
    assert!(!run.says(TOKEN), "{run}");
    let trial = attempt(&desk, &["--resource", "user", "-o", "json"]);
    assert!(!trial.says(TOKEN), "{trial}");
}

#[test]
fn a_secret_that_a_row_repeats_is_not_shown() {
    let server = Server::start(|request| match request.path.as_str() {
        "/users" => Answer::json(&json!({ "items": [{ "id": "u1", "name": format!("has {TOKEN}") }], "next": null })),
        _ => atlas::answer(request),
    });
    let desk = desk_of(&server, &[]);
    for arguments in
        [&["--resource", "user"][..], &["--resource", "user", "--trace"], &["--resource", "user", "-o", "json"]]
    {
        let run = attempt(&desk, arguments);
        assert_eq!(run.status, 0, "{run}");
        assert!(run.says("has ***") && !run.says(TOKEN), "{run}");
    }
}

#[test]
fn refused_credentials_have_their_own_status() {
    let (_server, desk) = desk(&[]);
    let run = desk.command("try").env("BATON_ATLAS_API_TOKEN", "wrong").with(["--resource", "user"]).run();
    assert_eq!(run.status, 4, "{run}");
    assert!(run.says("this token is not known"), "{run}");
    assert!(run.stdout.contains("/me?org=acme  401"), "{run}");
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let (_server, desk) = desk(&[]);
    let says = |arguments: &[&str], text: &str| {
        let run = attempt(&desk, arguments);
        assert_eq!(run.status, 2, "{run}");
        assert!(run.says(text), "{run}");
    };
    says(&["--resource", "usr"], "did you mean `user`? there are role, team, user");
    says(&["--entitlement", "team:membr"], "`team` has no entitlement `membr`");
    says(&["--entitlement", "user"], "`user` has no entitlements");
    says(&["--entitlement", "team:member", "--on", "theam:t1"], "the spec has no resource type `theam`");
    says(&["--resource", "user", "--entitlement", "team"], "cannot be used with");
    says(&[], "required arguments were not provided");
}

#[test]
fn every_list_of_the_shipped_specs_can_be_tried() {
    for id in ["circleci", "dbt-cloud", "dbt-scim", "fivetran", "rudderstack"] {
        let spec = format!("specs/{id}.yaml");
        let plan = crate::support::compile(&std::fs::read_to_string(root().join(&spec)).unwrap());
        for kind in &plan.types {
            let run = engine(["try", "--spec", &spec, "--simulate", "--limit", "2", "--resource", &kind.id]).run();
            assert_eq!(run.status, 0, "{run}");
            assert!(run.stdout.contains(&format!("resource {}:", kind.id)), "{run}");
            if !kind.entitlements.is_empty() {
                let run = engine(["try", "--spec", &spec, "--simulate", "--entitlement", &kind.id]).run();
                assert_eq!(run.status, 0, "{run}");
                assert!(run.stdout.contains(&format!("grant {}:", kind.id)), "{run}");
            }
        }
    }
}
