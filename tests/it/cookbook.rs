//! The snippets of the author's guide, put where the guide says: each is part of a spec without a
//! fault, so that what is copied from there works.
//!
//! A snippet stands for the keys that it shows, from the top of the guide's `example.yaml`; `null`
//! takes a key away. The files of the tutorials are run by `transcripts`. Files of other programs are
//! blocks of `yml`.

use engine_spec::diagnostic::Severity;
use serde_json::Value as Json;

use crate::support::{compiled, root};

/// Codes of warnings that an entry speaks of itself, with how often they come.
const SPOKEN_OF: &[(&str, usize)] = &[("query-secret", 1)];

/// A YAML block of the guide and the line it begins at.
struct Snippet {
    line: usize,
    text: String,
    json: Json,
}

fn snippets() -> Vec<Snippet> {
    let guide = std::fs::read_to_string(root().join("specs/README.md")).unwrap();
    let mut snippets = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in guide.lines().enumerate() {
        match &mut open {
            None if line == "```yaml" => open = Some((number + 2, String::new())),

            Some(_) if line == "```" => {
                let (line, text) = open.take().unwrap();
                let json = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("line {line}: {error}"));
                snippets.push(Snippet { line, text, json });
            }
            Some((_, text)) => {
                text.push_str(line);
                text.push('\n');
            }
            None => {}
        }
    }
    snippets
}

/// The spec with a snippet in the place of the same keys: of the client, of config fields, and of
/// the parts of a resource type.
fn put_in(spec: &Json, snippet: &Json) -> Json {
    let mut spec = spec.clone();
    merge(&mut spec, snippet, &mut Vec::new());
    spec
}

fn merge(spec: &mut Json, snippet: &Json, path: &mut Vec<String>) {
    let (Some(members), Some(news)) = (spec.as_object_mut(), snippet.as_object()) else { return };
    for (name, new) in news {
        let is_merged = match path.as_slice() {
            [] => matches!(name.as_str(), "config" | "http" | "resources"),
            [top] => top == "resources",
            _ => false,
        };
        if new.is_null() {
            members.remove(name);
        } else if is_merged && new.is_object() && members.get(name).is_some_and(Json::is_object) {
            path.push(name.clone());
            merge(members.get_mut(name).unwrap(), new, path);
            path.pop();
        } else {
            members.insert(name.clone(), new.clone());
        }
    }
}

#[test]
fn every_snippet_of_the_guide_is_part_of_a_spec_without_a_fault() {
    let snippets = snippets();
    let is_a_file = |snippet: &Snippet| {
        snippet.text.lines().next().is_some_and(|first| first.starts_with("# ") && first.ends_with(".yaml"))
    };
    let example = snippets.iter().find(|snippet| snippet.text.starts_with("# example.yaml")).unwrap();
    let (mut tried, mut found, mut warned) = (0, Vec::new(), Vec::new());
    for snippet in snippets.iter().filter(|snippet| !is_a_file(snippet) && snippet.json.is_object()) {
        let spec = if snippet.json.get("format").is_some() {
            snippet.json.clone()
        } else {
            put_in(&example.json, &snippet.json)
        };
        // JSON is YAML, too.
        let (plan, diagnostics) = compiled("example.yaml", &serde_json::to_string_pretty(&spec).unwrap());
        tried += 1;
        let told: Vec<_> = diagnostics.sorted().into_iter().filter(|told| told.code.name() != "unused").collect();
        let (errors, warnings): (Vec<_>, Vec<_>) =
            told.into_iter().partition(|told| told.code.severity() == Severity::Error);
        warned.extend(warnings.into_iter().map(|told| (told.code.name(), snippet.line)));
        if plan.is_none() || !errors.is_empty() {
            let messages: Vec<&str> = errors.iter().map(|told| told.message.as_str()).collect();
            found.push(format!("line {}: {}\n{}", snippet.line, messages.join("; "), snippet.text));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(tried > 100, "only {tried} snippets were found");
    for (code, times) in SPOKEN_OF {
        assert_eq!(warned.iter().filter(|(warned, _)| warned == code).count(), *times, "{warned:?}");
    }
    warned.retain(|(code, _)| SPOKEN_OF.iter().all(|(known, _)| known != code));
    assert!(warned.is_empty(), "the guide does not speak of these warnings: {warned:?}");
}

#[test]
fn a_snippet_with_a_fault_would_be_noticed() {
    let snippets = snippets();
    let example = snippets.iter().find(|snippet| snippet.text.starts_with("# example.yaml")).unwrap();
    let wrong = serde_json::json!({ "resources": { "user": { "list": { "get": "/users", "itemz": "$.users" } } } });
    let (plan, diagnostics) = compiled("example.yaml", &put_in(&example.json, &wrong).to_string());
    assert!(plan.is_none() && diagnostics.sorted().into_iter().any(|told| told.code.name() == "unknown-key"));
}
