//! The spec as resolved: over its fragment, with what its clients and the engine say put in where it
//! counts, and where each value comes from.
//!
//! In: what `resolve` made of the texts, the plan, and what the engine does where no spec speaks. Out:
//! a tree that can be written as YAML. That YAML, its remarks taken away, is a spec with the same plan.

mod inherit;
mod yaml;

use engine_spec::plan::{Plan, Site};
use engine_spec::resolve;
use engine_spec::source::{Place, Source};
use engine_spec::yaml::escape;
use serde::Serialize;
use serde_json::{Value as Json, json};

/// Something the engine does where neither spec nor client speaks, and no key of a spec would say it.
#[derive(Clone, Debug)]
pub struct EngineDefault {
    /// The key of a client that would say otherwise; empty if there is none.
    pub key: &'static str,
    /// What the engine does.
    pub says: String,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Origin {
    /// It stands in the spec, there.
    Spec {
        /// Where it stands.
        at: String,
        /// Where the fragment says otherwise.
        #[serde(skip_serializing_if = "Option::is_none")]
        instead_of: Option<String>,
    },
    /// It stands in the fragment.
    Fragment {
        /// Where it stands.
        at: String,
        /// The options that fill it, and where they get their values.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        options: Vec<FilledOption>,
    },
    /// The client says it for every list.
    Client {
        /// Where it stands.
        at: String,
        /// The client's name.
        client: String,
    },
    /// The engine's own.
    Engine,
}

/// An option that fills a value of a fragment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FilledOption {
    /// Its name.
    pub option: String,
    /// Where it gets its value.
    pub at: String,
    /// Whether the spec gives it.
    pub given: bool,
}

/// A node of the tree.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub content: Content,
    /// Where it comes from.
    pub origin: Origin,
    /// What is to be said of its members that are not there.
    pub remarks: Vec<String>,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Content {
    /// A text, number, boolean or null.
    Scalar(Json),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the texts.
    Map(Vec<(String, Node)>),
}

/// A spec as resolved.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The tree.
    pub tree: Node,
    /// What stands above it.
    pub heading: Vec<String>,
}

/// Resolves a spec with the origin of every value.
pub fn explain(resolved: &resolve::Resolved, sources: &[Source], plan: &Plan, defaults: &[EngineDefault]) -> Explained {
    let reader = Reader { resolved, sources };
    let mut tree = reader.node("", &resolved.value);
    tree.take("use");
    let heading = reader.heading();
    inherit::inherit(&mut tree, plan, defaults);
    Explained { tree, heading }
}

impl Explained {
    /// As YAML; remarks say where a value comes from that does not stand in the spec.
    pub fn yaml(&self) -> String {
        yaml::written(self)
    }

    /// Every value with its place in the resolved spec and its origin.
    pub fn json(&self) -> Json {
        let mut values = Vec::new();
        leaves("", &self.tree, &mut values);
        Json::Array(values)
    }
}

fn leaves(pointer: &str, node: &Node, values: &mut Vec<Json>) {
    match &node.content {
        Content::Scalar(json) => values.push(json!({ "at": pointer, "value": json, "origin": node.origin })),
        Content::List(items) if items.is_empty() => {
            values.push(json!({ "at": pointer, "value": [], "origin": node.origin }));
        }
        Content::Map(members) if members.is_empty() => {
            values.push(json!({ "at": pointer, "value": {}, "origin": node.origin }));
        }
        Content::List(items) => {
            for (number, item) in items.iter().enumerate() {
                leaves(&format!("{pointer}/{number}"), item, values);
            }
        }
        Content::Map(members) => {
            for (key, member) in members {
                leaves(&format!("{pointer}/{}", escape(key)), member, values);
            }
        }
    }
}

impl Node {
    /// A value of the engine's own.
    fn engine(json: impl Into<Json>) -> Self {
        Self { content: Content::Scalar(json.into()), origin: Origin::Engine, remarks: Vec::new() }
    }

    fn member(&self, key: &str) -> Option<&Self> {
        match &self.content {
            Content::Map(members) => members.iter().find(|(known, _)| known == key).map(|(_, member)| member),
            _ => None,
        }
    }

    fn member_mut(&mut self, key: &str) -> Option<&mut Self> {
        match &mut self.content {
            Content::Map(members) => members.iter_mut().find(|(known, _)| known == key).map(|(_, member)| member),
            _ => None,
        }
    }

    fn take(&mut self, key: &str) {
        if let Content::Map(members) = &mut self.content {
            members.retain(|(known, _)| known != key);
        }
    }

    /// Adds a member unless it is there.
    fn add(&mut self, key: &str, member: Self) {
        if self.member(key).is_none()
            && let Content::Map(members) = &mut self.content
        {
            members.push((key.to_owned(), member));
        }
    }

    /// The members of a map.
    fn members_mut(&mut self) -> impl Iterator<Item = (&str, &mut Self)> {
        let members = match &mut self.content {
            Content::Map(members) => members.as_mut_slice(),
            _ => &mut [],
        };
        members.iter_mut().map(|(key, member)| (key.as_str(), member))
    }

    /// The elements of a list, or the one thing that is no list.
    fn each_mut(&mut self) -> impl Iterator<Item = &mut Self> {
        let items = match &mut self.content {
            Content::List(_) => None,
            _ => Some(()),
        };
        match items {
            Some(()) => std::slice::from_mut(self).iter_mut(),
            None => match &mut self.content {
                Content::List(items) => items.iter_mut(),
                _ => [].iter_mut(),
            },
        }
    }

    fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(Json::String(text)) => Some(text),
            _ => None,
        }
    }
}

/// Makes nodes of what was resolved.
struct Reader<'r> {
    resolved: &'r resolve::Resolved,
    sources: &'r [Source],
}

impl Reader<'_> {
    fn node(&self, pointer: &str, value: &Json) -> Node {
        let content = match value {
            Json::Array(items) => Content::List(
                items.iter().enumerate().map(|(at, item)| self.node(&format!("{pointer}/{at}"), item)).collect(),
            ),
            Json::Object(members) => {
                let mut members: Vec<_> = members
                    .iter()
                    .map(|(key, member)| {
                        let inner = format!("{pointer}/{}", escape(key));
                        let place = self.resolved.key_place(&inner);
                        ((place.source, place.range.start), (key.clone(), self.node(&inner, member)))
                    })
                    .collect();
                members.sort_by_key(|(place, _)| *place);
                Content::Map(members.into_iter().map(|(_, member)| member).collect())
            }
            scalar => Content::Scalar(scalar.clone()),
        };
        Node { content, origin: self.origin(pointer), remarks: self.removed(pointer) }
    }

    fn origin(&self, pointer: &str) -> Origin {
        let inherited = &self.resolved.inherited;
        let place = self.resolved.value_place(pointer);
        let at = self.shown(&place);
        if Some(place.source) != inherited.source {
            let instead_of = inherited.replaced.get(pointer).map(|place| self.shown(place));
            return Origin::Spec { at, instead_of };
        }
        // What an option fills with a list or a map has no places of its own.
        let filled = pointer_and_above(pointer).find_map(|pointer| inherited.filled.get(pointer));
        let options = filled.into_iter().flatten().filter_map(|option| {
            let (place, given) = inherited.options.get(option)?;
            Some(FilledOption { option: option.clone(), at: self.shown(place), given: *given })
        });
        Origin::Fragment { at, options: options.collect() }
    }

    /// What the spec removes from a map of the fragment.
    fn removed(&self, pointer: &str) -> Vec<String> {
        let removed = self.resolved.inherited.removed.iter().filter_map(|(gone, (here, there))| {
            let (parent, key) = gone.rsplit_once('/')?;
            let said = format!("{key}: removed at {}, stands at {}", self.shown(here), self.shown(there));
            (parent == pointer).then_some(said)
        });
        removed.collect()
    }

    fn heading(&self) -> Vec<String> {
        let inherited = &self.resolved.inherited;
        let name = self.sources.first().map_or("", |source| &source.name);
        let mut heading = vec![format!("{name} as resolved. A value without a remark stands in it.")];
        if let Some(fragment) = &inherited.fragment {
            heading.push(format!("It uses the fragment {fragment}, with these options:"));
            heading.extend(inherited.options.iter().map(|(option, (place, given))| {
                let by = if *given { "given at" } else { "default," };
                format!("  {option}: {by} {}", self.shown(place))
            }));
        }
        heading
    }

    fn shown(&self, place: &Place) -> String {
        let Some(source) = self.sources.get(place.source) else { return String::new() };
        let Site { file, line, column: _ } = source.site(place.range.start);
        format!("{file}:{line}")
    }
}

/// A pointer, and those of the nodes around it, the innermost first.
fn pointer_and_above(pointer: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(pointer), |pointer| pointer.rsplit_once('/').map(|(above, _)| above))
}
