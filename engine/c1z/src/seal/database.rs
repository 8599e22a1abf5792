//! The inner file: the SQLite database of SDK 0.7.27, table for table.
//!
//! In: a settled working store. Out: the database with one finished full sync. Rows go in sorted
//! by id and before the indexes that hold them all; no column is added, because readers refuse to copy a file with
//! columns that they do not know.

use engine_model::{StoreError, Totals};
use engine_proto::Message as _;
use rusqlite::{Error, ErrorCode, params};

use super::blob::GrantBytes;
use crate::encode;
use crate::expand::Expanded;
use crate::failure::Doing as _;
use crate::scratch::ScratchFile;
use crate::settled::join;
use crate::working::WorkingStore;

/// The journal is kept in memory: only failures that are handled here need it, a killed run
/// leaves a scratch file.
const SETTINGS: &str = "
pragma file.page_size = 4096;
pragma file.encoding = 'UTF-8';
pragma file.journal_mode = memory;
pragma file.synchronous = off;
pragma file.cache_size = -16384;
";

const TABLES: &str = "
create table file.v1_resource_types (
    id integer primary key,
    external_id text not null,
    data blob not null,
    sync_id text not null,
    discovered_at datetime not null
);
create table file.v1_resources (
    id integer primary key,
    resource_type_id text not null,
    external_id text not null,
    parent_resource_type_id text,
    parent_resource_id text,
    data blob not null,
    sync_id text not null,
    discovered_at datetime not null
);
create table file.v1_entitlements (
    id integer primary key,
    resource_type_id text not null,
    resource_id text not null,
    external_id text not null,
    data blob not null,
    sync_id text not null,
    discovered_at datetime not null
);
create table file.v1_grants (
    id integer primary key,
    resource_type_id text not null,
    resource_id text not null,
    entitlement_id text not null,
    principal_resource_type_id text not null,
    principal_resource_id text not null,
    external_id text not null,
    expansion blob,
    needs_expansion integer not null default 0,
    data blob not null,
    sync_id text not null,
    discovered_at datetime not null
);
create table file.v1_sync_runs (
    id integer primary key,
    sync_id text not null,
    started_at datetime not null,
    ended_at datetime,
    sync_token text not null,
    sync_type text not null default 'full',
    parent_sync_id text not null default '',
    linked_sync_id text not null default '',
    supports_diff integer not null default 0
);
create table file.v1_assets (
    id integer primary key,
    external_id text not null,
    content_type text not null,
    data blob not null,
    sync_id text not null,
    discovered_at datetime not null
);
create table file.v1_connector_sessions (
    id integer primary key,
    sync_id text not null,
    key text not null,
    value blob not null
);
";

/// Indexes of few rows. They are there before the rows, which spares looking for those few among
/// all.
const PARTIAL_INDEXES: &str = "
create index file.idx_grants_sync_expansion_v1 on v1_grants (sync_id) where expansion is not null;
create index file.idx_grants_sync_needs_expansion_v1 on v1_grants (sync_id) where needs_expansion = 1;
";

/// The names of the second and third are swapped against their columns in every real file, and
/// readers look for indexes by name.
const INDEXES: &str = "
create unique index file.idx_resource_types_external_sync_v1 on v1_resource_types (external_id, sync_id);
create index file.idx_resources_resource_type_id_v1 on v1_resources (resource_type_id);
create index file.idx_resources_external_sync_v1 on v1_resources (parent_resource_type_id, parent_resource_id);
create unique index file.idx_resources_parent_resource_id_v1 on v1_resources (external_id, sync_id);
create index file.idx_entitlements_resource_id_v1 on v1_entitlements (resource_type_id, resource_id);
create index file.idx_grants_resource_type_id_resource_id_v1 on v1_grants (resource_type_id, resource_id);
create index file.idx_grants_principal_id_v1 on v1_grants (principal_resource_type_id, principal_resource_id);
create index file.idx_grants_entitlement_id_principal_id_v1
    on v1_grants (entitlement_id, principal_resource_type_id, principal_resource_id);
create unique index file.idx_sync_runs_sync_id_v1 on v1_sync_runs (sync_id);
create unique index file.idx_assets_external_sync_v1 on v1_assets (external_id, sync_id);
create unique index file.idx_session_store_sync_key_v1 on v1_connector_sessions (sync_id, key);
";

/// The unique indexes that records of a vendor can break: their ids are parts joined by colons,
/// and the parts may hold colons.
const UNIQUE_IDS: [(&str, &str); 2] =
    [("v1_entitlements", "idx_entitlements_external_sync_v1"), ("v1_grants", "idx_grants_external_sync_v1")];

const INSERT_RESOURCE: &str = "
insert into file.v1_resources (resource_type_id, external_id, parent_resource_type_id,
    parent_resource_id, data, sync_id, discovered_at)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

const INSERT_ENTITLEMENT: &str = "
insert into file.v1_entitlements (resource_type_id, resource_id, external_id, data, sync_id,
    discovered_at)
values (?1, ?2, ?3, ?4, ?5, ?6)";

const INSERT_GRANT: &str = "
insert into file.v1_grants (resource_type_id, resource_id, entitlement_id,
    principal_resource_type_id, principal_resource_id, external_id, expansion, needs_expansion,
    data, sync_id, discovered_at)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

/// Ambiguous ids that are named.
const SAMPLES: i64 = 5;

/// The times of a run, in the file's form.
pub(super) struct Times {
    pub(super) started_at: String,
    pub(super) ended_at: String,
}

/// What went into the database.
pub(super) struct Written {
    pub(super) totals: Totals,
    pub(super) derived: u64,
    pub(super) ambiguous: Vec<String>,
}

impl WorkingStore {
    /// Writes the database into an empty file.
    pub(super) fn write_database(
        &self,
        into: &ScratchFile,
        sync_id: &str,
        times: &Times,
        expanded: Option<&Expanded>,
    ) -> Result<Written, StoreError> {
        into.attach(&self.connection, "file")?;
        let written = self.fill_database(sync_id, times, expanded);
        let detached = self.connection.execute_batch("detach file");
        let written = written?;
        detached.doing(|| self.doing("sealing"))?;
        Ok(written)
    }

    fn fill_database(&self, sync_id: &str, times: &Times, expanded: Option<&Expanded>) -> Result<Written, StoreError> {
        let doing = || self.doing("sealing");
        self.connection.execute_batch(SETTINGS).doing(doing)?;
        let transaction = self.connection.unchecked_transaction().doing(doing)?;
        transaction.execute_batch(TABLES).doing(doing)?;
        transaction.execute_batch(PARTIAL_INDEXES).doing(doing)?;
        let row = [sync_id, times.started_at.as_str()];
        self.insert_types_into_file(row).doing(doing)?;
        self.insert_resources_into_file(row)?;
        self.insert_entitlements_into_file(row)?;
        let derived = self.insert_grants_into_file(row, expanded)?;
        let ambiguous = self.index().doing(doing)?;
        transaction
            .execute(
                "insert into file.v1_sync_runs (sync_id, started_at, ended_at, sync_token,
                     sync_type, parent_sync_id, linked_sync_id, supports_diff)
                 values (?1, ?2, ?3, '', 'full', '', '', 1)",
                [sync_id, &times.started_at, &times.ended_at],
            )
            .doing(doing)?;
        let totals = self.count_file().doing(doing)?;
        transaction.commit().doing(doing)?;
        if !ambiguous.is_empty() {
            self.connection.execute_batch("vacuum file").doing(doing)?;
        }
        Ok(Written { totals, derived, ambiguous })
    }

    fn insert_types_into_file(&self, row: [&str; 2]) -> rusqlite::Result<()> {
        let mut insert = self.connection.prepare(
            "insert into file.v1_resource_types (external_id, data, sync_id, discovered_at)
             values (?1, ?2, ?3, ?4)",
        )?;
        for entry in self.types.values() {
            let data = encode::resource_type(&entry.definition).encode_to_vec();
            insert.execute(params![entry.definition.id, data, row[0], row[1]])?;
        }
        Ok(())
    }

    fn insert_resources_into_file(&self, row: [&str; 2]) -> Result<(), StoreError> {
        let doing = || self.doing("sealing");
        let mut insert = self.connection.prepare(INSERT_RESOURCE).doing(doing)?;
        let names = self.type_names();
        let mut id = String::new();
        self.each_placed(&self.settled()?.resources, |mut placed, data| {
            let kind = names.name(placed.key.kind()?);
            join(&mut id, &[kind, &placed.key.part()?]);
            let (parent_type, parent) = placed.parent()?.unzip();
            insert.execute(params![kind, id, parent_type, parent, data, row[0], row[1]]).doing(doing).map(|_| ())
        })
    }

    fn insert_entitlements_into_file(&self, row: [&str; 2]) -> Result<(), StoreError> {
        let doing = || self.doing("sealing");
        let mut insert = self.connection.prepare(INSERT_ENTITLEMENT).doing(doing)?;
        let names = self.type_names();
        let mut id = String::new();
        self.each_placed(&self.settled()?.entitlements, |mut placed, data| {
            let kind = names.name(placed.key.kind()?);
            let resource = placed.key.part()?;
            join(&mut id, &[kind, &resource, &placed.key.part()?]);
            insert.execute(params![kind, resource, id, data, row[0], row[1]]).doing(doing).map(|_| ())
        })
    }

    /// Returns how many of them expansion made.
    fn insert_grants_into_file(&self, row: [&str; 2], expanded: Option<&Expanded>) -> Result<u64, StoreError> {
        let doing = || self.doing("sealing");
        let mut insert = self.connection.prepare(INSERT_GRANT).doing(doing)?;
        let (mut entitlement, mut id) = (String::new(), String::new());
        let mut bytes = GrantBytes::new();
        let mut derived = 0;
        self.each_grant(expanded, &mut |grant| {
            grant.entitlement_id(&mut entitlement);
            grant.id(&mut id);
            let kept = grant.kept()?;
            let expansion = grant.expansion.as_ref().map(engine_proto::Message::encode_to_vec);
            let data = bytes.of(&grant, &entitlement, &id, kept.as_ref());
            derived += u64::from(grant.derived);
            insert
                .execute(params![
                    grant.resource_type,
                    grant.resource,
                    entitlement,
                    grant.principal_type,
                    grant.principal,
                    id,
                    expansion,
                    expansion.is_some(),
                    data,
                    row[0],
                    row[1],
                ])
                .doing(doing)?;
            Ok(())
        })?;
        Ok(derived)
    }

    /// Makes the indexes. Where two records have the same id, the later one goes; returns some of
    /// those ids.
    fn index(&self) -> rusqlite::Result<Vec<String>> {
        let mut ambiguous = Vec::new();
        for (table, index) in UNIQUE_IDS {
            let create = format!("create unique index file.{index} on {table} (external_id, sync_id)");
            match self.connection.execute_batch(&create) {
                Err(error) if is_conflict(&error) => {}
                result => {
                    result?;
                    continue;
                }
            }
            let mut repeated = self.connection.prepare(&format!(
                "select external_id from file.{table} group by external_id having count(*) > 1
                 order by external_id limit {SAMPLES}"
            ))?;
            let repeated = repeated.query_map([], |row| row.get(0))?;
            ambiguous.extend(repeated.collect::<rusqlite::Result<Vec<String>>>()?);
            self.connection.execute_batch(&format!(
                "delete from file.{table} where id not in
                     (select min(id) from file.{table} group by external_id)"
            ))?;
            self.connection.execute_batch(&create)?;
        }
        self.connection.execute_batch(INDEXES)?;
        Ok(ambiguous)
    }

    fn count_file(&self) -> rusqlite::Result<Totals> {
        Ok(Totals {
            resource_types: self.count_rows("v1_resource_types")?,
            resources: self.count_rows("v1_resources")?,
            entitlements: self.count_rows("v1_entitlements")?,
            grants: self.count_rows("v1_grants")?,
        })
    }

    fn count_rows(&self, table: &str) -> rusqlite::Result<u64> {
        let count: i64 =
            self.connection.query_row(&format!("select count(*) from file.{table}"), [], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

fn is_conflict(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}
