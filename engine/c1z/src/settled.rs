//! A settled run: what stays of the ledger, in the order of the sealed file.
//!
//! In: sheets that settling filled. Out: resources, entitlements and grants one by one, those that
//! expansion derived among the others. Only one grant and its sources are held at a time.

use std::collections::BTreeSet;
use std::path::Path;

use engine_model::{Dangling, Expansion, MissingParents, Profile, StoreError, Tally};
use engine_proto::v2;

use crate::expand::{Derived, Expanded};
use crate::failure::failed;
use crate::sheet::Sheet;
use crate::wire::{Fields, damaged, put_bytes, put_maybe, put_number};
use crate::working::{KnownTerms, Names, WorkingStore};

/// What settling found.
#[derive(Debug)]
pub(crate) struct Settled {
    /// Each row is the key of a resource, place and length of its data, and its details, as in the
    /// index of the ledger.
    pub(crate) resources: Sheet,
    /// Each row is the key of an entitlement, and place and length of its data.
    pub(crate) entitlements: Sheet,
    /// See [`GrantsSheet`].
    pub(crate) grants: Sheet,
    /// Resources, entitlements and grants of each type, by its number.
    pub(crate) totals: Vec<[u64; 3]>,
    /// Grants that point at nothing.
    pub(crate) dangling: Vec<Dangling>,
    /// Resources whose parent is not there.
    pub(crate) missing_parents: Vec<MissingParents>,
    /// What came again.
    pub(crate) repeated: Vec<Tally>,
}

/// A resource or an entitlement on its sheet.
pub(crate) struct Placed<'row> {
    pub(crate) key: Fields<'row>,
    /// Where its data are in the ledger.
    place: u64,
    length: usize,
    details: Fields<'row>,
}

impl<'row> Placed<'row> {
    pub(crate) fn of(row: &'row [u8]) -> Result<Self, StoreError> {
        let mut fields = Fields::of(row);
        let key = Fields::of(fields.bytes()?);
        Ok(Self { key, place: fields.number()?, length: fields.small()?, details: fields })
    }

    /// Type and id of a resource's parent.
    pub(crate) fn parent(&self) -> Result<Option<(&'row str, &'row str)>, StoreError> {
        let mut details = self.details;
        details.number()?;
        match details.maybe_text()? {
            Some(parent_type) => Ok(Some((parent_type, details.text()?))),
            None => Ok(None),
        }
    }
}

impl WorkingStore {
    /// Calls `with` for every row of a sheet of resources or entitlements, with its data.
    pub(crate) fn each_placed(
        &self,
        sheet: &Sheet,
        mut with: impl FnMut(Placed<'_>, &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut pieces = self.ledger.pieces();
        let mut rows = sheet.rows();
        while let Some(row) = rows.next()? {
            let placed = Placed::of(row)?;
            let data = pieces.read(placed.place, placed.length)?;
            with(placed, data)?;
        }
        Ok(())
    }
}

/// Settled grants, entitlement by entitlement: a row with the entitlement's place among all and its
/// key, then a row for each grant, sorted by principal.
pub(crate) struct GrantsSheet {
    sheet: Sheet,
    /// The place of the last entitlement.
    on: Option<u64>,
    row: Vec<u8>,
}

impl GrantsSheet {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { sheet: Sheet::new(folder), on: None, row: Vec::new() }
    }

    pub(crate) fn push(
        &mut self,
        held: &[u8],
        place: u64,
        kind: u16,
        principal: &str,
        terms: u32,
        kept: Option<&str>,
    ) -> Result<(), StoreError> {
        if self.on.replace(place) != Some(place) {
            self.row.clear();
            self.row.push(0);
            put_number(&mut self.row, place);
            self.sheet.push(&[&self.row, held])?;
        }
        self.row.clear();
        self.row.push(1);
        put_number(&mut self.row, kind.into());
        put_number(&mut self.row, terms.into());
        put_bytes(&mut self.row, principal.as_bytes());
        put_maybe(&mut self.row, kept.map(str::as_bytes));
        self.sheet.push(&[&self.row])
    }

    pub(crate) fn into_sheet(self) -> Sheet {
        self.sheet
    }
}

/// A row of settled grants.
pub(crate) enum GrantsRow<'row> {
    /// The grants that follow are on this one: its place and its key.
    Entitlement(u64, Fields<'row>),
    /// One of them.
    Grant(Holder<'row>),
}

/// Who holds an entitlement, and how.
pub(crate) struct Holder<'row> {
    pub(crate) kind: u16,
    pub(crate) principal: &'row str,
    pub(crate) terms: u32,
    pub(crate) kept: Option<&'row str>,
}

impl<'row> GrantsRow<'row> {
    pub(crate) fn of(row: &'row [u8]) -> Result<Self, StoreError> {
        let mut fields = Fields::of(row);
        Ok(match fields.take(1)? {
            [0] => Self::Entitlement(fields.number()?, fields),
            _ => Self::Grant(Holder {
                kind: fields.small()?,
                terms: fields.small()?,
                principal: fields.text()?,
                kept: fields.maybe_text()?,
            }),
        })
    }
}

/// A grant as it goes into a file.
pub(crate) struct SettledGrant<'row> {
    pub(crate) resource_type: &'row str,
    pub(crate) resource: &'row str,
    pub(crate) slug: &'row str,
    pub(crate) principal_type: &'row str,
    pub(crate) principal: &'row str,
    pub(crate) immutable: bool,
    pub(crate) kept: Option<&'row str>,
    pub(crate) expansion: Option<v2::GrantExpandable>,
    /// Entitlements that it follows from, and whether the principal holds each directly; sorted.
    pub(crate) sources: Vec<(&'row str, bool)>,
    /// Made by expansion alone.
    pub(crate) derived: bool,
}

impl SettledGrant<'_> {
    /// The values that are kept for the revoke.
    pub(crate) fn kept(&self) -> Result<Option<Profile>, StoreError> {
        let kept = self.kept.map(serde_json::from_str).transpose();
        kept.map_err(|error| failed("reading the kept values of a grant", error.to_string(), None))
    }

    /// Writes the id of the entitlement into `into`.
    pub(crate) fn entitlement_id(&self, into: &mut String) {
        join(into, &[self.resource_type, self.resource, self.slug]);
    }

    /// Writes the id of the grant into `into`.
    pub(crate) fn id(&self, into: &mut String) {
        let parts = [self.resource_type, self.resource, self.slug, self.principal_type, self.principal];
        join(into, &parts);
    }
}

/// The parts of an id, joined by colons.
pub(crate) fn join(into: &mut String, parts: &[&str]) {
    into.clear();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            into.push(':');
        }
        into.push_str(part);
    }
}

impl WorkingStore {
    /// Calls `with` for every settled grant, in the order of the file.
    pub(crate) fn each_grant(
        &self,
        expanded: Option<&Expanded>,
        with: &mut dyn FnMut(SettledGrant<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let names = self.type_names();
        let mut rows = self.settled()?.grants.rows();
        let mut on = On { names: &names, terms: self.terms(), held: Held::default(), derived: None };
        while let Some(row) = rows.next()? {
            match GrantsRow::of(row)? {
                GrantsRow::Entitlement(place, mut key) => {
                    on.derived_before(None, with)?;
                    on.held.kind = key.kind()?;
                    on.held.resource.clear();
                    on.held.resource.push_str(&key.part()?);
                    on.held.slug.clear();
                    on.held.slug.push_str(&key.part()?);
                    on.derived = expanded.map(|expanded| expanded.on(place)).transpose()?.flatten();
                }
                GrantsRow::Grant(holder) => on.grant(&holder, with)?,
            }
        }
        on.derived_before(None, with)
    }
}

/// The entitlement whose grants are being given out.
struct On<'store> {
    names: &'store Names<'store>,
    terms: &'store [KnownTerms],
    held: Held,
    /// What expansion derived for it, and has not been given out.
    derived: Option<Derived<'store>>,
}

#[derive(Default)]
struct Held {
    kind: u16,
    resource: String,
    slug: String,
}

type With<'with> = &'with mut dyn FnMut(SettledGrant<'_>) -> Result<(), StoreError>;

impl On<'_> {
    /// A grant that was read; what was derived for those before it goes first.
    fn grant(&mut self, holder: &Holder<'_>, with: With<'_>) -> Result<(), StoreError> {
        let key = (holder.kind, holder.principal);
        self.derived_before(Some(key), with)?;
        let mut own = String::new();
        let mut sources = Vec::new();
        let met = self.derived.as_ref().filter(|derived| derived.holder() == Some(key));
        let is_met = met.is_some();
        if let Some(derived) = met {
            join(&mut own, &[self.names.name(self.held.kind), &self.held.resource, &self.held.slug]);
            sources = derived.sources();
            sources.retain(|(id, _)| *id != own);
            sources.push((&own, true));
            sources.sort_unstable();
        }
        let terms = self.terms.get(holder.terms as usize).ok_or_else(damaged)?;
        let principal_type = self.names.name(holder.kind);
        with(SettledGrant {
            resource_type: self.names.name(self.held.kind),
            resource: &self.held.resource,
            slug: &self.held.slug,
            principal_type,
            principal: holder.principal,
            immutable: terms.immutable,
            kept: holder.kept,
            expansion: expandable(&terms.expands, principal_type, holder.principal),
            sources,
            derived: false,
        })?;
        match &mut self.derived {
            Some(derived) if is_met => derived.advance(),
            _ => Ok(()),
        }
    }

    /// What was derived for those before a principal, or for all that are left.
    fn derived_before(&mut self, until: Option<(u16, &str)>, with: With<'_>) -> Result<(), StoreError> {
        while let Some(derived) = &self.derived
            && let Some((kind, principal)) = derived.holder()
            && until.is_none_or(|until| (kind, principal) < until)
        {
            with(SettledGrant {
                resource_type: self.names.name(self.held.kind),
                resource: &self.held.resource,
                slug: &self.held.slug,
                principal_type: self.names.name(kind),
                principal,
                immutable: true,
                kept: None,
                expansion: None,
                sources: derived.sources(),
                derived: true,
            })?;
            if let Some(derived) = &mut self.derived {
                derived.advance()?;
            }
        }
        Ok(())
    }
}

/// The expansion rules for principals of one type, as one rule.
pub(crate) struct Merged<'rules> {
    pub(crate) slugs: BTreeSet<&'rules str>,
    pub(crate) shallow: bool,
    /// Empty passes on all.
    pub(crate) resource_types: BTreeSet<&'rules str>,
}

/// Several rules for one type make one: what any of them passes on is passed on.
pub(crate) fn merged<'rules>(rules: &'rules [Expansion], principal_type: &str) -> Option<Merged<'rules>> {
    let mut found: Option<Merged<'_>> = None;
    for rule in rules.iter().filter(|rule| rule.principal_type == principal_type) {
        let types = rule.resource_types.iter().map(String::as_str);
        match &mut found {
            None => {
                found = Some(Merged { slugs: BTreeSet::new(), shallow: rule.shallow, resource_types: types.collect() });
            }
            Some(found) => {
                found.shallow &= rule.shallow;
                if found.resource_types.is_empty() || rule.resource_types.is_empty() {
                    found.resource_types.clear();
                } else {
                    found.resource_types.extend(types);
                }
            }
        }
        if let Some(found) = &mut found {
            found.slugs.extend(rule.slugs.iter().map(String::as_str));
        }
    }
    found.filter(|found| !found.slugs.is_empty())
}

fn expandable(rules: &[Expansion], principal_type: &str, principal: &str) -> Option<v2::GrantExpandable> {
    let rule = merged(rules, principal_type)?;
    let id = |slug: &&str| {
        let mut id = String::new();
        join(&mut id, &[principal_type, principal, slug]);
        id
    };
    Some(v2::GrantExpandable {
        entitlement_ids: rule.slugs.iter().map(id).collect(),
        shallow: rule.shallow,
        resource_type_ids: rule.resource_types.iter().map(|id| (*id).to_owned()).collect(),
    })
}

impl WorkingStore {
    /// What settling found; it must have been done.
    pub(crate) fn settled(&self) -> Result<&Settled, StoreError> {
        self.settled.as_ref().ok_or_else(|| failed(self.doing("reading"), "it is not settled", None))
    }
}
