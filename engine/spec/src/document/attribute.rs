//! Attributes: what can be given when a resource is made or changed, and where it is read back.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Value;
use super::config::ConfigType;

/// Something that can be given when a resource is made or changed: `input.NAME`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// What people call it.
    #[serde(default)]
    pub title: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub help: Option<String>,
    /// Where it stands in a row of the list, and of `read`.
    #[serde(default)]
    pub read: Option<Value>,
    /// Its common name, by which other systems know it.
    #[serde(default)]
    pub is: Option<CommonName>,
    /// The operations it can be given to; `create` and `update` where nothing is said.
    #[serde(default)]
    pub given_to: Option<Vec<AttributeUse>>,
    /// Whether it must be given: `true`, or `create`.
    #[serde(default)]
    pub required: Option<Required>,
    /// What it looks like; text where nothing is said.
    #[serde(default)]
    pub r#type: Option<ConfigType>,
    /// A regular expression that the whole value must match.
    #[serde(default)]
    pub pattern: Option<String>,
    /// What to say where it does not have the right form.
    #[serde(default)]
    pub say: Option<String>,
    /// The values it may have: a list, or the ids of a resource type: `{ of: role }`.
    #[serde(default)]
    pub choices: Option<Choices>,
    /// The value where none is given; a template on `config` and `start` may be absent.
    #[serde(default)]
    pub default: Option<Value>,
    /// What a user should know before it is given, or left out.
    #[serde(default)]
    pub caution: Option<Caution>,
    /// Whether it must never be shown. It is given by a file, `--input-file NAME=FILE`.
    #[serde(default)]
    pub secret: bool,
    /// Made by the engine where it is not given, and shown once: a password.
    #[serde(default)]
    pub generate: Option<Generate>,
    /// Whether `engine push` compares it and changes it; it does where it is readable and can be updated.
    #[serde(default)]
    pub managed: Option<bool>,
}

/// What an attribute is called elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommonName {
    /// The primary email address.
    Email,
    /// What the user signs in with.
    Login,
    /// Given name.
    GivenName,
    /// Family name.
    FamilyName,
    /// What people read.
    DisplayName,
    /// The id that another system gave.
    ExternalId,
    /// What separates those who may sign in from those who may not.
    Active,
    /// The paid seat or plan.
    License,
    /// Number of the employer.
    EmployeeId,
    /// A password.
    Password,
}

impl CommonName {
    /// The name as specs write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Login => "login",
            Self::GivenName => "given_name",
            Self::FamilyName => "family_name",
            Self::DisplayName => "display_name",
            Self::ExternalId => "external_id",
            Self::Active => "active",
            Self::License => "license",
            Self::EmployeeId => "employee_id",
            Self::Password => "password",
        }
    }
}

/// An operation that takes attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttributeUse {
    /// When it is made.
    Create,
    /// When it is changed.
    Update,
    /// When its credentials are made anew.
    Rotate,
}

/// When an attribute must be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Required {
    /// Always, or never.
    Always(bool),
    /// For one operation.
    On(AttributeUse),
}

/// The values an attribute may have.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Choices {
    /// These.
    Fixed(Vec<String>),
    /// The ids of the resources of a type.
    Of(super::source::ForEachOf),
}

/// `{ absent: leaving it out assigns a developer seat }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Caution {
    /// Said where it is left out of a create.
    #[serde(default)]
    pub absent: Option<String>,
    /// Said where it is given.
    #[serde(default)]
    pub given: Option<String>,
}

/// `{ length: 24, of: [lower, upper, digit, symbol] }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Generate {
    /// How many characters.
    #[schemars(range(min = 12, max = 128))]
    pub length: u16,
    /// Kinds of characters, at least one of each; all where nothing is said.
    #[serde(default)]
    pub of: Vec<CharacterKind>,
    /// The symbols; `-_.!~*+=` where nothing is said.
    #[serde(default)]
    pub symbols: Option<String>,
}

/// A kind of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CharacterKind {
    /// `a` to `z`, without `l`.
    Lower,
    /// `A` to `Z`, without `I` and `O`.
    Upper,
    /// `2` to `9`.
    Digit,
    /// The symbols.
    Symbol,
}

/// `{ match: [external_id, email], leave: disable }`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// By what a resource of the vendor is known as one of the file, in order; `[id, external_id, login, email]` where nothing is said, and the display name for types that are not users.
    #[serde(default)]
    pub r#match: Vec<MatchKey>,
    /// What becomes of a resource that the file does not name; nothing where nothing is said.
    #[serde(default)]
    pub leave: Option<Leave>,
    /// Resources for which this expression on `resource` holds are never touched.
    #[serde(default)]
    pub protect: Option<String>,
}

/// By what a resource is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MatchKey {
    /// The vendor's id.
    Id,
    /// The attribute that `is: external_id`.
    ExternalId,
    /// What the user signs in with.
    Login,
    /// An email address, in any case.
    Email,
    /// What people read, exactly.
    DisplayName,
}

/// What becomes of a resource that the file does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Leave {
    /// It is disabled.
    Disable,
    /// It is deleted.
    Delete,
    /// It stays.
    Nothing,
}
