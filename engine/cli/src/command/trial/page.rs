//! A trial as text: requests and answers, then each row with its records beside it, then the paths
//! that found nothing.

use std::borrow::Cow;
use std::fmt::Write as _;

use engine_json::Value as Json;
use engine_run::trial::{Exchanged, Finding, Made, Trial, TriedList, TriedRow, Unfound};
use unicode_width::UnicodeWidthStr as _;

use crate::summary::size;
use crate::table::{cut, visible};

/// Longest text shown of a value, in columns.
const LONGEST: usize = 60;
/// Most lines shown of a row.
const MOST_LINES: usize = 40;
/// So deep are objects of an answer opened.
const DEEPEST: usize = 4;
/// Most members shown of an object of an answer.
const MOST_MEMBERS: usize = 12;

/// What it is shown on.
pub struct Surface {
    /// Columns.
    pub width: usize,
    /// Whether exchanges are shown whole.
    pub is_whole: bool,
    /// The kind of record that was asked for, whose fields are shown.
    pub kind: Kind,
}

/// What was asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Resources.
    Resources,
    /// Entitlements and grants.
    Grants,
}

/// The whole page.
pub fn text(trial: &Trial, surface: &Surface) -> String {
    let mut text = String::new();
    if !trial.opening.is_empty() {
        text.push_str("before the lists\n");
        trial.opening.iter().for_each(|exchange| line(&mut text, exchange, surface));
    }
    for list in &trial.lists {
        one(&mut text, list, surface);
    }
    if !trial.paths_not_found.is_empty() {
        text.push_str("\npaths that found nothing\n");
        trial.paths_not_found.iter().for_each(|unfound| missed(&mut text, unfound));
    }
    text.trim_start_matches('\n').to_owned()
}

fn one(text: &mut String, list: &TriedList, surface: &Surface) {
    let role = if list.is_target { "" } else { ", which the tried list needs" };
    let _ = writeln!(text, "\n{} ({}){role}", list.list, list.spec);
    exchanges(text, &list.exchanges, surface);
    for (number, row) in list.rows.iter().enumerate() {
        if list.is_target {
            beside(text, number + 1, row, surface);
        } else {
            row.findings.iter().for_each(|finding| found(text, finding));
        }
    }
    let more = if list.has_more { ", and there are more" } else { "" };
    let _ = writeln!(text, "\n  {} row{}{more}", list.rows.len(), if list.rows.len() == 1 { "" } else { "s" });
    let mut told: Vec<String> = Vec::new();
    for finding in &list.notes {
        let mut note = String::new();
        found(&mut note, finding);
        // A list that is read for each of several resources may have the same to say of each.
        if !told.contains(&note) {
            text.push_str(&note);
            told.push(note);
        }
    }
}

fn exchanges(text: &mut String, exchanges: &[Exchanged], surface: &Surface) {
    for exchange in exchanges {
        line(text, exchange, surface);
        if !surface.is_whole {
            exchange.request_body.iter().for_each(|body| lines(text, ">", &brief(body)));
            exchange.answer_body.iter().for_each(|body| lines(text, "<", &brief(body)));
        }
    }
}

/// A request and how it was answered; with all there is to it where exchanges are shown whole.
fn line(text: &mut String, exchange: &Exchanged, surface: &Surface) {
    let _ = write!(text, "  {} {}", exchange.method, visible(&exchange.url));
    let _ = match (&exchange.status, &exchange.failure) {
        (Some(status), _) => {
            writeln!(text, "  {status}, {}, {} ms", size(exchange.bytes as u64), exchange.milliseconds)
        }
        (None, failure) => writeln!(text, "  {}", visible(failure.as_deref().unwrap_or_default())),
    };
    if surface.is_whole {
        headers(text, ">", &exchange.request_headers);
        exchange.request_body.iter().for_each(|body| whole(text, ">", body));
        headers(text, "<", &exchange.answer_headers);
        exchange.answer_body.iter().for_each(|body| whole(text, "<", body));
    }
}

fn headers(text: &mut String, mark: &str, headers: &[(String, String)]) {
    for (name, value) in headers {
        let _ = writeln!(text, "    {mark} {}: {}", visible(name), visible(value));
    }
}

fn whole(text: &mut String, mark: &str, body: &str) {
    let pretty = serde_json::from_str::<Json>(body).ok().and_then(|json| serde_json::to_string_pretty(&json).ok());
    lines(text, mark, pretty.as_deref().unwrap_or(body));
}

fn lines(text: &mut String, mark: &str, body: &str) {
    for line in body.lines() {
        let _ = writeln!(text, "    {mark} {}", visible(line));
    }
}

/// A body with long lists, deep objects and long texts cut.
fn brief(body: &str) -> String {
    match serde_json::from_str::<Json>(body) {
        Ok(json) => cut_json(&json, 0),
        Err(_) => cut(Cow::Borrowed(body.trim()), 4 * LONGEST).into_owned(),
    }
}

fn cut_json(json: &Json, depth: usize) -> String {
    let indent = "  ".repeat(depth + 1);
    match json {
        Json::Object(members) if members.is_empty() => "{}".to_owned(),
        Json::Object(_) if depth >= DEEPEST => "{…}".to_owned(),
        Json::Object(members) => {
            let mut lines: Vec<String> = members
                .iter()
                .take(MOST_MEMBERS)
                .map(|(name, member)| format!("{indent}{}: {}", Json::from(name.as_str()), cut_json(member, depth + 1)))
                .collect();
            if members.len() > MOST_MEMBERS {
                lines.push(format!("{indent}… {} more", members.len() - MOST_MEMBERS));
            }
            format!("{{\n{}\n{}}}", lines.join(",\n"), "  ".repeat(depth))
        }
        Json::Array(items) => match items.len() {
            0 => "[]".to_owned(),
            1 => "[… 1 element]".to_owned(),
            count => format!("[… {count} elements]"),
        },
        other => cut(Cow::Owned(other.to_string()), LONGEST).into_owned(),
    }
}

/// A row on the left, its records on the right.
fn beside(text: &mut String, number: usize, row: &TriedRow, surface: &Surface) {
    let of = row.of.as_ref().map(|of| format!(" of {}", visible(of))).unwrap_or_default();
    let _ = writeln!(text, "\n  row {number}{of}");
    let right = records(row, surface.kind);
    let room = surface.width.saturating_sub(6) / 2;
    let mut left: Vec<String> = serde_json::to_string_pretty(&row.row)
        .unwrap_or_default()
        .lines()
        .map(|line| cut(visible(line), room).into_owned())
        .collect();
    if left.len() > MOST_LINES {
        let cut_away = left.len() - MOST_LINES;
        left.truncate(MOST_LINES);
        left.push(format!("… {cut_away} more lines; `--trace` shows all"));
    }
    let width = left.iter().map(|line| line.width()).max().unwrap_or(0);
    for at in 0..left.len().max(right.len()) {
        let left = left.get(at).map_or("", String::as_str);
        let right = right.get(at).map_or("", String::as_str);
        let padding = " ".repeat(width.saturating_sub(left.width()));
        let _ = writeln!(text, "{}", format!("    {left}{padding}  │ {right}").trim_end());
    }
    row.findings.iter().for_each(|finding| found(text, finding));
}

fn records(row: &TriedRow, kind: Kind) -> Vec<String> {
    let mut lines = Vec::new();
    for record in &row.records {
        lines.push(format!("{} {}", record.kind, visible(&record.id)));
        if (record.kind == "resource") == (kind == Kind::Resources) {
            lines.extend(fields(record));
        }
    }
    if row.records.is_empty() {
        let left_out = if row.filtered > 0 { "left out by the spec's conditions" } else { "no record" };
        lines.push(left_out.to_owned());
    }
    lines
}

fn fields(record: &Made) -> Vec<String> {
    let names = record.fields.iter().map(|field| field.name.width()).max().unwrap_or(0);
    let shown: Vec<String> = record
        .fields
        .iter()
        .map(|field| match &field.value {
            Json::String(text) => cut(visible(text), LONGEST).into_owned(),
            Json::Null => "–".to_owned(),
            other => cut(Cow::Owned(visible(&other.to_string()).into_owned()), LONGEST).into_owned(),
        })
        .collect();
    let values = shown.iter().map(|value| value.width()).max().unwrap_or(0);
    record
        .fields
        .iter()
        .zip(shown)
        .map(|(field, value)| {
            let name = format!("{}{}", field.name, " ".repeat(names - field.name.width()));
            match &field.from {
                Some(from) => format!("  {name}  {value}{}  {from}", " ".repeat(values - value.width())),
                None => format!("  {name}  {value}"),
            }
        })
        .collect()
}

fn found(text: &mut String, finding: &Finding) {
    let _ = write!(text, "    note: {}", visible(&finding.what));
    if let Some(sample) = &finding.sample {
        let _ = write!(text, " (such as `{}`)", visible(sample));
    }
    if let Some(spec) = &finding.spec {
        let _ = write!(text, " at {spec}");
    }
    text.push('\n');
    if let Some(hint) = &finding.hint {
        let _ = writeln!(text, "      try: {}", visible(hint));
    }
}

fn missed(text: &mut String, unfound: &Unfound) {
    let times = if unfound.asked == 1 { "once".to_owned() } else { format!("{} times", unfound.asked) };
    let _ = write!(text, "  `{}` at {}: looked for {times}", unfound.path, unfound.spec);
    let there: Vec<String> = unfound.there.iter().map(|name| visible(name).into_owned()).collect();
    let _ = match (&unfound.nearest, there.is_empty()) {
        (Some(nearest), _) => writeln!(text, "; the nearest there is `{}`", visible(nearest)),
        (None, false) => writeln!(text, "; nothing there is near: {}", there.join(", ")),
        (None, true) => writeln!(text),
    };
}
