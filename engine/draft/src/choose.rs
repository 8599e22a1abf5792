//! Which lists are the users, the groups and the roles, and where it stands who is in them. In: an API.
//! Out: the choice, with what else it could have been.

use crate::api::{Api, Kind, List, Segment, Shape, folded, segments, singular, words};
use crate::fields::{EMAIL, Fields, LOGIN};

/// What a list may be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// People.
    User,
    /// Groups and teams.
    Group,
    /// Roles.
    Role,
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
    /// The groups.
    pub groups: Option<Chosen<'a>>,
    /// The roles.
    pub roles: Option<Chosen<'a>>,
}

/// Where it stands who holds a group or role.
#[derive(Clone, Debug)]
pub(crate) enum Membership<'a> {
    /// A list for each group.
    PerGroup(&'a List),
    /// A list inside the row of a group.
    InGroup { path: Vec<String>, element: &'a Shape },
    /// One list of pairs.
    Pairs { list: &'a List, group: Vec<String>, user: Vec<String> },
    /// A list inside the row of a user.
    InUser { path: Vec<String>, element: &'a Shape },
    /// One value in the row of a user; `by_id` where it is the id.
    OfUser { path: Vec<String>, by_id: bool },
    /// A list for each user.
    PerUser(&'a List),
}

impl Topic {
    /// What the type is called in a spec, and its words.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Self::User => &["user", "member", "person", "account", "employee", "agent", "teammate", "admin"],
            Self::Group => &["group", "team", "usergroup"],
            Self::Role => &["role", "permissionset"],
        }
    }

    /// The id of the resource type.
    pub fn id(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }

    /// How likely a list with such a name is of this topic.
    fn weight(self, words: &[String]) -> Option<i32> {
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
    pair || [Topic::User, Topic::Group, Topic::Role].iter().any(|topic| topic.weight(&words).is_some())
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
    /// The list of groups.
    pub groups: Option<&'a str>,
    /// The list of roles.
    pub roles: Option<&'a str>,
}

/// Chooses. What the user named and is not there is told by its path.
pub(crate) fn choose<'a>(api: &'a Api, named: &Named<'_>) -> Result<Choice<'a>, Missing> {
    let users = candidates(api, Topic::User, named.users)?;
    let groups = candidates(api, Topic::Group, named.groups)?;
    let roles = candidates(api, Topic::Role, named.roles)?;
    let best_user = |beside: Option<&List>| {
        let with_bonus = |(score, list): &(i32, &'a List)| {
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
    let group = pair.2.filter(|group| !std::ptr::eq(*group, user));
    let role = best(&roles, |(score, list)| *score + if prefix(&list.path) == prefix(&user.path) { 5 } else { 0 });
    let chosen = |list: &'a List, all: &[(i32, &'a List)], named: bool| {
        let mut others: Vec<_> = all.iter().filter(|(_, other)| !std::ptr::eq(*other, list)).collect();
        others.sort_by_key(|(score, _)| -score);
        Chosen { list, others: others.iter().take(3).map(|(_, other)| other.shown()).collect(), named }
    };
    Ok(Choice {
        users: chosen(user, &users, named.users.is_some()),
        groups: group.map(|list| chosen(list, &groups, named.groups.is_some())),
        roles: role.map(|(_, list)| chosen(list, &roles, named.roles.is_some())),
    })
}

/// Why there is no choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// No list of users was found.
    Users,
    /// A path that the user named is no list.
    Named(String),
}

fn best<'a>(all: &[(i32, &'a List)], score: impl Fn(&(i32, &'a List)) -> i32) -> Option<(i32, &'a List)> {
    // Of two that are as good, the one that the document names first.
    all.iter().map(|entry| (score(entry), entry.1)).reduce(|best, other| if other.0 > best.0 { other } else { best })
}

fn candidates<'a>(api: &'a Api, topic: Topic, named: Option<&str>) -> Result<Vec<(i32, &'a List)>, Missing> {
    if let Some(path) = named {
        let found =
            api.lists.iter().find(|list| list.is_at(path) || crate::api::shown(&api.base_path) + &list.shown() == path);
        return found.map(|list| vec![(100, list)]).ok_or_else(|| Missing::Named(path.to_owned()));
    }
    let scored = api.lists.iter().filter_map(|list| Some((score(list, topic)?, list)));
    Ok(scored.filter(|(score, _)| *score >= 5).collect())
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
        Topic::Group | Topic::Role => {
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
    "scim",
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

/// Where it stands who holds what, the best first.
pub(crate) fn memberships<'a>(api: &'a Api, choice: &Choice<'a>, topic: Topic) -> Vec<Membership<'a>> {
    let chosen = if topic == Topic::Group { &choice.groups } else { &choice.roles };
    let Some(group) = chosen.as_ref().map(|chosen| chosen.list) else {
        return of_user(choice.users.list, topic).into_iter().collect();
    };
    let user = choice.users.list;
    let mut found: Vec<Membership<'a>> = Vec::new();
    found.extend(nested(api, group, Topic::User, user).map(Membership::PerGroup));
    found.extend(inside(&group.row, Topic::User).map(|(path, element)| Membership::InGroup { path, element }));
    found.extend(pairs(api, topic));
    found.extend(inside(&user.row, topic).map(|(path, element)| Membership::InUser { path, element }));
    found.extend(of_user(user, topic));
    found.extend(nested(api, user, topic, group).map(Membership::PerUser));
    found
}

/// The list below another one: `/groups/{id}/members` below `/groups`.
fn nested<'a>(api: &'a Api, parent: &List, topic: Topic, chosen: &List) -> Option<&'a List> {
    let fits = |list: &&List| {
        let words = list.last_words();
        let pair = topic == Topic::User && words.last().is_some_and(|word| singular(word) == "membership");
        (pair || topic.weight(&words).is_some_and(|weight| weight > 2)) && !std::ptr::eq(*list, chosen)
    };
    let refers = |list: &&List| topic != Topic::User || reference(&list.row, Topic::User, None).is_some();
    let exact = |list: &&List| match list.path.as_slice() {
        [above @ .., Segment::Hole(_), Segment::Fixed(_)] => alike(above, &parent.path),
        _ => false,
    };
    let lists = || api.lists.iter().filter(fits).filter(refers).filter(exact);
    lists().find(|list| !list.deprecated).or_else(|| lists().next())
}

/// Whether two paths are the same but for the names of their parameters.
fn alike(a: &[Segment], b: &[Segment]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| match (a, b) {
            (Segment::Fixed(a), Segment::Fixed(b)) => a == b,
            (Segment::Hole(_), Segment::Hole(_)) => true,
            _ => false,
        })
}

/// A list of users in a group's row, or of groups in a user's.
fn inside(row: &Shape, topic: Topic) -> Option<(Vec<String>, &Shape)> {
    let fields = Fields::of(row, &[]);
    let listed = fields.all().iter().find_map(|field| {
        let Kind::List(element) = &field.shape.kind else { return None };
        let name = words(field.path.last()?);
        let ids = name.last().is_some_and(|word| matches!(word.as_str(), "ids" | "id" | "uuids"));
        let stem = if ids { name.get(..name.len() - 1)? } else { name.as_slice() };
        let is_it = stem.len() <= 2 && topic.words().contains(&singular(stem.last()?).as_str());
        let usable = !matches!(element.kind, Kind::Object(_)) || reference(element, topic, None).is_some();
        (is_it && usable && !matches!(element.kind, Kind::Boolean | Kind::List(_)))
            .then(|| (field.path.clone(), element))
    })?;
    // The shape outlives the fields, which only borrow from it.
    let element = follow(row, &listed.0)?;
    match &element.kind {
        Kind::List(element) => Some((listed.0, element)),
        _ => None,
    }
}

fn follow<'a>(row: &'a Shape, path: &[String]) -> Option<&'a Shape> {
    path.iter().try_fold(row, |shape, name| shape.member(name))
}

/// One group or role in a user's row.
fn of_user<'a>(user: &List, topic: Topic) -> Option<Membership<'a>> {
    let fields = Fields::of(&user.row, Topic::User.words());
    for word in topic.words() {
        let id = [format!("{word}id")];
        if let Some(field) = fields.find(&[id[0].as_str()], Shape::is_id) {
            return Some(Membership::OfUser { path: field.path.clone(), by_id: true });
        }
        if let Some(field) = fields.find(&[word, &format!("{word}name")], |shape| matches!(shape.kind, Kind::Text)) {
            return Some(Membership::OfUser { path: field.path.clone(), by_id: false });
        }
        if let Some(field) =
            fields.find(&[word], |shape| shape.members().is_some_and(|members| members.contains_key("id")))
        {
            let mut path = field.path.clone();
            path.push("id".to_owned());
            return Some(Membership::OfUser { path, by_id: true });
        }
    }
    None
}

/// A list of pairs of a user and a group.
fn pairs<'a>(api: &'a Api, topic: Topic) -> Option<Membership<'a>> {
    api.lists.iter().filter(|list| list.holes().all(is_tenant) && !list.deprecated).find_map(|list| {
        let words = list.last_words();
        words.last().filter(|word| matches!(singular(word).as_str(), "membership" | "assignment"))?;
        let own = |topic: Topic| explicit(&list.row, topic);
        Some(Membership::Pairs { list, group: own(topic)?, user: own(Topic::User)? })
    })
}

/// Whether a parameter names a customer.
fn is_tenant(hole: &str) -> bool {
    let words = words(hole);
    words.iter().any(|word| TENANT.contains(&singular(word).as_str()))
}

/// A field of a row that names something of a topic: `user_id`, or `user.id`.
pub(crate) fn explicit(row: &Shape, topic: Topic) -> Option<Vec<String>> {
    let members = row.members()?;
    for word in topic.words() {
        for (name, shape) in members {
            let name_folded = folded(name);
            let is_id = ["id", "uuid", "gid", "key"].iter().any(|tail| name_folded == format!("{word}{tail}"));
            if is_id && shape.is_id() {
                return Some(vec![name.clone()]);
            }
            if name_folded == *word
                && let Some(inside) = shape.members()
                && let Some(id) =
                    ["id", "gid", "uuid", "uid", "accountId", "user_id"].iter().find(|id| inside.contains_key(**id))
            {
                return Some(vec![name.clone(), (*id).to_owned()]);
            }
        }
    }
    None
}

/// The field of a row that names something of a topic, where the row may be the thing itself; `own` is
/// where the thing's own list has its id.
pub(crate) fn reference(row: &Shape, topic: Topic, own: Option<&[String]>) -> Option<Vec<String>> {
    if let Some(path) = explicit(row, topic) {
        return Some(path);
    }
    if let Some(path) = own.filter(|path| follow(row, path).is_some()) {
        return Some(path.to_vec());
    }
    let last = own.and_then(|path| path.last()).filter(|name| row.member(name).is_some_and(Shape::is_id));
    let known = ["id", "gid", "uuid", "uid", "value", "accountId", "principalId"];
    let known = known.iter().find(|name| row.member(name).is_some_and(Shape::is_id)).map(|name| (*name).to_owned());
    last.cloned().or(known).map(|name| vec![name])
}
