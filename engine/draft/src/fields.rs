//! Which field of a row means what, told by names and formats. In: the shape of a row. Out: paths,
//! each found by the first name of a list that the row has; what is not sure says so.

use crate::api::{Kind, Shape, folded};

/// A field of a row.
#[derive(Clone, Debug)]
pub(crate) struct Field<'a> {
    /// Where it stands.
    pub path: Vec<String>,
    /// Its last name, folded.
    pub name: String,
    /// What it looks like.
    pub shape: &'a Shape,
}

/// The fields of a row, and of the objects in it that describe the same thing.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    all: Vec<Field<'a>>,
}

/// Objects inside a row that are about what the row is about.
const SAME: &[&str] = &["attributes", "profile", "name", "info", "details", "properties"];

impl<'a> Fields<'a> {
    /// The fields of a row that is a `word`, such as `user`.
    pub fn of(row: &'a Shape, words: &[&str]) -> Self {
        let mut all = Vec::new();
        let Some(members) = row.members() else { return Self { all } };
        let named = members.keys().any(|name| {
            let name = folded(name);
            LOGIN.contains(&name.as_str()) || EMAIL.contains(&name.as_str())
        });
        // A membership wraps the person: `{ "role": …, "user": { "id": … } }`.
        let wrapped = members.iter().find(|(name, shape)| {
            let has_id =
                || shape.members().is_some_and(|inside| inside.keys().any(|name| is_id_name(&folded(name), words)));
            !named && words.contains(&folded(name).as_str()) && has_id()
        });
        if let Some((holder, shape)) = wrapped {
            collect(shape, vec![holder.clone()], &mut all);
        }
        collect(row, Vec::new(), &mut all);
        Self { all }
    }

    /// The first field that has one of the names, in the order of the names.
    pub fn find(&self, names: &[&str], fits: impl Fn(&Shape) -> bool) -> Option<&Field<'a>> {
        names.iter().find_map(|name| self.all.iter().find(|field| field.name == *name && fits(field.shape)))
    }

    /// All fields.
    pub fn all(&self) -> &[Field<'a>] {
        &self.all
    }
}

fn collect<'a>(row: &'a Shape, at: Vec<String>, all: &mut Vec<Field<'a>>) {
    let mut deeper = Vec::new();
    for (name, shape) in row.members().into_iter().flatten() {
        let mut path = at.clone();
        path.push(name.clone());
        let field = folded(name);
        if SAME.contains(&field.as_str()) && shape.members().is_some() && at.len() < 2 {
            deeper.push((shape, path.clone()));
        }
        all.push(Field { path, name: field, shape });
    }
    for (shape, path) in deeper {
        collect(shape, path, all);
    }
}

fn is_id_name(name: &str, words: &[&str]) -> bool {
    ID.contains(&name) || words.iter().any(|word| name == format!("{word}id") || name == format!("{word}uuid"))
}

const ID: &[&str] = &["id", "gid", "uuid", "uid", "guid", "objectid", "entityid", "identifier"];
/// Names of email addresses.
pub(crate) const EMAIL: &[&str] =
    &["email", "emailaddress", "mail", "primaryemail", "useremail", "workemail", "emailid"];
/// Names of what somebody signs in with.
pub(crate) const LOGIN: &[&str] =
    &["login", "username", "userlogin", "userprincipalname", "loginname", "loginid", "handle", "screenname"];
const NAME: &[&str] = &["displayname", "fullname", "name", "realname", "formatted", "title", "label"];
const GIVEN: &[&str] = &["firstname", "givenname", "first", "forename"];
const FAMILY: &[&str] = &["lastname", "familyname", "surname", "last"];
const CREATED: &[&str] = &[
    "createdat",
    "created",
    "createddate",
    "datecreated",
    "creationdate",
    "createdon",
    "createdtime",
    "creationtime",
    "createtime",
    "createddatetime",
    "creationdatetime",
    "timecreated",
    "whencreated",
    "createdtimestamp",
    "joinedat",
];
const LAST_LOGIN: &[&str] = &[
    "lastlogin",
    "lastloginat",
    "lastlogindate",
    "lastlogintime",
    "lastlogon",
    "lastsignin",
    "lastsigninat",
    "lastsignindatetime",
    "loggedinat",
    "lastloggedin",
    "lastloggedinat",
    "lastauthenticatedat",
    "currentsigninat",
];
const MFA: &[&str] = &[
    "mfaenabled",
    "twofactorenabled",
    "twofactorauthentication",
    "twofactorauthenticationenabled",
    "has2faenabled",
    "istwofactorenabled",
    "is2faenabled",
    "mfa",
    "hasmfa",
    "otpenabled",
    "mfaactive",
    "ismfaenabled",
    "usingtwofactor",
];
const EMPLOYEE: &[&str] = &["employeeid", "employeenumber"];

/// Booleans that say whether somebody may sign in, and which of the two it is that says so.
const ACTIVE: &[&str] = &["active", "isactive", "enabled", "isenabled", "accountenabled", "useractive"];
const INACTIVE: &[&str] = &[
    "disabled",
    "isdisabled",
    "suspended",
    "issuspended",
    "deactivated",
    "isdeactivated",
    "blocked",
    "isblocked",
    "inactive",
    "isinactive",
    "archived",
    "isarchived",
    "locked",
    "islocked",
    "banned",
    "deleted",
    "isdeleted",
];
/// Words that say it.
const STATE: &[&str] =
    &["status", "state", "userstatus", "accountstatus", "membershipstatus", "lifecyclestatus", "userstate"];
/// Times since which somebody may not sign in any more.
const SINCE: &[&str] =
    &["deactivatedat", "disabledat", "suspendedat", "deletedat", "archivedat", "deactivatedon", "lockedat"];

/// Where something was found, and why that is a guess.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Where it stands.
    pub path: Vec<String>,
    /// Why it may be wrong.
    pub doubt: Option<String>,
}

/// How somebody's status is told.
#[derive(Clone, Debug)]
pub(crate) enum Status {
    /// By a boolean; `active` is the value that means enabled.
    Flag { path: Vec<String>, active: bool },
    /// By words, and what they mean here.
    Words { path: Vec<String>, known: bool, map: Vec<(String, &'static str)>, unknown: Vec<String> },
    /// By a time that is there once it is over.
    Since { path: Vec<String> },
    /// Not at all.
    Nothing,
}

/// How a time is written.
#[derive(Clone, Debug)]
pub(crate) struct Time {
    /// Where it stands.
    pub path: Vec<String>,
    /// The conversion it needs.
    pub conversion: Option<&'static str>,
}

impl Fields<'_> {
    /// The id. `words` are what the row is, such as `user`; `asked` is the name of the parameter that
    /// takes it in another path.
    pub fn id(&self, words: &[&str], asked: Option<&str>) -> Option<Found> {
        let found = |field: &Field<'_>, doubt: Option<String>| Found { path: field.path.clone(), doubt };
        let of = |field: &&Field<'_>| field.shape.is_id();
        // A path that asks for a slug is not answered for an id.
        if let Some(asked) = asked.map(folded) {
            let tail = words.iter().find_map(|word| asked.strip_prefix(word)).unwrap_or(&asked).to_owned();
            if matches!(
                tail.as_str(),
                "slug" | "key" | "name" | "login" | "email" | "handle" | "gid" | "uuid" | "username"
            ) && let Some(field) = self.find(&[tail.as_str(), asked.as_str()], Shape::is_id)
            {
                let doubt = (field.name != "gid" && field.name != "uuid")
                    .then(|| format!("`{}` is taken as the id, as other paths ask for it", field.path.join(".")));
                return Some(found(field, doubt));
            }
        }
        if let Some(field) = self.find(&["id"], Shape::is_id) {
            return Some(found(field, None));
        }
        let own: Vec<String> = words.iter().flat_map(|word| [format!("{word}id"), format!("{word}uuid")]).collect();
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        if let Some(field) = self.find(&own, Shape::is_id).or_else(|| self.find(ID, Shape::is_id)) {
            return Some(found(field, None));
        }
        let doubt = |field: &Field<'_>| Some(format!("is `{}` the id that never changes?", field.path.join(".")));
        let stable = ["key", "slug", "sid", "code", "ref", "href"];
        let field = self.find(&stable, Shape::is_id);
        let field = field.or_else(|| self.find(LOGIN, Shape::is_id)).or_else(|| self.find(EMAIL, Shape::is_id));
        let field = field
            .or_else(|| self.all.iter().filter(of).find(|field| field.path.len() == 1 && field.name.ends_with("id")));
        let field = field.or_else(|| self.find(NAME, Shape::is_id));
        field.map(|field| found(field, doubt(field)))
    }

    /// The fields that people read, the best first.
    pub fn names(&self) -> Vec<Vec<String>> {
        let mut paths: Vec<Vec<String>> = Vec::new();
        for name in NAME {
            // `name.formatted` is a name; so is `name`, if it is no object.
            if let Some(field) = self.find(&[name], |shape| shape.is_text() && shape.format != "uri") {
                paths.push(field.path.clone());
            }
        }
        paths.truncate(2);
        paths
    }

    /// Given and family name.
    pub fn parts_of_name(&self) -> (Option<Vec<String>>, Option<Vec<String>>) {
        let path = |names: &[&str]| self.find(names, Shape::is_text).map(|field| field.path.clone());
        (path(GIVEN), path(FAMILY))
    }

    /// The email address.
    pub fn email(&self) -> Option<Vec<String>> {
        self.find(EMAIL, Shape::is_text).map(|field| field.path.clone())
    }

    /// A list of addresses: where it stands, and the name of the address and of the flag in an element.
    pub fn emails(&self) -> Option<(Vec<String>, String, Option<String>)> {
        let field = self.find(&["emails", "emailaddresses"], |shape| matches!(shape.kind, Kind::List(_)))?;
        let Kind::List(element) = &field.shape.kind else { return None };
        let members = element.members()?;
        let address = members
            .keys()
            .find(|name| matches!(folded(name).as_str(), "value" | "email" | "address" | "emailaddress"))?;
        let primary = members.keys().find(|name| matches!(folded(name).as_str(), "primary" | "isprimary"));
        Some((field.path.clone(), address.clone(), primary.cloned()))
    }

    /// What somebody signs in with.
    pub fn login(&self) -> Option<Vec<String>> {
        self.find(LOGIN, Shape::is_text).map(|field| field.path.clone())
    }

    /// How the status is told.
    pub fn status(&self) -> Status {
        let flag = |shape: &Shape| matches!(shape.kind, Kind::Boolean);
        if let Some(field) = self.find(ACTIVE, flag) {
            return Status::Flag { path: field.path.clone(), active: true };
        }
        if let Some(field) = self.find(STATE, |shape| matches!(shape.kind, Kind::Text)) {
            let (map, unknown) = meanings(&field.shape.words);
            let known = !field.shape.words.is_empty();
            let map = if map.is_empty() {
                vec![("active".to_owned(), "enabled"), ("inactive".to_owned(), "disabled")]
            } else {
                map
            };
            return Status::Words { path: field.path.clone(), known, map, unknown };
        }
        if let Some(field) = self.find(INACTIVE, flag) {
            return Status::Flag { path: field.path.clone(), active: false };
        }
        match self.find(SINCE, |shape| shape.is_text() || matches!(shape.kind, Kind::Integer)) {
            Some(field) => Status::Since { path: field.path.clone() },
            None => Status::Nothing,
        }
    }

    /// Other fields that may say something about the status.
    pub fn more_on_status(&self, taken: &[String]) -> Vec<String> {
        let names = [ACTIVE, STATE, INACTIVE, SINCE].concat();
        let fields = self.all.iter().filter(|field| names.contains(&field.name.as_str()) && field.path != taken);
        fields.map(|field| field.path.join(".")).take(3).collect()
    }

    /// When it was made.
    pub fn created(&self) -> Option<Time> {
        self.time(CREATED)
    }

    /// When somebody signed in last.
    pub fn last_login(&self) -> Option<Time> {
        self.time(LAST_LOGIN)
    }

    fn time(&self, names: &[&str]) -> Option<Time> {
        let fits = |shape: &Shape| matches!(shape.kind, Kind::Text | Kind::Integer | Kind::Number | Kind::Unknown);
        let field = self.find(names, fits)?;
        let count = matches!(field.shape.kind, Kind::Integer | Kind::Number);
        let milliseconds =
            field.shape.example.as_ref().is_some_and(|text| text.len() >= 12) || field.shape.format.contains("milli");
        let conversion = count.then_some(if milliseconds { "unix_milliseconds" } else { "unix_seconds" });
        Some(Time { path: field.path.clone(), conversion })
    }

    /// Whether a second factor is set up.
    pub fn mfa(&self) -> Option<Vec<String>> {
        self.find(MFA, |shape| matches!(shape.kind, Kind::Boolean)).map(|field| field.path.clone())
    }

    /// A number of the employer.
    pub fn employee(&self) -> Option<Vec<String>> {
        self.find(EMPLOYEE, Shape::is_id).map(|field| field.path.clone())
    }

    /// Whether it is a machine: the flag.
    pub fn machine(&self) -> Option<Vec<String>> {
        let names = ["isbot", "bot", "isserviceaccount", "serviceaccount", "ismachine", "isserviceuser"];
        self.find(&names, |shape| matches!(shape.kind, Kind::Boolean)).map(|field| field.path.clone())
    }

    /// What a group or role is for.
    pub fn description(&self) -> Option<Vec<String>> {
        self.find(&["description", "summary"], Shape::is_text).map(|field| field.path.clone())
    }

    /// Other fields that a reviewer of access wants to see.
    pub fn profile(&self, user: bool) -> Vec<(String, Vec<String>)> {
        let wanted: &[&str] = match user {
            true => &[
                "role",
                "type",
                "usertype",
                "title",
                "jobtitle",
                "department",
                "admin",
                "isadmin",
                "siteadmin",
                "owner",
                "isowner",
                "licensetype",
                "license",
                "seattype",
                "verified",
                "external",
                "isguest",
                "guest",
            ],
            false => &["type", "kind", "privacy", "visibility", "builtin", "iscustom", "default", "membercount"],
        };
        let plain = |shape: &Shape| matches!(shape.kind, Kind::Text | Kind::Boolean | Kind::Integer);
        let found = wanted.iter().filter_map(|name| self.find(&[name], plain));
        found
            .map(|field| {
                (crate::api::words(field.path.last().map_or("", String::as_str)).join("_"), field.path.clone())
            })
            .take(6)
            .collect()
    }
}

/// What the words of a status mean, and those that nobody can tell.
fn meanings(words: &[String]) -> (Vec<(String, &'static str)>, Vec<String>) {
    let mut map = Vec::new();
    let mut unknown = Vec::new();
    for word in words {
        let meaning = match folded(word).as_str() {
            "active" | "activated" | "enabled" | "accepted" | "confirmed" | "verified" | "invited" | "pending"
            | "ok" | "provisioned" | "normal" | "current" | "member" | "online" | "unverified" | "registered"
            | "staged" => "enabled",
            "inactive" | "disabled" | "suspended" | "blocked" | "deactivated" | "archived" | "banned" | "locked"
            | "revoked" | "expired" | "rejected" | "lockedout" | "declined" | "paused" => "disabled",
            "deleted" | "removed" | "deprovisioned" | "terminated" => "deleted",
            _ => {
                unknown.push(word.clone());
                continue;
            }
        };
        map.push((word.clone(), meaning));
    }
    (map, unknown)
}
