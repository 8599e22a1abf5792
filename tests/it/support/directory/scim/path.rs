//! Filters and paths of PATCH (RFC 7644, sections 3.4.2.2 and 3.5.2), as far as servers go: one
//! comparison by `eq`.

use serde_json::Value as Json;

use super::{Kind, Refusal};

/// The license of a user, as dbt keeps it.
pub const LICENSE: &str = "urn:ietf:params:scim:schemas:extension:dbtLabs:2.0:User";
/// The attributes of an employee (RFC 7643, section 4.3).
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

const USER: &[&str] = &[
    "userName",
    "externalId",
    "name",
    "displayName",
    "nickName",
    "title",
    "userType",
    "locale",
    "timezone",
    "active",
    "password",
    "emails",
    "phoneNumbers",
    "roles",
    "entitlements",
    "addresses",
    "photos",
];
const GROUP: &[&str] = &["displayName", "externalId", "members"];
const LISTS: &[&str] = &["emails", "phoneNumbers", "roles", "entitlements", "addresses", "photos", "members"];
const READ_ONLY: &[&str] = &["id", "schemas", "meta", "groups"];

/// `attribute eq value`.
#[derive(Clone, Debug)]
pub struct Filter {
    attribute: String,
    value: Json,
}

impl Filter {
    /// Reads a filter.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let wrong = || Refusal::because("invalidFilter", &format!("this filter is not understood: {text}"));
        let (attribute, rest) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let (operator, value) = rest.trim_start().split_once(' ').ok_or_else(wrong)?;
        if !operator.eq_ignore_ascii_case("eq") {
            return Err(wrong());
        }
        // What follows is one JSON literal and nothing else: a quote that is not escaped shows here.
        let value = serde_json::from_str(value).map_err(|_| wrong())?;
        Ok(Self { attribute: attribute.to_owned(), value })
    }

    /// Reads the filter of a list, which knows a few attributes only.
    pub fn of_list(text: &str, kind: Kind) -> Result<Self, Refusal> {
        let filter = Self::read(text)?;
        let name = match kind {
            Kind::User => "userName",
            Kind::Group => "displayName",
        };
        if [name, "externalId", "id"].iter().any(|known| known.eq_ignore_ascii_case(&filter.attribute)) {
            return Ok(filter);
        }
        Err(Refusal::because("invalidFilter", &format!("nothing is found by {}", filter.attribute)))
    }

    /// Whether a resource or an element of a list fits. Names compare without regard to case.
    pub fn fits(&self, row: &Json) -> bool {
        let Some(found) = row.as_object().and_then(|row| find(row, &self.attribute)) else { return false };
        let exact = ["id", "externalId", "value"].iter().any(|exact| exact.eq_ignore_ascii_case(&self.attribute));
        match (found.as_str(), self.value.as_str()) {
            (Some(found), Some(value)) if !exact => found.eq_ignore_ascii_case(value),
            _ => *found == self.value,
        }
    }
}

/// Where an operation acts.
#[derive(Clone, Debug)]
pub struct Path {
    /// The extension in which the attribute stands.
    pub extension: Option<&'static str>,
    /// The attribute, with the spelling of its schema.
    pub attribute: String,
    /// Which elements of a list.
    pub filter: Option<Filter>,
    /// A part of the attribute or of its elements.
    pub part: Option<String>,
}

impl Path {
    /// Reads a path.
    pub fn read(text: &str, kind: Kind) -> Result<Self, Refusal> {
        let wrong = || Refusal::because("invalidPath", &format!("this path is not understood: {text}"));
        // The name of a schema has dots, and a colon comes between it and the attribute.
        for schema in [LICENSE, ENTERPRISE] {
            if let Some(attribute) = text.strip_prefix(schema) {
                let attribute = attribute.strip_prefix(':').filter(|name| is_name(name)).ok_or_else(wrong)?;
                return Ok(Self { extension: Some(schema), attribute: attribute.to_owned(), filter: None, part: None });
            }
        }
        let text = text.strip_prefix(kind.schema()).map_or(text, |rest| rest.trim_start_matches(':'));
        let (attribute, filter, rest) = match text.split_once('[') {
            Some((attribute, rest)) => {
                let (filter, rest) = rest.rsplit_once(']').ok_or_else(wrong)?;
                (attribute, Some(Filter::read(filter)?), rest)
            }
            None => {
                let end = text.find('.').unwrap_or(text.len());
                (&text[..end], None, &text[end..])
            }
        };
        let part = match rest.strip_prefix('.') {
            Some(part) if is_name(part) => Some(part.to_owned()),
            None if rest.is_empty() => None,
            _ => return Err(wrong()),
        };
        let attribute = attribute_of(attribute, kind)?;
        if filter.is_some() && !is_list(&attribute) {
            return Err(wrong());
        }
        Ok(Self { extension: None, attribute, filter, part })
    }
}

/// An attribute with the spelling of its schema.
pub fn attribute_of(name: &str, kind: Kind) -> Result<String, Refusal> {
    if READ_ONLY.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return Err(Refusal::because("mutability", &format!("{name} cannot be changed")));
    }
    let known = match kind {
        Kind::User => USER,
        Kind::Group => GROUP,
    };
    let found = known.iter().find(|known| known.eq_ignore_ascii_case(name));
    found
        .map(|known| (*known).to_owned())
        .ok_or_else(|| Refusal::because("invalidPath", &format!("there is no attribute '{name}'")))
}

/// Whether an attribute has many values.
pub fn is_list(attribute: &str) -> bool {
    LISTS.contains(&attribute)
}

/// A value by its name without regard to case (RFC 7643, section 2.1).
pub fn find<'a>(object: &'a serde_json::Map<String, Json>, name: &str) -> Option<&'a Json> {
    object.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric())
}
