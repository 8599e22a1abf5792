//! Atlas, a made-up vendor: users by cursor, teams by offset with a total, members for each team,
//! roles made of the users' rows.
//!
//! In: nothing. Out: a spec, the answers to it, and a command line that syncs it.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::server::{Answer, Request};
use super::{Engine, Run, engine, folder};

/// The spec.
pub const SPEC: &str = r#"format: 1
id: atlas
name: Atlas
config:
  api_token: { title: API token, help: Made under Profile › Tokens., docs: "https://atlas.example/tokens", secret: true }
  org: { title: Organization, help: The last part of the address of your start page. }
  base_url: { title: Base URL, type: url, default: "https://api.atlas.example" }
http:
  base_url: "{{ config.base_url }}"
  auth: { bearer: "{{ config.api_token }}" }
  query: { org: "{{ config.org }}" }
  answers: { message: $.message }
  pages:
    cursor: { next: $.next, send: { query: cursor } }
    last: [next_null]
    limit: { query: limit, value: 5 }
check:
  get: /me
  holds: body.ok is true
resources:
  user:
    list: { get: /users, items: $.items }
    id: $.id
    display_name: $.name
    user: { email: $.email, status: enabled }
  role:
    list: { each_row: user, where: row.role is present, dedupe_by: $.role }
    id: $.role
    display_name: $.role
    role: {}
    entitlements:
      assigned:
        purpose: assignment
        grantable_to: [user]
        grants:
          - { each_row: user, where: row.role is present, resource: $.role, principal: row }
  team:
    list:
      get: /teams
      items: $.items
      pages:
        offset: { send: { query: offset } }
        last: [total_reached]
        limit: { query: limit, value: 3 }
        total: $.total
    id: $.id
    display_name: $.id
    group: {}
    entitlements:
      member:
        grantable_to: [user]
        grants:
          - { get: "/teams/{{ resource.id }}/members", items: $.items, principal: { user: $.user } }
"#;

/// The token that the command line carries.
pub const TOKEN: &str = "made-up-token-6d1f0a";
/// Users of a page.
pub const USERS_A_PAGE: usize = 5;
/// All users.
pub const USERS: usize = 43;
/// Teams of a page.
pub const TEAMS_A_PAGE: usize = 3;
/// All teams.
pub const TEAMS: usize = 29;

/// What Atlas answers.
pub fn answer(request: &Request) -> Answer {
    if request.headers.get("authorization").map(String::as_str) != Some(&format!("Bearer {TOKEN}")) {
        return Answer::json(&json!({ "message": "this token is not known" })).status(401);
    }
    match body(request) {
        Some(body) => Answer::json(&body),
        None => Answer::json(&json!({ "message": "there is no such thing" })).status(404),
    }
}

/// The body of the answer.
pub fn body(request: &Request) -> Option<Json> {
    let parts: Vec<&str> = request.path.split('/').skip(1).collect();
    match parts.as_slice() {
        ["me"] => Some(json!({ "ok": true })),
        ["users"] => Some(cursor_page((0..USERS).map(user).collect(), request, USERS_A_PAGE)),
        ["teams"] => {
            let from = request.number_of("offset");
            let items: Vec<Json> =
                (from..TEAMS.min(from + TEAMS_A_PAGE)).map(|team| json!({ "id": format!("t{team}") })).collect();
            Some(json!({ "items": items, "total": TEAMS }))
        }
        ["teams", team, "members"] => {
            let team: usize = team.strip_prefix('t')?.parse().ok()?;
            // From none to eight: no page with rows, one, or two.
            let members = (0..team % 9).map(|at| json!({ "user": format!("u{}", (team * 5 + at) % USERS) }));
            Some(cursor_page(members.collect(), request, USERS_A_PAGE))
        }
        _ => None,
    }
}

fn user(number: usize) -> Json {
    let role = ["admin", "editor", "viewer"].get(number % 4);
    json!({
        "id": format!("u{number}"),
        "name": format!("User {number}"),
        "email": format!("u{number}@atlas.example"),
        "role": role,
    })
}

fn cursor_page(mut rows: Vec<Json>, request: &Request, size: usize) -> Json {
    let from = request.query.get("cursor").map_or(0, |cursor| cursor.trim_start_matches("after-").parse().unwrap());
    let next = (from + size < rows.len()).then(|| format!("after-{}", from + size));
    let items: Vec<Json> = rows.drain(from.min(rows.len())..).take(size).collect();
    json!({ "items": items, "next": next })
}

/// A folder with the spec, in which syncs of it run.
pub struct Desk {
    folder: tempfile::TempDir,
    url: String,
}

impl Desk {
    /// A new folder; the vendor is at an address.
    pub fn new(url: String) -> Self {
        let desk = Self { folder: folder(), url };
        desk.write("atlas.yaml", SPEC);
        desk
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The path of a file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Reads a file; nothing where it is not there.
    pub fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.path(name)).ok()
    }

    /// The names of all files but the spec.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| name != "atlas.yaml");
        names.sort();
        names
    }

    /// `engine sync` of the spec to JSON Lines, with credentials.
    pub fn sync(&self) -> Engine {
        self.sync_to("jsonl")
    }

    /// `engine sync` of the spec to some format, with credentials.
    pub fn sync_to(&self, format: &str) -> Engine {
        self.command("sync").with(["--format", format])
    }

    /// `engine sync` of the spec to JSON Lines, without credentials.
    pub fn bare_sync(&self) -> Engine {
        self.bare_sync_to("jsonl")
    }

    fn bare_sync_to(&self, format: &str) -> Engine {
        self.bare("sync").with(["--format", format])
    }

    /// A command on the spec, with credentials.
    pub fn command(&self, name: &str) -> Engine {
        self.bare(name).env("BATON_ATLAS_API_TOKEN", TOKEN).env("BATON_ATLAS_ORG", "acme")
    }

    fn bare(&self, name: &str) -> Engine {
        let url = format!("base_url={}", self.url);
        engine([name, "--spec", "atlas.yaml", "--set", &url]).within(self.folder())
    }

    /// Runs the sync to its end, which must be good, and gives the lines it wrote.
    pub fn complete(&self) -> String {
        let run: Run = self.sync().run();
        assert_eq!(run.status, 0, "{run}");
        self.read("sync.jsonl").unwrap()
    }
}
