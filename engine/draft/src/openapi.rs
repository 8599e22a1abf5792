//! An OpenAPI 3 document as an [`Api`]: servers, security schemes, the GET operations that answer with
//! a list, and the names of those that change something. In: the tree. Out: the API. References are
//! followed inside the document only, so deep and so wide as [`schema`] allows; what they lead to
//! elsewhere is not fetched.

mod schema;
mod security;

use serde_json::Value as Json;

use crate::api::{Api, List, Parameter, segments, words};
use crate::{choose, pages};
use schema::Schemas;

/// Reads a document. `wanted` are paths that are looked at whatever they are called.
pub(crate) fn api(document: &Json, wanted: &[&str]) -> Api {
    let schemas = Schemas::new(document);
    let text = |pointer: &str| document.pointer(pointer).and_then(Json::as_str).unwrap_or_default().trim().to_owned();
    let mut api = Api {
        title: text("/info/title"),
        docs: [text("/externalDocs/url"), text("/info/contact/url")]
            .into_iter()
            .find(|url| url.starts_with("https://")),
        source: "the document",
        changes: Some(Vec::new()),
        ..Api::default()
    };
    server(document, &mut api);
    security::read(&schemas, document, &mut api);
    let paths = document.get("paths").and_then(Json::as_object);
    let mut unclear = 0;
    for (path, item) in paths.into_iter().flatten() {
        let item = schemas.resolved(item);
        let changing = ["post", "put", "patch", "delete"].into_iter().filter(|method| item.get(method).is_some());
        let changing = changing.filter_map(|method| Some((method.to_owned(), segments(path)?)));
        api.changes.get_or_insert_default().extend(changing);
        let Some(operation) = item.get("get").map(|get| schemas.resolved(get)) else { continue };
        let asked = wanted.iter().any(|wanted| wanted.trim_end_matches('/') == path.trim_end_matches('/'));
        let Some(segments) = segments(path) else { continue };
        let list = List {
            path: segments,
            slash: path.len() > 1 && path.ends_with('/'),
            parameters: parameters(&schemas, item, operation),
            items: Vec::new(),
            row: crate::api::Shape::default(),
            envelope: crate::api::Shape::default(),
            link_header: false,
            next_header: None,
            deprecated: operation.get("deprecated").and_then(Json::as_bool).unwrap_or(false),
            requirements: operation.get("security").map(security::requirements),
        };
        if !asked && !choose::may_matter(&list) {
            continue;
        }
        match answer(&schemas, operation, list) {
            Some(list) => api.lists.push(list),
            None if choose::may_matter_alone(path) => {
                unclear += 1;
                if unclear <= 12 {
                    api.left_out.push(format!("GET {path}: no list in the answer that the document describes"));
                }
            }
            None => {}
        }
    }
    if unclear > 12 {
        api.left_out.push(format!("{} more GET requests without a list in the answer", unclear - 12));
    }
    if schemas.elsewhere() > 0 {
        let count = schemas.elsewhere();
        api.left_out
            .push(format!("{count} references to other files: they are not fetched; bundle them into one file"));
    }
    api
}

/// The server: the first one that says where it is.
fn server(document: &Json, api: &mut Api) {
    let servers = document.get("servers").and_then(Json::as_array);
    let Some(server) = servers.into_iter().flatten().find(|server| server.get("url").is_some_and(Json::is_string))
    else {
        api.origin_note = Some("the document names no server".to_owned());
        return;
    };
    let url = server.get("url").and_then(Json::as_str).unwrap_or_default().trim();
    let default = |name: &str| {
        let default = server.pointer(&format!("/variables/{}/default", name.replace('~', "~0").replace('/', "~1")));
        default.and_then(Json::as_str).map(str::to_owned)
    };
    let has_choice = |name: &str| server.pointer(&format!("/variables/{name}/enum")).is_some();
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (host, path) = match scheme.is_empty() && !url.starts_with("//") {
        true => ("", rest),
        false => {
            let rest = rest.trim_start_matches('/');
            rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path))
        }
    };
    // A variable of the path that has a default is a version; one without is a tenant.
    let filled: Vec<String> = path
        .trim_matches('/')
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => default(name).filter(|text| is_version(text)).unwrap_or_else(|| segment.to_owned()),
            None => segment.to_owned(),
        })
        .collect();
    api.base_path = segments(&filled.join("/")).unwrap_or_default();
    if host.is_empty() {
        api.origin_note = Some("the document does not say on which host the API is".to_owned());
        return;
    }
    let mut fixed = String::new();
    let mut open = Vec::new();
    let mut rest = host;
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(b, tail)| Some((b, tail.split_once('}')?)))
    {
        fixed.push_str(before);
        match default(name) {
            Some(text) if has_choice(name) => fixed.push_str(&text),
            _ => open.push(name.to_owned()),
        }
        rest = after;
    }
    fixed.push_str(rest);
    if open.is_empty() {
        let origin = format!("https://{fixed}");
        if url::Url::parse(&origin)
            .is_ok_and(|url| url.host_str().is_some_and(|host| host.contains('.')) && url.username().is_empty())
        {
            api.origin = Some(origin);
            if scheme == "http" {
                api.origin_note = Some("the document says http; credentials travel over https only".to_owned());
            }
            return;
        }
    }
    api.origin_note = Some(format!("the document writes it `{scheme}://{host}`"));
}

fn is_version(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b)) && text.len() <= 20
}

fn parameters(schemas: &Schemas<'_>, item: &Json, operation: &Json) -> Vec<Parameter> {
    let lists = [operation, item].map(|holder| holder.get("parameters").and_then(Json::as_array));
    let mut parameters: Vec<Parameter> = Vec::new();
    for parameter in lists.into_iter().flatten().flatten() {
        let parameter = schemas.resolved(parameter);
        let text = |key: &str| parameter.get(key).and_then(Json::as_str).unwrap_or_default();
        let header = text("in") == "header";
        if !(header || text("in") == "query") || parameters.iter().any(|known| known.name == text("name")) {
            continue;
        }
        let schema = parameter.get("schema").map(|schema| schemas.resolved(schema)).unwrap_or(&Json::Null);
        let number =
            |key: &str| schema.get(key).and_then(Json::as_f64).filter(|n| *n >= 0.0 && *n < 1e9).map(|n| n as u64);
        parameters.push(Parameter {
            name: text("name").to_owned(),
            header,
            required: parameter.get("required").and_then(Json::as_bool).unwrap_or(false),
            words: schema.get("enum").and_then(Json::as_array).into_iter().flatten().filter_map(scalar).collect(),
            default: schema.get("default").and_then(scalar),
            least: number("minimum"),
            most: number("maximum"),
        });
    }
    parameters
}

/// A text, number or boolean as text.
pub(crate) fn scalar(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(_) | Json::Bool(_) => Some(json.to_string()),
        _ => None,
    }
}

/// The list in the answer of an operation.
fn answer(schemas: &Schemas<'_>, operation: &Json, mut list: List) -> Option<List> {
    let responses = operation.get("responses")?;
    let response = ["200", "2XX", "2xx", "default"].iter().find_map(|status| responses.get(status))?;
    let response = schemas.resolved(response);
    let content = response.get("content").and_then(Json::as_object)?;
    let is_json = |kind: &&String| kind.contains("json") || kind.as_str() == "*/*";
    let kind =
        content.keys().find(|kind| kind.starts_with("application/json")).or_else(|| content.keys().find(is_json))?;
    let schema = content.get(kind)?.get("schema")?;
    let (items, element) = schemas.items(schema, &list.last_words())?;
    list.row = schemas.shape(element, 2);
    list.envelope = if items.is_empty() { crate::api::Shape::default() } else { schemas.envelope(schema, &items) };
    list.items = items;
    let headers = response.get("headers").and_then(Json::as_object);
    let named = headers.into_iter().flat_map(serde_json::Map::keys);
    list.next_header = named.into_iter().find(|name| pages::is_next_header(name)).cloned();
    list.link_header = headers.is_some_and(|headers| headers.keys().any(|name| name.eq_ignore_ascii_case("link")));
    Some(list)
}

/// The words of a path's last text.
pub(crate) fn last_words(path: &str) -> Vec<String> {
    let last = path.split('/').rfind(|segment| !segment.is_empty() && !segment.starts_with('{'));
    words(last.unwrap_or_default())
}
