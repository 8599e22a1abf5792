//! Clients: a host, its credentials, and how it answers.

use std::time::Duration;

use crate::document::client::ResetForm;
use crate::expression::Expression;
use crate::path::Path;

use super::{Auth, Pages, Parameter, Site, StatusRule, Value};

/// A host with its credentials and habits.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its name; `default` for the one of `http`.
    pub name: String,
    /// Where it stands.
    pub site: Site,
    /// What every path is appended to.
    pub base_url: Value,
    /// Other hosts that next links and redirects may lead to, lower case, without credentials.
    pub hosts: Vec<String>,
    /// Credentials.
    pub auth: Option<Auth>,
    /// Client certificate and certificate authority.
    pub tls: Option<Tls>,
    /// Headers of every request: name in lower case, value.
    pub headers: Vec<(String, Value)>,
    /// Query parameters of every request.
    pub query: Vec<Parameter>,
    /// How answers look.
    pub answers: Answers,
    /// How lists go on and end, unless a list says otherwise.
    pub pages: Option<Pages>,
    /// What answers other than success mean, unless a source says otherwise.
    pub statuses: Vec<StatusRule>,
    /// How the vendor says "too fast".
    pub rate_limit: RateLimit,
    /// The most requests at a time.
    pub concurrency: Option<u16>,
    /// Longest time for one whole request.
    pub timeout: Option<Duration>,
}

/// PEM texts.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The client's certificate chain and key.
    pub identity: Option<(Value, Value)>,
    /// The certificate authority to trust instead of the system's.
    pub authority: Option<Value>,
}

/// How answers look.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// An answer with a good status is an error where this holds, on `body`, `status`, `headers`.
    pub failed: Option<Expression>,
    /// The vendor's error code: the first path that is there.
    pub code: Vec<Path>,
    /// The vendor's error message: the first path that is there.
    pub message: Vec<Path>,
    /// The part of a good answer that holds everything else.
    pub unwrap: Option<Path>,
}

/// How the vendor says "too fast".
#[derive(Clone, Debug, Default)]
pub struct RateLimit {
    /// The statuses that may mean it; empty means 429.
    pub statuses: Vec<u16>,
    /// What must hold too, on `body`, `status`, `headers`.
    pub when: Option<Expression>,
    /// When it is over: header and the form of its value.
    pub reset: Option<(String, ResetForm)>,
    /// Header with the number of requests left.
    pub remaining: Option<String>,
    /// The most requests in a second.
    pub per_second: Option<u32>,
}
