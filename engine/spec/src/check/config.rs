//! `config`: fields, their defaults and their environment variables.

use engine_json::Value as Json;

use crate::diagnostic::Code;
use crate::document;
use crate::document::config::ConfigType;
use crate::plan::ConfigField;
use crate::yaml::escape;

use super::Checker;

impl Checker<'_> {
    pub(super) fn config(&mut self) -> Vec<ConfigField> {
        let mut fields: Vec<ConfigField> = Vec::new();
        for (name, field) in &self.document.config {
            let pointer = format!("/config/{}", escape(name));
            if let Some(field) = self.config_field(name, &pointer, field) {
                if let Some(twin) = fields.iter().find(|known| known.env == field.env) {
                    let message = format!("`{}` is the variable of `{}` already", field.env, twin.name);
                    self.at_key(Code::Config, &pointer, message, Some("give one of them another `env`".to_owned()));
                }
                fields.push(field);
            }
        }
        fields
    }

    fn config_field(&mut self, name: &str, pointer: &str, field: &document::ConfigField) -> Option<ConfigField> {
        if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') || name.is_empty() {
            self.at_key(
                Code::Config,
                pointer,
                format!("`{name}` cannot be a config field"),
                Some("use lower-case letters, digits and `_`".to_owned()),
            );
            return None;
        }
        let kind = field.r#type.unwrap_or_default();
        if (kind == ConfigType::Choice) == field.choices.is_empty() {
            self.at_key(Code::Config, pointer, format!("`{name}` needs `type: choice` and `choices` together"), None);
        }
        if field.secret && field.default.is_some() {
            self.at_key(Code::Config, &format!("{pointer}/default"), "a secret has no default".to_owned(), None);
        }
        if let Some(docs) = &field.docs {
            self.web_page(&format!("{pointer}/docs"), docs);
        }
        let pattern = field.pattern.as_ref().and_then(|text| {
            self.regex(&format!("{pointer}/pattern"), text)?;
            self.regex(&format!("{pointer}/pattern"), &format!("^(?:{text})$"))
        });
        let advise = field.advise.as_ref().and_then(|advice| {
            let right = self.regex(&format!("{pointer}/advise/unless"), &advice.unless)?;
            Some((right, advice.say.clone()))
        });
        let mut compiled = ConfigField {
            name: name.to_owned(),
            env: field.env.clone().unwrap_or_else(|| variable(&self.document.id, name)),
            title: field.title.clone(),
            help: field.help.clone(),
            docs: field.docs.clone(),
            kind,
            secret: field.secret,
            optional: field.optional,
            default: None,
            pattern,
            say: field.say.clone(),
            choices: field.choices.clone(),
            strip: field.strip.clone(),
            advise,
            example: field.example.clone(),
            site: self.key_site(pointer),
        };
        if let Some(default) = &field.default {
            let at = format!("{pointer}/default");
            compiled.default = self.config_default(&at, &compiled, default);
        }
        Some(compiled)
    }

    fn config_default(&mut self, pointer: &str, field: &ConfigField, default: &Json) -> Option<Json> {
        let text = match default {
            Json::String(text) => text.to_string(),
            Json::Bool(_) | Json::Number(_) => default.to_string(),
            Json::Array(items) if field.kind == ConfigType::List => {
                items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(",")
            }
            _ => {
                self.at_value(
                    Code::Config,
                    pointer,
                    "a default is a text, a number, a boolean or a list of texts".to_owned(),
                    None,
                );
                return None;
            }
        };
        match field.accept(&text) {
            Ok(accepted) => Some(accepted.value),
            Err(fault) => {
                self.at_value(
                    Code::Config,
                    pointer,
                    format!("the default is not of the field's own form: {}", fault.reason),
                    None,
                );
                None
            }
        }
    }
}

/// `BATON_ACME_API_TOKEN` for field `api_token` of spec `acme`.
fn variable(id: &str, field: &str) -> String {
    format!("BATON_{}_{}", id, field).replace('-', "_").to_ascii_uppercase()
}
