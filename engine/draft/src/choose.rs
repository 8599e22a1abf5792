//! Which lists are the users, and which the groups, the roles and the places that people are members
//! of. In: an API. Out: the choice, with what else it could have been.

use crate::api::{Api, List, Segment, Shape, folded, segments, singular, words};
use crate::fields::{EMAIL, Fields, LOGIN};
use crate::membership::{Membership, memberships};

/// What a list may be of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Topic {
    /// People.
    User,
    /// Groups and teams.
    Group,
    /// Roles.
    Role,
    /// What people work in: projects, workspaces, channels.
    #[default]
    Place,
}

/// A list that was chosen for a topic.
#[derive(Clone, Debug)]
pub(crate) struct Chosen<'a> {
    /// The list.
    pub list: &'a List,
    /// What else there was, the best first.
    pub others: Vec<String>,
    /// Whether the user named it.
    pub named: bool,
}

/// What is to be drafted.
#[derive(Clone, Debug)]
pub(crate) struct Choice<'a> {
    /// The users.
    pub users: Chosen<'a>,
    /// What they are in or hold: groups, then roles, then places.
    pub held: Vec<Held<'a>>,
}

/// A list of what users are in or hold.
#[derive(Clone, Debug)]
pub(crate) struct Held<'a> {
    /// What it is of.
    pub topic: Topic,
    /// The id of its type, such as `team`.
    pub id: String,
    /// What fields of other rows call it, folded.
    pub words: Vec<String>,
    /// The list.
    pub chosen: Chosen<'a>,
}

impl Held<'_> {
    /// What fields of other rows call it, folded.
    pub fn words(&self) -> Vec<&str> {
        self.words.iter().map(String::as_str).collect()
    }
}

impl Topic {
    /// What the type is called in a spec, and its words.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Self::User => &["user", "member", "person", "account", "employee", "agent", "teammate", "admin"],
            Self::Group => &["group", "team", "usergroup"],
            Self::Role => &["role", "permissionset"],
            Self::Place => &[],
        }
    }

    /// The id of the resource type where its list has no name for it.
    pub fn id(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
            Self::Place => "place",
        }
    }

    /// How likely a list with such a name is of this topic.
    pub fn weight(self, words: &[String]) -> Option<i32> {
        let last = singular(words.last()?);
        let before = words.len().checked_sub(2).and_then(|at| words.get(at)).map(|word| singular(word));
        let found = match (self, last.as_str()) {
            (Self::User, "user") => 10,
            (Self::User, "member" | "person" | "teammate" | "people") => 8,
            (Self::User, "employee") => 7,
            (Self::User, "agent" | "admin") => 5,
            (Self::User, "account") => 4,
            (Self::User, "collaborator") => 3,
            (Self::Group, "group" | "usergroup") => 10,
            (Self::Group, "team") => 9,
            (Self::Role, "role") => 10,
            (Self::Role, "permissionset") => 8,
            (Self::Role, "set") if before.as_deref() == Some("permission") => 8,
            (Self::Place, word) if PLACES.contains(&word) => 8,
            _ => return None,
        };
        // `service_accounts`, `resource_groups`: another noun makes it something else.
        let modified = words.len() > 1
            && last != "set"
            && before.is_some_and(|word| {
                !matches!(
                    word.as_str(),
                    "user"
                        | "team"
                        | "group"
                        | "org"
                        | "organization"
                        | "account"
                        | "member"
                        | "workspace"
                        | "admin"
                        | "project"
                        | "all"
                )
            });
        Some(if modified { found - 6 } else { found })
    }
}

/// Whether a list may be chosen for anything, by its path.
pub(crate) fn may_matter(list: &List) -> bool {
    let words = list.last_words();
    let pair = words.last().is_some_and(|word| matches!(singular(word).as_str(), "membership" | "assignment"));
    let topics = [Topic::User, Topic::Group, Topic::Role, Topic::Place];
    pair || topics.iter().any(|topic| topic.weight(&words).is_some())
}

/// Whether a path that ends in text would matter if its answer held a list.
pub(crate) fn may_matter_alone(path: &str) -> bool {
    let is_list = segments(path).is_some_and(|path| matches!(path.last(), Some(Segment::Fixed(_))));
    let words = crate::openapi::last_words(path);
    is_list && [Topic::User, Topic::Group, Topic::Role].iter().any(|topic| topic.weight(&words).is_some())
}

/// Paths that the user named.
#[derive(Clone, Debug, Default)]
pub(crate) struct Named<'a> {
    /// The list of users.
    pub users: Option<&'a str>,
    /// The lists of groups.
    pub groups: Vec<&'a str>,
    /// The lists of roles.
    pub roles: Vec<&'a str>,
}

/// A list with how likely it is the one.
type Scored<'a> = (i32, &'a List);

/// Chooses. What the user named and is not there, or named for two things, is told by its path.
pub(crate) fn choose<'a>(api: &'a Api, named: &Named<'_>) -> Result<Choice<'a>, Missing> {
    let users = candidates(api, Topic::User, named.users.as_slice())?;
    let groups = candidates(api, Topic::Group, &named.groups)?;
    let roles = candidates(api, Topic::Role, &named.roles)?;
    let given =
        [(&users, named.users.is_some()), (&groups, !named.groups.is_empty()), (&roles, !named.roles.is_empty())];
    let mut told: Vec<&List> = Vec::new();
    for (_, list) in given.iter().filter(|(_, named)| *named).flat_map(|(lists, _)| lists.iter()) {
        if told.iter().any(|other| std::ptr::eq(*other, *list)) {
            return Err(Missing::Twice(list.shown()));
        }
        told.push(list);
    }
    let best_user = |beside: Option<&List>| {
        let with_bonus = |(score, list): &Scored<'a>| {
            *score + beside.map_or(0, |beside| if prefix(&beside.path) == prefix(&list.path) { 5 } else { 0 })
        };
        best(&users, with_bonus)
    };
    let mut pair: (i32, Option<&List>, Option<&List>) = (i32::MIN, None, None);
    for group in std::iter::once(None).chain(groups.iter().map(Some)) {
        let beside = group.map(|(_, list)| *list);
        if let Some((score, user)) = best_user(beside) {
            let worth = score + group.map_or(0, |(score, _)| *score);
            if worth > pair.0 {
                pair = (worth, Some(user), beside);
            }
        }
    }
    let Some(user) = pair.1 else { return Err(Missing::Users) };
    if named.users.is_none() && told.iter().any(|list| std::ptr::eq(*list, user)) {
        return Err(Missing::OfUsers(user.shown()));
    }
    let group = pair.2.filter(|group| !std::ptr::eq(*group, user));
    let role = best(&roles, |(score, list)| *score + if prefix(&list.path) == prefix(&user.path) { 5 } else { 0 });
    let mut choice = Choice { users: chosen(user, &users, named.users.is_some()), held: Vec::new() };
    add(api, &mut choice, Topic::Group, group, &groups, !named.groups.is_empty());
    add(api, &mut choice, Topic::Role, role.map(|(_, list)| list), &roles, !named.roles.is_empty());
    if named.groups.is_empty() {
        let places = candidates(api, Topic::Place, &[])?;
        add(api, &mut choice, Topic::Place, None, &places, false);
    }
    name_fields(&mut choice.held);
    Ok(choice)
}

fn chosen<'a>(list: &'a List, all: &[Scored<'a>], named: bool) -> Chosen<'a> {
    let mut others: Vec<_> = all.iter().filter(|(_, other)| !std::ptr::eq(*other, list)).collect();
    others.sort_by_key(|(score, _)| -score);
    Chosen { list, others: others.iter().take(3).map(|(_, other)| other.shown()).collect(), named }
}

/// Adds the lists of a topic: the one that is most likely, then all others that are of something else
/// and say who is in it.
fn add<'a>(
    api: &'a Api,
    choice: &mut Choice<'a>,
    topic: Topic,
    first: Option<&'a List>,
    all: &[Scored<'a>],
    named: bool,
) {
    let mut ranked = if named { all.to_vec() } else { scored(api, topic, POSSIBLE) };
    if !named {
        ranked.sort_by_key(|(score, list)| (first.is_none_or(|first| !std::ptr::eq(first, *list)), -*score));
    }
    let mut taken: Vec<(String, &'a List)> = Vec::new();
    for (_, list) in ranked {
        let noun = noun(list, topic);
        let known = choice.held.iter().any(|held| std::ptr::eq(held.chosen.list, list) || (!named && held.id == noun));
        let is_user = std::ptr::eq(choice.users.list, list);
        let is_first = first.is_some_and(|first| std::ptr::eq(first, list));
        let fits = is_first || named || is_further(api, choice, topic, &noun, list);
        if fits && !known && !is_user && (named || taken.iter().all(|(other, _)| *other != noun)) {
            taken.push((noun, list));
        }
    }
    let others: Vec<Scored<'a>> =
        all.iter().filter(|(_, list)| taken.iter().all(|(_, one)| !std::ptr::eq(*one, *list))).copied().collect();
    for (number, (noun, list)) in taken.into_iter().enumerate() {
        // What else there is belongs to the list that it could be in the place of.
        let rivals: Vec<Scored<'a>> = others
            .iter()
            .filter(|(_, other)| number == 0 && topic != Topic::Place || self::noun(other, topic) == noun)
            .copied()
            .collect();
        let id = free(&choice.held, &noun);
        let words = vec![folded(&noun)];
        choice.held.push(Held { topic, id, words, chosen: chosen(list, &rivals, named) });
    }
}

/// Whether a list is to be drafted beside the most likely one: all of it can be read, and it plainly
/// is of the topic, or says who is in it. What SCIM has is there once more.
fn is_further(api: &Api, choice: &Choice<'_>, topic: Topic, noun: &str, list: &List) -> bool {
    let is_scim = |list: &List| prefix(&list.path).contains(&Segment::Fixed("scim".to_owned()));
    if list.deprecated || !list.holes().all(is_tenant) || is_scim(list) {
        return false;
    }
    let is_plain = topic != Topic::Place && list.last_words().len() == 1;
    is_plain
        || memberships(api, choice.users.list, list, &[&folded(noun)])
            .iter()
            .any(|way| !matches!(way, Membership::PerUser(_) | Membership::OfUser { by_id: false, .. }))
}

/// The words of a topic that no type is called by are those of its first type.
fn name_fields(held: &mut [Held<'_>]) {
    let taken: Vec<String> = held.iter().flat_map(|held| held.words.clone()).collect();
    for topic in [Topic::Group, Topic::Role] {
        if let Some(first) = held.iter_mut().find(|held| held.topic == topic) {
            let free = topic.words().iter().filter(|word| !taken.iter().any(|taken| taken == *word));
            first.words.extend(free.map(|word| (*word).to_owned()));
        }
    }
}

/// What the rows of a list are, as the id of a type.
fn noun(list: &List, topic: Topic) -> String {
    let mut words = list.last_words();
    if let Some(last) = words.last_mut() {
        *last = singular(last);
    }
    let noun = words.join("_");
    let is_id = noun.len() <= 40
        && noun.starts_with(|c: char| c.is_ascii_lowercase())
        && noun.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if is_id { noun } else { topic.id().to_owned() }
}

/// The id, or one like it that is not taken.
fn free(held: &[Held<'_>], id: &str) -> String {
    let is_taken = |id: &str| id == Topic::User.id() || held.iter().any(|held| held.id == id);
    let numbered = (2..).map(|number| format!("{id}_{number}"));
    std::iter::once(id.to_owned()).chain(numbered).find(|id| !is_taken(id)).unwrap_or_default()
}

/// Why there is no choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// No list of users was found.
    Users,
    /// A path that the user named is no list.
    Named(String),
    /// A path that the user named twice.
    Twice(String),
    /// A path that the user named for something else is the likeliest list of users.
    OfUsers(String),
}

fn best<'a>(all: &[(i32, &'a List)], score: impl Fn(&(i32, &'a List)) -> i32) -> Option<(i32, &'a List)> {
    // Of two that are as good, the one that the document names first.
    all.iter().map(|entry| (score(entry), entry.1)).reduce(|best, other| if other.0 > best.0 { other } else { best })
}

fn candidates<'a>(api: &'a Api, topic: Topic, named: &[&str]) -> Result<Vec<Scored<'a>>, Missing> {
    let at = |path: &&str| {
        let found = api
            .lists
            .iter()
            .find(|list| list.is_at(path) || crate::api::shown(&api.base_path) + &list.shown() == **path);
        found.map(|list| (100, list)).ok_or_else(|| Missing::Named((*path).to_owned()))
    };
    if !named.is_empty() {
        return named.iter().map(at).collect();
    }
    Ok(scored(api, topic, LIKELY))
}

/// What a list must be worth to be chosen, and to be drafted beside another one if it tells who is in it.
const LIKELY: i32 = 5;
const POSSIBLE: i32 = 1;

fn scored(api: &Api, topic: Topic, least: i32) -> Vec<Scored<'_>> {
    let scored = api.lists.iter().filter_map(|list| Some((score(list, topic)?, list)));
    scored.filter(|(score, _)| *score >= least).collect()
}

/// How likely a list is the one for a topic.
fn score(list: &List, topic: Topic) -> Option<i32> {
    if matches!(list.path.last(), Some(Segment::Hole(_))) {
        return None;
    }
    let mut score = topic.weight(&list.last_words())?;
    let fields = Fields::of(&list.row, topic.words());
    fields.id(topic.words(), None)?;
    let named = |names: &[&str]| fields.find(names, Shape::is_text).is_some();
    match topic {
        Topic::User => {
            let email = named(EMAIL) || fields.emails().is_some();
            let known = email || named(LOGIN) || !fields.names().is_empty() || fields.parts_of_name().0.is_some();
            if !known {
                return None;
            }
            score += if email { 5 } else { 0 } + if named(LOGIN) { 1 } else { 0 };
        }
        Topic::Group | Topic::Role | Topic::Place => {
            if fields.names().is_empty() {
                score -= 3;
            }
        }
    }
    score += if matches!(crate::pages::recognised(list).way, crate::pages::Way::None) { 0 } else { 2 };
    score -= if list.deprecated { 12 } else { 0 };
    Some(score + place(list, topic))
}

/// What the rest of a path says.
fn place(list: &List, topic: Topic) -> i32 {
    let mut score = 0;
    let mut before: Option<Vec<String>> = None;
    let last_text = list.path.iter().rposition(|segment| matches!(segment, Segment::Fixed(_))).unwrap_or_default();
    for (number, segment) in list.path.iter().enumerate() {
        match segment {
            Segment::Fixed(text) => {
                let words = words(text);
                let passing = words.iter().any(|word| PASSING.contains(&word.as_str()));
                score -= if passing { 7 } else { 0 };
                // The vendor's own API says more than SCIM, if it is there.
                score -= if text.eq_ignore_ascii_case("scim") { 3 } else { 0 };
                score -= i32::from(number != last_text && !is_version(text) && text != "api");
                before = Some(words);
            }
            Segment::Hole(_) => {
                let of = before.as_ref().and_then(|words| words.last()).map(|word| singular(word)).unwrap_or_default();
                let within = |topic: Topic| topic.words().contains(&of.as_str());
                score -= if TENANT.contains(&of.as_str()) {
                    1
                } else if within(Topic::Group) || within(Topic::Role) || (within(Topic::User) && topic != Topic::User) {
                    9
                } else {
                    5
                };
            }
        }
    }
    score
}

fn is_version(text: &str) -> bool {
    text.strip_prefix(['v', 'V']).unwrap_or(text).chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// What a customer of the vendor is called.
const TENANT: &[&str] = &[
    "org",
    "organization",
    "organisation",
    "workspace",
    "account",
    "tenant",
    "enterprise",
    "company",
    "realm",
    "site",
    "customer",
    "directory",
    "instance",
    "domain",
    "network",
    "business",
];
/// What people work in, each with members of its own.
const PLACES: &[&str] = &[
    "project",
    "workspace",
    "organization",
    "organisation",
    "org",
    "space",
    "department",
    "division",
    "channel",
    "repository",
    "repo",
    "board",
    "vault",
    "folder",
    "app",
    "application",
    "environment",
    "collection",
];
/// Words that make a list another one than that of everybody.
const PASSING: &[&str] = &[
    "search",
    "find",
    "autocomplete",
    "lookup",
    "export",
    "deleted",
    "blocked",
    "invitation",
    "invitations",
    "invites",
    "me",
    "self",
    "current",
    "mine",
    "favorites",
    "available",
    "assignable",
    "eligible",
    "candidates",
    "pending",
    "suspended",
    "followers",
    "following",
    "watchers",
    "external",
    "guest",
    "guests",
    "typeahead",
    "suggestions",
    "picker",
    "bulk",
    "recent",
    "public",
    "history",
    "removed",
    "inactive",
    "active",
    "my",
    "by",
    "template",
    "templates",
    "effective",
];

fn prefix(path: &[Segment]) -> &[Segment] {
    let last = path.iter().rposition(|segment| matches!(segment, Segment::Fixed(_))).unwrap_or_default();
    path.get(..last).unwrap_or_default()
}

/// Whether a parameter names a customer.
pub(crate) fn is_tenant(hole: &str) -> bool {
    let words = words(hole);
    words.iter().any(|word| TENANT.contains(&singular(word).as_str()))
}
