//! How one SCIM service differs from another.

use serde_json::Value as Json;

use super::Refusal;

/// The habits of a service. The default is what the RFCs say where they say something.
#[derive(Clone, Debug)]
pub struct Dialect {
    /// Answers stand in an envelope: `status`, `data`, `extra`, `error_code`.
    pub wrapped: bool,
    /// The status of a create.
    pub created: u16,
    /// A create of what is there by name takes that one over instead of refusing.
    pub links: bool,
    /// The names of groups are unique too.
    pub unique_groups: bool,
    /// What PATCH answers.
    pub patch: Patch,
    /// How the operations of a PATCH are spelled.
    pub ops: Ops,
    /// How a member is removed by PATCH.
    pub removal: Removal,
    /// A removal that finds nobody is refused with `noTarget`.
    pub no_target: bool,
    /// A PATCH of a user takes a boolean only in an object without path: `{"active": false}`.
    pub pathless_active: bool,
    /// Who has not accepted the invitation yet cannot be a member, and created users have not.
    pub licensed_members: bool,
    /// A user who is created without a license gets the one that costs most.
    pub default_license: bool,
    /// The one e-mail address must be primary and equal `userName`.
    pub strict_emails: bool,
    /// Creates and replacements of users in a window of time.
    pub rate: Option<Rate>,
    /// How many reads of anything still show what was before a write.
    pub stale_reads: usize,
    /// Resources carry versions, and `If-Match` is heeded.
    pub versions: bool,
    /// The longest page of a list.
    pub page: usize,
    /// Groups in lists carry their members.
    pub listed_members: bool,
    /// A filter in a query does nothing.
    pub ignores_filters: bool,
}

/// What PATCH answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Patch {
    /// 200 with the resource.
    Resource,
    /// 204.
    NoContent,
    /// 200 without a body.
    Empty,
    /// 501 for users; groups as in `Resource`.
    NotOnUsers,
    /// 501.
    Unsupported,
}

/// How the operations of a PATCH are spelled.
#[derive(Clone, Copy, Debug)]
pub enum Ops {
    /// In any case.
    Any,
    /// `add`.
    LowerCase,
    /// `Add`.
    Capitalised,
}

/// How a member is removed by PATCH. Where `members` may be removed at all, its removal without
/// filter and value empties the group.
#[derive(Clone, Copy, Debug)]
pub enum Removal {
    /// By a filter in the path or by a list of values.
    Any,
    /// By a filter in the path.
    Filter,
    /// By a list of values.
    Values,
    /// By a filter in the path. A list of values is overlooked, so that all members go.
    Careless,
    /// Not at all: the whole list is replaced.
    Replacement,
}

/// So many requests in a fixed window.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// The requests.
    pub requests: usize,
    /// The length of the window.
    pub seconds: u64,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            wrapped: false,
            created: 201,
            links: false,
            unique_groups: false,
            patch: Patch::Resource,
            ops: Ops::Any,
            removal: Removal::Any,
            no_target: false,
            pathless_active: false,
            licensed_members: false,
            default_license: false,
            strict_emails: false,
            rate: None,
            stale_reads: 0,
            versions: false,
            page: 100,
            listed_members: true,
            ignores_filters: false,
        }
    }
}

impl Dialect {
    /// What is known of dbt.
    pub fn dbt() -> Self {
        Self {
            created: 200,
            links: true,
            ops: Ops::LowerCase,
            pathless_active: true,
            licensed_members: true,
            default_license: true,
            strict_emails: true,
            rate: Some(Rate { requests: 20, seconds: 5 }),
            ..Self::default()
        }
    }
}

/// An operation of a PATCH.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    /// Adds to what is there.
    Add,
    /// Takes away.
    Remove,
    /// Puts in the place of what is there.
    Replace,
}

impl Ops {
    /// Reads the name of an operation.
    pub fn read(self, op: Option<&Json>) -> Result<Op, Refusal> {
        let text = op.and_then(Json::as_str).unwrap_or_default();
        let lower = text.to_ascii_lowercase();
        let spelled = match self {
            Self::Any => true,
            Self::LowerCase => text == lower,
            Self::Capitalised => text.starts_with(|first: char| first.is_ascii_uppercase()),
        };
        match lower.as_str() {
            "add" if spelled => Ok(Op::Add),
            "remove" if spelled => Ok(Op::Remove),
            "replace" if spelled => Ok(Op::Replace),
            _ => Err(Refusal::because("invalidSyntax", &format!("there is no operation '{text}'"))),
        }
    }
}
