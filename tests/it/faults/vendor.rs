//! Vendors that are not there, talk nonsense, or lead elsewhere.

use serde_json::json;

use crate::support::atlas::{self, Desk, SPEC, TOKEN};
use crate::support::server::{Answer, Request, Server};
use crate::support::{Inside, compile, folder};

/// A spec that needs no credentials.
const PLAIN: &str = r#"format: 1
id: plain
name: Plain
config:
  base_url: { title: Base URL, type: url, default: "https://api.plain.example" }
http:
  base_url: "{{ config.base_url }}"
resources:
  thing:
    list: { get: /things, items: $.items, pages: none }
    id: $.id
    display_name: $.id
"#;

/// What a sync in this process says that fails, without the waiting of a real one.
fn failure(url: &str) -> String {
    let (synced, _) = Inside::new(&compile(PLAIN), url).sync(folder().path(), 8);
    let error = synced.failure.unwrap();
    format!("{error}\nhint: {}", error.hint().unwrap_or_default())
}

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

#[test]
fn a_host_that_does_not_answer_is_named_with_what_to_check() {
    // A port that was free a moment ago.
    let url = Server::start(atlas::answer).url();
    let said = failure(&url);
    assert_says(&said, &["listing `thing`", &format!("GET {url}/things"), "spec.yaml:10", "hint: "]);
    assert_says(&said.to_lowercase(), &["connect", "6 times"]);
}

#[test]
fn an_answer_that_ends_too_early_is_asked_for_again_and_then_told() {
    let server = Server::start(|_| Answer::text("application/json", "{\"items\": [{\"id\"").claiming(500));
    let said = failure(&server.url());
    assert_says(&said, &["listing `thing`", "/things", "hint: "]);
    assert_eq!(server.asked().len(), 6);
}

#[test]
fn an_answer_that_comes_whole_at_the_second_time_is_enough() {
    let server = Server::start(|request| match request.number {
        1 => Answer::text("application/json", "{\"items\"").claiming(500),
        _ => Answer::json(&json!({ "items": [{ "id": "a" }] })),
    });
    let (synced, lines) = Inside::new(&compile(PLAIN), &server.url()).sync(folder().path(), 8);
    assert!(synced.failure.is_none(), "{synced:?}");
    assert!(lines.contains("\"id\":\"a\""), "{lines}");
}

/// Atlas, but for the second page of users.
fn with_second_page(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |request| match is_second_page(request) {
        true => answer(),
        false => atlas::answer(request),
    })
}

fn is_second_page(request: &Request) -> bool {
    request.path == "/users" && request.query.contains_key("cursor")
}

#[test]
fn nonsense_is_told_with_a_piece_of_it_and_what_came_before_is_kept() {
    const HTML: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>";
    type Made = fn() -> Answer;
    let cases: [(&str, Made, &[&str]); 7] = [
        (
            "a page for people",
            || Answer::text("text/html; charset=utf-8", HTML),
            &["not JSON: it is an HTML page that begins \"Sign in\""],
        ),
        ("a page that calls itself JSON", || Answer::text("application/json", HTML), &["JSON", "Sign in"]),
        ("JSON that ends too early", || Answer::text("application/json", "{\"items\": [{\"id\": \"u"), &["JSON"]),
        ("nothing", || Answer::text("application/json", ""), &["JSON", "empty"]),
        ("nothing, and no type", || Answer::json(&json!(null)).header("x-odd", "1"), &["items"]),
        ("another form", || Answer::json(&json!({ "people": [], "next": null })), &["items", "people"]),
        ("a text for a list", || Answer::json(&json!({ "items": "none", "next": null })), &["items"]),
    ];
    for (what, made, told) in cases {
        let server = with_second_page(made);
        let desk = Desk::new(server.url());
        desk.write("sync.jsonl", "the good file of yesterday\n");
        let run = desk.sync().run();
        assert_eq!(run.status, 1, "{what}: {run}");
        assert_says(&run.stderr, &["listing `user`", "atlas.yaml:"]);
        assert_says(&run.stderr, told);
        assert!(run.stdout.contains("Atlas: FAILED"), "{what}: {run}");
        assert_eq!(desk.files(), ["sync.jsonl", "sync.jsonl.partial", "sync.jsonl.partial-ledger"], "{what}");
        assert_eq!(desk.read("sync.jsonl").as_deref(), Some("the good file of yesterday\n"), "{what}");
    }
}

#[test]
fn a_cursor_that_comes_again_ends_the_sync_instead_of_going_round() {
    let server = with_second_page(|| Answer::json(&json!({ "items": [], "next": "after-5" })));
    let desk = Desk::new(server.url());
    let run = desk.sync().run();
    assert_eq!(run.status, 1, "{run}");
    assert_says(&run.stderr, &["listing `user`", "that it had sent before: the list would never end", "hint: "]);
    assert!(server.asked().iter().filter(|request| request.path == "/users").count() < 5);
}

/// Another server that a vendor leads to; nothing may arrive there.
fn stranger() -> Server {
    Server::start(|_| Answer::json(&json!({ "items": [], "next": null, "ok": true })))
}

#[test]
fn a_next_link_to_another_host_is_not_followed() {
    let stranger = stranger();
    let spec = SPEC.replace("cursor: { next: $.next, send: { query: cursor } }", "next_url: { next: $.next }");
    assert_ne!(spec, SPEC);
    for next in [format!("{}/users?page=2", stranger.url()), stranger.url().replace("http:", "")] {
        let server = Server::start(move |request| match request.path.as_str() {
            "/users" => Answer::json(&json!({ "items": [], "next": next })),
            _ => atlas::answer(request),
        });
        let desk = Desk::new(server.url());
        desk.write("atlas.yaml", &spec);
        let run = desk.sync().run();
        assert_eq!(run.status, 1, "{run}");
        assert_says(&run.stderr, &["listing `user`", &stranger.url().replace("http://", ""), "hint: "]);
        assert!(!run.says(TOKEN), "{run}");
    }
    assert!(stranger.asked().is_empty(), "{:?}", stranger.asked());
}

#[test]
fn a_redirect_to_another_host_carries_nothing_there() {
    for status in [301, 302, 303, 307, 308] {
        let stranger = stranger();
        let location = format!("{}/users?key={TOKEN}", stranger.url());
        let server = Server::start(move |request| match request.path.as_str() {
            "/users" => Answer::json(&json!({})).status(status).header("location", &location),
            _ => atlas::answer(request),
        });
        let desk = Desk::new(server.url());
        let run = desk.sync().run();
        assert_eq!(run.status, 1, "{run}");
        assert_says(&run.stderr, &["listing `user`", &stranger.url().replace("http://", "")]);
        assert!(!run.says(TOKEN), "{run}");
        assert!(stranger.asked().is_empty(), "{:?}", stranger.asked());
    }
}

#[test]
fn a_redirect_on_the_same_host_is_followed_with_credentials() {
    let server = Server::start(|request| match request.path.as_str() {
        "/users" => {
            let location = request.target.replace("/users", "/elsewhere");
            Answer::json(&json!({})).status(307).header("location", &location)
        }
        "/elsewhere" => {
            let mut moved = request.clone();
            "/users".clone_into(&mut moved.path);
            atlas::answer(&moved)
        }
        _ => atlas::answer(request),
    });
    let straight = Server::start(atlas::answer);
    assert_eq!(Desk::new(server.url()).complete(), Desk::new(straight.url()).complete());
}

#[test]
fn a_redirect_that_goes_round_is_not_followed_for_ever() {
    let server = Server::start(|request| match request.path.as_str() {
        "/users" => Answer::json(&json!({})).status(302).header("location", &request.target),
        _ => atlas::answer(request),
    });
    let run = Desk::new(server.url()).sync().run();
    assert_eq!(run.status, 1, "{run}");
    assert_says(&run.stderr, &["listing `user`", "redirect"]);
    assert!(server.asked().iter().filter(|request| request.path == "/users").count() < 8);
}

#[test]
fn what_came_before_a_page_that_failed_is_asked_about_all_the_same() {
    const SPEC: &str = r#"format: 1
id: plain
name: Plain
config:
  base_url: { title: Base URL, type: url, default: "https://api.plain.example" }
http:
  base_url: "{{ config.base_url }}"
resources:
  person:
    list:
      get: /people
      items: $.items
      pages: { page: { send: { query: page } }, limit: { query: limit, value: 1 }, last: [empty_page] }
    id: $.id
    display_name: $.id
    user: { status: enabled }
  site:
    list: { get: /sites, items: $.items, pages: none }
    id: $.id
    display_name: $.id
  team:
    parent: site
    list:
      get: "/sites/{{ parent.id }}/teams"
      items: $.items
      pages: { offset: { send: { query: offset } }, limit: { query: limit, value: 2 }, last: [short_page] }
    id: $.id
    display_name: $.id
    group: {}
    entitlements: { member: { purpose: assignment, grantable_to: [person] } }
    grants:
      - get: "/teams/{{ resource.id }}/people"
        items: $.items
        pages: none
        entitlement: member
        principal: { person: $.id }
"#;
    let server = Server::start(|request: &Request| match request.path.as_str() {
        "/sites" => Answer::json(&json!({ "items": [{ "id": "s1" }] })),
        "/sites/s1/teams" if request.target.contains("offset=2") => Answer::bare(404),
        "/sites/s1/teams" => Answer::json(&json!({ "items": [{ "id": "t1" }, { "id": "t2" }] })),
        // Storing these keeps the store busy for a while.
        "/people" if request.number_of("page") > 8 => Answer::json(&json!({ "items": [] })),
        "/people" => Answer::json(&json!({ "items": [{ "id": request.query["page"] }] })),
        _ => Answer::json(&json!({ "items": [{ "id": "1" }] })),
    });
    let (synced, graph) = Inside::new(&compile(SPEC), &server.url())
        .slowly_stored(std::time::Duration::from_millis(40))
        .sync(folder().path(), 8);
    assert!(synced.failure.is_none(), "{synced:?}");
    assert_eq!(synced.report.verdict, engine_model::Verdict::Incomplete);
    assert_eq!(graph.matches("\"kind\":\"grant\"").count(), 2, "{graph}");
}
