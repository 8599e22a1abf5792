//! Provisioning: an order on the identity graph becomes requests, and the requests an outcome.
//!
//! ```text
//! order     what is to be done: create, update, …, grant, revoke, action
//! input     what the user gave, checked against the attributes of the spec
//! target    what an order is about, with the rules that apply
//! goal      whether what is wanted is so: before, instead of a lost answer, and after
//! verify    reading back until it shows
//! pair      one principal's grant as it is now
//! execution the steps of an operation, one after the other
//! write     one request, what its answer means, and what a lost answer means
//! one_of    a field whose value is what is held
//! edit      reading a whole, changing one thing in it, writing it back
//! outcome   how it ended, with everything there is to say
//! ```
//!
//! Only `write` sends what changes something, and only in [`Mode::Apply`]: a plan goes the same way
//! and shows the requests instead.

mod edit;
mod execution;
mod goal;
mod input;
mod one_of;
mod order;
mod outcome;
mod pair;
mod target;
mod verify;
mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use engine_json::Map;
use engine_model::OutcomeWord;
use engine_spec::plan::{Find, LookUp, Plan, Value};

use crate::environment::Environment;
use crate::http::{Clients, RequestErrorKind};
use crate::sync::SyncError;
use crate::sync::part::Reader;

pub use order::{Given, Order};
pub use outcome::{Audit, AuditEntry, NoAudit, Outcome, SecretText, ShownRequest, VendorWords};

use execution::Execution;
pub(crate) use goal::{same_attribute, shown};
use outcome::Ended;

/// Whether something is changed or only shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The requests that would change something are made and shown, and not sent.
    Plan,
    /// They are sent.
    Apply,
}

/// Carries out orders.
pub struct Provisioner {
    reader: Reader,
    audit: Arc<dyn Audit>,
    /// One lock for each whole that is being edited.
    edits: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Provisioner {
    /// Makes the captures and checks of a plan. `names` holds `config`.
    pub async fn open(
        plan: &Plan,
        clients: Clients,
        names: Map,
        environment: Arc<dyn Environment>,
        audit: Arc<dyn Audit>,
    ) -> Result<Self, SyncError> {
        let plan = Arc::new(prepared(plan));
        let reader = Reader::open(plan, clients, names, environment).await?;
        Ok(Self { reader, audit, edits: Mutex::default() })
    }

    /// The plan, with what provisioning adds to it.
    pub fn plan(&self) -> &Plan {
        &self.reader.plan
    }

    /// `config` and `start`.
    pub fn names(&self) -> &Map {
        &self.reader.names
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Carries out an order, or shows what that would be. Whatever goes wrong is an outcome.
    pub async fn perform(&self, order: &Order, mode: Mode) -> Outcome {
        let mut execution = Execution::new(self, order.clone(), mode);
        let ended = match execution.all().await {
            Ok(word) => Ended::settled(word),
            Err(ended) => *ended,
        };
        let outcome = execution.into_outcome(ended);
        if mode == Mode::Apply
            && let Err(reason) = self.audit.record(&AuditEntry::Ended(&outcome))
        {
            return outcome.unrecorded(&reason);
        }
        outcome
    }

    /// The lock of a whole that is edited.
    fn edit_lock(&self, whole: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut edits = self.edits.lock().unwrap_or_else(PoisonError::into_inner);
        edits.entry(whole.to_owned()).or_default().clone()
    }
}

/// Name under which a resource's scope holds an attribute; no author's name has a space.
pub(crate) fn attribute_key(name: &str) -> String {
    format!("attribute {name}")
}

/// Name of the table that finds the resources of a type by a key of its rows.
pub(crate) fn finder(kind: &str, key: &str) -> String {
    format!("find {kind} {key}")
}

/// Whether case matters not for a key: addresses are compared without it.
pub(crate) fn folds(said: bool, key: &str) -> bool {
    said || key == "email"
}

/// The plan with what provisioning needs to know of each row: its attributes, and the keys it is
/// found by.
fn prepared(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let mut finders = Vec::new();
    for (number, kind) in plan.types.iter_mut().enumerate() {
        for attribute in &kind.attributes {
            if let Some(read) = &attribute.read {
                let read = Value { optional: Some(true), ..read.clone() };
                kind.keep.push((attribute_key(attribute.name()), read));
            }
        }
        kind.scope_needed = true;
        for (key, find) in &kind.find {
            if let Find::Walk { key: value, fold_case } = find {
                finders.push(LookUp {
                    name: finder(&kind.id, key),
                    of: number,
                    keys: vec![Value { optional: Some(true), ..value.clone() }],
                    fold_case: folds(*fold_case, key),
                    site: kind.site.clone(),
                });
            }
        }
    }
    for finder in finders {
        if let Some(kind) = plan.types.get_mut(finder.of) {
            kind.look_ups.push(plan.look_ups.len());
        }
        plan.look_ups.push(finder);
    }
    plan
}

/// An outcome of what could not be read.
impl From<SyncError> for Box<Ended> {
    fn from(error: SyncError) -> Self {
        let mut ended = Ended::new(OutcomeWord::Failed, error.to_string());
        ended.hint = error.hint();
        if let SyncError::Request(request) = &error {
            ended.refused = request.kind == RequestErrorKind::Credentials;
            ended.unanswered = matches!(request.kind, RequestErrorKind::Vendor | RequestErrorKind::NotFound);
        }
        Box::new(ended)
    }
}
