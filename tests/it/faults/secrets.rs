//! Secrets: not in anything that is said, logged or written, whatever the vendor does with them.

use serde_json::json;

use crate::support::atlas::Desk;
use crate::support::server::{Answer, Request, Server};
use crate::support::{Run, engine};

/// A spec with secrets in as many places as possible.
const SPEC: &str = r#"format: 1
id: vault
name: Vault
config:
  user: { title: User, default: made-up-user }
  password: { title: Password, secret: true }
  query_key: { title: Key in the query, secret: true }
  header_key: { title: Key in a header, secret: true }
  login_key: { title: Key for the second client, secret: true }
  base_url: { title: Base URL, type: url, default: "https://api.vault.example" }
clients:
  default:
    base_url: "{{ config.base_url }}"
    auth: { basic: { username: "{{ config.user }}", password: "{{ config.password }}" } }
    headers: { X-Key: "{{ config.header_key }}" }
    pages: none
    answers: { message: $.message }
  query:
    base_url: "{{ config.base_url }}"
    auth: { query: { api_key: "{{ config.query_key }}" } }
    pages: none
    answers: { message: $.message }
  session:
    base_url: "{{ config.base_url }}"
    auth:
      login:
        post: /login
        json: { key: "{{ config.login_key }}" }
        token: $.token
        header: X-Session
    pages: none
    answers: { message: $.message }
resources:
  user:
    list: { get: /users, items: $.items }
    id: $.id
    display_name: $.id
  role:
    list: { client: query, get: /roles, items: $.items }
    id: $.id
    display_name: $.id
  team:
    list: { client: session, get: /teams, items: $.items }
    id: $.id
    display_name: $.id
"#;

/// What must not be seen, by what it is.
const SECRETS: [(&str, &str); 6] = [
    ("password", "made/up+pass word&é-8f3b1c"),
    ("password in base64", "bWFkZS11cC11c2VyOm1hZGUvdXArcGFzcyB3b3JkJsOpLThmM2IxYw"),
    ("key in the query", "made/up+query=key&5d2a90"),
    ("key in a header", "made-up-header-key-77c0e4"),
    ("key of the login", "made-up-login-key-41aa9d"),
    ("token of the session", "made-up-session-token-e08b25"),
];

const QUERY_KEY_ENCODED: &str = "made%2Fup%2Bquery%3Dkey%265d2a90";

fn desk(answer: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static) -> (Server, Desk) {
    let server = Server::start(move |request| match (answer(request), request.path.as_str()) {
        (Some(answer), _) => answer,
        (None, "/login") => Answer::json(&json!({ "token": SECRETS[5].1 })),
        (None, path) => {
            let ids: Vec<_> = (0..3).map(|number| json!({ "id": format!("{path}-{number}") })).collect();
            Answer::json(&json!({ "items": ids }))
        }
    });
    let desk = Desk::new(server.url());
    desk.write("atlas.yaml", SPEC);
    (server, desk)
}

fn sync(server: &Server, desk: &Desk, log_format: &str) -> Run {
    engine(["sync", "--spec", "atlas.yaml", "--log-level", "trace", "--log-format", log_format])
        .with(["--format", "jsonl", "--report", "report.json"])
        .within(desk.folder())
        .env("BATON_VAULT_BASE_URL", server.url())
        .env("BATON_VAULT_PASSWORD", SECRETS[0].1)
        .env("BATON_VAULT_QUERY_KEY", SECRETS[2].1)
        .env("BATON_VAULT_HEADER_KEY", SECRETS[3].1)
        .env("BATON_VAULT_LOGIN_KEY", SECRETS[4].1)
        .run()
}

fn assert_nothing_leaks(desk: &Desk, run: &Run) {
    assert!(run.stderr.contains("answered"), "nothing was logged: {run}");
    let mut places = vec![("stdout".to_owned(), run.stdout.clone().into_bytes())];
    places.push(("stderr".to_owned(), run.stderr.clone().into_bytes()));
    let files = desk.files();
    assert!(files.contains(&"report.json".to_owned()), "{files:?}");
    places.extend(files.into_iter().map(|name| (name.clone(), std::fs::read(desk.path(&name)).unwrap())));
    let encoded = ("key in the query, encoded", QUERY_KEY_ENCODED);
    for (place, bytes) in places {
        for (what, secret) in SECRETS.into_iter().chain([encoded]) {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "the {what} is in {place}:\n{}", String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn secrets_reach_the_vendor_and_nobody_else() {
    for log_format in ["text", "json"] {
        let (server, desk) = desk(|_| None);
        let run = sync(&server, &desk, log_format);
        assert_eq!(run.status, 0, "{run}");
        assert_nothing_leaks(&desk, &run);
        let asked = server.asked();
        let users = asked.iter().find(|request| request.path == "/users").unwrap();
        assert!(users.headers["authorization"].contains(SECRETS[1].1), "{users:?}");
        assert_eq!(users.headers["x-key"], SECRETS[3].1);
        let roles = asked.iter().find(|request| request.path == "/roles").unwrap();
        assert!(roles.target.contains(QUERY_KEY_ENCODED), "{roles:?}");
        let teams = asked.iter().find(|request| request.path == "/teams").unwrap();
        assert_eq!(teams.headers["x-session"], SECRETS[5].1);
    }
}

/// What a request carried, as a vendor may repeat it.
fn echo(request: &Request) -> String {
    let headers: Vec<&str> = ["authorization", "x-key", "x-session"]
        .iter()
        .filter_map(|name| request.headers.get(*name).map(String::as_str))
        .collect();
    format!("wrong: {} {}", headers.join(", ").trim_end_matches('='), request.target)
}

#[test]
fn a_vendor_that_repeats_secrets_in_its_errors_is_not_quoted_with_them() {
    for path in ["/users", "/roles", "/teams"] {
        for (status, exit) in [(400, 1), (401, 4), (403, 4), (404, 1)] {
            let (server, desk) = desk(move |request| {
                let repeats = request.path == path;
                repeats.then(|| Answer::json(&json!({ "message": echo(request) })).status(status))
            });
            let run = sync(&server, &desk, "text");
            assert_eq!(run.status, exit, "{run}");
            assert!(run.stderr.contains("(wrong: "), "{run}");
            assert_nothing_leaks(&desk, &run);
        }
    }
}

#[test]
fn nonsense_that_repeats_secrets_is_quoted_without_them() {
    let (server, desk) = desk(|request| {
        let repeats = request.path == "/teams";
        repeats.then(|| Answer::text("text/html", format!("<html><title>{}</title></html>", echo(request))))
    });
    let run = sync(&server, &desk, "text");
    assert_eq!(run.status, 1, "{run}");
    assert_nothing_leaks(&desk, &run);
}

#[test]
fn a_redirect_that_carries_secrets_elsewhere_is_told_without_them() {
    let (server, desk) = desk(|request| {
        (request.path == "/users").then(|| {
            let location = format!("https://elsewhere.example/?k={QUERY_KEY_ENCODED}&h={}", SECRETS[3].1);
            Answer::json(&json!({})).status(302).header("location", &location)
        })
    });
    let run = sync(&server, &desk, "text");
    assert_eq!(run.status, 1, "{run}");
    assert!(run.stderr.contains("elsewhere.example"), "{run}");
    assert_nothing_leaks(&desk, &run);
}
