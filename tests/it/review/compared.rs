//! What differs between two specs.

use engine_review::compare::{compare, human};
use serde_json::{Value as Json, json};

use super::{Text, bare, specs};

#[test]
fn form_makes_no_difference() {
    for name in ["specs/fivetran.yaml", "specs/dbt-scim.yaml", "tests/hard/slack.yaml"] {
        let spec = Text::of(name);
        // One line of JSON: no comments, other quotes, sorted keys, other lines.
        let other = spec.compiled(&spec.whole().to_string()).unwrap();
        let changes = compare(&spec.plan(), &other);
        assert!(changes.is_empty(), "{name}\n{}", human(&changes, false));
    }
}

/// Every way to change one scalar, and to leave out one member or element.
fn mutations(value: &Json) -> Vec<(String, Json)> {
    let mut pointers = Vec::new();
    walk("", value, &mut pointers);
    let mut mutated = Vec::new();
    for pointer in pointers {
        let mut changed = value.clone();
        let node = changed.pointer_mut(&pointer).unwrap();
        let other = match &*node {
            Json::String(text) => Some(json!(format!("{text}x"))),
            Json::Number(number) => Some(json!(number.as_i64().unwrap_or_default() + 1)),
            Json::Bool(is) => Some(json!(!is)),
            _ => None,
        };
        if let Some(other) = other {
            *node = other;
            mutated.push((format!("{pointer} changed"), changed));
        }
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let mut less = value.clone();
        match less.pointer_mut(parent).unwrap() {
            Json::Object(members) => drop(members.remove(&key.replace("~1", "/").replace("~0", "~"))),
            Json::Array(items) => drop(items.remove(key.parse().unwrap())),
            _ => {}
        }
        mutated.push((format!("{pointer} left out"), less));
    }
    mutated
}

fn walk(pointer: &str, value: &Json, pointers: &mut Vec<String>) {
    if !pointer.is_empty() {
        pointers.push(pointer.to_owned());
    }
    match value {
        Json::Object(members) => {
            for (key, member) in members {
                walk(&format!("{pointer}/{}", engine_spec::yaml::escape(key)), member, pointers);
            }
        }
        Json::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                walk(&format!("{pointer}/{number}"), item, pointers);
            }
        }
        _ => {}
    }
}

#[test]
fn whatever_changes_a_plan_shows() {
    let mut shown = 0;
    // Each takes a moment, and there are thousands: of each spec a few, from a different one on.
    let step = 101;
    for (number, spec) in specs().into_iter().enumerate() {
        let plan = spec.plan();
        let known = bare(&plan);
        for (what, changed) in mutations(&spec.whole()).into_iter().skip(number % step).step_by(step) {
            let Some(other) = spec.compiled(&changed.to_string()) else { continue };
            let changes = compare(&plan, &other);
            let same = bare(&other) == known;
            assert_eq!(changes.is_empty(), same, "{}{what}\n{}", spec.name, human(&changes, false));
            shown += usize::from(!same);
        }
    }
    assert!(shown > 50, "{shown}");
}
