//! For code scanning: SARIF 2.1.0 (OASIS).

use serde_json::{Value as Json, json};

use super::location;
use crate::diagnostic::{Code, Diagnostics, Severity};

/// One run with all codes as rules and all faults as results. `version` is the engine's.
pub fn sarif(diagnostics: &Diagnostics, version: &str) -> Json {
    let rules: Vec<Json> = Code::ALL
        .iter()
        .map(|code| json!({ "id": code.name(), "shortDescription": { "text": code.explanation() } }))
        .collect();
    let results: Vec<Json> = diagnostics
        .sorted()
        .into_iter()
        .map(|diagnostic| {
            let (file, line, column, end_line, end_column) = location(diagnostics, diagnostic).unwrap_or_default();
            let message = match &diagnostic.help {
                Some(help) => format!("{} ({help})", diagnostic.message),
                None => diagnostic.message.clone(),
            };
            json!({
                "ruleId": diagnostic.code.name(),
                "level": match diagnostic.code.severity() { Severity::Error => "error", Severity::Warning => "warning" },
                "message": { "text": message },
                "locations": [{ "physicalLocation": {
                    "artifactLocation": { "uri": file },
                    "region": { "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column },
                } }],
            })
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
