//! The grants of a page. A team's members differ in who they are and in little else: what grants have
//! in common is kept once, so that a hundred thousand members of one group take 40 bytes each.

use std::borrow::Cow;

use engine_json::{Map, Text};

use crate::{EntitlementRef, Expansion, Grant, MissingReference, Principal, ResourceRef};

/// Grants, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    entitlements: Vec<EntitlementRef>,
    terms: Vec<Terms>,
    rows: Vec<Row>,
}

/// What a grant has beside its entitlement, its principal's id and what is kept; as in [`Grant`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Candidate resource types of the principal.
    pub types: Vec<String>,
    /// How it passes on.
    pub expands: Vec<Expansion>,
    /// Whether it cannot be revoked.
    pub immutable: bool,
    /// Number of the grant rule.
    pub rule: u32,
    /// What it means if a reference points at nothing.
    pub missing: MissingReference,
}

#[derive(Clone, Debug)]
struct Row {
    entitlement: u32,
    terms: u32,
    principal: Text,
    kept: Option<Box<Map>>,
}

/// One of the grants of a page. What stands at one address is equal.
#[derive(Clone, Copy, Debug)]
pub struct GrantView<'g> {
    /// What is held.
    pub entitlement: &'g EntitlementRef,
    /// The id of the principal.
    pub principal: &'g str,
    /// Its types, and what else there is.
    pub terms: &'g Terms,
    /// Values kept for the revoke; nothing where there are none.
    pub kept: Option<&'g Map>,
}

/// A grant to be put behind others. What it has in common with them need not be made first; the fields
/// are those of [`Grant`].
#[derive(Clone, Debug)]
pub struct NewGrant<'n> {
    /// Type of the resource of the entitlement.
    pub resource_type: &'n str,
    /// Id of the resource.
    pub resource: Cow<'n, str>,
    /// Slug of the entitlement.
    pub slug: Cow<'n, str>,
    /// Candidate types of the principal.
    pub types: Cow<'n, [String]>,
    /// Id of the principal.
    pub principal: Cow<'n, str>,
    /// How it passes on.
    pub expands: &'n [Expansion],
    /// Whether it cannot be revoked.
    pub immutable: bool,
    /// Values kept for the revoke.
    pub kept: Map,
    /// Number of the grant rule.
    pub rule: u32,
    /// What it means if a reference points at nothing.
    pub missing: MissingReference,
}

impl Grants {
    /// Puts a grant behind the others.
    pub fn push(&mut self, grant: NewGrant<'_>) {
        let entitlement = place(
            &mut self.entitlements,
            1,
            |known| {
                known.resource.id == grant.resource
                    && known.slug == grant.slug
                    && known.resource.resource_type == grant.resource_type
            },
            || EntitlementRef {
                resource: ResourceRef::new(grant.resource_type, grant.resource.as_ref()),
                slug: grant.slug.as_ref().to_owned(),
            },
        );
        // There are as many terms as the rules have kinds of principals: few.
        let terms = place(
            &mut self.terms,
            usize::MAX,
            |known| {
                known.rule == grant.rule
                    && known.immutable == grant.immutable
                    && known.missing == grant.missing
                    && known.types == *grant.types
                    && known.expands == grant.expands
            },
            || Terms {
                types: grant.types.to_vec(),
                expands: grant.expands.to_vec(),
                immutable: grant.immutable,
                rule: grant.rule,
                missing: grant.missing,
            },
        );
        let kept = (!grant.kept.is_empty()).then(|| Box::new(grant.kept));
        self.rows.push(Row { entitlement, terms, principal: grant.principal.into(), kept });
    }

    /// Makes place for so many more.
    pub fn reserve(&mut self, more: usize) {
        self.rows.reserve(more);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = GrantView<'_>> {
        self.rows.iter().filter_map(|row| {
            Some(GrantView {
                entitlement: self.entitlements.get(row.entitlement as usize)?,
                principal: &row.principal,
                terms: self.terms.get(row.terms as usize)?,
                kept: row.kept.as_deref(),
            })
        })
    }
}

/// The place of an equal element among the last ones, or of the new one behind them.
fn place<T>(known: &mut Vec<T>, last: usize, is_equal: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> u32 {
    let equal = known.iter().enumerate().rev().take(last).find(|(_, one)| is_equal(one));
    let place = equal.map_or(known.len(), |(place, _)| place);
    if place == known.len() {
        known.push(new());
    }
    u32::try_from(place).unwrap_or(u32::MAX)
}

impl GrantView<'_> {
    /// The grant by itself.
    pub fn to_grant(&self) -> Grant {
        let terms = self.terms.clone();
        Grant {
            entitlement: self.entitlement.clone(),
            principal: Principal { types: terms.types, id: self.principal.to_owned() },
            expands: terms.expands,
            immutable: terms.immutable,
            kept: self.kept.cloned().unwrap_or_default(),
            rule: terms.rule,
            missing: terms.missing,
        }
    }
}

impl From<Vec<Grant>> for Grants {
    fn from(grants: Vec<Grant>) -> Self {
        grants.into_iter().collect()
    }
}

impl FromIterator<Grant> for Grants {
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Self {
        let mut all = Self::default();
        for Grant { entitlement, principal, expands, immutable, kept, rule, missing } in grants {
            all.push(NewGrant {
                resource_type: &entitlement.resource.resource_type,
                resource: Cow::Borrowed(&entitlement.resource.id),
                slug: Cow::Borrowed(&entitlement.slug),
                types: Cow::Owned(principal.types),
                principal: Cow::Owned(principal.id),
                expands: &expands,
                immutable,
                kept,
                rule,
                missing,
            });
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ResourceRef;

    #[test]
    fn grants_come_out_as_they_went_in() {
        let grant = |team: &str, user: &str, rule: u32| Grant {
            entitlement: EntitlementRef { resource: ResourceRef::new("team", team), slug: "member".to_owned() },
            principal: Principal::of(ResourceRef::new("user", user)),
            expands: Vec::new(),
            immutable: false,
            kept: [("membership", engine_json::Value::from(user))].into_iter().collect(),
            rule,
            missing: MissingReference::Incomplete,
        };
        let all = [grant("a", "1", 0), grant("a", "2", 0), grant("b", "1", 0), grant("a", "3", 1), grant("a", "4", 0)];
        let grants: Grants = all.iter().cloned().collect();
        assert!(grants.iter().map(|grant| grant.to_grant()).eq(all));
        assert_eq!((grants.len(), grants.entitlements.len(), grants.terms.len()), (5, 3, 2));
    }

    #[test]
    fn a_member_of_a_group_takes_forty_bytes() {
        assert_eq!(size_of::<Row>(), 40);
    }
}
