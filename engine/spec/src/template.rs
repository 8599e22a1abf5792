//! Templates: text with `{{ … }}` holes. There are no statements; how a hole is escaped is decided
//! by the position the text is for, never by the author.

use std::borrow::Cow;
use std::ops::Range;

use engine_json::Value as Json;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::expression::{EvaluationError, Expression, ExpressionError, LONGEST_TEXT};
use crate::scope::Scope;

/// What RFC 3986 calls unreserved stays as it is; everything else is percent-encoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A compiled template.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text as it stands.
    Text(String),
    /// A hole.
    Hole {
        /// What fills it.
        expression: Expression,
        /// Where the expression stands in the template's text, in bytes.
        span: Range<usize>,
        /// Whether it stands between quotes, where only `quote:` is safe.
        quoted: bool,
    },
}

impl Template {
    /// Whether a text is a template.
    pub fn is_template(text: &str) -> bool {
        text.contains("{{") || text.contains("{%") || text.contains("{#")
    }

    /// Compiles a text. Text without holes is a template too: one that is always the same.
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
        for (mark, name) in [("{%", "statements"), ("{#", "comments")] {
            if let Some(at) = text.find(mark) {
                return Err(ExpressionError {
                    reason: format!("templates have no {name} (`{mark}`)"),
                    span: at..at + 2,
                    help: Some("`{{ a if condition else b }}` chooses; `cases:` chooses between values".to_owned()),
                });
            }
        }
        let mut parts = Vec::new();
        let mut fixed = String::new();
        let mut at = 0;
        while let Some(open) = text.get(at..).and_then(|rest| rest.find("{{")).map(|found| at + found) {
            let inner = open + 2;
            let Some(close) = closing(text, inner) else {
                return Err(ExpressionError { reason: "`{{` has no `}}`".to_owned(), span: open..inner, help: None });
            };
            let before = text.get(at..open).unwrap_or_default();
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let source = text.get(inner..close).unwrap_or_default();
            let expression = Expression::compile(source)
                .map_err(|error| ExpressionError { span: inner + error.span.start..inner + error.span.end, ..error })?;
            let after = text.get(close + 2..).unwrap_or_default();
            fixed.push_str(before);
            // Open: an odd number of this quote before the hole, and one more behind it.
            let quoted =
                ['"', '\''].iter().any(|quote| fixed.matches(*quote).count() % 2 == 1 && after.contains(*quote));
            parts.push(Part::Hole { expression, span: inner..close, quoted });
            at = close + 2;
        }
        let rest = text.get(at..).unwrap_or_default();
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The template as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its pieces.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Its expressions.
    pub fn expressions(&self) -> impl Iterator<Item = (&Expression, &Range<usize>)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Hole { expression, span, .. } => Some((expression, span)),
        })
    }

    /// The one expression that is all of the template.
    pub fn lone(&self) -> Option<&Expression> {
        match self.parts.as_slice() {
            [Part::Hole { expression, .. }] => Some(expression),
            _ => None,
        }
    }

    /// The text, if there are no holes.
    pub fn constant(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Its value: typed where it is one lone expression, otherwise text. Null and absent inside
    /// other text are errors.
    pub fn value<'a>(&self, scope: &Scope<'a>) -> Result<Option<Cow<'a, Json>>, EvaluationError> {
        match self.lone() {
            Some(expression) => expression.value(scope),
            None => self.plain(scope).map(|text| Some(Cow::Owned(Json::from(text)))),
        }
    }

    /// Its text with holes as they are: for bodies, headers and names.
    pub fn plain(&self, scope: &Scope<'_>) -> Result<String, EvaluationError> {
        self.render(scope, |_, text| Ok(Cow::Borrowed(text)))
    }

    /// Its text as a whole URL. What fills a hole behind the scheme stays where it was put: it ends
    /// no host, begins no query and climbs up no path. What stands before the scheme's end is the
    /// configuration's to say.
    pub fn url(&self, scope: &Scope<'_>) -> Result<String, EvaluationError> {
        self.render(scope, |before, text| {
            let text = text.trim();
            let in_path = match before.split_once("://") {
                Some((_, authority)) => authority.contains('/'),
                None if before.starts_with('/') => true,
                None => return Ok(Cow::Borrowed(text)),
            };
            let fits = match in_path {
                false => text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']')),
                true => {
                    !text.contains(['?', '#', '\\', '%']) && !text.split('/').any(|part| matches!(part, "." | ".."))
                }
            };
            match fits {
                true => Ok(Cow::Borrowed(text)),
                false => Err("holds signs that would change the URL around it".to_owned()),
            }
        })
    }

    /// Its text as a URL path: each hole is part of one segment. A segment that comes out empty,
    /// `.` or `..` would lead somewhere else and is an error.
    pub fn path(&self, scope: &Scope<'_>) -> Result<String, EvaluationError> {
        let path = self.render(scope, |_, text| {
            if text.is_empty() {
                return Err("is empty, and would change the path".to_owned());
            }
            Ok(Cow::Owned(utf8_percent_encode(text, SEGMENT).to_string()))
        })?;
        match path.split('/').find(|segment| matches!(*segment, "." | "..")) {
            Some(segment) => Err(EvaluationError {
                text: self.text.clone(),
                reason: format!("the path segment `{segment}` would lead to another path"),
            }),
            None => Ok(path),
        }
    }

    fn render<F>(&self, scope: &Scope<'_>, escape: F) -> Result<String, EvaluationError>
    where
        F: for<'t> Fn(&str, &'t str) -> Result<Cow<'t, str>, String>,
    {
        let mut text = String::with_capacity(self.text.len());
        for part in &self.parts {
            match part {
                Part::Text(fixed) => text.push_str(fixed),
                Part::Hole { expression, .. } => {
                    let failed = |reason: String| EvaluationError { text: expression.text().to_owned(), reason };
                    let value = expression.value(scope)?;
                    let scalar = scalar_text(value.as_deref()).map_err(|reason| failed(reason.to_owned()))?;
                    let filling = escape(&text, &scalar).map_err(failed)?;
                    if text.len().saturating_add(filling.len()) > LONGEST_TEXT {
                        return Err(failed(format!("makes a text longer than {LONGEST_TEXT} bytes")));
                    }
                    text.push_str(&filling);
                }
            }
        }
        Ok(text)
    }
}

/// A text, integer, number or boolean as text; anything else says why it cannot be.
pub fn scalar_text(value: Option<&Json>) -> Result<Cow<'_, str>, &'static str> {
    match value {
        Some(Json::String(text)) => Ok(Cow::Borrowed(text)),
        Some(Json::Number(number)) => Ok(Cow::Owned(number.to_string())),
        Some(Json::Bool(true)) => Ok(Cow::Borrowed("true")),
        Some(Json::Bool(false)) => Ok(Cow::Borrowed("false")),
        Some(Json::Null) => Err("is null, which cannot stand inside text"),
        Some(Json::Array(_)) => Err("is a list, which cannot stand inside text"),
        Some(Json::Object(_)) => Err("is an object, which cannot stand inside text"),
        None => Err("is absent, and cannot stand inside text"),
    }
}

/// The `}}` that closes a hole: the first one outside quotes.
fn closing(text: &str, from: usize) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    let rest = text.get(from..)?;
    for (at, c) in rest.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == '}' && rest.get(at..).is_some_and(|r| r.starts_with("}}")) => return Some(from + at),
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use engine_json::json;
    use proptest::prelude::*;

    use super::*;

    fn template(text: &str) -> Template {
        Template::compile(text).unwrap()
    }

    #[test]
    fn a_lone_hole_keeps_its_type_and_mixed_text_is_text() {
        let names = json!({"id": 42, "on": true});
        let scope = Scope::root(names.as_object().unwrap());
        assert_eq!(template("{{ id }}").value(&scope).unwrap().as_deref(), Some(&json!(42)));
        assert_eq!(template("n{{ id }}-{{ on }}").value(&scope).unwrap().as_deref(), Some(&json!("n42-true")));
        assert_eq!(template("{{ '}}' }}x").plain(&scope).unwrap(), "}}x");
    }

    #[test]
    fn null_and_absent_inside_text_are_errors() {
        let names = json!({"nothing": null});
        let scope = Scope::root(names.as_object().unwrap());
        assert!(template("a{{ nothing }}").plain(&scope).unwrap_err().reason.contains("is null"));
        assert!(template("a{{ gone }}").plain(&scope).unwrap_err().reason.contains("is absent"));
    }

    #[test]
    fn an_id_in_a_path_is_one_segment_whatever_it_holds() {
        let path = |id: &str| {
            let names = json!({"id": id});
            template("/users/{{ id }}/groups").path(&Scope::root(names.as_object().unwrap()))
        };
        assert_eq!(path("a/b").unwrap(), "/users/a%2Fb/groups");
        assert_eq!(path("../admin").unwrap(), "/users/..%2Fadmin/groups");
        assert_eq!(path("x?y#z").unwrap(), "/users/x%3Fy%23z/groups");
        assert!(path("..").is_err());
        assert!(path("").is_err());
    }

    #[test]
    fn a_hole_in_a_url_stays_in_the_host_or_the_path_it_was_put_into() {
        let url = |text: &str, site: &str| {
            let names = json!({"site": site});
            template(text).url(&Scope::root(names.as_object().unwrap()))
        };
        let host = "https://{{ site }}.acme.example/v1";
        assert_eq!(url(host, "eu-1").unwrap(), "https://eu-1.acme.example/v1");
        assert_eq!(url("https://{{ site }}/v1", "me.example:8443").unwrap(), "https://me.example:8443/v1");
        assert_eq!(url("{{ site }}/v1", "https://me.example").unwrap(), "https://me.example/v1");
        assert_eq!(url("https://acme.example/{{ site }}", "a/b").unwrap(), "https://acme.example/a/b");
        for site in
            ["evil.example/", "evil.example?", "evil.example#", "evil.example\\", "me@evil.example", "a%2f", "a b"]
        {
            assert!(url(host, site).is_err(), "{site}");
        }
        for site in ["..", "a/../b", ".", "a?b", "a#b", "..\\x", "%2e%2e"] {
            assert!(url("https://acme.example/{{ site }}", site).is_err(), "{site}");
        }
    }

    #[test]
    fn many_holes_make_no_text_without_end() {
        let names = json!({"long": "x".repeat(100_000)});
        let text = template(&"{{ long }},".repeat(1_000));
        assert!(text.plain(&Scope::root(names.as_object().unwrap())).unwrap_err().reason.contains("longer than"));
    }

    #[test]
    fn statements_are_refused_and_open_holes_are_found() {
        assert!(Template::compile("{% if x %}").unwrap_err().reason.contains("statements"));
        assert!(Template::compile("a {{ b").unwrap_err().reason.contains("no `}}`"));
    }

    #[test]
    fn holes_between_quotes_are_marked() {
        let quoted =
            |text: &str| template(text).parts().iter().any(|part| matches!(part, Part::Hole { quoted: true, .. }));
        assert!(quoted("userName eq \"{{ id }}\""));
        assert!(!quoted("userName eq {{ id }}"));
    }

    proptest! {
        #[test]
        fn no_id_escapes_its_path_segment(id in "\\PC*") {
            let names = json!({"id": id});
            if let Ok(path) = template("/a/{{ id }}/b").path(&Scope::root(names.as_object().unwrap())) {
                let url = url::Url::parse("https://host.example").unwrap().join(&path).unwrap();
                let segments: Vec<_> = url.path_segments().unwrap().collect();
                prop_assert_eq!(segments.len(), 3);
                let decoded = percent_encoding::percent_decode_str(segments[1]).decode_utf8().unwrap();
                prop_assert_eq!(decoded.as_ref(), id.as_str());
                prop_assert!(url.query().is_none() && url.fragment().is_none());
            }
        }
    }
}
