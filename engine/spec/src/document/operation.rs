//! Operations: what changes the vendor, step by step, what its answers mean, and how it is proved.

use std::collections::BTreeMap;

use engine_model::OutcomeWord;
use schemars::JsonSchema;
use serde::Deserialize;

use super::resource::Read;
use super::value::Many;
use super::{ListSource, OneOrMany, Request, Value};

/// Something that changes the vendor: `{ request: "DELETE /v1/users/{{ resource.id }}" }`. In scope are `input` (what the user gave), `resource` (what it is done to), and for grants `principal`, `entitlement.slug` and `held` (the grant as it is now, with what `keep` keeps; none where there is none).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Operation {
    /// Guards, looked at before anything is sent: where one holds, the operation fails with its words.
    #[serde(default)]
    pub refuse: Vec<Refusal>,
    /// What is done.
    #[serde(flatten)]
    pub step: Step,
    /// How it is proved that it happened. Where nothing is said it is read back, if the spec knows how: a grant by its pair, a resource by `read`.
    #[serde(default)]
    pub verify: Option<Verify>,
}

/// `{ when: resource.id is same_id(start.me.user), say: this is the account the engine runs as }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Where this holds, nothing is sent.
    pub when: String,
    /// Why.
    pub say: String,
}

/// A step, such as `{ request: POST /v1/users, json: { … } }`: a `request` that writes, an `edit`, a `look_up`, a stated outcome (`is`), or others in `steps` or `choose`. Steps run on after `done` and `already`, and stop at every other outcome; `is` ends them all.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Step {
    /// Only where this holds. In `choose` it makes the choice; elsewhere the step is passed over.
    #[serde(default)]
    pub when: Option<String>,
    /// A request that writes: `request: POST /v1/users`.
    #[serde(flatten)]
    pub request: Request,
    /// Reads something that later steps need: one row, found as in a list and named by `as`.
    #[serde(default)]
    pub look_up: Option<Box<ListSource>>,
    /// Name of the row of `look_up`.
    #[serde(default)]
    pub r#as: Option<String>,
    /// What it means that `look_up` finds nothing; `failed` where nothing is said. `go_on` goes on without it: its name is none then.
    #[serde(default)]
    pub none: Option<NothingFound>,
    /// What it means that `look_up` finds several; an error where nothing is said.
    #[serde(default)]
    pub many: Option<Many>,
    /// One of these: the first whose `when` holds. That none does is an error.
    #[serde(default)]
    pub choose: Vec<Step>,
    /// All of these, one after the other.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// Reads a whole, changes one thing in it and writes it back.
    #[serde(default)]
    pub edit: Option<Box<Edit>>,
    /// The outcome, without a request.
    #[serde(default)]
    pub is: Option<OutcomeWord>,
    /// What to say of it.
    #[serde(default)]
    pub say: Option<String>,
    /// What the answer means; the first row that fits decides. Without one, 2xx is `done` and everything else `failed`.
    #[serde(default)]
    pub outcomes: Vec<OutcomeRule>,
    /// Where the answer holds the resource that was made, as a row of its type's list; the whole answer where nothing is said.
    #[serde(default)]
    pub item: Option<String>,
    /// Values of the answer that later steps need, by name.
    #[serde(default)]
    pub keep: BTreeMap<String, Value>,
    /// Secrets of the answer by name, such as `{ link: $.invitation.url }`: shown to the user once, never logged, traced or stored.
    #[serde(default)]
    pub redact: BTreeMap<String, String>,
    /// Asks until what was begun is through. The last answer goes through `outcomes`.
    #[serde(default)]
    pub wait: Option<WaitFor>,
    /// Sends a key by which the vendor knows a repetition; then a lost answer is asked for again.
    #[serde(default)]
    pub idempotency_key: Option<IdempotencyKey>,
    /// Doing it twice is doing it once, so a lost answer is asked for again.
    #[serde(default)]
    pub repeatable: bool,
}

/// `go_on`, `already`, or `{ is: failed, say: no such role }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum NothingFound {
    /// The steps go on.
    GoOn(GoOnWord),
    /// The operation ends.
    End(Ending),
}

/// The word `go_on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GoOnWord {
    /// The steps go on.
    GoOn,
}

/// `already`, or `{ is: failed, say: no such role }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Ending {
    /// The outcome.
    Word(OutcomeWord),
    /// With what to say of it.
    Said(SaidOutcome),
}

/// `{ is: failed, say: no such role }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SaidOutcome {
    /// The outcome.
    pub is: OutcomeWord,
    /// What to say of it.
    pub say: String,
}

/// `{ status: 404, is: already }`: a condition on an answer and the outcome it means. All that is said must hold.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeRule {
    /// One of these statuses.
    #[serde(default)]
    pub status: Option<OneOrMany<u16>>,
    /// One of these vendor codes, found by the client's `answers.code`.
    #[serde(default)]
    pub code: Option<OneOrMany<String>>,
    /// The vendor's message holds this text, in any case.
    #[serde(default)]
    pub message: Option<String>,
    /// An expression on `status`, `body` and `headers`.
    #[serde(default)]
    pub when: Option<String>,
    /// The outcome.
    pub is: OutcomeWord,
    /// What to say of it.
    #[serde(default)]
    pub say: Option<String>,
    /// How `already` is confirmed before it is believed: `{ find: email }` for a resource that is made. A grant is confirmed by its pair and a resource by `read` where nothing is said; `none` believes the vendor. What is not confirmed goes on to the next row.
    #[serde(default)]
    pub confirm: Option<Confirm>,
    /// `later`: what it depends on is not there yet, and the same may work later.
    #[serde(default)]
    pub retry: Option<RetryWord>,
}

/// How `already` is confirmed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Confirm {
    /// Not at all.
    Word(NoneWord),
    /// The resource is found by a key of its type's `find`, with the input of that name.
    Find(ConfirmFind),
}

/// `{ find: email }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmFind {
    /// The key.
    pub find: String,
}

/// The word `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoneWord {
    /// None.
    None,
}

/// The word `later`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetryWord {
    /// Later.
    Later,
}

/// `{ header: Idempotency-Key }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdempotencyKey {
    /// The header that carries it.
    pub header: String,
}

/// `{ while: body.state == 'running', get: "/operations/{{ body.id }}", every: 2s, for: 2m }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct WaitFor {
    /// It is not through while this expression on `status` and `body` holds.
    pub r#while: String,
    /// The request that asks again; `body` is the answer before, `first` the answer to the write.
    #[serde(flatten)]
    pub request: Request,
    /// Time between two requests, such as `2s`; one second where nothing is said.
    #[serde(default)]
    pub every: Option<String>,
    /// Time after which the outcome is `pending`.
    pub r#for: String,
}

/// `none`, or how it is proved that an operation happened.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Verify {
    /// Not at all: the vendor's answer is believed.
    Word(NoneWord),
    /// By reading.
    By(Box<VerifyBy>),
}

/// `{ for: 20s, else: pending }`, or with a request of its own: `{ get: "/users/{{ resource.id }}", holds: row.locked is true }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct VerifyBy {
    /// A request of its own, instead of reading back the grant or the resource.
    #[serde(flatten)]
    pub request: Request,
    /// The object that is `row`; the whole answer where nothing is said.
    #[serde(default)]
    pub item: Option<String>,
    /// Holds where it happened, an expression on `row`: what was read back.
    #[serde(default)]
    pub holds: Option<String>,
    /// Whether what is read must be gone rather than be there, where that does not follow from the operation.
    #[serde(default)]
    pub absent: Option<bool>,
    /// How long it may take to show; 10 seconds where nothing is said.
    #[serde(default)]
    pub r#for: Option<String>,
    /// Time between two looks; one second where nothing is said.
    #[serde(default)]
    pub every: Option<String>,
    /// The outcome where it does not show in time: `failed` where nothing is said, or `pending`.
    #[serde(default)]
    pub r#else: Option<OutcomeWord>,
}

/// Reads a whole, changes one thing in it and writes it back; everything else in it stays as it was. A grant adds to `list`, a revoke removes from it; `set` changes single fields. Edits of one object are made one after the other.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// How the whole is read.
    pub read: Read,
    /// The array in it that is changed.
    #[serde(default)]
    pub list: Option<String>,
    /// What a missing or null array means; an error where nothing is said, as writing it would take away what it hides.
    #[serde(default)]
    pub absent: Option<super::source::AbsentItems>,
    /// What makes an element the one that is meant: `{ $.role_id: "{{ resource.id }}" }`, or `{ $: "{{ principal.id }}" }` where elements are plain values. Compared as text.
    #[serde(default)]
    pub key: BTreeMap<String, Value>,
    /// The element that is added; the value of `key` where elements are plain values and nothing is said.
    #[serde(default)]
    pub element: Option<engine_json::Value>,
    /// The change is made in a list inside the element that `key` finds; where there is none, `element` is added first.
    #[serde(default)]
    pub within: Option<Within>,
    /// Fields of the whole and what they become: `{ $.role: "{{ input.role }}" }`.
    #[serde(default)]
    pub set: BTreeMap<String, engine_json::Value>,
    /// How it is written back. In scope are `before` and `after` (the list), and `whole` (what was read, with the change made).
    pub write: Box<Step>,
    /// How a change that someone else made in between is noticed.
    #[serde(default)]
    pub version: Option<Version>,
    /// What is done instead of `write` where there is nothing to read yet.
    #[serde(default)]
    pub create: Option<Box<Step>>,
    /// What is done instead of `write` where nothing would be left in the list.
    #[serde(default)]
    pub empty: Option<Box<Step>>,
}

/// `{ list: $.groups, key: { $: "{{ resource.id }}" }, element: "{{ resource.id }}" }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// The array inside the element.
    pub list: String,
    /// What makes one of its elements the one that is meant.
    pub key: BTreeMap<String, Value>,
    /// The element that is added.
    pub element: engine_json::Value,
}

/// `{ of: { header: etag }, send: { header: If-Match } }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// Where the version stands in the answer that was read.
    pub of: VersionOf,
    /// Where the write sends it; also in scope as `version`.
    #[serde(default)]
    pub send: Option<VersionSend>,
    /// Statuses that mean that someone else was faster; 409 and 412 where nothing is said.
    #[serde(default)]
    pub lost: Option<OneOrMany<u16>>,
    /// Whether an answer may come without a version; reading back then has to do.
    #[serde(default)]
    pub optional: bool,
}

/// `{ header: etag }` or `{ field: $.meta.version }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum VersionOf {
    /// A header of the answer.
    Header(VersionHeader),
    /// A field of the whole.
    Field(VersionField),
}

/// `{ header: etag }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionHeader {
    /// Its name.
    pub header: String,
}

/// `{ field: $.meta.version }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionField {
    /// Its path.
    pub field: String,
}

/// `{ header: If-Match }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionSend {
    /// The header.
    pub header: String,
}

/// An entitlement of which a principal holds one at most, as the value of a field: granting it replaces the one held, revoking it sets the default.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OneOf {
    /// Whose field it is, read by its type's `read`; the principal's where nothing is said.
    #[serde(default)]
    pub of: Option<OneOfWhose>,
    /// The field, a path on the row.
    pub value: Value,
    /// The value that stands for this entitlement; its slug where nothing is said.
    #[serde(default)]
    pub is: Option<Value>,
    /// The value that a revoke sets.
    #[serde(default)]
    pub default: Option<engine_json::Value>,
    /// Values that are never changed, such as that of an owner.
    #[serde(default)]
    pub fixed: Vec<engine_json::Value>,
    /// How the field is set; the new value is `value`.
    pub set: Box<Step>,
    /// How the field is cleared, where a revoke has no default to set.
    #[serde(default)]
    pub clear: Option<Box<Step>>,
}

/// Whose field it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OneOfWhose {
    /// The principal's.
    Principal,
    /// The resource's.
    Resource,
}

/// How one principal's grant is read: `{ get: "/teams/{{ resource.id }}/members/{{ principal.id }}", item: $ }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Pair {
    /// The source; `match` what comes with `principal.id` or `resource.id` once more.
    #[serde(flatten)]
    pub source: ListSource,
    /// Values of the row that are `held`; those of the grants' `keep` where nothing is said.
    #[serde(default)]
    pub keep: BTreeMap<String, Value>,
}

/// A named operation: `engine action NAME --on TYPE:ID`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Action {
    /// What people call it.
    #[serde(default)]
    pub name: Option<String>,
    /// What it does, in one sentence.
    #[serde(default)]
    pub summary: Option<String>,
    /// What the user gives, by name.
    #[serde(default)]
    pub inputs: BTreeMap<String, super::Attribute>,
    /// Whether it destroys something, so that it is asked about first.
    #[serde(default)]
    pub destroys: bool,
    /// What is done.
    #[serde(flatten)]
    pub operation: Operation,
}
