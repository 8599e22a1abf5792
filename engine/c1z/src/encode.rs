//! Records as protobuf messages of the file.
//!
//! In: a checked resource type, or the shape of a resource or entitlement. Out: the message whose
//! bytes go into the `data` column. Attributes stand both where old readers and where new readers
//! look for them. Only annotations that SDK 0.7.27 knows are written.

use engine_model::{AccountType, Purpose, ResourceRef, ResourceType, StatusValue, Trait};
use engine_proto::{Any, Message, Name, Struct, v2};
use jiff::Timestamp;

use crate::limits::{NAME_BYTES, TYPE_DESCRIPTION_BYTES, cut};
use crate::profile::to_struct;
use crate::shape::{EmailShape, EntitlementShape, ResourceShape};

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
pub(crate) fn resource(shape: &ResourceShape<'_>, of: &ResourceType) -> v2::Resource {
    let created_at = shape.created_at.map(timestamp);
    let profile = Some(to_struct(&shape.profile)).filter(|profile| !profile.fields.is_empty());
    let details = || shape.status_details.unwrap_or_default().to_owned();
    let (annotation, profile) = trait_data(shape, profile, created_at);
    let mut annotations: Vec<Any> = annotation.into_iter().collect();
    annotations.extend(shape.link.map(|url| any(&v2::ExternalLink { url: url.to_owned() })));
    annotations.extend(child_types(&of.children));
    v2::Resource {
        id: Some(v2::ResourceId {
            resource_type: shape.resource_type.to_owned(),
            resource: shape.id.to_owned(),
            baton_resource: false,
        }),
        parent_resource_id: shape.parent.map(resource_id),
        display_name: shape.display_name.to_owned(),
        annotations,
        description: shape.description.unwrap_or_default().to_owned(),
        baton_resource: false,
        profile,
        // The numbers of both status messages are the same.
        status: shape.status.map(|status| v2::Status { status: status_number(status).into(), details: details() }),
        created_at,
    }
}

/// The message of an entitlement.
pub(crate) fn entitlement(shape: &EntitlementShape<'_>) -> v2::Entitlement {
    let annotations = if shape.immutable { vec![any(&v2::EntitlementImmutable::default())] } else { Vec::new() };
    let holder = |id: &String| v2::ResourceType { id: id.clone(), ..v2::ResourceType::default() };
    let on = v2::ResourceId {
        resource_type: shape.resource_type.to_owned(),
        resource: shape.resource.to_owned(),
        baton_resource: false,
    };
    v2::Entitlement {
        resource: Some(v2::Resource { id: Some(on), ..v2::Resource::default() }),
        id: shape.id.to_owned(),
        display_name: shape.display_name.to_owned(),
        description: shape.description.unwrap_or_default().to_owned(),
        grantable_to: shape.grantable_to.iter().map(holder).collect(),
        annotations,
        purpose: purpose_number(shape.purpose).into(),
        slug: shape.slug.to_owned(),
    }
}

/// An annotation.
pub(crate) fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

/// What the trait of a resource adds to its message, and the profile, which stands in both.
fn trait_data(
    shape: &ResourceShape<'_>,
    profile: Option<Struct>,
    created_at: Option<engine_proto::Timestamp>,
) -> (Option<Any>, Option<Struct>) {
    match shape.r#trait {
        None => (None, profile),
        Some(Trait::User) => {
            let message = user_trait(shape, profile, created_at);
            (Some(any(&message)), message.profile)
        }
        Some(Trait::Group) => {
            let message = v2::GroupTrait { profile, ..v2::GroupTrait::default() };
            (Some(any(&message)), message.profile)
        }
        Some(Trait::Role) => {
            let message = v2::RoleTrait { profile };
            (Some(any(&message)), message.profile)
        }
        Some(Trait::App) => {
            let help_url = shape.help_url.unwrap_or_default().to_owned();
            let message = v2::AppTrait { help_url, profile, ..v2::AppTrait::default() };
            (Some(any(&message)), message.profile)
        }
        Some(Trait::Secret) => {
            let message = v2::SecretTrait {
                profile,
                created_at,
                expires_at: shape.expires_at.map(timestamp),
                last_used_at: shape.last_used_at.map(timestamp),
                created_by_id: shape.created_by.map(resource_id),
                identity_id: shape.identity.map(resource_id),
            };
            (Some(any(&message)), message.profile)
        }
    }
}

/// Profile and status are always present: exports of SDK 0.7.27 crash without the profile. A user's
/// profile has its id, so it is never empty.
fn user_trait(
    shape: &ResourceShape<'_>,
    profile: Option<Struct>,
    created_at: Option<engine_proto::Timestamp>,
) -> v2::UserTrait {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let email = |email: &EmailShape<'_>| v2::user_trait::Email {
        address: email.address.to_owned(),
        is_primary: email.is_primary,
    };
    let named = shape.given_name.is_some() || shape.family_name.is_some();
    v2::UserTrait {
        emails: shape.emails.iter().map(email).collect(),
        status: Some(v2::user_trait::Status {
            status: status_number(shape.status.unwrap_or_default()).into(),
            details: text(shape.status_details),
        }),
        profile: Some(profile.unwrap_or_default()),
        icon: None,
        account_type: account_type_number(shape.account_type.unwrap_or_default()).into(),
        login: text(shape.login),
        login_aliases: shape.login_aliases.to_vec(),
        created_at,
        last_login: shape.last_login.map(timestamp),
        mfa_status: shape.mfa_enabled.map(|mfa_enabled| v2::user_trait::MfaStatus { mfa_enabled }),
        sso_status: shape.sso_enabled.map(|sso_enabled| v2::user_trait::SsoStatus { sso_enabled }),
        structured_name: named.then(|| v2::user_trait::StructuredName {
            given_name: text(shape.given_name),
            family_name: text(shape.family_name),
            ..v2::user_trait::StructuredName::default()
        }),
        employee_ids: shape.employee_ids.to_vec(),
    }
}

fn status_number(of: StatusValue) -> v2::user_trait::status::Status {
    use v2::user_trait::status::Status as Number;
    match of {
        StatusValue::Unknown => Number::Unspecified,
        StatusValue::Enabled => Number::Enabled,
        StatusValue::Disabled => Number::Disabled,
        StatusValue::Deleted => Number::Deleted,
    }
}

fn child_types(children: &[String]) -> impl Iterator<Item = Any> {
    children.iter().map(|child| any(&v2::ChildResourceType { resource_type_id: child.clone() }))
}

fn resource_id(of: &ResourceRef) -> v2::ResourceId {
    v2::ResourceId { resource_type: of.resource_type.clone(), resource: of.id.clone(), baton_resource: false }
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
