//! Nested groups: who holds an entitlement because they hold another one.
//!
//! In: a settled store. Out: a scratch database attached as `expansion` with one row per derived
//! grant and source. The graph of entitlements that pass on is held in memory as numbers; holders
//! never are. Each edge is taken once, sources before targets, so the work is linear in what is
//! derived. The rules are those of the format's readers:
//!
//! - a derived grant names its sources and whether each is held directly;
//! - `shallow` passes on direct holders only, a type filter only principals of those types;
//! - two edges between the same nodes merge: deep beats shallow, unfiltered beats filtered;
//! - entitlements that reach each other in a circle are one node: what comes from outside reaches
//!   all of them, what goes out comes from all of them, and nothing is passed on among them.

mod graph;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use engine_model::StoreError;
use rusqlite::{OptionalExtension as _, params};

use crate::failure::Doing as _;
use crate::grants::{Merged, merged};
use crate::scratch::ScratchFile;
use crate::working::{WorkingStore, beside};
use graph::{Edge, Graph};

const TABLES: &str = "
pragma expansion.journal_mode = off;
pragma expansion.synchronous = off;
pragma expansion.cache_size = -16384;
create table expansion.found (
    type integer not null, resource text not null, slug text not null,
    primary key (type, resource, slug)
) without rowid;
create table expansion.nodes (
    number integer primary key,
    type integer not null, resource text not null, slug text not null
);
create table expansion.derived (
    target integer not null,
    principal_type integer not null,
    principal text not null,
    source integer not null,
    direct integer not null,
    primary key (target, principal_type, principal, source)
) without rowid;
";

/// Numbers follow the order of the entitlements in the file, so that derived rows sort with it.
const NUMBER_NODES: &str = "
insert into expansion.nodes (type, resource, slug)
    select type, resource, slug from expansion.found order by type, resource, slug;
create unique index expansion.nodes_by_key on nodes (type, resource, slug);
";

const EXPANDABLE: &str = "
select type, resource, slug, principal_type, principal, expansion from grants
where missing = 0 and expansion is not null
union all
select type, resource, slug, principal_type, principal, expansion from settled_grants
where missing = 0 and expansion is not null";

/// Direct holders of the source, from one of the two tables that hold grants.
const PASS_ON_DIRECT: &str = "
insert into expansion.derived (target, principal_type, principal, source, direct)
select ?1, h.principal_type, h.principal, ?2, 1
from expansion.nodes n
join TABLE h on h.type = n.type and h.resource = n.resource and h.slug = n.slug
where n.number = ?2 and h.missing = 0 FILTER
on conflict do nothing";

/// Holders that the source itself got by expansion. Those that also hold it directly are there.
const PASS_ON_DERIVED: &str = "
insert into expansion.derived (target, principal_type, principal, source, direct)
select distinct ?1, h.principal_type, h.principal, ?2, 0
from expansion.derived h
where h.target = ?2 FILTER
on conflict do nothing";

/// The scratch database while it is attached.
pub(crate) struct Expanded<'store> {
    store: &'store WorkingStore,
    /// Circles of entitlements.
    pub(crate) circles: u64,
    // Last: the file goes when the database is detached.
    _file: ScratchFile,
}

impl Drop for Expanded<'_> {
    fn drop(&mut self) {
        // If it fails, the connection closes the file when the store goes.
        let _ = self.store.connection.execute_batch("detach expansion");
    }
}

impl WorkingStore {
    /// Expands nested groups into a scratch database that lives as long as the result.
    pub(crate) fn expand(&self) -> Result<Expanded<'_>, StoreError> {
        let file = ScratchFile::create(beside(&self.target, ".expansion")?)?;
        file.attach(&self.connection, "expansion")?;
        let mut expanded = Expanded { store: self, circles: 0, _file: file };
        expanded.circles = self.derive_grants()?;
        Ok(expanded)
    }

    /// Fills the scratch database; returns the number of circles.
    fn derive_grants(&self) -> Result<u64, StoreError> {
        let doing = || self.doing("expanding the nested groups of");
        self.connection.execute_batch(TABLES).doing(doing)?;
        let transaction = self.connection.unchecked_transaction().doing(doing)?;
        self.each_nesting(&mut |source, target, _| {
            let mut insert = transaction.prepare_cached(
                "insert into expansion.found (type, resource, slug) values (?1, ?2, ?3)
                 on conflict do nothing",
            )?;
            for key in [source, target] {
                insert.execute(params![key.0, key.1, key.2])?;
            }
            Ok(())
        })?;
        transaction.execute_batch(NUMBER_NODES).doing(doing)?;
        let mut edges = Vec::new();
        let mut filters: BTreeMap<BTreeSet<i64>, Rc<BTreeSet<i64>>> = BTreeMap::new();
        self.each_nesting(&mut |source, target, rule| {
            let mut number = transaction
                .prepare_cached("select number from expansion.nodes where type = ?1 and resource = ?2 and slug = ?3")?;
            let mut node =
                |key: NodeKey<'_>| number.query_row(params![key.0, key.1, key.2], |row| row.get::<_, u32>(0));
            let (source, target) = (node(source)?, node(target)?);
            let types = (!rule.resource_types.is_empty()).then(|| {
                let types = rule.resource_types.iter().filter_map(|id| self.types.get(*id));
                let types: BTreeSet<i64> = types.map(|entry| entry.number).collect();
                let shared = filters.entry(types.clone());
                Rc::clone(shared.or_insert_with(|| Rc::new(types)))
            });
            edges.push(Edge { source, target, shallow: rule.shallow, types });
            Ok(())
        })?;
        let graph = Graph::of(edges);
        graph.each_step(&mut |step| self.pass_on(step)).doing(doing)?;
        transaction.commit().doing(doing)?;
        Ok(graph.circles())
    }

    /// Calls `with` for every source entitlement that a settled grant passes on, its target and
    /// the rule. Sources that are not in the store are skipped.
    fn each_nesting(
        &self,
        with: &mut dyn FnMut(NodeKey<'_>, NodeKey<'_>, &Merged<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        let names = self.type_names();
        let rules = self.expansion_rules()?;
        let mut each = || {
            let mut exists = self
                .connection
                .prepare("select 1 from entitlements where type = ?1 and resource = ?2 and slug = ?3")?;
            let mut statement = self.connection.prepare(EXPANDABLE)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let target = (row.get(0)?, row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_str()?);
                let (principal_type, principal) = (row.get(3)?, row.get_ref(4)?.as_str()?);
                let type_name = names.get(&principal_type).map_or("", String::as_str);
                let rules = rules.get(&row.get(5)?).map_or(&[][..], Vec::as_slice);
                let Some(rule) = merged(rules, type_name) else {
                    continue;
                };
                for slug in &rule.slugs {
                    let there: Option<i64> =
                        exists.query_row(params![principal_type, principal, slug], |row| row.get(0)).optional()?;
                    if there.is_some() {
                        with((principal_type, principal, slug), target, &rule)?;
                    }
                }
            }
            Ok(())
        };
        let each: rusqlite::Result<()> = each();
        each.doing(|| self.doing("expanding the nested groups of"))
    }

    fn pass_on(&self, step: &Edge) -> rusqlite::Result<()> {
        let filter = step.types.as_ref().map(|types| {
            let numbers = types.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
            format!("and h.principal_type in ({numbers})")
        });
        let filter = filter.unwrap_or_default();
        for table in ["grants", "settled_grants"] {
            let sql = PASS_ON_DIRECT.replace("TABLE", table).replace("FILTER", &filter);
            let mut insert = self.connection.prepare_cached(&sql)?;
            insert.execute([step.target, step.source])?;
        }
        if !step.shallow {
            let sql = PASS_ON_DERIVED.replace("FILTER", &filter);
            let mut insert = self.connection.prepare_cached(&sql)?;
            insert.execute([step.target, step.source])?;
        }
        Ok(())
    }
}

/// Type number, resource and slug of an entitlement.
type NodeKey<'row> = (i64, &'row str, &'row str);
