//! Orders: what is to be done to the identity graph.

use std::collections::BTreeMap;
use std::fmt;

use engine_model::{EntitlementRef, ResourceRef};

/// What a user gave, by name of the attribute.
pub type Given = BTreeMap<String, String>;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// A resource is made.
    Create {
        /// Id of its type.
        kind: String,
        /// What contains it.
        parent: Option<ResourceRef>,
        /// Its attributes.
        input: Given,
    },
    /// A resource is changed.
    Update {
        /// Which one.
        resource: ResourceRef,
        /// The attributes that change.
        input: Given,
    },
    /// A resource is made usable again.
    Enable(ResourceRef),
    /// A resource is made unusable, and kept.
    Disable(ResourceRef),
    /// A resource is removed.
    Delete(ResourceRef),
    /// The credentials of a resource are made anew.
    Rotate {
        /// Which one.
        resource: ResourceRef,
        /// What the spec asks for.
        input: Given,
    },
    /// A principal gets an entitlement.
    Grant {
        /// The entitlement.
        entitlement: EntitlementRef,
        /// Who gets it.
        principal: ResourceRef,
    },
    /// A principal loses an entitlement.
    Revoke {
        /// The entitlement.
        entitlement: EntitlementRef,
        /// Who loses it.
        principal: ResourceRef,
    },
    /// A named operation of the spec.
    Action {
        /// Its name.
        name: String,
        /// What it is done to.
        resource: ResourceRef,
        /// Its inputs.
        input: Given,
    },
}

impl Order {
    /// The type of what it is done to.
    pub fn kind(&self) -> &str {
        match self {
            Self::Create { kind, .. } => kind,
            Self::Grant { entitlement, .. } | Self::Revoke { entitlement, .. } => &entitlement.resource.resource_type,
            Self::Update { resource, .. }
            | Self::Enable(resource)
            | Self::Disable(resource)
            | Self::Delete(resource)
            | Self::Rotate { resource, .. }
            | Self::Action { resource, .. } => &resource.resource_type,
        }
    }

    /// What it is done to, where that exists already.
    pub fn resource(&self) -> Option<&ResourceRef> {
        match self {
            Self::Create { .. } => None,
            Self::Grant { entitlement, .. } | Self::Revoke { entitlement, .. } => Some(&entitlement.resource),
            Self::Update { resource, .. }
            | Self::Enable(resource)
            | Self::Disable(resource)
            | Self::Delete(resource)
            | Self::Rotate { resource, .. }
            | Self::Action { resource, .. } => Some(resource),
        }
    }

    /// Who gets or loses something.
    pub fn principal(&self) -> Option<&ResourceRef> {
        match self {
            Self::Grant { principal, .. } | Self::Revoke { principal, .. } => Some(principal),
            _ => None,
        }
    }

    /// What the user gave.
    pub fn input(&self) -> Option<&Given> {
        match self {
            Self::Create { input, .. }
            | Self::Update { input, .. }
            | Self::Rotate { input, .. }
            | Self::Action { input, .. } => Some(input),
            _ => None,
        }
    }

    /// The key of the spec that says how it is done.
    pub fn word(&self) -> &str {
        match self {
            Self::Create { .. } => "create",
            Self::Update { .. } => "update",
            Self::Enable(_) => "enable",
            Self::Disable(_) => "disable",
            Self::Delete(_) => "delete",
            Self::Rotate { .. } => "rotate",
            Self::Grant { .. } => "grant",
            Self::Revoke { .. } => "revoke",
            Self::Action { name, .. } => name,
        }
    }
}

impl fmt::Display for Order {
    /// `disable user:42`, `grant group:g1:member to user:42`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { kind, .. } => write!(f, "create {kind}"),
            Self::Grant { entitlement, principal } => {
                write!(f, "grant {}:{} to {principal}", entitlement.resource, entitlement.slug)
            }
            Self::Revoke { entitlement, principal } => {
                write!(f, "revoke {}:{} from {principal}", entitlement.resource, entitlement.slug)
            }
            Self::Action { name, resource, .. } => write!(f, "{name} on {resource}"),
            Self::Update { resource, .. }
            | Self::Enable(resource)
            | Self::Disable(resource)
            | Self::Delete(resource)
            | Self::Rotate { resource, .. } => write!(f, "{} {resource}", self.word()),
        }
    }
}
