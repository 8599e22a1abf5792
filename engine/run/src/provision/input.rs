//! What a user gave for an operation: brought into the form of the spec's attributes, completed by
//! defaults and generated secrets. All that is wrong is told at once.

use engine_json::{Map, Value as Json};
use engine_spec::document::attribute::CharacterKind;
use engine_spec::plan::{Attribute, Generate, NoWitness};
use engine_spec::scope::Scope;
use engine_spec::suggest::nearest;

use super::goal::plain_text;
use super::order::Given;
use super::outcome::SecretText;
use crate::environment::Environment;

/// What an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Create,
    Update,
    Rotate,
    Action,
}

impl Use {
    /// Whether an attribute can be given to it.
    pub fn takes(self, attribute: &Attribute) -> bool {
        match self {
            Self::Create => attribute.on_create,
            Self::Update => attribute.on_update,
            Self::Rotate => attribute.on_rotate,
            Self::Action => true,
        }
    }

    fn requires(self, attribute: &Attribute) -> bool {
        match self {
            Self::Create | Self::Action => attribute.required_on_create,
            Self::Update => attribute.required_on_update,
            Self::Rotate => attribute.required_on_rotate,
        }
    }
}

/// What was given, in its final form.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// The values by name.
    pub values: Map,
    /// What the engine made, to be shown once.
    pub generated: Vec<(String, SecretText)>,
    /// What a user should know.
    pub cautions: Vec<String>,
}

/// Accepts what was given, or says all that is wrong with it.
pub(super) fn accept(
    attributes: &[Attribute],
    given: &Given,
    on: Use,
    scope: &Scope<'_>,
    environment: &dyn Environment,
) -> Result<Input, Vec<String>> {
    let mut input = Input::default();
    let mut faults = Vec::new();
    let taken: Vec<&Attribute> = attributes.iter().filter(|attribute| on.takes(attribute)).collect();
    for name in given.keys().filter(|name| !taken.iter().any(|known| known.name() == *name)) {
        let names: Vec<&str> = taken.iter().map(|known| known.name()).collect();
        faults.push(match nearest(name, names.iter().copied()) {
            Some(near) => format!("there is no `{name}` here; did you mean `{near}`?"),
            None if names.is_empty() => format!("nothing can be given here, and `{name}` was"),
            None => format!("there is no `{name}` here; there are {}", names.join(", ")),
        });
    }
    for attribute in taken {
        let name = attribute.name();
        match given.get(name) {
            Some(text) => match attribute.accept(text) {
                Ok(value) => {
                    input.values.insert(name.to_owned(), value);
                    input.cautions.extend(attribute.caution_given.clone());
                }
                Err(reason) => faults.push(format!("{name}: {reason}")),
            },
            None => {
                if let Err(fault) = absent(attribute, on, scope, environment, &mut input) {
                    faults.push(fault);
                }
            }
        }
    }
    if faults.is_empty() { Ok(input) } else { Err(faults) }
}

/// What an attribute is that was not given: generated, its default, or nothing.
fn absent(
    attribute: &Attribute,
    on: Use,
    scope: &Scope<'_>,
    environment: &dyn Environment,
    input: &mut Input,
) -> Result<(), String> {
    let name = attribute.name();
    if let Some(generate) = attribute.generate.as_ref().filter(|_| on != Use::Update) {
        let secret =
            password(generate, environment).ok_or_else(|| format!("{name}: this system gives no randomness"))?;
        input.values.insert(name.to_owned(), Json::from(secret.as_str()));
        input.generated.push((name.to_owned(), SecretText::new(secret)));
        return Ok(());
    }
    // An update leaves alone what is not given.
    let default = attribute.default.as_ref().filter(|_| on != Use::Update);
    if let Some(default) = default {
        let found = default.yields(scope, &NoWitness).map_err(|fault| format!("{name}: {}", fault.reason))?;
        if let Some(value) = found.filter(|json| !json.is_null()) {
            let text = plain_text(&value);
            let value = attribute.accept(&text).map_err(|reason| format!("{name}, by default: {reason}"))?;
            input.values.insert(name.to_owned(), value);
            return Ok(());
        }
    }
    if on.requires(attribute) {
        let help = attribute.field.help.as_ref().map(|help| format!(": {help}")).unwrap_or_default();
        return Err(format!("{name} is required ({}{help})", attribute.field.title));
    }
    if on == Use::Create {
        input.cautions.extend(attribute.caution_absent.clone());
    }
    Ok(())
}

/// A secret of random characters, at least one of each kind; nothing where there is no randomness.
fn password(generate: &Generate, environment: &dyn Environment) -> Option<String> {
    let alphabet = |kind: &CharacterKind| -> Vec<char> {
        match kind {
            CharacterKind::Lower => ('a'..='z').filter(|letter| *letter != 'l').collect(),
            CharacterKind::Upper => ('A'..='Z').filter(|letter| !matches!(letter, 'I' | 'O')).collect(),
            CharacterKind::Digit => ('2'..='9').collect(),
            CharacterKind::Symbol => generate.symbols.chars().collect(),
        }
    };
    let kinds: Vec<Vec<char>> = generate.kinds.iter().map(alphabet).collect();
    let all: Vec<char> = kinds.iter().flatten().copied().collect();
    let mut characters = Vec::with_capacity(generate.length);
    for kind in &kinds {
        characters.push(drawn(kind, environment)?);
    }
    while characters.len() < generate.length {
        characters.push(drawn(&all, environment)?);
    }
    // The first ones are of known kinds: they change places with others.
    for at in (1..characters.len()).rev() {
        characters.swap(at, below(at + 1, environment)?);
    }
    Some(characters.into_iter().collect())
}

fn drawn(from: &[char], environment: &dyn Environment) -> Option<char> {
    from.get(below(from.len(), environment)?).copied()
}

/// A random number below a bound, each as likely as the others.
fn below(bound: usize, environment: &dyn Environment) -> Option<usize> {
    let bound = u32::try_from(bound).unwrap_or(u32::MAX).max(1);
    // Numbers of the last, incomplete round would make the small ones likelier.
    let fair = u32::MAX - u32::MAX % bound;
    loop {
        let mut bytes = [0; 4];
        if !environment.secret(&mut bytes) {
            return None;
        }
        let number = u32::from_le_bytes(bytes);
        if number < fair {
            return usize::try_from(number % bound).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::environment::SimulatedEnvironment;

    #[test]
    fn generated_passwords_have_every_kind_and_differ() {
        use CharacterKind::{Digit, Lower, Symbol, Upper};
        let generate = Generate { length: 16, kinds: vec![Lower, Upper, Digit, Symbol], symbols: "-_".into() };
        let world = SimulatedEnvironment::new(Timestamp::UNIX_EPOCH);
        let made: std::collections::BTreeSet<String> = (0..50).map(|_| password(&generate, &world).unwrap()).collect();
        assert_eq!(made.len(), 50);
        for secret in &made {
            assert_eq!(secret.chars().count(), 16);
            assert!(secret.chars().any(|c| c.is_ascii_lowercase()), "{secret}");
            assert!(secret.chars().any(|c| c.is_ascii_uppercase()), "{secret}");
            assert!(secret.chars().any(|c| c.is_ascii_digit()), "{secret}");
            assert!(secret.contains(['-', '_']) && !secret.contains(['l', 'I', 'O', '0', '1']), "{secret}");
        }
    }
}
