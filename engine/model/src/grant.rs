//! Grants: who holds an entitlement. They are staged as the spec's rules give them and settled
//! when every list is in: only then is it known which principals and entitlements exist.

use crate::{EntitlementRef, ResourceRef};

/// Who holds a grant. Some vendors list member ids without saying of what type; then there are
/// several candidate types, and the first one that has a resource of that id is the principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Candidate resource types in order of preference; at least one.
    pub types: Vec<String>,
    /// The vendor's id.
    pub id: String,
}

impl Principal {
    /// A principal whose type is known.
    pub fn of(resource: ResourceRef) -> Self {
        Self { types: vec![resource.resource_type], id: resource.id }
    }
}

/// "Who holds one of these slugs on the principal also holds this": nested groups.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Expansion {
    /// Applies where the principal turns out to be of this type.
    pub principal_type: String,
    /// Slugs on the principal whose holders are passed on.
    pub slugs: Vec<String>,
    /// Pass on direct holders only.
    pub shallow: bool,
    /// Pass on holders of these types only; empty passes on all.
    pub resource_types: Vec<String>,
}

/// What a grant means whose principal or entitlement turns out not to exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingReference {
    /// The sync is incomplete and says so.
    #[default]
    Incomplete,
    /// The spec expects it: the grant is dropped and counted.
    Drop,
}

/// One holding of an entitlement by a principal.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// What is held.
    pub entitlement: EntitlementRef,
    /// By whom.
    pub principal: Principal,
    /// How it passes on, per candidate type of the principal.
    pub expands: Vec<Expansion>,
    /// Whether it cannot be revoked.
    pub immutable: bool,
    /// Values kept for the revoke, such as a membership id.
    pub kept: engine_json::Map,
    /// Number of the grant rule in the plan that made it.
    pub rule: u32,
    /// What it means if a reference points at nothing.
    pub missing: MissingReference,
}
