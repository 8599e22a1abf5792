//! Stores pages: their records, marks and counts in one transaction.
//!
//! In: declared resource types and pages. Out: a batch of the ledger and rows of the working file.
//! Records are encoded here, once, the way the file will hold them. Whether a record came before
//! is not asked here; settling sees that when it has them sorted.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;
use std::ptr;

use engine_model::{
    Entitlement, EntitlementRef, GrantView, Grants, MissingReference, Page, Resource, ResourceType, ScopeRow,
    StoreError, Tally, Terms,
};
use engine_proto::Message;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde::Serialize;

use super::index::{Kind, put_record};
use super::known::{Known, KnownTerms};
use super::ledger::Batch;
use super::{DeclaredType, Form, NOBODY, WorkingStore, layout};
use crate::encode;
use crate::failure::{Doing as _, failed, shown};
use crate::limits::{ID_BYTES, check_id, check_id_length};
use crate::shape::{EntitlementShape, ResourceShape};
use crate::wire::{put_bytes, put_kind, put_maybe, put_number, put_part};

/// Scope rows of a type lie together: their place is its number, then the order of arrival.
const PLACE_BITS: u32 = 44;

/// The resource types that the file holds.
pub(super) fn declared(connection: &Connection) -> rusqlite::Result<BTreeMap<String, DeclaredType>> {
    let mut statement = connection.prepare("select number, definition from types")?;
    let mut rows = statement.query([])?;
    let mut types = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let text: String = row.get(1)?;
        let definition: ResourceType = serde_json::from_str(&text)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, error.into()))?;
        types.insert(definition.id.clone(), DeclaredType { number: row.get(0)?, definition });
    }
    Ok(types)
}

impl WorkingStore {
    pub(super) fn declare_types(&mut self, types: &[ResourceType]) -> Result<(), StoreError> {
        let mut sorted: BTreeMap<String, DeclaredType> = BTreeMap::new();
        for definition in types {
            check_id("the id of a resource type", &definition.id)?;
            if definition.id.contains(':') {
                return Err(failed(
                    "declaring resource types",
                    format!("the id `{}` of a resource type holds a colon", definition.id),
                    Some("use letters, digits, `-` and `_`"),
                ));
            }
            let entry = DeclaredType { number: 0, definition: definition.clone() };
            sorted.insert(definition.id.clone(), entry);
        }
        for (number, entry) in sorted.values_mut().enumerate() {
            let number = u16::try_from(number).ok().filter(|number| *number != NOBODY);
            entry.number = number.ok_or_else(|| {
                failed("declaring resource types", format!("there are more than {NOBODY} of them"), None)
            })?;
        }
        if !self.types.is_empty() {
            let same = sorted.len() == self.types.len()
                && sorted.values().zip(self.types.values()).all(|(new, old)| new.definition == old.definition);
            return if same {
                Ok(())
            } else {
                Err(failed(
                    "declaring resource types",
                    "the working file holds other resource types",
                    Some("start the run anew instead of resuming it"),
                ))
            };
        }
        self.insert_types(&sorted).doing(|| self.doing("writing"))?;
        self.types = sorted;
        Ok(())
    }

    fn insert_types(&self, types: &BTreeMap<String, DeclaredType>) -> rusqlite::Result<()> {
        let transaction = self.connection.unchecked_transaction()?;
        for entry in types.values() {
            let definition = serde_json::to_string(&entry.definition)
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
            transaction.execute(
                "insert into types (number, id, definition) values (?1, ?2, ?3)",
                params![entry.number, entry.definition.id, definition],
            )?;
        }
        transaction.commit()
    }

    pub(super) fn commit_pages(&mut self, pages: Vec<Page>) -> Result<(), StoreError> {
        let committed = self.try_commit(pages);
        if committed.is_err() {
            // Numbers that a failed transaction gave away are not there.
            match Known::load(&self.connection).doing(|| self.doing("reading")) {
                Ok(known) => self.known = known,
                Err(error) => self.broken = self.broken.take().or(Some(error)),
            }
        }
        committed
    }

    fn try_commit(&mut self, pages: Vec<Page>) -> Result<(), StoreError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let writing = || format!("writing a page to {}", shown(&self.partial));
        let mut batch = Batch::new();
        let transaction = self.connection.unchecked_transaction().doing(writing)?;
        let mut staging = Staging {
            transaction: &transaction,
            partial: &self.partial,
            types: &self.types,
            known: &mut self.known,
            form: self.form,
            batch: batch.content(),
        };
        for page in pages {
            staging.page(page)?;
        }
        if batch.is_empty() {
            return transaction.commit().doing(writing);
        }
        let added = self.ledger.append(&mut batch)?;
        layout::set_ledger_length(&transaction, added.length).doing(writing)?;
        if let Err(error) = transaction.commit().doing(writing) {
            // Whether the batch counts is not known, so that nothing may take its place.
            self.broken = Some(error.clone());
            return Err(error);
        }
        self.settled = None;
        let records = self.ledger.keep(&added, &batch);
        let indexed = self.index.take(added.records_at, records, &self.known.terms);
        self.broken = indexed.as_ref().err().cloned();
        indexed
    }

    pub(super) fn read_scope_rows(
        &self,
        resource_type: &str,
        after: i64,
        limit: usize,
    ) -> Result<Vec<ScopeRow>, StoreError> {
        let first = i64::from(declared_type(&self.types, resource_type)?.number) << PLACE_BITS;
        let last = first | ((1 << PLACE_BITS) - 1);
        let after = first.saturating_add(after.max(0));
        let rows: Vec<(i64, String)> = self.read(
            "select place, scope from scopes where place > ?1 and place <= ?2 order by place limit ?3",
            params![after, last, i64::try_from(limit).unwrap_or(i64::MAX)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        rows.into_iter()
            .map(|(place, text)| {
                let scope = serde_json::from_str(&text)
                    .map_err(|error| failed(self.doing("reading"), error.to_string(), None))?;
                Ok(ScopeRow { sequence: place - first, scope })
            })
            .collect()
    }
}

/// Puts pages into a transaction and their records into a batch.
struct Staging<'store> {
    transaction: &'store Transaction<'store>,
    partial: &'store Path,
    types: &'store BTreeMap<String, DeclaredType>,
    known: &'store mut Known,
    form: Form,
    batch: &'store mut Vec<u8>,
}

impl Staging<'_> {
    fn doing(&self, what: &str) -> String {
        format!("{what} {}", shown(self.partial))
    }

    fn page(&mut self, page: Page) -> Result<(), StoreError> {
        self.progress(&page).doing(|| self.doing("writing a page to"))?;
        self.resources(&page.rank, page.resources, &page.repeated_resources)?;
        self.entitlements(&page.rank, page.entitlements, page.conflicting_entitlements.as_ref())?;
        self.grants(&page.grants, page.repeated_grants.as_ref())
    }

    fn progress(&self, page: &Page) -> rusqlite::Result<()> {
        let mut insert = self
            .transaction
            .prepare_cached("insert into look_ups (name, key, id) values (?1, ?2, ?3) on conflict do nothing")?;
        for (name, key, id) in &page.look_ups {
            insert.execute([name, key, id])?;
        }
        let mut insert = self.transaction.prepare_cached(
            "insert into marks (task, key, state) values (?1, ?2, ?3)
             on conflict (task, key) do update set state = excluded.state",
        )?;
        for mark in &page.marks {
            insert.execute([&mark.task, &mark.key, &mark.state])?;
        }
        let mut insert = self.transaction.prepare_cached(
            "insert into tallies (list, name, total) values (?1, ?2, ?3)
             on conflict (list, name) do update set total = total + excluded.total",
        )?;
        for tally in &page.tallies {
            insert.execute(params![tally.list, tally.name, tally.add])?;
        }
        Ok(())
    }

    fn resources(
        &mut self,
        rank: &str,
        resources: Vec<(Resource, Option<engine_json::Value>)>,
        repeated: &BTreeMap<String, Tally>,
    ) -> Result<(), StoreError> {
        // Sealing reads them in the order of their ids: what was put in that order, page by page, is read
        // in as many strands, not row by row from all over the file.
        let mut sorted = resources;
        sorted.sort_by(|(one, _), (other, _)| {
            one.id.id.cmp(&other.id.id).then_with(|| one.id.resource_type.cmp(&other.id.resource_type))
        });
        let (mut key, mut details, mut data) = (Vec::new(), Vec::new(), Vec::new());
        let mut counted: Option<(u16, u32)> = None;
        for (resource, scope) in sorted {
            let of = declared_type(self.types, &resource.id.resource_type)?;
            check_id(&format!("the id of a {}", of.definition.id), &resource.id.id)?;
            if let Some(scope) = scope {
                self.scope(of.number, &resource.id.id, rank, &scope).doing(|| self.doing("writing resources to"))?;
            }
            let count = match counted {
                Some((kind, count)) if kind == of.number => count,
                _ => {
                    let count = self.known.count(self.transaction, repeated.get(&of.definition.id));
                    count.doing(|| self.doing("writing resources to"))?
                }
            };
            counted = Some((of.number, count));
            key.clear();
            put_kind(&mut key, of.number);
            put_part(&mut key, &resource.id.id);
            put_part(&mut key, rank);
            details.clear();
            put_number(&mut details, count.into());
            put_maybe(&mut details, resource.parent.as_ref().map(|parent| parent.resource_type.as_bytes()));
            if let Some(parent) = &resource.parent {
                put_bytes(&mut details, parent.id.as_bytes());
            }
            let shape = ResourceShape::of(&resource, &of.definition)?;
            self.encode(&mut data, &shape, || encode::resource(&shape, &of.definition))?;
            put_record(self.batch, Kind::Resource, &key, &details, &data);
        }
        Ok(())
    }

    /// Keeps a scope row; of resources with one id that of the lower rank.
    fn scope(&self, kind: u16, id: &str, rank: &str, scope: &engine_json::Value) -> rusqlite::Result<()> {
        let mut insert = self.transaction.prepare_cached(
            "insert into scoped (type, id, rank) values (?1, ?2, ?3)
             on conflict do update set rank = excluded.rank where rank > excluded.rank returning sequence",
        )?;
        let Some(sequence) = insert.query_row(params![kind, id, rank], |row| row.get::<_, i64>(0)).optional()? else {
            return Ok(());
        };
        let place = (i64::from(kind) << PLACE_BITS) | sequence;
        let mut insert =
            self.transaction.prepare_cached("insert or replace into scopes (place, scope) values (?1, ?2)")?;
        insert.execute(params![place, scope.to_string()]).map(|_| ())
    }

    fn entitlements(
        &mut self,
        rank: &str,
        entitlements: Vec<Entitlement>,
        conflicting: Option<&Tally>,
    ) -> Result<(), StoreError> {
        let doing = "writing entitlements to";
        let (mut key, mut details, mut data) = (Vec::new(), Vec::new(), Vec::new());
        let count = self.known.count(self.transaction, conflicting).doing(|| self.doing(doing))?;
        put_number(&mut details, count.into());
        for entitlement in entitlements {
            let kind = declared_type(self.types, &entitlement.id.resource.resource_type)?.number;
            check_id("the slug of an entitlement", &entitlement.id.slug)?;
            let id = entitlement.id.to_string();
            check_id("the id of an entitlement", &id)?;
            put_held(&mut key, kind, &entitlement.id);
            put_part(&mut key, rank);
            let shape = EntitlementShape::of(&entitlement, &id);
            self.encode(&mut data, &shape, || encode::entitlement(&shape))?;
            put_record(self.batch, Kind::Entitlement, &key, &details, &data);
        }
        Ok(())
    }

    /// Grants of one entitlement that have the same terms make one record, sorted by principal.
    fn grants(&mut self, grants: &Grants, repeated: Option<&Tally>) -> Result<(), StoreError> {
        let doing = "writing grants to";
        let kept = |grant: &GrantView<'_>| grant.kept.map(serde_json::to_string).transpose();
        let mut sorted: Vec<GrantView<'_>> = grants.iter().collect();
        // Equal ones are equal in all; a stable sort would take memory for half of them.
        sorted.sort_unstable_by(|one, other| {
            let held = if ptr::eq(one.entitlement, other.entitlement) {
                Ordering::Equal
            } else {
                one.entitlement.cmp(other.entitlement)
            };
            let terms = || ptr::from_ref(one.terms).cmp(&ptr::from_ref(other.terms));
            let kept = || kept(one).unwrap_or_default().cmp(&kept(other).unwrap_or_default());
            held.then_with(terms).then_with(|| one.principal.cmp(other.principal)).then_with(kept)
        });
        let count = self.known.count(self.transaction, repeated).doing(|| self.doing(doing))?;
        let (mut key, mut details, mut data) = (Vec::new(), Vec::new(), Vec::new());
        let mut numbered: Option<(&Terms, u32)> = None;
        let together = |one: &GrantView<'_>, other: &GrantView<'_>| {
            ptr::eq(one.terms, other.terms)
                && (ptr::eq(one.entitlement, other.entitlement) || one.entitlement == other.entitlement)
        };
        for grants in sorted.chunk_by(together) {
            let Some(GrantView { entitlement, terms, .. }) = grants.first() else { continue };
            let kind = declared_type(self.types, &entitlement.resource.resource_type)?.number;
            check_id("the resource of a grant", &entitlement.resource.id)?;
            check_id("the slug of a grant", &entitlement.slug)?;
            let Some(longest) = terms.types.iter().map(String::len).max() else {
                return Err(failed("storing a record", "a grant has no principal type", None));
            };
            put_held(&mut key, kind, entitlement);
            details.clear();
            put_number(&mut details, count.into());
            let number = match numbered {
                Some((known, number)) if ptr::eq(known, *terms) => number,
                _ => self.terms(terms)?,
            };
            numbered = Some((*terms, number));
            put_number(&mut details, number.into());
            data.clear();
            for grant in grants {
                check_grant(grant, longest)?;
                put_bytes(&mut data, grant.principal.as_bytes());
                let kept = kept(grant).map_err(|error| self.failed(doing, &error))?;
                put_maybe(&mut data, kept.as_deref().map(str::as_bytes));
            }
            put_record(self.batch, Kind::Grants, &key, &details, &data);
        }
        Ok(())
    }

    /// The number of terms.
    fn terms(&mut self, terms: &Terms) -> Result<u32, StoreError> {
        let kinds = terms.types.iter().map(|id| Ok(declared_type(self.types, id)?.number));
        let known = KnownTerms {
            kinds: kinds.collect::<Result<_, StoreError>>()?,
            expands: terms.expands.clone(),
            immutable: terms.immutable,
            rule: terms.rule,
            expected: terms.missing == MissingReference::Drop,
        };
        self.known.terms(self.transaction, known).doing(|| self.doing("writing grants to"))
    }

    /// Writes a record the way the file will hold it.
    fn encode<M: Message>(
        &self,
        into: &mut Vec<u8>,
        shape: &impl Serialize,
        message: impl FnOnce() -> M,
    ) -> Result<(), StoreError> {
        into.clear();
        match self.form {
            Form::C1z => message().encode(into).map_err(|error| self.failed("writing records to", &error)),
            Form::JsonLines => {
                serde_json::to_writer(&mut *into, shape).map_err(|error| self.failed("writing records to", &error))?;
                into.push(b'\n');
                Ok(())
            }
        }
    }

    fn failed(&self, doing: &str, error: &dyn std::error::Error) -> StoreError {
        failed(self.doing(doing), error.to_string(), None)
    }
}

/// Writes the key of an entitlement.
fn put_held(key: &mut Vec<u8>, kind: u16, held: &EntitlementRef) {
    key.clear();
    put_kind(key, kind);
    put_part(key, &held.resource.id);
    put_part(key, &held.slug);
}

fn declared_type<'types>(
    types: &'types BTreeMap<String, DeclaredType>,
    id: &str,
) -> Result<&'types DeclaredType, StoreError> {
    types.get(id).ok_or_else(|| failed("storing a record", format!("the resource type `{id}` was not declared"), None))
}

/// The ids that a grant is put together from, the longest candidate type counted.
fn check_grant(grant: &GrantView<'_>, longest: usize) -> Result<(), StoreError> {
    check_id("the principal of a grant", grant.principal)?;
    let held = grant.entitlement;
    let length = held.resource.resource_type.len()
        + held.resource.id.len()
        + held.slug.len()
        + longest
        + grant.principal.len()
        + 4;
    if length > ID_BYTES {
        let start = format!("{held}:{}", grant.principal);
        return check_id_length("the id of a grant", &start, length);
    }
    Ok(())
}
