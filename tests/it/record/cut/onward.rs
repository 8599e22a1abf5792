//! Lists that another request continues, and those that links or tokens lead on.

use engine_case::case::{Exchange, Scalar};
use serde_json::{Value as Json, json};

use super::{PEOPLE, page, recorded, sizes, uid};
use crate::support::server::{Answer, Request};

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
            // Links may come in a header each.
            _ if more => answer.header("link", &next).header("link", "</rooms?cursor=0:4>; rel=\"last\""),
            _ => answer,
        }
    });
    recorded.assert_cut();
    let answers = recorded.asked("/rooms").into_iter().filter_map(|one| one.answer.as_ref()?.headers.get("link"));
    let links: Vec<String> = answers.map(Scalar::text).collect();
    assert!(links.len() == 2 && links.iter().all(|link| link.contains("\"next\", <")), "{links:?}");
    for path in ["/vaults", "/rooms"] {
        assert_eq!(sizes(&recorded.parts(path, "")), [3, 3, 3], "{path}");
    }
    assert_eq!(sizes(&recorded.parts("/graphql", "/data/desks/nodes")), [3, 3, 3]);
}
