//! `engine new`: each folder of `../draft` holds a document, a recording or answers, and the recorded
//! case of a vendor that is what they describe. The draft is a snapshot, it is valid, and it reads that
//! vendor to the end.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use engine_draft::{Wishes, from_document};
use engine_spec::diagnostic::Code;
use engine_spec::render;
use serde_json::json;

use crate::support::{Run, compiled, engine, folder, root};

const DRAFTS: &[&str] = &["ferry", "harbor", "lantern", "meadow", "orchard", "quarry", "sonnet", "summit"];

fn place(name: &str) -> PathBuf {
    root().join("tests/draft").join(name)
}

/// Drafts a spec of one of the folders.
fn drafted(name: &str, out: &Path) -> Run {
    let source = ["openapi.yaml", "openapi.json", "recording.har"].map(|file| place(name).join(file));
    let command = engine(["new", "--out"]).with([out]);
    match source.iter().find(|file| file.exists()) {
        Some(file) => command.with(["--from"]).with([file]).run(),
        None => command.with(["--answers"]).reading(&place(name).join("answers.txt")).run(),
    }
}

#[test]
fn a_draft_says_what_was_reviewed() {
    for name in DRAFTS {
        let folder = folder();
        let out = folder.path().join(format!("{name}.yaml"));
        let run = drafted(name, &out);
        assert_eq!(run.status, 0, "{name}: {run}");
        let told = run.stderr.replace(&folder.path().display().to_string(), "FOLDER");
        let whole = format!("{told}\n{}", std::fs::read_to_string(&out).unwrap());
        insta::with_settings!({ snapshot_path => "../draft/snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(*name, whole);
        });
    }
}

#[test]
fn a_draft_is_valid_and_each_guess_is_listed() {
    for name in DRAFTS {
        let folder = folder();
        let out = folder.path().join(format!("{name}.yaml"));
        drafted(name, &out);
        let text = std::fs::read_to_string(&out).unwrap();
        let marks = text.lines().filter(|line| line.trim_start().starts_with("# TODO: ")).count();
        let run = engine(["validate"]).with([&out]).run();
        assert_eq!(run.status, 0, "{run}");
        assert!(marks > 0 && run.says(&format!("1 spec: 0 errors, {marks} warnings")), "{marks} marks\n{run}");
        assert_eq!(run.stdout.matches("warning[todo]").count(), marks, "{run}");
        assert_eq!(engine(["validate", "--strict"]).with([&out]).run().status, 2);
    }
}

#[test]
fn a_draft_reads_its_vendor_to_the_end() {
    for name in DRAFTS {
        let folder = folder();
        let out = folder.path().join(format!("{name}.yaml"));
        drafted(name, &out);
        let run = engine(["test"]).with([&out]).with(["--cases"]).with([place(name).join("cases")]).run();
        assert_eq!(run.status, 0, "{name}: {run}");
    }
}

#[test]
fn no_value_of_a_recording_is_written_or_told() {
    let folder = folder();
    let out = folder.path().join("lantern.yaml");
    let run = drafted("lantern", &out);
    let whole = std::fs::read_to_string(&out).unwrap() + &run.stdout + &run.stderr;
    for value in ["very-secret", "cookie-secret", "csrf", "9f8e7d", "Ada", "ada@", "crew", "Tracker"] {
        assert!(!whole.contains(value), "`{value}` is in\n{whole}");
    }
}

#[test]
fn a_file_is_replaced_only_by_force() {
    let folder = folder();
    let out = folder.path().join("harbor.yaml");
    std::fs::write(&out, "mine").unwrap();
    let run = drafted("harbor", &out);
    assert_eq!(run.status, 2, "{run}");
    assert!(run.says("is there already") && run.says("--force"), "{run}");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "mine");
    let document = place("harbor").join("openapi.yaml");
    let run = engine(["new", "--force", "--out"]).with([&out]).with(["--from"]).with([&document]).run();
    assert_eq!(run.status, 0, "{run}");
    assert!(std::fs::read_to_string(&out).unwrap().contains("id: harbor"));
}

#[test]
fn without_a_document_and_without_a_terminal_it_says_what_it_needs() {
    let run = engine(["new"]).run();
    assert_eq!(run.status, 2, "{run}");
    assert!(run.says("--from FILE") && run.says("--answers"), "{run}");
    let run = engine(["new", "--answers"]).run();
    assert_eq!(run.status, 2, "{run}");
    assert!(run.says("the answers end before the question `What is the vendor called?`"), "{run}");
}

#[test]
fn the_user_may_name_the_lists() {
    let folder = folder();
    let document = place("quarry").join("openapi.yaml");
    let named = |path: &str| {
        engine(["new", "--users", path, "--id", "pit", "--from"]).with([&document]).within(folder.path()).run()
    };
    let run = named("/teams/{team_slug}/people");
    assert_eq!(run.status, 0, "{run}");
    assert!(run.stdout.contains("id: pit") && run.stdout.contains("/api/teams/{{ config.team_slug }}/people"), "{run}");
    let run = named("/nobody");
    assert_eq!(run.status, 1, "{run}");
    assert!(run.says("GET /nobody is no list in the document"), "{run}");
}

#[test]
fn only_the_lists_that_the_user_names_are_drafted() {
    let folder = folder();
    let document = place("summit").join("openapi.yaml");
    let lists = ["--groups", "/projects", "--groups", "/teams", "--roles", "/groups"];
    let run = engine(["new", "--from"]).with([&document]).with(lists).within(folder.path()).run();
    assert_eq!(run.status, 0, "{run}");
    let shown = run.stderr.lines().filter(|line| line.contains("  GET /"));
    let types: Vec<&str> = shown.filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(types, ["user", "project", "team", "group"], "{run}");
}

#[test]
fn a_list_is_drafted_for_one_thing_only() {
    let document = std::fs::read_to_string(place("summit").join("openapi.yaml")).unwrap();
    let paths = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
    let refused = |users: Option<&str>, groups: &[&str], roles: &[&str]| {
        let users = users.map(str::to_owned);
        let wishes = Wishes { users, groups: paths(groups), roles: paths(roles), ..Wishes::default() };
        from_document(&document, &wishes).map(|drafted| drafted.spec).unwrap_err().to_string()
    };
    let twice = "GET /groups is named twice";
    assert_eq!(refused(None, &["/groups", "/groups"], &[]), twice);
    assert_eq!(refused(None, &["/groups", "/groups/"], &[]), twice);
    assert_eq!(refused(None, &[], &["/groups", "/groups"]), twice);
    assert_eq!(refused(None, &["/groups"], &["/groups"]), twice);
    assert_eq!(refused(Some("/users"), &["/users"], &[]), "GET /users is named twice");
    let users = "GET /users is the list of users, and is named for something else";
    assert_eq!(refused(None, &["/users"], &[]), users);
    assert_eq!(refused(None, &["/groups"], &["/users"]), users);
}

#[test]
fn lists_outside_scim_that_the_user_names_are_told_to_be_left_out() {
    let text = json!({ "type": "string" });
    let list = |items: &str| {
        let list =
            json!({ "type": "array", "items": { "properties": { "id": text, "userName": text, "name": text } } });
        let schema = json!({ "properties": { items: list, "totalResults": { "type": "integer" } } });
        json!({ "get": { "responses": { "200": { "content": { "application/json": { "schema": schema } } } } } })
    };
    let (scim, own) = (list("Resources"), list("items"));
    let paths = json!({ "/scim/v2/Users": scim, "/scim/v2/Groups": scim, "/teams": own, "/roles": own });
    let servers = json!([{ "url": "https://both.example" }]);
    let document = json!({ "openapi": "3.0.0", "info": { "title": "Both" }, "servers": servers, "paths": paths });
    let left_out = |groups: &[&str], roles: &[&str]| {
        let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        let wishes = Wishes {
            users: Some("/scim/v2/Users".to_owned()),
            groups: owned(groups),
            roles: owned(roles),
            ..Wishes::default()
        };
        let drafted = from_document(&document.to_string(), &wishes).unwrap();
        assert!(drafted.spec.contains("use: scim2"), "{}", drafted.spec);
        drafted.left_out
    };
    let told = |path: &str| format!("GET {path}: it is outside SCIM, and a draft over SCIM has only users and groups");
    assert_eq!(left_out(&["/teams", "/scim/v2/Groups"], &["/roles"]), [told("/teams"), told("/roles")]);
    assert_eq!(left_out(&["/scim/v2/Groups"], &[]), [""; 0]);
    assert_eq!(left_out(&[], &[]), [""; 0]);
}

#[test]
fn users_beside_scim_are_drafted_from_the_api_that_says_more() {
    let users = |at: &str, items: &str, row: &serde_json::Value| {
        let list = json!({ "type": "array", "items": { "properties": row } });
        let schema = json!({ "properties": { items: list, "totalResults": { "type": "integer" } } });
        let content = json!({ "application/json": { "schema": schema } });
        (at.to_owned(), json!({ "get": { "responses": { "200": { "content": content } } } }))
    };
    let text = json!({ "type": "string" });
    let scim = users("/scim/v2/Users", "Resources", &json!({ "id": text, "userName": text }));
    let own = users("/users", "users", &json!({ "id": text, "email": text }));
    let document = |paths: &[&(String, serde_json::Value)]| {
        let paths: serde_json::Map<String, serde_json::Value> = paths.iter().copied().cloned().collect();
        json!({ "openapi": "3.0.0", "info": { "title": "Both" }, "servers": [ { "url": "https://both.example" } ], "paths": paths })
            .to_string()
    };
    let spec = told(&document(&[&scim, &own]));
    assert!(spec.contains("get: /users") && !spec.contains("scim2"), "{spec}");
    let spec = told(&document(&[&scim]));
    assert!(spec.contains("use: scim2") && spec.contains("default: https://both.example/scim/v2"), "{spec}");
    assert!(spec.contains("  group: null"), "{spec}");
    assert_eq!(faults("both.yaml", &spec), "", "{spec}");
}

#[test]
fn a_header_that_leads_to_the_next_page_is_known_by_its_name() {
    let text = json!({ "type": "string" });
    let mut document: serde_json::Value =
        serde_json::from_str(&with_row(&json!({ "properties": { "id": text, "email": text } }), &json!({}))).unwrap();
    let get = &mut document["paths"]["/users"]["get"];
    get["parameters"] = json!([{ "name": "page", "in": "query", "schema": { "type": "integer" } }]);
    get["responses"]["200"]["headers"] = json!({ "X-Next-Page": { "schema": text } });
    let spec = told(&document.to_string());
    assert!(spec.contains("cursor: { next: { header: X-Next-Page }, send: { query: page } }"), "{spec}");
    assert_eq!(faults("deep.yaml", &spec), "", "{spec}");
}

fn told(text: &str) -> String {
    match from_document(text, &Wishes::default()) {
        Ok(drafted) => drafted.spec,
        Err(error) => format!("{error}"),
    }
}

/// A document whose list of users has this schema for a row.
fn with_row(row: &serde_json::Value, schemas: &serde_json::Value) -> String {
    let content = json!({ "application/json": { "schema": { "type": "array", "items": row } } });
    json!({
        "openapi": "3.0.0",
        "info": { "title": "Deep" },
        "servers": [ { "url": "https://deep.example" } ],
        "paths": { "/users": { "get": { "responses": { "200": { "content": content } } } } },
        "components": { "schemas": schemas },
    })
    .to_string()
}

#[test]
fn documents_that_lead_in_circles_or_fan_out_end_somewhere() {
    let circle = json!({ "a": { "$ref": "#/components/schemas/b" }, "b": { "$ref": "#/components/schemas/a" } });
    assert!(told(&with_row(&json!({ "$ref": "#/components/schemas/a" }), &circle)).contains("no list of users"));
    let id = json!({ "type": "string" });
    let own = json!({ "me": { "allOf": [ { "$ref": "#/components/schemas/me" }, { "properties": { "id": id, "email": id, "boss": { "$ref": "#/components/schemas/me" } } } ] } });
    assert!(told(&with_row(&json!({ "$ref": "#/components/schemas/me" }), &own)).contains("email: $.email"));
    // Each of twelve levels has forty members that are the next level.
    let mut levels = json!({ "l12": { "type": "string" } });
    for level in 0..12 {
        let next = json!({ "$ref": format!("#/components/schemas/l{}", level + 1) });
        let members: serde_json::Map<String, _> = (0..40).map(|n| (format!("m{n}"), next.clone())).collect();
        levels[format!("l{level}")] = json!({ "properties": members, "allOf": [ next, next ] });
    }
    let row =
        json!({ "allOf": [ { "properties": { "id": id, "email": id } }, { "$ref": "#/components/schemas/l0" } ] });
    assert!(told(&with_row(&row, &levels)).contains("email: $.email"));
    let envelope = with_row(&row, &levels).replace("\"type\":\"array\"", "\"$ref\":\"#/components/schemas/l0\"");
    assert!(told(&envelope).contains("no list of users"));
}

#[test]
fn what_a_document_calls_things_cannot_break_the_spec() {
    let text = json!({ "type": "string" });
    let names = ["id", "email", "status", "a'b\\", "{{ x }}", "# TODO: no", "é\u{2028}", "role\n- x: y"];
    let row: serde_json::Map<String, _> = names.iter().map(|name| ((*name).to_owned(), text.clone())).collect();
    let mut row = json!({ "properties": row });
    row["properties"]["status"] =
        json!({ "type": "string", "enum": ["active", "{{ x }}", "# TODO: no", "yes", "inactive\n"] });
    let mut document: serde_json::Value = serde_json::from_str(&with_row(&row, &json!({}))).unwrap();
    document["info"]["title"] = json!("{{ config.x }}\n# TODO: no\nid: other \u{7} $.x");
    let spec = told(&document.to_string());
    assert_eq!(faults("deep.yaml", &spec), "", "{spec}");
    assert!(!spec.contains("# TODO: no\n"), "{spec}");
}

/// What is wrong with a draft beside its guesses.
fn faults(name: &str, spec: &str) -> String {
    let (_, diagnostics) = compiled(name, spec);
    let known = |code: Code| matches!(code, Code::Todo | Code::QuerySecret);
    match diagnostics.sorted().iter().all(|diagnostic| known(diagnostic.code)) {
        true => String::new(),
        false => render::human(&diagnostics, false),
    }
}

/// `ENGINE_OPENAPI_DIR=documents cargo test -- --ignored every_document_of_a_folder`
#[test]
#[ignore = "reads the folder of real documents that ENGINE_OPENAPI_DIR names"]
fn every_document_of_a_folder_gives_a_valid_draft_or_says_why_not() {
    let mut folders = vec![PathBuf::from(std::env::var_os("ENGINE_OPENAPI_DIR").unwrap())];
    let (mut drafts, mut others, mut wrong) = (0, 0, String::new());
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let document = path
                .extension()
                .is_some_and(|known| ["json", "yaml", "yml", "har"].iter().any(|known_as| known == *known_as));
            if path.is_dir() {
                folders.push(path);
            } else if document && let Ok(text) = std::fs::read_to_string(&path) {
                match from_document(&text, &Wishes::default()) {
                    Ok(drafted) => {
                        drafts += 1;
                        let found = faults(&path.display().to_string(), &drafted.spec);
                        wrong.write_str(&found).unwrap();
                    }
                    Err(_) => others += 1,
                }
            }
        }
    }
    println!("{drafts} drafts, {others} documents without one");
    assert!(drafts > 0 && wrong.is_empty(), "{wrong}");
}
