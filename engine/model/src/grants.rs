//! The grants of a page. A team's members differ in who they are and in little else: what grants have
//! in common is kept once, so that a hundred thousand members of one group take 40 bytes each.

use engine_json::{Map, Text};

use crate::{EntitlementRef, Expansion, Grant, MissingReference, Principal};

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

impl Grants {
    /// Puts a grant behind the others.
    pub fn push(&mut self, grant: Grant) {
        let Grant { entitlement, principal, expands, immutable, kept, rule, missing } = grant;
        let terms = Terms { types: principal.types, expands, immutable, rule, missing };
        self.rows.push(Row {
            entitlement: place(&mut self.entitlements, entitlement, 1),
            // There are as many terms as the rules have kinds of principals: few.
            terms: place(&mut self.terms, terms, usize::MAX),
            principal: principal.id.into(),
            kept: (!kept.is_empty()).then(|| Box::new(kept)),
        });
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
fn place<T: PartialEq>(known: &mut Vec<T>, new: T, last: usize) -> u32 {
    let equal = known.iter().enumerate().rev().take(last).find(|(_, one)| **one == new);
    let place = equal.map_or(known.len(), |(place, _)| place);
    if place == known.len() {
        known.push(new);
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
        grants.into_iter().for_each(|grant| all.push(grant));
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
