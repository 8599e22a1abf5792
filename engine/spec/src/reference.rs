//! The language reference and the list of codes as Markdown, made of the schema and of the codes:
//! what editors show, the page says.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value as Json;

use crate::diagnostic::{Code, Severity};
use crate::expression::{FILTERS, TESTS};
use crate::markdown::{self, Table, cell};
use crate::schema::{EXAMPLES, flow, spec_schema};

/// The reference of the language: a section for each kind of block, with its keys.
pub fn reference() -> String {
    let schema = spec_schema();
    let mut text = String::from(
        "# The spec language, format 1\n\n\
         Made from the engine's own types by `engine schema --write schema`; editors show the same texts. \
         The guide with examples is [specs/README.md](../specs/README.md).\n",
    );
    section(&mut text, "Spec", &schema);
    let mut names: Vec<&String> =
        schema.get("$defs").and_then(Json::as_object).map(|d| d.keys().collect()).unwrap_or_default();
    names.sort();
    for name in names {
        if let Some(definition) = schema.pointer(&format!("/$defs/{name}")) {
            section(&mut text, name, definition);
        }
    }
    text.push_str("\n## Expressions\n\nConditions, and the insides of `{{ … }}`. ");
    text.push_str("`and`, `or`, `not`, `==`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `+`, `-`, `*`, `//`, `%`, `~` (joins texts), `a if b else c`, lists.\n\n");
    let _ = writeln!(text, "Filters: {}.\n", markdown::codes(FILTERS));
    let _ = writeln!(text, "Tests: {}.", markdown::codes(TESTS));
    text
}

/// The list of codes.
pub fn codes() -> String {
    let mut text = String::from(
        "# Codes of faults\n\nMade by `engine schema --write schema`. `engine validate --explain CODE` tells the same.\n\n\
         | code | severity | meaning |\n| --- | --- | --- |\n",
    );
    for code in Code::ALL {
        let severity = match code.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let _ = writeln!(text, "| [`{0}`](#{0}) | {severity} | {1} |", code.name(), code.explanation());
    }
    for code in Code::ALL {
        let _ = write!(text, "\n## {}\n\n{}\n", code.name(), code.explanation());
        text.push_str(&code_in_markdown(*code));
    }
    text
}

/// What a code means and its examples, as Markdown.
pub fn code_in_markdown(code: Code) -> String {
    let mut text = String::new();
    if let Some(explained) = code.explained() {
        let _ = write!(text, "\n{}\n", explained.meaning);
        for (heading, example) in [("Wrong", explained.wrong), ("Right", explained.right)] {
            let _ = write!(text, "\n{heading}, {}:\n\n```yaml\n{}\n```\n", example.place_in_words(), example.text);
        }
    }
    text
}

fn section(text: &mut String, name: &str, definition: &Json) {
    let _ = write!(text, "\n## {name}\n\n");
    if let Some(description) = description(definition) {
        let _ = write!(text, "{description}\n\n");
    }
    if let Some(properties) = definition.get("properties").and_then(Json::as_object) {
        let required: BTreeSet<&str> = definition
            .get("required")
            .and_then(Json::as_array)
            .map(|list| list.iter().filter_map(Json::as_str).collect())
            .unwrap_or_default();
        let mut table = Table::new(&["key", "", "type", "meaning", "example"]);
        for (key, property) in properties {
            let must = if required.contains(key.as_str()) { "required" } else { "" };
            let meaning = description(property).unwrap_or_default();
            table.row([&format!("`{key}`"), must, &kind(property), meaning, &example(name, key)]);
        }
        text.push_str(&table.finish());
        return;
    }
    let forms = definition.get("oneOf").or_else(|| definition.get("anyOf")).and_then(Json::as_array);
    let words = definition.get("enum").and_then(Json::as_array);
    if let Some(words) = words {
        let words: Vec<String> = words.iter().filter_map(Json::as_str).map(|word| format!("`{word}`")).collect();
        let _ = writeln!(text, "One of {}.", words.join(", "));
    }
    for form in forms.into_iter().flatten() {
        let meaning = description(form).map(|words| format!(": {}", cell(words))).unwrap_or_default();
        // A form that is made by one key has its example with the key.
        let keys = form.get("properties").and_then(Json::as_object).into_iter().flat_map(|keys| keys.keys());
        let shown: String =
            keys.map(|key| example(name, key)).filter(|it| !it.is_empty()).map(|it| format!(" {it}")).collect();
        let _ = writeln!(text, "* {}{meaning}{shown}", kind(form));
    }
}

/// The likeliest example of a key, as authors write it.
fn example(block: &str, key: &str) -> String {
    let examples = EXAMPLES.of(block, key).and_then(|examples| examples.first());
    examples.map(|value| markdown::code(&flow(value))).unwrap_or_default()
}

fn description(schema: &Json) -> Option<&str> {
    schema.get("description").and_then(Json::as_str)
}

/// How a type is named in the reference.
fn kind(schema: &Json) -> String {
    if let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(word) = schema.get("const").and_then(Json::as_str) {
        return format!("`{word}`");
    }
    if let Some(forms) = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Json::as_array) {
        let forms: Vec<String> =
            forms.iter().filter(|form| form.get("type") != Some(&Json::from("null"))).map(kind).collect();
        return forms.join(" or ");
    }
    let types: Vec<&str> = match schema.get("type") {
        Some(Json::String(one)) => vec![one.as_str()],
        Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).filter(|name| *name != "null").collect(),
        _ => return "any".to_owned(),
    };
    let named = types.iter().map(|name| match *name {
        "object" => match schema.get("additionalProperties") {
            Some(inner @ Json::Object(_)) => format!("map of {}", kind(inner)),
            _ => match schema.get("properties").and_then(Json::as_object).and_then(|p| p.iter().next()) {
                Some((key, inner)) => format!("`{key}:` {}", kind(inner)),
                None => "map".to_owned(),
            },
        },
        "array" => match schema.get("items") {
            Some(inner) => format!("list of {}", kind(inner)),
            None => "list".to_owned(),
        },
        "string" => "text".to_owned(),
        other => other.to_owned(),
    });
    named.collect::<Vec<_>>().join(" or ")
}
