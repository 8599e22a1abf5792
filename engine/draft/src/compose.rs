//! A choice becomes a draft: requests, config fields, mappings, grants. In: an API and what was chosen
//! of it. Out: the draft. Every guess gets the doubt that a person has to settle.

mod credentials;
mod mapping;

use crate::api::{Api, List, Parameter, Segment, folded, singular, words};
use crate::choose::{Choice, Chosen, Held, Topic};
use crate::draft::{Draft, Entitlement, Field, LookUp, Source, Type, Value, path};
use crate::membership::{Membership, memberships, of_user, reference};
use crate::pages::{Pages, Way, is_paging, recognised};
use crate::write::label;
use crate::yaml::one_line;

pub(crate) use mapping::display_of;

/// Makes a draft.
pub(crate) fn composed(api: &Api, choice: &Choice<'_>, id: &str, name: &str) -> Draft {
    let mut draft = begun(api, choice.users.list, id, name);
    draft.fields.push(base_url(api));
    let mut composer = Composer { api, choice, draft };
    composer.types();
    composer.draft
}

/// A draft with its head, and with how one signs in to read the users.
pub(crate) fn begun(api: &Api, users: &List, id: &str, name: &str) -> Draft {
    let mut draft = Draft { id: id.to_owned(), name: label(name), ..Draft::default() };
    draft.docs = api
        .docs
        .as_ref()
        .filter(|url| url::Url::parse(url).is_ok_and(|url| url.scheme() == "https"))
        .map(|url| label(url));
    credentials::sign_in(api, users, &mut draft);
    draft
}

fn base_url(api: &Api) -> Field {
    let base = crate::api::shown(&api.base_path);
    let mut field = Field { name: "base_url".to_owned(), title: "Base URL".to_owned(), url: true, ..Field::default() };
    field.default = api.origin.clone();
    if !base.is_empty() && !base.contains('{') {
        field.strip = vec![base];
    }
    if let Some(note) = &api.origin_note {
        field.doubts.push(format!("{note}; write where the API is, with `default:` if it is one host for all"));
    }
    field
}

struct Composer<'a> {
    api: &'a Api,
    choice: &'a Choice<'a>,
    draft: Draft,
}

impl Composer<'_> {
    fn types(&mut self) {
        let user = self.choice.users.clone();
        let held = self.choice.held.clone();
        let called: Vec<&str> = held.iter().flat_map(Held::words).collect();
        let asked = self.asked(&user, &called);
        let people = Topic::User.words();
        let key = mapping::key_of(&user.list.row, people, asked.as_deref());
        let mut kind = mapping::mapped(&user.list.row, Topic::User, people, key.clone());
        kind.id = Topic::User.id().to_owned();
        kind.name = title(&kind.id);
        kind.list = self.chosen(&user, "users");
        self.draft.types.push(kind);
        let user_key = key.map(|found| found.path).unwrap_or_default();
        for topic in [Topic::Group, Topic::Role, Topic::Place] {
            if held.iter().all(|held| held.topic != topic) {
                self.type_of_rows(topic);
            }
            for held in held.iter().filter(|held| held.topic == topic) {
                self.held_type(held, &user_key);
            }
        }
    }

    /// A type with a list of its own.
    fn held_type(&mut self, held: &Held<'_>, user_key: &[String]) {
        let called = held.words();
        let list = held.chosen.list;
        let asked = self.asked(&held.chosen, Topic::User.words());
        let key = mapping::key_of(&list.row, &called, asked.as_deref());
        let own = key.as_ref().map(|found| found.path.clone()).unwrap_or_default();
        let mut kind = mapping::mapped(&list.row, held.topic, &called, key);
        kind.id = held.id.clone();
        kind.name = title(&kind.id);
        kind.list = self.chosen(&held.chosen, &plural(&held.id));
        let ways = memberships(self.api, self.choice.users.list, list, &called);
        match ways.split_first() {
            Some((way, others)) => {
                let mut entitlement = self.held(way, held, &own, user_key);
                let others: Vec<String> = others.iter().map(|way| self.shown(way)).collect();
                if !others.is_empty() {
                    entitlement.grants.doubts.push(format!("also there: {}", others.join(", ")));
                }
                kind.entitlement = Some(entitlement);
            }
            None => {
                let what = if held.topic == Topic::Role { "holds" } else { "is in" };
                kind.missing.push(format!(
                    "nothing in {} tells who {what} a {}; without an entitlement nobody is shown to",
                    self.api.source,
                    held.id.replace('_', " ")
                ));
            }
        }
        self.draft.types.push(kind);
    }

    /// Roles that no list names, made of what stands in the users' rows.
    fn type_of_rows(&mut self, topic: Topic) {
        let way = of_user(self.choice.users.list, topic.words());
        let Some(Membership::OfUser { path: at, by_id: false }) = &way else { return };
        let condition = format!("{} is present", crate::draft::member("row", at));
        let each = |dedupe: bool| Source {
            each_row: Some("user".to_owned()),
            condition: Some(condition.clone()),
            dedupe: dedupe.then(|| at.clone()),
            ..Source::default()
        };
        let at_row = Value::Path(at.clone());
        let mut kind =
            Type { id: topic.id().to_owned(), name: title(topic.id()), topic, list: each(true), ..Type::default() };
        kind.list.doubts.push(format!(
            "no list of {}s was found; they are taken out of `{}` of the users",
            topic.id(),
            path(at)
        ));
        kind.key.value = at_row.clone();
        kind.display.value = at_row.clone();
        kind.entitlement = Some(Entitlement {
            slug: slug(topic).to_owned(),
            grants: each(false),
            resource: Some(at_row),
            principal: None,
        });
        self.draft.types.push(kind);
    }

    /// What another path calls the id of a chosen list's rows.
    fn asked(&self, chosen: &Chosen<'_>, called: &[&str]) -> Option<String> {
        let path = &chosen.list.path;
        let below = self.api.lists.iter().filter(|list| list.path.len() > path.len() + 1);
        below
            .filter(|list| list.path.starts_with(path))
            .filter(|list| list.last_words().last().is_some_and(|word| called.contains(&singular(word).as_str())))
            .find_map(|list| match list.path.get(path.len()) {
                Some(Segment::Hole(name)) => Some(name.clone()),
                _ => None,
            })
    }

    /// The source of a chosen list.
    fn chosen(&mut self, chosen: &Chosen<'_>, what: &str) -> Source {
        let mut source = self.source(chosen.list, None);
        if !chosen.named {
            let others = match chosen.others.as_slice() {
                [] => String::new(),
                others => format!(" Others: {}", others.join(", ")),
            };
            source.doubts.insert(0, format!("is this the list of all {what}?{others}"));
        }
        source
    }

    /// A request for a list. The hole behind a parent's path takes a template.
    fn source(&mut self, list: &List, parent: Option<(&[Segment], &str)>) -> Source {
        let mut source = Source { items: list.items.clone(), pages: self.pages(list), ..Source::default() };
        let whole: Vec<Segment> = self.api.base_path.iter().chain(&list.path).cloned().collect();
        let parent = parent.map(|(parent, of)| (self.api.base_path.len() + parent.len(), of));
        source.path = request_path(&mut self.draft, &whole, parent);
        if list.slash {
            source.path.push('/');
        }
        for parameter in &list.parameters {
            self.parameter(parameter, &mut source);
        }
        source
    }

    /// How a list goes on: as it shows, or as the list of users does where its answers look the same.
    fn pages(&self, list: &List) -> Pages {
        let own = recognised(list);
        let users = recognised(self.choice.users.list);
        let next = match &users.way {
            Way::Cursor { next, .. } | Way::NextUrl { next } => next,
            _ => return own,
        };
        let alike = next.iter().try_fold(&list.envelope, |shape, name| shape.member(name)).is_some();
        if own.way != Way::None || !alike {
            return own;
        }
        let limit = users.limit.filter(|(name, _)| list.parameters.iter().any(|parameter| parameter.name == *name));
        Pages { limit, ..users }
    }

    /// A parameter that has to be sent.
    fn parameter(&mut self, parameter: &Parameter, source: &mut Source) {
        let name = parameter.name.clone();
        let plain = !name.contains(['{', '}']) && !name.is_empty() && name.is_ascii();
        let signs = matches!(folded(&name).as_str(), "authorization" | "accept" | "contenttype" | "cookie" | "host");
        if !parameter.required
            || !plain
            || signs
            || (!parameter.header && is_paging(&name))
            || self.is_credential(&name)
        {
            return;
        }
        let literal = |text: &String| {
            !text.contains("{{") && !text.starts_with('$') && text.len() < 200 && !text.contains(char::is_control)
        };
        let fixed = parameter.default.as_ref().or(parameter.words.first()).filter(|text| literal(text));
        let (value, doubt) = match fixed {
            Some(text) => (text.clone(), format!("{} wants this; is the value right?", self.api.source)),
            None => {
                let field = config_field(&mut self.draft, &name, "");
                (
                    format!("{{{{ config.{field} }}}}"),
                    format!("{} wants this; can it be a fixed value?", self.api.source),
                )
            }
        };
        let entry = (name, value, Some(doubt));
        if parameter.header { source.headers.push(entry) } else { source.query.push(entry) }
    }

    fn is_credential(&self, name: &str) -> bool {
        let sent = match &self.draft.auth.way {
            crate::draft::AuthWay::Query(query) => query == name,
            crate::draft::AuthWay::Headers(headers) => {
                headers.iter().any(|(header, ..)| header.eq_ignore_ascii_case(name))
            }
            _ => false,
        };
        sent || crate::is_secret(name)
    }

    fn shown(&self, way: &Membership<'_>) -> String {
        match way {
            Membership::PerGroup(list) | Membership::PerUser(list) | Membership::Pairs { list, .. } => list.shown(),
            Membership::InGroup { path: at, .. } => format!("`{}` in its own rows", path(at)),
            Membership::InUser { path: at, .. } | Membership::OfUser { path: at, .. } => {
                format!("`{}` in the users' rows", path(at))
            }
        }
    }

    /// Who is in it, or holds it.
    fn held(&mut self, way: &Membership<'_>, of: &Held<'_>, own: &[String], user_key: &[String]) -> Entitlement {
        let mut held = Entitlement { slug: slug(of.topic).to_owned(), ..Entitlement::default() };
        let (people, called) = (Topic::User.words(), of.words());
        let parent = of.chosen.list.path.clone();
        match way {
            Membership::PerGroup(list) => {
                held.grants = self.source(list, Some((&parent, "{{ resource.id }}")));
                let principal = reference(&list.row, people, Some(user_key)).unwrap_or_default();
                let email =
                    principal.last().is_some_and(|name| folded(name).contains("email")) && principal != user_key;
                held.grants
                    .doubts
                    .push(format!("does `{}` name the user by the id of the list of users?", path(&principal)));
                held.principal = Some(if email { self.by_email(principal) } else { Value::Path(principal) });
            }
            Membership::InGroup { path: at, element } => {
                held.grants = Source { each_row: Some(of.id.clone()), unnest: Some(at.clone()), ..Source::default() };
                let value = in_element(reference(element, people, Some(user_key)));
                held.grants
                    .doubts
                    .push(format!("does `{}` hold all members, by the id of the list of users?", path(at)));
                held.principal = Some(value);
            }
            Membership::Pairs { list, group, user } => {
                held.grants = self.source(list, None);
                held.grants.doubts.push("are these all pairs, by the ids of the other lists?".to_owned());
                held.resource = Some(Value::Path(group.clone()));
                held.principal = Some(Value::Path(user.clone()));
            }
            Membership::InUser { path: at, element } => {
                held.grants =
                    Source { each_row: Some("user".to_owned()), unnest: Some(at.clone()), ..Source::default() };
                let value = in_element(reference(element, &called, Some(own)));
                held.grants.doubts.push(format!("does `{}` hold all {} of the user, by id?", path(at), plural(&of.id)));
                held.resource = Some(value);
            }
            Membership::OfUser { path: at, by_id } => {
                let condition = format!("{} is present", crate::draft::member("row", at));
                held.grants =
                    Source { each_row: Some("user".to_owned()), condition: Some(condition), ..Source::default() };
                held.grants.doubts.push(format!("does `{}` name the {}?", path(at), of.id.replace('_', " ")));
                held.resource = Some(if *by_id { Value::Path(at.clone()) } else { self.by_name(of, own, at.clone()) });
            }
            Membership::PerUser(list) => {
                let users = self.choice.users.list.path.clone();
                held.grants = self.source(list, Some((&users, "{{ person.id }}")));
                held.grants.for_each = Some(("person".to_owned(), "user".to_owned()));
                held.grants.doubts.push(format!(
                    "this asks once for each user; is there a list for each {} instead?",
                    of.id.replace('_', " ")
                ));
                held.resource = Some(Value::Path(reference(&list.row, &called, Some(own)).unwrap_or_default()));
                held.principal = Some(Value::Text("{{ person.id }}".to_owned()));
            }
        }
        held
    }

    /// A user by the address.
    fn by_email(&mut self, key: Vec<String>) -> Value {
        let user = self.draft.types.first().and_then(|kind| kind.user.as_ref());
        let Some(Value::Path(email)) = user.and_then(|user| user.email.clone()) else { return Value::Path(key) };
        self.look_up("user_by_email", "user", vec![email], true);
        Value::LookedUp { table: "user_by_email".to_owned(), key }
    }

    /// A group or role by its id or what people call it.
    fn by_name(&mut self, of: &Held<'_>, own: &[String], key: Vec<String>) -> Value {
        let names = crate::fields::Fields::of(&of.chosen.list.row, &of.words()).names();
        let mut keys: Vec<Vec<String>> = std::iter::once(own.to_vec()).chain(names).collect();
        keys.dedup();
        let table = format!("{}_by_name", of.id);
        self.look_up(&table, &of.id, keys, false);
        Value::LookedUp { table, key }
    }

    fn look_up(&mut self, name: &str, of: &str, keys: Vec<Vec<String>>, fold: bool) {
        if !self.draft.look_ups.iter().any(|table| table.name == name) {
            self.draft.look_ups.push(LookUp { name: name.to_owned(), of: of.to_owned(), keys, fold });
        }
    }
}

/// The path of a request as a template. The hole at `parent` takes what is given for it, every other
/// one a config field.
pub(crate) fn request_path(draft: &mut Draft, whole: &[Segment], parent: Option<(usize, &str)>) -> String {
    let mut text = String::new();
    let mut before = "";
    for (number, segment) in whole.iter().enumerate() {
        text.push('/');
        match (segment, parent) {
            (Segment::Fixed(fixed), _) => {
                text.push_str(fixed);
                before = fixed;
            }
            (Segment::Hole(_), Some((at, of))) if at == number => text.push_str(of),
            (Segment::Hole(name), _) => {
                text.push_str(&format!("{{{{ config.{} }}}}", config_field(draft, name, before)))
            }
        }
    }
    text
}

/// The config field for a parameter, made where it is not there yet.
fn config_field(draft: &mut Draft, hole: &str, before: &str) -> String {
    let mut own: Vec<String> = words(hole);
    let bare = |word: &String| matches!(word.as_str(), "id" | "key" | "slug" | "name" | "uuid" | "gid");
    if own.len() == 1 && own.first().is_some_and(bare) {
        own = words(before).last().map(|word| singular(word)).into_iter().chain(own).collect();
    }
    let ascii = |word: &String| word.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let mut name = own.iter().map(ascii).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_");
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name = format!("parameter_{name}").trim_end_matches('_').to_owned();
    }
    let taken = ["api_token", "base_url", "username", "password", "client_id", "client_secret", "token_url"];
    if taken.contains(&name.as_str()) || draft.fields.iter().any(|field| field.name == name && field.secret) {
        name = format!("{name}_parameter");
    }
    if !draft.fields.iter().any(|field| field.name == name) {
        let doubt =
            format!("say what `{}` is, and where one finds it; `type:` or `pattern:` checks its form", one_line(hole));
        draft.fields.push(Field { title: title(&name), doubts: vec![doubt], name: name.clone(), ..Field::default() });
    }
    name
}

/// A value in an element of a list: at a path, or the element itself.
fn in_element(at: Option<Vec<String>>) -> Value {
    at.map_or_else(|| Value::Text("{{ row }}".to_owned()), Value::Path)
}

/// The slug of what is held.
pub(crate) fn slug(topic: Topic) -> &'static str {
    if topic == Topic::Role { "assigned" } else { "member" }
}

/// More than one of a type: `repository` is `repositories`.
pub(crate) fn plural(id: &str) -> String {
    let text = id.replace('_', " ");
    match text.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u'])) {
        Some(stem) => format!("{stem}ies"),
        None => format!("{text}s"),
    }
}

/// A name for people: `org_id` is `Org id`.
pub(crate) fn title(name: &str) -> String {
    let text = name.replace('_', " ");
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// How a list goes on, for people.
pub(crate) fn pages_shown(pages: &Pages) -> String {
    match &pages.way {
        Way::None => "one answer, as far as is known".to_owned(),
        Way::Cursor { next, send, .. } => format!("a cursor, {} into `{send}`", path(next)),
        Way::Header { header, send: Some(send) } => {
            format!("a cursor, the header `{}` into `{send}`", one_line(header))
        }
        Way::Header { header, send: None } => format!("the next URL in the header `{}`", one_line(header)),
        Way::NextUrl { next } => format!("the next URL at {}", path(next)),
        Way::Link => "the `Link` header".to_owned(),
        Way::Offset { send, .. } => format!("an offset in `{send}`"),
        Way::Page { send, .. } => format!("page numbers in `{send}`"),
        Way::StartIndex { send } => format!("SCIM's index in `{send}`"),
        Way::Keyset { send, .. } => format!("the last id in `{send}`"),
    }
}
