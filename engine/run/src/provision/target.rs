//! What an order is about, and the rules of the spec that apply to it.

use engine_json::Map;
use engine_model::ResourceRef;
use engine_spec::plan::{Attribute, Entitlement, NoWitness, OneOf, Operation, Plan, ResourceType};
use engine_spec::scope::Scope;
use engine_spec::suggest::nearest;

use super::input::Use;
use super::order::Order;
use super::outcome::Ended;
use crate::extract::combinations;

/// What an order is about.
pub(super) struct Target<'p> {
    /// Number of the type.
    pub kind: usize,
    /// The type.
    pub known: &'p ResourceType,
    /// What is done.
    pub act: TargetAct<'p>,
    /// What can be given, and for what.
    pub takes: Option<(&'p [Attribute], Use)>,
    /// The entitlement, for grants and revokes.
    pub entitlement: Option<&'p Entitlement>,
    /// Number of the principal's type.
    pub principal_kind: Option<usize>,
    /// The names that the family gives this slug.
    pub family: Map,
}

/// What is done.
#[derive(Clone, Copy)]
pub(super) enum TargetAct<'p> {
    /// The steps of an operation.
    Operation(&'p Operation),
    /// A field is set.
    OneOf(&'p OneOf),
}

/// Finds the rules that apply to an order.
pub(super) fn resolve<'p>(plan: &'p Plan, order: &Order, scope: &Scope<'_>) -> Result<Target<'p>, Box<Ended>> {
    let (kind, known) = of_type(plan, order.kind())?;
    let operations = &known.operations;
    let word = order.word();
    let (operation, takes) = match order {
        Order::Create { .. } => (operations.create.as_ref(), Some((known.attributes.as_slice(), Use::Create))),
        Order::Update { .. } => (operations.update.as_ref(), Some((known.attributes.as_slice(), Use::Update))),
        Order::Rotate { .. } => (operations.rotate.as_ref(), Some((known.attributes.as_slice(), Use::Rotate))),
        Order::Enable(_) => (operations.enable.as_ref(), None),
        Order::Disable(_) => (operations.disable.as_ref(), None),
        Order::Delete(_) => (operations.delete.as_ref(), None),
        Order::Action { name, .. } => {
            let action = operations.actions.iter().find(|action| action.key == *name);
            let Some(action) = action else { return Err(no_action(plan, known, name)) };
            (Some(&action.operation), Some((action.inputs.as_slice(), Use::Action)))
        }
        Order::Grant { entitlement, principal } | Order::Revoke { entitlement, principal } => {
            return of_grant(plan, order, (kind, known), &entitlement.slug, principal, scope);
        }
    };
    match operation {
        Some(operation) => Ok(Target {
            kind,
            known,
            act: TargetAct::Operation(operation),
            takes,
            entitlement: None,
            principal_kind: None,
            family: Map::new(),
        }),
        None => Err(cannot(plan, known, word)),
    }
}

fn of_type<'p>(plan: &'p Plan, id: &str) -> Result<(usize, &'p ResourceType), Box<Ended>> {
    plan.type_named(id).ok_or_else(|| {
        let ids: Vec<&str> = plan.types.iter().map(|kind| kind.id.as_str()).collect();
        let hint = match nearest(id, ids.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", ids.join(", ")),
        };
        Ended::misused(format!("{} has no resource type `{id}`", plan.name), Some(hint))
    })
}

/// Says that a type has no such operation, and which types have.
fn cannot(plan: &Plan, known: &ResourceType, word: &str) -> Box<Ended> {
    let can = |kind: &ResourceType| match word {
        "create" => kind.operations.create.is_some(),
        "update" => kind.operations.update.is_some(),
        "enable" => kind.operations.enable.is_some(),
        "disable" => kind.operations.disable.is_some(),
        "delete" => kind.operations.delete.is_some(),
        "rotate" => kind.operations.rotate.is_some(),
        _ => false,
    };
    let able: Vec<&str> = plan.types.iter().filter(|kind| can(kind)).map(|kind| kind.id.as_str()).collect();
    let hint = match able.as_slice() {
        [] => format!("no type of this spec has `{word}`"),
        able => format!("`{word}` is for {}", able.join(", ")),
    };
    Ended::misused(format!("the spec has no `{word}` for `{}`", known.id), Some(hint)).at(&known.site)
}

fn no_action(plan: &Plan, known: &ResourceType, name: &str) -> Box<Ended> {
    let own: Vec<&str> = known.operations.actions.iter().map(|action| action.key.as_str()).collect();
    let elsewhere = plan.types.iter().find(|kind| kind.operations.actions.iter().any(|action| action.key == name));
    let hint = match (nearest(name, own.iter().copied()), elsewhere) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(kind)) => format!("it is an action on `{}`", kind.id),
        (None, None) if own.is_empty() => format!("`{}` has no actions", known.id),
        (None, None) => format!("there are {}", own.join(", ")),
    };
    Ended::misused(format!("`{}` has no action `{name}`", known.id), Some(hint)).at(&known.site)
}

fn of_grant<'p>(
    plan: &'p Plan,
    order: &Order,
    (kind, known): (usize, &'p ResourceType),
    slug: &str,
    principal: &ResourceRef,
    scope: &Scope<'_>,
) -> Result<Target<'p>, Box<Ended>> {
    let (principal_kind, _) = of_type(plan, &principal.resource_type)?;
    let (entitlement, family) = of_slug(known, slug, scope)?;
    if !entitlement.grantable_to.contains(&principal.resource_type) {
        let message = format!("`{}:{slug}` is not grantable to `{}`", known.id, principal.resource_type);
        let hint = format!("it is grantable to {}", entitlement.grantable_to.join(", "));
        return Err(Ended::misused(message, Some(hint)).at(&entitlement.site));
    }
    let granting = matches!(order, Order::Grant { .. });
    let operation = if granting { entitlement.grant.as_ref() } else { entitlement.revoke.as_ref() };
    let act = match (operation, &entitlement.one_of) {
        (Some(operation), _) => TargetAct::Operation(operation),
        (None, Some(one_of)) => TargetAct::OneOf(one_of),
        (None, None) => {
            let able: Vec<String> = plan
                .types
                .iter()
                .flat_map(|kind| kind.entitlements.iter().map(move |rule| (kind, rule)))
                .filter(|(_, rule)| rule.grant.is_some() || rule.one_of.is_some())
                .map(|(kind, rule)| format!("{}:{}", kind.id, rule.key))
                .collect();
            let hint = match able.as_slice() {
                [] => "no entitlement of this spec can be granted or revoked".to_owned(),
                able => format!("those that can be are {}", able.join(", ")),
            };
            let message = format!(
                "the spec does not say how `{}:{slug}` is {}",
                known.id,
                if granting { "granted" } else { "revoked" }
            );
            return Err(Ended::misused(message, Some(hint)).at(&entitlement.site));
        }
    };
    Ok(Target {
        kind,
        known,
        act,
        takes: None,
        entitlement: Some(entitlement),
        principal_kind: Some(principal_kind),
        family,
    })
}

/// The rule that gives a slug, with the names its family has for it.
fn of_slug<'p>(known: &'p ResourceType, slug: &str, scope: &Scope<'_>) -> Result<(&'p Entitlement, Map), Box<Ended>> {
    let mut slugs: Vec<String> = Vec::new();
    let mut read = None;
    for rule in &known.entitlements {
        match &rule.slug {
            None if rule.key == slug => return Ok((rule, Map::new())),
            None => slugs.push(rule.key.clone()),
            Some(_) if rule.list.is_some() => read = Some(rule),
            Some(value) => {
                let combined = combinations(&rule.each, scope, &NoWitness)
                    .map_err(|fault| Ended::failed(fault.reason).at(&fault.site))?;
                for names in combined {
                    let scope = scope.with_all(&names);
                    match value.text(&scope, &NoWitness) {
                        Ok(Some(found)) if found == slug => {
                            drop(found);
                            return Ok((rule, names));
                        }
                        Ok(Some(found)) => slugs.push(found.into_owned()),
                        _ => {}
                    }
                }
            }
        }
    }
    // A family that is read per resource may have it.
    if let Some(rule) = read {
        return Ok((rule, Map::new()));
    }
    let hint = match nearest(slug, slugs.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if slugs.is_empty() => format!("`{}` has no entitlements", known.id),
        None => format!("there are {}", slugs.join(", ")),
    };
    Err(Ended::misused(format!("`{}` has no entitlement `{slug}`", known.id), Some(hint)).at(&known.site))
}
