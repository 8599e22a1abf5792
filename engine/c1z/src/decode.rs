//! Protobuf messages of a file as records.
//!
//! In: messages, possibly written by others and missing half their fields. Out: records; what the
//! engine does not know is left out, nothing here panics. Attributes are looked for where new
//! writers put them first and in the trait messages second.

use engine_model::{AccountType, Purpose, ResourceRef, StatusValue, Trait};
use engine_proto::{Any, DecodeError, Message, Name, Struct, v2};
use jiff::Timestamp;

use crate::profile::to_json;
use crate::record::{EmailRow, EntitlementRow, ExpandsRow, GrantRow, ResourceRow, ResourceTypeRow};

/// A resource type's blob.
pub(crate) fn resource_type(data: &[u8]) -> Result<ResourceTypeRow, DecodeError> {
    let message = v2::ResourceType::decode(data)?;
    let children: Vec<v2::ChildResourceType> = all(&message.annotations)?;
    Ok(ResourceTypeRow {
        traits: message.traits().filter_map(known_trait).collect(),
        has_entitlements: !has::<v2::SkipEntitlementsAndGrants>(&message.annotations)
            && !has::<v2::SkipEntitlements>(&message.annotations),
        children: children.into_iter().map(|child| child.resource_type_id).collect(),
        description: text(message.description),
        id: message.id,
        display_name: message.display_name,
    })
}

/// A resource's blob.
pub(crate) fn resource(data: &[u8]) -> Result<ResourceRow, DecodeError> {
    let message = v2::Resource::decode(data)?;
    let id = message.id.unwrap_or_default();
    let link: Option<v2::ExternalLink> = first(&message.annotations)?;
    let mut row = ResourceRow {
        resource_type: id.resource_type,
        id: id.resource,
        parent: message.parent_resource_id.map(reference),
        display_name: message.display_name,
        description: text(message.description),
        link: link.and_then(|link| text(link.url)),
        created_at: message.created_at.and_then(timestamp),
        ..ResourceRow::default()
    };
    if let Some(status) = message.status {
        row.status = Some(status_value(status.status));
        row.status_details = text(status.details);
    }
    let from_traits = add_traits(&mut row, &message.annotations)?;
    row.profile = message.profile.or(from_traits).map(to_json).unwrap_or_default();
    Ok(row)
}

/// An entitlement's blob.
pub(crate) fn entitlement(data: &[u8]) -> Result<EntitlementRow, DecodeError> {
    let message = v2::Entitlement::decode(data)?;
    let purpose = match message.purpose() {
        v2::entitlement::PurposeValue::Unspecified => Purpose::Unspecified,
        v2::entitlement::PurposeValue::Assignment => Purpose::Assignment,
        v2::entitlement::PurposeValue::Permission => Purpose::Permission,
        v2::entitlement::PurposeValue::Ownership => Purpose::Ownership,
    };
    let on = message.resource.and_then(|resource| resource.id).unwrap_or_default();
    Ok(EntitlementRow {
        purpose,
        immutable: has::<v2::EntitlementImmutable>(&message.annotations),
        id: message.id,
        resource_type: on.resource_type,
        resource: on.resource,
        slug: message.slug,
        display_name: message.display_name,
        description: text(message.description),
        grantable_to: message.grantable_to.into_iter().map(|holder| holder.id).collect(),
    })
}

/// The columns of a grant, which stand in where its blob is slim.
pub(crate) struct GrantColumns {
    pub(crate) id: String,
    pub(crate) entitlement: String,
    pub(crate) resource_type: String,
    pub(crate) resource: String,
    pub(crate) principal_type: String,
    pub(crate) principal: String,
    pub(crate) expansion: Option<Vec<u8>>,
}

/// A grant's blob and columns.
pub(crate) fn grant(data: &[u8], columns: GrantColumns) -> Result<GrantRow, DecodeError> {
    let message = v2::Grant::decode(data)?;
    let held = message.entitlement.unwrap_or_default();
    let metadata: Option<v2::GrantMetadata> = first(&message.annotations)?;
    // Writers before the column existed left the annotation in the blob.
    let expansion = match columns.expansion.as_deref().filter(|bytes| !bytes.is_empty()) {
        Some(bytes) => Some(v2::GrantExpandable::decode(bytes)?),
        None => first(&message.annotations)?,
    };
    let slug = match held.slug {
        slug if !slug.is_empty() => slug,
        _ => slug_of(&columns).unwrap_or_default().to_owned(),
    };
    let sources = message.sources.unwrap_or_default().sources;
    Ok(GrantRow {
        slug,
        immutable: has::<v2::GrantImmutable>(&message.annotations),
        expands: expansion.and_then(expands),
        kept: metadata.and_then(|kept| kept.metadata).map(to_json).unwrap_or_default(),
        sources: sources.into_iter().map(|(id, source)| (id, source.is_direct)).collect(),
        id: columns.id,
        entitlement: columns.entitlement,
        resource_type: columns.resource_type,
        resource: columns.resource,
        principal_type: columns.principal_type,
        principal: columns.principal,
    })
}

/// A GrantExpandable without any source counts as none.
fn expands(message: v2::GrantExpandable) -> Option<ExpandsRow> {
    let mut entitlements = message.entitlement_ids;
    entitlements.retain(|id| !id.trim().is_empty());
    let row = ExpandsRow { entitlements, shallow: message.shallow, resource_types: message.resource_type_ids };
    Some(row).filter(|row| !row.entitlements.is_empty())
}

/// By convention the entitlement id is `type:resource:slug`; ids may hold colons, so it is taken
/// off from the front and not split.
fn slug_of(columns: &GrantColumns) -> Option<&str> {
    let rest = columns.entitlement.strip_prefix(&columns.resource_type)?.strip_prefix(':')?;
    rest.strip_prefix(&columns.resource)?.strip_prefix(':')
}

/// Reads the trait messages; returns the first profile among them.
fn add_traits(row: &mut ResourceRow, annotations: &[Any]) -> Result<Option<Struct>, DecodeError> {
    let mut profile = None;
    if let Some(user) = first::<v2::UserTrait>(annotations)? {
        row.traits.push(Trait::User);
        profile = profile.or(add_user(row, user));
    }
    if let Some(group) = first::<v2::GroupTrait>(annotations)? {
        row.traits.push(Trait::Group);
        profile = profile.or(group.profile);
    }
    if let Some(role) = first::<v2::RoleTrait>(annotations)? {
        row.traits.push(Trait::Role);
        profile = profile.or(role.profile);
    }
    if let Some(app) = first::<v2::AppTrait>(annotations)? {
        row.traits.push(Trait::App);
        row.help_url = text(app.help_url);
        profile = profile.or(app.profile);
    }
    if let Some(secret) = first::<v2::SecretTrait>(annotations)? {
        row.traits.push(Trait::Secret);
        row.created_at = row.created_at.or_else(|| secret.created_at.and_then(timestamp));
        row.expires_at = secret.expires_at.and_then(timestamp);
        row.last_used_at = secret.last_used_at.and_then(timestamp);
        row.created_by = secret.created_by_id.map(reference);
        row.identity = secret.identity_id.map(reference);
        profile = profile.or(secret.profile);
    }
    Ok(profile)
}

fn add_user(row: &mut ResourceRow, user: v2::UserTrait) -> Option<Struct> {
    row.account_type = Some(match user.account_type() {
        v2::user_trait::AccountType::Unspecified => AccountType::Unknown,
        v2::user_trait::AccountType::Human => AccountType::Human,
        v2::user_trait::AccountType::Service => AccountType::Service,
        v2::user_trait::AccountType::System => AccountType::System,
    });
    if row.status.is_none()
        && let Some(status) = user.status
    {
        // The numbers of both status messages are the same.
        row.status = Some(status_value(status.status));
        row.status_details = text(status.details);
    }
    let email = |email: v2::user_trait::Email| EmailRow { address: email.address, is_primary: email.is_primary };
    row.emails = user.emails.into_iter().map(email).collect();
    row.login = text(user.login);
    row.login_aliases = user.login_aliases;
    row.created_at = row.created_at.or_else(|| user.created_at.and_then(timestamp));
    row.last_login = user.last_login.and_then(timestamp);
    row.mfa_enabled = user.mfa_status.map(|status| status.mfa_enabled);
    row.sso_enabled = user.sso_status.map(|status| status.sso_enabled);
    let name = user.structured_name.unwrap_or_default();
    row.given_name = text(name.given_name);
    row.family_name = text(name.family_name);
    row.employee_ids = user.employee_ids;
    user.profile
}

fn is<M: Name>(annotation: &Any) -> bool {
    let name = annotation.type_url.rsplit('/').next().unwrap_or_default();
    name.strip_prefix(M::PACKAGE).and_then(|name| name.strip_prefix('.')) == Some(M::NAME)
}

fn has<M: Name>(annotations: &[Any]) -> bool {
    annotations.iter().any(is::<M>)
}

fn first<M: Message + Name + Default>(annotations: &[Any]) -> Result<Option<M>, DecodeError> {
    annotations
        .iter()
        .find(|annotation| is::<M>(annotation))
        .map(|annotation| M::decode(annotation.value.as_slice()))
        .transpose()
}

fn all<M: Message + Name + Default>(annotations: &[Any]) -> Result<Vec<M>, DecodeError> {
    annotations
        .iter()
        .filter(|annotation| is::<M>(annotation))
        .map(|annotation| M::decode(annotation.value.as_slice()))
        .collect()
}

fn text(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn reference(id: v2::ResourceId) -> ResourceRef {
    ResourceRef::new(id.resource_type, id.resource)
}

fn timestamp(at: engine_proto::Timestamp) -> Option<Timestamp> {
    Timestamp::new(at.seconds, at.nanos).ok()
}

fn status_value(number: i32) -> StatusValue {
    match v2::status::ResourceStatus::try_from(number) {
        Ok(v2::status::ResourceStatus::Enabled) => StatusValue::Enabled,
        Ok(v2::status::ResourceStatus::Disabled) => StatusValue::Disabled,
        Ok(v2::status::ResourceStatus::Deleted) => StatusValue::Deleted,
        Ok(v2::status::ResourceStatus::Unspecified) | Err(_) => StatusValue::Unknown,
    }
}

fn known_trait(of: v2::resource_type::Trait) -> Option<Trait> {
    use v2::resource_type::Trait as Number;
    match of {
        Number::User => Some(Trait::User),
        Number::Group => Some(Trait::Group),
        Number::Role => Some(Trait::Role),
        Number::App => Some(Trait::App),
        Number::Secret => Some(Trait::Secret),
        _ => None,
    }
}
