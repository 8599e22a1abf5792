//! The words in which faults against the schema are told: how places, types and values are called,
//! and how the same is written as another type.

use serde_json::Value as Json;

/// Keys whose values are durations.
const DURATIONS: &[&str] = &["every", "for", "lifetime", "timeout"];

/// The values that there are.
pub(super) fn there_are(options: &[String]) -> String {
    let list = options.iter().map(|option| format!("`{option}`")).collect::<Vec<_>>().join(", ");
    if options.len() == 1 { format!("there is {list}") } else { format!("there are {list}") }
}

/// The last key of a pointer.
pub(super) fn last_key(pointer: &str) -> &str {
    pointer.rsplit('/').next().unwrap_or_default()
}

/// How messages name a place: the last key, and of elements their list.
pub(super) fn name_of(pointer: &str) -> String {
    let mut steps: Vec<String> = pointer.split('/').skip(1).map(|s| s.replace("~1", "/").replace("~0", "~")).collect();
    let Some(last) = steps.pop() else { return "the spec".to_owned() };
    if last.bytes().all(|b| b.is_ascii_digit()) && last.len() < 3 {
        return match steps.pop() {
            Some(list) => {
                format!("element {} of `{list}`", last.parse::<usize>().map_or(last.clone(), |n| (n + 1).to_string()))
            }
            None => last,
        };
    }
    format!("`{last}`")
}

/// `a, b or c`.
pub(super) fn alternatives(names: &[String]) -> String {
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

/// With a capital letter first.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// How the same is written as the type that is wanted.
pub(super) fn other_notation(instance: &Json, wanted: &str, key: &str) -> Option<String> {
    match (instance, wanted) {
        (Json::String(text), "true or false") => match text.to_ascii_lowercase().as_str() {
            "true" | "false" => Some(format!("remove the quotes: {}", text.to_ascii_lowercase())),
            "yes" | "on" | "y" => Some("write `true`".to_owned()),
            "no" | "off" | "n" => Some("write `false`".to_owned()),
            _ => None,
        },
        (Json::String(text), "an integer" | "a number") if text.parse::<i64>().is_ok() => {
            Some(format!("remove the quotes: {text}"))
        }
        (Json::Number(number), "a text") if DURATIONS.contains(&key) => Some(format!("write `{number}s`")),
        (Json::Number(_) | Json::Bool(_), "a text") => Some(format!("put it into quotes: \"{instance}\"")),
        (Json::String(text), "a list") => Some(format!("write `[{text}]`")),
        (Json::Object(_), "a list") => Some("begin each element with `- `".to_owned()),
        _ => None,
    }
}

/// The value that `other_notation` advises.
pub(super) fn converted(instance: &Json, wanted: &str, key: &str) -> Option<Json> {
    match (instance, wanted) {
        (Json::String(text), "true or false") => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => Some(Json::Bool(true)),
            "false" | "no" | "off" | "n" => Some(Json::Bool(false)),
            _ => None,
        },
        (Json::String(text), "an integer" | "a number") => text.parse::<i64>().ok().map(Json::from),
        (Json::Number(number), "a text") if DURATIONS.contains(&key) => Some(Json::from(format!("{number}s"))),
        (Json::Number(_) | Json::Bool(_), "a text") => Some(Json::from(instance.to_string())),
        _ => None,
    }
}

/// What the schema calls a type, in the words of those who write specs.
pub(super) fn type_name(json_type: &str) -> &str {
    match json_type {
        "object" => "a map",
        "array" => "a list",
        "string" => "a text",
        "integer" => "an integer",
        "number" => "a number",
        "boolean" => "true or false",
        "null" => "null",
        other => other,
    }
}

/// What a spec has, in the words of those who write it.
pub(super) fn kind_of(json: &Json) -> &'static str {
    if json.is_object() { "a map" } else { crate::plan::kind_of(&json.into()) }
}

/// A text as it is, everything else as JSON.
pub(super) fn text_of(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}
