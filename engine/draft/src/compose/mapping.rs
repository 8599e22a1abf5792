//! The row of a list as a resource type: which field is what.

use crate::api::Shape;
use crate::choose::Topic;
use crate::draft::{Guess, Type, User, Value, member, path};
use crate::fields::{Fields, Found, Status, Time};

/// Where the id of a row stands.
pub(super) fn key_of(row: &Shape, called: &[&str], asked: Option<&str>) -> Option<Found> {
    Fields::of(row, called).id(called, asked)
}

/// The type of a row, without its list and its name. `called` is what fields call such a row.
pub(super) fn mapped(row: &Shape, topic: Topic, called: &[&str], key: Option<Found>) -> Type {
    let fields = Fields::of(row, called);
    let key = key.unwrap_or(Found { path: vec!["id".to_owned()], doubt: Some("no field looks like an id".to_owned()) });
    let mut kind = Type { topic, ..Type::default() };
    kind.created = fields.created().map(|time| timed(&time));
    if topic == Topic::User {
        kind.user = Some(user(&fields));
        let (given, family) = fields.parts_of_name();
        let fallbacks = fields.email().into_iter().chain(fields.login());
        kind.display.value = display_of(fields.names(), given, family, fallbacks, &key.path);
    } else {
        kind.description = fields.description().map(Value::Path);
        kind.display.value = display_of(fields.names(), None, None, None, &key.path);
        if fields.names().is_empty() {
            kind.display.doubts.push("no field looks like a name".to_owned());
        }
    }
    let status = kind.user.as_ref().and_then(|user| user.status_details.clone());
    kind.profile = fields.profile(topic == Topic::User);
    kind.profile.retain(|(_, at)| Some(at) != status.as_ref() && *at != key.path);
    kind.key = Guess { value: Value::Path(key.path), doubts: key.doubt.into_iter().collect() };
    kind
}

/// What people read: the first that is there, the id at last.
pub(crate) fn display_of(
    names: Vec<Vec<String>>,
    given: Option<Vec<String>>,
    family: Option<Vec<String>>,
    fallbacks: impl IntoIterator<Item = Vec<String>>,
    key: &[String],
) -> Value {
    let mut values: Vec<Value> = names.into_iter().map(Value::Path).collect();
    match (given, family) {
        (Some(given), Some(family)) => values.push(Value::Joined(vec![given, family])),
        (Some(one), None) | (None, Some(one)) => values.push(Value::Path(one)),
        (None, None) => {}
    }
    values.extend(fallbacks.into_iter().map(Value::Path));
    values.push(Value::Path(key.to_vec()));
    let mut known: Vec<Value> = Vec::new();
    for value in values {
        if !known.contains(&value) {
            known.push(value);
        }
    }
    Value::First(known)
}

fn timed(time: &Time) -> Guess {
    match time.conversion {
        None => Guess { value: Value::Path(time.path.clone()), doubts: Vec::new() },
        Some(conversion) => Guess {
            value: Value::Converted { from: time.path.clone(), conversion },
            doubts: vec![format!("does `{}` count seconds or milliseconds since 1970?", path(&time.path))],
        },
    }
}

fn user(fields: &Fields<'_>) -> User {
    let (given_name, family_name) = fields.parts_of_name();
    let email = fields.email();
    let login = match (fields.login(), &email) {
        (Some(at), _) => Some(Guess { value: Value::Path(at), doubts: Vec::new() }),
        (None, Some(at)) => Some(Guess {
            value: Value::Path(at.clone()),
            doubts: vec!["do people sign in with their email address?".to_owned()],
        }),
        (None, None) => None,
    };
    let status = fields.status();
    let (status, status_details) = status_of(&status, fields);
    User {
        emails: if email.is_none() { fields.emails() } else { None },
        email: email.map(Value::Path),
        login,
        status,
        status_details,
        last_login: fields.last_login().map(|time| timed(&time).value),
        account_type: fields.machine().map(machine),
        mfa: fields.mfa(),
        given_name,
        family_name,
        employee: fields.employee(),
    }
}

/// Human or not, by a flag.
fn machine(at: Vec<String>) -> Guess {
    let map = vec![("true".to_owned(), "service".to_owned()), ("false".to_owned(), "human".to_owned())];
    Guess { value: Value::Mapped { from: at, map, otherwise: "human".to_owned() }, doubts: Vec::new() }
}

/// The status, and the field with the vendor's own word.
fn status_of(status: &Status, fields: &Fields<'_>) -> (Guess, Option<Vec<String>>) {
    let word = |text: &str| text.to_owned();
    let (value, mut doubt, taken, details) = match status {
        Status::Flag { path: at, active } => {
            let (yes, no) = if *active { ("enabled", "disabled") } else { ("disabled", "enabled") };
            let map = vec![(word("true"), word(yes)), (word("false"), word(no))];
            let value = Value::Mapped { from: at.clone(), map, otherwise: word("unknown") };
            (value, format!("does `{}` alone tell whether somebody may sign in?", path(at)), at.clone(), None)
        }
        Status::Words { path: at, known, map, unknown } => {
            let map = map.iter().map(|(from, to)| (from.clone(), word(to))).collect();
            let value = Value::Mapped { from: at.clone(), map, otherwise: word("unknown") };
            let doubt = match (known, unknown.as_slice()) {
                (false, _) => "which words are there, and which of them may sign in? These are examples".to_owned(),
                (true, []) => "which of these may sign in?".to_owned(),
                (true, unknown) => {
                    format!("which of these may sign in? Not mapped, so unknown: {}", unknown.join(", "))
                }
            };
            (value, doubt, at.clone(), Some(at.clone()))
        }
        Status::Since { path: at } => {
            let when = format!("{} is present", member("row", at));
            let value = Value::Either { when, is: word("disabled"), otherwise: word("enabled") };
            (value, format!("is somebody without `{}` enabled?", path(at)), at.clone(), None)
        }
        Status::Nothing => (
            Value::Text(word("unknown")),
            "no field tells whether somebody may sign in; write `enabled` if whoever is listed may".to_owned(),
            Vec::new(),
            None,
        ),
    };
    let more = fields.more_on_status(&taken);
    if !more.is_empty() {
        doubt.push_str(&format!(" See also {}", more.join(", ")));
    }
    (Guess { value, doubts: vec![doubt] }, details)
}
