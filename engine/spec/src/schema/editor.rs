//! What editors want beside a schema: examples, hover texts with markup, the words of a choice with
//! what each means, and the defaults that hold.
//!
//! In: a schema made of the document types. Out: the same schema; it accepts exactly the same texts.
//! `markdownDescription`, `defaultSnippets`, `enumDescriptions` and `markdownEnumDescriptions` are read by the YAML and
//! JSON language servers (VS Code, Neovim and others), `x-intellij-enum-metadata` by JetBrains' editors.

use serde_json::{Map, Value as Json, json};

use super::examples::{EXAMPLES, flow};

/// Prepares a schema; `root` is the name of the block that it describes.
pub fn prepare(schema: &mut Json, root: &str) {
    if let Some(definitions) = schema.get_mut("$defs").and_then(Json::as_object_mut) {
        for (name, definition) in definitions {
            node(definition, name);
            // A hover text begins with it; schema/reference.md has a section of this name.
            if let Some(object) = definition.as_object_mut() {
                object.insert("title".to_owned(), Json::from(name.as_str()));
            }
        }
    }
    node(schema, root);
}

fn node(schema: &mut Json, block: &str) {
    let Some(object) = schema.as_object_mut() else { return };
    if object.get("default").is_some_and(says_nothing) {
        object.remove("default");
    }
    words(object);
    if let Some(description) = object.get("description").cloned() {
        // Editors show a plain description as it stands, with the marks of code in it.
        if description.as_str().is_some_and(|text| text.contains('`')) {
            object.insert("markdownDescription".to_owned(), description);
        }
    }
    let keys = object.get("properties").and_then(Json::as_object).map_or(0, Map::len);
    let form = object.get("description").filter(|_| keys == 1).cloned();
    for (key, property) in object.get_mut("properties").and_then(Json::as_object_mut).into_iter().flatten() {
        keyed(property, block, key, form.as_ref());
        node(property, block);
    }
    for key in ["items", "additionalProperties"] {
        object.get_mut(key).into_iter().for_each(|inner| node(inner, block));
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        for inner in object.get_mut(key).and_then(Json::as_array_mut).into_iter().flatten() {
            node(inner, block);
            form_of(inner);
        }
    }
}

/// Editors show the description of the innermost form that fits, in the place of the key's own. That
/// of a bare text or list says less than the key's; a form of one key is offered by the key's name.
fn form_of(form: &mut Json) {
    let Some(object) = form.as_object_mut() else { return };
    let keys = object.get("properties").and_then(Json::as_object);
    let only = keys.filter(|keys| keys.len() == 1).and_then(|keys| keys.keys().next()).cloned();
    match only {
        Some(key) => {
            object.insert("title".to_owned(), Json::from(key));
        }
        _ if ["$ref", "const", "enum", "properties"].iter().any(|key| object.contains_key(*key)) => {}
        _ => {
            object.remove("description");
            object.remove("markdownDescription");
        }
    }
}

/// Adds what is known of a key. The one key of a form is described by the form.
fn keyed(property: &mut Json, block: &str, key: &str, form: Option<&Json>) {
    let Some(object) = property.as_object_mut() else { return };
    if let (None, Some(description)) = (object.get("description"), form) {
        object.insert("description".to_owned(), description.clone());
    }
    let known = EXAMPLES.of(block, key).unwrap_or_default();
    if let (Some(first), Ok(examples)) = (known.first(), serde_json::to_value(known)) {
        object.insert("examples".to_owned(), examples);
        // Of a block, editors write out the keys that must be there.
        if (first.is_mapping() || first.is_sequence()) && !object.contains_key("$ref") {
            object.insert("defaultSnippets".to_owned(), json!([snippet(first)]));
        }
    }
    if let Some(default) = EXAMPLES.default_of(block, key).and_then(|default| serde_json::to_value(default).ok()) {
        object.insert("default".to_owned(), default);
    }
}

/// A map or list to begin with, as the guide writes it. Language servers that write it out themselves
/// leave the quotes of templates away; what follows a `^` they take as it stands.
fn snippet(example: &serde_yaml::Value) -> Json {
    let text = flow(example);
    let body = text.replace('\\', "\\\\").replace('$', "\\$");
    json!({ "label": text, "body": format!("^{body}"), "type": "string" })
}

/// What is left out is null, an empty list or an empty map for the engine; nobody writes that.
fn says_nothing(default: &Json) -> bool {
    match default {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Turns a choice of described words into an `enum`, which is what editors list.
fn words(object: &mut Map<String, Json>) {
    let Some(forms) = object.get("oneOf").and_then(Json::as_array) else { return };
    let word =
        |form: &Json| Some((form.get("const")?.as_str()?.to_owned(), form.get("description")?.as_str()?.to_owned()));
    let Some(words) = forms.iter().map(word).collect::<Option<Vec<_>>>() else { return };
    let metadata: Map<String, Json> =
        words.iter().map(|(word, meaning)| (word.clone(), json!({ "description": meaning }))).collect();
    let (words, meanings): (Vec<String>, Vec<String>) = words.into_iter().unzip();
    object.remove("oneOf");
    object.insert("type".to_owned(), Json::from("string"));
    object.insert("enum".to_owned(), Json::from(words));
    object.insert("enumDescriptions".to_owned(), Json::from(meanings.clone()));
    object.insert("markdownEnumDescriptions".to_owned(), Json::from(meanings));
    object.insert("x-intellij-enum-metadata".to_owned(), Json::Object(metadata));
}
