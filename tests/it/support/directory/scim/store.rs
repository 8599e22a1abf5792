//! What a SCIM service keeps: users, groups with their members, and who was invited and has not
//! come yet.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::path::LICENSE;
use super::{Dialect, Kind};
use crate::support::directory::Table;
use crate::support::directory::table::id_of;

/// What is kept. Each resource has its `meta`; users have no `groups`, which follow from groups.
#[derive(Clone, Default)]
pub struct Store {
    /// Users.
    pub users: Table,
    /// Groups, with `members` as `{value}`.
    pub groups: Table,
    /// The users who have not accepted the invitation.
    pub invited: BTreeSet<String>,
}

impl Store {
    /// The users or the groups.
    pub fn table(&self, kind: Kind) -> &Table {
        match kind {
            Kind::User => &self.users,
            Kind::Group => &self.groups,
        }
    }

    /// The users or the groups, to change.
    pub fn table_mut(&mut self, kind: Kind) -> &mut Table {
        match kind {
            Kind::User => &mut self.users,
            Kind::Group => &mut self.groups,
        }
    }

    /// A resource by its name, which compares without regard to case.
    pub fn named(&self, kind: Kind, name: &str) -> Option<&Json> {
        let same = |row: &&Json| row[kind.name()].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name));
        self.table(kind).rows().find(same)
    }

    /// The members of a group, by id.
    pub fn members(&self, group: &str) -> Vec<String> {
        let group = self.groups.get(group).unwrap_or_else(|| panic!("there is no group {group}"));
        member_ids(group)
    }

    /// Removes a resource and its memberships; tells whether it was there.
    pub fn remove(&mut self, kind: Kind, id: &str) -> bool {
        for group in self.groups.rows_mut() {
            if let Some(members) = group["members"].as_array_mut() {
                members.retain(|member| member["value"] != id);
            }
        }
        self.invited.remove(id);
        self.table_mut(kind).remove(id)
    }

    /// A resource as it is sent.
    pub fn shown(&self, kind: Kind, row: &Json, dialect: &Dialect) -> Json {
        let mut shown = row.clone();
        let id = id_of(row);
        shown.as_object_mut().expect("a resource is an object").remove("password");
        if !dialect.versions {
            shown["meta"].as_object_mut().expect("each resource has its meta").remove("version");
        }
        if kind == Kind::Group {
            self.show_members(&mut shown);
        } else if self.invited.contains(&id) {
            // Who has not come yet has no groups, no license and no dates.
            shown.as_object_mut().expect("a resource is an object").remove(LICENSE);
            shown["meta"] = json!({ "resourceType": "User", "location": shown["meta"]["location"] });
        } else {
            shown["groups"] = self.groups_of(&id);
        }
        shown
    }

    fn show_members(&self, group: &mut Json) {
        for member in group["members"].as_array_mut().into_iter().flatten() {
            let id = member["value"].as_str().unwrap_or_default().to_owned();
            *member = match self.groups.get(&id) {
                Some(group) => json!({ "value": id, "display": group["displayName"], "type": "Group" }),
                None => json!({ "value": id, "display": self.users.get(&id).map(|user| &user["userName"]) }),
            };
        }
    }

    fn groups_of(&self, user: &str) -> Json {
        let groups = self.groups.rows().filter(|group| member_ids(group).iter().any(|id| id == user));
        groups.map(|group| json!({ "value": group["id"], "display": group["displayName"], "type": "direct" })).collect()
    }
}

/// The members of a group, by id.
pub fn member_ids(group: &Json) -> Vec<String> {
    let members = group["members"].as_array().into_iter().flatten();
    members.filter_map(|member| member["value"].as_str().map(str::to_owned)).collect()
}
