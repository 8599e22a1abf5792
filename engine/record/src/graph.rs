//! The graph of a run, as far as a recording needs it: which resources there are, its shape without
//! any name in it, and whether it is a part of another.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use engine_json::Value as Json;

/// Rounds in which what stands around a record is taken into its shape.
const ROUNDS: usize = 5;

/// The records of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    records: Vec<Json>,
}

fn text<'a>(record: &'a Json, key: &str) -> &'a str {
    record.get(key).and_then(Json::as_str).unwrap_or_default()
}

impl Graph {
    /// Reads JSON Lines.
    pub fn parse(lines: &str) -> Self {
        Self { records: lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect() }
    }

    fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Json> {
        self.records.iter().filter(move |record| text(record, "kind") == kind)
    }

    /// The resources: type, id and record.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &str, &Json)> {
        self.of_kind("resource").map(|record| (text(record, "resource_type"), text(record, "id"), record))
    }

    /// The first resource of each status and account type, and of each kind of grant the first one's
    /// resource and principal: type and id.
    pub fn examples(&self) -> Vec<(String, String)> {
        let mut seen = BTreeSet::new();
        let mut examples = Vec::new();
        for (kind, id, record) in self.resources() {
            let (status, account) = (text(record, "status"), text(record, "account_type"));
            if !status.is_empty() && seen.insert((kind, status, account)) {
                examples.push((kind.to_owned(), id.to_owned()));
            }
        }
        for record in self.of_kind("grant") {
            let (of, to) = (text(record, "resource_type"), text(record, "principal_type"));
            if seen.insert((of, to, "")) {
                examples.push((of.to_owned(), text(record, "resource").to_owned()));
                examples.push((to.to_owned(), text(record, "principal").to_owned()));
            }
        }
        examples
    }

    /// How many there are of each kind: `user`, `grants of team:member`.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for (kind, _, record) in self.resources() {
            *counts.entry(kind.to_owned()).or_default() += 1;
            let status = text(record, "status");
            if !status.is_empty() {
                *counts.entry(format!("{kind} with the status {status}")).or_default() += 1;
            }
        }
        for record in self.of_kind("entitlement") {
            *counts.entry(format!("entitlements of {}", text(record, "resource_type"))).or_default() += 1;
        }
        for record in self.of_kind("grant") {
            let list = format!("grants of {} to {}", text(record, "resource_type"), text(record, "principal_type"));
            *counts.entry(list).or_default() += 1;
        }
        counts
    }

    /// The kinds of records that there are any of.
    pub fn kinds(&self) -> BTreeSet<String> {
        self.counts().into_keys().filter(|kind| !kind.contains("with the status")).collect()
    }

    /// What differs in the shape of two graphs; nothing if one is the other under other names.
    pub fn differs_in_shape(&self, other: &Self) -> Option<String> {
        let (before, after) = (self.counts(), other.counts());
        let kinds: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let differing: Vec<String> = kinds
            .into_iter()
            .filter(|kind| before.get(*kind) != after.get(*kind))
            .map(|kind| {
                let count = |counts: &BTreeMap<String, u64>| counts.get(kind).copied().unwrap_or_default();
                format!("{kind}: {} before, {} after", count(&before), count(&after))
            })
            .collect();
        if !differing.is_empty() {
            return Some(differing.join("; "));
        }
        let (before, after) = (self.shape(), other.shape());
        if before == after {
            return None;
        }
        let odd: BTreeSet<&str> = before
            .iter()
            .filter(|(key, count)| after.get(*key) != Some(*count))
            .map(|((kind, _), _)| kind.as_str())
            .collect();
        let odd: Vec<&str> = odd.into_iter().collect();
        Some(format!("as many records of each kind, and other fields or relations around: {}", odd.join(", ")))
    }

    /// How often each shape occurs, by kind of record. The shape of a record is which fields it has,
    /// what its statuses are, and the shapes of what it is related to.
    fn shape(&self) -> BTreeMap<(String, u64), u64> {
        let mut shapes: BTreeMap<String, (String, u64)> = BTreeMap::new();
        let mut relations: Vec<(String, String, u64)> = Vec::new();
        for record in &self.records {
            let own = hash(&fields(record, ""));
            match text(record, "kind") {
                "resource" => {
                    let kind = text(record, "resource_type").to_owned();
                    let id = format!("{kind}:{}", text(record, "id"));
                    if let Some(parent) = record.get("parent").or_else(|| record.get("parent_id")) {
                        let parent = format!("{}:{}", text(parent, "resource_type"), text(parent, "id"));
                        relations.push((id.clone(), parent, 1));
                    }
                    shapes.insert(id, (kind, own));
                }
                "entitlement" => {
                    let resource = format!("{}:{}", text(record, "resource_type"), text(record, "resource"));
                    relations.push((text(record, "id").to_owned(), resource, 2));
                    let kind = format!("entitlements of {}", text(record, "resource_type"));
                    shapes.insert(text(record, "id").to_owned(), (kind, own));
                }
                "grant" => {
                    let id = format!("grant {}", text(record, "id"));
                    let principal = format!("{}:{}", text(record, "principal_type"), text(record, "principal"));
                    relations.push((id.clone(), text(record, "entitlement").to_owned(), 3));
                    relations.push((id.clone(), principal, 4));
                    shapes.insert(id, (format!("grants of {}", text(record, "resource_type")), own));
                }
                _ => {}
            }
        }
        for _ in 0..ROUNDS {
            let mut around: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
            for (one, other, kind) in &relations {
                let shape = |id: &String| shapes.get(id).map(|(_, shape)| *shape).unwrap_or_default();
                around.entry(one).or_default().push((*kind, shape(other)));
                around.entry(other).or_default().push((*kind + 16, shape(one)));
            }
            let next: BTreeMap<String, (String, u64)> = shapes
                .iter()
                .map(|(id, (kind, shape))| {
                    let mut near = around.get(id.as_str()).cloned().unwrap_or_default();
                    near.sort_unstable();
                    (id.clone(), (kind.clone(), hash(&(shape, near))))
                })
                .collect();
            shapes = next;
        }
        let mut counts = BTreeMap::new();
        for shape in shapes.into_values() {
            *counts.entry(shape).or_default() += 1;
        }
        counts
    }

    /// The first record that this graph has and the other has not, by its id.
    pub fn beyond(&self, other: &Self) -> Option<String> {
        let names = |graph: &Self| -> BTreeSet<String> {
            let resources = graph.resources().map(|(kind, id, _)| format!("{kind}:{id}"));
            resources.chain(graph.of_kind("grant").map(|record| text(record, "id").to_owned())).collect()
        };
        let all = names(other);
        names(self).into_iter().find(|name| !all.contains(name))
    }
}

/// The fields of a record with what is the same under all names: lists by their length, booleans and
/// the closed words of the graph.
fn fields(json: &Json, path: &str) -> Vec<String> {
    const WORDS: &[&str] = &["/kind", "/resource_type", "/status", "/account_type", "/purpose", "/principal_type"];
    match json {
        Json::Object(members) => {
            members.iter().flat_map(|(name, member)| fields(member, &format!("{path}/{name}"))).collect()
        }
        // The names of members of a profile are the spec's.
        Json::Array(items) => {
            let inner = items.iter().flat_map(|item| fields(item, &format!("{path}/*")));
            std::iter::once(format!("{path} {}", items.len())).chain(inner).collect()
        }
        Json::String(text) if WORDS.contains(&path) || path.starts_with("/traits") => vec![format!("{path}={text}")],
        Json::Bool(value) => vec![format!("{path}={value}")],
        _ => vec![path.to_owned()],
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(members: &[(&str, &str)], names: &[&str]) -> Graph {
        let mut lines = String::new();
        for name in names {
            lines.push_str(&format!("{{\"kind\":\"resource\",\"resource_type\":\"user\",\"id\":\"{name}\"}}\n"));
        }
        for (team, user) in members {
            lines.push_str(&format!("{{\"kind\":\"entitlement\",\"id\":\"team:{team}:member\",\"resource_type\":\"team\",\"resource\":\"{team}\"}}\n"));
            lines.push_str(&format!(
                "{{\"kind\":\"grant\",\"id\":\"team:{team}:member:user:{user}\",\"entitlement\":\"team:{team}:member\",\"resource_type\":\"team\",\"principal_type\":\"user\",\"principal\":\"{user}\"}}\n"
            ));
        }
        Graph::parse(&lines)
    }

    #[test]
    fn other_names_are_the_same_shape_and_other_relations_are_not() {
        let one = graph(&[("t1", "a"), ("t2", "a")], &["a", "b"]);
        let renamed = graph(&[("x", "z"), ("y", "z")], &["y", "z"]);
        let other = graph(&[("x", "y"), ("y", "z")], &["y", "z"]);
        assert_eq!(one.differs_in_shape(&renamed), None);
        assert!(one.differs_in_shape(&other).is_some());
        let fewer = graph(&[("t1", "a")], &["a", "b"]);
        assert!(one.differs_in_shape(&fewer).is_some_and(|text| text.contains("2 before, 1 after")));
        assert_eq!(fewer.beyond(&one), None);
        assert_eq!(one.beyond(&fewer).as_deref(), Some("team:t2:member:user:a"));
    }
}
