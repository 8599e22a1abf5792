//! By what resources are known: keys of a row of the file, and of a resource of the vendor.

use engine_model::{Resource, StatusValue, TraitData};
use engine_spec::document::attribute::{CommonName, MatchKey};
use engine_spec::plan::ResourceType;
use serde_json::Value as Json;

use super::wanted::Row;
use crate::provision::attribute_key;

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

/// Whether a resource has a value for a key.
pub(super) fn has_key(kind: &ResourceType, resource: &Resource, scope: &Json, key: MatchKey, value: &str) -> bool {
    let attribute = |is: CommonName| {
        let attribute = kind.attributes.iter().find(|attribute| attribute.is == Some(is))?;
        scope.get(attribute_key(attribute.name()))?.as_str().map(str::to_owned)
    };
    let user = match &resource.trait_data {
        TraitData::User(user) => Some(user),
        _ => None,
    };
    match key {
        MatchKey::Id => resource.id.id == value,
        MatchKey::ExternalId => attribute(CommonName::ExternalId).is_some_and(|found| found == value),
        MatchKey::Login => {
            let login = user.and_then(|user| user.login.clone()).or_else(|| attribute(CommonName::Login));
            login.is_some_and(|login| login.eq_ignore_ascii_case(value))
        }
        MatchKey::Email => {
            user.is_some_and(|user| user.emails.iter().any(|email| email.address.eq_ignore_ascii_case(value)))
                || attribute(CommonName::Email).is_some_and(|found| found.eq_ignore_ascii_case(value))
        }
        MatchKey::DisplayName => resource.display_name == value,
    }
}

pub(super) fn status_of(resource: &Resource) -> StatusValue {
    match &resource.trait_data {
        TraitData::User(user) => user.status.value,
        _ => StatusValue::Unknown,
    }
}
