//! The examples of every key, and what holds where nothing is said: `examples.yaml`, read.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_yaml::Value;

/// The examples of the language.
pub static EXAMPLES: LazyLock<Examples> =
    LazyLock::new(|| serde_yaml::from_str(include_str!("examples.yaml")).unwrap_or_default());

/// Examples by block and key.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Examples {
    blocks: BTreeMap<String, Block>,
}

#[derive(Debug, Deserialize)]
struct Block {
    /// Blocks whose keys it has, too.
    #[serde(default, rename = "_of")]
    of: Vec<String>,
    /// What holds where nothing is said.
    #[serde(default, rename = "_default")]
    default: BTreeMap<String, Value>,
    #[serde(flatten)]
    keys: BTreeMap<String, Vec<Value>>,
}

impl Examples {
    /// The examples of a key; its block's own go before those of the blocks it takes keys from.
    pub fn of(&self, block: &str, key: &str) -> Option<&[Value]> {
        let known = self.blocks.get(block)?;
        let own = known.keys.get(key).map(Vec::as_slice);
        own.or_else(|| known.of.iter().find_map(|other| self.of(other, key)))
    }

    /// What holds where a key is not said.
    pub fn default_of(&self, block: &str, key: &str) -> Option<&Value> {
        let known = self.blocks.get(block)?;
        known.default.get(key).or_else(|| known.of.iter().find_map(|other| self.default_of(other, key)))
    }

    /// Every block and key that has an example or a default of its own.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &str)> {
        self.blocks.iter().flat_map(|(block, known)| {
            known.keys.keys().chain(known.default.keys()).map(move |key| (block.as_str(), key.as_str()))
        })
    }
}

/// A value in one line of YAML.
pub fn flow(value: &Value) -> String {
    match value {
        Value::Sequence(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Mapping(map) if map.is_empty() => "{}".to_owned(),
        Value::Mapping(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", flow(key), flow(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::String(text) => quoted(text),
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Tagged(tagged) => flow(&tagged.value),
    }
}

/// A text, in quotes where YAML would read something else.
fn quoted(text: &str) -> String {
    let read: Result<BTreeMap<String, Vec<Value>>, _> = serde_yaml::from_str(&format!("{{ k: [{text}] }}"));
    let plain = read.is_ok_and(|read| read.get("k").map(Vec::as_slice) == Some(&[Value::from(text)]));
    if plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_in_one_line_is_read_as_the_same() {
        for text in [
            "{ a: [x, 1, \"1\"], b: \"{{ row.id }}\" }",
            "[\"no: y\", \"a, b\", $.x]",
            "{}",
            "\" \"",
            "\"\\n\"",
            "{ 404: \"#\" }",
        ] {
            let value: Value = serde_yaml::from_str(text).unwrap();
            assert_eq!(serde_yaml::from_str::<Value>(&flow(&value)).unwrap(), value, "{text}");
        }
        assert_eq!(flow(&Value::from("$.user.id")), "$.user.id");
    }
}
