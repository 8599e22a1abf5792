//! By what resources are known: keys of a row of the file, and of a resource of the vendor, which an
//! index finds by them.

use std::collections::HashMap;

use engine_json::Value as Json;
use engine_model::{Resource, ResourceRef, StatusValue, TraitData};
use engine_spec::document::attribute::{CommonName, MatchKey};
use engine_spec::plan::{Plan, ResourceType};

use super::survey::Survey;
use super::wanted::Row;
use crate::provision::attribute_key;

/// All keys, the surest first.
const KEYS: [MatchKey; 5] =
    [MatchKey::Id, MatchKey::ExternalId, MatchKey::Login, MatchKey::Email, MatchKey::DisplayName];

/// Finds the resources of a survey by their keys.
pub(super) struct Index {
    places: HashMap<(usize, MatchKey, String), Vec<usize>>,
}

impl Index {
    /// Indexes a survey.
    pub fn of(plan: &Plan, survey: &Survey) -> Self {
        let mut places: HashMap<(usize, MatchKey, String), Vec<usize>> = HashMap::new();
        for (number, there) in &survey.resources {
            let Some(kind) = plan.types.get(*number) else { continue };
            for (at, (resource, scope)) in there.iter().enumerate() {
                for key in KEYS {
                    for value in keys_of(kind, resource, scope, key) {
                        let found = places.entry((*number, key, folded(key, &value))).or_default();
                        if !found.contains(&at) {
                            found.push(at);
                        }
                    }
                }
            }
        }
        Self { places }
    }

    /// The resources of a type that have a value for a key.
    pub fn find<'s>(&self, survey: &'s Survey, number: usize, key: MatchKey, value: &str) -> Vec<&'s (Resource, Json)> {
        let found = self.places.get(&(number, key, folded(key, value)));
        let there = survey.resources.get(&number).map(Vec::as_slice).unwrap_or_default();
        found.into_iter().flatten().filter_map(|at| there.get(*at)).collect()
    }

    /// One resource.
    pub fn one<'s>(&self, plan: &Plan, survey: &'s Survey, reference: &ResourceRef) -> Option<&'s (Resource, Json)> {
        let (number, _) = plan.type_named(&reference.resource_type)?;
        self.find(survey, number, MatchKey::Id, &reference.id).into_iter().next()
    }
}

/// A value as it is compared: addresses and logins in any case.
pub(super) fn folded(key: MatchKey, value: &str) -> String {
    match key {
        MatchKey::Login | MatchKey::Email => value.trim().to_lowercase(),
        MatchKey::Id | MatchKey::ExternalId | MatchKey::DisplayName => value.trim().to_owned(),
    }
}

/// What a row says for a key.
pub(super) fn wanted_key<'r>(kind: &ResourceType, row: &'r Row, key: MatchKey) -> Option<&'r String> {
    let common = |is: CommonName, word: &str| {
        let attribute = kind.attributes.iter().find(|attribute| attribute.is == Some(is));
        attribute.and_then(|attribute| row.value_of(attribute)).or_else(|| row.values.get(word))
    };
    match key {
        MatchKey::Id => row.values.get("id"),
        MatchKey::ExternalId => common(CommonName::ExternalId, "external_id"),
        MatchKey::Login => common(CommonName::Login, "login"),
        MatchKey::Email => common(CommonName::Email, "email"),
        MatchKey::DisplayName => common(CommonName::DisplayName, "display_name"),
    }
}

/// What a resource has for a key.
pub(super) fn keys_of(kind: &ResourceType, resource: &Resource, scope: &Json, key: MatchKey) -> Vec<String> {
    let attribute = |is: CommonName| {
        let attribute = kind.attributes.iter().find(|attribute| attribute.is == Some(is))?;
        match scope.get(attribute_key(attribute.name()))? {
            Json::String(text) => Some(text.to_string()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        }
    };
    let user = match &resource.trait_data {
        TraitData::User(user) => Some(user),
        _ => None,
    };
    let found: Vec<String> = match key {
        MatchKey::Id => vec![resource.id.id.clone()],
        MatchKey::ExternalId => attribute(CommonName::ExternalId).into_iter().collect(),
        MatchKey::Login => {
            user.and_then(|user| user.login.clone()).or_else(|| attribute(CommonName::Login)).into_iter().collect()
        }
        MatchKey::Email => {
            let emails = user.into_iter().flat_map(|user| &user.emails).map(|email| email.address.clone());
            emails.chain(attribute(CommonName::Email)).collect()
        }
        MatchKey::DisplayName => vec![resource.display_name.clone()],
    };
    found.into_iter().filter(|value| !value.trim().is_empty()).collect()
}

/// Whether an account may be used.
pub(super) fn status_of(resource: &Resource) -> StatusValue {
    match &resource.trait_data {
        TraitData::User(user) => user.status.value,
        _ => StatusValue::Unknown,
    }
}
