//! What the vendor has: the resources of the types that are pushed, with their attributes, and who
//! is in which group.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use engine_json::Value as Json;
use engine_model::{EntitlementRef, Resource, ResourceRef};
use engine_spec::plan::{Entitlement, GrantRule, Plan, ResourceType};

use super::wanted::{Wanted, type_of};
use crate::provision::Provisioner;
use crate::sync::SyncError;
use crate::sync::part::Part;

/// What the vendor has.
#[derive(Debug, Default)]
pub struct Survey {
    /// Resources with their scope objects, by type.
    pub(super) resources: BTreeMap<usize, Vec<(Resource, Json)>>,
    /// Who holds what.
    pub(super) members: BTreeSet<(EntitlementRef, ResourceRef)>,
    /// What could not be read: nothing is taken away then.
    pub gap: Option<String>,
}

/// Reads what a push has to know.
pub async fn survey(provisioner: &Provisioner, wanted: &Wanted) -> Result<Survey, SyncError> {
    let reader = provisioner.reader();
    let plan = &reader.plan;
    let mut part = Part::new();
    let mut kinds: BTreeSet<usize> =
        wanted.sections.iter().filter_map(|section| Some(type_of(plan, section).ok()?.0)).collect();
    let asks_for_groups = wanted.sections.iter().flat_map(|section| &section.rows).any(|row| row.groups.is_some());
    let asks_for_members = wanted.sections.iter().flat_map(|section| &section.rows).any(|row| row.members.is_some());
    if asks_for_groups || asks_for_members {
        for (number, kind) in plan.types.iter().enumerate() {
            let pushed = kind.entitlements.iter().filter(|rule| is_pushed(rule));
            let principals: BTreeSet<usize> =
                pushed.flat_map(|rule| &rule.grantable_to).filter_map(|id| Some(plan.type_named(id)?.0)).collect();
            if principals.is_empty() || !kinds.contains(&number) && kinds.is_disjoint(&principals) {
                continue;
            }
            // Who is in a group is told apart from who is not there at all by the list of people.
            kinds.insert(number);
            kinds.extend(principals);
            part.rules.extend(rules_of(plan, number).map(|rule| rule.number));
        }
    }
    // Members are told by their own rows, or by those of their groups.
    let feeding =
        part.rules.iter().filter_map(|rule| plan.grant_rules.get(*rule)).filter_map(|rule| match rule.source.origin {
            engine_spec::plan::Origin::EachRow(of) => Some(of),
            _ => None,
        });
    part.lists = kinds.iter().copied().chain(feeding).collect();
    let ids: BTreeSet<String> = kinds.iter().filter_map(|kind| Some(plan.types.get(*kind)?.id.clone())).collect();
    let (of_resources, of_grants) = (ids.clone(), ids);
    part.resource = Box::new(move |resource| of_resources.contains(&resource.id.resource_type));
    part.grant = Box::new(move |grant| of_grants.contains(&grant.entitlement.resource.resource_type));
    let read = reader.part(part).await?;
    let mut survey = Survey { gap: read.gap(), ..Survey::default() };
    let mut known: HashSet<ResourceRef> = HashSet::new();
    for (resource, scope) in read.resources {
        let Some((number, _)) = plan.type_named(&resource.id.resource_type) else { continue };
        known.insert(resource.id.clone());
        survey.resources.entry(number).or_default().push((resource, scope));
    }
    for grant in read.grants {
        let candidates =
            grant.principal.types.iter().map(|kind| ResourceRef::new(kind.clone(), grant.principal.id.clone()));
        if let Some(principal) = candidates.into_iter().find(|candidate| known.contains(candidate)) {
            survey.members.insert((grant.entitlement, principal));
        }
    }
    Ok(survey)
}

/// Whether `push` changes who holds an entitlement.
pub(super) fn is_pushed(rule: &Entitlement) -> bool {
    rule.managed && !rule.immutable && rule.grant.is_some() && rule.revoke.is_some()
}

fn rules_of(plan: &Plan, kind: usize) -> impl Iterator<Item = &GrantRule> {
    plan.grant_rules.iter().filter(move |rule| rule.owner == kind)
}

/// The slug of membership: the entitlement named `member`, or the only one that can be pushed.
pub(super) fn membership(kind: &ResourceType) -> Option<&Entitlement> {
    let mut pushed = kind.entitlements.iter().filter(|rule| is_pushed(rule) && rule.slug.is_none());
    let member = kind.entitlements.iter().find(|rule| rule.key == "member" && is_pushed(rule));
    member.or_else(|| match (pushed.next(), pushed.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    })
}
