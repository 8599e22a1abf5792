//! `engine record`: how lists of each form become small: a made-up spec each, and a vendor that has
//! far more rows and pages than a case should.

use std::collections::BTreeSet;

use engine_case::Case;
use engine_case::case::Exchange;
use serde_json::{Map, Value as Json, json};

use super::assert_passes;
use crate::support::server::{Answer, Request, Server};
use crate::support::{Run, engine, folder};

const PEOPLE: usize = 43;

/// A spec, apart from its resources.
const HEAD: &str = r#"format: 1
id: farrow
name: Farrow
config:
  base_url: { title: Base URL, type: url, default: "https://api.farrow.example" }
http: { base_url: "{{ config.base_url }}" }
resources:
"#;

/// What was recorded.
struct Recorded {
    run: Run,
    case: Case,
    graph: String,
}

/// Records what a vendor answers to a spec with these resources; the case passes.
#[track_caller]
fn recorded(resources: &str, answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Recorded {
    let (place, vendor) = (folder(), Server::start(answer));
    let spec = place.path().join("farrow.yaml");
    std::fs::write(&spec, format!("{HEAD}{resources}")).unwrap();
    let run = engine(["record", "--spec", "farrow.yaml", "--out", "cases"])
        .within(place.path())
        .env("BATON_FARROW_BASE_URL", vendor.url())
        .run();
    assert_eq!(run.status, 0, "{run}");
    assert_passes(&spec, &place.path().join("cases"));
    let text = |name: &str| std::fs::read_to_string(place.path().join("cases").join(name)).unwrap();
    Recorded { case: Case::parse(&text("main.yaml")).unwrap(), graph: text("main.jsonl"), run }
}

impl Recorded {
    /// The exchanges of a path, in order.
    fn asked(&self, path: &str) -> Vec<&Exchange> {
        self.case.exchanges.iter().filter(|one| one.line().1 == path).collect()
    }

    /// A part of the answers to a path, in order.
    fn parts(&self, path: &str, pointer: &str) -> Vec<Json> {
        let answers = self.asked(path).into_iter().filter_map(|one| one.answer.as_ref()?.json.as_ref());
        answers.map(|json| json.pointer(pointer).cloned().unwrap_or_default()).collect()
    }

    /// A parameter of the requests to a path, in order.
    fn sent(&self, path: &str, name: &str) -> Vec<Option<String>> {
        self.asked(path).into_iter().map(|one| Some(one.query.get(name)?.list().join(","))).collect()
    }

    #[track_caller]
    fn assert_cut(&self) {
        assert!(!self.run.says("stays as long"), "{}", self.run);
        assert!(self.case.exchanges.len() < 20, "{:#?}", self.case.exchanges);
    }

    fn records(&self, kind: &str) -> usize {
        self.graph.lines().filter(|line| line.contains(&format!("\"kind\":\"{kind}\""))).count()
    }
}

fn sizes(rows: &[Json]) -> Vec<usize> {
    rows.iter().map(|rows| rows.as_array().map_or_else(|| rows.as_object().map_or(0, Map::len), Vec::len)).collect()
}

fn uid(number: usize) -> String {
    format!("usr-{}", 730_211 + number * 17)
}

fn team(number: usize) -> String {
    format!("tm-{}", 5_100 + number * 3)
}

/// The page of a list that a number asks for, and whether there is a further one.
fn page(rows: &[Json], number: usize, size: usize) -> (&[Json], bool) {
    let from = (number * size).min(rows.len());
    let to = (from + size).min(rows.len());
    (&rows[from..to], to < rows.len())
}

const COLUMNS: &str = r#"  user:
    list:
      get: /people
      columns: { names: "{{ first.names }}", rows: $.data }
      pages:
        page: { send: { query: page } }
        last: [total_reached]
        total: "{{ first.total }}"
        first:
          names: "$.meta.columns[*].name"
          total: $.meta.total
    id: $.uid
    display_name: $.uid
    user:
      status: { from: $.state, map: { on: enabled, off: disabled } }
    profile: { boss: { from: $.boss, optional: true } }
  team:
    list:
      get: /teams
      columns: { names: "$.columns[*].name", rows: $.data }
      pages:
        cursor: { next: $.next, send: { query: after } }
        last: [next_null]
    id: $.id
    display_name: $.id
    group: {}
    entitlements:
      member:
        grantable_to: [user]
        grants:
          - get: "/teams/{{ resource.id }}/members"
            columns: { names: "$.columns[*].name", rows: $.data }
            pages: none
            principal: { user: $.who }
"#;

fn in_columns(request: &Request) -> Answer {
    match request.segments().iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["people"] => {
            let rows: Vec<Json> = (0..PEOPLE)
                .map(|at| {
                    let boss = if at > 3 { Json::from(uid(at / 4)) } else { Json::Null };
                    json!([uid(at), if at == 31 { "off" } else { "on" }, boss])
                })
                .collect();
            let number = request.number_of("page") - 1;
            let mut body = json!({ "data": page(&rows, number, 10).0 });
            if number == 0 {
                let columns = ["uid", "state", "boss"].map(|name| json!({ "name": name }));
                body["meta"] = json!({ "columns": columns, "total": PEOPLE });
            }
            Answer::json(&body)
        }
        ["teams"] => {
            let rows: Vec<Json> = (0..25).map(|at| json!([team(at)])).collect();
            let number = request.parameter("after").map_or(0, |after| after[1..].parse().unwrap());
            let (rows, more) = page(&rows, number, 6);
            let next = more.then(|| format!("p{}", number + 1));
            Answer::json(&json!({ "columns": [{ "name": "id" }], "data": rows, "next": next }))
        }
        ["teams", id, "members"] => {
            let at = (id[3..].parse::<usize>().unwrap() - 5_100) / 3;
            let rows: Vec<Json> =
                (0..at % 5).map(|more| json!([uid((at * 7 + more) % PEOPLE), uid(more), "2024-01-01"])).collect();
            let columns = ["who", "added_by", "since"].map(|name| json!({ "name": name }));
            Answer::json(&json!({ "columns": columns, "data": rows }))
        }
        _ => Answer::bare(404),
    }
}

#[test]
fn rows_of_values_under_names_are_cut() {
    let recorded = recorded(COLUMNS, in_columns);
    recorded.assert_cut();
    let people = recorded.parts("/people", "/data");
    assert_eq!(recorded.sent("/people", "page"), ["1", "2", "3"].map(|page| Some(page.to_owned())));
    assert!(sizes(&people).iter().all(|rows| (2..=5).contains(rows)), "{people:?}");
    // A row keeps all of its values, and who is named in one stays.
    let rows: Vec<&Json> = people.iter().filter_map(Json::as_array).flatten().collect();
    assert!(rows.iter().all(|row| row.as_array().is_some_and(|cells| cells.len() == 3)), "{people:?}");
    let bosses: Vec<&Json> = rows.iter().map(|row| &row[2]).filter(|boss| boss.is_string()).collect();
    assert!(!bosses.is_empty() && bosses.iter().all(|boss| rows.iter().any(|row| row[0] == **boss)), "{people:?}");
    assert!(rows.iter().any(|row| row[1] == "off"), "somebody disabled is there: {people:?}");
    // The names and the total stand in the first answer alone.
    let totals = recorded.parts("/people", "/meta/total");
    assert_eq!(totals, [Json::from(rows.len()), Json::Null, Json::Null]);

    assert_eq!(recorded.asked("/teams").len(), 3);
    assert!(sizes(&recorded.parts("/teams", "/data")).iter().sum::<usize>() <= 12);
    assert!(recorded.records("grant") > 0);
}

const ENTRIES: &str = r#"  user:
    list:
      get: /people
      entries: $.people
      pages:
        cursor: { next: $.next, send: { query: after } }
        last: [next_absent]
        total: $.count
    id: $.key
    display_name: $.value.label
    user:
      status: { from: $.value.state, map: { on: enabled, off: disabled } }
    profile: { boss: { from: $.value.boss, optional: true } }
  team:
    list: { get: /teams, entries: $.teams, pages: none }
    id: $.key
    display_name: $.value
    group: {}
    entitlements:
      member:
        grantable_to: [user]
        grants:
          - { get: "/teams/{{ resource.id }}/members", entries: $.members, pages: none, principal: { user: $.key } }
      lead:
        grantable_to: [user]
        grants:
          - { get: "/teams/{{ resource.id }}/leads", entries: $.leads, pages: none, principal: { user: $.value.who } }
"#;

fn in_entries(request: &Request) -> Answer {
    let team_at = |id: &str| (id[3..].parse::<usize>().unwrap() - 5_100) / 3;
    match request.segments().iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["people"] => {
            let number = request.parameter("after").map_or(0, |after| after[1..].parse().unwrap());
            let rows: Vec<Json> = (0..PEOPLE).map(Json::from).collect();
            let (rows, more) = page(&rows, number, 10);
            let people: Map<String, Json> = rows
                .iter()
                .filter_map(|at| usize::try_from(at.as_u64()?).ok())
                .map(|at| {
                    let state = if at == 31 { "off" } else { "on" };
                    let mut person = json!({ "label": format!("Person of {at}"), "state": state });
                    if at > 3 {
                        person["boss"] = Json::from(uid(at / 4));
                    }
                    (uid(at), person)
                })
                .collect();
            let mut body = json!({ "people": people, "count": PEOPLE });
            if more {
                body["next"] = Json::from(format!("p{}", number + 1));
            }
            Answer::json(&body)
        }
        ["teams"] => {
            let teams: Map<String, Json> = (0..25).map(|at| (team(at), Json::from(format!("Team {at}")))).collect();
            Answer::json(&json!({ "teams": teams }))
        }
        ["teams", id, "members"] => {
            let at = team_at(id);
            let members = (0..at % 5).map(|more| (uid((at * 7 + more) % PEOPLE), json!({ "since": "2024-01-01" })));
            Answer::json(&json!({ "members": members.collect::<Map<_, _>>() }))
        }
        ["teams", id, "leads"] => {
            let at = team_at(id);
            let leads = (0..at % 3).map(|more| (format!("l{more}"), json!({ "who": uid((at * 5 + more) % PEOPLE) })));
            Answer::json(&json!({ "leads": leads.collect::<Map<_, _>>() }))
        }
        _ => Answer::bare(404),
    }
}

#[test]
fn rows_that_are_members_of_an_object_are_cut() {
    let recorded = recorded(ENTRIES, in_entries);
    recorded.assert_cut();
    let people = recorded.parts("/people", "/people");
    assert_eq!(people.len(), 3, "{people:?}");
    assert!(sizes(&people).iter().all(|rows| (1..=6).contains(rows)), "{people:?}");
    let members = people.iter().filter_map(Json::as_object).flatten();
    let all: Map<String, Json> = members.map(|(name, person)| (name.clone(), person.clone())).collect();
    assert_eq!(recorded.parts("/people", "/count"), vec![Json::from(all.len()); 3]);
    let bosses: Vec<&str> = all.values().filter_map(|person| person["boss"].as_str()).collect();
    assert!(!bosses.is_empty() && bosses.iter().all(|boss| all.contains_key(*boss)), "{people:?}");
    assert!(all.values().any(|person| person["state"] == "off"), "somebody disabled is there: {people:?}");

    assert!(sizes(&recorded.parts("/teams", "/teams")).iter().sum::<usize>() <= 8);
    // Who is gone is no member and no lead any more.
    assert!(recorded.graph.contains("\"slug\":\"member\"") && recorded.graph.contains("\"slug\":\"lead\""));
    assert!(recorded.records("grant") >= 2, "{}", recorded.graph);
}

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
    let bodies: Vec<&Json> = recorded.asked("/search").into_iter().filter_map(|one| one.json.as_ref()).collect();
    let teams = bodies.iter().filter(|body| body["kind"] == "team");
    let teams: Vec<&Json> = teams.map(|body| &body["after"]).collect();
    assert!(teams.len() == 2 && teams[0].is_null() && teams[1].is_number(), "{bodies:?}");
    let members: Vec<&&Json> = bodies.iter().filter(|body| body["kind"] == "member").collect();
    let later: Vec<&Json> = members.iter().filter(|body| body["after"].is_string()).map(|body| &body["team"]).collect();
    let long = later.iter().filter(|team| later.iter().filter(|other| other == team).count() >= 2).count();
    assert!(long >= 2 && members.len() < 30, "{members:?}");
    assert!(recorded.case.exchanges.len() < 40, "{:#?}", recorded.case.exchanges);
}

const WINDOWS: &str = r#"  user:
    list:
      get: /people
      query: { since: { optional: "{{ page.window }}" } }
      items: $.rows
      pages:
        page: { send: { query: page } }
        last: [total_reached, empty_page]
        total: $.total
        window: { rows: 12, value: $.made }
    id: $.id
    display_name: $.id
    user: { status: enabled }
    profile: { boss: { from: $.boss, optional: true } }
  badge:
    list:
      get: /badges
      query:
        q:
          cases: [{ when: page.window is present, is: "made:[{{ page.window }} TO *]" }]
          otherwise: "made:[* TO *]"
      items: $.rows
      pages:
        cursor: { next: $.next, send: { query: after } }
        last: [next_absent]
        total: $.total
        window: { rows: 12, value: $.made }
    id: $.id
    display_name: $.id
  desk:
    list:
      get: /desks
      query: { since: { optional: "{{ page.window }}" } }
      items: $.rows
      pages:
        page: { send: { query: page } }
        last: [total_reached, empty_page]
        total: $.total
        window: { rows: 120, value: $.made }
    id: $.id
    display_name: $.id
  key:
    list:
      get: /keys
      query: { since: { optional: "{{ page.window }}" } }
      items: $.rows
      pages:
        cursor: { next: $.next, send: { query: after } }
        last: [next_absent]
        window: { rows: 120, value: $.made }
    id: $.id
    display_name: $.id
  room:
    # Never as many as the cap.
    list:
      get: /rooms
      query: { since: { optional: "{{ page.window }}" } }
      items: $.rows
      pages:
        page: { send: { query: page } }
        last: [total_reached]
        total: $.total
        window: { rows: 1000, value: $.made }
    id: $.id
    display_name: $.id
"#;

/// A vendor that gives a window of a list and says how much there is from where it begins.
fn in_windows(request: &Request) -> Answer {
    let (series, count, size, cap) = match request.path.as_str() {
        "/people" => (1, PEOPLE, 4, 12),
        "/badges" => (2, 31, 4, 12),
        "/desks" => (3, 290, 40, 120),
        "/keys" => (4, 290, 40, 120),
        "/rooms" => (5, 60, 10, 1000),
        _ => return Answer::bare(404),
    };
    let day = |at: usize| format!("20{:02}-{:02}-01T08:00:00Z", 10 + at / 12, at % 12 + 1);
    let rows: Vec<Json> = (0..count)
        .map(|at| {
            let id = |at: usize| format!("{series}-{}", uid(at));
            json!({ "id": id(at), "made": day(at), "boss": if at > 3 { id(at / 4).into() } else { Json::Null } })
        })
        .collect();
    let since = request.parameter("since").or_else(|| {
        let query = request.parameter("q")?;
        query.strip_prefix("made:[")?.strip_suffix(" TO *]").filter(|since| *since != "*").map(str::to_owned)
    });
    let from = since.map_or(0, |since| rows.iter().position(|row| row["made"] == *since).unwrap());
    let window = &rows[from..count.min(from + cap)];
    let number = match request.parameter("after") {
        Some(after) => after.rsplit('p').next().unwrap().parse().unwrap(),
        None => request.number_of("page").saturating_sub(1),
    };
    let (rows, more) = page(window, number, size);
    let mut body = json!({ "rows": rows, "total": count - from });
    if more {
        body["next"] = Json::from(format!("w{from}p{}", number + 1));
    }
    Answer::json(&body)
}

#[test]
fn windows_are_cut_and_one_goes_on_to_another_where_that_takes_few_rows() {
    let recorded = recorded(WINDOWS, in_windows);
    assert!(!recorded.run.says("stays as long"), "{}", recorded.run);

    // The first window is full, the second one begins with the last row of it and is the last one.
    for (path, name) in [("/people", "since"), ("/badges", "q")] {
        let (asked, rows) = (recorded.sent(path, name), recorded.parts(path, "/rows"));
        let first = asked.iter().take_while(|window| **window == asked[0]).count();
        assert!(first == 3 && sizes(&rows)[..3] == [4, 4, 4], "{path}: {asked:?} {rows:?}");
        let later: BTreeSet<&Option<String>> = asked[3..].iter().collect();
        assert!(asked.len() == 6 && later.len() == 1, "{path}: {asked:?}");
        let last = rows[2][3]["made"].as_str().unwrap();
        assert!(asked[3].as_ref().unwrap().contains(last) && rows[3][0] == rows[2][3], "{path}: {asked:?} {rows:?}");
        let behind = sizes(&rows[3..]).iter().sum::<usize>();
        assert!((4..12).contains(&behind), "{path}: {rows:?}");
        let totals = recorded.parts(path, "/total");
        assert_eq!(totals[0], 12 + behind - 1, "{path}: {totals:?}");
        assert_eq!(totals[3..], vec![Json::from(behind); 3], "{path}");
    }

    // A window that holds more than a case should is not kept for the sake of the next one.
    for path in ["/desks", "/keys", "/rooms"] {
        let asked = recorded.sent(path, "since");
        assert_eq!(asked, [None, None, None], "{path}");
        let rows = recorded.parts(path, "/rows");
        assert!(sizes(&rows).iter().all(|rows| (2..=5).contains(rows)), "{path}: {rows:?}");
    }
    assert!(recorded.case.exchanges.len() == 21, "{:#?}", recorded.case.exchanges);
}

const STATEMENTS: &str = r#"  user:
    list:
      post: /statements
      json: { statement: SHOW USERS }
      wait: { while: status == 202, get: "/statements/{{ body.handle }}", every: 1s, for: 1m }
      columns: { names: "{{ first.names }}", rows: $.data }
      pages:
        page: { start: 0 }
        first: { handle: $.handle, names: "$.meta.names[*].name", rows: $.meta.rows, parts: "{{ body.meta.parts | length }}" }
        continue: { get: "/statements/{{ first.handle }}", query: { partition: "{{ page.number }}" } }
        page_total: "{{ first.parts }}"
        total: "{{ first.rows }}"
        last: [pages_reached]
    id: $.name
    display_name: $.name
    user: { status: enabled }
    profile: { boss: { from: $.boss, optional: true } }
  role:
    list:
      post: /statements
      json: { statement: SHOW ROLES }
      columns: { names: "$.meta.names[*].name", rows: $.data }
      pages:
        keyset: { key: $.name }
        continue:
          post: /statements
          json: { statement: { quote: sql_text, text: SHOW ROLES FROM ?, args: ["{{ page.last }}"] } }
        last: [{ when: (body.data | length) < 5 }]
    id: $.name
    display_name: $.name
    role: {}
    entitlements:
      assigned:
        grantable_to: [user]
        grants:
          - post: /statements
            json: { statement: { quote: sql_identifier, text: SHOW GRANTS OF ROLE ?, args: ["{{ resource.id }}"] } }
            columns: { names: "{{ first.names }}", rows: $.data }
            pages:
              page: { start: 0 }
              first: { handle: $.handle, names: "$.meta.names[*].name", parts: "{{ body.meta.parts | length }}" }
              continue: { get: "/statements/{{ first.handle }}", query: { partition: "{{ page.number }}" } }
              page_total: "{{ first.parts }}"
              last: [pages_reached]
            principal: { user: $.grantee }
"#;

/// One part of the rows that a statement brings; the first one says what there is.
fn part_of(handle: &str, names: &[&str], rows: &[Json], number: usize, size: usize) -> Answer {
    let (data, _) = page(rows, number, size);
    if number > 0 {
        return Answer::json(&json!({ "data": data }));
    }
    let parts: Vec<Json> = rows.chunks(size).map(|part| json!({ "rows": part.len() })).collect();
    let names: Vec<Json> = names.iter().map(|name| json!({ "name": name })).collect();
    let meta = json!({ "names": names, "rows": rows.len(), "parts": parts });
    Answer::json(&json!({ "handle": handle, "meta": meta, "data": data }))
}

fn statements(request: &Request) -> Answer {
    let people = || -> Vec<Json> {
        let boss = |at: usize| if at > 3 { uid(at / 4).into() } else { Json::Null };
        (0..PEOPLE).map(|at| json!([uid(at), boss(at)])).collect()
    };
    let grants = |role: usize| -> Vec<Json> {
        let count = if role == 4 { 23 } else { role % 3 + 1 };
        (0..count).map(|more| json!([uid((role + more) % PEOPLE), "2024-01-01"])).collect()
    };
    let of_role = |number: usize, role: usize| {
        part_of(&format!("01b3-role-{role}"), &["grantee", "since"], &grants(role), number, 4)
    };
    let partition = request.number_of("partition");
    match request.segments().iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["statements"] => {
            let asked = request.json()["statement"].as_str().unwrap().to_owned();
            let role = |text: &str| {
                text.trim_matches(['"', '\'']).strip_prefix("ROLE_").map(|at| at.parse::<usize>().unwrap())
            };
            if asked == "SHOW USERS" {
                return Answer::json(&json!({ "handle": "01b3-users-00a7" })).status(202);
            }
            if let Some(of) = asked.strip_prefix("SHOW GRANTS OF ROLE ") {
                return of_role(0, role(of).unwrap());
            }
            let from = asked.strip_prefix("SHOW ROLES FROM ").and_then(role).map_or(0, |last| last + 1);
            let rows: Vec<Json> = (from..23.min(from + 5)).map(|at| json!([format!("ROLE_{at}")])).collect();
            Answer::json(&json!({ "meta": { "names": [{ "name": "name" }] }, "data": rows }))
        }
        ["statements", "01b3-users-00a7"] => part_of("01b3-users-00a7", &["name", "boss"], &people(), partition, 5),
        ["statements", handle] => of_role(partition, handle.rsplit('-').next().unwrap().parse().unwrap()),
        _ => Answer::bare(404),
    }
}

#[test]
fn lists_that_another_request_continues_are_cut() {
    let recorded = recorded(STATEMENTS, statements);
    assert!(!recorded.run.says("stays as long"), "{}", recorded.run);
    let of = |part: &str| -> Vec<&Exchange> {
        recorded.case.exchanges.iter().filter(|one| format!("{one:?}").contains(part)).collect()
    };
    let users = of("SHOW USERS");
    assert_eq!(users.len(), 1, "{users:?}");
    let handle = users[0].answer.as_ref().unwrap().json.as_ref().unwrap()["handle"].as_str().unwrap();
    let path = format!("/statements/{handle}");
    assert_eq!(recorded.sent(&path, "partition"), [None, Some("1".to_owned()), Some("2".to_owned())]);
    let rows = sizes(&recorded.parts(&path, "/data"));
    assert!(rows.iter().all(|rows| (2..=6).contains(rows)), "{rows:?}");
    let metas = recorded.parts(&path, "/meta");
    assert_eq!(metas[0]["rows"], rows.iter().sum::<usize>(), "{metas:?}");
    assert_eq!(metas[0]["parts"].as_array().unwrap().len(), 3, "{metas:?}");

    let roles = of("SHOW ROLES");
    assert_eq!(roles.len(), 2, "a page of five, and a shorter one: {roles:?}");
    let of_roles = recorded.case.exchanges.iter().filter(|one| one.query.contains_key("partition")).count() - 2;
    assert_eq!(of_roles, 2, "of one role there are three parts: {:#?}", recorded.case.exchanges);
}

const LINKS: &str = r#"  vault:
    list:
      get: /vaults
      query: { fields: "id,name" }
      items: $
      pages:
        next_url: { next: { link: next, attributes: { results: "true" } } }
        last: [next_absent]
    id: $.id
    display_name: $.id
  room:
    list:
      get: /rooms
      items: $
      pages:
        cursor: { next: { link: next }, part: cursor, send: { query: cursor } }
        last: [next_absent]
    id: $.id
    display_name: $.id
  desk:
    list:
      post: /graphql
      graphql:
        query: "query($after: String) { desks(after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"
        variables: { after: { optional: "{{ page.cursor }}" } }
      items: $.data.desks.nodes
      pages:
        cursor: { next: $.data.desks.pageInfo.endCursor }
        last: [{ when: body.data.desks.pageInfo.hasNextPage is false }]
    id: $.id
    display_name: $.id
"#;

#[test]
fn lists_that_links_lead_on_or_tokens_in_a_body_are_cut() {
    let recorded = recorded(LINKS, |request| {
        let rows =
            |name: &str| -> Vec<Json> { (0..50).map(|at| json!({ "id": format!("{name}-{}", uid(at)) })).collect() };
        if request.path == "/graphql" {
            let after = request.json()["variables"]["after"].as_str().map(|after| after[4..].parse().unwrap());
            let (number, all) = (after.unwrap_or(0), rows("desk"));
            let (nodes, more) = page(&all, number, 10);
            let info = json!({ "hasNextPage": more, "endCursor": format!("cur-{}", number + 1) });
            return Answer::json(&json!({ "data": { "desks": { "nodes": nodes, "pageInfo": info } } }));
        }
        let number: usize = request.parameter("cursor").map_or(0, |cursor| cursor[2..].parse().unwrap());
        let all = rows(request.path.trim_start_matches('/'));
        let (rows, more) = page(&all, number, 10);
        let answer = Answer::json(&Json::from(rows));
        // A comma inside a link does not end it, and the last page may have one that leads nowhere.
        let next = format!("<{}?fields=id,name&cursor=0:{}>; rel=\"next\"", request.path, number + 1);
        match request.path.as_str() {
            "/vaults" => answer.header("link", &format!("</vaults>; rel=\"first\", {next}; results=\"{more}\"")),
            _ if more => answer.header("link", &next),
            _ => answer,
        }
    });
    recorded.assert_cut();
    for path in ["/vaults", "/rooms"] {
        assert_eq!(sizes(&recorded.parts(path, "")), [3, 3, 3], "{path}");
    }
    assert_eq!(sizes(&recorded.parts("/graphql", "/data/desks/nodes")), [3, 3, 3]);
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
