//! A request that can be sent, and how it is shown.

use std::fmt;

use bytes::Bytes;
use engine_spec::plan::Site;
use reqwest::Method;
use url::Url;

use crate::http::{REDACTED, Redactor};

/// A request with everything but its credentials, which each sending adds to a copy.
#[derive(Clone)]
pub struct PreparedRequest {
    pub(crate) client: usize,
    pub(crate) method: Method,
    pub(crate) url: Url,
    headers: Vec<Field>,
    body: Option<Bytes>,
    /// Names of query parameters whose values are never shown.
    secret_parameters: Vec<String>,
    repeatable: Repeatable,
    /// Whether it changes something.
    writes: bool,
    /// Whether others wait for its answer.
    leads: bool,
    site: Site,
}

#[derive(Clone)]
struct Field {
    name: String,
    value: String,
    secret: bool,
}

/// A header of a request.
#[derive(Clone, Copy)]
pub struct HeaderField<'a> {
    /// The name, lower case.
    pub name: &'a str,
    /// The value.
    pub value: &'a str,
    /// Whether the value must never be shown, nor leave the host of the client.
    pub secret: bool,
}

/// Whether a request may be sent again when its answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeatable {
    /// It reads: as often as needed.
    Yes,
    /// It may have changed something already.
    No,
}

impl PreparedRequest {
    /// A request without headers and body.
    pub(crate) fn new(client: usize, method: Method, url: Url, site: Site) -> Self {
        Self {
            client,
            method,
            url,
            headers: Vec::new(),
            body: None,
            secret_parameters: Vec::new(),
            repeatable: Repeatable::Yes,
            writes: false,
            leads: false,
            site,
        }
    }

    /// The method, upper case.
    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// The URL as it is sent. Never to be shown: see [`PreparedRequest::shown_url`].
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The headers.
    pub fn headers(&self) -> impl Iterator<Item = HeaderField<'_>> {
        self.headers.iter().map(|field| HeaderField { name: &field.name, value: &field.value, secret: field.secret })
    }

    /// The body.
    pub fn body(&self) -> Option<&Bytes> {
        self.body.as_ref()
    }

    /// The place in the spec that asks for it.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Whether it may be sent again.
    pub fn repeatable(&self) -> Repeatable {
        self.repeatable
    }

    /// The same request as one that may, or may not, be sent again.
    pub fn with_repeatable(mut self, repeatable: Repeatable) -> Self {
        self.repeatable = repeatable;
        self
    }

    /// The same request as one that changes something; it is not led to another host.
    pub(crate) fn that_writes(mut self) -> Self {
        self.writes = true;
        self
    }

    /// The same request as one whose answer others wait for; it goes before those that lead nowhere.
    pub(crate) fn that_leads(mut self, leads: bool) -> Self {
        self.leads = leads;
        self
    }

    /// Whether others wait for its answer.
    pub(crate) fn leads(&self) -> bool {
        self.leads
    }

    /// Whether it changes something.
    pub(crate) fn writes(&self) -> bool {
        self.writes
    }

    /// A GET of another URL with the same headers, as for the next page of a list. `url` comes from
    /// [`Clients::resolve_next`](crate::http::Clients::resolve_next).
    pub fn continued_at(&self, url: Url) -> Self {
        let mut next = self.clone();
        next.method = Method::GET;
        next.url = url;
        next.remove_body();
        next
    }

    /// The URL without secrets and without user information.
    pub fn shown_url(&self, redactor: &Redactor) -> String {
        shown_url(&self.url, &self.secret_parameters, redactor)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|field| field.name == name).map(|field| field.value.as_str())
    }

    /// Sets a header by its lower-case name. The value has been checked.
    pub(crate) fn set_header(&mut self, name: &str, value: &str, secret: bool) {
        self.headers.retain(|field| field.name != name);
        self.headers.push(Field { name: name.to_owned(), value: value.to_owned(), secret });
    }

    /// Sets the body, and its type unless a header has said one.
    pub(crate) fn set_body(&mut self, content_type: &str, body: Bytes) {
        if self.header("content-type").is_none() {
            self.set_header("content-type", content_type, false);
        }
        self.body = Some(body);
    }

    pub(crate) fn remove_body(&mut self) {
        self.body = None;
        self.headers.retain(|field| field.name != "content-type");
    }

    /// Sets a query parameter that is never shown.
    pub(crate) fn set_secret_parameter(&mut self, name: &str, value: &str) {
        let others: Vec<(String, String)> = self
            .url
            .query_pairs()
            .filter(|(known, _)| known != name)
            .map(|(n, v)| (n.into_owned(), v.into_owned()))
            .collect();
        self.url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
        self.secret_parameters.push(name.to_owned());
    }

    /// Marks the headers that hold secrets.
    pub(crate) fn mark_secrets(&mut self, redactor: &Redactor) {
        for field in &mut self.headers {
            field.secret = field.secret || redactor.finds_secret(&field.value);
        }
    }

    /// Leaves behind every header that may tell who asks: the request goes to a host that the
    /// credentials do not belong to.
    pub(crate) fn strip_credentials(&mut self) {
        let telling = ["authorization", "cookie", "proxy-authorization", "origin", "referer"];
        self.headers.retain(|field| !field.secret && !telling.contains(&field.name.as_str()));
    }
}

impl fmt::Debug for PreparedRequest {
    /// Method, host and path; queries, headers and bodies may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        write!(f, "PreparedRequest({} {}://{}{})", self.method, self.url.scheme(), host, self.url.path())
    }
}

/// A URL without secrets and without user information.
pub(crate) fn shown_url(url: &Url, secret_parameters: &[String], redactor: &Redactor) -> String {
    let mut shown = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        shown.push_str(&format!(":{port}"));
    }
    shown.push_str(&redactor.redact(url.path()));
    if let Some(query) = url.query() {
        let pairs = query.split('&').map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let plain = url::form_urlencoded::parse(pair.as_bytes()).next();
            let (plain_name, plain_value) = plain.unwrap_or_default();
            let is_secret = secret_parameters.iter().any(|secret| *secret == plain_name)
                || redactor.finds_secret(value)
                || redactor.finds_secret(&plain_value);
            if is_secret { format!("{}={REDACTED}", redactor.redact(name)) } else { redactor.redact(pair) }
        });
        shown.push('?');
        shown.push_str(&pairs.collect::<Vec<_>>().join("&"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str) -> PreparedRequest {
        let site = Site { file: "t".into(), line: 1, column: 1 };
        PreparedRequest::new(0, Method::GET, Url::parse(url).unwrap(), site)
    }

    #[test]
    fn a_shown_url_has_no_secrets_and_no_user_information() {
        let redactor = Redactor::new();
        redactor.learn("s3cr3t/x");
        let mut request = request("https://user:pass@api.example:8443/k/s3cr3t%2Fx/users?a=1&key=s3cr3t%2fx&b=2");
        request.set_secret_parameter("pin", "77");
        assert_eq!(request.shown_url(&redactor), "https://api.example:8443/k/***/users?a=1&key=***&b=2&pin=***");
    }

    #[test]
    fn debug_output_shows_neither_query_nor_headers() {
        let mut request = request("https://api.example/users?key=hidden1");
        request.set_header("authorization", "Bearer hidden2", true);
        assert!(!format!("{request:?}").contains("hidden"));
    }

    #[test]
    fn the_next_page_is_a_get_with_the_same_headers_and_no_body() {
        let mut first = request("https://api.example/search");
        first.method = Method::POST;
        first.set_header("x-tenant", "t", false);
        first.set_body("application/json", Bytes::from_static(b"{}"));
        let next = first.continued_at(Url::parse("https://api.example/search?page=2").unwrap());
        assert_eq!(next.method(), "GET");
        assert!(next.body().is_none() && next.header("content-type").is_none());
        assert_eq!(next.header("x-tenant"), Some("t"));
    }
}
