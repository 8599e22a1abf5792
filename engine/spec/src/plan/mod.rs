//! What the engine runs: a spec that has been read, checked and compiled. A plan that exists can
//! run: every path is parsed, every template compiled, every reference resolved to a number, and
//! every value knows the line of the spec that asked for it.

mod attribute;
mod auth;
mod client;
mod config;
mod entitlement;
mod operation;
mod page;
mod request;
mod resource;
mod row;
mod source;
mod value;

use std::fmt;
use std::sync::Arc;

pub use attribute::*;
pub use auth::*;
pub use client::*;
pub use config::*;
pub use entitlement::*;
pub use operation::*;
pub use page::*;
pub use request::*;
pub use resource::*;
pub use row::*;
pub use source::*;
pub use value::*;

/// A place in a spec.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Site {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Site {
    /// `file:line:column`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A compiled spec.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The spec's id.
    pub id: String,
    /// The vendor's name.
    pub name: String,
    /// One sentence; may be empty.
    pub summary: String,
    /// The vendor's documentation.
    pub docs: Option<String>,
    /// What a user should know before relying on it.
    pub notes: Vec<String>,
    /// SHA-256 free digest input: the resolved spec as canonical JSON text. The run hashes it.
    pub canonical: String,
    /// What a user must provide, by name.
    pub config: Vec<ConfigField>,
    /// The clients.
    pub clients: Vec<Client>,
    /// Requests made once before everything else, in order of need.
    pub starts: Vec<Start>,
    /// Requests that prove the connection.
    pub checks: Vec<Check>,
    /// Look-up tables.
    pub look_ups: Vec<LookUp>,
    /// The resource types.
    pub types: Vec<ResourceType>,
    /// Sources that are asked for single things, by `find`, `pair` and `look_up`.
    pub asks: Vec<Source>,
    /// All sources of grants, of all types.
    pub grant_rules: Vec<GrantRule>,
    /// Every optional path, for the list of those that no row had; numbered by `Value::tracked`.
    pub tracked_paths: Vec<Tracked>,
    /// Every key of every map, for the list of those that no value hit.
    pub tracked_keys: Vec<Tracked>,
}

/// Something whose use is counted over a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// Where it stands.
    pub site: Site,
    /// The path or key.
    pub text: String,
}

impl Plan {
    /// The type of an id.
    pub fn type_named(&self, id: &str) -> Option<(usize, &ResourceType)> {
        self.types.iter().enumerate().find(|(_, known)| known.id == id)
    }

    /// Every source: of resources, of entitlements, of grants.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        let of_types = self.types.iter().flat_map(|kind| {
            kind.sources.iter().chain(kind.entitlements.iter().filter_map(|entitlement| entitlement.list.as_ref()))
        });
        of_types.chain(self.grant_rules.iter().map(|rule| &rule.source))
    }
}
