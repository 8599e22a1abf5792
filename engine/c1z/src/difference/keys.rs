//! Which keys of a record have other values.
//!
//! In: a record as it was and as it is. Out: the keys that differ with both values. Lists are equal
//! whatever their order, as vendors send members and addresses in any; of free attributes each one
//! is a key of its own. What is absent and what is null are the same.

use std::collections::BTreeSet;

use engine_json::{Map, Value};
use serde::Serialize;

/// The keys whose values are maps of free keys.
const FREE: [&str; 2] = ["profile", "kept"];

/// A key of a record that has another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The key as the record has it.
    pub key: String,
    /// The key within, if it is one of free attributes.
    pub within: Option<String>,
    /// Its value as it was.
    pub before: Option<Value>,
    /// Its value as it is.
    pub after: Option<Value>,
}

impl KeyChange {
    /// The key as people write it, such as `status` or `profile.team`.
    pub fn path(&self) -> String {
        match &self.within {
            Some(within) => format!("{}.{within}", self.key),
            None => self.key.clone(),
        }
    }

    /// Whether a path names this key, or what it is within.
    pub(super) fn is_of(&self, path: &str) -> bool {
        self.key == path || self.path() == path
    }
}

/// The keys that differ, in their order.
pub(super) fn changes<T: Serialize>(old: &T, new: &T) -> Vec<KeyChange> {
    let (old, new) = (object(old), object(new));
    let mut found = Vec::new();
    for (key, before, after) in differing(&old, &new) {
        let change = |within: Option<&str>, before: Option<&Value>, after: Option<&Value>| KeyChange {
            key: key.to_owned(),
            within: within.map(str::to_owned),
            before: before.cloned(),
            after: after.cloned(),
        };
        if !FREE.contains(&key) {
            found.push(change(None, before, after));
            continue;
        }
        let nothing = Map::new();
        let map = |value: Option<&'_ Value>| value.and_then(Value::as_object).unwrap_or(&nothing).clone();
        let (before, after) = (map(before), map(after));
        let within = differing(&before, &after);
        found.extend(within.into_iter().map(|(within, before, after)| change(Some(within), before, after)));
    }
    found
}

/// The old values in the form of the record.
pub(super) fn before(changes: &[KeyChange]) -> Map {
    let mut record = Map::new();
    for change in changes {
        let value = change.before.clone().unwrap_or_default();
        match &change.within {
            None => {
                record.insert(change.key.clone(), value);
            }
            Some(within) => {
                let Some(free) = record.get_or_null(&change.key) else { continue };
                if free.is_null() {
                    *free = Value::Object(Map::new());
                }
                if let Value::Object(free) = free {
                    free.insert(within.clone(), value);
                }
            }
        }
    }
    record
}

type Differing<'maps> = (&'maps str, Option<&'maps Value>, Option<&'maps Value>);

/// The keys of two maps whose values differ.
fn differing<'maps>(old: &'maps Map, new: &'maps Map) -> Vec<Differing<'maps>> {
    let keys: BTreeSet<&str> = old.keys().chain(new.keys()).map(String::as_str).collect();
    let values = keys.into_iter().map(|key| (key, there(old.get(key)), there(new.get(key))));
    values.filter(|(_, before, after)| before.map(settled) != after.map(settled)).collect()
}

fn there(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

/// A value without what does not count: the order of lists.
fn settled(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(settled).collect();
            items.sort_by_cached_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            // So that equal maps have the same text, by which lists of them are sorted.
            entries.sort_unstable_by_key(|(key, _)| *key);
            Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), settled(value))).collect())
        }
        _ => value.clone(),
    }
}

/// Every record is an object.
fn object(row: &impl Serialize) -> Map {
    match engine_json::to_value(row) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use engine_json::json;

    use super::*;

    fn told(old: &Value, new: &Value) -> Vec<String> {
        let shown = |value: Option<Value>| value.map_or("-".to_owned(), |value| value.to_string());
        let told = changes(old, new).into_iter();
        told.map(|change| format!("{} {} {}", change.path(), shown(change.before), shown(change.after))).collect()
    }

    #[test]
    fn a_key_that_came_went_or_changed_is_told_with_both_values() {
        let old = json!({"id": "u1", "status": "enabled", "login": "ada", "emails": []});
        let new = json!({"id": "u1", "status": "disabled", "link": "https://x.example", "emails": []});
        let expected = ["link - \"https://x.example\"", "login \"ada\" -", "status \"enabled\" \"disabled\""];
        assert_eq!(told(&old, &new), expected);
    }

    #[test]
    fn free_attributes_are_keys_of_their_own() {
        let old = json!({"profile": {"team": "core", "tags": ["a"], "floor": 1}});
        let new = json!({"profile": {"team": "infra", "tags": ["a"], "desk": {"x": 1}}});
        let expected = ["profile.desk - {\"x\":1}", "profile.floor 1 -", "profile.team \"core\" \"infra\""];
        assert_eq!(told(&old, &new), expected);
        assert_eq!(told(&json!({}), &json!({"profile": {"team": "core"}})), ["profile.team - \"core\""]);
        assert_eq!(told(&json!({"parent": {"id": "a"}}), &json!({"parent": {"id": "b"}})).len(), 1);
    }

    #[test]
    fn the_order_of_a_list_is_no_change_and_its_members_are() {
        let of = |items: Value| json!({"emails": items, "profile": {"tags": [{"a": 1, "b": [1, 2]}, 3]}});
        let turned = json!({"emails": ["b", "a"], "profile": {"tags": [3, {"b": [2, 1], "a": 1}]}});
        assert_eq!(told(&of(json!(["a", "b"])), &turned), [""; 0]);
        assert_eq!(told(&of(json!(["a", "a", "b"])), &turned).len(), 1);
    }

    #[test]
    fn null_is_absent() {
        assert_eq!(told(&json!({"profile": {"a": null}}), &json!({})), [""; 0]);
    }

    #[test]
    fn what_was_before_has_the_form_of_the_record() {
        let old = json!({"status": "enabled", "profile": {"team": "core", "same": 1}});
        let new = json!({"login": "ada", "profile": {"team": "infra", "desk": 4, "same": 1}});
        let expected = json!({"login": null, "status": "enabled", "profile": {"team": "core", "desk": null}});
        assert_eq!(Value::Object(before(&changes(&old, &new))), expected);
    }

    #[test]
    fn a_path_names_a_key_or_all_within_it() {
        let change = |within: Option<&str>| KeyChange {
            key: "profile".to_owned(),
            within: within.map(str::to_owned),
            before: None,
            after: None,
        };
        assert!(change(Some("seen")).is_of("profile.seen") && change(Some("seen")).is_of("profile"));
        assert!(change(None).is_of("profile"));
        assert!(!change(Some("seen")).is_of("profile.see") && !change(Some("seen")).is_of("seen"));
    }
}
