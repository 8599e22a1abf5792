//! Where it stands who is in a group, a role or a place. In: an API, its list of users and another
//! list. Out: the ways to read it, the best first.

use crate::api::{Api, Kind, List, Segment, Shape, folded, singular, words};
use crate::choose::{Topic, is_tenant};
use crate::fields::Fields;

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

/// Where it stands who is in what a list names. `called` is what fields call that, folded.
pub(crate) fn memberships<'a>(api: &'a Api, user: &'a List, group: &'a List, called: &[&str]) -> Vec<Membership<'a>> {
    let people = Topic::User.words();
    let mut found: Vec<Membership<'a>> = Vec::new();
    found.extend(members_below(api, group, user).map(Membership::PerGroup));
    found.extend(inside(&group.row, people).map(|(path, element)| Membership::InGroup { path, element }));
    found.extend(pairs(api, called));
    found.extend(inside(&user.row, called).map(|(path, element)| Membership::InUser { path, element }));
    found.extend(of_user(user, called));
    let is_group = |list: &List| list.last_words().last().is_some_and(|word| called.contains(&singular(word).as_str()));
    found.extend(below(api, user, group, is_group).map(Membership::PerUser));
    found
}

/// The list of users below another one: `/groups/{id}/members` below `/groups`.
fn members_below<'a>(api: &'a Api, group: &List, users: &List) -> Option<&'a List> {
    below(api, group, users, |list| {
        let words = list.last_words();
        let pair = words.last().is_some_and(|word| singular(word) == "membership");
        (pair || Topic::User.weight(&words).is_some_and(|weight| weight > 2))
            && reference(&list.row, Topic::User.words(), None).is_some()
    })
}

/// The list right below another one that fits, and is not one that was chosen.
fn below<'a>(api: &'a Api, parent: &List, chosen: &List, fits: impl Fn(&List) -> bool) -> Option<&'a List> {
    let exact = |list: &&List| match list.path.as_slice() {
        [above @ .., Segment::Hole(_), Segment::Fixed(_)] => alike(above, &parent.path),
        _ => false,
    };
    let lists = || api.lists.iter().filter(exact).filter(|list| !std::ptr::eq(*list, chosen) && fits(list));
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
fn inside<'s>(row: &'s Shape, called: &[&str]) -> Option<(Vec<String>, &'s Shape)> {
    let fields = Fields::of(row, &[]);
    let listed = fields.all().iter().find_map(|field| {
        let Kind::List(element) = &field.shape.kind else { return None };
        let name = words(field.path.last()?);
        let ids = name.last().is_some_and(|word| matches!(word.as_str(), "ids" | "id" | "uuids"));
        let stem = if ids { name.get(..name.len() - 1)? } else { name.as_slice() };
        let is_it = stem.len() <= 2
            && (called.contains(&singular(stem.last()?).as_str())
                || called.contains(&stem.iter().map(|word| singular(word)).collect::<String>().as_str()));
        let usable = !matches!(element.kind, Kind::Object(_)) || reference(element, called, None).is_some();
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
pub(crate) fn of_user<'a>(user: &List, called: &[&str]) -> Option<Membership<'a>> {
    let fields = Fields::of(&user.row, Topic::User.words());
    for word in called {
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
fn pairs<'a>(api: &'a Api, called: &[&str]) -> Option<Membership<'a>> {
    api.lists.iter().filter(|list| list.holes().all(is_tenant) && !list.deprecated).find_map(|list| {
        let words = list.last_words();
        words.last().filter(|word| matches!(singular(word).as_str(), "membership" | "assignment"))?;
        let own = |called: &[&str]| explicit(&list.row, called);
        Some(Membership::Pairs { list, group: own(called)?, user: own(Topic::User.words())? })
    })
}

/// A field of a row that names something that is called so: `user_id`, or `user.id`.
fn explicit(row: &Shape, called: &[&str]) -> Option<Vec<String>> {
    let members = row.members()?;
    for word in called {
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

/// The field of a row that names something that is called so, where the row may be the thing itself; `own` is
/// where the thing's own list has its id.
pub(crate) fn reference(row: &Shape, called: &[&str], own: Option<&[String]>) -> Option<Vec<String>> {
    if let Some(path) = explicit(row, called) {
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
