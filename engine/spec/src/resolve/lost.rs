//! A tree with faults, made whole for the checks behind: keys are renamed, values taken for what they
//! say in another notation, and where nothing can be guessed something stands in. What follows from
//! a fault that is told is not told again.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::Resolved;
use crate::diagnostic::Code;
use crate::yaml::escape;

/// What was wrong in a tree and is not there any more. Its faults are told; what follows from its
/// not being there is not.
#[derive(Clone, Debug, Default)]
pub(super) struct Lost {
    /// Nodes that stand in for something.
    stand_ins: Vec<String>,
    /// Nodes that are gone.
    gone: Vec<String>,
    /// Nodes that were taken for what they say in another notation, or nearly say.
    taken: Vec<String>,
    /// Nodes under a key that was guessed; what stands there was written for another one, perhaps.
    guessed: Vec<String>,
    /// Names that those may have given or used.
    names: BTreeSet<String>,
}

/// Keys that give names to expressions beside them.
const NAMING: &[&str] = &[
    "as",
    "attributes",
    "detail",
    "each",
    "first",
    "for_each",
    "inputs",
    "keep",
    "let",
    "look_up",
    "outer",
    "parent",
    "parts",
    "unnest",
];

impl Resolved {
    /// Gives a member another key, and another value if one is given. Where that key is taken, the
    /// member is dropped.
    pub fn rename(&mut self, pointer: &str, to: &str, value: Option<Json>) {
        let Some((parent, key)) = pointer.rsplit_once('/') else { return };
        let Some(Json::Object(map)) = self.value.pointer_mut(parent) else { return };
        if map.contains_key(to) {
            return self.drop_member(pointer);
        }
        let Some(written) = map.remove(&unescape(key)) else { return };
        map.insert(to.to_owned(), value.unwrap_or(written));
        let renamed = format!("{parent}/{}", escape(to));
        self.lost.guessed.push(renamed.clone());
        let moved: Vec<String> = self.origins.keys().filter(|known| is_within(known, pointer)).cloned().collect();
        for known in moved {
            if let (Some(origin), Some(rest)) = (self.origins.remove(&known), known.strip_prefix(pointer)) {
                self.origins.insert(format!("{renamed}{rest}"), origin);
            }
        }
    }

    /// Puts something where a node is missing.
    pub fn supply(&mut self, pointer: &str, value: Json) {
        if self.value.pointer(pointer).is_none() {
            self.stand_in(pointer, value);
        }
    }

    /// Puts something in the place of a node, or where a node is missing.
    pub fn stand_in(&mut self, pointer: &str, value: Json) {
        if let Some(node) = self.value.pointer_mut(pointer) {
            if self.lost.stand_ins.iter().any(|known| is_within(pointer, known)) {
                return;
            }
            self.lost.names.extend(names_in(node));
            self.lost.names.extend(pointer.rsplit('/').next().map(unescape));
            *node = value;
        } else {
            let Some((parent, key)) = pointer.rsplit_once('/') else { return };
            let Some(Json::Object(map)) = self.value.pointer_mut(parent) else { return };
            map.insert(unescape(key), value);
        }
        self.lost.stand_ins.push(pointer.to_owned());
    }

    /// Takes a member away.
    pub fn drop_member(&mut self, pointer: &str) {
        let Some((parent, key)) = pointer.rsplit_once('/') else { return };
        let Some(Json::Object(map)) = self.value.pointer_mut(parent) else { return };
        let Some(node) = map.remove(&unescape(key)) else { return };
        self.lost.names.insert(unescape(key));
        self.lost.names.extend(names_in(&node));
        self.lost.gone.push(pointer.to_owned());
    }

    /// Takes a value for what it says in another notation.
    pub fn take_for(&mut self, pointer: &str, value: Json) {
        let Some(node) = self.value.pointer_mut(pointer) else { return };
        *node = value;
        self.lost.taken.push(pointer.to_owned());
    }

    /// Takes a node for a list of this one.
    pub fn take_for_list(&mut self, pointer: &str) {
        let Some(node) = self.value.pointer_mut(pointer) else { return };
        *node = Json::Array(vec![node.take()]);
        let known: Vec<String> = self.origins.keys().filter(|known| is_within(known, pointer)).cloned().collect();
        for inner in known {
            let origin = if inner == pointer { self.origins.get(&inner).cloned() } else { self.origins.remove(&inner) };
            if let (Some(origin), Some(rest)) = (origin, inner.strip_prefix(pointer)) {
                self.origins.insert(format!("{pointer}/0{rest}"), origin);
            }
        }
    }

    /// Whether something was wrong in a node and is not there any more.
    pub fn is_lost(&self, pointer: &str) -> bool {
        self.lost.nodes().any(|known| is_within(known, pointer))
    }

    /// The words of all texts that may use a definition, also of those that are not there any more.
    pub fn words(&self) -> BTreeSet<String> {
        let parts = self.value.as_object().into_iter().flatten();
        let parts = parts.filter(|(key, _)| !["config", "docs", "name", "notes", "summary"].contains(&key.as_str()));
        let texts = parts.flat_map(|(_, part)| texts_in(part)).chain(self.lost.names.iter().map(String::as_str));
        let words = texts.flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c)));
        words.map(str::to_owned).collect()
    }

    /// The nodes that stand in for something.
    pub fn stand_ins(&self) -> &[String] {
        &self.lost.stand_ins
    }

    /// Whether a fault is one of its own, and does not follow from what was told already.
    pub fn is_news(&self, code: Code, pointer: &str, message: &str) -> bool {
        let Lost { stand_ins, taken, guessed, names, .. } = &self.lost;
        let is_form = matches!(code, Code::WrongType | Code::WrongShape | Code::WrongValue);
        if is_form && guessed.iter().any(|known| known == pointer) {
            return false;
        }
        // A fragment is sound; what it lacks is what the spec over it lost.
        let source = |pointer: &str| self.origin(pointer).map(|origin| origin.source);
        if source(pointer) != source("") && self.lost.nodes().next().is_some() {
            return false;
        }
        let told =
            taken.iter().any(|known| known == pointer) || stand_ins.iter().any(|known| is_within(pointer, known));
        let lacks = code.is_of_absence() && self.is_lost(pointer);
        let unnamed = code == Code::UnknownName && self.lost.nodes().any(|known| names_for(known, pointer));
        let told_names = message.split('`').skip(1).step_by(2).flat_map(|code| code.split(['.', ' ', ':']));
        !told && !lacks && !unnamed && !told_names.into_iter().any(|name| names.contains(name))
    }
}

impl Lost {
    fn nodes(&self) -> impl Iterator<Item = &str> {
        self.stand_ins.iter().chain(&self.gone).map(String::as_str)
    }
}

/// Whether a node may give names to the expressions of another one: both are in one type.
fn names_for(known: &str, pointer: &str) -> bool {
    let block = |pointer: &str| pointer.split('/').take(3).map(str::to_owned).collect::<Vec<_>>();
    known.split('/').any(|step| NAMING.contains(&step)) && block(known) == block(pointer)
}

/// Whether a node is another one or inside it.
fn is_within(pointer: &str, outer: &str) -> bool {
    pointer.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

fn texts_in(node: &Json) -> Vec<&str> {
    match node {
        Json::String(text) => vec![text],
        Json::Array(items) => items.iter().flat_map(texts_in).collect(),
        Json::Object(members) => members.values().flat_map(texts_in).collect(),
        _ => Vec::new(),
    }
}

/// Keys and texts.
fn names_in(node: &Json) -> Vec<String> {
    match node {
        Json::String(text) => vec![text.clone()],
        Json::Array(items) => items.iter().flat_map(names_in).collect(),
        Json::Object(members) => {
            members.iter().flat_map(|(key, value)| std::iter::once(key.clone()).chain(names_in(value))).collect()
        }
        _ => Vec::new(),
    }
}
