//! The observer of exchanges: what `--trace` and the recorder see of each request and answer.
//!
//! In goes one [`Exchange`] for each request that went over the wire, retries and token requests
//! included. Texts are as they were sent; the redacted ones are made on demand, by
//! [`Exchange::shown_url`] and its siblings, because most runs ask for none.

use std::time::Duration;

use engine_json::Value as Json;
use jiff::Timestamp;

use crate::http::{Headers, REDACTED, Redactor};
use crate::request::PreparedRequest;

/// Sees each exchange. Called on the task of the request, so it must not block for long.
pub trait Observer: Send + Sync {
    /// One request has been answered, or has failed.
    fn exchanged(&self, exchange: &Exchange<'_>);
}

/// One request and what became of it.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    /// What was being done, in words.
    pub doing: &'a str,
    /// Name of the plan's client.
    pub client: &'a str,
    /// The request with its credentials. Never to be shown as it is.
    pub request: &'a PreparedRequest,
    /// What came back.
    pub outcome: Outcome<'a>,
    /// Whether the request is there to get a token. Then its answer holds secrets that nobody knows
    /// yet, and all texts in it are taken for such.
    pub signs_in: bool,
    /// When the request was sent.
    pub sent: Timestamp,
    /// From sending to the last byte of the answer.
    pub took: Duration,
    /// Takes secrets out of texts.
    pub redactor: &'a Redactor,
}

/// What came back.
#[derive(Clone, Copy)]
pub enum Outcome<'a> {
    /// An answer.
    Answered {
        /// The status.
        status: u16,
        /// The headers.
        headers: &'a Headers,
        /// The body, decoded.
        body: &'a [u8],
    },
    /// No answer, and why; holds no secrets.
    Failed(&'a str),
}

impl Exchange<'_> {
    /// The URL without secrets.
    pub fn shown_url(&self) -> String {
        self.request.shown_url(self.redactor)
    }

    /// The request's headers without secrets.
    pub fn shown_request_headers(&self) -> Vec<(String, String)> {
        self.request
            .headers()
            .map(|header| {
                let value = if header.secret { REDACTED.to_owned() } else { self.redactor.redact(header.value) };
                (header.name.to_owned(), value)
            })
            .collect()
    }

    /// The request's body without secrets.
    pub fn shown_request_body(&self) -> Option<String> {
        self.request.body().map(|body| self.redactor.redact(&String::from_utf8_lossy(body)))
    }

    /// The answer's headers without secrets.
    pub fn shown_answer_headers(&self) -> Vec<(String, String)> {
        match self.outcome {
            Outcome::Answered { headers, .. } => {
                let shown = |name: &str, value: &str| match name {
                    "set-cookie" | "authentication-info" => REDACTED.to_owned(),
                    _ => self.redactor.redact(value),
                };
                headers.iter().map(|(name, value)| (name.to_owned(), shown(name, value))).collect()
            }
            Outcome::Failed(_) => Vec::new(),
        }
    }

    /// The answer's body without secrets.
    pub fn shown_answer_body(&self) -> Option<String> {
        match self.outcome {
            // Nobody signs in with so much, and reading it takes many times its size.
            Outcome::Answered { body, .. } if self.signs_in && body.len() > 1 << 20 => Some(REDACTED.to_owned()),
            Outcome::Answered { body, .. } if self.signs_in => Some(match serde_json::from_slice(body) {
                Ok(json) => without_texts(json).to_string(),
                Err(_) => REDACTED.to_owned(),
            }),
            Outcome::Answered { body, .. } => Some(self.redactor.redact(&String::from_utf8_lossy(body))),
            Outcome::Failed(_) => None,
        }
    }
}

/// The same JSON with every text taken out.
fn without_texts(json: Json) -> Json {
    match json {
        Json::String(_) => Json::from(REDACTED),
        Json::Array(items) => items.into_iter().map(without_texts).collect(),
        Json::Object(members) => {
            Json::Object(members.into_iter().map(|(name, member)| (name, without_texts(member))).collect())
        }
        other => other,
    }
}
