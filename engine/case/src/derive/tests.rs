//! What is generated, and what the expectations find.

use std::collections::BTreeSet;

use engine_json::Value as Json;
use engine_spec::check;
use engine_spec::diagnostic::Diagnostics;
use engine_spec::plan::{Origin, Plan, Site};
use engine_spec::resolve::Fragments;

use super::{Base, Came, Derived, Wanted, derive, rearranged};
use crate::case::{Case, Exchange, ExpectedVerdict};

const SPEC: &str = r#"
format: 1
id: acme
name: Acme
config:
  base_url: { title: Base URL, type: url, default: "https://api.acme.example" }
http:
  base_url: "{{ config.base_url }}"
resources:
  user:
    list:
      get: /users
      items: $.items
      pages: { cursor: { next: $.next, send: { query: cursor } }, last: [next_null] }
    id: $.id
    display_name: $.name
    user: { email: $.email, status: { from: $.state, map: { "on": enabled }, default: unknown } }
"#;

const CASE: &str = r#"
case: Two users on two pages
exchanges:
  - get: /users
    answer: { json: { items: [{ id: u1, name: Ada, email: ada@acme.example, state: "on" }], next: c2 } }
  - get: /users
    query: { cursor: c2 }
    answer: { json: { items: [{ id: u2, name: Ben, email: null, state: "on" }], next: null } }
expect: { verdict: complete }
"#;

const ADA: &str = r#"{"kind":"resource","resource_type":"user","id":"u1","display_name":"Ada","status":"enabled","emails":[{"address":"ada@acme.example"}]}"#;
const BEN: &str = r#"{"kind":"resource","resource_type":"user","id":"u2","display_name":"Ben","status":"enabled"}"#;

struct None;

impl Fragments for None {
    fn find(&self, _: &str) -> Option<(String, String)> {
        Option::None
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

struct Acme {
    plan: Plan,
    case: Case,
    graph: String,
    asked: Vec<BTreeSet<Site>>,
}

impl Acme {
    fn new() -> Self {
        Self::with(SPEC, CASE)
    }

    fn with(spec: &str, case: &str) -> Self {
        let mut diagnostics = Diagnostics::default();
        let plan = check::compile("acme.yaml", spec, &None, &mut diagnostics).unwrap();
        let Origin::Request(asked) = &plan.types[0].sources[0].origin else { panic!("the list asks") };
        let asked = vec![BTreeSet::from([asked.request.site.clone()]); 2];
        Self { case: serde_yaml::from_str(case).unwrap(), graph: format!("{ADA}\n{BEN}\n"), asked, plan }
    }

    fn base(&self) -> Base<'_> {
        Base { case: &self.case, verdict: ExpectedVerdict::Complete, graph: &self.graph, asked: &self.asked }
    }

    fn derived(&self) -> Vec<Derived> {
        derive(&self.plan, &self.base())
    }

    fn named(&self, name: &str) -> Derived {
        let all = self.derived();
        let found = all.iter().find(|derived| derived.name == name);
        found.unwrap_or_else(|| panic!("{:#?}", all.iter().map(|derived| &derived.name).collect::<Vec<_>>())).clone()
    }

    fn faults(&self, name: &str, verdict: ExpectedVerdict, said: &str, graph: &str) -> Vec<String> {
        self.named(name).wanted.faults(&self.base(), &Came { verdict, said, graph, unexpected: &[] })
    }
}

#[test]
fn the_same_case_gives_the_same_cases_under_names_that_differ() {
    let acme = Acme::new();
    let files = |derived: Vec<Derived>| -> Vec<String> {
        derived.iter().map(|derived| derived.to_file(&acme.base())).collect()
    };
    assert_eq!(files(acme.derived()), files(acme.derived()));
    let names: BTreeSet<String> = acme.derived().into_iter().map(|derived| derived.name).collect();
    assert_eq!(names.len(), acme.derived().len());
    for name in [
        "429 with Retry-After on GET /users",
        "500 then 200 on GET /users?cursor=c2",
        "HTML instead of JSON on GET /users",
        "truncated JSON on GET /users?cursor=c2",
        "a connection that ends in the middle of the answer on GET /users",
        "an answer that comes slowly on GET /users",
        "items missing on GET /users",
        "an empty page in the middle on GET /users",
        "an empty page at the end on GET /users?cursor=c2",
        "a next token that leads back to its own page on GET /users",
        "null for $.email in GET /users",
        "$.id absent in GET /users?cursor=c2",
    ] {
        assert!(names.contains(name), "{name} is not among {names:#?}");
    }
    assert!(!names.contains("null for $.email in GET /users?cursor=c2"), "there is none");
}

#[test]
fn a_case_file_is_read_back_as_it_was_generated() {
    let acme = Acme::new();
    for derived in acme.derived() {
        let read = Case::parse(&derived.to_file(&acme.base())).unwrap();
        assert_eq!(read.exchanges, derived.case.exchanges, "{}", derived.name);
    }
}

#[test]
fn an_empty_page_is_led_to_and_leads_on() {
    let case = Acme::new().named("an empty page in the middle on GET /users").case;
    let bodies: Vec<String> = case
        .exchanges
        .iter()
        .map(|exchange| exchange.all_answers()[0].json.as_ref().unwrap()["next"].to_string())
        .collect();
    assert_eq!(bodies, ["\"generated-page\"", "null", "\"c2\""]);
    assert_eq!(case.exchanges[2].query["cursor"].list(), ["generated-page"]);
    assert_eq!(case.exchanges[2].all_answers()[0].json.as_ref().unwrap()["items"], engine_json::json!([]));
}

#[test]
fn a_row_that_moves_to_the_next_page_loses_another_only_where_a_total_tells() {
    let case =
        CASE.replace("items: [{ id: u1", "items: [{ id: u0, name: Zoe }, { id: u1").replace("next:", "total: 3, next:");
    let moves = |spec: &str| -> Vec<(String, bool)> {
        let acme = Acme::with(spec, &case);
        let moved = rearranged(&acme.plan, &acme.base()).into_iter();
        let drifted = moved.filter(|way| way.name.starts_with("the last row again"));
        drifted.map(|way| (way.name, matches!(way.wanted, Wanted::Told(_)))).collect()
    };
    let again = ("the last row again on the next page on GET /users".to_owned(), false);
    let lost = ("the last row again on the next page and another one lost on GET /users".to_owned(), true);
    assert_eq!(moves(SPEC), std::slice::from_ref(&again));
    let announced = SPEC.replace("last: [next_null]", "last: [next_null], total: $.total");
    assert_eq!(moves(&announced), [again, lost]);
}

#[test]
fn pages_that_are_put_in_one_after_the_other_have_tokens_of_their_own() {
    let acme = Acme::new();
    let again = |case: &Case| {
        let ways = rearranged(&acme.plan, &Base { case, ..acme.base() });
        ways.into_iter().find(|way| way.name.starts_with("an empty page")).unwrap().case
    };
    let case = again(&again(&acme.case));
    let next = |exchange: &Exchange| exchange.all_answers()[0].json.as_ref().unwrap()["next"].clone();
    let tokens: Vec<Json> = case.exchanges.iter().map(next).collect();
    assert_eq!(
        tokens,
        ["generated-page-2", "", "c2", "generated-page"].map(|token| match token {
            "" => Json::Null,
            token => Json::from(token),
        })
    );
}

#[test]
fn a_complete_graph_that_lacks_something_is_a_fault_whatever_was_disturbed() {
    let acme = Acme::new();
    for derived in acme.derived() {
        let came = Came { verdict: ExpectedVerdict::Complete, said: "", graph: "", unexpected: &[] };
        assert_ne!(derived.wanted.faults(&acme.base(), &came), Vec::<String>::new(), "{}", derived.name);
    }
}

#[test]
fn an_error_names_the_request_and_the_line() {
    let acme = Acme::new();
    let faults = |said: &str| acme.faults("items missing on GET /users", ExpectedVerdict::Failed, said, "");
    assert_eq!(faults("`$.items` is not in the answer; GET http://x/users (acme.yaml:12:7)"), Vec::<String>::new());
    assert!(faults("`$.items` is not in the answer; GET http://x/users")[0].contains("nothing names the line"));
    assert!(faults("`$.items` is not in the answer (acme.yaml:12:7)")[0].contains("nothing names the request"));
}

#[test]
fn a_value_that_is_not_there_changes_its_own_key_of_its_own_record() {
    let acme = Acme::new();
    let faults = |graph: &str| acme.faults("null for $.email in GET /users", ExpectedVerdict::Complete, "", graph);
    let without = ADA.replace(r#","emails":[{"address":"ada@acme.example"}]"#, "");
    assert_eq!(faults(&format!("{without}\n{BEN}\n")), Vec::<String>::new());
    assert!(faults(&format!("{BEN}\n"))[0].contains("user:u1 is gone"));
    let renamed = without.replace("Ada", "Eve");
    assert!(faults(&format!("{renamed}\n{BEN}\n"))[0].contains("changed elsewhere"));
    let other = BEN.replace("enabled", "disabled");
    assert!(faults(&format!("{without}\n{other}\n"))[0].contains("a record of another row changed"));
}

#[test]
fn a_required_value_that_is_not_there_is_told_with_its_path() {
    let acme = Acme::new();
    let name = "$.id absent in GET /users";
    let said = "the id is required, and `$.id` finds nothing\n  spec: acme.yaml:15:9";
    let graph = format!("{BEN}\n");
    assert_eq!(acme.faults(name, ExpectedVerdict::Incomplete, said, &graph), Vec::<String>::new());
    assert!(acme.faults(name, ExpectedVerdict::Complete, said, &graph)[0].contains("it is complete"));
    let made_up = BEN.replace("u2", "u3");
    assert!(acme.faults(name, ExpectedVerdict::Incomplete, said, &made_up)[0].contains("nobody told of"));
}

#[test]
fn a_token_that_looks_like_the_size_of_a_page_is_not_taken_for_it() {
    let mut acme = Acme::new();
    let sized = CASE.replace("- get: /users\n    answer", "- get: /users\n    query: { size: c2 }\n    answer");
    let sized = sized.replace("{ cursor: c2 }", "{ cursor: c2, size: c2 }");
    acme.case = serde_yaml::from_str(&sized).unwrap();
    let all = acme.derived();
    let empty = all.iter().find(|derived| derived.name.starts_with("an empty page in the middle")).unwrap();
    let queries: Vec<_> = empty.case.exchanges.iter().map(|exchange| exchange.query["size"].list()).collect();
    assert_eq!(queries, [["c2"], ["c2"], ["c2"]]);
}

const TEAMS: &str = r#"
format: 1
id: acme
name: Acme
config:
  base_url: { title: Base URL, type: url, default: "https://api.acme.example" }
http:
  base_url: "{{ config.base_url }}"
  pages: none
resources:
  user:
    list: { get: /users, items: $.items }
    id: $.id
    display_name: $.id
    user: { status: { literal: enabled } }
  team:
    list: LIST
    id: ID
    display_name: ID
    entitlements:
      member:
        grantable_to: [user]
        grants:
          - { each_row: team, unnest: { of: MEMBERS }, principal: { user: $.user } }
"#;

/// The cases that change a value of a row, of lists of teams that have members inside.
fn of_rows(list: &str, id: &str, members: &str, body: &str) -> Vec<Derived> {
    of_spec(TEAMS, list, id, members, body)
}

fn of_spec(spec: &str, list: &str, id: &str, members: &str, body: &str) -> Vec<Derived> {
    let spec = spec.replace("LIST", list).replace("ID", id).replace("MEMBERS", members);
    let mut diagnostics = Diagnostics::default();
    let Some(plan) = check::compile("acme.yaml", &spec, &None, &mut diagnostics) else {
        panic!("{diagnostics:#?}");
    };
    let case = format!("case: Teams\nexchanges:\n  - {{ get: /teams, answer: {{ json: {body} }} }}\n");
    let case: Case = serde_yaml::from_str(&case).unwrap();
    let Origin::Request(asked) = &plan.types.iter().find(|kind| kind.id == "team").unwrap().sources[0].origin else {
        panic!("the list asks")
    };
    let asked = [BTreeSet::from([asked.request.site.clone()])];
    let graph = r#"{"kind":"resource","resource_type":"team","id":"t1","display_name":"t1"}
{"kind":"grant","principal":"u1","resource":"t1"}"#;
    let base = Base { case: &case, verdict: ExpectedVerdict::Complete, graph, asked: &asked };
    let is_row = |derived: &Derived| derived.name.starts_with("null for") || derived.name.contains("absent in");
    derive(&plan, &base).into_iter().filter(is_row).collect()
}

fn inner_names(list: &str, id: &str, members: &str, body: &str) -> Vec<String> {
    of_rows(list, id, members, body).into_iter().map(|derived| derived.name).collect()
}

#[test]
fn rows_inside_rows_are_disturbed_where_they_stand() {
    let members = "{ members: [{ user: u0 }, { user: u1 }] }";
    let listed = inner_names(
        "{ get: /teams, items: $.items }",
        "$.id",
        "$.all.members",
        &format!("{{ items: [{{ id: t1, all: {members} }}] }}"),
    );
    assert_eq!(
        listed,
        [
            "null for $.id in GET /teams",
            "$.id absent in GET /teams",
            "null for $.all.members in GET /teams",
            "$.all.members absent in GET /teams",
            // The first member is none of the graph's.
            "null for $.user in row 2 of $.all.members in GET /teams",
            "$.user absent in row 2 of $.all.members in GET /teams",
        ]
    );
    // Under its key a member of an object is there or is not; its value has what can be null.
    let entries = inner_names(
        "{ get: /teams, entries: $.teams }",
        "$.key",
        "$.value.members",
        &format!("{{ teams: {{ t1: {members} }} }}"),
    );
    assert_eq!(
        entries,
        [
            "null for $.value.members in GET /teams",
            "$.value.members absent in GET /teams",
            "null for $.user in row 2 of $.value.members in GET /teams",
            "$.user absent in row 2 of $.value.members in GET /teams",
        ]
    );
    // A line has as many values as there are columns.
    let columns = inner_names(
        "{ get: /teams, columns: { names: \"$.names[*]\", rows: $.rows } }",
        "$.team",
        "$.members",
        "{ names: [members, team], rows: [[[{ user: u1 }], t1]] }",
    );
    assert_eq!(
        columns,
        [
            "null for $.team in GET /teams",
            "null for $.members in GET /teams",
            "null for $.user in row 1 of $.members in GET /teams",
            "$.user absent in row 1 of $.members in GET /teams",
        ]
    );
}

#[test]
fn what_a_name_stands_for_is_found_again_in_the_row() {
    let names = inner_names(
        "{ get: /teams, items: $.items, let: { all: $.all } }",
        "$.id",
        "'{{ all.members }}'",
        "{ items: [{ id: t1, all: { members: [{ user: u1 }] } }] }",
    );
    let inner: Vec<&String> = names.iter().filter(|name| name.contains("$.user")).collect();
    let place = "in row 1 of the list of line 24 in GET /teams";
    assert_eq!(inner, [&format!("null for $.user {place}"), &format!("$.user absent {place}")]);
}

#[test]
fn an_inner_row_must_be_missed_only_where_it_is_surely_read() {
    let member = |list: &str, body: &str| {
        let all = of_rows(list, "$.id", "$.members", body);
        let of = all.into_iter().find(|derived| derived.name.starts_with("null for $.user")).unwrap();
        let Wanted::Row(row) = of.wanted else { panic!("{}", of.name) };
        row.must_be_told
    };
    let team = "{ id: t1, active: true, members: [{ user: u1 }] }";
    assert!(member("{ get: /teams, items: $.items }", &format!("{{ items: [{team}] }}")));
    // The team is there, so its row has been read, whatever may leave rows out.
    let kept = "{ get: /teams, items: $.items, where: row.active }";
    assert!(member(kept, &format!("{{ items: [{team}] }}")));
    // Of two rows of the team, one may be left out.
    let twice = format!("{{ items: [{}, {team}] }}", team.replace("true", "false"));
    assert!(!member(kept, &twice));
}

#[test]
fn columns_are_named_beside_what_is_unwrapped() {
    let list = "{ get: /teams, columns: { names: '{{ first.names }}', rows: $.rows }, \
                pages: { offset: { send: { query: at } }, limit: { query: size, value: 10 }, last: [short_page], \
                first: { names: '$.meta.names[*]' } } }";
    let spec = TEAMS.replace("  pages: none", "  pages: none\n  answers: { unwrap: $.data }");
    let body = "{ meta: { names: [members, team] }, data: { rows: [[[{ user: u1 }], t1]] } }";
    let names: Vec<String> = of_spec(&spec, list, "$.team", "$.members", body).into_iter().map(|of| of.name).collect();
    assert!(names.contains(&"null for $.team in GET /teams".to_owned()), "{names:?}");
}
