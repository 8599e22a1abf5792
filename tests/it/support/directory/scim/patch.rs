//! What the operations of a PATCH do to a resource (RFC 7644, section 3.5.2).

use serde_json::{Map, Value as Json, json};

use super::dialect::{Dialect, Op, Removal};
use super::path::{ENTERPRISE, LICENSE, Path, attribute_of, find, is_list};
use super::{Kind, Refusal};

/// A resource after the operations, or why nothing of them is done.
pub fn patched(resource: &Json, body: &Json, kind: Kind, dialect: &Dialect) -> Result<Json, Refusal> {
    let body = body.as_object().ok_or_else(|| syntax("the body is not an object"))?;
    let operations = find(body, "Operations").and_then(Json::as_array).filter(|operations| !operations.is_empty());
    let mut resource = resource.as_object().cloned().unwrap_or_default();
    for operation in operations.ok_or_else(|| syntax("there are no operations"))? {
        let operation = operation.as_object().ok_or_else(|| syntax("an operation is not an object"))?;
        let op = dialect.ops.read(find(operation, "op"))?;
        let value = find(operation, "value").filter(|value| !value.is_null());
        match find(operation, "path").and_then(Json::as_str) {
            Some(path) => {
                let path = Path::read(path, kind)?;
                if kind == Kind::User && dialect.pathless_active && value.is_some_and(Json::is_boolean) {
                    return Err(invalid("value is neither a text nor an object"));
                }
                at_path(&mut resource, op, &path, value, dialect)?;
            }
            None if op == Op::Remove => return Err(no_target("what is to be removed is not said")),
            None => {
                let values = value.and_then(Json::as_object).ok_or_else(|| invalid("value is not an object"))?;
                everywhere(&mut resource, op, values, kind)?;
            }
        }
    }
    Ok(Json::Object(resource))
}

fn syntax(detail: &str) -> Refusal {
    Refusal::because("invalidSyntax", detail)
}

fn invalid(detail: &str) -> Refusal {
    Refusal::because("invalidValue", detail)
}

fn no_target(detail: &str) -> Refusal {
    Refusal::because("noTarget", detail)
}

type Object = Map<String, Json>;

/// Without a path the value is an object of attributes.
fn everywhere(resource: &mut Object, op: Op, values: &Object, kind: Kind) -> Result<(), Refusal> {
    for (name, value) in values {
        if [LICENSE, ENTERPRISE].contains(&name.as_str()) {
            merge(object_in(resource, name)?, value)?;
        } else if name != "schemas" && resource.get(name) != Some(value) {
            // Some clients repeat the id, which is no change.
            whole(resource, op, &attribute_of(name, kind)?, value)?;
        }
    }
    Ok(())
}

fn at_path(resource: &mut Object, op: Op, path: &Path, value: Option<&Json>, dialect: &Dialect) -> Result<(), Refusal> {
    if op == Op::Remove {
        return remove(resource, path, value, dialect);
    }
    let value = value.ok_or_else(|| invalid("there is no value"))?;
    if let Some(extension) = path.extension {
        object_in(resource, extension)?.insert(path.attribute.clone(), value.clone());
        return Ok(());
    }
    let name = &path.attribute;
    match (&path.filter, &path.part) {
        (None, None) => whole(resource, op, name, value)?,
        (None, Some(part)) if !is_list(name) => {
            object_in(resource, name)?.insert(part.clone(), value.clone());
        }
        (filter, part) => {
            let mut found = false;
            for element in list_in(resource, name).iter_mut() {
                if filter.as_ref().is_some_and(|filter| !filter.fits(element)) {
                    continue;
                }
                found = true;
                let element = element.as_object_mut().ok_or_else(|| invalid("an element is not an object"))?;
                match part {
                    Some(part) => drop(element.insert(part.clone(), value.clone())),
                    None => merge(element, value)?,
                }
            }
            if !found {
                return Err(no_target("no element fits the path"));
            }
        }
    }
    Ok(())
}

/// Sets an attribute, or adds to it what is not there yet.
fn whole(resource: &mut Object, op: Op, name: &str, value: &Json) -> Result<(), Refusal> {
    if is_list(name) {
        let values = elements(value);
        let list = list_in(resource, name);
        if op == Op::Replace {
            list.clear();
        }
        for value in values {
            if !list.iter().any(|known| same(known, &value)) {
                list.push(value);
            }
        }
    } else if value.is_object() {
        merge(object_in(resource, name)?, value)?;
    } else {
        resource.insert(name.to_owned(), value.clone());
    }
    Ok(())
}

fn remove(resource: &mut Object, path: &Path, value: Option<&Json>, dialect: &Dialect) -> Result<(), Refusal> {
    let value = match (path.attribute.as_str(), dialect.removal) {
        ("members", Removal::Replacement) => return Err(invalid("members are not removed, the list is replaced")),
        ("members", Removal::Values) if path.filter.is_some() => {
            return Err(Refusal::because("invalidPath", "a path has no filter"));
        }
        ("members", Removal::Filter) if value.is_some() => return Err(invalid("a removal has no value")),
        ("members", Removal::Careless) => None,
        _ => value,
    };
    if let Some(extension) = path.extension {
        object_in(resource, extension)?.remove(&path.attribute);
        return Ok(());
    }
    let name = &path.attribute;
    if !is_list(name) {
        match &path.part {
            Some(part) => drop(object_in(resource, name)?.remove(part)),
            None => drop(resource.remove(name)),
        }
        return Ok(());
    }
    let gone = value.map(elements);
    let goes = |element: &Json| {
        path.filter.as_ref().is_none_or(|filter| filter.fits(element))
            && gone.as_ref().is_none_or(|gone| gone.iter().any(|gone| same(gone, element)))
    };
    let list = list_in(resource, name);
    if dialect.no_target && !list.iter().any(goes) {
        return Err(no_target("no element fits the path"));
    }
    match &path.part {
        None => list.retain(|element| !goes(element)),
        Some(part) => {
            for element in list.iter_mut().filter(|element| goes(element)) {
                element.as_object_mut().and_then(|element| element.remove(part));
            }
        }
    }
    Ok(())
}

/// The same element of a list: by `value` where there is one.
fn same(one: &Json, other: &Json) -> bool {
    match (&one["value"], &other["value"]) {
        (Json::Null, _) | (_, Json::Null) => one == other,
        (one, other) => one == other,
    }
}

/// One element or several.
fn elements(value: &Json) -> Vec<Json> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

fn list_in<'a>(resource: &'a mut Object, name: &str) -> &'a mut Vec<Json> {
    let list = resource.entry(name).or_insert_with(|| json!([]));
    if !list.is_array() {
        *list = json!([]);
    }
    list.as_array_mut().expect("it is a list")
}

fn object_in<'a>(resource: &'a mut Object, name: &str) -> Result<&'a mut Object, Refusal> {
    let object = resource.entry(name).or_insert_with(|| json!({}));
    object.as_object_mut().ok_or_else(|| Refusal::because("invalidPath", &format!("{name} has no parts")))
}

fn merge(object: &mut Object, value: &Json) -> Result<(), Refusal> {
    let values = value.as_object().ok_or_else(|| invalid("value is not an object"))?;
    object.extend(values.clone());
    Ok(())
}
