//! Names of members that are data: in objects whose members the spec makes rows of, and wherever a
//! name has not the form of one.
//!
//! In go a plan, or a name; out come the places of such objects in answers, or whether it is one.

use std::sync::LazyLock;

use engine_spec::expression::Key;
use engine_spec::path::Path;
use engine_spec::plan::{Origin, Plan, Source, Take, Unnest, Value, ValueKind};
use regex::Regex;

/// What names of members look like that vendors write down in their documents.
static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[@$_#]*[A-Za-z][A-Za-z0-9_.:$#@-]*$").ok());

/// Whether a text can be the name of a member. More digits in a row than three are a number of
/// something, and an `@` inside it stands in an address, those of OData (4.01, 4.6) apart.
pub(crate) fn is_name(text: &str) -> bool {
    let is_address = text.chars().skip(1).any(|c| c == '@') && text.contains('.') && !text.contains("@odata.");
    let has_number = text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > 3);
    !is_address && !has_number && NAME.as_ref().is_some_and(|name| name.is_match(text))
}

/// Where an object stands: names of members on the way to it, arrays left out. `None` is any name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    names: Vec<Option<String>>,
    /// Whether the way begins at the top of an answer, and not anywhere in it.
    from_top: bool,
}

impl Place {
    /// Whether an object to which these names lead stands here.
    pub fn is_at(&self, trail: &[String]) -> bool {
        let Some(before) = trail.len().checked_sub(self.names.len()) else { return false };
        let mut pairs = self.names.iter().zip(trail.iter().skip(before));
        (before == 0 || !self.from_top) && pairs.all(|(name, at)| name.as_ref().is_none_or(|name| name == at))
    }

    fn below(&self, more: impl IntoIterator<Item = Option<String>>) -> Self {
        let names = self.names.iter().cloned().chain(more).collect();
        Self { names, from_top: self.from_top }
    }
}

/// The objects whose members the spec makes rows of. Where a spec reckons out which one it is, that
/// is every object.
pub(crate) fn places(plan: &Plan) -> Vec<Place> {
    let mut places = Vec::new();
    for source in plan.sources() {
        let own = of_list(plan, source);
        places.extend(own.iter().cloned());
        let outer = match source.origin {
            Origin::EachRow(number) => {
                let kinds = plan.types.get(number).into_iter().flat_map(|kind| &kind.sources);
                kinds.flat_map(|source| of_list(plan, source)).collect()
            }
            _ => own,
        };
        if let Some(unnest) = &source.unnest {
            of_unnest(unnest, &source.lets, &outer, &mut places);
        }
    }
    places
}

/// The object whose members are the rows of a list.
fn of_list(plan: &Plan, source: &Source) -> Vec<Place> {
    let (Origin::Request(asked), Take::Entries(path)) = (&source.origin, &source.take) else { return Vec::new() };
    let unwrap = plan.clients.get(asked.request.client).and_then(|client| client.answers.unwrap.as_ref());
    let top = Place { names: Vec::new(), from_top: true };
    let top = unwrap.map_or(top.clone(), |unwrap| led_to(unwrap, &top));
    vec![led_to(path, &top)]
}

/// Where a path leads from a place. Behind a step that is no name it may be anywhere.
fn led_to(path: &Path, from: &Place) -> Place {
    if path.is_plain() {
        return from.below(path.names().into_iter().map(|name| Some(name.to_owned())));
    }
    let last = path.text().rsplit('.').next().filter(|last| last.chars().all(|c| c.is_alphanumeric() || c == '_'));
    Place { names: last.into_iter().map(|name| Some(name.to_owned())).collect(), from_top: false }
}

/// The objects that rows are made of inside rows; `outer` are those whose members the rows are.
fn of_unnest(unnest: &Unnest, lets: &[(String, Value)], outer: &[Place], places: &mut Vec<Place>) {
    let own = if unnest.entries { of_value(&unnest.of, lets, outer) } else { Vec::new() };
    places.extend(own.iter().cloned());
    if let Some(inner) = &unnest.unnest {
        let lets: Vec<(String, Value)> = lets.iter().chain(&unnest.lets).cloned().collect();
        of_unnest(inner, &lets, &own, places);
    }
}

/// Where the object that a value yields may stand.
fn of_value(value: &Value, lets: &[(String, Value)], outer: &[Place]) -> Vec<Place> {
    let all = |values: &[Value]| values.iter().flat_map(|value| of_value(value, lets, outer)).collect();
    match &value.kind {
        ValueKind::Literal(_) => Vec::new(),
        ValueKind::Path(path, _) if path.is_plain() => in_row(&path.names(), outer),
        ValueKind::Path(path, _) => vec![led_to(path, &Place::default())],
        ValueKind::Template(template) => {
            let variable = template.lone().and_then(|expression| expression.as_variable());
            let Some(variable) = variable else { return vec![Place::default()] };
            let names = variable.rest.iter().filter_map(|key| match key {
                Key::Name(name) => Some(name.as_str()),
                Key::Index(_) => None,
            });
            let names: Vec<&str> = names.collect();
            match lets.iter().position(|(name, _)| *name == variable.root) {
                Some(at) => {
                    let (before, from) = lets.split_at(at);
                    let found = from.first().map(|(_, value)| of_value(value, before, outer)).unwrap_or_default();
                    found.iter().map(|place| place.below(names.iter().map(|name| Some((*name).to_owned())))).collect()
                }
                None => in_row(&names, outer),
            }
        }
        ValueKind::From(from) => {
            let mut found = of_value(&from.from, lets, outer);
            found.extend(from.default.iter().flat_map(|value| of_value(value, lets, outer)));
            found
        }
        ValueKind::Coalesce(values) => all(values),
        ValueKind::Cases(cases, otherwise) => {
            let values = cases.iter().map(|(_, value)| value).chain(otherwise.as_deref());
            values.flat_map(|value| of_value(value, lets, outer)).collect()
        }
        _ => vec![Place::default()],
    }
}

/// Where names lead from a row: one that was a member has its value under `value`.
fn in_row(names: &[&str], outer: &[Place]) -> Vec<Place> {
    let owned = |names: &[&str]| names.iter().map(|name| Some((*name).to_owned())).collect::<Vec<_>>();
    let mut found = vec![Place { names: owned(names), from_top: false }];
    if let Some(("value", rest)) = names.split_first().map(|(first, rest)| (*first, rest)) {
        found.extend(outer.iter().map(|place| place.below(std::iter::once(None).chain(owned(rest)))));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_form_of_a_name_is_one() {
        for name in [
            "id",
            "displayName",
            "last_login",
            "@odata.nextLink",
            "members@odata.nextLink",
            "@type",
            "$ref",
            "_links",
            "content-type",
            "address1",
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "sha256",
        ] {
            assert!(is_name(name), "{name}");
        }
        for data in [
            "",
            "Schwarzenbach, Adelheid",
            "Adelheid Schwarzenbach",
            "+49 151 2345678",
            "4711",
            "42",
            "ada@harbor.com",
            "rübezahl",
            "user-810044",
            "https://harbor.com/roles",
            "a+b",
        ] {
            assert!(!is_name(data), "{data}");
        }
    }
}
