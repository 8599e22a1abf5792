//! Values of the wrong kind: the schema says what may stand at a place, and something else is put there.

use std::sync::OnceLock;

use serde_json::Value as Json;

use super::{Mistake, Node, Told};
use crate::support::root;

/// What may stand at a place.
#[derive(Default)]
struct Accepted {
    kinds: Vec<String>,
    words: Vec<String>,
    /// Whether anything may.
    anything: bool,
}

impl Accepted {
    fn may_be(&self, kind: &str) -> bool {
        self.anything || self.kinds.iter().any(|known| known == kind)
    }
}

fn schema() -> &'static Json {
    static SCHEMA: OnceLock<Json> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let text = std::fs::read_to_string(root().join("schema/spec.schema.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    })
}

/// A schema, and all those it may stand for.
fn expanded<'s>(schema: &'s Json, all: &mut Vec<&'s Json>) {
    if let Some(name) = schema.get("$ref").and_then(Json::as_str) {
        expanded(self::schema().pointer(&name[1..]).unwrap(), all);
    }
    for word in ["anyOf", "oneOf", "allOf"] {
        for one in schema.get(word).and_then(Json::as_array).into_iter().flatten() {
            expanded(one, all);
        }
    }
    all.push(schema);
}

/// The schemas of a place.
fn schemas(steps: &[&str]) -> Vec<&'static Json> {
    let mut here = Vec::new();
    expanded(schema(), &mut here);
    for step in steps {
        let mut below = Vec::new();
        for node in here {
            let member = node.get("properties").and_then(|members| members.get(step));
            let free = node.get("additionalProperties").filter(|free| free.is_object() && member.is_none());
            let element = node.get("items").filter(|_| step.bytes().all(|byte| byte.is_ascii_digit()));
            for one in [member, free, element].into_iter().flatten() {
                expanded(one, &mut below);
            }
        }
        here = below;
    }
    here
}

fn accepted(node: &Node<'_>) -> Option<Accepted> {
    let schemas = schemas(&node.steps());
    let mut accepted = Accepted::default();
    for schema in &schemas {
        let kinds = match schema.get("type") {
            Some(Json::String(kind)) => vec![kind.clone()],
            Some(Json::Array(kinds)) => kinds.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let words = schema.get("enum").and_then(Json::as_array).cloned().unwrap_or_default();
        let words = words.iter().chain(schema.get("const")).filter_map(Json::as_str).map(str::to_owned);
        let words: Vec<String> = words.collect();
        let says = ["$ref", "anyOf", "oneOf", "allOf", "type", "enum", "const"];
        accepted.anything |= says.iter().all(|word| schema.get(word).is_none());
        // A closed list of words is no text of any kind.
        accepted.kinds.extend(kinds.into_iter().filter(|kind| words.is_empty() || kind != "string"));
        accepted.words.extend(words);
    }
    (!schemas.is_empty()).then_some(accepted)
}

/// The value with its quotes, if it is written on one line.
fn scalar(node: &Node<'_>) -> Option<std::ops::Range<usize>> {
    let value = node.tree.value.pointer(node.pointer)?;
    let (start, end) = (node.value.start, node.value.end);
    let is_plain = node.verbatim && !value.is_object() && !value.is_array() && !node.text[start..end].contains('\n');
    let is_quoted = start > 0 && node.text[..start].ends_with(['"', '\'']) && node.text[end..].starts_with(['"', '\'']);
    is_plain.then_some(if is_quoted { start - 1..end + 1 } else { start..end })
}

fn put(node: &Node<'_>, range: std::ops::Range<usize>, wrong: &str) -> Option<Mistake> {
    let line = node.line(range.start);
    Some(Mistake { text: node.with(range, wrong), codes: &[], place: Told::InLine(line) })
}

/// Text where a number or a boolean is due.
pub fn text_for_number(node: &Node<'_>) -> Option<Mistake> {
    let (range, accepted) = (scalar(node)?, accepted(node)?);
    let is_due = ["integer", "number", "boolean"].iter().any(|kind| accepted.may_be(kind));
    let is_wrong = is_due && !accepted.may_be("string") && accepted.words.is_empty();
    if is_wrong { put(node, range, "plenty") } else { None }
}

/// A word that a closed list does not have.
pub fn unknown_word(node: &Node<'_>) -> Option<Mistake> {
    let (range, accepted) = (scalar(node)?, accepted(node)?);
    let is_wrong = !accepted.words.is_empty() && !accepted.may_be("string");
    if is_wrong { put(node, range, "zebra") } else { None }
}

/// A number where text is due.
pub fn number_for_text(node: &Node<'_>) -> Option<Mistake> {
    let (range, accepted) = (scalar(node)?, accepted(node)?);
    let is_due = accepted.may_be("string") || !accepted.words.is_empty();
    let is_wrong = is_due && !accepted.may_be("integer") && !accepted.may_be("number");
    if is_wrong { put(node, range, "4711") } else { None }
}

/// A map where a text, a number or a boolean is due.
pub fn map_for_scalar(node: &Node<'_>) -> Option<Mistake> {
    let (range, accepted) = (scalar(node)?, accepted(node)?);
    if accepted.may_be("object") { None } else { put(node, range, "{ zebra: 1 }") }
}

/// A list where a map is due.
pub fn list_for_map(node: &Node<'_>) -> Option<Mistake> {
    let accepted = accepted(node)?;
    let is_map = node.tree.value.pointer(node.pointer)?.is_object() && node.key.is_some();
    let key = node.key.clone()?;
    let text = node.with(node.value.clone(), "[zebra]");
    let place = Told::Between(node.line(key.start), node.line(node.value.start));
    (is_map && !accepted.may_be("array")).then_some(Mistake { text, codes: &[], place })
}

/// A text where a map or a list is due.
pub fn text_for_map(node: &Node<'_>) -> Option<Mistake> {
    let accepted = accepted(node)?;
    let value = node.tree.value.pointer(node.pointer)?;
    let key = node.key.clone()?;
    let is_wrong = (value.is_object() || value.is_array())
        && !["string", "integer", "number", "boolean"].iter().any(|kind| accepted.may_be(kind))
        && accepted.words.is_empty();
    let text = node.with(node.value.clone(), "zebra");
    let place = Told::Between(node.line(key.start), node.line(node.value.start));
    is_wrong.then_some(Mistake { text, codes: &[], place })
}
