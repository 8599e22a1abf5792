//! One principal's grant as it is now: by the entitlement's `pair`, or out of the sources of its
//! grants, asked for this resource or this principal alone where they can be.

use engine_json::{Map, Value as Json};
use engine_model::{EntitlementRef, Grant, GrantView, ResourceRef};
use engine_spec::plan::{Entitlement, ForEach, GrantRule, NoWitness, Origin, Pair, PrincipalRule, ValueKind};
use engine_spec::scope::Scope;

use crate::extract::evaluate;
use crate::sync::SyncError;
use crate::sync::part::{Part, Reader, bare_scope};

/// What is asked.
pub(super) struct Question<'a> {
    /// Number of the type that has the entitlement.
    pub kind: usize,
    /// The rule of the entitlement.
    pub rule: &'a Entitlement,
    /// The entitlement.
    pub entitlement: &'a EntitlementRef,
    /// The principal.
    pub principal: &'a ResourceRef,
    /// Number of the principal's type.
    pub principal_kind: usize,
    /// The names in scope: `resource`, `principal`, …
    pub names: &'a Map,
}

/// A grant that is there.
#[derive(Debug)]
pub(super) struct Held {
    /// What it keeps.
    pub kept: Map,
    /// Whether the vendor gives it by itself.
    pub immutable: bool,
}

/// The grant, if it is there.
pub(super) async fn held(reader: &Reader, question: &Question<'_>) -> Result<Option<Held>, SyncError> {
    if let Some(pair) = &question.rule.pair {
        return by_pair(reader, question, pair).await;
    }
    let rules = reader.plan.grant_rules.iter().filter(|rule| rule.owner == question.kind);
    let rules = rules.filter(|rule| may_give(rule, question) && may_give_to(rule, question));
    let mut found: Option<Held> = None;
    for rule in rules {
        // One source is enough to know that it is there; that it cannot be taken away another may tell.
        if found.is_some() && !rule.immutable {
            continue;
        }
        if let Some(grant) = out_of(reader, question, rule).await? {
            let immutable = grant.immutable || found.as_ref().is_some_and(|held| held.immutable);
            let kept = found.map_or(grant.kept, |held| held.kept);
            found = Some(Held { kept, immutable });
        }
    }
    Ok(found)
}

async fn by_pair(reader: &Reader, question: &Question<'_>, pair: &Pair) -> Result<Option<Held>, SyncError> {
    let stopped = |reason: String, spec: String, hint: Option<String>| SyncError::List {
        doing: "reading a grant".to_owned(),
        reason,
        spec,
        hint,
        request: None,
        about_one: true,
    };
    let rows = reader.rows(pair.ask, question.names).await?;
    let found = match rows.as_slice() {
        [] => return Ok(None),
        [one] => one,
        several => {
            let spec = reader.plan.asks.get(pair.ask).map(|ask| ask.site.to_string()).unwrap_or_default();
            let hint = Some("`match` and `where` of `pair` leave one row".to_owned());
            return Err(stopped(format!("{} rows fit, and one is due", several.len()), spec, hint));
        }
    };
    let root = Scope::root(&reader.names);
    let scope = root.with_all(question.names);
    let scope = scope.with_all(&found.names);
    let scope = scope.with_node("row", &found.row);
    let kept = evaluate(&pair.keep, &scope, &NoWitness)
        .map_err(|fault| stopped(fault.reason, fault.site.to_string(), None))?;
    Ok(Some(Held { kept, immutable: false }))
}

/// Whether a rule may give a slug.
fn may_give(rule: &GrantRule, question: &Question<'_>) -> bool {
    let slug = &question.entitlement.slug;
    let owner = &question.entitlement.resource.resource_type;
    // Rules under another entitlement of the type give that one.
    let is_own = rule.label == *owner || rule.label == format!("{owner}:{}", question.rule.key);
    is_own
        && (!rule.slug.is_constant()
            || rule.slug.literals().iter().any(|value| value.as_literal().and_then(Json::as_str) == Some(slug)))
}

/// Whether the principals of a rule may be of the principal's type.
fn may_give_to(rule: &GrantRule, question: &Question<'_>) -> bool {
    match (&rule.principal, &rule.source.origin) {
        (PrincipalRule::Row, Origin::EachRow(of)) => *of == question.principal_kind,
        (PrincipalRule::Types { types, .. }, _) => types.contains(&question.principal.resource_type),
        _ => true,
    }
}

/// The grant out of the source of one rule.
async fn out_of(reader: &Reader, question: &Question<'_>, rule: &GrantRule) -> Result<Option<Grant>, SyncError> {
    let wanted = {
        let (entitlement, principal) = (question.entitlement.clone(), question.principal.clone());
        move |grant: &GrantView<'_>| {
            *grant.entitlement == entitlement
                && grant.principal == principal.id
                && grant.terms.types.contains(&principal.resource_type)
        }
    };
    let resource = &question.entitlement.resource;
    let mut part = Part::new();
    part.grant = Box::new(wanted.clone());
    match rule.source.origin {
        Origin::EachRow(of) if of == question.kind => {
            if reader.plan.types.get(of).is_some_and(|kind| kind.read.is_some()) && reader.plain_source(of).is_some() {
                let entry = reader.entry(of, &resource.id).await?;
                return Ok(entry.and_then(|entry| entry.grants.iter().find(&wanted).map(|grant| grant.to_grant())));
            }
            part.lists.insert(of);
        }
        Origin::EachRow(of) => {
            let is_principal = matches!(rule.principal, PrincipalRule::Row);
            let readable = reader.plan.types.get(of).is_some_and(|kind| kind.read.is_some());
            if is_principal && readable && reader.plain_source(of).is_some() {
                let entry = reader.entry(of, &question.principal.id).await?;
                return Ok(entry.and_then(|entry| entry.grants.iter().find(&wanted).map(|grant| grant.to_grant())));
            }
            part.lists.insert(of);
        }
        Origin::Request(_) | Origin::Constant(_) => {
            part.rules.insert(rule.number);
            if !given(reader, question, rule, &mut part).await? {
                return Ok(None);
            }
        }
    }
    let read = reader.part(part).await?;
    let gap = read.gap();
    match (read.grants.into_iter().next(), gap) {
        (Some(grant), _) => Ok(Some(grant)),
        (None, None) => Ok(None),
        (None, Some(gap)) => Err(SyncError::List {
            doing: format!(
                "looking for the grant of {}:{} to {}",
                resource, question.entitlement.slug, question.principal
            ),
            reason: format!("it was not found, and not everything could be read: {gap}"),
            spec: rule.site.to_string(),
            hint: None,
            request: None,
            about_one: true,
        }),
    }
}

/// Where a source is repeated for resources of a type, this resource or principal stands for all;
/// `false` where it is not there.
async fn given(reader: &Reader, question: &Question<'_>, rule: &GrantRule, part: &mut Part) -> Result<bool, SyncError> {
    for each in &rule.source.for_each {
        let ForEach::Resources { name, of } = each else { continue };
        let Some(kind) = reader.plan.types.get(*of) else { continue };
        let (id, known) = if name == "resource" && *of == question.kind {
            (&question.entitlement.resource.id, question.names.get("resource"))
        } else if *of == question.principal_kind && is_named_principal(rule, name) {
            (&question.principal.id, question.names.get("principal"))
        } else {
            continue;
        };
        let scope = match known.filter(|scope| scope.get("display_name").is_some()) {
            Some(scope) => scope.clone(),
            None if rule.reads_resource => match reader.entry(*of, id).await? {
                Some(entry) => entry.scope,
                None => return Ok(false),
            },
            None => bare_scope(kind, id),
        };
        part.given.push((kind.id.clone(), scope));
    }
    Ok(true)
}

/// Whether the principal of a rule is the very resource that its source is repeated for.
fn is_named_principal(rule: &GrantRule, name: &str) -> bool {
    let PrincipalRule::Types { id, .. } = &rule.principal else { return false };
    let ValueKind::Template(template) = &id.kind else { return false };
    let variable = template.lone().and_then(engine_spec::expression::Expression::as_variable);
    variable.is_some_and(|variable| variable.text() == format!("{name}.id"))
}
