//! What a sync costs: the requests that are foretold are those that a vendor gets, for the same sizes.

use std::path::Path;
use std::time::Duration;

use engine_review::cost::{Cost, Sizes, cost};
use serde_json::{Value as Json, json};
use wiremock::ResponseTemplate;

use crate::support::directory::fivetran::{Fivetran, Holder};
use crate::support::directory::scim::{Dialect, Scim};
use crate::support::directory::{Directory, TOKEN};
use crate::support::{Asked, Inside, Vendor, compile, engine, folder, root};

/// What `engine explain` foretells.
fn foretold(spec: &Path, sizes: &[&str]) -> Json {
    let run = engine(["explain", "--show", "cost", "-o", "json"]).with([spec]).with(sizes).run();
    assert_eq!(run.status, 0, "{run}");
    serde_json::from_str::<Json>(&run.stdout).unwrap()["cost"].take()
}

/// A spec of the repository with a smaller page, so that lists have several.
fn with_pages_of(spec: &str, limit: &str, smaller: &str, folder: &Path) -> std::path::PathBuf {
    let text = std::fs::read_to_string(root().join("specs").join(spec)).unwrap();
    assert!(text.contains(limit), "{limit}");
    let path = folder.join(spec);
    std::fs::write(&path, text.replace(limit, smaller)).unwrap();
    path
}

#[test]
fn fivetran_gets_the_requests_that_are_foretold() {
    let folder = folder();
    let spec = with_pages_of("fivetran.yaml", "value: 1000", "value: 3", folder.path());
    let mut fivetran = Fivetran::new();
    for number in 0..10 {
        fivetran = fivetran.with_user(&format!("user_{number}"), &format!("u{number}@harbor.example"), None);
    }
    for number in 0..4 {
        let (team, group) = (format!("team_{number}"), format!("group_{number}"));
        fivetran = fivetran.with_team(&team, &team).with_group(&group, &group);
        for user in 0..3 {
            let user = format!("user_{user}");
            fivetran = fivetran.with_member(Holder::Team, &team, &user, "Team Member");
            fivetran = fivetran.with_member(Holder::Group, &group, &user, "View Destination");
        }
    }
    let directory = Directory::start(fivetran);
    let run = engine(["sync", "-f", "sync.c1z", "--spec"])
        .with([&spec])
        .within(folder.path())
        .env("BATON_FIVETRAN_API_KEY", "made-up-key")
        .env("BATON_FIVETRAN_API_SECRET", "made-up-secret")
        .env("BATON_FIVETRAN_BASE_URL", directory.url())
        .run();
    assert_eq!(run.status, 0, "{run}");
    let sizes = ["--users", "10", "--groups", "4", "--rows", "role=6", "--members", "3"];
    let cost = foretold(&spec, &sizes);
    assert_eq!(cost["calls"], directory.requests().len(), "{cost:#}");
    // start, check; 4 pages of accounts, 2 of each other list; one request for each team and group.
    assert_eq!(cost["calls"], 1 + 1 + 4 + 2 + 2 + 2 + 4 + 4 + 4);
}

#[test]
fn a_scim_service_gets_the_requests_that_are_foretold() {
    let folder = folder();
    let spec = with_pages_of(
        "dbt-scim.yaml",
        "absent_active: unknown",
        "page_size: 4\n    absent_active: unknown",
        folder.path(),
    );
    let dialect = Dialect { listed_members: false, ..Dialect::dbt() };
    let mut scim = Scim::new(dialect);
    for number in 0..10 {
        scim = scim.with_user(&format!("u{number}"), &format!("u{number}@acme.example"));
    }
    for number in 0..6 {
        scim = scim.with_group(&format!("g{number}"), &format!("Group {number}"), &["u1"]);
    }
    let directory = Directory::start(scim);
    let run = engine(["sync", "-f", "sync.c1z", "--spec"])
        .with([&spec])
        .within(folder.path())
        .env("BATON_DBT_SCIM_BASE_URL", format!("{}/scim/v2", directory.url()))
        .env("BATON_DBT_SCIM_TOKEN", TOKEN)
        .run();
    assert_eq!(run.status, 0, "{run}");
    let cost = foretold(&spec, &["--users", "10", "--groups", "6"]);
    assert_eq!(cost["calls"], directory.requests().len(), "{cost:#}");
    assert_eq!(cost["calls"], 1 + 3 + 2 + 6);
}

#[test]
fn circleci_gets_the_requests_that_are_foretold() {
    let id = "b9f9f0de-55a7-4f6c-9c5c-0c1f2d3e4a5b";
    let vendor = Vendor::start(move |asked| {
        if asked.path.ends_with("/collaborations") {
            return ResponseTemplate::new(200).set_body_json(json!([{ "id": id, "name": "Acme" }]));
        }
        let page: usize = asked.parameter("page-token").map_or(0, |token| token.parse().unwrap());
        let rows = (page * 10..25.min(page * 10 + 10)).map(|number| json!({ "id": format!("u{number}"), "name": "x" }));
        let next = if page < 2 { json!((page + 1).to_string()) } else { Json::Null };
        let body = json!({ "items": rows.collect::<Vec<_>>(), "next_page_token": next });
        ResponseTemplate::new(200).set_body_json(body)
    });
    let (folder, spec) = (folder(), root().join("specs/circleci.yaml"));
    let run = engine(["sync", "-f", "sync.c1z", "--spec"])
        .with([&spec])
        .within(folder.path())
        .env("BATON_CIRCLECI_API_TOKEN", "made-up")
        .env("BATON_CIRCLECI_ORG_ID", id)
        .env("BATON_CIRCLECI_BASE_URL", vendor.address())
        .run();
    assert!(run.says("25 written") || run.says("requests"), "{run}");
    let cost = foretold(&spec, &["--users", "25", "--page-size", "10"]);
    assert_eq!(cost["calls"], vendor.asked().len(), "{cost:#}");
    assert!(cost["assumed"].to_string().contains("10 rows a page where the spec names no limit: user"), "{cost:#}");
}

/// A vendor whose lists say in their path how many rows they have: `/rows/25`.
fn answer(asked: &Asked) -> ResponseTemplate {
    let number = |name: &str| asked.parameter(name).and_then(|value| value.parse::<usize>().ok());
    let body = match asked.path.strip_prefix("/rows/") {
        Some(rows) => {
            let rows: usize = rows.parse().unwrap();
            let limit = number("limit").unwrap_or(rows).max(1);
            let begins = match (number("offset"), number("page"), number("cursor")) {
                (Some(offset), _, _) => offset,
                (_, Some(page), _) => (page - 1) * limit,
                (_, _, cursor) => cursor.unwrap_or_default(),
            };
            let ends = rows.min(begins + limit);
            let items: Vec<Json> = (begins..ends).map(|number| json!({ "id": format!("r{number}") })).collect();
            let next = if ends < rows { json!(ends.to_string()) } else { Json::Null };
            json!({ "items": items, "total": rows, "next": next })
        }
        None => {
            let ids =
                asked.parameter("ids").map(|ids| ids.split(',').map(|id| json!({ "id": id })).collect::<Vec<_>>());
            json!({ "id": asked.path.rsplit('/').next(), "items": ids })
        }
    };
    ResponseTemplate::new(200).set_body_json(body)
}

/// A spec with a list of users, and more.
fn spec(list: &str, more: &str) -> String {
    format!(
        "format: 1\nid: rows\nname: Rows\nconfig:\n  base_url: {{ title: URL, type: url }}\n\
         http: {{ base_url: \"{{{{ config.base_url }}}}\" }}\n\
         resources:\n  user:\n    list:\n      get: /rows/25\n      items: $.items\n{list}\n    id: $.id\n    \
         display_name: $.id\n    user: {{ status: enabled }}\n{more}"
    )
}

fn sizes(members: u64) -> Sizes {
    Sizes {
        users: 25,
        groups: 7,
        rows: [("org".to_owned(), 3)].into(),
        others: 10,
        members,
        page: 100,
        latency: Duration::from_millis(100),
        concurrency: 4,
    }
}

/// Foretells a sync, runs it, and compares.
fn foretold_and_run(text: &str, members: u64) -> Cost {
    let plan = compile(text);
    let cost = cost(&plan, &sizes(members));
    let vendor = Vendor::start(answer);
    let (synced, _) = Inside::new(&plan, &vendor.address()).sync(folder().path(), 4);
    assert!(synced.failure.is_none(), "{:?}\n{text}", synced.failure);
    let asked: Vec<String> = vendor.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(cost.calls, asked.len() as u64, "{text}\n{asked:#?}\n{cost:#?}");
    cost
}

#[test]
fn each_page_rule_takes_the_requests_that_are_foretold() {
    let page = |rule: &str| spec(&format!("      pages: {{ {rule} }}"), "");
    for (rule, requests) in [
        ("offset: { send: { query: offset } }, limit: { query: limit, value: 10 }, last: [short_page]", 3),
        ("offset: { send: { query: offset } }, limit: { query: limit, value: 5 }, last: [short_page]", 6),
        ("offset: { send: { query: offset } }, limit: { query: limit, value: 10 }, last: [empty_page]", 4),
        ("offset: { send: { query: offset } }, limit: { query: limit, value: 5 }, last: [empty_page, short_page]", 6),
        (
            "page: { send: { query: page } }, limit: { query: limit, value: 5 }, total: $.total, last: [total_reached]",
            5,
        ),
        ("page: { send: { query: page } }, limit: { query: limit, value: 25 }, last: [{ when: body.next is none }]", 1),
        ("cursor: { next: $.next, send: { query: cursor } }, limit: { query: limit, value: 10 }, last: [next_null]", 3),
    ] {
        assert_eq!(foretold_and_run(&page(rule), 10).calls, requests, "{rule}");
    }
    assert_eq!(foretold_and_run(&spec("      pages: none", ""), 10).calls, 1);
}

#[test]
fn details_and_batches_take_the_requests_that_are_foretold() {
    let pages = "      pages: { cursor: { next: $.next, send: { query: cursor } }, limit: { query: limit, value: 10 }, last: [next_null] }\n";
    let each = spec(&format!("{pages}      detail: {{ get: \"/one/{{{{ row.id }}}}\" }}"), "");
    let cost = foretold_and_run(&each, 10);
    assert_eq!((cost.calls, cost.repeated.len()), (3 + 25, 1));
    // A batch does not reach beyond its page: three, three and two.
    let batch = spec(
        &format!(
            "{pages}      detail:\n        get: /many\n        query: {{ ids: \"{{{{ batch | join(',') }}}}\" }}\n        \
             batch: {{ size: 4, id: $.id, items: $.items, key: $.id }}"
        ),
        "",
    );
    let cost = foretold_and_run(&batch, 10);
    assert_eq!((cost.calls, cost.repeated.len()), (3 + 3 + 3 + 2, 0));
}

#[test]
fn what_is_repeated_takes_the_requests_that_are_foretold() {
    let cursor =
        "{ cursor: { next: $.next, send: { query: cursor } }, limit: { query: limit, value: 5 }, last: [next_null] }";
    let group = format!(
        "  group:\n    list: {{ get: /rows/7, items: $.items, pages: {cursor} }}\n    id: $.id\n    display_name: $.id\n    \
         group: {{}}\n    entitlements:\n      member:\n        grantable_to: [user]\n        grants:\n          - get: /rows/12\n            \
         query: {{ group: \"{{{{ resource.id }}}}\" }}\n            items: $.items\n            pages: {cursor}\n            \
         principal: {{ user: $.id }}\n"
    );
    let cost = foretold_and_run(&spec("      pages: none", &group), 12);
    // The list of users, two pages of groups, three pages of members for each of seven groups.
    assert_eq!(cost.calls, 1 + 2 + 7 * 3);
    assert_eq!((cost.repeated[0].times, cost.repeated[0].calls), (7, 21));
    assert_eq!(cost.repeated[0].each, "group");
    // Two pages of groups, then the three pages of the last of them.
    assert_eq!((cost.longest_chain, cost.least_milliseconds), (5, 600));
    assert!(cost.bound.starts_with("4 requests at a time"), "{}", cost.bound);

    let state = "      for_each: { state: [active, pending] }\n      query: { state: \"{{ state }}\" }\n      pages: none\n      dedupe_by: $.id";
    assert_eq!(foretold_and_run(&spec(state, ""), 10).calls, 2);

    let org = "  org:\n    list: { get: /rows/3, items: $.items, pages: none }\n    id: $.id\n    display_name: $.id\n  \
               repo:\n    parent: org\n    list: { get: \"/rows/4\", query: { org: \"{{ parent.id }}\" }, items: $.items, pages: none }\n    \
               id: { parts: { org: \"{{ parent.id }}\", id: $.id } }\n    display_name: $.id\n";
    let cost = foretold_and_run(&spec("      pages: none", org), 10);
    assert_eq!((cost.calls, cost.longest_chain), (1 + 1 + 3, 2));
}

#[test]
fn what_the_spec_says_of_speed_bounds_the_time() {
    let text = spec("      detail: { get: \"/one/{{ row.id }}\" }\n      pages: none", "")
        .replace("config.base_url }}\" }", "config.base_url }}\", rate_limit: { per_second: 5 }, concurrency: 2 }");
    let at = |latency: u64| cost(&compile(&text), &Sizes { latency: Duration::from_millis(latency), ..sizes(10) });
    // 26 requests: five a second, or two at a time.
    assert_eq!((at(10).calls, at(10).least_milliseconds), (26, 5000));
    assert!(at(10).bound.starts_with("5 requests a second of the client `default`"), "{}", at(10).bound);
    assert_eq!(at(1000).least_milliseconds, 13_000);
    assert!(at(1000).bound.starts_with("2 requests at a time"), "{}", at(1000).bound);
    let alone = cost(&compile(&spec("      pages: none", "")), &sizes(10));
    assert_eq!((alone.calls, alone.bound.as_str()), (1, "1 request, at 100ms"));
}
