//! Writes a case as YAML that a person reads: small things on one line, large ones below each other.

use std::collections::BTreeMap;

use engine_json::{Map, Value as Json, json};

use crate::case::{AnswerSpec, Case, Exchange, ExpectedVerdict, Scalar, Texts, Times};

/// Longest line that holds a list or a map.
const WIDEST: usize = 120;

/// The text of a case that reads.
pub fn case(case: &Case) -> String {
    let mut text = format!("case: {}\n", scalar(&case.case));
    let config: Map = case.config.clone().into_iter().collect();
    if !config.is_empty() {
        member(&mut text, "config", &Json::Object(config), 0);
    }
    text.push_str("exchanges:\n");
    for exchange in &case.exchanges {
        let members = exchange_members(exchange);
        for (at, (name, value)) in members.iter().enumerate() {
            text.push_str(if at == 0 { "  - " } else { "    " });
            member(&mut text, name, value, 4);
        }
    }
    if let Some(expect) = &case.expect {
        let verdict = match expect.verdict {
            ExpectedVerdict::Complete => "complete",
            ExpectedVerdict::Incomplete => "incomplete",
            ExpectedVerdict::Failed => "failed",
        };
        text.push_str(&format!("expect:\n  verdict: {verdict}\n"));
        if !expect.says.is_empty() {
            text.push_str("  says:\n");
            expect.says.iter().for_each(|says| text.push_str(&format!("    - {}\n", scalar(says))));
        }
    }
    text
}

fn exchange_members(exchange: &Exchange) -> Vec<(String, Json)> {
    let (method, path) = exchange.line();
    let mut members = vec![(method.to_lowercase(), Json::from(path))];
    let mut add = |name: &str, value: Json| members.push((name.to_owned(), value));
    if !exchange.query.is_empty() {
        add("query", texts(&exchange.query));
    }
    if !exchange.headers.is_empty() {
        add("headers", json!(exchange.headers));
    }
    if let Some(json) = &exchange.json {
        add("json", json.clone());
    }
    if let Some(form) = &exchange.form {
        add("form", texts(form));
    }
    if let Some(one) = &exchange.answer {
        add("answer", answer(one));
    }
    if !exchange.answers.is_empty() {
        add("answers", exchange.answers.iter().map(answer).collect());
    }
    match exchange.times {
        Some(Times::Exactly(times)) => add("times", Json::from(times)),
        Some(Times::Any(_)) => add("times", Json::from("any")),
        None => {}
    }
    members
}

fn texts(texts: &BTreeMap<String, Texts>) -> Json {
    let value = |texts: &Texts| match texts {
        Texts::One(one) => Json::from(one.text()),
        Texts::Many(many) => many.iter().map(Scalar::text).collect(),
    };
    Json::Object(texts.iter().map(|(name, texts)| (name.clone(), value(texts))).collect())
}

fn answer(answer: &AnswerSpec) -> Json {
    let mut members = Map::new();
    if let Some(status) = answer.status {
        members.insert("status".to_owned(), Json::from(status));
    }
    if !answer.headers.is_empty() {
        let headers = answer.headers.iter().map(|(name, value)| (name.clone(), Json::from(value.text())));
        members.insert("headers".to_owned(), Json::Object(headers.collect()));
    }
    if let Some(json) = &answer.json {
        members.insert("json".to_owned(), json.clone());
    }
    if let Some(text) = &answer.text {
        members.insert("text".to_owned(), Json::from(text.as_str()));
    }
    if let Some(arrives) = answer.arrives {
        members.insert("arrives".to_owned(), Json::from(arrives.word()));
    }
    Json::Object(members)
}

/// `name: value`, at a depth, with what does not fit on the line below it.
fn member(text: &mut String, name: &str, value: &Json, depth: usize) {
    text.push_str(&scalar(name));
    text.push(':');
    value_after(text, value, depth);
}

fn value_after(text: &mut String, value: &Json, depth: usize) {
    let flow = flow(value);
    let used = text.len() - text.rfind('\n').map_or(0, |at| at + 1);
    let nests = |value: &Json| value.is_object() || value.is_array();
    let nested = match value {
        Json::Array(items) => items.iter().filter(|item| nests(item)).count(),
        Json::Object(members) => members.values().filter(|member| nests(member)).count(),
        _ => 0,
    };
    let is_empty = matches!(value, Json::Array(items) if items.is_empty())
        || matches!(value, Json::Object(members) if members.is_empty());
    if !nests(value) || is_empty || (used + flow.chars().count() < WIDEST && nested == 0) {
        text.push_str(&format!(" {flow}\n"));
        return;
    }
    text.push('\n');
    let indent = " ".repeat(depth + 2);
    match value {
        Json::Array(items) => {
            for item in items {
                text.push_str(&format!("{indent}-"));
                let Json::Object(members) = item else {
                    value_after(text, item, depth + 2);
                    continue;
                };
                let on_line = item_line(item).filter(|line| indent.len() + line.chars().count() < WIDEST);
                if let Some(line) = on_line {
                    text.push_str(&format!(" {line}\n"));
                    continue;
                }
                for (at, (name, value)) in members.iter().enumerate() {
                    text.push_str(&if at == 0 { " ".to_owned() } else { format!("{indent}  ") });
                    member(text, name, value, depth + 4);
                }
            }
        }
        Json::Object(members) => {
            for (name, value) in members {
                text.push_str(&indent);
                member(text, name, value, depth + 2);
            }
        }
        _ => {}
    }
}

/// An element on one line, where it holds nothing deep.
fn item_line(item: &Json) -> Option<String> {
    fn depth(value: &Json) -> usize {
        match value {
            Json::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            Json::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }
    (depth(item) <= 2).then(|| flow(item))
}

fn flow(value: &Json) -> String {
    match value {
        Json::Array(items) if items.is_empty() => "[]".to_owned(),
        Json::Object(members) if members.is_empty() => "{}".to_owned(),
        Json::Array(items) => format!("[ {} ]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Json::Object(members) => {
            let members = members.iter().map(|(name, member)| format!("{}: {}", scalar(name), flow(member)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
        Json::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// A text as YAML: plain where nobody could take it for something else, in quotes otherwise.
fn scalar(text: &str) -> String {
    let mut chars = text.chars();
    let begins = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '_'));
    let is_plain = chars.all(|c| c.is_ascii_alphanumeric() || " _./@+-=;()".contains(c));
    let word = text.to_ascii_lowercase();
    let is_word = matches!(word.as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n");
    if begins && is_plain && !is_word && !text.ends_with(' ') { text.to_owned() } else { escaped(text) }
}

/// A text in quotes. JSON leaves characters as they are that YAML has no place for.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in Json::from(text).to_string().chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_as_it_was() {
        let texts = [
            "",
            " ",
            "yes",
            "null",
            "1",
            "-",
            "a: b",
            "a #b",
            "{x}",
            "[bot]",
            "\"q\"\n",
            "ä\u{7f}\u{2028}",
            "~",
            "0x1",
            "1e5",
            "/a/b?c=d",
            "x y ",
            "@a",
            "=",
            "a,b",
        ];
        let json = json!({
            "texts": texts, "nested": [[1, [2, {"a": [], "b": {}}]], [], {"deep": {"deeper": {"deepest": [true, null, 1.5]}}}],
            "long": (0..60).map(|n| format!("word {n}")).collect::<Vec<_>>(), "a: b": "c", "": 1,
        });
        let exchange = Exchange {
            get: Some("/v1/a%2Fb".to_owned()),
            answer: Some(AnswerSpec {
                json: Some(json.clone()),
                arrives: Some(crate::case::Arrival::Half),
                ..AnswerSpec::default()
            }),
            ..Exchange::default()
        };
        let written = Case {
            case: "One: \"two\"".to_owned(),
            config: BTreeMap::from([("key".to_owned(), Json::from("-----BEGIN\nEND-----\n"))]),
            deeds: Vec::new(),
            exchanges: vec![exchange.clone()],
            expect: Some(crate::case::Expectation {
                verdict: ExpectedVerdict::Incomplete,
                says: vec!["x: y".to_owned()],
            }),
        };
        let text = case(&written);
        let read = Case::parse(&text).unwrap_or_else(|reason| panic!("{reason}\n{text}"));
        assert_eq!(read.exchanges, [exchange], "{text}");
        assert_eq!((read.case, read.config), (written.case, written.config));
    }
}
