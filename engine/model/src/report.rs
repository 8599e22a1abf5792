//! What a run saw and whether that is everything: the completeness verdict, as data.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether the file holds everything the vendor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every list ended as the spec says it ends, and nothing is missing.
    Complete,
    /// The run came to its end, but something is missing; `problems` says what.
    Incomplete,
    /// The run stopped; `problems` says why.
    Failed,
}

/// Something that is missing or was noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Which list it is about, such as `resource team` or `grants of team:member`.
    pub list: String,
    /// What happened, in one sentence.
    pub what: String,
    /// Place in the spec that asked for it, `file:line:column`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spec: Option<String>,
    /// The request, secrets removed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request: Option<String>,
    /// How often.
    pub count: u64,
    /// Up to five examples.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub samples: Vec<String>,
    /// What to try.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
}

/// What was read for one resource type, or for the grants of one entitlement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListReport {
    /// Pages read.
    pub pages: u64,
    /// Rows seen in them.
    pub rows: u64,
    /// Records made of the rows.
    pub emitted: u64,
    /// Rows that the spec's own conditions leave out.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub filtered: u64,
    /// Rows that made no record, by reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub dropped: BTreeMap<String, u64>,
    /// Rows whose id had been seen before.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub duplicates: u64,
    /// How many rows the vendor announced, where it does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub announced: Option<u64>,
    /// Parents whose rows were asked for.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub parents_visited: u64,
    /// Lists, one for each parent, that could not be read.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub unread: u64,
    /// Records that were not written, as what they refer to is not there.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub dangling: u64,
    /// Values that no `map` names, by place.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub unknown_values: BTreeMap<String, u64>,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// How many records of each kind the file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Resource types.
    pub resource_types: u64,
    /// Resources.
    pub resources: u64,
    /// Entitlements.
    pub entitlements: u64,
    /// Grants.
    pub grants: u64,
}

/// What the wire carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Traffic {
    /// Requests sent, repetitions included.
    pub requests: u64,
    /// Requests that were sent again.
    pub retries: u64,
    /// Bytes of answers, decoded.
    pub bytes: u64,
    /// Seconds spent waiting because the vendor asked for it.
    pub waited_seconds: f64,
}

/// The report of one sync. Its JSON form is described by `schema/report.schema.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Version of this report's form.
    pub format: u32,
    /// Version of the engine.
    pub engine: String,
    /// The spec's id.
    pub spec: String,
    /// SHA-256 of the resolved spec, hexadecimal.
    pub spec_digest: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// RFC 3339, UTC.
    pub finished_at: String,
    /// Whether the run went on from an earlier one that had stopped.
    pub resumed: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// Why the verdict is not `complete`.
    pub problems: Vec<Problem>,
    /// What a careful reader wants to know although nothing is missing.
    pub notes: Vec<Problem>,
    /// What the file holds.
    pub totals: Totals,
    /// Per resource type.
    pub resources: BTreeMap<String, ListReport>,
    /// Per family of entitlements that is read, `type:family`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub entitlements: BTreeMap<String, ListReport>,
    /// Per entitlement, `type:slug`, or per type for grants that feed several.
    pub grants: BTreeMap<String, ListReport>,
    /// What the wire carried.
    pub traffic: Traffic,
    /// Optional paths of the spec that no row had, `file:line:column path`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub paths_never_found: Vec<String>,
    /// Keys of `map`s that no value hit, `file:line:column key`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub map_keys_never_hit: Vec<String>,
}

/// The JSON Schema (draft 2020-12) of a report.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Report).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), serde_json::Value::from("Report of a sync, format 1"));
    }
    schema
}
