//! Entitlements and grants: what can be held, who holds it, and how that is changed.

use engine_spec::plan::{Entitlement, GrantRule, OneOf, Pair, Plan, PrincipalRule};

use super::{Guard, Part, Section, change, flag, read, value, values};
use crate::words;

/// A rule that gives resources entitlements.
pub(super) fn entitlement(plan: &Plan, entitlement: &Entitlement) -> Part {
    let Entitlement {
        key,
        site,
        when,
        each,
        list,
        slug,
        name,
        description,
        purpose,
        grantable_to,
        immutable,
        exclusive,
        pair,
        grant,
        revoke,
        one_of,
        managed,
    } = entitlement;
    let held = if grantable_to.is_empty() { String::new() } else { format!("held by {}", grantable_to.join(", ")) };
    let mut part = Part::new(format!("entitlement {key}"), held).at(site).about(Section::Access).outlined();
    part.parts.push(Part::new("purpose", words::word(purpose)));
    part.parts.extend(when.iter().map(|when| Part::new("only where", words::condition(when))));
    part.parts.extend(each.iter().map(|each| Part::new("one for", words::for_each(plan, each)).outlined()));
    part.parts.extend(list.iter().map(|list| {
        let owner = Part::new("repeated for", "each resource").outlined();
        read::source(plan, "list", list).about(Section::Reading).with([owner])
    }));
    let texts = [("slug", slug), ("name", name), ("description", description)];
    part.parts.extend(texts.into_iter().filter_map(|(key, of)| Some(value(plan, key, of.as_ref()?))));
    part.parts.extend(flag("immutable", *immutable));
    part.parts.extend(flag("exclusive", *exclusive));
    part.parts.extend(pair.iter().filter_map(|pair| self::pair(plan, pair)));
    part.parts.extend(grant.iter().map(|known| change::operation(plan, "grant", known)));
    part.parts.extend(revoke.iter().map(|known| change::operation(plan, "revoke", known)));
    part.parts.extend(one_of.iter().map(|known| self::one_of(plan, known)));
    let unmanaged = Part::new("managed by push", "no").about(Section::Writing).guarded(Guard::Protection);
    part.with((!managed).then_some(unmanaged))
}

fn pair(plan: &Plan, pair: &Pair) -> Option<Part> {
    let Pair { ask, keep, needs } = pair;
    let source = plan.asks.get(*ask)?;
    let part = read::source(plan, "pair", source).about(Section::Reading);
    Some(part.with(values(plan, "keeps", keep)).with(change::needs(*needs)))
}

fn one_of(plan: &Plan, one_of: &OneOf) -> Part {
    let OneOf { site, of_resource, value: of, is, default, fixed, set, clear, needs } = one_of;
    let whose = if *of_resource { "the resource" } else { "the principal" };
    let mut part = value(plan, format!("a field of {whose}"), of).at(site).about(Section::Writing).outlined();
    part.parts.extend(is.iter().map(|is| value(plan, "stands for", is)));
    part.parts.extend(default.iter().map(|default| Part::new("a revoke sets", default.to_string())));
    part.parts.extend(fixed.iter().map(|fixed| Part::new("never changed", fixed).guarded(Guard::Protection)));
    part.parts.push(change::step(plan, "set", set));
    part.parts.extend(clear.iter().map(|clear| change::step(plan, "clear", clear)));
    part.with(change::needs(*needs))
}

/// A source of grants and what its rows become.
pub(super) fn grants(plan: &Plan, rule: &GrantRule) -> Part {
    let GrantRule {
        number: _,
        owner: _,
        label,
        site,
        after,
        source,
        reads_resource: _,
        resource,
        slug,
        principal,
        expands,
        keep,
        immutable,
        missing,
        missing_by_type,
    } = rule;
    let mut part = read::source(plan, &format!("grants {label}"), source).about(Section::Reading).ordered().at(site);
    part.parts.extend(super::waits(plan, after));
    let mut made = Vec::new();
    made.extend(resource.iter().map(|of| value(plan, "resource", of)));
    made.push(value(plan, "entitlement", slug));
    made.extend(match principal {
        PrincipalRule::Row => vec![Part::new("principal", "the row's resource")],
        PrincipalRule::Types { types, id } => vec![value(plan, format!("principal {}", types.join(" or ")), id)],
        PrincipalRule::Told { of, id } => vec![value(plan, "principal type", of), value(plan, "principal id", id)],
    });
    made.extend(expands.iter().map(|expands| {
        let shallow = if expands.shallow { ", direct holders" } else { "" };
        let only = match expands.resource_types.as_slice() {
            [] => String::new(),
            types => format!(", only {}", types.join(", ")),
        };
        Part::new(
            format!("passes on to holders of {}", expands.principal_type),
            expands.slugs.join(", ") + shallow + &only,
        )
    }));
    made.extend(values(plan, "keeps", keep));
    made.extend(flag("immutable", *immutable));
    made.push(Part::new("missing principal", words::word(missing)).guarded(Guard::Failure));
    made.extend(
        missing_by_type
            .iter()
            .map(|(kind, missing)| Part::new(format!("missing {kind}"), words::word(missing)).guarded(Guard::Failure)),
    );
    part.parts.extend(made.into_iter().map(|part| part.about(Section::Access)));
    part
}
