//! Entitlements and the sources of their grants: reads of one relationship in one place.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::operation::{OneOf, Operation, Pair};
use super::source::{ForEach, ListSource};
use super::value::Missing;
use super::{Request, Rows, Value};

/// Something that can be held on a resource. The key is its slug, or the name of a family of slugs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entitlement {
    /// What people read; `<resource> <slug>` where nothing is said.
    #[serde(default)]
    pub name: Option<Value>,
    /// A sentence for people.
    #[serde(default)]
    pub description: Option<Value>,
    /// What it stands for.
    #[serde(default)]
    pub purpose: Option<Purpose>,
    /// The resource types that can hold it.
    #[schemars(length(min = 1))]
    pub grantable_to: Vec<String>,
    /// Whether it can be neither granted nor revoked.
    #[serde(default)]
    pub immutable: bool,
    /// Only on resources for which this expression on `row` and `resource` holds.
    #[serde(default)]
    pub when: Option<String>,
    /// A family: one entitlement for each element, named in `slug` and `name`: `each: { role: [owner, member] }`.
    #[serde(default)]
    pub each: BTreeMap<String, ForEach>,
    /// A family whose members are read per resource.
    #[serde(default)]
    pub list: Option<Box<ListSource>>,
    /// The slug of a member of the family; the element itself where nothing is said. Take the vendor's id for it; what people read goes into `name`.
    #[serde(default)]
    pub slug: Option<Value>,
    /// A principal holds at most one slug of the family on a resource.
    #[serde(default)]
    pub exclusive: bool,
    /// How its grants are read.
    #[serde(default)]
    pub grants: Vec<GrantSource>,
    /// How one principal's grant is read; out of `grants` where nothing is said.
    #[serde(default)]
    pub pair: Option<Box<Pair>>,
    /// How it is granted.
    #[serde(default)]
    pub grant: Option<Operation>,
    /// How it is revoked.
    #[serde(default)]
    pub revoke: Option<Operation>,
    /// How it is granted and revoked where it is the value of a field.
    #[serde(default)]
    pub one_of: Option<OneOf>,
    /// Whether `engine push` changes who holds it; it does where it has `grant` and `revoke`.
    #[serde(default)]
    pub managed: Option<bool>,
}

/// What an entitlement stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Being in it, holding it.
    Assignment,
    /// Being allowed something.
    Permission,
    /// Owning it.
    Ownership,
}

/// Where grants come from. Without `resource`, the source is asked once for each resource of the type, as `resource`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct GrantSource {
    /// The request, if the rows are asked for.
    #[serde(flatten)]
    pub request: Request,
    /// How the answer becomes rows.
    #[serde(flatten)]
    pub rows: Rows,
    /// Id of the resource that the grant is on, where the row tells; the source is then asked once.
    #[serde(default)]
    pub resource: Option<Value>,
    /// Slug of the entitlement, where the row tells.
    #[serde(default)]
    pub entitlement: Option<Value>,
    /// Who holds it.
    pub principal: Principal,
    /// How grants to groups pass on to their members: `{ group: [member] }`.
    #[serde(default)]
    pub expands: BTreeMap<String, Expands>,
    /// Values that travel with the grant, for its revoke.
    #[serde(default)]
    pub keep: BTreeMap<String, Value>,
    /// Whether the grant cannot be revoked.
    #[serde(default)]
    pub immutable: Option<bool>,
    /// What a principal or entitlement that is not there means; `incomplete` where nothing is said. By the principal's type: `{ group: drop }`.
    #[serde(default)]
    pub missing: Option<MissingPrincipal>,
}

/// What a principal or entitlement that is not there means.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum MissingPrincipal {
    /// For every principal.
    All(Missing),
    /// By the type of the principal; `incomplete` for types that are not named.
    ByType(BTreeMap<String, Missing>),
}

/// Slugs on the principal whose holders also get the grant.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Expands {
    /// The slugs.
    Slugs(Vec<String>),
    /// With limits.
    Rule(ExpandsRule),
}

/// `{ slugs: [member], shallow: true, only: [user] }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpandsRule {
    /// The slugs.
    #[schemars(length(min = 1))]
    pub slugs: Vec<String>,
    /// Passes on direct holders only.
    #[serde(default)]
    pub shallow: bool,
    /// Passes on holders of these types only; where nothing is said, of the types of `grantable_to` that do not expand themselves.
    #[serde(default)]
    pub only: Vec<String>,
}

/// Who holds a grant: `row`, `{ user: $.user_id }`, `{ any: [user, group], id: $.value }` or `{ type: …, id: … }`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Principal {
    /// `row`: the resource that the row of `each_row` makes.
    Row(PrincipalRow),
    /// Of the first of these types that has a resource of this id.
    Any(PrincipalAny),
    /// Of a type that the row tells.
    Typed(PrincipalTyped),
    /// Of this type: `{ user: $.user_id }`.
    Of(BTreeMap<String, Value>),
}

/// The word `row`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalRow {
    /// The resource that the row of `each_row` makes.
    Row,
}

/// `{ any: [user, group], id: $.value }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrincipalAny {
    /// The types, in order of preference.
    #[schemars(length(min = 2))]
    pub any: Vec<String>,
    /// The id.
    pub id: Value,
}

/// `{ type: { from: "$['@odata.type']", map: { … } }, id: $.id }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrincipalTyped {
    /// The resource type.
    pub r#type: Value,
    /// The id.
    pub id: Value,
}
