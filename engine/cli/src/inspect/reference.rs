//! What a command line names: `TYPE:ID`, types, entitlements and slugs, checked against the file.
//!
//! In: the texts of flags. Out: nothing where they name something that is there, otherwise an
//! error with what was probably meant. What is missing as a resource but held or referred to by a
//! grant counts as there: looking into dangling grants is what the commands are for.

use std::collections::BTreeSet;

use engine_c1z::{EntitlementFilter, GrantFilter, GrantRow, ResourceFilter, ResourceRow};
use engine_model::ResourceRef;
use engine_spec::suggest::nearest;

use super::{Inspected, NAMED, Stop, found};
use crate::exit::Failure;
use crate::table::visible;

/// Reads `TYPE:ID`. The first colon ends the type, so ids may hold colons.
pub fn parse(text: &str) -> Result<ResourceRef, String> {
    match text.split_once(':') {
        Some((of, id)) if !of.is_empty() && !id.is_empty() => Ok(ResourceRef::new(of, id)),
        _ => Err("it is not TYPE:ID, such as `group:g1`".to_owned()),
    }
}

impl Inspected {
    /// Fails where the file knows no such resource type.
    pub fn check_type(&self, id: &str) -> Result<(), Stop> {
        let types = self.reader.resource_types()?;
        if types.iter().any(|known| known.id == id) {
            return Ok(());
        }
        // Other writers leave types undeclared.
        let filter = ResourceFilter { resource_type: Some(id.to_owned()), ..ResourceFilter::default() };
        if found(self.reader.each_resource(&filter, |_| Err(Stop::Enough)))? {
            return Ok(());
        }
        let mut names: Vec<&str> = types.iter().map(|known| known.id.as_str()).collect();
        names.sort_unstable();
        let listed = match names.as_slice() {
            [] => "the file declares no resource type".to_owned(),
            _ => format!("the file has {}", listed(names.iter().copied())),
        };
        let hint = match nearest(id, names.iter().copied()) {
            Some(near) => format!("did you mean `{}`? {listed}", visible(near)),
            None => listed,
        };
        Err(Failure::usage(format!("there is no resource type `{id}` in {}", self.path)).hint(hint).into())
    }

    /// Where to look: on resources of a type, on one resource, or everywhere. Fails where the file
    /// does not know the type or the resource.
    pub fn check_place(
        &self,
        of: Option<&str>,
        resource: Option<&ResourceRef>,
    ) -> Result<(Option<String>, Option<String>), Stop> {
        match (of, resource) {
            (_, Some(resource)) => {
                self.check_resource(resource)?;
                Ok((Some(resource.resource_type.clone()), Some(resource.id.clone())))
            }
            (Some(of), None) => {
                self.check_type(of)?;
                Ok((Some(of.to_owned()), None))
            }
            (None, None) => Ok((None, None)),
        }
    }

    /// Fails where the file neither has a resource nor refers to it.
    pub fn check_resource(&self, id: &ResourceRef) -> Result<(), Stop> {
        if self.reader.resource(id)?.is_some() || self.is_referred_to(id)? {
            return Ok(());
        }
        self.check_type(&id.resource_type)?;
        let hint = match self.similar_resource(id)? {
            Some(hint) => hint,
            None => format!("`engine resources -f {} -t {}` lists what is there", self.path, id.resource_type),
        };
        Err(Failure::usage(format!("there is no resource `{id}` in {}", self.path)).hint(hint).into())
    }

    /// Fails where the file neither has an entitlement nor a grant of it.
    pub fn check_entitlement(&self, id: &str) -> Result<(), Stop> {
        let grants = GrantFilter { entitlement: Some(id.to_owned()), ..GrantFilter::default() };
        if self.reader.entitlement(id)?.is_some() || found(self.reader.each_grant(&grants, |_| Err(Stop::Enough)))? {
            return Ok(());
        }
        let mut near: Option<String> = None;
        self.reader.each_entitlement(&EntitlementFilter::default(), |row| {
            near = nearer(id, near.take(), row.id);
            Ok::<(), Stop>(())
        })?;
        let hint = match near {
            Some(near) => format!("did you mean `{}`?", visible(&near)),
            None => {
                format!("`engine entitlements -f {}` lists what is there; `--slug` takes the short name", self.path)
            }
        };
        Err(Failure::usage(format!("there is no entitlement `{id}` in {}", self.path)).hint(hint).into())
    }

    /// Fails where no entitlement in a place, and no grant there, has the slug.
    pub fn check_slug(&self, slug: &str, entitlements: &EntitlementFilter) -> Result<(), Stop> {
        let mut slugs = BTreeSet::new();
        let mut near: Option<String> = None;
        let seen = found(self.reader.each_entitlement(entitlements, |row| {
            if row.slug == slug {
                return Err(Stop::Enough);
            }
            near = nearer(slug, near.take(), row.slug.clone());
            if slugs.len() < NAMED {
                slugs.insert(row.slug);
            }
            Ok(())
        }))?;
        let grants = GrantFilter {
            resource_type: entitlements.resource_type.clone(),
            resource: entitlements.resource.clone(),
            ..GrantFilter::default()
        };
        let held = |row: GrantRow| if row.slug == slug { Err(Stop::Enough) } else { Ok(()) };
        if seen || found(self.reader.each_grant(&grants, held))? {
            return Ok(());
        }
        let on = match (&entitlements.resource_type, &entitlements.resource) {
            (Some(of), Some(id)) => format!("on `{of}:{id}`"),
            (Some(of), None) => format!("on resources of type `{of}`"),
            _ => format!("in {}", self.path),
        };
        let failure = Failure::usage(format!("there is no entitlement with the slug `{slug}` {on}"));
        let hint = match (near, slugs.is_empty()) {
            (Some(near), _) => format!("did you mean `{}`?", visible(&near)),
            (None, false) => format!("there are {}", listed(slugs.iter().map(String::as_str))),
            (None, true) => "there are no entitlements".to_owned(),
        };
        Err(failure.hint(hint).into())
    }

    fn is_referred_to(&self, resource: &ResourceRef) -> Result<bool, Stop> {
        let (of, id) = (Some(resource.resource_type.clone()), Some(resource.id.clone()));
        let held = GrantFilter { principal_type: of.clone(), principal: id.clone(), ..GrantFilter::default() };
        let on = GrantFilter { resource_type: of.clone(), resource: id.clone(), ..GrantFilter::default() };
        let entitlements = EntitlementFilter { resource_type: of, resource: id, id: None };
        let below = ResourceFilter { parent: Some(resource.clone()), ..ResourceFilter::default() };
        Ok(found(self.reader.each_grant(&held, |_| Err(Stop::Enough)))?
            || found(self.reader.each_grant(&on, |_| Err(Stop::Enough)))?
            || found(self.reader.each_entitlement(&entitlements, |_| Err(Stop::Enough)))?
            || found(self.reader.each_resource(&below, |_| Err(Stop::Enough)))?)
    }

    /// A hint to the resource that goes by what was written instead of an id, or whose id is near.
    fn similar_resource(&self, id: &ResourceRef) -> Result<Option<String>, Stop> {
        let filter = ResourceFilter { resource_type: Some(id.resource_type.clone()), ..ResourceFilter::default() };
        let wanted = id.id.to_lowercase();
        let (mut called, mut near) = (None, None);
        found(self.reader.each_resource(&filter, |row| {
            if goes_by(&row, &wanted) {
                called = Some(row.id);
                return Err(Stop::Enough);
            }
            near = nearer(&id.id, near.take(), row.id);
            Ok(())
        }))?;
        let named = |found: &str| visible(&ResourceRef::new(&id.resource_type, found).to_string()).into_owned();
        Ok(match (called, near) {
            (Some(called), _) => Some(format!("resources are named by their ids; that one is `{}`", named(&called))),
            (None, Some(near)) => Some(format!("did you mean `{}`?", named(&near))),
            (None, None) => None,
        })
    }
}

/// Whether people or the vendor call a resource that; `wanted` is in small letters.
fn goes_by(row: &ResourceRow, wanted: &str) -> bool {
    let logins = row.login.iter().chain(&row.login_aliases);
    let addresses = row.emails.iter().map(|email| &email.address);
    let mut names = logins.chain(addresses).chain([&row.display_name]);
    names.any(|name| name.to_lowercase() == wanted)
}

/// The nearer of two names, if any is near.
fn nearer(written: &str, near: Option<String>, other: String) -> Option<String> {
    let names = near.iter().map(String::as_str).chain([other.as_str()]);
    nearest(written, names).map(str::to_owned)
}

/// The first few names of a list.
fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let named: Vec<String> = names.take(NAMED).map(|name| format!("`{}`", visible(name))).collect();
    match more {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_colon_ends_the_type() {
        assert_eq!(parse("role:arn:aws:iam"), Ok(ResourceRef::new("role", "arn:aws:iam")));
        for wrong in ["g1", ":g1", "group:", ""] {
            assert!(parse(wrong).unwrap_err().contains("TYPE:ID"), "{wrong}");
        }
    }

    #[test]
    fn the_nearest_of_many_names_is_kept() {
        let names = ["admin", "member", "membership", "owner"];
        let near = names.iter().fold(None, |near, name| nearer("membr", near, (*name).to_owned()));
        assert_eq!(near.as_deref(), Some("member"));
    }

    #[test]
    fn a_long_list_is_cut() {
        let names = ["a"; 12];
        assert!(listed(names.into_iter()).ends_with("`a` and 2 more"));
    }
}
