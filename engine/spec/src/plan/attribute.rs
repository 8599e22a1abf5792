//! Attributes, compiled, and the check of what a user gives.

use engine_json::Value as Json;

use crate::document::attribute::{CharacterKind, CommonName, Leave, MatchKey};
use crate::document::config::ConfigType;
use crate::expression::Expression;

use super::{ConfigField, Site, Value};

/// Something that can be given when a resource is made or changed.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its form: name, title, pattern, fixed choices.
    pub field: ConfigField,
    /// Where it stands in a row.
    pub read: Option<Value>,
    /// Its common name.
    pub is: Option<CommonName>,
    /// Whether it can be given to a create.
    pub on_create: bool,
    /// Whether it can be given to an update.
    pub on_update: bool,
    /// Whether it can be given to a rotation.
    pub on_rotate: bool,
    /// Whether a create needs it.
    pub required_on_create: bool,
    /// Whether an update needs it.
    pub required_on_update: bool,
    /// Whether a rotation needs it.
    pub required_on_rotate: bool,
    /// Number of the type whose ids it may have.
    pub choices_of: Option<usize>,
    /// The value where none is given.
    pub default: Option<Value>,
    /// Said where a create leaves it out.
    pub caution_absent: Option<String>,
    /// Said where it is given.
    pub caution_given: Option<String>,
    /// How the engine makes one.
    pub generate: Option<Generate>,
    /// Whether `push` compares and changes it.
    pub managed: bool,
}

impl Attribute {
    /// Its name in the spec.
    pub fn name(&self) -> &str {
        &self.field.name
    }

    /// Whether it must never be shown.
    pub fn is_secret(&self) -> bool {
        self.field.secret || self.generate.is_some()
    }

    /// Brings a given text into the attribute's form: integers become numbers.
    pub fn accept(&self, given: &str) -> Result<Json, String> {
        if self.field.kind == ConfigType::Text && given.trim().is_empty() {
            return Err("the value is empty".to_owned());
        }
        let accepted = self.field.accept(given).map_err(|fault| fault.reason)?.value;
        match (self.field.kind, &accepted) {
            (ConfigType::Integer, Json::String(digits)) => {
                digits.parse::<i64>().map(Json::from).map_err(|_| format!("`{digits}` is too large"))
            }
            _ => Ok(accepted),
        }
    }
}

/// How the engine makes a secret.
#[derive(Clone, Debug)]
pub struct Generate {
    /// How many characters.
    pub length: usize,
    /// Kinds of characters, at least one of each.
    pub kinds: Vec<CharacterKind>,
    /// The symbols.
    pub symbols: String,
}

/// How `push` treats the resources of a type.
#[derive(Clone, Debug)]
pub struct Push {
    /// Where it stands.
    pub site: Site,
    /// By what they are known.
    pub by: Vec<MatchKey>,
    /// What becomes of those that the file does not name.
    pub leave: Leave,
    /// Those for which this holds are never touched.
    pub protect: Option<Expression>,
}
