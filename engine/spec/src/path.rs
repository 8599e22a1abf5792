//! JSONPath (RFC 9535), parsed once. Paths made of names and indices, which nearly all are, are
//! walked by our own loop: it borrows and allocates nothing, where the library builds a path text
//! for every node it visits. The nodes of other paths are found in `nodes`; parsing, and what a
//! filter says, are the library's.

mod nodes;

use engine_json::{Place, Value as Json};
use jsonpath_rust::parser::model::{Filter, FilterAtom, JpQuery, Segment, Selector, Test};
use jsonpath_rust::parser::parse_json_path;

use crate::suggest;

/// How many bytes a path may have.
const LONGEST: usize = 1_000;
/// How many brackets, groups and negations a path may open.
const MOST_OPENINGS: usize = 24;

/// A parsed JSONPath.
#[derive(Clone, Debug)]
pub struct Path {
    text: String,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Plain(Vec<Step>),
    Nodes { steps: Vec<nodes::Step>, singular: bool },
}

#[derive(Clone, Debug)]
enum Step {
    Name(String, Place),
    Index(i64),
}

impl Step {
    fn named(name: String) -> Self {
        Self::Name(name, Place::default())
    }
}

/// Why a text is not a path that specs may use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PathError {
    /// What is wrong.
    pub reason: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Path {
    /// Parses a path that begins with `$`.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        // The library's parser recurses with each bracket and tries nested groups again and again.
        let openings = text.bytes().filter(|byte| matches!(byte, b'[' | b'(' | b'!')).count();
        if text.len() > LONGEST || openings > MOST_OPENINGS {
            return Err(PathError {
                reason: format!("a path has at most {LONGEST} bytes and {MOST_OPENINGS} of `[`, `(` and `!`"),
                help: Some("take the list with `items`, and write paths from its rows".to_owned()),
            });
        }
        let query = parse_json_path(text).map_err(|error| explain(text, &error.to_string()))?;
        if query.segments.iter().any(has_nested_filter) {
            return Err(PathError {
                reason: "a filter inside a filter is not supported".to_owned(),
                help: Some("unnest the inner list and filter it with `where`".to_owned()),
            });
        }
        if let Some((reason, help)) = query.segments.iter().find_map(nodes::refused) {
            return Err(PathError { reason: reason.to_owned(), help: Some(help.to_owned()) });
        }
        let form = match plain_steps(&query) {
            Some(steps) => Form::Plain(steps),
            None => {
                let singular = query.segments.iter().all(is_singular);
                Form::Nodes { steps: nodes::steps(query), singular }
            }
        };
        Ok(Self { text: text.to_owned(), form })
    }

    /// The path that goes through these names.
    pub fn of_names(names: &[&str]) -> Self {
        let text = names.iter().fold("$".to_owned(), |text, name| text + &suggest::step(name));
        Self { text, form: Form::Plain(names.iter().map(|name| Step::named((*name).to_owned())).collect()) }
    }

    /// The first name of a plain path, and the path from there.
    pub fn split_first(&self) -> Option<(&str, Self)> {
        let Form::Plain(steps) = &self.form else { return None };
        let (Step::Name(first, _), rest) = steps.split_first()? else { return None };
        Some((first, Self { text: self.text.clone(), form: Form::Plain(rest.to_vec()) }))
    }

    /// The path as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it can yield at most one node.
    pub fn is_singular(&self) -> bool {
        match &self.form {
            Form::Plain(_) => true,
            Form::Nodes { singular, .. } => *singular,
        }
    }

    /// Whether it is made of names and indices alone, so that something can be put there.
    pub fn is_plain(&self) -> bool {
        matches!(self.form, Form::Plain(_))
    }

    /// Puts a value where a plain path leads. Objects on the way that are not there are made; `false`
    /// comes back where that is not possible.
    pub fn put(&self, root: &mut Json, value: Json) -> bool {
        let Form::Plain(steps) = &self.form else { return false };
        let mut node = root;
        for step in steps {
            let next = match step {
                Step::Name(name, _) => {
                    if node.is_null() {
                        *node = Json::Object(engine_json::Map::new());
                    }
                    node.as_object_mut().and_then(|members| members.get_or_null(name))
                }
                Step::Index(index) => node.as_array_mut().and_then(|items| {
                    let at = place_of(*index, items.len())?;
                    items.get_mut(at)
                }),
            };
            match next {
                Some(next) => node = next,
                None => return false,
            }
        }
        *node = value;
        true
    }

    /// The node that a plain path leads to, to be changed.
    pub fn one_mut<'a>(&self, root: &'a mut Json) -> Option<&'a mut Json> {
        let Form::Plain(steps) = &self.form else { return None };
        let mut node = root;
        for step in steps {
            node = match step {
                Step::Name(name, _) => node.as_object_mut()?.get_mut(name)?,
                Step::Index(index) => {
                    let items = node.as_array_mut()?;
                    let at = place_of(*index, items.len())?;
                    items.get_mut(at)?
                }
            };
        }
        Some(node)
    }

    /// Takes the member away that a plain path leads to; `None` where it leads to no member.
    pub fn remove(&self, root: &mut Json) -> Option<Json> {
        let Form::Plain(steps) = &self.form else { return None };
        let (Step::Name(last, _), before) = steps.split_last()? else { return None };
        let parent = Self { text: String::new(), form: Form::Plain(before.to_vec()) };
        parent.one_mut(root)?.as_object_mut()?.remove(last)
    }

    /// Whether it visits all descendants, which is slow on large pages.
    pub fn descends(&self) -> bool {
        match &self.form {
            Form::Plain(_) => false,
            Form::Nodes { steps, .. } => steps.iter().any(|step| matches!(step, nodes::Step::Descendants(_))),
        }
    }

    /// The first node it yields.
    pub fn one<'a>(&self, root: &'a Json) -> Option<&'a Json> {
        match &self.form {
            Form::Plain(steps) => walk(steps, root),
            Form::Nodes { .. } => self.all(root).into_iter().next(),
        }
    }

    /// All nodes it yields, in document order.
    pub fn all<'a>(&self, root: &'a Json) -> Vec<&'a Json> {
        match &self.form {
            Form::Plain(steps) => walk(steps, root).into_iter().collect(),
            Form::Nodes { steps, .. } => nodes::all(steps, root),
        }
    }

    /// The names of a plain path in order, for saying where the nearest existing path is.
    pub fn names(&self) -> Vec<&str> {
        match &self.form {
            Form::Plain(steps) => steps
                .iter()
                .filter_map(|step| match step {
                    Step::Name(name, _) => Some(name.as_str()),
                    Step::Index(_) => None,
                })
                .collect(),
            Form::Nodes { .. } => Vec::new(),
        }
    }

    /// Whether it ends in a wildcard, which hides a missing array behind an empty result.
    pub fn ends_in_wildcard(&self) -> bool {
        match &self.form {
            Form::Plain(_) => false,
            Form::Nodes { steps, .. } => match steps.last() {
                Some(nodes::Step::Children(selections)) => {
                    matches!(selections.as_slice(), [nodes::Selection::Wildcard])
                }
                _ => false,
            },
        }
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

fn walk<'a>(steps: &[Step], root: &'a Json) -> Option<&'a Json> {
    let mut node = root;
    for step in steps {
        node = match step {
            Step::Name(name, last) => node.as_object()?.get_near(name, last)?,
            Step::Index(index) => element(node.as_array()?, *index)?,
        };
    }
    Some(node)
}

/// The element at an index; a negative one counts from the end.
fn element(items: &[Json], index: i64) -> Option<&Json> {
    items.get(place_of(index, items.len())?)
}

/// The place of an index in a list, from its end where it is negative.
fn place_of(index: i64, length: usize) -> Option<usize> {
    let distance = usize::try_from(index.unsigned_abs()).ok()?;
    if index < 0 { length.checked_sub(distance) } else { Some(distance) }
}

fn plain_steps(query: &JpQuery) -> Option<Vec<Step>> {
    query
        .segments
        .iter()
        .map(|segment| match segment {
            Segment::Selector(Selector::Name(name)) => unquoted(name).map(Step::named),
            Segment::Selector(Selector::Index(index)) => Some(Step::Index(*index)),
            _ => None,
        })
        .collect()
}

/// The library keeps the quotes of a bracketed name. A name with escapes goes to the library.
fn unquoted(name: &str) -> Option<String> {
    if name.contains('\\') {
        return None;
    }
    let inner =
        ['\'', '"'].iter().find_map(|quote| name.strip_prefix(*quote).and_then(|rest| rest.strip_suffix(*quote)));
    Some(inner.unwrap_or(name).to_owned())
}

fn is_singular(segment: &Segment) -> bool {
    matches!(segment, Segment::Selector(Selector::Name(_) | Selector::Index(_)))
}

fn has_nested_filter(segment: &Segment) -> bool {
    match segment {
        Segment::Descendant(inner) => has_nested_filter(inner),
        Segment::Selector(selector) => selector_nests(selector),
        Segment::Selectors(selectors) => selectors.iter().any(selector_nests),
    }
}

fn selector_nests(selector: &Selector) -> bool {
    match selector {
        Selector::Filter(filter) => filter_nests(filter),
        _ => false,
    }
}

fn filter_nests(filter: &Filter) -> bool {
    match filter {
        Filter::Or(parts) | Filter::And(parts) => parts.iter().any(filter_nests),
        Filter::Atom(FilterAtom::Filter { expr, .. }) => filter_nests(expr),
        Filter::Atom(FilterAtom::Test { expr, .. }) => match expr.as_ref() {
            Test::RelQuery(segments) => segments.iter().any(has_filter),
            Test::AbsQuery(query) => query.segments.iter().any(has_filter),
            Test::Function(_) => false,
        },
        Filter::Atom(FilterAtom::Comparison(_)) => false,
    }
}

fn has_filter(segment: &Segment) -> bool {
    match segment {
        Segment::Descendant(inner) => has_filter(inner),
        Segment::Selector(selector) => matches!(selector, Selector::Filter(_)),
        Segment::Selectors(selectors) => selectors.iter().any(|s| matches!(s, Selector::Filter(_))),
    }
}

fn explain(text: &str, error: &str) -> PathError {
    let after_dollar = text.strip_prefix('$').unwrap_or(text);
    if !after_dollar.is_empty() && !after_dollar.starts_with(['.', '[']) {
        return PathError {
            reason: format!("`{text}` is not a JSONPath: after `$` comes `.` or `[`"),
            help: Some(match after_dollar.starts_with(|c: char| c.is_ascii_digit()) || after_dollar.contains(' ') {
                true => format!("a text that begins with `$` is written `{{ literal: \"{text}\" }}`"),
                false => format!(
                    "for a field write `$.{after_dollar}`; for a text that begins with `$` write `{{ literal: \"{text}\" }}`"
                ),
            }),
        };
    }
    if let Some(name) = after_dollar
        .split(['.', '['])
        .find(|name| name.contains(['-', '@', ':', ' ', '/']) && !name.contains(['\'', '"', '?', ']']))
    {
        return PathError {
            reason: format!("the name `{name}` needs quotes in a JSONPath"),
            help: Some(format!("write `$['{name}']`, or `….parent['{name}']` below another name")),
        };
    }
    // The library's own words name rules of its grammar; its place is of use.
    let column = error.split("--> 1:").nth(1).and_then(|rest| rest.lines().next()?.trim().parse::<usize>().ok());
    let rest = column.and_then(|column| Some((column, text.char_indices().nth(column.checked_sub(1)?)?.0)));
    let reason = match rest.and_then(|(column, at)| Some((column, text.get(at..)?))) {
        Some((column, rest)) => format!("`{text}` is not a JSONPath (RFC 9535) from character {column} on: `{rest}`"),
        None => format!("`{text}` is not a JSONPath (RFC 9535); its end is missing"),
    };
    PathError { reason, help: Some("a filter is written `[?@.name == 'x']`, an element `[0]`".to_owned()) }
}

#[cfg(test)]
mod tests {
    use engine_json::json;

    use super::*;

    fn path(text: &str) -> Path {
        Path::parse(text).unwrap()
    }

    #[test]
    fn plain_paths_walk_names_and_indices() {
        let value = json!({"a": {"b c": [1, {"x": 2}]}, "@odata.nextLink": "u"});
        assert_eq!(path("$").one(&value), Some(&value));
        assert_eq!(path("$.a['b c'][1].x").one(&value), Some(&json!(2)));
        assert_eq!(path("$.a['b c'][-1].x").one(&value), Some(&json!(2)));
        assert_eq!(path("$.a['b c'][-3]").one(&value), None);
        assert_eq!(path("$['@odata.nextLink']").one(&value), Some(&json!("u")));
        assert_eq!(path("$.a.missing.deeper").one(&value), None);
        assert!(path("$.a['b c'][1].x").is_singular());
    }

    #[test]
    fn what_a_plain_path_leads_to_can_be_changed_and_taken_away() {
        let mut value = json!({"a": [{"x": 1}, {"x": 2}]});
        *path("$.a[-1].x").one_mut(&mut value).unwrap() = json!(3);
        assert_eq!(path("$.a[0].x").remove(&mut value), Some(json!(1)));
        assert_eq!(value, json!({"a": [{}, {"x": 3}]}));
        assert_eq!(path("$.a[0].x").remove(&mut value), None);
        assert_eq!(path("$.a[0]").remove(&mut value), None);
        assert_eq!(path("$.a[*].x").one_mut(&mut value), None);
    }

    #[test]
    fn urn_keys_with_dots_and_colons_can_be_quoted() {
        let value = json!({"urn:ietf:params:scim:schemas:extension:dbtLabs:2.0:User": {"licenseType": "it"}});
        let found = path("$['urn:ietf:params:scim:schemas:extension:dbtLabs:2.0:User'].licenseType");
        assert_eq!(found.one(&value), Some(&json!("it")));
    }

    #[test]
    fn wildcards_slices_and_filters_yield_many() {
        let value = json!({"e": [{"v": 1, "p": true}, {"v": 2}, {"v": 3, "p": true}]});
        let all = |text: &str| path(text).all(&value).into_iter().cloned().collect::<Vec<_>>();
        assert_eq!(all("$.e[*].v"), [json!(1), json!(2), json!(3)]);
        assert_eq!(all("$.e[0:2].v"), [json!(1), json!(2)]);
        assert_eq!(all("$.e[?@.p == true].v"), [json!(1), json!(3)]);
        assert_eq!(all("$.e[?@.v > 1 && @.p].v"), [json!(3)]);
        assert_eq!(all("$..v"), [json!(1), json!(2), json!(3)]);
        assert!(!path("$.e[*].v").is_singular());
    }

    #[test]
    fn escaped_quotes_in_names_are_understood() {
        let value = json!({"it's": 1});
        assert_eq!(path(r"$['it\'s']").one(&value), Some(&json!(1)));
    }

    #[test]
    fn a_missing_dot_and_an_unquoted_name_are_explained() {
        let missing_dot = Path::parse("$id").unwrap_err();
        assert!(missing_dot.help.unwrap().contains("`$.id`"));
        let unquoted = Path::parse("$.vcs-type").unwrap_err();
        assert_eq!(unquoted.reason, "the name `vcs-type` needs quotes in a JSONPath");
    }

    #[test]
    fn filters_inside_filters_are_refused() {
        assert!(Path::parse("$[?@[?@>1]]").is_err());
    }
}
