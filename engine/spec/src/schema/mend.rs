//! The change that makes a faulty tree fit the schema: a misspelt key is taken for the one that was
//! meant, a value for what it says in another notation, and where nothing can be guessed something
//! stands in. It is never run; it lets the rest of a spec be checked in the same run.

use serde_json::{Map, Value as Json};

use crate::resolve::Resolved;

/// One change.
#[derive(Clone, Debug)]
pub(super) enum Mend {
    /// Another key, with its value or another one.
    Rename { pointer: String, to: String, value: Option<Json> },
    /// The same in another notation.
    Set { pointer: String, value: Json },
    /// A list of this one.
    List { pointer: String },
    /// Something of the right form, about which nothing is told.
    StandIn { pointer: String, value: Json },
    /// Something of the right form where nothing is, unless another key is taken for it.
    Supply { pointer: String, value: Json },
    /// Nothing is known of it.
    Drop { pointer: String },
}

/// Applies changes. Keys come first: what is missing may be there by another name.
pub(super) fn apply(mends: Vec<Mend>, resolved: &mut Resolved) {
    let (keys, values): (Vec<Mend>, Vec<Mend>) =
        mends.into_iter().partition(|mend| matches!(mend, Mend::Rename { .. }));
    for mend in keys.into_iter().chain(values) {
        match mend {
            Mend::Rename { pointer, to, value } => resolved.rename(&pointer, &to, value),
            Mend::Set { pointer, value } => resolved.take_for(&pointer, value),
            Mend::List { pointer } => resolved.take_for_list(&pointer),
            Mend::StandIn { pointer, value } => resolved.stand_in(&pointer, value),
            Mend::Supply { pointer, value } => resolved.supply(&pointer, value),
            Mend::Drop { pointer } => resolved.drop_member(&pointer),
        }
    }
}

/// Something that a part of the schema accepts.
pub(super) fn sample(schema: &Json, node: &Json) -> Json {
    sample_below(schema, node, 0)
}

fn sample_below(schema: &Json, node: &Json, depth: usize) -> Json {
    if depth > 12 {
        return Json::Null;
    }
    let inner = |node: &Json| sample_below(schema, node, depth + 1);
    if let Some(reference) = node.get("$ref").and_then(Json::as_str) {
        return schema.pointer(reference.trim_start_matches('#')).map(inner).unwrap_or_default();
    }
    if let Some(value) = node.get("const") {
        return value.clone();
    }
    if let Some(value) = node.get("enum").and_then(|list| list.get(0)) {
        return value.clone();
    }
    let forms = node.get("anyOf").or_else(|| node.get("oneOf")).and_then(|forms| forms.get(0));
    let made = forms.map(inner);
    let own = match node.get("type") {
        Some(Json::String(of)) => of.as_str(),
        Some(Json::Array(many)) => many.first().and_then(Json::as_str).unwrap_or_default(),
        _ => return made.unwrap_or_else(|| Json::from("x")),
    };
    match own {
        "object" => {
            let mut map = match made {
                Some(Json::Object(map)) => map,
                _ => Map::new(),
            };
            for key in node.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
                let property = node.get("properties").and_then(|properties| properties.get(key));
                map.insert(key.to_owned(), property.map(inner).unwrap_or_default());
            }
            let least = node.get("minProperties").and_then(Json::as_u64).unwrap_or(0);
            for number in 0..least.min(8) {
                let member = node.get("additionalProperties").filter(|member| member.is_object());
                map.entry(format!("x{number}")).or_insert_with(|| member.map(inner).unwrap_or_default());
            }
            Json::Object(map)
        }
        "array" => {
            let least = node.get("minItems").and_then(Json::as_u64).unwrap_or(0);
            (0..least.min(8)).map(|_| node.get("items").map(inner).unwrap_or_default()).collect()
        }
        "integer" | "number" => node.get("minimum").cloned().unwrap_or_else(|| Json::from(1)),
        "boolean" => Json::Bool(false),
        "null" => Json::Null,
        _ => Json::from("x"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_fits_the_part_of_the_schema_it_is_made_for() {
        let schema = crate::schema::spec_schema();
        for (name, node) in schema["$defs"].as_object().unwrap() {
            let mut alone = node.clone();
            alone["$defs"] = schema["$defs"].clone();
            let made = sample(&schema, node);
            let validator = jsonschema::validator_for(&alone).unwrap();
            assert!(validator.is_valid(&made), "{name}: {made}");
        }
    }
}
