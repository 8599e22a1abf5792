//! A first spec from what there is: an OpenAPI 3 document, a recording of a browser (HAR), or a few
//! answers of a person.
//!
//! ```text
//! read        a text → a tree, and what it is
//! openapi     a document → what is known of the API
//! har         a recording → the same, inferred from answers
//! api         what is known: where it is, how one signs in, its lists
//! choose      which lists are users, groups, roles and places   membership   who is in them
//! fields, pages    what a field means, how a list goes on
//! compose     the choice → a draft, each guess with its doubt      scim   one over the fragment
//! interview   answers → a draft
//! draft, write, yaml    the draft, and how it is written
//! ```
//!
//! Nothing in this crate touches the network, files, the environment or the clock. What it writes
//! passes every check of `engine-spec`; each guess is a comment `# TODO: …` that the checker lists.

mod api;
mod choose;
mod compose;
mod draft;
mod fields;
mod har;
mod interview;
mod membership;
mod openapi;
mod pages;
mod read;
mod scim;
mod write;
mod yaml;

use api::Api;
use choose::{Choice, Chosen, Missing, Named, Topic};
pub use interview::{Interview, Question};

/// What the user has decided already.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Short name of the spec.
    pub id: Option<String>,
    /// The vendor's name.
    pub name: Option<String>,
    /// Path of the list of users.
    pub users: Option<String>,
    /// Paths of the lists of groups.
    pub groups: Vec<String>,
    /// Paths of the lists of roles.
    pub roles: Vec<String>,
}

/// A draft, and how it came about.
#[derive(Clone, Debug)]
pub struct Drafted {
    /// The spec.
    pub spec: String,
    /// Its id.
    pub id: String,
    /// What was found and chosen, a line each.
    pub found: Vec<String>,
    /// What was left out, and why.
    pub left_out: Vec<String>,
}

/// Why there is no draft.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DraftError {
    message: String,
    hint: Option<String>,
}

impl DraftError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// What to try.
    pub fn what_to_try(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// A draft of a document: OpenAPI 3 as JSON or YAML, or a HAR file.
pub fn from_document(text: &str, wishes: &Wishes) -> Result<Drafted, DraftError> {
    let named = Named {
        users: wishes.users.as_deref(),
        groups: wishes.groups.iter().map(String::as_str).collect(),
        roles: wishes.roles.iter().map(String::as_str).collect(),
    };
    let wanted: Vec<&str> = named.users.iter().chain(&named.groups).chain(&named.roles).copied().collect();
    let api = match read::document(text)? {
        read::Document::OpenApi(tree) => openapi::api(&tree, &wanted),
        read::Document::Har(tree) => har::api(&tree)?,
    };
    let choice = choose::choose(&api, &named).map_err(|missing| told(&missing, &api))?;
    let name = wishes.name.clone().unwrap_or_else(|| name_of(&api));
    let id = match &wishes.id {
        Some(id) if is_id(id) => id.clone(),
        Some(id) => {
            let hint = "use lower-case letters, digits and `-`, such as `acme-directory`";
            return Err(DraftError::new(format!("`{}` cannot be the id of a spec", yaml::one_line(id))).hint(hint));
        }
        None => id_of(&name),
    };
    if let Some(service) = scim::Service::of(&api, choice.users.list) {
        let (spec, found) = (service.written(&id, &name), service.found());
        let left_out = api.left_out.iter().cloned().chain(service.left_out(&choice)).collect();
        return Ok(Drafted { spec, id, found, left_out });
    }
    let draft = compose::composed(&api, &choice, &id, &name);
    let found = found(&choice, &draft);
    Ok(Drafted { spec: write::written(&draft), id, found, left_out: api.left_out })
}

/// What was chosen, a line for each type, and what there is none of.
fn found(choice: &Choice<'_>, draft: &draft::Draft) -> Vec<String> {
    let held = choice.held.iter().map(|held| (held.id.as_str(), Some(&held.chosen)));
    let mut types: Vec<(&str, Option<&Chosen<'_>>)> =
        std::iter::once((Topic::User.id(), Some(&choice.users))).chain(held).collect();
    for topic in [Topic::Group, Topic::Role] {
        if choice.held.iter().all(|held| held.topic != topic) {
            types.push((topic.id(), None));
        }
    }
    let width = types.iter().map(|(id, _)| id.len()).max().unwrap_or_default() + 2;
    let line = |(id, chosen): &(&str, Option<&Chosen<'_>>)| {
        let Some(chosen) = chosen else { return format!("{id:<width$}no list") };
        let kind = draft.types.iter().find(|kind| kind.id == *id);
        let pages = kind.map(|kind| compose::pages_shown(&kind.list.pages)).unwrap_or_default();
        let others = match chosen.others.as_slice() {
            [] => String::new(),
            others => format!("\n{:<width$}not {}", "", others.join(", ")),
        };
        let items = draft::path(&chosen.list.items);
        format!("{id:<width$}GET {}, rows at {items}; {pages}{others}", chosen.list.shown())
    };
    types.iter().map(line).collect()
}

fn told(missing: &Missing, api: &Api) -> DraftError {
    match missing {
        Missing::Named(path) => DraftError::new(format!("GET {} is no list in {}", yaml::one_line(path), api.source))
            .hint("write the path as it stands there, with its `{…}`; its answer must be described, and hold a list"),
        Missing::Twice(path) => DraftError::new(format!("GET {} is named twice", yaml::one_line(path)))
            .hint("each list makes one type: name it once, by one of `--users`, `--groups` and `--roles`"),
        Missing::OfUsers(path) => {
            let message = format!("GET {} is the list of users, and is named for something else", yaml::one_line(path));
            DraftError::new(message).hint("if the users are in another list, name that one with `--users PATH`")
        }
        Missing::Users => {
            let lists: Vec<String> = api.lists.iter().take(8).map(api::List::shown).collect();
            let seen = match lists.is_empty() {
                true => "; none of its lists is called like users, groups or roles".to_owned(),
                false => format!("; there are {}", lists.join(", ")),
            };
            DraftError::new(format!("no list of users was found in {}{seen}", api.source))
                .hint("name the path with `--users PATH`, or leave `--from` away and answer a few questions")
        }
    }
}

fn name_of(api: &Api) -> String {
    let title = yaml::one_line(&api.title);
    let dull = [
        "api",
        "rest",
        "openapi",
        "reference",
        "documentation",
        "specification",
        "the",
        "swagger",
        "definition",
        "v1",
        "v2",
        "v3",
    ];
    let words: Vec<&str> = title.split(' ').filter(|word| !dull.contains(&word.to_lowercase().as_str())).collect();
    let short = words.join(" ");
    match short.trim_matches([' ', '-', ':', ',']) {
        "" => match &api.origin {
            Some(origin) => api::host_name(origin),
            None => "Acme".to_owned(),
        },
        short => short.to_owned(),
    }
}

/// An id out of a name: `Acme Directory!` is `acme-directory`.
pub(crate) fn id_of(name: &str) -> String {
    let mut id = String::new();
    for character in name.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            id.push(character);
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
        if id.len() >= 40 {
            break;
        }
    }
    let id = id.trim_end_matches('-').to_owned();
    match id.starts_with(|c: char| c.is_ascii_lowercase()) {
        true => id,
        false => format!("vendor-{id}").trim_end_matches('-').to_owned(),
    }
}

pub(crate) fn is_id(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.len() <= 63
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Whether a name is that of a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = api::folded(name);
    [
        "apikey",
        "accesstoken",
        "authtoken",
        "token",
        "password",
        "secret",
        "signature",
        "sessionid",
        "session",
        "auth",
        "key",
        "sig",
        "jwt",
    ]
    .iter()
    .any(|word| name == *word || (word.len() > 5 && name.ends_with(word)))
}
