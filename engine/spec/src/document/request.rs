//! Requests: method, path and what goes with them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{OneOrMany, Value};

/// A request. What is interpolated into a path is one percent-encoded segment, into a query one value.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Request {
    /// Name of the client that sends it, where there are several.
    #[serde(default)]
    pub client: Option<String>,
    /// Path of a GET request, below the client's `base_url`.
    #[serde(default)]
    pub get: Option<String>,
    /// Path of a POST request that reads.
    #[serde(default)]
    pub post: Option<String>,
    /// Any other method and path: `LIST /v1/policies`.
    #[serde(default)]
    pub request: Option<String>,
    /// Query parameters. A list repeats the parameter; an absent optional value leaves it out. Keys are never paths.
    #[serde(default)]
    pub query: BTreeMap<String, QueryValue>,
    /// Headers, beside those of the client.
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
    /// A JSON body: a structure whose leaves are values. `{ optional: … }` leaves out what is absent, `{ when: …, then: … }` what does not apply; `{ each: …, then: … }` makes a piece for each element of a list, which is `row` in it. A map with one of `coalesce`, `join`, `cases`, `pick`, `look_up`, `quote`, `literal`, or with `from` beside `map`, `as` or `default`, is that construct; `{ literal: … }` sends it as it stands.
    #[serde(default)]
    pub json: Option<engine_json::Value>,
    /// A form body (`application/x-www-form-urlencoded`).
    #[serde(default)]
    pub form: BTreeMap<String, QueryValue>,
    /// A GraphQL query, sent as JSON.
    #[serde(default)]
    pub graphql: Option<Graphql>,
}

/// A request that stands alone.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RequestAlone {
    /// The request.
    #[serde(flatten)]
    pub request: Request,
}

/// One value, or several for a repeated parameter. `{ optional: … }` may be absent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum QueryValue {
    /// Left out where it is absent.
    Optional(OptionalValue),
    /// One or several.
    Values(OneOrMany<Value>),
}

/// `{ optional: "{{ page.cursor }}" }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionalValue {
    /// The value.
    pub optional: Value,
}

/// `{ query: "query($after: String) { … }", variables: { after: { optional: "{{ page.cursor }}" } } }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Graphql {
    /// The query text; never a template.
    pub query: String,
    /// Typed variables; an optional one that is absent is left out.
    #[serde(default)]
    pub variables: BTreeMap<String, engine_json::Value>,
}
