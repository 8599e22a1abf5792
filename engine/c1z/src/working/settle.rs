//! Settles a run once every list is in: which of equal records stays, which principal is meant, and
//! what points at nothing.
//!
//! In: the index of the ledger. Out: sheets of what stays, in the order of the sealed file, and
//! counts. Everything is joined in sorted order, so memory stays flat: principals with resources,
//! grants with entitlements, children with parents. It may run again after more came; it then
//! starts over.

mod found;
mod principals;

use std::collections::BTreeMap;

use engine_model::{StoreError, Tally};

use super::known::Known;
use super::ledger::{Ledger, Pieces};
use super::{NOBODY, Names, WorkingStore, folder_of};
use crate::failure::{Doing as _, shown};
use crate::settled::{GrantsSheet, Settled};
use crate::sheet::{Keyed, Rows, Sheet};
use crate::sorter::{Entries, Sorter};
use crate::wire::{Fields, damaged, put_bytes, put_kind, put_number, put_part};
use found::{Found, Orphans};
use principals::{Missing, Named};

impl WorkingStore {
    /// Settles unless nothing came since the last time.
    pub(crate) fn ensure_settled(&mut self) -> Result<(), StoreError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        if self.settled.is_none() {
            self.settled = Some(self.settle_all()?);
        }
        Ok(())
    }

    fn settle_all(&mut self) -> Result<Settled, StoreError> {
        let doing = || format!("settling the grants in {}", shown(&self.partial));
        let transaction = self.connection.unchecked_transaction().doing(doing)?;
        transaction.execute_batch("delete from missing").doing(doing)?;
        let mut settling = Settling {
            names: Names::of(&self.types),
            known: &self.known,
            ledger: &self.ledger,
            missing: Missing::new(&transaction),
            repeated: BTreeMap::new(),
            totals: vec![[0; 3]; self.types.len()],
        };
        let folder = folder_of(&self.target);
        let (mut resources, mut parents) = (Sheet::new(folder), Sorter::new(folder));
        let mut orphans = Orphans::default();
        settling.resources(
            self.index.resources.sorted()?,
            self.index.principals.sorted()?,
            &mut resources,
            &mut parents,
            &mut orphans,
        )?;
        settling.parents(parents.sorted()?, resources.rows(), &mut orphans)?;
        let mut entitlements = Sheet::new(folder);
        settling.entitlements(self.index.entitlements.sorted()?, &mut entitlements)?;
        let mut grants = GrantsSheet::new(folder);
        let mut dangling = Found::default();
        let mut of_one = Sorter::new(folder);
        settling.grants(self.index.grants.sorted()?, entitlements.rows(), &mut of_one, &mut grants, &mut dangling)?;
        let Settling { repeated, totals, names, .. } = settling;
        let settled = Settled {
            totals,
            dangling: dangling.into_dangling(),
            missing_parents: orphans.into_missing(&names),
            repeated: repeated.into_iter().map(|((list, name), add)| Tally { list, name, add }).collect(),
            resources,
            entitlements,
            grants: grants.into_sheet(),
        };
        transaction.commit().doing(doing)?;
        Ok(settled)
    }
}

/// What settling goes through all the while.
struct Settling<'store> {
    names: Names<'store>,
    known: &'store Known,
    ledger: &'store Ledger,
    missing: Missing<'store>,
    /// Counts of what came again.
    repeated: BTreeMap<(String, String), i64>,
    /// Resources, entitlements and grants of each type.
    totals: Vec<[u64; 3]>,
}

impl Settling<'_> {
    fn count(&mut self, kind: u16, what: usize) {
        let total = self.totals.get_mut(usize::from(kind)).and_then(|totals| totals.get_mut(what));
        if let Some(total) = total {
            *total += 1;
        }
    }

    /// Counts what came again, by the number of its count.
    fn repeat(&mut self, count: u32) {
        let tally = count.checked_sub(1).and_then(|place| self.known.counts.get(place as usize));
        if let Some(Tally { list, name, add }) = tally {
            *self.repeated.entry((list.clone(), name.clone())).or_default() += add;
        }
    }

    /// Takes the first of each id, and finds out which principals are not among them.
    fn resources(
        &mut self,
        mut sorted: Entries<'_>,
        principals: Entries<'_>,
        resources: &mut Sheet,
        parents: &mut Sorter,
        orphans: &mut Orphans,
    ) -> Result<(), StoreError> {
        let mut principals = Named::over(principals)?;
        let (mut last, mut head, mut parent_key) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(entry) = sorted.next()? {
            let id = start(entry.key, 1)?;
            let mut value = Fields::of(entry.value);
            let (_, _) = (value.number()?, value.number()?);
            let count = value.small()?;
            if id == last {
                self.repeat(count);
                continue;
            }
            last.clear();
            last.extend_from_slice(id);
            principals.meet(Some(id), &mut self.missing)?;
            let kind = Fields::of(id).kind()?;
            self.count(kind, 0);
            if let Some(parent_type) = value.maybe_text()? {
                let parent = value.text()?;
                match self.names.number(parent_type) {
                    Some(number) => {
                        parent_key.clear();
                        put_kind(&mut parent_key, number);
                        put_part(&mut parent_key, parent);
                        put_kind(&mut parent_key, kind);
                        parents.push(&parent_key, &[])?;
                    }
                    None => orphans.add(kind, format!("{parent_type}:{parent}")),
                }
            }
            head.clear();
            put_bytes(&mut head, id);
            resources.push(&[&head, entry.value])?;
        }
        principals.meet(None, &mut self.missing)
    }

    /// Finds out which parents are not among the resources.
    fn parents(&self, mut sorted: Entries<'_>, resources: Rows<'_>, orphans: &mut Orphans) -> Result<(), StoreError> {
        let mut resources = Keyed::over(resources)?;
        while let Some(entry) = sorted.next()? {
            let id = start(entry.key, 1)?;
            if resources.find(id)?.is_none() {
                let child = Fields::of(entry.key.get(id.len()..).unwrap_or_default()).kind()?;
                let mut parent = Fields::of(id);
                let (kind, parent) = (parent.kind()?, parent.part()?);
                orphans.add(child, format!("{}:{parent}", self.names.name(kind)));
            }
        }
        Ok(())
    }

    /// Takes the first of each id, and counts those that came again with other content.
    fn entitlements(&mut self, mut sorted: Entries<'_>, entitlements: &mut Sheet) -> Result<(), StoreError> {
        let mut pieces = self.ledger.pieces();
        let (mut last, mut head, mut first) = (Vec::new(), Vec::new(), (0, 0));
        while let Some(entry) = sorted.next()? {
            let id = start(entry.key, 2)?;
            let mut value = Fields::of(entry.value);
            let (place, length, count) = (value.number()?, value.small()?, value.small()?);
            if id == last {
                let content = pieces.read(first.0, first.1)?.to_vec();
                if pieces.read(place, length)? != content {
                    self.repeat(count);
                }
                continue;
            }
            last.clear();
            last.extend_from_slice(id);
            first = (place, length);
            self.count(Fields::of(id).kind()?, 1);
            head.clear();
            put_bytes(&mut head, id);
            put_number(&mut head, place);
            put_number(&mut head, length as u64);
            entitlements.push(&[&head])?;
        }
        Ok(())
    }

    /// Settles the grants of one entitlement after the other.
    fn grants(
        &mut self,
        mut sorted: Entries<'_>,
        entitlements: Rows<'_>,
        of_one: &mut Sorter,
        grants: &mut GrantsSheet,
        dangling: &mut Found,
    ) -> Result<(), StoreError> {
        let mut pieces = self.ledger.pieces();
        let mut entitlements = Keyed::over(entitlements)?;
        let mut held = Vec::new();
        // Most entitlements have one record, which is sorted already.
        let (mut only, mut has_more): (Option<Piece>, bool) = (None, false);
        loop {
            let entry = sorted.next()?;
            let key = entry.map(|entry| start(entry.key, 2)).transpose()?;
            if key != Some(held.as_slice()) {
                if only.is_some() || has_more {
                    let place = entitlements.find(&held)?;
                    let mut on = Settlement { held: &held, place, grants, dangling, last: Last::default() };
                    match only.take() {
                        Some(only) => self.settle_only(&only, &mut pieces, of_one, &mut on)?,
                        None => self.settle_sorted(of_one, &mut on)?,
                    }
                    of_one.clear();
                    has_more = false;
                }
                held.clear();
                held.extend_from_slice(key.unwrap_or_default());
            }
            let Some(entry) = entry else { return Ok(()) };
            let mut value = Fields::of(entry.value);
            let piece =
                Piece { place: value.number()?, length: value.small()?, count: value.small()?, terms: value.small()? };
            if only.is_none() && !has_more {
                only = Some(piece);
                continue;
            }
            has_more = true;
            for piece in only.take().iter().chain([&piece]) {
                self.collect(piece, &mut pieces, of_one)?;
            }
        }
    }

    /// Settles the grants of an entitlement, which are all in one record.
    fn settle_only(
        &mut self,
        piece: &Piece,
        pieces: &mut Pieces<'_>,
        of_one: &mut Sorter,
        on: &mut Settlement<'_>,
    ) -> Result<(), StoreError> {
        let terms = self.known.terms.get(piece.terms as usize).ok_or_else(damaged)?;
        let [kind] = terms.kinds[..] else {
            self.collect(piece, pieces, of_one)?;
            return self.settle_sorted(of_one, on);
        };
        let mut data = Fields::of(pieces.read(piece.place, piece.length)?);
        while !data.is_empty() {
            let (principal, kept) = (data.text()?, data.maybe_text()?);
            self.take(Candidate { kind, principal, terms: piece.terms, count: piece.count, kept }, on)?;
        }
        Ok(())
    }

    /// Puts the grants of a record among the others of its entitlement, with the type of each principal
    /// decided.
    fn collect(&mut self, piece: &Piece, pieces: &mut Pieces<'_>, of_one: &mut Sorter) -> Result<(), StoreError> {
        let known = self.known;
        let terms = known.terms.get(piece.terms as usize).ok_or_else(damaged)?;
        let (mut key, mut value) = (Vec::new(), Vec::new());
        put_number(&mut value, piece.count.into());
        let mut data = Fields::of(pieces.read(piece.place, piece.length)?);
        while !data.is_empty() {
            let (principal, kept) = (data.text()?, data.maybe_text()?);
            let kind = match terms.kinds.as_slice() {
                [only] => *only,
                kinds => self.missing.first_found(kinds, principal)?.unwrap_or(NOBODY),
            };
            key.clear();
            put_kind(&mut key, kind);
            put_part(&mut key, principal);
            // One whose type is given stays before one whose type was found, then the lower rule. Numbers of
            // terms follow the order of arrival, so they decide only what is equal in all else.
            key.push(u8::from(terms.kinds.len() > 1));
            key.extend_from_slice(&terms.rule.to_be_bytes());
            put_part(&mut key, kept.unwrap_or_default());
            terms.kinds.iter().for_each(|kind| put_kind(&mut key, *kind));
            key.extend_from_slice(&piece.terms.to_be_bytes());
            of_one.push(&key, &value)?;
        }
        Ok(())
    }

    /// Settles the grants of an entitlement that were collected.
    fn settle_sorted(&mut self, of_one: &mut Sorter, on: &mut Settlement<'_>) -> Result<(), StoreError> {
        let mut sorted = of_one.sorted()?;
        while let Some(entry) = sorted.next()? {
            let mut key = Fields::of(entry.key);
            let (kind, principal) = (key.kind()?, key.part()?);
            key.take(5)?;
            let kept = key.part()?;
            let number = key.rest().last_chunk().copied().map(u32::from_be_bytes).ok_or_else(damaged)?;
            let count = Fields::of(entry.value).small()?;
            let kept = Some(&*kept).filter(|kept| !kept.is_empty());
            self.take(Candidate { kind, principal: &principal, terms: number, count, kept }, on)?;
        }
        Ok(())
    }

    /// Takes the grants of an entitlement as they come, sorted by principal; the first of equal ones
    /// stays.
    fn take(&mut self, grant: Candidate<'_>, on: &mut Settlement<'_>) -> Result<(), StoreError> {
        let known = self.known;
        let terms = known.terms.get(grant.terms as usize).ok_or_else(damaged)?;
        if on.last.is(&grant) {
            let is_same = |number: &u32| known.terms.get(*number as usize).is_some_and(|one| one.kinds == terms.kinds);
            if on.last.terms.iter().any(is_same) {
                self.repeat(grant.count);
            } else {
                on.last.terms.push(grant.terms);
            }
            return Ok(());
        }
        on.last.set(&grant);
        let is_there = match terms.kinds.as_slice() {
            [_] => !self.missing.has(grant.kind, grant.principal)?,
            _ => grant.kind != NOBODY,
        };
        match on.place {
            Some(place) if is_there => {
                self.count(Fields::of(on.held).kind()?, 2);
                on.grants.push(on.held, place, grant.kind, grant.principal, grant.terms, grant.kept)?;
            }
            Some(_) => {
                let kinds: Vec<&str> = terms.kinds.iter().map(|kind| self.names.name(*kind)).collect();
                on.dangling.add((terms.rule, true, terms.expected), || {
                    Ok(format!("{}:{}", kinds.join("|"), grant.principal))
                })?;
            }
            None => {
                let mut held = Fields::of(on.held);
                on.dangling.add((terms.rule, false, terms.expected), || {
                    let (kind, resource, slug) = (held.kind()?, held.part()?, held.part()?);
                    Ok(format!("{}:{resource}:{slug}", self.names.name(kind)))
                })?;
            }
        }
        Ok(())
    }
}

/// The start of a key: the number of the type and so many texts.
fn start(key: &[u8], parts: usize) -> Result<&[u8], StoreError> {
    let mut fields = Fields::of(key);
    fields.kind()?;
    for _ in 0..parts {
        fields.skip_part()?;
    }
    key.get(..key.len() - fields.rest().len()).ok_or_else(damaged)
}

/// A record of grants in the ledger.
struct Piece {
    place: u64,
    length: usize,
    /// Number of the count that grows if its grants came before.
    count: u32,
    terms: u32,
}

/// A grant whose principal's type is decided.
struct Candidate<'grant> {
    kind: u16,
    principal: &'grant str,
    terms: u32,
    count: u32,
    kept: Option<&'grant str>,
}

/// The entitlement whose grants are settled, and where they go.
struct Settlement<'settling> {
    /// Its key.
    held: &'settling [u8],
    /// Its place among the entitlements, if it is there.
    place: Option<u64>,
    grants: &'settling mut GrantsSheet,
    dangling: &'settling mut Found,
    last: Last,
}

/// Who the last grant was for, and the terms of all that were for the same.
#[derive(Default)]
struct Last {
    kind: u16,
    principal: String,
    terms: Vec<u32>,
}

impl Last {
    fn is(&self, grant: &Candidate<'_>) -> bool {
        !self.terms.is_empty() && self.kind == grant.kind && self.principal == grant.principal
    }

    fn set(&mut self, grant: &Candidate<'_>) {
        self.kind = grant.kind;
        self.principal.clear();
        self.principal.push_str(grant.principal);
        self.terms.clear();
        self.terms.push(grant.terms);
    }
}
