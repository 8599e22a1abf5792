//! A row becomes a grant.

use std::borrow::Cow;

use engine_json::Value as Json;
use engine_model::{NewGrant, ResourceRef};
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
pub(crate) fn make<'v>(
    plan: &'v Plan,
    rule: &'v GrantRule,
    bindings: Bindings<'v>,
    slots: &Slots<'v>,
) -> Result<NewGrant<'v>, Fault> {
    let owner = plan.types.get(rule.owner).map(|owner| owner.id.as_str()).unwrap_or_default();
    let resource = match (&rule.resource, slots.scope.get("resource")) {
        (Some(value), _) => slots.required(value, "the resource of the grant")?,
        (None, Some(scope)) => Cow::Borrowed(scope.get("id").and_then(Json::as_str).unwrap_or_default()),
        (None, None) => Cow::Borrowed(bindings.row_resource.map(|reference| reference.id.as_str()).unwrap_or_default()),
    };
    let slug = slots.required(&rule.slug, "the entitlement of the grant")?;
    let (types, principal) = match &rule.principal {
        PrincipalRule::Row => match bindings.row_resource {
            Some(reference) => {
                (Cow::Borrowed(std::slice::from_ref(&reference.resource_type)), reference.id.as_str().into())
            }
            None => {
                return Err(super::rows::broken(
                    &rule.site,
                    "there is no row whose resource could hold the grant".to_owned(),
                ));
            }
        },
        PrincipalRule::Types { types, id } => {
            (Cow::Borrowed(types.as_slice()), slots.required(id, "the principal of the grant")?)
        }
        PrincipalRule::Told { of, id } => {
            let kind = slots.required_text(of, "the type of the principal")?;
            if plan.type_named(&kind).is_none() {
                let mut fault = of.broken(format!("the spec has no resource type `{kind}`"));
                fault.sample = Some(kind);
                return Err(fault);
            }
            (Cow::Owned(vec![kind]), slots.required(id, "the principal of the grant")?)
        }
    };
    let mut kept = evaluate(&rule.keep, slots.scope, slots.witness)?;
    kept.retain(|_, value| !value.is_null());
    let by_type = types.first().and_then(|kind| rule.missing_by_type.get(kind));
    let missing = by_type.copied().unwrap_or(rule.missing);
    Ok(NewGrant {
        resource_type: owner,
        resource,
        slug,
        types,
        principal,
        expands: &rule.expands,
        immutable: rule.immutable,
        kept,
        rule: u32::try_from(rule.number).unwrap_or(u32::MAX),
        missing,
    })
}
