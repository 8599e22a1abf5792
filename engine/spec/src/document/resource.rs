//! Resource types: how their rows are listed and what a row becomes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::attribute::{Attribute, Push};
use super::operation::{Action, Operation};
use super::source::{ListSource, Statuses};
use super::{Entitlement, GrantSource, OneOrMany, Request, Value};

/// A kind of resource.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceType {
    /// What people call it; made of the key where nothing is said.
    #[serde(default)]
    pub name: Option<String>,
    /// A sentence for people.
    #[serde(default)]
    pub summary: Option<String>,
    /// The type whose resources contain these. Every request is repeated for each of them, as `parent`; or the row names it: `{ org: $.org_id }`.
    #[serde(default)]
    pub parent: Option<Parent>,
    /// Synced only where this expression on `config` and `start` holds.
    #[serde(default)]
    pub when: Option<String>,
    /// Where the rows come from; several sources are merged by id.
    pub list: OneOrMany<ListSource>,
    /// The vendor's id, text or integer; or several parts that make one: `{ parts: { org: "{{ parent.id }}", slug: $.slug } }`.
    pub id: Id,
    /// What people read.
    pub display_name: Value,
    /// A sentence for people.
    #[serde(default)]
    pub description: Option<Value>,
    /// Page of the resource in the vendor's application.
    #[serde(default)]
    pub link: Option<Value>,
    /// When it was made.
    #[serde(default)]
    pub created_at: Option<Value>,
    /// Free attributes.
    #[serde(default)]
    pub profile: BTreeMap<String, Value>,
    /// Values of the row that later requests and rules need, as `resource.NAME` or `parent.NAME`.
    #[serde(default)]
    pub keep: BTreeMap<String, Value>,
    /// The resources are users.
    #[serde(default)]
    pub user: Option<User>,
    /// The resources are groups.
    #[serde(default)]
    pub group: Option<NoFields>,
    /// The resources are roles.
    #[serde(default)]
    pub role: Option<NoFields>,
    /// The resources are applications.
    #[serde(default)]
    pub app: Option<App>,
    /// The resources are credentials.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// What can be held on a resource, by slug.
    #[serde(default)]
    pub entitlements: BTreeMap<String, Entitlement>,
    /// Sources of grants that feed several slugs.
    #[serde(default)]
    pub grants: Vec<GrantSource>,
    /// How one resource is read by its id.
    #[serde(default)]
    pub read: Option<Read>,
    /// How a resource is found by a key, such as an email address.
    #[serde(default)]
    pub find: BTreeMap<String, Find>,
    /// What can be given when one is made or changed, by name.
    #[serde(default)]
    pub attributes: BTreeMap<String, Attribute>,
    /// How one is made.
    #[serde(default)]
    pub create: Option<Operation>,
    /// How one is changed; `input` holds what is given.
    #[serde(default)]
    pub update: Option<Operation>,
    /// How one is made usable again.
    #[serde(default)]
    pub enable: Option<Operation>,
    /// How one is made unusable, and kept.
    #[serde(default)]
    pub disable: Option<Operation>,
    /// How one is removed.
    #[serde(default)]
    pub delete: Option<Operation>,
    /// How its credentials are made anew.
    #[serde(default)]
    pub rotate: Option<Operation>,
    /// Other operations by name.
    #[serde(default)]
    pub actions: BTreeMap<String, Action>,
    /// How `engine push` treats its resources.
    #[serde(default)]
    pub push: Option<Push>,
}

/// The resource that contains another.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Parent {
    /// Its type; requests are repeated for each resource of it.
    Type(String),
    /// Its type and id, told by the row.
    Row(BTreeMap<String, Value>),
}

/// The id of a resource.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Id {
    /// Several parts, joined by `/` with `/` and `%` inside a part percent-encoded.
    Parts(IdParts),
    /// One value.
    Value(Value),
}

/// `{ parts: { org: "{{ parent.id }}", slug: $.slug } }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdParts {
    /// The parts by name, joined in the order of their names; later `resource.parts.NAME`.
    #[schemars(extend("minProperties" = 1))]
    pub parts: BTreeMap<String, Value>,
}

/// A trait without fields of its own: `{}`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoFields {}

/// What a row tells about a user.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The primary email address.
    #[serde(default)]
    pub email: Option<Value>,
    /// All addresses.
    #[serde(default)]
    pub emails: Option<Emails>,
    /// What the user signs in with.
    #[serde(default)]
    pub login: Option<Value>,
    /// Other names of the same account; absent ones are left out.
    #[serde(default)]
    pub login_aliases: Vec<Value>,
    /// `enabled`, `disabled`, `deleted` or `unknown`. Required: write `enabled` where being listed is being active, `unknown` where the vendor does not tell.
    pub status: Value,
    /// The vendor's own word, such as `invited`.
    #[serde(default)]
    pub status_details: Option<Value>,
    /// `human`, `service` or `system`; human where nothing is said.
    #[serde(default)]
    pub account_type: Option<Value>,
    /// Last sign-in.
    #[serde(default)]
    pub last_login: Option<Value>,
    /// Whether a second factor is set up.
    #[serde(default)]
    pub mfa_enabled: Option<Value>,
    /// Whether the user signs in by single sign-on.
    #[serde(default)]
    pub sso_enabled: Option<Value>,
    /// Given name.
    #[serde(default)]
    pub given_name: Option<Value>,
    /// Family name.
    #[serde(default)]
    pub family_name: Option<Value>,
    /// Numbers of the employer; absent ones are left out.
    #[serde(default)]
    pub employee_ids: Vec<Value>,
}

/// `{ of: $.emails, address: $.value, primary: row.primary }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Emails {
    /// The list of addresses; absent means none.
    pub of: Value,
    /// The address in an element.
    pub address: Value,
    /// Whether an element is the primary address, an expression; only used where `email` says nothing.
    #[serde(default)]
    pub primary: Option<String>,
}

/// What a row tells about an application.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Page that helps its users.
    #[serde(default)]
    pub help_url: Option<Value>,
}

/// What a row tells about a credential.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// When it stops working.
    #[serde(default)]
    pub expires_at: Option<Value>,
    /// When it was last used.
    #[serde(default)]
    pub last_used_at: Option<Value>,
    /// Who made it: `{ user: $.created_by }`.
    #[serde(default)]
    pub created_by: Option<BTreeMap<String, Value>>,
    /// Whom it authenticates: `{ user: $.user_id }`.
    #[serde(default)]
    pub identity: Option<BTreeMap<String, Value>>,
}

/// How one resource is read by its id: `{ get: "/v1/users/{{ id }}", item: $.data }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Read {
    /// The request; `id` is the resource's id, `parts` what it is made of.
    #[serde(flatten)]
    pub request: Request,
    /// The object that is the row; the whole answer where nothing is said.
    #[serde(default)]
    pub item: Option<String>,
    /// What answers other than success mean; a 404 means that it is not there.
    #[serde(default)]
    pub statuses: Option<Statuses>,
}

/// How a resource is found by a key: by walking its list, or by asking.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Find {
    /// `{ walk: list }`: compares the key in each row of the list.
    Walk(Walk),
    /// A request that filters; what comes is compared again with `match`.
    Ask(Box<ListSource>),
    /// Several ways, in order.
    Several(Vec<ListSource>),
}

/// `{ walk: list, key: $.email, fold: case }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Walk {
    /// The word `list`.
    pub walk: WalkWhat,
    /// The key in a row; the user's `email` or `login` where the key is so named.
    #[serde(default)]
    pub key: Option<Value>,
    /// How keys are compared.
    #[serde(default)]
    pub fold: Option<super::source::Fold>,
}

/// What is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WalkWhat {
    /// The type's own list.
    List,
}
