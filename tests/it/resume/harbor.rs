//! The vendor of the spec: answers that depend on nothing but the request.

use serde_json::{Value as Json, json};
use wiremock::ResponseTemplate;

use crate::support::Asked;

const USERS: usize = 14;
const GROUPS: usize = 7;

/// The answer to a request.
pub fn answer(asked: &Asked) -> ResponseTemplate {
    if asked.header("authorization") != Some("Bearer made-up-token") {
        return ResponseTemplate::new(401).set_body_json(json!({ "message": "unknown token" }));
    }
    let segments: Vec<&str> = asked.path.split('/').skip(1).collect();
    let body = match segments.as_slice() {
        ["me"] => json!({ "tenant": "t1" }),
        ["health"] => json!({ "ok": true }),
        ["t1", "users"] => users(cursor(asked)),
        ["users", id, "extra"] => json!({ "title": format!("title of {id}") }),
        ["groups"] => groups(asked),
        ["groups", id, "members"] => members(id, cursor(asked)),
        ["groups", id, "owners"] => json!([format!("U{}@Acme.example", number(id))]),
        ["units"] => json!([{ "id": "a" }, { "id": "b" }]),
        ["units", id, "below"] if id.len() < 3 => json!([{ "id": format!("{id}1") }, { "id": format!("{id}2") }]),
        ["units", _, "below"] => json!([]),
        ["units", id, "projects"] => projects(id, asked.parameter("page").unwrap_or("1")),
        // A tag belongs to several units: it is one resource all the same, whoever comes first.
        ["units", id, "tags"] => json!([{ "id": "all" }, { "id": id.chars().next() }]),
        _ => return ResponseTemplate::new(404).set_body_json(json!({ "message": "no such path" })),
    };
    ResponseTemplate::new(200).set_body_json(body)
}

fn cursor(asked: &Asked) -> usize {
    asked.parameter("cursor").map_or(0, |cursor| cursor.trim_start_matches("from-").parse().unwrap())
}

fn number(id: &str) -> usize {
    id.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
}

/// An id that a float could not hold.
fn user(n: usize) -> u64 {
    9_007_199_254_740_993 + n as u64
}

/// Three rows a page.
fn users(from: usize) -> Json {
    let to = (from + 3).min(USERS);
    let rows: Vec<Json> = (from..to)
        .map(|n| {
            json!({
                "id": user(n), "name": format!("User {n}"),
                "email": format!("u{n}@acme.example"), "state": if n % 3 == 0 { "off" } else { "on" },
                "roles": [{ "id": format!("r{}", n % 2) }, { "id": format!("r{}", n % 5) }],
            })
        })
        .collect();
    if to < USERS { json!({ "items": rows, "next": format!("from-{to}") }) } else { json!({ "items": rows }) }
}

fn groups(asked: &Asked) -> Json {
    let offset: usize = asked.parameter("offset").unwrap().parse().unwrap();
    let rows: Vec<Json> = (offset..(offset + 2).min(GROUPS)).map(|n| json!({ "id": format!("g{n}") })).collect();
    json!({ "items": rows, "total": GROUPS })
}

/// Group `n` has `n` users and the group before it, two a page.
fn members(id: &str, from: usize) -> Json {
    let of = number(id);
    let mut all: Vec<Json> = (0..of).map(|n| json!({ "id": user(n) })).collect();
    if of > 0 {
        all.push(json!({ "id": format!("g{}", of - 1) }));
    }
    let rows: Vec<Json> = all.iter().skip(from).take(2).cloned().collect();
    if from + 2 < all.len() {
        json!({ "items": rows, "next": format!("from-{}", from + 2) })
    } else {
        json!({ "items": rows })
    }
}

fn projects(unit: &str, page: &str) -> Json {
    match page {
        "1" => json!([{ "name": format!("{unit}/x") }, { "name": "y" }]),
        "2" if unit.len() > 1 => json!([{ "name": "z" }]),
        _ => json!([]),
    }
}

/// The pages of a list: what a stopped list that stands there would say, and the requests it takes.
type Pages = Vec<(String, Vec<String>)>;

/// The pages of users, with the details of their rows.
pub fn user_lines() -> Pages {
    let page = |from: usize| {
        let line = if from == 0 { "/t1/users".to_owned() } else { format!("/t1/users?cursor=from-{from}") };
        let details = (from..(from + 3).min(USERS)).map(|n| format!("/users/{}/extra", user(n)));
        (format!("from-{from}"), std::iter::once(line).chain(details).collect())
    };
    (0..USERS).step_by(3).map(page).collect()
}

/// The pages of groups.
pub fn group_lines() -> Pages {
    (0..GROUPS).step_by(2).map(|n| (n.to_string(), vec![format!("/groups?limit=2&offset={n}")])).collect()
}

/// The pages of the projects of a unit.
pub fn project_lines(unit: &str) -> Pages {
    (1..=3).map(|page| (page.to_string(), vec![format!("/units/{unit}/projects?page={page}")])).collect()
}

/// The pages of the members of a group.
pub fn member_lines(group: &str) -> Pages {
    let page = |from: usize| {
        let query = if from == 0 { String::new() } else { format!("?cursor=from-{from}") };
        (format!("from-{from}"), vec![format!("/groups/{group}/members{query}")])
    };
    (0..=number(group)).step_by(2).map(page).collect()
}
