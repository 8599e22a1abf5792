//! What the body of an answer holds: in go the bytes, out comes JSON, or what stands there instead.
//!
//! The body itself decides, not `Content-Type`: vendors label JSON as text, and login pages as
//! anything.

use engine_json::Value as Json;

use super::shared::Shared;
use super::transport::Incoming;

/// The longest excerpt of a page that is not JSON.
const PAGE: usize = 200;

/// What a body holds.
pub(super) enum Content {
    /// JSON.
    Json(Json),
    /// No content, and none is due (204, HEAD).
    None,
    /// Nothing where something was due.
    Empty,
    /// JSON that breaks off.
    BrokenOff,
    /// JSON that would take too much memory.
    TooLarge,
    /// Something else: what it is and how it begins, without secrets.
    Other(String),
}

/// How much memory JSON may take for each byte that the body's limit allows.
const GROWTH: usize = 8;

/// What a value takes in memory, a name that no other object has, and a list and an object beside
/// what they hold.
const VALUE: usize = 32;
const NAME: usize = 40;
const LIST: usize = 16;
const OBJECT: usize = 64;

/// What the body of an answer holds.
pub(super) fn read(shared: &Shared, incoming: &Incoming) -> Content {
    if matches!(incoming.status, 204 | 205) || incoming.method == reqwest::Method::HEAD {
        return Content::None;
    }
    let body = incoming.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&incoming.body);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Content::Empty;
    }
    if body.len() > shared.settings.body_limit / 16 && weight(body) > shared.settings.body_limit.saturating_mul(GROWTH)
    {
        return Content::TooLarge;
    }
    match engine_json::from_slice(body) {
        Ok(json) => Content::Json(json),
        Err(error) if error.is_eof() => Content::BrokenOff,
        Err(error) => {
            let begins_as_json =
                body.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| matches!(byte, b'{' | b'['));
            Content::Other(if begins_as_json {
                format!("JSON with a fault at line {}, column {}", error.line(), error.column())
            } else {
                page(shared, incoming, body)
            })
        }
    }
}

/// About how much memory JSON takes once it is read.
fn weight(body: &[u8]) -> usize {
    let (mut in_text, mut is_escaped) = (false, false);
    let mut weight = body.len();
    for byte in body {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' => weight += OBJECT,
            b':' => weight += VALUE + NAME,
            b'[' => weight += VALUE + LIST,
            b',' => weight += VALUE,
            _ => {}
        }
    }
    weight
}

/// What a page that is not JSON is, and its title or first words.
fn page(shared: &Shared, incoming: &Incoming, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let start: String = text.chars().take(20_000).collect();
    let label = incoming
        .headers
        .get("content-type")
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let lower = start.to_ascii_lowercase();
    let is_html = label.contains("html") || lower.contains("<html") || lower.contains("<!doctype html");
    let title = lower.find("<title").and_then(|open| {
        let from = open + lower.get(open..)?.find('>')? + 1;
        let to = from + lower.get(from..)?.find("</title")?;
        start.get(from..to)
    });
    let words = match title.filter(|title| !title.trim().is_empty()) {
        Some(title) => title.to_owned(),
        None if is_html => without_tags(&start),
        None => start.clone(),
    };
    let words = shared.redactor.excerpt(&words, PAGE);
    let what = match (is_html, label.as_str()) {
        (true, _) => "an HTML page".to_owned(),
        (false, "") => "text".to_owned(),
        (false, label) => format!("`{}`", shared.redactor.excerpt(label, 60)),
    };
    if words.is_empty() { what } else { format!("{what} that begins \"{words}\"") }
}

fn without_tags(html: &str) -> String {
    let mut depth = 0_u32;
    html.chars()
        .map(|c| match c {
            '<' => {
                depth += 1;
                ' '
            }
            '>' => {
                depth = depth.saturating_sub(1);
                ' '
            }
            c if depth == 0 => c,
            _ => ' ',
        })
        .collect()
}
