//! The JSON Schema of the language, made of the document types, and the faults that a text has
//! against it. The schema finds every unknown key and wrong type in one pass, with its place;
//! serde would stop at the first and know no place.

mod editor;
mod examples;

mod fault;
mod mend;
mod words;

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value as Json;

use crate::diagnostic::Diagnostics;
use crate::document::{Fragment, Spec};
use crate::resolve::Resolved;

use fault::Faults;

pub use examples::{EXAMPLES, Examples, flow};

/// The JSON Schema (draft 2020-12) of a resolved spec.
pub fn spec_schema() -> Json {
    let mut schema = schemars::schema_for!(Spec).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), Json::from("Connector spec, format 1"));
    }
    schema
}

/// How often a tree is mended and looked at again: a fault inside a block whose key is misspelt
/// shows once the key is taken for what was meant.
const ROUNDS: usize = 5;

/// Blocks that a spec over a fragment may write in part.
const PARTIAL: &[&str] = &["ResourceType", "Client", "ConfigField", "Entitlement", "GrantSource", "User"];

/// The schema of the text of a spec file, for editors and other validators. It is the schema of
/// the resolved spec, but for keys that a fragment may give.
pub fn file_schema() -> Json {
    let mut schema = spec_schema();
    for name in PARTIAL {
        if let Some(definition) = schema.pointer_mut(&format!("/$defs/{name}")).and_then(Json::as_object_mut) {
            definition.remove("required");
            for property in definition.get_mut("properties").and_then(Json::as_object_mut).into_iter().flatten() {
                or_null(property.1);
                if let Some(member) = property.1.get_mut("additionalProperties") {
                    or_null(member);
                }
            }
        }
    }
    editor::prepare(&mut schema, "Spec");
    schema
}

/// The JSON Schema (draft 2020-12) of a fragment, for editors and other validators.
pub fn fragment_file_schema() -> Json {
    let mut schema = fragment_schema();
    editor::prepare(&mut schema, "Fragment");
    schema
}

fn fragment_schema() -> Json {
    schemars::schema_for!(Fragment).to_value()
}

struct Checker {
    schema: Json,
    validator: Option<Validator>,
}

impl Checker {
    fn new(schema: Json) -> Self {
        let validator = jsonschema::validator_for(&schema).ok();
        Self { schema, validator }
    }
}

/// `null` removes what a fragment gives.
fn or_null(schema: &mut Json) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Json::String(of)) = object.get("type") {
        let of = of.clone();
        if of != "null" {
            object.insert("type".to_owned(), serde_json::json!([of, "null"]));
        }
    } else if let Some(forms) = object.get_mut("anyOf").and_then(Json::as_array_mut) {
        let null = serde_json::json!({ "type": "null" });
        if !forms.contains(&null) {
            forms.push(null);
        }
    } else if let Some(reference) = object.remove("$ref") {
        object.insert("anyOf".to_owned(), serde_json::json!([{ "$ref": reference }, { "type": "null" }]));
    }
}

static SPEC: LazyLock<Checker> = LazyLock::new(|| Checker::new(spec_schema()));
static FRAGMENT: LazyLock<Checker> = LazyLock::new(|| Checker::new(fragment_schema()));

/// Reports what a resolved spec has against the schema, and takes for granted what was meant: the
/// tree that is left fits the schema, so that everything else can be checked in the same run.
/// Says whether it does.
pub fn check_spec(resolved: &mut Resolved, diagnostics: &mut Diagnostics) -> bool {
    SPEC.check(resolved, diagnostics)
}

/// Reports what a fragment has against the schema.
pub fn check_fragment(resolved: &mut Resolved, diagnostics: &mut Diagnostics) -> bool {
    FRAGMENT.check(resolved, diagnostics)
}

impl Checker {
    fn check(&self, resolved: &mut Resolved, diagnostics: &mut Diagnostics) -> bool {
        let Some(validator) = &self.validator else { return true };
        for _ in 0..ROUNDS {
            let value = std::mem::take(&mut resolved.value);
            let errors: Vec<_> = validator.iter_errors(&value).collect();
            let mut faults = Faults::new(&self.schema, resolved, diagnostics);
            faults.tell(&errors);
            let mends = faults.mends;
            let sound = errors.is_empty();
            drop(errors);
            resolved.value = value;
            if sound {
                return true;
            }
            mend::apply(mends, resolved);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flattened_requests_still_refuse_unknown_keys() {
        let schema = spec_schema();
        let source = schema.pointer("/$defs/ListSource").unwrap();
        assert!(source.pointer("/properties/get").is_some(), "{source:#}");
        let closed = source.get("additionalProperties").or_else(|| source.get("unevaluatedProperties"));
        assert_eq!(closed, Some(&Json::Bool(false)));
    }
}
