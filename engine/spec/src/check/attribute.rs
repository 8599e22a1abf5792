//! Attributes and how `push` treats a type.

use crate::diagnostic::Code;
use crate::document::attribute::{self as doc, AttributeUse, Choices, CommonName, Leave, MatchKey, Required};
use crate::document::config::ConfigType;
use crate::document::{self};
use crate::plan::{Attribute, ConfigField, Generate, Push};
use crate::yaml::escape;

use super::Checker;
use super::names::{Names, resource_shape};
use super::source::is_name;
use super::value::Purpose;

/// Symbols that vendors take in passwords and that need no quoting in a shell.
const SYMBOLS: &str = "-_.!~*+=";

impl Checker<'_> {
    /// Compiles the attributes of a type, or the inputs of an action. `row` is the scope of their
    /// `read`; inputs have none.
    pub(super) fn attributes(
        &mut self,
        pointer: &str,
        attributes: &std::collections::BTreeMap<String, doc::Attribute>,
        row: Option<&Names>,
    ) -> Vec<Attribute> {
        let mut compiled: Vec<Attribute> = Vec::new();
        for (name, attribute) in attributes {
            let at = format!("{pointer}/{}", escape(name));
            let attribute = self.attribute(&at, name, attribute, row);
            if let (Some(is), Some(twin)) =
                (attribute.is, compiled.iter().find(|known| known.is == attribute.is && known.is.is_some()))
            {
                let message = format!("`{}` is the `{}` already", twin.name(), is.word());
                self.at_value(Code::Config, &format!("{at}/is"), message, None);
            }
            compiled.push(attribute);
        }
        compiled
    }

    /// Compiles an attribute, faults and all: what uses it is not to be blamed for them.
    fn attribute(&mut self, pointer: &str, name: &str, attribute: &doc::Attribute, row: Option<&Names>) -> Attribute {
        if !is_name(name) {
            let help = Some("use letters, digits and `_`".to_owned());
            self.at_key(Code::WrongValue, pointer, format!("`{name}` cannot be a name in expressions"), help);
        }
        if row.is_none() {
            self.idle_in_input(pointer, attribute);
        }
        let (choices, choices_of) = match &attribute.choices {
            None => (Vec::new(), None),
            Some(Choices::Fixed(list)) => (list.clone(), None),
            Some(Choices::Of(of)) => (Vec::new(), self.type_number(&format!("{pointer}/choices/of"), &of.of)),
        };
        let kind = match (attribute.r#type, &attribute.choices) {
            (None | Some(ConfigType::Choice), Some(Choices::Fixed(_))) => ConfigType::Choice,
            (None | Some(ConfigType::Choice), Some(Choices::Of(_))) => ConfigType::Text,
            (kind, _) => kind.unwrap_or_default(),
        };
        if kind == ConfigType::Choice && choices.is_empty() {
            let help = Some("add `choices: [reader, writer]`, or `{ of: TYPE }` for the ids of a type".to_owned());
            self.at_key(Code::Config, pointer, format!("`{name}` needs `choices`"), help);
        }
        if kind != ConfigType::Choice && !choices.is_empty() {
            let message = format!("`{name}` has `choices`, which is a type of its own");
            self.at_value(Code::Config, &format!("{pointer}/type"), message, Some("remove `type`".to_owned()));
        }
        let pattern = attribute.pattern.as_ref().and_then(|text| {
            self.regex(&format!("{pointer}/pattern"), text)?;
            self.regex(&format!("{pointer}/pattern"), &format!("^(?:{text})$"))
        });
        let secret = attribute.secret || attribute.generate.is_some() || attribute.is == Some(CommonName::Password);
        let read = match (&attribute.read, row) {
            (Some(value), Some(row)) => self.told(&format!("{pointer}/read"), value, row, Purpose::ComparedList),
            _ => None,
        };
        // What is given may go anywhere, so a secret of `config` is no default for it.
        let purpose = if secret { Purpose::Sent } else { Purpose::Compared };
        let default = attribute
            .default
            .as_ref()
            .and_then(|value| self.value(&format!("{pointer}/default"), value, &self.base.clone(), purpose));
        let uses = attribute.given_to.clone().unwrap_or_else(|| vec![AttributeUse::Create, AttributeUse::Update]);
        let required = |on: AttributeUse| match attribute.required {
            Some(Required::Always(always)) => always,
            Some(Required::On(only)) => only == on,
            None => false,
        };
        if let Some(Required::On(on)) = attribute.required
            && !uses.contains(&on)
        {
            let message = format!("`{name}` cannot be given to the operation that requires it");
            self.at_value(Code::Config, &format!("{pointer}/required"), message, None);
        }
        if secret && attribute.read.is_some() {
            let message = "a secret is not read back".to_owned();
            self.at_key(Code::SecretShown, &format!("{pointer}/read"), message, Some("remove `read`".to_owned()));
        }
        let (on_create, on_update) = (uses.contains(&AttributeUse::Create), uses.contains(&AttributeUse::Update));
        let readable = attribute.read.is_some();
        if attribute.managed == Some(true) && !(readable && on_update) {
            let message = format!("`push` cannot bring about `{name}`");
            let help = Some("add `read`, and an `update` that takes it; or remove `managed`".to_owned());
            self.at_key(Code::NotHere, &format!("{pointer}/managed"), message, help);
        }
        let compiled = Attribute {
            field: ConfigField {
                name: name.to_owned(),
                env: String::new(),
                title: attribute.title.clone().unwrap_or_else(|| super::resource::title(name)),
                help: attribute.help.clone(),
                docs: None,
                kind,
                secret,
                optional: true,
                default: None,
                pattern,
                say: attribute.say.clone(),
                choices,
                strip: Vec::new(),
                advise: None,
                example: None,
                site: self.key_site(pointer),
            },
            read,
            is: attribute.is,
            on_create,
            on_update,
            on_rotate: uses.contains(&AttributeUse::Rotate),
            required_on_create: on_create && required(AttributeUse::Create),
            required_on_update: on_update && required(AttributeUse::Update),
            required_on_rotate: uses.contains(&AttributeUse::Rotate) && required(AttributeUse::Rotate),
            choices_of,
            default,
            caution_absent: attribute.caution.as_ref().and_then(|caution| caution.absent.clone()),
            caution_given: attribute.caution.as_ref().and_then(|caution| caution.given.clone()),
            generate: attribute
                .generate
                .as_ref()
                .map(|generate| self.generate(&format!("{pointer}/generate"), generate)),
            managed: attribute.managed.unwrap_or(readable && on_update && !secret),
        };
        if let Some(json) = compiled.default.as_ref().and_then(|default| default.as_literal()) {
            let text = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
            if let Err(reason) = compiled.accept(&text) {
                let message = format!("the default is not of the attribute's own form: {reason}");
                self.at_value(Code::Config, &format!("{pointer}/default"), message, None);
            }
        }
        compiled
    }

    /// Reports keys that mean nothing for an input of an action.
    fn idle_in_input(&mut self, pointer: &str, input: &doc::Attribute) {
        let keys = [
            ("read", input.read.is_some(), "an input is not read back"),
            ("given_to", input.given_to.is_some(), "an input is given to its action"),
            ("managed", input.managed.is_some(), "`push` runs no actions"),
        ];
        for (key, _, message) in keys.into_iter().filter(|(_, there, _)| *there) {
            let help = Some("remove it".to_owned());
            self.at_key(Code::NotHere, &format!("{pointer}/{key}"), message.to_owned(), help);
        }
        if matches!(input.required, Some(Required::On(_))) {
            let message = "an action always requires an input, or never".to_owned();
            let help = Some("write `required: true`".to_owned());
            self.at_value(Code::NotHere, &format!("{pointer}/required"), message, help);
        }
    }

    fn generate(&mut self, pointer: &str, generate: &doc::Generate) -> Generate {
        use doc::CharacterKind::{Digit, Lower, Symbol, Upper};
        let symbols = generate.symbols.clone().unwrap_or_else(|| SYMBOLS.to_owned());
        if symbols.is_empty() || symbols.chars().any(|symbol| !symbol.is_ascii_punctuation()) {
            let message = "symbols are ASCII punctuation".to_owned();
            self.at_value(Code::WrongValue, &format!("{pointer}/symbols"), message, None);
        }
        let kinds = if generate.of.is_empty() { vec![Lower, Upper, Digit, Symbol] } else { generate.of.clone() };
        Generate { length: usize::from(generate.length), kinds, symbols }
    }

    /// Compiles how `push` treats a type.
    pub(super) fn push(&mut self, pointer: &str, id: &str, resource: &document::ResourceType) -> Push {
        let at = format!("{pointer}/push");
        let push = resource.push.clone().unwrap_or_default();
        let by = match (push.r#match.is_empty(), resource.user.is_some()) {
            (false, _) => push.r#match.clone(),
            (true, true) => vec![MatchKey::Id, MatchKey::ExternalId, MatchKey::Login, MatchKey::Email],
            (true, false) => vec![MatchKey::Id, MatchKey::ExternalId, MatchKey::DisplayName],
        };
        let leave = push.leave.unwrap_or(Leave::Nothing);
        let lacking = match leave {
            Leave::Disable if resource.disable.is_none() => Some("disable"),
            Leave::Delete if resource.delete.is_none() => Some("delete"),
            _ => None,
        };
        if let Some(lacking) = lacking {
            let message = format!("`{id}` has no `{lacking}` that could be used");
            self.at_value(Code::MissingKey, &format!("{at}/leave"), message, None);
        }
        let names = self.base.with("resource", resource_shape(self.document, id, 0));
        let protect = push.protect.as_ref().and_then(|text| self.expression(&format!("{at}/protect"), text, &names));
        Push { site: self.key_site(&at), by, leave, protect }
    }
}
