//! Push: brings a vendor to a wanted state. What is wanted is compared with what is there, the
//! differences become changes, and the changes orders.
//!
//! ```text
//! wanted   what a file wants, row by row, against the spec's attributes
//! survey   what the vendor has: resources with their attributes, memberships
//! compare  the changes that lead from one to the other; keys and memberships are parts of it
//! apply    the changes carried out, several at a time, in an order that takes nothing away first
//! ```
//!
//! A push keeps nothing between runs: one that was stopped is repeated, and plans what is left.

mod apply;
mod compare;
mod keys;
mod memberships;
mod survey;
mod wanted;

use engine_model::ResourceRef;

use crate::provision::Order;

pub use apply::{Applied, Pace, apply};
pub use compare::{Limit, compare};
pub use survey::{Survey, survey};
pub use wanted::{Row, Section, Wanted};

/// What leads from what is there to what is wanted.
#[derive(Debug, Default)]
pub struct PushPlan {
    /// The changes, in the order in which they are carried out.
    pub changes: Vec<Change>,
    /// Why it cannot be carried out.
    pub problems: Vec<String>,
    /// What a user should know.
    pub notes: Vec<String>,
    /// What could not be read, and so not be compared.
    pub gap: Option<String>,
}

/// One change.
#[derive(Clone, Debug)]
pub struct Change {
    /// What kind it is.
    pub kind: ChangeKind,
    /// What it is about, for people.
    pub label: String,
    /// What differs.
    pub details: Vec<String>,
    /// What is to be done.
    pub deed: Deed,
}

/// What kind a change is; also the order in which changes are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// A resource is made.
    Create,
    /// Attributes change.
    Update,
    /// A resource is made usable again.
    Reactivate,
    /// A group gets a member.
    AddMember,
    /// A group loses a member.
    RemoveMember,
    /// A resource is made unusable.
    Deactivate,
    /// A resource is removed.
    Delete,
}

impl ChangeKind {
    /// All kinds, in order.
    pub const ALL: [Self; 7] = [
        Self::Create,
        Self::Update,
        Self::Reactivate,
        Self::AddMember,
        Self::RemoveMember,
        Self::Deactivate,
        Self::Delete,
    ];

    /// What people read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Reactivate => "reactivate",
            Self::AddMember => "add member",
            Self::RemoveMember => "remove member",
            Self::Deactivate => "deactivate",
            Self::Delete => "delete",
        }
    }

    /// Whether it takes something away from somebody.
    pub fn removes(self) -> bool {
        matches!(self, Self::RemoveMember | Self::Deactivate | Self::Delete)
    }
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Deed {
    /// An order that names what is there.
    Order(Order),
    /// A resource is made, and other changes name it by this number.
    Create(Order, usize),
    /// A grant or a revoke; either side may be made by this very push.
    Member {
        /// Whether it is granted.
        grants: bool,
        /// The group.
        group: Key,
        /// The slug.
        slug: String,
        /// Who gets or loses it.
        principal: Key,
    },
}

/// A resource that is there, or one that is made by the push.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// It is there.
    There(ResourceRef),
    /// It is made: the number of its create.
    Made(usize),
}
