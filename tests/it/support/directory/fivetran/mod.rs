//! A service like the REST API of Fivetran: users with one account role, teams and groups whose
//! members hold a role in them.
//!
//! In: requests with a key and its secret. Out: answers `{code, message, data}`, and a changed
//! state. Leaves out system keys, connections, and the groups of teams.
//!
//! ```text
//! lists  cursors and pages          members  who is in a team or a group
//! ```

mod lists;
mod members;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value as Json, json};

pub use members::Holder;
use members::Membership;

use super::{Service, Table};
use crate::support::server::{Answer, Request};

/// The key that the service knows.
pub const KEY: &str = "made-up-key";
/// Its secret.
pub const SECRET: &str = "made-up-secret";

const CREATED: &str = "2024-01-01T00:00:00Z";

/// A Fivetran account.
#[derive(Clone, Default)]
pub struct Fivetran {
    /// The user whose key it is; a system key without.
    pub own_user: Option<String>,
    /// The status of a second invitation of the same person; 409 unless said otherwise.
    pub conflict: Option<u16>,
    /// How many users may be created; then 429.
    pub creations: Option<usize>,
    users: Table,
    roles: Vec<Json>,
    teams: Table,
    groups: Table,
    memberships: Vec<Membership>,
    created: usize,
    /// The key died with its owner.
    dead: bool,
}

/// What a request comes to: a status, what is said, and data.
type Outcome = Result<(u16, &'static str, Json), Trouble>;

/// A request that is not done.
struct Trouble(u16, &'static str, String);

fn missing(kind: &str, id: &str) -> Trouble {
    let code = match kind {
        "user" => "NotFound_User",
        "team" => "NotFound_Team",
        "group" => "NotFound_Group",
        _ => "NotFound",
    };
    Trouble(404, code, format!("Cannot find {kind} with id '{id}'"))
}

fn illegal(message: &str) -> Trouble {
    Trouble(400, "IllegalArgument", message.to_owned())
}

/// What tests arrange, look at, and change behind the engine's back.
impl Fivetran {
    /// An account with roles and nobody in it.
    pub fn new() -> Self {
        let role = |name: &str, scope: &[&str]| {
            json!({
                "name": name, "description": format!("{name} of the account"), "scope": scope,
                "is_custom": false, "is_deprecated": false, "replacement_role_name": null,
            })
        };
        let roles = vec![
            role("Account Administrator", &["ACCOUNT"]),
            role("Account Reviewer", &["ACCOUNT"]),
            role("Manage Destination", &["DESTINATION", "CONNECTOR"]),
            role("View Destination", &["DESTINATION"]),
            role("Team Manager", &["TEAM"]),
            role("Team Member", &["TEAM"]),
        ];
        Self { roles, ..Self::default() }
    }

    /// With a verified user.
    pub fn with_user(mut self, id: &str, email: &str, role: Option<&str>) -> Self {
        let user = json!({ "email": email, "given_name": "Given", "family_name": "Family", "role": role });
        self.users.put(as_user(id, &user, true));
        self
    }

    /// With a team.
    pub fn with_team(mut self, id: &str, name: &str) -> Self {
        self.teams.put(json!({ "id": id, "name": name, "description": null, "role": null }));
        self
    }

    /// With a group.
    pub fn with_group(mut self, id: &str, name: &str) -> Self {
        self.groups.put(json!({ "id": id, "name": name, "created_at": CREATED }));
        self
    }

    /// With somebody in a team or a group.
    pub fn with_member(mut self, holder: Holder, id: &str, user: &str, role: &str) -> Self {
        self.put_member(holder, id, user, role);
        self
    }

    /// A user as it is kept.
    pub fn user(&self, id: &str) -> Option<&Json> {
        self.users.get(id)
    }

    /// A user by e-mail address, which compares without regard to case.
    pub fn user_with_email(&self, email: &str) -> Option<&Json> {
        self.users.rows().find(|user| user["email"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(email)))
    }

    /// Removes a user as somebody else would.
    pub fn remove_user(&mut self, id: &str) -> bool {
        self.memberships.retain(|membership| membership.user != id);
        self.users.remove(id)
    }

    /// Changes a user as somebody else would: `active`, `role`, …
    pub fn change_user(&mut self, id: &str, name: &str, value: Json) {
        self.users.get_mut(id).unwrap_or_else(|| panic!("there is no user {id}"))[name] = value;
    }
}

impl Service for Fivetran {
    fn answer(&mut self, request: &Request) -> Answer {
        match self.act(request) {
            Ok((status, message, Json::Null)) => {
                Answer::json(&json!({ "code": "Success", "message": message })).status(status)
            }
            Ok((status, message, data)) => {
                Answer::json(&json!({ "code": "Success", "message": message, "data": data })).status(status)
            }
            Err(Trouble(status, code, message)) => {
                let answer = Answer::json(&json!({ "code": code, "message": message })).status(status);
                if status == 429 { answer.header("retry-after", "1") } else { answer }
            }
        }
    }
}

impl Fivetran {
    fn act(&mut self, request: &Request) -> Outcome {
        self.admit(request)?;
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let ["v1", place @ ..] = segments.as_slice() else { return Err(missing("path", &request.path)) };
        let body = request.json();
        match (request.method.as_str(), place) {
            ("GET", ["account", "info"]) => Ok((200, "", self.account())),
            ("GET", ["roles"]) => lists::page(self.roles.iter(), request),
            ("GET", ["users"]) => lists::page(lists::active(self.users.rows(), request), request),
            ("GET", ["teams"]) => lists::page(self.teams.rows(), request),
            ("GET", ["groups"]) => lists::page(self.groups.rows(), request),
            ("GET", ["users", id]) => Ok((200, "", known(&self.users, "user", id)?.clone())),
            ("GET", ["teams", id]) => Ok((200, "", known(&self.teams, "team", id)?.clone())),
            ("GET", ["groups", id]) => Ok((200, "", known(&self.groups, "group", id)?.clone())),
            ("POST", ["users"]) => self.invite(&body),
            ("PATCH", ["users", id]) => self.change(id, &body),
            ("DELETE", ["users", id]) => self.delete(id),
            ("DELETE", ["users", id, "role"]) => self.change(id, &json!({ "role": null })),
            (_, [_, _, "users" | "groups", ..]) => self.act_on_members(request, place, &body),
            _ => Err(Trouble(405, "MethodNotAllowed", format!("there is no {request}"))),
        }
    }

    /// The key, and the media types.
    fn admit(&self, request: &Request) -> Result<(), Trouble> {
        let header = |name: &str| request.headers.get(name).map_or("", String::as_str);
        let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{KEY}:{SECRET}")));
        if self.dead || header("authorization") != basic {
            return Err(Trouble(401, "AuthFailed", "Authentication failed: invalid credentials".to_owned()));
        }
        if !["application/json", "application/json;version=2"].contains(&header("accept")) {
            return Err(Trouble(406, "NotAcceptable", "Accept is not application/json".to_owned()));
        }
        let has_body = ["POST", "PATCH"].contains(&request.method.as_str());
        if has_body && !header("content-type").starts_with("application/json") {
            return Err(Trouble(415, "UnsupportedMediaType", "Content-Type is not application/json".to_owned()));
        }
        Ok(())
    }

    fn account(&self) -> Json {
        let mut account = json!({ "account_id": "gleaming_harbor", "account_name": "Harbor Analytics" });
        match &self.own_user {
            Some(user) => account["user_id"] = json!(user),
            None => account["system_key_id"] = json!("cobalt_lantern"),
        }
        account
    }

    fn invite(&mut self, body: &Json) -> Outcome {
        for field in ["email", "given_name", "family_name"] {
            if body[field].as_str().is_none_or(str::is_empty) {
                return Err(illegal(&format!("'{field}' is required")));
            }
        }
        let email = body["email"].as_str().unwrap_or_default();
        if self.user_with_email(email).is_some() {
            let message = format!("User '{email}' is already a member of the account");
            return Err(Trouble(self.conflict.unwrap_or(409), "Conflict", message));
        }
        self.demand_role(&body["role"], "ACCOUNT", true)?;
        if self.creations == Some(0) {
            return Err(Trouble(429, "TooManyRequests", "Too many requests. Try again later.".to_owned()));
        }
        self.creations = self.creations.map(|creations| creations - 1);
        self.created += 1;
        let user = as_user(&format!("new_user_{}", self.created), body, false);
        self.users.put(user.clone());
        Ok((201, "User has been invited to the account", user))
    }

    fn change(&mut self, id: &str, body: &Json) -> Outcome {
        let changes = body.as_object().ok_or_else(|| illegal("the body is not an object"))?.clone();
        let own = self.own_user.as_deref() == Some(id);
        known(&self.users, "user", id)?;
        for (name, value) in &changes {
            match name.as_str() {
                "role" if own => return Err(illegal("a key cannot change the role of its owner")),
                "role" => self.demand_role(value, "ACCOUNT", true)?,
                "given_name" | "family_name" | "phone" | "picture" => {}
                _ => return Err(illegal(&format!("'{name}' cannot be changed"))),
            }
        }
        let user = self.users.get_mut(id).ok_or_else(|| missing("user", id))?;
        for (name, value) in changes {
            user[&name] = value;
        }
        Ok((200, "User has been updated", user.clone()))
    }

    fn delete(&mut self, id: &str) -> Outcome {
        let role = known(&self.users, "user", id)?["role"].clone();
        if role == "Owner" && self.users.rows().filter(|user| user["role"] == "Owner").count() == 1 {
            return Err(Trouble(400, "IllegalState", "The last owner of an account cannot be deleted".to_owned()));
        }
        self.remove_user(id);
        self.dead |= self.own_user.as_deref() == Some(id);
        Ok((200, "User has been deleted", Json::Null))
    }

    /// A role must be one of the account's, for the scope.
    fn demand_role(&self, role: &Json, scope: &str, optional: bool) -> Result<(), Trouble> {
        if optional && role.is_null() {
            return Ok(());
        }
        let found = self.roles.iter().find(|known| known["name"] == *role);
        match found.and_then(|role| role["scope"].as_array()) {
            Some(scopes) if scopes.iter().any(|known| known == scope) => Ok(()),
            _ => Err(illegal(&format!("Role {role} is not found"))),
        }
    }
}

fn known<'a>(table: &'a Table, kind: &str, id: &str) -> Result<&'a Json, Trouble> {
    table.get(id).ok_or_else(|| missing(kind, id))
}

fn as_user(id: &str, given: &Json, verified: bool) -> Json {
    json!({
        "id": id, "email": given["email"], "given_name": given["given_name"], "family_name": given["family_name"],
        "verified": verified, "invited": !verified, "picture": given["picture"], "phone": given["phone"],
        "role": given["role"], "active": true, "logged_in_at": null, "created_at": CREATED,
    })
}
