//! A plan as a tree of named parts: everything it reads, writes and reaches, each part with its
//! place in the spec.
//!
//! In: a plan. Out: [`Part`]s that say the same wherever two plans do the same. Every structure is
//! taken apart field by field, so that a field that is added to the plan is not forgotten here.

mod access;
mod change;
mod client;
mod read;
mod resource;

use engine_spec::plan::{Plan, Request, Site, Value};

use crate::words;

pub use client::plan;

/// What a part is about, the riskiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Hosts that are reached, and where credentials go.
    Hosts,
    /// What a user must provide.
    Config,
    /// Requests that read.
    Reading,
    /// What rows become.
    Mapping,
    /// Entitlements and who holds them.
    Access,
    /// What changes the vendor.
    Writing,
    /// Requests that come first.
    Opening,
    /// Names and notes.
    About,
}

impl Section {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Hosts,
        Self::Config,
        Self::Reading,
        Self::Mapping,
        Self::Access,
        Self::Writing,
        Self::Opening,
        Self::About,
    ];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Hosts => "hosts and credentials",
            Self::Config => "configuration",
            Self::Reading => "requests that read",
            Self::Mapping => "mappings",
            Self::Access => "entitlements and grants",
            Self::Writing => "changes to the vendor",
            Self::Opening => "start and check",
            Self::About => "names and notes",
        }
    }
}

/// Why a difference deserves a second look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// A host that requests go to.
    Host,
    /// Something that carries a credential.
    Credential,
    /// A refusal.
    Refusal,
    /// A proof that something happened.
    Proof,
    /// A request that changes the vendor.
    Write,
    /// A protection of what must not be changed.
    Protection,
    /// Something that makes a wrong answer an error.
    Failure,
    /// What an answer other than success means.
    Meaning,
    /// Whether a value is kept secret.
    Secrecy,
    /// A secret of an answer that is hidden.
    Redaction,
}

/// A named part of a plan.
#[derive(Clone, Debug)]
pub struct Part {
    /// What it is called among its siblings. Several may have one name.
    pub key: String,
    /// What it says; nothing where only its parts do.
    pub value: Option<String>,
    /// Where it stands; nothing where its parent's place is as good.
    pub site: Option<Site>,
    /// What it is about; nothing where its parent says.
    pub section: Option<Section>,
    /// Whether the outline of requests shows it.
    pub outlined: bool,
    /// Whether the order among siblings of its name counts.
    pub ordered: bool,
    /// Why a difference deserves a second look.
    pub guard: Option<Guard>,
    /// Its parts.
    pub parts: Vec<Part>,
}

impl Part {
    /// A part that only its own parts fill.
    pub fn group(key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: None,
            site: None,
            section: None,
            outlined: false,
            ordered: false,
            guard: None,
            parts: Vec::new(),
        }
    }

    /// A part that says something.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { value: Some(value.into()), ..Self::group(key) }
    }

    /// With its place.
    pub fn at(mut self, site: &Site) -> Self {
        self.site = Some(site.clone());
        self
    }

    /// With what it is about.
    pub fn about(mut self, section: Section) -> Self {
        self.section = Some(section);
        self
    }

    /// Shown by the outline.
    pub fn outlined(mut self) -> Self {
        self.outlined = true;
        self
    }

    /// In an order that counts.
    pub fn ordered(mut self) -> Self {
        self.ordered = true;
        self
    }

    /// Guarded.
    pub fn guarded(mut self, guard: Guard) -> Self {
        self.guard = Some(guard);
        self
    }

    /// With parts.
    pub fn with(mut self, parts: impl IntoIterator<Item = Self>) -> Self {
        self.parts.extend(parts);
        self
    }

    /// Whether it says the same as another, wherever the two stand.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.key == other.key
            && self.value == other.value
            && self.parts.len() == other.parts.len()
            && self.parts.iter().zip(&other.parts).all(|(one, other)| one.says_the_same(other))
    }
}

/// Says yes where something is so, and nothing where it is not.
pub(crate) fn flag(key: &str, is_so: bool) -> Option<Part> {
    is_so.then(|| Part::new(key, "yes"))
}

/// A value under a name.
pub(crate) fn value(plan: &Plan, key: impl Into<String>, value: &Value) -> Part {
    Part::new(key, words::value(plan, value)).at(&value.site)
}

/// Named values.
pub(crate) fn values(plan: &Plan, kind: &str, named: &[(String, Value)]) -> Vec<Part> {
    named.iter().map(|(name, of)| value(plan, format!("{kind} {name}"), of)).collect()
}

/// The lists that must be in before something can begin.
pub(crate) fn waits(plan: &Plan, after: &[usize]) -> Option<Part> {
    let mut types: Vec<&str> = after.iter().filter_map(|of| Some(plan.types.get(*of)?.id.as_str())).collect();
    types.sort_unstable();
    types.dedup();
    (!types.is_empty()).then(|| Part::new("waits for the list of", types.join(", ")).outlined())
}

/// Names of the config fields that must never be shown and that a text uses.
pub(crate) fn secrets<'p>(plan: &'p Plan, text: &str) -> Vec<&'p str> {
    let named = |name: &str| {
        text.match_indices("config.").any(|(at, found)| {
            let rest = text.get(at + found.len()..).unwrap_or_default();
            rest.strip_prefix(name)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
        })
    };
    plan.config.iter().filter(|field| field.secret && named(&field.name)).map(|field| field.name.as_str()).collect()
}

/// Marks what carries a credential.
pub(crate) fn with_credentials(plan: &Plan, part: Part) -> Part {
    let carries = part.value.as_deref().is_some_and(|text| !secrets(plan, text).is_empty());
    if carries { part.about(Section::Hosts).guarded(Guard::Credential) } else { part }
}

/// A request with what goes along.
pub(crate) fn request(plan: &Plan, key: impl Into<String>, request: &Request) -> Part {
    let line = words::request(plan, request);
    let Request { client: _, method: _, path: _, query, headers, body, site } = request;
    let query = query.iter().map(|parameter| client::parameter(plan, "query", parameter));
    let headers = headers.iter().map(|(name, of)| with_credentials(plan, value(plan, format!("header {name}"), of)));
    Part::new(key, line)
        .at(site)
        .outlined()
        .with(query)
        .with(headers)
        .with(body.iter().flat_map(|body| client::body(plan, body)))
}
