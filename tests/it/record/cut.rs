//! `engine record`: how lists of each form become small: a made-up spec each, and a vendor that has
//! far more rows and pages than a case should.

mod keys;
mod onward;
mod windows;

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
pub(super) struct Recorded {
    run: Run,
    case: Case,
    /// The case as it was written.
    pub(super) text: String,
    pub(super) graph: String,
}

/// Records what a vendor answers to a spec with these resources; the case passes.
#[track_caller]
pub(super) fn recorded(resources: &str, answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Recorded {
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
    let case = text("main.yaml");
    Recorded { case: Case::parse(&case).unwrap(), text: case, graph: text("main.jsonl"), run }
}

impl Recorded {
    /// The exchanges of a path, in order.
    fn asked(&self, path: &str) -> Vec<&Exchange> {
        self.case.exchanges.iter().filter(|one| one.line().1 == path).collect()
    }

    /// A part of the answers to a path, in order.
    fn parts(&self, path: &str, pointer: &str) -> Vec<Json> {
        let answers = self.asked(path).into_iter().filter_map(|one| one.answer.as_ref()?.json.as_ref());
        answers.map(|json| json.pointer(pointer).cloned().unwrap_or_default().into()).collect()
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
