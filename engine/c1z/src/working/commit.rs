//! Stores pages: their records, marks and counts in one transaction.
//!
//! In: declared resource types and pages. Out: rows of the working file, and what was new. The
//! first row of an id stays; records are encoded here, once, the way the sealed file holds them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ptr;

use engine_model::{
    Committed, Entitlement, EntitlementRef, Expansion, GrantView, Grants, MissingReference, Page, Resource,
    ResourceType, ScopeRow, StoreError, Terms,
};
use engine_proto::Message as _;
use rusqlite::{Connection, OptionalExtension as _, Statement, ToSql, Transaction, params};

use super::{DeclaredType, WorkingStore};
use crate::encode;
use crate::failure::{Doing as _, failed};
use crate::limits::{ID_BYTES, check_id, check_id_length};

/// Scope rows of a type lie together: their place is its number, then the order of arrival.
const PLACE_BITS: u32 = 44;
/// `flags`: the grant cannot be revoked.
pub(crate) const IMMUTABLE: i64 = 1;
/// `flags`: the spec expects that references of this grant may be missing.
pub(super) const EXPECTED: i64 = 2;

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
        for (number, entry) in (0..).zip(sorted.values_mut()) {
            entry.number = number;
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

    pub(super) fn commit_pages(&mut self, pages: Vec<Page>) -> Result<Vec<Committed>, StoreError> {
        let doing = || self.doing("writing a page to");
        let transaction = self.connection.unchecked_transaction().doing(doing)?;
        let is_brought =
            |page: &Page| !page.resources.is_empty() || !page.entitlements.is_empty() || !page.grants.is_empty();
        let brought = pages.iter().any(is_brought);
        let committed: Result<Vec<_>, _> = pages.into_iter().map(|page| self.insert_page(&transaction, page)).collect();
        let committed = committed?;
        transaction.commit().doing(doing)?;
        if brought {
            self.settled.set(false);
        }
        Ok(committed)
    }

    fn insert_page(&self, transaction: &Transaction<'_>, page: Page) -> Result<Committed, StoreError> {
        let new_resources = self.insert_resources(transaction, &page.rank, page.resources)?;
        let mut committed = Committed { new_resources, ..Committed::default() };
        committed.conflicting_entitlements = self.insert_entitlements(transaction, &page.rank, page.entitlements)?;
        committed.repeated_grants = self.insert_grants(transaction, &page.grants)?;
        let progress = || {
            let mut insert = transaction
                .prepare_cached("insert into look_ups (name, key, id) values (?1, ?2, ?3) on conflict do nothing")?;
            for (name, key, id) in &page.look_ups {
                insert.execute([name, key, id])?;
            }
            let mut insert = transaction.prepare_cached(
                "insert into marks (task, key, state) values (?1, ?2, ?3)
                 on conflict (task, key) do update set state = excluded.state",
            )?;
            for mark in &page.marks {
                insert.execute([&mark.task, &mark.key, &mark.state])?;
            }
            let mut insert = transaction.prepare_cached(
                "insert into tallies (list, name, total) values (?1, ?2, ?3)
                 on conflict (list, name) do update set total = total + excluded.total",
            )?;
            for tally in &page.tallies {
                insert.execute(params![tally.list, tally.name, tally.add])?;
            }
            let resources = page.repeated_resources.iter().zip(&committed.new_resources);
            for (tally, _) in resources.filter(|(_, new)| !**new) {
                insert.execute(params![tally.list, tally.name, tally.add])?;
            }
            if let Some(tally) = page.repeated_grants.filter(|_| committed.repeated_grants > 0) {
                let times = i64::try_from(committed.repeated_grants).unwrap_or(i64::MAX);
                insert.execute(params![tally.list, tally.name, tally.add.saturating_mul(times)])?;
            }
            Ok(())
        };
        let progress: rusqlite::Result<()> = progress();
        progress.doing(|| self.doing("writing a page to"))?;
        Ok(committed)
    }

    fn insert_resources(
        &self,
        transaction: &Transaction<'_>,
        rank: &str,
        resources: Vec<(Resource, Option<engine_json::Value>)>,
    ) -> Result<Vec<bool>, StoreError> {
        let doing = || self.doing("writing resources to");
        let mut insert = transaction
            .prepare_cached(
                "insert into resources (type, id, parent_type, parent_id, rank, data)
                 values (?1, ?2, ?3, ?4, ?5, ?6) on conflict (type, id) do nothing",
            )
            .doing(doing)?;
        let mut replace = transaction
            .prepare_cached(
                "update resources set parent_type = ?3, parent_id = ?4, rank = ?5, data = ?6
                 where type = ?1 and id = ?2 and rank > ?5 returning sequence",
            )
            .doing(doing)?;
        let mut insert_scope =
            transaction.prepare_cached("insert or replace into scopes (place, scope) values (?1, ?2)").doing(doing)?;
        // Sealing reads them in the order of their ids: what was put in that order, page by page, is read
        // in as many strands, not row by row from all over the file.
        let mut sorted: Vec<(usize, (Resource, Option<engine_json::Value>))> =
            resources.into_iter().enumerate().collect();
        sorted.sort_by(|(_, (one, _)), (_, (other, _))| one.id.cmp(&other.id));
        let mut new = vec![false; sorted.len()];
        let mut data = Vec::new();
        for (at, (resource, scope)) in sorted {
            let of = self.declared_type(&resource.id.resource_type)?;
            check_id(&format!("the id of a {}", of.definition.id), &resource.id.id)?;
            let message = encode::resource(resource, &of.definition)?;
            data.clear();
            message.encode(&mut data).map_err(|error| failed(doing(), error.to_string(), None))?;
            let parent = message.parent_resource_id.as_ref();
            let values = params![
                of.number,
                message.id.as_ref().map(|id| id.resource.as_str()),
                parent.map(|parent| parent.resource_type.as_str()),
                parent.map(|parent| parent.resource.as_str()),
                rank,
                data,
            ];
            let is_new = insert.execute(values).doing(doing)? == 1;
            let sequence = if is_new {
                Some(transaction.last_insert_rowid())
            } else {
                replace.query_row(values, |row| row.get(0)).optional().doing(doing)?
            };
            if let (Some(sequence), Some(scope)) = (sequence, scope) {
                let place = (of.number << PLACE_BITS) | sequence;
                insert_scope.execute(params![place, scope.to_string()]).doing(doing)?;
            }
            if let Some(new) = new.get_mut(at) {
                *new = is_new;
            }
        }
        Ok(new)
    }

    /// Returns how many had been stored before with other content.
    fn insert_entitlements(
        &self,
        transaction: &Transaction<'_>,
        rank: &str,
        entitlements: Vec<Entitlement>,
    ) -> Result<u64, StoreError> {
        let doing = || self.doing("writing entitlements to");
        let mut insert = transaction
            .prepare_cached(
                "insert into entitlements (type, resource, slug, rank, data) values (?1, ?2, ?3, ?4, ?5)
                 on conflict do nothing",
            )
            .doing(doing)?;
        let mut replace = transaction
            .prepare_cached(
                "update entitlements set rank = ?4, data = ?5
                 where type = ?1 and resource = ?2 and slug = ?3 and rank > ?4",
            )
            .doing(doing)?;
        let mut stored = transaction
            .prepare_cached("select data from entitlements where type = ?1 and resource = ?2 and slug = ?3")
            .doing(doing)?;
        let mut conflicts = 0;
        let mut data = Vec::new();
        for entitlement in entitlements {
            let number = self.declared_type(&entitlement.id.resource.resource_type)?.number;
            check_id("the slug of an entitlement", &entitlement.id.slug)?;
            let id = entitlement.id.to_string();
            check_id("the id of an entitlement", &id)?;
            let resource = entitlement.id.resource.id.clone();
            let message = encode::entitlement(entitlement, id);
            data.clear();
            message.encode(&mut data).map_err(|error| failed(doing(), error.to_string(), None))?;
            let values = params![number, resource, message.slug, rank, data];
            if insert.execute(values).doing(doing)? == 0 {
                let same = stored
                    .query_row(params![number, resource, message.slug], |row| {
                        Ok(row.get_ref(0)?.as_blob()? == data.as_slice())
                    })
                    .optional()
                    .doing(doing)?;
                conflicts += u64::from(same != Some(true));
                replace.execute(values).doing(doing)?;
            }
        }
        Ok(conflicts)
    }

    /// Returns how many had been stored before.
    fn insert_grants(&self, transaction: &Transaction<'_>, grants: &Grants) -> Result<u64, StoreError> {
        // In the order of the table each row goes beside the last one.
        let mut sorted: Vec<GrantView<'_>> = grants.iter().collect();
        sorted.sort_by(|one, other| {
            let held = if ptr::eq(one.entitlement, other.entitlement) {
                Ordering::Equal
            } else {
                one.entitlement.cmp(other.entitlement)
            };
            held.then_with(|| one.principal.cmp(other.principal))
        });
        let doing = || self.doing("writing grants to");
        let mut insert = transaction
            .prepare_cached(
                "insert into grants (type, resource, slug, principal_type, principal, rule, flags,
                     expansion, kept)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) on conflict do nothing",
            )
            .doing(doing)?;
        let mut insert_open = transaction
            .prepare_cached(
                "insert into open_grants (type, resource, slug, candidates, principal, rule, flags,
                     expansion, kept)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) on conflict do nothing",
            )
            .doing(doing)?;
        // A grant that comes twice may differ in the rule and in what is kept: the lower ones stay,
        // whichever came first.
        let replaced = |table: &str, principal: &str| {
            format!(
                "update {table} set rule = ?6, flags = ?7, expansion = ?8, kept = ?9
                 where type = ?1 and resource = ?2 and slug = ?3 and {principal} = ?4 and principal = ?5
                     and (rule, coalesce(kept, '')) > (?6, coalesce(?9, ''))"
            )
        };
        let mut replace = transaction.prepare_cached(&replaced("grants", "principal_type")).doing(doing)?;
        let mut replace_open = transaction.prepare_cached(&replaced("open_grants", "candidates")).doing(doing)?;
        let mut repeated = 0;
        // A page's grants mostly agree in these.
        let mut held: Option<(&EntitlementRef, i64)> = None;
        let mut terms: BTreeMap<*const Terms, StagedTerms> = BTreeMap::new();
        for grant in sorted {
            let (_, of) = match held {
                Some(known) if ptr::eq(known.0, grant.entitlement) => known,
                _ => *held.insert((grant.entitlement, self.held_type(grant.entitlement)?)),
            };
            let staged = match terms.entry(ptr::from_ref(grant.terms)) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(self.staged_terms(transaction, grant.terms)?),
            };
            check_grant(&grant, staged.longest)?;
            let kept = grant.kept.map(serde_json::to_string).transpose();
            let kept = kept.map_err(|error| failed(doing(), error.to_string(), None))?;
            let (resource, slug) = (&grant.entitlement.resource.id, &grant.entitlement.slug);
            let (rule, flags, expansion) = (grant.terms.rule, staged.flags, staged.expansion);
            let is_new = match &staged.principal {
                StagedPrincipal::Type(number) => {
                    let values = params![of, resource, slug, number, grant.principal, rule, flags, expansion, kept];
                    put(&mut insert, &mut replace, values)
                }
                StagedPrincipal::Candidates(list) => {
                    let values = params![of, resource, slug, list, grant.principal, rule, flags, expansion, kept];
                    put(&mut insert_open, &mut replace_open, values)
                }
            };
            repeated += u64::from(!is_new.doing(doing)?);
        }
        Ok(repeated)
    }

    /// The number of the type that an entitlement is of; its ids are checked.
    fn held_type(&self, held: &EntitlementRef) -> Result<i64, StoreError> {
        check_id("the resource of a grant", &held.resource.id)?;
        check_id("the slug of a grant", &held.slug)?;
        Ok(self.declared_type(&held.resource.resource_type)?.number)
    }

    fn staged_terms(&self, transaction: &Transaction<'_>, terms: &Terms) -> Result<StagedTerms, StoreError> {
        let Some(longest) = terms.types.iter().map(String::len).max() else {
            return Err(failed("storing a record", "a grant has no principal type", None));
        };
        Ok(StagedTerms {
            principal: match terms.types.as_slice() {
                [only] => StagedPrincipal::Type(self.declared_type(only)?.number),
                _ => StagedPrincipal::Candidates(self.candidates(transaction, &terms.types)?),
            },
            longest,
            flags: if terms.immutable { IMMUTABLE } else { 0 }
                | if terms.missing == MissingReference::Drop { EXPECTED } else { 0 },
            expansion: self.expansion(transaction, &terms.expands)?,
        })
    }

    /// The number under which the grant's expansion rules are kept: few grants differ in them.
    fn expansion(&self, transaction: &Transaction<'_>, rules: &[Expansion]) -> Result<Option<i64>, StoreError> {
        if rules.is_empty() {
            return Ok(None);
        }
        let doing = || self.doing("writing grants to");
        let rules = serde_json::to_string(rules).map_err(|error| failed(doing(), error.to_string(), None))?;
        let find = || {
            transaction
                .prepare_cached("select number from expansions where rules = ?1")?
                .query_row([&rules], |row| row.get(0))
                .optional()
        };
        if let Some(number) = find().doing(doing)? {
            return Ok(Some(number));
        }
        transaction.execute("insert into expansions (rules) values (?1)", [&rules]).doing(doing)?;
        Ok(Some(transaction.last_insert_rowid()))
    }

    /// The name of a candidate list, its type numbers, entered so that settling can join it.
    fn candidates(&self, transaction: &Transaction<'_>, types: &[String]) -> Result<String, StoreError> {
        let doing = || self.doing("writing grants to");
        let numbers =
            types.iter().map(|id| Ok(self.declared_type(id)?.number)).collect::<Result<Vec<i64>, StoreError>>()?;
        let name = numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        let mut insert = transaction
            .prepare_cached(
                "insert into candidates (list, position, type) values (?1, ?2, ?3)
                 on conflict do nothing",
            )
            .doing(doing)?;
        for (position, number) in (0_i64..).zip(numbers) {
            insert.execute(params![name, position, number]).doing(doing)?;
        }
        Ok(name)
    }

    pub(super) fn read_scope_rows(
        &self,
        resource_type: &str,
        after: i64,
        limit: usize,
    ) -> Result<Vec<ScopeRow>, StoreError> {
        let first = self.declared_type(resource_type)?.number << PLACE_BITS;
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

    pub(super) fn declared_type(&self, id: &str) -> Result<&DeclaredType, StoreError> {
        self.types
            .get(id)
            .ok_or_else(|| failed("storing a record", format!("the resource type `{id}` was not declared"), None))
    }
}

/// Inserts a row, or where there is one already lets the other statement decide which one stays.
/// Returns whether it was new.
fn put(insert: &mut Statement<'_>, replace: &mut Statement<'_>, values: &[&dyn ToSql]) -> rusqlite::Result<bool> {
    let is_new = insert.execute(values)? == 1;
    if !is_new {
        replace.execute(values)?;
    }
    Ok(is_new)
}

/// What grants have in common, as it stands in a row.
struct StagedTerms {
    principal: StagedPrincipal,
    /// Bytes of the longest candidate type.
    longest: usize,
    flags: i64,
    expansion: Option<i64>,
}

/// What is known of the type of a principal.
enum StagedPrincipal {
    /// The number of the type.
    Type(i64),
    /// The name of the list of candidates.
    Candidates(String),
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
