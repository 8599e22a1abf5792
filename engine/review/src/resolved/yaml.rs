//! Writes the resolved tree as YAML, with a remark behind each value that does not stand in the spec.

use serde_json::Value as Json;
use unicode_width::UnicodeWidthStr as _;

use super::{Content, Explained, Node, Origin};

/// Remarks stand in this column, or behind longer lines.
const REMARKS: usize = 64;
/// Words that some reader of YAML takes for something else than text.
const TAKEN: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// A line, and what is to be said of it.
struct Line {
    text: String,
    remark: Option<String>,
}

/// The whole text.
pub(super) fn written(explained: &Explained) -> String {
    let mut lines: Vec<Line> =
        explained.heading.iter().map(|line| Line { text: format!("# {line}"), remark: None }).collect();
    block(&explained.tree, 0, &mut lines);
    let mut text = String::new();
    for Line { text: line, remark } in lines {
        text.push_str(&line);
        if let Some(remark) = remark {
            let room = REMARKS.saturating_sub(line.width()).max(2);
            text.push_str(&format!("{}# {remark}", " ".repeat(room)));
        }
        text.push('\n');
    }
    text
}

/// What is said of an origin; nothing of what stands in the spec.
fn remark(origin: &Origin) -> Option<String> {
    match origin {
        Origin::Spec { instead_of: None, .. } => None,
        Origin::Spec { instead_of: Some(place), .. } => Some(format!("instead of {place}")),
        Origin::Fragment { at, options } if options.is_empty() => Some(at.clone()),
        Origin::Fragment { at, options } => {
            let options: Vec<String> = options
                .iter()
                .map(|filled| match filled.given {
                    true => format!("option {} at {}", filled.option, filled.at),
                    false => format!("option {}, default", filled.option),
                })
                .collect();
            Some(format!("{at}, {}", options.join(", ")))
        }
        Origin::Client { at, client } if client == "default" => Some(format!("http, {at}")),
        Origin::Client { at, client } => Some(format!("client {client}, {at}")),
        Origin::Engine => Some("engine".to_owned()),
    }
}

/// A map or a list below its key.
fn block(node: &Node, indent: usize, lines: &mut Vec<Line>) {
    let space = " ".repeat(indent);
    match &node.content {
        Content::Scalar(_) => {}
        Content::List(items) => {
            for item in items {
                element(item, indent, lines);
            }
        }
        Content::Map(members) => {
            for (key, member) in members {
                entry(&format!("{space}{}:", scalar_text(key)), member, indent, lines);
            }
        }
    }
    lines.extend(node.remarks.iter().map(|remark| Line { text: format!("{space}# {remark}"), remark: None }));
}

/// Something behind `key:` or `-`.
fn entry(head: &str, node: &Node, indent: usize, lines: &mut Vec<Line>) {
    let said = remark(&node.origin);
    let mut push = |text: String| lines.push(Line { text, remark: said.clone() });
    match &node.content {
        Content::Scalar(Json::String(text)) if is_block(text) => {
            push(format!("{head} {}", if text.ends_with('\n') { "|" } else { "|-" }));
            let space = " ".repeat(indent + 2);
            for line in text.lines() {
                let text = if line.is_empty() { String::new() } else { format!("{space}{line}") };
                lines.push(Line { text, remark: None });
            }
        }
        Content::Scalar(json) => push(format!("{head} {}", scalar(json))),
        Content::List(items) if items.is_empty() => push(format!("{head} []")),
        Content::Map(members) if members.is_empty() => {
            push(format!("{head} {{}}"));
            let space = " ".repeat(indent + 2);
            lines.extend(node.remarks.iter().map(|remark| Line { text: format!("{space}# {remark}"), remark: None }));
        }
        Content::List(_) | Content::Map(_) => {
            // The members say where they come from.
            lines.push(Line { text: head.to_owned(), remark: None });
            block(node, indent + 2, lines);
        }
    }
}

/// An element of a list; a map begins on the line of its dash.
fn element(node: &Node, indent: usize, lines: &mut Vec<Line>) {
    let space = " ".repeat(indent);
    match &node.content {
        Content::Map(members) if !members.is_empty() => {
            let first = lines.len();
            block(node, indent + 2, lines);
            if let Some(line) = lines.get_mut(first) {
                line.text = format!("{space}- {}", line.text.trim_start());
            }
        }
        _ => entry(&format!("{space}-"), node, indent, lines),
    }
}

fn scalar(json: &Json) -> String {
    match json {
        Json::String(text) => scalar_text(text),
        other => other.to_string(),
    }
}

/// A text, without quotes where nobody can take it for something else.
fn scalar_text(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

fn is_plain(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '$' | '_'));
    let known = text.chars().all(|c| c.is_ascii_alphanumeric() || " _./$-(),;='@+*<>!?|&%:~\"".contains(c));
    begins
        && known
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !TAKEN.contains(&text.to_ascii_lowercase().as_str())
}

fn quoted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 2);
    for letter in Json::from(text).to_string().chars() {
        let hidden =
            matches!(letter, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
        if hidden { shown.push_str(&format!("\\u{:04x}", u32::from(letter))) } else { shown.push(letter) }
    }
    shown
}

/// Whether a text of several lines can stand as it is.
fn is_block(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    body.contains('\n')
        && !body.ends_with('\n')
        && !body.starts_with([' ', '\n', '\t'])
        && body.lines().all(|line| !line.ends_with([' ', '\t']))
        && !body.chars().any(|c| (c.is_control() && c != '\n') || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolved::Node;

    fn node(json: &Json) -> Node {
        let content = match json {
            Json::Array(items) => Content::List(items.iter().map(node).collect()),
            Json::Object(members) => {
                Content::Map(members.iter().map(|(key, member)| (key.clone(), node(member))).collect())
            }
            scalar => Content::Scalar(scalar.clone()),
        };
        Node { content, origin: Origin::Engine, remarks: vec!["said of it".to_owned()] }
    }

    #[test]
    fn whatever_a_spec_holds_reads_back_as_it_was() {
        let json = serde_json::json!({
            "texts": ["", " ", "a", "a ", " a", "a: b", "a #b", "#a", "yes", "NULL", "1", "1e3", "0x1", "-", "- a", "?", "~",
                "{{ x }}", "[a]", "{a}", "&a", "*a", "!a", "%a", "@a", "`a`", "'a'", "\"a\"", "a\"b", "a'b", "$.a[*]", "/a/b",
                "a\nb", "a\nb\n", "a\n\nb", "a\n\n", "\na", "a \nb", " a\nb", "a\tb", "\t", "a\r\nb", "é", "\u{7f}", "\u{2028}",
                "\u{feff}", "a:", ":a", "a:b", "https://x.example/a?b=c&d", "---", "...", "a\n---\nb", "a\n# b", "=", "<<"],
            "numbers": [0, -1, 1.5, 18446744073709551615u64],
            "words": [true, false, null],
            "empty": { "list": [], "map": {}, "": "no name" },
            "nested": [[1, [2]], [{ "a": [{ "b": 1, "c": { "d": [] } }] }], [[]]],
            "yes": { "404": "x", "a b": 1, "{{": 2, "- a": 3 },
        });
        let explained = Explained { tree: node(&json), heading: vec!["a heading".to_owned()] };
        let text = written(&explained);
        let read: Json = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(read, json, "{text}");
    }
}
