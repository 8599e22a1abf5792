//! YAML to a tree that knows where everything stands.
//!
//! Values come from serde_yaml, whose scalar rules are YAML 1.2's; positions come from the events
//! of granit-parser over the same text. Both must agree on what is there. What YAML allows and a
//! spec does not (tags, several documents, duplicate keys, numbers beyond 64 bits) is found here,
//! and put right for the reading of the rest.

mod mend;

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value as Json};

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Place, Source};

use mend::{AGAIN, Edit, Mended, indentation};

/// The largest text that is read, in bytes.
pub const LARGEST: usize = 1 << 20;
/// How many bytes are read at most to find further faults in a text that has some.
const MOST_READ: usize = 4 << 20;
/// A text with more faults of one kind than this is no spec; the rest of it is not looked at.
const MOST_MENDS: usize = 500;
/// The most nodes a text may hold once aliases are followed.
const MOST_NODES: usize = 200_000;

/// A tree with positions.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The value.
    pub value: Json,
    /// Position of each node by JSON Pointer (RFC 6901).
    pub spans: HashMap<String, Span>,
}

/// Where a node stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The key, for members of maps.
    pub key: Option<Range<usize>>,
    /// The value.
    pub value: Range<usize>,
    /// Whether the bytes of `value` are the scalar's text one to one, so that an offset inside the
    /// text is an offset inside the range.
    pub verbatim: bool,
}

/// Reads a text. Faults go to `diagnostics`; nothing comes back if there is no usable tree. A tree
/// can come of a text with faults, so that more of them are found.
pub fn read(source: usize, diagnostics: &mut Diagnostics) -> Option<Tree> {
    let Source { name, text, .. } = diagnostics.sources.get(source)?.clone();
    if text.len() > LARGEST {
        diagnostics.report(
            Code::TooLarge,
            source,
            0..0,
            format!("the text has {} bytes; {LARGEST} is the most", text.len()),
            None,
        );
        return None;
    }
    let mut edits: Vec<Edit> = Vec::new();
    let mut read = 0;
    loop {
        let mended = Mended::new(&text, &edits);
        // Faults are found in the changed text and told in the one that was written.
        let mut found = Diagnostics::default();
        found.add_source(Source::new(&name, &mended.text));
        let mut mends = Vec::new();
        let spans = positions(&mended.text, &mut found, &mut mends);
        // Where tabs were, the indentation is a guess: what does not fit below is no fault of its own.
        let fault = found.sorted().last().map(|fault| mended.original(fault.place.range.start));
        let guessed = edits.iter().filter(|edit| text.get(edit.at.clone()).is_some_and(|was| was.contains('\t')));
        let mut below = guessed.filter_map(|edit| text.get(edit.at.start..fault?));
        if spans.is_none() && mends.is_empty() && below.any(|between| between.matches('\n').count() <= 1) {
            return None;
        }
        diagnostics.adopt(&found, source, |range| mended.original_range(range));
        read += text.len();
        if mends.len() > MOST_MENDS {
            return None;
        }
        if mends.is_empty() || read > MOST_READ {
            return tree(source, &mended, spans?, !edits.is_empty(), diagnostics);
        }
        let known = edits.len();
        for mend in mends {
            let edit = Edit { at: mended.original_range(&mend.at), with: mend.with };
            if !edits.contains(&edit) {
                edits.push(edit);
            }
        }
        if edits.len() == known {
            return None;
        }
    }
}

/// The tree of a text whose nodes have these places.
fn tree(
    source: usize,
    mended: &Mended,
    spans: HashMap<String, Span>,
    has_edits: bool,
    diagnostics: &mut Diagnostics,
) -> Option<Tree> {
    let text = &mended.text;
    let yaml = match serde_yaml::from_str::<serde_yaml::Value>(text).and_then(|mut value| {
        value.apply_merge()?;
        Ok(value)
    }) {
        Ok(value) => value,
        Err(error) => {
            let at = error.location().map_or(0, |location| location.index().min(text.len()));
            let mut found = Diagnostics::default();
            found.add_source(Source::new("", text));
            syntax(text, at, error.to_string(), &mut found, &mut Vec::new());
            diagnostics.adopt(&found, source, |range| mended.original_range(range));
            return None;
        }
    };
    let mut nodes = 0;
    match to_json(yaml, &mut nodes) {
        Ok(mut value) => {
            if has_edits {
                forget_repeated(&mut value);
            }
            let original = |span: Span| Span {
                key: span.key.map(|key| mended.original_range(&key)),
                value: mended.original_range(&span.value),
                verbatim: span.verbatim,
            };
            let spans = spans.into_iter().map(|(pointer, span)| (pointer, original(span))).collect();
            Some(Tree { value, spans })
        }
        Err((code, reason)) => {
            diagnostics.report(code, source, 0..0, reason, None);
            None
        }
    }
}

/// Takes away what stands under a key that is there already.
fn forget_repeated(node: &mut Json) {
    match node {
        Json::Object(members) => {
            members.retain(|key, _| !key.contains(AGAIN));
            members.values_mut().for_each(forget_repeated);
        }
        Json::Array(items) => items.iter_mut().for_each(forget_repeated),
        _ => {}
    }
}

impl Tree {
    /// The span of a node, or of the nearest node around it.
    pub fn span(&self, pointer: &str) -> Option<&Span> {
        let mut pointer = pointer;
        loop {
            if let Some(span) = self.spans.get(pointer) {
                return Some(span);
            }
            pointer = pointer.rsplit_once('/')?.0;
        }
    }
}

/// A key as a step of a JSON Pointer.
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn to_json(yaml: serde_yaml::Value, nodes: &mut usize) -> Result<Json, (Code, String)> {
    *nodes += 1;
    if *nodes > MOST_NODES {
        return Err((
            Code::TooLarge,
            format!("the text holds more than {MOST_NODES} values once aliases are followed"),
        ));
    }
    match yaml {
        serde_yaml::Value::Null => Ok(Json::Null),
        serde_yaml::Value::Bool(value) => Ok(Json::Bool(value)),
        serde_yaml::Value::String(text) => Ok(Json::String(text)),
        serde_yaml::Value::Number(number) => {
            if let Some(value) = number.as_i64() {
                Ok(value.into())
            } else if let Some(value) = number.as_u64() {
                Ok(value.into())
            } else {
                let float = number.as_f64().and_then(serde_json::Number::from_f64);
                float
                    .map(Json::Number)
                    .ok_or_else(|| (Code::Number, "`.inf` and `.nan` are no numbers of JSON".to_owned()))
            }
        }
        serde_yaml::Value::Sequence(items) => {
            items.into_iter().map(|item| to_json(item, nodes)).collect::<Result<_, _>>().map(Json::Array)
        }
        serde_yaml::Value::Mapping(members) => {
            let mut map = Map::new();
            for (key, value) in members {
                map.insert(key_text(&key).map_err(|reason| (Code::Yaml, reason))?, to_json(value, nodes)?);
            }
            Ok(Json::Object(map))
        }
        serde_yaml::Value::Tagged(tagged) => {
            Err((Code::Tag, format!("the tag `{}` is not part of the language", tagged.tag)))
        }
    }
}

fn key_text(key: &serde_yaml::Value) -> Result<String, String> {
    match key {
        serde_yaml::Value::String(text) => Ok(text.clone()),
        serde_yaml::Value::Bool(value) => Ok(value.to_string()),
        serde_yaml::Value::Null => Ok("null".to_owned()),
        serde_yaml::Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        _ => Err("keys are texts, integers, booleans or null".to_owned()),
    }
}

/// How many values the events so far make, aliases followed: counted before anything is built.
#[derive(Default)]
struct Weight {
    total: usize,
    anchors: HashMap<usize, usize>,
    open: Vec<(usize, usize)>,
}

impl Weight {
    fn add(&mut self, event: &Event<'_>) -> usize {
        match event {
            Event::Scalar(_, _, anchor, _) => {
                self.total += 1;
                self.anchors.insert(*anchor, 1);
            }
            Event::MappingStart(_, anchor, _) | Event::SequenceStart(_, anchor, _) => {
                self.open.push((*anchor, self.total));
                self.total += 1;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                if let Some((anchor, before)) = self.open.pop() {
                    self.anchors.insert(anchor, self.total - before);
                }
            }
            Event::Alias(anchor) => {
                self.total = self.total.saturating_add(self.anchors.get(anchor).copied().unwrap_or(MOST_NODES));
            }
            _ => {}
        }
        self.total
    }
}

/// What is open while events pass.
enum Open {
    Map {
        pointer: String,
        start: usize,
        keys: HashMap<String, Range<usize>>,
        key: Option<(String, Range<usize>)>,
        own: Option<Range<usize>>,
    },
    List {
        pointer: String,
        start: usize,
        next: usize,
        own: Option<Range<usize>>,
    },
}

/// The place of each node of a text. Faults go to `diagnostics`, of which the text is the only
/// source, and what would put them right to `mends`.
fn positions(text: &str, diagnostics: &mut Diagnostics, mends: &mut Vec<Edit>) -> Option<HashMap<String, Span>> {
    let source = 0;
    let mut spans = HashMap::new();
    let mut stack: Vec<Open> = Vec::new();
    let mut documents = 0;
    let mut weight = Weight::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(pair) => pair,
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or(0).min(text.len());
                syntax(text, at, error.to_string(), diagnostics, mends);
                return None;
            }
        };
        let range = span.byte_range().unwrap_or(0..0);
        if weight.add(&event) > MOST_NODES {
            let message = format!("the text holds more than {MOST_NODES} values once aliases are followed");
            diagnostics.report(Code::TooLarge, source, range, message, None);
            return None;
        }
        if event.tag().is_some() {
            let mend = without_tag(text, range.start);
            let place = mend.as_ref().map_or_else(|| range.clone(), |edit| edit.at.clone());
            let help = Some("remove the tag".to_owned());
            diagnostics.report(Code::Tag, source, place, "the language has no YAML tags", help);
            mends.extend(mend);
        }
        match event {
            Event::DocumentStart(..) => {
                documents += 1;
                if documents == 2 {
                    mends.push(Edit { at: range.start..text.len(), with: String::new() });
                    diagnostics.report(
                        Code::Documents,
                        source,
                        range,
                        "a second YAML document begins here",
                        Some("put each spec into a file of its own".to_owned()),
                    );
                }
            }
            Event::Scalar(value, style, ..) => {
                let verbatim = text.get(range.clone()).is_some_and(|raw| raw == value);
                let inner = if verbatim { range.clone() } else { unquoted(text, &range, &value) };
                let verbatim = text.get(inner.clone()).is_some_and(|raw| raw == value);
                let key = if style == ScalarStyle::Plain { plain_key(&value) } else { value.to_string() };
                if take_key(&mut stack, &key, range.clone(), diagnostics, mends) {
                    continue;
                }
                if style == ScalarStyle::Plain
                    && let Some(reason) = beyond_json(&value)
                {
                    let help = Some(format!("a text is written in quotes: \"{value}\""));
                    diagnostics.report(Code::Number, source, range.clone(), reason, help);
                    mends.push(Edit { at: range.clone(), with: "1".to_owned() });
                }
                if style == ScalarStyle::Plain && is_old_boolean(&value) {
                    diagnostics.report(
                        Code::YamlBoolean,
                        source,
                        range.clone(),
                        format!("`{value}` is text here and a boolean to other YAML readers"),
                        Some(format!("write `\"{value}\"`, or `true` or `false`")),
                    );
                }
                let shown = if verbatim { inner } else { range };
                place(&mut stack, &mut spans, shown, verbatim);
            }
            Event::Alias(_) if !take_key(&mut stack, "*", range.clone(), diagnostics, mends) => {
                place(&mut stack, &mut spans, range, false);
            }
            Event::MappingStart(..) => {
                if text.get(range.start..).is_some_and(|rest| rest.starts_with("{{")) {
                    let end = text
                        .get(range.start..)
                        .and_then(|rest| rest.find("}}"))
                        .map_or(range.start + 2, |at| range.start + at + 2);
                    diagnostics.report(
                        Code::Unquoted,
                        source,
                        range.start..end,
                        "YAML reads `{{` as the beginning of a map",
                        Some("put the template into quotes: \"{{ … }}\"".to_owned()),
                    );
                    mends.extend(mend::quoted(text, range.start));
                    return None;
                }
                if key_is_due(&stack) {
                    collection_as_key(source, range, diagnostics);
                    return None;
                }
                let (pointer, own) = enter(&mut stack);
                stack.push(Open::Map { pointer, start: range.start, keys: HashMap::new(), key: None, own });
            }
            Event::SequenceStart(..) => {
                if key_is_due(&stack) {
                    collection_as_key(source, range, diagnostics);
                    return None;
                }
                let (pointer, own) = enter(&mut stack);
                stack.push(Open::List { pointer, start: range.start, next: 0, own });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                let (pointer, start, own) = match stack.pop() {
                    Some(Open::Map { pointer, start, own, .. }) | Some(Open::List { pointer, start, own, .. }) => {
                        (pointer, start, own)
                    }
                    None => continue,
                };
                let end = trimmed_end(text, start, range.end.max(start));
                spans.insert(pointer, Span { key: own, value: start..end, verbatim: false });
            }
            Event::Comment(comment, _) => left_to_do(&comment, source, range, diagnostics),
            _ => {}
        }
        if stack.len() > 100 {
            diagnostics.report(
                Code::TooLarge,
                source,
                range_start(&stack),
                "the text is nested more than 100 levels deep",
                None,
            );
            return None;
        }
    }
    Some(spans)
}

fn range_start(stack: &[Open]) -> Range<usize> {
    match stack.last() {
        Some(Open::Map { start, .. } | Open::List { start, .. }) => *start..*start + 1,
        None => 0..0,
    }
}

/// Pointer and key of the node that begins now.
fn enter(stack: &mut [Open]) -> (String, Option<Range<usize>>) {
    match stack.last_mut() {
        None => (String::new(), None),
        Some(Open::Map { pointer, key, .. }) => match key.take() {
            Some((name, range)) => (format!("{pointer}/{}", escape(&name)), Some(range)),
            None => (pointer.clone(), None),
        },
        Some(Open::List { pointer, next, .. }) => {
            *next += 1;
            (format!("{pointer}/{}", *next - 1), None)
        }
    }
}

fn key_is_due(stack: &[Open]) -> bool {
    matches!(stack.last(), Some(Open::Map { key: None, .. }))
}

fn collection_as_key(source: usize, range: Range<usize>, diagnostics: &mut Diagnostics) {
    let help = Some("write each key by itself".to_owned());
    diagnostics.report(Code::Yaml, source, range, "a list or a map cannot be a key", help);
}

/// The key as the tree has it: `0x10` and `16` are one, as are `~` and `null`.
fn plain_key(text: &str) -> String {
    let may_be_other = text.is_empty()
        || text.starts_with(|c: char| c.is_ascii_digit() || "+-~".contains(c))
        || ["null", "true", "false"].iter().any(|word| text.eq_ignore_ascii_case(word));
    let read = if may_be_other { serde_yaml::from_str::<serde_yaml::Value>(text).ok() } else { None };
    read.and_then(|value| key_text(&value).ok()).unwrap_or_else(|| text.to_owned())
}

/// Why a plain scalar is a number that JSON cannot carry, if it is.
fn beyond_json(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return Some(format!("`{text}` is no number of JSON"));
    }
    let all_digits = !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit());
    let is_text = unsigned.len() > 1 && unsigned.starts_with('0');
    let fits = text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok();
    (all_digits && !is_text && !fits).then(|| format!("`{text}` does not fit into 64 bits"))
}

/// Takes a scalar as a key if one is due.
fn take_key(
    stack: &mut [Open],
    value: &str,
    range: Range<usize>,
    diagnostics: &mut Diagnostics,
    mends: &mut Vec<Edit>,
) -> bool {
    let Some(Open::Map { keys, key: key @ None, .. }) = stack.last_mut() else { return false };
    if let Some(first) = keys.insert(value.to_owned(), range.clone())
        && !matches!(value, "<<" | "*")
    {
        diagnostics.push(Diagnostic {
            code: Code::DuplicateKey,
            place: Place { source: 0, range: range.clone() },
            message: format!("the key `{value}` stands twice in this map"),
            related: Some((Place { source: 0, range: first }, "first here".to_owned())),
            help: Some("remove one of them".to_owned()),
        });
        let quoted = diagnostics
            .sources
            .first()
            .is_some_and(|source| source.text.get(range.clone()).is_some_and(|key| key.ends_with(['"', '\''])));
        mends.push(Edit::insert(range.end - usize::from(quoted), &format!("{AGAIN}{}", range.start)));
    }
    *key = Some((value.to_owned(), range));
    true
}

fn place(stack: &mut [Open], spans: &mut HashMap<String, Span>, value: Range<usize>, verbatim: bool) {
    let (pointer, key) = enter(stack);
    spans.insert(pointer, Span { key, value, verbatim });
}

/// A comment that begins with `TODO:` is listed, so that no guess of a draft is forgotten.
fn left_to_do(comment: &str, source: usize, range: Range<usize>, diagnostics: &mut Diagnostics) {
    let Some(what) = comment.trim_start_matches('#').trim().strip_prefix("TODO:").map(str::trim) else { return };
    let message = if what.is_empty() { "something is left to do here" } else { what };
    diagnostics.report(Code::Todo, source, range, message, Some("do it, and remove the comment".to_owned()));
}

/// The inside of a quoted scalar, where that is its text one to one.
fn unquoted(text: &str, range: &Range<usize>, value: &str) -> Range<usize> {
    let inner = range.start + 1..range.end.saturating_sub(1);
    if inner.start <= inner.end && text.get(inner.clone()) == Some(value) { inner } else { range.clone() }
}

/// Block collections end where the next token begins; what people see ends with the last word.
fn trimmed_end(text: &str, start: usize, end: usize) -> usize {
    let inside = text.get(start..end).unwrap_or_default();
    let mut kept = inside.trim_end();
    while let Some(line) = kept.rfind('\n').and_then(|at| kept.get(at + 1..)) {
        if !line.trim_start().starts_with('#') {
            break;
        }
        kept = kept.get(..kept.len() - line.len()).unwrap_or_default().trim_end();
    }
    start + kept.len()
}

fn is_old_boolean(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "yes" | "no" | "on" | "off" | "y" | "n")
}

/// The tag before or at a place, as spaces.
fn without_tag(text: &str, at: usize) -> Option<Edit> {
    let length = |start: usize| text.get(start..).and_then(|rest| rest.find([' ', '\n', ',', ']', '}']));
    let start = match text.get(at..).is_some_and(|rest| rest.starts_with('!')) {
        true => at,
        false => text.get(..at)?.trim_end().rfind([' ', '\n', '[', '{'])? + 1,
    };
    let end = start + length(start)?;
    let is_tag = text.get(start..end).is_some_and(|tag| tag.starts_with('!'));
    is_tag.then(|| Edit { at: start..end, with: " ".repeat(end - start) })
}

/// Reports what keeps a text from being YAML.
fn syntax(text: &str, at: usize, reason: String, diagnostics: &mut Diagnostics, mends: &mut Vec<Edit>) {
    let source = 0;
    let line_start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |found| found + 1);
    // A scanner names the place where the value began that a tab ends.
    let rest = text.get(line_start..).unwrap_or_default();
    let lines = rest.split_inclusive('\n').scan(line_start, |start, line| {
        let at = *start;
        *start += line.len();
        Some((at, line))
    });
    let line_start = match reason.contains("tab") {
        true => lines.into_iter().find(|(_, line)| indentation(line).contains('\t')).map_or(line_start, |(at, _)| at),
        false => line_start,
    };
    let line = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    if let Some(tab) = indentation(line).find('\t').map(|tab| line_start + tab) {
        diagnostics.report(
            Code::Tab,
            source,
            tab..tab + 1,
            "a tab stands where YAML wants spaces",
            Some("indent with two spaces".to_owned()),
        );
        mends.extend(mend::without_tabs(text, line_start));
        return;
    }
    if let Some(open) = hole_outside_quotes(line) {
        let start = line_start + open;
        diagnostics.report(
            Code::Unquoted,
            source,
            start..line_start + line.trim_end().len(),
            "YAML reads `{{` as the beginning of a map",
            Some("put the template into quotes: \"{{ … }}\"".to_owned()),
        );
        mends.extend(mend::quoted(text, start));
        return;
    }
    if reason.contains("recursion limit") || reason.contains("repetition limit") {
        let message = "the aliases of this text lead into each other, or make it too large".to_owned();
        diagnostics.report(Code::TooLarge, source, at..at, message, Some("write out what they stand for".to_owned()));
        return;
    }
    let mend = if reason.contains("anchor") || reason.contains("unexpected character") {
        "put a text that begins with such a sign into quotes"
    } else if reason.contains("mapping values are not allowed") {
        "look at the indentation; a text with `: ` in it needs quotes"
    } else if reason.contains("quoted scalar") {
        "close the quotes"
    } else {
        "look at the indentation and the quotes of this line and the one before"
    };
    let reason = reason.split(" at char ").next().unwrap_or(&reason);
    let reason = reason.split(" at line ").next().unwrap_or(reason).to_owned();
    let end = text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |c| at + c.len_utf8());
    diagnostics.report(Code::Yaml, source, at..end, format!("this is not YAML: {reason}"), Some(mend.to_owned()));
}

/// Where `{{` stands in a line and no quotes are around it.
fn hole_outside_quotes(line: &str) -> Option<usize> {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') && " [{,:".contains(before) => quote = Some(c),
            None if line.get(at..).is_some_and(|rest| rest.starts_with("{{")) => return Some(at),
            None => {}
        }
        before = c;
    }
    None
}
