//! A text as JSON or YAML, and what it is: an OpenAPI document, a recording of a browser (HAR), or
//! something else. In: the text. Out: the tree, or why there is none. Nothing is fetched.

use serde_json::{Map, Value as Json};

use crate::DraftError;

/// The largest text that is read, in bytes.
pub(crate) const LARGEST: usize = 128 << 20;

/// What a text is.
pub(crate) enum Document {
    /// An OpenAPI 3 document.
    OpenApi(Json),
    /// An HTTP archive.
    Har(Json),
}

/// Reads a text and tells what it is.
pub(crate) fn document(text: &str) -> Result<Document, DraftError> {
    if text.len() > LARGEST {
        return Err(DraftError::new(format!("the file has {} bytes; {LARGEST} is the most", text.len())));
    }
    let tree = tree(text.trim_start_matches('\u{feff}'))?;
    let version = |key: &str| match tree.get(key) {
        Some(Json::String(text)) => Some(text.clone()),
        Some(Json::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    if let Some(openapi) = version("openapi") {
        if openapi.starts_with('3') {
            return Ok(Document::OpenApi(tree));
        }
        let hint = "versions 3.0 to 3.2 of OpenAPI are read";
        return Err(DraftError::new(format!("OpenAPI {openapi} is not known here")).hint(hint));
    }
    if let Some(swagger) = version("swagger") {
        let message = format!("this is a Swagger {swagger} document, the format before OpenAPI 3");
        let hint = "most documentation tools convert it to OpenAPI 3; vendors often ship that beside it";
        return Err(DraftError::new(message).hint(hint));
    }
    if tree.pointer("/log/entries").is_some_and(Json::is_array) {
        return Ok(Document::Har(tree));
    }
    let hint = "an OpenAPI document has the key `openapi` at its top, and a HAR file has `log` with `entries`";
    Err(DraftError::new("this is neither an OpenAPI 3 document nor a HAR file").hint(hint))
}

fn tree(text: &str) -> Result<Json, DraftError> {
    if text.trim_start().starts_with(['{', '[']) {
        match serde_json::from_str(text) {
            Ok(tree) => return Ok(tree),
            // YAML has flow maps too; whoever writes them gets YAML's message.
            Err(error) if looks_like_json(text) => {
                return Err(DraftError::new(format!("the file is not JSON: {error}")));
            }
            Err(_) => {}
        }
    }
    let yaml: serde_yaml::Value = serde_yaml::from_str(text)
        .map_err(|error| DraftError::new(format!("the file is neither JSON nor YAML: {error}")))?;
    Ok(json(yaml))
}

fn looks_like_json(text: &str) -> bool {
    let inside = text.trim_start().trim_start_matches(['{', '[']).trim_start();
    inside.is_empty() || inside.starts_with(['"', '{', '[', '}', ']'])
}

/// YAML as JSON. Keys become text, and tags are passed over: a document is read kindly, a spec is not.
fn json(yaml: serde_yaml::Value) -> Json {
    match yaml {
        serde_yaml::Value::Null => Json::Null,
        serde_yaml::Value::Bool(value) => Json::Bool(value),
        serde_yaml::Value::String(text) => Json::String(text),
        serde_yaml::Value::Number(number) => {
            let whole = number.as_i64().map(Json::from).or_else(|| number.as_u64().map(Json::from));
            whole.unwrap_or_else(|| number.as_f64().map_or(Json::Null, Json::from))
        }
        serde_yaml::Value::Sequence(items) => items.into_iter().map(json).collect(),
        serde_yaml::Value::Mapping(members) => {
            let mut map = Map::new();
            for (key, value) in members {
                let key = match json(key) {
                    Json::String(text) => text,
                    other => other.to_string(),
                };
                map.insert(key, json(value));
            }
            Json::Object(map)
        }
        serde_yaml::Value::Tagged(tagged) => json(tagged.value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        match document(text) {
            Ok(Document::OpenApi(_)) => "openapi".to_owned(),
            Ok(Document::Har(_)) => "har".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_text_is_known_by_its_top() {
        assert_eq!(told("openapi: 3.1.0\npaths: { /a: { get: { responses: { 200: {} } } } }"), "openapi");
        assert_eq!(told("{\"openapi\": \"3.0.3\"}"), "openapi");
        assert_eq!(told("{\"log\": {\"entries\": []}}"), "har");
        assert!(told("swagger: '2.0'").starts_with("this is a Swagger 2.0 document"));
        assert!(told("{\"openapi\": \"3.0.3\"").starts_with("the file is not JSON"));
        assert!(told("a: [").starts_with("the file is neither JSON nor YAML"));
        assert!(told("hello").starts_with("this is neither"));
        assert!(told("").starts_with("this is neither"));
    }

    #[test]
    fn a_text_that_is_deeper_than_a_stack_is_refused() {
        let deep = "[".repeat(10_000);
        assert!(told(&deep).starts_with("the file is not JSON"), "{}", told(&deep));
        let deep = format!("a: {}", "[".repeat(10_000));
        assert!(told(&deep).starts_with("the file is neither"), "{}", told(&deep));
    }
}
