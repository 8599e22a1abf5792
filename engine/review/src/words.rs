//! Values, requests and page rules as people say them: one line each, the same for the same meaning.
//!
//! In: compiled pieces of a plan. Out: text that differs wherever the pieces mean something else, and
//! does not where only their form differs, such as spaces between the words of an expression.

use std::fmt::Debug;
use std::time::Duration;

use engine_json::Value as Json;
use engine_spec::document::page::LastWord;
use engine_spec::expression::Expression;
use engine_spec::plan::{
    ForEach, From, Meaning, Next, Other, PageKind, PageRules, Pages, Pick, Plan, Request, Send, StatusRule, Take,
    Value, ValueKind,
};
use engine_spec::template::{Part, Template};

/// A word of the language from the name of its variant: `ShortPage` becomes `short_page`.
pub(crate) fn word(variant: &impl Debug) -> String {
    let name = format!("{variant:?}");
    let mut word = String::with_capacity(name.len() + 4);
    for (at, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && at > 0 {
            word.push('_');
        }
        word.extend(letter.to_lowercase());
    }
    word
}

/// `one, two and three`, with another word before the last.
pub(crate) fn listed(items: &[String], before_last: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} {before_last} {last}", head.join(", ")),
    }
}

/// A condition on one line. Spaces count inside quotes only.
pub(crate) fn condition(expression: &Expression) -> String {
    squeezed(expression.text())
}

fn squeezed(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    let mut quote: Option<char> = None;
    let mut escaped = false;
    let mut gap = false;
    for letter in text.trim().chars() {
        match quote {
            Some(open) => {
                if letter == open && !escaped {
                    quote = None;
                }
                escaped = letter == '\\' && !escaped;
                squeezed.push(letter);
            }
            None if letter.is_whitespace() => gap = true,
            None => {
                if std::mem::take(&mut gap) {
                    squeezed.push(' ');
                }
                if matches!(letter, '"' | '\'') {
                    quote = Some(letter);
                }
                squeezed.push(letter);
            }
        }
    }
    squeezed
}

/// A template with its holes in one form.
pub(crate) fn template(template: &Template) -> String {
    let parts = template.parts().iter().map(|part| match part {
        Part::Text(text) => text.clone(),
        Part::Hole { expression, .. } => format!("{{{{ {} }}}}", condition(expression)),
    });
    parts.collect()
}

/// A time in the largest unit that holds it exactly.
pub(crate) fn duration(time: Duration) -> String {
    let milliseconds = time.as_millis();
    for (unit, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if milliseconds >= size && milliseconds.is_multiple_of(size) {
            return format!("{}{unit}", milliseconds / size);
        }
    }
    format!("{milliseconds}ms")
}

/// A value on one line.
pub(crate) fn value(plan: &Plan, value: &Value) -> String {
    let Value { site: _, kind, optional, keep_blank } = value;
    let mut text = match kind {
        ValueKind::Literal(json) => json.to_string(),
        ValueKind::Path(path, _) => path.text().to_owned(),
        ValueKind::Template(known) => template(known),
        ValueKind::From(known) => from(plan, known),
        ValueKind::Coalesce(values) => format!("first of ({})", all(plan, values)),
        ValueKind::Join(values, with) => format!("({}) joined by {}", all(plan, values), Json::from(with.as_str())),
        ValueKind::Cases(cases, otherwise) => {
            let mut said: Vec<String> =
                cases.iter().map(|(when, is)| format!("{} where {}", self::value(plan, is), condition(when))).collect();
            said.extend(otherwise.iter().map(|otherwise| format!("otherwise {}", self::value(plan, otherwise))));
            said.join("; ")
        }
        ValueKind::Pick(known) => pick(plan, known),
        ValueKind::LookUp { table, key, missing_is_expected } => {
            let name = plan.look_ups.get(*table).map_or("", |table| table.name.as_str());
            let missing = if *missing_is_expected { " (missing: drop)" } else { "" };
            format!("look-up {name} of {}{missing}", self::value(plan, key))
        }
        ValueKind::Quote { quoting, pieces, args } => {
            format!("quote {} {} with ({})", word(quoting), Json::from(pieces.join("?")), all(plan, args))
        }
    };
    match optional {
        Some(true) => text.push_str(" (optional)"),
        Some(false) => text.push_str(" (required)"),
        None => {}
    }
    if *keep_blank {
        text.push_str(" (blank kept)");
    }
    text
}

fn all(plan: &Plan, values: &[Value]) -> String {
    values.iter().map(|inner| value(plan, inner)).collect::<Vec<_>>().join(", ")
}

fn from(plan: &Plan, from: &From) -> String {
    let From { from, map, other, conversion, default } = from;
    let mut text = value(plan, from);
    if let Some(map) = map {
        let entries = map.iter().map(|(key, mapped)| {
            let is = mapped.value.as_ref().map_or_else(|| "null".to_owned(), |is| value(plan, is));
            format!("{key}: {is}")
        });
        text.push_str(&format!(" mapped {{{}}}", entries.collect::<Vec<_>>().join(", ")));
        match other {
            Other::Unknown => {}
            Other::Drop => text.push_str(" other: drop"),
            Other::Keep => text.push_str(" other: keep"),
            Other::Error => text.push_str(" other: error"),
            Other::Is(is) => text.push_str(&format!(" other: {}", value(plan, is))),
        }
    }
    if let Some(conversion) = conversion {
        text.push_str(&format!(" as {}", word(conversion)));
    }
    if let Some(default) = default {
        text.push_str(&format!(" default {}", value(plan, default)));
    }
    text
}

fn pick(plan: &Plan, pick: &Pick) -> String {
    let Pick { list, keep_where, take, first_of_many } = pick;
    let mut text = format!("pick of {}", value(plan, list));
    if let Some(keep) = keep_where {
        text.push_str(&format!(" where {}", condition(keep)));
    }
    if let Some(take) = take {
        text.push_str(&format!(" take {}", value(plan, take)));
    }
    if *first_of_many {
        text.push_str(" (first of many)");
    }
    text
}

/// `GET /v1/users`, with the client where it is not the default one.
pub(crate) fn request(plan: &Plan, request: &Request) -> String {
    let line = format!("{} {}", request.method, template(&request.path));
    match plan.clients.get(request.client).map(|client| client.name.as_str()) {
        Some("default") | None => line,
        Some(client) => format!("{line} (client {client})"),
    }
}

/// Where something goes in a request.
pub(crate) fn send(send: &Send) -> String {
    match send {
        Send::Query(name) => format!("query `{name}`"),
        Send::Header(name) => format!("header `{name}`"),
        Send::Json(pointer) => format!("body `{pointer}`"),
        Send::Form(name) => format!("form field `{name}`"),
    }
}

fn sent(place: Option<&Send>, name: &str) -> String {
    place.map_or_else(|| format!("where the request names `page.{name}`"), |place| format!("in {}", send(place)))
}

fn next(next: &Next) -> String {
    match next {
        Next::Path(path, _) => path.text().to_owned(),
        Next::Header(name) => format!("header `{name}`"),
        Next::Link { relation, attributes } => {
            let wanted: String = attributes.iter().map(|(name, value)| format!("; {name}=\"{value}\"")).collect();
            format!("header `link`, rel=\"{relation}\"{wanted}")
        }
    }
}

/// How a list goes on.
pub(crate) fn page_kind(plan: &Plan, kind: &PageKind) -> String {
    let counted =
        |what: &str, place: Option<&Send>, start: u64| format!("{what} {}, from {start}", sent(place, "number"));
    match kind {
        PageKind::Cursor { next: from, part, send, first } => {
            let mut text = format!("cursor {}", next(from));
            if let Some(part) = part {
                text.push_str(&format!(", its parameter `{part}`,"));
            }
            text.push_str(&format!(" {}", sent(send.as_ref(), "cursor")));
            if let Some(first) = first {
                text.push_str(&format!(", first {}", value(plan, first)));
            }
            text
        }
        PageKind::NextUrl { next: from } => format!("next URL {}", next(from)),
        PageKind::Offset { send, start } => counted("offset", send.as_ref(), *start),
        PageKind::Page { send, start } => counted("page number", send.as_ref(), *start),
        PageKind::StartIndex { send, start } => counted("start index", send.as_ref(), *start),
        PageKind::Keyset { key, send } => {
            format!("after the last {} {}", value(plan, key), sent(send.as_ref(), "last"))
        }
    }
}

/// The signs that a list is at its end.
pub(crate) fn last(rules: &PageRules) -> String {
    let words = rules.last.iter().map(|last| {
        match last {
            LastWord::NextAbsent => "next is absent",
            LastWord::NextNull => "next is null",
            LastWord::NextBlank => "next is blank",
            LastWord::EmptyPage => "a page is empty",
            LastWord::ShortPage => "a page is short",
            LastWord::TotalReached => "the total is reached",
            LastWord::PagesReached => "the announced pages are read",
        }
        .to_owned()
    });
    let conditions = rules.last_when.iter().map(condition);
    listed(&words.chain(conditions).collect::<Vec<_>>(), "or")
}

/// A page rule in one sentence.
pub(crate) fn pages(plan: &Plan, pages: &Pages) -> String {
    let Pages::Rules(rules) = pages else { return "one answer holds the whole list".to_owned() };
    let mut text = page_kind(plan, &rules.kind);
    if let Some(limit) = &rules.limit {
        text.push_str(&format!("; {} a page", limit.value));
    }
    let last = last(rules);
    if !last.is_empty() {
        text.push_str(&format!("; ends where {last}"));
    }
    if let Some((rows, by)) = &rules.window {
        text.push_str(&format!("; anew after {rows} rows from {}", value(plan, by)));
    }
    text
}

/// How an answer becomes rows.
pub(crate) fn take(plan: &Plan, take: &Take) -> String {
    match take {
        Take::Items { paths, absent_is_empty } => {
            let paths: Vec<&str> = paths.iter().map(engine_spec::path::Path::text).collect();
            let absent = if *absent_is_empty { ", none where it is absent" } else { "" };
            format!("each of {}{absent}", paths.join(" or "))
        }
        Take::Item(path) => format!("the one {}", path.text()),
        Take::Entries(path) => format!("each member of {}", path.text()),
        Take::Columns { names, rows } => format!("each of {} with the names {}", rows.text(), value(plan, names)),
        Take::Rows => "as they are".to_owned(),
    }
}

/// What a source is repeated for.
pub(crate) fn for_each(plan: &Plan, each: &ForEach) -> String {
    match each {
        ForEach::Resources { name, of } => match plan.types.get(*of).map(|kind| kind.id.as_str()) {
            Some(id) if id == name || matches!(name.as_str(), "resource" | "parent") => format!("each {id}"),
            Some(id) => format!("each {id}, as `{name}`"),
            None => name.clone(),
        },
        ForEach::Values { name, list } => format!("each `{name}` of {}", value(plan, list)),
    }
}

/// What an answer other than success means.
pub(crate) fn status_rule(rule: &StatusRule) -> String {
    let StatusRule { site: _, statuses, codes, message, when, meaning } = rule;
    let meaning = match meaning {
        Meaning::NoRows => "no rows".to_owned(),
        Meaning::Incomplete => "incomplete".to_owned(),
        Meaning::Retry => "retried".to_owned(),
        Meaning::Fail(say) => format!("fails: {say}"),
    };
    format!("{} → {meaning}", answer(statuses, codes, message.as_deref(), when.as_ref()))
}

/// The conditions on an answer.
pub(crate) fn answer(statuses: &[u16], codes: &[String], message: Option<&str>, when: Option<&Expression>) -> String {
    let mut conditions = Vec::new();
    if !statuses.is_empty() {
        conditions.push(statuses.iter().map(u16::to_string).collect::<Vec<_>>().join("/"));
    }
    if !codes.is_empty() {
        conditions.push(format!("code {}", codes.join("/")));
    }
    conditions.extend(message.map(|message| format!("message with \"{message}\"")));
    conditions.extend(when.map(condition));
    if conditions.is_empty() { "any".to_owned() } else { conditions.join(" and ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_count_inside_quotes_only() {
        assert_eq!(squeezed("  row.a  ==\n 'b  c'   and x "), "row.a == 'b  c' and x");
        assert_eq!(squeezed(r#"a == "x\"  y"  or b"#), r#"a == "x\"  y" or b"#);
    }

    #[test]
    fn a_template_reads_the_same_however_its_holes_are_spaced() {
        let one = Template::compile("/a/{{config.x}}/b").unwrap();
        let other = Template::compile("/a/{{   config.x }}/b").unwrap();
        assert_eq!(template(&one), template(&other));
        assert_eq!(template(&one), "/a/{{ config.x }}/b");
    }

    #[test]
    fn times_are_told_in_the_largest_exact_unit() {
        let told = |milliseconds| duration(Duration::from_millis(milliseconds));
        assert_eq!([told(500), told(1000), told(90_000), told(120_000)], ["500ms", "1s", "90s", "2m"]);
    }

    #[test]
    fn words_of_the_language_come_from_their_variants() {
        assert_eq!(word(&LastWord::ShortPage), "short_page");
    }
}
