//! The requests of a plan as a tree: what comes first, what each type reads and how often, and what
//! changes the vendor.
//!
//! In: a plan. Out: lines for people, with the line of the spec at each request, and the same as JSON.

use engine_json::{Value as Json, json};
use engine_spec::plan::{Plan, Site};
use unicode_width::UnicodeWidthStr as _;

use crate::describe::{self, Part, Section};

/// Places stand in this column, or behind longer lines.
const PLACES: usize = 76;

/// The tree as text.
pub fn human(plan: &Plan) -> String {
    let mut text = String::new();
    for part in tops(plan) {
        line(&mut text, "", &part, None);
        branches(&mut text, "", &part);
    }
    text
}

/// The tree as data.
pub fn json(plan: &Plan) -> Json {
    tops(plan).iter().map(node).collect()
}

/// The parts that ask: clients, then what comes first, then the types.
fn tops(plan: &Plan) -> Vec<Part> {
    let mut parts: Vec<Part> = describe::plan(plan).into_iter().filter(|part| part.outlined).collect();
    parts.sort_by_key(|part| match part.section {
        Some(Section::Hosts) => 0,
        Some(Section::Opening) => 1,
        _ => 2,
    });
    parts
}

fn node(part: &Part) -> Json {
    let mut shown = json!({ "name": part.key });
    if let Some(members) = shown.as_object_mut() {
        members.extend(part.value.iter().map(|value| ("is".to_owned(), json!(value))));
        members.extend(part.site.iter().map(|site| ("spec".to_owned(), json!(site.to_string()))));
        let parts: Vec<Json> = part.parts.iter().filter(|part| part.outlined).map(node).collect();
        if !parts.is_empty() {
            members.insert("parts".to_owned(), Json::Array(parts));
        }
    }
    shown
}

fn branches(text: &mut String, indent: &str, part: &Part) {
    let shown: Vec<&Part> = part.parts.iter().filter(|part| part.outlined).collect();
    let last = shown.len().saturating_sub(1);
    for (at, inner) in shown.into_iter().enumerate() {
        let (sign, further) = if at == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        line(text, &format!("{indent}{sign}"), inner, part.site.as_ref());
        branches(text, &format!("{indent}{further}"), inner);
    }
}

/// A line with its place, unless that is the line of what stands above.
fn line(text: &mut String, indent: &str, part: &Part, above: Option<&Site>) {
    let value = part.value.as_deref().unwrap_or_default().replace('\n', " ");
    let gap = if value.is_empty() { "" } else { "  " };
    let line = format!("{indent}{}{gap}{value}", part.key);
    let is_above = |site: &Site| above.is_some_and(|above| above.file == site.file && above.line == site.line);
    match part.site.as_ref().filter(|site| !is_above(site)) {
        Some(site) => {
            let room = PLACES.saturating_sub(line.width()).max(2);
            text.push_str(&format!("{line}{}{}:{}\n", " ".repeat(room), site.file, site.line));
        }
        None => text.push_str(&format!("{line}\n")),
    }
}
