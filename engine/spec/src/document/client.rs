//! Clients: a host, its credentials, and how it answers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::request::QueryValue;
use super::source::{Start, Statuses};
use super::{Auth, OneOrMany, Pages, Value};

/// A host with its credentials and habits. Requests, next links and redirects go to the hosts that the clients name and nowhere else.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// What every path is appended to: `https`, or `http` on loopback.
    pub base_url: Value,
    /// Credentials; they go to the host of `base_url` only.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// A client certificate (mutual TLS) or an own certificate authority.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// Headers of every request.
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
    /// Query parameters of every request.
    #[serde(default)]
    pub query: BTreeMap<String, QueryValue>,
    /// How errors look, and what wraps an answer.
    #[serde(default)]
    pub answers: Option<Answers>,
    /// How lists go on and end, unless a list says otherwise.
    #[serde(default)]
    pub pages: Option<Pages>,
    /// What answers other than success mean, unless a source says otherwise.
    #[serde(default)]
    pub statuses: Option<Statuses>,
    /// How the vendor says "too fast", where the usual headers do not do.
    #[serde(default)]
    pub rate_limit: Option<RateLimit>,
    /// Requests made once at the start.
    #[serde(default)]
    pub start: BTreeMap<String, Start>,
    /// Other hosts that next links and redirects may lead to. Credentials stay behind.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The most requests at a time, where the vendor wants fewer than `--concurrency`.
    #[serde(default)]
    #[schemars(range(min = 1, max = 256))]
    pub concurrency: Option<u16>,
    /// Asks again until an answer that is not ready yet is, unless a source says otherwise.
    #[serde(default)]
    pub wait: Option<super::source::Wait>,
    /// Longest time for one whole request, such as `60s` or `5m`.
    #[serde(default)]
    pub timeout: Option<String>,
}

/// `{ certificate: "{{ config.certificate }}", key: "{{ config.key }}" }`, as PEM texts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The client's certificate chain.
    #[serde(default)]
    pub certificate: Option<Value>,
    /// The client's private key.
    #[serde(default)]
    pub key: Option<Value>,
    /// The certificate authority that signs the vendor's certificate, instead of the system's.
    #[serde(default)]
    pub authority: Option<Value>,
}

/// How answers look. An answer is first looked at as a rate limit, then as `failed`, then by the rules of `statuses`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// An answer with a good status is an error where this holds.
    #[serde(default)]
    pub failed: Option<Failed>,
    /// The vendor's error code. Several paths: the first that is there.
    #[serde(default)]
    pub code: Option<OneOrMany<String>>,
    /// The vendor's error message. Several paths: the first that is there.
    #[serde(default)]
    pub message: Option<OneOrMany<String>>,
    /// The part of a good answer that holds everything else. `items`, `item` and the paths of rows begin there; `pages` and the other keys of `answers` see the whole answer.
    #[serde(default)]
    pub unwrap: Option<String>,
}

/// `{ when: body.ok == false }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failed {
    /// An expression on `body`, `status` and `headers`.
    pub when: String,
}

/// `{ status: [429, 400], when: …, reset: { header: X-Reset, as: unix_milliseconds } }`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// The statuses that may mean it; 429 where nothing is said.
    #[serde(default)]
    pub status: Option<OneOrMany<u16>>,
    /// An expression on `body`, `status` and `headers` that must hold too.
    #[serde(default)]
    pub when: Option<String>,
    /// When it is over.
    #[serde(default)]
    pub reset: Option<Reset>,
    /// Header with the number of requests left; at 0 the engine waits for the reset.
    #[serde(default)]
    pub remaining: Option<String>,
    /// The most requests in a second, where the vendor states a rate.
    #[serde(default)]
    #[schemars(range(min = 1, max = 10_000))]
    pub per_second: Option<u32>,
}

/// `{ header: X-RateLimit-Reset, as: unix_seconds }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// The header.
    pub header: String,
    /// What its value means.
    pub r#as: ResetForm,
}

/// What the value of a reset header means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResetForm {
    /// Seconds from now.
    Seconds,
    /// Milliseconds from now.
    Milliseconds,
    /// Seconds since 1970.
    UnixSeconds,
    /// Milliseconds since 1970.
    UnixMilliseconds,
    /// A date, RFC 3339 or RFC 9110.
    Date,
}
