//! A row becomes a resource.

use engine_json::{Map, Value as Json};
use engine_model::{
    AccountType, Group, Resource, ResourceRef, Secret, Status, StatusValue, TraitData, User, UserEmail,
};
use engine_spec::plan::{Fault, FaultKind, IdRule, ParentRule, Plan, ResourceType, TraitRule, UserRule, Value};

use super::rows::evaluate;
use super::slot::Slots;
use super::tally::Recorder;

/// A resource, and what later requests and rules see of it.
pub(crate) struct Made {
    /// The resource.
    pub resource: Resource,
    /// Its scope object: `resource.id`, `parent.login`. Null where nothing sees it.
    pub scope: Json,
}

/// Makes a resource of a row. `before` is the one that the row before has made: their profiles mostly
/// have the same names, and share them.
pub(crate) fn make(
    plan: &Plan,
    kind: &ResourceType,
    before: Option<&Resource>,
    slots: &Slots<'_>,
    recorder: &mut Recorder,
) -> Result<Made, Fault> {
    let mapping = &kind.mapping;
    let (id, parts) = identity(&mapping.id, slots)?;
    let id = ResourceRef::new(kind.id.clone(), id);
    let display_name = slots.required_text(&mapping.display_name, "the display name")?;
    let parent = parent(plan, kind, slots)?;
    let mut profile = Vec::with_capacity(mapping.profile.len());
    for (name, value) in &mapping.profile {
        if let Some(json) = slots.json(value, format_args!("profile `{name}`"), recorder)? {
            profile.push((name.as_str(), json));
        }
    }
    let resource = Resource {
        parent: parent.as_ref().map(|(reference, _)| reference.clone()),
        description: slots.text(mapping.description.as_ref(), "the description", recorder)?,
        link: slots.page(mapping.link.as_ref(), "the link", recorder)?,
        profile: Map::like(before.map(|before| &before.profile), profile),
        created_at: slots.time(mapping.created_at.as_ref(), "`created_at`", recorder)?,
        trait_data: trait_data(&mapping.trait_rule, slots, recorder)?,
        display_name,
        id,
    };
    let scope = match is_seen(kind) {
        true => scope_of(kind, &resource, parts, parent.and_then(|(_, scope)| scope), slots)?,
        false => Json::Null,
    };
    Ok(Made { resource, scope })
}

fn identity(rule: &IdRule, slots: &Slots<'_>) -> Result<(String, Option<Map>), Fault> {
    match rule {
        IdRule::One(value) => Ok((slots.required_text(value, "the id")?, None)),
        IdRule::Parts(rules) => {
            let mut parts = Map::new();
            let mut joined = Vec::new();
            for (name, value) in rules {
                let part = slots.required_text(value, &format!("the part `{name}` of the id"))?;
                joined.push(part.replace('%', "%25").replace('/', "%2F"));
                parts.insert(name.clone(), Json::from(part));
            }
            Ok((joined.join("/"), Some(parts)))
        }
    }
}

/// The parent, and its scope object where requests are repeated for it.
fn parent(plan: &Plan, kind: &ResourceType, slots: &Slots<'_>) -> Result<Option<(ResourceRef, Option<Json>)>, Fault> {
    let type_id = |number: usize| plan.types.get(number).map(|parent| parent.id.clone()).unwrap_or_default();
    match &kind.parent {
        None => Ok(None),
        Some(ParentRule::Repeated(number)) => {
            let Some(scope) = slots.scope.get("parent") else { return Ok(None) };
            let id = scope.get("id").and_then(Json::as_str).unwrap_or_default();
            Ok(Some((ResourceRef::new(type_id(*number), id), Some(scope.clone()))))
        }
        Some(ParentRule::Told(number, value)) => match value.text(slots.scope, slots.witness)? {
            Some(id) => Ok(Some((ResourceRef::new(type_id(*number), id), None))),
            None if value.is_optional(true) => Ok(None),
            None => Err(value.missing("the parent")),
        },
    }
}

/// Whether anything sees the scope object of resources of a type: most users are seen by nothing.
fn is_seen(kind: &ResourceType) -> bool {
    kind.scope_needed
        || !kind.keep.is_empty()
        || !kind.entitlements.is_empty()
        || !kind.look_ups.is_empty()
        || !kind.row_rules.is_empty()
}

fn scope_of(
    kind: &ResourceType,
    resource: &Resource,
    parts: Option<Map>,
    parent: Option<Json>,
    slots: &Slots<'_>,
) -> Result<Json, Fault> {
    let mut scope = evaluate(&kind.keep, slots.scope, slots.witness)?;
    scope.insert("id".to_owned(), Json::from(resource.id.id.as_str()));
    scope.insert("type".to_owned(), Json::from(resource.id.resource_type.as_str()));
    scope.insert("display_name".to_owned(), Json::from(resource.display_name.as_str()));
    if let Some(parts) = parts {
        scope.insert("parts".to_owned(), Json::Object(parts));
    }
    if let Some(parent) = parent {
        scope.insert("parent".to_owned(), parent);
    }
    Ok(Json::Object(scope))
}

fn trait_data(rule: &TraitRule, slots: &Slots<'_>, recorder: &mut Recorder) -> Result<TraitData, Fault> {
    Ok(match rule {
        TraitRule::None => TraitData::None,
        TraitRule::Group => TraitData::Group(Group::default()),
        TraitRule::Role => TraitData::Role,
        TraitRule::App { help_url } => {
            TraitData::App { help_url: slots.page(help_url.as_ref(), "the help page", recorder)? }
        }
        TraitRule::Secret(rule) => {
            let mut reference = |rule: &Option<(String, Value)>, slot: &str| match rule {
                Some((kind, value)) => {
                    Ok(slots.text(Some(value), slot, recorder)?.map(|id| ResourceRef::new(kind.clone(), id)))
                }
                None => Ok(None),
            };
            let created_by = reference(&rule.created_by, "`created_by`")?;
            let identity = reference(&rule.identity, "`identity`")?;
            TraitData::Secret(Box::new(Secret {
                expires_at: slots.time(rule.expires_at.as_ref(), "`expires_at`", recorder)?,
                last_used_at: slots.time(rule.last_used_at.as_ref(), "`last_used_at`", recorder)?,
                created_by,
                identity,
            }))
        }
        TraitRule::User(user) => TraitData::User(Box::new(make_user(user, slots, recorder)?)),
    })
}

fn make_user(rule: &UserRule, slots: &Slots<'_>, recorder: &mut Recorder) -> Result<User, Fault> {
    let details = slots.text(rule.status_details.as_ref(), "`status_details`", recorder)?;
    Ok(User {
        emails: emails(rule, slots, recorder)?,
        status: Status { value: status(&rule.status, slots, recorder)?, details },
        account_type: account_type(rule.account_type.as_ref(), slots, recorder)?,
        login: slots.text(rule.login.as_ref(), "`login`", recorder)?,
        login_aliases: slots.texts(&rule.login_aliases, "`login_aliases`", recorder)?,
        last_login: slots.time(rule.last_login.as_ref(), "`last_login`", recorder)?,
        mfa_enabled: slots.boolean(rule.mfa_enabled.as_ref(), "`mfa_enabled`", recorder)?,
        sso_enabled: slots.boolean(rule.sso_enabled.as_ref(), "`sso_enabled`", recorder)?,
        given_name: slots.text(rule.given_name.as_ref(), "`given_name`", recorder)?,
        family_name: slots.text(rule.family_name.as_ref(), "`family_name`", recorder)?,
        employee_ids: slots.texts(&rule.employee_ids, "`employee_ids`", recorder)?,
    })
}

/// A status that the map does not name is unknown and counted; one that is absent is an error.
fn status(value: &Value, slots: &Slots<'_>, recorder: &mut Recorder) -> Result<StatusValue, Fault> {
    let word = match value.text(slots.scope, slots.witness) {
        Ok(Some(word)) => word,
        Ok(None) if value.is_optional(false) => return Ok(StatusValue::Unknown),
        Ok(None) => return Err(value.missing("the status")),
        Err(fault) => {
            slots.left_out(fault, "`status`", recorder)?;
            return Ok(StatusValue::Unknown);
        }
    };
    match word.as_ref() {
        "enabled" => Ok(StatusValue::Enabled),
        "disabled" => Ok(StatusValue::Disabled),
        "deleted" => Ok(StatusValue::Deleted),
        "unknown" => Ok(StatusValue::Unknown),
        other => {
            recorder.unknown_value(slots.list, "`status`", &unknown_word(value, other));
            Ok(StatusValue::Unknown)
        }
    }
}

fn account_type(value: Option<&Value>, slots: &Slots<'_>, recorder: &mut Recorder) -> Result<AccountType, Fault> {
    let Some(value) = value else { return Ok(AccountType::Human) };
    let word = match value.text(slots.scope, slots.witness) {
        Ok(Some(word)) => word,
        Ok(None) => return Ok(AccountType::Unknown),
        Err(fault) => {
            slots.left_out(fault, "`account_type`", recorder)?;
            return Ok(AccountType::Unknown);
        }
    };
    match word.as_ref() {
        "human" => Ok(AccountType::Human),
        "service" => Ok(AccountType::Service),
        "system" => Ok(AccountType::System),
        "unknown" => Ok(AccountType::Unknown),
        other => {
            recorder.unknown_value(slots.list, "`account_type`", &unknown_word(value, other));
            Ok(AccountType::Unknown)
        }
    }
}

fn unknown_word(value: &Value, word: &str) -> Fault {
    Fault {
        site: value.site.clone(),
        kind: FaultKind::Unknown,
        reason: format!(
            "{} is not one of the words of this slot; `from` with `map` turns the vendor's words into those",
            value.described()
        ),
        sample: Some(word.chars().take(60).collect()),
    }
}

/// The primary address first; `email` decides which one it is, then `primary`.
fn emails(rule: &UserRule, slots: &Slots<'_>, recorder: &mut Recorder) -> Result<Vec<UserEmail>, Fault> {
    let primary = slots.text(rule.email.as_ref(), "`email`", recorder)?;
    let mut emails: Vec<UserEmail> = Vec::new();
    if let Some((list, address, is_primary)) = &rule.emails {
        let found = match list.yields_all(slots.scope, slots.witness) {
            Ok(found) => found.unwrap_or_default(),
            Err(fault) => {
                slots.left_out(fault, "`emails`", recorder)?;
                Vec::new()
            }
        };
        for element in &found {
            let scope = slots.scope.with_node("row", element);
            let inner = Slots { scope: &scope, witness: slots.witness, list: slots.list };
            let Some(address) = inner.text(Some(address), "`emails`", recorder)? else { continue };
            let marked = is_primary.as_ref().is_some_and(|condition| condition.holds(&scope).unwrap_or(false));
            if !emails.iter().any(|known| known.address.eq_ignore_ascii_case(&address)) {
                emails.push(UserEmail { address, is_primary: marked });
            }
        }
    }
    match primary {
        Some(primary) => {
            emails.retain(|known| !known.address.eq_ignore_ascii_case(&primary));
            emails.iter_mut().for_each(|other| other.is_primary = false);
            emails.reserve_exact(1);
            emails.insert(0, UserEmail { address: primary, is_primary: true });
        }
        None => {
            let first = emails.iter().position(|email| email.is_primary);
            for (at, email) in emails.iter_mut().enumerate() {
                email.is_primary = Some(at) == first;
            }
            emails.sort_by_key(|email| !email.is_primary);
        }
    }
    Ok(emails)
}
