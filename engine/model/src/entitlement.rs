//! Entitlements: what can be held on a resource.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ResourceRef;

/// What an entitlement stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Not said.
    #[default]
    Unspecified,
    /// Being in it: membership of a group, holding of a role.
    Assignment,
    /// Being allowed to do something.
    Permission,
    /// Owning it.
    Ownership,
}

/// The identity of an entitlement: a resource and a slug.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntitlementRef {
    /// The resource it is on.
    pub resource: ResourceRef,
    /// Short name, unique on the resource, such as `member`.
    pub slug: String,
}

impl fmt::Display for EntitlementRef {
    /// `type:id:slug`, the form of the file's entitlement ids.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource, self.slug)
    }
}

/// Something that can be granted on a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Entitlement {
    /// Its identity.
    pub id: EntitlementRef,
    /// What people read; never empty.
    pub display_name: String,
    /// A sentence for people.
    pub description: Option<String>,
    /// What it stands for.
    pub purpose: Purpose,
    /// Ids of the resource types that can hold it.
    pub grantable_to: Vec<String>,
    /// Whether it can be neither granted nor revoked.
    pub immutable: bool,
}
