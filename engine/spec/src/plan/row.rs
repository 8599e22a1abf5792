//! Rows that do not stand in an answer as objects: the members of an object, and values under names.

use engine_json::{Map, Value as Json};

use super::{NoWitness, Origin, PageRules, Pages, Source, Take, named_values};
use crate::scope::Scope;

/// The row that a member of an object is: its `key` and its `value`.
pub fn entry(key: &str, value: &Json) -> Json {
    Json::Object([("key", Json::from(key)), ("value", value.clone())].into_iter().collect())
}

/// The names of columns, for rows that are arrays of values.
pub struct Columns {
    count: usize,
    /// A row without values; its clones share its names.
    empty: Map,
    /// For each name of it, the column; the last one of those that have the name.
    columns: Vec<usize>,
}

impl Columns {
    /// Columns of these names, in order.
    pub fn new(names: &[String]) -> Self {
        let empty: Map = names.iter().map(|name| (name.as_str(), Json::Null)).collect();
        let columns = empty.keys().filter_map(|name| names.iter().rposition(|known| known == name));
        Self { count: names.len(), columns: columns.collect(), empty }
    }

    /// The row that an array of values is; nothing where there are not as many values as columns.
    pub fn row(&self, cells: &Json) -> Option<Json> {
        let cells = cells.as_array().filter(|cells| cells.len() == self.count)?;
        let mut row = self.empty.clone();
        for (value, column) in row.values_mut().zip(&self.columns) {
            value.clone_from(cells.get(*column)?);
        }
        Some(Json::Object(row))
    }
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

#[cfg(test)]
mod tests {
    use engine_json::json;

    use super::*;

    #[test]
    fn values_stand_under_the_names_of_their_columns_and_the_last_one_of_a_name_stays() {
        let columns = Columns::new(&["b", "a", "b"].map(str::to_owned));
        assert_eq!(columns.row(&json!([1, [2], 3])), Some(json!({"a": [2], "b": 3})));
        assert_eq!(columns.row(&json!([4, null, 5])), Some(json!({"a": null, "b": 5})));
        assert_eq!(columns.row(&json!([1, 2])), None);
        assert_eq!(columns.row(&json!({"a": 1})), None);
    }
}
