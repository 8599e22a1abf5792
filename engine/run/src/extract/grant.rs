//! A row becomes a grant.

use engine_json::Value as Json;
use engine_model::{EntitlementRef, Grant, Principal, ResourceRef};
use engine_spec::plan::{Fault, GrantRule, Plan, PrincipalRule};

use super::rows::evaluate;
use super::slot::Slots;

/// What a grant gets from where its row came from.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bindings<'a> {
    /// The resource that the row of `each_row` makes.
    pub row_resource: Option<&'a ResourceRef>,
}

/// Makes a grant of a row. Nothing comes back where the spec leaves the row out.
pub(crate) fn make(plan: &Plan, rule: &GrantRule, bindings: Bindings<'_>, slots: &Slots<'_>) -> Result<Grant, Fault> {
    let owner = plan.types.get(rule.owner).map(|owner| owner.id.as_str()).unwrap_or_default();
    let resource = match (&rule.resource, slots.scope.get("resource")) {
        (Some(value), _) => slots.required_text(value, "the resource of the grant")?,
        (None, Some(scope)) => scope.get("id").and_then(Json::as_str).unwrap_or_default().to_owned(),
        (None, None) => bindings.row_resource.map(|reference| reference.id.clone()).unwrap_or_default(),
    };
    let slug = slots.required_text(&rule.slug, "the entitlement of the grant")?;
    let principal = match &rule.principal {
        PrincipalRule::Row => match bindings.row_resource {
            Some(reference) => Principal::of(reference.clone()),
            None => {
                return Err(super::rows::broken(
                    &rule.site,
                    "there is no row whose resource could hold the grant".to_owned(),
                ));
            }
        },
        PrincipalRule::Types { types, id } => {
            Principal { types: types.clone(), id: slots.required_text(id, "the principal of the grant")? }
        }
        PrincipalRule::Told { of, id } => {
            let kind = slots.required_text(of, "the type of the principal")?;
            if plan.type_named(&kind).is_none() {
                let mut fault = of.broken(format!("the spec has no resource type `{kind}`"));
                fault.sample = Some(kind);
                return Err(fault);
            }
            Principal { types: vec![kind], id: slots.required_text(id, "the principal of the grant")? }
        }
    };
    let mut kept = evaluate(&rule.keep, slots.scope, slots.witness)?;
    kept.retain(|_, value| !value.is_null());
    let by_type = principal.types.first().and_then(|kind| rule.missing_by_type.get(kind));
    let missing = by_type.copied().unwrap_or(rule.missing);
    Ok(Grant {
        entitlement: EntitlementRef { resource: ResourceRef::new(owner, resource), slug },
        principal,
        expands: rule.expands.clone(),
        immutable: rule.immutable,
        kept,
        rule: u32::try_from(rule.number).unwrap_or(u32::MAX),
        missing,
    })
}
