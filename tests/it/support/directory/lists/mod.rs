//! A service whose groups and agents are read, changed and written as a whole, at once or by an
//! operation to ask for; and a GraphQL endpoint for teams.
//!
//! In: requests. Out: answers, and changed documents. A PUT replaces the document: what it leaves
//! out is lost, so that a test sees it.
//!
//! ```text
//! work     PUT that is carried out later      graphql   memberships of teams
//! ```

mod graphql;
mod work;

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use work::Operation;
pub use work::Work;

use super::table::id_of;
use super::{Service, TOKEN, Table};
use crate::support::server::{Answer, Request};

/// How a lost update is noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Versions {
    /// Not at all: the last writer wins.
    #[default]
    None,
    /// By `ETag` and `If-Match`; a stale one is answered with 412. Without `If-Match` it is not.
    Header,
    /// By `version` in the document, which a PUT must repeat; a stale one is answered with 409.
    Field,
}

/// A service of whole lists.
#[derive(Clone, Default)]
pub struct Lists {
    /// How a lost update is noticed.
    pub versions: Versions,
    /// A PUT changes only the fields that it names.
    pub partial: bool,
    /// A PUT of a group is carried out later.
    pub work: Option<Work>,
    /// A mutation that is not done answers `success: false` and no errors.
    pub quiet_failures: bool,
    users: Table,
    groups: Table,
    agents: Table,
    teams: Table,
    memberships: Table,
    revisions: BTreeMap<(Kind, String), u64>,
    operations: BTreeMap<String, Operation>,
    created: u64,
}

/// A document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Group,
    Agent,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Agent => "agent",
        }
    }

    /// The list that a document must have.
    fn list(self) -> &'static str {
        match self {
            Self::Group => "members",
            Self::Agent => "roles",
        }
    }

    fn fits(self, element: &Json) -> bool {
        match self {
            Self::Group => element.is_u64(),
            Self::Agent => element["role_id"].is_u64() && element["assignment_scope"].is_string(),
        }
    }
}

/// A request that is not done.
struct Trouble(u16, &'static str, String);

fn trouble<T>(status: u16, code: &'static str, message: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble(status, code, message.into()))
}

/// What tests arrange, look at, and change behind the engine's back.
impl Lists {
    /// A service with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a user.
    pub fn with_user(mut self, id: u64, name: &str) -> Self {
        self.users.put(json!({ "id": id, "name": name }));
        self
    }

    /// With a group, and in it something that must be kept.
    pub fn with_group(mut self, id: u64, name: &str, members: &[u64]) -> Self {
        let other = json!({ "colour": "blue", "limits": { "open": 10, "paused": null } });
        self.put_group(json!({ "id": id, "name": name, "members": members, "other": other }));
        self
    }

    /// With an agent and roles `{role_id, assignment_scope, groups}`.
    pub fn with_agent(mut self, id: u64, name: &str, roles: Json) -> Self {
        let agent = json!({ "id": id, "name": name, "roles": roles, "signature": "Yours" });
        self.put(Kind::Agent, agent);
        self
    }

    /// Puts a group there as somebody else would.
    pub fn put_group(&mut self, group: Json) {
        self.put(Kind::Group, group);
    }

    /// A group as it is kept.
    pub fn group(&self, id: u64) -> Option<&Json> {
        self.groups.get(&id.to_string())
    }

    /// An agent as it is kept.
    pub fn agent(&self, id: u64) -> Option<&Json> {
        self.agents.get(&id.to_string())
    }

    /// The members of a group.
    pub fn members(&self, group: u64) -> Vec<u64> {
        let group = self.group(group).unwrap_or_else(|| panic!("there is no group {group}"));
        group["members"].as_array().into_iter().flatten().filter_map(Json::as_u64).collect()
    }

    /// Puts members in the place of those of a group, as somebody else would.
    pub fn set_members(&mut self, group: u64, members: &[u64]) {
        let mut changed = self.group(group).unwrap_or_else(|| panic!("there is no group {group}")).clone();
        changed["members"] = json!(members);
        self.put_group(changed);
    }

    /// Removes a group as somebody else would.
    pub fn remove_group(&mut self, id: u64) {
        self.groups.remove(&id.to_string());
    }
}

impl Service for Lists {
    fn answer(&mut self, request: &Request) -> Answer {
        self.act(request).unwrap_or_else(|Trouble(status, code, message)| {
            Answer::json(&json!({ "error": { "code": code, "message": message } })).status(status)
        })
    }

    fn is_write(request: &Request) -> bool {
        request.method != "GET" && !graphql::is_query(request)
    }
}

impl Lists {
    fn act(&mut self, request: &Request) -> Result<Answer, Trouble> {
        let token = request.headers.get("authorization").map_or("", String::as_str);
        if token.strip_prefix("Bearer ").unwrap_or(token) != TOKEN {
            return trouble(401, "unknown_token", "this token is not known");
        }
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["graphql"]) => Ok(self.graphql(&request.json())),
            ("GET", ["users"]) => Ok(Answer::json(&json!({ "users": rows(&self.users) }))),
            ("GET", ["groups"]) => Ok(Answer::json(&json!({ "groups": rows(&self.groups) }))),
            ("GET", ["agents"]) => Ok(Answer::json(&json!({ "agents": rows(&self.agents) }))),
            ("POST", ["groups"]) => self.create(&request.json()),
            ("GET", ["operations", id]) => self.operation(id),
            ("GET", ["groups", id]) => self.one(Kind::Group, id),
            ("GET", ["agents", id]) => self.one(Kind::Agent, id),
            ("PUT", ["groups", id]) if self.work.is_some() => self.begin(id, request),
            ("PUT", ["groups", id]) => self.write(Kind::Group, id, request),
            ("PUT", ["agents", id]) => self.write(Kind::Agent, id, request),
            ("DELETE", ["groups", id]) => {
                self.known(Kind::Group, id)?;
                self.groups.remove(id);
                Ok(Answer::bare(204))
            }
            _ => trouble(404, "not_found", format!("there is no {request}")),
        }
    }

    fn table(&self, kind: Kind) -> &Table {
        match kind {
            Kind::Group => &self.groups,
            Kind::Agent => &self.agents,
        }
    }

    fn known(&self, kind: Kind, id: &str) -> Result<&Json, Trouble> {
        match self.table(kind).get(id) {
            Some(known) => Ok(known),
            None => trouble(404, "not_found", format!("there is no {} {id}", kind.word())),
        }
    }

    fn revision(&self, kind: Kind, id: &str) -> u64 {
        self.revisions.get(&(kind, id.to_owned())).copied().unwrap_or(0)
    }

    fn put(&mut self, kind: Kind, document: Json) {
        *self.revisions.entry((kind, id_of(&document))).or_default() += 1;
        match kind {
            Kind::Group => self.groups.put(document),
            Kind::Agent => self.agents.put(document),
        }
    }

    fn one(&self, kind: Kind, id: &str) -> Result<Answer, Trouble> {
        let mut shown = self.known(kind, id)?.clone();
        let revision = self.revision(kind, id);
        if self.versions == Versions::Field {
            shown["version"] = json!(revision);
        }
        let answer = Answer::json(&json!({ kind.word(): shown }));
        Ok(match self.versions {
            Versions::Header => answer.header("etag", &format!("\"{revision}\"")),
            _ => answer,
        })
    }

    fn create(&mut self, body: &Json) -> Result<Answer, Trouble> {
        self.created += 1;
        let id = 9000 + self.created;
        let mut group = body["group"].clone();
        if !group.is_object() {
            return trouble(400, "invalid", "there is no group");
        }
        if group["members"].is_null() {
            group["members"] = json!([]);
        }
        group["id"] = json!(id);
        demand(Kind::Group, &group)?;
        self.put(Kind::Group, group);
        Ok(self.one(Kind::Group, &id.to_string())?.status(201))
    }

    fn write(&mut self, kind: Kind, id: &str, request: &Request) -> Result<Answer, Trouble> {
        let document = self.written(kind, id, request)?;
        self.put(kind, document);
        self.one(kind, id)
    }

    /// What a PUT makes of a document, if it may.
    fn written(&self, kind: Kind, id: &str, request: &Request) -> Result<Json, Trouble> {
        let known = self.known(kind, id)?;
        let body = request.json();
        let Json::Object(mut given) = body.get(kind.word()).unwrap_or(&body).clone() else {
            return trouble(400, "invalid", "the body is not an object");
        };
        let version = given.remove("version");
        self.demand_version(kind, id, request, version.as_ref())?;
        if given.get("id").is_some_and(|given| *given != known["id"]) {
            return trouble(400, "invalid", "an id cannot be changed");
        }
        given.insert("id".to_owned(), known["id"].clone());
        let mut document = if self.partial { known.clone() } else { json!({}) };
        for (name, value) in given {
            document[&name] = value;
        }
        demand(kind, &document)?;
        Ok(document)
    }

    fn demand_version(&self, kind: Kind, id: &str, request: &Request, version: Option<&Json>) -> Result<(), Trouble> {
        let revision = self.revision(kind, id);
        match (self.versions, request.headers.get("if-match"), version) {
            (Versions::Header, Some(wanted), _) if wanted != "*" && *wanted != format!("\"{revision}\"") => {
                trouble(412, "precondition_failed", "the document has changed")
            }
            (Versions::Field, _, None) => trouble(400, "invalid", "version is missing"),
            (Versions::Field, _, Some(version)) if *version != revision => {
                trouble(409, "stale_version", format!("the version is {revision} by now"))
            }
            _ => Ok(()),
        }
    }
}

/// The list must be there, also when it is empty, and its elements of the right type.
fn demand(kind: Kind, document: &Json) -> Result<(), Trouble> {
    match document[kind.list()].as_array() {
        Some(list) if list.iter().all(|element| kind.fits(element)) => Ok(()),
        _ => trouble(400, "invalid", format!("{} is not a list of the right type", kind.list())),
    }
}

fn rows(table: &Table) -> Vec<&Json> {
    table.rows().collect()
}
