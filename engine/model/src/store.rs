//! Where a sync puts what it reads. One [`Page`] is one transaction: its records, its progress
//! marks and its counts become durable together or not at all, which is what lets a killed run
//! go on without losing or repeating a row.

use std::collections::BTreeMap;

use crate::{Entitlement, Grants, Resource, ResourceType};

/// What could not be stored.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{doing}: {reason}")]
pub struct StoreError {
    /// What was being done, for example `writing a page to sync.c1z.partial`.
    pub doing: String,
    /// Why it failed, in the words of the layer below.
    pub reason: String,
    /// What to try.
    pub hint: Option<String>,
}

/// How far a task has come. Tasks and their states are the executor's own; a store keeps them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Name of the task, stable for one plan, such as `list:team:0`.
    pub task: String,
    /// Which run of the task: the sequence numbers of the scope rows it is for; empty for one run.
    pub key: String,
    /// The executor's state, opaque text.
    pub state: String,
}

/// A resource as the requests and rules of later tasks see it (`resource.id`, `parent.login`).
#[derive(Clone, Debug, PartialEq)]
pub struct ScopeRow {
    /// Its place within its type: pages in the order in which they came; given by the store.
    pub sequence: i64,
    /// The scope object.
    pub scope: engine_json::Value,
}

/// An addition to a counter that outlives a resumed run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// What is counted, such as `resource account`.
    pub list: String,
    /// Which count, such as `rows` or `dropped: role is absent`.
    pub name: String,
    /// How many.
    pub add: i64,
}

/// Everything one page brought.
#[derive(Debug, Default)]
pub struct Page {
    /// The place of the page's list among the lists of the same type. Of two resources or entitlements
    /// with one id the one of the lower rank stays, and of one rank the one that came first: what is
    /// stored must not depend on which answer came first.
    pub rank: String,
    /// Resources, each with the scope object to keep for later tasks, if any task needs it.
    pub resources: Vec<(Resource, Option<engine_json::Value>)>,
    /// Entitlements.
    pub entitlements: Vec<Entitlement>,
    /// Grants, not settled yet.
    pub grants: Grants,
    /// Entries of look-up tables: table, key, resource id.
    pub look_ups: Vec<(String, String, String)>,
    /// Progress that holds once the page is stored. An existing mark of the same task and key is replaced.
    pub marks: Vec<Mark>,
    /// Counts.
    pub tallies: Vec<Tally>,
    /// For each type of the page's resources, the count that grows for each that had been stored before.
    pub repeated_resources: BTreeMap<String, Tally>,
    /// The count that grows for each grant that had been stored before.
    pub repeated_grants: Option<Tally>,
    /// The count that grows for each entitlement that had been stored before with other content.
    pub conflicting_entitlements: Option<Tally>,
}

/// Resources of one type whose parent is not in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingParents {
    /// Id of the type of the resources.
    pub resource_type: String,
    /// How many.
    pub count: u64,
    /// Up to five of the missing parents, `type:id`, sorted.
    pub samples: Vec<String>,
}

/// Grants of one rule whose reference points at nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dangling {
    /// The grant rule.
    pub rule: u32,
    /// Whether the spec expects such references.
    pub expected: bool,
    /// What is missing: `true` for the principal, `false` for the entitlement.
    pub principal_missing: bool,
    /// How many.
    pub count: u64,
    /// Up to five of the missing ids, sorted.
    pub samples: Vec<String>,
}

/// A durable place for the records and the progress of one sync.
pub trait Store: Send {
    /// Declares the resource types. Called once before the first page; the same types again on a
    /// resumed run change nothing.
    fn declare(&mut self, types: &[ResourceType]) -> Result<(), StoreError>;

    /// Stores pages in one transaction: all of them, or none. After an error the run must not go on with
    /// this store; the next run finds out which it was.
    fn commit_all(&mut self, pages: Vec<Page>) -> Result<(), StoreError>;

    /// Stores one page.
    fn commit(&mut self, page: Page) -> Result<(), StoreError> {
        self.commit_all(vec![page])
    }

    /// All progress marks, for a run that goes on.
    fn marks(&self) -> Result<Vec<Mark>, StoreError>;

    /// Counters, summed over all pages so far, sorted by list and name. What had been stored before is
    /// counted when the store is settled.
    fn tallies(&self) -> Result<Vec<Tally>, StoreError>;

    /// Scope rows of a type with a sequence above `after`, ascending, at most `limit`.
    fn scope_rows(&self, resource_type: &str, after: i64, limit: usize) -> Result<Vec<ScopeRow>, StoreError>;

    /// The distinct resource ids that a look-up table holds under a key, sorted; at most three.
    fn look_up(&self, table: &str, key: &str) -> Result<Vec<String>, StoreError>;

    /// Settles principals with several candidate types, sets aside grants whose reference points
    /// at nothing, and says which those are. Called when all lists are in; may be called again.
    fn settle(&mut self) -> Result<Vec<Dangling>, StoreError>;

    /// Resources whose parent is not in the store, per type, sorted. They are written with their
    /// parent all the same: readers show them.
    fn missing_parents(&mut self) -> Result<Vec<MissingParents>, StoreError>;

    /// Number of resources per type, entitlements per type, and settled grants per type, sorted.
    fn totals(&mut self) -> Result<Vec<(String, u64, u64, u64)>, StoreError>;
}
