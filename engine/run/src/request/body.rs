//! JSON bodies: a structure with typed leaves. What is optional and absent vanishes, together with
//! the containers that it empties; `{}` and `[]` that the author wrote never do.

use engine_json::{Map, Value as Json};
use engine_spec::plan::{Node, Value, ValueKind, Witness};
use engine_spec::scope::Scope;

use super::RenderFault;

/// The body. A root that has been emptied stays, as `{}` or `[]`.
pub(super) fn json(root: &Node, scope: &Scope<'_>, witness: &dyn Witness) -> Result<Json, RenderFault> {
    let emptied = match root {
        Node::Object(_) => Json::Object(Map::new()),
        Node::List(_) | Node::Each(_) => Json::Array(Vec::new()),
        Node::Leaf(_) | Node::Optional(_) | Node::Constant(_) | Node::When(_) => Json::Null,
    };
    Ok(built(root, scope, witness)?.unwrap_or(emptied))
}

/// A piece of the body, or nothing where it vanishes.
pub(super) fn built(node: &Node, scope: &Scope<'_>, witness: &dyn Witness) -> Result<Option<Json>, RenderFault> {
    match node {
        Node::Constant(json) => Ok(Some(json.clone())),
        Node::Leaf(value) => leaf(value, scope, witness),
        Node::Optional(value) => {
            let found = value.yields(scope, witness)?;
            Ok(found.map(|json| json.into_owned()).filter(|json| !json.is_null()))
        }
        Node::When(branch) => {
            let fault = |reason: String| RenderFault { site: branch.site.clone(), reason };
            let holds = branch.when.holds(scope).map_err(|error| fault(error.to_string()))?;
            if holds { built(&branch.then, scope, witness) } else { Ok(None) }
        }
        Node::Each(each) => {
            let found = each.list.yields_all(scope, witness)?;
            let Some(found) = found else { return Err(each.list.missing("a list of the JSON body").into()) };
            let mut list = Vec::new();
            for row in &found {
                list.extend(built(&each.then, &scope.with_node("row", row), witness)?);
            }
            Ok(Some(Json::Array(list)))
        }
        Node::Object(members) => {
            let mut object = Map::new();
            for (name, member) in members {
                if let Some(json) = built(member, scope, witness)? {
                    object.insert(name.clone(), json);
                }
            }
            Ok((members.is_empty() || !object.is_empty()).then_some(Json::Object(object)))
        }
        Node::List(elements) => {
            let mut list = Vec::new();
            for element in elements {
                list.extend(built(element, scope, witness)?);
            }
            Ok((elements.is_empty() || !list.is_empty()).then_some(Json::Array(list)))
        }
    }
}

fn leaf(value: &Value, scope: &Scope<'_>, witness: &dyn Witness) -> Result<Option<Json>, RenderFault> {
    let found = value.yields(scope, witness)?;
    match found {
        Some(json) if !json.is_null() || matches!(value.kind, ValueKind::Literal(_)) => Ok(Some(json.into_owned())),
        _ if value.is_optional(false) => Ok(None),
        _ => Err(value.missing("a value of the JSON body").into()),
    }
}

/// Puts a value at a JSON Pointer (RFC 6901). Objects that are not there are made; a list must
/// have the element already.
pub(super) fn insert(root: &mut Json, pointer: &str, value: Json) -> Result<(), String> {
    let Some(tokens) = pointer.strip_prefix('/') else {
        return Err(format!("`{pointer}` is not a JSON Pointer below the root: it begins with `/`"));
    };
    let mut node = root;
    for token in tokens.split('/') {
        // RFC 6901, 4: `~1` before `~0`.
        let name = token.replace("~1", "/").replace("~0", "~");
        if node.is_null() {
            *node = Json::Object(Map::new());
        }
        node = match node {
            Json::Object(object) => {
                object.get_or_null(&name).ok_or_else(|| format!("`{pointer}` cannot be put there"))?
            }
            Json::Array(list) => name
                .parse::<usize>()
                .ok()
                .and_then(|index| list.get_mut(index))
                .ok_or_else(|| format!("`{pointer}` names no element of the list in the body"))?,
            _ => return Err(format!("`{pointer}` leads through a value of the body that is no object")),
        };
    }
    *node = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use engine_json::json;
    use engine_spec::plan::{NoWitness, Site};
    use engine_spec::template::Template;

    use super::*;

    fn value(template: &str) -> Value {
        let site = Site { file: "t.yaml".into(), line: 3, column: 7 };
        let kind = ValueKind::Template(Template::compile(template).unwrap());
        Value { site, kind, optional: None, keep_blank: false }
    }

    fn body(node: &Node, names: Json) -> Result<Json, RenderFault> {
        json(node, &Scope::root(names.as_object().unwrap()), &NoWitness)
    }

    fn object(members: Vec<(&str, Node)>) -> Node {
        Node::Object(members.into_iter().map(|(name, node)| (name.to_owned(), node)).collect())
    }

    #[test]
    fn leaves_keep_their_types() {
        let node = object(vec![
            ("n", Node::Leaf(value("{{ n }}"))),
            ("on", Node::Leaf(value("{{ on }}"))),
            ("list", Node::Leaf(value("{{ list }}"))),
            ("text", Node::Leaf(value("n{{ n }}"))),
        ]);
        let made = body(&node, json!({"n": 9007199254740993_i64, "on": false, "list": [1, "a"]})).unwrap();
        assert_eq!(
            made,
            json!({"n": 9007199254740993_i64, "on": false, "list": [1, "a"], "text": "n9007199254740993"})
        );
    }

    #[test]
    fn what_is_absent_vanishes_with_what_it_empties_and_written_emptiness_stays() {
        let node = object(vec![
            (
                "filter",
                object(vec![("and", Node::List(vec![object(vec![("after", Node::Optional(value("{{ gone }}")))])]))]),
            ),
            ("empty", object(vec![])),
            ("none", Node::List(vec![])),
            ("constant", Node::Constant(json!({}))),
            ("kept", Node::List(vec![Node::Optional(value("{{ gone }}")), Node::Leaf(value("{{ here }}"))])),
        ]);
        let made = body(&node, json!({"here": 1})).unwrap();
        assert_eq!(made, json!({"empty": {}, "none": [], "constant": {}, "kept": [1]}));
    }

    #[test]
    fn an_emptied_body_is_still_a_body() {
        let node = object(vec![("after", Node::Optional(value("{{ gone }}")))]);
        assert_eq!(body(&node, json!({})).unwrap(), json!({}));
    }

    #[test]
    fn an_absent_or_null_leaf_is_an_error_that_names_its_place() {
        for names in [json!({}), json!({"id": null})] {
            let fault = body(&object(vec![("id", Node::Leaf(value("{{ id }}")))]), names).unwrap_err();
            assert_eq!(fault.site.to_string(), "t.yaml:3:7");
            assert!(fault.reason.contains("is required"), "{}", fault.reason);
        }
        let literal = Value::literal(Site { file: "t".into(), line: 1, column: 1 }, Json::Null);
        assert_eq!(body(&object(vec![("id", Node::Leaf(literal))]), json!({})).unwrap(), json!({"id": null}));
    }

    #[test]
    fn a_pointer_makes_the_objects_on_its_way() {
        let mut root = json!({"variables": {"first": 5}, "list": [{"a": 1}]});
        insert(&mut root, "/variables/after", json!("c1")).unwrap();
        insert(&mut root, "/page/size~1max", json!(9)).unwrap();
        insert(&mut root, "/list/0/b", json!(2)).unwrap();
        assert_eq!(
            root,
            json!({"variables": {"first": 5, "after": "c1"}, "list": [{"a": 1, "b": 2}], "page": {"size/max": 9}})
        );
        assert!(insert(&mut root, "/variables/first/x", json!(1)).unwrap_err().contains("no object"));
        assert!(insert(&mut root, "/list/3", json!(1)).is_err());
        assert!(insert(&mut root, "variables", json!(1)).is_err());
    }
}
