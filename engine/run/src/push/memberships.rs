//! Memberships: exactly the groups of a person, exactly the members of a group.

use std::collections::{BTreeMap, BTreeSet};

use engine_model::{EntitlementRef, ResourceRef};
use engine_spec::document::attribute::MatchKey;

use super::compare::Comparison;
use super::keys::{has_key, wanted_key};
use super::survey::membership;
use super::{ChangeKind, Deed, Key};

impl Comparison<'_> {
    /// Memberships: exactly the groups of a person, exactly the members of a group.
    pub fn memberships(&mut self) {
        let mut adds: BTreeMap<(Key, String, Key), ()> = BTreeMap::new();
        let mut whole_people: BTreeSet<Key> = BTreeSet::new();
        let mut whole_groups: BTreeSet<Key> = BTreeSet::new();
        let mut problems = Vec::new();
        for placed in &self.rows {
            for reference in placed.row.groups.iter().flatten() {
                match self.group(reference, placed.kind) {
                    Ok((group, slug)) => drop(adds.insert((group, slug, placed.key.clone()), ())),
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
                    Ok(principal) => drop(adds.insert((placed.key.clone(), rule.key.clone(), principal), ())),
                    Err(reason) => problems.push(format!("{} ({}): {reason}", placed.row.place, kind.id)),
                }
            }
        }
        let is_wanted = |entitlement: &EntitlementRef, principal: &ResourceRef| {
            let key =
                (Key::There(entitlement.resource.clone()), entitlement.slug.clone(), Key::There(principal.clone()));
            adds.contains_key(&key)
        };
        let mut removed = Vec::new();
        for (entitlement, principal) in &self.survey.members {
            let is_whole = whole_people.contains(&Key::There(principal.clone()))
                || whole_groups.contains(&Key::There(entitlement.resource.clone()));
            let known = self.plan.type_named(&entitlement.resource.resource_type).map(|(_, kind)| kind);
            let is_membership = known.and_then(membership).is_some_and(|rule| rule.key == entitlement.slug);
            if is_whole && is_membership && !is_wanted(entitlement, principal) {
                removed.push((entitlement.clone(), principal.clone()));
            }
        }
        let already: BTreeSet<(Key, String, Key)> = self
            .survey
            .members
            .iter()
            .map(|(e, p)| (Key::There(e.resource.clone()), e.slug.clone(), Key::There(p.clone())))
            .collect();
        let added: Vec<_> = adds.into_keys().filter(|key| !already.contains(key)).collect();
        self.found.problems.extend(problems);
        for (group, slug, principal) in added {
            let label = format!("{} + {}", self.name(&group), self.name(&principal));
            self.change(
                ChangeKind::AddMember,
                &label,
                Vec::new(),
                Deed::Member { grants: true, group, slug, principal },
            );
        }
        for (entitlement, principal) in removed {
            if self.is_protected_ref(&principal) {
                continue;
            }
            let (group, principal) = (Key::There(entitlement.resource), Key::There(principal));
            let label = format!("{} − {}", self.name(&group), self.name(&principal));
            let deed = Deed::Member { grants: false, group, slug: entitlement.slug, principal };
            self.change(ChangeKind::RemoveMember, &label, Vec::new(), deed);
        }
    }

    fn is_protected_ref(&mut self, reference: &ResourceRef) -> bool {
        let Some((number, kind)) = self.plan.type_named(&reference.resource_type) else { return false };
        let there = self.survey.resources.get(&number).map(Vec::as_slice).unwrap_or_default();
        match there.iter().find(|(resource, _)| resource.id == *reference) {
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
            let named = reference.strip_prefix(&format!("{id}:")).unwrap_or(reference);
            found.extend(self.named(*number, named).into_iter().map(|key| (key, (*slug).clone())));
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
            let named = reference.strip_prefix(&format!("{id}:")).unwrap_or(reference);
            found.extend(self.named(number, named));
        }
        found.dedup();
        match found.len() {
            1 => found.pop().ok_or_else(String::new),
            0 => Err(format!("there is nobody known as `{reference}`")),
            many => Err(format!("{many} are known as `{reference}`; write TYPE:ID")),
        }
    }

    /// The resources of a type that a text names, among those there and those that are made.
    fn named(&self, number: usize, text: &str) -> Vec<Key> {
        let Some(kind) = self.plan.types.get(number) else { return Vec::new() };
        let there = self.survey.resources.get(&number).map(Vec::as_slice).unwrap_or_default();
        if let Some((resource, _)) = there.iter().find(|(resource, _)| resource.id.id == text) {
            return vec![Key::There(resource.id.clone())];
        }
        let keys = [MatchKey::ExternalId, MatchKey::Login, MatchKey::Email, MatchKey::DisplayName];
        for key in keys {
            let fits = there.iter().filter(|(resource, scope)| has_key(kind, resource, scope, key, text));
            let found: Vec<Key> = fits.map(|(resource, _)| Key::There(resource.id.clone())).collect();
            if !found.is_empty() {
                return found;
            }
        }
        let made = self.rows.iter().filter(|placed| placed.kind == number && matches!(placed.key, Key::Made(_)));
        made.filter(|placed| {
            keys.iter().any(|key| wanted_key(kind, placed.row, *key).is_some_and(|value| value == text))
        })
        .map(|placed| placed.key.clone())
        .collect()
    }

    fn name(&self, key: &Key) -> String {
        match key {
            Key::There(reference) => {
                let number = self.plan.type_named(&reference.resource_type).map(|(number, _)| number);
                let there = number.and_then(|number| self.survey.resources.get(&number));
                let found = there.and_then(|there| there.iter().find(|(resource, _)| resource.id == *reference));
                found.map_or_else(
                    || reference.to_string(),
                    |(resource, _)| format!("{reference} {}", resource.display_name),
                )
            }
            Key::Made(_) => {
                let placed = self.rows.iter().find(|placed| placed.key == *key);
                placed.map_or_else(|| "what is made".to_owned(), |placed| placed.row.label())
            }
        }
    }
}
