//! Operations, compiled: a tree of steps with what they mean and how they are proved.

use std::time::Duration;

use engine_model::OutcomeWord;

use crate::expression::Expression;
use crate::path::Path;

use super::{Node, Read, Request, Site, Value};

/// How long a change may take to show, where nothing is said.
pub const SHOWS_WITHIN: Duration = Duration::from_secs(10);
/// Time between two looks, where nothing is said.
pub const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// Something that changes the vendor.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Where it stands.
    pub site: Site,
    /// Guards.
    pub refuse: Vec<Refusal>,
    /// What is done.
    pub step: Step,
    /// How it is proved; nothing where the engine decides.
    pub verify: Option<Verify>,
    /// What it needs to know beside ids.
    pub needs: Needs,
}

/// What an operation reads of what it is done to, beside type, id and the parts of the id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Of the resource.
    pub resource: bool,
    /// Of the principal.
    pub principal: bool,
}

/// A guard.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Where this holds, nothing is sent.
    pub when: Expression,
    /// Why.
    pub say: String,
    /// Where it stands.
    pub site: Site,
}

/// A step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it stands.
    pub site: Site,
    /// Only where this holds.
    pub when: Option<Expression>,
    /// What is done.
    pub act: Act,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends a request that writes.
    Write(Box<Write>),
    /// Reads one row.
    LookUp {
        /// Number of the source among [`super::Plan::asks`].
        ask: usize,
        /// Its name for later steps.
        name: String,
        /// What it means that there is none; nothing where the steps go on.
        none: Option<Ending>,
        /// Whether the first of several is taken.
        first_of_many: bool,
    },
    /// The first whose `when` holds.
    Choose(Vec<Step>),
    /// All, in order.
    Steps(Vec<Step>),
    /// Reads a whole, changes one thing and writes it back.
    Edit(Box<Edit>),
    /// Ends.
    End(Ending),
}

/// A stated outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The outcome.
    pub is: OutcomeWord,
    /// What to say of it.
    pub say: Option<String>,
}

/// A request that writes, and what its answer means.
#[derive(Clone, Debug)]
pub struct Write {
    /// The request.
    pub request: Request,
    /// What the answer means; the first row that fits decides.
    pub outcomes: Vec<OutcomeRule>,
    /// Where the answer holds the resource.
    pub item: Option<Path>,
    /// Values of the answer for later steps.
    pub keep: Vec<(String, Value)>,
    /// Secrets of the answer by name.
    pub redact: Vec<(String, Path)>,
    /// Asks until it is through.
    pub wait: Option<WaitFor>,
    /// Header that carries an idempotency key, lower case.
    pub idempotency_key: Option<String>,
    /// Whether doing it twice is doing it once.
    pub repeatable: bool,
}

/// A condition on an answer and the outcome it means.
#[derive(Clone, Debug)]
pub struct OutcomeRule {
    /// Where it stands.
    pub site: Site,
    /// One of these statuses; empty for any.
    pub statuses: Vec<u16>,
    /// One of these vendor codes; empty for any.
    pub codes: Vec<String>,
    /// The message holds this, lower case.
    pub message: Option<String>,
    /// This holds, on `status`, `body`, `headers`.
    pub when: Option<Expression>,
    /// The outcome.
    pub is: OutcomeWord,
    /// What to say of it.
    pub say: Option<String>,
    /// How `already` is confirmed.
    pub confirm: Confirm,
    /// Whether the same may work later.
    pub retry_later: bool,
}

/// How `already` is confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirm {
    /// By what the operation's kind offers.
    Default,
    /// Not at all.
    No,
    /// The resource is found by this key.
    Find(String),
}

/// Asks until it is through.
#[derive(Clone, Debug)]
pub struct WaitFor {
    /// Not through while this holds.
    pub while_: Expression,
    /// The request that asks again.
    pub request: Request,
    /// Time between requests.
    pub every: Duration,
    /// Time after which the outcome is `pending`.
    pub limit: Duration,
}

/// How it is proved that an operation happened.
#[derive(Clone, Debug)]
pub enum Verify {
    /// Not at all.
    No,
    /// By reading.
    By(Box<VerifyBy>),
}

/// By reading.
#[derive(Clone, Debug)]
pub struct VerifyBy {
    /// Where it stands.
    pub site: Site,
    /// A request of its own, with the object that is `row`.
    pub read: Option<Read>,
    /// Holds on `row`.
    pub holds: Option<Expression>,
    /// Whether it must be gone.
    pub absent: Option<bool>,
    /// How long it may take to show.
    pub limit: Duration,
    /// Time between looks.
    pub every: Duration,
    /// The outcome where it does not show.
    pub otherwise: OutcomeWord,
}

/// Reads a whole, changes one thing and writes it back.
#[derive(Clone, Debug)]
pub struct Edit {
    /// How the whole is read.
    pub read: Read,
    /// The array that is changed, and how.
    pub list: Option<EditList>,
    /// Fields that are set.
    pub set: Vec<(Path, Node)>,
    /// How it is written back.
    pub write: Step,
    /// How a lost update is noticed.
    pub version: Option<Version>,
    /// Instead of `write` where there is nothing to read.
    pub create: Option<Step>,
    /// Instead of `write` where nothing would be left.
    pub empty: Option<Step>,
}

/// One element of an array that is added or removed.
#[derive(Clone, Debug)]
pub struct EditList {
    /// The array.
    pub path: Path,
    /// Whether a missing array is an empty one.
    pub absent_is_empty: bool,
    /// What makes an element the one that is meant.
    pub key: Vec<(Path, Value)>,
    /// What is added.
    pub element: Option<Node>,
    /// A list inside the element.
    pub within: Option<Box<EditList>>,
}

/// How a lost update is noticed.
#[derive(Clone, Debug)]
pub struct Version {
    /// Where it stands in the answer.
    pub of: VersionOf,
    /// The header that sends it, lower case.
    pub send: Option<String>,
    /// Statuses that mean that someone else was faster.
    pub lost: Vec<u16>,
    /// Whether there may be none.
    pub optional: bool,
}

/// Where a version stands.
#[derive(Clone, Debug)]
pub enum VersionOf {
    /// In a header, lower case.
    Header(String),
    /// In the whole.
    Field(Path),
}

/// An entitlement that is the value of a field.
#[derive(Clone, Debug)]
pub struct OneOf {
    /// Where it stands.
    pub site: Site,
    /// Whether it is the resource's field, not the principal's.
    pub of_resource: bool,
    /// The field.
    pub value: Value,
    /// The value that stands for the entitlement; without, its slug.
    pub is: Option<Value>,
    /// What a revoke sets.
    pub default: Option<engine_json::Value>,
    /// Values that are never changed.
    pub fixed: Vec<String>,
    /// How it is set.
    pub set: Step,
    /// How it is cleared.
    pub clear: Option<Step>,
    /// What the steps need to know.
    pub needs: Needs,
}

/// How one principal's grant is read.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Number of the source among [`super::Plan::asks`].
    pub ask: usize,
    /// Values of the row that are `held`.
    pub keep: Vec<(String, Value)>,
    /// What the source needs to know.
    pub needs: Needs,
}

/// A named operation.
#[derive(Clone, Debug)]
pub struct Action {
    /// Its key.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// What it does; may be empty.
    pub summary: String,
    /// What the user gives.
    pub inputs: Vec<super::Attribute>,
    /// Whether it destroys something.
    pub destroys: bool,
    /// What is done.
    pub operation: Operation,
}
