//! References to what is not there: a type, an entitlement, a client, a look-up table, a member of
//! what is in scope, at each place that names one.

use engine_spec::diagnostic::Code;
use regex::Regex;

use super::{Mistake, Node, Told};

/// What no spec has.
const NOBODY: &str = "qzebra";

/// A name in the place of the one that is written there.
fn other(node: &Node<'_>, codes: &'static [Code]) -> Option<Mistake> {
    let value = node.tree.value.pointer(node.pointer)?.as_str()?;
    let written = &node.text[node.value.clone()];
    let text = node.with(node.value.clone(), NOBODY);
    let (line, _) = node.source.position(node.value.start);
    (node.verbatim && written == value).then_some(Mistake { text, codes, place: Told::InLine(line) })
}

/// Steps from the end, without the numbers of elements.
fn above<'n>(node: &'n Node<'_>) -> Vec<&'n str> {
    node.steps().into_iter().rev().filter(|step| step.parse::<usize>().is_err()).collect()
}

/// Whether the place is inside something that is taken as it stands.
fn is_data(node: &Node<'_>) -> bool {
    node.steps().iter().any(|step| ["rows", "literal", "json", "form", "variables", "set", "profile"].contains(step))
}

/// A resource type.
pub fn type_that_is_not_there(node: &Node<'_>) -> Option<Mistake> {
    let steps = above(node);
    let is_reference = matches!(
        steps.as_slice(),
        ["each_row" | "grantable_to", ..]
            | ["any", "principal", ..]
            | ["parent", _, "resources"]
            | ["of", _, "for_each" | "lookups", ..]
            | ["of", "choices", ..]
    );
    if is_reference && !is_data(node) { other(node, &[Code::UnknownType]) } else { None }
}

/// A resource type that is named by a key.
pub fn key_of_no_type(node: &Node<'_>) -> Option<Mistake> {
    let key = node.key.clone()?;
    let steps = node.steps();
    let parent = steps.iter().rev().nth(1)?;
    let own = ["any", "id", "type", "expands", "resource"];
    let is_type = *parent == "expands" || *parent == "principal" && !own.contains(&node.last());
    let holder = node.tree.value.pointer(node.pointer.rsplit_once('/')?.0)?;
    // A principal whose type is told by a row has other keys.
    let is_map = holder.is_object() && (*parent == "expands" || holder.get("type").is_none());
    let (line, _) = node.source.position(key.start);
    let text = node.with(key, NOBODY);
    (is_type && is_map && !is_data(node)).then_some(Mistake {
        text,
        codes: &[Code::UnknownType],
        place: Told::InLine(line),
    })
}

/// An entitlement.
pub fn entitlement_that_is_not_there(node: &Node<'_>) -> Option<Mistake> {
    let steps = above(node);
    let is_slug = matches!(steps.as_slice(), [_, "expands", ..])
        || steps.first() == Some(&"entitlement") && !node.text[node.value.clone()].starts_with(['$', '{']);
    if is_slug && !is_data(node) { other(node, &[Code::UnknownEntitlement]) } else { None }
}

/// A client.
pub fn client_that_is_not_there(node: &Node<'_>) -> Option<Mistake> {
    let is_client = node.last() == "client" && !node.steps().contains(&"config");
    if is_client && !is_data(node) { other(node, &[Code::UnknownClient]) } else { None }
}

/// A look-up table.
pub fn look_up_that_is_not_there(node: &Node<'_>) -> Option<Mistake> {
    let value = node.tree.value.pointer(node.pointer)?;
    let is_table = node.last() == "look_up" && value.is_string() && !is_data(node);
    if is_table { other(node, &[Code::UnknownLookUp]) } else { None }
}

/// A key of `find`.
pub fn find_that_is_not_there(node: &Node<'_>) -> Option<Mistake> {
    let is_key = matches!(above(node).as_slice(), ["find", "confirm", ..]);
    if is_key { other(node, &[Code::UnknownKeyOfFind]) } else { None }
}

/// A member of what the spec itself defines: a config field, a capture, an input, something kept.
pub fn member_that_is_not_there(node: &Node<'_>) -> Option<Mistake> {
    let value = node.verbatim.then(|| &node.text[node.value.clone()])?;
    let is_condition = ["when", "where", "holds"].contains(&node.last());
    let is_constant = node.steps().iter().any(|step| ["rows", "literal"].contains(step));
    let names = Regex::new(r"\b(config|start|input|resource|parent|held|principal|auth)\.([a-z_]+)").unwrap();
    let found = names.captures(value).filter(|_| !is_constant && (is_condition || value.contains("{{")))?;
    let (holder, member) = (found.get(1)?, found.get(2)?);
    let before = &value[..holder.start()];
    // Inside quotes it is text, and behind a dot it is a member of something else.
    let is_name = before.matches('\'').count().is_multiple_of(2) && !before.ends_with(['.', '$']);
    let at = node.value.start + member.end();
    let (line, _) = node.source.position(at);
    let text = node.with(at..at, "_qz");
    is_name.then_some(Mistake { text, codes: &[Code::UnknownName], place: Told::InLine(line) })
}
