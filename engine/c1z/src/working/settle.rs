//! Settles grants once every list is in: which principal is meant, and what points at nothing.
//!
//! In: staged grants. Out: settled grants, the dangling ones set aside but kept, and counts. It
//! may run again after more rows came; it then starts over from what was staged.

use std::collections::{BTreeMap, BTreeSet};

use engine_model::{Dangling, MissingParents, StoreError};

use super::WorkingStore;
use super::commit::EXPECTED;
use crate::failure::Doing as _;

/// Missing ids shown per rule.
const SAMPLES: usize = 5;

/// Settles a grant on the first of its candidate types that has a resource of the id; -1 where
/// none has. What is staged with one type stays as it is, and so does the first of two equal ones.
const SETTLE_OPEN: &str = "
insert into settled_grants (type, resource, slug, principal_type, principal, rule, flags,
    expansion, kept, missing, candidates)
select o.type, o.resource, o.slug, o.found, o.principal, o.rule, o.flags, o.expansion, o.kept,
    case when o.found < 0 then 2 else 0 end, o.candidates
from (
    select *, coalesce((
        select c.type from candidates c
        where c.list = open_grants.candidates
            and exists (select 1 from resources r where r.type = c.type and r.id = open_grants.principal)
        order by c.position limit 1), -1) as found
    from open_grants
) o
where not exists (
    select 1 from grants g
    where g.type = o.type and g.resource = o.resource and g.slug = o.slug
        and g.principal_type = o.found and g.principal = o.principal)
on conflict do nothing";

/// Grants on an entitlement that is not there. Many grants are on one entitlement, and they lie
/// together: it is looked for once.
const MARK_MISSING_ENTITLEMENTS: &str = "
set missing = 1
where (type, resource, slug) in (
    select held.type, held.resource, held.slug
    from (select distinct type, resource, slug from TABLE) held
    where not exists (
        select 1 from entitlements e
        where e.type = held.type and e.resource = held.resource and e.slug = held.slug))";

/// Grants whose principal is not there, on an entitlement that is.
const MARK_MISSING_PRINCIPALS: &str = "
set missing = 2
where missing = 0 and not exists (
    select 1 from resources r
    where r.type = TABLE.principal_type and r.id = TABLE.principal)";

impl WorkingStore {
    pub(super) fn settle_grants(&self) -> Result<Vec<Dangling>, StoreError> {
        let doing = || self.doing("settling the grants in");
        let settle = || {
            let transaction = self.connection.unchecked_transaction()?;
            transaction
                .execute_batch("delete from settled_grants; update grants set missing = 0 where missing <> 0;")?;
            transaction.execute(SETTLE_OPEN, [])?;
            for table in ["grants", "settled_grants"] {
                // Settling has marked those of several candidates; it knows nothing of entitlements.
                for rule in [MARK_MISSING_ENTITLEMENTS, MARK_MISSING_PRINCIPALS] {
                    transaction.execute(&format!("update {table} {}", rule.replace("TABLE", table)), [])?;
                }
            }
            transaction.commit()
        };
        settle().doing(doing)?;
        self.settled.set(true);
        self.dangling().doing(doing)
    }

    /// Settles unless nothing came since the last time.
    pub(crate) fn ensure_settled(&self) -> Result<(), StoreError> {
        if !self.settled.get() {
            self.settle_grants()?;
        }
        Ok(())
    }

    fn dangling(&self) -> rusqlite::Result<Vec<Dangling>> {
        let mut statement = self.connection.prepare(
            "select g.rule, g.flags, g.missing, g.type, g.resource, g.slug, g.principal,
                 cast(g.principal_type as text)
             from grants g where g.missing <> 0
             union all
             select g.rule, g.flags, g.missing, g.type, g.resource, g.slug, g.principal,
                 g.candidates
             from settled_grants g where g.missing <> 0",
        )?;
        let names: BTreeMap<i64, &str> = self.types.iter().map(|(id, entry)| (entry.number, id.as_str())).collect();
        let name = |number: i64| names.get(&number).copied().unwrap_or("?");
        let mut found: BTreeMap<(u32, bool, bool), (u64, BTreeSet<String>)> = BTreeMap::new();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (rule, flags, missing): (u32, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let principal_missing = missing == 2;
            let key = (rule, principal_missing, flags & EXPECTED != 0);
            let sample = if principal_missing {
                let (principal, candidates) = (row.get_ref(6)?.as_str()?, row.get_ref(7)?.as_str()?);
                let types: Vec<&str> = candidates.split(',').map(|number| name(number.parse().unwrap_or(-1))).collect();
                format!("{}:{principal}", types.join("|"))
            } else {
                let (resource, slug) = (row.get_ref(4)?.as_str()?, row.get_ref(5)?.as_str()?);
                format!("{}:{resource}:{slug}", name(row.get(3)?))
            };
            let (count, samples) = found.entry(key).or_default();
            *count += 1;
            keep_smallest(samples, sample);
        }
        let dangling = |((rule, principal_missing, expected), (count, samples))| Dangling {
            rule,
            expected,
            principal_missing,
            count,
            samples: BTreeSet::into_iter(samples).collect(),
        };
        Ok(found.into_iter().map(dangling).collect())
    }

    pub(super) fn count_per_type(&self) -> Result<Vec<(String, u64, u64, u64)>, StoreError> {
        self.ensure_settled()?;
        let resources = self.count("select type, count(*) from resources group by type")?;
        let entitlements = self.count("select type, count(*) from entitlements group by type")?;
        let mut grants = self.count("select type, count(*) from grants where missing = 0 group by type")?;
        for (number, count) in
            self.count("select type, count(*) from settled_grants where missing = 0 group by type")?
        {
            *grants.entry(number).or_default() += count;
        }
        let count = |counts: &BTreeMap<i64, u64>, number| counts.get(&number).copied().unwrap_or(0);
        let totals = self.types.iter().map(|(id, entry)| {
            let number = entry.number;
            (id.clone(), count(&resources, number), count(&entitlements, number), count(&grants, number))
        });
        Ok(totals.collect())
    }

    fn count(&self, sql: &str) -> Result<BTreeMap<i64, u64>, StoreError> {
        let pairs: Vec<(i64, i64)> = self.read(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(pairs.into_iter().map(|(key, n)| (key, u64::try_from(n).unwrap_or(0))).collect())
    }

    /// Resources whose parent is not in the store, per type, sorted. Such resources are written
    /// with their parent all the same: readers show them.
    pub(super) fn find_missing_parents(&self) -> Result<Vec<MissingParents>, StoreError> {
        let missing: Vec<(String, String)> = self.read(
            "select t.id, r.parent_type || ':' || r.parent_id
             from resources r join types t on t.number = r.type
             where r.parent_id is not null and not exists (
                 select 1 from types p join resources q on q.type = p.number
                 where p.id = r.parent_type and q.id = r.parent_id)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let mut found: BTreeMap<String, (u64, BTreeSet<String>)> = BTreeMap::new();
        for (resource_type, parent) in missing {
            let (count, samples) = found.entry(resource_type).or_default();
            *count += 1;
            keep_smallest(samples, parent);
        }
        let record = |(resource_type, (count, samples))| MissingParents {
            resource_type,
            count,
            samples: BTreeSet::into_iter(samples).collect(),
        };
        Ok(found.into_iter().map(record).collect())
    }
}

fn keep_smallest(samples: &mut BTreeSet<String>, sample: String) {
    samples.insert(sample);
    if samples.len() > SAMPLES {
        samples.pop_last();
    }
}
