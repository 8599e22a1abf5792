//! The fields of a record beside what the spec says of each.

use engine_json::{Value as Json, json};
use engine_model::{Entitlement, Grant, Resource, TraitData};
use engine_spec::plan::{GrantRule, IdRule, Plan, PrincipalRule, ResourceType, TraitRule, UserRule, Value, ValueKind};
use serde::Serialize;

use super::Made;
use super::misses::says_something;

/// A field of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its name, as specs write it.
    pub name: String,
    /// What the spec says of it, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What came of it.
    pub value: Json,
}

/// Collects fields, without those that say nothing and of which the spec says nothing.
#[derive(Default)]
struct Fields(Vec<Field>);

impl Fields {
    fn put(&mut self, name: &str, from: Option<&Value>, value: impl Into<Json>) {
        let value = value.into();
        if from.is_some() || says_something(&value) {
            self.0.push(Field { name: name.to_owned(), from: from.map(described), value });
        }
    }
}

/// What a value is made of.
fn described(value: &Value) -> String {
    match &value.kind {
        ValueKind::Coalesce(values) => {
            let parts: Vec<String> = values.iter().map(described).collect();
            format!("the first of {}", parts.join(", "))
        }
        ValueKind::From(from) => {
            format!("{}{}", described(&from.from), if from.map.is_some() { ", by its map" } else { "" })
        }
        _ => value.described(),
    }
}

/// A resource.
pub(super) fn of_resource(plan: &Plan, resource: &Resource) -> Made {
    let id = resource.id.to_string();
    let mut fields = Fields::default();
    if let Some((_, kind)) = plan.type_named(&resource.id.resource_type) {
        common(kind, resource, &mut fields);
        of_trait(kind, resource, &mut fields);
        for (name, value) in &kind.mapping.profile {
            let found = resource.profile.get(name).cloned().unwrap_or(Json::Null);
            fields.put(&format!("profile.{name}"), Some(value), found);
        }
    }
    Made { kind: "resource", id, fields: fields.0 }
}

fn common(kind: &ResourceType, resource: &Resource, fields: &mut Fields) {
    let mapping = &kind.mapping;
    let of_id = match &mapping.id {
        IdRule::One(value) => Some(value),
        IdRule::Parts(_) => None,
    };
    fields.put("id", of_id, resource.id.id.as_str());
    fields.put("display_name", Some(&mapping.display_name), resource.display_name.as_str());
    fields.put("parent", None, resource.parent.as_ref().map(ToString::to_string));
    fields.put("description", mapping.description.as_ref(), resource.description.as_deref());
    fields.put("link", mapping.link.as_ref(), resource.link.as_deref());
    fields.put("created_at", mapping.created_at.as_ref(), resource.created_at.map(|time| time.to_string()));
}

fn of_trait(kind: &ResourceType, resource: &Resource, fields: &mut Fields) {
    match (&kind.mapping.trait_rule, &resource.trait_data) {
        (TraitRule::User(rule), TraitData::User(user)) => of_user(rule, user, fields),
        (TraitRule::App { help_url: rule }, TraitData::App { help_url }) => {
            fields.put("help_url", rule.as_ref(), help_url.as_deref());
        }
        (TraitRule::Secret(rule), TraitData::Secret(secret)) => {
            fields.put("expires_at", rule.expires_at.as_ref(), secret.expires_at.map(|time| time.to_string()));
            fields.put("last_used_at", rule.last_used_at.as_ref(), secret.last_used_at.map(|time| time.to_string()));
            let reference = |rule: &Option<(String, Value)>| rule.as_ref().map(|(_, value)| value.clone());
            let (created_by, identity) = (reference(&rule.created_by), reference(&rule.identity));
            fields.put("created_by", created_by.as_ref(), secret.created_by.as_ref().map(ToString::to_string));
            fields.put("identity", identity.as_ref(), secret.identity.as_ref().map(ToString::to_string));
        }
        _ => {}
    }
}

fn of_user(rule: &UserRule, user: &engine_model::User, fields: &mut Fields) {
    let mut emails = user.emails.iter().map(|email| email.address.as_str());
    let list = rule.emails.as_ref().map(|(list, ..)| list);
    match &rule.email {
        Some(email) => {
            fields.put("email", Some(email), emails.next());
            fields.put("emails", list, emails.collect::<Vec<_>>());
        }
        None => fields.put("emails", list, emails.collect::<Vec<_>>()),
    }
    fields.put("login", rule.login.as_ref(), user.login.as_deref());
    fields.put("login_aliases", rule.login_aliases.first(), user.login_aliases.clone());
    fields.put("status", Some(&rule.status), json!(user.status.value));
    fields.put("status_details", rule.status_details.as_ref(), user.status.details.as_deref());
    fields.put("account_type", rule.account_type.as_ref(), json!(user.account_type));
    fields.put("last_login", rule.last_login.as_ref(), user.last_login.map(|time| time.to_string()));
    fields.put("mfa_enabled", rule.mfa_enabled.as_ref(), user.mfa_enabled);
    fields.put("sso_enabled", rule.sso_enabled.as_ref(), user.sso_enabled);
    fields.put("given_name", rule.given_name.as_ref(), user.given_name.as_deref());
    fields.put("family_name", rule.family_name.as_ref(), user.family_name.as_deref());
    fields.put("employee_ids", rule.employee_ids.first(), user.employee_ids.clone());
}

/// An entitlement.
pub(super) fn of_entitlement(entitlement: &Entitlement) -> Made {
    let mut fields = Fields::default();
    fields.put("name", None, entitlement.display_name.as_str());
    fields.put("description", None, entitlement.description.as_deref());
    Made { kind: "entitlement", id: entitlement.id.to_string(), fields: fields.0 }
}

/// A grant.
pub(super) fn of_grant(plan: &Plan, grant: &Grant) -> Made {
    let mut fields = Fields::default();
    let rule: Option<&GrantRule> = plan.grant_rules.get(grant.rule as usize);
    let principal = rule.and_then(|rule| match &rule.principal {
        PrincipalRule::Row => None,
        PrincipalRule::Types { id, .. } | PrincipalRule::Told { id, .. } => Some(id),
    });
    fields.put("resource", rule.and_then(|rule| rule.resource.as_ref()), grant.entitlement.resource.to_string());
    let slug = rule.map(|rule| &rule.slug).filter(|slug| slug.as_literal().is_none());
    fields.put("entitlement", slug, grant.entitlement.slug.as_str());
    fields.put("principal", principal, format!("{}:{}", grant.principal.types.join("|"), grant.principal.id));
    for (name, value) in &grant.kept {
        let from = rule.and_then(|rule| rule.keep.iter().find(|(known, _)| known == name)).map(|(_, value)| value);
        fields.put(&format!("keep.{name}"), from, value.clone());
    }
    let id = format!("{} → {}:{}", grant.entitlement, grant.principal.types.join("|"), grant.principal.id);
    Made { kind: "grant", id, fields: fields.0 }
}
