//! Deeds: what a case does to the vendor, and what must come of each.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::case::Scalar;

/// One operation and its outcome. Exactly one of the operations is there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deed {
    /// Makes a resource of this type.
    #[serde(default)]
    pub create: Option<String>,
    /// Changes `TYPE:ID`.
    #[serde(default)]
    pub update: Option<String>,
    /// Makes `TYPE:ID` usable.
    #[serde(default)]
    pub enable: Option<String>,
    /// Makes `TYPE:ID` unusable.
    #[serde(default)]
    pub disable: Option<String>,
    /// Removes `TYPE:ID`.
    #[serde(default)]
    pub delete: Option<String>,
    /// Makes the credentials of `TYPE:ID` anew.
    #[serde(default)]
    pub rotate: Option<String>,
    /// Grants `TYPE:ID:SLUG`.
    #[serde(default)]
    pub grant: Option<String>,
    /// Revokes `TYPE:ID:SLUG`.
    #[serde(default)]
    pub revoke: Option<String>,
    /// Runs a named action.
    #[serde(default)]
    pub action: Option<String>,
    /// Who gets the grant.
    #[serde(default)]
    pub to: Option<String>,
    /// Who loses the grant.
    #[serde(default)]
    pub from: Option<String>,
    /// What the action is done to.
    #[serde(default)]
    pub on: Option<String>,
    /// What contains the resource that is made.
    #[serde(default)]
    pub parent: Option<String>,
    /// What is given.
    #[serde(default)]
    pub input: BTreeMap<String, Scalar>,
    /// Whether it is only planned.
    #[serde(default)]
    pub plan: bool,
    /// The outcome's word.
    #[serde(default)]
    pub outcome: Option<String>,
    /// Texts that each stand in what is said.
    #[serde(default)]
    pub says: Vec<String>,
    /// Secrets that are shown, by name.
    #[serde(default)]
    pub shows: Vec<String>,
}

impl Deed {
    /// The operation and what it names.
    pub fn line(&self) -> Option<(&'static str, &str)> {
        let lines = [
            ("create", &self.create),
            ("update", &self.update),
            ("enable", &self.enable),
            ("disable", &self.disable),
            ("delete", &self.delete),
            ("rotate", &self.rotate),
            ("grant", &self.grant),
            ("revoke", &self.revoke),
            ("action", &self.action),
        ];
        let mut there = lines.into_iter().filter_map(|(word, named)| Some((word, named.as_deref()?)));
        match (there.next(), there.next()) {
            (Some(line), None) => Some(line),
            _ => None,
        }
    }

    /// Whether it can be carried out as it is written.
    pub(crate) fn check(&self) -> Result<(), String> {
        const WORDS: &[&str] = &["done", "already", "pending", "action_required", "failed"];
        let Some((word, _)) = self.line() else {
            return Err("it needs exactly one of `create`, `update`, `enable`, `disable`, `delete`, `rotate`, `grant`, `revoke` and `action`".to_owned());
        };
        let needs = [("grant", "to", &self.to), ("revoke", "from", &self.from), ("action", "on", &self.on)];
        for (owner, key, value) in needs {
            if (owner == word) != value.is_some() {
                return Err(format!("`{owner}` and `{key}` belong together"));
            }
        }
        match &self.outcome {
            Some(outcome) if !WORDS.contains(&outcome.as_str()) => {
                Err(format!("`{outcome}` is no outcome; there are {}", WORDS.join(", ")))
            }
            None if !self.plan => Err("it needs `outcome`".to_owned()),
            _ => Ok(()),
        }
    }
}
