//! From texts to one resolved tree: the spec over the fragment it builds on. Maps merge, lists and
//! blocks of another kind replace, `null` removes; every node remembers the text it came from.

mod lost;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde_json::{Map, Value as Json};

use crate::diagnostic::{Code, Diagnostics};
use crate::source::{Place, Source};
use crate::suggest::nearest;
use crate::yaml::{self, Tree, escape};

use lost::Lost;

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
    /// What came from a fragment.
    pub inherited: Inherited,
    origins: HashMap<String, Origin>,
    lost: Lost,
}

/// What a spec took over from its fragment, and what it did not. Pointers are those of the resolved tree.
#[derive(Clone, Debug, Default)]
pub struct Inherited {
    /// The fragment's name.
    pub fragment: Option<String>,
    /// Number of the fragment's source.
    pub source: Option<usize>,
    /// Where each option got its value, and whether the spec gave it.
    pub options: BTreeMap<String, (Place, bool)>,
    /// The options that the text of a node named.
    pub filled: BTreeMap<String, Vec<String>>,
    /// Nodes that the spec says otherwise: where the fragment says them.
    pub replaced: BTreeMap<String, Place>,
    /// Nodes that the spec removes: where it does, and where the fragment has them.
    pub removed: BTreeMap<String, (Place, Place)>,
}

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
        let mut origins: HashMap<String, Origin> = tree
            .spans
            .into_iter()
            .map(|(pointer, span)| {
                (pointer, Origin { source, key: span.key, value: span.value, verbatim: span.verbatim })
            })
            .collect();
        // A text without anything in it has no node, and belongs to its source all the same.
        origins.entry(String::new()).or_insert(Origin { source, key: None, value: 0..0, verbatim: false });
        Self { value: tree.value, inherited: Inherited::default(), origins, lost: Lost::default() }
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
    spec.inherited = fragment.inherited;
    spec.value = merge("", fragment.value, value, &fragment.origins, &mut spec.origins, &mut spec.inherited);
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
    let mut inherited = Inherited { fragment: Some(name.to_owned()), source: Some(source), ..Inherited::default() };
    for option in options.keys() {
        let place = if given.contains_key(option) {
            spec.value_place(&format!("/use/{}/{}", escape(name), escape(option)))
        } else {
            whole.value_place(&format!("/options/{}/default", escape(option)))
        };
        inherited.options.insert(option.clone(), (place, given.contains_key(option)));
    }
    let mut body = whole.value.get("spec").cloned().unwrap_or_default();
    substitute("", &mut body, &options, &mut inherited.filled);
    let origins = whole
        .origins
        .into_iter()
        .filter_map(|(pointer, origin)| Some((pointer.strip_prefix("/spec")?.to_owned(), origin)))
        .collect();
    Some(Resolved { value: body, inherited, origins, lost: Lost::default() })
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
                crate::plan::kind_of(&(&*default).into()),
                crate::plan::kind_of(&value.into())
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

/// Puts option values where a fragment names them, and notes where that was.
fn substitute(pointer: &str, node: &mut Json, options: &Map<String, Json>, filled: &mut BTreeMap<String, Vec<String>>) {
    match node {
        Json::String(text) => {
            if let Some((name, value)) = lone_option(text).and_then(|name| options.get_key_value(name)) {
                filled.insert(pointer.to_owned(), vec![name.clone()]);
                *node = value.clone();
                return;
            }
            for (name, value) in options {
                let hole = format!("{{{{ options.{name} }}}}");
                if text.contains(&hole) {
                    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    *text = text.replace(&hole, &shown);
                    filled.entry(pointer.to_owned()).or_default().push(name.clone());
                }
            }
        }
        Json::Array(items) => {
            for (number, item) in items.iter_mut().enumerate() {
                substitute(&format!("{pointer}/{number}"), item, options, filled);
            }
        }
        Json::Object(members) => {
            for (key, member) in members.iter_mut() {
                substitute(&format!("{pointer}/{}", escape(key)), member, options, filled);
            }
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
    inherited: &mut Inherited,
) -> Json {
    let below = |pointer: &str| {
        let origin = base_origins.get(pointer);
        origin.map(|origin| Place { source: origin.source, range: origin.key.clone().unwrap_or(origin.value.clone()) })
    };
    let (mut base, over) = match (base, over) {
        (Json::Object(base), Json::Object(over)) if !changes_kind(pointer, &base, &over) => (base, over),
        (_, over) => {
            inherited.replaced.extend(below(pointer).map(|place| (pointer.to_owned(), place)));
            return over;
        }
    };
    let mut merged = Map::new();
    for (key, value) in over {
        let inner = format!("{pointer}/{}", escape(&key));
        match base.remove(&key) {
            Some(_) if value.is_null() && !is_map_of_values(pointer) => {
                let here =
                    origins.get(&inner).map(|origin| Place { source: origin.source, range: origin.value.clone() });
                inherited.removed.extend(here.zip(below(&inner)).map(|places| (inner, places)));
            }
            Some(below) => {
                merged.insert(key, merge(&inner, below, value, base_origins, origins, inherited));
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
        merge("", base, over, &HashMap::new(), &mut HashMap::new(), &mut Inherited::default())
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
        let mut filled = BTreeMap::new();
        substitute("", &mut body, json!({"size": 50, "path": "Users"}).as_object().unwrap(), &mut filled);
        assert_eq!(body, json!({"limit": 50, "get": "/Users/x"}));
        let filled: Vec<_> = filled.into_iter().collect();
        assert_eq!(
            filled,
            [("/get".to_owned(), vec!["path".to_owned()]), ("/limit".to_owned(), vec!["size".to_owned()])]
        );
    }
}
