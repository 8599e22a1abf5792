//! A SCIM 2.0 service under `/scim/v2` (RFC 7643, RFC 7644) with the habits of one vendor or
//! another.
//!
//! In: requests. Out: answers, and a changed store. Knows users and groups; no bulk, no `/Me`, no
//! search by POST, no cursors, no selection of attributes.
//!
//! ```text
//! dialect  how services differ          path   filters and paths
//! store    what is kept                 patch  operations of a PATCH
//! reply    envelopes, lists, refusals   write  create, replace, change, delete
//! ```

mod dialect;
mod patch;
mod path;
mod reply;
mod store;
mod write;

use std::collections::VecDeque;
use std::time::Instant;

use serde_json::{Value as Json, json};

pub use dialect::{Dialect, Ops, Patch, Rate, Removal};
use path::Filter;
pub use path::LICENSE;
pub use reply::Refusal;
use reply::Reply;
use store::Store;

use super::table::id_of;
use super::{Service, TOKEN};
use crate::support::server::{Answer, Request};

/// The path that all paths begin with.
pub const BASE: &str = "/scim/v2";

/// A user or a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A user.
    User,
    /// A group.
    Group,
}

impl Kind {
    fn schema(self) -> &'static str {
        match self {
            Self::User => "urn:ietf:params:scim:schemas:core:2.0:User",
            Self::Group => "urn:ietf:params:scim:schemas:core:2.0:Group",
        }
    }

    /// The attribute that names it.
    fn name(self) -> &'static str {
        match self {
            Self::User => "userName",
            Self::Group => "displayName",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }
}

/// A SCIM service.
#[derive(Clone)]
pub struct Scim {
    /// Its habits.
    pub dialect: Dialect,
    store: Store,
    /// What reads still show, each up to a number of reads; the oldest first.
    unseen: VecDeque<(Store, usize)>,
    reads: usize,
    /// Resources that were made, and changes.
    created: usize,
    changes: usize,
    window: Option<(Instant, usize)>,
}

/// What tests arrange, look at, and change behind the engine's back.
impl Scim {
    /// A service without users and groups.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            store: Store::default(),
            unseen: VecDeque::new(),
            reads: 0,
            created: 0,
            changes: 0,
            window: None,
        }
    }

    /// With an active user; the name is an e-mail address.
    pub fn with_user(mut self, id: &str, user_name: &str) -> Self {
        self.put_user(json!({
            "id": id, "userName": user_name, "active": true,
            "emails": [{ "value": user_name, "primary": true, "type": "work" }],
        }));
        self
    }

    /// With a group.
    pub fn with_group(mut self, id: &str, name: &str, members: &[&str]) -> Self {
        let members: Vec<Json> = members.iter().map(|member| json!({ "value": member })).collect();
        self.put_group(json!({ "id": id, "displayName": name, "members": members }));
        self
    }

    /// Puts a user there as it is.
    pub fn put_user(&mut self, user: Json) {
        self.put(Kind::User, user);
    }

    /// Puts a group there as it is.
    pub fn put_group(&mut self, group: Json) {
        self.put(Kind::Group, group);
    }

    /// A user as it is kept.
    pub fn user(&self, id: &str) -> Option<&Json> {
        self.store.users.get(id)
    }

    /// A user by name.
    pub fn user_named(&self, user_name: &str) -> Option<&Json> {
        self.store.named(Kind::User, user_name)
    }

    /// All users.
    pub fn users(&self) -> Vec<&Json> {
        self.store.users.rows().collect()
    }

    /// A group as it is kept.
    pub fn group(&self, id: &str) -> Option<&Json> {
        self.store.groups.get(id)
    }

    /// A group by name.
    pub fn group_named(&self, name: &str) -> Option<&Json> {
        self.store.named(Kind::Group, name)
    }

    /// All groups.
    pub fn groups(&self) -> Vec<&Json> {
        self.store.groups.rows().collect()
    }

    /// The members of a group, by id.
    pub fn members(&self, group: &str) -> Vec<String> {
        self.store.members(group)
    }

    /// Adds a member as somebody else would.
    pub fn add_member(&mut self, group: &str, member: &str) {
        let mut changed = self.group(group).unwrap_or_else(|| panic!("there is no group {group}")).clone();
        changed["members"].as_array_mut().expect("a group has members").push(json!({ "value": member }));
        self.put_group(changed);
    }

    /// Removes a member as somebody else would.
    pub fn remove_member(&mut self, group: &str, member: &str) {
        let mut changed = self.group(group).unwrap_or_else(|| panic!("there is no group {group}")).clone();
        changed["members"].as_array_mut().expect("a group has members").retain(|known| known["value"] != member);
        self.put_group(changed);
    }

    /// Removes a user as somebody else would.
    pub fn remove_user(&mut self, id: &str) {
        self.store.remove(Kind::User, id);
    }

    /// Removes a group as somebody else would.
    pub fn remove_group(&mut self, id: &str) {
        self.store.remove(Kind::Group, id);
    }

    /// Makes a user somebody who has not accepted the invitation.
    pub fn invite(&mut self, id: &str) {
        self.store.invited.insert(id.to_owned());
    }

    /// A user accepts the invitation.
    pub fn accept(&mut self, id: &str) {
        self.store.invited.remove(id);
    }

    fn put(&mut self, kind: Kind, mut row: Json) {
        let created = "2024-01-01T00:00:00Z";
        if row["schemas"].is_null() {
            row["schemas"] = json!([kind.schema()]);
        }
        if kind == Kind::Group && row["members"].is_null() {
            row["members"] = json!([]);
        }
        if row["meta"].is_null() {
            row["meta"] = self.meta(kind, &id_of(&row), created);
        }
        self.touch(&mut row);
        self.store.table_mut(kind).put(row);
    }
}

impl Service for Scim {
    fn answer(&mut self, request: &Request) -> Answer {
        let before = (self.dialect.stale_reads > 0 && Self::is_write(request)).then(|| self.store.clone());
        match self.act(request) {
            Ok(reply) => {
                if let Some(before) = before {
                    self.unseen.push_back((before, self.reads + self.dialect.stale_reads));
                }
                reply.answer(self.dialect.wrapped)
            }
            Err(refusal) => refusal.answer(self.dialect.wrapped),
        }
    }
}

impl Scim {
    fn act(&mut self, request: &Request) -> Result<Reply, Refusal> {
        if request.headers.get("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Err(Refusal::new(401, None, "Invalid token."));
        }
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let ["scim", "v2", place @ ..] = segments.as_slice() else { return Err(Refusal::not_found(&request.path)) };
        let (kind, id) = match place {
            ["ServiceProviderConfig"] if request.method == "GET" => return Ok(Reply::One(200, self.configuration())),
            ["Users"] => (Kind::User, None),
            ["Groups"] => (Kind::Group, None),
            ["Users", id] => (Kind::User, Some(*id)),
            ["Groups", id] => (Kind::Group, Some(*id)),
            _ => return Err(Refusal::not_found(&request.path)),
        };
        if ["POST", "PUT", "PATCH"].contains(&request.method.as_str()) {
            let media = request.headers.get("content-type").map_or("", |media| media.split(';').next().unwrap_or(""));
            if !["application/scim+json", "application/json"].contains(&media.trim()) {
                return Err(Refusal::new(415, None, "the body is not application/scim+json"));
            }
        }
        match (request.method.as_str(), id) {
            ("GET", None) => self.list(kind, request),
            ("GET", Some(id)) => self.one(kind, id),
            ("POST", None) => self.create(kind, &request.json()),
            ("PUT", Some(id)) => self.replace(kind, id, request),
            ("PATCH", Some(id)) => self.patch(kind, id, request),
            ("DELETE", Some(id)) => self.delete(kind, id, request),
            _ => Err(Refusal::new(405, None, "this method is not for this path")),
        }
    }

    /// What a read sees: what was before the oldest write that is not visible yet.
    fn seen(&mut self) -> &Store {
        self.reads += 1;
        while self.unseen.front().is_some_and(|(_, until)| *until < self.reads) {
            self.unseen.pop_front();
        }
        self.unseen.front().map_or(&self.store, |(store, _)| store)
    }

    fn one(&mut self, kind: Kind, id: &str) -> Result<Reply, Refusal> {
        let dialect = self.dialect.clone();
        let store = self.seen();
        let row = store.table(kind).get(id).ok_or_else(|| Refusal::not_found(id))?;
        Ok(Reply::One(200, store.shown(kind, row, &dialect)))
    }

    fn list(&mut self, kind: Kind, request: &Request) -> Result<Reply, Refusal> {
        let dialect = self.dialect.clone();
        let filter = request.parameter("filter").filter(|_| !dialect.ignores_filters);
        let filter = filter.map(|filter| Filter::of_list(&filter, kind)).transpose()?;
        let number = |name: &str| request.parameter(name).and_then(|number| number.parse::<i64>().ok());
        let start = usize::try_from(number("startIndex").unwrap_or(1)).unwrap_or(1).max(1);
        let count = number("count").map_or(dialect.page, |count| usize::try_from(count).unwrap_or(0)).min(dialect.page);
        let store = self.seen();
        let rows = store.table(kind).rows().filter(|row| filter.as_ref().is_none_or(|filter| filter.fits(row)));
        let rows: Vec<&Json> = rows.collect();
        let page = rows.iter().skip(start - 1).take(count).map(|row| {
            let mut shown = store.shown(kind, row, &dialect);
            if kind == Kind::Group && !dialect.listed_members {
                shown.as_object_mut().expect("a resource is an object").remove("members");
            }
            shown
        });
        Ok(Reply::List { total: rows.len(), start, page: page.collect() })
    }

    fn configuration(&self) -> Json {
        let patch = self.dialect.patch != Patch::Unsupported;
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": { "supported": patch },
            "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
            "filter": { "supported": !self.dialect.ignores_filters, "maxResults": self.dialect.page },
            "changePassword": { "supported": false },
            "sort": { "supported": false },
            "etag": { "supported": self.dialect.versions },
            "authenticationSchemes": [],
        })
    }

    fn meta(&self, kind: Kind, id: &str, created: &str) -> Json {
        json!({
            "resourceType": kind.word(),
            "location": format!("{BASE}/{}s/{id}", kind.word()),
            "created": created,
            "lastModified": created,
        })
    }

    /// Gives a resource a new version and the time of its change.
    fn touch(&mut self, row: &mut Json) {
        self.changes += 1;
        row["meta"]["version"] = json!(format!("W/\"{}\"", self.changes));
        row["meta"]["lastModified"] = json!(self.now());
    }

    /// A clock that goes on by a second with each change.
    fn now(&self) -> String {
        format!("2026-01-01T{:02}:{:02}:{:02}Z", self.changes / 3600, self.changes / 60 % 60, self.changes % 60)
    }
}
