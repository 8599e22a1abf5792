//! Shapes of actual answers. Names and types are kept; of values only the words of a status, and of
//! numbers how long they are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::api::{Kind, Shape, folded, list_rank};

/// How deep answers are looked into.
const DEEP: usize = 6;
/// The most elements of a list that are looked at.
const MOST: usize = 200;

/// The shape of a value.
pub(super) fn shape(json: &Json, name: &str, depth: usize) -> Shape {
    match json {
        Json::Null => Shape::default(),
        Json::Bool(_) => Shape::of(Kind::Boolean),
        Json::Number(number) => {
            let kind = if number.is_f64() { Kind::Number } else { Kind::Integer };
            Shape { kind, example: Some("0".repeat(number.to_string().len())), ..Shape::default() }
        }
        Json::String(text) => {
            Shape { format: format(text).to_owned(), words: words(text, name), ..Shape::of(Kind::Text) }
        }
        Json::Array(items) => {
            let mut element = Shape::default();
            if depth < DEEP {
                for item in items.iter().take(MOST) {
                    merge(&mut element, shape(item, name, depth + 1));
                }
            }
            Shape::of(Kind::List(Box::new(element)))
        }
        Json::Object(members) => {
            let inside = |(name, value): (&String, &Json)| (name.clone(), shape(value, name, depth + 1));
            let members = if depth < DEEP { members.iter().map(inside).collect() } else { BTreeMap::new() };
            Shape::of(Kind::Object(members))
        }
    }
}

fn format(text: &str) -> &'static str {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    if text.starts_with("https://") || text.starts_with("http://") {
        "uri"
    } else if text.starts_with('/') {
        "uri-reference"
    } else if text.contains('@') && text.contains('.') && !text.contains(' ') {
        "email"
    } else if digit(0) && digit(3) && bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-') {
        "date-time"
    } else {
        ""
    }
}

/// A word that says how somebody stands is no data about a person, and the draft needs it.
fn words(text: &str, name: &str) -> Vec<String> {
    let state =
        matches!(folded(name).as_str(), "status" | "state" | "userstatus" | "accountstatus" | "membershipstatus");
    let word =
        !text.is_empty() && text.len() <= 24 && text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_' || b == b'-');
    if state && word { vec![text.to_owned()] } else { Vec::new() }
}

/// Makes one shape of two.
pub(super) fn merge(shape: &mut Shape, other: Shape) {
    match (&mut shape.kind, other.kind) {
        (_, Kind::Unknown) => {}
        (Kind::Object(members), Kind::Object(others)) => {
            for (name, other) in others {
                merge(members.entry(name).or_default(), other);
            }
        }
        (Kind::List(element), Kind::List(other)) => merge(element, *other),
        (kind @ Kind::Unknown, other) => *kind = other,
        (kind @ Kind::Integer, Kind::Number) => *kind = Kind::Number,
        _ => {}
    }
    if shape.format.is_empty() {
        shape.format = other.format;
    }
    shape.example = shape.example.take().or(other.example);
    for word in other.words {
        if shape.words.len() < 12 && !shape.words.contains(&word) {
            shape.words.push(word);
        }
    }
}

/// Where the list of an answer stands, and its element.
pub(super) fn items(shape: &Shape, wanted: &[String], depth: usize) -> Option<(Vec<String>, Shape)> {
    if let Kind::List(element) = &shape.kind {
        return Some((Vec::new(), (**element).clone()));
    }
    let members = shape.members().filter(|_| depth < 3)?;
    let lists = members.iter().filter_map(|(name, inside)| match &inside.kind {
        Kind::List(element) if element.members().is_some() => Some((list_rank(name, wanted), name, element)),
        _ => None,
    });
    if let Some((_, name, element)) = lists.max_by_key(|(rank, ..)| *rank) {
        return Some((vec![name.clone()], (**element).clone()));
    }
    let inner = members.iter().filter_map(|(name, inside)| {
        let (path, element) = items(inside, wanted, depth + 1).filter(|(path, _)| !path.is_empty())?;
        Some((list_rank(name, wanted), [vec![name.clone()], path].concat(), element))
    });
    inner.max_by_key(|(rank, ..)| *rank).map(|(_, path, element)| (path, element))
}

/// An answer without its list.
pub(super) fn without(mut shape: Shape, items: &[String]) -> Shape {
    if let (Kind::Object(members), Some((first, rest))) = (&mut shape.kind, items.split_first()) {
        if rest.is_empty() {
            members.remove(first);
        } else if let Some(inside) = members.remove(first) {
            members.insert(first.clone(), without(inside, rest));
        }
    }
    shape
}

/// The ids in an answer, by which they are known in paths.
pub(super) fn ids(json: &Json, depth: usize, found: &mut BTreeSet<String>) {
    match json {
        Json::Array(items) if depth < DEEP => items.iter().take(MOST).for_each(|item| ids(item, depth + 1, found)),
        Json::Object(members) if depth < DEEP => {
            for (name, value) in members {
                let is_id =
                    matches!(folded(name).as_str(), "id" | "gid" | "uuid" | "key" | "slug" | "login" | "username");
                match value {
                    Json::String(text) if is_id && !text.is_empty() => {
                        found.insert(text.clone());
                    }
                    Json::Number(number) if is_id => {
                        found.insert(number.to_string());
                    }
                    other => ids(other, depth + 1, found),
                }
            }
        }
        _ => {}
    }
}
