//! Memberships: exactly the groups of a person, exactly the members of a group.

use std::collections::BTreeSet;

use engine_model::{EntitlementRef, ResourceRef};
use engine_spec::document::attribute::MatchKey;

use super::compare::Comparison;
use super::keys::{folded, wanted_key};
use super::survey::membership;
use super::{ChangeKind, Deed, Key};

impl Comparison<'_> {
    /// Memberships: exactly the groups of a person, exactly the members of a group.
    pub fn memberships(&mut self) {
        let mut adds: BTreeSet<(Key, String, Key)> = BTreeSet::new();
        let mut whole_people: BTreeSet<Key> = BTreeSet::new();
        let mut whole_groups: BTreeSet<Key> = BTreeSet::new();
        let mut problems = Vec::new();
        for placed in &self.rows {
            for reference in placed.row.groups.iter().flatten() {
                match self.group(reference, placed.kind) {
                    Ok((group, slug)) => drop(adds.insert((group, slug, placed.key.clone()))),
                    Err(reason) => problems.push(format!("{}: {reason}", placed.row.place)),
                }
            }
            if placed.row.groups.is_some() {
                whole_people.insert(placed.key.clone());
            }
            let Some(members) = &placed.row.members else { continue };
            whole_groups.insert(placed.key.clone());
            let Some((kind, rule)) = self.plan.types.get(placed.kind).and_then(|kind| Some((kind, membership(kind)?)))
            else {
                problems.push(format!("{}: the spec cannot change who is in it", placed.row.place));
                continue;
            };
            for reference in members {
                match self.principal(reference, &rule.grantable_to) {
                    Ok(principal) => drop(adds.insert((placed.key.clone(), rule.key.clone(), principal))),
                    Err(reason) => problems.push(format!("{} ({}): {reason}", placed.row.place, kind.id)),
                }
            }
        }
        let is_wanted = |entitlement: &EntitlementRef, principal: &ResourceRef| {
            let key =
                (Key::There(entitlement.resource.clone()), entitlement.slug.clone(), Key::There(principal.clone()));
            adds.contains(&key)
        };
        let mut removed = Vec::new();
        for (entitlement, principal) in &self.survey.members {
            let is_whole = whole_people.contains(&Key::There(principal.clone()))
                || whole_groups.contains(&Key::There(entitlement.resource.clone()));
            if is_whole && self.is_membership(entitlement) && !is_wanted(entitlement, principal) {
                removed.push((entitlement.clone(), principal.clone()));
            }
        }
        let already: BTreeSet<(Key, String, Key)> = self
            .survey
            .members
            .iter()
            .map(|(e, p)| (Key::There(e.resource.clone()), e.slug.clone(), Key::There(p.clone())))
            .collect();
        let added: Vec<_> = adds.into_iter().filter(|key| !already.contains(key)).collect();
        self.found.problems.extend(problems);
        for (group, slug, principal) in added {
            if self.is_protected_key(&group) || self.is_protected_key(&principal) {
                continue;
            }
            let label = format!("{} + {}", self.name(&group), self.name(&principal));
            self.change(
                ChangeKind::AddMember,
                &label,
                Vec::new(),
                Deed::Member { grants: true, group, slug, principal },
            );
        }
        for (entitlement, principal) in removed {
            let (group, principal) = (Key::There(entitlement.resource), Key::There(principal));
            if self.is_protected_key(&group) || self.is_protected_key(&principal) {
                continue;
            }
            let label = format!("{} − {}", self.name(&group), self.name(&principal));
            let deed = Deed::Member { grants: false, group, slug: entitlement.slug, principal };
            self.change(ChangeKind::RemoveMember, &label, Vec::new(), deed);
        }
    }

    /// Whether an entitlement is the membership of its type.
    pub fn is_membership(&self, entitlement: &EntitlementRef) -> bool {
        let known = self.plan.type_named(&entitlement.resource.resource_type).map(|(_, kind)| kind);
        known.and_then(membership).is_some_and(|rule| rule.key == entitlement.slug)
    }

    fn is_protected_key(&mut self, key: &Key) -> bool {
        let Key::There(reference) = key else { return false };
        let Some((_, kind)) = self.plan.type_named(&reference.resource_type) else { return false };
        let survey = self.survey;
        match self.index.one(self.plan, survey, reference) {
            Some((_, scope)) => self.is_protected(kind, scope),
            None => false,
        }
    }

    /// A group that a row names: by id, by name, or as `TYPE:ID`, with the slug of membership.
    fn group(&self, reference: &str, principal: usize) -> Result<(Key, String), String> {
        let Some(principal) = self.plan.types.get(principal) else { return Err("of no type".to_owned()) };
        let types = self.plan.types.iter().enumerate();
        let groups: Vec<(usize, &str, &String)> = types
            .filter_map(|(number, kind)| {
                let rule = membership(kind).filter(|rule| rule.grantable_to.contains(&principal.id))?;
                Some((number, kind.id.as_str(), &rule.key))
            })
            .collect();
        let mut found: Vec<(Key, String)> = Vec::new();
        for (number, id, slug) in &groups {
            found.extend(self.named(*number, id, reference).into_iter().map(|key| (key, (*slug).clone())));
        }
        match found.len() {
            1 => found.pop().ok_or_else(String::new),
            0 => Err(format!("there is no group `{reference}`; add it to `groups` to have it made")),
            many => Err(format!("{many} groups are called `{reference}`; write TYPE:ID")),
        }
    }

    /// A principal that a row names.
    fn principal(&self, reference: &str, types: &[String]) -> Result<Key, String> {
        let mut found: Vec<Key> = Vec::new();
        for id in types {
            let Some((number, _)) = self.plan.type_named(id) else { continue };
            found.extend(self.named(number, id, reference));
        }
        match found.len() {
            1 => found.pop().ok_or_else(String::new),
            0 => Err(format!("there is nobody known as `{reference}`")),
            many => Err(format!("{many} are known as `{reference}`; write TYPE:ID")),
        }
    }

    /// The resources of a type that a text names, by the keys that the type is pushed by: among those
    /// there and those that are made alike, so that no name leads to another than is meant.
    fn named(&self, number: usize, id: &str, text: &str) -> BTreeSet<Key> {
        let mut found = BTreeSet::new();
        let Some(kind) = self.plan.types.get(number) else { return found };
        let made: Vec<_> =
            self.rows.iter().filter(|placed| placed.kind == number && matches!(placed.key, Key::Made(_))).collect();
        let stripped = text.strip_prefix(id).and_then(|rest| rest.strip_prefix(':'));
        for text in std::iter::once(text).chain(stripped) {
            for key in std::iter::once(&MatchKey::Id).chain(&kind.push.by) {
                let there = self.index.find(self.survey, number, *key, text);
                found.extend(there.into_iter().map(|(resource, _)| Key::There(resource.id.clone())));
                let wants =
                    |row| wanted_key(kind, row, *key).is_some_and(|value| folded(*key, value) == folded(*key, text));
                found.extend(made.iter().filter(|placed| wants(placed.row)).map(|placed| placed.key.clone()));
            }
        }
        found
    }

    fn name(&self, key: &Key) -> String {
        match key {
            Key::There(reference) => match self.index.one(self.plan, self.survey, reference) {
                Some((resource, _)) => format!("{reference} {}", resource.display_name),
                None => reference.to_string(),
            },
            Key::Made(_) => {
                let placed = self.rows.iter().find(|placed| placed.key == *key);
                placed.map_or_else(|| "what is made".to_owned(), |placed| placed.row.label())
            }
        }
    }
}
