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

/// One change of a tree: another value of a scalar, or a member or element that is left out.
struct Mutation {
    pointer: String,
    leaves_out: bool,
}

/// Every mutation of a tree.
fn mutations(value: &Json) -> Vec<Mutation> {
    let mut pointers = Vec::new();
    walk("", value, &mut pointers);
    let both = pointers
        .into_iter()
        .flat_map(|pointer| [false, true].map(|leaves_out| Mutation { pointer: pointer.clone(), leaves_out }));
    both.collect()
}

impl Mutation {
    fn of(&self, value: &Json) -> Json {
        let mut changed = value.clone();
        let (parent, key) = self.pointer.rsplit_once('/').unwrap();
        if self.leaves_out {
            match changed.pointer_mut(parent).unwrap() {
                Json::Object(members) => drop(members.remove(&key.replace("~1", "/").replace("~0", "~"))),
                Json::Array(items) => drop(items.remove(key.parse().unwrap())),
                _ => {}
            }
            return changed;
        }
        match changed.pointer_mut(&self.pointer).unwrap() {
            Json::String(text) => text.push('x'),
            number @ Json::Number(_) => *number = json!(number.as_i64().unwrap_or_default() + 1),
            Json::Bool(is) => *is = !*is,
            _ => {}
        }
        changed
    }
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
    let step = 149;
    for (number, spec) in specs().into_iter().enumerate() {
        let plan = spec.plan();
        let known = bare(&plan);
        let whole = spec.whole();
        for mutation in mutations(&whole).into_iter().skip(number % step).step_by(step) {
            let Some(other) = spec.compiled(&mutation.of(&whole).to_string()) else { continue };
            let changes = compare(&plan, &other);
            let same = bare(&other) == known;
            assert_eq!(changes.is_empty(), same, "{}{}\n{}", spec.name, mutation.pointer, human(&changes, false));
            shown += usize::from(!same);
        }
    }
    assert!(shown > 30, "{shown}");
}
