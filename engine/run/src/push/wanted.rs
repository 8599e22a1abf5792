//! What is wanted: rows of a file, against the types and attributes of a spec.

use std::collections::{BTreeMap, BTreeSet};

use engine_spec::plan::{Attribute, Plan, ResourceType, TraitRule};
use engine_spec::suggest::nearest;

/// What a file wants.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Its sections.
    pub sections: Vec<Section>,
}

/// The rows of one resource type.
#[derive(Clone, Debug)]
pub struct Section {
    /// Id of the type; `people` and `groups` stand for the types that have users and groups.
    pub kind: String,
    /// The rows.
    pub rows: Vec<Row>,
}

/// What is wanted of one resource.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Where it stands, for messages: `people.yaml, people 3`.
    pub place: String,
    /// Attributes by their name in the spec or their common name, and `id`.
    pub values: BTreeMap<String, String>,
    /// Whether it is usable; nothing leaves it as it is.
    pub active: Option<bool>,
    /// Exactly the groups it is in; nothing leaves them as they are.
    pub groups: Option<Vec<String>>,
    /// Exactly its members; nothing leaves them as they are.
    pub members: Option<Vec<String>>,
}

impl Row {
    /// What people know it by.
    pub fn label(&self) -> String {
        let keys = ["email", "login", "user_name", "display_name", "external_id", "id"];
        let found = keys.iter().find_map(|key| self.values.get(*key));
        found.or_else(|| self.values.values().next()).cloned().unwrap_or_else(|| self.place.clone())
    }

    /// The value of an attribute, by its own name or its common one.
    pub(super) fn value_of(&self, attribute: &Attribute) -> Option<&String> {
        let common = attribute.is.map(engine_spec::document::attribute::CommonName::word);
        self.values.get(attribute.name()).or_else(|| self.values.get(common?))
    }
}

/// The type a section is about.
pub(super) fn type_of<'p>(plan: &'p Plan, section: &Section) -> Result<(usize, &'p ResourceType), String> {
    if let Some(found) = plan.type_named(&section.kind) {
        return Ok(found);
    }
    let fits = |kind: &ResourceType| match section.kind.as_str() {
        "people" | "users" | "accounts" => matches!(kind.mapping.trait_rule, TraitRule::User(_)),
        "groups" => {
            let has_members = kind.entitlements.iter().any(|rule| rule.grant.is_some());
            matches!(kind.mapping.trait_rule, TraitRule::Group) && (has_members || kind.operations.create.is_some())
        }
        _ => false,
    };
    let found: Vec<(usize, &ResourceType)> = plan.types.iter().enumerate().filter(|(_, kind)| fits(kind)).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let ids: Vec<&str> = plan.types.iter().map(|kind| kind.id.as_str()).collect();
            let near = nearest(&section.kind, ids.iter().copied().chain(["people", "groups"]));
            let hint =
                near.map_or_else(|| format!("there are {}", ids.join(", ")), |near| format!("did you mean `{near}`?"));
            Err(format!("`{}` is no type that can be pushed; {hint}", section.kind))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|(_, kind)| kind.id.as_str()).collect();
            Err(format!("`{}` may be {}; name the type itself", section.kind, ids.join(" or ")))
        }
    }
}

/// Keys of a row that the type does not know.
pub(super) fn unknown_keys(kind: &ResourceType, row: &Row) -> Vec<String> {
    let names = |attribute: &Attribute| {
        let common = attribute.is.map(engine_spec::document::attribute::CommonName::word);
        std::iter::once(attribute.name().to_owned()).chain(common.map(str::to_owned)).collect::<Vec<_>>()
    };
    let known: Vec<String> = kind
        .attributes
        .iter()
        .flat_map(names)
        .chain(["id".to_owned(), "email".to_owned(), "login".to_owned()])
        .collect::<BTreeSet<String>>()
        .into_iter()
        .collect();
    row.values
        .keys()
        .filter(|key| !known.contains(key))
        .map(|key| match nearest(key, known.iter().map(String::as_str)) {
            Some(near) => format!("{}: `{}` has no `{key}`; did you mean `{near}`?", row.place, kind.id),
            None => format!("{}: `{}` has no `{key}`; it has {}", row.place, kind.id, known.join(", ")),
        })
        .collect()
}
