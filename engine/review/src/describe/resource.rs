//! Resource types: lists, mappings, single reads, attributes and what changes them.

use engine_spec::plan::{
    Attribute, Find, Generate, IdRule, Mapping, Operations, ParentRule, Plan, Push, Read, ResourceType, SecretRule,
    TraitRule, UserRule, Value,
};

use super::{Guard, Part, Section, access, change, flag, read, request, value, values};
use crate::words;

/// A resource type.
pub(super) fn resource_type(plan: &Plan, kind: &ResourceType) -> Part {
    let ResourceType {
        id,
        name,
        summary,
        site,
        when,
        parent,
        sources,
        mapping,
        keep,
        entitlements,
        grant_rules,
        // The rules that its rows feed are described where they belong.
        row_rules: _,
        look_ups: _,
        after,
        scope_needed: _,
        read: single,
        find,
        attributes,
        operations,
        push,
    } = kind;
    let trait_name = mapping.trait_rule.kind().map_or_else(|| "no trait".to_owned(), |known| words::word(&known));
    let mut part = Part::new(id, trait_name).at(site).about(Section::Reading).outlined();
    part.parts.push(Part::new("name", name).about(Section::About));
    part.parts.push(Part::new("summary", summary).about(Section::About));
    part.parts.extend(when.iter().map(|when| Part::new("only where", words::condition(when)).outlined()));
    part.parts.extend(parent.iter().map(|parent| self::parent(plan, parent)));
    part.parts.extend(super::waits(plan, after));
    part.parts.extend(sources.iter().map(|source| read::source(plan, "list", source).ordered()));
    part.parts.extend(self::mapping(plan, mapping).into_iter().map(|part| part.about(Section::Mapping)));
    part.parts.extend(values(plan, "keeps", keep).into_iter().map(|part| part.about(Section::Mapping)));
    part.parts.extend(entitlements.iter().map(|known| access::entitlement(plan, known)));
    let rules = grant_rules.iter().filter_map(|number| plan.grant_rules.get(*number));
    part.parts.extend(rules.map(|rule| access::grants(plan, rule)));
    part.parts.extend(single.iter().map(|known| self::single(plan, "read", known)));
    part.parts.extend(find.iter().map(|(key, known)| self::find(plan, key, known)));
    part.parts.extend(attributes.iter().map(|known| attribute(plan, known).about(Section::Writing).outlined()));
    part.parts.extend(self::operations(plan, operations));
    part.with([self::push(push).about(Section::Writing)])
}

fn parent(plan: &Plan, parent: &ParentRule) -> Part {
    let name = |of: usize| plan.types.get(of).map_or("", |kind| kind.id.as_str());
    match parent {
        ParentRule::Repeated(of) => Part::new("repeated for", format!("each {}, its parent", name(*of))).outlined(),
        ParentRule::Told(of, id) => value(plan, format!("parent {}", name(*of)), id).about(Section::Mapping),
    }
}

fn mapping(plan: &Plan, mapping: &Mapping) -> Vec<Part> {
    let Mapping { id, display_name, description, link, created_at, profile, trait_rule } = mapping;
    let mut parts = match id {
        IdRule::One(id) => vec![value(plan, "id", id).outlined()],
        IdRule::Parts(known) => {
            values(plan, "id part", known).into_iter().map(Part::ordered).map(Part::outlined).collect()
        }
    };
    parts.push(value(plan, "display name", display_name));
    parts.extend(optional(plan, &[("description", description), ("link", link), ("created at", created_at)]));
    parts.extend(values(plan, "profile", profile));
    match trait_rule {
        TraitRule::None | TraitRule::Group | TraitRule::Role => {}
        TraitRule::App { help_url } => parts.extend(optional(plan, &[("help URL", help_url)])),
        TraitRule::User(known) => parts.extend(user(plan, known)),
        TraitRule::Secret(known) => parts.extend(secret(plan, known)),
    }
    parts
}

fn optional(plan: &Plan, known: &[(&str, &Option<Value>)]) -> Vec<Part> {
    known.iter().filter_map(|(key, of)| Some(value(plan, *key, of.as_ref()?))).collect()
}

fn user(plan: &Plan, user: &UserRule) -> Vec<Part> {
    let UserRule {
        email,
        emails,
        login,
        login_aliases,
        status,
        status_details,
        account_type,
        last_login,
        mfa_enabled,
        sso_enabled,
        given_name,
        family_name,
        employee_ids,
    } = user;
    let mut parts = vec![value(plan, "status", status)];
    parts.extend(optional(
        plan,
        &[
            ("email", email),
            ("login", login),
            ("status details", status_details),
            ("account type", account_type),
            ("last login", last_login),
            ("MFA enabled", mfa_enabled),
            ("SSO enabled", sso_enabled),
            ("given name", given_name),
            ("family name", family_name),
        ],
    ));
    if let Some((of, address, primary)) = emails {
        let primary = primary.iter().map(|primary| Part::new("primary where", words::condition(primary)));
        parts.push(value(plan, "emails", of).with([value(plan, "address", address)]).with(primary));
    }
    parts.extend(login_aliases.iter().map(|of| value(plan, "login alias", of)));
    parts.extend(employee_ids.iter().map(|of| value(plan, "employee id", of)));
    parts
}

fn secret(plan: &Plan, secret: &SecretRule) -> Vec<Part> {
    let SecretRule { expires_at, last_used_at, created_by, identity } = secret;
    let mut parts = optional(plan, &[("expires at", expires_at), ("last used at", last_used_at)]);
    parts.extend(created_by.iter().map(|(kind, id)| value(plan, format!("created by {kind}"), id)));
    parts.extend(identity.iter().map(|(kind, id)| value(plan, format!("identity {kind}"), id)));
    parts
}

/// The reading of one object.
pub(super) fn single(plan: &Plan, key: &str, known: &Read) -> Part {
    let Read { request: asked, item, statuses } = known;
    let item = item.iter().map(|item| Part::new("item", item.text()));
    request(plan, key, asked).with(item).with(read::statuses(statuses))
}

fn find(plan: &Plan, key: &str, find: &Find) -> Part {
    let name = format!("find by {key}");
    match find {
        Find::Walk { key, fold_case } => {
            let walked = Part::new(name, "walks the list").outlined().with([value(plan, "key", key)]);
            walked.with(flag("in any case", *fold_case))
        }
        Find::Ask(asks) => {
            let asks = asks.iter().filter_map(|number| plan.asks.get(*number));
            let asks: Vec<Part> = asks.map(|ask| read::source(plan, &name, ask).ordered()).collect();
            match <[Part; 1]>::try_from(asks) {
                Ok([one]) => one,
                Err(several) => Part::new(name, "asked in order").outlined().with(several),
            }
        }
    }
}

/// Something that can be given.
pub(super) fn attribute(plan: &Plan, attribute: &Attribute) -> Part {
    let Attribute {
        field,
        read,
        is,
        on_create,
        on_update,
        on_rotate,
        required_on_create,
        required_on_update,
        required_on_rotate,
        choices_of,
        default,
        caution_absent,
        caution_given,
        generate,
        managed,
    } = attribute;
    let uses = [
        ("create", on_create, required_on_create),
        ("update", on_update, required_on_update),
        ("rotate", on_rotate, required_on_rotate),
    ];
    let uses: Vec<String> = uses
        .into_iter()
        .filter(|(_, given, _)| **given)
        .map(|(name, _, required)| if *required { format!("{name} (required)") } else { name.to_owned() })
        .collect();
    let uses = if uses.is_empty() { "not given".to_owned() } else { format!("given to {}", uses.join(", ")) };
    let mut part = Part::new(format!("attribute {}", attribute.name()), uses).at(&field.site);
    part.parts.extend(read.iter().map(|of| value(plan, "read", of)));
    part.parts.extend(is.iter().map(|is| Part::new("is", words::word(is))));
    part.parts.extend(choices_of.and_then(|of| Some(Part::new("choices of", plan.types.get(of)?.id.clone()))));
    part.parts.extend(default.iter().map(|of| value(plan, "default", of)));
    part.parts.extend(caution_absent.iter().map(|say| Part::new("caution where absent", say)));
    part.parts.extend(caution_given.iter().map(|say| Part::new("caution where given", say)));
    if let Some(Generate { length, kinds, symbols }) = generate {
        let kinds: Vec<String> = kinds.iter().map(words::word).collect();
        part.parts.push(Part::new("made by the engine", format!("{length} of {}, {symbols}", kinds.join(", "))));
    }
    part.parts.extend((!managed).then(|| Part::new("managed by push", "no").guarded(Guard::Protection)));
    part.with(super::client::form(field))
}

fn operations(plan: &Plan, operations: &Operations) -> Vec<Part> {
    let Operations { create, update, enable, disable, delete, rotate, actions } = operations;
    let known = [
        ("create", create),
        ("update", update),
        ("enable", enable),
        ("disable", disable),
        ("delete", delete),
        ("rotate", rotate),
    ];
    let known = known.into_iter().filter_map(|(name, of)| Some(change::operation(plan, name, of.as_ref()?)));
    let mut parts: Vec<Part> = known.collect();
    parts.extend(actions.iter().map(|action| change::action(plan, action)));
    parts
}

fn push(push: &Push) -> Part {
    let Push { site, by, leave, protect } = push;
    let by: Vec<String> = by.iter().map(words::word).collect();
    Part::group("push")
        .at(site)
        .with([
            Part::new("known by", by.join(", ")),
            Part::new("who is not named", words::word(leave)).guarded(Guard::Protection),
        ])
        .with(protect.iter().map(|of| Part::new("protects", words::condition(of)).guarded(Guard::Protection)))
}
