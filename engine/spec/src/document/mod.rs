//! What an author writes: the language, format 1, as serde types. Their doc comments are the
//! reference: the JSON Schema, `schema/reference.md` and editors' hover texts come from them.
//!
//! Text stays text here. A path that does not parse or a name that is not defined is found by
//! `check`, which turns a document into a plan.

pub mod attribute;
pub mod auth;
pub mod client;
pub mod config;
pub mod entitlement;
pub mod operation;
pub mod page;
pub mod request;
pub mod resource;
pub mod source;
pub mod value;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub use attribute::Attribute;
pub use auth::Auth;
pub use client::Client;
pub use config::ConfigField;
pub use entitlement::{Entitlement, GrantSource};
pub use operation::Operation;
pub use page::Pages;
pub use request::Request;
pub use resource::ResourceType;
pub use source::{ListSource, Rows};
pub use value::Value;

/// One or several of the same thing.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum OneOrMany<T> {
    /// Several, in order.
    Many(Vec<T>),
    /// One.
    One(T),
}

impl<T> OneOrMany<T> {
    /// The things with their place below the slot: empty for one alone, `/0`, `/1`, … for several.
    pub fn each(&self) -> Vec<(String, &T)> {
        match self {
            Self::One(one) => vec![(String::new(), one)],
            Self::Many(many) => many.iter().enumerate().map(|(i, x)| (format!("/{i}"), x)).collect(),
        }
    }
}

/// A connector: how one vendor's identity data is read, in one YAML file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Version of the language. This engine reads format `1`.
    #[schemars(range(min = 1, max = 1))]
    pub format: u32,
    /// Short name of the connector: lower-case letters, digits and `-`. Environment variables begin with `BATON_` and this name.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]{0,62}$"))]
    pub id: String,
    /// The vendor's name for people.
    pub name: String,
    /// One sentence on what the connector reads and writes.
    #[serde(default)]
    pub summary: Option<String>,
    /// The vendor's API documentation, `https`.
    #[serde(default)]
    pub docs: Option<String>,
    /// What a user should know before relying on it: unverified endpoints, plans, limits.
    #[serde(default)]
    pub notes: Vec<String>,
    /// A fragment that this spec builds on, such as `scim2`, with options: `use: { scim2: { page_size: 50 } }`.
    #[serde(default)]
    pub r#use: Option<Use>,
    /// What a user must provide, by name. A field `api_token` of the spec `acme` is read from `BATON_ACME_API_TOKEN`.
    #[serde(default)]
    pub config: BTreeMap<String, ConfigField>,
    /// The client named `default`; the only one for most specs.
    #[serde(default)]
    pub http: Option<Client>,
    /// Further clients by name, for other hosts or credentials. Requests choose one with `client:`; the one named `default` needs no choosing.
    #[serde(default)]
    pub clients: BTreeMap<String, Client>,
    /// Requests that prove, before anything is written, that the credentials work and the configured scope is right.
    #[serde(default)]
    pub check: Option<OneOrMany<source::Check>>,
    /// Tables that find a resource by something other than its id.
    #[serde(default)]
    pub lookups: BTreeMap<String, source::LookUp>,
    /// The resource types by id.
    #[schemars(length(min = 1))]
    #[serde(default)]
    pub resources: BTreeMap<String, ResourceType>,
}

/// The fragment a spec builds on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Use {
    /// The fragment's name; its options keep their defaults.
    Name(String),
    /// The fragment's name with options: `{ scim2: { page_size: 50 } }`.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
    WithOptions(BTreeMap<String, BTreeMap<String, engine_json::Value>>),
}

/// A part of a spec that several vendors share, with typed options.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fragment {
    /// Its name.
    pub fragment: String,
    /// What it gives, in one sentence.
    pub summary: String,
    /// The options a spec may set, used in the fragment as `{{ options.name }}`.
    #[serde(default)]
    pub options: BTreeMap<String, FragmentOption>,
    /// The spec keys it contributes; what the spec says itself goes first.
    pub spec: BTreeMap<String, engine_json::Value>,
}

/// One option of a fragment.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FragmentOption {
    /// What it changes.
    pub help: String,
    /// The value where a spec sets none; its type is the option's type.
    pub default: engine_json::Value,
    /// The values it may have.
    #[serde(default)]
    pub choices: Vec<engine_json::Value>,
}
