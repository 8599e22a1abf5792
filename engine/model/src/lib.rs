//! The words everything else speaks: the identity graph, where it is put, and what a run reports.
//!
//! ```text
//! resource     resource types, resources and their traits
//! entitlement  what can be held on a resource
//! grant        who holds it: entitlement + principal; grants, those of a page
//! outcome      how an operation that changes the vendor ended
//! store        the Store trait: one page in, one transaction; read back parents and look-ups
//! report       what a run saw, and the completeness verdict
//! ```
//!
//! Values go in here already checked by a spec's plan; nothing in this crate does I/O, knows a
//! file format, or knows a vendor.

pub mod entitlement;
pub mod grant;
pub mod grants;
pub mod outcome;
pub mod report;
pub mod resource;
pub mod store;

pub use entitlement::{Entitlement, EntitlementRef, Purpose};
pub use grant::{Expansion, Grant, MissingReference, Principal};
pub use grants::{GrantView, Grants, NewGrant, Terms};
pub use outcome::OutcomeWord;
pub use report::{ListReport, Problem, Report, Totals, Traffic, Verdict};
pub use resource::{
    AccountType, Group, Profile, Resource, ResourceRef, ResourceType, Secret, Status, StatusValue, Trait, TraitData,
    User, UserEmail,
};
pub use store::{Dangling, Mark, MissingParents, Page, ScopeRow, Store, StoreError, Tally};
