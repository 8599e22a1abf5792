//! Entitlements and grant rules, compiled.

use std::collections::BTreeMap;

use engine_model::{Expansion, MissingReference, Purpose};

use crate::expression::Expression;

use super::{ForEach, OneOf, Operation, Pair, Site, Source, Value};

/// A rule that gives resources entitlements.
#[derive(Clone, Debug)]
pub struct Entitlement {
    /// Its key in the spec: the slug, or the family's name.
    pub key: String,
    /// Where it stands.
    pub site: Site,
    /// Only on resources for which this holds, on `row` and `resource`.
    pub when: Option<Expression>,
    /// What the family is made of; empty for one entitlement.
    pub each: Vec<ForEach>,
    /// A family that is read per resource.
    pub list: Option<Source>,
    /// The slug; without, the key.
    pub slug: Option<Value>,
    /// What people read; without, `<resource> <slug>`.
    pub name: Option<Value>,
    /// A sentence for people.
    pub description: Option<Value>,
    /// What it stands for.
    pub purpose: Purpose,
    /// Types that can hold it.
    pub grantable_to: Vec<String>,
    /// Whether it can be neither granted nor revoked.
    pub immutable: bool,
    /// Whether a principal holds at most one slug of the family.
    pub exclusive: bool,
    /// How one principal's grant is read.
    pub pair: Option<Pair>,
    /// How it is granted.
    pub grant: Option<Operation>,
    /// How it is revoked.
    pub revoke: Option<Operation>,
    /// How it is granted and revoked as the value of a field.
    pub one_of: Option<Box<OneOf>>,
    /// Whether `push` changes who holds it.
    pub managed: bool,
}

/// A source of grants and what its rows become.
#[derive(Clone, Debug)]
pub struct GrantRule {
    /// Its number in the plan.
    pub number: usize,
    /// Number of the type that owns the rule.
    pub owner: usize,
    /// What the report calls it: `team:member`, or `team` for rules that feed several slugs.
    pub label: String,
    /// Where it stands.
    pub site: Site,
    /// Types whose lists must be in before its look-ups can answer.
    pub after: Vec<usize>,
    /// Where rows come from. A rule without `resource` that asks is repeated for `resource`.
    pub source: Source,
    /// Whether its source reads more than the id of what it is repeated for.
    pub reads_resource: bool,
    /// Id of the resource the grant is on. Without: the `resource` it is repeated for, or for the
    /// owner's own rows the row's resource.
    pub resource: Option<Value>,
    /// The slug.
    pub slug: Value,
    /// Who holds it.
    pub principal: PrincipalRule,
    /// How it passes on.
    pub expands: Vec<Expansion>,
    /// Values that travel with the grant.
    pub keep: Vec<(String, Value)>,
    /// Whether it cannot be revoked.
    pub immutable: bool,
    /// What a reference that points at nothing means.
    pub missing: MissingReference,
    /// The same, where it differs by the type of the principal.
    pub missing_by_type: BTreeMap<String, MissingReference>,
}

/// Who holds a grant.
#[derive(Clone, Debug)]
pub enum PrincipalRule {
    /// The resource that the row of `each_row` makes.
    Row,
    /// Of the first of these types that has a resource of this id.
    Types {
        /// Ids of the types.
        types: Vec<String>,
        /// The id.
        id: Value,
    },
    /// Of a type that the row tells.
    Told {
        /// The type.
        of: Value,
        /// The id.
        id: Value,
    },
}
