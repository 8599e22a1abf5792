//! What is known of an API, whatever it was read from: where it is, how one signs in, and the lists
//! that can be asked for. In: nothing; `openapi` and `har` make it. Out: what `choose` decides on.

use std::collections::BTreeMap;

/// An API as a document or a recording shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Api {
    /// What it is called.
    pub title: String,
    /// Its documentation.
    pub docs: Option<String>,
    /// Where it is, `https://api.acme.example`; `None` where nobody says.
    pub origin: Option<String>,
    /// What is to be said about the origin, as a guess or as help.
    pub origin_note: Option<String>,
    /// Path before every path.
    pub base_path: Vec<Segment>,
    /// Ways to sign in by name.
    pub schemes: BTreeMap<String, Scheme>,
    /// Which of them an operation needs unless it says otherwise: one of several sets.
    pub requirements: Vec<Vec<String>>,
    /// The lists, in the order of the document.
    pub lists: Vec<List>,
    /// Requests that change something, method and path; `None` where nothing tells.
    pub changes: Option<Vec<(String, Vec<Segment>)>>,
    /// What was not looked at, and why.
    pub left_out: Vec<String>,
    /// What to call the source in comments, such as `the document`.
    pub source: &'static str,
}

/// A way to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// `Authorization: Bearer …`.
    Bearer,
    /// HTTP Basic.
    Basic,
    /// HTTP Digest.
    Digest,
    /// A header, with what stands before the key in it.
    Header { name: String, before: String },
    /// A query parameter.
    Query { name: String },
    /// OAuth 2.0 with client credentials.
    ClientCredentials { token_url: String, scopes: Vec<String> },
    /// A token that a person gets by signing in.
    Person,
    /// What specs cannot do, such as cookies.
    Unknown { what: String },
}

/// A part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// Text that is sent as it stands.
    Fixed(String),
    /// A parameter.
    Hole(String),
}

/// A request that answers with a list.
#[derive(Clone, Debug)]
pub(crate) struct List {
    /// The path, without that of the server, and without a slash at its end.
    pub path: Vec<Segment>,
    /// Whether a slash stands at its end.
    pub slash: bool,
    /// Query and header parameters.
    pub parameters: Vec<Parameter>,
    /// Where the list stands in the answer; empty where the answer is the list.
    pub items: Vec<String>,
    /// One element.
    pub row: Shape,
    /// The answer around the list.
    pub envelope: Shape,
    /// Whether a `Link` header is known to come.
    pub link_header: bool,
    /// A header that is known to hold the next cursor or page.
    pub next_header: Option<String>,
    /// Whether it is on its way out.
    pub deprecated: bool,
    /// Sets of schemes, where the operation has its own.
    pub requirements: Option<Vec<Vec<String>>>,
}

/// A parameter of the query or a header.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameter {
    /// Its name.
    pub name: String,
    /// Whether it is a header.
    pub header: bool,
    /// Whether it must be sent.
    pub required: bool,
    /// The values it may have.
    pub words: Vec<String>,
    /// The value where none is sent, or the one that was always sent.
    pub default: Option<String>,
    /// The smallest number.
    pub least: Option<u64>,
    /// The largest number.
    pub most: Option<u64>,
}

/// What a value looks like.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Shape {
    /// Its type.
    pub kind: Kind,
    /// Its format, such as `email` or `date-time`.
    pub format: String,
    /// The values it may have.
    pub words: Vec<String>,
    /// A value that shows its form.
    pub example: Option<String>,
}

/// The type of a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Kind {
    /// An object with members.
    Object(BTreeMap<String, Shape>),
    /// A list.
    List(Box<Shape>),
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// Nothing is known.
    #[default]
    Unknown,
}

impl Shape {
    /// A shape of a type.
    pub fn of(kind: Kind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// The members, if it is an object.
    pub fn members(&self) -> Option<&BTreeMap<String, Shape>> {
        match &self.kind {
            Kind::Object(members) => Some(members),
            _ => None,
        }
    }

    /// A member.
    pub fn member(&self, name: &str) -> Option<&Shape> {
        self.members()?.get(name)
    }

    /// Whether it can be an id: text or a whole number.
    pub fn is_id(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::Integer | Kind::Unknown)
    }

    /// Whether it can be text.
    pub fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::Unknown)
    }
}

impl List {
    /// The path as documents write it.
    pub fn shown(&self) -> String {
        shown(&self.path) + if self.slash { "/" } else { "" }
    }

    /// The path as a document writes it, for comparing.
    pub fn is_at(&self, path: &str) -> bool {
        let bare = |text: &str| text.trim().trim_end_matches('/').to_owned();
        bare(&self.shown()) == bare(path)
    }

    /// The last text of the path, in words.
    pub fn last_words(&self) -> Vec<String> {
        let last = self.path.iter().rev().find_map(|segment| match segment {
            Segment::Fixed(text) => Some(text.as_str()),
            Segment::Hole(_) => None,
        });
        let mut words = words(last.unwrap_or_default());
        while words.len() > 1 && words.last().is_some_and(|word| matches!(word.as_str(), "list" | "json" | "all")) {
            words.pop();
        }
        words
    }

    /// The names of its holes.
    pub fn holes(&self) -> impl Iterator<Item = &str> {
        self.path.iter().filter_map(|segment| match segment {
            Segment::Hole(name) => Some(name.as_str()),
            Segment::Fixed(_) => None,
        })
    }
}

/// A path as documents write it.
pub(crate) fn shown(path: &[Segment]) -> String {
    let segments = path.iter().map(|segment| match segment {
        Segment::Fixed(text) => format!("/{text}"),
        Segment::Hole(name) => format!("/{{{name}}}"),
    });
    segments.collect()
}

/// A path of a document in segments; nothing where a segment is neither text nor a parameter.
pub(crate) fn segments(path: &str) -> Option<Vec<Segment>> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Some(Vec::new());
    }
    path.split('/')
        .map(|segment| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) if !name.contains(['{', '}']) && !name.is_empty() => Some(Segment::Hole(name.to_owned())),
            None if is_plain(segment) => Some(Segment::Fixed(segment.to_owned())),
            _ => None,
        })
        .collect()
}

/// Whether a segment can be sent as it stands.
fn is_plain(segment: &str) -> bool {
    segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~@:+,;=-".contains(&byte))
        && !matches!(segment, "" | "." | "..")
        && !segment.starts_with(':')
}

/// The words of a name, in lower case: `userGroups`, `user_groups` and `user-groups` are two.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    let mut capital = true;
    for character in name.chars() {
        if !character.is_alphanumeric() {
            open = false;
            capital = true;
            continue;
        }
        if !open || (character.is_uppercase() && !capital) {
            words.push(String::new());
        }
        open = true;
        capital = character.is_uppercase();
        if let Some(word) = words.last_mut() {
            word.extend(character.to_lowercase());
        }
    }
    words
}

/// A name without what separates its words: `lastLogin`, `last_login` and `last-login` are one.
pub(crate) fn folded(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A word in the singular, as far as English is regular.
pub(crate) fn singular(word: &str) -> String {
    match word {
        "people" => return "person".to_owned(),
        "status" | "access" => return word.to_owned(),
        _ => {}
    }
    if let Some(stem) = word.strip_suffix("ies") {
        return format!("{stem}y");
    }
    match word.strip_suffix('s') {
        Some(stem) if !stem.ends_with('s') => stem.to_owned(),
        _ => word.to_owned(),
    }
}

/// How likely a member of an answer holds the list of what is wanted, 0 for not at all.
pub(crate) fn list_rank(name: &str, wanted: &[String]) -> usize {
    let own = words(name);
    if let (Some(own), Some(wanted)) = (own.last(), wanted.last())
        && singular(own) == singular(wanted)
    {
        return 3;
    }
    match name.to_ascii_lowercase().trim_start_matches('_') {
        "items" | "data" | "results" | "values" | "resources" | "value" | "records" | "entries" | "embedded" => 2,
        "result" | "list" | "content" | "elements" | "rows" | "nodes" | "response" | "payload" | "objects" => 1,
        _ => 0,
    }
}

/// The name in a host: `api.acme.example` is Acme.
pub(crate) fn host_name(origin: &str) -> String {
    let host = url::Url::parse(origin).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let labels: Vec<&str> =
        host.split('.').filter(|label| !matches!(*label, "api" | "www" | "app" | "admin")).collect();
    let label = labels.iter().rev().nth(1).or(labels.first()).copied().unwrap_or_default();
    crate::compose::title(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_by_their_words() {
        assert_eq!(words("userGroups"), ["user", "groups"]);
        assert_eq!(words("user_group-members"), ["user", "group", "members"]);
        assert_eq!(words("userID"), ["user", "id"]);
        assert_eq!(folded("Last-Login_At"), "lastloginat");
        assert_eq!((singular("companies"), singular("access")), ("company".to_owned(), "access".to_owned()));
    }

    #[test]
    fn a_path_with_a_segment_that_is_partly_a_parameter_is_no_path_of_ours() {
        assert_eq!(segments("/a/{b}"), Some(vec![Segment::Fixed("a".into()), Segment::Hole("b".into())]));
        for path in ["/a/{b}.json", "/a/x y", "/a/../b", "/f(x)", "/a/:id", "/a//b"] {
            assert_eq!(segments(path), None, "{path}");
        }
    }
}
