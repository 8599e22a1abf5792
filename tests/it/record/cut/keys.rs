//! Lists whose next request names the last row.

use serde_json::{Map, Value as Json, json};

use super::{PEOPLE, recorded, sizes, uid};
use crate::support::server::{Answer, Request};

const KEYSETS: &str = r#"  user:
    list:
      get: /people
      items: $.people
      pages:
        keyset: { key: $.uid, send: { query: after } }
        last: [empty_page]
        total: $.count
    id: $.uid
    display_name: $.uid
    user: { status: enabled }
    profile: { boss: { from: $.boss, optional: true } }
  device:
    # A page with less than eight is the last one.
    list:
      get: /devices
      query:
        filter:
          cases:
            - when: page.last is present
              is: { quote: encoded_query, text: "kind=laptop^serial>?^ORDERBYserial", args: ["{{ page.last }}"] }
          otherwise: kind=laptop^ORDERBYserial
      items: $.rows
      pages:
        keyset: { key: $.serial }
        limit: { query: limit, value: 8 }
        last: [{ when: (body.rows | length) < 8 }]
    id: $.serial
    display_name: $.serial
  team:
    list:
      post: /search
      json:
        kind: team
        after: { optional: "{{ page.last }}" }
      columns: { names: $.names, rows: $.rows }
      pages: { keyset: { key: $.number }, last: [short_page], limit: { json: /limit, value: 5 } }
    id: $.number
    display_name: $.number
    group: {}
    entitlements:
      member:
        grantable_to: [user]
        grants:
          - post: /search
            json:
              kind: member
              team: "{{ resource.id }}"
              after: { optional: "{{ page.last }}" }
            items: $.rows
            pages: { keyset: { key: $.uid }, last: [empty_page] }
            principal: { user: $.uid }
"#;

fn behind<'r>(rows: &'r [Json], key: &str, last: Option<&Json>, size: usize) -> &'r [Json] {
    let from = last.map_or(0, |last| rows.iter().position(|row| row[key] == *last).unwrap() + 1);
    &rows[from..rows.len().min(from + size)]
}

fn behind_keys(request: &Request) -> Answer {
    match request.path.as_str() {
        "/people" => {
            let rows: Vec<Json> = (0..PEOPLE)
                .map(|at| json!({ "uid": uid(at), "boss": if at > 3 { uid(at / 4).into() } else { Json::Null } }))
                .collect();
            let last = request.parameter("after").map(Json::from);
            Answer::json(&json!({ "people": behind(&rows, "uid", last.as_ref(), 10), "count": PEOPLE }))
        }
        "/devices" => {
            let rows: Vec<Json> = (0..38).map(|at| json!({ "serial": format!("SN-{}", 88_000 + at * 7) })).collect();
            let filter = request.parameter("filter").unwrap();
            let last = filter.split('^').find_map(|part| Some(Json::from(part.strip_prefix("serial>")?)));
            Answer::json(&json!({ "rows": behind(&rows, "serial", last.as_ref(), 8) }))
        }
        "/search" => {
            let asked = request.json();
            let last = asked.get("after");
            if asked["kind"] == "team" {
                let teams: Vec<Json> = (0..61).map(|at| json!({ "number": 61_007 + at * 3 })).collect();
                let rows: Vec<Json> =
                    behind(&teams, "number", last, 5).iter().map(|team| json!([team["number"], "Crew"])).collect();
                return Answer::json(&json!({ "names": ["number", "called"], "rows": rows }));
            }
            let team: usize = asked["team"].as_str().unwrap().parse().unwrap();
            let count = if team == 61_007 + 141 { 31 } else { team % 2 };
            let rows: Vec<Json> = (0..count).map(|more| json!({ "uid": uid((team + more) % PEOPLE) })).collect();
            Answer::json(&json!({ "rows": behind(&rows, "uid", last, 6) }))
        }
        _ => Answer::bare(404),
    }
}

#[test]
fn lists_that_go_on_behind_the_last_key_are_cut() {
    let recorded = recorded(KEYSETS, behind_keys);
    assert!(!recorded.run.says("stays as long"), "{}", recorded.run);

    // Each request names the last row that the one before brought; a page without rows ends the list.
    let (people, after) = (recorded.parts("/people", "/people"), recorded.sent("/people", "after"));
    assert!(people.len() == 3 && sizes(&people)[2] == 0 && sizes(&people)[0] >= 2, "{people:?}");
    assert!(sizes(&people).iter().all(|rows| *rows <= 6), "{people:?}");
    assert_eq!(after[0], None);
    for (rows, after) in people.iter().zip(&after[1..]) {
        let last = rows.as_array().unwrap().last().unwrap();
        assert_eq!(last["uid"].as_str(), after.as_deref());
    }
    let count = sizes(&people).iter().sum::<usize>();
    assert_eq!(recorded.parts("/people", "/count"), vec![Json::from(count); 3]);

    // A page that must be full to go on is full.
    let devices = recorded.parts("/devices", "/rows");
    assert!(devices.len() == 2 && sizes(&devices)[0] == 8 && sizes(&devices)[1] <= 3, "{devices:?}");
    let last = devices[0][7]["serial"].as_str().unwrap();
    let filter = recorded.sent("/devices", "filter").remove(1).unwrap();
    assert!(filter.contains(&format!("serial>{last}^")), "{last} in {filter}");

    // The key may be a number in a body, and the request may name the list beside it.
    let bodies = recorded.asked("/search").into_iter().filter_map(|one| one.json.clone());
    let bodies: Vec<Json> = bodies.map(Json::from).collect();
    let teams = bodies.iter().filter(|body| body["kind"] == "team");
    let teams: Vec<&Json> = teams.map(|body| &body["after"]).collect();
    assert!(teams.len() == 2 && teams[0].is_null() && teams[1].is_number(), "{bodies:?}");
    let members: Vec<&Json> = bodies.iter().filter(|body| body["kind"] == "member").collect();
    let later: Vec<&Json> = members.iter().filter(|body| body["after"].is_string()).map(|body| &body["team"]).collect();
    let long = later.iter().filter(|team| later.iter().filter(|other| other == team).count() >= 2).count();
    assert!(long >= 2 && members.len() < 30, "{members:?}");
    assert!(recorded.case.exchanges.len() < 40, "{:#?}", recorded.case.exchanges);
}

const OTHER_WORDS: &str = r#"  user:
    list:
      get: /people
      query: { after: { optional: "{{ page.last | upper if page.last is present }}" } }
      items: $.rows
      pages: { keyset: { key: $.id }, last: [empty_page] }
    id: $.id
    display_name: $.id
    user: { status: enabled }
  room:
    list: { get: /rooms, entries: $.rooms, pages: none }
    id: $.key
    display_name: $.key
"#;

#[test]
fn a_list_that_goes_on_in_other_words_than_its_rows_stays_whole_and_the_others_are_cut() {
    let recorded = recorded(OTHER_WORDS, |request| match request.path.as_str() {
        "/people" => {
            let rows: Vec<Json> = (0..PEOPLE).map(|at| json!({ "id": uid(at) })).collect();
            let last = request.parameter("after").map(|after| Json::from(after.to_lowercase()));
            Answer::json(&json!({ "rows": behind(&rows, "id", last.as_ref(), 20) }))
        }
        "/rooms" => {
            let rooms: Map<String, Json> = (0..30).map(|at| (format!("rm-{}", 4_000 + at), json!({}))).collect();
            Answer::json(&json!({ "rooms": rooms }))
        }
        _ => Answer::bare(404),
    });
    assert!(recorded.run.says("note: this list stays as long as it was: user: GET /people?after="), "{}", recorded.run);
    assert_eq!(sizes(&recorded.parts("/people", "/rows")), [20, 20, 3, 0]);
    assert_eq!(sizes(&recorded.parts("/rooms", "/rooms")), [3]);
}

/// People under their logins, asked for behind the last one.
const MEMBERS: &str = r#"  user:
    list:
      get: /people
      entries: $.people
      pages: { keyset: { key: $.key, send: { query: after } }, last: [empty_page] }
    id: $.key
    display_name: $.value.name
    user: { status: enabled }
"#;

#[test]
fn lists_that_go_on_behind_the_last_member_of_an_object_are_cut() {
    let keys: [fn(usize) -> String; 3] = [
        |at| format!("{}{}", ["adalbert", "berta", "caesar", "dorothea"][at / 11], ["", "a", "nd", "z"][at % 4]),
        |at| format!("k{}x{}", 1000 + at * 37, 7000 - at * 13),
        |at| {
            format!("{}.{}@harbor.com", ["adalbert", "berta", "caesar", "dorothea"][at / 11], ["kurz", "lang"][at % 2])
        },
    ];
    for key in keys {
        let recorded = recorded(MEMBERS, move |request| {
            let all: std::collections::BTreeSet<String> = (0..PEOPLE).map(key).collect();
            let after = request.parameter("after").unwrap_or_default();
            let behind = all.into_iter().filter(|key| *key > after).take(4);
            let people: Map<String, Json> = behind.map(|key| (key, json!({ "name": "Somebody" }))).collect();
            Answer::json(&json!({ "people": people }))
        });
        assert!(!recorded.graph.contains("adalbert") && !recorded.graph.contains("1037"), "{}", recorded.graph);
        assert!(recorded.records("resource") > 2, "{}", recorded.graph);
    }
}
