//! What a tree has against the schema, told so that an author knows what to do, each fault with the
//! change that would mend it.

use std::collections::BTreeSet;

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::{Map, Value as Json};

use super::examples::{EXAMPLES, flow};
use super::mend::{Mend, sample};
use super::words::{
    alternatives, capital, converted, kind_of, last_key, name_of, other_notation, text_of, there_are, type_name,
};
use crate::diagnostic::{Code, Diagnostics};
use crate::resolve::Resolved;
use crate::suggest::nearest;

/// The most unknown keys of one map that are told.
const MOST_KEYS: usize = 100;

/// Tells faults and gathers what would mend them.
pub(super) struct Faults<'a> {
    schema: &'a Json,
    resolved: &'a Resolved,
    diagnostics: &'a mut Diagnostics,
    /// What makes the tree fit the schema, as far as it can be guessed.
    pub mends: Vec<Mend>,
}

impl<'a> Faults<'a> {
    pub(super) fn new(schema: &'a Json, resolved: &'a Resolved, diagnostics: &'a mut Diagnostics) -> Self {
        Self { schema, resolved, diagnostics, mends: Vec::new() }
    }

    /// Tells what a validator found.
    pub(super) fn tell(&mut self, errors: &[ValidationError<'_>]) {
        for error in errors {
            match error.kind() {
                ValidationErrorKind::Required { property } if is_misspelt(error, errors) => {
                    self.needs(error, property.as_str().unwrap_or_default());
                }
                _ => self.explain(error),
            }
        }
    }

    fn at_value(&mut self, code: Code, pointer: &str, message: String, help: Option<String>) {
        self.resolved.at_value(self.diagnostics, code, pointer, message, help);
    }

    fn at_key(&mut self, code: Code, pointer: &str, message: String, help: Option<String>) {
        self.resolved.at_key(self.diagnostics, code, pointer, message, help);
    }

    /// A stand-in for what the schema wants where an error occurred.
    fn stand_in(&mut self, error: &ValidationError<'_>) {
        let node = schema_around(error, self.schema);
        let value = node.map(|node| sample(self.schema, node)).unwrap_or_default();
        self.mends.push(Mend::StandIn { pointer: error.instance_path().as_str().to_owned(), value });
    }

    /// A stand-in for a key that is missing.
    fn needs(&mut self, error: &ValidationError<'_>, key: &str) {
        let property = schema_around(error, self.schema).and_then(|node| node.get("properties")?.get(key));
        let value = property.map(|property| sample(self.schema, property)).unwrap_or_default();
        let pointer = format!("{}/{}", error.instance_path().as_str(), crate::yaml::escape(key));
        self.mends.push(Mend::Supply { pointer, value });
    }

    /// What was written, as the type that is wanted; or a stand-in.
    fn convert(&mut self, error: &ValidationError<'_>, converted: Option<Json>) {
        let pointer = error.instance_path().as_str().to_owned();
        let element = schema_around(error, self.schema).and_then(|node| element_of(self.schema, node, 0));
        match converted {
            None if element.is_some_and(|node| may_be(self.schema, node, error.instance())) => {
                self.mends.push(Mend::List { pointer });
            }
            Some(value) => self.mends.push(Mend::Set { pointer, value }),
            None => self.stand_in(error),
        }
    }

    /// Tells one fault.
    fn explain(&mut self, error: &ValidationError<'_>) {
        let pointer = error.instance_path().as_str();
        let instance = error.instance();
        let shown = name_of(pointer);
        match error.kind() {
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                let example = example(error, pointer, self.schema);
                self.branches(error, context, example);
            }
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let allowed = allowed_keys(error, self.schema);
                // A key that is there already is not the one that was meant, unless a fragment gives it.
                let place = |key: &str| self.resolved.key_place(&format!("{pointer}/{}", crate::yaml::escape(key)));
                let written = unexpected.first().map(|key| place(key).source);
                let there = |key: &String| instance.get(key).is_some() && Some(place(key).source) == written;
                let allowed: BTreeSet<String> = allowed.into_iter().filter(|key| !there(key)).collect();
                // Nobody reads more, and looking for near names takes its time.
                for key in unexpected.iter().take(MOST_KEYS) {
                    self.unknown_key(key, &allowed, pointer, instance.get(key));
                }
            }
            ValidationErrorKind::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                self.at_key(Code::MissingKey, pointer, format!("{shown} needs the key `{key}`"), None);
                self.needs(error, key);
            }
            ValidationErrorKind::Type { kind } => {
                let wanted = match kind {
                    TypeKind::Single(one) => type_name(&one.to_string()).to_owned(),
                    TypeKind::Multiple(many) => {
                        let names = many.iter().map(|one| one.to_string()).filter(|one| one != "null");
                        alternatives(&names.map(|one| type_name(&one).to_owned()).collect::<Vec<_>>())
                    }
                };
                let help = match example(error, pointer, self.schema) {
                    Some(example) if wanted == "a list" => Some(format!("write a list of `{example}`")),
                    Some(example) if wanted == "a map" => Some(format!("write `{example}`")),
                    _ => other_notation(instance, &wanted, last_key(pointer)),
                };
                let message = format!("{shown} must be {wanted}, and is {}", kind_of(instance));
                self.at_value(Code::WrongType, pointer, message, help);
                self.convert(error, converted(instance, &wanted, last_key(pointer)));
            }
            ValidationErrorKind::Enum { options } => {
                let options: Vec<String> =
                    options.as_array().map(|list| list.iter().map(text_of).collect()).unwrap_or_default();
                self.wrong_choice(error, &options, None);
            }
            ValidationErrorKind::Constant { expected_value } => {
                self.wrong_choice(error, &[text_of(expected_value)], None);
            }
            // The schema of a block without keys allows no member; the place is that of the block.
            ValidationErrorKind::FalseSchema => {
                let help = format!("write `{}: {{}}`", last_key(pointer));
                self.at_value(Code::UnknownKey, pointer, format!("{shown} has no keys of its own"), Some(help));
                self.stand_in(error);
            }
            ValidationErrorKind::Maximum { .. } if pointer == "/format" => {
                let message = "this engine reads format 1".to_owned();
                self.at_value(Code::WrongValue, pointer, message, Some("a newer engine is needed".to_owned()));
                self.stand_in(error);
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
                self.at_value(Code::WrongValue, pointer, message, Some(help));
                self.stand_in(error);
            }
            ValidationErrorKind::Minimum { limit } => {
                let message = format!("{shown} is at least {limit}, and {instance} is less");
                self.at_value(Code::WrongValue, pointer, message, None);
                self.stand_in(error);
            }
            ValidationErrorKind::Maximum { limit } => {
                let message = format!("{shown} is at most {limit}, and {instance} is more");
                self.at_value(Code::WrongValue, pointer, message, None);
                self.stand_in(error);
            }
            ValidationErrorKind::MinItems { limit } | ValidationErrorKind::MinProperties { limit } => {
                let message = format!("{shown} has too few elements: {limit} is the least");
                self.at_value(Code::WrongValue, pointer, message, None);
                self.stand_in(error);
            }
            _ => {
                self.at_value(Code::WrongValue, pointer, format!("{shown}: {error}"), None);
                self.stand_in(error);
            }
        }
    }

    /// Several forms are allowed and none fits: tells the faults of the form that was meant.
    fn branches(
        &mut self,
        error: &ValidationError<'_>,
        context: &[Vec<ValidationError<'static>>],
        example: Option<String>,
    ) {
        let pointer = error.instance_path().as_str();
        let instance = error.instance();
        let right_type = |branch: &&Vec<ValidationError<'static>>| !branch.iter().any(|e| is_of_wrong_type(e, pointer));
        let typed: Vec<_> = context.iter().filter(right_type).collect();
        let choices: Vec<String> = context.iter().flatten().flat_map(|e| options_of(e, pointer)).collect();
        if typed.is_empty() {
            self.none_of_the_types(error, context, &choices, example);
            return;
        }
        if !instance.is_object() && !choices.is_empty() {
            let or_map = context.iter().flatten().flat_map(|e| types_of(e, pointer)).any(|name| name == "a map");
            let map = or_map.then(|| example.map_or_else(|| "a map".to_owned(), |example| format!("`{example}`")));
            self.wrong_choice(error, &choices, map.as_deref());
            return;
        }
        if let Some(branch) = incomplete(&typed, instance, pointer) {
            branch.iter().for_each(|error| self.explain(error));
            return;
        }
        if let Some((first, second)) = excluding(&typed, pointer) {
            let message = format!("`{first}` and `{second}` do not go together in {}", name_of(pointer));
            self.at_value(Code::OneOf, pointer, message, Some("keep one of them".to_owned()));
            self.mends.push(Mend::Drop { pointer: format!("{pointer}/{}", crate::yaml::escape(&second)) });
            return;
        }
        // A form is meant if the keys that make it are there; of those, the one with the fewest faults.
        let made = typed.iter().filter(|branch| !branch.iter().any(|error| is_unmade(error, pointer)));
        if let Some(branch) = made.min_by_key(|branch| branch.len()).or(typed.first().filter(|_| typed.len() == 1)) {
            self.tell(branch);
            return;
        }
        let required: BTreeSet<String> = typed
            .iter()
            .flat_map(|branch| branch.iter().map(|error| making_keys(error, pointer)).find(|keys| !keys.is_empty()))
            .flatten()
            .collect();
        for key in instance.as_object().into_iter().flat_map(Map::keys) {
            if let Some(near) = nearest(key, required.iter().map(String::as_str)) {
                let at = format!("{pointer}/{}", crate::yaml::escape(key));
                let message = format!("there is no key `{key}` here");
                self.at_key(Code::UnknownKey, &at, message, Some(format!("did you mean `{near}`?")));
                self.mends.push(Mend::Rename { pointer: at, to: near.to_owned(), value: None });
                return;
            }
        }
        let required = required.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
        self.at_value(
            Code::WrongShape,
            pointer,
            format!("{} fits none of the forms it may have", name_of(pointer)),
            Some(format!("one of these keys makes the form: {required}")),
        );
        self.stand_in(error);
    }

    fn none_of_the_types(
        &mut self,
        error: &ValidationError<'_>,
        context: &[Vec<ValidationError<'static>>],
        choices: &[String],
        example: Option<String>,
    ) {
        let pointer = error.instance_path().as_str();
        let instance = error.instance();
        let wanted: BTreeSet<String> = context.iter().flatten().flat_map(|e| types_of(e, pointer)).collect();
        let single = || wanted.iter().filter(|wanted| *wanted != "a list");
        let notation = single().find_map(|wanted| other_notation(instance, wanted, last_key(pointer)));
        let in_list = context.iter().flatten().any(|error| wants_texts(error, pointer, self.schema));
        let in_list = instance.as_str().filter(|_| in_list);
        let notation = in_list.map(|text| format!("write `[{text}]`")).or(notation);
        let example = example.filter(|_| wanted.contains("a map"));
        let help = match (choices.is_empty(), notation, example) {
            (true, Some(notation), _) => Some(notation),
            (true, None, example) => example.map(|example| format!("write `{example}`")),
            (false, _, None) => Some(there_are(choices)),
            (false, _, Some(example)) => Some(format!("{}; or write `{example}`", there_are(choices))),
        };
        let as_wanted = single().find_map(|wanted| converted(instance, wanted, last_key(pointer)));
        let as_wanted = as_wanted.filter(|_| choices.is_empty());
        let wanted = alternatives(&wanted.into_iter().collect::<Vec<_>>());
        let message = format!("{} must be {wanted}, and is {}", name_of(pointer), kind_of(instance));
        self.at_value(Code::WrongType, pointer, message, help);
        self.convert(error, as_wanted);
    }

    fn wrong_choice(&mut self, error: &ValidationError<'_>, options: &[String], or_map: Option<&str>) {
        let pointer = error.instance_path().as_str();
        let written = text_of(error.instance());
        let list = there_are(options);
        let list = or_map.map_or_else(|| list.clone(), |map| format!("{list}; or write {map}"));
        let near = nearest(&written, options.iter().map(String::as_str));
        let help = match near {
            Some(near) => format!("did you mean `{near}`? {}", capital(&list)),
            None => list,
        };
        let message = format!("`{written}` is not one of the values of {}", name_of(pointer));
        self.at_value(Code::WrongValue, pointer, message, Some(help));
        self.convert(error, near.map(Json::from));
    }

    fn unknown_key(&mut self, key: &str, allowed: &BTreeSet<String>, pointer: &str, value: Option<&Json>) {
        let methods = ["get", "post", "put", "patch", "delete"];
        let at = format!("{pointer}/{}", crate::yaml::escape(key));
        let near = nearest(key, allowed.iter().map(String::as_str));
        let (help, mend) = match near {
            _ if methods.contains(&key) && allowed.contains("request") => {
                let line = format!("{} {}", key.to_ascii_uppercase(), value.and_then(Json::as_str).unwrap_or("/path"));
                let help = format!("write `request: {line}`");
                // Whether the method fits the place is another question, which the mended spec answers.
                let mend = match key {
                    "get" | "post" => {
                        Mend::Rename { pointer: at.clone(), to: "request".to_owned(), value: Some(line.into()) }
                    }
                    _ => Mend::Drop { pointer: at.clone() },
                };
                (Some(help), mend)
            }
            Some(near) => (
                Some(format!("did you mean `{near}`?")),
                Mend::Rename { pointer: at.clone(), to: near.to_owned(), value: None },
            ),
            None if allowed.is_empty() => (None, Mend::Drop { pointer: at.clone() }),
            None => {
                let keys = allowed.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
                (Some(format!("the keys are {keys}")), Mend::Drop { pointer: at.clone() })
            }
        };
        self.at_key(Code::UnknownKey, &at, format!("{} has no key `{key}`", name_of(pointer)), help);
        self.mends.push(mend);
    }
}

/// The elements of the list that a part of the schema accepts, if it accepts one.
fn element_of<'s>(schema: &'s Json, node: &'s Json, depth: usize) -> Option<&'s Json> {
    if let Some(element) = node.get("items") {
        return Some(element);
    }
    if let Some(reference) = node.get("$ref").and_then(Json::as_str).filter(|_| depth < 8) {
        return element_of(schema, schema.pointer(reference.trim_start_matches('#'))?, depth + 1);
    }
    let forms = node.get("anyOf").or_else(|| node.get("oneOf"))?.as_array()?;
    forms.iter().filter(|_| depth < 8).find_map(|form| element_of(schema, form, depth + 1))
}

/// Whether what was written looks like what a part of the schema accepts.
fn may_be(schema: &Json, node: &Json, instance: &Json) -> bool {
    let node = match node.get("$ref").and_then(Json::as_str) {
        Some(reference) => schema.pointer(reference.trim_start_matches('#')).unwrap_or(node),
        None => node,
    };
    let forms = node.get("anyOf").or_else(|| node.get("oneOf")).and_then(Json::as_array);
    let own = match instance {
        Json::String(text) => {
            node.get("type") == Some(&Json::from("string"))
                && node.get("enum").and_then(Json::as_array).is_none_or(|words| words.contains(instance))
                || node.get("const").and_then(Json::as_str) == Some(text)
        }
        Json::Object(written) => node
            .get("properties")
            .and_then(Json::as_object)
            .is_some_and(|known| written.keys().all(|key| known.contains_key(key))),
        _ => false,
    };
    own || forms.is_some_and(|forms| forms.iter().any(|form| may_be(schema, form, instance)))
}

/// The part of the schema that an error is about.
fn schema_around<'s>(error: &ValidationError<'_>, schema: &'s Json) -> Option<&'s Json> {
    let path = error.schema_path().as_str();
    schema.pointer(path.rsplit_once('/').map_or("", |(parent, _)| parent))
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

/// Whether an error says that the key that makes a form is not there.
fn is_unmade(error: &ValidationError<'_>, pointer: &str) -> bool {
    error.instance_path().as_str() == pointer
        && match error.kind() {
            ValidationErrorKind::Required { .. } => true,
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                let misses = |e: &ValidationError<'_>| is_unmade(e, pointer) || is_of_wrong_type(e, pointer);
                context.iter().all(|branch| branch.iter().any(misses))
            }
            _ => false,
        }
}

/// The keys that would make the forms that an error is about: the first of each.
fn making_keys(error: &ValidationError<'_>, pointer: &str) -> Vec<String> {
    if error.instance_path().as_str() != pointer {
        return Vec::new();
    }
    match error.kind() {
        ValidationErrorKind::Required { property } => property.as_str().map(str::to_owned).into_iter().collect(),
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => context
            .iter()
            .filter_map(|branch| branch.iter().map(|e| making_keys(e, pointer)).find(|keys| !keys.is_empty()))
            .flatten()
            .collect(),
        _ => Vec::new(),
    }
}

/// The form that knows all keys that are written and only lacks one, if there is one form such.
fn incomplete<'a>(
    typed: &[&'a Vec<ValidationError<'static>>],
    instance: &Json,
    pointer: &str,
) -> Option<&'a Vec<ValidationError<'static>>> {
    if instance.as_object().is_none_or(Map::is_empty) {
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

/// The map that is meant where something else stands: the first that the words of the schema show.
fn example(error: &ValidationError<'_>, pointer: &str, schema: &Json) -> Option<String> {
    if error.instance_path().as_str() != pointer {
        return None;
    }
    let (parent, _) = error.schema_path().as_str().rsplit_once('/')?;
    let known = schema.pointer(parent)?;
    if let (Some(path), Some([Json::String(only)])) =
        (error.instance().as_str(), known.get("required").and_then(Json::as_array).map(Vec::as_slice))
        && path.starts_with('$')
        && !path.contains([',', '{', '}', '[', ']', '\'', '"', '#'])
    {
        return Some(format!("{{ {only}: {path} }}"));
    }
    let element = known.pointer("/items/$ref").and_then(Json::as_str);
    let element = element.and_then(|reference| schema.pointer(reference.trim_start_matches('#')));
    let words = [Some(known), element].into_iter().flatten().filter_map(|known| known.get("description")?.as_str());
    let shown = words.flat_map(|words| words.split('`').skip(1).step_by(2)).find(|code| code.starts_with("{ "));
    match (shown, error.kind()) {
        // Values have many forms, and none of them is the likely one.
        (Some(shown), _) if shown.starts_with("{ literal:") => None,
        (Some(shown), _) => Some(shown.to_owned()),
        (None, ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context }) => {
            let inner = context.iter().flatten().find_map(|inner| example(inner, pointer, schema));
            inner.or_else(|| map_of_examples(parent))
        }
        _ => map_of_examples(parent),
    }
}

/// The first map among the examples of the key that a place in the schema is of.
fn map_of_examples(place: &str) -> Option<String> {
    let (block, key) = place.strip_prefix("/$defs/")?.split_once("/properties/")?;
    let examples = EXAMPLES.of(block, key.split('/').next()?)?;
    examples.iter().find(|example| example.as_mapping().is_some_and(|map| !map.is_empty())).map(flow)
}

/// The keys that the schema knows where an error occurred.
fn allowed_keys(error: &ValidationError<'_>, schema: &Json) -> BTreeSet<String> {
    schema_around(error, schema)
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
