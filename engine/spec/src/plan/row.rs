//! Rows that do not stand in an answer as objects: the members of an object, and values under names.

use engine_json::{Map, Value as Json, json};

use super::{NoWitness, Origin, PageRules, Pages, Source, Take, named_values};
use crate::scope::Scope;

/// The row that a member of an object is: its `key` and its `value`.
pub fn entry(key: &str, value: &Json) -> Json {
    json!({ "key": key, "value": value })
}

/// The row that an array of values is, by the names of its columns; nothing where there are not as many
/// of both.
pub fn under_names(names: &[String], cells: &Json) -> Option<Json> {
    let cells = cells.as_array().filter(|cells| cells.len() == names.len())?;
    Some(Json::Object(names.iter().cloned().zip(cells.iter().cloned()).collect()))
}

impl PageRules {
    /// The values of the first answer that later requests and rows read, as far as it has them.
    pub fn firsts(&self, answer: &Json) -> Map {
        let nothing = Map::new();
        let root = Scope::root(&nothing);
        named_values(&self.first, &root.with_node("body", answer))
    }
}

impl Source {
    /// The names of the columns, as the first answer of a list tells them, of which `body` is the part
    /// that holds the rows; nothing where it tells none.
    pub fn column_names(&self, answer: &Json, body: &Json) -> Option<Vec<String>> {
        let Take::Columns { names, .. } = &self.take else { return None };
        let firsts = match &self.origin {
            Origin::Request(asked) => match &asked.pages {
                Pages::Rules(rules) => rules.firsts(answer),
                Pages::None => Map::new(),
            },
            Origin::Constant(_) | Origin::EachRow(_) => Map::new(),
        };
        let firsts = Json::Object(firsts);
        let nothing = Map::new();
        let root = Scope::root(&nothing);
        let scope = root.with("first", &firsts);
        let scope = scope.with_node("body", body);
        let found = names.yields_all(&scope, &NoWitness).ok()??;
        Some(found.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
    }
}
