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

/// Whether a key is missing only because an unknown one beside it is its misspelling, which is told.
fn is_misspelt(error: &ValidationError<'_>, errors: &[ValidationError<'_>]) -> bool {
    let ValidationErrorKind::Required { property } = error.kind() else { return false };
    let property = property.as_str().unwrap_or_default();
    errors.iter().any(|other| {
        other.instance_path() == error.instance_path()
            && match other.kind() {
                ValidationErrorKind::AdditionalProperties { unexpected }
                | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                    // One key too much and one too little are one mistake.
                    let missing = errors.iter().filter(|e| {
                        e.instance_path() == error.instance_path()
                            && matches!(e.kind(), ValidationErrorKind::Required { .. })
                    });
                    unexpected.iter().take(MOST_KEYS).any(|key| nearest(key, [property]).is_some())
                        || unexpected.len() == 1 && missing.count() == 1
                }
                _ => false,
            }
    })
}

fn explain(error: &ValidationError<'_>, schema: &Json, resolved: &Resolved, diagnostics: &mut Diagnostics) {
    let pointer = error.instance_path().as_str();
    let instance = error.instance();
    let shown = name_of(pointer);
    match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let example = example(error, pointer, schema);
            branches(context, instance, pointer, example, schema, resolved, diagnostics);
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let allowed = allowed_keys(error, schema);
            // A key that is there already is not the one that was meant.
            let there = |key: &String| instance.get(key).is_some();
            let allowed: BTreeSet<String> = allowed.into_iter().filter(|key| !there(key)).collect();
            // Nobody reads more, and looking for near names takes its time.
            for key in unexpected.iter().take(MOST_KEYS) {
                unknown_key(key, &allowed, pointer, resolved, diagnostics);
            }
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            resolved.at_key(diagnostics, Code::MissingKey, pointer, format!("{shown} needs the key `{key}`"), None);
        }
        ValidationErrorKind::Type { kind } => {
            let wanted = match kind {
                TypeKind::Single(one) => type_name(&one.to_string()).to_owned(),
                TypeKind::Multiple(many) => {
                    let names = many.iter().map(|one| one.to_string()).filter(|one| one != "null");
                    alternatives(&names.map(|one| type_name(&one).to_owned()).collect::<Vec<_>>())
                }
            };
            let help = match example(error, pointer, schema) {
                Some(example) if wanted == "a list" => Some(format!("write a list of `{example}`")),
                Some(example) if wanted == "a map" => Some(format!("write `{example}`")),
                _ => other_notation(instance, &wanted, last_key(pointer)),
            };
            let message = format!("{shown} must be {wanted}, and is {}", kind_of(instance));
            resolved.at_value(diagnostics, Code::WrongType, pointer, message, help);
        }
        ValidationErrorKind::Enum { options } => {
            let options: Vec<String> =
                options.as_array().map(|list| list.iter().map(text_of).collect()).unwrap_or_default();
            wrong_choice(instance, &options, None, pointer, resolved, diagnostics);
        }
        ValidationErrorKind::Constant { expected_value } => {
            wrong_choice(instance, &[text_of(expected_value)], None, pointer, resolved, diagnostics);
        }
        ValidationErrorKind::Maximum { .. } if pointer == "/format" => {
            let message = "this engine reads format 1".to_owned();
            resolved.at_value(
                diagnostics,
                Code::WrongValue,
                pointer,
                message,
                Some("a newer engine is needed".to_owned()),
            );
        }
        ValidationErrorKind::Pattern { pattern } => {
            let message = format!("`{}` does not have the form that {shown} must have", text_of(instance));
            let help = match pointer {
                "/id" => "begin with a letter; lower-case letters, digits and `-` may follow".to_owned(),
                env if env.starts_with("/config/") && env.ends_with("/env") => {
                    "a spec reads no variable of another program: its name begins with `BATON_`".to_owned()
                }
                _ => format!("it must match {pattern}"),
            };
            resolved.at_value(diagnostics, Code::WrongValue, pointer, message, Some(help));
        }
        ValidationErrorKind::Minimum { limit } => {
            let message = format!("{shown} is at least {limit}, and {instance} is less");
            resolved.at_value(diagnostics, Code::WrongValue, pointer, message, None);
        }
        ValidationErrorKind::Maximum { limit } => {
            let message = format!("{shown} is at most {limit}, and {instance} is more");
            resolved.at_value(diagnostics, Code::WrongValue, pointer, message, None);
        }
        ValidationErrorKind::MinItems { limit } | ValidationErrorKind::MinProperties { limit } => {
            let message = format!("{shown} has too few elements: {limit} is the least");
            resolved.at_value(diagnostics, Code::WrongValue, pointer, message, None);
        }
        _ => {
            resolved.at_value(diagnostics, Code::WrongValue, pointer, format!("{shown}: {error}"), None);
        }
    }
}

/// Several forms are allowed and none fits: reports the faults of the form that was meant.
fn branches(
    context: &[Vec<ValidationError<'static>>],
    instance: &Json,
    pointer: &str,
    example: Option<String>,
    schema: &Json,
    resolved: &Resolved,
    diagnostics: &mut Diagnostics,
) {
    let right_type = |branch: &&Vec<ValidationError<'static>>| !branch.iter().any(|e| is_of_wrong_type(e, pointer));
    let typed: Vec<_> = context.iter().filter(right_type).collect();
    let choices: Vec<String> = context.iter().flatten().flat_map(|e| options_of(e, pointer)).collect();
    if typed.is_empty() {
        let wanted: BTreeSet<String> = context.iter().flatten().flat_map(|e| types_of(e, pointer)).collect();
        let single = wanted.iter().filter(|wanted| *wanted != "a list");
        let notation = single.filter_map(|wanted| other_notation(instance, wanted, last_key(pointer))).next();
        let in_list = context.iter().flatten().any(|error| wants_texts(error, pointer, schema));
        let notation = instance.as_str().filter(|_| in_list).map(|text| format!("write `[{text}]`")).or(notation);
        let example = example.filter(|_| wanted.contains("a map"));
        let help = match (choices.is_empty(), notation, example) {
            (true, Some(notation), _) => Some(notation),
            (true, None, example) => example.map(|example| format!("write `{example}`")),
            (false, _, None) => Some(there_are(&choices)),
            (false, _, Some(example)) => Some(format!("{}; or write `{example}`", there_are(&choices))),
        };
        let wanted = alternatives(&wanted.into_iter().collect::<Vec<_>>());
        let message = format!("{} must be {wanted}, and is {}", name_of(pointer), kind_of(instance));
        resolved.at_value(diagnostics, Code::WrongType, pointer, message, help);
        return;
    }
    if !instance.is_object() && !choices.is_empty() {
        let or_map = context.iter().flatten().flat_map(|e| types_of(e, pointer)).any(|name| name == "a map");
        let map = or_map.then(|| example.map_or_else(|| "a map".to_owned(), |example| format!("`{example}`")));
        wrong_choice(instance, &choices, map.as_deref(), pointer, resolved, diagnostics);
        return;
    }
    if let Some(branch) = incomplete(&typed, instance, pointer) {
        for error in branch {
            explain(error, schema, resolved, diagnostics);
        }
        return;
    }
    if let Some((first, second)) = excluding(&typed, pointer) {
        resolved.at_value(
            diagnostics,
            Code::OneOf,
            pointer,
            format!("`{first}` and `{second}` do not go together in {}", name_of(pointer)),
            Some("keep one of them".to_owned()),
        );
        return;
    }
    // A form is meant if the keys that make it are there; of those, the one with the fewest faults.
    let meant = typed
        .iter()
        .filter(|branch| {
            !branch.iter().any(|e| {
                e.instance_path().as_str() == pointer && matches!(e.kind(), ValidationErrorKind::Required { .. })
            })
        })
        .min_by_key(|branch| branch.len());
    if let Some(branch) = meant {
        for error in branch.iter().filter(|error| !is_misspelt(error, branch)) {
            explain(error, schema, resolved, diagnostics);
        }
        return;
    }
    let required: BTreeSet<String> = typed
        .iter()
        .filter_map(|branch| {
            branch.iter().find_map(|e| match e.kind() {
                ValidationErrorKind::Required { property } if e.instance_path().as_str() == pointer => {
                    property.as_str().map(str::to_owned)
                }
                _ => None,
            })
        })
        .collect();
    if let [branch] = typed.as_slice() {
        for error in branch.iter().filter(|error| !is_misspelt(error, branch)) {
            explain(error, schema, resolved, diagnostics);
        }
        return;
    }
    let keys: Vec<&str> = instance.as_object().map(|map| map.keys().map(String::as_str).collect()).unwrap_or_default();
    for key in &keys {
        if let Some(near) = nearest(key, required.iter().map(String::as_str)) {
            let message = format!("there is no key `{key}` here");
            resolved.at_key(
                diagnostics,
                Code::UnknownKey,
                &format!("{pointer}/{}", crate::yaml::escape(key)),
                message,
                Some(format!("did you mean `{near}`?")),
            );
            return;
        }
    }
    let required = required.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    resolved.at_value(
        diagnostics,
        Code::WrongShape,
        pointer,
        format!("{} fits none of the forms it may have", name_of(pointer)),
        Some(format!("one of these keys makes the form: {required}")),
    );
}

/// The form that knows all keys that are written and only lacks one, if there is one form such.
fn incomplete<'a>(
    typed: &[&'a Vec<ValidationError<'static>>],
    instance: &Json,
    pointer: &str,
) -> Option<&'a Vec<ValidationError<'static>>> {
    if instance.as_object().is_none_or(serde_json::Map::is_empty) {
        return None;
    }
    let mut lacking = typed.iter().filter(|branch| {
        branch.len() == 1
            && branch.iter().all(|e| {
                e.instance_path().as_str() == pointer && matches!(e.kind(), ValidationErrorKind::Required { .. })
            })
    });
    match (lacking.next(), lacking.next()) {
        (Some(branch), None) => Some(branch),
        _ => None,
    }
}

/// Two keys that make two forms, each of which does not know the other's.
fn excluding(typed: &[&Vec<ValidationError<'static>>], pointer: &str) -> Option<(String, String)> {
    let made = typed.iter().filter(|branch| {
        !branch
            .iter()
            .any(|e| e.instance_path().as_str() == pointer && matches!(e.kind(), ValidationErrorKind::Required { .. }))
    });
    let mut strange = made.filter_map(|branch| {
        branch.iter().filter(|e| e.instance_path().as_str() == pointer).find_map(|e| match e.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected.first().cloned(),
            _ => None,
        })
    });
    // What the first form does not know is the second form's, and the other way round.
    let (second, first) = (strange.next()?, strange.next()?);
    (first != second).then_some((first, second))
}

/// The types that a node may have; `null` only stands for leaving it out.
fn types_of(error: &ValidationError<'_>, pointer: &str) -> Vec<String> {
    if error.instance_path().as_str() != pointer {
        return Vec::new();
    }
    let names = match error.kind() {
        ValidationErrorKind::Type { kind: TypeKind::Single(one) } => vec![one.to_string()],
        ValidationErrorKind::Type { kind: TypeKind::Multiple(many) } => {
            many.iter().map(|one| one.to_string()).collect()
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            return context.iter().flatten().flat_map(|inner| types_of(inner, pointer)).collect();
        }
        _ => Vec::new(),
    };
    names.into_iter().filter(|name| name != "null").map(|name| type_name(&name).to_owned()).collect()
}

/// Whether an error says that the node is of another type; unions of words say it once per word.
fn is_of_wrong_type(error: &ValidationError<'_>, pointer: &str) -> bool {
    error.instance_path().as_str() == pointer
        && match error.kind() {
            ValidationErrorKind::Type { .. } => true,
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                context.iter().all(|branch| branch.iter().any(|inner| is_of_wrong_type(inner, pointer)))
            }
            _ => false,
        }
}

fn options_of(error: &ValidationError<'_>, pointer: &str) -> Vec<String> {
    if error.instance_path().as_str() != pointer {
        return Vec::new();
    }
    match error.kind() {
        ValidationErrorKind::Enum { options } => {
            options.as_array().map(|list| list.iter().map(text_of).collect()).unwrap_or_default()
        }
        ValidationErrorKind::Constant { expected_value } => vec![text_of(expected_value)],
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
            context.iter().flatten().flat_map(|inner| options_of(inner, pointer)).collect()
        }
        _ => Vec::new(),
    }
}

fn wrong_choice(
    instance: &Json,
    options: &[String],
    or_map: Option<&str>,
    pointer: &str,
    resolved: &Resolved,
    diagnostics: &mut Diagnostics,
) {
    let written = text_of(instance);
    let list = there_are(options);
    let list = or_map.map_or_else(|| list.clone(), |map| format!("{list}; or write {map}"));
    let help = match nearest(&written, options.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`? {}", capital(&list)),
        None => list,
    };
    resolved.at_value(
        diagnostics,
        Code::WrongValue,
        pointer,
        format!("`{written}` is not one of the values of {}", name_of(pointer)),
        Some(help),
    );
}

fn there_are(options: &[String]) -> String {
    let list = options.iter().map(|option| format!("`{option}`")).collect::<Vec<_>>().join(", ");
    if options.len() == 1 { format!("there is {list}") } else { format!("there are {list}") }
}

/// The map that is meant where something else stands: the first that the words of the schema show.
fn example(error: &ValidationError<'_>, pointer: &str, schema: &Json) -> Option<String> {
    if error.instance_path().as_str() != pointer {
        return None;
    }
    let (parent, _) = error.schema_path().as_str().rsplit_once('/')?;
    let known = schema.pointer(parent)?;
    let element = known.pointer("/items/$ref").and_then(Json::as_str);
    let element = element.and_then(|reference| schema.pointer(reference.trim_start_matches('#')));
    let words = [Some(known), element].into_iter().flatten().filter_map(|known| known.get("description")?.as_str());
    let shown = words.flat_map(|words| words.split('`').skip(1).step_by(2)).find(|code| code.starts_with("{ "));
    match (shown, error.kind()) {
        // Values have many forms, and none of them is the likely one.
        (Some(shown), _) if shown.starts_with("{ literal:") => None,
        (Some(shown), _) => Some(shown.to_owned()),
        (None, ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context }) => {
            context.iter().flatten().find_map(|inner| example(inner, pointer, schema))
        }
        _ => None,
    }
}

fn unknown_key(
    key: &str,
    allowed: &BTreeSet<String>,
    pointer: &str,
    resolved: &Resolved,
    diagnostics: &mut Diagnostics,
) {
    let methods = ["get", "post", "put", "patch", "delete"];
    let help = match nearest(key, allowed.iter().map(String::as_str)) {
        _ if methods.contains(&key) && allowed.contains("request") => {
            Some(format!("write `request: {} /path`", key.to_ascii_uppercase()))
        }
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if allowed.is_empty() => None,
        None => {
            Some(format!("the keys are {}", allowed.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")))
        }
    };
    resolved.at_key(
        diagnostics,
        Code::UnknownKey,
        &format!("{pointer}/{}", crate::yaml::escape(key)),
        format!("{} has no key `{key}`", name_of(pointer)),
        help,
    );
}

/// The keys that the schema knows where an error occurred.
fn allowed_keys(error: &ValidationError<'_>, schema: &Json) -> BTreeSet<String> {
    let path = error.schema_path().as_str();
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    schema
        .pointer(parent)
        .and_then(|object| object.get("properties"))
        .and_then(Json::as_object)
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default()
}

/// Whether a list of texts was due.
fn wants_texts(error: &ValidationError<'_>, pointer: &str, schema: &Json) -> bool {
    error.instance_path().as_str() == pointer
        && match error.kind() {
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                context.iter().flatten().any(|inner| wants_texts(inner, pointer, schema))
            }
            _ => {
                let path = error.schema_path().as_str().rsplit_once('/').and_then(|(parent, _)| schema.pointer(parent));
                path.and_then(|known| known.pointer("/items/type")) == Some(&Json::from("string"))
            }
        }
}

fn last_key(pointer: &str) -> &str {
    pointer.rsplit('/').next().unwrap_or_default()
}

/// How messages name a place: the last key, and of elements their list.
fn name_of(pointer: &str) -> String {
    let mut steps: Vec<String> = pointer.split('/').skip(1).map(|s| s.replace("~1", "/").replace("~0", "~")).collect();
    let Some(last) = steps.pop() else { return "the spec".to_owned() };
    if last.bytes().all(|b| b.is_ascii_digit()) && last.len() < 3 {
        return match steps.pop() {
            Some(list) => {
                format!("element {} of `{list}`", last.parse::<usize>().map_or(last.clone(), |n| (n + 1).to_string()))
            }
            None => last,
        };
    }
    format!("`{last}`")
}

/// `a, b or c`.
fn alternatives(names: &[String]) -> String {
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// How the same is written as the type that is wanted.
fn other_notation(instance: &Json, wanted: &str, key: &str) -> Option<String> {
    match (instance, wanted) {
        (Json::String(text), "true or false") => match text.to_ascii_lowercase().as_str() {
            "true" | "false" => Some(format!("remove the quotes: {}", text.to_ascii_lowercase())),
            "yes" | "on" | "y" => Some("write `true`".to_owned()),
            "no" | "off" | "n" => Some("write `false`".to_owned()),
            _ => None,
        },
        (Json::String(text), "an integer" | "a number") if text.parse::<i64>().is_ok() => {
            Some(format!("remove the quotes: {text}"))
        }
        (Json::Number(number), "a text") if DURATIONS.contains(&key) => Some(format!("write `{number}s`")),
        (Json::Number(_) | Json::Bool(_), "a text") => Some(format!("put it into quotes: \"{instance}\"")),
        (Json::String(text), "a list") => Some(format!("write `[{text}]`")),
        (Json::Object(_), "a list") => Some("begin each element with `- `".to_owned()),
        _ => None,
    }
}

fn type_name(json_type: &str) -> &str {
    match json_type {
        "object" => "a map",
        "array" => "a list",
        "string" => "a text",
        "integer" => "an integer",
        "number" => "a number",
        "boolean" => "true or false",
        "null" => "null",
        other => other,
    }
}

/// What a spec has, in the words of those who write it.
fn kind_of(json: &Json) -> &'static str {
    if json.is_object() { "a map" } else { crate::plan::kind_of(json) }
}

fn text_of(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
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
