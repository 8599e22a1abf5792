//! Records of the model as protobuf messages of the file.
//!
//! In: a checked resource type, resource or entitlement. Out: the message whose bytes go into the
//! `data` column. Texts are cut to the format's limits; attributes stand both where old readers
//! and where new readers look for them. Only annotations that SDK 0.7.27 knows are written.

use engine_model::{
    AccountType, Entitlement, Profile, Purpose, Resource, ResourceRef, ResourceType, Secret, Status, StatusValue,
    StoreError, Trait, TraitData, User,
};
use engine_proto::{Any, Message, Name, Struct, v2};
use jiff::Timestamp;

use crate::failure::failed;
use crate::limits::{DESCRIPTION_BYTES, DETAILS_BYTES, NAME_BYTES, TYPE_DESCRIPTION_BYTES, cut, shorten};
use crate::profile::to_struct;

/// The message of a resource type.
pub(crate) fn resource_type(of: &ResourceType) -> v2::ResourceType {
    let mut annotations = Vec::new();
    if !of.has_entitlements {
        annotations.push(any(&v2::SkipEntitlementsAndGrants {}));
    }
    annotations.extend(child_types(&of.children));
    v2::ResourceType {
        id: of.id.clone(),
        display_name: cut(&of.display_name, NAME_BYTES).to_owned(),
        traits: of.r#trait.map(|kind| trait_number(kind).into()).into_iter().collect(),
        annotations,
        description: cut(&of.description, TYPE_DESCRIPTION_BYTES).to_owned(),
        sourced_externally: false,
    }
}

/// The message of a resource whose type is `of`.
pub(crate) fn resource(from: Resource, of: &ResourceType) -> Result<v2::Resource, StoreError> {
    let data = matching_trait(from.trait_data, of, &from.id)?;
    let created_at = from.created_at.map(timestamp);
    let traits = traits(data, from.profile, &from.id.id, created_at);
    let mut annotations: Vec<Any> = traits.annotation.into_iter().collect();
    annotations.extend(link(from.link.as_deref()));
    annotations.extend(child_types(&of.children));
    Ok(v2::Resource {
        id: Some(resource_id(from.id)),
        parent_resource_id: from.parent.map(resource_id),
        display_name: shorten(from.display_name, NAME_BYTES),
        annotations,
        description: from.description.map(|text| shorten(text, DESCRIPTION_BYTES)).unwrap_or_default(),
        baton_resource: false,
        profile: Some(traits.profile).filter(|profile| !profile.fields.is_empty()),
        status: traits.status,
        created_at,
    })
}

/// The message of an entitlement whose file id is `id`.
pub(crate) fn entitlement(from: Entitlement, id: String) -> v2::Entitlement {
    let annotations = if from.immutable { vec![any(&v2::EntitlementImmutable::default())] } else { Vec::new() };
    let holder = |id| v2::ResourceType { id, ..v2::ResourceType::default() };
    v2::Entitlement {
        resource: Some(v2::Resource { id: Some(resource_id(from.id.resource)), ..v2::Resource::default() }),
        id,
        display_name: shorten(from.display_name, NAME_BYTES),
        description: from.description.map(|text| shorten(text, DESCRIPTION_BYTES)).unwrap_or_default(),
        grantable_to: from.grantable_to.into_iter().map(holder).collect(),
        annotations,
        purpose: purpose_number(from.purpose).into(),
        slug: from.id.slug,
    }
}

/// An annotation.
pub(crate) fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

/// What the trait of a resource adds to its message.
struct Traits {
    annotation: Option<Any>,
    profile: Struct,
    status: Option<v2::Status>,
}

fn traits(data: TraitData, profile: Profile, id: &str, created_at: Option<engine_proto::Timestamp>) -> Traits {
    match data {
        TraitData::User(user) => {
            let mut message = user_trait(*user, profile, id);
            message.created_at = created_at;
            let annotation = Some(any(&message));
            let status = message.status.unwrap_or_default();
            Traits {
                annotation,
                profile: message.profile.unwrap_or_default(),
                status: Some(v2::Status { status: status.status, details: status.details }),
            }
        }
        TraitData::None => Traits { annotation: None, profile: to_struct(profile), status: None },
        TraitData::Group(_) => {
            let message = v2::GroupTrait { profile: filled(profile), ..v2::GroupTrait::default() };
            plain(any(&message), message.profile)
        }
        TraitData::Role => {
            let message = v2::RoleTrait { profile: filled(profile) };
            plain(any(&message), message.profile)
        }
        TraitData::App { help_url } => {
            let message = v2::AppTrait {
                help_url: help_url.filter(|url| is_https(url)).unwrap_or_default(),
                profile: filled(profile),
                ..v2::AppTrait::default()
            };
            plain(any(&message), message.profile)
        }
        TraitData::Secret(secret) => {
            let message = secret_trait(*secret, profile, created_at);
            plain(any(&message), message.profile)
        }
    }
}

fn plain(annotation: Any, profile: Option<Struct>) -> Traits {
    Traits { annotation: Some(annotation), profile: profile.unwrap_or_default(), status: None }
}

fn filled(profile: Profile) -> Option<Struct> {
    Some(to_struct(profile)).filter(|profile| !profile.fields.is_empty())
}

/// Profile and status are always present: exports of SDK 0.7.27 crash without the profile. The
/// keys `first_name`, `last_name` and `user_id` are the ones that its exports show.
fn user_trait(user: User, mut profile: Profile, id: &str) -> v2::UserTrait {
    let mut add = |key: &str, value: Option<&str>| {
        if let Some(value) = value
            && !profile.contains_key(key)
        {
            profile.insert(key.to_owned(), value.into());
        }
    };
    add("first_name", user.given_name.as_deref());
    add("last_name", user.family_name.as_deref());
    add("user_id", Some(id));
    let named = user.given_name.is_some() || user.family_name.is_some();
    let mut primary_seen = false;
    let emails = user.emails.into_iter().map(|email| {
        let is_primary = email.is_primary && !primary_seen;
        primary_seen |= is_primary;
        v2::user_trait::Email { address: email.address, is_primary }
    });
    v2::UserTrait {
        emails: emails.collect(),
        status: Some(status(user.status)),
        profile: Some(to_struct(profile)),
        icon: None,
        account_type: account_type_number(user.account_type).into(),
        login: user.login.unwrap_or_default(),
        login_aliases: user.login_aliases,
        created_at: None,
        last_login: user.last_login.map(timestamp),
        mfa_status: user.mfa_enabled.map(|mfa_enabled| v2::user_trait::MfaStatus { mfa_enabled }),
        sso_status: user.sso_enabled.map(|sso_enabled| v2::user_trait::SsoStatus { sso_enabled }),
        structured_name: named.then(|| v2::user_trait::StructuredName {
            given_name: user.given_name.unwrap_or_default(),
            family_name: user.family_name.unwrap_or_default(),
            ..v2::user_trait::StructuredName::default()
        }),
        employee_ids: user.employee_ids,
    }
}

fn status(status: Status) -> v2::user_trait::Status {
    use v2::user_trait::status::Status as Number;
    let number = match status.value {
        StatusValue::Unknown => Number::Unspecified,
        StatusValue::Enabled => Number::Enabled,
        StatusValue::Disabled => Number::Disabled,
        StatusValue::Deleted => Number::Deleted,
    };
    v2::user_trait::Status {
        status: number.into(),
        details: status.details.map(|text| shorten(text, DETAILS_BYTES)).unwrap_or_default(),
    }
}

fn secret_trait(secret: Secret, profile: Profile, created_at: Option<engine_proto::Timestamp>) -> v2::SecretTrait {
    v2::SecretTrait {
        profile: filled(profile),
        created_at,
        expires_at: secret.expires_at.map(timestamp),
        last_used_at: secret.last_used_at.map(timestamp),
        created_by_id: secret.created_by.map(resource_id),
        identity_id: secret.identity.map(resource_id),
    }
}

/// A resource must carry the message of its type's trait: an absent one is filled with an empty
/// one, another trait's is a mistake of the caller.
fn matching_trait(data: TraitData, of: &ResourceType, id: &ResourceRef) -> Result<TraitData, StoreError> {
    if data.kind() == of.r#trait {
        return Ok(data);
    }
    match (data, of.r#trait) {
        (TraitData::None, Some(Trait::User)) => Ok(TraitData::User(Box::default())),
        (TraitData::None, Some(Trait::Group)) => Ok(TraitData::Group(engine_model::Group::default())),
        (TraitData::None, Some(Trait::Role)) => Ok(TraitData::Role),
        (TraitData::None, Some(Trait::App)) => Ok(TraitData::App { help_url: None }),
        (TraitData::None, Some(Trait::Secret)) => Ok(TraitData::Secret(Box::default())),
        (data, _) => Err(failed(
            "storing a record",
            format!("{id} has data of the trait {:?}, its type {:?}", data.kind(), of.r#trait),
            None,
        )),
    }
}

fn child_types(children: &[String]) -> impl Iterator<Item = Any> {
    children.iter().map(|child| any(&v2::ChildResourceType { resource_type_id: child.clone() }))
}

fn link(url: Option<&str>) -> Option<Any> {
    let url = url.filter(|url| is_https(url))?;
    Some(any(&v2::ExternalLink { url: url.to_owned() }))
}

fn is_https(url: &str) -> bool {
    url.starts_with("https://")
}

fn resource_id(of: ResourceRef) -> v2::ResourceId {
    v2::ResourceId { resource_type: of.resource_type, resource: of.id, baton_resource: false }
}

/// Protobuf counts nanoseconds forward from the second, also before 1970.
fn timestamp(at: Timestamp) -> engine_proto::Timestamp {
    let (seconds, nanos) = (at.as_second(), at.subsec_nanosecond());
    if nanos < 0 {
        engine_proto::Timestamp { seconds: seconds - 1, nanos: nanos + 1_000_000_000 }
    } else {
        engine_proto::Timestamp { seconds, nanos }
    }
}

fn trait_number(of: Trait) -> v2::resource_type::Trait {
    use v2::resource_type::Trait as Number;
    match of {
        Trait::User => Number::User,
        Trait::Group => Number::Group,
        Trait::Role => Number::Role,
        Trait::App => Number::App,
        Trait::Secret => Number::Secret,
    }
}

fn account_type_number(of: AccountType) -> v2::user_trait::AccountType {
    use v2::user_trait::AccountType as Number;
    match of {
        AccountType::Unknown => Number::Unspecified,
        AccountType::Human => Number::Human,
        AccountType::Service => Number::Service,
        AccountType::System => Number::System,
    }
}

fn purpose_number(of: Purpose) -> v2::entitlement::PurposeValue {
    use v2::entitlement::PurposeValue as Number;
    match of {
        Purpose::Unspecified => Number::Unspecified,
        Purpose::Assignment => Number::Assignment,
        Purpose::Permission => Number::Permission,
        Purpose::Ownership => Number::Ownership,
    }
}
