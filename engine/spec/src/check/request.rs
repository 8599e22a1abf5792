//! Requests: exactly one method and path, parameters, and a body whose leaves are values.

use std::collections::BTreeMap;

use engine_json::Value as Json;

use crate::diagnostic::Code;
use crate::document::request::QueryValue;
use crate::document::{self, value as doc};
use crate::plan::{Body, Branch, Each, Node, Parameter, Request};
use crate::template::{Part, Template};
use crate::yaml::escape;

use super::Checker;
use super::names::Names;
use super::value::Purpose;

/// Keys that make a map inside a body a construct of the language and not a part of the body.
const CONSTRUCTS: &[&str] = &["coalesce", "join", "cases", "pick", "look_up", "quote", "literal"];

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Intent {
    Read,
    Write,
}

impl Checker<'_> {
    /// Compiles a request that reads.
    pub(super) fn request(&mut self, pointer: &str, request: &document::Request, names: &Names) -> Option<Request> {
        self.request_to(Intent::Read, pointer, request, names)
    }

    /// Compiles a request that writes.
    pub(super) fn write_request(
        &mut self,
        pointer: &str,
        request: &document::Request,
        names: &Names,
    ) -> Option<Request> {
        self.request_to(Intent::Write, pointer, request, names)
    }

    fn request_to(
        &mut self,
        intent: Intent,
        pointer: &str,
        request: &document::Request,
        names: &Names,
    ) -> Option<Request> {
        let client = self.client_number(pointer, request);
        let line = self.method_and_path(intent, pointer, request);
        let query = self.parameters(&format!("{pointer}/query"), &request.query, names, Purpose::Url);
        let headers = self.headers(&format!("{pointer}/headers"), &request.headers, names);
        let body = self.body(pointer, request, names);
        let (method, path_pointer, path) = line?;
        // In `request: METHOD /path` the path begins behind the method.
        let offset = match &request.request {
            Some(line) if path_pointer.ends_with("/request") => line.find(path.as_str()).unwrap_or_default(),
            _ => 0,
        };
        let path = self.template_within(&path_pointer, offset, &path, names, Purpose::Url);
        let client = client?;
        self.used_clients.insert(client);
        Some(Request { client, method, path: path?, query, headers, body: body?, site: self.site(&path_pointer) })
    }

    /// Whether a document asks for anything.
    pub(super) fn asks(request: &document::Request) -> bool {
        request.get.is_some() || request.post.is_some() || request.request.is_some()
    }

    fn client_number(&mut self, pointer: &str, request: &document::Request) -> Option<usize> {
        let names: Vec<String> = self.clients.iter().map(|(name, _)| name.clone()).collect();
        match &request.client {
            Some(name) => self.reference(Code::UnknownClient, &format!("{pointer}/client"), "client", name, &names),
            None if names.len() == 1 => Some(0),
            None => {
                let default = names.iter().position(|name| name == "default");
                if default.is_none() && !names.is_empty() {
                    self.at_key(
                        Code::UnknownClient,
                        pointer,
                        "this request must name its client".to_owned(),
                        Some(format!("add `client:` with one of {}", names.join(", "))),
                    );
                }
                default
            }
        }
    }

    fn method_and_path(
        &mut self,
        intent: Intent,
        pointer: &str,
        request: &document::Request,
    ) -> Option<(String, String, String)> {
        if intent == Intent::Write
            && let Some((key, path)) =
                request.get.as_ref().map(|path| ("get", path)).or(request.post.as_ref().map(|path| ("post", path)))
        {
            let message = format!("`{key}` reads, and this step writes");
            let line = format!("`request: {} {path}`", key.to_ascii_uppercase());
            let help = Some(match key {
                "get" => format!("a `look_up` reads; where this GET changes something, write {line}"),
                _ => format!("write {line}"),
            });
            self.at_key(Code::WritesByRequest, &format!("{pointer}/{key}"), message, help);
            return None;
        }
        let mut lines: Vec<(&str, String, String)> = Vec::new();
        if let Some(path) = &request.get {
            lines.push(("get", "GET".to_owned(), path.clone()));
        }
        if let Some(path) = &request.post {
            lines.push(("post", "POST".to_owned(), path.clone()));
        }
        if let Some(line) = &request.request {
            let at = format!("{pointer}/request");
            match line.split_once(' ') {
                Some((method, path)) if !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase()) => {
                    if intent == Intent::Read && matches!(method, "PUT" | "PATCH" | "DELETE") {
                        self.at_value(
                            Code::NeverWrites,
                            &at,
                            format!("`{method}` changes things, and this is a read"),
                            None,
                        );
                        return None;
                    }
                    lines.push(("request", method.to_owned(), path.trim().to_owned()));
                }
                _ => {
                    self.at_value(
                        Code::WrongShape,
                        &at,
                        "`request` is a method and a path".to_owned(),
                        Some(match intent {
                            Intent::Read => "write `LIST /path`".to_owned(),
                            Intent::Write => "write `POST /path`".to_owned(),
                        }),
                    );
                    return None;
                }
            }
        }
        let [(key, method, path)] = lines.as_slice() else {
            let message = if lines.is_empty() {
                "a request needs a method and a path"
            } else {
                "a request has one of `get`, `post` and `request`"
            };
            self.at_key(
                if lines.is_empty() { Code::NoRequest } else { Code::OneOf },
                pointer,
                message.to_owned(),
                Some("write `get: /path`".to_owned()),
            );
            return None;
        };
        let at = format!("{pointer}/{key}");
        let fixed = fixed_text(path);
        if !path.is_empty() && !path.starts_with('/') {
            let help = if path.contains("://") {
                "requests go to the client's `base_url`; define a client for another host"
            } else {
                "begin the path with `/`"
            };
            self.at_value(Code::WrongValue, &at, "a path begins with `/`".to_owned(), Some(help.to_owned()));
            return None;
        }
        if fixed.contains(['?', '#', ' '])
            || fixed.starts_with("//")
            || fixed.split('/').any(|s| matches!(s, "." | ".."))
        {
            self.at_value(
                Code::WrongValue,
                &at,
                "a path holds segments only".to_owned(),
                Some("put parameters under `query:`; write no `?`, `#`, `..` and no second host".to_owned()),
            );
            return None;
        }
        if let Some(segment) = foreign_hole(&fixed) {
            let message = format!("`{segment}` would be sent as it stands");
            let help = Some("write `{{ … }}` for a value, such as `/orgs/{{ config.org }}/users`".to_owned());
            self.at_value(Code::WrongValue, &at, message, help);
            return None;
        }
        Some((method.clone(), at, path.clone()))
    }

    /// Compiles headers; names come out in lower case.
    pub(super) fn headers(
        &mut self,
        pointer: &str,
        headers: &BTreeMap<String, doc::Value>,
        names: &Names,
    ) -> Vec<(String, crate::plan::Value)> {
        for name in headers.keys().filter(|name| !is_token(name)) {
            let message = format!("`{name}` is not the name of a header");
            self.at_key(Code::WrongValue, &format!("{pointer}/{}", escape(name)), message, None);
        }
        let compiled = self.named_values(pointer, headers, names, Purpose::Sent);
        compiled.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
    }

    /// A value that must be the name of a header.
    pub(super) fn header_name(&mut self, pointer: &str, name: &str) {
        if !is_token(name) {
            self.at_value(Code::WrongValue, pointer, format!("`{name}` is not the name of a header"), None);
        }
    }

    /// Compiles query or form parameters.
    pub(super) fn parameters(
        &mut self,
        pointer: &str,
        parameters: &BTreeMap<String, QueryValue>,
        names: &Names,
        purpose: Purpose,
    ) -> Vec<Parameter> {
        parameters
            .iter()
            .filter_map(|(name, value)| {
                let at = format!("{pointer}/{}", escape(name));
                let (values, optional) = match value {
                    QueryValue::Optional(optional) => {
                        (vec![self.value(&format!("{at}/optional"), &optional.optional, names, purpose)?], true)
                    }
                    QueryValue::Values(values) => {
                        let compiled: Vec<_> = values
                            .each()
                            .into_iter()
                            .map(|(below, value)| self.value(&format!("{at}{below}"), value, names, purpose))
                            .collect();
                        (compiled.into_iter().collect::<Option<Vec<_>>>()?, false)
                    }
                };
                Some(Parameter { name: name.clone(), values, optional })
            })
            .collect()
    }

    fn body(&mut self, pointer: &str, request: &document::Request, names: &Names) -> Option<Option<Body>> {
        let kinds = [request.json.is_some(), !request.form.is_empty(), request.graphql.is_some()];
        if kinds.iter().filter(|there| **there).count() > 1 {
            self.at_key(Code::OneOf, pointer, "a request has one of `json`, `form` and `graphql`".to_owned(), None);
            return None;
        }
        if let Some(json) = &request.json {
            return Some(Some(Body::Json(self.node(&format!("{pointer}/json"), json, names)?)));
        }
        if let Some(graphql) = &request.graphql {
            let at = format!("{pointer}/graphql");
            if Template::is_template(&graphql.query) {
                self.at_value(
                    Code::Graphql,
                    &format!("{at}/query"),
                    "a GraphQL query has no `{{ … }}`".to_owned(),
                    Some("declare a variable, `query($id: ID!)`, and give it under `variables`".to_owned()),
                );
                return None;
            }
            let variables = graphql.variables.iter().map(|(name, value)| {
                Some((name.clone(), self.node(&format!("{at}/variables/{}", escape(name)), value, names)?))
            });
            let variables: Vec<_> = variables.collect::<Option<_>>()?;
            return Some(Some(Body::Json(Node::Object(vec![
                ("query".to_owned(), Node::Constant(Json::from(graphql.query.clone()))),
                ("variables".to_owned(), Node::Object(variables)),
            ]))));
        }
        if !request.form.is_empty() {
            return Some(Some(Body::Form(self.parameters(
                &format!("{pointer}/form"),
                &request.form,
                names,
                Purpose::Sent,
            ))));
        }
        Some(None)
    }

    pub(super) fn node(&mut self, pointer: &str, json: &Json, names: &Names) -> Option<Node> {
        match json {
            Json::Object(map) => {
                if let (Some(inner), 1) = (map.get("optional"), map.len()) {
                    let value = self.body_value(&format!("{pointer}/optional"), inner, names)?;
                    return Some(Node::Optional(value));
                }
                if let (Some(Json::String(when)), Some(then), 2) = (map.get("when"), map.get("then"), map.len()) {
                    let when = self.expression(&format!("{pointer}/when"), when, names);
                    let then = self.node(&format!("{pointer}/then"), then, names);
                    let site = self.site(pointer);
                    return Some(Node::When(Box::new(Branch { site, when: when?, then: then? })));
                }
                if let (Some(each), Some(then), 2) = (map.get("each"), map.get("then"), map.len()) {
                    let list = self.body_value_for(&format!("{pointer}/each"), each, names, Purpose::ComparedList);
                    let then = self.node(&format!("{pointer}/then"), then, &names.with_row());
                    return Some(Node::Each(Box::new(Each { list: list?, then: then? })));
                }
                let begins = ["when", "each"].into_iter().find(|key| map.contains_key(key));
                if let (Some(begins), true) = (begins, map.contains_key("then")) {
                    let message = format!("`{begins}` and `then` go with nothing else");
                    let help =
                        Some("`cases` chooses between values; a second branch has a `when` of its own".to_owned());
                    self.at_value(Code::WrongShape, pointer, message, help);
                    return None;
                }
                let is_from =
                    map.contains_key("from") && ["map", "as", "default"].iter().any(|key| map.contains_key(key));
                if is_from || CONSTRUCTS.iter().any(|key| map.contains_key(key)) {
                    return self.body_value(pointer, json, names).map(Node::Leaf);
                }
                let members: Vec<_> = map
                    .iter()
                    .map(|(name, inner)| {
                        Some((name.clone(), self.node(&format!("{pointer}/{}", escape(name)), inner, names)?))
                    })
                    .collect();
                Some(Node::Object(members.into_iter().collect::<Option<_>>()?))
            }
            Json::Array(items) => {
                let items: Vec<_> = items
                    .iter()
                    .enumerate()
                    .map(|(i, item)| self.node(&format!("{pointer}/{i}"), item, names))
                    .collect();
                Some(Node::List(items.into_iter().collect::<Option<_>>()?))
            }
            Json::String(_) => self.body_value(pointer, json, names).map(Node::Leaf),
            other => Some(Node::Constant(other.clone())),
        }
    }

    fn body_value(&mut self, pointer: &str, json: &Json, names: &Names) -> Option<crate::plan::Value> {
        self.body_value_for(pointer, json, names, Purpose::Sent)
    }

    fn body_value_for(
        &mut self,
        pointer: &str,
        json: &Json,
        names: &Names,
        purpose: Purpose,
    ) -> Option<crate::plan::Value> {
        match engine_json::from_value::<doc::Value>(json.clone()) {
            Ok(value) => self.value(pointer, &value, names, purpose),
            Err(_) => {
                self.at_value(
                    Code::WrongShape,
                    pointer,
                    "this is not a value of the language".to_owned(),
                    Some("a part of the body that looks like a construct is written `{ literal: … }`".to_owned()),
                );
                None
            }
        }
    }
}

/// Whether a text can be the name of a header (RFC 9110, 5.6.2).
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// A segment that is a hole in the notation of another language: `{id}`, `:id`, `$.id`.
fn foreign_hole(path: &str) -> Option<&str> {
    path.split('/').find(|segment| {
        segment.starts_with("$.")
            || segment.starts_with('{') && segment.ends_with('}')
            || segment.strip_prefix(':').is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()))
    })
}

/// The text of a path with a letter for each hole.
fn fixed_text(path: &str) -> String {
    let template = Template::compile(path).ok();
    let parts = template.iter().flat_map(|template| template.parts());
    parts
        .map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Hole { .. } => "x",
        })
        .collect()
}
