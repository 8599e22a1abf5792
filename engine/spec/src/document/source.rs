//! Sources of rows: requests, constants, the rows of another type, and the row pipeline.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::value::Missing;
use super::{OneOrMany, Pages, Request, Value};

/// Where the rows of a resource type come from.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ListSource {
    /// The request, if the rows are asked for.
    #[serde(flatten)]
    pub request: Request,
    /// How the answer becomes rows.
    #[serde(flatten)]
    pub rows: Rows,
}

/// How an answer becomes rows: repeat, take, detail, `let`, `match` and `where`, `unnest`, `dedupe_by`, in this order. `row` is the row, `body` the whole answer it came in.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Rows {
    /// Constant rows instead of a request.
    #[serde(default, rename = "rows")]
    pub constant: Option<Vec<engine_json::Value>>,
    /// The rows of another resource type, as they pass; no request of its own.
    #[serde(default)]
    pub each_row: Option<String>,
    /// Repeats the request for each element of a list: `{ state: [active, pending] }`, `{ region: "{{ config.regions }}" }`, or for each resource of a type: `{ org: { of: organization } }`.
    #[serde(default)]
    pub for_each: BTreeMap<String, ForEach>,
    /// The source is used only where this holds; an expression on `config`, `start` and what it is repeated for.
    #[serde(default)]
    pub when: Option<String>,
    /// The array whose elements are rows. Several paths: the first that is there.
    #[serde(default)]
    pub items: Option<Items>,
    /// The object that is the one row.
    #[serde(default)]
    pub item: Option<String>,
    /// The object whose members are rows, as `row.key` and `row.value`.
    #[serde(default)]
    pub entries: Option<String>,
    /// Arrays of values with the names of their columns; each becomes an object.
    #[serde(default)]
    pub columns: Option<Columns>,
    /// A request per row, or per batch of rows, that knows more about it.
    #[serde(default)]
    pub detail: Option<Detail>,
    /// Named values of the row, for templates, expressions and the rules that are fed by the rows. A path that can yield many is a list.
    #[serde(default)]
    pub r#let: BTreeMap<String, Value>,
    /// Keeps the rows in which each path has exactly this id.
    #[serde(default)]
    pub r#match: BTreeMap<String, Value>,
    /// Keeps the rows for which this expression holds.
    #[serde(default)]
    pub r#where: Option<String>,
    /// Makes a row of each element of a list inside the row.
    #[serde(default)]
    pub unnest: Option<Box<Unnest>>,
    /// Of rows with the same value, keeps the first.
    #[serde(default)]
    pub dedupe_by: Option<Value>,
    /// What answers other than success mean: `{ 404: no_rows, 403: incomplete }`. They are looked at before the client's, and for every page. A rule without `status` speaks only of answers that are errors.
    #[serde(default)]
    pub statuses: Option<Statuses>,
    /// How the list goes on and ends, where it is not as the client says.
    #[serde(default)]
    pub pages: Option<Pages>,
    /// Asks again until an answer that is not ready yet is.
    #[serde(default)]
    pub wait: Option<Wait>,
}

impl Rows {
    /// Whether there may be more than one row.
    pub fn has_many(&self) -> bool {
        self.items.is_some() || self.each_row.is_some() || self.entries.is_some() || self.columns.is_some()
    }
}

/// `$.items`, `[ $.Resources, $.data ]`, or `{ at: $.Resources, absent: no_rows }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Items {
    /// A path, or several of which the first that is there counts.
    At(OneOrMany<String>),
    /// With what it means that there is none.
    Rule(ItemsRule),
}

/// `{ at: $.Resources, absent: no_rows }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemsRule {
    /// A path, or several of which the first that is there counts.
    pub at: OneOrMany<String>,
    /// What a missing or null array means; an error where nothing is said.
    pub absent: AbsentItems,
}

/// What a missing or null array means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AbsentItems {
    /// There are no rows.
    NoRows,
}

/// What a source is repeated for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ForEach {
    /// Constants.
    Constants(Vec<engine_json::Value>),
    /// The resources of a type.
    Of(ForEachOf),
    /// A template that yields a list.
    Value(String),
}

/// `{ of: organization }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForEachOf {
    /// The resource type.
    pub of: String,
}

/// `{ names: "$.resultSetMetaData.rowType[*].name", rows: $.data }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// The names: a path that yields many, or a template that yields a list.
    pub names: Value,
    /// The array of arrays.
    pub rows: String,
}

/// A request per row. Its answer becomes the row, and the row of the list is `listed`; or it gets a name with `as`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Detail {
    /// The request; `row` is the row of the list.
    #[serde(flatten)]
    pub request: Request,
    /// The part of the answer that is the detail; the whole where nothing is said.
    #[serde(default)]
    pub item: Option<String>,
    /// Name under which templates and expressions find the detail; the row stays what it is.
    #[serde(default)]
    pub r#as: Option<String>,
    /// Asks for many rows at once.
    #[serde(default)]
    pub batch: Option<Batch>,
    /// What answers other than success mean; `no_rows` drops the row.
    #[serde(default)]
    pub statuses: Option<Statuses>,
    /// Asked only for rows for which this expression holds.
    #[serde(default)]
    pub when: Option<String>,
}

/// `{ size: 100, id: $.id, items: $.resources, key: $.id }`; the request names the ids as `batch`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Rows per request; a batch does not reach beyond its page.
    #[schemars(range(min = 1, max = 10_000))]
    pub size: u32,
    /// The id of a row of the list.
    pub id: Value,
    /// The array of details in the answer.
    pub items: String,
    /// The id inside a detail.
    pub key: Value,
}

/// `{ of: $.members, outer: team }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unnest {
    /// The list, or with `entries: true` the object.
    pub of: Value,
    /// Name under which the outer row stays reachable.
    #[serde(default)]
    pub outer: Option<String>,
    /// Whether `of` is an object whose members become rows, as `row.key` and `row.value`.
    #[serde(default)]
    pub entries: bool,
    /// What a missing or null list means; an error where nothing is said.
    #[serde(default)]
    pub absent: Option<AbsentItems>,
    /// Named values of the inner row.
    #[serde(default)]
    pub r#let: BTreeMap<String, Value>,
    /// Keeps the inner rows for which this expression holds.
    #[serde(default)]
    pub r#where: Option<String>,
    /// Goes one level deeper.
    #[serde(default)]
    pub unnest: Option<Box<Unnest>>,
}

/// `{ while: status == 202, get: "/statements/{{ body.handle }}", every: 1s, for: 60s }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Wait {
    /// The answer is not ready while this expression on `status` and `body` holds.
    pub r#while: String,
    /// The request that asks again; `body` is the answer before.
    #[serde(flatten)]
    pub request: Request,
    /// Time between two requests, such as `1s`.
    #[serde(default)]
    pub every: Option<String>,
    /// Time after which the request fails, such as `5m`.
    pub r#for: String,
}

/// What answers mean: by status, or rows of conditions of which the first that fits decides.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Statuses {
    /// `{ 404: no_rows, 403: incomplete, 410: { fail: … } }`
    ByStatus(BTreeMap<String, Meaning>),
    /// `[ { status: 422, code: "003001", is: no_rows } ]`
    Rules(Vec<StatusRule>),
}

/// What an answer means for a read.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Meaning {
    /// One of the words.
    Word(MeaningWord),
    /// The sync stops, with these words.
    Fail(Fail),
}

/// `{ fail: "the organization id is wrong" }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fail {
    /// What to say.
    pub fail: String,
}

/// What an answer means for a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeaningWord {
    /// There are none; noted in the report.
    NoRows,
    /// They could not be read: the sync goes on and is incomplete.
    Incomplete,
    /// The request is repeated later, as after a 503.
    Retry,
}

/// A condition on an answer and what it means. All that is said must hold.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusRule {
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
    /// What it means.
    pub is: Meaning,
}

/// A request that proves the connection and the configured scope.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Check {
    /// The request.
    #[serde(flatten)]
    pub request: Request,
    /// The array to look in, for `some`.
    #[serde(default)]
    pub items: Option<Items>,
    /// Holds for at least one element, as `row`.
    #[serde(default)]
    pub some: Option<String>,
    /// Holds for the answer, as `body`.
    #[serde(default)]
    pub holds: Option<String>,
    /// What to say where it does not hold.
    #[serde(default)]
    pub say: Option<String>,
    /// What answers other than success mean.
    #[serde(default)]
    pub statuses: Option<Statuses>,
    /// Used only where this expression on `config` holds.
    #[serde(default)]
    pub when: Option<String>,
}

/// A request made once at the start; what it keeps is `start.<name>.<key>` everywhere.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Start {
    /// The request.
    #[serde(flatten)]
    pub request: Request,
    /// What is kept of the answer.
    pub keep: BTreeMap<String, Value>,
    /// What answers other than success mean.
    #[serde(default)]
    pub statuses: Option<Statuses>,
}

/// `{ of: user, key: $.email, fold: case }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LookUp {
    /// The resource type whose ids are found.
    pub of: String,
    /// The key, or several keys, of one of its rows.
    pub key: OneOrMany<Value>,
    /// How keys are compared; exactly where nothing is said.
    #[serde(default)]
    pub fold: Option<Fold>,
    /// What a key that is not there means where the use says nothing.
    #[serde(default)]
    pub missing: Option<Missing>,
}

/// How keys are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fold {
    /// Upper and lower case are the same.
    Case,
}
