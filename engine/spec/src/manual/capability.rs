//! What a connector reads, what can be held, what it changes, and what it does not.

use std::fmt::Write;

use engine_model::Trait;

use crate::markdown::{Table, code, codes, prose};
use crate::plan::{Attribute, Entitlement, ForEach, ParentRule, Plan, ResourceType};

/// The single things that can be done to a resource, with what they are called.
pub(super) fn changes(kind: &ResourceType) -> [(&'static str, bool); 6] {
    let operations = &kind.operations;
    [
        ("create", operations.create.is_some()),
        ("update", operations.update.is_some()),
        ("disable", operations.disable.is_some()),
        ("enable", operations.enable.is_some()),
        ("delete", operations.delete.is_some()),
        ("rotate", operations.rotate.is_some()),
    ]
}

/// Whether an entitlement can be granted, and whether it can be revoked.
pub(super) fn grantable(entitlement: &Entitlement) -> (bool, bool) {
    match &entitlement.one_of {
        _ if entitlement.immutable => (false, false),
        Some(one_of) => (true, one_of.default.is_some() || one_of.clear.is_some()),
        None => (entitlement.grant.is_some(), entitlement.revoke.is_some()),
    }
}

/// Whether the connector changes anything.
pub(super) fn changes_anything(plan: &Plan) -> bool {
    plan.types.iter().any(|kind| {
        changes(kind).iter().any(|(_, there)| *there)
            || !kind.operations.actions.is_empty()
            || kind.entitlements.iter().any(|entitlement| grantable(entitlement) != (false, false))
    })
}

/// The tables of what the connector does.
pub(super) fn capabilities(plan: &Plan) -> String {
    let mut text = resources(plan);
    text.push_str(&held(plan));
    text.push_str(&attributes(plan));
    text.push_str(&actions(plan));
    text
}

fn resources(plan: &Plan) -> String {
    let mut table = Table::new(&[
        "resource type",
        "what it is",
        "read",
        "create",
        "update",
        "disable",
        "enable",
        "delete",
        "rotate",
    ]);
    for kind in &plan.types {
        let read = match &kind.when {
            Some(when) => format!("where {}", code(when.text())),
            None => "yes".to_owned(),
        };
        let mut row = vec![code(&kind.id), about(plan, kind), read];
        row.extend(changes(kind).iter().map(|(_, there)| yes(*there).to_owned()));
        table.row(row);
    }
    table.finish()
}

fn about(plan: &Plan, kind: &ResourceType) -> String {
    let mut parts = vec![prose(&kind.name)];
    parts.extend(kind.mapping.trait_rule.kind().map(|kind| word(kind).to_owned()));
    let within = match &kind.parent {
        Some(ParentRule::Repeated(of) | ParentRule::Told(of, _)) => plan.types.get(*of),
        None => None,
    };
    parts.extend(within.map(|parent| format!("inside {}", code(&parent.id))));
    let head = parts.join(", ");
    if kind.summary.is_empty() { head } else { format!("{head}. {}", prose(&kind.summary)) }
}

fn word(kind: Trait) -> &'static str {
    match kind {
        Trait::User => "a user",
        Trait::Group => "a group",
        Trait::Role => "a role",
        Trait::App => "an application",
        Trait::Secret => "a credential",
    }
}

fn held(plan: &Plan) -> String {
    let mut table = Table::new(&["entitlement", "held by", "grant", "revoke", "to know"]);
    let mut any = false;
    for (number, kind) in plan.types.iter().enumerate() {
        for entitlement in &kind.entitlements {
            any = true;
            let (grant, revoke) = grantable(entitlement);
            table.row([
                code(&format!("{}:{}", kind.id, entitlement.key)),
                codes(&entitlement.grantable_to),
                yes(grant).to_owned(),
                yes(revoke).to_owned(),
                to_know(plan, number, entitlement),
            ]);
        }
    }
    if !any {
        return String::new();
    }
    format!("\nWhat can be held on them, and who holds it. All of it is read.\n\n{}", table.finish())
}

fn to_know(plan: &Plan, owner: usize, entitlement: &Entitlement) -> String {
    let mut parts = Vec::new();
    for each in &entitlement.each {
        parts.push(match each {
            ForEach::Resources { name, .. } => format!("one for each {}", code(name)),
            ForEach::Values { name, list } => match list.as_literal().and_then(engine_json::Value::as_array) {
                Some(values) => {
                    let words = values.iter().map(|value| value.as_str().map_or(value.to_string(), str::to_owned));
                    format!("one for each {}: {}", code(name), codes(words))
                }
                None => format!("one for each {}, from {}", code(name), list.described()),
            },
        });
    }
    if entitlement.list.is_some() {
        parts.push("a family that the vendor lists".to_owned());
    }
    if let Some(when) = &entitlement.when {
        parts.push(format!("only where {}", code(when.text())));
    }
    if entitlement.one_of.is_some() {
        parts.push("somebody has one at most; granting another replaces it".to_owned());
    } else if entitlement.exclusive {
        parts.push("somebody has one of them at most".to_owned());
    }
    if entitlement.immutable {
        parts.push("cannot be changed".to_owned());
    }
    let label = plan.types.get(owner).map(|kind| format!("{}:{}", kind.id, entitlement.key)).unwrap_or_default();
    let rules = plan.grant_rules.iter().filter(|rule| rule.owner == owner);
    // A rule without a slug in its label feeds every entitlement of its type.
    let rules = rules.filter(|rule| rule.label == label || !rule.label.contains(':'));
    let mut passed: Vec<String> = rules
        .flat_map(|rule| &rule.expands)
        .map(|expansion| {
            format!("a {} passes it on to its {}", code(&expansion.principal_type), codes(&expansion.slugs))
        })
        .collect();
    passed.sort();
    passed.dedup();
    parts.extend(passed);
    parts.join("; ")
}

fn attributes(plan: &Plan) -> String {
    let mut text = String::new();
    for kind in &plan.types {
        if kind.attributes.is_empty() || kind.operations.create.is_none() && kind.operations.update.is_none() {
            continue;
        }
        let mut table = Table::new(&["attribute", "what it is", "on create", "on update"]);
        for attribute in &kind.attributes {
            let create = kind.operations.create.is_some() && attribute.on_create;
            let update = kind.operations.update.is_some() && attribute.on_update;
            if create || update {
                table.row([
                    code(attribute.name()),
                    meaning(plan, attribute),
                    given(create, attribute.required_on_create).to_owned(),
                    given(update, attribute.required_on_update).to_owned(),
                ]);
            }
        }
        let _ = write!(
            text,
            "\nWhat is given when {} is made or changed (`--input NAME=VALUE`):\n\n{}",
            code(&kind.id),
            table.finish()
        );
    }
    text
}

fn given(there: bool, required: bool) -> &'static str {
    match (there, required) {
        (false, _) => "–",
        (true, true) => "required",
        (true, false) => "yes",
    }
}

fn meaning(plan: &Plan, attribute: &Attribute) -> String {
    let mut parts = vec![prose(&attribute.field.title)];
    parts.extend(attribute.field.help.as_deref().map(prose));
    if !attribute.field.choices.is_empty() {
        parts.push(format!("One of {}", codes(&attribute.field.choices)));
    }
    if let Some(of) = attribute.choices_of.and_then(|of| plan.types.get(of)) {
        parts.push(format!("The id of a {}", code(&of.id)));
    }
    if attribute.is_secret() {
        parts.push(match attribute.generate {
            Some(_) => "Secret: made by the engine and shown once, or given by `--input-file`".to_owned(),
            None => "Secret: given by `--input-file`".to_owned(),
        });
    }
    parts.extend(attribute.caution_absent.as_deref().map(|text| format!("Where it is left out: {}", prose(text))));
    parts.extend(attribute.caution_given.as_deref().map(|text| format!("Where it is given: {}", prose(text))));
    let ended: Vec<String> = parts.iter().map(|part| part.trim_end_matches('.').to_owned()).collect();
    ended.join(". ")
}

fn actions(plan: &Plan) -> String {
    let mut table = Table::new(&["action", "on", "what it does", "inputs", "asks first"]);
    let mut any = false;
    for kind in &plan.types {
        for action in &kind.operations.actions {
            any = true;
            let summary = if action.summary.is_empty() { &action.name } else { &action.summary };
            table.row([
                code(&action.key),
                code(&kind.id),
                prose(summary),
                codes(action.inputs.iter().map(Attribute::name)),
                yes(action.destroys).to_owned(),
            ]);
        }
    }
    if any { format!("\nWhat else it does (`engine action`):\n\n{}", table.finish()) } else { String::new() }
}

/// What the connector does not do: what follows from the spec, and its notes.
pub(super) fn limits(plan: &Plan) -> String {
    let mut text = String::new();
    if !changes_anything(plan) {
        text.push_str("* It only reads. Nothing of the vendor is changed.\n");
    } else {
        let untouched = plan.types.iter().filter(|kind| changes(kind).iter().all(|(_, there)| !there));
        let untouched: Vec<&str> = untouched.map(|kind| kind.id.as_str()).collect();
        if !untouched.is_empty() {
            let _ = writeln!(text, "* {} can be read, and neither made, changed nor deleted.", codes(untouched));
        }
        for kind in &plan.types {
            let lacking = lacking(kind);
            if let Some((last, rest)) = lacking.split_last() {
                let list = if rest.is_empty() { (*last).to_owned() } else { format!("{} or {last}", rest.join(", ")) };
                let _ = writeln!(text, "* {} cannot be {list}.", code(&kind.id));
            }
        }
        let kept = plan.types.iter().flat_map(|kind| kind.entitlements.iter().map(move |it| (kind, it)));
        let kept = kept.filter(|(_, entitlement)| grantable(entitlement) == (false, false));
        let kept: Vec<String> = kept.map(|(kind, it)| format!("{}:{}", kind.id, it.key)).collect();
        if !kept.is_empty() {
            let _ = writeln!(text, "* {} can be read, and neither granted nor revoked.", codes(kept));
        }
    }
    for note in &plan.notes {
        let _ = writeln!(text, "* {}", prose(note));
    }
    if text.is_empty() {
        text.push_str("The spec names nothing.\n");
    }
    text
}

/// What cannot be done to resources of a type of which something else can.
fn lacking(kind: &ResourceType) -> Vec<&'static str> {
    let there = changes(kind);
    if !there.iter().any(|(_, there)| *there) {
        return Vec::new();
    }
    // Only users are expected to be disabled.
    let user = kind.mapping.trait_rule.kind() == Some(Trait::User);
    let lacking = there.iter().filter(|(_, there)| !there).filter_map(|(name, _)| match *name {
        "create" => Some("made"),
        "update" => Some("changed"),
        "disable" if user => Some("disabled"),
        "enable" if user => Some("enabled"),
        "delete" => Some("deleted"),
        _ => None,
    });
    lacking.collect()
}

fn yes(there: bool) -> &'static str {
    if there { "yes" } else { "–" }
}
