//! What a user gives, from flags, environment, files and a config file: the only place that reads
//! the environment for it. All fields that are missing or wrong are told at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use engine_json::{Map, Value as Json};
use engine_spec::plan::{ConfigField, Plan};

use crate::exit::Failure;
use crate::output;

/// Where values come from.
#[derive(Args, Debug, Default)]
pub struct Given {
    /// Set a config field; not for secrets, which others could see in the process list
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    set: Vec<String>,
    /// Read config fields from a YAML file, by name
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The value of each field as a user gave it, and where it came from.
struct Found {
    text: String,
    from: String,
}

/// Brings together what was given for a plan. `played` are values that a recorded case gives; they
/// go first.
pub fn values(plan: &Plan, given: &Given, played: &BTreeMap<String, String>) -> Result<Map, Failure> {
    let flags = flags(plan, given)?;
    let file = file(plan, given.config.as_deref())?;
    let is_given = !flags.is_empty() || !file.is_empty();
    if is_given && !played.is_empty() {
        output::note(
            "note: what is simulated takes its config from the recorded case, and none from `--set` and `--config`",
        );
    }
    let mut values = Map::new();
    let mut missing: Vec<&ConfigField> = Vec::new();
    let mut faults: Vec<String> = Vec::new();
    for field in &plan.config {
        let found = match played.get(&field.name) {
            Some(text) => Some(Found { text: text.clone(), from: "the recorded case".to_owned() }),
            None if !played.is_empty() => None,
            None => find(field, &flags, &file)?,
        };
        match found {
            Some(found) => match field.accept(&found.text) {
                Ok(accepted) => {
                    if let Some(advice) = accepted.advice {
                        output::note(&format!("note: {}: {advice}", field.title));
                    }
                    values.insert(field.name.clone(), accepted.value);
                }
                Err(fault) => faults.push(format!("{} (from {}): {}", field.title, found.from, fault.reason)),
            },
            None => match &field.default {
                Some(default) => {
                    values.insert(field.name.clone(), default.clone());
                }
                None if field.optional => {}
                None => missing.push(field),
            },
        }
    }
    if missing.is_empty() && faults.is_empty() {
        return Ok(values);
    }
    Err(complaint(plan, &missing, &faults))
}

fn complaint(plan: &Plan, missing: &[&ConfigField], faults: &[String]) -> Failure {
    let mut text = String::new();
    if !missing.is_empty() {
        text.push_str(&format!(
            "{} needs {}:\n",
            plan.name,
            if missing.len() == 1 { "one more value".to_owned() } else { format!("{} more values", missing.len()) }
        ));
        for field in missing {
            text.push_str(&format!(
                "\n  {}\n    set {}, or {}_FILE to a file that holds it\n",
                field.title, field.env, field.env
            ));
            for line in field.help.iter().chain(&field.docs) {
                text.push_str(&format!("    {line}\n"));
            }
        }
    }
    for fault in faults {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("{fault}\n"));
    }
    Failure::usage(text.trim_end().to_owned())
}

fn find(
    field: &ConfigField,
    flags: &BTreeMap<String, String>,
    file: &BTreeMap<String, String>,
) -> Result<Option<Found>, Failure> {
    if let Some(text) = flags.get(&field.name) {
        return Ok(Some(Found { text: text.clone(), from: "--set".to_owned() }));
    }
    if let Some(text) = variable(&field.env) {
        return Ok(Some(Found { text, from: field.env.clone() }));
    }
    let file_variable = format!("{}_FILE", field.env);
    if let Some(path) = variable(&file_variable) {
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Failure::usage(format!("{file_variable} names {path}, which cannot be read: {error}")))?;
        return Ok(Some(Found { text, from: file_variable }));
    }
    Ok(file.get(&field.name).map(|text| Found { text: text.clone(), from: "the config file".to_owned() }))
}

/// An environment variable that is set and not empty.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Who runs this, as far as the system tells: `user@host`.
pub fn user() -> String {
    let user = variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(|| "unknown".to_owned());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| variable("HOSTNAME"));
    match host {
        Some(host) => format!("{user}@{}", host.trim()),
        None => user,
    }
}

fn flags(plan: &Plan, given: &Given) -> Result<BTreeMap<String, String>, Failure> {
    let mut flags = BTreeMap::new();
    for pair in &given.set {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Failure::usage(format!("`--set {pair}` has no `=`")).hint("write `--set FIELD=VALUE`"));
        };
        let field = known(plan, name, "--set")?;
        if field.secret {
            return Err(Failure::usage(format!(
                "`{name}` is a secret, and flags can be seen by every user of this machine"
            ))
            .hint(format!("set {}, or {}_FILE to a file that holds it", field.env, field.env)));
        }
        flags.insert(name.to_owned(), value.to_owned());
    }
    Ok(flags)
}

fn file(plan: &Plan, path: Option<&Path>) -> Result<BTreeMap<String, String>, Failure> {
    let Some(path) = path else { return Ok(BTreeMap::new()) };
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")))?;
    let map: BTreeMap<String, engine_json::Value> = serde_yaml::from_str(&text).map_err(|error| {
        let place = error.location().map(|at| format!(" at line {}", at.line())).unwrap_or_default();
        Failure::usage(format!("{shown} is not a map of config fields{place}")).hint("write `field: value`, one a line")
    })?;
    let mut values = BTreeMap::new();
    for (name, value) in map {
        known(plan, &name, &shown.to_string())?;
        let text = match value {
            Json::String(text) => text.into(),
            Json::Bool(_) | Json::Number(_) => value.to_string(),
            Json::Array(items) if items.iter().all(|item| !item.is_array() && !item.is_object() && !item.is_null()) => {
                let texts = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
                texts.collect::<Vec<_>>().join(",")
            }
            _ => {
                return Err(Failure::usage(format!(
                    "{shown}: `{name}` must be a text, a number, a boolean or a list of texts"
                )));
            }
        };
        values.insert(name, text);
    }
    Ok(values)
}

fn known<'p>(plan: &'p Plan, name: &str, from: &str) -> Result<&'p ConfigField, Failure> {
    plan.config.iter().find(|field| field.name == name).ok_or_else(|| {
        let names: Vec<&str> = plan.config.iter().map(|field| field.name.as_str()).collect();
        let hint = match engine_spec::suggest::nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", names.join(", ")),
        };
        Failure::usage(format!("{from}: {} has no config field `{name}`", plan.name)).hint(hint)
    })
}
