//! Rows by themselves: which of many show most, what a row names, and how what is gone is taken out
//! of it.

use std::collections::{BTreeMap, BTreeSet};

use engine_json::Value as Json;

/// The rows that show most, in their order: those that are needed, then each the one with the most
/// that no other has shown.
pub(crate) fn pick(rows: &[&Json], count: usize, needed: &dyn Fn(&Json) -> bool) -> Vec<usize> {
    let mut stay: BTreeSet<usize> = (0..rows.len()).filter(|at| rows.get(*at).is_some_and(|row| needed(row))).collect();
    if rows.len() <= count {
        return (0..rows.len()).collect();
    }
    let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        for (path, value) in features(row, "") {
            values.entry(path).or_default().insert(value);
        }
    }
    let shown = |row: &Json| -> BTreeSet<(String, String)> {
        let few = |path: &String| values.get(path).is_some_and(|values| values.len() <= 6);
        let features = features(row, "").into_iter();
        features.map(|(path, value)| if few(&path) { (path, value) } else { (path, String::new()) }).collect()
    };
    let all: Vec<BTreeSet<(String, String)>> = rows.iter().map(|row| shown(row)).collect();
    let mut seen: BTreeSet<(String, String)> = stay.iter().filter_map(|at| all.get(*at)).flatten().cloned().collect();
    while stay.len() < count {
        let open = all.iter().enumerate().filter(|(at, _)| !stay.contains(at));
        let best = open.max_by_key(|(at, shown)| (shown.difference(&seen).count(), std::cmp::Reverse(*at)));
        let Some((at, shown)) = best else { break };
        seen.extend(shown.iter().cloned());
        stay.insert(at);
    }
    stay.into_iter().collect()
}

/// What is worth showing of a row: each value by its path, lists by whether they are empty.
fn features(json: &Json, path: &str) -> Vec<(String, String)> {
    match json {
        Json::Object(members) => {
            members.iter().flat_map(|(name, member)| features(member, &format!("{path}/{name}"))).collect()
        }
        Json::Array(items) => vec![(format!("{path}/*"), items.is_empty().to_string())],
        other => vec![(path.to_owned(), other.to_string())],
    }
}

/// The texts and whole numbers of a value with the names they stand under; those in lists inside it
/// only where asked for.
pub(crate) fn leaves(json: &Json, with_lists: bool) -> Vec<(String, String)> {
    fn walk(json: &Json, key: &str, with_lists: bool, top: bool, found: &mut Vec<(String, String)>) {
        match json {
            Json::String(text) if !text.trim().is_empty() => found.push((key.to_owned(), text.to_string())),
            Json::Number(number) => {
                let text = number.to_string();
                // A small number is an id only where it is called one.
                if text.len() >= 3 || top || key.to_lowercase().ends_with("id") {
                    found.push((key.to_owned(), text));
                }
            }
            Json::Array(items) if with_lists || top => {
                items.iter().for_each(|item| walk(item, key, with_lists, false, found));
            }
            Json::Object(members) => {
                members.iter().for_each(|(name, member)| walk(member, name, with_lists, false, found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(json, "", with_lists, true, &mut found);
    found
}

/// Fields of a record whose texts are not its own.
pub(crate) fn is_closed(key: &str) -> bool {
    matches!(
        key,
        "kind"
            | "resource_type"
            | "status"
            | "status_details"
            | "account_type"
            | "traits"
            | "created_at"
            | "last_login"
    )
}

/// Takes out of all lists what refers to something that is gone.
pub(crate) fn purge(json: &mut Json, gone: &BTreeSet<String>) {
    match json {
        Json::Array(items) => {
            items.iter_mut().for_each(|item| purge(item, gone));
            items.retain(|item| !leaves(item, false).iter().any(|(_, leaf)| gone.contains(&leaf.to_lowercase())));
        }
        Json::Object(members) => {
            members.values_mut().for_each(|member| purge(member, gone));
            members.retain(|name, _| !gone.contains(&name.to_lowercase()));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use engine_json::json;

    use super::*;

    #[test]
    fn rows_that_differ_most_are_picked_and_needed_ones_always() {
        let rows: Vec<Json> = (0..20).map(|n| json!({"id": n, "on": n != 13, "name": format!("n{n}")})).collect();
        let rows: Vec<&Json> = rows.iter().collect();
        assert_eq!(pick(&rows, 3, &|row| row["id"] == 17), [0, 13, 17]);
        assert_eq!(pick(&rows, 30, &|_| false).len(), 20);
    }

    #[test]
    fn what_is_gone_goes_from_lists_and_maps_and_its_neighbours_stay() {
        let gone = BTreeSet::from(["ada@acme.example".to_owned(), "u-7".to_owned()]);
        let mut json = json!({
            "members": [{"value": "u-7"}, {"value": "u-8", "teams": ["u-7", "t"]}],
            "by_mail": {"Ada@acme.example": 1, "bo@acme.example": 2},
            "owner": "u-7",
        });
        purge(&mut json, &gone);
        let left =
            json!({"members": [{"value": "u-8", "teams": ["t"]}], "by_mail": {"bo@acme.example": 2}, "owner": "u-7"});
        assert_eq!(json, left);
    }
}
