//! `securitySchemes` and `security` of a document.

use serde_json::Value as Json;

use crate::api::{Api, Scheme};

use super::schema::Schemas;

/// Reads the ways to sign in.
pub(super) fn read<'a>(schemas: &Schemas<'a>, document: &'a Json, api: &mut Api) {
    let known = document.pointer("/components/securitySchemes").and_then(Json::as_object);
    for (name, scheme) in known.into_iter().flatten() {
        api.schemes.insert(name.clone(), scheme_of(schemas.resolved(scheme)));
    }
    api.requirements = document.get("security").map(requirements).unwrap_or_default();
}

/// The sets of schemes, one of which is needed.
pub(super) fn requirements(security: &Json) -> Vec<Vec<String>> {
    let sets = security.as_array().into_iter().flatten().filter_map(Json::as_object);
    sets.map(|set| set.keys().cloned().collect::<Vec<_>>()).filter(|set| !set.is_empty()).collect()
}

fn scheme_of(scheme: &Json) -> Scheme {
    let text = |key: &str| scheme.get(key).and_then(Json::as_str).unwrap_or_default();
    let name = text("name").to_owned();
    match (text("type"), text("in"), text("scheme").to_ascii_lowercase().as_str()) {
        ("http", _, "bearer") => Scheme::Bearer,
        ("http", _, "basic") => Scheme::Basic,
        ("http", _, "digest") => Scheme::Digest,
        ("apiKey", "header", _) if is_header(&name) => match before(&name, text("description")) {
            Some(before) if before == "Bearer" => Scheme::Bearer,
            before => Scheme::Header { name, before: before.unwrap_or_default() },
        },
        ("apiKey", "query", _) if !name.is_empty() => Scheme::Query { name },
        ("oauth2", ..) => {
            let flow = scheme.pointer("/flows/clientCredentials");
            match flow.and_then(|flow| flow.get("tokenUrl")).and_then(Json::as_str) {
                Some(url) => Scheme::ClientCredentials { token_url: url.trim().to_owned(), scopes: scopes(flow) },
                None => Scheme::Person,
            }
        }
        ("openIdConnect", ..) => Scheme::Person,
        ("apiKey", "cookie", _) => Scheme::Unknown { what: "a cookie".to_owned() },
        (kind, ..) => Scheme::Unknown { what: format!("`{kind}`") },
    }
}

fn scopes(flow: Option<&Json>) -> Vec<String> {
    let known = flow.and_then(|flow| flow.get("scopes")).and_then(Json::as_object);
    known.into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// The word before the key in `Authorization`, where the description shows one.
fn before(name: &str, description: &str) -> Option<String> {
    if !name.eq_ignore_ascii_case("authorization") {
        return None;
    }
    let known = ["Bearer", "Token", "token", "ApiKey", "apikey", "GenieKey", "SSWS", "Key", "Basic"];
    known.iter().find(|word| description.contains(&format!("{word} "))).map(|word| (*word).to_owned())
}

fn is_header(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}
