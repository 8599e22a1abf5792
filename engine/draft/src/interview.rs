//! A draft by questions. In: answers, one at a time. Out: the next question, and at last the draft. It
//! asks nobody itself: whoever holds the terminal does.

use std::collections::BTreeMap;

use url::Url;

use crate::api::{Segment, segments};
use crate::choose::Topic;
use crate::compose::{display_of, request_path};
use crate::draft::{Auth, AuthWay, Draft, Entitlement, Field, Guess, Source, Type, User, Value};
use crate::pages::{Pages, Way};
use crate::write::{label, written};
use crate::{DraftError, Drafted, Wishes, id_of, is_id};

/// A question.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    key: &'static str,
    /// What is asked.
    pub text: &'static str,
    /// What helps to answer it.
    pub help: &'static str,
    /// The answer where nothing is said; empty where something must be.
    pub default: &'static str,
    kind: Kind,
    /// Only where this answer begins with one of these words.
    only: Option<(&'static str, &'static [&'static str])>,
}

/// What an answer must look like.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    Url,
    Word(&'static [&'static str]),
    Path,
    PathOrNone,
    MembersOrNone,
    Items,
    Field,
    FieldOrHeader,
    FieldOrNone,
    Parameter,
    Header,
    Number,
}

const fn ask(key: &'static str, text: &'static str, help: &'static str, default: &'static str, kind: Kind) -> Question {
    Question { key, text, help, default, kind, only: None }
}

const fn when(question: Question, key: &'static str, words: &'static [&'static str]) -> Question {
    Question { only: Some((key, words)), ..question }
}

const AUTH: &[&str] = &["bearer", "header", "basic", "query", "oauth2", "none"];
const PAGING: &[&str] = &["none", "page", "offset", "cursor", "next_url", "link"];
const PAGED: &[&str] = &["page", "offset", "cursor", "next_url", "link"];
const NONE: &str = "-";
/// What stands before the name of a header.
const HEADER: &str = "header ";

/// The questions in their order.
const QUESTIONS: &[Question] = &[
    ask("name", "What is the vendor called?", "The name people know, such as Acme.", "", Kind::Text),
    ask(
        "base_url",
        "Base URL of the API?",
        "The host, such as https://api.acme.example; paths come later.",
        "",
        Kind::Url,
    ),
    ask(
        "auth",
        "How does a program sign in?",
        "bearer, header, basic, query, oauth2 (client credentials) or none.",
        "bearer",
        Kind::Word(AUTH),
    ),
    when(
        ask("header", "Which header carries the key?", "Such as X-Api-Key.", "X-Api-Key", Kind::Header),
        "auth",
        &["header"],
    ),
    when(
        ask(
            "query",
            "Which query parameter carries the key?",
            "URLs end up in logs, so only where nothing else works.",
            "api_key",
            Kind::Parameter,
        ),
        "auth",
        &["query"],
    ),
    when(
        ask(
            "token_url",
            "URL of the token endpoint?",
            "Such as https://login.acme.example/oauth/token.",
            "",
            Kind::Url,
        ),
        "auth",
        &["oauth2"],
    ),
    ask(
        "pages",
        "How does a list go on?",
        "none (one answer holds it all), page, offset, cursor, next_url or link (the Link header).",
        "none",
        Kind::Word(PAGING),
    ),
    when(ask("page", "Which query parameter takes the page number?", "", "page", Kind::Parameter), "pages", &["page"]),
    when(ask("offset", "Which query parameter takes the offset?", "", "offset", Kind::Parameter), "pages", &["offset"]),
    when(ask("cursor", "Which query parameter takes the cursor?", "", "cursor", Kind::Parameter), "pages", &["cursor"]),
    when(
        ask(
            "next",
            "Where does the answer hold the next cursor or URL?",
            "Names joined by dots, such as meta.next; or a header, such as header X-Next-Cursor.",
            "next",
            Kind::FieldOrHeader,
        ),
        "pages",
        &["cursor", "next_url"],
    ),
    when(
        ask("limit", "Which query parameter takes the page size?", "- if there is none.", "limit", Kind::Parameter),
        "pages",
        PAGED,
    ),
    when(ask("size", "Which page size?", "The largest that the vendor allows.", "100", Kind::Number), "pages", PAGED),
    ask("users", "Path of the list of users?", "Such as /v1/users; a {name} becomes a setting.", "/users", Kind::Path),
    ask(
        "users_items",
        "Where does the answer hold the list?",
        "$ if the answer is the list; otherwise names joined by dots, such as data.items.",
        "$",
        Kind::Items,
    ),
    ask("user_id", "Which field is the user's id?", "It must never change.", "id", Kind::Field),
    ask("user_name", "Which field is the user's name?", "", "name", Kind::Field),
    ask("user_email", "Which field is the email address?", "- if there is none.", "email", Kind::FieldOrNone),
    ask("user_status", "Which field tells whether a user may sign in?", "- if there is none.", NONE, Kind::FieldOrNone),
    when(
        ask("enabled", "What does it hold for somebody who may?", "Such as active, or true.", "active", Kind::Text),
        "user_status",
        &["+"],
    ),
    when(
        ask(
            "disabled",
            "What does it hold for somebody who may not?",
            "Such as inactive, or false.",
            "inactive",
            Kind::Text,
        ),
        "user_status",
        &["+"],
    ),
    ask("groups", "Path of the list of groups?", "- if there are none.", NONE, Kind::PathOrNone),
    when(
        ask("groups_items", "Where does the answer hold the list?", "$ if the answer is the list.", "$", Kind::Items),
        "groups",
        &["+"],
    ),
    when(ask("group_id", "Which field is the group's id?", "", "id", Kind::Field), "groups", &["+"]),
    when(ask("group_name", "Which field is the group's name?", "", "name", Kind::Field), "groups", &["+"]),
    when(
        ask(
            "members",
            "Path of the list of a group's members?",
            "With {id} for the group, such as /v1/groups/{id}/members; - if there is none.",
            NONE,
            Kind::MembersOrNone,
        ),
        "groups",
        &["+"],
    ),
    when(
        ask("members_items", "Where does the answer hold the list?", "$ if the answer is the list.", "$", Kind::Items),
        "members",
        &["+"],
    ),
    when(ask("member_id", "Which field is the user's id there?", "", "id", Kind::Field), "members", &["+"]),
];

/// Questions, and the answers so far.
#[derive(Clone, Debug, Default)]
pub struct Interview {
    answers: BTreeMap<&'static str, String>,
}

impl Interview {
    /// The next question; none once all are answered.
    pub fn next(&self) -> Option<Question> {
        QUESTIONS.iter().find(|question| !self.answers.contains_key(question.key) && self.applies(question)).copied()
    }

    fn applies(&self, question: &Question) -> bool {
        question.only.is_none_or(|(key, words)| {
            let answer = self.answers.get(key).map(String::as_str).unwrap_or(NONE);
            words.contains(&answer) || (words.contains(&"+") && answer != NONE)
        })
    }

    /// Takes an answer to the next question; says why it cannot be one.
    pub fn answer(&mut self, text: &str) -> Result<(), String> {
        let Some(question) = self.next() else { return Ok(()) };
        let text = if text.trim().is_empty() { question.default } else { text.trim() };
        let accepted = accepted(question.kind, text)?;
        self.answers.insert(question.key, accepted);
        Ok(())
    }

    /// The draft of the answers.
    pub fn finish(&self, wishes: &Wishes) -> Result<Drafted, DraftError> {
        if let Some(question) = self.next() {
            return Err(DraftError::new(format!("the answers end before the question `{}`", question.text)));
        }
        let name = wishes.name.clone().unwrap_or_else(|| self.text("name").to_owned());
        let id = wishes.id.clone().unwrap_or_else(|| id_of(&name));
        if !is_id(&id) {
            return Err(DraftError::new(format!("`{id}` cannot be the id of a spec"))
                .hint("use lower-case letters, digits and `-`, such as `acme-directory`"));
        }
        let mut draft = Draft { id: id.clone(), name: label(&name), ..Draft::default() };
        self.sign_in(&mut draft);
        draft.fields.push(Field {
            name: "base_url".to_owned(),
            title: "Base URL".to_owned(),
            url: true,
            default: Some(self.text("base_url").to_owned()),
            ..Field::default()
        });
        let user = self.user(&mut draft);
        draft.types.push(user);
        if self.text("groups") != NONE {
            let group = self.group(&mut draft);
            draft.types.push(group);
        }
        Ok(Drafted { spec: written(&draft), id, found: Vec::new(), left_out: Vec::new() })
    }

    fn text(&self, key: &str) -> &str {
        self.answers.get(key).map(String::as_str).unwrap_or(NONE)
    }

    fn path(&self, key: &str) -> Vec<String> {
        names(self.text(key))
    }

    fn sign_in(&self, draft: &mut Draft) {
        let mut field = |name: &str, title: &str, secret: bool| {
            let doubts = vec!["say where one gets it, and which rights it needs".to_owned()];
            draft.fields.push(Field {
                name: name.to_owned(),
                title: title.to_owned(),
                secret,
                doubts,
                ..Field::default()
            });
        };
        let way = match self.text("auth") {
            "none" => AuthWay::None,
            "basic" => {
                field("username", "User name or API key", false);
                field("password", "Password or API secret", true);
                AuthWay::Basic { digest: false }
            }
            "oauth2" => {
                field("client_id", "Client id", false);
                field("client_secret", "Client secret", true);
                AuthWay::ClientCredentials { token_url: self.text("token_url").to_owned(), scopes: Vec::new() }
            }
            other => {
                field("api_token", "API token", true);
                match other {
                    "header" => {
                        AuthWay::Headers(vec![(self.text("header").to_owned(), String::new(), "api_token".to_owned())])
                    }
                    "query" => AuthWay::Query(self.text("query").to_owned()),
                    _ => AuthWay::Bearer,
                }
            }
        };
        draft.auth = Auth { way, doubts: Vec::new() };
    }

    fn pages(&self) -> Pages {
        let send = |key: &str| self.text(key).to_owned();
        let header = self.text("next").strip_prefix(HEADER).map(str::to_owned);
        let way = match self.text("pages") {
            "page" => Way::Page { send: send("page"), start: 1 },
            "offset" => Way::Offset { send: send("offset"), start: 0 },
            way @ ("cursor" | "next_url") if header.is_some() => {
                let send = (way == "cursor").then(|| send("cursor"));
                Way::Header { header: header.unwrap_or_default(), send }
            }
            "cursor" => Way::Cursor { next: self.path("next"), send: send("cursor"), part: None },
            "next_url" => Way::NextUrl { next: self.path("next") },
            "link" => Way::Link,
            _ => Way::None,
        };
        let size = self.text("size").parse().ok().filter(|_| self.text("limit") != NONE);
        Pages { limit: size.map(|size| (send("limit"), size)), way, ..Pages::default() }
    }

    fn source(&self, draft: &mut Draft, key: &str, items: &str, parent: Option<&str>) -> Source {
        let whole = segments(self.text(key)).unwrap_or_default();
        let hole = whole.iter().position(|segment| matches!(segment, Segment::Hole(name) if name == "id"));
        let path = request_path(draft, &whole, hole.zip(parent));
        Source { path, items: self.path(items), pages: self.pages(), ..Source::default() }
    }

    fn user(&self, draft: &mut Draft) -> Type {
        let key = self.path("user_id");
        let email = Some(self.path("user_email")).filter(|_| self.text("user_email") != NONE);
        let status = match self.text("user_status") {
            NONE => Guess {
                value: Value::Text("unknown".to_owned()),
                doubts: vec!["write `enabled` if whoever is listed may sign in".to_owned()],
            },
            _ => {
                let word = |key: &str, meaning: &str| (self.text(key).to_owned(), meaning.to_owned());
                let map = vec![word("enabled", "enabled"), word("disabled", "disabled")];
                let value = Value::Mapped { from: self.path("user_status"), map, otherwise: "unknown".to_owned() };
                Guess { value, doubts: vec!["are these all the words that there are?".to_owned()] }
            }
        };
        let user = User {
            email: email.clone().map(Value::Path),
            login: email.clone().map(|at| Guess {
                value: Value::Path(at),
                doubts: vec!["do people sign in with their email address?".to_owned()],
            }),
            status,
            ..User::default()
        };
        Type {
            id: "user".to_owned(),
            name: "User".to_owned(),
            list: self.source(draft, "users", "users_items", None),
            display: Guess {
                value: display_of(vec![self.path("user_name")], None, None, email, &key),
                doubts: Vec::new(),
            },
            key: Guess { value: Value::Path(key), doubts: Vec::new() },
            user: Some(user),
            ..Type::default()
        }
    }

    fn group(&self, draft: &mut Draft) -> Type {
        let key = self.path("group_id");
        let mut kind = Type {
            topic: Topic::Group,
            id: "group".to_owned(),
            name: "Group".to_owned(),
            list: self.source(draft, "groups", "groups_items", None),
            display: Guess {
                value: display_of(vec![self.path("group_name")], None, None, None, &key),
                doubts: Vec::new(),
            },
            key: Guess { value: Value::Path(key), doubts: Vec::new() },
            ..Type::default()
        };
        if self.text("members") == NONE {
            kind.missing.push("say who is in a group: an entitlement, and its grants".to_owned());
            return kind;
        }
        kind.entitlement = Some(Entitlement {
            slug: "member".to_owned(),
            grants: self.source(draft, "members", "members_items", Some("{{ resource.id }}")),
            resource: None,
            principal: Some(Value::Path(self.path("member_id"))),
        });
        kind
    }
}

/// Names joined by dots, with or without `$.` before.
fn names(text: &str) -> Vec<String> {
    let text = text.strip_prefix('$').unwrap_or(text);
    text.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn accepted(kind: Kind, text: &str) -> Result<String, String> {
    let keep = || Ok(text.to_owned());
    if text.is_empty() {
        return Err("this needs an answer".to_owned());
    }
    if text.len() > 500 || text.contains(char::is_control) || text.contains("{{") {
        return Err("this is too long, or holds signs that cannot be in a spec".to_owned());
    }
    match kind {
        Kind::Text if text.starts_with('$') => Err("this begins with `$`, which means a path in a spec".to_owned()),
        Kind::Text => keep(),
        Kind::Url => match Url::parse(text) {
            Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) => {
                if !url.username().is_empty()
                    || url.password().is_some()
                    || url.query().is_some()
                    || url.fragment().is_some()
                {
                    return Err("write it without user, password, `?` and `#`".to_owned());
                }
                Ok(text.trim_end_matches('/').to_owned())
            }
            Ok(_) => Err("it must begin with https://".to_owned()),
            Err(error) => Err(format!("this is not a URL: {error}")),
        },
        Kind::Word(words) if words.contains(&text) => keep(),
        Kind::Word(words) => Err(format!("one of {}", words.join(", "))),
        Kind::PathOrNone | Kind::MembersOrNone | Kind::FieldOrNone if text == NONE => keep(),
        Kind::Path | Kind::PathOrNone | Kind::MembersOrNone => {
            let Some(found) = text.strip_prefix('/').and_then(segments) else {
                return Err(
                    "a path begins with `/` and has texts and `{names}` between slashes, without `?`".to_owned()
                );
            };
            let has_id = found.iter().any(|segment| matches!(segment, Segment::Hole(name) if name == "id"));
            match matches!(kind, Kind::MembersOrNone) && !has_id {
                true => Err("write `{id}` where the id of the group goes".to_owned()),
                false => keep(),
            }
        }
        Kind::Items if text == "$" => keep(),
        Kind::Items | Kind::Field | Kind::FieldOrNone => {
            let found = names(text);
            match found.is_empty() || text.contains(['[', ']', '*', '\'', '"', ' ']) {
                true => Err("names joined by dots, such as `data.items`".to_owned()),
                false => keep(),
            }
        }
        Kind::Parameter if text.contains([' ', '&', '=', '?', '{', '}']) => {
            Err("this cannot be the name of a parameter".to_owned())
        }
        Kind::Parameter => keep(),
        Kind::FieldOrHeader => match text.strip_prefix(HEADER) {
            Some(header) => accepted(Kind::Header, header.trim()).map(|header| format!("{HEADER}{header}")),
            None => accepted(Kind::Field, text),
        },
        Kind::Header if text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') => keep(),
        Kind::Header => Err("the name of a header has letters, digits and `-`".to_owned()),
        Kind::Number => match text.parse::<u32>() {
            Ok(number) if (1..=100_000).contains(&number) => keep(),
            _ => Err("a number from 1 to 100000".to_owned()),
        },
    }
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}
