//! Schemas of a document: references followed, `allOf` and its kin merged, lists found, shapes made.
//! Whatever a document says, the work is bounded: a chain of references, a depth, a count of nodes.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::api::{Kind, Shape, list_rank as rank, words};

use super::scalar;

/// The longest chain of references.
const CHAIN: usize = 16;
/// How deep compositions lead into each other.
const COMPOSED: usize = 8;
/// The most schemas and members that are looked at for one answer.
const MOST: usize = 100_000;

/// What stands for what is not there.
static NULL: Json = Json::Null;

/// The schemas of a document.
pub(super) struct Schemas<'a> {
    document: &'a Json,
    elsewhere: Cell<usize>,
    /// What is left of the work for one answer.
    left: Cell<usize>,
}

/// The members of an object, each with all that the schemas it is composed of say of it.
type Members<'a> = BTreeMap<&'a str, Vec<&'a Json>>;

impl<'a> Schemas<'a> {
    /// The schemas of a document.
    pub fn new(document: &'a Json) -> Self {
        Self { document, elsewhere: Cell::new(0), left: Cell::new(0) }
    }

    /// How many references led out of the document.
    pub fn elsewhere(&self) -> usize {
        self.elsewhere.get()
    }

    /// What a node stands for: itself, or what its reference leads to.
    pub fn resolved(&self, node: &'a Json) -> &'a Json {
        let mut node = node;
        for _ in 0..CHAIN {
            let Some(reference) = node.get("$ref").and_then(Json::as_str) else { return node };
            let Some(pointer) = reference.strip_prefix('#') else {
                self.elsewhere.set(self.elsewhere.get() + 1);
                return &NULL;
            };
            let decoded = pointer.replace("%7B", "{").replace("%7D", "}").replace("%20", " ");
            let Some(found) = self.document.pointer(pointer).or_else(|| self.document.pointer(&decoded)) else {
                return &NULL;
            };
            node = found;
        }
        &NULL
    }

    /// The schemas that a schema is composed of, itself first.
    fn parts(&self, schema: &'a Json, depth: usize, parts: &mut Vec<&'a Json>) {
        let schema = self.resolved(schema);
        if depth >= COMPOSED || parts.len() >= 64 || !schema.is_object() || !self.may_go_on() {
            return;
        }
        parts.push(schema);
        for key in ["allOf", "oneOf", "anyOf"] {
            for part in schema.get(key).and_then(Json::as_array).into_iter().flatten() {
                self.parts(part, depth + 1, parts);
            }
        }
    }

    fn all_parts(&self, schemas: &[&'a Json]) -> Vec<&'a Json> {
        let mut parts = Vec::new();
        for schema in schemas {
            self.parts(schema, 0, &mut parts);
        }
        parts
    }

    /// Whether there is work left; takes a unit of it.
    fn may_go_on(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0
    }

    fn members(&self, parts: &[&'a Json]) -> Members<'a> {
        let mut members = Members::new();
        for part in parts {
            for (name, member) in part.get("properties").and_then(Json::as_object).into_iter().flatten() {
                if self.may_go_on() {
                    members.entry(name.as_str()).or_default().push(member);
                }
            }
        }
        members
    }

    /// The element of a list, if the schema is one.
    fn element(parts: &[&'a Json]) -> Option<&'a Json> {
        parts.iter().find_map(|part| part.get("items").filter(|items| items.is_object()))
    }

    /// Where the list of an answer stands, and the schema of its elements. `wanted` are the words of
    /// what the list is of.
    pub fn items(&self, schema: &'a Json, wanted: &[String]) -> Option<(Vec<String>, &'a Json)> {
        self.left.set(MOST);
        self.items_within(&[schema], wanted, 0)
    }

    fn items_within(&self, schemas: &[&'a Json], wanted: &[String], depth: usize) -> Option<(Vec<String>, &'a Json)> {
        let parts = self.all_parts(schemas);
        if let Some(element) = Self::element(&parts) {
            return Some((Vec::new(), element));
        }
        if depth >= 3 {
            return None;
        }
        let members = self.members(&parts);
        let lists: Vec<(&str, &Json)> = members
            .iter()
            .filter_map(|(name, member)| Some((*name, Self::element(&self.all_parts(member))?)))
            .collect();
        let best = lists.iter().max_by_key(|(name, element)| {
            (rank(name, wanted), usize::from(!self.members(&self.all_parts(&[*element])).is_empty()))
        });
        if let Some((name, element)) = best
            && (lists.len() == 1 || rank(name, wanted) > 0)
        {
            let lone = lists.len() == 1 && rank(name, wanted) == 0;
            // A lone list of texts beside objects is more likely a list of errors.
            if !(lone
                && words(name).iter().any(|word| matches!(word.as_str(), "errors" | "warnings" | "links" | "schemas")))
            {
                return Some((vec![(*name).to_owned()], element));
            }
        }
        let mut inner: Vec<(usize, Vec<String>, &Json)> = Vec::new();
        for (name, member) in &members {
            if let Some((path, element)) = self.items_within(member, wanted, depth + 1)
                && !path.is_empty()
            {
                let mut whole = vec![(*name).to_owned()];
                whole.extend(path);
                let known = whole.iter().map(|name| rank(name, wanted)).max().unwrap_or_default();
                inner.push((known, whole, element));
            }
        }
        let most = inner.iter().map(|(rank, ..)| *rank).max()?;
        let (rank, path, element) = inner.iter().find(|(rank, ..)| *rank == most)?;
        (*rank > 0).then(|| (path.clone(), *element))
    }

    /// The shape of a value; objects inside it so many levels deep.
    pub fn shape(&self, schema: &'a Json, levels: usize) -> Shape {
        self.left.set(MOST);
        self.shape_within(&[schema], levels, None)
    }

    /// The shape of an answer around its list.
    pub fn envelope(&self, schema: &'a Json, items: &[String]) -> Shape {
        self.left.set(MOST);
        self.shape_within(&[schema], 2, items.split_last().map(|(last, _)| last.as_str()))
    }

    fn shape_within(&self, schemas: &[&'a Json], levels: usize, without: Option<&str>) -> Shape {
        if self.left.get() == 0 {
            return Shape::default();
        }
        let parts = self.all_parts(schemas);
        let text = |key: &str| parts.iter().find_map(|part| part.get(key)).and_then(Json::as_str).unwrap_or_default();
        let members = self.members(&parts);
        let words = |part: &&&Json| part.get("enum").and_then(Json::as_array).cloned();
        let kind = if !members.is_empty() {
            let inside = |(name, member): (&&str, &Vec<&'a Json>)| {
                let shape = if levels == 0 || Some(*name) == without {
                    let parts = self.all_parts(member);
                    let (is_list, is_object) = (Self::element(&parts).is_some(), !self.members(&parts).is_empty());
                    match (is_list, is_object) {
                        (true, _) => Shape::of(Kind::List(Box::default())),
                        (_, true) => Shape::of(Kind::Object(BTreeMap::new())),
                        _ => self.shape_within(member, 0, None),
                    }
                } else {
                    self.shape_within(member, levels - 1, without)
                };
                ((*name).to_owned(), shape)
            };
            Kind::Object(members.iter().map(inside).collect())
        } else if let Some(element) = Self::element(&parts) {
            Kind::List(Box::new(self.shape_within(&[element], levels, without)))
        } else {
            parts.iter().find_map(|part| kind_of(part)).unwrap_or_default()
        };
        Shape {
            kind,
            format: text("format").to_owned(),
            words: parts.iter().find_map(|part| words(&part)).iter().flatten().filter_map(scalar).take(40).collect(),
            example: parts
                .iter()
                .find_map(|part| part.get("example").or_else(|| part.get("examples")?.get(0)))
                .and_then(scalar),
        }
    }
}

fn kind_of(schema: &Json) -> Option<Kind> {
    let word = match schema.get("type")? {
        Json::String(word) => word.as_str(),
        Json::Array(words) => words.iter().filter_map(Json::as_str).find(|word| *word != "null")?,
        _ => return None,
    };
    Some(match word {
        "string" => Kind::Text,
        "integer" => Kind::Integer,
        "number" => Kind::Number,
        "boolean" => Kind::Boolean,
        "array" => Kind::List(Box::default()),
        "object" => Kind::Object(BTreeMap::new()),
        _ => return None,
    })
}
