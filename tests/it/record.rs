//! `engine record`: runs become cases without anything real in them, which pass.
//!
//! The vendor here has what a real one has: people with names, addresses in several cases, ids of
//! several forms, lists that go on in every way, a token that is got by signing in.

mod cut;
mod names;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use engine_case::Case;
use percent_encoding::percent_decode_str;
use serde_json::{Value as Json, json};

use crate::support::directory::Directory;
use crate::support::directory::scim::{Dialect, Scim};
use crate::support::directory::{self};
use crate::support::server::{Answer, Request, Server};
use crate::support::{Run, engine, folder, root};

const SPEC: &str = r#"format: 1
id: quillon
name: Quillon
config:
  client_id: { title: Client id }
  client_secret: { title: Client secret, secret: true }
  organization: { title: Organization, type: integer }
  base_url: { title: Base URL, type: url, default: "https://api.quillon.example" }
http:
  base_url: "{{ config.base_url }}"
  auth:
    oauth2:
      grant: client_credentials
      token_url: /oauth/token
      client_id: "{{ config.client_id }}"
      client_secret: "{{ config.client_secret }}"
  pages:
    cursor: { next: $.paging.next, send: { query: after } }
    last: [next_null]
    limit: { query: limit, value: 10 }
lookups:
  by_email: { of: person, key: $.mail, fold: case }
resources:
  person:
    list: { get: "/orgs/{{ config.organization }}/people", items: $.data }
    id: $.uid
    display_name: { join: [$.first, $.last] }
    user:
      email: $.mail
      login: $.handle
      given_name: $.first
      family_name: $.last
      status: { from: $.state, map: { on: enabled, off: disabled } }
      account_type:
        cases: [ { when: row.handle is ending_with('-svc'), is: service } ]
        otherwise: human
    profile: { boss: $.boss, phone: $.phone }
  squad:
    list:
      get: "/orgs/{{ config.organization }}/squads"
      items: $.rows
      pages:
        offset: { send: { query: skip } }
        last: [total_reached]
        limit: { query: limit, value: 4 }
        total: $.total
    id: $.number
    display_name: $.title
    group: {}
    entitlements:
      member:
        grantable_to: [person]
        grants:
          - { get: "/squads/{{ resource.id }}/members", items: $.data, principal: { person: $.person_uid } }
      lead:
        grantable_to: [person]
        grants:
          - { each_row: squad, where: row.lead is present, principal: { person: { look_up: by_email, key: $.lead } } }
  vault:
    list:
      get: /vaults
      items: $
      pages: { next_url: { next: { link: next } }, last: [next_absent] }
    id: $.slug
    display_name: $.label
    entitlements:
      opens:
        grantable_to: [person, squad]
        grants:
          - each_row: vault
            unnest: { of: $.shares }
            principal: { type: { from: $.kind, map: { P: person, S: squad } }, id: $.who }
  badge:
    list:
      get: /badges
      items: $.list
      pages:
        page: { send: { query: page } }
        last: [pages_reached]
        page_total: $.pages
    id: $.code
    display_name: $.caption
"#;

const GIVEN: [&str; 9] = ["Priya", "Thabo", "Søren", "Mei", "Lucía", "Kwame", "Aoife", "Dmitri", "Noor"];
const FAMILY: [&str; 7] = ["Raman", "Mokoena", "Kjærgaard", "Tanaka", "Ibáñez", "Oyelaran", "Gallagher"];
const SECRET: &str = "qs_live_9fK2mB7xTzPq41";
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJvcmciOjg4MTIwNH0.kDn3vYx0aQe7";
const PEOPLE: usize = 47;
const SQUADS: usize = 23;

fn ascii(text: &str) -> String {
    text.to_lowercase().replace('ø', "o").replace('æ', "ae").replace('í', "i").replace(['á', 'ñ'], "a")
}

fn uid(number: usize) -> String {
    format!("{:08x}-51c4-4be2-9d3f-{:012x}", number * 7919 + 0x3a7f_0000, number * 104_729 + 0x00f1_d2c3_b4a5)
}

fn mail(number: usize) -> String {
    let (given, family) = (GIVEN[number % 9], FAMILY[number % 7]);
    format!("{}.{}{}@brightwater-logistics.com", ascii(given), ascii(family), if number >= 63 { "2" } else { "" })
}

fn squad(number: usize) -> usize {
    604_211 + number * 37
}

fn person(number: usize) -> Json {
    let handle =
        if number == 20 { "nightly-backup-svc".to_owned() } else { format!("{}{number}", ascii(GIVEN[number % 9])) };
    json!({
        "uid": uid(number),
        "first": GIVEN[number % 9],
        "last": FAMILY[number % 7],
        // Mail addresses come in the case in which somebody typed them.
        "mail": if number.is_multiple_of(5) { mail(number).to_uppercase() } else { mail(number) },
        "handle": handle,
        "state": if number % 11 == 3 { "off" } else { "on" },
        "boss": if number > 3 { Json::from(uid(number / 4)) } else { Json::Null },
        "phone": if number.is_multiple_of(3) { Json::from(format!("+44 20 7946 {:04}", 1000 + number)) } else { Json::Null },
        "remark": format!("Reports to the Rotterdam office since {} moved", GIVEN[(number + 1) % 9]),
        "joined": "2023-04-01T08:00:00Z",
    })
}

fn cursor_page(rows: &[Json], request: &Request, size: usize, url: &str) -> Json {
    let from = request.parameter("after").map_or(0, |cursor| cursor.rsplit('_').next().unwrap().parse().unwrap());
    let next = (from + size < rows.len()).then(|| format!("cGFnZTpRdWlsbG9u_{}", from + size));
    let items = &rows[from.min(rows.len())..rows.len().min(from + size)];
    json!({ "data": items, "paging": { "next": next, "self": format!("{url}{}", request.target) } })
}

fn answer(request: &Request, url: &str) -> Answer {
    if request.path == "/oauth/token" {
        return Answer::json(&json!({ "access_token": TOKEN, "token_type": "bearer", "expires_in": 3600 }));
    }
    if request.headers.get("authorization").map(String::as_str) != Some(&format!("Bearer {TOKEN}")) {
        return Answer::bare(401);
    }
    let parts: Vec<&str> = request.path.split('/').skip(1).collect();
    match parts.as_slice() {
        ["orgs", "881204", "people"] => {
            Answer::json(&cursor_page(&(0..PEOPLE).map(person).collect::<Vec<_>>(), request, 10, url))
                .header("set-cookie", "session=5c1e0f77aa")
                .header("x-request-id", "req-77aa5c1e0f")
        }
        ["orgs", "881204", "squads"] => {
            let from = request.number_of("skip");
            let rows: Vec<Json> = (from..SQUADS.min(from + 4))
                .map(|at| json!({ "number": squad(at), "title": format!("Harbour Crew {at}"), "lead": mail(at * 2) }))
                .collect();
            Answer::json(&json!({ "rows": rows, "total": SQUADS }))
        }
        ["squads", number, "members"] => {
            let at = (number.parse::<usize>().unwrap() - 604_211) / 37;
            let members = if at == 9 { 34 } else { at % 6 };
            let rows: Vec<Json> = (0..members)
                .map(|more| json!({ "person_uid": uid((at * 5 + more) % PEOPLE), "since": "2024-01-01" }))
                .collect();
            Answer::json(&cursor_page(&rows, request, 10, url))
        }
        ["vaults"] => {
            let page = request.number_of("page");
            let rows: Vec<Json> = (page * 3..page * 3 + 3)
                .map(|at| {
                    let squad = json!({ "kind": "S", "who": squad(at).to_string() });
                    json!({ "slug": format!("brightwater/vault-{at}"), "label": format!("Vault of {}", GIVEN[at % 9]), "shares": [{ "kind": "P", "who": uid(at * 3) }, squad] })
                })
                .collect();
            let answer = Answer::json(&Json::from(rows));
            let link = format!(
                "<{url}/vaults?org=brightwater-logistics&page={}>; rel=\"next\", <{url}/vaults>; rel=\"first\"",
                page + 1
            );
            if page < 4 { answer.header("link", &link) } else { answer }
        }
        ["badges"] => {
            let page = request.number_of("page");
            let rows: Vec<Json> = (0..5)
                .map(|at| json!({ "code": format!("BW{:05}", 40_000 + page * 5 + at), "caption": "Quayside" }))
                .collect();
            Answer::json(&json!({ "list": rows, "pages": 6 }))
        }
        _ => Answer::bare(404),
    }
}

/// Everything that must not be found, as it stands in answers and in pieces.
fn originals() -> Vec<String> {
    let mut all: Vec<String> = [
        "brightwater",
        "brightwater-logistics.com",
        "Rotterdam",
        "Quayside",
        "Harbour",
        "nightly",
        "881204",
        "5c1e0f77aa",
        "77aa5c1e0f",
        "cGFnZTpRdWlsbG9u",
        "kDn3vYx0aQe7",
        SECRET,
        "acme-hr-importer",
    ]
    .map(str::to_owned)
    .to_vec();
    all.extend(
        GIVEN.iter().chain(&FAMILY).flat_map(|name| [(*name).to_owned(), ascii(name)]).filter(|name| name.len() > 3),
    );
    all.extend((0..PEOPLE).flat_map(|at| [uid(at), mail(at)]));
    all.extend((0..SQUADS).map(|at| squad(at).to_string()));
    all.extend((0..30).map(|at| format!("BW{:05}", 40_000 + at)));
    all
}

/// A vendor on loopback and a folder with its spec.
struct Desk {
    folder: tempfile::TempDir,
    server: Server,
}

impl Desk {
    fn new() -> Self {
        Self::answering(answer)
    }

    fn answering(answer: impl Fn(&Request, &str) -> Answer + Send + Sync + 'static) -> Self {
        let address: std::sync::Arc<std::sync::OnceLock<String>> = std::sync::Arc::default();
        let known = address.clone();
        let server = Server::start(move |request| answer(request, known.wait()));
        address.set(server.url()).unwrap();
        let folder = folder();
        std::fs::write(folder.path().join("quillon.yaml"), SPEC).unwrap();
        Self { folder, server }
    }

    fn record(&self, more: &[&str]) -> Run {
        engine(["record", "--spec", "quillon.yaml"])
            .with(more)
            .within(self.folder.path())
            .env("BATON_QUILLON_CLIENT_ID", "acme-hr-importer")
            .env("BATON_QUILLON_CLIENT_SECRET", SECRET)
            .env("BATON_QUILLON_ORGANIZATION", "881204")
            .env("BATON_QUILLON_BASE_URL", self.server.url())
            .run()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }
}

fn assert_passes(spec: &Path, cases: &Path) {
    let run = engine(["test".as_ref(), spec.as_os_str(), "--cases".as_ref(), cases.as_os_str()]).run();
    assert!(run.status == 0 && run.stdout.ends_with(" passed, 0 failed\n"), "{run}");
}

#[track_caller]
fn assert_holds_none(text: &str, originals: &[String]) {
    let decoded = percent_decode_str(text).decode_utf8_lossy().to_lowercase();
    let plain = text.to_lowercase();
    for original in originals {
        let original = original.to_lowercase();
        assert!(!plain.contains(&original) && !decoded.contains(&original), "`{original}` is left in\n{text}");
    }
}

fn lines_of<'a>(graph: &'a str, kind: &str) -> Vec<&'a str> {
    graph.lines().filter(|line| line.contains(kind)).collect()
}

#[test]
fn a_run_becomes_a_small_case_that_passes_and_holds_nothing_real() {
    let desk = Desk::new();
    let run = desk.record(&["--out", "cases"]);
    assert_eq!(run.status, 0, "{run}");
    assert!(!run.says("stays as long"), "{run}");
    assert_passes(&desk.path("quillon.yaml"), &desk.path("cases"));

    let (case, graph) = (desk.text("cases/main.yaml"), desk.text("cases/main.jsonl"));
    assert_holds_none(&case, &originals());
    assert_holds_none(&graph, &originals());
    assert_holds_none(&case, &[desk.server.url(), "set-cookie".to_owned(), "x-request-id".to_owned()]);
    assert!(case.len() < 40_000, "{} bytes\n{case}", case.len());

    // Every way in which lists go on is there, with its end.
    let parsed = Case::parse(&case).unwrap();
    let asked = |part: &str| parsed.exchanges.iter().filter(|one| one.line().1.contains(part)).count();
    assert_eq!(
        (asked("/people"), asked("/squads") - asked("/members"), asked("/vaults"), asked("/badges")),
        (3, 3, 3, 3),
        "{case}"
    );
    let members =
        parsed.exchanges.iter().filter(|one| one.line().1.ends_with("/members") && one.query.contains_key("after"));
    assert_eq!(members.count(), 2, "the squad with members on several pages is there:\n{case}");
    // So is everything that people can be: out of office, a service, a lead known by an address.
    for text in [
        "\"status\":\"disabled\"",
        "\"account_type\":\"service\"",
        "\"slug\":\"lead\"",
        "\"slug\":\"member\"",
        "\"slug\":\"opens\"",
    ] {
        assert!(!lines_of(&graph, text).is_empty(), "no {text} in\n{graph}");
    }
    // Who got a token must show it.
    assert!(case.contains("authorization: Bearer made-up-token-1"), "{case}");
    assert!(case.contains("client_secret: made-up-client-secret"), "{case}");
}

#[test]
fn the_same_run_becomes_the_same_case() {
    let desk = Desk::new();
    for (out, concurrency) in [("a", "1"), ("b", "8")] {
        let run = desk.record(&["--out", out, "--concurrency", concurrency]);
        assert_eq!(run.status, 0, "{run}");
    }
    for file in ["main.yaml", "main.jsonl"] {
        let first = desk.text(&format!("a/{file}"));
        assert_eq!(first, desk.text(&format!("b/{file}")));
    }
}

#[test]
fn a_case_that_is_there_is_not_written_over_unless_told_to() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("cases")).unwrap();
    std::fs::write(desk.path("cases/other.jsonl"), "kept").unwrap();
    let refused = desk.record(&["--out", "cases", "--name", "other"]);
    assert!(refused.status == 2 && refused.says("is there already"), "{refused}");
    assert_eq!(desk.text("cases/other.jsonl"), "kept");
    assert!(desk.server.asked().is_empty(), "nothing is asked before that is known");
    assert_eq!(desk.record(&["--out", "cases", "--name", "other", "--force"]).status, 0);
    assert_ne!(desk.text("cases/other.jsonl"), "kept");
    let nowhere = desk.record(&["--out", "cases", "--name", "../up"]);
    assert!(nowhere.status == 2, "{nowhere}");
}

#[test]
fn an_incomplete_run_becomes_a_case_that_is_incomplete_for_the_same_reason() {
    let desk = Desk::answering(|request, url| {
        if request.path == format!("/squads/{}/members", squad(7)) {
            return Answer::json(
                &json!({ "data": [{ "person_uid": "77777777-51c4-4be2-9d3f-999999999999" }], "paging": { "next": null } }),
            );
        }
        answer(request, url)
    });
    let run = desk.record(&["--out", "cases"]);
    assert!(run.status == 0 && run.says("the run was incomplete"), "{run}");
    assert_passes(&desk.path("quillon.yaml"), &desk.path("cases"));
    let case = desk.text("cases/main.yaml");
    assert!(case.contains("verdict: incomplete") && case.contains("not among the resources"), "{case}");
    assert_holds_none(&case, &originals());
    assert_holds_none(&case, &["77777777-51c4".to_owned()]);
}

#[test]
fn a_failed_run_is_not_recorded() {
    let desk = Desk::answering(|request, url| match request.path.as_str() {
        "/badges" => Answer::text("text/html", "<html>Sign in</html>"),
        _ => answer(request, url),
    });
    let run = desk.record(&["--out", "cases"]);
    assert!(run.status == 1 && run.says("nothing is recorded, as the run failed"), "{run}");
    assert!(!desk.path("cases").exists());
}

#[test]
fn refused_credentials_have_their_own_status() {
    let desk = Desk::answering(|request, url| match request.path.as_str() {
        "/vaults" => Answer::bare(401),
        _ => answer(request, url),
    });
    let run = desk.record(&["--out", "cases"]);
    assert!(run.status == 4 && !desk.path("cases").exists(), "{run}");
}

#[test]
fn scim_lists_are_cut_with_their_indices_and_totals() {
    let mut scim = Scim::new(Dialect::default());
    for number in 0..250 {
        scim =
            scim.with_user(&format!("usr-{:06}", 731_000 + number), &mail(number).replace('@', &format!("{number}@")));
    }
    let members: Vec<String> = (0..250).step_by(7).map(|number| format!("usr-{:06}", 731_000 + number)).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    scim = scim.with_group("grp-550911", "Rotterdam Night Shift", &members).with_group("grp-550912", "Nobody Yet", &[]);
    let vendor = Directory::start(scim);
    let place = folder();
    let run = engine(["record", "--spec", "specs/rudderstack.yaml", "--out"])
        .with([place.path()])
        .env("BATON_RUDDERSTACK_SCIM_TOKEN", directory::TOKEN)
        .env("BATON_RUDDERSTACK_SCIM_BASE_URL", format!("{}/scim/v2", vendor.url()))
        .run();
    assert_eq!(run.status, 0, "{run}");
    assert!(!run.says("stays as long"), "{run}");
    assert_passes(&root().join("specs/rudderstack.yaml"), place.path());
    let case = std::fs::read_to_string(place.path().join("main.yaml")).unwrap();
    assert!(case.len() < 20_000, "{} bytes\n{case}", case.len());
    let mut gone =
        vec!["Rotterdam".to_owned(), "550911".to_owned(), directory::TOKEN.to_owned(), "brightwater".to_owned()];
    gone.extend((0..250).map(|number| (731_000 + number).to_string()));
    assert_holds_none(&case, &gone);
    assert!(case.contains("totalResults: 9"), "{case}");
}

#[test]
fn recorded_cases_can_be_recorded_again() {
    let mut cases: Vec<(PathBuf, PathBuf)> = Vec::new();
    for (specs, cases_in) in [("specs", "tests/vendors"), ("tests/hard", "tests/hard")] {
        for entry in std::fs::read_dir(root().join(specs)).unwrap() {
            let spec = entry.unwrap().path();
            let case = root().join(cases_in).join(spec.file_stem().unwrap()).join("main.yaml");
            if spec.extension().is_some_and(|extension| extension == "yaml") && case.is_file() {
                cases.push((spec, case));
            }
        }
    }
    cases.sort();
    // Of the specs that prove the language, those that go on, sign in or look up in their own ways.
    let peculiar = ["github", "linear", "microsoft-graph", "snowflake"];
    cases.retain(|(spec, _)| {
        let name = spec.file_stem().unwrap().to_string_lossy();
        !spec.starts_with(root().join("tests")) || peculiar.contains(&name.as_ref())
    });
    assert_eq!(cases.len(), 10, "{cases:?}");
    let (first, second) = cases.split_at(cases.len() / 2);
    std::thread::scope(|scope| {
        for half in [first, second] {
            scope.spawn(move || half.iter().for_each(|(spec, case)| recorded_again(spec, case)));
        }
    });
}

fn recorded_again(spec: &Path, case: &Path) {
    let recorded = Case::read(case).unwrap();
    if recorded.expect.is_none() {
        return;
    }
    let place = folder();
    let run = engine(["record", "--spec"])
        .with([spec])
        .with(["--out".as_ref(), place.path()])
        .with([format!("--simulate={}", case.display())])
        .run();
    assert_eq!(run.status, 0, "{}: {run}", spec.display());
    assert_passes(spec, place.path());
    let text = std::fs::read_to_string(place.path().join("main.yaml")).unwrap();
    // What looks like an address of somebody was one.
    let original = std::fs::read_to_string(case).unwrap();
    let addresses: BTreeSet<String> = original
        .split(|c: char| !(c.is_ascii_alphanumeric() || "@.-_+".contains(c)))
        .filter(|word| word.contains('@') && !word.starts_with('@') && word.contains(".example"))
        .map(str::to_owned)
        .collect();
    assert_holds_none(&text, &addresses.into_iter().collect::<Vec<_>>());
}
