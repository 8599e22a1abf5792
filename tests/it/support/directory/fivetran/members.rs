//! Who is in which team or group, and with what role.

use serde_json::{Value as Json, json};

use super::{CREATED, Fivetran, Outcome, Trouble, illegal, known, lists, missing};
use crate::support::directory::table::id_of;
use crate::support::server::Request;

/// What people are in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Holder {
    /// A team.
    Team,
    /// A group.
    Group,
}

impl Holder {
    fn word(self) -> &'static str {
        match self {
            Self::Team => "team",
            Self::Group => "group",
        }
    }

    /// The scope of the roles that people hold in it.
    fn scope(self) -> &'static str {
        match self {
            Self::Team => "TEAM",
            Self::Group => "DESTINATION",
        }
    }
}

/// Somebody in a team or a group.
#[derive(Clone)]
pub struct Membership {
    /// Who.
    pub user: String,
    holder: Holder,
    id: String,
    role: String,
}

/// What tests look at, and change behind the engine's back.
impl Fivetran {
    /// Who is in a team or a group, with the role.
    pub fn members(&self, holder: Holder, id: &str) -> Vec<(String, String)> {
        self.within(holder, id).map(|membership| (membership.user.clone(), membership.role.clone())).collect()
    }

    /// Puts somebody into a team or a group as somebody else would, or changes the role there.
    pub fn put_member(&mut self, holder: Holder, id: &str, user: &str, role: &str) {
        self.remove_member(holder, id, user);
        let (user, id, role) = (user.to_owned(), id.to_owned(), role.to_owned());
        self.memberships.push(Membership { user, holder, id, role });
    }

    /// Removes somebody from a team or a group as somebody else would; tells whether they were in it.
    pub fn remove_member(&mut self, holder: Holder, id: &str, user: &str) -> bool {
        let before = self.memberships.len();
        self.memberships.retain(|known| known.holder != holder || known.id != id || known.user != user);
        self.memberships.len() < before
    }

    fn within(&self, holder: Holder, id: &str) -> impl Iterator<Item = &Membership> {
        self.memberships.iter().filter(move |membership| membership.holder == holder && membership.id == id)
    }

    fn member(&self, holder: Holder, id: &str, user: &str) -> Option<&Membership> {
        self.within(holder, id).find(|membership| membership.user == user)
    }
}

impl Fivetran {
    pub(super) fn act_on_members(&mut self, request: &Request, place: &[&str], body: &Json) -> Outcome {
        use Holder::{Group, Team};
        match (request.method.as_str(), place) {
            ("GET", ["teams", team, "users"]) => self.list(Team, team, request),
            ("GET", ["groups", group, "users"]) => self.list(Group, group, request),
            ("GET", ["teams", team, "groups"]) => {
                known(&self.teams, "team", team)?;
                lists::page([].iter(), request)
            }
            ("GET", ["users", user, "groups"]) => {
                known(&self.users, "user", user)?;
                let mine = self.memberships.iter().filter(|known| known.holder == Group && known.user == *user);
                let rows = mine.map(|known| json!({ "id": known.id, "role": known.role, "created_at": CREATED }));
                lists::page(rows.collect::<Vec<Json>>().iter(), request)
            }
            ("GET", ["teams", team, "users", user]) => {
                let member = self.member(Team, team, user).ok_or_else(|| missing("user", user))?;
                Ok((200, "", as_team_member(member)))
            }
            ("POST", ["teams", team, "users"]) => self.add(Team, team, &named(body, "user_id")?, body, 201),
            ("POST", ["users", user, "groups"]) => self.add(Group, &named(body, "id")?, user, body, 201),
            ("POST", ["groups", group, "users"]) => {
                let email = named(body, "email")?;
                let user = self.user_with_email(&email).ok_or_else(|| missing("user", &email))?;
                let user = id_of(user);
                self.add(Group, group, &user, body, 200)
            }
            ("PATCH", ["teams", team, "users", user]) => {
                self.member(Team, team, user).ok_or_else(|| missing("user", user))?;
                self.demand_role(&body["role"], Team.scope(), false)?;
                self.put_member(Team, team, user, &named(body, "role")?);
                Ok((200, "Team membership has been updated", json!({ "user_id": user, "role": body["role"] })))
            }
            ("DELETE", ["teams", team, "users", user]) => self.drop_member(Team, team, user),
            ("DELETE", ["groups", group, "users", user] | ["users", user, "groups", group]) => {
                self.drop_member(Group, group, user)
            }
            _ => Err(Trouble(405, "MethodNotAllowed", format!("there is no {request}"))),
        }
    }

    fn exists(&self, holder: Holder, id: &str) -> Result<(), Trouble> {
        let table = if holder == Holder::Team { &self.teams } else { &self.groups };
        known(table, holder.word(), id).map(drop)
    }

    /// The members of a team are rows of their own, those of a group are whole users.
    fn list(&self, holder: Holder, id: &str, request: &Request) -> Outcome {
        self.exists(holder, id)?;
        let rows = self.within(holder, id).filter_map(|known| match holder {
            Holder::Team => Some(as_team_member(known)),
            Holder::Group => {
                let mut user = self.users.get(&known.user)?.clone();
                user["role"] = json!(known.role);
                Some(user)
            }
        });
        lists::page(rows.collect::<Vec<Json>>().iter(), request)
    }

    fn add(&mut self, holder: Holder, id: &str, user: &str, body: &Json, status: u16) -> Outcome {
        self.exists(holder, id)?;
        known(&self.users, "user", user)?;
        self.demand_role(&body["role"], holder.scope(), false)?;
        if self.member(holder, id, user).is_some() {
            let message = format!("User '{user}' is already in the {} '{id}'", holder.word());
            return Err(Trouble(409, "Conflict", message));
        }
        self.put_member(holder, id, user, &named(body, "role")?);
        Ok((status, "Membership has been created", json!({ "user_id": user, "role": body["role"] })))
    }

    fn drop_member(&mut self, holder: Holder, id: &str, user: &str) -> Outcome {
        self.exists(holder, id)?;
        if !self.remove_member(holder, id, user) {
            return Err(missing("user", user));
        }
        Ok((200, "Membership has been deleted", Json::Null))
    }
}

fn as_team_member(membership: &Membership) -> Json {
    json!({ "user_id": membership.user, "role": membership.role, "created_at": CREATED })
}

fn named(body: &Json, field: &str) -> Result<String, Trouble> {
    let text = body[field].as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| illegal(&format!("'{field}' is required")))
}
