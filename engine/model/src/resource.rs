//! Resource types, resources and their traits: the nodes of the identity graph.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Free attributes of a resource. Values are plain JSON; integers stay exact.
pub type Profile = engine_json::Map;

/// What kind of thing the resources of a type are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trait {
    /// A person or a machine that can hold entitlements.
    User,
    /// A set of principals.
    Group,
    /// A named set of permissions.
    Role,
    /// An application.
    App,
    /// A credential.
    Secret,
}

/// A kind of resource that a connector syncs, such as `user` or `team`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceType {
    /// The id used everywhere: in resource ids, entitlement ids and on the command line.
    pub id: String,
    /// What people read.
    pub display_name: String,
    /// One sentence for people; empty when the spec has none.
    pub description: String,
    /// The trait of its resources, if any.
    pub r#trait: Option<Trait>,
    /// Whether its resources have entitlements, and so grants. Readers skip types without.
    pub has_entitlements: bool,
    /// The types whose resources live below resources of this type.
    pub children: Vec<String>,
}

/// The identity of a resource: its type and the vendor's own id, compared as exact text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceRef {
    /// Id of the resource type.
    pub resource_type: String,
    /// The vendor's id, opaque.
    pub id: String,
}

impl ResourceRef {
    /// Makes a reference from a type id and a vendor id.
    pub fn new(resource_type: impl Into<String>, id: impl Into<String>) -> Self {
        Self { resource_type: resource_type.into(), id: id.into() }
    }
}

impl fmt::Display for ResourceRef {
    /// `type:id`, the form of the file's external ids. Ids may hold colons: never split it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource_type, self.id)
    }
}

/// One resource: a user, a group, a role, a project.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Its identity.
    pub id: ResourceRef,
    /// The resource that contains it.
    pub parent: Option<ResourceRef>,
    /// What people read; never empty.
    pub display_name: String,
    /// A sentence for people.
    pub description: Option<String>,
    /// A page about it in the vendor's application; `https` only.
    pub link: Option<String>,
    /// Free attributes.
    pub profile: Profile,
    /// When the vendor says it was made.
    pub created_at: Option<Timestamp>,
    /// What is known because of its trait.
    pub trait_data: TraitData,
}

/// The attributes that a trait adds to a resource.
#[derive(Clone, Debug, PartialEq)]
pub enum TraitData {
    /// The type has no trait.
    None,
    /// A user.
    User(Box<User>),
    /// A group.
    Group(Group),
    /// A role.
    Role,
    /// An application.
    App {
        /// Help page; `https` only.
        help_url: Option<String>,
    },
    /// A credential.
    Secret(Box<Secret>),
}

impl TraitData {
    /// The trait that this data belongs to.
    pub fn kind(&self) -> Option<Trait> {
        match self {
            Self::None => None,
            Self::User(_) => Some(Trait::User),
            Self::Group(_) => Some(Trait::Group),
            Self::Role => Some(Trait::Role),
            Self::App { .. } => Some(Trait::App),
            Self::Secret(_) => Some(Trait::Secret),
        }
    }
}

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusValue {
    /// The vendor does not say, or says something the spec's map does not name.
    #[default]
    Unknown,
    /// May be used.
    Enabled,
    /// Exists but may not be used.
    Disabled,
    /// Was removed, and the vendor still lists it.
    Deleted,
}

/// A status with the vendor's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The status.
    pub value: StatusValue,
    /// For example `invited`; at most 1,024 bytes.
    pub details: Option<String>,
}

/// Who is behind an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountType {
    /// The spec's map does not name what the vendor said.
    Unknown,
    /// A person.
    #[default]
    Human,
    /// A program.
    Service,
    /// The vendor itself.
    System,
}

/// One address of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserEmail {
    /// The address.
    pub address: String,
    /// At most one address of a user is primary.
    pub is_primary: bool,
}

/// What is known about a user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct User {
    /// Addresses, the primary one first.
    pub emails: Vec<UserEmail>,
    /// Whether the account may be used.
    pub status: Status,
    /// Who is behind it.
    pub account_type: AccountType,
    /// What the user signs in with.
    pub login: Option<String>,
    /// Other names of the same account.
    pub login_aliases: Vec<String>,
    /// Last time the user signed in.
    pub last_login: Option<Timestamp>,
    /// Whether a second factor is set up.
    pub mfa_enabled: Option<bool>,
    /// Whether the user signs in by single sign-on.
    pub sso_enabled: Option<bool>,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// Numbers of the employer.
    pub employee_ids: Vec<String>,
}

/// What is known about a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {}

/// What is known about a credential.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Secret {
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// Who made it.
    pub created_by: Option<ResourceRef>,
    /// Whom it authenticates.
    pub identity: Option<ResourceRef>,
}
