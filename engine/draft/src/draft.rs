//! A draft: what the spec will say, with the doubts about it. `compose` makes one of an API, `interview`
//! one of answers; `write` turns it into YAML.

use crate::choose::Topic;
use crate::pages::Pages;

/// The draft of a spec.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    /// Short name.
    pub id: String,
    /// The vendor's name.
    pub name: String,
    /// The vendor's documentation.
    pub docs: Option<String>,
    /// What a reader of the spec should know, above everything.
    pub doubts: Vec<String>,
    /// What a user must provide.
    pub fields: Vec<Field>,
    /// How one signs in.
    pub auth: Auth,
    /// Headers of every request.
    pub headers: Vec<(String, String)>,
    /// The resource types.
    pub types: Vec<Type>,
    /// Tables that find a resource by something else than its id.
    pub look_ups: Vec<LookUp>,
}

/// A config field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Field {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it is for.
    pub help: Option<String>,
    /// Whether it is a secret.
    pub secret: bool,
    /// Whether it is a URL.
    pub url: bool,
    /// Its default.
    pub default: Option<String>,
    /// A value that shows its form.
    pub example: Option<String>,
    /// What is cut off a pasted value.
    pub strip: Vec<String>,
    /// What to look at.
    pub doubts: Vec<String>,
}

/// How one signs in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Auth {
    /// The way.
    pub way: AuthWay,
    /// What to look at.
    pub doubts: Vec<String>,
}

/// A way to sign in; the config fields have the names that `write` uses.
#[derive(Clone, Debug, Default)]
pub(crate) enum AuthWay {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Bearer …`.
    Bearer,
    /// HTTP Basic, or Digest.
    Basic { digest: bool },
    /// Headers: name, what stands before, config field.
    Headers(Vec<(String, String, String)>),
    /// A query parameter.
    Query(String),
    /// OAuth 2.0 with client credentials.
    ClientCredentials { token_url: String, scopes: Vec<String> },
}

/// A resource type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Type {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub topic: Topic,
    /// Where its rows come from.
    pub list: Source,
    /// The id.
    pub key: Guess,
    /// What people read.
    pub display: Guess,
    /// A sentence on it.
    pub description: Option<Value>,
    /// When it was made.
    pub created: Option<Guess>,
    /// What a user has; `None` for everything else.
    pub user: Option<User>,
    /// Further fields.
    pub profile: Vec<(String, Vec<String>)>,
    /// What can be held on it.
    pub entitlement: Option<Entitlement>,
    /// What is missing.
    pub missing: Vec<String>,
}

/// A value that may be wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guess {
    /// The value.
    pub value: Value,
    /// What to look at.
    pub doubts: Vec<String>,
}

/// What a user has.
#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    /// The email address.
    pub email: Option<Value>,
    /// All addresses: the list, the address and the flag of the primary one.
    pub emails: Option<(Vec<String>, String, Option<String>)>,
    /// What one signs in with.
    pub login: Option<Guess>,
    /// The status.
    pub status: Guess,
    /// The vendor's own word for it.
    pub status_details: Option<Vec<String>>,
    /// Last sign-in.
    pub last_login: Option<Value>,
    /// Human or not.
    pub account_type: Option<Guess>,
    /// Whether a second factor is set up.
    pub mfa: Option<Vec<String>>,
    /// Given name.
    pub given_name: Option<Vec<String>>,
    /// Family name.
    pub family_name: Option<Vec<String>>,
    /// A number of the employer.
    pub employee: Option<Vec<String>>,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A path on the row.
    Path(Vec<String>),
    /// A text as it stands, a template among them.
    Text(String),
    /// The first that is there.
    First(Vec<Value>),
    /// Texts joined.
    Joined(Vec<Vec<String>>),
    /// Words turned into others.
    Mapped { from: Vec<String>, map: Vec<(String, String)>, otherwise: String },
    /// Another type.
    Converted { from: Vec<String>, conversion: &'static str },
    /// One value where an expression holds and another where not.
    Either { when: String, is: String, otherwise: String },
    /// The id of what a table holds under a key.
    LookedUp { table: String, key: Vec<String> },
}

impl Default for Value {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// Where rows come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    /// What to look at.
    pub doubts: Vec<String>,
    /// Repeated for each of a type: the name, and the type.
    pub for_each: Option<(String, String)>,
    /// The path of the request; a template.
    pub path: String,
    /// Parameters, with their doubts.
    pub query: Vec<(String, String, Option<String>)>,
    /// Headers.
    pub headers: Vec<(String, String, Option<String>)>,
    /// Where the list stands.
    pub items: Vec<String>,
    /// How it goes on.
    pub pages: Pages,
    /// The rows of another type, instead of a request.
    pub each_row: Option<String>,
    /// A list inside each of them.
    pub unnest: Option<Vec<String>>,
    /// The rows that count.
    pub condition: Option<String>,
    /// Of rows with the same value, the first.
    pub dedupe: Option<Vec<String>>,
}

/// What can be held on a type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entitlement {
    /// Its slug.
    pub slug: String,
    /// Where grants come from.
    pub grants: Source,
    /// The resource, where the row tells.
    pub resource: Option<Value>,
    /// Who holds it; `None` is the row itself.
    pub principal: Option<Value>,
}

/// A table that finds a resource.
#[derive(Clone, Debug)]
pub(crate) struct LookUp {
    /// Its name.
    pub name: String,
    /// The type.
    pub of: String,
    /// The keys.
    pub keys: Vec<Vec<String>>,
    /// Whether capitals do not matter.
    pub fold: bool,
}

/// A path as the language writes it.
pub(crate) fn path(names: &[String]) -> String {
    let mut text = String::from("$");
    for name in names {
        if is_name(name) {
            text.push('.');
            text.push_str(name);
        } else {
            text.push_str(&format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'")));
        }
    }
    text
}

/// A path on a name of an expression: `row.status`, `body['@more']`.
pub(crate) fn member(of: &str, names: &[String]) -> String {
    let mut text = of.to_owned();
    for name in names {
        if is_name(name) && !name.starts_with('_') {
            text.push('.');
            text.push_str(name);
        } else {
            text.push_str(&format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'")));
        }
    }
    text
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
