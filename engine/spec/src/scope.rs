//! Scopes: which names an expression can use and what they stand for while a row is worked on.
//! A scope borrows everything; adding a name copies nothing.

use engine_json::{Map, Value as Json};

/// Names in scope, innermost first, and the node that `$` stands for.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    outer: Option<&'a Scope<'a>>,
    names: Names<'a>,
    node: &'a Json,
}

#[derive(Clone, Copy)]
enum Names<'a> {
    None,
    One(&'a str, &'a Json),
    Many(&'a Map),
}

static NULL: Json = Json::Null;

impl<'a> Scope<'a> {
    /// A scope whose names are the members of `names`; `$` is null.
    pub fn root(names: &'a Map) -> Self {
        Self { outer: None, names: Names::Many(names), node: &NULL }
    }

    /// The same scope with another node for `$`.
    pub fn at(&self, node: &'a Json) -> Self {
        Self { node, ..*self }
    }

    /// This scope with one more name.
    pub fn with(&'a self, name: &'a str, value: &'a Json) -> Scope<'a> {
        Scope { outer: Some(self), names: Names::One(name, value), node: self.node }
    }

    /// This scope with the members of a map as names.
    pub fn with_all(&'a self, names: &'a Map) -> Scope<'a> {
        Scope { outer: Some(self), names: Names::Many(names), node: self.node }
    }

    /// This scope with the node also named, as `row` is.
    pub fn with_node(&'a self, name: &'a str, node: &'a Json) -> Scope<'a> {
        Scope { outer: Some(self), names: Names::One(name, node), node }
    }

    /// What `$` stands for.
    pub fn node(&self) -> &'a Json {
        self.node
    }

    /// What a name stands for.
    pub fn get(&self, name: &str) -> Option<&'a Json> {
        let mut scope = self;
        loop {
            let found = match scope.names {
                Names::None => None,
                Names::One(known, value) => (known == name).then_some(value),
                Names::Many(map) => map.get(name),
            };
            match (found, scope.outer) {
                (Some(value), _) => return Some(value),
                (None, Some(outer)) => scope = outer,
                (None, None) => return None,
            }
        }
    }
}

impl Default for Scope<'_> {
    fn default() -> Self {
        Self { outer: None, names: Names::None, node: &NULL }
    }
}

#[cfg(test)]
mod tests {
    use engine_json::json;

    use super::*;

    #[test]
    fn inner_names_hide_outer_ones() {
        let names = json!({"row": 1, "config": {"a": 2}});
        let root = Scope::root(names.as_object().unwrap());
        let inner = json!(3);
        let scope = root.with("row", &inner);
        assert_eq!(scope.get("row"), Some(&json!(3)));
        assert_eq!(scope.get("config"), Some(&json!({"a": 2})));
        assert_eq!(scope.get("other"), None);
    }
}
