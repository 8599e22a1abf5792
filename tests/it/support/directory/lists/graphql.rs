//! `POST /graphql`: two mutations and three queries about the members of teams. What goes wrong
//! stands in `errors` of an answer with 200.
//!
//! Reads no GraphQL: an operation is known by the name that occurs in its text, and its arguments
//! are the variables, alone or in `input`.

use serde_json::{Value as Json, json};

use super::{Lists, rows};
use crate::support::directory::table::{id_of, text};
use crate::support::server::{Answer, Request};

/// Whether a request reads only.
pub fn is_query(request: &Request) -> bool {
    request.path == "/graphql" && !request.json()["query"].as_str().unwrap_or_default().contains("mutation")
}

/// What tests arrange, look at, and change behind the engine's back.
impl Lists {
    /// With a team.
    pub fn with_team(mut self, id: &str, name: &str) -> Self {
        self.teams.put(json!({ "id": id, "name": name }));
        self
    }

    /// With a member of a team.
    pub fn with_membership(mut self, id: &str, team: &str, user: u64) -> Self {
        self.put_membership(id, team, user);
        self
    }

    /// Makes somebody a member as somebody else would.
    pub fn put_membership(&mut self, id: &str, team: &str, user: u64) {
        self.memberships.put(json!({ "id": id, "team": { "id": team }, "user": { "id": user.to_string() } }));
    }

    /// Removes a membership as somebody else would; tells whether it was there.
    pub fn remove_membership(&mut self, id: &str) -> bool {
        self.memberships.remove(id)
    }

    /// The memberships of a team: their ids, and the users.
    pub fn team_members(&self, team: &str) -> Vec<(String, String)> {
        self.within(team).map(|row| (id_of(row), id_of(&row["user"]))).collect()
    }

    fn within(&self, team: &str) -> impl Iterator<Item = &Json> {
        self.memberships.rows().filter(move |row| row["team"]["id"] == team)
    }
}

type Outcome = Result<Json, (&'static str, String)>;

impl Lists {
    pub(super) fn graphql(&mut self, body: &Json) -> Answer {
        let query = body["query"].as_str().unwrap_or_default();
        let variables = match &body["variables"]["input"] {
            Json::Null => &body["variables"],
            input => input,
        };
        let (field, outcome) = if query.contains("teamMembershipCreate") {
            ("teamMembershipCreate", self.create_membership(&text(&variables["teamId"]), &text(&variables["userId"])))
        } else if query.contains("teamMembershipDelete") {
            ("teamMembershipDelete", self.delete_membership(&text(&variables["id"])))
        } else if query.contains("memberships") {
            ("team", self.team(&text(&variables["id"]), variables))
        } else if query.contains("teams") {
            ("teams", Ok(connection(rows(&self.teams), variables)))
        } else if query.contains("users") {
            ("users", Ok(connection(rows(&self.users), variables)))
        } else {
            return refusal("GRAPHQL_VALIDATION_FAILED", "there is no such field").status(400);
        };
        match outcome {
            Ok(value) => Answer::json(&json!({ "data": { field: value } })),
            Err(_) if self.quiet_failures => Answer::json(&json!({ "data": { field: { "success": false } } })),
            Err((code, message)) => refusal(code, &message),
        }
    }

    fn create_membership(&mut self, team: &str, user: &str) -> Outcome {
        self.known_team(team)?;
        if self.users.get(user).is_none() {
            return Err(("ENTITY_NOT_FOUND", format!("Entity not found: User {user}")));
        }
        if self.within(team).any(|row| row["user"]["id"] == user) {
            return Err(("INPUT_ERROR", "User is already a member of the team".to_owned()));
        }
        self.created += 1;
        let row =
            json!({ "id": format!("membership-{}", self.created), "team": { "id": team }, "user": { "id": user } });
        self.memberships.put(row.clone());
        Ok(json!({ "success": true, "teamMembership": row }))
    }

    fn delete_membership(&mut self, id: &str) -> Outcome {
        match self.memberships.remove(id) {
            true => Ok(json!({ "success": true })),
            false => Err(("ENTITY_NOT_FOUND", format!("Entity not found: TeamMembership {id}"))),
        }
    }

    fn team(&self, id: &str, variables: &Json) -> Outcome {
        let mut team = self.known_team(id)?.clone();
        team["memberships"] = connection(self.within(id).collect(), variables);
        Ok(team)
    }

    fn known_team(&self, id: &str) -> Result<&Json, (&'static str, String)> {
        self.teams.get(id).ok_or_else(|| ("ENTITY_NOT_FOUND", format!("Entity not found: Team {id}")))
    }
}

/// A page of nodes; a cursor is the number of nodes before.
fn connection(nodes: Vec<&Json>, variables: &Json) -> Json {
    let from = variables["after"].as_str().and_then(|after| after.parse().ok()).unwrap_or(0);
    let first = variables["first"].as_u64().and_then(|first| first.try_into().ok()).unwrap_or(50);
    let page: Vec<&Json> = nodes.iter().copied().skip(from).take(first).collect();
    let next = from + page.len();
    let end = (!page.is_empty()).then(|| next.to_string());
    json!({ "nodes": page, "pageInfo": { "hasNextPage": next < nodes.len(), "endCursor": end } })
}

fn refusal(code: &str, message: &str) -> Answer {
    let error = json!({ "message": message, "extensions": { "code": code, "userPresentableMessage": message } });
    Answer::json(&json!({ "errors": [error], "data": null }))
}
