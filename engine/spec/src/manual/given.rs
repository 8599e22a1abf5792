//! What a user must provide, and the variables that hold it.

use std::fmt::Write;

use engine_json::Value as Json;

use super::capability::changes_anything;
use super::running::keeps_tokens;
use crate::document::config::ConfigType;
use crate::markdown::{Table, address, code, codes, prose};
use crate::plan::{ConfigField, Plan};

/// A section for each field.
pub(super) fn fields(plan: &Plan) -> String {
    if plan.config.is_empty() {
        return "Nothing: the spec has no `config`.\n".to_owned();
    }
    let mut text = String::new();
    // What must be given comes first; the plan orders by name.
    let (needed, other): (Vec<_>, Vec<_>) = plan.config.iter().partition(|field| needed(field));
    for field in needed.into_iter().chain(other) {
        let _ = write!(text, "### {}\n\n", prose(&field.title));
        if let Some(help) = &field.help {
            let _ = write!(text, "{}\n\n", prose(help));
        }
        if let Some(docs) = &field.docs {
            let _ = writeln!(text, "* Where to find it: {}", address(docs));
        }
        let _ =
            writeln!(text, "* Set {}, or {} to a file that holds it", code(&field.env), code(&file_variable(field)));
        let _ = writeln!(text, "* {}", required(field));
        if field.secret {
            text.push_str("* Secret: it is never shown, and no flag takes it\n");
        }
        if let Some(form) = form(field) {
            let _ = writeln!(text, "* Form: {form}");
        }
        if let Some(example) = &field.example {
            let _ = writeln!(text, "* Example: {}", code(example));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Whether the engine cannot run without it.
pub(super) fn needed(field: &ConfigField) -> bool {
    !field.optional && field.default.is_none()
}

/// The variable that names a file.
pub(super) fn file_variable(field: &ConfigField) -> String {
    format!("{}_FILE", field.env)
}

fn required(field: &ConfigField) -> String {
    match &field.default {
        Some(default) => format!("May be left out; it is {} then", code(&shown(default))),
        None if field.optional => "May be left out".to_owned(),
        None => "Required".to_owned(),
    }
}

fn shown(default: &Json) -> String {
    match default {
        Json::String(text) => text.to_string(),
        Json::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn form(field: &ConfigField) -> Option<String> {
    let mut parts = Vec::new();
    match field.kind {
        ConfigType::Text => {}
        ConfigType::Url => parts.push("a URL".to_owned()),
        ConfigType::Uuid => parts.push("a UUID".to_owned()),
        ConfigType::Integer => parts.push("a whole number".to_owned()),
        ConfigType::Boolean => parts.push("`true` or `false`".to_owned()),
        ConfigType::Choice => parts.push(format!("one of {}", codes(&field.choices))),
        ConfigType::List => parts.push("several, separated by commas".to_owned()),
    }
    match (&field.say, &field.pattern) {
        (Some(say), _) => parts.push(prose(say)),
        (None, Some(pattern)) => parts.push(format!("it matches {}", code(pattern.as_str()))),
        (None, None) => {}
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The table of all variables that a run looks at.
pub(super) fn variables(plan: &Plan) -> String {
    let mut table = Table::new(&["variable", "what it holds", "required", "where nothing is given"]);
    for field in &plan.config {
        let secret = if field.secret { " (secret)" } else { "" };
        table.row([
            code(&field.env),
            format!("{}{secret}", prose(&field.title)),
            if needed(field) { "yes" } else { "–" }.to_owned(),
            field.default.as_ref().map(|default| code(&shown(default))).unwrap_or_default(),
        ]);
    }
    if changes_anything(plan) {
        table.row([
            "`BATON_PROVISIONING`",
            "`true` allows changes, as `--provisioning` does",
            "–",
            "changes are refused",
        ]);
    }
    if keeps_tokens(plan) {
        table.row([
            "`XDG_STATE_HOME`",
            "folder in which refresh tokens that the vendor replaces are kept",
            "–",
            "`~/.local/state`",
        ]);
    }
    table.row(["`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`", "proxies", "–", "none"]);
    let mut text = table.finish();
    if !plan.config.is_empty() {
        text.push_str(
            "\nEach variable of the connector has a second one that ends in `_FILE` and names a file that holds the \
             value. The values of fields that are no secrets can be given by `--set FIELD=VALUE`, and all of them by \
             `--config FILE`.\n",
        );
    }
    text
}
