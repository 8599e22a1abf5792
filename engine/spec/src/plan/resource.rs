//! Resource types, compiled.

use engine_model::Trait;

use crate::expression::Expression;
use crate::path::Path;

use super::{Action, Attribute, Entitlement, Operation, Push, Request, Site, Source, StatusRule, Value};

/// A kind of resource.
#[derive(Clone, Debug)]
pub struct ResourceType {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// A sentence for people; may be empty.
    pub summary: String,
    /// Where it stands.
    pub site: Site,
    /// Synced only where this holds.
    pub when: Option<Expression>,
    /// The type that contains these.
    pub parent: Option<ParentRule>,
    /// Where the rows come from. Where the parent is [`ParentRule::Repeated`], each source is
    /// repeated for `parent`.
    pub sources: Vec<Source>,
    /// What a row becomes.
    pub mapping: Mapping,
    /// Values kept for later requests, `resource.NAME`.
    pub keep: Vec<(String, Value)>,
    /// What can be held on a resource.
    pub entitlements: Vec<Entitlement>,
    /// Numbers of the grant rules that this type owns.
    pub grant_rules: Vec<usize>,
    /// Numbers of the grant rules fed by this type's rows as they pass.
    pub row_rules: Vec<usize>,
    /// Numbers of the look-up tables filled by this type's rows.
    pub look_ups: Vec<usize>,
    /// Numbers of the types whose lists must be in before this type's rows can be mapped.
    pub after: Vec<usize>,
    /// Whether later tasks need its rows' scope: something is repeated for its resources.
    pub scope_needed: bool,
    /// How one is read by id.
    pub read: Option<Read>,
    /// How one is found by a key.
    pub find: Vec<(String, Find)>,
    /// What can be given when one is made or changed.
    pub attributes: Vec<Attribute>,
    /// What changes the vendor.
    pub operations: Operations,
    /// How `push` treats them.
    pub push: Push,
}

/// What changes resources of a type.
#[derive(Clone, Debug, Default)]
pub struct Operations {
    /// Makes one.
    pub create: Option<Operation>,
    /// Changes one.
    pub update: Option<Operation>,
    /// Makes one usable again.
    pub enable: Option<Operation>,
    /// Makes one unusable.
    pub disable: Option<Operation>,
    /// Removes one.
    pub delete: Option<Operation>,
    /// Makes its credentials anew.
    pub rotate: Option<Operation>,
    /// Others by name.
    pub actions: Vec<Action>,
}

/// The resource that contains another.
#[derive(Clone, Debug)]
pub enum ParentRule {
    /// Requests are repeated for each resource of this type, which is then the parent.
    Repeated(usize),
    /// The row tells: number of the type, and the id.
    Told(usize, Value),
}

/// What a row becomes.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// The id.
    pub id: IdRule,
    /// What people read.
    pub display_name: Value,
    /// A sentence for people.
    pub description: Option<Value>,
    /// Page in the vendor's application.
    pub link: Option<Value>,
    /// When it was made.
    pub created_at: Option<Value>,
    /// Free attributes.
    pub profile: Vec<(String, Value)>,
    /// The trait and its fields.
    pub trait_rule: TraitRule,
}

/// The id of a resource.
#[derive(Clone, Debug)]
pub enum IdRule {
    /// One value.
    One(Value),
    /// Several parts, joined by `/`.
    Parts(Vec<(String, Value)>),
}

/// The trait and its fields.
#[derive(Clone, Debug)]
pub enum TraitRule {
    /// None.
    None,
    /// Users.
    User(Box<UserRule>),
    /// Groups.
    Group,
    /// Roles.
    Role,
    /// Applications.
    App {
        /// Help page.
        help_url: Option<Value>,
    },
    /// Credentials.
    Secret(Box<SecretRule>),
}

impl TraitRule {
    /// The trait.
    pub fn kind(&self) -> Option<Trait> {
        match self {
            Self::None => None,
            Self::User(_) => Some(Trait::User),
            Self::Group => Some(Trait::Group),
            Self::Role => Some(Trait::Role),
            Self::App { .. } => Some(Trait::App),
            Self::Secret(_) => Some(Trait::Secret),
        }
    }
}

/// Fields of a credential.
#[derive(Clone, Debug)]
pub struct SecretRule {
    /// When it stops working.
    pub expires_at: Option<Value>,
    /// When it was last used.
    pub last_used_at: Option<Value>,
    /// Who made it: type and id.
    pub created_by: Option<(String, Value)>,
    /// Whom it authenticates: type and id.
    pub identity: Option<(String, Value)>,
}

/// Fields of a user.
#[derive(Clone, Debug)]
pub struct UserRule {
    /// The primary address.
    pub email: Option<Value>,
    /// All addresses: the list, the address in an element, whether it is primary.
    pub emails: Option<(Value, Value, Option<Expression>)>,
    /// What the user signs in with.
    pub login: Option<Value>,
    /// Other names.
    pub login_aliases: Vec<Value>,
    /// `enabled`, `disabled`, `deleted` or `unknown`.
    pub status: Value,
    /// The vendor's own word.
    pub status_details: Option<Value>,
    /// `human`, `service`, `system` or `unknown`.
    pub account_type: Option<Value>,
    /// Last sign-in.
    pub last_login: Option<Value>,
    /// Whether a second factor is set up.
    pub mfa_enabled: Option<Value>,
    /// Whether the user signs in by single sign-on.
    pub sso_enabled: Option<Value>,
    /// Given name.
    pub given_name: Option<Value>,
    /// Family name.
    pub family_name: Option<Value>,
    /// Numbers of the employer.
    pub employee_ids: Vec<Value>,
}

/// How one resource is read by id.
#[derive(Clone, Debug)]
pub struct Read {
    /// The request; `id` is in scope.
    pub request: Request,
    /// The object that is the row.
    pub item: Option<Path>,
    /// What answers other than success mean.
    pub statuses: Vec<StatusRule>,
}

/// How a resource is found by a key.
#[derive(Clone, Debug)]
pub enum Find {
    /// By comparing a key of each row of the list.
    Walk {
        /// The key in a row.
        key: Value,
        /// Whether case matters not.
        fold_case: bool,
    },
    /// By asking, in order: numbers among [`super::Plan::asks`]; `value` is in scope.
    Ask(Vec<usize>),
}
