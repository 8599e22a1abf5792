//! `engine record`: names of members that are people, numbers or ids are data like any other.

use serde_json::{Value as Json, json};

use super::assert_holds_none;
use super::cut::recorded;
use crate::support::server::Answer;

/// Records what is answered at two paths, looks for originals, and gives back case and graph.
#[track_caller]
fn disguised(resources: &str, answers: &[(&'static str, Json)], originals: &[&str]) -> (String, String) {
    let answers = answers.to_vec();
    let made = recorded(resources, move |request| {
        let found = answers.iter().find(|(path, _)| *path == request.path);
        found.map_or_else(|| Answer::bare(404), |(_, json)| Answer::json(json))
    });
    let originals: Vec<String> = originals.iter().map(|text| (*text).to_owned()).collect();
    assert_holds_none(&made.text, &originals);
    assert_holds_none(&made.graph, &originals);
    (made.text, made.graph)
}

#[test]
fn rows_that_are_named_by_people_name_somebody_else() {
    let users = json!({ "users": {
        "Adelheid Schwarzenbach": { "id": "q81723", "desk_height": 2 }, "hdietrich": { "id": "q81777" },
        "Karl Rübezahl": { "id": "q81999" }, "w.grunewald@acme.example": { "id": "q82001" },
    } });
    let spec = r#"  user:
    list: { get: /users, entries: $.users, pages: none }
    id: $.value.id
    display_name: $.key
    user: { status: enabled, login: $.key }
"#;
    let originals = ["Adelheid", "Schwarzenbach", "Rübezahl", "dietrich", "grunewald", "q8"];
    let (case, graph) = disguised(spec, &[("/users", users)], &originals);
    assert!(case.contains("desk_height") && graph.lines().filter(|line| line.contains("\"user\"")).count() > 2);
}

#[test]
fn members_in_rows_that_are_made_rows_name_somebody_else() {
    let users = json!({ "users": [{ "id": "q81723" }] });
    let teams = json!([{ "id": "t4711x", "members": { "adelheid": "q81723" }, "board": { "lead": { "schwarzenbach": "q81723" } } }]);
    let grants = |of: &str| {
        format!(
            "          - {{ each_row: team, unnest: {{ of: {of}, entries: true }}, principal: {{ user: $.value }} }}\n"
        )
    };
    let spec = format!(
        r#"  user:
    list: {{ get: /users, items: $.users, pages: none }}
    id: $.id
    display_name: $.id
    user: {{ status: enabled }}
  team:
    list: {{ get: /teams, items: $, pages: none }}
    id: $.id
    display_name: $.id
    group: {{}}
    entitlements:
      member:
        grantable_to: [user]
        grants:
{}      lead:
        grantable_to: [user]
        grants:
{}"#,
        grants("$.members"),
        grants(r#""{{ row.board.lead }}""#)
    );
    disguised(&spec, &[("/users", users), ("/teams", teams)], &["adelheid", "schwarzenbach", "q81723", "t4711x"]);
}

#[test]
fn rows_in_rows_that_are_both_named_by_people_name_somebody_else() {
    let teams = json!({ "quarrymen": { "adelheid": { "id": "q81723" }, "dietrich": { "id": "q81777" } } });
    let spec = r#"  user:
    list:
      get: /teams
      entries: $
      pages: none
      unnest: { of: $.value, entries: true }
    id: $.value.id
    display_name: $.key
    user: { status: enabled }
"#;
    disguised(spec, &[("/teams", teams)], &["quarrymen", "adelheid", "dietrich", "q81723"]);
}

const PLAIN: &str = r#"  user:
    list: { get: /users, items: $, pages: none }
    id: $.id
    display_name: $.name
    user: { status: enabled, login: $.login }
"#;

#[test]
fn what_is_no_name_is_data_where_the_spec_does_not_look() {
    let users = json!([{
        "id": "q81723", "name": "Adelheid Schwarzenbach", "login": "aschwarz", "nick": "heidi",
        "by_name": { "Schwarzenbach, Adelheid": 1, "aschwarz": 2, "heidi": 3 },
        "phones": { "+49 151 2345678": "evenings", "4915123": 1 },
        "desk_height": 3, "hireDate": "2024-01-01", "Köln": true, "https://brightwater.com/claims": [1],
    }]);
    let originals =
        ["Adelheid", "Schwarzenbach", "aschwarz", "heidi", "2345678", "4915123", "Köln", "brightwater", "q81723"];
    let (case, _) = disguised(PLAIN, &[("/users", users)], &originals);
    for name in ["desk_height", "hireDate", "by_name", "phones", "nick"] {
        assert!(case.contains(name), "{name}\n{case}");
    }
}

#[test]
fn numbers_of_people_are_made_up_and_moments_stay() {
    let users = json!([{
        "id": "q81723", "name": "Adelheid Schwarzenbach", "login": "aschwarz", "phone": "+1512345678",
        "mobile": 1601234567, "salary": 83250.55, "geo": [48.137154, 11.576124], "number": 4915112345678.0,
        "createdAt": 1735689600, "hired": 1577836800, "share": 0.5,
    }]);
    let spec = format!("{PLAIN}    profile: {{ salary: $.salary, mobile: $.mobile }}\n");
    let originals = ["1512345678", "1601234567", "83250", "83250.55", "137154", "576124", "4915112345678"];
    let (case, graph) = disguised(&spec, &[("/users", users)], &originals);
    assert!(case.contains("1735689600") && case.contains("share: 0.5") && !case.contains("1577836800"), "{case}");
    assert!(graph.contains("salary"), "{graph}");
}
