//! The records of a file as a program sees them: plain structs without protobuf.
//!
//! In: nothing, these are data. Out: what [`crate::Reader`] hands out and what a line of JSON
//! Lines holds; the order of the fields is the order of the keys. Absent values are left out.

use std::collections::BTreeMap;

use engine_model::{AccountType, Profile, Purpose, ResourceRef, StatusValue, Trait};
use jiff::Timestamp;
use serde::Serialize;

/// A kind of resource.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResourceTypeRow {
    /// The id used everywhere.
    pub id: String,
    /// What people read.
    pub display_name: String,
    /// A sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What kind of thing its resources are; traits that the engine does not know are left out.
    pub traits: Vec<Trait>,
    /// Whether its resources have entitlements.
    pub has_entitlements: bool,
    /// Types whose resources live below its resources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<String>,
}

/// An address of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EmailRow {
    /// The address.
    pub address: String,
    /// Whether it is the main one.
    pub is_primary: bool,
}

/// A user, a group, a project.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ResourceRow {
    /// Id of its type.
    pub resource_type: String,
    /// The vendor's id.
    pub id: String,
    /// The resource that contains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<ResourceRef>,
    /// What people read.
    pub display_name: String,
    /// A sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A page about it in the vendor's application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The traits whose data it carries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub traits: Vec<Trait>,
    /// Whether it may be used; absent where the file says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusValue>,
    /// The vendor's own word for the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_details: Option<String>,
    /// Who is behind an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_type: Option<AccountType>,
    /// Addresses of a user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<EmailRow>,
    /// What a user signs in with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// Other names of the same account.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub login_aliases: Vec<String>,
    /// Given name of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Family name of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// Numbers of the employer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub employee_ids: Vec<String>,
    /// When the vendor says it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Last time a user signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login: Option<Timestamp>,
    /// Whether a user has a second factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfa_enabled: Option<bool>,
    /// Whether a user signs in by single sign-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sso_enabled: Option<bool>,
    /// Help page of an application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help_url: Option<String>,
    /// When a credential stops working.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When a credential was last used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// Who made a credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<ResourceRef>,
    /// Whom a credential authenticates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<ResourceRef>,
    /// Free attributes.
    #[serde(skip_serializing_if = "Profile::is_empty")]
    pub profile: Profile,
}

/// Something that can be granted on a resource.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EntitlementRow {
    /// Id in the file, by convention `type:resource:slug`.
    pub id: String,
    /// Type of the resource it is on.
    pub resource_type: String,
    /// Id of the resource it is on.
    pub resource: String,
    /// Short name, unique on the resource.
    pub slug: String,
    /// What people read.
    pub display_name: String,
    /// A sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it stands for.
    pub purpose: Purpose,
    /// Ids of the types that can hold it.
    pub grantable_to: Vec<String>,
    /// Whether it can be neither granted nor revoked.
    pub immutable: bool,
}

/// How a grant passes on to those who hold something on its principal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExpandsRow {
    /// Whoever holds one of these also holds the grant's entitlement.
    pub entitlements: Vec<String>,
    /// Pass on direct holders only.
    pub shallow: bool,
    /// Pass on holders of these types only; empty passes on all.
    pub resource_types: Vec<String>,
}

/// Who holds an entitlement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GrantRow {
    /// Id in the file, by convention entitlement, principal type and principal joined by colons.
    pub id: String,
    /// Id of what is held.
    pub entitlement: String,
    /// Type of the resource that the entitlement is on.
    pub resource_type: String,
    /// Id of the resource that the entitlement is on.
    pub resource: String,
    /// Short name of the entitlement; empty where the file does not tell.
    pub slug: String,
    /// Type of the holder.
    pub principal_type: String,
    /// Id of the holder.
    pub principal: String,
    /// Whether it cannot be revoked.
    pub immutable: bool,
    /// How it passes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expands: Option<ExpandsRow>,
    /// Values kept for the revoke.
    #[serde(skip_serializing_if = "Profile::is_empty")]
    pub kept: Profile,
    /// Where an expanded grant comes from: entitlement id, and whether that one is held directly.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, bool>,
}

/// Any record, with its kind as first key.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    /// A resource type.
    ResourceType(ResourceTypeRow),
    /// A resource.
    Resource(Box<ResourceRow>),
    /// An entitlement.
    Entitlement(EntitlementRow),
    /// A grant.
    Grant(GrantRow),
}
