//! Values: the JSONPath, the template, the literal, and the few constructs that combine them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// A value. Text that begins with `$` is a JSONPath (RFC 9535) on the current row or answer: `$.user.id`. Text that holds `{{ … }}` is a template: alone it keeps the type of its result, inside other text it is text. Everything else is a literal; a literal that looks like one of the others is written `{ literal: … }`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// A JSONPath, a template or a literal text.
    Text(String),
    /// A literal boolean.
    Boolean(bool),
    /// A literal number.
    Number(engine_json::Number),
    /// The value at a path or of a template, mapped, converted or given a default.
    From(Box<From>),
    /// The first of several values that is present and not blank.
    Coalesce(Coalesce),
    /// Several texts joined; absent and blank ones are left out.
    Join(Join),
    /// The value of the first case that applies.
    Cases(Box<Cases>),
    /// One element of a list.
    Pick(Box<Pick>),
    /// The id of the resource that a look-up table holds under a key.
    LookUp(Box<LookUpValue>),
    /// A text in another language, such as a SCIM filter, with its arguments quoted safely.
    Quote(Quote),
    /// A text that is taken as it stands although it looks like a path or a template.
    Literal(Literal),
}

/// `{ from: $.active, map: { true: enabled, false: disabled } }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct From {
    /// Where the value comes from.
    pub from: Value,
    /// Turns values into others. Keys are compared as text: `true`, `null`, `17`, `admin`.
    #[serde(default)]
    pub map: Option<BTreeMap<String, Option<Value>>>,
    /// What becomes of a value that `map` does not name. Where nothing is said it is unknown, and counted.
    #[serde(default)]
    pub other: Option<Other>,
    /// Converts the value, and fails where it cannot.
    #[serde(default)]
    pub r#as: Option<Conversion>,
    /// The value where nothing is found.
    #[serde(default)]
    pub default: Option<Value>,
    /// Whether it may be absent or null.
    #[serde(default)]
    pub optional: Option<bool>,
    /// Text is trimmed, and blank text counts as absent; `keep` leaves it as it is.
    #[serde(default)]
    pub blank: Option<Blank>,
}

/// What becomes of a value that a map does not name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Other {
    /// One of the words.
    Word(OtherWord),
    /// This value: `{ is: member }`.
    Is(OtherIs),
}

/// `{ is: member }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OtherIs {
    /// The value.
    pub is: Value,
}

/// What becomes of a value that a map does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OtherWord {
    /// The row makes no record, and is counted.
    Drop,
    /// The value is taken as it came.
    Keep,
    /// The sync stops.
    Error,
    /// The value is unknown, and counted.
    Unknown,
}

/// Text that is blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Blank {
    /// Blank text is a value, and text is not trimmed.
    Keep,
}

/// A conversion between types. None happens by guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Conversion {
    /// A number or a text of digits becomes an integer.
    Integer,
    /// A text becomes a number.
    Number,
    /// A number or boolean becomes text.
    Text,
    /// `true`, `false` in any case, and 1 and 0, become booleans.
    Boolean,
    /// A text that holds JSON becomes what it holds.
    Json,
    /// Anything becomes its JSON text.
    JsonText,
    /// Seconds since 1970 become a time.
    UnixSeconds,
    /// Milliseconds since 1970 become a time; also inside `/Date(…)/`.
    UnixMilliseconds,
    /// Lower case.
    LowerCase,
    /// Upper case.
    UpperCase,
}

/// `{ coalesce: [$.name, $.login] }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coalesce {
    /// The values in order of preference.
    #[schemars(length(min = 1))]
    pub coalesce: Vec<Value>,
    /// Whether all may be absent.
    #[serde(default)]
    pub optional: Option<bool>,
}

/// `{ join: [$.given_name, $.family_name] }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The texts.
    #[schemars(length(min = 1))]
    pub join: Vec<Value>,
    /// What stands between them; a space where nothing is said.
    #[serde(default)]
    pub with: Option<String>,
    /// Whether all may be absent.
    #[serde(default)]
    pub optional: Option<bool>,
}

/// `{ cases: [ { when: row.owner, is: owner }, { when: row.admin, is: admin } ], otherwise: member }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    /// The cases; the first whose condition holds decides.
    #[schemars(length(min = 1))]
    pub cases: Vec<Case>,
    /// The value where no case applies; absent where nothing is said.
    #[serde(default)]
    pub otherwise: Option<Value>,
}

/// One case.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The condition, an expression.
    pub when: String,
    /// The value.
    pub is: Value,
}

/// `{ pick: "$.emails[*]", where: row.primary, take: $.value, many: first }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pick {
    /// The list: a JSONPath that may yield many, or a value that is a list.
    pub pick: Value,
    /// Which elements count, an expression in which `row` is the element.
    #[serde(default)]
    pub r#where: Option<String>,
    /// The part of the element that is the value, a path on the element; the whole element where nothing is said.
    #[serde(default)]
    pub take: Option<Value>,
    /// What more than one element means; an error where nothing is said.
    #[serde(default)]
    pub many: Option<Many>,
    /// Whether there may be none.
    #[serde(default)]
    pub optional: Option<bool>,
}

/// What more than one element means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Many {
    /// The first is taken.
    First,
    /// It is an error.
    Error,
}

/// `{ look_up: by_email, key: $.email }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LookUpValue {
    /// Name of the table, defined under `lookups`.
    pub look_up: String,
    /// The key.
    pub key: Value,
    /// What becomes of a row whose key the table does not hold: `incomplete` (where nothing is said) or `drop`.
    #[serde(default)]
    pub missing: Option<Missing>,
}

/// What a reference that points at nothing means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Something is missing: the sync is incomplete, and says so.
    Incomplete,
    /// It is expected: the row is dropped, and counted.
    Drop,
}

/// `{ quote: scim, text: "userName eq ?", args: ["{{ row.email }}"] }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// The language of the text.
    pub quote: Quoting,
    /// The text, with a `?` for each argument.
    pub text: String,
    /// The arguments.
    pub args: Vec<Value>,
}

/// A language in which arguments are quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quoting {
    /// A SCIM filter (RFC 7644, 3.4.2.2): JSON text in double quotes.
    Scim,
    /// An OData text: single quotes, doubled inside.
    Odata,
    /// A SQL text: single quotes, doubled inside.
    SqlText,
    /// A SQL identifier: double quotes, doubled inside.
    SqlIdentifier,
    /// An encoded query of terms joined by `^`, which knows no quotes: `^` and `=` are refused.
    EncodedQuery,
    /// A Lucene query: double quotes, with `\` before quotes inside.
    Lucene,
    /// A GraphQL or JSON text: double quotes with JSON escapes.
    Json,
}

/// `{ literal: "$5" }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Literal {
    /// The value as it stands.
    pub literal: engine_json::Value,
}
