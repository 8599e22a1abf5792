//! A case file: what the user gives, what the vendor answers, and what must come of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine_json::Value as Json;
use hyper::header::{HeaderName, HeaderValue};
use serde::Deserialize;

use crate::deed::Deed;

/// What stands for the address of the loopback server in config, headers and answers.
pub const SERVER: &str = "SERVER";

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows, in one line.
    pub case: String,
    /// What the user gives, by name of the config field.
    #[serde(default)]
    pub config: BTreeMap<String, Json>,
    /// What is done, one after the other; without, everything is read.
    #[serde(default, rename = "do")]
    pub deeds: Vec<Deed>,
    /// What the vendor answers.
    #[serde(default)]
    pub exchanges: Vec<Exchange>,
    /// What must come of reading everything.
    #[serde(default)]
    pub expect: Option<Expectation>,
}

/// A request and its answers. Exactly one of the methods is there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Path of a GET request, as it is sent.
    #[serde(default)]
    pub get: Option<String>,
    /// Path of a POST request.
    #[serde(default)]
    pub post: Option<String>,
    /// Path of a PUT request.
    #[serde(default)]
    pub put: Option<String>,
    /// Path of a PATCH request.
    #[serde(default)]
    pub patch: Option<String>,
    /// Path of a DELETE request.
    #[serde(default)]
    pub delete: Option<String>,
    /// Exactly these query parameters.
    #[serde(default)]
    pub query: BTreeMap<String, Texts>,
    /// Headers that must be sent, by lower-case name.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The JSON body that must be sent.
    #[serde(default)]
    pub json: Option<Json>,
    /// The form fields that must be sent.
    #[serde(default)]
    pub form: Option<BTreeMap<String, Texts>>,
    /// The answer.
    #[serde(default)]
    pub answer: Option<AnswerSpec>,
    /// Several answers, one after the other.
    #[serde(default)]
    pub answers: Vec<AnswerSpec>,
    /// How often it must be asked; as often as there are answers where nothing is said.
    #[serde(default)]
    pub times: Option<Times>,
}

/// One text or several.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Texts {
    /// Several, in order.
    Many(Vec<Scalar>),
    /// One.
    One(Scalar),
}

/// A text, or a number or boolean that is compared as text.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// A text.
    Text(String),
    /// A number.
    Number(engine_json::Number),
    /// A boolean.
    Boolean(bool),
}

impl Scalar {
    /// As text.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Boolean(value) => value.to_string(),
        }
    }
}

impl Texts {
    fn put_in(&mut self, address: &str) {
        let scalars = match self {
            Self::Many(many) => many.as_mut_slice(),
            Self::One(one) => std::slice::from_mut(one),
        };
        for scalar in scalars {
            if let Scalar::Text(text) = scalar {
                *text = text.replace(SERVER, address);
            }
        }
    }

    /// As texts.
    pub fn list(&self) -> Vec<String> {
        match self {
            Self::Many(many) => many.iter().map(Scalar::text).collect(),
            Self::One(one) => vec![one.text()],
        }
    }
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerSpec {
    /// The status; 200 where nothing is said.
    #[serde(default)]
    pub status: Option<u16>,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, Scalar>,
    /// A JSON body.
    #[serde(default)]
    pub json: Option<Json>,
    /// A body that is not JSON.
    #[serde(default)]
    pub text: Option<String>,
    /// How it comes, where it does not come whole and at once.
    #[serde(default)]
    pub arrives: Option<Arrival>,
}

/// How an answer comes that does not come whole and at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// The connection ends, and nothing has come.
    Nothing,
    /// The connection ends in the middle of the body.
    Half,
    /// The connection is reset in the middle of the body.
    Reset,
    /// The body comes piece by piece.
    Slowly,
    /// The body comes to its middle, and then nothing more.
    Stalled,
}

impl Arrival {
    /// The word of case files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Half => "half",
            Self::Reset => "reset",
            Self::Slowly => "slowly",
            Self::Stalled => "stalled",
        }
    }
}

/// How often an exchange must be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Times {
    /// Exactly so often.
    Exactly(u64),
    /// The word `any`.
    Any(Any),
}

impl Times {
    /// As often as wanted.
    pub fn any() -> Self {
        Self::Any(Any::Any)
    }
}

/// The word `any`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Any {
    /// Not at all or as often as wanted.
    Any,
}

/// What must come of a case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// How the sync ends.
    pub verdict: ExpectedVerdict,
    /// Texts that each stand in a problem, a note or the error.
    #[serde(default)]
    pub says: Vec<String>,
}

/// How a sync ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpectedVerdict {
    /// Everything is there.
    Complete,
    /// Something is missing.
    Incomplete,
    /// The sync stopped.
    Failed,
}

/// A case file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct CaseError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong, with line and column where they are known.
    pub reason: String,
}

impl Case {
    /// Reads a case file.
    pub fn read(path: &Path) -> Result<Self, CaseError> {
        let fault = |reason: String| CaseError { path: path.to_owned(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| fault(format!("cannot be read: {error}")))?;
        Self::parse(&text).map_err(fault)
    }

    /// Reads the text of a case file; what comes otherwise is why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let case: Self = serde_yaml::from_str(text).map_err(|error| format!("this is not a case: {error}"))?;
        if case.expect.is_some() != case.deeds.is_empty() {
            return Err("it needs `expect`, for what is read, or `do`, and not both".to_owned());
        }
        for (number, deed) in case.deeds.iter().enumerate() {
            deed.check().map_err(|reason| format!("deed {}: {reason}", number + 1))?;
        }
        for (number, exchange) in case.exchanges.iter().enumerate() {
            exchange.check().map_err(|reason| format!("exchange {}: {reason}", number + 1))?;
        }
        Ok(case)
    }
}

impl Exchange {
    /// The same exchange with the server's address where the case says `SERVER`.
    pub fn at(&self, address: &str) -> Self {
        let mut exchange = self.clone();
        let texts = exchange.query.values_mut().chain(exchange.form.iter_mut().flat_map(BTreeMap::values_mut));
        texts.for_each(|texts| texts.put_in(address));
        exchange.headers.values_mut().for_each(|value| *value = value.replace(SERVER, address));
        exchange.json.iter_mut().for_each(|json| put_in(json, address));
        exchange
    }

    /// Method and path.
    pub fn line(&self) -> (&'static str, &str) {
        let lines = [
            ("GET", &self.get),
            ("POST", &self.post),
            ("PUT", &self.put),
            ("PATCH", &self.patch),
            ("DELETE", &self.delete),
        ];
        lines.into_iter().find_map(|(method, path)| Some((method, path.as_deref()?))).unwrap_or(("GET", ""))
    }

    /// The answers in order.
    pub fn all_answers(&self) -> Vec<&AnswerSpec> {
        self.answer.iter().chain(&self.answers).collect()
    }

    fn check(&self) -> Result<(), String> {
        let methods = [&self.get, &self.post, &self.put, &self.patch, &self.delete].into_iter().flatten().count();
        if methods != 1 {
            return Err("it needs exactly one of `get`, `post`, `put`, `patch` and `delete`".to_owned());
        }
        if self.answer.is_some() != self.answers.is_empty() {
            return Err("it needs `answer` or `answers`, and not both".to_owned());
        }
        if self.all_answers().iter().any(|answer| answer.json.is_some() && answer.text.is_some()) {
            return Err("an answer has `json` or `text`, not both".to_owned());
        }
        self.all_answers().iter().try_for_each(|answer| answer.check())
    }
}

impl AnswerSpec {
    /// Whether a server can send it (RFC 9110, 5 and 15).
    fn check(&self) -> Result<(), String> {
        if let Some(status) = self.status.filter(|status| !(200..=999).contains(status)) {
            return Err(format!("`{status}` is no status of an answer; they are 200 to 999"));
        }
        for (name, value) in &self.headers {
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is no name of a header"))?;
            HeaderValue::from_str(&value.text()).map_err(|_| format!("the header `{name}` cannot have this value"))?;
        }
        Ok(())
    }
}

fn put_in(json: &mut Json, address: &str) {
    match json {
        Json::String(text) => *text = text.replace(SERVER, address).into(),
        Json::Array(items) => items.iter_mut().for_each(|item| put_in(item, address)),
        Json::Object(members) => members.values_mut().for_each(|member| put_in(member, address)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(answer: &str) -> String {
        let exchanges = format!("exchanges: [{{ get: /a, answer: {{ {answer} }} }}]");
        Case::parse(&format!("case: A\n{exchanges}\nexpect: {{ verdict: complete }}\n")).unwrap_err()
    }

    #[test]
    fn an_answer_that_no_server_can_send_is_refused() {
        assert_eq!(refused("status: 1000"), "exchange 1: `1000` is no status of an answer; they are 200 to 999");
        assert_eq!(refused("status: 100"), "exchange 1: `100` is no status of an answer; they are 200 to 999");
        assert_eq!(refused("headers: { \"x y\": a }"), "exchange 1: `x y` is no name of a header");
        assert_eq!(refused("headers: { x: \"a\\nb\" }"), "exchange 1: the header `x` cannot have this value");
    }
}
