//! For code scanning: SARIF 2.1.0 (OASIS).

use serde_json::{Value as Json, json};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{location, location_of};
use crate::diagnostic::{Code, Diagnostics, Severity};
use crate::reference::code_in_markdown;

/// What has a meaning of its own in a URI, but for what separates folders (RFC 3986, 3.3).
const NOT_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b':')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// One run with all codes as rules and all faults as results. `version` is the engine's.
pub fn sarif(diagnostics: &Diagnostics, version: &str) -> Json {
    let rules: Vec<Json> = Code::ALL
        .iter()
        .map(|code| {
            let text = code.explained().map_or(code.explanation(), |explained| explained.meaning);
            json!({
                "id": code.name(),
                "shortDescription": { "text": code.explanation() },
                "fullDescription": { "text": text },
                "help": { "text": text, "markdown": code_in_markdown(*code).trim_start() },
                "defaultConfiguration": { "level": level(*code) },
            })
        })
        .collect();
    let results: Vec<Json> = diagnostics
        .sorted()
        .into_iter()
        .map(|diagnostic| {
            let message = match &diagnostic.help {
                Some(help) => format!("{} ({help})", diagnostic.message),
                None => diagnostic.message.clone(),
            };
            let mut result = json!({
                "ruleId": diagnostic.code.name(),
                "ruleIndex": Code::ALL.iter().position(|code| *code == diagnostic.code),
                "level": level(diagnostic.code),
                "message": { "text": message },
                "locations": [{ "physicalLocation": physical(location(diagnostics, diagnostic)) }],
            });
            if let Some((place, label)) = &diagnostic.related {
                let place = physical(location_of(diagnostics, place));
                let related = json!([{ "physicalLocation": place, "message": { "text": label } }]);
                if let Some(members) = result.as_object_mut() {
                    members.insert("relatedLocations".to_owned(), related);
                }
            }
            result
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "engine", "version": version, "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(code: Code) -> &'static str {
    match code.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn physical(location: Option<(String, u32, u32, u32, u32)>) -> Json {
    // A region has a first line, and lines count from 1.
    let (file, line, column, end_line, end_column) = location.unwrap_or_else(|| (String::new(), 1, 1, 1, 1));
    json!({
        "artifactLocation": { "uri": uri(&file) },
        "region": { "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column },
    })
}

/// The file as a URI: relative to where the command ran, unless the user named it from the root.
fn uri(file: &str) -> String {
    let file = file.replace('\\', "/");
    let path = utf8_percent_encode(file.trim_start_matches("./"), NOT_IN_PATH).to_string();
    if path.starts_with('/') { format!("file://{path}") } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_uris() {
        assert_eq!(uri("./specs/a b#1.yaml"), "specs/a%20b%231.yaml");
        assert_eq!(uri("specs\\ä.yaml"), "specs/%C3%A4.yaml");
        assert_eq!(uri("/tmp/a.yaml"), "file:///tmp/a.yaml");
    }
}
