//! Makes a request of the plan concrete: in go the compiled request, the names in scope and what
//! the pages add; out comes a [`PreparedRequest`] with method, URL, headers and body.
//!
//! How a value is escaped follows from where it goes, never from its author: one segment in a
//! path, one value in a query or form, a typed leaf in a JSON body. Credentials are added later,
//! for each sending (see [`crate::auth`]).

mod body;
mod prepared;

use std::borrow::Cow;

use bytes::Bytes;
use engine_json::Value as Json;
use engine_spec::plan::{self, Body, Fault, Parameter, Send, Site, Value, Witness, kind_of};
use engine_spec::scope::Scope;
use engine_spec::template::scalar_text;
use url::Url;

use crate::http::Redactor;

pub use prepared::{HeaderField, PreparedRequest, Repeatable};

/// Something the pages add to a request: a cursor, a number, a page size. It replaces what the
/// request itself has in that place.
#[derive(Clone, Debug, PartialEq)]
pub struct Addition {
    /// Where it goes.
    pub place: Send,
    /// What goes there.
    pub value: Json,
}

impl Addition {
    /// An addition.
    pub fn new(place: &Send, value: impl Into<Json>) -> Self {
        Self { place: place.clone(), value: value.into() }
    }
}

/// A request that cannot be made: the spec, or a value in scope, does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct RenderFault {
    /// The place in the spec.
    pub site: Site,
    /// What is wrong, without the row's own data.
    pub reason: String,
}

impl From<Fault> for RenderFault {
    fn from(fault: Fault) -> Self {
        Self { site: fault.site, reason: fault.reason }
    }
}

/// A piece of a JSON body by itself; nothing where it vanishes.
pub(crate) fn rendered_node(node: &plan::Node, scope: &Scope<'_>) -> Result<Option<Json>, RenderFault> {
    body::built(node, scope, &plan::NoWitness)
}

/// Everything that rendering reads besides the request itself.
pub(crate) struct Rendering<'a> {
    /// The client that sends the request.
    pub client: &'a plan::Client,
    /// Number of that client in the plan.
    pub number: usize,
    /// The evaluated `base_url`.
    pub base: &'a Url,
    /// The names in scope.
    pub scope: &'a Scope<'a>,
    /// Watches paths and knows look-up tables.
    pub witness: &'a dyn Witness,
    /// Tells headers and parameters that hold secrets.
    pub redactor: &'a Redactor,
}

impl Rendering<'_> {
    /// Makes a request concrete.
    pub fn render(&self, request: &plan::Request, additions: &[Addition]) -> Result<PreparedRequest, RenderFault> {
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .map_err(|_| fault(&request.site, format!("`{}` is not a method of HTTP", request.method)))?;
        let mut prepared =
            PreparedRequest::new(self.number, method, self.url(request, additions)?, request.site.clone());
        self.headers(&mut prepared, request, additions)?;
        if let Some((content_type, body)) = self.body(request, additions)? {
            prepared.set_body(content_type, body);
        }
        prepared.mark_secrets(self.redactor);
        Ok(prepared)
    }

    fn url(&self, request: &plan::Request, additions: &[Addition]) -> Result<Url, RenderFault> {
        let path = request.path.path(self.scope).map_err(|error| fault(&request.site, error.to_string()))?;
        let mut url = joined(self.base, &path).map_err(|reason| fault(&request.site, reason))?;
        let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        for parameter in self.client.query.iter().filter(|outer| request.query.iter().all(|own| own.name != outer.name))
        {
            self.parameter(parameter, &mut pairs)?;
        }
        for parameter in &request.query {
            self.parameter(parameter, &mut pairs)?;
        }
        for addition in additions {
            if let Send::Query(name) = &addition.place {
                pairs.retain(|(known, _)| known != name);
                let text = addition_text(addition, name).map_err(|reason| fault(&request.site, reason))?;
                pairs.push((Cow::Borrowed(name), Cow::Borrowed("")));
                if let Some((_, value)) = pairs.last_mut() {
                    *value = Cow::Owned(text);
                }
            }
        }
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        Ok(url)
    }

    /// Adds a parameter as often as it has values.
    fn parameter<'p>(
        &self,
        parameter: &'p Parameter,
        pairs: &mut Vec<(Cow<'p, str>, Cow<'p, str>)>,
    ) -> Result<(), RenderFault> {
        for value in &parameter.values {
            let found = value.yields(self.scope, self.witness)?;
            let wrong = |reason: &str| fault(&value.site, format!("the parameter `{}` {reason}", parameter.name));
            match found.as_deref() {
                None | Some(Json::Null) => {
                    if !parameter.optional && !value.is_optional(false) {
                        return Err(required(value, &format!("the parameter `{}`", parameter.name)));
                    }
                }
                Some(Json::Array(items)) => {
                    for item in items {
                        let text = scalar_text(Some(item))
                            .map_err(|reason| wrong(&format!("has an element that {reason}")))?;
                        pairs.push((Cow::Borrowed(&parameter.name), Cow::Owned(text.into_owned())));
                    }
                }
                scalar => {
                    let text = scalar_text(scalar).map_err(wrong)?;
                    pairs.push((Cow::Borrowed(&parameter.name), Cow::Owned(text.into_owned())));
                }
            }
        }
        Ok(())
    }

    fn headers(
        &self,
        prepared: &mut PreparedRequest,
        request: &plan::Request,
        additions: &[Addition],
    ) -> Result<(), RenderFault> {
        prepared.set_header("accept", "application/json", false);
        for (name, value) in self.client.headers.iter().chain(&request.headers) {
            let Some(text) = self.header_text(name, value)? else { continue };
            header(prepared, name, &text).map_err(|reason| fault(&value.site, reason))?;
        }
        for addition in additions {
            if let Send::Header(name) = &addition.place {
                let set = addition_text(addition, name).and_then(|text| header(prepared, name, &text));
                set.map_err(|reason| fault(&request.site, reason))?;
            }
        }
        Ok(())
    }

    fn header_text(&self, name: &str, value: &Value) -> Result<Option<String>, RenderFault> {
        let found = value.yields(self.scope, self.witness)?;
        match found.as_deref() {
            None | Some(Json::Null) if value.is_optional(false) => Ok(None),
            None | Some(Json::Null) => Err(required(value, &format!("the header `{name}`"))),
            scalar => scalar_text(scalar)
                .map(|text| Some(text.into_owned()))
                .map_err(|reason| fault(&value.site, format!("the header `{name}` {reason}"))),
        }
    }

    /// The body and its type.
    fn body(
        &self,
        request: &plan::Request,
        additions: &[Addition],
    ) -> Result<Option<(&'static str, Bytes)>, RenderFault> {
        let wants = |form: bool| {
            additions.iter().any(|addition| match addition.place {
                Send::Json(_) => !form,
                Send::Form(_) => form,
                Send::Query(_) | Send::Header(_) => false,
            })
        };
        match &request.body {
            Some(Body::Json(_)) if wants(true) => {
                Err(fault(&request.site, "the pages add a form field, and the body is JSON".to_owned()))
            }
            Some(Body::Form(_)) if wants(false) => {
                Err(fault(&request.site, "the pages add to a JSON body, and the body is a form".to_owned()))
            }
            Some(Body::Json(node)) => self.json(request, Some(node), additions).map(Some),
            Some(Body::Form(parameters)) => self.form(request, parameters, additions).map(Some),
            None if wants(false) => self.json(request, None, additions).map(Some),
            None if wants(true) => self.form(request, &[], additions).map(Some),
            None => Ok(None),
        }
    }

    fn json(
        &self,
        request: &plan::Request,
        node: Option<&plan::Node>,
        additions: &[Addition],
    ) -> Result<(&'static str, Bytes), RenderFault> {
        let mut json = match node {
            Some(node) => body::json(node, self.scope, self.witness)?,
            None => Json::Object(engine_json::Map::new()),
        };
        for addition in additions {
            if let Send::Json(pointer) = &addition.place {
                body::insert(&mut json, pointer, addition.value.clone())
                    .map_err(|reason| fault(&request.site, reason))?;
            }
        }
        let bytes = serde_json::to_vec(&json).map_err(|error| fault(&request.site, error.to_string()))?;
        Ok(("application/json", Bytes::from(bytes)))
    }

    fn form(
        &self,
        request: &plan::Request,
        parameters: &[Parameter],
        additions: &[Addition],
    ) -> Result<(&'static str, Bytes), RenderFault> {
        let mut pairs = Vec::new();
        for parameter in parameters {
            self.parameter(parameter, &mut pairs)?;
        }
        for addition in additions {
            if let Send::Form(name) = &addition.place {
                pairs.retain(|(known, _)| known != name);
                let text = addition_text(addition, name).map_err(|reason| fault(&request.site, reason))?;
                pairs.push((Cow::Owned(name.clone()), Cow::Owned(text)));
            }
        }
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        Ok(("application/x-www-form-urlencoded", Bytes::from(form)))
    }
}

/// The base with a path appended, as text: joining by RFC 3986 would drop the base's own path.
pub(crate) fn joined(base: &Url, path: &str) -> Result<Url, String> {
    if path.contains('#') {
        return Err("a path holds no `#`: a fragment is never sent".to_owned());
    }
    let plain = path.split('?').next().unwrap_or(path);
    // `%2e` counts as a dot when a URL is parsed (WHATWG URL, 4.4), and leads as far.
    let leaves = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if plain.split(['/', '\\']).any(leaves) {
        return Err("a path segment `.` or `..` would lead to another path".to_owned());
    }
    let mut root = base.clone();
    root.set_query(None);
    root.set_fragment(None);
    let separator = if path.is_empty() || path.starts_with(['/', '?']) { "" } else { "/" };
    let text = format!("{}{separator}{path}", root.as_str().trim_end_matches('/'));
    Url::parse(&text).map_err(|error| format!("base URL and path make no URL: {error}"))
}

/// A header, checked: a line break in a value would begin a header of its own (RFC 9110, 5.5).
pub(crate) fn header(prepared: &mut PreparedRequest, name: &str, value: &str) -> Result<(), String> {
    if reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err(format!("`{}` is not the name of a header", name.escape_debug()));
    }
    let lower = name.to_ascii_lowercase();
    if matches!(
        lower.as_str(),
        "host" | "content-length" | "transfer-encoding" | "connection" | "upgrade" | "te" | "trailer"
    ) {
        return Err(format!("the header `{lower}` belongs to the connection and cannot be set"));
    }
    if value.chars().any(char::is_control) {
        return Err(format!("the value of the header `{lower}` holds a line break or another control character"));
    }
    prepared.set_header(&lower, value.trim(), false);
    Ok(())
}

fn addition_text(addition: &Addition, name: &str) -> Result<String, String> {
    scalar_text(Some(&addition.value))
        .map(Cow::into_owned)
        .map_err(|reason| format!("what the pages send as `{name}` {reason} ({})", kind_of(&addition.value)))
}

fn required(value: &Value, slot: &str) -> RenderFault {
    value.missing(slot).into()
}

fn fault(site: &Site, reason: String) -> RenderFault {
    RenderFault { site: site.clone(), reason }
}

#[cfg(test)]
mod tests;
