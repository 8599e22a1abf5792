//! Answers: status, headers and JSON body, and what a reply means for a read.

use engine_json::{Map, Value as Json};
use engine_spec::path::Path;
use url::Url;

use super::failure::RequestError;
use super::link::{self, Link};

/// What came of a request that did not fail.
#[derive(Clone, Debug)]
pub enum Reply {
    /// An answer to read.
    Body(Answer),
    /// The spec says that this answer means: there are none.
    NoRows(Note),
    /// The spec says that this answer means: they could not be read; go on, and be incomplete.
    Incomplete(RequestError),
}

/// What a request that writes was answered.
#[derive(Clone, Debug)]
pub struct Written {
    /// The answer.
    pub answer: Answer,
    /// Why it is not a good one: another status than 2xx, or a body that says so.
    pub error: Option<RequestError>,
    /// The vendor's code.
    pub code: Option<String>,
    /// The vendor's message, without secrets.
    pub message: Option<String>,
}

/// Why there are no rows, for the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The status of the answer.
    pub status: u16,
    /// What happened, in one sentence without secrets.
    pub text: String,
}

/// A good answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) headers: Headers,
    pub(super) url: Url,
    pub(super) request: String,
    pub(super) whole: Json,
    pub(super) unwrap: Option<Path>,
}

static NULL: Json = Json::Null;

impl Answer {
    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The URL that answered, after redirects; relative links of the answer are relative to it.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Method and URL of the request, without secrets.
    pub fn request(&self) -> &str {
        &self.request
    }

    /// The body from where `unwrap` says that everything begins; paths of sources are on it. Null
    /// for an answer without content (204).
    pub fn body(&self) -> &Json {
        match &self.unwrap {
            Some(path) if !self.whole.is_null() => path.one(&self.whole).unwrap_or(&NULL),
            _ => &self.whole,
        }
    }

    /// The whole body; paths of pages and totals are on it.
    pub fn whole(&self) -> &Json {
        &self.whole
    }

    /// The whole body, given away.
    pub fn into_whole(self) -> Json {
        self.whole
    }

    /// Target of the first link (RFC 8288) with a relation and attributes.
    pub fn link(&self, relation: &str, attributes: &[(String, String)]) -> Option<String> {
        let links: Vec<Link> = self.headers.all("link").flat_map(link::parse).collect();
        link::find(&links, relation, attributes).map(|link| link.target.clone())
    }
}

/// The headers of an answer, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Headers from names and values; names become lower case.
    pub fn new(fields: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect())
    }

    /// The first value of a header, by its lower-case name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All values of a header, by its lower-case name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All headers.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// As an object of texts, for expressions; several values of one name are joined by `, `
    /// (RFC 9110, 5.3).
    pub fn to_json(&self) -> Json {
        let mut object = Map::new();
        for (name, value) in &self.0 {
            match object.get_mut(name) {
                Some(Json::String(before)) => {
                    before.push_str(", ");
                    before.push_str(value);
                }
                _ => {
                    object.insert(name.clone(), Json::from(value.as_str()));
                }
            }
        }
        Json::Object(object)
    }
}

#[cfg(test)]
mod tests {
    use engine_json::json;

    use super::*;

    #[test]
    fn sources_see_the_unwrapped_body_and_pages_the_whole() {
        let answer = Answer {
            status: 200,
            headers: Headers::default(),
            url: Url::parse("https://api.example").unwrap(),
            request: String::new(),
            whole: json!({"result": {"users": []}, "next": "c"}),
            unwrap: Some(Path::parse("$.result").unwrap()),
        };
        assert_eq!(answer.body(), &json!({"users": []}));
        assert_eq!(answer.whole()["next"], "c");
    }

    #[test]
    fn headers_are_found_by_lower_case_name_and_joined_for_expressions() {
        let headers =
            Headers::new([("Link".into(), "<a>".into()), ("X-A".into(), "1".into()), ("link".into(), "<b>".into())]);
        assert_eq!(headers.get("x-a"), Some("1"));
        assert_eq!(headers.all("link").count(), 2);
        assert_eq!(headers.to_json(), json!({"link": "<a>, <b>", "x-a": "1"}));
    }
}
