//! From texts to one resolved tree: the spec over the fragment it builds on. Maps merge, lists and
//! blocks of another kind replace, `null` removes; every node remembers the text it came from.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use serde_json::{Map, Value as Json};

use crate::diagnostic::{Code, Diagnostics};
use crate::source::{Place, Source};
use crate::suggest::nearest;
use crate::yaml::{self, Tree, escape};

/// Gives the text of a fragment by name.
pub trait Fragments {
    /// The file's name for messages and its text, if there is such a fragment.
    fn find(&self, name: &str) -> Option<(String, String)>;
    /// The names there are, for suggestions.
    fn names(&self) -> Vec<String>;
}

/// A tree in which every node knows where it came from.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The tree.
    pub value: Json,
    origins: HashMap<String, Origin>,
    lost: Lost,
}

/// What was wrong in a tree and is not there any more. Its faults are told; what follows from its
/// not being there is not.
#[derive(Clone, Debug, Default)]
struct Lost {
    /// Nodes that stand in for something.
    stand_ins: Vec<String>,
    /// Nodes that are gone.
    gone: Vec<String>,
    /// Nodes that were taken for what they say in another notation, or nearly say.
    taken: Vec<String>,
    /// Names that those may have given or used.
    names: BTreeSet<String>,
}

/// Keys that give names to expressions beside them.
const NAMING: &[&str] = &[
    "as",
    "attributes",
    "detail",
    "each",
    "first",
    "for_each",
    "inputs",
    "keep",
    "let",
    "look_up",
    "outer",
    "parent",
    "parts",
    "unnest",
];

/// Where a node came from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Number of the source.
    pub source: usize,
    /// The key.
    pub key: Option<Range<usize>>,
    /// The value.
    pub value: Range<usize>,
    /// Whether the range of the value is its text one to one.
    pub verbatim: bool,
}

impl Resolved {
    /// A tree on its own.
    pub fn alone(source: usize, tree: Tree) -> Self {
        let origins = tree
            .spans
            .into_iter()
            .map(|(pointer, span)| {
                (pointer, Origin { source, key: span.key, value: span.value, verbatim: span.verbatim })
            })
            .collect();
        Self { value: tree.value, origins, lost: Lost::default() }
    }

    /// Gives a member another key, and another value if one is given. Where that key is taken, the
    /// member is dropped.
    pub fn rename(&mut self, pointer: &str, to: &str, value: Option<Json>) {
        let Some((parent, key)) = pointer.rsplit_once('/') else { return };
        let Some(Json::Object(map)) = self.value.pointer_mut(parent) else { return };
        if map.contains_key(to) {
            return self.drop_member(pointer);
        }
        let Some(written) = map.remove(&unescape(key)) else { return };
        map.insert(to.to_owned(), value.unwrap_or(written));
        let renamed = format!("{parent}/{}", escape(to));
        let moved: Vec<String> = self.origins.keys().filter(|known| is_within(known, pointer)).cloned().collect();
        for known in moved {
            if let (Some(origin), Some(rest)) = (self.origins.remove(&known), known.strip_prefix(pointer)) {
                self.origins.insert(format!("{renamed}{rest}"), origin);
            }
        }
    }

    /// Puts something in the place of a node, or where a node is missing.
    pub fn stand_in(&mut self, pointer: &str, value: Json) {
        if let Some(node) = self.value.pointer_mut(pointer) {
            if self.lost.stand_ins.iter().any(|known| is_within(pointer, known)) {
                return;
            }
            self.lost.names.extend(names_in(node));
            self.lost.names.extend(pointer.rsplit('/').next().map(unescape));
            *node = value;
        } else {
            let Some((parent, key)) = pointer.rsplit_once('/') else { return };
            let Some(Json::Object(map)) = self.value.pointer_mut(parent) else { return };
            map.insert(unescape(key), value);
        }
        self.lost.stand_ins.push(pointer.to_owned());
    }

    /// Takes a member away.
    pub fn drop_member(&mut self, pointer: &str) {
        let Some((parent, key)) = pointer.rsplit_once('/') else { return };
        let Some(Json::Object(map)) = self.value.pointer_mut(parent) else { return };
        let Some(node) = map.remove(&unescape(key)) else { return };
        self.lost.names.insert(unescape(key));
        self.lost.names.extend(names_in(&node));
        self.lost.gone.push(pointer.to_owned());
    }

    /// Takes a value for what it says in another notation.
    pub fn take_for(&mut self, pointer: &str, value: Json) {
        let Some(node) = self.value.pointer_mut(pointer) else { return };
        *node = value;
        self.lost.taken.push(pointer.to_owned());
    }

    /// Takes a node for a list of this one.
    pub fn take_for_list(&mut self, pointer: &str) {
        let Some(node) = self.value.pointer_mut(pointer) else { return };
        *node = Json::Array(vec![node.take()]);
        let known: Vec<String> = self.origins.keys().filter(|known| is_within(known, pointer)).cloned().collect();
        for inner in known {
            let origin = if inner == pointer { self.origins.get(&inner).cloned() } else { self.origins.remove(&inner) };
            if let (Some(origin), Some(rest)) = (origin, inner.strip_prefix(pointer)) {
                self.origins.insert(format!("{pointer}/0{rest}"), origin);
            }
        }
    }

    /// Whether something was wrong in a node and is not there any more.
    pub fn is_lost(&self, pointer: &str) -> bool {
        self.lost.nodes().any(|known| is_within(known, pointer))
    }

    /// The words of all texts that may use a definition, also of those that are not there any more.
    pub fn words(&self) -> BTreeSet<String> {
        let parts = self.value.as_object().into_iter().flatten();
        let parts = parts.filter(|(key, _)| !["config", "docs", "name", "notes", "summary"].contains(&key.as_str()));
        let texts = parts.flat_map(|(_, part)| texts_in(part)).chain(self.lost.names.iter().map(String::as_str));
        let words = texts.flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c)));
        words.map(str::to_owned).collect()
    }

    /// The nodes that stand in for something.
    pub fn stand_ins(&self) -> &[String] {
        &self.lost.stand_ins
    }

    /// Whether a fault is one of its own, and does not follow from what was told already.
    pub fn is_news(&self, code: Code, pointer: &str, message: &str) -> bool {
        let Lost { stand_ins, taken, names, .. } = &self.lost;
        let told =
            taken.iter().any(|known| known == pointer) || stand_ins.iter().any(|known| is_within(pointer, known));
        let lacks = code.is_of_absence() && self.is_lost(pointer);
        let unnamed = code == Code::UnknownName && self.lost.nodes().any(|known| names_for(known, pointer));
        let told_names = message.split('`').skip(1).step_by(2).flat_map(|code| code.split(['.', ' ', ':']));
        !told && !lacks && !unnamed && !told_names.into_iter().any(|name| names.contains(name))
    }

    /// Where a node came from; for nodes without a place of their own, the nearest one around it.
    pub fn origin(&self, pointer: &str) -> Option<&Origin> {
        let mut pointer = pointer;
        loop {
            if let Some(origin) = self.origins.get(pointer) {
                return Some(origin);
            }
            pointer = pointer.rsplit_once('/')?.0;
        }
    }

    /// The place of a node's key, or of its value if it has none.
    pub fn key_place(&self, pointer: &str) -> Place {
        match self.origin(pointer) {
            Some(origin) => {
                Place { source: origin.source, range: origin.key.clone().unwrap_or_else(|| first_line(&origin.value)) }
            }
            None => Place { source: 0, range: 0..0 },
        }
    }

    /// The place of a node's value.
    pub fn value_place(&self, pointer: &str) -> Place {
        match self.origin(pointer) {
            Some(origin) => Place { source: origin.source, range: origin.value.clone() },
            None => Place { source: 0, range: 0..0 },
        }
    }

    /// The place of a part of a node's text.
    pub fn inner_place(&self, pointer: &str, inner: &Range<usize>) -> Place {
        match self.origin(pointer) {
            Some(origin) if origin.verbatim && self.origins.contains_key(pointer) => Place {
                source: origin.source,
                range: origin.value.start + inner.start..(origin.value.start + inner.end).min(origin.value.end),
            },
            _ => self.value_place(pointer),
        }
    }

    /// Reports a fault at a key.
    pub fn at_key(
        &self,
        diagnostics: &mut Diagnostics,
        code: Code,
        pointer: &str,
        message: String,
        help: Option<String>,
    ) {
        if self.is_news(code, pointer, &message) {
            let place = self.key_place(pointer);
            diagnostics.report(code, place.source, place.range, message, help);
        }
    }

    /// Reports a fault at a value.
    pub fn at_value(
        &self,
        diagnostics: &mut Diagnostics,
        code: Code,
        pointer: &str,
        message: String,
        help: Option<String>,
    ) {
        if self.is_news(code, pointer, &message) {
            let place = self.value_place(pointer);
            diagnostics.report(code, place.source, place.range, message, help);
        }
    }
}

impl Lost {
    fn nodes(&self) -> impl Iterator<Item = &str> {
        self.stand_ins.iter().chain(&self.gone).map(String::as_str)
    }
}

/// Whether a node may give names to the expressions of another one: both are in one type.
fn names_for(known: &str, pointer: &str) -> bool {
    let block = |pointer: &str| pointer.split('/').take(3).map(str::to_owned).collect::<Vec<_>>();
    known.split('/').any(|step| NAMING.contains(&step)) && block(known) == block(pointer)
}

/// Whether a node is another one or inside it.
fn is_within(pointer: &str, outer: &str) -> bool {
    pointer.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

fn texts_in(node: &Json) -> Vec<&str> {
    match node {
        Json::String(text) => vec![text],
        Json::Array(items) => items.iter().flat_map(texts_in).collect(),
        Json::Object(members) => members.values().flat_map(texts_in).collect(),
        _ => Vec::new(),
    }
}

/// Keys and texts.
fn names_in(node: &Json) -> Vec<String> {
    match node {
        Json::String(text) => vec![text.clone()],
        Json::Array(items) => items.iter().flat_map(names_in).collect(),
        Json::Object(members) => {
            members.iter().flat_map(|(key, value)| std::iter::once(key.clone()).chain(names_in(value))).collect()
        }
        _ => Vec::new(),
    }
}

/// The end of a range is rarely of interest; its beginning is.
fn first_line(range: &Range<usize>) -> Range<usize> {
    range.start..range.end.min(range.start + 1)
}

/// Reads a spec and the fragment it builds on. Faults go to `diagnostics`.
pub fn resolve(name: &str, text: &str, fragments: &dyn Fragments, diagnostics: &mut Diagnostics) -> Option<Resolved> {
    let source = diagnostics.add_source(Source::new(name, text));
    let tree = yaml::read(source, diagnostics)?;
    let mut spec = Resolved::alone(source, tree);
    if !spec.value.is_object() {
        let message = if spec.value.is_null() { "the spec is empty" } else { "a spec is a map" };
        spec.at_value(diagnostics, Code::WrongType, "", message.to_owned(), Some("begin with `format: 1`".to_owned()));
        return None;
    }
    if spec.value.get("use").and_then(Json::as_object).is_some_and(|map| map.len() > 1) {
        let help = Some("write what the others would give into the spec itself".to_owned());
        spec.at_value(diagnostics, Code::OneOf, "/use", "a spec builds on one fragment".to_owned(), help);
        return None;
    }
    let Some((fragment_name, options)) = used_fragment(&spec) else { return Some(spec) };
    let fragment = read_fragment(&fragment_name, &options, &spec, fragments, diagnostics)?;
    let value = std::mem::take(&mut spec.value);
    spec.value = merge("", fragment.value, value, &fragment.origins, &mut spec.origins);
    Some(spec)
}

/// Name and options of `use`, where it has a form that can be followed.
fn used_fragment(spec: &Resolved) -> Option<(String, Map<String, Json>)> {
    match spec.value.get("use")? {
        Json::String(name) => Some((name.clone(), Map::new())),
        Json::Object(map) => {
            let (name, options) = map.iter().next()?;
            Some((name.clone(), options.as_object().cloned().unwrap_or_default()))
        }
        _ => None,
    }
}

fn read_fragment(
    name: &str,
    given: &Map<String, Json>,
    spec: &Resolved,
    fragments: &dyn Fragments,
    diagnostics: &mut Diagnostics,
) -> Option<Resolved> {
    let Some((file, text)) = fragments.find(name) else {
        let names = fragments.names();
        let near = nearest(name, names.iter().map(String::as_str));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", names.join(", ")),
        };
        spec.at_value(diagnostics, Code::UnknownFragment, "/use", format!("there is no fragment `{name}`"), Some(help));
        let near = near.filter(|near| fragments.find(near).is_some())?;
        return read_fragment(near, given, spec, fragments, diagnostics);
    };
    let source = diagnostics.add_source(Source::new(&file, &text));
    let tree = yaml::read(source, diagnostics)?;
    let mut whole = Resolved::alone(source, tree);
    let before = diagnostics.counts().0;
    crate::schema::check_fragment(&mut whole, diagnostics);
    if diagnostics.counts().0 > before {
        return None;
    }
    let options = chosen_options(name, given, &whole, spec, diagnostics);
    let mut body = whole.value.get("spec").cloned().unwrap_or_default();
    substitute(&mut body, &options);
    let origins = whole
        .origins
        .into_iter()
        .filter_map(|(pointer, origin)| Some((pointer.strip_prefix("/spec")?.to_owned(), origin)))
        .collect();
    Some(Resolved { value: body, origins, lost: Lost::default() })
}

fn chosen_options(
    name: &str,
    given: &Map<String, Json>,
    fragment: &Resolved,
    spec: &Resolved,
    diagnostics: &mut Diagnostics,
) -> Map<String, Json> {
    let empty = Map::new();
    let known = fragment.value.get("options").and_then(Json::as_object).unwrap_or(&empty);
    let mut chosen: Map<String, Json> =
        known.iter().map(|(option, rule)| (option.clone(), rule.get("default").cloned().unwrap_or_default())).collect();
    for (option, value) in given {
        let pointer = format!("/use/{}/{}", escape(name), escape(option));
        let Some(default) = chosen.get_mut(option) else {
            let help = nearest(option, known.keys().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            let help =
                help.or_else(|| Some(format!("there are {}", known.keys().cloned().collect::<Vec<_>>().join(", "))));
            spec.at_key(
                diagnostics,
                Code::UnknownOption,
                &pointer,
                format!("the fragment `{name}` has no option `{option}`"),
                help,
            );
            continue;
        };
        let same_type = std::mem::discriminant(default) == std::mem::discriminant(value);
        let choices = known.get(option).and_then(|rule| rule.get("choices")).and_then(Json::as_array);
        if !same_type {
            let message = format!(
                "the option `{option}` must be {}, and is {}",
                crate::plan::kind_of(default),
                crate::plan::kind_of(value)
            );
            spec.at_value(diagnostics, Code::UnknownOption, &pointer, message, None);
        } else if choices.is_some_and(|choices| !choices.is_empty() && !choices.contains(value)) {
            let list = choices.map(|c| c.iter().map(Json::to_string).collect::<Vec<_>>().join(", "));
            spec.at_value(
                diagnostics,
                Code::UnknownOption,
                &pointer,
                format!("this is not a value of the option `{option}`"),
                list.map(|l| format!("there are {l}")),
            );
        } else {
            *default = value.clone();
        }
    }
    chosen
}

/// Puts option values where a fragment names them.
fn substitute(node: &mut Json, options: &Map<String, Json>) {
    match node {
        Json::String(text) => {
            if let Some(value) = lone_option(text).and_then(|name| options.get(name)) {
                *node = value.clone();
                return;
            }
            for (name, value) in options {
                let hole = format!("{{{{ options.{name} }}}}");
                if text.contains(&hole) {
                    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    *text = text.replace(&hole, &shown);
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| substitute(item, options)),
        Json::Object(members) => {
            members.values_mut().for_each(|member| substitute(member, options));
        }
        _ => {}
    }
}

fn lone_option(text: &str) -> Option<&str> {
    text.strip_prefix("{{ options.")?.strip_suffix(" }}").filter(|name| !name.contains(['{', ' ']))
}

/// Keys of which one decides the kind of a block; a block whose kind changes is replaced whole.
const FAMILIES: &[&[&str]] = &[
    &["cursor", "next_url", "offset", "page", "start_index", "keyset"],
    &["headers", "bearer", "basic", "query", "oauth2", "jwt", "login", "hmac", "sigv4", "digest"],
    &["from", "coalesce", "join", "cases", "pick", "look_up", "quote", "literal"],
    &["request", "edit", "choose", "steps"],
];

fn merge(
    pointer: &str,
    base: Json,
    over: Json,
    base_origins: &HashMap<String, Origin>,
    origins: &mut HashMap<String, Origin>,
) -> Json {
    let (mut base, over) = match (base, over) {
        (Json::Object(base), Json::Object(over)) if !changes_kind(pointer, &base, &over) => (base, over),
        (_, over) => return over,
    };
    let mut merged = Map::new();
    for (key, value) in over {
        let inner = format!("{pointer}/{}", escape(&key));
        match base.remove(&key) {
            Some(_) if value.is_null() && !is_map_of_values(pointer) => {}
            Some(below) => {
                merged.insert(key, merge(&inner, below, value, base_origins, origins));
            }
            None => {
                merged.insert(key, value);
            }
        }
    }
    for (key, value) in base {
        let inner = format!("{pointer}/{}", escape(&key));
        adopt(&inner, base_origins, origins);
        merged.insert(key, value);
    }
    Json::Object(merged)
}

/// `null` is a value in `map:`; elsewhere it removes.
fn is_map_of_values(pointer: &str) -> bool {
    pointer.ends_with("/map")
}

fn changes_kind(pointer: &str, base: &Map<String, Json>, over: &Map<String, Json>) -> bool {
    let block = pointer.rsplit('/').next().unwrap_or_default();
    FAMILIES.iter().any(|family| {
        // `query` and `headers` decide the kind of `auth` only.
        if family.contains(&"bearer") && block != "auth" {
            return false;
        }
        let kind = |map: &Map<String, Json>| family.iter().find(|key| map.contains_key(**key)).copied();
        match (kind(base), kind(over)) {
            (Some(was), Some(is)) => was != is,
            _ => false,
        }
    })
}

/// Takes over the origins of a node and everything below it.
fn adopt(pointer: &str, from: &HashMap<String, Origin>, to: &mut HashMap<String, Origin>) {
    let below = format!("{pointer}/");
    for (known, origin) in from {
        if known == pointer || known.starts_with(&below) {
            to.insert(known.clone(), origin.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(base: Json, over: Json) -> Json {
        merge("", base, over, &HashMap::new(), &mut HashMap::new())
    }

    #[test]
    fn maps_merge_lists_replace_and_null_removes() {
        let base = json!({"a": {"x": 1, "y": 2}, "l": [1, 2], "gone": 1});
        let over = json!({"a": {"y": 3}, "l": [9], "gone": null});
        assert_eq!(merged(base, over), json!({"a": {"x": 1, "y": 3}, "l": [9]}));
    }

    #[test]
    fn a_block_of_another_kind_replaces_the_whole_block() {
        let base = json!({"pages": {"start_index": {}, "total": "$.t"}});
        let over = json!({"pages": {"cursor": {"next": "$.n"}}});
        assert_eq!(merged(base, over), json!({"pages": {"cursor": {"next": "$.n"}}}));
    }

    #[test]
    fn options_are_put_in_with_their_type() {
        let mut body = json!({"limit": "{{ options.size }}", "get": "/{{ options.path }}/x"});
        substitute(&mut body, json!({"size": 50, "path": "Users"}).as_object().unwrap());
        assert_eq!(body, json!({"limit": 50, "get": "/Users/x"}));
    }
}
