//! `config`: what a user must provide, with what a setup page needs to say about it.

use schemars::JsonSchema;
use serde::Deserialize;

/// One thing a user must provide. It is read from the environment variable `BATON_<ID>_<FIELD>`, from the file that `BATON_<ID>_<FIELD>_FILE` names, from `--set FIELD=…` (never a secret) or from a config file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigField {
    /// What people call it.
    pub title: String,
    /// What it is for, and which rights it needs.
    #[serde(default)]
    pub help: Option<String>,
    /// Where it is found, a page of the vendor.
    #[serde(default)]
    pub docs: Option<String>,
    /// What it looks like; text where nothing is said.
    #[serde(default)]
    pub r#type: Option<ConfigType>,
    /// Whether it must never be shown. Secrets cannot be printed, logged or put into a path.
    #[serde(default)]
    pub secret: bool,
    /// Whether it may be left out.
    #[serde(default)]
    pub optional: bool,
    /// The value where none is given.
    #[serde(default)]
    pub default: Option<engine_json::Value>,
    /// A regular expression that the whole value must match.
    #[serde(default)]
    pub pattern: Option<String>,
    /// What to say where `pattern` does not match.
    #[serde(default)]
    pub say: Option<String>,
    /// The values it may have, for `type: choice`.
    #[serde(default)]
    pub choices: Vec<String>,
    /// Endings cut off a pasted value, such as `/api/v2`. The longest that fits is cut.
    #[serde(default)]
    pub strip: Vec<String>,
    /// Says something where the value does not look right, and goes on.
    #[serde(default)]
    pub advise: Option<Advice>,
    /// A value that shows the form.
    #[serde(default)]
    pub example: Option<String>,
    /// The environment variable, where the vendor's setup page names another than `BATON_<ID>_<FIELD>`. It begins with `BATON_`: a spec reads no variable that was set for another program.
    #[serde(default)]
    #[schemars(regex(pattern = r"^BATON_[A-Z0-9_]+$"))]
    pub env: Option<String>,
}

/// What a value of a field looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfigType {
    /// Any text.
    #[default]
    Text,
    /// An `https` URL, or an `http` one on loopback. A missing scheme becomes `https`, a trailing slash is cut.
    Url,
    /// A UUID (RFC 9562).
    Uuid,
    /// A whole number; kept as exact digits.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// One of `choices`.
    Choice,
    /// Several texts, separated by commas.
    List,
}

/// `{ unless: "/scim/v2$", say: … }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    /// The regular expression that a right value matches somewhere.
    pub unless: String,
    /// What to say otherwise.
    pub say: String,
}
