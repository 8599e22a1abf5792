//! What changes users and groups: create, replace, change, delete, and what a service demands of
//! the result.

use std::time::Instant;

use serde_json::{Map, Value as Json, json};

use super::patch::patched;
use super::path::{ENTERPRISE, LICENSE, attribute_of, find};
use super::reply::Reply;
use super::store::member_ids;
use super::{Kind, Patch, Refusal, Scim};
use crate::support::server::Request;

impl Scim {
    pub(super) fn create(&mut self, kind: Kind, body: &Json) -> Result<Reply, Refusal> {
        if kind == Kind::User {
            self.count()?;
        }
        let mut row = written(kind, body)?;
        if kind == Kind::User && self.dialect.default_license && row[LICENSE].is_null() {
            row[LICENSE] = json!({ "licenseType": "developer" });
        }
        let known = row[kind.name()].as_str().and_then(|name| self.store.named(kind, name)).cloned();
        if let Some(known) = known.filter(|_| self.dialect.links) {
            return self.link(kind, known, row);
        }
        self.created += 1;
        // SCIM ids are text, even where they are digits.
        let id = (810_100 + self.created).to_string();
        row["id"] = json!(id);
        row["meta"] = self.meta(kind, &id, &self.now());
        self.demand(kind, &row, None)?;
        self.touch(&mut row);
        if kind == Kind::User && self.dialect.licensed_members {
            self.store.invited.insert(id);
        }
        let shown = self.store.shown(kind, &row, &self.dialect);
        self.store.table_mut(kind).put(row);
        Ok(Reply::One(self.dialect.created, shown))
    }

    /// Takes over what is there by name; members come in addition.
    fn link(&mut self, kind: Kind, known: Json, row: Json) -> Result<Reply, Refusal> {
        let mut linked = known.clone();
        let Json::Object(values) = row else { return Err(syntax()) };
        for (name, value) in values {
            match (name.as_str(), value) {
                ("members", Json::Array(members)) => {
                    let list = linked["members"].as_array_mut().expect("a group has members");
                    let new = members.into_iter().filter(|member| !list.contains(member));
                    let new: Vec<Json> = new.collect();
                    list.extend(new);
                }
                (_, value) => linked[&name] = value,
            }
        }
        self.keep(kind, known, linked, self.dialect.created)
    }

    pub(super) fn replace(&mut self, kind: Kind, id: &str, request: &Request) -> Result<Reply, Refusal> {
        if kind == Kind::User {
            self.count()?;
        }
        let known = self.current(kind, id, request)?;
        let mut row = written(kind, &request.json())?;
        row["id"] = known["id"].clone();
        row["meta"] = known["meta"].clone();
        // A password and a license are not taken away by leaving them out.
        for kept in ["password", LICENSE] {
            if row[kept].is_null() && !known[kept].is_null() {
                row[kept] = known[kept].clone();
            }
        }
        self.keep(kind, known, without_nulls(row), 200)
    }

    pub(super) fn patch(&mut self, kind: Kind, id: &str, request: &Request) -> Result<Reply, Refusal> {
        let refused = match self.dialect.patch {
            Patch::Unsupported => true,
            Patch::NotOnUsers => kind == Kind::User,
            _ => false,
        };
        if refused {
            return Err(Refusal::new(501, None, "PATCH is not supported"));
        }
        let known = self.current(kind, id, request)?;
        let row = patched(&known, &request.json(), kind, &self.dialect)?;
        let reply = self.keep(kind, known, row, 200)?;
        Ok(match self.dialect.patch {
            Patch::NoContent => Reply::Bare(204),
            Patch::Empty => Reply::Bare(200),
            _ => reply,
        })
    }

    pub(super) fn delete(&mut self, kind: Kind, id: &str, request: &Request) -> Result<Reply, Refusal> {
        self.current(kind, id, request)?;
        self.store.remove(kind, id);
        Ok(Reply::Bare(204))
    }

    /// A resource that a request may change, as it is kept.
    fn current(&self, kind: Kind, id: &str, request: &Request) -> Result<Json, Refusal> {
        let row = self.store.table(kind).get(id).ok_or_else(|| Refusal::not_found(id))?;
        match request.headers.get("if-match") {
            Some(wanted) if self.dialect.versions && wanted != "*" && row["meta"]["version"] != **wanted => {
                Err(Refusal::new(412, None, "the resource has changed"))
            }
            _ => Ok(row.clone()),
        }
    }

    fn keep(&mut self, kind: Kind, known: Json, mut row: Json, status: u16) -> Result<Reply, Refusal> {
        if kind == Kind::Group {
            row["members"] = member_list(&row["members"])?;
        }
        self.demand(kind, &row, Some(&known))?;
        if row != known {
            self.touch(&mut row);
        }
        let shown = self.store.shown(kind, &row, &self.dialect);
        self.store.table_mut(kind).put(row);
        Ok(Reply::One(status, shown))
    }

    /// What must hold of a resource before it is kept.
    fn demand(&self, kind: Kind, row: &Json, known: Option<&Json>) -> Result<(), Refusal> {
        let invalid = |detail: &str| Refusal::because("invalidValue", detail);
        let name = row[kind.name()].as_str().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| invalid(&format!("{} is missing", kind.name())))?;
        let taken = self.store.named(kind, name).is_some_and(|other| other["id"] != row["id"]);
        if taken && (kind == Kind::User || self.dialect.unique_groups) {
            return Err(Refusal::taken(name));
        }
        if kind == Kind::Group {
            return self.demand_of_members(row, known);
        }
        if !row["active"].is_null() && !row["active"].is_boolean() {
            return Err(invalid("active is not a boolean"));
        }
        let license = &row[LICENSE]["licenseType"];
        if !row[LICENSE].is_null() && !["developer", "read_only", "analyst", "it"].iter().any(|known| license == known)
        {
            return Err(invalid(&format!("there is no license {license}")));
        }
        if self.dialect.strict_emails {
            let email = &row["emails"][0];
            let one = row["emails"].as_array().is_some_and(|emails| emails.len() == 1);
            if !one || email["primary"] != true || email["value"] != name || !name.contains('@') {
                return Err(invalid("userName must match the primary email"));
            }
        }
        Ok(())
    }

    fn demand_of_members(&self, row: &Json, known: Option<&Json>) -> Result<(), Refusal> {
        let before = known.map(member_ids).unwrap_or_default();
        for member in member_ids(row).iter().filter(|member| !before.contains(member)) {
            if self.store.users.get(member).is_none() && self.store.groups.get(member).is_none() {
                return Err(Refusal::because("invalidValue", &format!("there is no member {member}")));
            }
            if self.dialect.licensed_members && self.store.invited.contains(member) {
                return Err(Refusal::new(400, None, "All users must have licenses on this account"));
            }
        }
        Ok(())
    }

    /// Counts a create or a replacement of a user.
    fn count(&mut self) -> Result<(), Refusal> {
        let Some(rate) = self.dialect.rate else { return Ok(()) };
        let (began, used) = match self.window {
            Some((began, used)) if began.elapsed().as_secs() < rate.seconds => (began, used),
            _ => (Instant::now(), 0),
        };
        if used >= rate.requests {
            return Err(Refusal::too_many(rate.seconds - began.elapsed().as_secs()));
        }
        self.window = Some((began, used + 1));
        Ok(())
    }
}

fn syntax() -> Refusal {
    Refusal::because("invalidSyntax", "the body is not an object")
}

/// The attributes of a body that can be written, with the spelling of their schema. Those that
/// cannot are overlooked.
fn written(kind: Kind, body: &Json) -> Result<Json, Refusal> {
    let body = body.as_object().ok_or_else(syntax)?;
    let schemas = find(body, "schemas").and_then(Json::as_array).cloned().unwrap_or_default();
    if !schemas.contains(&json!(kind.schema())) {
        return Err(Refusal::because("invalidSyntax", &format!("schemas lacks {}", kind.schema())));
    }
    let mut row = Map::from_iter([("schemas".to_owned(), Json::Array(schemas))]);
    for (name, value) in body {
        if [LICENSE, ENTERPRISE].contains(&name.as_str()) {
            row.insert(name.clone(), value.clone());
        } else if let Ok(name) = attribute_of(name, kind) {
            row.insert(name, value.clone());
        }
    }
    let mut row = without_nulls(Json::Object(row));
    if kind == Kind::Group {
        row["members"] = member_list(&row["members"])?;
    }
    Ok(row)
}

/// An attribute that is null has no value (RFC 7643, section 2.5).
fn without_nulls(row: Json) -> Json {
    match row {
        Json::Object(row) => row.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        other => other,
    }
}

/// Members as they are kept: each once, by id alone.
fn member_list(members: &Json) -> Result<Json, Refusal> {
    let mut ids: Vec<&Json> = Vec::new();
    for member in members.as_array().into_iter().flatten() {
        let id = &member["value"];
        if !id.is_string() {
            return Err(Refusal::because("invalidValue", "a member has no value"));
        }
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids.into_iter().map(|id| json!({ "value": id })).collect())
}
